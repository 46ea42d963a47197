"""The process that test_crash kills: a service that is fed a fixed story of edges, over and over from its beginning, as
a gateway does that evaluates its stored frames again after a crash.

    python -m tests.alerting.victim ALARM_FILE DIARY "until killed" | "finish" | "without sync"

stdout: "ready", then one line per committed transition, "done" at the end. DIARY: one line per notice handed over.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import random
import sys
import time
from contextlib import suppress

from alerting.engine import Transition
from alerting.ledger import AlarmLedger, Work
from alerting.overlays.hold import Kind
from alerting.overlays.overlays import Ask
from alerting.service import AlarmService, AlarmSettings
from gateway.model.clock import NS, ManualClock
from gateway.model.errors import CommandError
from gateway.model.ports import Notice
from gateway.model.verdict import Edge
from tests.alerting.sites import START_NS, depot, edge, verdicts

SITE = depot()
UNTOUCHED = ("GD-01/H", "GD-01/HH", "GD-02/H", "GD-02/ROC+", "tank_farm/blind")  # nobody acknowledges these
HANDLED = "GD-03/HH"
BYPASSED = "GD-02/H"  # P2: people are told that it is bypassed
LENGTH = 3000


def story() -> list[Edge]:
    chance = random.Random(1815)
    active = dict.fromkeys((*UNTOUCHED, HANDLED), False)
    edges = []
    for second in range(1, LENGTH + 1):
        alarm = chance.choice(tuple(active))
        active[alarm] = not active[alarm]
        edges.append(edge(SITE, alarm, active[alarm], second, float(second)))
    return edges


class Diary:
    """A notifier that hands over to a file. What write(2) took survives kill -9."""

    id = "diary"

    def __init__(self, path: str):
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    async def send(self, notice: Notice) -> None:
        text = json.dumps(notice.payload, sort_keys=True).encode()
        os.write(self._file, f"{notice.key}\t{hashlib.sha256(text).hexdigest()}\n".encode())


def say(*words: object) -> None:
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def committed(transitions: tuple[Transition, ...], _: int) -> None:
    for step in transitions:
        say("committed", step.alarm, step.occurrence, step.event)


class Careless(AlarmLedger):
    """What the power cuts must find out: commits that are not on the medium."""

    def commit(self, work: Work) -> None:
        self._connection.execute("PRAGMA synchronous = OFF")
        super().commit(work)


async def main(path: str, diary: str, how: str) -> None:
    behind_ns = LENGTH * 2 * NS + time.monotonic_ns() % (20 * 86_400 * NS)  # a later life is later on both clocks
    clock = ManualClock(START_NS + behind_ns, behind_ns)
    settings = AlarmSettings(commit_bound_s=60)
    ledger = Careless(path) if how == "without sync" else AlarmLedger(path)
    service = AlarmService(SITE.alarms, SITE, ledger, [Diary(diary)], clock, settings)
    service.on_commit.append(committed)
    await service.start()
    say("ready")
    pace = random.Random()
    for number, one in enumerate(story()):
        service.apply(verdicts(one))
        if how != "finish" and pace.random() < 0.3:
            await asyncio.sleep(pace.uniform(0, 0.002))
        if number % 40 == 0:
            clock.advance(0.001)
            with suppress(CommandError):  # nothing to acknowledge at this moment of this life
                await service.acknowledge(HANDLED, "Li")
        if number % 40 == 20:
            clock.advance(1)
            with suppress(CommandError):  # it stands already, also from another life
                await service.hold(Kind.BYPASS, Ask(BYPASSED, "Li", "calibration", 3))
        elif number % 120 == 60:
            with suppress(CommandError):  # it is over by itself
                await service.end_hold(Kind.BYPASS, BYPASSED, "Li")
    while service.status().uncommitted or service.status().notifiers[0].pending:
        await asyncio.sleep(0.005)
    await service.close()
    say("done")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

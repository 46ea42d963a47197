"""`python -m benchmarks.storm.lamp FOLDER URL ALARMS SECONDS bundle|single`: the alarm service of a gateway in a
storm; its webhook bundles, or takes each notice by itself.

stdout, JSON lines: {"ready": seconds from start to all taken up, "known": ...}; a line on stdin begins the storm;
{"stormed": ...} when every transition is on disk and every P1 is handed over. Then it goes on delivering until killed.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path

from alerting.channel_rules import ChannelRules
from alerting.engine import Transition
from alerting.ledger import AlarmLedger
from alerting.notifiers.config import WebhookSettings
from alerting.notifiers.webhook import WebhookNotifier
from alerting.service import AlarmService, AlarmSettings
from benchmarks.storm import story
from gateway.model.alarm import Priority
from gateway.model.clock import TimeLine
from gateway.model.ports import Notice
from gateway.model.verdict import Edge, Verdicts


class Timed:
    """A notifier that notes when it is given a notice."""

    id = "phone"

    def __init__(self, url: str):
        self._webhook = WebhookNotifier(WebhookSettings(id=self.id, type="webhook", url=url))
        self.handed: dict[str, int] = {}  # key -> monotonic ns

    async def send(self, notice: Notice) -> None:
        self.handed.setdefault(notice.key, time.monotonic_ns())
        await self._webhook.send(notice)


def say(**what: object) -> None:
    os.write(1, (json.dumps(what) + "\n").encode())


async def main(folder: str, url: str, alarms: int, seconds: float, bundles: bool) -> None:
    site, clock, phone = story.site(alarms), TimeLine(), Timed(url)
    ledger = AlarmLedger(Path(folder) / "alarms.db")
    service = AlarmService(site.alarms, site, ledger, [phone], clock, AlarmSettings(
        channels={phone.id: ChannelRules(bundles=bundles)}))
    raised: dict[tuple[str, int], int] = {}  # (alarm, occurrence) -> monotonic ns of the raise, P1 only
    committed = 0

    def count(transitions: tuple[Transition, ...], _: int) -> None:
        nonlocal committed
        committed += len(transitions)

    service.on_commit.append(count)
    began = time.monotonic()
    await service.start()
    say(ready=time.monotonic() - began, known={
        "standing": len(service.views()), "active": sum(view.active for view in service.views()),
        "notices": service.status().notifiers[0].pending})
    await asyncio.to_thread(sys.stdin.readline)
    planned = list(story.ticks(story.moves(alarms, seconds)))
    number = [site.alarms.index(story.id_of(alarm)) for alarm in range(alarms)]
    start, late_s, busy = asyncio.get_running_loop().time(), 0.0, time.process_time()
    first_ns = time.monotonic_ns()
    for due, moves in planned:
        await asyncio.sleep(max(0.0, start + due - asyncio.get_running_loop().time()))
        late_s = max(late_s, asyncio.get_running_loop().time() - start - due)
        now, at = clock.now(), time.monotonic_ns()
        service.apply(Verdicts.from_edges([Edge(number[move.alarm], move.active, 1.0, now.line_ns, now.wall_ns)
                                           for move in moves]))
        for move in moves:
            if move.active and story.priority(move.alarm) is Priority.P1:
                view = service.view(story.id_of(move.alarm))
                raised[view.definition.id, view.occurrence] = at
    busy = time.process_time() - busy
    transitions = sum(len(moves) for _, moves in planned)

    def missing() -> bool:
        return committed < transitions or len(p1_ms(phone, raised)) < len(raised)

    while missing():
        await asyncio.sleep(0.01)
    status = service.status()
    say(stormed={"transitions": transitions, "committed": committed, "p1_ms": p1_ms(phone, raised), "late_s": late_s,
                 "cpu_s": busy, "first_ns": first_ns, "pending": status.notifiers[0].pending,
                 "given_up": status.notifiers[0].counters["given_up"], "counters": status.counters,
                 "not_recorded": status.counters["notices_not_recorded"]})
    while service.status().notifiers[0].pending:
        await asyncio.sleep(0.05)
    say(drained={"delivered": service.status().notifiers[0].counters["delivered"],
                 "given_up": service.status().notifiers[0].counters["given_up"],
                 "after_s": asyncio.get_running_loop().time() - start})
    await asyncio.Event().wait()


def p1_ms(phone: Timed, raised: dict[tuple[str, int], int]) -> list[float]:
    """Raise to the channel, of each P1 that was handed over."""
    handed = {}
    for key, at in phone.handed.items():
        head, _, event = key.rpartition(":")
        if event == "raise":
            alarm, _, rest = head.partition("/")[2].rpartition("#")
            handed[alarm, int(rest.partition("@")[0])] = at
    return [(handed[one] - at) / 1e6 for one, at in raised.items() if one in handed]


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]), sys.argv[5] == "bundle"))

"""The process that test_crash kills: a P1 that nobody acknowledges. Its ladder is climbed as fast as the disk allows.

    python -m tests.alerting.oncall.victim ALARM_FILE DIARY STEPS

stdout: "ready", then a line per step, "done" when so many steps have been taken in all lives.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import closing

from alerting.ledger import AlarmLedger
from alerting.service import AlarmService, AlarmSettings
from gateway.model.clock import ManualClock
from tests.alerting.oncall.people import ROUTING
from tests.alerting.sites import START_NS, edge, verdicts
from tests.alerting.victim import SITE, Diary, say

ALARM = "GD-01/HH"


class Channel(Diary):
    def __init__(self, id: str, path: str):
        super().__init__(path)
        self.id = id


async def main(path: str, diary: str, steps: str) -> None:
    with closing(AlarmLedger(path)) as ledger:
        ladders = {ladder.alarm: ladder for ladder in ledger.open().ladders}
    begun = ALARM in ladders
    line_ns = ladders[ALARM].due_line_ns - 10**9 if begun else 0
    clock = ManualClock(START_NS + line_ns, line_ns)
    service = AlarmService(SITE.alarms, SITE, AlarmLedger(path), [Channel(id, diary) for id in ROUTING.channels], clock,
                           AlarmSettings(commit_bound_s=60), ROUTING)
    await service.start()
    say("ready")
    if not begun:
        service.apply(verdicts(edge(SITE, ALARM, True, clock.now().line_ns / 1e9 + 1)))
    while await step(service, clock) < int(steps):
        pass
    while service.status().uncommitted or any(one.pending for one in service.status().notifiers):
        await asyncio.sleep(0.005)
    await service.close()
    say("done")


async def step(service: AlarmService, clock: ManualClock) -> int:
    before = service.status().counters["commits"]
    clock.advance(900)
    service.apply(verdicts())
    while service.status().counters["commits"] == before:
        await asyncio.sleep(0.001)
    say("step")
    return (await service.history(1))[0].body.get("step", 0)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

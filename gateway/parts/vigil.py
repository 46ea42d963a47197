"""Who watches the gateway itself: its own faults, its heart and those of its peers, its tests and drills."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from dataclasses import dataclass

from gateway.api.entrance import Entrance
from gateway.config import SiteFile
from gateway.fleet.reporter import Reporter
from gateway.health import Health
from gateway.logs import LogLevel
from gateway.model.errors import LedgerError
from gateway.model.site import Site
from gateway.model.text import Text
from gateway.overdue import Overdue
from gateway.parts.chain import Chain
from gateway.parts.databases import Databases
from gateway.parts.field import Field
from gateway.vigil.drill import Drills
from gateway.vigil.heartbeat import Heartbeat
from gateway.vigil.peers import Peers
from gateway.vigil.selftest import SelfTest

log = logging.getLogger(__name__)

JUDGE_S = 1.0
PROOF_TESTS_S = 60.0  # the proof-test log is looked through so often


@dataclass(frozen=True, slots=True)
class Vigil:
    chain: Chain
    health: Health
    peers: Peers
    heartbeat: Heartbeat
    overdue: Overdue
    drills: Drills
    selftest: SelfTest
    logs: LogLevel
    reporter: Reporter | None  # to a centre

    def adopt(self, standing: Collection[str]) -> None:
        """These alarms stand in the alarm file: what is judged here is ended when it is over."""
        self.health.adopt(standing)
        self.peers.adopt(standing)
        self.overdue.adopt(standing)

    def hung(self) -> Text:
        """Which of our own tasks make no progress; empty when all do."""
        return _hung(self.health, self.chain)

    def unwell(self) -> Text:
        """What of our own does not work; empty: nothing. A device or a database that is away does not count."""
        failing = [failure.detector for failure in self.chain.bank.failures if failure.standing]
        reasons = (self.hung(), Text(", ".join(sorted(self.health.stopped)), "、".join(sorted(self.health.stopped))),
                   Text.same(", ".join(failing)))
        return next((reason for reason in reasons if reason.en), Text("", ""))

    def task_stopped(self, name: str) -> None:
        """It becomes the alarm `gateway/task`."""
        self.health.stopped.add(name)
        self.health.restarts += 1

    def task_again(self, name: str) -> None:
        self.health.stopped.discard(name)

    async def judge(self) -> None:
        """Until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(JUDGE_S)

    def look(self) -> None:
        """Once a second: own faults and peers, by the clock that has just been judged."""
        clock, alarms = self.chain.clock, self.chain.alarms
        if self.chain.timekeeping.judge() is not None:
            self.health.clock_steps += 1
        alarms.apply(self.health.judge(clock.now()))
        alarms.apply(self.peers.judge(clock.now()))
        self.logs.judge()

    async def judge_proof_tests(self) -> None:
        """Until cancelled."""
        while True:
            await self.look_at_proof_tests()
            await asyncio.sleep(PROOF_TESTS_S)

    async def look_at_proof_tests(self) -> None:
        """Which of them are overdue."""
        alarms = self.chain.alarms
        try:
            tests, first = await alarms.strokes(), await alarms.history(1, before=2)
        except LedgerError as error:  # which has an alarm of its own
            log.warning("proof tests can not be judged: %s", error)
        else:
            begun_wall_ns = first[0].wall_ns if first else None
            alarms.apply(self.overdue.judge(tests, begun_wall_ns, self.chain.clock.now()))


def build_vigil(site_file: SiteFile, site: Site, chain: Chain, entrance: Entrance, field: Field,
                databases: Databases) -> Vigil:
    """It looks at the other parts; they do not know of it."""
    alarms, clock = chain.alarms, chain.clock
    health = Health(site.alarms, chain.pipeline, chain.bank, chain.store, field.sources, databases.sinks,
                    archive_fails=lambda: databases.historian.trouble is not None,
                    certificate_ends=entrance.ends, outputs_fail=lambda: field.annunciation.failing)
    peers = Peers(site.peers, site.alarms, clock.now())
    heartbeat = Heartbeat(site_file.heartbeat, site.id, clock, lambda: _hung(health, chain), peers)
    selftest = SelfTest(site_file.selftest, site, chain.pipeline, alarms, clock, notifies=bool(site_file.notifiers))
    reporter = None if site_file.centre is None else Reporter(site_file.centre, site.id, clock)
    found = Vigil(chain, health, peers, heartbeat, Overdue(site), Drills(site, alarms, clock), selftest, LogLevel(),
                  reporter)
    found.adopt(chain.standing())
    return found


def _hung(health: Health, chain: Chain) -> Text:
    return health.hung(chain.clock.now(), chain.alarms.pulses())

"""The chain from a frame to an alarm on disk. It goes on where the last run stopped.

    data folder --> clock --> store --> bank --> alarm service --> pipeline, which evaluates what was stored and was not
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Collection
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from alerting import ledger
from alerting.service import AlarmService
from gateway.config import SiteFile
from gateway.core.bank import Bank
from gateway.core.plant import Plant
from gateway.data_folder import ALARM_FILE, TELEMETRY
from gateway.model.alarm import DRILL_PREFIX
from gateway.model.clock import NS, Instant, TimeLine
from gateway.model.site import Site
from gateway.parts.people import People, alarm_settings
from gateway.pipeline import Pipeline
from gateway.store import StoreSettings, TelemetryStore, kept, last_instant
from gateway.teaching import Teaching
from gateway.timekeeping import KEPT, Timekeeping

log = logging.getLogger(__name__)

SNAPSHOT_EVERY_S = 300.0


@dataclass(frozen=True, slots=True)
class Chain:
    """began: when this run did."""

    began: Instant
    clock: TimeLine
    store: TelemetryStore
    bank: Bank
    alarms: AlarmService
    teaching: Teaching
    timekeeping: Timekeeping
    pipeline: Pipeline

    def standing(self) -> frozenset[str]:
        """Ids of the alarms whose condition stands for the alarm service."""
        return _standing(self.alarms)

    def adopt(self, standing: Collection[str]) -> None:
        """These alarms stand in an alarm file that came late: those of signals and rules are ended by the bank."""
        self.bank.adopt(alarm for alarm in standing if not alarm.startswith(("gateway/", DRILL_PREFIX)))

    async def save_snapshots(self) -> None:
        """Until cancelled: the state of detection, so that a start has little to evaluate."""
        while True:
            await asyncio.sleep(SNAPSHOT_EVERY_S)
            self.pipeline.snapshot()


async def begin_chain(site_file: SiteFile, site: Site, folder: Path, people: People, closing: AsyncExitStack) -> Chain:
    """site: that of the site file, with the alarms of its drills. A disk that can not be used is no error here: store
    and alarm file say so themselves, and try again."""
    clock, away_s = _resumed(folder, site_file.clock_kept)
    began = clock.now()
    section = site_file.store
    store = TelemetryStore(folder / TELEMETRY, site.signals, StoreSettings(
        commit_interval_s=section.commit_interval, max_size=section.max_size, max_age_s=section.max_age), clock)
    store.open()
    closing.push_async_callback(store.close)
    bank = Bank(site)
    alarms = AlarmService(site.alarms, site, ledger.AlarmLedger(folder / ALARM_FILE), people.notifiers, clock,
                          alarm_settings(site_file, people.seal), people.routing)
    teaching = Teaching(site, bank, alarms, clock)
    alarms.on_holds = teaching.hold
    alarms.connect(Plant(site.signals, bank.latest))
    timekeeping = Timekeeping(clock, store, alarms.note)
    alarms.told = timekeeping.told
    await alarms.start(away_s)
    closing.push_async_callback(alarms.close)
    pipeline = Pipeline(bank, store, alarms.apply, clock)
    replayed = pipeline.replay(lambda: _standing(alarms))
    closing.callback(pipeline.close)
    log.info("%s: %d signals, %d alarms, %d stored samples evaluated", site.id, len(site.signals), len(site.alarms),
             replayed)
    return Chain(began, clock, store, bank, alarms, teaching, timekeeping, pipeline)


def _resumed(folder: Path, clock_kept: bool) -> tuple[TimeLine, float]:
    """The time line, from the last instant that is known; and for how many seconds nothing was measured: 0 at the first
    start, infinite where nobody knows."""
    heard = last_instant(folder / TELEMETRY)
    known = [instant for instant in (heard, ledger.last_instant(folder / ALARM_FILE)) if instant is not None]
    saved = kept(folder / TELEMETRY, KEPT)
    clock = TimeLine.resume(max(known, key=lambda instant: instant.line_ns, default=None),
                            None if saved is None else saved.data, kept=clock_kept,
                            latest_ns=heard.wall_ns if heard is not None and heard.trusted else 0)
    return clock, _away_s(heard, clock) if known else 0.0


def _away_s(heard: Instant | None, clock: TimeLine) -> float:
    """For how long nothing was measured. Infinite where a wall clock that was not synchronised has to say it."""
    now = clock.now()
    if heard is not None and clock.same_machine_run:
        return max(now.line_ns - heard.line_ns, 0) / NS
    if heard is None or not (heard.trusted and now.trusted):
        return math.inf
    return max(now.wall_ns - heard.wall_ns, 0) / NS


def _standing(alarms: AlarmService) -> frozenset[str]:
    return frozenset(view.definition.id for view in alarms.views() if view.state.condition)

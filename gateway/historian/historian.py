"""Once a minute: count the samples that came, write down how the site and the gateway are, and tell the databases.

Samples are taken from the telemetry store, not from the pipeline: what is counted is what is durable, and after a crash
counting goes on where the archive says it stood. A sample counts in the minute of its own stamp, however late it comes.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

from alerting.figures.report import HOUR_NS
from alerting.service import AlarmService
from gateway.core.bank import Bank
from gateway.historian import performance
from gateway.historian.summary import Summary, signal_rows
from gateway.model.clock import NS, Clock, Instant
from gateway.model.correction import Told
from gateway.model.errors import StoreError
from gateway.model.frame import Frame
from gateway.model.site import Site
from gateway.model.text import Text
from gateway.sinks import schema
from gateway.store.archive import STAMPED, Archive, Row
from gateway.store.minutes import MINUTE_NS, Minutes

log = logging.getLogger(__name__)

RETRY_S: Final = 5.0  # after the disk did not take it
_SAMPLES: Final = 100_000  # counted in one transaction
_OLDEST_KPI: Final = 31 * 24  # hours: the figures know no more


class Telemetry(Protocol):
    """gateway.store.TelemetryStore."""

    durable_position: int
    sure_position: int
    oldest_position: int

    async def read(self, start: int, stop: int, max_samples: int) -> tuple[Frame, int]: ...


@dataclass(frozen=True, slots=True)
class Limits:
    """Of the archive: days and bytes."""

    max_age_days: float = 730.0
    max_size: int = 4_000_000_000


@dataclass
class Historian:
    """own: fields of the `gateway` row. wake: whom to tell that there is something new. told(line_ns, wall_ns): a wall
    time as is known now.

    missed_samples  deleted by retention before they were counted
    trouble         why the archive can not be written
    """

    site: Site
    archive: Archive
    store: Telemetry
    bank: Bank
    alarms: AlarmService
    clock: Clock
    own: Callable[[Instant], Mapping[str, Any]]
    limits: Limits = field(default_factory=Limits)
    settle_s: float = 1.0  # after a minute is over: its last samples are on their way to the disk
    wake: tuple[Callable[[], None], ...] = ()
    told: Callable[[int, int], Told] = lambda line_ns, wall_ns: Told(wall_ns)
    missed_samples: int = 0
    trouble: Text | None = None

    def __post_init__(self) -> None:
        self._summary, self._turn = Summary(self.site, self.bank, self.alarms), asyncio.Lock()
        self._hour: int | None = None  # the last one of which the names were written
        self._settled = 0  # the hour before which all figures are written, or there are none
        self._looked: tuple[int, dict[str, int]] | None = None  # hour, and what stood when it was looked at last
        self._unset_at: Instant | None = None  # the last look at which nobody knew what time it was

    def look(self) -> None:
        """After every step of the pipeline: the rows of the site say the worst of each minute."""
        self._summary.look(self.clock.now())

    async def run(self) -> None:
        """Until cancelled."""
        await self.alarms.figures_known()
        while True:
            await self.keep()
            now = self.clock.now()
            rest_s = (MINUTE_NS - now.wall_ns % MINUTE_NS) / NS + self.settle_s
            await asyncio.sleep(rest_s if self.trouble is None else min(rest_s, RETRY_S))

    async def close(self) -> None:
        """Save how far the databases are; else the last minute is sent again, which does no harm."""
        try:
            await asyncio.to_thread(self.archive.close)
        except StoreError as error:
            log.warning("%s", error)

    async def keep(self) -> None:
        """Everything up to the minute that has just begun. A disk that does not take it is tried again soon."""
        async with self._turn:  # two at once would count the same samples
            await self._keep(self.clock.now())
        for wake in self.wake:
            wake()

    async def _keep(self, now: Instant) -> None:
        try:
            unset = self.told(now.line_ns, now.wall_ns).after_s is not None
            if not self.archive.opened:
                await asyncio.to_thread(self.archive.open)
                if not unset:  # else what the life before wrote waits, as this one does, for the time to arrive
                    await asyncio.to_thread(self.archive.correct, lambda *stamp: self.told(*stamp).wall_ns)
            counted, hour = await self._count(now), now.wall_ns // HOUR_NS
            if not unset and self._unset_at is not None:
                await self._put_right(counted, self._unset_at)
            rows, over = self._rows(now), list(self._summary.over)
            if unset:
                rows, self._unset_at = [_stamped(row, now) for row in (*rows, *over)], now
            else:
                rows += [*over, *await self._hours(now, over)]
            await asyncio.to_thread(self.archive.add, Minutes.empty(), counted, rows)
            if not unset:
                self._settled = hour
            self._summary.written(over)
            if self._hour != hour:
                days = self.limits.max_age_days if now.trusted else math.inf  # a wrong clock must not delete
                await asyncio.to_thread(self.archive.tidy, now.wall_ns // MINUTE_NS, days, self.limits.max_size)
                self._hour = hour
        except StoreError as error:
            trouble = Text(error.message("en"), error.message("zh"))
            if self.trouble != trouble:
                log.error("%s", trouble)
            self.trouble = trouble
        else:
            self.trouble = None

    async def _count(self, now: Instant) -> int:
        """What arrived before the minute that has just begun; its own samples are counted when it is over."""
        begun_ns = now.line_ns - now.wall_ns % MINUTE_NS
        counted, stop = self.archive.counted, self.store.sure_position
        if counted > self.store.durable_position:
            log.warning("the telemetry store is a new one: minutes are counted from its beginning")
            counted = 0
        if (missed := self.store.oldest_position - counted) > 0 and counted:
            self.missed_samples += missed
            log.warning("%d samples were deleted before they were counted into minutes", missed)
        counted = max(counted, self.store.oldest_position)
        while counted < stop:
            frame, reached = await self.store.read(counted, stop, _SAMPLES)
            young = frame.line_ns >= begun_ns
            if over := bool(young.any()):
                first = int(young.argmax())
                frame, reached = await self.store.read(counted, stop, first) if first else (Frame.empty(), counted)
            minutes = await asyncio.to_thread(Minutes.of, frame)
            await asyncio.to_thread(self.archive.add, minutes, reached)
            counted = reached
            if over:
                break
        return counted

    def _rows(self, now: Instant) -> list[Row]:
        minute = now.wall_ns // MINUTE_NS * MINUTE_NS
        names = signal_rows(self.site, minute) if self._hour != now.wall_ns // HOUR_NS else ()
        return [self._summary.row(self.clock.now()),
                Row(schema.GATEWAY.name, minute, {"site": self.site.id}, self.own(now)), *names]

    async def _hours(self, now: Instant, over: Sequence[Row]) -> list[Row]:
        """Figures of the hours that have ended. over: rows of the site that are not on disk yet."""
        last, hour = await asyncio.to_thread(self.archive.last, schema.KPI.name), now.wall_ns // HOUR_NS
        first = (hour if self._looked is None else self._looked[0]) if last is None else last // HOUR_NS + 1
        found = []
        for one in range(max(first, self._settled, hour - _OLDEST_KPI), hour):
            minutes = await asyncio.to_thread(self.archive.rows, schema.SITE.name, one * HOUR_NS, (one + 1) * HOUR_NS)
            online = {row.wall_ns: row.fields["online_ratio"] for row in (*minutes, *over)
                      if row.wall_ns // HOUR_NS == one}
            looked = self._looked[1] if self._looked is not None and self._looked[0] == one else None
            figures = performance.of_hour(self.site.id, self.alarms.figures, one * HOUR_NS, list(online.values()),
                                          looked)
            found += [] if figures is None else [figures]
        self._looked = hour, performance.gauges(self.alarms.figures, self.alarms.views(), self.alarms.holds, now)
        return found

    async def _put_right(self, counted: int, unset_at: Instant) -> None:
        """The time has arrived: rows that were stamped before get their true one. unset_at: the last look before."""
        shown_ns, true_ns = unset_at.wall_ns, self.told(unset_at.line_ns, unset_at.wall_ns).wall_ns
        over = [row for row in self._summary.over if abs(row.wall_ns - shown_ns) < abs(row.wall_ns - true_ns)]
        await asyncio.to_thread(self.archive.add, Minutes.empty(), counted, [_stamped(row, unset_at) for row in over])
        self._summary.written(over)
        await asyncio.to_thread(self.archive.correct, lambda *stamp: self.told(*stamp).wall_ns)
        self._unset_at = None


def _stamped(row: Row, now: Instant) -> Row:
    """A row of which nobody knows the time yet."""
    return replace(row, tags={**row.tags, STAMPED: f"{now.line_ns}/{now.wall_ns}"},
                   fields={**row.fields, schema.CLOCK_UNTRUSTED: True})

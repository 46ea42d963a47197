"""The figures of a running gateway: told of every transition, and of the past as soon as it has been read.

Reading the journal takes a moment and is done in a thread; until then the figures count from the start. Then they are
made anew from the past and what has come since, and the journal is made to agree: a burst that ended while nobody was
looking gets its end.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from alerting.engine import Transition
from alerting.figures.bursts import Act, BurstStep, Kind
from alerting.figures.figures import Figures
from alerting.figures.past import Open, resumed
from alerting.ledger import Record
from gateway.model.alarm import AlarmTable
from gateway.model.clock import Clock, Instant
from gateway.model.errors import LedgerError

log = logging.getLogger(__name__)

_KEPT_UNTIL_READ: Final = 20_000  # transitions; reading takes a second or two


class LiveFigures:
    """`records` is given journal rows that nobody's call makes: of bursts that the past has brought to light."""

    def __init__(self, alarms: AlarmTable, operators: int, clock: Clock, records: Callable[[list[Record]], None]):
        self.figures = Figures(alarms, operators)
        self._alarms, self._operators, self._clock, self._records = alarms, operators, clock, records
        self._recent: deque[Transition] | None = deque(maxlen=_KEPT_UNTIL_READ)
        self._open: Open = {}
        self._reading: asyncio.Task | None = None

    def take(self, transitions: Iterable[Transition]) -> list[Record]:
        """Rows for the journal: bursts that they begin or end."""
        steps = []
        for transition in transitions:
            if self._recent is not None:
                self._recent.append(transition)
            steps += self.figures.take(transition)
        return self._noted(steps)

    def pass_time(self, now: Instant) -> list[Record]:
        return self._noted(self.figures.pass_time(now))

    def read(self, path: Path, head: int) -> None:
        """The file is open, its last journal row is `head`: take up the past."""
        self._reading = asyncio.create_task(self._read(path, head), name="figures of the past")

    async def known(self) -> None:
        """Returns when the past has been taken up, or could not be read. Call it after `read`."""
        if self._reading is not None:
            await asyncio.shield(self._reading)

    async def close(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    async def _read(self, path: Path, head: int) -> None:
        try:
            past, begun = await asyncio.to_thread(resumed, path, self._alarms, self._operators, head,
                                                  self._clock.now().wall_ns)
        except (LedgerError, ValueError, KeyError) as error:  # a row that was tampered with: count from the start
            log.warning("the figures of the past can not be read from the journal: %s", error)
            self._recent = None
            return
        for transition in self._recent or ():
            past.take(transition)
        now = self._clock.now()
        past.pass_time(now)
        self._recent, self.figures, self._open = None, past, begun | self._open
        self._records(self._agreed(now))

    def _agreed(self, now: Instant) -> list[Record]:
        stand: dict[tuple[Kind, str], tuple[Instant, int]] = self.figures.standing_bursts()
        steps = [BurstStep(kind, alarm, Act.END, now, Instant(now.line_ns, wall_ns), 0)
                 for (kind, alarm), wall_ns in self._open.items() if (kind, alarm) not in stand]
        steps += [BurstStep(kind, alarm, Act.BEGIN, begun, begun, count)
                  for (kind, alarm), (begun, count) in stand.items() if (kind, alarm) not in self._open]
        return self._noted(steps)

    def _noted(self, steps: Iterable[BurstStep]) -> list[Record]:
        found = []
        for step in steps:
            if step.act is Act.BEGIN:
                self._open[step.kind, step.alarm] = step.at.wall_ns
            else:
                self._open.pop((step.kind, step.alarm), None)
            found.append(burst_record(step))
        return found


def burst_record(step: BurstStep) -> Record:
    """A burst that began or ended as a row of the journal; alarm: "" for a flood."""
    return Record(step.kind, step.alarm, step.at.wall_ns, {
        "act": step.act, "line_ns": step.at.line_ns, "begun_wall_ns": step.begun.wall_ns, "alarms": step.count})

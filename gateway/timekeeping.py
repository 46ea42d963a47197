"""A clock that is told the time late: what waits for it, and what is said when it has come.

A Pi without a clock of its own starts somewhere in the past. Until the time arrives, samples are measured, judged,
alarmed and stored as ever, by the time line; their wall times are marked. Databases wait for the true times, `HOLD_S`
at most: a site that never hears the time must not be without a database. See docs/decisions/untrusted-time.md.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from alerting.ledger import JournalRow, Record
from alerting.views import AlarmView
from gateway.model.clock import NS, ClockStep, TimeLine
from gateway.model.correction import corrected_wall
from gateway.store import TelemetryStore

log = logging.getLogger(__name__)

KEPT = "clock"  # name in the store of what TimeLine.keep says
HOLD_S = 600.0
KIND = "clock"  # of the journal row


class Timekeeping:
    """note: writes to the journal."""

    def __init__(self, clock: TimeLine, store: TelemetryStore, note: Callable[[Record], None]):
        self._clock, self._store, self._note = clock, store, note
        self._hold_until_ns = 0
        if clock.unset:
            self._hold_back()
        self._keep()

    def judge(self) -> ClockStep | None:
        """About once a second."""
        known = not self._clock.unset
        step, now = self._clock.judge(), self._clock.now()
        if known and self._clock.unset:
            log.warning("the clock is %.0f s behind what it said before and is not trusted, whatever the kernel says",
                        self._clock.behind_ns / NS)
            self._hold_back()
        if step is not None:
            log.warning("the wall clock was set by %+.3f s; delays and deadmen are not affected", step.seconds)
        if corrections := self._clock.arrived():
            log.info("the time has arrived: what was stamped before is read with its true time")
            self._store.correct(corrections)
            self._note(Record(KIND, "", now.wall_ns, {
                "act": "arrived", "line_ns": now.line_ns, "since_line_ns": corrections[0].first_ns,
                "moved_s": corrections[0].moved_ns / NS}))
        elif self._store.holds_back and now.line_ns >= self._hold_until_ns:
            log.warning("the time has not arrived: databases get what is measured, marked")
            self._store.release()
        if step is not None or corrections:
            self._keep()
        return step

    def view(self, alarm: AlarmView) -> AlarmView:
        """With the true time at which it was raised."""
        raised = corrected_wall(self._store.corrections, alarm.raised_line_ns, alarm.raised_wall_ns)
        moved = raised - alarm.raised_wall_ns
        return alarm if not moved else replace(
            alarm, raised_wall_ns=raised,
            since_wall_ns=raised if alarm.since_wall_ns == alarm.raised_wall_ns else alarm.since_wall_ns)

    def row(self, row: JournalRow) -> JournalRow:
        """With its true time; `moved_s` in its body says by how much the clock was wrong when it was written."""
        line_ns = row.body.get("line_ns")
        wall = row.wall_ns if line_ns is None else corrected_wall(self._store.corrections, line_ns, row.wall_ns)
        return row if wall == row.wall_ns else replace(
            row, wall_ns=wall, body=row.body | {"moved_s": (wall - row.wall_ns) / NS})

    def _hold_back(self) -> None:
        first_ns = self._clock.unset[0][0]
        self._hold_until_ns = first_ns + round(HOLD_S * NS)
        self._store.hold_back(first_ns)

    def _keep(self) -> None:
        self._store.save(KEPT, self._clock.keep())

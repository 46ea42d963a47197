"""A clock that is told the time late: what waits for it, and what is said when it has come.

A Pi without a clock of its own starts somewhere in the past. Until the time arrives, samples are measured, judged,
alarmed and stored as ever, by the time line; their wall times are marked. Databases wait for the true times, `HOLD_S`
at most: a site that never hears the time must not be without a database. Where the clock is called right already, and
is behind what was stored, nothing is waited for. What they got marked they get again when the time has come. Minutes,
which can not be taken back, wait for `COUNT_S`. See docs/decisions/untrusted-time.md.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import astuple, replace

from alerting.journal.times import KIND, Stretch, true_time
from alerting.ledger import JournalRow, Record
from alerting.views import AlarmView
from gateway.model.clock import NS, ClockStep, TimeLine
from gateway.model.correction import Told, corrected_wall
from gateway.store import TelemetryStore

log = logging.getLogger(__name__)

KEPT = "clock"  # name in the store of what TimeLine.keep says
HOLD_S = 600.0
COUNT_S = 86_400.0


class Timekeeping:
    """note: writes to the journal."""

    def __init__(self, clock: TimeLine, store: TelemetryStore, note: Callable[[Record], None]):
        self._clock, self._store, self._note = clock, store, note
        self._since_ns = 0
        if clock.unset:
            self._hold_back()
        elif clock.never_told:
            now = clock.now()
            note(Record(KIND, "", now.wall_ns, {"act": "never", "line_ns": now.line_ns}))
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
                "moved_s": corrections[0].moved_ns / NS, "stretches": [astuple(one) for one in corrections]}))
        elif self._store.holds_back and (
                self._clock.disputed or now.line_ns >= self._since_ns + round(HOLD_S * NS)):
            log.warning("no time to be sure of: databases get what is measured, marked")
            self._store.release()
        elif self._store.unsure and now.line_ns >= self._since_ns + round(COUNT_S * NS):
            log.warning("the time has not arrived: minutes are counted by what the clock shows")
            self._store.give_up()
        if step is not None or corrections:
            self._keep()
        return step

    def told(self, line_ns: int, wall_ns: int) -> Told:
        """A time that our own clock stamped at this place of the line, as is known now."""
        unset = self._clock.unset
        if unset and line_ns >= unset[0][0]:
            return Told(wall_ns, (line_ns - min(unset[0][0], self._clock.started_ns)) / NS)
        return Told(corrected_wall(self._store.corrections, line_ns, wall_ns))

    def view(self, alarm: AlarmView) -> AlarmView:
        """With the true time at which it was raised, or the word that nobody knows it."""
        raised = self.told(alarm.raised_line_ns, alarm.raised_wall_ns)
        if raised == Told(alarm.raised_wall_ns):
            return alarm
        moved = raised.wall_ns - alarm.raised_wall_ns
        return replace(
            alarm, raised_wall_ns=raised.wall_ns, after_s=raised.after_s,
            since_wall_ns=self._later(alarm.raised_line_ns, alarm.raised_wall_ns, alarm.since_wall_ns),
            evidence=tuple(replace(line, wall_ns=line.wall_ns + moved) for line in alarm.evidence))

    @property
    def holds_back(self) -> bool:
        """Databases wait for the time."""
        return self._store.holds_back

    def _later(self, raised_line_ns: int, raised_wall_ns: int, since_wall_ns: int) -> int:
        """What the same alarm came to later has no place on the line: it is moved along if it was stamped before the
        correction."""
        stretch = next((one for one in self._store.corrections if one.covers(raised_line_ns, raised_line_ns)), None)
        line_ns = raised_line_ns + since_wall_ns - raised_wall_ns
        return since_wall_ns + stretch.moved_ns if stretch and stretch.covers(line_ns, line_ns) else since_wall_ns

    def _hold_back(self) -> None:
        self._since_ns, now = self._clock.unset[0][0], self._clock.now()
        self._store.hold_back(self._since_ns)
        self._note(Record(KIND, "", now.wall_ns, {"act": "unset", "line_ns": self._since_ns}))

    def _keep(self) -> None:
        self._store.save(KEPT, self._clock.keep())


def dated(rows: Sequence[JournalRow], stretches: tuple[Stretch, ...]) -> list[JournalRow]:
    """Rows of the journal with their true times. `moved_s` in a body says by how much the clock was wrong when it was
    written, `clock_untrusted` that its time is not known."""
    found = []
    for row in rows:
        wall_ns, untrusted = true_time(stretches, row.position, row.wall_ns, row.body)
        more = {"clock_untrusted": True} if untrusted else {"moved_s": (wall_ns - row.wall_ns) / NS} if (
            wall_ns != row.wall_ns) else {}
        found.append(replace(row, wall_ns=wall_ns, body=row.body | more) if more else row)
    return found

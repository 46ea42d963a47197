"""Where detectors put what they find, and how it becomes Verdicts."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gateway.model.alarm import AlarmTable
from gateway.model.stroke import Stroke
from gateway.model.verdict import Evidence, Verdicts


@dataclass(slots=True)
class Edges:
    """Edges of one step in the order found; those of one alarm at one instant in the order in which they happened.

    skew_ns   wall minus line time of the gateway's clock: gives the wall time of an edge that no sample stands for
    """

    skew_ns: int = 0
    parts: list[tuple] = field(default_factory=list)
    evidence: dict[int, tuple[Evidence, ...]] = field(default_factory=dict)  # by position over all parts
    count: int = 0
    strokes: list[Stroke] = field(default_factory=list)

    def add(self, alarm: ArrayLike, active: ArrayLike, value: ArrayLike, line: ArrayLike,
            wall: ArrayLike | None = None) -> None:
        """Arrays int[k] alarm numbers (-1: there is no such alarm), whether they begin, values, times; scalars are
        spread."""
        alarm = np.atleast_1d(alarm)
        line = np.broadcast_to(line, alarm.shape)
        wall = line + self.skew_ns if wall is None else np.broadcast_to(wall, alarm.shape)
        self.parts.append((alarm, np.broadcast_to(active, alarm.shape), np.broadcast_to(value, alarm.shape), line,
                           wall))
        self.count += alarm.shape[0]

    def explain(self, evidence: tuple[Evidence, ...]) -> None:
        """The trace behind the edge added last."""
        self.evidence[self.count - 1] = evidence


Outage = tuple[int, bool, int, int, bool]


@dataclass(slots=True)
class Outages:
    """Signals that went out of or came back into service in this step: what zones and rules are told by detectors.

    Rows of (line_ns, by_sample, signal, cause, began): a silence begins by a deadline, all else by a sample. A signal
    that is heard for the first time reports the end of its silence.
    """

    SILENT = 0
    INVALID = 1
    INHIBITED = 2
    CAUSES = 3

    rows: list[Outage] = field(default_factory=list)

    def add(self, signal: NDArray[np.int64], cause: int, began: ArrayLike, line: ArrayLike) -> None:
        lines, begins = np.broadcast_to(line, signal.shape), np.broadcast_to(began, signal.shape)
        self.rows.extend((at, not (begin and cause == self.SILENT), number, cause, begin) for number, at, begin
                         in zip(signal.tolist(), lines.tolist(), begins.tolist(), strict=True))

    def take(self) -> list[Outage]:
        """All rows in order of time, a deadline before the samples of the same instant; empties the list."""
        rows, self.rows = self.rows, []
        return sorted(rows, key=lambda row: row[:2])


class Conditions:
    """The state of every alarm's condition, and the gate through which edges leave the bank.

    Two promises to the alarm engine, whatever the detectors do: an edge is a change, and per alarm its line time is
    later than that of the edge before (an edge at the very same instant is put 1 ns later).
    """

    def __init__(self, alarms: AlarmTable):
        count = len(alarms)
        self.ids = tuple(alarm.id for alarm in alarms)
        self.active = np.zeros(count, np.bool_)
        self.line = np.full(count, np.iinfo(np.int64).min, np.int64)
        self.wall = np.zeros(count, np.int64)
        self.value = np.full(count, np.nan)
        self._place = np.empty(count + 1, np.int64)

    def publish(self, edges: Edges) -> Verdicts:
        """The edges as Verdicts, in order of (line time, alarm number); strokes likewise."""
        verdicts = self._publish(edges)
        if not edges.strokes:
            return verdicts
        return replace(verdicts, strokes=tuple(sorted(edges.strokes, key=lambda one: (one.concluded_line_ns, one.key))))

    def _publish(self, edges: Edges) -> Verdicts:
        if not edges.count:
            return Verdicts.none()
        alarm, active, value, line, wall = (np.concatenate(column) for column in zip(*edges.parts, strict=True))
        line = line.astype(np.int64)
        kept = np.zeros(alarm.shape[0], np.bool_)
        for turn in self._turns(alarm, line):
            number = alarm[turn]
            news = (number >= 0) & (active[turn] != self.active[number])
            turn, number = turn[news], number[news]
            line[turn] = np.maximum(line[turn], self.line[number] + 1)
            self.active[number], self.line[number] = active[turn], line[turn]
            self.wall[number], self.value[number] = wall[turn], value[turn]
            kept[turn] = True
        order = np.flatnonzero(kept)
        if not order.size:
            return Verdicts.none()
        order = order[_sorted(line[order], alarm[order])]
        place = {int(old): new for new, old in enumerate(order)} if edges.evidence else {}
        return Verdicts(alarm[order].astype(np.int32), active[order], value[order].astype(np.float64), line[order],
                        wall[order].astype(np.int64),
                        {place[old]: trace for old, trace in edges.evidence.items() if old in place})

    def _turns(self, alarm: NDArray, line: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        """Positions in groups in which every alarm appears at most once, in order of time; nearly always one group."""
        row = np.arange(alarm.shape[0])
        self._place[alarm] = row  # -1, no alarm, has the last place
        if np.count_nonzero(self._place[alarm] == row) == row.size:
            return [row]
        order = np.lexsort((line, alarm))
        ranked = alarm[order]
        start = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
        nth = np.empty(row.size, np.int64)
        nth[order] = row - np.repeat(start, np.diff(np.r_[start, row.size]))
        return [np.flatnonzero(nth == turn) for turn in range(int(nth.max()) + 1)]

    def standing(self) -> Verdicts:
        """Every condition that stands, as the edge with which it began."""
        number = np.flatnonzero(self.active)
        order = number[np.lexsort((number, self.line[number]))]
        return Verdicts(order.astype(np.int32), np.ones(order.shape[0], np.bool_), self.value[order], self.line[order],
                        self.wall[order], {})


def _sorted(line: NDArray[np.int64], alarm: NDArray[np.int64]) -> NDArray[np.int64]:
    """The order by line time, then alarm; in a storm nearly all came at one instant."""
    return np.argsort(alarm) if line[0] == line[-1] and (line == line[0]).all() else np.lexsort((alarm, line))

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
        line = _spread(line, alarm.shape)
        wall = line + self.skew_ns if wall is None else _spread(wall, alarm.shape)
        self.parts.append((alarm, _spread(active, alarm.shape), _spread(value, alarm.shape), line, wall))
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
    UNPROVEN = 3  # it did not see its test gas
    CAUSES = 4

    rows: list[Outage] = field(default_factory=list)

    def add(self, signal: NDArray[np.int64], cause: int, began: ArrayLike, line: ArrayLike) -> None:
        lines, begins = np.broadcast_to(line, signal.shape), np.broadcast_to(began, signal.shape)
        self.rows.extend((at, not (begin and cause == self.SILENT), number, cause, begin) for number, at, begin
                         in zip(signal.tolist(), lines.tolist(), begins.tolist(), strict=True))

    def unproven(self, signal: int, stands: bool, line: int) -> None:
        """By a rule: a test that was missed begins by a deadline, and ends by a sample."""
        self.rows.append((line, not stands, signal, self.UNPROVEN, stands))

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

    def publish(self, edges: Edges) -> Verdicts:
        """The edges as Verdicts, in order of (line time, alarm number); strokes likewise."""
        verdicts = self._publish(edges)
        if not edges.strokes:
            return verdicts
        return replace(verdicts, strokes=tuple(sorted(edges.strokes, key=lambda one: (one.concluded_line_ns, one.key))))

    def _publish(self, edges: Edges) -> Verdicts:
        if not edges.count:
            return Verdicts.none()
        columns = tuple(np.concatenate(column) for column in zip(*edges.parts, strict=True))
        order = np.argsort(columns[0], kind="stable")  # in a storm: a few runs
        turns = _turns(columns[0][order])
        if len(turns) > 1:
            order = np.lexsort((columns[3], columns[0]))
        alarm, active, value, line, wall = (column[order] for column in columns)
        kept = np.zeros(order.size, np.bool_)
        for turn in turns:
            number = alarm[turn]
            news = active[turn] != self.active[number]
            if np.count_nonzero(news) < news.size:
                turn, number = np.arange(order.size)[turn][news], number[news]
            line[turn] = np.maximum(line[turn], self.line[number] + 1)
            self.active[number], self.line[number] = active[turn], line[turn]
            self.wall[number], self.value[number] = wall[turn], value[turn]
            kept[turn] = True
        row: slice | NDArray[np.int64] = slice(None)
        if np.count_nonzero(kept) < kept.size:
            row = np.flatnonzero(kept)
            if not row.size:
                return Verdicts.none()
        if np.count_nonzero(line[row] != line[row][0]):
            row = np.arange(order.size)[row][np.argsort(line[row], kind="stable")]
        place = {int(old): new for new, old in enumerate(order[row])} if edges.evidence else {}
        return Verdicts(alarm[row].astype(np.int32), active[row], value[row].astype(np.float64), line[row],
                        wall[row].astype(np.int64),
                        {place[old]: trace for old, trace in edges.evidence.items() if old in place})

    def standing(self) -> Verdicts:
        """Every condition that stands, as the edge with which it began."""
        number = np.flatnonzero(self.active)
        order = number[np.lexsort((number, self.line[number]))]
        return Verdicts(order.astype(np.int32), np.ones(order.shape[0], np.bool_), self.value[order], self.line[order],
                        self.wall[order], {})


def _spread(column: ArrayLike, shape: tuple[int, ...]) -> NDArray:
    return column if isinstance(column, np.ndarray) and column.shape == shape else np.full(shape, column)


def _turns(alarm: NDArray) -> list[slice] | list[NDArray[np.int64]]:
    """Positions in groups in which every alarm appears at most once, in the order of `alarm`, which ascends; nearly
    always one group. Those of -1, no alarm, are passed over."""
    first = int(np.searchsorted(alarm, 0))
    same = alarm[first + 1:] == alarm[first:-1]
    if not np.count_nonzero(same):
        return [slice(first, None)]
    start = np.flatnonzero(np.r_[True, ~same])
    row = np.arange(alarm.size - first)
    nth = row - np.repeat(start, np.diff(np.r_[start, row.size]))
    return [first + np.flatnonzero(nth == turn) for turn in range(int(nth.max()) + 1)]

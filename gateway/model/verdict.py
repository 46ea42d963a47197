"""What the detectors say: the condition of an alarm began or ended. In columns, like the Frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gateway.model.clock import Instant
from gateway.model.stroke import Stroke
from gateway.model.text import Text


@dataclass(frozen=True, slots=True)
class Evidence:
    """One line of the trace behind a verdict: when (UTC ns), which signal, what it read, what that meant."""

    wall_ns: int
    signal: str
    value: float
    note: Text


@dataclass(frozen=True, slots=True)
class Edge:
    """One row of Verdicts, for code that handles them one by one (alarms are rare, samples are not)."""

    alarm: int  # number in the AlarmTable
    active: bool
    value: float  # what crossed (NaN where nothing did)
    line_ns: int
    wall_ns: int
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Verdicts:
    """k edges in the order they happened. alarm int32[k], active bool[k], value float64[k], line_ns/wall_ns int64[k].

    `evidence` maps a row number to its trace, where a detector has one. `strokes`: shut-downs that were concluded, also
    those that gave no alarm, for the proof-test log.
    """

    alarm: NDArray[np.int32]
    active: NDArray[np.bool_]
    value: NDArray[np.float64]
    line_ns: NDArray[np.int64]
    wall_ns: NDArray[np.int64]
    evidence: dict[int, tuple[Evidence, ...]]
    strokes: tuple[Stroke, ...] = ()

    def __len__(self) -> int:
        return self.alarm.shape[0]

    def __bool__(self) -> bool:
        return len(self) > 0 or bool(self.strokes)

    def __iter__(self) -> Iterator[Edge]:
        columns = zip(self.alarm.tolist(), self.active.tolist(), self.value.tolist(), self.line_ns.tolist(),
                      self.wall_ns.tolist(), strict=True)
        for row, (alarm, active, value, line_ns, wall_ns) in enumerate(columns):
            yield Edge(alarm, active, value, line_ns, wall_ns, self.evidence.get(row, ()))

    @classmethod
    def none(cls) -> Verdicts:
        return _NONE

    @classmethod
    def of(cls, alarm: ArrayLike, active: ArrayLike, at: Instant, value: ArrayLike = np.nan) -> Verdicts:
        """Edges that all happened at one instant."""
        index = np.atleast_1d(np.asarray(alarm, np.int32))
        full = index.shape
        return cls(index, np.broadcast_to(np.asarray(active, np.bool_), full),
                   np.broadcast_to(np.asarray(value, np.float64), full),
                   np.broadcast_to(np.int64(at.line_ns), full), np.broadcast_to(np.int64(at.wall_ns), full), {})

    @classmethod
    def from_edges(cls, edges: Sequence[Edge]) -> Verdicts:
        if not edges:
            return _NONE
        return cls(np.array([edge.alarm for edge in edges], np.int32),
                   np.array([edge.active for edge in edges], np.bool_),
                   np.array([edge.value for edge in edges], np.float64),
                   np.array([edge.line_ns for edge in edges], np.int64),
                   np.array([edge.wall_ns for edge in edges], np.int64),
                   {row: edge.evidence for row, edge in enumerate(edges) if edge.evidence})

    @classmethod
    def concat(cls, parts: Sequence[Verdicts]) -> Verdicts:
        """All edges, sorted by line time (stable: edges of one instant stay in the order given)."""
        parts = [part for part in parts if part]
        if not parts:
            return _NONE
        if len(parts) == 1:
            return parts[0]
        columns = {name: np.concatenate([getattr(part, name) for part in parts])
                   for name in ("alarm", "active", "value", "line_ns", "wall_ns")}
        order = np.argsort(columns["line_ns"], kind="stable")
        evidence, start = {}, 0
        for part in parts:
            evidence |= {start + row: trace for row, trace in part.evidence.items()}
            start += len(part)
        place = {int(old): new for new, old in enumerate(order)} if evidence else {}
        return cls(*(column[order] for column in columns.values()),
                   evidence={place[row]: trace for row, trace in evidence.items()},
                   strokes=tuple(stroke for part in parts for stroke in part.strokes))


_NONE = Verdicts(np.empty(0, np.int32), np.empty(0, np.bool_), np.empty(0), np.empty(0, np.int64),
                 np.empty(0, np.int64), {})

"""Signals that are judged together: what is known of them at each instant, after everything that came in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.core.block import Block
from gateway.core.detectors.deadman import longest_silence_ns
from gateway.core.rows import Rows
from gateway.model.site import Site

NOTHING, ALARMING, GOOD = 0, 1, 2  # what the newest sample of a signal is evidence for
_LONG_AGO = -(2**61)


@dataclass(frozen=True, slots=True)
class Instant:
    """What came at one instant: signal numbers (perhaps one twice), values, grades, wall times, of shape (k,)."""

    line_ns: int
    signal: NDArray[np.int64]
    value: NDArray[np.float64]
    grade: NDArray[np.int8]
    wall: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Course:
    """k signals over t instants, shape (t, k): value, what it is evidence for, and whether something came."""

    value: NDArray[np.float64]
    evidence: NDArray[np.int8]
    touched: NDArray[np.bool_]


class Related:
    """The newest samples of some of n signals, in order of time.

    A round holds each signal once, and so rows of several instants; two signals can only be compared as they stood at
    the same instant. So rows are kept (`take`) until the step is over, then `instants` goes through them, and `move`
    takes in what came at one. The order of rows within an instant does not matter.

    value, line, wall   of the newest sample: float64[n], int64[n], int64[n]
    grade               int8[n]: GOOD, ALARMING (may begin something, see Rows) or NOTHING
    """

    def __init__(self, site: Site, used: NDArray[np.int64]):
        count = len(site.signals)
        self._used = np.zeros(count, np.bool_)
        self._used[used] = True
        self._hold = np.array([longest_silence_ns(signal) for signal in site.signals], np.int64)
        self.value = np.full(count, np.nan)
        self.grade = np.zeros(count, np.int8)
        self.line = np.full(count, _LONG_AGO, np.int64)
        self.wall = np.zeros(count, np.int64)
        self._queue: list[tuple] = []

    def take(self, rows: Rows) -> None:
        row = np.flatnonzero(self._used[rows.index])
        if row.size:
            grade = np.where(rows.good[row], GOOD, np.where(rows.alarming[row], ALARMING, NOTHING)).astype(np.int8)
            self._queue.append((rows.signal[row], rows.value[row], grade, rows.line[row], rows.wall[row]))

    def sweep(self, block: Block) -> None:
        """`take` of all rounds at once."""
        column = np.flatnonzero(self._used[block.signal])
        if column.size:
            good, alarming = block.good[:, column], block.alarming[:, column]
            grade = np.where(good, GOOD, np.where(alarming, ALARMING, NOTHING)).astype(np.int8)
            value, line, wall = (array[:, column].reshape(-1) for array in (block.value, block.line, block.wall))
            self._queue.append((np.tile(block.signal[column], len(block)), value, grade.reshape(-1), line, wall))

    def instants(self) -> list[Instant]:
        """Everything that came since the last call."""
        if not self._queue:
            return []
        signal, value, grade, line, wall = (np.concatenate(column) if len(self._queue) > 1 else column[0]
                                            for column in zip(*self._queue, strict=True))
        self._queue = []
        if line.min() == line.max():
            return [Instant(int(line[0]), signal, value, grade, wall)]
        order = np.argsort(line, kind="stable")
        signal, value, grade, line, wall = signal[order], value[order], grade[order], line[order], wall[order]
        starts = [0, *(np.flatnonzero(line[1:] != line[:-1]) + 1).tolist()]
        return [Instant(int(line[start]), signal[start:stop], value[start:stop], grade[start:stop], wall[start:stop])
                for start, stop in zip(starts, [*starts[1:], line.shape[0]], strict=True)]

    def course(self, instants: Sequence[Instant], signal: NDArray[np.int64]) -> Course:
        """How these k signals stood after each of t instants that have not been taken in (`move`)."""
        column = np.full(self.value.shape[0], -1, np.int64)
        column[signal] = np.arange(signal.size)
        row = np.repeat(np.arange(1, len(instants) + 1), [at.signal.size for at in instants])
        came = np.concatenate([at.signal for at in instants])
        here = column[came] >= 0
        newest = np.zeros((len(instants) + 1, signal.size), np.int64)  # which of the samples holds; 0: what is known
        newest[row[here], column[came[here]]] = np.flatnonzero(here) + 1
        touched = newest[1:] > 0
        newest = np.maximum.accumulate(newest, axis=0)[1:]
        line = np.array([at.line_ns for at in instants], np.int64)
        own = newest == 0
        value, grade, since = (np.where(own, known[signal], np.concatenate(said)[newest - 1]) for known, said in (
            (self.value, [at.value for at in instants]), (self.grade, [at.grade for at in instants]),
            (self.line, [np.full(at.signal.size, at.line_ns) for at in instants])))
        fresh = line[:, None] - since < self._hold[signal]
        return Course(value, np.where(fresh, grade, np.int8(NOTHING)), touched)

    def skip(self, instants: Sequence[Instant]) -> None:
        """Take in what came at all of these."""
        if instants:
            signal = np.concatenate([at.signal for at in instants])  # of one that comes again, the last counts
            self.value[signal] = np.concatenate([at.value for at in instants])
            self.grade[signal] = np.concatenate([at.grade for at in instants])
            self.wall[signal] = np.concatenate([at.wall for at in instants])
            self.line[signal] = np.repeat([at.line_ns for at in instants], [at.signal.size for at in instants])

    def move(self, to: Instant) -> None:
        self.value[to.signal], self.grade[to.signal] = to.value, to.grade
        self.line[to.signal], self.wall[to.signal] = to.line_ns, to.wall

    def evidence(self, signal: NDArray[np.int64], line_ns: int) -> NDArray[np.int8]:
        """Grade of these signals (any shape) at this instant: what is older than its deadman is evidence of nothing."""
        fresh = line_ns - self.line[signal] < self._hold[signal]
        return np.where(fresh, self.grade[signal], np.int8(NOTHING))

    def state(self) -> dict[str, NDArray]:
        return {"value": self.value, "grade": self.grade, "line": self.line, "wall": self.wall}

"""Means over spans of the time line: samples are compared one by one, but learnt from as means.

A statistic that is fed with means costs nothing between their ends, whatever the sampling rate, and a signal that is
read twice as often is not judged twice as nervously.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.core.block import Block, Spans
from gateway.core.rows import NEVER, ORDINARY, Rows
from gateway.model.quality import Flag

_NEVER = -(2**62)
_UNTRUSTED = np.uint16(Flag.CLOCK_NOT_TRUSTED)
_HUGE = ORDINARY  # keeps the sum of a mean finite


@dataclass(frozen=True, slots=True)
class Ended:
    """Means that are complete. All arrays have shape (k,); the signals are distinct.

    signal      int64, the signal numbers; mean  float64; samples  int64, how many went into it
    span_ns     int64, line time at which the span of the mean began
    line, wall  of the sample that completed it: the first good one of a later span
    trusted     bool, whether its wall clock was synchronised
    """

    signal: NDArray[np.int64]
    mean: NDArray[np.float64]
    samples: NDArray[np.int64]
    span_ns: NDArray[np.int64]
    line: NDArray[np.int64]
    wall: NDArray[np.int64]
    trusted: NDArray[np.bool_]


class Means:
    """The good samples of a signal within each `every_ns` of the time line, averaged. Silence adds nothing."""

    def __init__(self, every_ns: NDArray[np.int64]):
        """every_ns: int64[n], 0 where the signal is not watched."""
        count = every_ns.shape[0]
        self._watched = every_ns > 0
        self._all_watched = bool(self._watched.all())
        self._every = np.maximum(every_ns, 1)
        self._until = np.full(count, _NEVER, np.int64)  # end of the span that is being filled
        self._sum = np.zeros(count)
        self._samples = np.zeros(count, np.int64)
        self._next_ns = _NEVER  # no span that is being filled ends before
        self._due, self._term = np.empty(count, np.bool_), np.empty(count)

    def take(self, rows: Rows) -> Ended | None:
        """Take one round of samples; the means that it completes, if any."""
        index, signal, value, line, wall = rows.index, rows.signal, rows.value, rows.line, rows.wall
        quality = rows.quality
        if not (rows.all_good and self._all_watched):
            row = np.flatnonzero(rows.good & self._watched[index])
            if not row.size:
                return None
            index = signal = signal[row]
            value, line, wall, quality = value[row], line[row], wall[row], quality[row]
        ended = self._end_due(index, signal, line, wall, quality) if rows.last_ns >= self._next_ns else None
        if not rows.ordinary:
            value = np.minimum(value, _HUGE, out=self._term[:line.shape[0]])
            np.maximum(value, -_HUGE, out=value)
        if isinstance(index, slice):
            self._sum[index] += value
            self._samples[index] += 1
        else:
            self._sum[index] = self._sum[index] + value
            self._samples[index] = self._samples[index] + 1
        return ended

    def sweep(self, block: Block) -> Iterator[Ended]:
        """Take a block of time; the means that it completes, those of one signal in order of time."""
        for part in block.good_parts(self._watched):
            yield from self._sweep(part.block)

    def stretches(self, block: Block) -> Iterator[tuple[int, int]]:
        """The block cut into rounds (start, stop) in each of which all spans go on, and single rounds in which some
        span ends or begins. All is good in it."""
        start = 0
        for turn in (*np.flatnonzero(self._later(block).any(axis=1)).tolist(), len(block)):
            if turn > start:
                yield start, turn
            if turn < len(block):
                yield turn, turn + 1
            start = turn + 1

    def fill(self, block: Block) -> None:
        """Take a stretch in which no span ends. Sums are taken in order of time."""
        self._sum[block.index] = in_order(self._sum[block.index], np.clip(block.value, -_HUGE, _HUGE))
        self._samples[block.index] = self._samples[block.index] + len(block)

    def forget(self, signal: NDArray[np.int64]) -> None:
        """The spans of these signals that are being filled are dropped."""
        self._until[signal], self._sum[signal], self._samples[signal] = _NEVER, 0.0, 0
        self._next_ns = _NEVER

    def state(self) -> dict[str, NDArray]:
        return {"until": self._until, "sum": self._sum, "samples": self._samples}

    def _sweep(self, block: Block) -> list[Ended]:
        """All is good in it."""
        signal, every = block.signal, self._every[block.signal]
        spans = Spans.cut(self._later(block))
        total = spans.sums(np.clip(block.value, -_HUGE, _HUGE), self._sum[signal])
        samples = spans.stop - spans.start
        samples[spans.first] += self._samples[signal]
        until = (block.line[spans.start, spans.column] // every[spans.column] + 1) * every[spans.column]
        until[spans.first] = self._until[signal]
        complete = samples > 0
        complete[spans.last] = False
        found = list(self._ended(block, spans, np.flatnonzero(complete), total, samples, until))
        self._until[signal], self._sum[signal] = until[spans.last], total[spans.last]
        self._samples[signal] = samples[spans.last]
        return found

    def _later(self, block: Block) -> NDArray[np.bool_]:
        """bool[t, k]: the first sample of a later span."""
        later = np.zeros(block.value.shape, np.bool_)
        np.greater_equal(block.line[0], self._until[block.signal], out=later[0])
        if (block.line[-1] >= self._until[block.signal]).any():
            numbers = block.line // self._every[block.signal]
            np.not_equal(numbers[1:], numbers[:-1], out=later[1:])
        return later

    def _ended(self, block: Block, spans: Spans, piece, total, samples, until) -> Iterator[Ended]:
        """The n-th mean of every signal together, for n = 1, 2, ..."""
        column = spans.column[piece]
        nth = np.arange(piece.size) - np.searchsorted(column, column)
        for turn in range(int(nth.max(initial=-1)) + 1):
            own = piece[nth == turn]
            at = spans.stop[own], column[nth == turn]
            signal = block.signal[at[1]]
            yield Ended(signal, total[own] / samples[own], samples[own], until[own] - self._every[signal],
                        block.line[at], block.wall[at], block.quality[at] & _UNTRUSTED == 0)

    def _end_due(self, index, signal, line, wall, quality) -> Ended | None:
        due = np.greater_equal(line, self._until[index], out=self._due[:line.shape[0]])
        if not np.count_nonzero(due):
            return None
        ended = self._end(np.flatnonzero(due), signal, line, wall, quality)
        until = self._until if self._all_watched else self._until[self._watched]
        self._next_ns = int(until.min(initial=NEVER))
        return ended

    def _end(self, row, signal, line, wall, quality) -> Ended | None:
        """These rows are the first of a later span."""
        own = signal[row]
        filled = np.flatnonzero(self._samples[own] > 0)
        ended = None
        if filled.size:
            at, s = row[filled], own[filled]
            samples = self._samples[s]
            ended = Ended(s, self._sum[s] / samples, samples, self._until[s] - self._every[s], line[at], wall[at],
                          quality[at] & _UNTRUSTED == 0)
        self._until[own] = (line[row] // self._every[own] + 1) * self._every[own]
        self._sum[own], self._samples[own] = 0.0, 0
        return ended


def in_order(start: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """start + values[0] + values[1] ... column by column, rounded as if added one by one."""
    return np.add.accumulate(np.concatenate((start[None], values)))[-1]

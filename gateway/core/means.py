"""Means over spans of the time line: samples are compared one by one, but learnt from as means.

A statistic that is fed with means costs nothing between their ends, whatever the sampling rate, and a signal that is
read twice as often is not judged twice as nervously.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.core.block import Block
from gateway.core.rows import Rows
from gateway.model.quality import Flag

_NEVER = -(2**62)
_UNTRUSTED = np.uint16(Flag.CLOCK_NOT_TRUSTED)
_HUGE = 1e30  # keeps the sum of a mean finite


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
        self._span = np.full(count, _NEVER, np.int64)  # number of the span that is being filled
        self._sum = np.zeros(count)
        self._samples = np.zeros(count, np.int64)

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
        span = line // self._every[index]
        later = span != self._span[index]
        ended = (self._end(np.flatnonzero(later), signal, span, line, wall, quality) if np.count_nonzero(later)
                 else None)
        value = np.clip(value, -_HUGE, _HUGE)
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
            yield from self._sweep(part)

    def forget(self, signal: NDArray[np.int64]) -> None:
        """The spans of these signals that are being filled are dropped."""
        self._span[signal], self._sum[signal], self._samples[signal] = _NEVER, 0.0, 0

    def state(self) -> dict[str, NDArray]:
        return {"span": self._span, "sum": self._sum, "samples": self._samples}

    def _sweep(self, block: Block) -> list[Ended]:
        """All is good in it. Sums are taken in the order of time, as one by one, so that they round the same."""
        signal, every = block.signal, self._every[block.signal]
        rounds, count = block.value.shape
        first, last = block.line[0] // every, block.line[-1] // every
        span = first[None] if (first == last).all() else block.line // every
        later = np.empty(span.shape, np.bool_)
        np.not_equal(span[0], self._span[signal], out=later[0])
        np.not_equal(span[1:], span[:-1], out=later[1:])
        terms = np.zeros((rounds + 1, max(count, 2)))  # the sum, then the values; a lone column is not added in order
        np.clip(block.value, -_HUGE, _HUGE, out=terms[1:, :count])
        begun = np.zeros(count, np.int64)  # round in which the span of each column began
        begun -= self._samples[signal]
        terms[0, :count] = self._sum[signal]
        ended: list[tuple[NDArray[np.int64], ...]] = []
        done = 0
        for at in np.flatnonzero(later.any(axis=1)).tolist():
            terms[at] = np.add.reduce(terms[done:at + 1], axis=0)
            done = at
            column = np.flatnonzero(later[at])
            ended.append((np.full(column.shape, at), column, terms[at, column], at - begun[column]))
            terms[at, column], begun[column] = 0.0, at
        terms = np.add.reduce(terms[done:], axis=0)[:count]
        found = list(self._completed(block, span, ended)) if ended else []
        self._span[signal], self._sum[signal], self._samples[signal] = span[-1], terms, rounds - begun
        return found

    def _completed(self, block: Block, span, ended) -> Iterator[Ended]:
        """The n-th mean of every signal together, for n = 1, 2, ..."""
        at, column, total, samples = (np.concatenate(part) for part in zip(*ended, strict=True))
        at, column, total, samples = (part[samples > 0] for part in (at, column, total, samples))
        order = np.argsort(column, kind="stable")
        start = np.flatnonzero(np.diff(column[order], prepend=-1))
        size = np.diff(start, append=order.size)
        for nth in range(int(size.max(initial=0))):
            row = order[start[size > nth] + nth]
            a, c = at[row], column[row]
            s = block.signal[c]
            before = np.where(a > 0, span[a - 1, c], self._span[s])
            yield Ended(s, total[row] / samples[row], samples[row], before * self._every[s], block.line[a, c],
                        block.wall[a, c], block.quality[a, c] & _UNTRUSTED == 0)

    def _end(self, row, signal, span, line, wall, quality) -> Ended | None:
        """These rows are the first of a later span."""
        own = signal[row]
        filled = np.flatnonzero(self._samples[own] > 0)
        ended = None
        if filled.size:
            at, s = row[filled], own[filled]
            samples = self._samples[s]
            ended = Ended(s, self._sum[s] / samples, samples, self._span[s] * self._every[s], line[at], wall[at],
                          quality[at] & _UNTRUSTED == 0)
        self._span[own] = span[row]
        self._sum[own], self._samples[own] = 0.0, 0
        return ended

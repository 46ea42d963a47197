"""Downsampling for trends: lowest, highest and mean value per signal and step of time. Pure code.

Every sample lands in exactly one step, so a peak of one sample is still seen in a trend over a month. Only samples with
a usable value count (good or uncertain); where there were none the trend shows a gap, as the page must.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.model.frame import Frame
from gateway.model.quality import is_bad
from gateway.store.block import Head
from gateway.store.segment import Stretch

_GATHER = 1 << 14  # rows


@dataclass(frozen=True, slots=True, eq=False)
class Trend:
    """signals: int32[s], as asked for. wall_ns: int64[t], where each step begins; step_ns: how long it is.

    low, high, mean: float64[s, t], NaN where count is 0. count: int64[s, t], usable samples.
    """

    signals: NDArray[np.int32]
    wall_ns: NDArray[np.int64]
    step_ns: int
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    mean: NDArray[np.float64]
    count: NDArray[np.int64]


class History:
    """Gathers a Trend frame by frame, in any order."""

    def __init__(self, signals: Sequence[int], start_wall_ns: int, end_wall_ns: int, max_points: int, table_size: int):
        if end_wall_ns <= start_wall_ns or max_points < 1:
            raise ValueError("a trend needs an end after its start and at least one point")
        self.signals = np.asarray(signals, np.int32)
        self._start, self._end = start_wall_ns, end_wall_ns
        self._step = -(-(end_wall_ns - start_wall_ns) // max_points)
        self._steps = -(-(end_wall_ns - start_wall_ns) // self._step)
        self._gathered: list[Frame] = []
        self._rows = 0
        self._row = np.full(table_size, -1, np.int64)
        self._row[self.signals] = np.arange(len(self.signals))
        cells = len(self.signals) * self._steps
        self._low, self._high = np.full(cells, np.inf), np.full(cells, -np.inf)
        self._sum, self._count = np.zeros(cells), np.zeros(cells, np.int64)

    def overlaps(self, wall_low: int, wall_high: int) -> bool:
        return wall_low < self._end and wall_high >= self._start

    def choice(self, signals: NDArray, dated: bool = True) -> tuple[Callable[[Head], bool], Callable[[Stretch], bool]]:
        """Which blocks are worth decoding, by the numbers that their segment gives to the signals wanted. dated: by the
        wall times that they state, too."""
        low, high = (int(signals.min()), int(signals.max())) if len(signals) else (0, -1)

        def wanted(head: Head) -> bool:
            return (head.signal_low <= high and head.signal_high >= low
                    and (not dated or self.overlaps(head.wall_low, head.wall_high)))

        return wanted, lambda stretch: not dated or self.overlaps(stretch.wall_low, stretch.wall_high)

    def add(self, frame: Frame) -> None:
        """Small frames are gathered: one pass over many rows costs hardly more than one over few."""
        self._gathered.append(frame)
        self._rows += len(frame)
        if self._rows >= _GATHER:
            self._count_in()

    def _count_in(self) -> None:
        frame = Frame.concat(self._gathered) if self._gathered else Frame.empty()
        self._gathered, self._rows = [], 0
        rows = self._row[frame.signal]
        use = (rows >= 0) & (frame.wall_ns >= self._start) & (frame.wall_ns < self._end) & ~is_bad(frame.quality)
        if not use.any():
            return
        value = frame.value[use]
        cell = rows[use] * self._steps + (frame.wall_ns[use] - self._start) // self._step
        np.minimum.at(self._low, cell, value)
        np.maximum.at(self._high, cell, value)
        np.add.at(self._sum, cell, value)
        np.add.at(self._count, cell, 1)

    def trend(self) -> Trend:
        self._count_in()
        shape = (len(self.signals), self._steps)
        some = self._count > 0
        low, high = np.where(some, self._low, np.nan), np.where(some, self._high, np.nan)
        mean = np.full(some.shape, np.nan)
        np.divide(self._sum, self._count, out=mean, where=some)
        return Trend(self.signals, self._start + self._step * np.arange(self._steps), self._step, low.reshape(shape),
                     high.reshape(shape), mean.reshape(shape), self._count.reshape(shape))

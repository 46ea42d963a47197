"""One round of samples as the detectors see it: every signal at most once, with what may be believed of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.model.frame import Frame
from gateway.model.quality import Quality

NEVER = int(np.iinfo(np.int64).max)  # a deadline that does not come
SEVERITY = np.uint16(0x00C0)
FLAGS = np.uint16(0xFF00)
CODE = np.uint16(0x00FF)
BAD = np.uint16(0x80)
ORDINARY = 1e30  # no sum of such values overflows


@dataclass(slots=True)
class Rows:
    """k samples of k distinct signals. All arrays have shape (k,) and are read-only by agreement.

    index     where the signals stand in a state array over all n signals: a slice when they are neighbours (then
              `state[index]` is a view), else int64[k] (then it is a copy)
    signal    int64[k], the signal numbers; value, line, wall as in the Frame
    quality   the *effective* quality: what the source said, corrected by the validity detector
    good      bool[k]: evidence for everything
    alarming  bool[k]: may begin a limit alarm (good, uncertain, stale, or an over-range gas reading), never end one
    all_good  every row is good; detectors may skip their masks
    ordinary  moreover every value is within its range, and small enough to be summed up (ORDINARY)
    answered  int64[a] or None: rows that are good samples of instruments that say of themselves that they do not work
              now. They are success for the deadman, and evidence of nothing
    """

    index: slice | NDArray[np.int64]
    signal: NDArray[np.int64]
    value: NDArray[np.float64]
    quality: NDArray[np.uint16]
    line: NDArray[np.int64]
    wall: NDArray[np.int64]
    good: NDArray[np.bool_]
    alarming: NDArray[np.bool_]
    all_good: bool
    first_ns: int  # oldest and newest line time of the rows
    last_ns: int
    answered: NDArray[np.int64] | None = None
    ordinary: bool = False

    def __len__(self) -> int:
        return self.signal.shape[0]


class Intake:
    """Frames become rows. What all signals need in the usual case, neighbours that are all good, is kept ready, so that
    nothing is allocated that grows with their number."""

    def __init__(self, low: NDArray[np.float64], high: NDArray[np.float64]):
        """low, high: float64[n], the range of each signal."""
        count = low.shape[0]
        self._low, self._high = np.maximum(low, -ORDINARY), np.minimum(high, ORDINARY)
        self._numbers = np.arange(count, dtype=np.int32)
        self._every = np.arange(count)
        self._true = np.ones(count, np.bool_)
        self._true.flags.writeable = False  # shared by the rows of all steps
        self._severity = np.empty(count, np.uint16)
        self._within, self._below = np.empty(count, np.bool_), np.empty(count, np.bool_)

    def one_round(self, frame: Frame) -> tuple[Frame, slice | NDArray[np.int64]] | None:
        """The frame, if no signal comes twice in it, with its place in state arrays over all signals. Signals that are
        neighbours, in whatever order, are put in order and addressed by a slice."""
        count, signal, signals = len(frame), frame.signal, self._every.shape[0]
        first = int(signal[0])
        if int(signal[-1]) - first == count - 1:
            same = np.equal(signal, self._numbers[first:first + count], out=self._within[:count])
            if np.count_nonzero(same) == count:
                return frame, slice(first, first + count)
        if count > signals:
            return None
        row, place = np.arange(count), np.empty(signals, np.int64)
        index = signal.astype(np.int64)
        place[index] = row
        if np.count_nonzero(place[index] == row) < count:
            return None
        low, high = int(signal.min()), int(signal.max())
        if high - low + 1 == count:
            return frame.take(place[low:high + 1]), slice(low, high + 1)
        return frame, index

    def rows(self, frame: Frame, index: slice | NDArray[np.int64]) -> Rows:
        """Rows of distinct signals, judged by severity only. A usable value that is not finite becomes BAD_PAYLOAD."""
        value, quality, line = frame.value, frame.quality, frame.line_ns
        signal = self._every[index] if isinstance(index, slice) else index
        ordinary = self._sound(quality) and self._usual(value, index)
        if ordinary:
            good = alarming = self._true[:value.shape[0]]
            all_good = True
        else:
            value, quality, good, alarming, all_good = judged(value, quality)
        first, last = extremes(line)
        return Rows(index, signal, value, quality, line, frame.wall_ns, good, alarming, all_good, first, last,
                    ordinary=ordinary)

    def _sound(self, quality: NDArray[np.uint16]) -> bool:
        if one_for_all(quality):
            return not quality[0] & SEVERITY
        return not np.count_nonzero(np.bitwise_and(quality, SEVERITY, out=self._severity[:quality.shape[0]]))

    def _usual(self, value: NDArray[np.float64], index: slice | NDArray[np.int64]) -> bool:
        """Whatever is not a number is not: no comparison holds."""
        count = value.shape[0]
        within = np.greater_equal(value, self._low[index], out=self._within[:count])
        within &= np.less_equal(value, self._high[index], out=self._below[:count])
        return np.count_nonzero(within) == count


def one_for_all(column: NDArray) -> bool:
    """A column of a frame that is one number, spread over all rows: known without a look at the rows."""
    return column.strides[0] == 0 or column.shape[0] == 1


def extremes(column: NDArray) -> tuple[int, int]:
    """Smallest and largest."""
    if one_for_all(column):
        return int(column[0]), int(column[0])
    return int(column.min()), int(column.max())


def judged(value: NDArray[np.float64], quality: NDArray[np.uint16]):
    """(value, quality, good, alarming, all good) of samples of any shape, by severity only: see Intake.rows."""
    severity = np.bitwise_and(quality, SEVERITY)
    good = np.isfinite(value)
    if np.count_nonzero(severity) == 0 and np.count_nonzero(good) == good.size:
        return value, quality, good, good, True
    usable = severity < BAD
    broken = usable & ~good
    if np.count_nonzero(broken):
        quality = np.where(broken, quality & FLAGS | np.uint16(Quality.BAD_PAYLOAD), quality)
    return value, quality, (severity == 0) & good, usable & good, False


def gather(planes: NDArray, index: slice | NDArray[np.int64]) -> NDArray:
    """planes[:, index]: a view for a slice, else a copy (`take` is 3.5 times as fast as indexing here)."""
    return planes[:, index] if isinstance(index, slice) else planes.take(index, axis=1)


def chosen(column: NDArray, row: NDArray[np.int64]) -> NDArray:
    """column[row]; sooner where the column is one number, spread over all rows."""
    return np.full(row.shape, column[0]) if column.strides[0] == 0 and row.size else column[row]

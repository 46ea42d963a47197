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
    last_ns: int  # newest line time of the rows
    answered: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return self.signal.shape[0]

    @classmethod
    def of(cls, frame: Frame, index: slice | NDArray[np.int64]) -> Rows:
        """Rows of distinct signals, judged by severity only. A usable value that is not finite becomes BAD_PAYLOAD."""
        value, quality, good, alarming, all_good = judged(frame.value, frame.quality)
        line = frame.line_ns
        signal = np.arange(index.start, index.stop) if isinstance(index, slice) else index
        return cls(index, signal, value, quality, line, frame.wall_ns, good, alarming, all_good, int(line.max()))


def judged(value: NDArray[np.float64], quality: NDArray[np.uint16]):
    """(value, quality, good, alarming, all good) of samples of any shape, by severity only: see Rows.of."""
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


def one_round(frame: Frame, signals: int) -> tuple[Frame, slice | NDArray[np.int64]] | None:
    """The frame, if no signal comes twice in it, with its place in state arrays of `signals` columns. Signals that are
    neighbours, in whatever order, are put in order and addressed by a slice."""
    count, signal = len(frame), frame.signal
    first = int(signal[0])
    if int(signal[-1]) - first == count - 1 and np.count_nonzero(signal[1:] - signal[:-1] == 1) == count - 1:
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

"""The Frame: samples in columns, read-only, flowing one way from a driver to store, detectors and databases."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gateway.model.clock import Instant
from gateway.model.quality import Flag, Quality, QualityArray


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """n samples. All columns have shape (n,) and are not writeable.

    signal   int32    index into the site's SignalTable
    value    float64  engineering units; NaN where there is none (quality is then bad)
    quality  uint16   see gateway.model.quality
    wall_ns  int64    UTC, when the bytes arrived, or the sender's own stamp where it sends one
    line_ns  int64    time line, when the bytes arrived

    A frame may hold several samples of one signal, oldest first. Build one with `Frame.of`.
    """

    signal: NDArray[np.int32]
    value: NDArray[np.float64]
    quality: QualityArray
    wall_ns: NDArray[np.int64]
    line_ns: NDArray[np.int64]

    def __len__(self) -> int:
        return self.signal.shape[0]

    @classmethod
    def of(cls, signal: ArrayLike, value: ArrayLike, at: Instant, quality: ArrayLike = Quality.GOOD,
           wall_ns: ArrayLike | None = None) -> Frame:
        """A frame received at `at`. Scalars are spread over all rows. `wall_ns`: the sender's own stamps.

        A value that is not finite and whose quality is not already bad becomes NaN with BAD_PAYLOAD: nothing
        downstream ever has to ask whether a good value is a number.
        """
        index = np.atleast_1d(np.asarray(signal, np.int32))
        shape = index.shape
        values = _column(value, np.float64, shape)
        qualities = _column(quality, np.uint16, shape)
        finite = np.isfinite(values)
        if not finite.all():
            usable = (qualities & np.uint16(0x80)) == 0
            qualities = np.where(~finite & usable, np.uint16(Quality.BAD_PAYLOAD), qualities)
            values = np.where(finite, values, np.nan)
        if not at.trusted:
            qualities = qualities | np.uint16(Flag.CLOCK_NOT_TRUSTED)
        wall = _column(at.wall_ns if wall_ns is None else wall_ns, np.int64, shape)
        return cls.from_columns(index, values, qualities, wall, _column(at.line_ns, np.int64, shape))

    @classmethod
    def from_columns(cls, signal: NDArray[np.int32], value: NDArray[np.float64], quality: QualityArray,
                     wall_ns: NDArray[np.int64], line_ns: NDArray[np.int64]) -> Frame:
        """Columns that are already right (decoded from disk, sliced from another frame). They become read-only."""
        for column in (signal, value, quality, wall_ns, line_ns):
            column.flags.writeable = False
        return cls(signal, value, quality, wall_ns, line_ns)

    @classmethod
    def concat(cls, frames: Sequence[Frame]) -> Frame:
        """All rows of all frames, in order."""
        if len(frames) == 1:
            return frames[0]
        return cls.from_columns(*(np.concatenate([getattr(frame, name) for frame in frames])
                                  for name in ("signal", "value", "quality", "wall_ns", "line_ns")))

    @classmethod
    def empty(cls) -> Frame:
        return cls.from_columns(np.empty(0, np.int32), np.empty(0), np.empty(0, np.uint16),
                                np.empty(0, np.int64), np.empty(0, np.int64))

    def take(self, rows: ArrayLike) -> Frame:
        """The chosen rows (index or bool array), in the order given."""
        return Frame.from_columns(self.signal[rows], self.value[rows], self.quality[rows],
                                  self.wall_ns[rows], self.line_ns[rows])

    def rounds(self) -> Iterator[Frame]:
        """The same rows as a sequence of frames in which every signal appears at most once, oldest first.

        Detectors work on all signals in lock-step and so need each signal once. The usual frame comes back as it is.
        """
        n = len(self)
        order = np.argsort(self.signal, kind="stable")
        ranked = self.signal[order]
        first = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]]) if n else order
        if first.shape[0] == n:
            if n:
                yield self
            return
        occurrence = np.empty(n, np.int64)
        occurrence[order] = np.arange(n) - np.repeat(first, np.diff(np.r_[first, n]))
        for nth in range(int(occurrence.max()) + 1):
            yield self.take(np.flatnonzero(occurrence == nth))


def _column(value: ArrayLike, dtype: type, shape: tuple[int, ...]) -> NDArray:
    array = np.asarray(value, dtype)
    return array if array.shape == shape else np.broadcast_to(array, shape)

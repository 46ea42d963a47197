"""What each signal did in each minute of wall time. Pure code, no I/O.

A minute can be told in parts: what samples that come late add to it is combined with what is known.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from gateway.model.clock import NS
from gateway.model.frame import Frame
from gateway.model.quality import QualityArray, is_bad
from gateway.store.columns import Pieces, pack_integers, pack_values, unpack_integers, unpack_values
from gateway.store.history import Trend

MINUTE_NS: Final = 60 * NS
_NEVER: Final = -(1 << 62)
_CODE: Final = np.uint16(0xFF)


@dataclass(frozen=True, slots=True, eq=False)
class Minutes:
    """k rows, one for each signal and minute, in order of minute, then signal.

    minute   int64    minutes since 1970, UTC
    signal   int32    index into a signal table
    mean, low, high, last  float64  of the usable samples (good or uncertain); NaN where there is none
    last_ns  int64    wall time of `last`
    count, bad  int64   usable samples, bad samples
    quality  uint16   the worst code
    """

    minute: NDArray[np.int64]
    signal: NDArray[np.int32]
    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    last: NDArray[np.float64]
    last_ns: NDArray[np.int64]
    count: NDArray[np.int64]
    bad: NDArray[np.int64]
    quality: QualityArray

    def __len__(self) -> int:
        return self.minute.shape[0]

    @classmethod
    def of(cls, frame: Frame) -> Minutes:
        """Of samples in any order."""
        bad = is_bad(frame.quality)
        value = np.where(bad, np.nan, frame.value)
        return _combined(cls(frame.wall_ns // MINUTE_NS, frame.signal, value, value, value, value,
                             np.where(bad, _NEVER, frame.wall_ns), (~bad).astype(np.int64), bad.astype(np.int64),
                             frame.quality & _CODE))

    @classmethod
    def empty(cls) -> Minutes:
        return cls.of(Frame.empty())

    @classmethod
    def combine(cls, parts: Sequence[Minutes]) -> Minutes:
        """Parts of the same minutes, each sample in one of them."""
        return _combined(cls._joined(parts))

    @classmethod
    def newest(cls, parts: Sequence[Minutes]) -> Minutes:
        """Where several parts tell the same minute of a signal, the last of them is right."""
        whole = cls._joined(parts)
        order = np.lexsort((whole.signal, whole.minute))  # stable: a later part stays behind an earlier one
        minute, signal = whole.minute[order], whole.signal[order]
        return whole.take(order[np.r_[(minute[1:] != minute[:-1]) | (signal[1:] != signal[:-1]), True]]
                          if len(order) else order)

    @classmethod
    def _joined(cls, parts: Sequence[Minutes]) -> Minutes:
        if not parts:
            return cls.empty()
        return parts[0] if len(parts) == 1 else cls(*(np.concatenate([getattr(part, one.name) for part in parts])
                                                      for one in fields(cls)))

    def take(self, rows: NDArray | slice) -> Self:
        """The chosen rows (index or bool array, slice)."""
        return type(self)(*(getattr(self, one.name)[rows] for one in fields(self)))

    def parts(self, column: NDArray) -> Iterator[Minutes]:
        """Runs of rows for which this column (one of ours) has one value."""
        starts = np.flatnonzero(np.r_[True, column[1:] != column[:-1]][:len(self)]).tolist()
        for start, stop in zip(starts, [*starts[1:], len(self)], strict=False):
            yield self.take(slice(start, stop))

    def renumbered(self, numbers: NDArray[np.int32]) -> Self:
        """In the numbers of another table; without signals for which that says -1."""
        signal = numbers[self.signal]
        moved = type(self)(self.minute, signal, *(getattr(self, one.name) for one in fields(self)[2:]))
        return moved if (signal >= 0).all() else moved.take(signal >= 0)

    def pack(self) -> bytes:
        """At least one row, as bytes."""
        stamp = self.last_ns - self.minute * MINUTE_NS
        return len(self).to_bytes(4, "little") + b"".join((
            *map(pack_integers, (self.minute, self.signal, self.count, self.bad, self.quality, stamp)),
            *map(pack_values, (self.mean, self.low, self.high, self.last))))

    @classmethod
    def unpack(cls, data: bytes) -> Minutes:
        rows, pieces = int.from_bytes(data[:4], "little"), Pieces(memoryview(data), 4)
        minute, signal, count, bad, quality, stamp = (unpack_integers(pieces, rows, kind) for kind in (
            np.int64, np.int32, np.int64, np.int64, np.uint16, np.int64))
        mean, low, high, last = (unpack_values(pieces, rows) for _ in range(4))
        return cls(minute, signal, mean, low, high, last, stamp + minute * MINUTE_NS, count, bad, quality)


def trend(minutes: Minutes, signals: Sequence[int], start_wall_ns: int, end_wall_ns: int, max_points: int) -> Trend:
    """In at most `max_points` equal steps of time, each of whole minutes; see Trend."""
    if end_wall_ns <= start_wall_ns or max_points < 1:
        raise ValueError("a trend needs an end after its start and at least one point")
    step = -(-(end_wall_ns - start_wall_ns) // (max_points * MINUTE_NS)) * MINUTE_NS
    start = start_wall_ns // MINUTE_NS * MINUTE_NS
    count = -(-(end_wall_ns - start) // step)
    wanted = np.asarray(signals, np.int32)
    cells = minutes.take(np.isin(minutes.signal, wanted) & (minutes.count > 0))
    cells = _combined(replace(cells, minute=(cells.minute * MINUTE_NS - start) // step))
    row = np.full(int(wanted.max(initial=-1)) + 1, -1, np.int64)
    row[wanted] = np.arange(len(wanted))
    at = row[cells.signal], cells.minute
    low, high, mean = (np.full((len(wanted), count), np.nan) for _ in range(3))
    samples = np.zeros((len(wanted), count), np.int64)
    low[at], high[at], mean[at], samples[at] = cells.low, cells.high, cells.mean, cells.count
    return Trend(wanted, start + step * np.arange(count), step, low, high, mean, samples)


@np.errstate(over="ignore", invalid="ignore")
def _combined(rows: Minutes) -> Minutes:
    if not len(rows):
        return rows
    order = np.lexsort((rows.last_ns, rows.signal, rows.minute))
    rows = rows.take(order)
    changes = (rows.minute[1:] != rows.minute[:-1]) | (rows.signal[1:] != rows.signal[:-1])
    first, latest = np.flatnonzero(np.r_[True, changes]), np.flatnonzero(np.r_[changes, True])
    if len(first) == len(rows):
        return rows
    count = np.add.reduceat(rows.count, first)
    total = np.add.reduceat(np.where(rows.count > 0, rows.mean * rows.count, 0.0), first)
    return Minutes(rows.minute[first], rows.signal[first], np.where(count > 0, total / np.maximum(count, 1), np.nan),
                   np.fmin.reduceat(rows.low, first), np.fmax.reduceat(rows.high, first), rows.last[latest],
                   rows.last_ns[latest], count, np.add.reduceat(rows.bad, first),
                   np.maximum.reduceat(rows.quality, first))

"""What each signal did in each hour of wall time: enough for a report of a year, at a hundredth of the size of its
minutes. Pure code, no I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from gateway.store.columns import Pieces, pack_integers, pack_values, unpack_integers, unpack_values
from gateway.store.minutes import Minutes

HOUR: Final = 60  # minutes


@dataclass(frozen=True, slots=True, eq=False)
class Hours:
    """k rows, one for each hour and signal, in that order.

    hour     int64    hours since 1970, UTC
    signal   int32    index into a signal table
    present  int64    bit n: something came in minute n of the hour
    low, high  float64  of the usable samples; NaN where there is none
    count, bad  int64   usable samples, bad samples
    """

    hour: NDArray[np.int64]
    signal: NDArray[np.int32]
    present: NDArray[np.int64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    count: NDArray[np.int64]
    bad: NDArray[np.int64]

    def __len__(self) -> int:
        return self.hour.shape[0]

    @classmethod
    def of(cls, minutes: Minutes) -> Hours:
        hour = minutes.minute // HOUR
        order = np.lexsort((minutes.signal, hour))
        minutes, hour = minutes.take(order), hour[order]
        signal = minutes.signal
        first = np.flatnonzero(np.r_[True, (hour[1:] != hour[:-1]) | (signal[1:] != signal[:-1])][:len(minutes)])
        if not len(first):
            return cls(hour, signal, hour, minutes.low, minutes.high, minutes.count, minutes.bad)
        return cls(hour[first], signal[first], np.bitwise_or.reduceat(1 << minutes.minute % HOUR, first),
                   np.fmin.reduceat(minutes.low, first), np.fmax.reduceat(minutes.high, first),
                   np.add.reduceat(minutes.count, first), np.add.reduceat(minutes.bad, first))

    @classmethod
    def joined(cls, parts: Sequence[Hours]) -> Hours:
        """Parts of which no two tell of the same hour and signal."""
        whole = cls(*(np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(cls)))
        return whole.take(np.lexsort((whole.signal, whole.hour)))

    def take(self, rows: NDArray | slice) -> Self:
        """The chosen rows (index or bool array, slice)."""
        return type(self)(*(getattr(self, one.name)[rows] for one in fields(self)))

    def renumbered(self, numbers: NDArray[np.int32]) -> Self:
        """In the numbers of another table; without signals for which that says -1."""
        signal = numbers[self.signal]
        moved = type(self)(self.hour, signal, *(getattr(self, one.name) for one in fields(self)[2:]))
        return moved if (signal >= 0).all() else moved.take(signal >= 0)

    def pack(self) -> bytes:
        """At least one row, as bytes."""
        return len(self).to_bytes(4, "little") + b"".join((
            *map(pack_integers, (self.hour, self.signal, self.present, self.count, self.bad)),
            *map(pack_values, (self.low, self.high))))

    @classmethod
    def unpack(cls, data: bytes) -> Hours:
        rows, pieces = int.from_bytes(data[:4], "little"), Pieces(memoryview(data), 4)
        hour, signal, present, count, bad = (unpack_integers(pieces, rows, kind) for kind in (
            np.int64, np.int32, np.int64, np.int64, np.int64))
        low, high = (unpack_values(pieces, rows) for _ in range(2))
        return cls(hour, signal, present, low, high, count, bad)

    def grid(self, signals: int, first_minute: int, end_minute: int) -> NDArray[np.bool_]:
        """signals x minutes: where something came."""
        start = first_minute // HOUR
        bits = np.zeros((signals, -(-end_minute // HOUR) - start), "<i8")
        bits[self.signal, self.hour - start] = self.present
        whole = np.unpackbits(bits.view(np.uint8), axis=1, bitorder="little").reshape(signals, -1, 64)[:, :, :HOUR]
        skipped = first_minute - start * HOUR
        return whole.reshape(signals, -1)[:, skipped:skipped + end_minute - first_minute].astype(np.bool_)

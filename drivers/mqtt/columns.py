"""Samples of many messages, collected row by row or block by block, become one Frame."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gateway.model.clock import Instant
from gateway.model.frame import Frame
from gateway.model.quality import Flag, Quality

_UNTRUSTED = int(Flag.CLOCK_NOT_TRUSTED)


class Columns:
    """`few` is cheap for a handful of values (no numpy call), `many` for arrays; the order of the calls is kept."""

    def __init__(self) -> None:
        self._blocks: list[tuple[NDArray, ...]] = []
        self._clear()

    def _clear(self) -> None:
        self._signal: list[int] = []
        self._value: list[float] = []
        self._quality: list[int] = []
        self._counts: list[int] = []
        self._at: list[Instant] = []

    def few(self, signal: Sequence[int], value: Sequence[float], quality: Sequence[int], at: Instant) -> None:
        """k samples that are stamped on arrival."""
        self._signal.extend(signal)
        self._value.extend(value)
        self._quality.extend(quality)
        self._counts.append(len(signal))
        self._at.append(at)

    def many(self, signal: NDArray[np.int32], value: NDArray[np.float64], quality: NDArray[np.uint16] | int,
             at: Instant, wall_ns: NDArray[np.int64] | int | None = None) -> None:
        """k samples in arrays. `wall_ns`: the sender's own stamps."""
        self._close_rows()
        shape = signal.shape
        flag = np.uint16(0 if at.trusted else _UNTRUSTED)
        self._blocks.append((signal, value, np.broadcast_to(np.asarray(quality, np.uint16) | flag, shape),
                             np.broadcast_to(np.int64(at.wall_ns) if wall_ns is None else wall_ns, shape),
                             np.broadcast_to(np.int64(at.line_ns), shape)))

    def frame(self) -> Frame:
        """Everything so far. Values that are not finite are NaN and bad in it."""
        self._close_rows()
        if not self._blocks:
            return Frame.empty()
        signal, value, quality, wall, line = (np.concatenate(column) for column in zip(*self._blocks, strict=True))
        self._blocks = []
        finite = np.isfinite(value)
        if not finite.all():
            usable = ~finite & ((quality & 0x80) == 0)
            quality[usable] = (quality[usable] & _UNTRUSTED) | Quality.BAD_PAYLOAD
            value[~finite] = np.nan
        return Frame.from_columns(signal, value, quality, wall, line)

    def _close_rows(self) -> None:
        if not self._signal:
            return
        counts = np.array(self._counts)
        stamps = np.array([(at.wall_ns, at.line_ns, 0 if at.trusted else _UNTRUSTED) for at in self._at], np.int64)
        wall, line, flags = np.repeat(stamps, counts, axis=0).T
        self._blocks.append((np.array(self._signal, np.int32), np.array(self._value, np.float64),
                             np.array(self._quality, np.uint16) | flags.astype(np.uint16), wall, line))
        self._clear()

"""The newest accepted sample of every signal."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gateway.core.block import Block
from gateway.core.rows import Rows
from gateway.model.quality import Quality


class Latest:
    """Four columns over all n signals, readable by anyone, written by the bank only. They change in place.

    value    float64[n]  NaN until the first sample
    quality  uint16[n]   effective quality; BAD_WAITING until the first sample
    wall_ns  int64[n]    0 until the first sample
    line_ns  int64[n]    0 until the first sample
    """

    def __init__(self, count: int):
        self._value = np.full(count, np.nan)
        self._quality = np.full(count, Quality.BAD_WAITING, np.uint16)
        self._wall = np.zeros(count, np.int64)
        self._line = np.zeros(count, np.int64)
        self.value: NDArray[np.float64] = _read_only(self._value)
        self.quality: NDArray[np.uint16] = _read_only(self._quality)
        self.wall_ns: NDArray[np.int64] = _read_only(self._wall)
        self.line_ns: NDArray[np.int64] = _read_only(self._line)
        self.newest_ns = 0  # line time of the newest of all samples

    def take(self, rows: Rows) -> None:
        self._value[rows.index] = rows.value
        self._quality[rows.index] = rows.quality
        self._wall[rows.index] = rows.wall
        self._line[rows.index] = rows.line
        self.newest_ns = max(self.newest_ns, rows.last_ns)

    def sweep(self, block: Block) -> None:
        self._value[block.index] = block.value[-1]
        self._quality[block.index] = block.quality[-1]
        self._wall[block.index] = block.wall[-1]
        self._line[block.index] = block.line[-1]
        self.newest_ns = max(self.newest_ns, block.last_ns)

    def restored(self) -> None:
        self.newest_ns = int(self._line.max(initial=0))

    def state(self) -> dict[str, NDArray]:
        return {"value": self._value, "quality": self._quality, "wall": self._wall, "line": self._line}


def _read_only(array: NDArray) -> NDArray:
    view = array.view()
    view.flags.writeable = False
    return view

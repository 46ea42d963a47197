"""How long the samples of each signal are kept: some, such as of people, for a shorter time than the rest.

Their time is judged on the time line, as all retention is: a clock that jumps ahead must not delete what came today.
When it is over nobody is told of them any more; `gateway.store.erasure` then takes them off the disk. Pure, no I/O.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from gateway.model.clock import NS
from gateway.model.frame import Frame
from gateway.model.signal import SignalTable

_EVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True, eq=False)
class Keeping:
    """keep_ns: int64[signals], how long its samples are kept; by_id: of those alone that have a time of their own."""

    keep_ns: NDArray[np.int64]
    by_id: Mapping[str, int]

    @classmethod
    def of(cls, signals: SignalTable) -> Self:
        by_id = {one.id: round(one.keep_s * NS) for one in signals if one.keep_s is not None}
        return cls(np.array([by_id.get(id, _EVER) for id in signals.ids], np.int64), by_id)

    @property
    def shortest_ns(self) -> int | None:
        return min(self.by_id.values(), default=None)

    def shown(self, frame: Frame, now_line_ns: int) -> Frame:
        """The frame without samples whose time is over."""
        if not self.by_id or not len(frame):
            return frame
        kept = now_line_ns - frame.line_ns <= self.keep_ns[frame.signal]
        return frame if kept.all() else frame.take(kept)

    def over(self, ids: tuple[str, ...], newest_line_ns: int, now_line_ns: int) -> frozenset[int]:
        """Of a segment with this table: the numbers of signals of which it holds nothing that may still be kept."""
        age_ns = now_line_ns - newest_line_ns
        return frozenset(number for number, id in enumerate(ids) if age_ns > self.by_id.get(id, _EVER))

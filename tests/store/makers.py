"""Frames whose every sample says where it stands, so that a test can see what was lost, doubled or moved."""

from __future__ import annotations

import numpy as np

from gateway.model.clock import NS, Instant
from gateway.model.frame import Frame
from gateway.model.signal import Signal, SignalTable
from gateway.model.text import Text
from gateway.store import StoreSettings

WALL = 1_790_000_000 * NS

# Small and impatient: commits at once, takes any disk, rotates after 64 KiB.
QUICK = StoreSettings(commit_interval_s=0.0, keep_free=0, segment_size=1 << 16, retry_s=0.01, cursor_interval_s=0.0)


def table(*ids: str) -> SignalTable:
    return SignalTable([Signal(one, Text.same(one), "generic", "", "yard") for one in ids])


def signals(count: int) -> SignalTable:
    return table(*(f"S-{number:04d}" for number in range(count)))


def frame(start: int, count: int = 10, at: Instant | None = None) -> Frame:
    """Samples of S-0000, S-0001 ...; the value of each is its own position, counted from `start`."""
    instant = at or Instant(start * 1_000_000, WALL + start * 1_000_000)
    return Frame.of(np.arange(count), np.arange(start, start + count, dtype=np.float64), instant)


def values(*frames: Frame) -> list[int]:
    return [int(value) for one in frames for value in one.value]


def same(left: Frame, right: Frame) -> bool:
    """Bit for bit, types and all."""
    return all(getattr(left, name).dtype == getattr(right, name).dtype
               and getattr(left, name).tobytes() == getattr(right, name).tobytes()
               for name in ("signal", "value", "quality", "wall_ns", "line_ns"))

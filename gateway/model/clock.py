"""Instants, the gateway's own time line, and the judgement of the wall clock.

Two times travel with every sample. *Wall* time (ns since the Unix epoch, UTC) is for people and databases; it can
step, and on a Pi without an RTC it can be decades off. *Line* time is for every delay, deadman and order: it is
monotonic, and unlike CLOCK_MONOTONIC it goes on across restarts, so that a stored frame and a live one can be
compared. See `TimeLine.resume`.
"""

from __future__ import annotations

import ctypes
import time
from dataclasses import dataclass
from typing import Protocol

NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Instant:
    """line_ns: position on the time line (monotonic over restarts). wall_ns: UTC. trusted: wall clock synchronised."""

    line_ns: int
    wall_ns: int
    trusted: bool = True

    def later(self, seconds: float) -> Instant:
        step = round(seconds * NS)
        return Instant(self.line_ns + step, self.wall_ns + step, self.trusted)


class Clock(Protocol):
    def now(self) -> Instant: ...


class ManualClock:
    """A clock that jumps when told: for tests and replay. No sleeping."""

    def __init__(self, wall_ns: int = 1_790_000_000 * NS, line_ns: int = 0, trusted: bool = True):
        self._now = Instant(line_ns, wall_ns, trusted)

    def now(self) -> Instant:
        return self._now

    def advance(self, seconds: float) -> Instant:
        self._now = self._now.later(seconds)
        return self._now

    def step_wall(self, seconds: float) -> Instant:
        """The wall clock is set; the time line does not notice."""
        self._now = Instant(self._now.line_ns, self._now.wall_ns + round(seconds * NS), self._now.trusted)
        return self._now

    def trust(self, trusted: bool) -> None:
        self._now = Instant(self._now.line_ns, self._now.wall_ns, trusted)


class _Timex(ctypes.Structure):
    """struct timex of adjtimex(2); only `modes` and `status` are read, the tail is padding."""

    _fields_ = [("modes", ctypes.c_uint), ("offset", ctypes.c_long), ("freq", ctypes.c_long),
                ("maxerror", ctypes.c_long), ("esterror", ctypes.c_long), ("status", ctypes.c_int),
                ("rest", ctypes.c_byte * 256)]


_STA_UNSYNC = 0x0040


def kernel_clock_synchronised() -> bool | None:
    """What the kernel says of its own clock (STA_UNSYNC); None where it can not be asked."""
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        timex = _Timex()
        state = libc.adjtimex(ctypes.byref(timex))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else not timex.status & _STA_UNSYNC


@dataclass(frozen=True, slots=True)
class ClockStep:
    """The wall clock moved against the time line by `seconds` (positive: forward)."""

    at: Instant
    seconds: float


class TimeLine:
    """The running gateway's clock.

    `now()` is cheap (two clock reads). `judge()` is called about once a second: it asks the kernel whether the clock
    is synchronised and returns a ClockStep when the wall clock was set by more than `tolerance_s`.
    """

    def __init__(self, *, tolerance_s: float = 0.5, line_offset_ns: int = 0):
        self._offset = line_offset_ns
        self._tolerance = round(tolerance_s * NS)
        self._trusted = kernel_clock_synchronised() is not False
        self._skew = time.time_ns() - time.monotonic_ns()

    @classmethod
    def resume(cls, last: Instant | None, **settings: float) -> TimeLine:
        """Go on after `last`, the newest instant on disk. The gap is the wall clock's if both ends were trusted and it
        did not go back, else one second: order is kept in any case, and a wrong gap can only be too short."""
        line = cls(**settings)  # type: ignore[arg-type]
        if last is not None:
            now = line.now()
            gap = now.wall_ns - last.wall_ns if now.trusted and last.trusted and now.wall_ns > last.wall_ns else NS
            line._offset += last.line_ns + gap - now.line_ns
        return line

    def now(self) -> Instant:
        return Instant(time.monotonic_ns() + self._offset, time.time_ns(), self._trusted)

    def judge(self) -> ClockStep | None:
        self._trusted = kernel_clock_synchronised() is not False
        skew = time.time_ns() - time.monotonic_ns()
        moved = skew - self._skew
        self._skew = skew  # slow slewing is followed, only a jump between two looks counts
        return ClockStep(self.now(), moved / NS) if abs(moved) > self._tolerance else None

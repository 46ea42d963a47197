"""Instants, the gateway's own time line, and the judgement of the wall clock.

Two times travel with every sample. *Wall* time (ns since the Unix epoch, UTC) is for people and databases; it can
step, and on a Pi without an RTC it can be decades off. *Line* time is for every delay, deadman and order: it is
monotonic, and unlike CLOCK_MONOTONIC it goes on across restarts, so that a stored frame and a live one can be
compared. See `TimeLine.resume`.
"""

from __future__ import annotations

import ctypes
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

NS = 1_000_000_000
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_TIMESYNC = Path("/run/systemd/timesync")  # systemd-timesyncd touches `synchronized` in it; gone at every boot
_MOST_STRETCHES = 16


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
    """What the kernel says of its own clock (STA_UNSYNC), which every time daemon tells it. Where it can not be asked
    (a container), what systemd-timesyncd says; None where nobody can."""
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        timex = _Timex()
        state = libc.adjtimex(ctypes.byref(timex))
    except (OSError, AttributeError):
        state = -1
    if state < 0:
        return (_TIMESYNC / "synchronized").exists() if _TIMESYNC.is_dir() else None
    return not timex.status & _STA_UNSYNC


@dataclass(frozen=True, slots=True)
class ClockStep:
    """The wall clock moved against the time line by `seconds` (positive: forward)."""

    at: Instant
    seconds: float


@dataclass(frozen=True, slots=True)
class Correction:
    """A stretch of the line, first_ns to last_ns, in which the wall clock was `raw_ns` ahead of the line and should
    have been `true_ns` ahead of it. See gateway.model.correction."""

    first_ns: int
    last_ns: int
    raw_ns: int
    true_ns: int

    @property
    def moved_ns(self) -> int:
        """What the stamps of this stretch are late by: added to them, it makes them right."""
        return self.true_ns - self.raw_ns

    def covers(self, first_ns: int, last_ns: int) -> bool:
        """Whether any of first_ns to last_ns (line time) lies in this stretch."""
        return self.first_ns <= last_ns and first_ns <= self.last_ns


class TimeLine:
    """The running gateway's clock.

    `now()` is cheap (two clock reads). `judge()` is called about once a second: it asks the kernel whether the clock
    is synchronised and returns a ClockStep when the wall clock was set by more than `tolerance_s`.

    unset: the stretches of the line since the machine started in which nothing had told it the time: where each begins,
    and how far the wall clock was ahead of the line. () when the time has arrived.
    """

    def __init__(self, *, tolerance_s: float = 0.5, line_offset_ns: int = 0):
        self._offset = line_offset_ns
        self._tolerance = round(tolerance_s * NS)
        self._trusted = kernel_clock_synchronised() is not False
        self._skew = time.time_ns() - time.monotonic_ns()
        self.unset: tuple[tuple[int, int], ...] = ()
        if not self._trusted:
            self._unset_from_here()

    @classmethod
    def resume(cls, last: Instant | None, kept: bytes | None = None, **settings: float) -> TimeLine:
        """Go on after `last`, the newest instant on disk. Where the machine has not been restarted since `kept` (see
        `keep`) the line is the same line, to the nanosecond. Else the gap is the wall clock's if both ends were trusted
        and it did not go back, or one second: order is kept in any case, and a wrong gap can only be too short."""
        line = cls(**settings)  # type: ignore[arg-type]
        same = _same_boot(kept)
        if same is not None and (last is None or last.line_ns <= line.now().line_ns + same["offset"]):
            line._offset = same["offset"]
            line.unset = tuple(map(tuple, same["unset"]))
            if line.unset and abs(line._raw() - line.unset[-1][1]) > line._tolerance:  # it was set while we were away
                line._unset_from_here()
        elif last is not None:
            now = line.now()
            gap = now.wall_ns - last.wall_ns if now.trusted and last.trusted and now.wall_ns > last.wall_ns else NS
            line._offset += last.line_ns + gap - now.line_ns
            if line.unset:
                line.unset = ()
                line._unset_from_here()
        return line

    def keep(self) -> bytes:
        """For `resume`, should the gateway be restarted and the machine not."""
        return json.dumps({"boot": _boot(), "offset": self._offset, "unset": self.unset}).encode()

    def now(self) -> Instant:
        return Instant(time.monotonic_ns() + self._offset, time.time_ns(), self._trusted)

    def judge(self) -> ClockStep | None:
        self._trusted = kernel_clock_synchronised() is not False
        skew = time.time_ns() - time.monotonic_ns()
        moved = skew - self._skew
        self._skew = skew  # slow slewing is followed, only a jump between two looks counts
        if abs(moved) <= self._tolerance:
            return None
        if self.unset:
            self._unset_from_here()
        return ClockStep(self.now(), moved / NS)

    def arrived(self) -> tuple[Correction, ...]:
        """Once, when the time has arrived: how to read what was stamped before. Else ()."""
        if not (self.unset and self._trusted):
            return ()
        firsts, end, true = [first for first, _ in self.unset], self.now().line_ns, self._raw()
        found = tuple(Correction(first, last, raw, true)
                      for (first, raw), last in zip(self.unset, (*firsts[1:], end), strict=True))
        self.unset = ()
        return found

    def _raw(self) -> int:
        now = self.now()
        return now.wall_ns - now.line_ns

    def _unset_from_here(self) -> None:
        self.unset = (*self.unset, (self.now().line_ns, self._raw()))[-_MOST_STRETCHES:]


def _boot() -> str:
    try:
        return _BOOT.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _same_boot(kept: bytes | None) -> dict | None:
    """What was kept, if the machine has run without a break since then."""
    try:
        found = json.loads(kept or b"null")
        same = found is not None and found["boot"] == _boot() != ""
    except (ValueError, KeyError, TypeError):
        return None
    return found if same else None

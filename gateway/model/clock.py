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
_CHIP = Path("/sys/class/rtc/rtc0")  # a clock chip, or what a virtual machine has for one
_MOST_STRETCHES = 16
_LOOK_NS = 5 * NS  # a step is found at the next look: stamps so long before it may be of either side

NOT_BEFORE_NS = 1_767_225_600 * NS  # 2026-01-01: no clock that says less is right, this program is younger
BACK_NS = 60 * NS  # so far may a clock that was a little fast be put back
BELIEVED_NS = 86_400 * NS  # a synchronised clock that is behind what was stored for so long is believed


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


def has_clock_chip() -> bool:
    return _CHIP.exists()


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

    The wall clock is trusted while the kernel says that it is synchronised; where the kernel can not be asked, where
    there is a clock chip; or where the site says that it is `kept`. In no case when it is behind the latest time that
    was trusted, see docs/decisions/untrusted-time.md.

    unset: the stretches of the line since the machine started, or the clock went back, in which nothing had told it the
    time: where each begins, and how far the wall clock was ahead of the line. () when the time has arrived.
    behind_ns: by how much it is behind what was stored; 0: it is not.
    started_ns: line time of this start of the gateway.
    never_told: the machine lost its power before it was told the time; what was stamped then keeps its stamp.
    same_machine_run: the machine has not been restarted since the gateway ran last: the line knows the gap exactly.
    """

    def __init__(self, *, tolerance_s: float = 0.5, line_offset_ns: int = 0, kept: bool = False, latest_ns: int = 0):
        self._offset = line_offset_ns
        self._tolerance = round(tolerance_s * NS)
        self._kept, self._latest = kept, max(latest_ns, NOT_BEFORE_NS)
        self._behind_since: int | None = None  # monotonic
        self.behind_ns = 0
        self._trusted = self._is_right()
        self._skew = time.time_ns() - time.monotonic_ns()
        self.unset: tuple[tuple[int, int], ...] = ()
        self.same_machine_run = self.never_told = False
        self._looked_ns = self.started_ns = self.now().line_ns
        if not self._trusted:
            self._unset_from(self._looked_ns)

    @classmethod
    def resume(cls, last: Instant | None, saved: bytes | None = None, *, kept: bool = False, latest_ns: int = 0,
               ) -> TimeLine:
        """Go on after `last`, the newest instant on disk. Where the machine has not been restarted since `saved` (see
        `keep`) the line is the same line, to the nanosecond. Else the gap is the wall clock's if both ends were trusted
        and it did not go back, or one second: order is kept in any case, and a wrong gap can only be too short.
        latest_ns: the latest trusted wall time on disk, if it is not that of `last`."""
        known = _kept(saved)
        trusted_ns = last.wall_ns if last is not None and last.trusted else 0
        line = cls(kept=kept, latest_ns=max(latest_ns, trusted_ns, known.get("latest", 0)))
        if known.get("boot") == _boot() != "" and (
                last is None or last.line_ns <= line.now().line_ns + known["offset"]):
            line.same_machine_run = True
            line._offset = known["offset"]
            line.unset = tuple(map(tuple, known["unset"]))
            was_set = line.unset and abs(line._raw() - line.unset[-1][1]) > line._tolerance
            if was_set or (line.behind_ns and not line.unset):
                line._unset_from(line.now().line_ns)
        elif last is not None:
            line.never_told = bool(known.get("unset"))
            now = line.now()
            gap = now.wall_ns - last.wall_ns if now.trusted and last.trusted and now.wall_ns > last.wall_ns else NS
            line._offset += last.line_ns + gap - now.line_ns
            if line.unset:
                line.unset = ()
                line._unset_from(line.now().line_ns)
        line._looked_ns = line.started_ns = line.now().line_ns
        return line

    def keep(self) -> bytes:
        """For `resume`, should the gateway be restarted and the machine not."""
        return json.dumps({"boot": _boot(), "offset": self._offset, "unset": self.unset,
                           "latest": self._latest}).encode()

    def now(self) -> Instant:
        wall_ns = time.time_ns()
        return Instant(time.monotonic_ns() + self._offset, wall_ns, self._trusted and wall_ns >= self._latest - BACK_NS)

    def judge(self) -> ClockStep | None:
        self._trusted = self._is_right()
        skew = time.time_ns() - time.monotonic_ns()
        moved = skew - self._skew
        self._skew = skew  # slow slewing is followed, only a jump between two looks counts
        stepped = abs(moved) > self._tolerance
        if stepped if self.unset else self.behind_ns:
            self._unset_from(self._looked_ns)
        now = self.now()
        self._looked_ns = now.line_ns
        return ClockStep(now, moved / NS) if stepped else None

    def arrived(self) -> tuple[Correction, ...]:
        """Once, when the time has arrived: how to read what was stamped before. Else ()."""
        if not (self.unset and self._trusted):
            return ()
        firsts, end, true = [first for first, _ in self.unset], self.now().line_ns, self._raw()
        found = tuple(Correction(first, last, raw, true) for (first, raw), last in zip(
            self.unset, (*(first + _LOOK_NS for first in firsts[1:]), end), strict=True))
        self.unset = ()
        return found

    @property
    def disputed(self) -> bool:
        """It is behind what was stored, and called right all the same: there is no other time to wait for."""
        return self._behind_since is not None

    def _raw(self) -> int:
        now = self.now()
        return now.wall_ns - now.line_ns

    def _unset_from(self, line_ns: int) -> None:
        self.unset = (*self.unset, (line_ns, self._raw()))[-_MOST_STRETCHES:]

    def _is_right(self) -> bool:
        """Is the wall clock to be trusted now?"""
        said, wall_ns, now_ns = kernel_clock_synchronised(), time.time_ns(), time.monotonic_ns()
        told = self._kept or (has_clock_chip() if said is None else said)
        self.behind_ns = max(self._latest - wall_ns, 0) if wall_ns < self._latest - BACK_NS else 0
        if not self.behind_ns or not told:
            self._behind_since = None
        elif self._behind_since is None:
            self._behind_since = now_ns
        elif now_ns - self._behind_since >= BELIEVED_NS and wall_ns >= NOT_BEFORE_NS:
            self.behind_ns, self._latest = 0, wall_ns  # what was stored must have been wrong
        if told and not self.behind_ns:
            self._latest = max(self._latest, wall_ns)
        return told and not self.behind_ns


def _boot() -> str:
    try:
        return _BOOT.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _kept(saved: bytes | None) -> dict:
    """What was kept; nothing where there is none, or it can not be read."""
    try:
        found = json.loads(saved or b"{}")
        return found if not found or {"boot", "offset", "unset"} <= found.keys() else {}
    except (ValueError, AttributeError):
        return {}

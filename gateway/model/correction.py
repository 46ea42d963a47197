"""What a clock that was set too late had stamped, stamped right.

A Pi has no clock that runs while it is off. Until the network has told it the time, its wall clock is somewhere; the
time line is right all along. When the time arrives, the distance of the two is known, and with it the true wall time
of everything that was stamped since the machine started: its place on the line, plus that distance.

What is stored is not rewritten (a frame, a journal row): it is read through `Correction`s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gateway.model.clock import Correction
from gateway.model.frame import Frame
from gateway.model.quality import Flag

OWN_NS = 5_000_000_000  # a stamp farther than this from what our clock said was made by the sender's own clock
_FLAG, _CORRECTED = np.uint16(Flag.CLOCK_NOT_TRUSTED), np.uint16(Flag.CLOCK_CORRECTED)


@dataclass(frozen=True, slots=True)
class Told:
    """A wall time as people are told it. after_s: None where it is known; else the clock is not synchronised, `wall_ns`
    is what it shows, and so many seconds have gone by since the start."""

    wall_ns: int
    after_s: float | None = None


def corrected_wall(corrections: Sequence[Correction], line_ns: int, wall_ns: int) -> int:
    """The true wall time of what our own clock stamped at this place of the line."""
    for one in corrections:
        if one.covers(line_ns, line_ns) and abs(wall_ns - line_ns - one.raw_ns) < OWN_NS:
            return wall_ns + one.moved_ns
    return wall_ns


def corrected(corrections: Sequence[Correction], frame: Frame) -> Frame:
    """The frame with true wall times, and with the other flag where the time is known now. What a sender stamped by a
    clock of its own keeps that stamp."""
    if not corrections or not (flagged := frame.quality & _FLAG).any():
        return frame
    wall, quality = frame.wall_ns.copy(), frame.quality.copy()
    for one in corrections:
        rows = (flagged != 0) & (frame.line_ns >= one.first_ns) & (frame.line_ns <= one.last_ns)
        own = rows & (np.abs(frame.wall_ns - frame.line_ns - one.raw_ns) < OWN_NS)
        wall[own] += one.moved_ns
        quality[rows] = quality[rows] & ~_FLAG | _CORRECTED
    return Frame.from_columns(frame.signal, frame.value, quality, wall, frame.line_ns)

"""A reading that stands still for longer than it ever did: `stuck` without a number to set."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from gateway.core.block import Block
from gateway.core.detectors.detector import alarm_numbers
from gateway.core.edges import Edges
from gateway.core.learning import Figure, Holds, Learner, Picture
from gateway.core.rows import Rows
from gateway.model.clock import NS
from gateway.model.condition import Condition
from gateway.model.site import Site
from gateway.model.text import Text

LEAST = 12  # equal reads: never fewer
TIMES = 2  # as many as in the longest honest rest
_NEVER = -(2**62)


class Frozen(Learner):
    """`stuck`, learnt: the same value over twice as many good reads as in the longest rest seen before, and twelve.

    Formula: equal good reads in a row are counted, from 1. A run that ends before the condition began is honest: the
    longest of them is kept. The condition begins when a run is twice as long, and ends with the first good read that
    differs; such a run counts as half as long again as the longest, no more. Nothing is said before `learn_s` of good
    data, nor of a signal that has never moved. A gas reading at the lower end of its range is clamped and does not
    count.

    On a plant: as `stuck` (gateway.core.detectors.stuck), where nobody knows how long an honest rest is.

    Delay: twice the longest honest rest: hours for a tank that stands at night. False alarms: a rest longer than twice
    any before, the first week-end after the start. Where the number is known, `stuck_reads` is the better choice; a
    signal that has it is not judged here.

    Not for: signals that honestly rest (a still tank, a gas head clamped at zero): they are never learnt as lively.
    """

    name = "frozen"

    def __init__(self, site: Site, holds: Holds):
        self._holds, self._signals = holds, site.signals
        count = len(site.signals)
        asked = [signal.faults if signal.stuck_reads is None and signal.faults is not None
                 and Condition.STUCK in signal.faults.kinds else None for signal in site.signals]
        self._watched = np.array([faults is not None for faults in asked], np.bool_)
        self._alarm = np.where(self._watched, alarm_numbers(site, Condition.STUCK), -1)
        self._learn = np.array([0 if faults is None else round(faults.learn_s * NS) for faults in asked], np.int64)
        self._rest = np.array([s.low if s.gas and s.low is not None else np.nan for s in site.signals])
        self._last = np.full(count, np.nan)
        self._run, self._longest = np.zeros(count, np.int64), np.zeros(count, np.int64)
        self._since = np.full(count, _NEVER, np.int64)  # line time of the first good read,
        self._newest = np.full(count, _NEVER, np.int64)  # of the newest,
        self._start = np.zeros(count, np.int64)  # and of the run's first
        self._active = np.zeros(count, np.bool_)

    def step(self, rows: Rows, edges: Edges) -> None:
        row = np.flatnonzero(rows.good & self._watched[rows.index])
        if not row.size:
            return
        signal, value, line, wall = rows.signal[row], rows.value[row], rows.line[row], rows.wall[row]
        last = self._last[signal]
        same = value == last
        moved = np.flatnonzero(~same)
        if moved.size:
            self._end_runs(moved, signal, value, line, wall, edges)
        run = self._run[signal] = self._run[signal] + (same & (value != self._rest[signal]))
        self._last[signal], self._newest[signal] = value, line
        long = run >= np.maximum(TIMES * self._longest[signal], LEAST)
        if np.count_nonzero(long):
            known = (self._longest[signal] > 0) & (line - self._since[signal] >= self._learn[signal])
            begins = np.flatnonzero(long & known & ~self._active[signal])
            if begins.size:
                self._active[signal[begins]] = True
                edges.add(self._alarm[signal[begins]], True, value[begins], line[begins], wall[begins])

    def sweep(self, block: Block, edges: Edges) -> None:
        for part, _, _ in block.good_parts(self._watched):
            if not self._pass_over(part):
                for rows in part.rows():
                    self.step(rows, edges)

    def state(self) -> dict[str, NDArray]:
        return {"last": self._last, "run": self._run, "longest": self._longest, "since": self._since,
                "newest": self._newest, "start": self._start, "active": self._active}

    def restored(self) -> None:
        self._active &= self._alarm >= 0

    def adopt(self, alarms: NDArray[np.int64]) -> None:
        self._active |= np.isin(self._alarm, alarms) & (self._alarm >= 0)

    def progress(self) -> NDArray[np.float64]:
        seen = np.where(self._since > _NEVER, self._newest - self._since, 0) / np.maximum(self._learn, 1)
        return np.where(self._watched, np.minimum(seen, 1.0), np.nan)

    def forget(self, signals: NDArray[np.int64]) -> None:
        own = signals[self._watched[signals]]
        self._last[own] = np.nan
        self._run[own] = self._longest[own] = self._start[own] = 0
        self._since[own] = self._newest[own] = _NEVER
        self._active[own] = False

    def picture(self, signal: int) -> Picture | None:
        if not self._watched[signal]:
            return None
        longest = int(self._longest[signal])
        return Picture(self.name, Text("rests of the reading", "读数静止时长"), float(self.progress()[signal]), (
            Figure(Text("longest honest rest, in reads", "最长正常静止（读数次数）"), longest or math.nan),))

    def _pass_over(self, block: Block) -> bool:
        """Take it at once if no run in it is longer than the longest known; else take nothing."""
        signal = block.signal
        if np.count_nonzero(self._active[signal] | (self._since[signal] == _NEVER)):
            return False
        value, place = block.value, np.arange(1, len(block) + 1)[:, None]
        same = value == np.concatenate((self._last[signal][None], value[:-1]))
        clamped = same & (value == self._rest[signal])
        if np.count_nonzero(clamped):
            return False
        began = np.maximum.accumulate(np.where(same, 0, place))  # round, from 1, in which the run began; 0: before
        run = np.where(began > 0, place - began + 1, self._run[signal] + place)
        if np.count_nonzero(np.maximum(run.max(axis=0), self._run[signal]) > self._longest[signal]):
            return False
        last = began[-1]
        start = block.line[np.maximum(last - 1, 0), np.arange(signal.shape[0])]
        self._start[signal] = np.where(last > 0, start, self._start[signal])
        self._run[signal], self._last[signal], self._newest[signal] = run[-1], value[-1], block.line[-1]
        return True

    def _end_runs(self, row, signal, value, line, wall, edges: Edges) -> None:
        """These reads differ from the one before."""
        own = signal[row]
        fresh = self._since[own] == _NEVER
        self._since[own[fresh]] = line[row[fresh]]
        active = self._active[own]
        honest = ~active & ~fresh & (self._run[own] > self._longest[own])
        if np.count_nonzero(honest):
            place = np.flatnonzero(honest)
            learnt = own[place[~self._holds.held(own[place], self._start[own[place]])]]
            self._longest[learnt] = self._run[learnt]
        if np.count_nonzero(active):
            freed, told = row[active], own[active]
            longest = self._longest[told]
            self._longest[told] = np.maximum(longest, np.minimum(self._run[told], 3 * longest // 2))
            self._active[own] = False
            edges.add(self._alarm[signal[freed]], False, value[freed], line[freed], wall[freed])
        self._run[own] = 1
        self._start[own] = line[row]

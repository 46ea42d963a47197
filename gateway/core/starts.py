"""When a load begins to run: at which hours of the week it does, and how surprising its present run is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.core.calendar import HOURS_OF_WEEK
from gateway.model.clock import NS

_HOURS = 24
_QUARTER_NS = 900 * NS
_SURE = 0.5  # of the range: a load counts in full from here on
_SMOOTH = 3.0  # means over which the evidence of a run is gathered
_FADE = 0.005  # per quarter of an hour in which a start might have been seen
_DOUBTED_COUNTS = 0.1  # how much of a start is learnt when it was unusual
_FIRST_STARTS, _FIRST_QUARTERS = 1.0, 50.0  # before anything was seen: a start in 12.5 hours
_WEIGHT = 8.0  # quarters of an hour: how much the wider class counts within the narrower one
BOUND = 1.5  # height, in nats, that is unusual
_GAP = 4  # means that may be missing within one run

_HEIGHT, _SURPRISE, _SLOT, _DOUBTED = range(4)
_NONE = -(2**62)


@dataclass(frozen=True, slots=True)
class Odds:
    """What was learnt of one hour of the week: quarters of an hour in which the load might have begun to run, and how
    often it did; in this hour of the week, and in this hour of any day. Both fade."""

    week_hours: float
    week_starts: float
    day_hours: float
    day_starts: float


class Starts:
    """n signals in lock-step, a mean of each at a time. 392 numbers of state per signal.

    A load *runs* where its share (gateway.core.bands) is above `above`. A run *begins* with the first such mean after
    `idle_ns` without any, and is over after `idle_ns` without any. What is learnt, per hour of the week, is the chance
    that a run begins within a quarter of an hour while the load is idle: starts over quarters of an hour, where the
    hour of the week leans on the same hour of any day (as if 8 quarters of it had been seen), and that one on all hours
    together. So a Sunday of which little is known yet is judged as any day, and after some Sundays as a Sunday.

    Surprise of a run: minus the logarithm of that chance at its beginning. Height: the surprise times the share of the
    load (at most 0.5), smoothed over 3 means: a switch of a pump for five minutes is no production. Unusual is a
    height of 1.5 or more: with a load at half its range or more, a chance below 1 in 20.

    Time that was not seen is no time: a week without data, and a holiday in which nothing begins, hardly change the
    odds of the hours at which work begins as a rule, and a gap of more than 4 means breaks off what was known of idle
    and running: a load that runs after it did not begin then. A start that was unusual counts a tenth, so that a habit
    against the rules becomes usual only after some months. All counts fade by 0.5 % per quarter of an hour seen idle.
    """

    def __init__(self, every_ns: NDArray[np.int64], idle_ns: NDArray[np.int64], above: NDArray[np.float64]):
        """int64[n], f8[n]: span of the means; how long a load must be idle between two runs; the share from which on
        it runs."""
        count = every_ns.shape[0]
        self._every, self._idle, self._above = np.maximum(every_ns, 1), idle_ns, above
        self._quarters = np.minimum(self._every / _QUARTER_NS, 4.0)
        self._run = np.zeros((4, count))  # of the present run: height, surprise, first hour (-1: none runs), doubted
        self._run[_SLOT] = -1
        self._times = np.full((2, count), _NONE, np.int64)  # when the load ran last; the last span
        self._week = np.zeros((2, HOURS_OF_WEEK, count), np.float32)  # quarters of an hour, starts
        self._day = np.zeros((2, _HOURS, count))
        self._all = np.zeros((2, count))

    def step(self, signal: NDArray[np.int64], share: NDArray[np.float64], span_ns: NDArray[np.int64],
             hour: NDArray[np.int64], held: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Take the share of one mean of each of k distinct signals, of the span that began at span_ns, in this hour of
        the week; the heights, f8[k]. held: bool[k], judged and not learnt from."""
        height, surprise, slot, doubted = self._run[:, signal]
        up, seen = self._times[:, signal]
        every, idle = self._every[signal], self._idle[signal]
        lost = span_ns - seen > _GAP * every
        surprise, slot, up = np.where(lost, 0.0, surprise), np.where(lost, -1.0, slot), np.where(lost, span_ns, up)
        runs = share > self._above[signal]
        might = (slot < 0.0) & (span_ns - up >= idle)
        begins = might & runs
        surprise = np.where(begins, -np.log(self._chance(signal, hour)), surprise)
        slot, doubted = np.where(begins, hour, slot), np.where(begins, held, doubted)
        up = np.where(runs, span_ns + every, up)
        over = (slot >= 0.0) & (span_ns + every - up >= idle)
        self._learn(signal, hour, might & ~held, slot, over, doubted)
        evidence = np.where(runs, surprise * np.minimum(share, _SURE), 0.0)
        height = np.where(over, 0.0, height + (evidence - height) / _SMOOTH)
        self._run[:, signal] = height, np.where(over, 0.0, surprise), np.where(over, -1.0, slot), doubted
        self._times[:, signal] = up, span_ns
        return height

    def doubt(self, signal: NDArray[np.int64]) -> None:
        """The present runs of these signals are unusual: little is learnt from them."""
        self._run[_DOUBTED, signal] = 1.0

    def idle(self, signal: NDArray[np.int64]) -> NDArray[np.bool_]:
        """bool[k]: seen to be idle for as long as lies between two runs."""
        up, seen = self._times[:, signal]
        return seen + self._every[signal] - up >= self._idle[signal]

    def began(self, signal: int) -> int:
        """Hour of the week in which the present run began, -1: it is not known."""
        return int(self._run[_SLOT, signal])

    def odds(self, signal: int, hour: int) -> Odds:
        week, day = self._week[:, hour, signal], self._day[:, hour % _HOURS, signal]
        return Odds(float(week[0]) / 4, float(week[1]), float(day[0]) / 4, float(day[1]))

    def chances(self, signal: int) -> NDArray[np.float64]:
        """f8[168]: the chance that a run begins within an hour of idleness, by hour of the week."""
        hours = np.arange(HOURS_OF_WEEK)
        return 1.0 - (1.0 - self._chance(np.full(HOURS_OF_WEEK, signal), hours)) ** 4

    def forget(self, signals: NDArray[np.int64]) -> None:
        """As if these signals had never been seen."""
        self._run[:, signals] = 0.0
        self._run[_SLOT, signals] = -1
        self._times[:, signals] = _NONE
        self._week[..., signals] = self._day[..., signals] = self._all[:, signals] = 0.0

    def state(self) -> dict[str, NDArray]:
        return {"run": self._run, "times": self._times, "week": self._week, "day": self._day, "all": self._all}

    def _chance(self, signal: NDArray[np.int64], hour: NDArray[np.int64]) -> NDArray[np.float64]:
        """Of a start within a quarter of an hour."""
        seen, starts = self._all[:, signal]
        chance = (starts + _FIRST_STARTS) / (seen + _FIRST_QUARTERS)
        for seen, starts in (self._day[:, hour % _HOURS, signal], self._week[:, hour, signal]):
            chance = (starts + _WEIGHT * chance) / (seen + _WEIGHT)
        return np.minimum(chance, 1.0)

    def _learn(self, signal: NDArray[np.int64], hour: NDArray[np.int64], might: NDArray[np.bool_],
               slot: NDArray[np.float64], over: NDArray[np.bool_], doubted: NDArray[np.bool_]) -> None:
        """Stretches in which a run might have begun, and runs that are over."""
        if np.count_nonzero(might):
            own, at = signal[might], hour[might]
            quarters = self._quarters[own]
            for table, place in ((self._week, (at, own)), (self._day, (at % _HOURS, own)), (self._all, (own,))):
                seen, starts = table[:, *place]
                keep = 1.0 - _FADE * quarters
                table[:, *place] = seen * keep + quarters, starts * keep
        if np.count_nonzero(over):
            own, at = signal[over], slot[over].astype(np.int64)
            weight = np.where(doubted[over] > 0.0, _DOUBTED_COUNTS, 1.0)
            self._week[1, at, own] += weight
            self._day[1, at % _HOURS, own] += weight
            self._all[1, own] += weight

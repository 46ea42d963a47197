"""Rate of change: rising or falling faster than a limit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gateway.core.detectors.detector import Detector, alarm_numbers
from gateway.core.edges import Edges
from gateway.core.rows import Rows
from gateway.core.setpoints import SetPoints
from gateway.model.clock import NS
from gateway.model.signal import Condition
from gateway.model.site import Site

DEFAULT_WINDOW_S = 10.0  # where the site gives none
SPACING = 8  # parts of the window: no two anchors are nearer than one part
_SLOTS = 12  # anchors within the window (at most 9), one outside, and room
_UNSET = -(2**61)


class Rate(Detector):
    """Rise (ROC+) or fall (ROC-) per second over window_s, one instance per direction.

    Formula: every good sample gives m = median of the newest three values, taken to stand at the time of the middle one
    (the sample before the newest). The rate is (m - a) / (t - t_a), from an anchor (t_a, a): the oldest remembered m
    that is not older than the window, provided it is at least half a window old; else the youngest remembered one that
    is older. Anchors are remembered at least window/8 apart, 12 of them per signal, so that memory does not depend on
    the sampling rate. No rate is given before half a window of data; then it is compared with the limit by the machine
    in gateway.core.setpoints (deadband, on-delay, off-delay in units per second).

    On a plant: the leak before the limit. A gas head that rises 0.5 %LEL/s reaches 20 %LEL in 40 s; its rate shows in
    a few.

    Delay: a steady rise of r units/s out of rest reaches a limit of s units/s after window * s / r, plus one sample for
    the median (two-fold rise: half a window). Right after start-up at least half a window.
    False alarms: a single wild sample never counts, at either end (the median takes it out); two in a row do. Noise of
    standard deviation sigma (white) gives a rate of about 0.95 * sigma / window: keep the limit above five times that.
    A real step of height h reads as h / window until it has left the window. After a gap longer than the window the
    rate is the mean over the gap, until half a window of new data is there.
    Only good samples count here, in both directions: a stale value has no known age and so no rate.
    """

    def __init__(self, site: Site, condition: Condition):
        self.name = condition.value
        self._sign = 1.0 if condition is Condition.RATE_UP else -1.0
        count = len(site.signals)
        self._points = SetPoints(1, count)
        window = np.full(count, DEFAULT_WINDOW_S)
        numbers = alarm_numbers(site, condition)
        for number, signal in enumerate(site.signals):
            for limit in signal.limits:
                if limit.condition == condition:
                    # The set point is positive in both directions and so is what it is compared with.
                    self._points.set(0, number, limit, int(numbers[number]), 1)
                    window[number] = limit.window_s or DEFAULT_WINDOW_S
        self._window = np.rint(window * NS).astype(np.int64)
        self._half = self._window // 2
        self._part = self._window // SPACING
        self._newer = np.full(count, np.nan)  # the newest value, and the one before
        self._older = np.full(count, np.nan)
        self._newer_ns = np.full(count, _UNSET, np.int64)
        self._time = np.full((_SLOTS, count), _UNSET, np.int64)
        self._value = np.full((_SLOTS, count), np.nan)
        self._head = np.zeros(count, np.int64)  # slot of the youngest anchor
        self._tail = np.zeros(count, np.int64)  # slot of the anchor in use
        self._head_ns = np.full(count, _UNSET, np.int64)
        self._anchor_ns = np.full(count, _UNSET, np.int64)
        self._anchor = np.full(count, np.nan)
        self._unseen_count = count

    @property
    def deadline_ns(self) -> int:  # type: ignore[override]
        return self._points.deadline_ns

    def step(self, rows: Rows, edges: Edges) -> None:
        if rows.all_good:
            rate, good = self._follow(rows.index, rows.signal, rows.value, rows.line)
        else:
            rate, good = np.full(len(rows), np.nan), np.zeros(len(rows), np.bool_)
            row = np.flatnonzero(rows.good)
            if row.size:
                signal = rows.signal[row]
                rate[row], good[row] = self._follow(signal, signal, rows.value[row], rows.line[row])
        self._points.step(rate.reshape(1, -1), rows.index, rows.signal, rows.line, rows.wall, rows.last_ns, good, good,
                          np.count_nonzero(good) == len(rows), edges)

    def tick(self, line_ns: int, edges: Edges) -> None:
        self._points.tick(line_ns, edges)

    def begin(self, line_ns: int) -> None:
        self._points.begin(line_ns)

    def state(self) -> dict[str, NDArray]:
        return self._points.state((self.name,)) | {
            "newer": self._newer, "older": self._older, "newer_ns": self._newer_ns, "time": self._time,
            "value": self._value, "head": self._head, "tail": self._tail}

    def restored(self) -> None:
        self._points.restored()
        self._unseen_count = np.count_nonzero(self._newer_ns == _UNSET)
        signal = np.arange(self._head.shape[0])
        self._head_ns[:] = self._time[self._head, signal]
        self._use_anchor(signal)

    def adopt(self, alarms: NDArray[np.int64]) -> None:
        self._points.adopt(alarms)

    def _follow(self, index, signal, value, line) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Take good samples; their rates (in the direction watched) and whether there is one yet."""
        if self._unseen_count:
            self._seed(signal, value, line)
        older, newer, at = self._older[index], self._newer[index], self._newer_ns[index]
        middle = np.minimum(older, newer)
        median = np.maximum(older, newer)
        np.minimum(median, value, out=median)
        np.maximum(median, middle, out=median)
        if np.count_nonzero(at - self._head_ns[index] >= self._part[index]):
            self._remember(signal, median, at)
        span = at - self._anchor_ns[index]
        if np.count_nonzero(span > self._window[index]):
            self._advance(signal, at)
            span = at - self._anchor_ns[index]
        judged = span >= self._half[index]
        rate = np.subtract(median, self._anchor[index], out=middle)
        rate *= self._sign * NS
        rate /= np.maximum(span, 1)
        if np.count_nonzero(judged) < judged.shape[0]:
            rate[~judged] = np.nan
        self._older[index] = newer
        self._newer[index] = value
        self._newer_ns[index] = line
        return rate, judged

    def _seed(self, signal, value, line) -> None:
        first = np.flatnonzero(self._newer_ns[signal] == _UNSET)
        if first.size:
            s = signal[first]
            self._older[s] = self._newer[s] = self._value[0, s] = self._anchor[s] = value[first]
            self._newer_ns[s] = self._time[0, s] = self._head_ns[s] = self._anchor_ns[s] = line[first]
            self._unseen_count = np.count_nonzero(self._newer_ns == _UNSET)

    def _remember(self, signal, median, at) -> None:
        """A new anchor where the youngest is a part of the window old."""
        row = np.flatnonzero(at - self._head_ns[signal] >= self._part[signal])
        s, when = signal[row], at[row]
        head = (self._head[s] + 1) % _SLOTS
        full = head == self._tail[s]  # only after the window was changed by configuration
        self._tail[s[full]] = (self._tail[s[full]] + 1) % _SLOTS
        self._head[s], self._head_ns[s] = head, when
        self._time[head, s], self._value[head, s] = when, median[row]
        if np.count_nonzero(full):
            self._use_anchor(s[full])

    def _advance(self, signal, at) -> None:
        """Move on from anchors older than the window, as long as the next one is at least half a window old."""
        row = np.flatnonzero(at - self._anchor_ns[signal] > self._window[signal])
        while row.size:
            s = signal[row]
            after = (self._tail[s] + 1) % _SLOTS
            ready = (self._tail[s] != self._head[s]) & (at[row] - self._time[after, s] >= self._half[s])
            row, s = row[ready], s[ready]
            self._tail[s] = after[ready]
            self._use_anchor(s)
            row = row[at[row] - self._anchor_ns[s] > self._window[s]]

    def _use_anchor(self, signal) -> None:
        self._anchor_ns[signal] = self._time[self._tail[signal], signal]
        self._anchor[signal] = self._value[self._tail[signal], signal]

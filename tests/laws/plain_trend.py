"""The plain twin of the trend detector: every point, every pair and every rule of gateway.core.detectors.trend spelled
out for one signal, from its description alone."""

from __future__ import annotations

from itertools import combinations
from statistics import median

from gateway.model.clock import NS
from gateway.model.signal import Signal


class PlainTrend:
    def __init__(self, log, signal: Signal):
        self.log, self.alarm = log, f"{signal.id}/trend"
        self.falling = signal.trend.to in ("L", "LL")
        self.limit = next(limit.value for limit in signal.limits if limit.condition == signal.trend.to)
        self.window, self.block = round(signal.trend.window_s * NS), round(signal.trend.window_s * NS / 12)
        self.horizon = signal.trend.horizon_s
        self.points, self.samples, self.active, self.against = [], [], False, 0

    def sample(self, t, x):
        """A good sample."""
        if self.samples and t - self.samples[0][0] > self.window:
            self.points, self.samples = [], []
        if self.samples and t >= self.samples[0][0] + self.block:
            times, values = zip(*self.samples, strict=True)
            begin = times[0]
            mean_time = begin + sum(time - begin for time in times) // len(times)
            self.points = [*self.points[-11:], (mean_time, sum(values) / len(values))]
            self.samples = []
            if len(self.points) == 12:
                self.judge(t)
        self.samples.append((t, x))

    def judge(self, t):
        if self.falling:
            points, limit = [((t - at) / NS, -y) for at, y in self.points], -self.limit
        else:
            points, limit = [((t - at) / NS, y) for at, y in self.points], self.limit
        slopes = sorted((y2 - y1) / (ago1 - ago2) for (ago1, y1), (ago2, y2) in combinations(points, 2))
        newer = median((y2 - y1) / (ago1 - ago2) for (ago1, y1), (ago2, y2) in combinations(points[6:], 2))
        level = median(y + median(slopes) * ago for ago, y in points[-3:])
        gap = limit - level
        if self.active:
            self.against = self.against + 1 if newer <= 0 or newer * 2 * self.horizon < gap else 0
            if self.against == 3:
                self.active, self.against = False, 0
                self.log.add(self.alarm, False, t)
        elif (gap > 0 and slopes[-4] * self.horizon >= gap and slopes[3] * 2 * self.horizon >= gap
                and newer >= median(slopes) / 2):
            self.active = True
            self.log.add(self.alarm, True, t)

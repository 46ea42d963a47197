"""Starts at unusual hours again, written from the definition: one signal, one mean at a time, no numpy.

The wall clock of these streams is line time, or jumps about and is not believed: the hour is that of line time.
"""

from __future__ import annotations

import math
from collections import defaultdict
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from gateway.model.clock import NS
from gateway.model.signal import Signal
from tests.laws.plain_baseline import hold


class PlainMeans:
    """The good samples within each `every` of the time line; a mean is told with the first sample of a later one."""

    def __init__(self, every: int):
        self.every, self.block, self.samples = every, None, []

    def sample(self, t: int, x: float) -> tuple[float, int] | None:
        """(mean, line time at which its span began)"""
        ended = None
        if t // self.every != self.block:
            if self.samples:
                ended = sum(self.samples) / len(self.samples), self.block * self.every
            self.block, self.samples = t // self.every, []
        self.samples.append(hold(x, 1e30))
        return ended


class PlainHeld:
    """Is a signal held by an alarm of its own that is a matter of fact?"""

    LEARNT = ("trend", "anomaly", "profile", "load", "wrapped", "drift", "spike", "saturated")

    def __init__(self, log, signal: Signal):
        self.log = log
        self.alarms = [name for name in log.alarms
                       if name.startswith(f"{signal.id}/") and name.split("/")[1] not in self.LEARNT]

    def since(self, start: int) -> bool:
        return any(self.log.active.get(name) or self.log.last.get(name, -1) >= start for name in self.alarms)


class PlainBands:
    def __init__(self, every: int):
        self.rate, self.count, self.idle, self.full, self.spread = every / (30 * 86400 * NS), 0, None, None, 0.0

    def share(self, x: float, held: bool) -> float:
        idle, full = (x, x) if self.count == 0 else (self.idle, self.full)
        share = (x - idle) / (full - idle) if full > idle else 1.5 if x > full else 0.0
        if not held:
            rate = max(self.rate, 1 / (self.count + 1))
            far = abs(x - (idle + full) / 2)
            if self.count > 30 and self.spread > 0:
                far = min(far, 20 * self.spread)
            self.spread += rate * (far - self.spread)
            step = 4 * rate * self.spread
            self.idle = idle + (-0.9 if x < idle else 0.1) * step
            self.full = max(full + (-0.05 if x < full else 0.95) * step, self.idle)
            self.count += 1
        return hold(min(max(share, 0.0), 1.5), 1.5)


class Tally:
    """Quarters of an hour in which a start might have been seen, and starts."""

    def __init__(self):
        self.quarters, self.starts = 0.0, 0.0

    def idle(self, quarters: float) -> None:
        fade = 1 - 0.005 * quarters
        self.quarters, self.starts = self.quarters * fade + quarters, self.starts * fade

    def within(self, wider: float) -> float:
        return (self.starts + 8 * wider) / (self.quarters + 8)


class PlainStarts:
    def __init__(self, every: int, idle: int, above: float):
        self.every, self.pause, self.above = every, idle, above
        self.quarters = min(every / (900 * NS), 4.0)
        self.week, self.day, self.all = defaultdict(Tally), defaultdict(Tally), Tally()
        self.seen, self.up = None, None  # last span; until when it ran
        self.hour, self.surprise, self.unusual, self.height = None, 0.0, False, 0.0  # of the present run

    def mean(self, share: float, span: int, hour: int, held: bool) -> float:
        end = span + self.every
        if self.seen is None or span - self.seen > 4 * self.every:
            self.hour, self.surprise, self.up = None, 0.0, span
        self.seen = span
        runs = share > self.above
        tallies = self.week[hour], self.day[hour % 24], self.all
        might = self.hour is None and span - self.up >= self.pause
        if might and runs:
            chance = self.day[hour % 24].within((self.all.starts + 1) / (self.all.quarters + 50))
            self.surprise = -math.log(min(self.week[hour].within(chance), 1.0))
            self.hour, self.unusual = hour, held
        if might and not held:
            for tally in tallies:
                tally.idle(self.quarters)
        if runs:
            self.up = end
        self.height += ((self.surprise * min(share, 0.5) if runs else 0.0) - self.height) / 3
        if self.hour is not None and end - self.up >= self.pause:
            for tally in (self.week[self.hour], self.day[self.hour % 24], self.all):
                tally.starts += 0.1 if self.unusual else 1.0
            self.hour, self.surprise, self.height = None, 0.0, 0.0
        return self.height

    @property
    def idle(self) -> bool:
        return self.seen + self.every - self.up >= self.pause


class PlainOffHours:
    def __init__(self, log, signal: Signal, zone: ZoneInfo):
        asked = signal.profile
        self.log, self.alarm, self.every, self.zone = log, f"{signal.id}/profile", round(asked.every_s * NS), zone
        self.means, self.bands, self.held = PlainMeans(self.every), PlainBands(self.every), PlainHeld(log, signal)
        self.starts = PlainStarts(self.every, round(asked.idle_s * NS), asked.above)
        self.needed, self.bound = math.ceil(asked.learn_s / asked.every_s), 1.5 * asked.blunt

    def sample(self, t: int, x: float) -> None:
        if (ended := self.means.sample(t, x)) is None:
            return
        mean, span = ended
        local = datetime.fromtimestamp((span + self.every // 2) // NS, UTC).astimezone(self.zone)
        held, learnt = self.held.since(span), self.bands.count >= self.needed
        height = self.starts.mean(self.bands.share(mean, held), span, local.weekday() * 24 + local.hour, held)
        if self.log.active.get(self.alarm):
            if self.starts.idle:
                self.log.add(self.alarm, False, t)
        elif learnt and height >= self.bound:
            self.log.add(self.alarm, True, t)
            self.starts.unusual = True

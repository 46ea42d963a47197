"""Share drift again, written from the definition: pairs of means, one at a time."""

from __future__ import annotations

import math

from gateway.model.clock import NS
from gateway.model.signal import Signal
from gateway.model.site import Site
from tests.laws.plain_profile import PlainBands, PlainHeld, PlainMeans


class PlainMeter:
    """One side of a pair: the newest mean of a signal, with where it lies in its range."""

    def __init__(self, log, signal: Signal, every: int):
        self.means, self.held, self.bands = PlainMeans(every), PlainHeld(log, signal), PlainBands(every)
        self.span, self.mean, self.level, self.was_held = None, None, None, False

    def sample(self, t: int, x: float) -> None:
        if (ended := self.means.sample(t, x)) is not None:
            self.mean, self.span = ended
            self.was_held = self.held.since(self.span)
            self.level = self.bands.share(self.mean, self.was_held)


class PlainShare:
    def __init__(self, log, site: Site, signal: Signal):
        asked, every = signal.share, round(signal.share.every_s * NS)
        self.log, self.alarm, self.asked = log, f"{signal.id}/load", asked
        self.part = PlainMeter(log, signal, every)
        self.whole = PlainMeter(log, site.signals[site.signals.index(asked.of)], every)
        self.rate, self.needed = every / (30 * 86400 * NS), math.ceil(asked.learn_s / asked.every_s)
        self.count, self.usual, self.spread, self.judged = 0, 0.0, 0.0, -1

    def judge(self, t: int) -> None:
        part, whole = self.part, self.whole
        if part.span is None or part.span != whole.span or part.span <= self.judged:
            return
        self.judged = part.span
        if not (whole.level > self.asked.above and whole.mean > 0):
            return
        ratio = part.mean / whole.mean
        usual, spread = (ratio if self.count == 0 else self.usual), self.spread
        bound = self.asked.up if ratio > usual else self.asked.down
        allowed = max(bound * abs(usual), 3 * spread)
        drift = abs(ratio - usual) / allowed if allowed else 0.0
        if self.log.active.get(self.alarm):
            if drift <= 0.5:
                self.log.add(self.alarm, False, t)
        elif drift >= 1 and self.count >= self.needed:
            self.log.add(self.alarm, True, t)
        if not (part.was_held or whole.was_held):
            rate = max(self.rate, 1 / (self.count + 1))
            self.usual = usual + (-2 if ratio < usual else 2) * rate * spread
            self.spread += rate * (abs(ratio - usual) - spread)
            self.count += 1


class PlainShares:
    def __init__(self, log, site: Site):
        self.shares = {signal.id: PlainShare(log, site, signal) for signal in site.signals if signal.share is not None}

    def sample(self, name: str, t: int, x: float) -> None:
        for part, share in self.shares.items():
            if part == name:
                share.part.sample(t, x)
            if share.asked.of == name:
                share.whole.sample(t, x)

    def settle(self, t: int) -> None:
        """All that came at this instant has been taken."""
        for share in self.shares.values():
            share.judge(t)

"""The state of a machine by its load again, written from the definition."""

from __future__ import annotations

import math

from gateway.model.clock import NS
from gateway.model.learnt import LoadState
from gateway.model.quality import Quality
from gateway.model.signal import Signal
from tests.laws.plain_profile import PlainBands, PlainHeld, PlainMeans


class PlainLoad:
    """Learns from the good samples of the load; `state` says what the newest one means."""

    def __init__(self, log, signal: Signal, asked: LoadState):
        every = round(asked.every_s * NS)
        self.asked, self.held = asked, PlainHeld(log, signal)
        self.means, self.bands = PlainMeans(every), PlainBands(every)
        self.needed, self.last = math.ceil(asked.learn_s / asked.every_s), None

    def sample(self, t: int, x: float) -> None:
        if (ended := self.means.sample(t, x)) is not None:
            self.bands.share(ended[0], self.held.since(ended[1]))

    def levels(self):
        if self.asked.levels is not None:
            return self.asked.levels
        bands = self.bands
        if bands.count < self.needed or not bands.full > max(2.5 * bands.idle, bands.idle):
            return None
        return bands.idle, bands.full

    def state(self, x: float | None, quality: int) -> tuple[float | None, int]:
        if quality >= 0x80:
            return None, quality
        if (levels := self.levels()) is None:
            return None, int(Quality.BAD_WAITING)
        share, asked = (x - levels[0]) / (levels[1] - levels[0]), self.asked
        if share >= asked.running - (asked.band if self.last == 2.0 else 0.0):
            state = 2.0
        elif share > asked.stopped + (asked.band if self.last == 0.0 else 0.0):
            state = 1.0
        else:
            state = 0.0
        if quality < 0x40:
            self.last = state
        return state, quality

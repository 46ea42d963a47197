"""The plain twin of gateway.core.detectors.deviation: one comparison at a time, from its definition."""

from __future__ import annotations

from statistics import median

from gateway.model.clock import NS
from gateway.model.quality import Quality
from gateway.model.signal import Limit


class PlainDeviation:
    def __init__(self, plain, signal: str, limit: Limit, machine):
        self.plain, self.signal, self.limit, self.machine = plain, signal, limit, machine

    def look(self, t, names):
        """These signals have brought something at t."""
        self.machine.pass_time(t)
        if not names & {self.signal, *self.limit.reference.signals}:
            return
        own, reference = self.plain.signals[self.signal], self.reference(t)
        if reference is None or not self.fresh(own, t):
            self.machine.sample(t, 0.0, False, False)
            return
        above = own.value - reference
        self.machine.sample(t, above if self.limit.condition == "DEV+" else -above, own.may_raise,
                            own.quality < Quality.UNCERTAIN)

    def reference(self, t):
        said = self.limit.reference
        if said.value is not None:
            return said.value
        peers = [self.plain.signals[name] for name in said.signals]
        good = [peer.value for peer in peers if peer.quality < Quality.UNCERTAIN and self.fresh(peer, t)]
        return median(good) if len(good) > len(peers) / 2 else None

    def fresh(self, one, t):
        return one.at is not None and (one.signal.deadman_s is None or t - one.at < one.signal.deadman_s * NS)

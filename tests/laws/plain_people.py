"""The plain twins of gateway.core.detectors.headcount and still, from their definitions."""

from __future__ import annotations

import math

from gateway.model.clock import NS
from gateway.model.quality import Quality
from gateway.model.rules import OPERATORS


class PlainHeadCount:
    """One count. over, full, apart: machines with the set points "above 0", 0 and 1."""

    def __init__(self, plain, signal, over, full, apart):
        self.plain, self.signal, self.rule = plain, signal.id, signal.headcount
        self.over, self.full, self.apart = over, full, apart
        self.since, self.held = None, False

    @property
    def machines(self):
        return self.over, self.full, self.apart

    def needs(self):
        some = {self.signal, self.rule.shift, self.rule.faces, *self.rule.exempt}
        return some | ({self.rule.handover.signal} if self.rule.handover else set())

    def known(self, name, t):
        """Its value, where that is good and current."""
        one = self.plain.signals[name]
        fresh = one.at is not None and (one.signal.deadman_s is None or t - one.at < one.signal.deadman_s * NS)
        return one.value if fresh and one.quality < Quality.UNCERTAIN else None

    def look(self, t, names):
        for machine in self.machines:
            machine.pass_time(t)
        if not names & self.needs():
            return
        own, rule = self.plain.signals[self.signal], self.rule
        good = self.known(self.signal, t) is not None
        fresh = own.at is not None and (own.signal.deadman_s is None or t - own.at < own.signal.deadman_s * NS)
        people = own.value - sum(max(self.known(name, t) or 0.0, 0.0) for name in rule.exempt)
        shift = None if rule.shift is None else self.known(rule.shift, t)
        most = rule.by_shift.get(shift, rule.most)
        held = self.handover(t)
        if held and not self.held:
            self.over.gate(t, True)
            self.full.gate(t, True)
        for machine in (self.over, self.full):
            machine.sample(t, people - most, fresh and own.may_raise, good)
        if not held and self.held:
            self.over.gate(t, False)
            self.full.gate(t, False)
        self.held = held
        if rule.faces is not None:
            faces = self.known(rule.faces, t)
            both = good and faces is not None
            self.apart.sample(t, abs(own.value - faces) if both else math.nan, both, both)

    def handover(self, t):
        test = self.rule.handover
        value = None if test is None else self.known(test.signal, t)
        if value is None:
            return False
        if not OPERATORS[test.op](value, test.value):
            self.since = None
            return False
        self.since = t if self.since is None else self.since
        return t - self.since < self.rule.handover_s * NS


class PlainStill:
    """One card. As a machine of a gate: `closed` means that it is not present."""

    def __init__(self, log, signal):
        self.log, self.rule, self.alarm = log, signal.still, f"{signal.id}/still"
        self.after = round(self.rule.after_s * NS)
        self.place = self.seen = self.since = None
        self.closed = False

    def gate(self, t, closed):
        self.closed, self.since = closed, t
        if closed:
            self.log.add(self.alarm, False, t)

    def sample(self, t, x):
        moved = self.place is None or not abs(x - self.place) <= self.rule.by
        if moved:
            self.place = x
            self.log.add(self.alarm, False, t)
        if moved or self.closed or t - self.seen > self.after:
            self.since = t
        elif t - self.since >= self.after:
            self.log.add(self.alarm, True, t)
        self.seen = t

"""The plain twin: every detector again, one signal and one sample at a time, written from the definitions alone.

Slow, obvious, and sharing no code with gateway.core. Fed in order of time: `sample` for each row, `pass_time` to say
that nothing more came until then.
"""

from __future__ import annotations

import math

from gateway.model.alarm import Priority, Risk
from gateway.model.clock import NS
from gateway.model.condition import Condition
from gateway.model.learnt import LoadState
from gateway.model.quality import Quality
from gateway.model.rules import OPERATORS
from gateway.model.signal import Limit, Signal
from gateway.model.site import Site
from tests.laws.plain_baseline import PlainAnomaly
from tests.laws.plain_derived import PlainDerived
from tests.laws.plain_deviation import PlainDeviation
from tests.laws.plain_faults import PlainDropout, PlainFaults, PlainFrozen
from tests.laws.plain_gates import PlainGate
from tests.laws.plain_group import PlainGroup
from tests.laws.plain_load import PlainLoad
from tests.laws.plain_people import PlainHeadCount, PlainStill
from tests.laws.plain_profile import PlainOffHours
from tests.laws.plain_risk import plain_risk
from tests.laws.plain_rules import plain_rules
from tests.laws.plain_share import PlainShares
from tests.laws.plain_trend import PlainTrend

GOOD, UNCERTAIN, BAD = "good", "uncertain", "bad"


class Log:
    """Edges as (line_ns, alarm id, active); per alarm, times increase."""

    def __init__(self, alarms):
        self.alarms, self.edges, self.last, self.active = alarms, [], {}, {}

    def add(self, alarm, active, line):
        if alarm in self.alarms and self.active.get(alarm, False) != active:
            line = max(line, self.last.get(alarm, -2**63) + 1)
            self.last[alarm], self.active[alarm] = line, active
            self.edges.append((line, alarm, active))


class PlainLimit:
    def __init__(self, log: Log, alarm: str, limit: Limit, low: bool):
        self.log, self.alarm, self.limit, self.low = log, alarm, limit, low
        self.on, self.off = round(limit.on_delay_s * NS), round(limit.off_delay_s * NS)
        self.state, self.since, self.closed = "idle", None, False

    def gate(self, t, closed):
        """Nothing begins while it is closed; what waits behind it begins when it opens."""
        self.pass_time(t)
        self.closed = closed
        if closed and self.state == "pending":
            self.state = "held"
        elif not closed and self.state == "held":
            self.state, self.since = "pending", t
            self.pass_time(t)

    def reached(self, x):
        return x <= self.limit.value if self.low else x >= self.limit.value

    def back(self, x):
        if self.limit.deadband == 0:
            return not self.reached(x)
        return x >= self.limit.value + self.limit.deadband if self.low else x <= self.limit.value - self.limit.deadband

    def pass_time(self, t):
        if self.state == "pending" and t >= self.since + self.on:
            self.state = "active"
            self.log.add(self.alarm, True, self.since + self.on)

    def sample(self, t, x, may_raise, may_clear):
        self.pass_time(t)
        if self.state == "idle":
            if may_raise and self.reached(x):
                self.state, self.since = "held" if self.closed else "pending", t
                self.pass_time(t)
        elif self.state == "held":
            if may_clear and not self.reached(x):
                self.state = "idle"
        elif self.state == "pending":
            if may_clear and self.back(x):
                self.state = "idle"
        elif self.state == "active":
            if may_clear and self.back(x):
                self.state, self.since = "leaving", t
                self.leave(t)
        elif may_raise and not self.back(x):
            self.state = "active"
        elif not may_clear:
            self.since = None
        else:
            self.since = t if self.since is None else self.since
            self.leave(t)

    def leave(self, t):
        if t >= self.since + self.off:
            self.state = "idle"
            self.log.add(self.alarm, False, t)


class PlainRate:
    def __init__(self, log: Log, alarm: str, limit: Limit, falling: bool):
        self.limit = PlainLimit(log, alarm, limit, low=False)
        self.sign = -1 if falling else 1
        self.half = round(limit.window_s * NS / 2)
        self.seen, self.old, self.young = [], None, None

    def pass_time(self, t):
        self.limit.pass_time(t)

    def sample(self, t, x, good):
        rate = self.rate(t, x) if good else None
        if rate is None:
            self.limit.sample(t, math.nan, False, False)
        else:
            self.limit.sample(t, self.sign * rate, True, True)

    def rate(self, t, x):
        self.seen = [*self.seen[-2:], (t, x)]
        if len(self.seen) < 3:
            return None
        m, at = sorted(value for _, value in self.seen)[1], self.seen[1][0]
        if self.young is None:
            self.young = (at, m)
        elif at - self.young[0] >= self.half:
            self.old, self.young = self.young, (at, m)
        return None if self.old is None else (m - self.old[1]) * NS / (at - self.old[0])


class PlainStatus:
    """What one status signal says of the instruments it speaks for."""

    def __init__(self, plain: PlainSite, signal: Signal, readings: list[Signal]):
        deadmen = [reading.deadman_s for reading in readings if reading.deadman_s is not None]
        hold = signal.deadman_s if signal.deadman_s is not None else min(deadmen) if deadmen else 60.0
        self.readings, self.hold, self.value, self.since = readings, round(hold * NS), None, 0

    def known(self, t):
        return None if self.value is None or t >= self.since + self.hold else self.value

    def service(self, t, reading: Signal):
        value, link = self.known(t), reading.status
        if value is None:
            return "unknown"
        return next((name for name in ("normal", "fault", "out_of_service", "over_range")
                     if value in getattr(link, name)), "unlisted")

    def sample(self, t, x, quality):
        """Returns the readings that are disowned by it."""
        if quality >= 0x80 or not math.isfinite(x) or (quality >= 0x40 and x == self.known(t)):
            return []
        before = [self.service(t, reading) for reading in self.readings]
        self.value, self.since = (x, t) if quality < 0x40 else (None, 0)
        after = [self.service(t, reading) for reading in self.readings]
        return [reading.id for reading, was, now in zip(self.readings, before, after, strict=True)
                if now != was and now not in ("normal", "unknown")]


class PlainSignal:
    """One signal with its faults and limits."""

    def __init__(self, plain: PlainSite, signal: Signal):
        self.signal, self.log, self.plain = signal, plain.log, plain
        self.limits = [PlainLimit(self.log, f"{signal.id}/{limit.condition}", limit, limit.condition in ("L", "LL"))
                       for limit in signal.limits if limit.condition in ("HH", "H", "L", "LL")]
        self.rates = [PlainRate(self.log, f"{signal.id}/{limit.condition}", limit, limit.condition == "ROC-")
                      for limit in signal.limits if limit.condition.startswith("ROC")]
        self.trend = None if signal.trend is None else PlainTrend(self.log, signal)
        self.anomaly = None if signal.baseline is None else PlainAnomaly(self.log, signal)
        self.off_hours = None if signal.profile is None else PlainOffHours(self.log, signal, plain.zone)
        state = next((other.derived for other in plain.site.signals
                      if isinstance(other.derived, LoadState) and other.derived.load == signal.id), None)
        self.load = None if state is None else PlainLoad(self.log, signal, state)
        kinds = signal.faults.kinds if signal.faults is not None else frozenset()
        self.dropout = PlainDropout(self.log, signal) if Condition.DROPOUT in kinds else None
        self.frozen = PlainFrozen(self.log, signal) if Condition.STUCK in kinds and signal.stuck_reads is None else None
        learnt = {Condition.WRAPPED, Condition.DRIFT, Condition.SPIKE, Condition.SATURATED}
        self.faults = None if kinds.isdisjoint(learnt) else PlainFaults(self.log, signal)
        watch = signal.deadman_s if signal.deadman_s is not None else 60.0 if signal.gas else None
        self.watch = None if watch is None else round(watch * NS)
        self.since, self.silent, self.heard, self.invalid, self.inhibited = 0, False, False, False, False
        self.missed = {}  # response tests: those that stand
        self.unjudged = []
        self.still = None if signal.still is None else PlainStill(self.log, signal)
        self.last, self.run, self.moved, self.stuck = None, 0, False, False
        self.first, self.siblings = math.inf, []
        self.value, self.quality, self.at, self.may_raise = math.nan, Quality.BAD_WAITING, None, False

    @property
    def works(self):
        return self.heard and not self.failed

    @property
    def failed(self):
        return self.silent or self.invalid or self.inhibited or any(self.missed.values())

    def deadlines(self):
        yield from (limit.since + limit.on for limit in (*self.limits, *(rate.limit for rate in self.rates))
                    if limit.state == "pending")
        if self.watch is not None and not self.silent:
            yield self.since + self.watch

    def pass_time(self, t):
        for limit in (*self.limits, *self.rates):
            limit.pass_time(t)
        if self.watch is not None and not self.silent and t >= self.since + self.watch:
            self.silent = True
            self.log.add(f"{self.signal.id}/deadman", True, self.since + self.watch)

    def sample(self, t, x, quality):
        if self.at is not None and t < self.at:
            return
        self.pass_time(t)
        quality, over_range = self.judge(x, quality)
        service = self.plain.service(t, self.signal)
        if service in ("fault", "out_of_service", "over_range", "unlisted") and quality < 0x40:
            self.since = t  # it answered
        if service in ("fault", "over_range"):
            quality = Quality.BAD_SENSOR if service == "fault" else Quality.BAD_RANGE
        elif service == "out_of_service" and quality < 0x80:
            quality = Quality.UNCERTAIN_SENSOR
        elif service in ("unknown", "unlisted") and quality < 0x40:
            quality = Quality.UNCERTAIN
        if service == "over_range" and self.signal.gas:
            over_range, top = True, self.signal.high
            x = top if math.isnan(x) else max(x, top)
        grade = GOOD if quality < 0x40 else UNCERTAIN if quality < 0x80 else BAD
        self.value, self.quality, self.at = x, quality, t
        good = grade == GOOD
        if service == "unlisted" or quality in (Quality.BAD_SENSOR, Quality.BAD_RANGE, Quality.BAD_DEVICE):
            self.invalid = True
            self.log.add(f"{self.signal.id}/invalid", True, t)
        if service == "out_of_service":
            self.inhibited = True
            self.log.add(f"{self.signal.id}/inhibit", True, t)
        if good:
            self.heard, self.silent, self.since, self.invalid, self.inhibited = True, False, t, False, False
            for fault in ("deadman", "invalid", "inhibit"):
                self.log.add(f"{self.signal.id}/{fault}", False, t)
            self.follow(t, x)
            if self.trend is not None:
                self.trend.sample(t, x)
        self.may_raise = (grade != BAD or over_range) and service not in ("out_of_service", "fault")
        if ((grade == BAD and self.may_raise) or good) and self.signal.holds_over_range:
            self.log.add(f"{self.signal.id}/over-range", not good, t)
        self.unjudged.append((t, x, self.may_raise, good, quality))

    def judge_limits(self):
        """After all gates know what came at this instant."""
        for t, x, may_raise, good, quality in self.unjudged:
            for limit in self.limits:
                limit.sample(t, x, may_raise, good)
            for rate in self.rates:
                rate.sample(t, x, good)
            if good and self.still is not None:
                self.still.sample(t, x)
            if self.dropout is not None:
                self.dropout.sample(t, quality, good)
            if good:  # last: they do not learn while any other alarm of the signal stands
                held = self.held()
                if self.anomaly is not None:
                    self.anomaly.sample(t, x)
                if self.faults is not None:
                    self.faults.sample(t, x, held)
                if self.frozen is not None:
                    self.frozen.sample(t, x, held)
                if self.off_hours is not None:
                    self.off_hours.sample(t, x)
                if self.load is not None:
                    self.load.sample(t, x)
                for group in self.plain.groups:
                    group.sample(t, self.signal.id, x, held)
                self.plain.shares.sample(self.signal.id, t, x)
        self.unjudged = []

    def held(self):
        """Whether a span that began at some time is held, as the alarms are now."""
        learnt = ["trend", "anomaly", "profile", "load", "wrapped", "drift", "spike", "saturated"]
        learnt += ["stuck"] if self.signal.stuck_reads is None else []
        names = [name for name in self.log.alarms if name.rsplit("/", 1)[0] == self.signal.id
                 and name.rsplit("/", 1)[1] not in learnt]
        standing = any(self.log.active.get(name) for name in names)
        newest = max((self.log.last.get(name, -1) for name in names), default=-1)
        return lambda since: standing or newest >= since

    def judge(self, x, quality):
        """(effective quality, over-range gas)"""
        s = self.signal
        if quality < 0x80 and not math.isfinite(x):
            quality = Quality.BAD_PAYLOAD
        low, high = -math.inf if s.low is None else s.low, math.inf if s.high is None else s.high
        code = Quality.BAD_RANGE
        if s.low is not None and s.high is not None:
            span = s.high - s.low
            if s.loop_ma:
                code = Quality.BAD_SENSOR
                below, above = (3.8, 20.5) if self.invalid else (3.6, 21.0)
                low, high = s.low + (below - 4) / 16 * span, s.low + (above - 4) / 16 * span
            elif s.gas:
                low = s.low - 0.05 * span
            elif not self.invalid:
                low, high = s.low - 0.01 * span, s.high + 0.01 * span
        over_range = bool(s.gas and x > high and (quality < 0x80 or quality == Quality.BAD_RANGE))
        if quality < 0x80 and not low <= x <= high:
            quality = code
        return quality, over_range

    def follow(self, t, x):
        s = self.signal
        if self.last is not None and x != self.last:
            self.moved, self.first = True, min(self.first, t)
        clamped = s.gas and x == s.low
        self.run = self.run + 1 if x == self.last and not clamped else 1
        if self.run == 1 and s.stuck_reads is not None:
            self.stuck = False
            self.log.add(f"{s.id}/stuck", False, t)
        if s.stuck_reads is not None and self.run >= s.stuck_reads and (self.moved or self.should_move(t)):
            self.stuck = True
            self.log.add(f"{s.id}/stuck", True, t)
        self.last = x

    def should_move(self, t):
        """By its peers, as they were before."""
        moved = sum(sibling.first < t for sibling in self.siblings)
        return moved >= 2 and 2 * moved >= len(self.siblings)


class PlainSite:
    """All of it. Watching starts at line time 0."""

    def __init__(self, site: Site):
        self.log, self.site, self.zone = Log({alarm.id for alarm in site.alarms}), site, site.zone
        self.signals = {signal.id: PlainSignal(self, signal) for signal in site.signals}
        judged = [signal.faults for signal in self.signals.values() if signal.faults is not None]
        for one in judged:
            one.peers = [peer for peer in judged if peer is not one and peer.signal.kind == one.signal.kind
                         and peer.signal.area == one.signal.area]
        watched = sorted((one for one in site.signals if one.stuck_reads is not None), key=lambda one: one.id)
        for one in watched:
            alike = [other for other in watched if other.kind == one.kind and other.area == one.area]
            following = (2 * alike)[alike.index(one) + 1:alike.index(one) + len(alike)][:7]
            self.signals[one.id].siblings = [self.signals[other.id] for other in following]
        self.statuses = {name: PlainStatus(self, site.signals[site.signals.index(name)],
                                           [signal for signal in site.signals
                                            if signal.status is not None and signal.status.signal == name])
                         for name in {signal.status.signal for signal in site.signals if signal.status is not None}}
        self.zones = site.gas_zones
        self.rules = list(plain_rules(self, site))
        self.deviations = [PlainDeviation(self, signal.id, limit, PlainLimit(
            self.log, f"{signal.id}/{limit.condition}", limit, low=False))
            for signal in site.signals for limit in signal.limits if limit.condition in ("DEV+", "DEV-")]
        machines = {machine.alarm: machine for signal in self.signals.values()
                    for machine in (*signal.limits, *(rate.limit for rate in signal.rates))}
        machines |= {one.machine.alarm: one.machine for one in self.deviations}
        self.gates = [PlainGate(self, limit.only_while, machines[f"{signal.id}/{limit.condition}"])
                      for signal in site.signals for limit in signal.limits if limit.only_while is not None]
        self.counts = [self.head_count(signal) for signal in site.signals if signal.headcount is not None]
        self.gates += [PlainGate(self, signal.still.only_while, self.signals[signal.id].still)
                       for signal in site.signals if signal.still is not None and signal.still.only_while is not None]
        self.groups = [PlainGroup(self.log, group) for group in site.groups]
        self.before = {}
        self.derived = PlainDerived(site)
        self.shares = PlainShares(self.log, site)

    def head_count(self, signal):
        rule = signal.headcount
        machines = [PlainLimit(self.log, f"{signal.id}/{name}", Limit(name, value, Priority.P2, Risk.ORANGE, 0.0,
                                                                      rule.on_delay_s, rule.off_delay_s), low=False)
                    for name, value in (("headcount", 5e-324), ("full", 0.0), ("mismatch", 1.0))]
        return PlainHeadCount(self, signal, *machines)
    def edges(self):
        """Everything that happened, sorted."""
        risks = Log(self.log.alarms)
        plain_risk(self.site, sorted(self.log.edges), risks)
        return sorted([*self.log.edges, *risks.edges])

    def service(self, t, signal):
        return "normal" if signal.status is None else self.statuses[signal.status.signal].service(t, signal)

    def truth(self, test):
        signal = self.signals[test.signal]
        if signal.silent:
            return "unknown"
        if signal.quality == Quality.BAD_WAITING:
            return "waiting"
        holds = OPERATORS[test.op](signal.value, test.value)
        if signal.quality < 0x40:
            return "true" if holds else "false"
        top = signal.signal.high if signal.signal.gas else None
        if signal.quality in (Quality.BAD_RANGE, Quality.BAD_SENSOR) and test.op in (">", ">=") and top is not None:
            return "likely" if holds and signal.value >= top else "unknown"
        return "likely" if holds and signal.quality < 0x80 else "unknown"

    def pass_time(self, t):
        """Everything that was due until t, each at its own instant and in order."""
        while True:
            dues = [due for signal in self.signals.values() for due in signal.deadlines()]
            dues += [one.machine.since + one.machine.on for one in self.deviations if one.machine.state == "pending"]
            dues += [machine.since + machine.on for one in self.counts for machine in one.machines
                     if machine.state == "pending"]
            dues += [gate.until for gate in self.gates if gate.until is not None]
            dues += [rule.due() for rule in self.rules if rule.due() is not None]
            if not dues or min(dues) > t:
                return
            now = min(dues)
            for rule in self.rules:
                if rule.due() is not None and rule.due() <= now:
                    rule.fire()
            for gate in self.gates:
                gate.pass_time(now)
            for signal in self.signals.values():
                signal.pass_time(now)
            for one in self.deviations:
                one.machine.pass_time(now)
            for one in self.counts:
                for machine in one.machines:
                    machine.pass_time(now)
            self.relate(now, ())

    def instant(self, t, rows):
        """All rows of one instant: (signal id, value, quality)."""
        rows = [row for row in rows if row[0] not in self.derived.derived]  # nobody measures them
        self.pass_time(t)
        disowned = [reading for name, x, quality in rows if name in self.statuses
                    for reading in self.statuses[name].sample(t, x, quality)]
        for name in disowned:  # known at once, though no reading has come
            self.signals[name].sample(t, math.nan, Quality.BAD)
        for name, x, quality in rows:
            self.signals[name].sample(t, x, quality)
        heard = [*disowned, *(name for name, *_ in rows)]
        for gate in self.gates:
            if gate.test.signal in heard:
                gate.close(t)
        for signal in self.signals.values():
            signal.judge_limits()
        for name, at, x, quality in self.derived.samples(heard, self.signals):
            self.signals[name].sample(at, x, quality)
            self.signals[name].judge_limits()
            heard.append(name)
        self.shares.settle(t)
        for one in self.deviations:
            one.look(t, set(heard))
        for one in self.counts:
            one.look(t, set(heard))
        for gate in self.gates:
            if gate.test.signal in heard:
                gate.open(t)
        for group in self.groups:
            group.settle(t)
        self.relate(t, heard)

    def relate(self, t, names):
        self.relate_others(t, names)
        for zone in self.zones:
            signals = [self.signals[name] for name in zone.detectors]
            if all(signal.failed for signal in signals):
                self.log.add(zone.id, True, t)
            elif any(signal.works for signal in signals):
                self.log.add(zone.id, False, t)

    def relate_others(self, t, names):
        devices = [(device, [one for name in device.signals if (one := self.signals[name]).watch is not None])
                   for device in self.site.devices]
        silent = {device.id: all(one.silent for one in watched) for device, watched in devices if watched}
        for device, lost in silent.items():
            self.log.add(f"{device}/deadman", lost, t)
        if silent and self.site.online_below is not None:
            share = 100 * (len(silent) - sum(silent.values())) / len(silent)
            self.log.add(f"{self.site.id}/online", share < self.site.online_below, t)
        for rule in self.rules:
            tests = rule.rule.tests
            truths = [self.truth(test) for test in tests]
            fresh = [test for test in tests if test.signal in names]
            if fresh or self.before.get(rule) != truths:
                rule.look(t, any(self.truth(test) in ("true", "false") for test in fresh))
            self.before[rule] = truths

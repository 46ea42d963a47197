"""Sensor faults again, written from the definitions: one signal, one sample at a time, no numpy."""

from __future__ import annotations

import math
import statistics

from gateway.model.clock import NS
from gateway.model.condition import Condition
from gateway.model.quality import Quality
from gateway.model.signal import Signal


class PlainDropout:
    def __init__(self, log, signal: Signal):
        self.log, self.alarm = log, f"{signal.id}/dropout"
        self.longest = math.inf if signal.deadman_s is None else signal.deadman_s * NS
        self.tenths, self.outage, self.heard = 0, 0, None

    def sample(self, t, quality, good):
        if good:
            if self.heard is not None and t - self.heard > self.longest:
                self.lose(3 - self.outage, t)
            self.heard, self.outage, self.tenths = t, 0, max(self.tenths - 1, 0)
            if self.tenths == 0:
                self.log.add(self.alarm, False, t)
        elif quality & 0xFF in (Quality.BAD_COMM_LOST, Quality.BAD_PAYLOAD) and self.outage < 3:
            self.outage += 1
            self.lose(1, t)

    def lose(self, reads, t):
        self.tenths = min(self.tenths + 10 * reads, 100)
        if self.tenths == 100:
            self.log.add(self.alarm, True, t)


class PlainFrozen:
    def __init__(self, log, signal: Signal):
        self.log, self.alarm, self.learn = log, f"{signal.id}/stuck", round(signal.faults.learn_s * NS)
        self.rest = signal.low if signal.gas else None
        self.first = self.last = None
        self.run, self.longest, self.start, self.stands = 0, 0, 0, False

    def sample(self, t, x, held):
        if self.last is None:
            self.first, self.start, self.run = t, t, 1
        elif x != self.last:
            if self.stands:
                self.log.add(self.alarm, False, t)
                self.longest = max(self.longest, min(self.run, 3 * self.longest // 2))
            elif self.run > self.longest and not held(self.start):
                self.longest = self.run
            self.stands, self.start, self.run = False, t, 1
        elif x != self.rest:
            self.run += 1
        self.last = x
        if self.longest and self.run >= max(12, 2 * self.longest) and t - self.first >= self.learn and not self.stands:
            self.stands = True
            self.log.add(self.alarm, True, t)


class Norm:
    """The fourth root of a running mean of fourth powers; one value enters with at most `cap` times the mean."""

    def __init__(self, cap):
        self.cap, self.mean = cap, 0.0

    @property
    def size(self):
        return self.mean ** 0.25

    def learn(self, x, rate, young):
        fourth = x ** 4 if young or not self.mean else min(x ** 4, self.cap * self.mean)
        self.mean += rate * (fourth - self.mean)


class PlainJumps:
    def __init__(self, learn, blunt):
        self.need, self.blunt = learn, blunt
        self.last, self.spans, self.norm, self.local, self.steps, self.jump = None, 0, 0.0, 0.0, [], None

    def end_span(self, held):
        mean = sum(self.steps) / len(self.steps)
        fourth = sum(step ** 4 for step in self.steps) / len(self.steps)
        self.local += max(1 / 20, 1 / (self.spans + 1)) * (mean - self.local)
        if not held:
            self.norm += max(1 / 1000, 1 / (self.spans + 1)) * (fourth - self.norm)
            self.spans += 1
        self.steps = []

    def silence(self):
        self.last = self.jump = None

    def sample(self, x):
        """What became of a jump: (kind, ...) or None."""
        step = 0.0 if self.last is None else abs(x - self.last)
        norm = self.norm ** 0.25
        bar = self.blunt * max(1.6 * norm, 16 * self.local)
        self.steps.append(step if self.spans < 30 or norm == 0 else min(step, 5.6 * norm))
        told = self.follow(x, step, norm) if self.jump else None
        if self.jump is None and self.spans >= self.need and bar > 0 and step >= bar:
            self.jump = {"base": self.last, "size": x - self.last, "bar": bar, "reads": [x]}
        self.last = x
        return told

    def follow(self, x, step, norm):
        jump = self.jump
        jump["reads"].append(x)
        reads, size = jump["reads"][1:], jump["size"]
        told = None
        if step >= jump["bar"] and (x - self.last) * size < 0 and len(reads) <= 2:
            told = "spike"
        elif len(jump["reads"]) >= 4 and len(set(jump["reads"][-4:])) == 1:
            told = "saturated"
        elif len(reads) == 5:
            steps = [abs(b - a) for a, b in zip(jump["reads"], reads, strict=False)]
            share = sum(read - jump["base"] for read in reads) / 5 / size
            if 0.6 < share < 1.7 and abs(size) >= self.blunt * max(4 * norm, 16 * sum(steps) / 5):
                told = "offset"
        if told or len(reads) == 5:
            self.jump = None
        return told


class PlainMotion:
    """Means one by one; lists of all of them, cut into parts and windows."""

    def __init__(self, learn, part):
        self.need, self.part = learn, part
        self.age = self.count = 0
        self.last = self.step = self.noise = self.bends = self.steps = self.usual = self.level = 0.0
        self.away = None
        self.bend_norm, self.noise_norm, self.away_norm = Norm(1e3), Norm(1e3), Norm(1e3)
        self.calm_norm, self.move_norm, self.row_norm = Norm(1e2), Norm(1e3), Norm(1e3)
        self.near, self.sizes, self.places, self.levels, self.helds = [], [], [], [], []
        self.typical, self.parts, self.windows = 0.0, 0, []

    def sample(self, x, away, held):
        """wild, (calm, bend, usual) or None, creep or None"""
        self.last = x if self.count == 0 else self.last
        step = x - self.last
        bend = abs(step - self.step)
        self.last, self.step = x, step
        slow = 0.0 if held else max(1 / 1000, 1 / (self.age + 1))
        fast = max(1 / 60, 1 / (self.count + 1))
        norm, young = self.bend_norm.size, self.age < 30
        self.noise += fast * (min(bend, 3 * norm) - self.noise)
        self.bends += fast * (bend - self.bends)
        self.steps += fast * (abs(step) - self.steps)
        size = self.noise_norm.size
        wild = self.noise / (2.4 * size) if self.bends >= 1.6 * self.steps and size else math.inf * (
            self.bends >= 1.6 * self.steps and self.noise > 0)
        wild = 0.0 if math.isnan(wild) else wild
        self.bend_norm.learn(bend, slow, young)
        self.noise_norm.learn(self.noise, slow, self.age < 60)
        self.usual += slow * (min(bend, 2 * norm) - self.usual)
        moved = 0.0 if away is None or self.away is None else away - self.away
        self.away = away
        most = 6 * self.away_norm.size
        self.level += max(-most, min(moved, most))
        self.away_norm.learn(abs(moved), slow, young)
        for listed, entry in ((self.near, min(bend, 2 * norm)), (self.sizes, abs(step)), (self.places, x),
                              (self.levels, self.level), (self.helds, held)):
            listed.append(entry)
        self.count += 1
        self.age += not held
        calm = self.end_part() if self.count % self.part == 0 else None
        creep = self.end_window() if self.count % (6 * self.part) == 0 else None
        if self.age <= self.need:
            wild, calm, creep = 0.0, calm and (0.0, *calm[1:]), creep and 0.0
        return wild, calm, creep

    def end_part(self):
        window = 6 * self.part
        if self.count <= window:
            return 0.0, 0.0, 0.0
        bend = sum(self.near[-window:]) / window + 0.003 * self.usual + 1e-150
        held = any(self.helds[-self.part:])
        slow = 0.0 if held else max(min(self.part / 1000, 1), 1 / (self.parts + 1))
        self.typical += slow * (math.log(bend) - self.typical)
        usual = math.exp(self.typical)
        f = usual / (bend + 0.1 * usual)
        net = abs(self.places[-1] - self.places[-1 - window])
        f_now = f * (1.5 if net > 0.8 * sum(self.sizes[-window:]) else 1.0)
        calm = f_now / (3.4 * self.calm_norm.size) if self.calm_norm.mean else 0.0
        self.calm_norm.learn(f, slow, self.parts < 2)
        self.parts += not held
        return calm, bend, usual

    def end_window(self):
        window = 6 * self.part
        self.windows.append(sum(self.levels[-window:]) / window)
        count = len(self.windows)
        moves = [0.0] * 4
        if count >= 10:
            pairs = [(b + a) / 2 for a, b in zip(self.windows[-10:], self.windows[-9:], strict=False)][::-1]
            moves = [pairs[place] - pairs[place + 2] for place in (0, 2, 4, 6)]
        same = all(move > 0 for move in moves) or all(move < 0 for move in moves)
        least = min(abs(move) for move in moves) if same else 0.0
        over = max(self.row_norm.size, 0.3 * self.move_norm.size)
        creep = least / (2.5 * over) if count > 18 and over else math.inf * (count > 18 and least > 0)
        creep = 0.0 if math.isnan(creep) else creep
        slow = 0.0 if any(self.helds[-window:]) else max(min(window / 2000, 1), 1 / count)
        self.row_norm.learn(least, slow, count < 12)
        self.move_norm.learn(abs(moves[0]), slow, count < 12)
        return creep


class PlainFaults:
    """Jumps, motion and the conditions that come of them. `peers` is set from outside: those it is compared with."""

    def __init__(self, log, signal: Signal):
        asked = signal.faults
        self.log, self.signal, self.asked, self.peers = log, signal, asked, []
        self.every = round(asked.every_s * NS)
        learn = math.ceil(asked.learn_s / asked.every_s)
        self.jumps = PlainJumps(learn, asked.blunt)
        self.motion = PlainMotion(learn, max(round(asked.window_s / asked.every_s / 6), 1))
        self.hold = math.ceil(asked.hold_s / asked.every_s)
        self.block, self.samples = None, []
        self.left = {"drift": 0, "spike": 0}
        self.wrapped = self.pin = None  # the motion that ends it; the value, or "top"
        self.calm, self.below, self.run, self.told = 0.0, 0, 0, []
        span = None if signal.low is None or signal.high is None else signal.high - signal.low
        self.top = math.inf if span is None or Condition.SATURATED not in asked.kinds else signal.high - 0.001 * span
        self.zero = signal.low - 0.02 * span if signal.gas and span is not None else -math.inf

    def sample(self, t, x, held):
        block = t // self.every
        if block != self.block:
            if self.samples:
                start = self.block * self.every
                is_held = held(start) or self.pin is not None
                self.jumps.end_span(is_held)
                if t - start > 4 * self.every:
                    self.jumps.silence()
                self.judge(t, sum(self.samples) / len(self.samples), is_held)
            self.block, self.samples = block, []
        self.samples.append(x)
        self.run = self.run + 1 if x >= self.top else 0
        if self.run >= 5 and self.pin is None:
            self.stick(t, x)
        if self.pin is not None and x != self.pin and x < self.top:
            self.pin = None
            self.log.add(f"{self.signal.id}/saturated", False, t)
        told = self.jumps.sample(x)
        if told == "saturated":
            self.stick(t, x)
        elif told:
            self.sign("spike" if told == "spike" else "drift", t, self.hold)

    def stick(self, t, x):
        if Condition.SATURATED in self.asked.kinds:
            self.pin = x
            self.log.add(f"{self.signal.id}/saturated", True, t)

    def sign(self, name, t, means):
        if name in self.asked.kinds:
            self.left[name] = max(self.left[name], means)
            self.log.add(f"{self.signal.id}/{name}", True, t)

    def middle(self, t, which):
        since = t - 3 * self.every
        known = []
        for peer in self.peers:
            before = [entry for entry in peer.told[-2:] if entry[0] < t]
            if before and before[-1][0] >= since:
                known.append(before[-1][which])
        return statistics.median(known) if len(known) >= 2 else None

    def judge(self, t, mean, held):
        blunt, id = self.asked.blunt, self.signal.id
        level, quiet = self.middle(t, 1), self.middle(t, 2)
        away = mean if len(self.peers) < 2 else None if level is None else mean - level
        wild, calm, creep = self.motion.sample(mean, away, held)
        if calm is not None:
            (calm, bend, usual), before, self.calm = calm, self.calm, calm[0]
            if bend > 0:
                if self.wrapped is not None:
                    if bend >= self.wrapped:
                        self.wrapped = None
                        self.log.add(f"{id}/wrapped", False, t)
                elif calm >= blunt and (quiet is None or before >= 2 * quiet) \
                        and (len(self.peers) < 2 or before >= blunt) \
                        and Condition.WRAPPED in self.asked.kinds:
                    self.wrapped = 0.5 * usual
                    self.log.add(f"{id}/wrapped", True, t)
        self.told = [*self.told[-1:], (t, mean, self.calm)]
        self.below = self.below + 1 if mean < self.zero else 0
        zero = self.below >= 3
        signs = {"spike": wild >= blunt, "drift": (creep or 0.0) >= blunt or zero}
        for name, seen in signs.items():
            if not seen and self.left[name]:
                self.left[name] -= 1
                if not self.left[name]:
                    self.log.add(f"{id}/{name}", False, t)
        if signs["spike"]:
            self.sign("spike", t, self.hold)
        if (creep or 0.0) >= blunt:
            self.sign("drift", t, self.hold)
        elif zero:
            self.sign("drift", t, 1)

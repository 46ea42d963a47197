"""The baseline and its alarm again, written from the definition: one signal, one sample at a time, no numpy."""

from __future__ import annotations

import copy
import math
from dataclasses import replace

from gateway.core.baseline import Recipe
from gateway.model.clock import NS
from gateway.model.signal import Signal


class PlainAnomaly:
    """Means over `every_s` of the time line, given to the baseline with the first good sample of a later one."""

    def __init__(self, log, signal: Signal):
        asked = signal.baseline
        self.log, self.alarm, self.every = log, f"{signal.id}/anomaly", round(asked.every_s * NS)
        self.holding = [name for name in log.alarms if name.startswith(f"{signal.id}/") and name != self.alarm]
        recipe = replace(Recipe(), warm_up=math.ceil(asked.learn_s / asked.every_s),
                         rest=math.ceil(asked.hold_s / asked.every_s))
        self.baseline, self.block, self.samples = PlainBaseline(recipe, asked.blunt), None, []

    def sample(self, t: int, x: float) -> None:
        block = t // self.every
        if block != self.block:
            if self.samples:
                mean = sum(self.samples) / len(self.samples)
                start = self.block * self.every
                held = any(self.log.active.get(name) or self.log.last.get(name, -1) >= start for name in self.holding)
                _, begins, ends = self.baseline.sample(mean, start // (3600 * NS) % 24, held)
                if begins or ends:
                    self.log.add(self.alarm, begins, t)
            self.block, self.samples = block, []
        self.samples.append(hold(x, 1e30))


LEARNT = ("count", "level", "motion", "motion_norm", "plain", "seasonal", "low", "high", "norm", "hour", "of_hour",
          "profile", "seen")


class PlainBaseline:
    """The definition again, for one signal and one sample at a time, with Python's own numbers."""

    def __init__(self, recipe: Recipe, blunt: float = 1.0):
        self.blunt, self.recipe, self.count, self.level, self.last = blunt, recipe, 0, 0.0, None
        self.motion = self.motion_norm = self.plain = self.seasonal = 0.0
        self.low, self.high = math.inf, -math.inf
        scales = (*recipe.level_scales, *recipe.motion_scales)
        self.smooth, self.norm = [0.0] * len(scales), [0.0] * len(scales)
        self.hour, self.of_hour, self.profile, self.seen, self.left = None, [], [0.0] * 24, 0, 0

    def sample(self, x: float, hour: int, held: bool = False) -> tuple[float, bool, bool]:
        if held:  # judged by what is known with it, which is then forgotten
            known = copy.deepcopy({name: getattr(self, name) for name in LEARNT})
            if hour != self.hour:
                self.of_hour, self.hour = [], hour  # an hour does not end in held time
            told = self.sample(x, hour)
            vars(self).update(known)
            return told
        recipe, levels = self.recipe, len(self.recipe.level_scales)
        x = hold(x, 1e30)
        slow = max(1 / recipe.memory, 1 / (self.count + 1))
        most = 20 * self.norm[0] ** 0.25 if self.norm[0] else math.inf
        self.level += slow * hold(x - self.level, most)
        d = x - self.level
        if hour != self.hour:
            if self.of_hour:
                rate = max(0.1, 1 / (self.seen // 24 + 1))
                mean = sum(self.of_hour) / len(self.of_hour)
                self.profile[self.hour] += rate * (mean - self.profile[self.hour])
                self.seen += 1
            self.hour, self.of_hour = hour, []
        self.of_hour.append(hold(d, most))
        e = d - self.profile[hour]
        self.plain += slow * (abs(hold(d, most)) - self.plain)
        self.seasonal += slow * (min(abs(e), most) - self.seasonal)
        if not (self.seen >= 48 and self.seasonal < 0.8 * self.plain):
            e = d
        moved = 0.0 if self.count == 0 else abs(x - self.last)
        self.last = x
        moved = min(moved, 20 * self.motion_norm ** 0.25 if self.motion_norm else math.inf)
        self.motion_norm = self.learn(self.motion_norm, moved ** 4, slow)
        self.motion += slow * (moved - self.motion)
        sizes = []
        unit = (1e-9 * abs(self.level)) ** 4 + 1e-180
        outside = 0.0 if self.count == 0 else max(x - self.high, self.low - x, 0.0)
        outside_size = (outside ** 4 / (self.norm[0] + unit)) ** 0.25
        near = self.level + hold(d, most)
        self.low, self.high = min(self.low, near), max(self.high, near)
        for place, scale in enumerate((*recipe.level_scales, *recipe.motion_scales)):
            taken = (e if place == 0 else hold(e, most)) if place < levels else moved
            self.smooth[place] += max(1 / scale, 1 / (self.count + 1)) * (taken - self.smooth[place])
            deviation = abs(self.smooth[place]) if place < levels else max(self.smooth[place] - self.motion, 0.0)
            sizes.append((deviation ** 4 / (self.norm[place] + unit)) ** 0.25)
            self.norm[place] = self.learn(self.norm[place], deviation ** 4, slow)
        self.count += 1
        height = max(size / limit for size, limit in zip((*sizes, outside_size), recipe.limits, strict=True))
        height /= self.blunt
        if self.count <= recipe.warm_up:
            height = 0.0
        standing = self.left > 0
        if height >= 1 and not standing:
            self.left = recipe.rest
        elif standing:
            self.left = max(self.left - 1, 1 if height >= 1 else 0)
        return height, height >= 1 and not standing, standing and self.left == 0

    def learn(self, norm: float, power: float, rate: float) -> float:
        if norm and self.count > 30:
            power = min(power, 1e5 * norm)
        return norm + rate * (power - norm)


def hold(x: float, most: float) -> float:
    return min(max(x, -most), most)

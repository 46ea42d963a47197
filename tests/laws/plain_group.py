"""The group detector again, written from its definition: all that was learnt is kept in lists, no numpy."""

from __future__ import annotations

import math
from statistics import fmean

from gateway.model.clock import NS
from gateway.model.group import Group


class PlainMember:
    def __init__(self, every: int):
        self.every, self.span, self.samples, self.reached = every, None, [], None

    def sample(self, t: int, x: float, held) -> tuple[int, float, bool] | None:
        """(span, mean, held) when this sample is the first of a later span."""
        span, ended = t // self.every, None
        if span != self.span:
            if self.samples:
                ended, self.reached = (self.span, fmean(self.samples), held(self.span * self.every)), span
            self.span, self.samples = span, []
        self.samples.append(min(max(x, -1e30), 1e30))
        return ended


class PlainGroup:
    def __init__(self, log, group: Group):
        self.log, self.group, self.alarm = log, group, f"{group.id}/group"
        every = round(group.every_s * NS)
        self.members = {id: PlainMember(every) for id in group.signals}
        self.spans = {length: max(math.ceil(seconds / group.every_s), 1) for length, seconds in (
            ("learn", group.learn_s), ("hold", group.hold_s), ("after", group.after_s))}
        self.waiting, self.closed, self.heard = {}, -math.inf, False
        self.seen, self.last, self.learnt, self.follows = 0, None, [], []
        self.usual, self.unit, self.smooth = {}, {}, {}
        self.standing = self.left = self.after = self.peak = 0
        self.bar = 1.0

    def sample(self, t: int, id: str, x: float, held) -> None:
        if id in self.members and (ended := self.members[id].sample(t, x, held)):
            self.heard = True
            span, mean, held = ended
            if span > self.closed:
                self.waiting.setdefault(span, {})[id] = mean, held

    def settle(self, t: int) -> None:
        """All samples of this instant are in."""
        if not self.heard:
            return
        self.heard = False
        reached = [-math.inf if member.reached is None else member.reached for member in self.members.values()]
        self.closed = max(self.closed, min(reached) - 1, max(reached) - 2)
        for span in sorted(self.waiting):
            if span <= self.closed:
                self.judge(t, span, self.waiting.pop(span))

    def judge(self, t: int, span: int, known: dict) -> None:
        if self.seen < self.spans["learn"]:
            if len(known) == len(self.members) and not any(held for _, held in known.values()):
                self.seen += 1
                if self.seen > self.spans["learn"] // 10:
                    self.learnt.append({id: self.tame(id, mean) for id, (mean, _) in known.items()})
                    self.follows.append(self.last == span - 1 and len(self.learnt) > 1)
                self.last = span
                if self.seen == self.spans["learn"]:
                    self.freeze()
            return
        there = [id for id in known if self.unit[id]]
        if not there:
            return
        for id in there:
            most = abs(self.smooth[id]) + 0.5 * 1.5 * self.group.blunt * self.unit[id]
            moved = self.smooth[id] + 0.15 * (known[id][0] - self.usual[id] - self.smooth[id])
            self.smooth[id] = min(max(moved, -most), most)
        size = {id: abs(self.smooth[id]) / (1.5 * self.group.blunt * unit) for id, unit in self.unit.items() if unit}
        height = max(size.values())
        if self.standing:
            self.peak, self.left = max(self.peak, height), max(self.left - 1, 0)
            if not self.left and height < max(0.6, 0.3 * self.peak):
                self.standing, self.bar, self.after = False, max(1.0, 0.3 * self.peak), self.spans["after"]
                self.log.add(self.alarm, False, t)
            return
        self.after = max(self.after - 1, 0)
        if height < 1 or not self.after:
            self.bar = 1.0
        if max(size[id] for id in there) >= self.bar:
            self.standing, self.peak, self.left = True, height, self.spans["hold"]
            self.log.add(self.alarm, True, t)

    def tame(self, id: str, x: float) -> float:
        """Of a wild span, 8 standard deviations."""
        if len(self.learnt) < 30:
            return x
        before = [one[id] for one in self.learnt]
        mean, deviation = fmean(before), spread([one[id] for one in self.learnt])
        return min(max(x, mean - 8 * deviation), mean + 8 * deviation) if deviation else x

    def freeze(self) -> None:
        for id in self.members:
            values = [one[id] for one in self.learnt]
            mean, deviation = fmean(values), spread(values)
            pairs = [(values[n] - mean) * (values[n - 1] - mean) for n in range(1, len(values)) if self.follows[n]]
            memory = min(max(fmean(pairs) / deviation**2, 0.0), 0.999) if pairs and deviation else 0.0
            self.usual[id], self.unit[id] = mean, deviation * (1 + memory) / (1 - memory)
            self.smooth[id] = 0.0


def spread(values: list[float]) -> float:
    """Standard deviation; 0 where nothing but rounding moved."""
    mean = fmean(values)
    deviation = math.sqrt(fmean((value - mean) ** 2 for value in values))
    return deviation if deviation > 1e-9 * (abs(values[0]) + abs(mean)) else 0.0

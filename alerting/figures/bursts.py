"""Bursts: too many alarms in too short a time. A flood is one of all alarms, chattering one of a single alarm.

Judged on the line clock, exactly: the end of a burst is the moment at which too few alarms are left in its window,
whenever somebody looks. Only the newest few stamps are kept. Pure: instants come with the events.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gateway.model.clock import NS, Instant


@dataclass(frozen=True, slots=True)
class Rule:
    """Begins with `at_least` alarms within `window_ns`, ends when fewer than `fewer_than` are within `end_ns`."""

    at_least: int
    window_ns: int
    fewer_than: int
    end_ns: int


MINUTE: Final = 60 * NS
# EEMUA 191 / ISA-18.2: more than 10 in 10 minutes begin a flood, fewer than 5 end it.
FLOOD: Final = Rule(11, 10 * MINUTE, 5, 10 * MINUTE)
# Three times in a minute. The end is a default of ours: ten minutes of silence, or an alarm that comes in fits would
# begin to chatter anew with each of them.
CHATTER: Final = Rule(3, MINUTE, 1, 10 * MINUTE)


class Act(StrEnum):
    BEGIN = "begin"
    END = "end"


class Kind(StrEnum):
    FLOOD = "flood"
    CHATTER = "chatter"


@dataclass(frozen=True, slots=True)
class BurstStep:
    """A burst that began or ended at `at`. alarm: which one chatters, "" for a flood. begun: when it began.
    count: alarms in it."""

    kind: Kind
    alarm: str
    act: Act
    at: Instant
    begun: Instant
    count: int


class Burst:
    """One that may come, or stands: `begun` is when it began, None while it does not stand."""

    def __init__(self, kind: Kind, rule: Rule, alarm: str = ""):
        self._kind, self._rule, self._alarm = kind, rule, alarm
        self._stamps: deque[int] = deque(maxlen=max(rule.at_least, rule.fewer_than))  # line ns, oldest first
        self.begun: Instant | None = None
        self.count = 0

    @property
    def ends_ns(self) -> int:
        """Line time at which one that stands is over, unless more comes."""
        return self._stamps[-self._rule.fewer_than] + self._rule.end_ns

    def look(self, now: Instant) -> BurstStep | None:
        """Has it ended by now?"""
        if self.begun is None or (ended_ns := self.ends_ns) > now.line_ns:
            return None
        begun, self.begun = self.begun, None
        at = Instant(ended_ns, now.wall_ns - (now.line_ns - ended_ns), now.trusted)
        return BurstStep(self._kind, self._alarm, Act.END, at, begun, self.count)

    def add(self, at: Instant) -> BurstStep | None:
        """One more alarm; call `look` with the same instant first."""
        rule, stamps = self._rule, self._stamps
        stamps.append(max(at.line_ns, stamps[-1]) if stamps else at.line_ns)
        if self.begun is not None:
            self.count += 1
            return None
        if len(stamps) < rule.at_least or stamps[-rule.at_least] <= at.line_ns - rule.window_ns:
            return None
        self.begun, self.count = at, rule.at_least
        return BurstStep(self._kind, self._alarm, Act.BEGIN, at, at, self.count)


class Rate:
    """Alarms in the last ten minutes, to ten seconds. Bounded whatever comes."""

    _STEP_NS = 10 * NS
    _STEPS = 60

    def __init__(self) -> None:
        self._steps: deque[list[int]] = deque()  # [number of the step, alarms], oldest first
        self._sum = 0

    def add(self, line_ns: int) -> int:
        """One more; how many there are now."""
        step = line_ns // self._STEP_NS
        if self._steps and self._steps[-1][0] >= step:
            self._steps[-1][1] += 1
        else:
            self._steps.append([step, 1])
        self._sum += 1
        return self.count(line_ns)

    def count(self, line_ns: int) -> int:
        oldest = line_ns // self._STEP_NS - self._STEPS
        while self._steps and self._steps[0][0] <= oldest:
            self._sum -= self._steps.popleft()[1]
        return self._sum

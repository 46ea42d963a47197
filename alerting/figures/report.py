"""Figures of a period, as a person compares them with what is recommended. Pure."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Final

from alerting.figures.figures import Figures, FloodSpan
from alerting.figures.tally import SLOT_NS
from gateway.model.alarm import Priority
from gateway.model.clock import NS, Instant

HOUR_NS: Final = 3_600 * NS
PERIODS: Final = {"8h": 8 * HOUR_NS, "day": 24 * HOUR_NS, "week": 7 * 24 * HOUR_NS, "month": 30 * 24 * HOUR_NS}
WORST: Final = 10  # bad actors that are named

# What alarms are held against. EEMUA 191 and ISA-18.2 as practice quotes them; defaults here.
RATE_TARGET: Final = 1.0  # alarms per 10 minutes and operator, in the long run
PEAK_TARGET: Final = 10.0  # in any 10 minutes: more is a flood
FLOOD_TARGET: Final = 0.01  # share of the time
STALE_TARGET: Final = 4  # standing longer than a day, on any day
SPLIT_TARGET: Final = {Priority.P1: 0.05, Priority.P2: 0.15, Priority.P3: 0.80}
WORST_TARGET: Final = 0.05  # share of the ten worst of all alarms


@dataclass(frozen=True, slots=True)
class Answers:
    """Time from raise to acknowledgement, seconds; NaN where there was none."""

    count: int
    median_s: float
    p90_s: float


@dataclass(frozen=True, slots=True)
class Report:
    """start, end: wall ns; what is known of the period asked for. average, peak: alarms per 10 minutes and operator.
    flood_s: time in flood; flood_share: of the time. by_priority: alarms raised, P1 to P4. worst: (alarm, count), most
    first; worst_share: of all alarms. chattered, withheld: (alarm, how often)."""

    start_wall_ns: int
    end_wall_ns: int
    operators: int
    alarms: int
    average: float
    peak: float
    flood_s: float
    flood_share: float
    floods: tuple[FloodSpan, ...]
    by_priority: dict[Priority, int]
    worst: tuple[tuple[str, int], ...]
    worst_share: float
    chattered: tuple[tuple[str, int], ...]
    withheld: tuple[tuple[str, int], ...]
    answers: Answers
    by_person: dict[str, Answers]

    @property
    def split(self) -> dict[Priority, float]:
        """Share of each priority that calls, of those together."""
        called = sum(self.by_priority[priority] for priority in SPLIT_TARGET)
        return {priority: self.by_priority[priority] / called if called else 0.0 for priority in SPLIT_TARGET}


@dataclass(frozen=True, slots=True)
class Metrics:
    """AlarmMetricsType of OPC 10000-9, 9.2, since StartTime. Rates are alarms per ten minutes (their Rate property:
    10), durations in seconds."""

    AlarmCount: int
    StartTime: int  # wall ns
    MaximumActiveState: float
    MaximumUnAck: float
    CurrentAlarmRate: float
    MaximumAlarmRate: float
    MaximumReAlarmCount: int
    AverageAlarmRate: float


def report(figures: Figures, start_wall_ns: int, end_wall_ns: int) -> Report:
    """Of the slots between; the end is normally now. What lies before the first known transition does not count."""
    known = end_wall_ns if figures.since_wall_ns is None else figures.since_wall_ns
    start = min(max(start_wall_ns // SLOT_NS * SLOT_NS, known), end_wall_ns)
    whole, people = figures.sum(start_wall_ns, end_wall_ns), figures.operators
    alarms, span_ns = whole.calls.total(), max(end_wall_ns - start, SLOT_NS)
    floods = tuple(figures.floods(start, end_wall_ns))
    flooded_ns = sum(min(end_wall_ns, span.end.wall_ns if span.end else end_wall_ns) - max(start, span.begun.wall_ns)
                     for span in floods)
    flooded_ns = min(flooded_ns, span_ns)
    worst = _most(whole.calls)[:WORST]
    of_person: defaultdict[str, list[float]] = defaultdict(list)
    for who, seconds in whole.answers:
        of_person[who].append(seconds)
    return Report(
        start, end_wall_ns, people, alarms, alarms / (span_ns / SLOT_NS) / people, whole.peak / people,
        flooded_ns / NS, flooded_ns / span_ns, floods,
        dict(zip(Priority, whole.by_priority, strict=True)), worst,
        sum(count for _, count in worst) / alarms if alarms else 0.0, _most(whole.chattered), _most(whole.withheld),
        answers([seconds for _, seconds in whole.answers]),
        {who: answers(times) for who, times in sorted(of_person.items())})


def metrics(figures: Figures, now: Instant) -> Metrics:
    since = now.wall_ns if figures.since_wall_ns is None else figures.since_wall_ns
    whole, now_active_s, now_waiting_s = figures.sum(since, now.wall_ns), *figures.standing_longest_s(now.line_ns)
    span_ns = max(now.wall_ns - since, SLOT_NS)
    return Metrics(whole.calls.total(), since, max(whole.longest_active_s, now_active_s),
                   max(whole.longest_unacknowledged_s, now_waiting_s), figures.now(now.line_ns).rate, whole.peak,
                   whole.most_repeats, whole.calls.total() / (span_ns / SLOT_NS))


def answers(seconds: list[float]) -> Answers:
    """The median and the 90th percentile by the nearest rank: a time that really was."""
    if not seconds:
        return Answers(0, math.nan, math.nan)
    ranked = sorted(seconds)
    return Answers(len(ranked), *(ranked[math.ceil(share * len(ranked)) - 1] for share in (0.5, 0.9)))


def _most(counts: Counter[str]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

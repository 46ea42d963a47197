"""What the alarms of a run come to, and two runs side by side. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from alerting.figures.bursts import FLOOD, Burst, Kind
from gateway.model.alarm import AlarmDefinition
from gateway.model.clock import NS, Instant
from gateway.replay.run import Occurrence, Outcome

DAY_S = 86_400.0
WITHIN_S = 600.0  # of an event that does not say its own


@dataclass(frozen=True, slots=True)
class Flood:
    """More alarms than a person can take in. From the first alarm that belongs to it to the last."""

    first_wall_ns: int
    last_wall_ns: int
    alarms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Count:
    """One alarm over a whole run. active_s: total time that its condition stood. floods: in how many it took part."""

    alarm: str
    count: int = 0
    active_s: float = 0.0
    longest_s: float = 0.0
    first_outs: int = 0
    floods: int = 0
    standing: bool = False


@dataclass(frozen=True, slots=True)
class LabelledEvent:
    """Something that people know to have happened. An alarm within `within_s` before or after caught it; `alarm`: only
    this one counts."""

    name: str
    wall_ns: int
    within_s: float = WITHIN_S
    alarm: str = ""

    def covers(self, occurrence: Occurrence) -> bool:
        return (abs(self.wall_ns - occurrence.wall_ns) <= self.within_s * NS
                and (not self.alarm or self.alarm == occurrence.alarm))


@dataclass(frozen=True, slots=True)
class Catch:
    """The first alarm of each id around an event: alarm -> seconds before it (negative: after), earliest first."""

    event: LabelledEvent
    leads_s: dict[str, float]

    @property
    def caught(self) -> bool:
        return bool(self.leads_s)

    @property
    def lead_s(self) -> float | None:
        return max(self.leads_s.values(), default=None)


@dataclass(frozen=True, slots=True)
class Score:
    """Alarms against events. false_alarms: alarms that call people and stand near no event, in `watched_s`."""

    catches: tuple[Catch, ...]
    false_alarms: int
    watched_s: float

    @property
    def false_per_day(self) -> float:
        return self.false_alarms * DAY_S / self.watched_s if self.watched_s else 0.0

    @property
    def caught(self) -> int:
        return sum(catch.caught for catch in self.catches)


@dataclass(frozen=True, slots=True)
class Difference:
    """One alarm in two runs; None where that site does not have it. new, gone: occurrences without a counterpart in
    the other run. earlier_s: median over those with one (negative: later)."""

    alarm: str
    before: Count | None
    after: Count | None
    new: int
    gone: int
    earlier_s: float | None

    @property
    def changed(self) -> bool:
        return bool(self.before != self.after or self.new or self.gone or self.earlier_s)


def floods(occurrences: Iterable[Occurrence]) -> tuple[Flood, ...]:
    """Of the alarms that call people, by the rule of the running gateway; those in the window that made it one belong
    to it."""
    found: list[list[Occurrence]] = []
    newest: deque[Occurrence] = deque(maxlen=FLOOD.at_least)
    burst = Burst(Kind.FLOOD, FLOOD)
    for occurrence in sorted((one for one in occurrences if one.called), key=lambda one: one.line_ns):
        at = Instant(occurrence.line_ns, occurrence.wall_ns)
        burst.look(at)
        newest.append(occurrence)
        if burst.add(at) is not None:
            found.append(list(newest))
        elif burst.begun is not None:
            found[-1].append(occurrence)
    return tuple(Flood(one[0].wall_ns, one[-1].wall_ns, tuple(dict.fromkeys(part.alarm for part in one)))
                 for one in found)


def counts(outcome: Outcome) -> dict[str, Count]:
    """By alarm id; only alarms that were raised, in the order of the site file."""
    of: dict[str, list[Occurrence]] = {}
    for occurrence in outcome.occurrences:
        of.setdefault(occurrence.alarm, []).append(occurrence)
    flooded = floods(outcome.occurrences)
    found = {}
    for definition in outcome.site.alarms:
        if own := of.get(definition.id):
            active = [one.active_s(outcome.last_line_ns) for one in own]
            found[definition.id] = Count(
                definition.id, len(own), sum(active), max(active), sum(one.first_out for one in own),
                sum(definition.id in flood.alarms for flood in flooded), own[-1].ended_line_ns is None)
    return found


def score(outcome: Outcome, events: Sequence[LabelledEvent]) -> Score:
    called = [one for one in outcome.occurrences if one.called]
    catches = []
    for event in events:
        leads: dict[str, float] = {}
        for occurrence in called:
            if event.covers(occurrence):
                leads.setdefault(occurrence.alarm, (event.wall_ns - occurrence.wall_ns) / NS)
        catches.append(Catch(event, dict(sorted(leads.items(), key=lambda lead: -lead[1]))))
    false = sum(not any(event.covers(one) for event in events) for one in called)
    return Score(tuple(catches), false, outcome.watched_s)


def differences(before: Outcome, after: Outcome) -> tuple[Difference, ...]:
    """Every alarm that was raised in one of the runs, or that only one of the sites has a set point for."""
    old, new = counts(before), counts(after)
    names = dict.fromkeys((*(alarm.id for alarm in after.site.alarms), *(alarm.id for alarm in before.site.alarms)))
    found = []
    for alarm in names:
        if alarm not in old and alarm not in new:
            continue
        was = old.get(alarm, Count(alarm)) if alarm in before.site.alarms else None
        would = new.get(alarm, Count(alarm)) if alarm in after.site.alarms else None
        found.append(Difference(alarm, was, would, *_matched(
            [one for one in before.occurrences if one.alarm == alarm],
            [one for one in after.occurrences if one.alarm == alarm])))
    return tuple(found)


def definition(difference: Difference, before: Outcome, after: Outcome) -> AlarmDefinition:
    found = after.site.alarms.get(difference.alarm) or before.site.alarms.get(difference.alarm)
    assert found is not None
    return found


def _matched(before: list[Occurrence], after: list[Occurrence]) -> tuple[int, int, float | None]:
    """(new, gone, median of seconds earlier). Occurrences whose times overlap are the same happening."""
    def overlap(one: Occurrence, other: Occurrence) -> bool:
        return ((one.ended_line_ns is None or other.line_ns <= one.ended_line_ns)
                and (other.ended_line_ns is None or one.line_ns <= other.ended_line_ns))

    earlier, met = [], 0
    gone, place = 0, 0
    for old in before:  # both lists are in order of time and do not overlap in themselves
        while place < len(after) and not overlap(old, after[place]) and after[place].line_ns < old.line_ns:
            place += 1
        if place < len(after) and overlap(old, after[place]):
            earlier.append((old.line_ns - after[place].line_ns) / NS)
        else:
            gone += 1
    place = 0
    for one in after:
        while place < len(before) and not overlap(one, before[place]) and before[place].line_ns < one.line_ns:
            place += 1
        met += place < len(before) and overlap(one, before[place])
    return len(after) - met, gone, median(earlier) if earlier else None

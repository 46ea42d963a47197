"""Alarm figures after EEMUA 191 / ISA-18.2, kept up to date transition by transition. Pure: no clock, no disk.

What counts as an alarm here is what called a person: P1 to P3, raised while nothing withheld it. P4 and what was
withheld are counted apart. Figures lie in slots of ten minutes of wall time, kept for 31 days; bursts and durations are
judged on the line clock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from alerting.engine import TOLD, Transition
from alerting.figures.bursts import CHATTER, FLOOD, Burst, BurstStep, Kind, Rate, Rule
from alerting.figures.tally import SLOT_NS, Tally
from alerting.lifecycle import Effect, Event
from gateway.model.alarm import AlarmTable
from gateway.model.clock import NS, Instant

KEPT_NS: Final = 31 * 86_400 * NS
STALE_S: Final = 86_400.0
FLOODS_KEPT: Final = 1_000
NEVER_ENDS_NS: Final = 1 << 63
_DAY: Final = 144  # slots


@dataclass(frozen=True, slots=True)
class FloodSpan:
    """One flood. begun: with the alarm that made it one. end: None while it stands. alarms: in it, those before its
    beginning included."""

    begun: Instant
    end: Instant | None
    alarms: int


@dataclass(frozen=True, slots=True)
class Now:
    """rate: alarms in the last ten minutes. chattering: ids, with when that began."""

    rate: int
    flood: FloodSpan | None
    chattering: dict[str, Instant]


@dataclass(slots=True)
class _Standing:
    """An alarm that is not normal, as the transitions tell it. Line ns; None: before what is known."""

    raised_ns: int | None
    waits: bool
    active: bool
    repeats: int = 0


class Figures:
    """`take` each transition once, in order; `pass_time` at least now and then. Both return the bursts that began or
    ended. operators: people who share the alarms; a flood is one for each of them. kept_ns: of wall time."""

    def __init__(self, alarms: AlarmTable, operators: int = 1, kept_ns: int = KEPT_NS):
        self.operators = operators
        self._kept_slots = kept_ns // SLOT_NS
        self._alarms = alarms
        self._tallies: dict[int, Tally] = {}  # by number of the slot
        self._days: dict[int, Tally] = {}  # sums of whole days, by their first slot; made as a day ends
        self._standing: dict[str, _Standing] = {}
        self._rate = Rate()
        rule = FLOOD if operators == 1 else Rule(
            10 * operators + 1, FLOOD.window_ns, 5 * operators, FLOOD.end_ns)
        self._flood = Burst(Kind.FLOOD, rule)
        self._chatter: dict[str, Burst] = {}
        self._chattering: set[str] = set()
        self._look_ns = NEVER_ENDS_NS  # line time before which no burst can end
        self._floods: deque[FloodSpan] = deque(maxlen=FLOODS_KEPT)
        self.since_wall_ns: int | None = None  # the first transition that was taken

    def take(self, step: Transition) -> list[BurstStep]:
        at = Instant(step.line_ns, step.wall_ns)
        if self.since_wall_ns is None:
            self.since_wall_ns = step.wall_ns
        steps = self.pass_time(at)
        tally = self._tally(step.wall_ns)
        if step.event is Event.RAISE:
            steps += self._raised(step, at, tally)
        elif step.event == "remind":
            self._repeated(step, tally)
        self._moved(step, tally)
        return steps

    def pass_time(self, now: Instant) -> list[BurstStep]:
        """Bursts that have ended by now."""
        if now.line_ns < self._look_ns:
            return []
        steps = [step for burst in self._bursts() if (step := burst.look(now)) is not None]
        self._look_ns = min((burst.ends_ns for burst in self._bursts()), default=NEVER_ENDS_NS)
        for step in steps:
            if step.kind is Kind.FLOOD:
                self._floods.append(FloodSpan(step.begun, step.at, step.count))
            else:
                self._chattering.discard(step.alarm)
        return steps

    def _bursts(self) -> list[Burst]:
        """Those that stand."""
        chattering = [self._chatter[alarm] for alarm in self._chattering]
        return [burst for burst in (self._flood, *chattering) if burst.begun is not None]

    def now(self, line_ns: int) -> Now:
        flood = self._flood
        return Now(self._rate.count(line_ns), None if flood.begun is None else FloodSpan(
            flood.begun, None, flood.count), {alarm: self._chatter[alarm].begun for alarm in sorted(self._chattering)})

    def standing_bursts(self) -> dict[tuple[Kind, str], tuple[Instant, int]]:
        """(kind, alarm) -> when it began, and alarms in it so far."""
        found = {(Kind.FLOOD, ""): self._flood} | {(Kind.CHATTER, alarm): self._chatter[alarm]
                                                   for alarm in self._chattering}
        return {key: (burst.begun, burst.count) for key, burst in found.items() if burst.begun is not None}

    def sum(self, start_wall_ns: int, end_wall_ns: int) -> Tally:
        """Over whole slots: from the one that holds the start to the one before the end, or the end's if it began."""
        return Tally.sum(self._between(start_wall_ns // SLOT_NS, -(-end_wall_ns // SLOT_NS)))

    def _between(self, slot: int, end: int) -> Iterator[Tally]:
        """Whole days are added up once: a month is asked for on the event loop, and has 4,320 slots."""
        slot = max(slot, min(self._tallies, default=end))
        while slot < end:
            whole = slot % _DAY == 0 and slot + _DAY <= end
            if whole and slot not in self._days:
                self._add_up(slot)
            if (tally := (self._days if whole else self._tallies).get(slot)) is not None:
                yield tally
            slot += _DAY if whole else 1

    def _add_up(self, day: int) -> None:
        self._days[day] = Tally.sum(filter(None, map(self._tallies.get, range(day, day + _DAY))))

    def floods(self, start_wall_ns: int, end_wall_ns: int) -> Iterator[FloodSpan]:
        """Those that reach into this stretch, the one that stands included."""
        standing = [] if self._flood.begun is None else [FloodSpan(self._flood.begun, None, self._flood.count)]
        for span in (*self._floods, *standing):
            if span.begun.wall_ns < end_wall_ns and (span.end is None or span.end.wall_ns > start_wall_ns):
                yield span

    def standing_longest_s(self, line_ns: int) -> tuple[float, float]:
        """How long what stands has been active, and unacknowledged, at the most: a maximum so far."""
        known = [one for one in self._standing.values() if one.raised_ns is not None]
        return (max(((line_ns - one.raised_ns) / NS for one in known if one.active), default=0.0),
                max(((line_ns - one.raised_ns) / NS for one in known if one.waits), default=0.0))

    # -- one transition

    def _raised(self, step: Transition, at: Instant, tally: Tally) -> Iterable[BurstStep]:
        definition = self._alarms.get(step.alarm)
        if step.withheld:
            tally.withheld[step.alarm] += 1
            return ()
        if definition is not None:
            tally.by_priority[definition.priority - 1] += 1
            if definition.priority > TOLD[Effect.ANNUNCIATE]:
                tally.others[step.alarm] += 1
                return ()
        tally.calls[step.alarm] += 1
        tally.peak = max(tally.peak, self._rate.add(step.line_ns))
        chatter = self._chatter.get(step.alarm)
        if chatter is None:
            chatter = self._chatter[step.alarm] = Burst(Kind.CHATTER, CHATTER, step.alarm)
        steps = [burst for burst in (self._flood.add(at), chatter.add(at)) if burst is not None]
        if steps and steps[-1].kind is Kind.CHATTER:
            self._chattering.add(step.alarm)
            tally.chattered[step.alarm] += 1
        if steps:
            self._look_ns = min([self._look_ns, *(burst.ends_ns for burst in (self._flood, chatter)
                                                  if burst.begun is not None)])
        return steps

    def _repeated(self, step: Transition, tally: Tally) -> None:
        known = self._standing.get(step.alarm)
        if known is not None:
            known.repeats += 1
            tally.most_repeats = max(tally.most_repeats, known.repeats)

    def _moved(self, step: Transition, tally: Tally) -> None:
        """How long it was active and how long it waited, by the line clock; where the raise is not known, by the wall.
        """
        known = self._standing.get(step.alarm)
        if step.event is Event.RAISE:
            self._standing[step.alarm] = _Standing(step.line_ns, True, True)
            return
        if known is not None and known.raised_ns is not None:
            passed_s = (step.line_ns - known.raised_ns) / NS
        else:
            passed_s = max(step.wall_ns - step.raised_wall_ns, 0) / NS
        if step.event is Event.ACKNOWLEDGE:
            tally.answers.append((step.who, passed_s))
        if step.old.active and not step.new.active:
            tally.longest_active_s = max(tally.longest_active_s, passed_s)
        if step.old.waits and not step.new.waits:
            tally.longest_unacknowledged_s = max(tally.longest_unacknowledged_s, passed_s)
        if not (step.new.active or step.new.waits):
            self._standing.pop(step.alarm, None)
        elif known is not None:
            known.active, known.waits = step.new.active, step.new.waits

    def _tally(self, wall_ns: int) -> Tally:
        slot = wall_ns // SLOT_NS
        tally = self._tallies.get(slot)
        self._days.pop(slot // _DAY * _DAY, None)
        if tally is None:
            for kept in (self._tallies, self._days):
                for old in [old for old in kept if old <= slot - self._kept_slots]:
                    del kept[old]
            before = next(reversed(self._tallies), slot) // _DAY * _DAY
            if before < slot // _DAY * _DAY:
                self._add_up(before)
            tally = self._tallies[slot] = Tally()
        return tally

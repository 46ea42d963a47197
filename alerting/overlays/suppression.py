"""Suppression by design: nobody is called for an alarm that says nothing new (ISA-18.2 / IEC 62682). It is derived from
the present state, as the site declares it; nobody commands it.

- *Parent offline*: while the alarm of a silent device stands, the alarms of its signals that say the same (no data,
  reading not valid, reads lost) call nobody. Never a limit alarm: that stands on good evidence. Only while the parent
  itself may call: one that a person has put aside speaks for nobody.
- *Plant state*: while a test is true by good and current evidence. In doubt it is not true.
- *Maintenance window*: at certain hours in the site's zone, while the wall clock can be trusted.

P1 is never suppressed, nor a limit of a gas detector, a blind zone, or the gateway's own alarms.

It goes on for `after_s` when its condition has ended, so that what ends with it is not told for seconds. Then people
are called for what is still active. It never lasts longer than `longest_s`: then it is *overrun*, people are called,
and it begins anew only after its condition has ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

from alerting.engine import AlarmState
from alerting.fence import fenced
from alerting.overlays.hold import Hold, Kind, Step
from alerting.overlays.tables import Act, Answer, Effect, Table, journal, recall, withhold
from gateway.model.alarm import AlarmDefinition
from gateway.model.clock import NS, Instant
from gateway.model.condition import Condition
from gateway.model.rules import Test
from gateway.model.site import Site
from gateway.model.suppression import AFTER_S, LONGEST_S, Suppression


class State(StrEnum):
    OPEN = "open"  # effects reach people
    SUPPRESSED = "suppressed"
    OVERRUN = "overrun"  # its condition still holds, its time is over: effects reach people


TABLE: Final[Table] = {
    (State.OPEN, Act.BEGIN): withhold(State.SUPPRESSED),
    (State.OPEN, Act.END): Answer(State.OPEN),
    (State.OPEN, Act.EXPIRE): Answer(State.OPEN),
    (State.SUPPRESSED, Act.BEGIN): Answer(State.SUPPRESSED),
    (State.SUPPRESSED, Act.END): recall(State.OPEN),
    (State.SUPPRESSED, Act.EXPIRE): recall(State.OVERRUN),
    (State.OVERRUN, Act.BEGIN): Answer(State.OVERRUN),
    (State.OVERRUN, Act.END): journal(State.OPEN),
    (State.OVERRUN, Act.EXPIRE): Answer(State.OVERRUN),
}
SAYS_THE_SAME: Final = frozenset({Condition.DEADMAN, Condition.INVALID, Condition.DROPOUT})  # as the silent device


class Plant(Protocol):
    def true(self, test: Test, now: Instant) -> bool:
        """By the newest sample of its signal, which is good and current."""
        ...


@dataclass(frozen=True, slots=True)
class _Source:
    """One suppression. holds(now): its condition."""

    id: str
    why: str
    alarms: tuple[AlarmDefinition, ...]  # what it covers, most urgent first
    holds: Callable[[Instant], bool]
    after_ns: int
    longest_s: float


class Suppressions:
    """All suppressions of a site. Pure: no clock, no disk. state(alarm): of the engine. aside(alarm): a person has put
    this alarm aside. plant None: no plant state is known."""

    def __init__(self, site: Site, state: Callable[[str], AlarmState],
                 aside: Callable[[AlarmDefinition], bool] = lambda alarm: False, plant: Plant | None = None):
        self._site, self._state, self._aside = site, state, aside
        self.plant = plant
        self._sources = {source.id: source for source in (*self._offline(), *map(self._declared, site.suppressions))
                         if source.alarms}
        self._of: dict[str, list[str]] = {}  # alarm -> ids of what may suppress it
        for source in self._sources.values():
            for alarm in source.alarms:
                self._of.setdefault(alarm.id, []).append(source.id)
        self._states: dict[str, State] = dict.fromkeys(self._sources, State.OPEN)
        self._standing: dict[str, Hold] = {}  # those that are not open
        self._held_line_ns: dict[str, int] = {}  # when the condition of a standing one was seen last

    def standing(self) -> tuple[Hold, ...]:
        """What is suppressed now; the one that ends first comes first."""
        return tuple(sorted((hold for id, hold in self._standing.items() if self._states[id] is State.SUPPRESSED),
                            key=lambda hold: (hold.until_line_ns, hold.target)))

    def everything(self) -> tuple[Hold, ...]:
        """Also those that have overrun, which must be remembered."""
        return tuple(self._standing.values())

    def over(self, alarm: AlarmDefinition) -> Hold | None:
        """What suppresses this alarm; of several, the one that ends last."""
        if not self._standing:
            return None
        found = [self._standing[id] for id in self._of.get(alarm.id, ()) if self._states[id] is State.SUPPRESSED]
        return max(found, key=lambda hold: hold.until_line_ns, default=None)

    def covered(self, id: str) -> tuple[AlarmDefinition, ...]:
        source = self._sources.get(id)
        return source.alarms if source is not None else ()

    def judge(self, now: Instant) -> tuple[Step, ...]:
        """What begins and what is over, by the present state."""
        steps: list[Step] = []
        for source in self._sources.values():
            if fenced(lambda source=source: source.holds(now), lambda: False, f"the condition of {source.id}"):
                self._held_line_ns[source.id] = now.line_ns
                steps += self._act(source, Act.BEGIN, now)
            elif now.line_ns >= self._held_line_ns.get(source.id, 0) + source.after_ns:
                steps += self._act(source, Act.END, now)
            hold = self._standing.get(source.id)
            if hold is not None and now.line_ns >= hold.until_line_ns:
                steps += self._act(source, Act.EXPIRE, now)
        return tuple(steps)

    def restore(self, holds: Iterable[Hold], now: Instant) -> tuple[Step, ...]:
        """Take over what stood before a restart: in doubt it has overrun. What had overrun before, people were called
        for then. What the site no longer has is over."""
        steps = []
        for hold in holds:
            source = self._sources.get(hold.target)
            if source is None:
                steps.append(Step(Act.END, hold, now, ()))
            elif hold.target not in self._standing:
                over = hold.until_line_ns <= hold.begun_line_ns
                self._standing[hold.target] = hold
                self._states[hold.target] = State.OVERRUN if over else State.SUPPRESSED
                self._held_line_ns[hold.target] = now.line_ns
                if not over and hold.doubtful(now, source.longest_s):
                    steps += self._act(source, Act.EXPIRE, now)
        return tuple(steps)

    def _act(self, source: _Source, act: Act, now: Instant) -> Iterable[Step]:
        answer = TABLE[self._states[source.id], act]
        if Effect.JOURNAL not in answer.effects:
            return ()
        if Effect.WITHHOLD in answer.effects:
            self._standing[source.id] = Hold.of(Kind.SUPPRESSION, source.id, "", source.why, "", source.longest_s, now)
        elif act is Act.EXPIRE:
            self._standing[source.id] = replace(self._standing[source.id], until_line_ns=now.line_ns,
                                                until_wall_ns=now.wall_ns)
        self._states[source.id] = State(answer.state)
        hold = self._standing[source.id]
        if answer.state is State.OPEN:
            del self._standing[source.id]
        elif act is Act.EXPIRE:  # nothing of it is left: it must not come to life again, nor call again, by a restart
            self._standing[source.id] = replace(hold, until_line_ns=hold.begun_line_ns)
        # nothing was withheld since it had overrun: nobody has to be called when it ends
        return (Step(act, hold, now, source.alarms if answer.effects != {Effect.JOURNAL} else ()),)

    def _declared(self, one: Suppression) -> _Source:
        def holds(now: Instant) -> bool:
            if one.test is not None:
                return self.plant is not None and self.plant.true(one.test, now)
            assert one.window is not None, "it has a test or a window"
            return now.trusted and datetime.fromtimestamp(now.wall_ns // NS, self._site.zone) in one.window

        return _Source(one.id, one.why.en, self._may_be(alarm for alarm in self._site.alarms
                                                        if {alarm.id, alarm.origin} & {*one.alarms}),
                       holds, round(one.after_s * NS), one.longest_s)

    def _offline(self) -> Iterable[_Source]:
        for device in self._site.devices if self._site.suppress_offline else ():
            parent = self._site.alarms.get(f"{device.id}/{Condition.DEADMAN}")
            if parent is not None:
                yield _Source(parent.id, f"device {device.id} gives no data", self._may_be(
                    alarm for alarm in self._site.alarms
                    if alarm.origin in device.signals and alarm.condition in SAYS_THE_SAME
                    and alarm.priority >= parent.priority),
                    lambda now, parent=parent: self._state(parent.id).state.condition and not self._aside(parent),
                    round(AFTER_S * NS), LONGEST_S)

    def _may_be(self, alarms: Iterable[AlarmDefinition]) -> tuple[AlarmDefinition, ...]:
        return tuple(sorted((alarm for alarm in alarms if self._site.may_be_suppressed(alarm)),
                            key=lambda alarm: alarm.priority))

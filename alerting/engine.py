"""The alarm engine: edges and acknowledgements in, Changes out. No clock, no disk, no network.

Three rules beyond the life-cycle table:

*Replay changes nothing.* An edge counts only if its line time is later than that of the last edge of the same alarm
that was known before this call. Edges of one instant therefore belong into one call.

*Occurrences.* Each activation of an alarm has a number, counted up per alarm for ever.

*First-out.* A group is quiet while none of its alarms waits for an acknowledgement. The alarm that is raised in a quiet
group is the first-out of its sequence and keeps the mark until it is normal again, also if it returns and is raised
anew before anybody acknowledged. An acknowledged alarm that stands for days does not keep its group from being quiet,
or the next incident would have no first-out.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from alerting.lifecycle import STATE_NAMES, TABLE, Effect, Event, State
from gateway.model.alarm import AlarmDefinition, AlarmTable, Priority
from gateway.model.clock import Instant
from gateway.model.errors import CommandError
from gateway.model.nearest import did_you_mean
from gateway.model.text import Text
from gateway.model.verdict import Evidence, Verdicts

NEVER: Final = -(1 << 63)  # a line time before all others

# Who is told what: the least urgent priority for which an effect becomes a notice. P4 is for the page and the journal.
TOLD: Final = {Effect.ANNUNCIATE: Priority.P3, Effect.RE_ALARM: Priority.P3, Effect.ANNOUNCE_END: Priority.P2,
               Effect.SILENCE: Priority.P2}

_TOLD_UP_TO: Final = {asked: max((least for effect, least in TOLD.items() if effect in answer.effects), default=0)
                      for asked, answer in TABLE.items()}

NAME_LENGTH: Final = 80
COMMENT_LENGTH: Final = 500


@dataclass(frozen=True, slots=True)
class AlarmState:
    """All that is known of one alarm. Times in ns.

    occurrence    number of the latest activation; 0: never raised
    raised_*      when it was raised; `value` and `evidence` are those of that moment
    since_wall_ns when it came into `state`
    edge_line_ns  the last edge that was taken in, see "replay" above
    who, comment  of the acknowledgement of this occurrence
    called_line_ns when people were called for this occurrence last; NEVER: nobody was
    """

    alarm: str
    state: State = State.NORMAL
    occurrence: int = 0
    raised_wall_ns: int = 0
    raised_line_ns: int = 0
    since_wall_ns: int = 0
    edge_line_ns: int = NEVER
    value: float = math.nan
    first_out: bool = False
    who: str = ""
    comment: str = ""
    evidence: tuple[Evidence, ...] = ()
    called_line_ns: int = NEVER


@dataclass(frozen=True, slots=True)
class Transition:
    """One step of one alarm, as it goes into the journal. `value` and `evidence` are those of the event; of an
    acknowledgement `value` is what it is that was taken.

    raised_wall_ns tells activations apart even where `occurrence` can not (a lost alarm file counts from 1 again).
    notify: people are told. who: see gateway.model.person.
    withheld: why people are not told who otherwise would be; "" where nothing is withheld.
    """

    alarm: str
    occurrence: int
    event: Event
    old: State
    new: State
    wall_ns: int
    line_ns: int
    raised_wall_ns: int
    value: float = math.nan
    first_out: bool = False
    who: str = ""
    comment: str = ""
    evidence: tuple[Evidence, ...] = ()
    notify: bool = False
    withheld: str = ""


@dataclass(frozen=True, slots=True)
class Changes:
    """What has to be remembered: new states (one per alarm, the latest) and the transitions that led there."""

    states: tuple[AlarmState, ...] = ()
    transitions: tuple[Transition, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.states)


class AlarmEngine:
    def __init__(self, alarms: AlarmTable):
        self._alarms = alarms
        self._states: dict[str, AlarmState] = {}
        self._standing: set[str] = set()
        self._waiting: Counter[str] = Counter()  # group -> alarms that wait for an acknowledgement

    def restore(self, states: Iterable[AlarmState], now_line_ns: int) -> tuple[str, ...]:
        """Take over stored states of alarms that have not moved since the start. Returns the ids that the site no
        longer has and that stood.

        An edge later than now belongs to a time line that was lost; it is forgotten, or it would swallow live edges.
        """
        orphans = []
        for state in states:
            definition = self._alarms.get(state.alarm)
            if definition is None:
                if state.state is not State.NORMAL:
                    orphans.append(state.alarm)
            elif state.alarm not in self._states:
                if state.edge_line_ns > now_line_ns:
                    state = replace(state, edge_line_ns=NEVER)
                if state.called_line_ns > now_line_ns:
                    state = replace(state, called_line_ns=now_line_ns)
                self._put(definition, state)
        return tuple(orphans)

    def apply(self, verdicts: Verdicts) -> Changes:
        known: dict[str, int] = {}  # line time of the last edge of each alarm before this call
        touched: dict[str, None] = {}
        transitions = []
        for edge in verdicts:
            definition = self._alarms[edge.alarm]
            state = self.state(definition.id)
            if edge.line_ns <= known.setdefault(definition.id, state.edge_line_ns):
                continue
            event = Event.RAISE if edge.active else Event.CLEAR_LATCHING if definition.latch else Event.CLEAR
            transition = self._step(definition, state, event, Instant(edge.line_ns, edge.wall_ns),
                                    edge_line_ns=max(state.edge_line_ns, edge.line_ns), value=edge.value,
                                    evidence=edge.evidence)
            touched[definition.id] = None
            if transition:
                transitions.append(transition)
        return Changes(tuple(self._states[alarm] for alarm in touched), tuple(transitions))

    def acknowledge(self, alarm: str, who: str, comment: str, at: Instant) -> Changes:
        """CommandError: unknown alarm, nothing to acknowledge, or no name given."""
        definition = self._alarms.get(alarm)
        if definition is None:
            raise unknown(alarm, self._alarms)
        who, comment = clean(who, NAME_LENGTH), clean(comment, COMMENT_LENGTH)
        if not who:
            raise CommandError(Text("an acknowledgement needs a name", "确认告警必须填写姓名"), where=alarm,
                               fix=Text("give the name of the person who acknowledges", "请填写确认人姓名"))
        state = self.state(alarm)
        if Effect.REFUSE in TABLE[state.state, Event.ACKNOWLEDGE].effects:
            raise CommandError(
                Text("nothing to acknowledge: the alarm is {state}", "无需确认：该告警状态为“{state}”").format(
                    state=STATE_NAMES[state.state]), where=alarm,
                fix=Text("look at the alarm list again, someone may have been faster",
                         "请刷新告警列表，可能已有人确认"))
        transition = self._step(definition, state, Event.ACKNOWLEDGE, at, edge_line_ns=state.edge_line_ns, who=who,
                                comment=comment)
        return Changes((self._states[alarm],), (transition,) if transition else ())

    def remind(self, alarm: str, at: Instant) -> Changes:
        """People are called again, if the alarm still stands."""
        transition = self._step(self._alarms[self._alarms.index(alarm)], self.state(alarm), Event.REMIND, at,
                                edge_line_ns=self.state(alarm).edge_line_ns)
        return Changes((self._states[alarm],), (transition,)) if transition else Changes()

    def called(self, alarm: str, line_ns: int) -> AlarmState:
        """People are called for what stands."""
        self._states[alarm] = replace(self.state(alarm), called_line_ns=line_ns)
        return self._states[alarm]

    def state(self, alarm: str) -> AlarmState:
        return self._states.get(alarm) or AlarmState(alarm)

    def standing(self) -> Iterator[AlarmState]:
        """Every alarm that is not normal."""
        return (self._states[alarm] for alarm in self._standing)

    def states(self) -> tuple[AlarmState, ...]:
        """Every alarm that has ever moved."""
        return tuple(self._states.values())

    def _step(self, definition: AlarmDefinition, before: AlarmState, event: Event, at: Instant, *, edge_line_ns: int,
              value: float = math.nan, evidence: tuple[Evidence, ...] = (), who: str = "", comment: str = "",
              ) -> Transition | None:
        """Move one alarm. edge_line_ns: of the last edge, this one included. None: the event changed nothing."""
        answer = TABLE[before.state, event]
        if Effect.JOURNAL not in answer.effects:
            self._put(definition, replace(before, edge_line_ns=edge_line_ns))
            return None
        if Effect.ANNUNCIATE in answer.effects:
            first_out = bool(definition.group) and (not self._waiting[definition.group]
                                                    or (before.first_out and before.state.waits))
            after = AlarmState(before.alarm, answer.state, before.occurrence + 1, at.wall_ns, at.line_ns, at.wall_ns,
                               edge_line_ns, value, first_out, evidence=evidence)
        elif Effect.RE_ALARM in answer.effects:
            after, value, evidence = replace(before, called_line_ns=at.line_ns), before.value, before.evidence
        elif Effect.SILENCE in answer.effects:
            after = replace(before, state=answer.state, since_wall_ns=at.wall_ns, who=who, comment=comment)
            value = before.value
        else:
            after = replace(before, state=answer.state, since_wall_ns=at.wall_ns, edge_line_ns=edge_line_ns)
        self._put(definition, after)
        return Transition(
            before.alarm, after.occurrence, event, before.state, after.state, at.wall_ns, at.line_ns,
            after.raised_wall_ns, value, after.first_out, who, comment, evidence,
            definition.priority <= _TOLD_UP_TO[before.state, event])

    def _put(self, definition: AlarmDefinition, after: AlarmState) -> None:
        before = self._states.get(after.alarm)
        was_waiting = before is not None and before.state.waits
        if after.state.waits is not was_waiting:
            self._waiting[definition.group] += 1 if after.state.waits else -1
        self._states[after.alarm] = after
        (self._standing.discard if after.state is State.NORMAL else self._standing.add)(after.alarm)


def unknown(alarm: str, alarms: AlarmTable) -> CommandError:
    hint = did_you_mean(alarm, [one.id for one in alarms])
    return CommandError(Text(f"there is no alarm with this id{hint.en}", f"没有此编号的告警{hint.zh}"), where=alarm,
                        fix=Text("take the id from the alarm list", "请从告警列表中选取编号"))


def clean(text: str, length: int) -> str:
    """One line, no control characters, not too long."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:length]

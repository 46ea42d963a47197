"""Who is called for what, and with which words: transitions, holds and recalls as calls, made anew on demand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from alerting import message
from alerting.engine import TOLD, AlarmState, Transition
from alerting.fence import fenced
from alerting.lifecycle import Effect, Event
from alerting.message import Again, Dates
from alerting.oncall.routing import Decision, Person
from alerting.overlays import message as overlay_message
from alerting.overlays.hold import Kind, Step
from gateway.model.alarm import AlarmTable, Priority
from gateway.model.clock import Instant
from gateway.model.correction import Told
from gateway.model.lost import as_told
from gateway.model.ports import Notice
from gateway.model.site import Site

Compose = Callable[[bool], Notice]


@dataclass(frozen=True, slots=True)
class Call:
    """One notice. compose(recorded) makes it again: that it is not recorded is known only later. through: notifiers."""

    compose: Compose
    priority: Priority
    line_ns: int
    through: tuple[str, ...]


class Calls:
    """link: address of the page, for the reader of a notice. state(alarm): of the engine. told(line_ns,
    wall_ns): a time as people are told it. A call is for every notifier
    unless it is `addressed`."""

    def __init__(self, alarms: AlarmTable, site: Site, link: str, notifiers: tuple[str, ...],
                 state: Callable[[str], AlarmState], told: Callable[[int, int], Told]):
        self._alarms, self._site, self._link, self._notifiers = alarms, site, link, notifiers
        self._state, self._told = state, told

    def of(self, transition: Transition, again: Again | None = None) -> Call:
        state = self._state(transition.alarm)
        definition = as_told(self._alarms.get(transition.alarm), state.value)
        dates = fenced(lambda: Dates(
            self._told(transition.line_ns, transition.wall_ns),
            self._told(state.raised_line_ns, transition.raised_wall_ns)), lambda: None, "the time of a message")
        return Call(lambda recorded: fenced(
            lambda: message.compose(self._site, definition, transition, recorded=recorded, link=self._link,
                                    again=again, dates=dates),
            lambda: message.bare(self._site, definition, transition, recorded, again), "the text of a message"),
                    definition.priority, transition.line_ns, self._notifiers)

    def of_hold(self, step: Step) -> list[Call]:
        """Told like an acknowledgement: it silences what would call. A suppression by design is nothing new."""
        if step.hold.kind is Kind.SUPPRESSION or not step.alarms or step.alarms[0].priority > TOLD[Effect.SILENCE]:
            return []
        return [Call(lambda recorded: overlay_message.compose(self._site, step, recorded=recorded, link=self._link),
                     step.alarms[0].priority, step.at.line_ns, self._notifiers)]


def addressed(call: Call, decisions: Iterable[Decision], people: Mapping[str, Person]) -> list[Call]:
    """One call for each person and channel that is to be told."""
    return [replace(call, compose=_personal(call.compose, decision, people.get(decision.person or "")),
                    through=(decision.channel,)) for decision in decisions if decision.sent]


def _personal(compose: Compose, decision: Decision, person: Person | None) -> Compose:
    return lambda recorded: for_person(compose(recorded), decision, person)


def for_person(notice: Notice, decision: Decision, person: Person | None) -> Notice:
    """The notice as one person gets it, under a key of its own. person: None where the site no longer has them."""
    if decision.person is None:  # a channel as a whole
        return notice
    key = f"{notice.key}/{decision.person}"
    payload = notice.payload | {"key": key, "person": {"id": decision.person}}
    if person is not None:
        payload["person"]["name"] = {"en": person.name.en, "zh": person.name.zh}
    return replace(notice, key=key, payload=payload, to=decision.to, language=person and person.language)


def raised_again(state: AlarmState, at: Instant) -> Transition:
    """An alarm that still stands, as it is told now. No change of its state."""
    return Transition(state.alarm, state.occurrence, Event.RAISE, state.state, state.state, at.wall_ns, at.line_ns,
                      state.raised_wall_ns, state.value, state.first_out, evidence=state.evidence, notify=True)

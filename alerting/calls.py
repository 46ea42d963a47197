"""Who is called for what, and with which words: transitions, bypasses and recalls as calls, made anew on demand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from alerting import message
from alerting.bypass import Step
from alerting.engine import TOLD, AlarmState, Transition
from alerting.lifecycle import Effect, Event
from gateway.model.alarm import AlarmDefinition, AlarmTable, Priority
from gateway.model.clock import Instant
from gateway.model.ports import Notice
from gateway.model.site import Site


@dataclass(frozen=True, slots=True)
class Call:
    """One notice. compose(recorded) makes it again: that it is not recorded is known only later. through: notifiers."""

    compose: Callable[[bool], Notice]
    priority: Priority
    line_ns: int
    through: tuple[str, ...]


class Calls:
    """link: address of the page, for the reader of a notice. The one place that decides where a call goes."""

    def __init__(self, alarms: AlarmTable, site: Site, link: str, notifiers: tuple[str, ...]):
        self._alarms, self._site, self._link, self._notifiers = alarms, site, link, notifiers

    def of(self, transition: Transition, *, recall: bool = False) -> Call:
        definition = self._alarms.get(transition.alarm)
        return Call(lambda recorded: message.compose(self._site, definition, transition, recorded=recorded,
                                                     link=self._link, recall=recall),
                    definition.priority, transition.line_ns, self._notifiers)

    def of_bypass(self, step: Step, alarms: Sequence[AlarmDefinition]) -> list[Call]:
        """alarms: what it covers, most urgent first. Told like an acknowledgement: it silences what would call."""
        if not alarms or alarms[0].priority > TOLD[Effect.SILENCE]:
            return []
        return [Call(lambda recorded: message.compose_bypass(self._site, step, alarms, recorded=recorded,
                                                             link=self._link),
                     alarms[0].priority, step.at.line_ns, self._notifiers)]


def raised_again(state: AlarmState, at: Instant) -> Transition:
    """An alarm that is still active when a bypass of it is over, as it is told now. No change of its state."""
    return Transition(state.alarm, state.occurrence, Event.RAISE, state.state, state.state, at.wall_ns, at.line_ns,
                      state.raised_wall_ns, state.value, state.first_out, evidence=state.evidence, notify=True)

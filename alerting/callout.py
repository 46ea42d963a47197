"""Who is called for what: every notifier, or, where the site has `[oncall]`, the people who are to be told now.

Each method adds to the `Work` of its cause what has to be remembered with it (ladders, and a journal row of kind
"routing" with every decision and its reason) and returns the calls that go out when that work is on disk.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Final

from alerting.calls import Call, Calls, addressed, raised_again
from alerting.engine import TOLD, AlarmState, Transition
from alerting.fence import fenced
from alerting.ledger import Record, Work
from alerting.lifecycle import Effect
from alerting.message import ESCALATION, RECALL, Again
from alerting.oncall.escalation import Escalations, Ladder, Round, wall
from alerting.oncall.routing import Decision
from alerting.overlays.hold import Step
from alerting.wording import lasting
from gateway.model.alarm import AlarmTable
from gateway.model.clock import NS, Instant
from gateway.model.text import Text

OUTAGE_S: Final = 300.0  # after so long a stop every alarm that still stands is told again


class CallOut:
    """escalations: None where every notifier is called for everything."""

    def __init__(self, calls: Calls, alarms: AlarmTable, escalations: Escalations | None):
        self._calls, self._alarms, self._escalations = calls, alarms, escalations

    def of(self, transition: Transition, work: Work, at: Instant) -> list[Call]:
        """For one transition; `transition.notify` false: nobody is told of it."""
        if self._escalations is None:
            return [self._calls.of(transition)] if transition.notify else []
        return fenced(lambda: self._taken(transition, work, at),
                      lambda: [self._calls.of(transition)] if transition.notify else [], "who is on call")

    def _taken(self, transition: Transition, work: Work, at: Instant) -> list[Call]:
        taken = self._escalations.take(transition, at)
        return [] if taken is None else self._round(taken, self._calls.of(transition), work, at)

    def again(self, state: AlarmState, why: Again, work: Work, at: Instant) -> list[Call]:
        """For an alarm that stands and is told again, from the first step."""
        call = self._calls.of(raised_again(state, at), why)
        if self._escalations is None:
            return [call]

        def taken() -> list[Call]:
            begun = self._escalations.begin(self._alarms.get(state.alarm), state.occurrence, state.raised_wall_ns, at)
            return self._round(begun, call, work, at)

        return fenced(taken, lambda: [call], "who is on call")

    def of_hold(self, step: Step, work: Work) -> list[Call]:
        """Told to those who would be called for the most urgent of its alarms."""
        calls = self._calls.of_hold(step)
        if self._escalations is None or not calls:
            return calls
        routing = self._escalations.routing
        policy = routing.policy(step.alarms[0], wall(step.at))
        decisions = routing.decide(step.alarms[0], policy, 0, wall(step.at))
        work.records.append(Record("routing", step.hold.target, step.at.wall_ns, {
            "policy": policy.id if policy is not None else "", "decisions": [_json(one) for one in decisions]}))
        return [one for call in calls for one in addressed(call, decisions, routing.people)]

    def climbs(self, alarm: str) -> bool:
        """Will a further step call for this alarm by itself?"""
        ladder = None if self._escalations is None else self._escalations.ladder(alarm)
        return ladder is not None and ladder.due_line_ns is not None

    def due(self, now: Instant, state: Callable[[str], AlarmState], withheld: Callable[[str], bool],
            ) -> Iterator[tuple[Work, list[Call]]]:
        """Steps whose time has come, of alarms that nothing withholds."""
        for taken in () if self._escalations is None else self._escalations.due(now, withheld):
            known, work = state(taken.alarm), Work()
            again = (Again(ESCALATION, _unanswered(known, now)) if taken.step
                     else Again(RECALL, Text("A mute window is over. {raised}", "静默时段已结束。{raised}").format(
                         raised=_raised(known, now))))
            call = self._calls.of(raised_again(known, now), again)
            yield work, fenced(partial(self._round, taken, call, work, now), lambda call=call: [call],
                               "who is on call")

    def restore(self, ladders: Iterable[Ladder], standing: Iterable[AlarmState], away_s: float, work: Work,
                now: Instant) -> list[Call]:
        """After a start: go on where the ladders were. What waits for a person and has no ladder begins one; after an
        outage (`away_s`; infinite: nobody knows how long) everything that stands is told again, with its age. standing:
        what nothing withholds."""
        if self._escalations is None:
            return []
        work.ladders |= dict.fromkeys(self._escalations.restore(ladders, now))
        calls = []
        for state in standing:
            told = self._alarms.get(state.alarm).priority <= TOLD[Effect.ANNUNCIATE]
            if told and (away_s >= OUTAGE_S
                         or (state.state.waits and self._escalations.ladder(state.alarm) is None)):
                calls += self.again(state, Again(RECALL, _back(state, away_s, now)), work, now)
        return calls

    def ladders(self) -> tuple[Ladder, ...]:
        """All that stand."""
        return () if self._escalations is None else self._escalations.standing()

    def _round(self, taken: Round, call: Call, work: Work, at: Instant) -> list[Call]:
        work.ladders[taken.alarm] = taken.ladder
        if taken.decisions:
            work.records.append(Record("routing", taken.alarm, at.wall_ns, {
                "occurrence": taken.occurrence, "step": taken.step, "policy": taken.policy,
                "decisions": [_json(one) for one in taken.decisions]}))
        return addressed(call, taken.decisions, self._escalations.routing.people)


def _json(decision: Decision) -> dict:
    """For the journal. Addresses stay out of it: some hold a secret."""
    return {"person": decision.person, "channel": decision.channel, "told": decision.sent,
            "reason": {"en": decision.reason.en, "zh": decision.reason.zh}}


def _raised(state: AlarmState, now: Instant) -> Text:
    return Text("Raised {age} ago.", "报警发生于 {age}前。").format(
        age=lasting((now.line_ns - state.raised_line_ns) / NS))


def _unanswered(state: AlarmState, now: Instant) -> Text:
    return Text("Nobody has acknowledged. {raised}", "尚无人确认。{raised}").format(raised=_raised(state, now))


def _back(state: AlarmState, away_s: float, now: Instant) -> Text:
    if away_s < OUTAGE_S:
        return _raised(state, now)
    away = (Text("The gateway works again.", "网关已恢复运行。") if math.isinf(away_s) else
            Text("The gateway works again after {away}.", "网关中断 {away}后恢复运行。").format(away=lasting(away_s)))
    return Text("{away} {raised}", "{away}{raised}").format(away=away, raised=_raised(state, now))

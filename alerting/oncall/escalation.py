"""How far the people are told of each alarm: ladders that are climbed while nobody acknowledges. Pure: no clock, no
disk, no network. Instants are arguments; waiting is judged on the time line, who is on duty by the wall clock.

An occurrence that calls begins a ladder (`alerting.oncall.routing`): step 0 at once, each further one when the wait
before it is over. The acknowledgement ends it. It is told to those who were called, and so is the end of the condition.

- An alarm that has *returned* and was not acknowledged holds its ladder; P1 goes on until somebody acknowledges,
  whatever the process does: nobody has seen it yet.
- Raised again meanwhile, it goes on where it was, and every level that has been reached hears of the new occurrence: an
  alarm that comes and goes must not stay with the first person for ever. An hour after a step that was due and held, it
  begins anew.
- A step that a mute window withholds is taken when the window is over, if the alarm still stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from alerting.engine import AlarmState, Transition
from alerting.fence import fenced
from alerting.lifecycle import Event, State
from alerting.oncall.routing import NO_POLICY_WAIT_S, Decision, Policy, Routing, once
from gateway.model.alarm import AlarmDefinition, AlarmTable, Priority
from gateway.model.clock import NS, Instant
from gateway.model.text import Text

LAPSE_S: Final = 3600.0  # so long after the step that was due a new occurrence begins anew

_TOLD_BEFORE: Final = Text("was told of it before", "此前已通知")
_FAILED: Final = Text("who is on call can not be told, see the log: every channel",
                      "无法确定值班人员（见日志）：通知全部渠道")
_BEFORE_LADDERS: Final = Text("raised before there was a policy: every channel", "报警早于通知策略启用：通知全部渠道")


@dataclass(frozen=True, slots=True)
class Told:
    """person: "" where a channel was told as a whole."""

    person: str
    channel: str
    to: str


@dataclass(frozen=True, slots=True)
class Ladder:
    """policy: its id, "" for none. done: steps that were taken. due_line_ns: when the next one is due; None: no more.
    muted: a mute window withholds it, and that is on record."""

    alarm: str
    occurrence: int
    raised_wall_ns: int
    policy: str
    done: int
    due_line_ns: int | None
    muted: bool
    told: tuple[Told, ...]


@dataclass(frozen=True, slots=True)
class Round:
    """One step of a ladder, or what one transition means for the people. ladder: as it is now; None: it is over.
    step: number of steps taken before."""

    alarm: str
    occurrence: int
    step: int
    policy: str
    decisions: tuple[Decision, ...]
    ladder: Ladder | None


class Escalations:
    """The ladders of a site. `state` gives the newest state of an alarm."""

    def __init__(self, routing: Routing, alarms: AlarmTable, state: Callable[[str], AlarmState]):
        self.routing = routing
        self._alarms, self._state = alarms, state
        self._policies = {policy.id: policy for policy in routing.policies}
        self._ladders: dict[str, Ladder] = {}

    def ladder(self, alarm: str) -> Ladder | None:
        return self._ladders.get(alarm)

    def standing(self) -> tuple[Ladder, ...]:
        return tuple(self._ladders.values())

    def take(self, transition: Transition, at: Instant) -> Round | None:
        """What a transition means. None: nothing for anybody."""
        definition, ladder = self._alarms.get(transition.alarm), self._ladders.get(transition.alarm)
        if transition.event is Event.RAISE:
            if not transition.notify:
                return self._end(ladder) if ladder is not None else None
            if ladder is not None and self._goes_on(ladder, at):
                return self._again(definition, ladder, transition, at)
            return self.begin(definition, transition.occurrence, transition.raised_wall_ns, at)
        if ladder is None:
            decisions = self.routing.everybody(_BEFORE_LADDERS) if transition.notify else ()
            return Round(transition.alarm, transition.occurrence, 0, "", decisions, None) if decisions else None
        after = replace(ladder, due_line_ns=None) if transition.event is Event.ACKNOWLEDGE else ladder
        decisions = tuple(Decision(one.person or None, one.channel, one.to, True, _TOLD_BEFORE) for one in ladder.told
                          if one.channel in self.routing.channels) if transition.notify else ()
        return self._keep(Round(ladder.alarm, ladder.occurrence, ladder.done, ladder.policy, decisions,
                                None if transition.new is State.NORMAL else after))

    def begin(self, definition: AlarmDefinition, occurrence: int, raised_wall_ns: int, at: Instant) -> Round:
        """The first step of a new ladder; also for an alarm that stood already and calls from now on."""
        policy = fenced(lambda: self.routing.policy(definition, wall(at)), lambda: None, "the choice of a policy")
        ladder = Ladder(definition.id, occurrence, raised_wall_ns, policy.id if policy is not None else "", 0,
                        at.line_ns, False, ())
        return self._step(definition, ladder, at)

    def due(self, now: Instant, withheld: Callable[[str], bool] = lambda alarm: False) -> Iterator[Round]:
        """Steps whose time has come, but for alarms that an overlay withholds: its end begins anew."""
        for ladder in tuple(self._ladders.values()):
            if ladder.due_line_ns is None or ladder.due_line_ns > now.line_ns or withheld(ladder.alarm):
                continue
            taken = fenced(lambda ladder=ladder: self._due(ladder, now),
                           lambda ladder=ladder: self._everybody(ladder, now), "a step of an escalation")
            if taken is not None and taken.ladder != ladder:  # else it is muted as before
                yield taken

    def restore(self, ladders: Iterable[Ladder], now: Instant) -> tuple[str, ...]:
        """Take over what stood before a restart. Returns the alarms whose ladder is over and should be forgotten. What
        is due on a time line that was lost is due after one wait at most."""
        gone = []
        for ladder in ladders:
            state = self._state(ladder.alarm)
            if (ladder.alarm not in self._alarms or state.state is State.NORMAL
                    or state.raised_wall_ns != ladder.raised_wall_ns):
                gone.append(ladder.alarm)
            elif ladder.alarm not in self._ladders:
                self._ladders[ladder.alarm] = fenced(
                    lambda ladder=ladder: self._taken_over(ladder, now),
                    lambda ladder=ladder: replace(ladder, due_line_ns=ladder.due_line_ns and now.line_ns),
                    "an escalation of before the restart")
        return tuple(gone)

    def _taken_over(self, ladder: Ladder, now: Instant) -> Ladder:
        if ladder.due_line_ns is not None:
            wait_s = self.routing.wait_s(self._alarms.get(ladder.alarm), self._policy(ladder), ladder.done or 1)
            latest = now.line_ns + round((wait_s or 0.0) * NS)
            ladder = replace(ladder, due_line_ns=min(ladder.due_line_ns, latest))
        return replace(ladder, told=tuple(dict.fromkeys(map(self._told_now, ladder.told))))

    def _due(self, ladder: Ladder, now: Instant) -> Round | None:
        definition, state = self._alarms.get(ladder.alarm), self._state(ladder.alarm).state
        if state.waits and (state.active or definition.priority is Priority.P1):
            return self._step(definition, ladder, now)
        return None

    def _everybody(self, ladder: Ladder, now: Instant) -> Round:
        """A step that fails calls every channel, again and again until somebody acknowledges."""
        after = replace(ladder, done=ladder.done + 1, due_line_ns=now.line_ns + round(NO_POLICY_WAIT_S * NS))
        return self._keep(Round(ladder.alarm, ladder.occurrence, ladder.done, ladder.policy,
                                self.routing.everybody(_FAILED), after))

    def _told_now(self, one: Told) -> Told:
        """Where those who were told before a restart hear the rest: an address may have been corrected meanwhile. In
        place of who is gone, the channel as a whole hears it."""
        to = self.routing.address(one.person, one.channel, one.to) if one.person else one.to
        return Told("", one.channel, "") if to is None else replace(one, to=to)

    def _step(self, definition: AlarmDefinition, ladder: Ladder, at: Instant) -> Round:
        policy = self._policy(ladder)
        decisions = self._decide(definition, policy, ladder.done, at)
        if any(decision.sent for decision in decisions):
            waits = self._state(ladder.alarm).state.waits
            wait_s = self.routing.wait_s(definition, policy, ladder.done + 1) if waits else None
            due = None if wait_s is None else at.line_ns + round(wait_s * NS)
            after = replace(ladder, done=ladder.done + 1, due_line_ns=due, muted=False, told=_told(ladder, decisions))
        else:
            after = replace(ladder, muted=True)
        return self._keep(Round(ladder.alarm, ladder.occurrence, ladder.done, ladder.policy, decisions, after))

    def _goes_on(self, ladder: Ladder, at: Instant) -> bool:
        return (ladder.done > 0 and ladder.due_line_ns is not None
                and at.line_ns - ladder.due_line_ns <= round(LAPSE_S * NS))

    def _again(self, definition: AlarmDefinition, ladder: Ladder, transition: Transition, at: Instant) -> Round:
        """A new occurrence on the same ladder: whoever is on duty now, at every level that was reached."""
        policy = self._policy(ladder)
        levels = 1 if policy is None else min(ladder.done, len(policy.steps))
        decisions = once([decision for level in range(levels)
                          for decision in self._decide(definition, policy, level, at)])
        after = replace(ladder, occurrence=transition.occurrence, raised_wall_ns=transition.raised_wall_ns,
                        told=_told(ladder, decisions))
        return self._keep(Round(ladder.alarm, after.occurrence, ladder.done, ladder.policy, decisions, after))

    def _end(self, ladder: Ladder) -> Round:
        return self._keep(Round(ladder.alarm, ladder.occurrence, ladder.done, ladder.policy, (), None))

    def _keep(self, taken: Round) -> Round:
        if taken.ladder is None:
            self._ladders.pop(taken.alarm, None)
        else:
            self._ladders[taken.alarm] = taken.ladder
        return taken

    def _decide(self, definition: AlarmDefinition, policy: Policy | None, step: int, at: Instant) -> Sequence[Decision]:
        """A roster that can not be read calls everybody."""
        return fenced(lambda: self.routing.decide(definition, policy, step, wall(at)),
                      lambda: self.routing.everybody(_FAILED), "who is on call")

    def _policy(self, ladder: Ladder) -> Policy | None:
        return self._policies.get(ladder.policy)


def wall(at: Instant) -> datetime:
    return datetime.fromtimestamp(at.wall_ns // NS, UTC)


def _told(ladder: Ladder, decisions: Iterable[Decision]) -> tuple[Told, ...]:
    new = [Told(decision.person or "", decision.channel, decision.to) for decision in decisions if decision.sent]
    return tuple(dict.fromkeys((*ladder.told, *new)))

"""What a page shows of the alarms: the standing ones in the order a person should look at them, and the risk level."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from alerting.engine import AlarmState
from alerting.lifecycle import State
from alerting.overlays.hold import Hold
from gateway.model.alarm import AlarmDefinition, Risk
from gateway.model.clock import NS, Instant
from gateway.model.condition import Condition
from gateway.model.lost import as_told
from gateway.model.person import is_verified
from gateway.model.verdict import Evidence

_LOOK_FIRST = (State.UNACKNOWLEDGED, State.LATCHED, State.RETURNED, State.ACKNOWLEDGED, State.NORMAL)
_WORST_FIRST = tuple(Risk)  # red, orange, yellow, blue


@dataclass(frozen=True, slots=True)
class AlarmView:
    """One alarm as a person sees it. Wall times are UTC ns.

    state         see alerting.lifecycle; STATE_NAMES has the words
    active        it counts as an alarm now (a latched one does although its condition has ended)
    value         what raised it, in the definition's unit; NaN where there is none
    raised_*      when it was raised; since_wall_ns: in this state since
    who, comment  of the acknowledgement; `verified`: an account stands behind the name
    recorded      the latest change of this alarm is on disk
    withheld      why nobody is called for it now: bypass, shelving, out of service, suppression by design
    after_s       None where raised_wall_ns is known to be right; else the clock is not synchronised, and it was raised
                  so many seconds after the start
    """

    definition: AlarmDefinition
    state: State
    occurrence: int
    value: float
    raised_wall_ns: int
    raised_line_ns: int
    since_wall_ns: int
    first_out: bool
    who: str
    comment: str
    recorded: bool
    evidence: tuple[Evidence, ...]
    withheld: tuple[Hold, ...] = ()
    after_s: float | None = None

    @property
    def verified(self) -> bool:
        return is_verified(self.who)

    @property
    def active(self) -> bool:
        return self.state.active

    def age_s(self, now: Instant) -> float:
        """How long ago it was raised, on the gateway's time line: a wall clock that was set does not change it."""
        return max(now.line_ns - self.raised_line_ns, 0) / NS

    @classmethod
    def of(cls, definition: AlarmDefinition, state: AlarmState, *, recorded: bool,
           withheld: tuple[Hold, ...] = ()) -> AlarmView:
        return cls(as_told(definition, state.value), state.state, state.occurrence, state.value, state.raised_wall_ns,
                   state.raised_line_ns, state.since_wall_ns, state.first_out, state.who, state.comment, recorded,
                   state.evidence, withheld=withheld)


def in_order(views: Iterable[AlarmView]) -> tuple[AlarmView, ...]:
    """Most urgent priority first, within it what waits for a person before what has been taken, newest first."""
    return tuple(sorted(views, key=lambda view: (view.definition.priority, _LOOK_FIRST.index(view.state),
                                                 -view.raised_wall_ns)))


def risk_level(standing: Iterable[AlarmDefinition]) -> Risk:
    """The worst risk of the alarms that stand; blue (low) when none does. A drill does not count. A blind gas zone is
    never below orange."""
    worst = Risk.BLUE
    for definition in standing:
        if definition.exercise:
            continue
        blind = definition.condition == Condition.BLIND
        worst = min(worst, definition.risk, Risk.ORANGE if blind else Risk.BLUE, key=_WORST_FIRST.index)
    return worst

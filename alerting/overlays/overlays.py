"""All overlays of a site in one place, and the two questions that are asked of them: what withholds the effects of an
alarm, and for what people are called when an overlay ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from alerting.engine import NEVER, TOLD, AlarmState
from alerting.fence import fenced
from alerting.lifecycle import Effect
from alerting.overlays import bypass, out_of_service, shelving
from alerting.overlays.hold import Hold, Holds, Kind, Rules, Step
from alerting.overlays.suppression import Plant, Suppressions
from gateway.model.alarm import AlarmDefinition
from gateway.model.clock import Instant
from gateway.model.site import Site

RULES: Final[Mapping[Kind, Rules]] = {rules.kind: rules for rules in (
    bypass.RULES, shelving.RULES, out_of_service.RULES)}


@dataclass(frozen=True, slots=True)
class Ask:
    """What a person asks for. for_s: seconds. once: see shelving. approved: the second person."""

    target: str
    who: str
    why: str
    for_s: float
    approved: str = ""
    once: bool = False


class Overlays:
    """Pure: no clock, no disk. state(alarm): of the engine."""

    def __init__(self, site: Site, state: Callable[[str], AlarmState], rules: Mapping[Kind, Rules] = RULES):
        self._state = state
        self._holds = {kind: Holds(site.alarms, one) for kind, one in rules.items()}
        self._suppressions = Suppressions(site, state, lambda alarm: any(
            holds.over(alarm) for holds in self._holds.values()))

    def connect(self, plant: Plant) -> None:
        """From now on plant states are known."""
        self._suppressions.plant = plant

    def over(self, alarm: AlarmDefinition) -> tuple[Hold, ...]:
        """What withholds the effects of this alarm; the one that ends last comes first. Nothing: people are told."""
        found = [hold for part in (*self._holds.values(), self._suppressions)
                 if (hold := part.over(alarm)) is not None]
        return tuple(sorted(found, key=lambda hold: -hold.until_line_ns)) if len(found) > 1 else tuple(found)

    def calls_again(self, alarm: AlarmDefinition) -> bool:
        """An overlay of this alarm is over: is it active, and has nobody taken it or nobody been called for it, and is
        it not under another one?"""
        known = self._state(alarm.id)
        return (known.state.active and (known.state.waits or known.called_line_ns == NEVER)
                and alarm.priority <= TOLD[Effect.ANNUNCIATE] and not self.over(alarm))

    def standing(self, kind: Kind) -> tuple[Hold, ...]:
        """The one that ends first comes first."""
        return self._part(kind).standing()

    def commanded(self) -> tuple[Hold, ...]:
        """What persons have put aside, whichever way."""
        return tuple(hold for holds in self._holds.values() for hold in holds.standing())

    def everything(self) -> tuple[Hold, ...]:
        """What must be remembered over a restart."""
        return (*self.commanded(), *self._suppressions.everything())

    def kept(self, hold: Hold) -> Hold | None:
        """What has to be remembered of it still."""
        return next((one for one in self.everything() if (one.kind, one.target) == (hold.kind, hold.target)), None)

    def covered(self, hold: Hold) -> tuple[AlarmDefinition, ...]:
        """The alarms of a hold, most urgent first."""
        return self._part(hold.kind).covered(hold.target)

    def begin(self, kind: Kind, ask: Ask, now: Instant) -> Step:
        """CommandError says what is missing or not allowed."""
        return self._holds[kind].begin(ask.target, ask.who, ask.why, ask.for_s, ask.approved, now, once=ask.once,
                                       active=self._active)

    def end(self, kind: Kind, target: str, who: str, why: str, now: Instant) -> Step:
        """CommandError: there is none, or no name given."""
        return self._holds[kind].end(target, who, why, now)

    def judge(self, now: Instant) -> tuple[Step, ...]:
        """What begins and ends by time and by the present state. A fault in one part keeps no other from calling."""
        return self._of_each(lambda part: part.expire(now) if isinstance(part, Holds) else part.judge(now))

    def normal(self, now: Instant) -> tuple[Step, ...]:
        """What ends because alarms have returned to normal; to be asked when their end has been told."""
        return self._of_each(lambda part: part.normal(self._active, now) if isinstance(part, Holds) else ())

    def restore(self, holds: Iterable[Hold], now: Instant) -> tuple[Step, ...]:
        """Take over what stood before a restart. Returns those that are over, in doubt too soon."""
        by_kind: dict[Kind, list[Hold]] = {}
        for hold in holds:
            by_kind.setdefault(hold.kind, []).append(hold)
        parts = {id(self._part(kind)): found for kind, found in by_kind.items()}
        return self._of_each(lambda part: part.restore(parts.get(id(part), ()), now))

    def _of_each(self, judge: Callable[[Holds | Suppressions], tuple[Step, ...]]) -> tuple[Step, ...]:
        """What has ended is no longer here: a fault must not take along what another part has said."""
        return tuple(step for part in (*self._holds.values(), self._suppressions)
                     for step in fenced(lambda part=part: judge(part), tuple, "overlays"))

    def _part(self, kind: Kind) -> Holds | Suppressions:
        return self._suppressions if kind is Kind.SUPPRESSION else self._holds[kind]

    def _active(self, alarm: str) -> bool:
        return self._state(alarm).state.active

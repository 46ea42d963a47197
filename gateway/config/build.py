"""Valid sections -> the words of `gateway.model`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gateway.config.draft import Kind
from gateway.config.kinds import CatalogueKind, overlaid_limits, overlaid_table
from gateway.config.limit_sections import NO_LIMIT, DeviationSection, LimitSection, RateSection
from gateway.config.sections import AlarmsSection, AnnunciatorSection, AreaSection, SiteSection
from gateway.config.signal_sections import (
    NO_BASELINE,
    NO_FAULTS,
    NO_PROFILE,
    NO_TREND,
    FaultsSection,
    GroupSection,
    SignalSection,
    StatusSection,
    TrendSection,
)
from gateway.config.values import NONE
from gateway.model.alarm import Priority, Risk
from gateway.model.annunciator import Annunciator, Until
from gateway.model.area import Area, Escalation
from gateway.model.condition import Condition
from gateway.model.group import Group
from gateway.model.learnt import STATE_LABELS, Baseline, Faults, LoadState, Profile, Share
from gateway.model.peer import Peer
from gateway.model.rules import Rule
from gateway.model.signal import Device, HeadCount, Limit, Signal, SignalTable, StatusLink, Still, Trend
from gateway.model.site import Site
from gateway.model.suppression import Suppression
from gateway.model.text import Text

_SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0}
RATE_DEADBAND = 0.2  # of the set point, also of a deviation
LEAST_LEARNT = 200  # means, before a baseline or a learnt fault says anything
CARD_KEPT_S = 30 * 86400.0  # where nobody has said how long
WEEK_S = 7 * 86400.0  # before a profile of the week says anything
_URGENCY: dict[Condition, tuple[Priority, Risk]] = {
    Condition.HIGH_HIGH: (Priority.P1, Risk.RED), Condition.LOW_LOW: (Priority.P1, Risk.RED),
    Condition.HIGH: (Priority.P2, Risk.ORANGE), Condition.LOW: (Priority.P2, Risk.ORANGE),
    Condition.RATE_UP: (Priority.P3, Risk.YELLOW), Condition.RATE_DOWN: (Priority.P3, Risk.YELLOW),
    Condition.DEVIATION_UP: (Priority.P3, Risk.YELLOW), Condition.DEVIATION_DOWN: (Priority.P3, Risk.YELLOW),
}


@dataclass(frozen=True)
class SignalPlan:
    """One signal with everything its kind gives filled in; limits by the name a person writes."""

    section: SignalSection
    kind: CatalogueKind
    limits: Mapping[str, LimitSection]

    @classmethod
    def of(cls, section: SignalSection, kind: Kind) -> SignalPlan:
        limits = overlaid_limits(kind.kind.limits, section.limits)
        given = limits.given() if limits is not None else {}
        return cls(section, kind.kind, {name: limit for name, limit in given.items() if limit is not NO_LIMIT})

    @property
    def unit(self) -> str:
        return self.kind.unit if self.section.unit is None else self.section.unit

    @property
    def span(self) -> float | None:
        low, high = self.section.low, self.section.high
        return None if low is None or high is None else high - low

    @property
    def deadman_s(self) -> float | None:
        """None: not watched, deliberately or not."""
        given = self.section.deadman if self.section.deadman is not None else self.kind.deadman
        return None if given is None or math.isinf(given) else given

    @property
    def fault_priority(self) -> Priority:
        by_default = Priority.P2 if self.kind.gas else Priority.P3
        return self.section.fault_priority or self.kind.fault_priority or by_default

    def deadband(self, limit: LimitSection) -> float | None:
        """In the unit of the signal (for a rate: per second). None: a percentage without a measuring range."""
        if isinstance(limit, RateSection):
            scale = _SECONDS[limit.per]
            if limit.deadband is None:
                return RATE_DEADBAND * (limit.value or 0.0) / scale
            width = limit.deadband.within(self.span)
            return None if width is None else width / scale
        if limit.deadband is not None:
            return limit.deadband.within(self.span)
        if isinstance(limit, DeviationSection):
            return RATE_DEADBAND * (limit.value or 0.0)
        return (self.kind.deadband.within(self.span) or 0.0) if self.kind.deadband is not None else 0.0

    def on_delay_s(self, limit: LimitSection) -> float:
        return next((delay for delay in (limit.on_delay, self.kind.on_delay) if delay is not None), 0.0)

    def off_delay_s(self, limit: LimitSection) -> float:
        return next((delay for delay in (limit.off_delay, self.kind.off_delay) if delay is not None), 0.0)

    @property
    def status_signal(self) -> str | None:
        """None: no status, deliberately or not."""
        return None if self.section.status_signal == NONE else self.section.status_signal

    @property
    def status_values(self) -> StatusSection | None:
        return self.section.status_values or self.kind.status_values

    @property
    def trend(self) -> TrendSection | None:
        trend = overlaid_table(self.kind.trend, self.section.trend, NO_TREND)
        return None if trend is NO_TREND else trend

    @property
    def faults(self) -> FaultsSection | None:
        faults = overlaid_table(self.kind.faults, self.section.faults, NO_FAULTS)
        return None if faults is NO_FAULTS else faults

    def signal(self, area: str) -> Signal:
        section, kind = self.section, self.kind
        return Signal(
            section.id, section.name or kind.name, section.kind, self.unit, area, section.low, section.high,
            section.loop_ma, self.deadman_s, section.stuck_reads or kind.stuck_reads,
            kind.decimals if section.decimals is None else section.decimals, kind.gas,
            tuple(self._limit(Condition(name), limit) for name, limit in self.limits.items()),
            self._labels(), self.fault_priority, trend=self._trend(), status=self._status(),
            baseline=self._baseline(), derived=section.expression or self._load_state(),
            profile=self._profile(), faults=self._faults(), share=self._share(),
            headcount=self._headcount(), still=self._still(), guidance=section.guidance, keep_s=self._keep_s())

    def _headcount(self) -> HeadCount | None:
        said = self.section.headcount
        if said is None:
            return None
        limits = [*said.by_shift.values(), *(() if said.most is None else (said.most,))]
        return HeadCount(min(limits), said.shift, dict(said.by_shift), said.exempt, said.faces, said.handover,
                         said.handover_for, said.on_delay, said.off_delay, said.priority, said.risk)

    def _still(self) -> Still | None:
        said = self.section.still
        return None if said is None else Still(said.after, said.by, said.only_while, said.priority, said.risk)

    def _keep_s(self) -> float | None:
        of_a_card = CARD_KEPT_S if self.section.still is not None else None
        return next((said for said in (self.section.keep, self.kind.keep, of_a_card) if said is not None), None)

    def _labels(self) -> dict[int, Text]:
        return dict(self.section.labels) or (dict(STATE_LABELS) if self.section.load_state is not None else {})

    def _load_state(self) -> LoadState | None:
        said = self.section.load_state
        if said is None:
            return None
        levels = None if said.idle is None or said.full is None else (said.idle, said.full)
        return LoadState(said.load, levels, said.every, said.learn, said.stopped, said.running, said.band)

    def _status(self) -> StatusLink | None:
        signal, values = self.status_signal, self.status_values
        if signal is None or values is None:
            return None
        return StatusLink(signal, values.normal, values.fault, values.out_of_service, values.over_range)

    def _trend(self) -> Trend | None:
        trend = self.trend
        return None if trend is None else Trend(Condition(trend.to), trend.horizon, trend.window,
                                                trend.priority or Priority.P3, Risk(trend.risk))

    def _baseline(self) -> Baseline | None:
        said = overlaid_table(self.kind.baseline, self.section.baseline, NO_BASELINE)
        return None if said is None or said is NO_BASELINE else Baseline(
            said.every, max(said.learn, LEAST_LEARNT * said.every), said.hold, said.blunt,
            said.priority or Priority.P4, Risk(said.risk))

    def _profile(self) -> Profile | None:
        said = overlaid_table(self.kind.profile, self.section.profile, NO_PROFILE)
        return None if said is None or said is NO_PROFILE else Profile(
            said.every, max(said.learn, WEEK_S), said.idle, said.above, said.blunt, said.priority or Priority.P4,
            Risk(said.risk))

    def _faults(self) -> Faults | None:
        said = self.faults
        return None if said is None else Faults(
            frozenset(Condition(kind) for kind in said.types), said.every, said.window,
            max(said.learn, LEAST_LEARNT * said.every), said.hold, said.blunt)

    def _share(self) -> Share | None:
        said = self.section.share
        return None if said is None else Share(said.of, said.up, said.down, said.every, said.learn, said.above,
                                               said.priority or Priority.P4, Risk(said.risk))

    def _limit(self, condition: Condition, limit: LimitSection) -> Limit:
        priority, risk = _URGENCY[condition]
        rate = isinstance(limit, RateSection)
        assert limit.value is not None, "checked before"
        return Limit(
            condition, limit.value / _SECONDS[limit.per] if rate else limit.value, limit.priority or priority,
            limit.risk or risk, self.deadband(limit) or 0.0, self.on_delay_s(limit), self.off_delay_s(limit),
            self.kind.gas and condition is Condition.HIGH_HIGH if limit.latch is None else limit.latch,
            limit.window if rate else 0.0, limit.reference if isinstance(limit, DeviationSection) else None,
            limit.only_while)


def areas(site: SiteSection, written: Iterable[AreaSection]) -> tuple[Area, ...]:
    """The areas of a site; one that names none is a single area itself."""
    return tuple(Area(area.id, area.name, None if area.risk is None else Escalation(**area.risk.model_dump()))
                 for area in written) or (Area("site", site.name),)


def site(section: SiteSection, places: tuple[Area, ...], signals: Iterable[Signal], rules: Iterable[Rule],
         kinds: Mapping[str, Kind], groups: Iterable[Group], devices: Iterable[Device],
         peers: Iterable[Peer], suppressions: Iterable[Suppression], alarms: AlarmsSection) -> Site:
    table = SignalTable(tuple(signals))
    used = {signal.kind for signal in table}
    guidance = {name: kind.kind.guidance for name,
                kind in kinds.items() if name in used and kind.kind.guidance is not None}
    return Site(section.id, section.name, section.timezone, section.language, places, table, tuple(rules), guidance,
                tuple(groups), tuple(devices), section.online_target, section.online_below,
                {name: kind.kind.name for name, kind in kinds.items() if name in used},
                tuple(peers), suppressions=tuple(suppressions),
                suppress_offline=alarms.suppress_offline, advice=dict(alarms.guidance), latitude=section.latitude,
                longitude=section.longitude, contact=section.contact,
                page=section.page or alarms.base_url or "")


def group(section: GroupSection, area: str) -> Group:
    return Group(section.id, section.name, area, section.signals, section.every, section.learn, section.hold,
                 section.after, section.blunt, section.priority or Priority.P4, Risk(section.risk))


def annunciator(section: AnnunciatorSection) -> Annunciator:
    return Annunciator(section.id, section.name, section.output, frozenset(section.priorities),
                       frozenset(section.areas), Until(section.until), section.longest)

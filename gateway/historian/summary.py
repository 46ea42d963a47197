"""The site in one row: what a regulator sees of it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from alerting.views import AlarmView, risk_level
from gateway.core.detectors.blind import Zone
from gateway.core.detectors.devices import OnlineShare
from gateway.core.latest import Latest
from gateway.model.alarm import Risk
from gateway.model.clock import NS, Instant
from gateway.model.quality import is_good
from gateway.model.rules import OPERATORS, ShutdownVerification, Test, WorkWithoutVideo
from gateway.model.signal import SELFTEST, Condition, LoadState
from gateway.model.site import Site
from gateway.sinks import schema
from gateway.store.archive import Row

DOWN, PART, WHOLE = 0, 1, 2
_RISKS = (Risk.BLUE, Risk.YELLOW, Risk.ORANGE, Risk.RED)  # 1, 2, 3, 4


class Plant(Protocol):
    """What the detectors know of the site: gateway.core.bank.Bank."""

    latest: Latest
    zones: tuple[Zone, ...]
    online: OnlineShare


class Summary:
    """Of one site. `row`: how it is now."""

    def __init__(self, site: Site):
        self._site = site
        signals = site.signals
        self._real = np.array([signal.id != SELFTEST for signal in signals])
        self._silent_ns = np.array([np.iinfo(np.int64).max if signal.deadman_s is None else round(signal.deadman_s * NS)
                                    for signal in signals])
        self._cameras = _cameras(site)
        self._loads = [number for number, signal in enumerate(signals)
                       if isinstance(signal.derived, LoadState) or signal.kind == "load_state"]
        again = {signal.headcount.faces for signal in signals if signal.headcount is not None}  # the same people
        self._counts = [number for number, signal in enumerate(signals) if signal.id not in again
                        and (signal.headcount is not None or signal.kind == "head_count")]

    def row(self, alarms: Sequence[AlarmView], plant: Plant, now: Instant) -> Row:
        """alarms: those that are not normal."""
        site, latest = self._site, plant.latest
        standing = [alarm for alarm in alarms if alarm.active and not alarm.definition.exercise]
        good = is_good(latest.quality) & (now.line_ns - latest.line_ns <= self._silent_ns)
        colours = {str(risk): sum(alarm.definition.risk is risk for alarm in standing) for risk in Risk}
        share = plant.online
        fields: dict[str, Any] = {
            "risk": 1 + _RISKS.index(risk_level(alarm.definition for alarm in standing)) if standing else 0, **colours,
            "unacknowledged": sum(alarm.state.waits and not alarm.definition.exercise for alarm in alarms),
            "signals": int(self._real.sum()), "signals_online": int((good & self._real).sum()),
            "devices": share.devices, "devices_online": share.online, "online_ratio": share.ratio,
            "video": _state([good[number] and (test is None or _holds(test, latest.value[number]))
                             for number, test in self._cameras.items()]),
            "gas": _share(sum(zone.working for zone in plant.zones), sum(zone.detectors for zone in plant.zones)),
            "shutoff": self._shutoff(good, standing),
            "load": max((int(latest.value[number]) for number in self._loads if good[number]), default=None),
            "people": sum(int(latest.value[number]) for number in self._counts if good[number])
            if any(good[number] for number in self._counts) else None,
            "name_en": site.name.en, "name_zh": site.name.zh, "latitude": site.latitude, "longitude": site.longitude,
            "contact": site.contact or None}
        return Row(schema.SITE.name, now.wall_ns, {"site": site.id}, fields)

    def _shutoff(self, good: NDArray[np.bool_], standing: Sequence[AlarmView]) -> int | None:
        """A valve whose feedback is not good can not be verified; one that did not shut can not be relied on."""
        failed = {alarm.definition.origin for alarm in standing if alarm.definition.condition == Condition.SHUTDOWN}
        rules = [rule for rule in self._site.rules if isinstance(rule, ShutdownVerification)]
        return _state([rule.id not in failed and bool(good[self._site.signals.index(test.signal)])
                       for rule in rules for test in rule.feedback])


def signal_rows(site: Site, wall_ns: int) -> Iterator[Row]:
    """What each signal is called, and its set points."""
    for signal in site.signals:
        if signal.id != SELFTEST:
            area = site.area_name(signal.area)
            points = {name: None if (limit := signal.limit(condition)) is None else limit.value for name, condition in (
                ("hh", Condition.HIGH_HIGH), ("h", Condition.HIGH), ("l", Condition.LOW), ("ll", Condition.LOW_LOW))}
            yield Row(schema.SIGNAL.name, wall_ns, schema.tags(site.id, signal), {
                "name_en": signal.name.en, "name_zh": signal.name.zh, "area_name_en": area.en, "area_name_zh": area.zh,
                "unit": signal.unit, "low": signal.low, "high": signal.high, **points, "decimals": signal.decimals})


def _cameras(site: Site) -> dict[int, Test | None]:
    """Signals that say whether there is video -> what they must say. No test: a frame rate above 0."""
    found: dict[int, Test | None] = {number: Test(signal.id, ">", 0.0) for number, signal in enumerate(site.signals)
                                     if signal.kind == "video_fps"}
    for rule in site.rules:
        if isinstance(rule, WorkWithoutVideo):
            found |= {site.signals.index(test.signal): test for test in rule.video}
    return found


def _holds(test: Test, value: float) -> bool:
    return bool(OPERATORS[test.op](value, test.value))


def _state(parts: Sequence[bool]) -> int | None:
    return _share(sum(map(bool, parts)), len(parts))


def _share(working: int, all_there_are: int) -> int | None:
    if not all_there_are:
        return None
    return WHOLE if working == all_there_are else PART if working else DOWN

"""Alarm figures of one hour as a row. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from typing import Any, Final

from alerting.figures.figures import STALE_S, Figures
from alerting.figures.report import HOUR_NS, report
from alerting.overlays.hold import Hold, Kind
from alerting.views import AlarmView
from gateway.model.clock import Instant
from gateway.sinks import schema
from gateway.store.archive import Row

_SLOT: Final = 10  # minutes: alarms are counted per ten minutes
_HOLDS: Final = {"bypassed": Kind.BYPASS, "shelved": Kind.SHELF, "out_of_service": Kind.OUT_OF_SERVICE,
                 "suppressed": Kind.SUPPRESSION}


def of_hour(site: str, figures: Figures, start_wall_ns: int, online: Sequence[float],
            at_its_end: dict[str, int] | None = None) -> Row | None:
    """online: share of devices in each minute of the hour in which the gateway ran. None: it did not run, and "no
    alarms" would be a lie. at_its_end: see `gauges`; None: nobody looked then."""
    found, watched = report(figures, start_wall_ns, start_wall_ns + HOUR_NS), len(online)
    if not watched and not found.alarms:
        return None
    per_slot = found.alarms / max(watched, _SLOT) * _SLOT / figures.operators
    fields: dict[str, Any] = {
        "minutes": watched, "alarms": found.alarms,
        **{priority.name.lower(): count for priority, count in found.by_priority.items()},
        "average": per_slot, "peak_10min": found.peak, "floods": len(found.floods),
        "flood_minutes": found.flood_s / 60, "chattered": sum(count for _, count in found.chattered),
        "withheld": sum(count for _, count in found.withheld), "answered": found.answers.count,
        "answer_median_s": _known(found.answers.median_s), "answer_p90_s": _known(found.answers.p90_s),
        **({"online_ratio": sum(online) / watched} if watched else {}), **(at_its_end or {})}
    return Row(schema.KPI.name, start_wall_ns, {"site": site}, fields)


def gauges(figures: Figures, alarms: Sequence[AlarmView], holds: Callable[[Kind], Collection[Hold]],
           now: Instant) -> dict[str, int]:
    """What can only be counted at that moment. alarms: those that are not normal."""
    real = [alarm for alarm in alarms if not alarm.definition.exercise]
    return {"standing": sum(alarm.active for alarm in real), "unacknowledged": sum(alarm.state.waits for alarm in real),
            "stale": sum(alarm.active and alarm.age_s(now) > STALE_S for alarm in real),
            "chattering": len(figures.now(now.line_ns).chattering),
            **{name: len(holds(kind)) for name, kind in _HOLDS.items()}}


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value

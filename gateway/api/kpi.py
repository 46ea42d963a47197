"""The alarm figures as a JSON-ready document and as metrics. Pure, no I/O. Also what `davylamp kpi` shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from alerting.figures import report as figured
from alerting.figures.figures import STALE_S, Figures, FloodSpan
from alerting.figures.report import PERIODS, Answers, Report
from alerting.views import AlarmView
from gateway.api.present import local_time, number
from gateway.model.clock import Instant
from gateway.model.site import Site
from gateway.model.text import Text

_SCRAPED: Final = ("8h", "day")  # periods that a scraper gets; it adds up longer ones itself
_FLOODS: Final = 50  # that are listed, newest last; all are counted


def document(site: Site, figures: Figures, alarms: Sequence[AlarmView], now: Instant,
             periods: Iterable[str] = PERIODS, withheld: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """How it is now, and the periods that end now. alarms: those that are not normal. withheld: every hold that stands,
    as gateway.api.present shows it."""
    return {"time": local_time(now.wall_ns, site.zone), "operators": figures.operators,
            "metrics": _metrics(site, figures, now), "targets": targets(),
            "now": {**_now(site, figures, alarms, now), "withheld": withheld},
            "periods": [{"period": name, **of(site, figured.report(figures, now.wall_ns - PERIODS[name], now.wall_ns))}
                        for name in periods]}


def targets() -> dict[str, Any]:
    """Defaults, after EEMUA 191 and ISA-18.2 as practice quotes them."""
    return {"average": figured.RATE_TARGET, "peak": figured.PEAK_TARGET,
            "flood_percent": 100 * figured.FLOOD_TARGET, "stale": figured.STALE_TARGET, "chattering": 0,
            "worst_percent": 100 * figured.WORST_TARGET,
            "split_percent": {priority.name: 100 * share for priority, share in figured.SPLIT_TARGET.items()}}


def of(site: Site, report: Report) -> dict[str, Any]:
    """One period."""
    return {
        "start": local_time(report.start_wall_ns, site.zone), "end": local_time(report.end_wall_ns, site.zone),
        "alarms": report.alarms, "average": round(report.average, 3), "peak": round(report.peak, 3),
        "flood_percent": round(100 * report.flood_share, 2), "floods": len(report.floods),
        "flood_list": [_flood(site, flood) for flood in report.floods[-_FLOODS:]],
        "by_priority": {priority.name: count for priority, count in report.by_priority.items()},
        "split_percent": {priority.name: round(100 * share, 1) for priority, share in report.split.items()},
        "worst": _counts(site, report.worst), "worst_percent": round(100 * report.worst_share, 1),
        "chattering": _counts(site, report.chattered), "withheld": _counts(site, report.withheld),
        "answers": _answers(report.answers),
        "by_person": [{"who": who, **_answers(answers)} for who, answers in report.by_person.items()]}


def _metrics(site: Site, figures: Figures, now: Instant) -> dict[str, Any]:
    found = asdict(figured.metrics(figures, now))
    return {**found, "StartTime": local_time(found["StartTime"], site.zone),
            **{name: round(found[name], 3) for name in ("MaximumActiveState", "MaximumUnAck", "AverageAlarmRate")}}


def _now(site: Site, figures: Figures, alarms: Sequence[AlarmView], now: Instant) -> dict[str, Any]:
    live = figures.now(now.line_ns)
    return {
        "rate": live.rate, "flood": live.flood and _flood(site, live.flood),
        "chattering": [{"alarm": alarm, "name": _name(site, alarm), "since": local_time(since.wall_ns, site.zone)}
                       for alarm, since in live.chattering.items()],
        "standing": sum(alarm.active for alarm in alarms), "unacknowledged": sum(alarm.state.waits for alarm in alarms),
        "stale": [{"alarm": alarm.definition.id, "name": alarm.definition.name, "age_s": round(alarm.age_s(now), 1),
                   "raised": local_time(alarm.raised_wall_ns, site.zone)} for alarm in stale(alarms, now)]}


def stale(alarms: Iterable[AlarmView], now: Instant) -> list[AlarmView]:
    """Active for more than a day."""
    return [alarm for alarm in alarms if alarm.active and alarm.age_s(now) > STALE_S]


def _flood(site: Site, flood: FloodSpan) -> dict[str, Any]:
    return {"begun": local_time(flood.begun.wall_ns, site.zone),
            "end": None if flood.end is None else local_time(flood.end.wall_ns, site.zone), "alarms": flood.alarms}


def _counts(site: Site, counts: Iterable[tuple[str, int]]) -> list[dict[str, Any]]:
    return [{"alarm": alarm, "name": _name(site, alarm), "count": count} for alarm, count in counts]


def _name(site: Site, alarm: str) -> Text:
    definition = site.alarms.get(alarm)
    return Text.same(alarm) if definition is None else definition.name


def _answers(answers: Answers) -> dict[str, Any]:
    return {"count": answers.count, "median_s": number(answers.median_s), "p90_s": number(answers.p90_s)}


@dataclass(frozen=True, slots=True)
class Gauge:
    """One family of Prometheus samples."""

    name: str
    help: str
    samples: Sequence[tuple[Mapping[str, str], float]]
    kind: str = "gauge"


def gauges(figures: Figures, alarms: Sequence[AlarmView], now: Instant) -> Iterator[Gauge]:
    live, found = figures.now(now.line_ns), asdict(figured.metrics(figures, now))
    start_s = found.pop("StartTime") / 1e9
    yield Gauge("davylamp_alarm_metrics", "AlarmMetrics of OPC UA Part 9, by name; rates per 10 minutes, times in s.",
                [({"name": name}, value) for name, value in {**found, "StartTime": start_s}.items()])
    yield Gauge("davylamp_alarm_flood", "1 while more alarms come than a person can take in.",
                [({}, float(live.flood is not None))])
    yield Gauge("davylamp_alarms_chattering", "Alarms that chatter now.", [({}, len(live.chattering))])
    yield Gauge("davylamp_alarms_stale", "Alarms that have been active for more than a day.",
                [({}, len(stale(alarms, now)))])
    reports = {name: figured.report(figures, now.wall_ns - PERIODS[name], now.wall_ns) for name in _SCRAPED}
    for name, text, value in (
            ("average", "Alarms per 10 minutes and operator, on average.", lambda one: one.average),
            ("peak", "Most alarms in any 10 minutes, per operator.", lambda one: one.peak),
            ("flood_ratio", "Share of the time in flood.", lambda one: one.flood_share)):
        yield Gauge(f"davylamp_alarm_rate_{name}", text,
                    [({"period": period}, value(report)) for period, report in reports.items()])
    yield Gauge("davylamp_acknowledge_seconds", "Time from raise to acknowledgement.", [
        ({"period": period, "quantile": quantile}, value) for period, report in reports.items()
        for quantile, value in (("0.5", report.answers.median_s), ("0.9", report.answers.p90_s))])

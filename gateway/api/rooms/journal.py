"""What has happened: the alarm journal, and the figures that are made of it."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from alerting.figures.report import PERIODS
from alerting.ledger import JournalRow
from gateway.access.role import Role
from gateway.api import asked, kpi, present
from gateway.api.answer import Json
from gateway.api.discretion import LOG_INS, is_discreet
from gateway.api.room import Door, House, Room
from gateway.api.schema import (
    BAD_REQUEST,
    INTEGER,
    NUMBER,
    STRING,
    TEXT,
    TIME,
    answer,
    array,
    exactly,
    form,
    get,
    keyed,
    nullable,
    one_of,
    query,
)
from gateway.api.view import GatewayView

JOURNAL_ROWS, JOURNAL_ABOUT = 500, 16


async def journal(house: House, request: Request) -> Response:
    limit = asked.number(request, "limit", 100, 1, JOURNAL_ROWS)
    before = asked.number(request, "before", 0, 1, 2**63) if "before" in request.query_params else None
    about = request.query_params.getlist("alarm")
    if len(about) > JOURNAL_ABOUT:
        raise asked.out_of_range("alarm", f"0..{JOURNAL_ABOUT}")
    if about and is_discreet(request.state.identity):
        rows = await _about_the_plant(house.view, int(limit), before, about)
    else:
        rows = await house.view.journal(int(limit), None if before is None else int(before), about)
    return Json(present.journal(rows, house.view.site.zone))


async def _about_the_plant(view: GatewayView, limit: int, before: float | None,
                           about: Sequence[str]) -> Sequence[JournalRow]:
    """Who is not told of people can not find them by asking for their rows, either."""
    plant = {*view.site.signals.ids, *(name for alarm in view.site.alarms for name in (alarm.id, alarm.origin))}
    known = [one for one in about if one in plant]
    rows = await view.journal(limit, None if before is None else int(before), known) if known else ()
    return [row for row in rows if row.kind != LOG_INS]


async def figures(house: House, request: Request) -> Response:
    view, periods = house.view, request.query_params.getlist("period")
    if set(periods) - set(PERIODS):
        raise asked.out_of_range("period", ", ".join(PERIODS))
    return Json(kpi.document(view.site, view.figures(), view.alarms(), view.now(), periods or PERIODS,
                             present.everything_withheld(view)))


_ANSWERS = {"count": INTEGER, "median_s": nullable(NUMBER), "p90_s": nullable(NUMBER)}

SCHEMAS = {
    "Journal": exactly(rows=array(exactly(position=INTEGER, time=nullable(TIME), kind=STRING, alarm=STRING,
                                          body={"type": "object"}, hash=STRING), "newest first")),
    "Kpi": exactly(
        time=TIME, operators=INTEGER, metrics=form("AlarmMetrics"),
        now=exactly(
            rate={"type": "integer", "description": "alarms in the last 10 minutes"}, flood=nullable(form("Flood")),
            chattering=array(exactly(alarm=STRING, name=TEXT, since=nullable(TIME))), standing=INTEGER,
            unacknowledged=INTEGER,
            stale=array(exactly(alarm=STRING, name=TEXT, age_s=NUMBER, raised=nullable(TIME)), "active for over 24 h"),
            withheld=array(form("Hold"), "everything for which nobody is called now")),
        targets=exactly(average=NUMBER, peak=NUMBER, flood_percent=NUMBER, stale=INTEGER, chattering=INTEGER,
                        worst_percent=NUMBER, split_percent=keyed(NUMBER)),
        periods=array(form("KpiPeriod"))),
    "AlarmMetrics": {
        **exactly(AlarmCount=INTEGER, StartTime=nullable(TIME), MaximumActiveState=NUMBER, MaximumUnAck=NUMBER,
                  CurrentAlarmRate=NUMBER, MaximumAlarmRate=NUMBER, MaximumReAlarmCount=INTEGER,
                  AverageAlarmRate=NUMBER),
        "description": "AlarmMetricsType of OPC 10000-9, 9.2; rates are alarms per 10 minutes, times in seconds"},
    "Flood": exactly(begun=nullable(TIME), end={**nullable(TIME), "description": "null while it stands"},
                     alarms=INTEGER),
    "AlarmCounts": array(exactly(alarm=STRING, name=TEXT, count=INTEGER), "most first"),
    "KpiPeriod": exactly(
        period=one_of("8h", "day", "week", "month"),
        start={**nullable(TIME), "description": "what is known of the period begins here"}, end=nullable(TIME),
        alarms={"type": "integer", "description": "that called a person: P1 to P3, not withheld"},
        average={"type": "number", "description": "per 10 minutes and operator"},
        peak={"type": "number", "description": "in any 10 minutes, per operator"},
        flood_percent=NUMBER, floods=INTEGER, flood_list=array(form("Flood"), "the last 50, oldest first"),
        by_priority=exactly(P1=INTEGER, P2=INTEGER, P3=INTEGER, P4=INTEGER),
        split_percent=exactly(P1=NUMBER, P2=NUMBER, P3=NUMBER), worst=form("AlarmCounts"), worst_percent=NUMBER,
        chattering=form("AlarmCounts"), withheld=form("AlarmCounts"), answers=exactly(**_ANSWERS),
        by_person=array(exactly(who=STRING, **_ANSWERS))),
}

ROOM = Room((
    Door("GET", "/api/v1/journal", journal, Role.VIEWER,
         get("The alarm journal", answer("newest first", "Journal"),
             query("limit", INTEGER, "at most so many rows, 1 to 500; default 100"),
             query("before", INTEGER, "only rows with a smaller position"),
             query("alarm", array(STRING), "only rows about this alarm, signal or rule; up to 16"),
             **{"400": BAD_REQUEST})),
    Door("GET", "/api/v1/kpi", figures, Role.VIEWER,
         get("Alarm figures after EEMUA 191 and ISA-18.2", answer("now, and by period", "Kpi"),
             query("period", array(one_of("8h", "day", "week", "month")),
                   "only these; may be repeated; default: all"),
             **{"400": BAD_REQUEST})),
), SCHEMAS)

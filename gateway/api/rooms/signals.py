"""What is measured: newest values, stored samples, and what was learnt of them."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from gateway.access.role import Role
from gateway.api import asked, present
from gateway.api.answer import Json
from gateway.api.room import Door, House, Room
from gateway.api.schema import (
    BAD_REQUEST,
    BOOLEAN,
    INTEGER,
    NUMBER,
    STRING,
    TEXT,
    TIME,
    TYPED,
    UNKNOWN,
    answer,
    answer_with,
    array,
    exactly,
    form,
    get,
    nullable,
    one_of,
    path,
    post,
    query,
)
from gateway.core.learning import LearningAct
from gateway.model.clock import NS
from gateway.model.person import is_verified

HISTORY_SIGNALS, HISTORY_MINUTES, HISTORY_POINTS = 64, 7 * 24 * 60, 2000


async def signals(house: House, _: Request) -> Response:
    return Json(present.signals(house.view))


async def history_of_one(house: House, request: Request) -> Response:
    trends = await _history(house, request, [request.path_params["signal"]])
    return Json(trends[0])


async def history(house: House, request: Request) -> Response:
    wanted = request.query_params.getlist("signal")
    if not 1 <= len(wanted) <= HISTORY_SIGNALS:
        raise asked.out_of_range("signal", f"1..{HISTORY_SIGNALS}")
    return Json({"trends": await _history(house, request, wanted)})


async def _history(house: House, request: Request, wanted: list[str]) -> list[dict]:
    view = house.view
    table = view.site.signals
    if unknown := [signal for signal in wanted if signal not in table]:
        raise asked.unknown_signal(unknown[0])
    minutes = asked.number(request, "minutes", 10.0, 0.1, HISTORY_MINUTES)
    points = asked.number(request, "points", 300, 2, HISTORY_POINTS)
    end = view.now().wall_ns + 1  # exclusive
    found = await view.history([table.index(signal) for signal in wanted],
                               end - int(minutes * 60 * NS), end, int(points))
    return present.trends(wanted, found)


async def baseline(house: House, request: Request) -> Response:
    return Json(_learnt(house, asked.signal(house.view.site, request)))


async def teach(house: House, request: Request) -> Response:
    signal, body = asked.signal(house.view.site, request), await asked.json_body(request)
    if body.get("act") not in [*LearningAct]:
        raise asked.out_of_range("act", ", ".join(LearningAct))
    who, why = asked.who(request, body), asked.words(request, body, "why", 1)
    recorded = await house.view.teach(signal, LearningAct(body["act"]), who, why)
    return Json({"name": who, "verified": is_verified(who), "recorded": recorded, "baseline": _learnt(house, signal)})


def _learnt(house: House, signal: str) -> dict:
    view = house.view
    pictures = view.pictures(view.site.signals.index(signal))
    return present.baseline(view.site, view.lessons(), pictures, view.now(), signal)


SCHEMAS = {
    "Quality": exactly(code=INTEGER, severity=one_of("good", "uncertain", "bad"), label=TEXT, clock_trusted=BOOLEAN),
    "Reading": exactly(id=STRING, name=TEXT, area=STRING, unit=STRING, value=nullable(NUMBER), quality=form("Quality"),
                       age_s=nullable(NUMBER), time=nullable(TIME), learning=nullable(form("Lesson"))),
    "Lesson": {**exactly(state=one_of("learning", "learnt", "frozen"), progress=NUMBER, held=BOOLEAN),
               "description": "how far the learning is, 0..1; held: not learnt from now (frozen, bypassed, an alarm)"},
    "Baseline": exactly(
        signal=STRING, name=TEXT, unit=STRING, decimals=INTEGER, time=nullable(TIME),
        learning=nullable(form("Lesson")),
        learners=array(exactly(
            detector=STRING, name=TEXT, progress=NUMBER,
            figures=array(exactly(name=TEXT, value=nullable(NUMBER), unit=STRING)),
            profiles=array(exactly(
                name=TEXT, unit=STRING, step_s=NUMBER,
                first_s={"type": "number", "description": "when the first step begins, seconds after local midnight "
                                                          "(of Monday, for a week)"},
                value=array(nullable(NUMBER), "one per step; null: not seen yet")))), "empty: nothing is learnt")),
    "Teaching": {
        "type": "object", "required": ["act", "why"],
        "properties": {"act": one_of("freeze", "thaw", "reset"),
                       "name": TYPED,
                       "why": {"type": "string", "minLength": 1, "maxLength": 500}}},
    "Taught": exactly(name=STRING, verified=BOOLEAN, baseline=form("Baseline"),
                      recorded={"type": "boolean", "description": "false: done, but not saved yet"}),
    "Trend": exactly(signal=STRING, step_ms=INTEGER,
                     t_ms=array(INTEGER, "Unix time, ms, UTC, where each step begins; empty steps are left out"),
                     low=array(NUMBER), high=array(NUMBER), mean=array(NUMBER)),
}

_SIGNAL = path("signal", "id of a signal, as it is or percent-encoded")
_MINUTES = query("minutes", NUMBER, "how far back, 0.1 to 10080; default 10")
_POINTS = query("points", INTEGER, "at most about so many points per signal, 2 to 2000; default 300")

ROOM = Room((
    Door("GET", "/api/v1/signals", signals, Role.VIEWER,
         get("Newest value, quality and age of every signal",
             answer_with("all signals", time=TIME, signals=array(form("Reading"))))),
    Door("GET", "/api/v1/signals/{signal:path}/history", history_of_one, Role.VIEWER,
         get("Stored samples of one signal", answer("oldest first", "Trend"), _SIGNAL, _MINUTES, _POINTS,
             **{"400": BAD_REQUEST, "404": UNKNOWN})),
    Door("GET", "/api/v1/history", history, Role.VIEWER,
         get("Stored samples of up to 64 signals", answer_with("in the order asked for", trends=array(form("Trend"))),
             query("signal", array(STRING), "id of a signal; may be repeated", required=True), _MINUTES, _POINTS,
             **{"400": BAD_REQUEST, "404": UNKNOWN})),
    Door("GET", "/api/v1/signals/{signal:path}/baseline", baseline, Role.VIEWER,
         get("What was learnt of one signal", answer("by each of its learners", "Baseline"), _SIGNAL,
             **{"404": UNKNOWN})),
    Door("POST", "/api/v1/signals/{signal:path}/baseline", teach, Role.ENGINEER,
         post("Freeze, thaw or forget what was learnt of one signal", "Teaching", answer("done", "Taught"), _SIGNAL,
              **{"404": UNKNOWN, "409": answer("it makes no sense now", "Error")})),
), SCHEMAS)

"""Alarms: what stands, why, and the acknowledgement."""

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
    PRIORITY,
    RISK,
    STRING,
    TEXT,
    TIME,
    TYPED,
    UNKNOWN,
    answer,
    array,
    exactly,
    form,
    get,
    keyed,
    nullable,
    one_of,
    path,
    post,
    query,
)

EXPLAINED_MINUTES, EXPLAINED_MINUTES_MOST = 60.0, 24 * 60.0


async def alarms(house: House, _: Request) -> Response:
    return Json(present.alarm_list(house.view))


async def acknowledge(house: House, request: Request) -> Response:
    alarm = asked.alarm(house.view.site, request.path_params["alarm"])
    body = await asked.json_body(request)
    who, comment = asked.who(request, body), asked.words(request, body, "comment", 0)
    after = await house.view.acknowledge(alarm, who, comment)
    return Json({"alarm": alarm, "state": after.state, "name": after.who, "verified": after.verified,
                 "recorded": after.recorded})


async def explain(house: House, request: Request) -> Response:
    alarm = asked.alarm(house.view.site, request.path_params["alarm"])
    minutes = asked.number(request, "minutes", EXPLAINED_MINUTES, 0.1, EXPLAINED_MINUTES_MOST)
    at_ms = asked.number(request, "at_ms", 0, 0, 2**53) if "at_ms" in request.query_params else None
    at_wall_ns = None if at_ms is None else round(at_ms) * 1_000_000
    return Json(await house.view.explain(alarm, at_wall_ns, minutes * 60))


SCHEMAS = {
    "AlarmList": exactly(risk=RISK, total=INTEGER, unacknowledged=INTEGER,
                         by_priority=exactly(P1=INTEGER, P2=INTEGER, P3=INTEGER, P4=INTEGER),
                         alarms=array(form("Alarm"), "the first 200, most urgent first"),
                         bypasses=array(form("Hold"), "the one that ends first comes first"),
                         holds=array(form("Hold"), "everything for which nobody is called: bypasses, shelved, out of "
                                                   "service, suppressed by design")),
    "Alarm": exactly(
        id=STRING, occurrence=INTEGER, name=TEXT, condition=STRING, origin=STRING, area=STRING,
        group={"type": "string", "description": "alarms of one group share a first-out; empty: of no group"},
        priority=PRIORITY, risk=RISK,
        state=one_of("unacknowledged", "acknowledged", "returned", "latched"),
        waits={"type": "boolean", "description": "a person has to acknowledge"},
        exercise={"type": "string", "description": "\"drill\": only a drill; empty: real"},
        active={"type": "boolean", "description": "the condition holds, or the alarm is latched"}, first_out=BOOLEAN,
        recorded={"type": "boolean", "description": "false: the alarm file could not be written"},
        value=nullable(NUMBER), limit=nullable(NUMBER), unit=STRING, decimals=INTEGER, age_s=nullable(NUMBER),
        raised=nullable(TIME), since={**nullable(TIME), "description": "when it came into this state"},
        after_start_s={**nullable(NUMBER), "description": "only while the clock is not synchronised: `raised` is what "
                                                          "it showed, so many seconds after the start"},
        guidance=TEXT, advice=form("Advice"),
        evidence=array(form("Evidence")),
        who={"type": "string", "description": "who acknowledged"}, verified=BOOLEAN, comment=STRING,
        bypass=nullable(form("Hold")),
        withheld=array(form("Hold"), "why nobody is called for it now; empty: people are called")),
    "Advice": {**exactly(action=TEXT, cause=TEXT, consequence=TEXT, card=TEXT, contact=TEXT), "description":
               "empty: nobody has written it; a small part of Markdown: paragraphs, lists, bold, links"},
    "Explanation": exactly(
        alarm=STRING, name=TEXT, zone=STRING, asked=TIME, at={**TIME, "description": "the instant that was judged"},
        evaluated_from=TIME, stands=BOOLEAN,
        may_be_older={"type": "boolean", "description": "it stood near the first sample that was evaluated"},
        last=nullable(exactly(began=TIME, value=nullable(NUMBER), first_out=BOOLEAN, ended=nullable(TIME),
                              evidence=array(form("Evidence")))),
        settings=array(TEXT), verdict=array(TEXT), reasons=array(TEXT),
        plot=nullable(exactly(signal=STRING, unit=STRING, decimals=INTEGER, limits=keyed(NUMBER), t_ms=array(INTEGER),
                              value=array(nullable(NUMBER)), good=array(BOOLEAN))),
        samples=keyed(array(exactly(time=TIME, value=nullable(NUMBER), quality=STRING), "oldest first"))),
    "Evidence": exactly(time=nullable(TIME), signal=STRING, value=nullable(NUMBER), note=TEXT),
    "Acknowledgement": {
        "type": "object",         "properties": {"name": TYPED,
                       "comment": {"type": "string", "maxLength": 500}}},
    "Acknowledged": exactly(alarm=STRING, state=STRING, name=STRING,
                            recorded={"type": "boolean", "description": "false: the alarm file did not take it"},
                            verified={"type": "boolean", "description": "false: names are not checked yet"}),
}

ROOM = Room((
    Door("GET", "/api/v1/alarms", alarms, Role.VIEWER,
         get("Alarms that are not at rest", answer("most urgent first", "AlarmList"))),
    Door("POST", "/api/v1/alarms/{alarm:path}/ack", acknowledge, Role.OPERATOR,
         post("Acknowledge an alarm", "Acknowledgement", answer("done", "Acknowledged"),
              path("alarm", "id of an alarm, as it is (GD-03/HH) or percent-encoded (GD-03%2FHH)"),
              **{"404": UNKNOWN, "409": answer("there is nothing to acknowledge", "Error")})),
    Door("GET", "/api/v1/alarms/{alarm:path}/explain", explain, Role.VIEWER,
         get("Why an alarm stood, or not, from the stored samples; as `davylamp explain`",
             answer("why", "Explanation"), path("alarm", "id of an alarm, as it is or percent-encoded"),
             query("at_ms", INTEGER, "instant, Unix ms; default: now"),
             query("minutes", NUMBER, "how far to look back, 0.1 to 1440; default 60"),
             **{"400": BAD_REQUEST, "404": UNKNOWN, "409": answer("measured data do not explain it", "Error")})),
), SCHEMAS)

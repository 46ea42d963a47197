"""Who is called: rosters, routes, and the ways out of messages."""

from __future__ import annotations

from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response

from alerting.oncall.escalation import wall
from gateway.access.role import Role
from gateway.api import asked, oncall, present
from gateway.api.answer import Json
from gateway.api.room import Door, House, Room
from gateway.api.schema import (
    BAD_REQUEST,
    BOOLEAN,
    COUNTERS,
    INTEGER,
    NUMBER,
    PRIORITY,
    STRING,
    TEXT,
    TIME,
    answer,
    array,
    exactly,
    form,
    get,
    nullable,
    path,
    post,
    query,
)
from gateway.model.text import Text

ROSTER_DAYS = 60


async def on_call(house: House, request: Request) -> Response:
    view, days = house.view, asked.number(request, "days", 7, 1, ROSTER_DAYS)
    return Json(oncall.document(view.routing(), view.ladders(), view.now(), int(days)))


async def route(house: House, request: Request) -> Response:
    """Who would be told; nothing is sent."""
    site = house.view.site
    alarm = asked.alarm(site, request.query_params.get("alarm", ""))
    return Json(oncall.route(house.view.routing(), site.alarms.get(alarm), _at(house, request)))


def _at(house: House, request: Request) -> datetime:
    if "at" not in request.query_params:
        return wall(house.view.now())
    try:
        at = datetime.fromisoformat(request.query_params["at"])
        return at if at.tzinfo is not None else at.replace(tzinfo=house.view.site.zone)
    except ValueError:
        raise asked.out_of_range("at", "2026-09-21T20:53") from None


async def notifiers(house: House, _: Request) -> Response:
    return Json(present.notifiers(house.view.notifiers(), house.view.site.zone))


async def test_notifier(house: House, request: Request) -> Response:
    await asked.json_body(request)
    reason = await house.view.test_notifier(request.path_params["notifier"])
    return Json({"taken": reason is None, "reason": reason or Text("", "")})


SCHEMAS = {
    "OnCall": exactly(
        time=TIME, configured={"type": "boolean", "description": "false: every notifier is called for everything"},
        people=array(exactly(id=STRING, name=TEXT, duty=TEXT, channels=array(STRING))),
        rosters=array(exactly(id=STRING, name=TEXT, now=form("Shift"), next=nullable(form("Shift")),
                              shifts=array(form("Shift"), "from now on, in order and without a hole"))),
        mutes=array(exactly(name=TEXT, standing=BOOLEAN)),
        ladders=array(exactly(
            alarm=STRING, occurrence=INTEGER, policy=nullable(STRING),
            steps={"type": "integer", "description": "that were taken"},
            muted={"type": "boolean", "description": "a mute window holds the next one"}, next=nullable(TIME),
            told=array(exactly(person=nullable(STRING), name=nullable(TEXT), channel=STRING))),
            "how far each alarm that stands has been told")),
    "Shift": exactly(person={**nullable(STRING), "description": "null: nobody"}, name=nullable(TEXT), begins=TIME,
                     ends=TIME, reason=TEXT),
    "Route": exactly(
        alarm=STRING, name=TEXT, priority=PRIORITY, time=TIME, policy=nullable(STRING),
        repeats={"type": ["integer", "null"], "description": "null: until somebody acknowledges"},
        steps=array(exactly(step=INTEGER, time=TIME, after_s=NUMBER, told=array(form("Decision")),
                            not_told=array(form("Decision"))), "one round; empty: it calls nobody")),
    "Decision": exactly(
        person={**nullable(STRING), "description": "null: the channel as a whole"}, name=nullable(TEXT),
        channel=STRING, reason=TEXT),
    "Notifiers": exactly(notifiers=array(exactly(
        id=STRING, pending=INTEGER, failing=BOOLEAN, reason=TEXT, counters=COUNTERS,
        people=array(exactly(
            person={"type": "string", "description": "id; empty: what is not for one person"}, delivered=INTEGER,
            delivery_median_s=nullable(NUMBER), delivery_longest_s=nullable(NUMBER), acknowledged=INTEGER,
            acknowledge_median_s=nullable(NUMBER)), "times of the newest 200 since the start"),
        latest=array(exactly(time=TIME, title=STRING, text=STRING),
                     "the last that were handed over, newest first; links and codes are masked")))),
    "NotifierTest": {"type": "object", "description": "nothing is asked: {}"},
    "NotifierTested": exactly(taken=BOOLEAN, reason=TEXT),
}

ROOM = Room((
    Door("GET", "/api/v1/oncall", on_call, Role.VIEWER,
         get("Who is on call now, the shifts of the next days, and how far each alarm has been told",
             answer("without addresses of people", "OnCall"),
             query("days", {"type": "integer", "minimum": 1, "maximum": 60, "default": 7},
                   "so far the shifts are listed"), **{"400": BAD_REQUEST})),
    Door("GET", "/api/v1/route", route, Role.VIEWER,
         get("Who would be told of an alarm, how and when, if nobody acknowledged; nothing is sent",
             answer("step by step, with the reasons", "Route"), query("alarm", STRING, "its id", required=True),
             query("at", STRING, "ISO 8601, without a zone the site's own time; default: now"),
             **{"400": BAD_REQUEST, "404": answer("unknown alarm", "Error")})),
    Door("GET", "/api/v1/notifiers", notifiers, Role.VIEWER,
         get("The ways out of messages", answer("in the order of the site file", "Notifiers"))),
    Door("POST", "/api/v1/notifiers/{notifier:path}/test", test_notifier, Role.ENGINEER,
         post("Send a message that is marked as a test, now and once", "NotifierTest",
              answer("tried", "NotifierTested"), path("notifier", "as it is or percent-encoded"),
              **{"409": answer("there is no such notifier", "Error")})),
), SCHEMAS)

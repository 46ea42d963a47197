"""The plant as it is configured: what does not change while the gateway runs, and its proof-tests."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from gateway.access.role import Role
from gateway.api import present, relations
from gateway.api.answer import Json
from gateway.api.room import Door, House, Room
from gateway.api.schema import (
    BOOLEAN,
    INTEGER,
    NUMBER,
    PRIORITY,
    RISK,
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
)
from gateway.model.stroke import Outcome


async def site(house: House, _: Request) -> Response:
    return Json(present.site(house.view))


async def definitions(house: House, _: Request) -> Response:
    return Json(relations.definitions(house.view.site))


async def rules(house: House, _: Request) -> Response:
    return Json(relations.rules(house.view.site, house.view.groups()))


async def proof_tests(house: House, _: Request) -> Response:
    view = house.view
    return Json(present.proof_tests(view.site, await view.strokes(), view.now().wall_ns))


SCHEMAS = {
    "Site": exactly(
        id=STRING, name=TEXT, timezone=STRING, language=one_of("en", "zh"), version=STRING, boot=STRING,
        areas=array(exactly(id=STRING, name=TEXT, gas=BOOLEAN)),
        signals=array(form("Signal"), "in the order that the event stream's numbers mean"),
        words=exactly(quality=keyed(TEXT), condition=keyed(TEXT), state=keyed(TEXT), risk=keyed(TEXT),
                      learning=keyed(TEXT), outcome=keyed(TEXT))),
    "Signal": exactly(
        id=STRING, name=TEXT, kind=STRING, unit=STRING, area=STRING, low=nullable(NUMBER), high=nullable(NUMBER),
        decimals=INTEGER, gas=BOOLEAN, deadman_s=nullable(NUMBER), labels=keyed(TEXT),
        limits=array(exactly(condition=STRING, value=NUMBER, priority=PRIORITY, risk=RISK)),
        expression=nullable({"type": "string", "description": "how it is calculated; null: it is measured"})),
    "Definitions": exactly(alarms=array(exactly(
        id=STRING, name=TEXT, condition=STRING, origin=STRING, area=STRING, group=STRING, priority=PRIORITY,
        risk=RISK, limit=nullable(NUMBER), unit=STRING, decimals=INTEGER, latch=BOOLEAN, guidance=TEXT,
        advice=form("Advice")))),
    "Rules": exactly(
        rules=array(exactly(
            id=STRING, name=TEXT, area=STRING, kind=one_of("interlock", "vote", "shutdown", "response"),
            priority=PRIORITY, risk=RISK, guidance=TEXT, advice=form("Advice"),
            alarms=array(STRING, "ids of its alarms"),
            answer={**nullable(TEXT), "description": "of a response test: what must be seen, and how soon"},
            parts=array(exactly(
                part=one_of("when", "requires", "members", "command", "feedback", "effect", "stimulus"),
                needed={"type": "integer", "description": "so many of the tests must be true"},
                tests=array(exactly(text=STRING, signal=STRING, op=STRING, value=NUMBER)))))),
        groups=array(exactly(
            id=STRING, name=TEXT, area=STRING, priority=PRIORITY, risk=RISK, alarm=STRING, every_s=NUMBER,
            learn_s=NUMBER, progress={"type": "number", "description": "of the commissioning, 0..1"},
            members=array(exactly(
                signal=STRING, usual=nullable(NUMBER), now=nullable(NUMBER),
                size={**nullable(NUMBER), "description": "its smoothed deviation over what is allowed"},
                there={"type": "boolean", "description": "it had a value in the newest span"})))),
        derived=array(exactly(signal=STRING, expression=STRING, inputs=array(STRING)))),
    "ProofTests": exactly(
        valves=array(exactly(
            rule=STRING, name=TEXT, test=STRING, stroke_time_s=NUMBER, last=nullable(TIME), after_s=nullable(NUMBER),
            due=nullable(TIME), overdue=BOOLEAN)),
        strokes=array(exactly(
            rule=STRING, time=nullable(TIME), test=BOOLEAN, outcome=one_of(*Outcome), outcome_name=TEXT,
            valves=array(form("Seen")), effects=array(form("Seen"))))),
    "Seen": exactly(test=STRING, after_s=nullable(NUMBER), moved=BOOLEAN),
}

ROOM = Room((
    Door("GET", "/api/v1/site", site, Role.VIEWER,
         get("What does not change while the gateway runs", answer("the site", "Site"))),
    Door("GET", "/api/v1/definitions", definitions, Role.VIEWER,
         get("Every alarm that the site can raise", answer("all of them", "Definitions"))),
    Door("GET", "/api/v1/rules", rules, Role.VIEWER,
         get("Rules, groups and calculated signals of the site", answer("all of them", "Rules"))),
    Door("GET", "/api/v1/proof-tests", proof_tests, Role.VIEWER,
         get("Shut-downs that were commanded, and when each valve was last seen to close in time",
             answer("strokes newest first", "ProofTests"))),
), SCHEMAS)

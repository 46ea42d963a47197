"""That the watch itself is awake: self-test, drills, and signs of life of other gateways."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from alerting.engine import NAME_LENGTH
from gateway.access.role import Role, Scope
from gateway.api import asked, present
from gateway.api.answer import Json
from gateway.api.asked import Refused
from gateway.api.room import Door, House, Room
from gateway.api.schema import (
    BOOLEAN,
    INTEGER,
    NUMBER,
    PRIORITY,
    STRING,
    TEXT,
    TIME,
    TYPED,
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
)
from gateway.model.text import Text


async def selftest(house: House, _: Request) -> Response:
    return Json(present.selftest(house.view))


async def ask_selftest(house: House, request: Request) -> Response:
    house.view.ask_selftest(asked.who(request, await asked.json_body(request)))
    return Json(present.selftest(house.view))


async def drill(house: House, _: Request) -> Response:
    return Json(present.drill(house.view, await house.view.drill_sheet()))


async def drill_act(house: House, request: Request) -> Response:
    view, body = house.view, await asked.json_body(request)
    who, why = asked.who(request, body), asked.words(request, body, "why", 0)
    match body.get("act"):
        case "begin":
            signals = body.get("signals")
            if not isinstance(signals, list) or not all(isinstance(signal, str) for signal in signals):
                raise asked.out_of_range("signals", "[\"GD-01\", ...]")
            await view.begin_drill(signals, who, why, asked.figure(body, "for_s"),
                                   asked.figure(body, "target_s", 300.0))
        case "inject":
            value, for_s = body.get("value"), body.get("for_s")
            await view.inject(asked.line(body, "signal", 1, NAME_LENGTH),
                              None if value is None else asked.figure(body, "value"),
                              None if for_s is None else asked.figure(body, "for_s"), who)
        case "end":
            await view.end_drill(who, why)
        case _:
            raise asked.out_of_range("act", "begin, inject, end")
    return Json(present.drill(view, await view.drill_sheet()))


async def heartbeats(house: House, _: Request) -> Response:
    return Json(present.heartbeats(house.view.heartbeats(), house.view.site.zone))


async def hear(house: House, request: Request) -> Response:
    peer = request.path_params["peer"]
    if not house.view.hear(peer):
        raise Refused(404, Text(f"no gateway {peer!r} is watched here", f"此处未监视网关 {peer!r}"), "peer",
                      Text("add it under [heartbeat] peers", "在 [heartbeat] peers 中添加该网关"))
    return Json({"gateway": peer, "heard": True})


SCHEMAS = {
    "SelfTest": exactly(
        running=BOOLEAN,
        last=nullable(exactly(
            begun=nullable(TIME), asked_by={"type": "string", "description": "empty: by the timetable"},
            failed=nullable({"type": "string", "description": "the first station that was not passed"}),
            stations=array(exactly(id=STRING, name=TEXT, after_s=nullable(NUMBER), time=nullable(TIME)),
                           "in order; after_s: since the sample was injected")))),
    "SelfTestAsked": {"type": "object",                       "properties": {"name": TYPED}},
    "Drill": exactly(
        going_on=nullable(exactly(who=STRING, why=STRING, signals=array(STRING), verified=BOOLEAN,
                                  until=nullable(TIME))),
        sheet={**nullable(form("DrillSheet")), "description": "of the latest drill"}),
    "DrillSheet": exactly(
        who=STRING, why=STRING, verified=BOOLEAN, signals=array(exactly(id=STRING, name=TEXT)),
        target_s={"type": "number", "description": "people should have acknowledged after so long"},
        begun=TIME, ended=nullable(TIME), in_time=INTEGER,
        alarms=array(exactly(
            alarm=STRING, name=TEXT, priority=nullable(PRIORITY), raised=TIME, in_time=BOOLEAN,
            told=array(exactly(to={"type": "string", "description": "person; empty: whoever the notifier reaches"},
                               through=STRING, name=TEXT, time=TIME, after_s=NUMBER)),
            acknowledged=nullable(exactly(who=STRING, time=TIME, after_s=NUMBER))))),
    "DrillAct": {
        "type": "object", "required": ["act"],
        "properties": {"act": one_of("begin", "inject", "end"),
                       "name": TYPED,
                       "why": {"type": "string", "maxLength": 500}, "signals": array(STRING, "of begin"),
                       "for_s": NUMBER, "target_s": NUMBER, "signal": {"type": "string", "description": "of inject"},
                       "value": {"type": "number", "description": "default: just beyond its most urgent limit"}}},
    "Peer": exactly(
        id=STRING, name=TEXT, silent=BOOLEAN,
        heard={**nullable(TIME), "description": "last sign of life; null: none since our start"},
        age_s=nullable(NUMBER), silent_after_s=NUMBER, way={"type": "string", "description": "how it came"},
        word={**TEXT, "description": "what it says of itself instead of a sign of life"}),
    "Heard": exactly(gateway=STRING, heard=BOOLEAN),
    "Nothing": {"type": "object"},
}

ROOM = Room((
    Door("GET", "/api/v1/selftest", selftest, Role.VIEWER,
         get("The last self-test of the whole chain", answer("its report", "SelfTest"))),
    Door("POST", "/api/v1/selftest", ask_selftest, Role.OPERATOR,
         post("Begin a self-test now", "SelfTestAsked", answer("begun; ask again for the report", "SelfTest"),
              **{"409": answer("there is no test signal, or one is under way", "Error")})),
    Door("GET", "/api/v1/drill", drill, Role.VIEWER,
         get("The drill that goes on, and the result sheet of the latest", answer("both", "Drill"))),
    Door("POST", "/api/v1/drill", drill_act, Role.OPERATOR,
         post("Begin a drill, inject an excursion, end it", "DrillAct", answer("done", "Drill"),
              **{"409": answer("it is not allowed, or makes no sense now", "Error")})),
    Door("GET", "/api/v1/heartbeats", heartbeats, Role.VIEWER,
         get("Other gateways whose life this one watches", answer_with("all of them", gateways=array(form("Peer"))))),
    Door("POST", "/api/v1/heartbeats/{peer:path}", hear, Role.ENGINEER,
         post("A sign of life of another gateway", "Nothing", answer("heard", "Heard"),
              path("peer", "id of the other gateway"), **{"404": answer("it is not watched here", "Error")}),
         Scope.HEARTBEAT),
), SCHEMAS)

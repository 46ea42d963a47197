"""The gateway itself: health, metrics, and the event stream of the page."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from gateway.access.role import Role, Scope
from gateway.api import present, prometheus
from gateway.api.admission import admit
from gateway.api.answer import Json
from gateway.api.asked import Refused
from gateway.api.discretion import is_discreet
from gateway.api.room import Door, House, Room
from gateway.api.schema import (
    BOOLEAN,
    COUNTERS,
    INTEGER,
    NUMBER,
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
    text,
)
from gateway.api.stream import EventStream


@dataclass(frozen=True, slots=True)
class _PageMetric:
    name: str
    kind: str
    help: str
    samples: tuple[tuple[dict[str, str], float], ...]


async def health(house: House, _: Request) -> Response:
    page = house.broadcast
    return Json(present.health(house.view, {"viewers": page.viewers, **page.counters}))


async def healthz(house: House, _: Request) -> Response:
    found = house.view.health()
    return Json({"working": found.working, "reason": found.reason}, 200 if found.working else 503)


async def metrics(house: House, _: Request) -> Response:
    page = house.broadcast
    own = [_PageMetric("davylamp_page_viewers", "gauge", "Pages that follow the event stream.",
                       (({}, page.viewers),)),
           *(_PageMetric(f"davylamp_page_{name}_total", "counter", f"Event stream of the page: {name}.",
                         (({}, count),)) for name, count in page.counters.items())]
    return PlainTextResponse(prometheus.exposition([*house.view.metrics(), *own]),
                             headers={"content-type": prometheus.CONTENT_TYPE})


async def events(house: House, request: Request) -> EventStream:
    discreet = is_discreet(request.state.identity)

    def allowed() -> bool:
        """The same as at the beginning: who may see more or less from now comes again."""
        try:
            return is_discreet(admit(house.access, request, Role.VIEWER, None)) == discreet
        except Refused:
            return False

    return EventStream(house.broadcast, allowed, discreet)


_STATUS = {
    "version": STRING, "boot": {"type": "string", "description": "changes with every start of the gateway"},
    "started": TIME, "working": {"type": "boolean", "description": "the gateway's own tasks make progress"},
    "reason": TEXT, "clock_trusted": BOOLEAN, "zones": array(form("Zone")), "devices": array(form("Device")),
    "online": form("Online"),
    "sinks": array(form("Sink")), "parts": array(form("Part")),
}

SCHEMAS = {
    "Zone": exactly(area=STRING, kind=STRING, gas=TEXT, detectors=array(STRING), works=array(BOOLEAN),
                    why=array(nullable(TEXT), "what keeps each detector from working"), working=INTEGER, total=INTEGER,
                    state=one_of("ok", "degraded", "blind")),
    "Device": exactly(source=STRING, device=STRING, online=BOOLEAN, reason=TEXT, last_contact=nullable(TIME),
                      silent_s=nullable(NUMBER), counters=COUNTERS),
    "Online": {**exactly(devices=INTEGER, online=INTEGER, percent=NUMBER, target=NUMBER),
               "description": "devices with a watched signal, and how many of them give data"},
    "Sink": exactly(sink=STRING, online=BOOLEAN, reason=TEXT, counters=COUNTERS),
    "Part": exactly(id=STRING, name=TEXT, ok=BOOLEAN, detail=TEXT, figures=keyed(NUMBER)),
    "Status": exactly(**_STATUS),
    "Health": exactly(time=TIME, risk=RISK, **_STATUS, counters=COUNTERS, page=COUNTERS),
    "Working": exactly(working=BOOLEAN, reason=TEXT),
    "Event": {
        "type": "object", "required": ["t_ms", "trusted", "time"], "additionalProperties": False,
        "description": "data of one server-sent event: what is in it replaces what was known",
        "properties": {
            "t_ms": INTEGER, "trusted": BOOLEAN, "time": TIME, "hello": BOOLEAN,
            "signals": exactly(i=array(INTEGER, "number of the signal in Site.signals"), v=array(nullable(NUMBER)),
                               q=array(INTEGER, "quality code"), a=array(nullable(NUMBER), "age, ms")),
            "learning": exactly(i=array(INTEGER, "number of the signal in Site.signals"), c=array(
                INTEGER, "-1: nothing is learnt; percent learnt, and 1000 more: frozen, 2000 more: held")),
            "alarms": form("AlarmList"), "status": form("Status")}},
}

ROOM = Room((
    Door("GET", "/api/v1/health", health, Role.VIEWER,
         get("The gateway, its devices and its databases", answer("all of it", "Health"))),
    Door("GET", "/api/v1/events", events, Role.VIEWER,
         get("Server-sent events: changed signals once a second, alarms when they change",
             answer("one event per frame, shared by all viewers", "Event", "text/event-stream"),
             **{"503": answer("too many viewers", "Error")})),
    Door("GET", "/metrics", metrics, Role.VIEWER,
         get("Metrics for Prometheus", text("text exposition format 0.0.4", "text/plain")), Scope.METRICS),
    Door("GET", "/healthz", healthz, None,
         get("Does the gateway work?", answer("it works", "Working"),
             **{"503": answer("it does not, with the reason", "Working")})),
), SCHEMAS)

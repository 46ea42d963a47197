"""Sirens and beacons on relays."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from gateway.access.role import Role
from gateway.annunciation import AnnunciatorAct
from gateway.api import asked, present
from gateway.api.answer import Json
from gateway.api.room import Door, House, Room
from gateway.api.schema import (
    BOOLEAN,
    INTEGER,
    NUMBER,
    STRING,
    TEXT,
    TIME,
    TYPED,
    answer,
    array,
    exactly,
    get,
    nullable,
    one_of,
    path,
    post,
)


async def annunciators(house: House, _: Request) -> Response:
    return Json(present.annunciators(house.view))


async def annunciate(house: House, request: Request) -> Response:
    """Arm, disarm or test a siren or beacon."""
    body = await asked.json_body(request)
    try:
        act = AnnunciatorAct(body.get("act"))
    except ValueError:
        raise asked.out_of_range("act", ", ".join(AnnunciatorAct)) from None
    who, why = asked.who(request, body), asked.words(request, body, "why", 1)
    await house.view.annunciate(request.path_params["annunciator"], act, who, why)
    return Json(present.annunciators(house.view))


SCHEMAS = {
    "Annunciators": exactly(annunciators=array(exactly(
        id=STRING, name=TEXT, output=STRING, priorities=array(INTEGER), areas=array(STRING, "empty: all"),
        until=one_of("acknowledged", "ended"), longest_s=NUMBER,
        armed=nullable(exactly(who=STRING, why=STRING, verified=BOOLEAN, since=nullable(TIME))),
        driven={**nullable(BOOLEAN), "description": "as it was last read back; null: not known"},
        trouble=nullable(TEXT), testing=BOOLEAN))),
    "AnnunciatorActed": {
        "type": "object", "required": ["act", "why"],
        "properties": {"act": one_of("arm", "disarm", "test"),
                       "name": TYPED,
                       "why": {"type": "string", "minLength": 1, "maxLength": 500}}},
}

ROOM = Room((
    Door("GET", "/api/v1/annunciators", annunciators, Role.VIEWER,
         get("Sirens and beacons on relays", answer("in the order of the site file", "Annunciators"))),
    Door("POST", "/api/v1/annunciators/{annunciator:path}", annunciate, Role.ADMINISTRATOR,
         post("Arm, disarm or test a siren or beacon", "AnnunciatorActed", answer("done; all of them", "Annunciators"),
              path("annunciator", "id, as it is or percent-encoded"),
              **{"409": answer("it is not known, or it makes no sense now", "Error")})),
), SCHEMAS)

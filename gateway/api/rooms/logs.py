"""How much the gateway logs: louder for a while, to find a fault, without a restart."""

from __future__ import annotations

import logging

from starlette.requests import Request
from starlette.responses import Response

from gateway.access.role import Role
from gateway.api import asked
from gateway.api.answer import Json
from gateway.api.room import Door, House, Room
from gateway.api.schema import NUMBER, TYPED, answer, exactly, get, one_of, post
from gateway.logs import LEVELS

log = logging.getLogger(__name__)

LONGEST_S = 86_400.0


def _shown(house: House) -> Response:
    return Json({"level": house.view.logs.level, "left_s": house.view.logs.left_s})


async def level(house: House, _: Request) -> Response:
    return _shown(house)


async def change(house: House, request: Request) -> Response:
    body = await asked.json_body(request)
    wanted, for_s = body.get("level"), asked.figure(body, "for_s", 3600.0)
    who = asked.who(request, body)
    if wanted not in LEVELS:
        raise asked.out_of_range("level", ", ".join(LEVELS))
    if not 1 <= for_s <= LONGEST_S:
        raise asked.out_of_range("for_s", f"1..{LONGEST_S:g}")
    house.view.logs.change(wanted, for_s)
    log.warning("the log level is %s for %.0f s, by %s", wanted, for_s, who)
    return _shown(house)


SCHEMAS = {
    "LogLevel": exactly(level=one_of(*LEVELS), left_s={
        **NUMBER, "description": "seconds until it is the usual one again; 0: it is"}),
    "LogLevelAsked": {"type": "object", "required": ["level"], "properties": {
        "level": one_of(*LEVELS), "for_s": {"type": "number", "minimum": 1, "maximum": LONGEST_S, "default": 3600},
        "name": TYPED}},
}

ROOM = Room((
    Door("GET", "/api/v1/log-level", level, Role.ENGINEER, get("How much is logged", answer("the level", "LogLevel"))),
    Door("POST", "/api/v1/log-level", change, Role.ENGINEER,
         post("Log more or less for a while", "LogLevelAsked", answer("the level now", "LogLevel"))),
), SCHEMAS)

"""The OpenAPI 3.1 description of the API, put together from what each room says of itself. tests/api/test_openapi.py
holds it against the routes and against real answers."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from gateway.access.role import Role, Scope
from gateway.api import slips
from gateway.api.answer import Json
from gateway.api.room import Door, House, Room
from gateway.api.rooms import (
    accounts,
    alarms,
    annunciators,
    configuration,
    health,
    holds,
    journal,
    logs,
    oncall,
    plant,
    session,
    signals,
    vigil,
)
from gateway.api.schema import BOOLEAN, STRING, TEXT, answer, exactly, get


async def _description(house: House, _: Request) -> Response:
    return Json(description(house.view.health().version))


OWN = Room((
    Door("GET", "/api/v1/openapi.json", _description, Role.VIEWER, get("This description", {
        "description": "OpenAPI 3.1", "content": {"application/json": {"schema": {"type": "object"}}}})),
), {
    "Text": {**exactly(en=STRING, zh=STRING), "description": "one sentence in each language"},
    "Error": exactly(error=exactly(what=TEXT, where=STRING, fix=TEXT, retryable=BOOLEAN)),
})
ROOMS = (plant.ROOM, signals.ROOM, alarms.ROOM, holds.ROOM, annunciators.ROOM, oncall.ROOM, vigil.ROOM, journal.ROOM,
         health.ROOM, configuration.ROOM, logs.ROOM, session.ROOM, accounts.ROOM,
         slips.ROOM, OWN)
DOORS = tuple(door for room in ROOMS for door in room.doors)


def _operation(door: Door) -> dict:
    """With what the door asks of who comes through it."""
    described = dict(door.described)
    if door.role is None:
        return described | {"security": []}
    refused = {"401": answer("this needs a log-in", "Error"), "403": answer(
        "not with this role, or the request comes from another web page", "Error")}
    return described | {"responses": described["responses"] | refused, "x-role": door.role.word,
                        "x-scopes": [scope for scope in (Scope.ALL, door.scope) if scope is not None],
                        "security": [{"token": []}, {"session": []}]}


def _paths() -> dict[str, dict[str, dict]]:
    paths: dict[str, dict[str, dict]] = {}
    for door in DOORS:
        paths.setdefault(door.path.replace(":path", ""), {})[door.method.lower()] = _operation(door)
    return paths


PATHS = _paths()
SCHEMAS = {name: schema for room in ROOMS for name, schema in room.schemas.items()}


def description(version: str) -> dict:
    return {
        "openapi": "3.1.0",
        "info": {"title": "Davylamp", "version": version,
                 "description": "A site and its alarms. `x-role` is the role that an operation needs; without any "
                                "account this machine may do everything, and only this machine is served."},
        "paths": PATHS,
        "components": {"schemas": SCHEMAS, "securitySchemes": {
            "token": {"type": "http", "scheme": "bearer", "description": "davylamp token create"},
            "session": {"type": "apiKey", "in": "cookie", "name": "davylamp-session-SITE", "description":
                        "from /login; over HTTPS the name begins with __Host-"}}},
    }

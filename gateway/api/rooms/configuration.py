"""The configuration: its history, what a new one would change, and putting it in force (`davylamp apply`)."""

from __future__ import annotations

import asyncio
import base64
import binascii

from starlette.requests import Request
from starlette.responses import Response

from alerting.engine import COMMENT_LENGTH
from gateway.access.role import Role
from gateway.api import asked, present
from gateway.api.answer import Json
from gateway.api.room import Door, House, Room
from gateway.api.schema import (
    BOOLEAN,
    INTEGER,
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
    post,
)
from gateway.change.desk import Desk
from gateway.change.difference import Direction
from gateway.change.files import Configuration, inside
from gateway.change.history import Act, Entry, Outcome
from gateway.model.errors import CommandError
from gateway.model.site import Site
from gateway.model.text import Text

LARGEST = 8 << 20  # bytes of a request: a site file and its spreadsheets


async def history(house: House, _: Request) -> Response:
    desk = _desk(house)
    entries = await asyncio.to_thread(desk.history.entries)
    return Json({"file": str(desk.site), "entries": [_entry(house.view.site, entry) for entry in entries]})


async def change(house: House, request: Request) -> Response:
    """Says what a configuration would change; applies it, unless it is only asked."""
    desk = _desk(house)
    body = await asked.json_body(request, LARGEST)
    who = asked.who(request, body)
    why = asked.words(request, body, "why", 1) if asked.line(body, "why", 0, COMMENT_LENGTH) else ""
    back = body.get("back")
    if back is not None and (isinstance(back, bool) or not isinstance(back, int)):
        raise asked.out_of_range("back", "1..")
    wanted = await asyncio.to_thread(desk.kept, back) if back is not None else _configuration(body)
    proposal = await asyncio.to_thread(desk.propose, wanted)
    applied = None
    if body.get("check") is not True and not proposal.refused:
        applied = await (asyncio.to_thread(desk.back, back, who, why) if back is not None
                         else asyncio.to_thread(desk.apply, wanted, who, why))
    return Json(proposal.as_json() | {"applied": applied and _entry(house.view.site, applied)})


def _desk(house: House) -> Desk:
    if house.view.desk is None:
        raise CommandError(Text("this gateway runs a configuration that can not be changed while it runs",
                                "该网关运行的配置不能在运行中更改"), where="configuration",
                           fix=Text("start it with `davylamp run SITE.toml`", "请用 `davylamp run SITE.toml` 启动"))
    return house.view.desk


def _configuration(body: dict) -> Configuration:
    others = body.get("others", {})
    if not isinstance(others, dict):
        raise asked.out_of_range("others", "{name: base64}")
    return Configuration(_content("site", body.get("site")),
                         {inside(name): _content(name, content) for name, content in others.items()})


def _content(name: str, written: object) -> bytes:
    try:
        return base64.b64decode(written, validate=True)  # type: ignore[arg-type]
    except (binascii.Error, TypeError, ValueError):
        raise asked.out_of_range(name, "base64") from None


def _entry(site: Site, entry: Entry) -> dict:
    said = entry.as_json()
    del said["wall_ns"]
    return said | {"time": present.local_time(entry.wall_ns, site.zone)}


SCHEMAS = {
    "Configuration": exactly(
        number=INTEGER, digest=STRING, act=one_of(*Act), who=STRING, why=STRING, time=nullable(TIME),
        outcome=one_of(*Outcome), back_to=nullable(INTEGER), changes=array(TEXT), reason=nullable(TEXT)),
    "Configurations": exactly(file=STRING, entries=array(form("Configuration"), "oldest first")),
    "ConfigurationWanted": {
        "type": "object", "required": ["name"],
        "properties": {"site": {"type": "string", "description": "the site file, in base64"},
                       "others": keyed({"type": "string", "description": "a file that it names, in base64"}),
                       "back": {"type": "integer", "minimum": 1, "description": "instead: number of an earlier one"},
                       "check": {"type": "boolean", "description": "only say what would change"},
                       "name": {"type": "string", "minLength": 1, "maxLength": 80},
                       "why": {"type": "string", "maxLength": 500}}},
    "ConfigurationChange": exactly(
        problems=array(exactly(file=STRING, place=STRING, key=STRING, what=TEXT, fix=TEXT,
                               severity=one_of("error", "warning")), "with an error among them nothing is applied"),
        differences=array(exactly(item=STRING, text=TEXT, direction=one_of(*Direction))),
        needs_reason=BOOLEAN, same=BOOLEAN,
        applied={**nullable(form("Configuration")), "description": "on trial from now on; null: only asked, refused"}),
}

ROOM = Room((
    Door("GET", "/api/v1/configuration", history, Role.VIEWER,
         get("Every configuration there was, and what became of it", answer("the history", "Configurations"),
             **{"409": answer("this gateway can not be changed while it runs", "Error")})),
    Door("POST", "/api/v1/configuration", change, Role.ENGINEER,
         post("What a configuration would change; puts it in force, on trial", "ConfigurationWanted",
              answer("what it changes", "ConfigurationChange"),
              **{"409": answer("refused: a reason is missing, another change is on trial, nothing changes", "Error")})),
), SCHEMAS)

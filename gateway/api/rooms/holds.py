"""What a person asks for so that nobody is called for a while: bypass, shelf, out of service; and suppression."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from alerting.engine import NAME_LENGTH
from alerting.overlays.hold import Kind
from alerting.overlays.overlays import Ask
from gateway.access.approvals import LASTS_S, Act
from gateway.access.role import ROLE_NAMES, Role
from gateway.api import asked, present
from gateway.api.admission import address
from gateway.api.answer import Json
from gateway.api.room import Door, House, Room
from gateway.api.schema import (
    BOOLEAN,
    NUMBER,
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
from gateway.model import person
from gateway.model.errors import CommandError
from gateway.model.text import Text

ROLES: Final = {Kind.BYPASS: Role.ENGINEER, Kind.SHELF: Role.OPERATOR, Kind.OUT_OF_SERVICE: Role.ENGINEER}


async def holds(kind: Kind, house: House, _: Request) -> Response:
    return Json(present.hold_list(house.view, kind))


async def hold(kind: Kind, house: House, request: Request) -> Response:
    body = await asked.json_body(request)
    target = asked.line(body, "target", 1, NAME_LENGTH)
    who, why = asked.who(request, body), asked.words(request, body, "why", 1)
    for_s, once = body.get("for_s"), body.get("once", False)
    if isinstance(for_s, bool) or not isinstance(for_s, int | float):
        raise asked.out_of_range("for_s", "0..")
    if not isinstance(once, bool) or (once and kind is not Kind.SHELF):
        raise asked.out_of_range("once", "true, false" if kind is Kind.SHELF else "false")
    approved = await _approved(kind, house, request, body, target)
    made, recorded = await house.view.hold(kind, Ask(target, who, why, float(for_s), approved, once))
    return Json(present.held(house.view, made, recorded))


async def _approved(kind: Kind, house: House, request: Request, body: dict, target: str) -> str:
    """The second person, where one is named: verified, where there are accounts."""
    second, access = asked.line(body, "approved", 0, NAME_LENGTH), house.access
    if not second or access is None or access.open:
        return person.typed(second)
    secret = body.get("approval", "")
    if not isinstance(secret, str):
        raise asked.out_of_range("approval", "text")
    return await access.second(second, secret, Act(kind, target), request.state.identity, ROLES[kind], address(request),
                               said=asked.line(body, "name", 0, NAME_LENGTH))


async def approve(house: House, request: Request) -> Response:
    """Leave for somebody else, as a code."""
    body = await asked.json_body(request)
    kind = body.get("kind")
    if kind not in [*ROLES]:
        raise asked.out_of_range("kind", ", ".join(ROLES))
    target, identity = asked.line(body, "target", 1, NAME_LENGTH), request.state.identity
    if identity.role < ROLES[Kind(kind)]:
        raise asked.Refused(403, Text("this needs the role {needed}", "此操作需要“{needed}”角色").format(
            needed=ROLE_NAMES[ROLES[Kind(kind)]]), "role", Text("ask somebody who has it", "请联系具有该角色的人员"))
    if house.access is None or house.access.open:
        raise CommandError(Text("without accounts nobody can show who they are", "未设置账户，无法核实身份"),
                           where="approval", fix=Text("type the name of the second person",
                                                      "请直接填写批准人姓名"))
    code = house.access.approve(identity, Act(Kind(kind), target), address(request))
    return Json({"kind": kind, "target": target, "account": identity.account, "code": code, "lasts_s": LASTS_S})


async def end_hold(kind: Kind, house: House, request: Request) -> Response:
    body = await asked.json_body(request)
    who, why = asked.who(request, body), asked.words(request, body, "why", 0)
    ended, recorded = await house.view.end_hold(kind, request.path_params["target"], who, why)
    return Json(present.held(house.view, ended, recorded))


_HOLD = {
    "kind": one_of(*Kind),
    "target": {"type": "string", "description": "an alarm, or a signal or rule with all its alarms; of a suppression "
                                                "its own id"},
    "name": {**TEXT, "description": "of the target"},
    "design": {**nullable(exactly(reason=TEXT, ends=TEXT)),
               "description": "of a suppression: why, and what ends it; null: a person has put it aside"},
    "who": STRING,
    "why": STRING, "approved": {"type": "string", "description": "the second person; empty where none was needed"},
    "verified": BOOLEAN, "once": {"type": "boolean", "description": "until the alarm has returned to normal"},
    "begun": nullable(TIME), "until": nullable(TIME),
}
_TAKEN = {"type": "boolean", "description": "false: the alarm file did not take it in time"}

SCHEMAS = {
    "Hold": {**exactly(**_HOLD), "description": "nobody is called for the alarms of `target` until it ends"},
    "HoldFound": exactly(**_HOLD, left_s=nullable(NUMBER), alarms=array(STRING, "ids of the alarms it covers")),
    "HoldAsked": {
        "type": "object", "required": ["target", "why", "for_s"],
        "properties": {"target": {"type": "string", "minLength": 1, "maxLength": 80},
                       "name": TYPED,
                       "why": {"type": "string", "minLength": 1, "maxLength": 500}, "for_s": NUMBER,
                       "once": {"type": "boolean", "description": "only of shelve: until it is back to normal"},
                       "approved": {"type": "string", "maxLength": 80,
                                    "description": "the second person, needed for P1, and always for out of service; "
                                                   "with accounts the id of theirs"},
                       "approval": {"type": "string", "maxLength": 128,
                                    "description": "with accounts: the password of the second person, or a code of "
                                                   "/api/v1/approvals"}}},
    "ApprovalAsked": {
        "type": "object", "required": ["kind", "target"],
        "properties": {"kind": one_of(*ROLES), "target": {"type": "string", "minLength": 1, "maxLength": 80}}},
    "ApprovalGiven": exactly(kind=one_of(*ROLES), target=STRING, account=STRING, lasts_s=NUMBER,
                             code={"type": "string", "description": "good once, for this act only"}),
    "HoldEnd": {
        "type": "object",         "properties": {"name": TYPED,
                       "why": {"type": "string", "maxLength": 500}}},
    "Bypassed": exactly(bypass=form("HoldFound"), recorded=_TAKEN),
    "Held": exactly(hold=form("HoldFound"), recorded=_TAKEN),
}


def _held(key: str) -> dict:
    return answer_with("the one that ends first comes first", **{key: array(form("HoldFound"))})


def _doors(name: str, kind: Kind, what: str, key: str, done: str) -> Iterator[Door]:
    role = ROLES[kind]
    yield Door("GET", f"/api/v1/{name}", partial(holds, kind), Role.VIEWER,
               get(f"{what}: nobody is called for them", _held(key)))
    yield Door("POST", f"/api/v1/{name}", partial(hold, kind), role,
               post("Call nobody for an alarm, or for the alarms of a signal or rule, for a while", "HoldAsked",
                    answer("done", done), **{"409": answer("it is not allowed, or there is one already", "Error")}))
    yield Door("POST", f"/api/v1/{name}/{{target:path}}/end", partial(end_hold, kind), role,
               post("End it before its time", "HoldEnd", answer("done", done),
                    path("target", "as it is or percent-encoded"), **{"409": answer("there is none", "Error")}))


ROOM = Room((
    *_doors("bypasses", Kind.BYPASS, "Alarms that are bypassed", "bypasses", "Bypassed"),
    *_doors("shelve", Kind.SHELF, "Alarms that are shelved", "holds", "Held"),
    *_doors("out-of-service", Kind.OUT_OF_SERVICE, "Alarms that are out of service", "holds", "Held"),
    Door("POST", "/api/v1/approvals", approve, Role.OPERATOR,
         post("Approve, as the second person, what somebody else is about to do: gives a code", "ApprovalAsked",
              answer("done", "ApprovalGiven"),
              **{"409": answer("there are no accounts, or no person has logged in", "Error")}), own=True),
    Door("GET", "/api/v1/suppressions", partial(holds, Kind.SUPPRESSION), Role.VIEWER,
         get("Alarms that are suppressed by design now", _held("holds"))),
), SCHEMAS)

"""Who may come in: administrators keep accounts, tokens and sessions here; everybody keeps their own password and
sessions. Only people who have logged in: a stolen token must not make itself a home."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from starlette.requests import Request
from starlette.responses import Response

from gateway.access.access import Access
from gateway.access.passwords import generated
from gateway.access.register import PASSWORD_LENGTH, Register
from gateway.access.role import ROLE_NAMES, Role, Scope, role_of
from gateway.access.sessions import Session
from gateway.api import asked
from gateway.api.admission import address
from gateway.api.answer import Json
from gateway.api.present import local_time
from gateway.api.room import Door, House, Room
from gateway.api.schema import (
    BOOLEAN,
    NUMBER,
    STRING,
    TEXT,
    TIME,
    answer,
    array,
    exactly,
    form,
    get,
    nullable,
    one_of,
    post,
)
from gateway.model.clock import NS
from gateway.model.errors import CommandError
from gateway.model.text import Text

TOKEN_DAYS = 3660


async def accounts(house: House, request: Request) -> Response:
    access = _of_people(house, request)
    return Json(_document(house, access, access.register, access.sessions()))


async def account(house: House, request: Request) -> Response:
    """add, role, password (a new one is made), remove."""
    access, body = _of_people(house, request), await asked.json_body(request)
    act, id, by = body.get("act"), asked.line(body, "id", 1, 32), request.state.identity.account
    password = generated() if act in ("add", "password") else None
    hash, now = (await access.hashed(password) if password else ""), house.view.now().wall_ns
    role = role_of(body.get("role")) if act in ("add", "role") else Role.VIEWER
    if role is None:
        raise asked.out_of_range("role", ", ".join(one.word for one in Role))
    name = asked.line(body, "name", 0, 40)
    changes: dict[str, Callable[[Register], Register]] = {
        "add": lambda found: found.added(id, name or id, role, hash, now, by),
        "role": lambda found: found.with_role(id, role, now, by).governed(),
        "password": lambda found: found.with_password(id, hash, now, by),
        "remove": lambda found: found.without(id, now, by).governed()}
    if act not in [*changes]:
        raise asked.out_of_range("act", ", ".join(changes))
    await access.change(changes[act])
    return Json({"id": id, "password": password})


async def token(house: House, request: Request) -> Response:
    """make, revoke."""
    access, body = _of_people(house, request), await asked.json_body(request)
    act, id, by = body.get("act"), asked.line(body, "id", 1, 32), request.state.identity.account
    now = house.view.now().wall_ns
    if act == "revoke":
        await access.change(lambda found: found.without_token(id, now, by))
        return Json({"id": id, "token": None})
    role, scope, days = role_of(body.get("role")), body.get("scope"), asked.figure(body, "days")
    if act != "make":
        raise asked.out_of_range("act", "make, revoke")
    if role is None or scope not in [*Scope] or not 0 < days <= TOKEN_DAYS:
        raise asked.out_of_range("role, scope, days", f"1..{TOKEN_DAYS}")
    return Json({"id": id, "token": await access.make_token(id, role, Scope(scope), round(days * 86400 * NS), now, by)})


async def own(house: House, request: Request) -> Response:
    access, identity = _of_people(house, request), request.state.identity
    return Json({"sessions": _sessions(access, [one for one in access.sessions() if one.account == identity.account])})


async def password(house: House, request: Request) -> Response:
    """One's own: who has the present one gives another. All sessions of the account are over then."""
    access, body = _of_people(house, request), await asked.json_body(request)
    old, new = body.get("old"), body.get("new")
    if not isinstance(old, str) or not isinstance(new, str):
        raise asked.out_of_range("old, new", f"{PASSWORD_LENGTH[0]}..{PASSWORD_LENGTH[1]}")
    await access.change_own(request.state.identity, old, new, house.view.now().wall_ns, address(request))
    return Json({"changed": True})


async def end_session(house: House, request: Request) -> Response:
    """One's own; an administrator ends any."""
    access, identity = _of_people(house, request), request.state.identity
    id = asked.line(await asked.json_body(request), "id", 1, 64)
    mine = [one for one in access.sessions() if one.account == identity.account or identity.role >= Role.ADMINISTRATOR]
    if not any(one.digest.startswith(id) and len(id) >= 12 for one in mine):
        raise CommandError(Text("there is no such session", "没有该会话"), where=id)
    access.end_session(id, address(request))
    return Json({"changed": True})


def _of_people(house: House, request: Request) -> Access:
    if house.access is None or not house.access.is_person(request.state.identity):
        raise CommandError(Text("this is for people who have logged in", "仅限已登录的人员操作"), where="account",
                           fix=Text("log in on the page; the first account: davylamp account add NAME",
                                    "请在页面登录；首个账户：davylamp account add 账户名"))
    return house.access


def _document(house: House, access: Access, found: Register, sessions: Sequence[Session]) -> dict:
    zone, now = house.view.site.zone, house.view.now()

    def day(wall_ns: int) -> str | None:
        return local_time(wall_ns, zone)

    return {"accounts": [{"id": one.id, "name": one.name, "role": one.role.word, "role_name": ROLE_NAMES[one.role],
                          "since": day(one.since_wall_ns)} for one in found.accounts.values()],
            "tokens": [{"id": one.id, "role": one.role.word, "scope": one.scope, "by": one.by,
                        "made": day(one.made_wall_ns), "ends": day(one.ends_wall_ns),
                        "over": one.ends_wall_ns <= now.wall_ns, "used": day(access.used(one.id))}
                       for one in found.tokens.values()],
            "sessions": _sessions(access, sessions)}


def _sessions(access: Access, found: Sequence[Session]) -> list[dict]:
    return [{"id": one.digest[:16], "account": one.account, "begun_s": access.ago_s(one.begun_line_ns),
             "used_s": access.ago_s(one.used_line_ns)} for one in found]


_ID = {"type": "string", "minLength": 1, "maxLength": 32}
_ROLE = one_of(*(role.word for role in Role))
_REFUSED = {"409": answer("it is not possible", "Error")}

ROOM = Room((
    Door("GET", "/api/v1/accounts", accounts, Role.ADMINISTRATOR,
         get("Accounts, tokens and sessions", answer("as they are", "AccountList"), **_REFUSED), own=True),
    Door("POST", "/api/v1/accounts", account, Role.ADMINISTRATOR,
         post("Add an account, change its role, give it a new password, remove it", "AccountAct",
              answer("done", "AccountDone"), **_REFUSED), own=True),
    Door("POST", "/api/v1/tokens", token, Role.ADMINISTRATOR,
         post("Make or revoke a token", "TokenAct", answer("done", "TokenDone"), **_REFUSED), own=True),
    Door("GET", "/api/v1/session/all", own, Role.VIEWER,
         get("One's own sessions", answer("as they are", "SessionList"), **_REFUSED), own=True),
    Door("POST", "/api/v1/session/password", password, Role.VIEWER,
         post("Change the own password", "PasswordAsked", answer("done", "SessionDone"), **_REFUSED), own=True),
    Door("POST", "/api/v1/session/revoke", end_session, Role.VIEWER,
         post("End one of the own sessions; an administrator: any", "SessionAsked", answer("done", "SessionDone"),
              **_REFUSED), own=True),
), {
    "AccountList": exactly(
        accounts=array(exactly(id=STRING, name=STRING, role=STRING, role_name=TEXT, since=nullable(TIME))),
        tokens=array(exactly(id=STRING, role=STRING, scope=STRING, by=STRING, made=nullable(TIME), ends=nullable(TIME),
                             over=BOOLEAN, used={**nullable(TIME), "description": "null: not since the start"})),
        sessions=form("SessionRows")),
    "SessionRows": array(exactly(id=STRING, account=STRING, begun_s=NUMBER, used_s=NUMBER)),
    "SessionList": exactly(sessions=form("SessionRows")),
    "AccountAct": {"type": "object", "required": ["act", "id"], "properties": {
        "act": one_of("add", "role", "password", "remove"), "id": _ID, "name": {"type": "string", "maxLength": 40},
        "role": _ROLE}},
    "AccountDone": exactly(id=STRING, password={**nullable(STRING), "description": "shown this once"}),
    "TokenAct": {"type": "object", "required": ["act", "id"], "properties": {
        "act": one_of("make", "revoke"), "id": _ID, "role": _ROLE, "scope": one_of(*Scope), "days": NUMBER}},
    "TokenDone": exactly(id=STRING, token={**nullable(STRING), "description": "shown this once"}),
    "PasswordAsked": {"type": "object", "required": ["old", "new"], "properties": {
        "old": {"type": "string", "maxLength": 128}, "new": {"type": "string", "maxLength": 128}}},
    "SessionAsked": {"type": "object", "required": ["id"], "properties": {"id": STRING}},
    "SessionDone": exactly(changed=BOOLEAN),
})

"""What a request says, checked. Every refusal says what was expected."""

from __future__ import annotations

import orjson
from starlette.requests import Request

from alerting.engine import COMMENT_LENGTH, NAME_LENGTH
from gateway.api.answer import refusal
from gateway.model import person
from gateway.model.site import Site
from gateway.model.text import Text

BODY_LIMIT = 8192


class Refused(Exception):
    """The request asks for something that makes no sense; carries the answer."""

    def __init__(self, status: int, what: Text, where: str, fix: Text):
        self.answer = refusal(status, what, where=where, fix=fix)
        super().__init__(what.en)


def signal(site: Site, request: Request) -> str:
    """The id in the address."""
    asked = request.path_params["signal"]
    if asked not in site.signals:
        raise unknown_signal(asked)
    return asked


def alarm(site: Site, asked: str) -> str:
    if asked not in site.alarms:
        raise Refused(404, Text(f"unknown alarm {asked!r}", f"未知告警 {asked!r}"), "alarm",
                      Text("see /api/v1/definitions", "见 /api/v1/definitions"))
    return asked


def unknown_signal(signal: str) -> Refused:
    return Refused(404, Text(f"unknown signal {signal!r}", f"未知信号 {signal!r}"), "signal",
                   Text("see /api/v1/site for the signals of this site", "本站信号见 /api/v1/site"))


def out_of_range(name: str, accepted: str) -> Refused:
    return Refused(400, Text(f"{name}: expected {accepted}", f"{name}：应为 {accepted}"), name, Text("", ""))


def number(request: Request, name: str, default: float, low: float, high: float) -> float:
    try:
        value = float(request.query_params.get(name, default))
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        raise out_of_range(name, f"{low:g}..{high:g}")
    return value


def figure(body: dict, key: str, default: float | None = None) -> float:
    value = body.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise out_of_range(key, "0..")
    return float(value)


async def json_body(request: Request, limit: int = BODY_LIMIT) -> dict:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise Refused(413, Text("the request is too large", "请求过大"), "body",
                          Text(f"send at most {limit} bytes", f"最多发送 {limit} 字节"))
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refused(400, Text(f"not JSON: {error}", f"不是有效的 JSON：{error}"), "body", Text("", "")) from error
    if not isinstance(document, dict):
        raise Refused(400, Text("expected a JSON object", "应为 JSON 对象"), "body", Text("", ""))
    return document


def who(request: Request, body: dict) -> str:
    """Who does it: whoever has logged in, else the name that was typed. A program says for whom it asks."""
    identity = request.state.identity
    if not identity.who:
        return person.typed(line(body, "name", 1, NAME_LENGTH))
    return identity.for_whom(line(body, "name", 0, NAME_LENGTH)) if identity.program else identity.who


def words(request: Request, body: dict, key: str, shortest: int) -> str:
    """A reason or comment. A name that was typed beside that of a person who has logged in is only a
    note, in brackets."""
    said, identity = line(body, key, shortest, COMMENT_LENGTH), request.state.identity
    typed = line(body, "name", 0, NAME_LENGTH) if identity.who and not identity.program else ""
    return said if typed in ("", identity.name, identity.account) else f"{said} ({typed})".strip()


_WANTED = {"name": Text("say who does it", "请填写操作人姓名"), "why": Text("say why", "请填写原因")}


def line(body: dict, key: str, shortest: int, longest: int) -> str:
    text = body.get(key, "")
    if isinstance(text, str):
        text = " ".join(text.split())
        if shortest <= len(text) <= longest and text.isprintable():
            return text
    raise Refused(400, Text(f"{key}: expected a text of {shortest} to {longest} characters",
                            f"{key}：应为 {shortest} 到 {longest} 个字符的文本"), key,
                  _WANTED.get(key, Text("", "")))

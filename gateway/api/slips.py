"""The page behind the link in a message: shows the alarm, and takes the acknowledgement. For a phone, without scripts.

GET never does anything: chat services open every link by themselves. Acknowledging is a POST of the form, so that it
takes a person. Who has the link may acknowledge this one occurrence; see docs/decisions/acknowledge-by-link.md for what
the guard lets pass here, and why.
"""

from __future__ import annotations

import base64
import hashlib
from html import escape
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from alerting.engine import COMMENT_LENGTH, NAME_LENGTH
from alerting.lifecycle import STATE_NAMES
from alerting.message import measured
from alerting.views import AlarmView
from gateway.api.present import local_time
from gateway.api.room import Door, House, Room
from gateway.api.schema import STRING, answer, get, path, text
from gateway.model.errors import DavylampError
from gateway.model.guidance import plain
from gateway.model.text import Text

BODY_LIMIT = 8192

_STYLE = """
:root { --ground: #dfe3e6; --panel: #f1f3f4; --text: #161b20; --soft: #4c565f; --edge: #bcc4ca; --P1: #c4122f;
  --P2: #d95f02; --P3: #e3b505; --P4: #3a6ea5; color-scheme: light dark }
@media (prefers-color-scheme: dark) { :root { --ground: #101417; --panel: #1a2024; --text: #e8ecee; --soft: #a3aeb6;
  --edge: #39424a; --P1: #ef3e54; --P2: #ff8a2a; --P3: #f3cf3a; --P4: #6aa5e3 } }
* { box-sizing: border-box }
body { margin: 0; background: var(--ground); color: var(--text);
  font: 17px/1.4 system-ui, "Noto Sans SC", "PingFang SC", "Microsoft YaHei", sans-serif }
main { max-width: 32rem; margin: 0 auto; padding: 1rem; background: var(--panel); min-height: 100vh }
h1 { font-size: 1.25rem; margin: 0 0 .5rem; padding-left: .6rem; border-left: .45rem solid var(--edge) }
h1.P1 { border-color: var(--P1) } h1.P2 { border-color: var(--P2) } h1.P3 { border-color: var(--P3) }
h1.P4 { border-color: var(--P4) }
p { margin: .5rem 0; white-space: pre-line } small { color: var(--soft) }
label { display: block; margin-top: .8rem; font-weight: 600 }
input { width: 100%; font: inherit; padding: .6rem; min-height: 2.9rem; color: inherit; background: var(--ground);
  border: 1px solid var(--edge); border-radius: .35rem }
button { width: 100%; margin-top: 1rem; font: inherit; font-weight: 700; min-height: 3.2rem; border: 0;
  border-radius: .35rem; color: var(--ground); background: var(--text) }
:focus-visible { outline: 3px solid var(--P4); outline-offset: 2px }
"""
_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {"content-security-policy": f"default-src 'none'; style-src 'sha256-{_DIGEST}'; form-action 'self'; "
                                       "base-uri 'none'; frame-ancestors 'none'"}
_PAGE = """<!doctype html>
<html lang="{language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex"><title>Davylamp</title><style>{style}</style></head>
<body><main>{content}</main></body></html>"""

_WORDS = {
    "name": Text("Your name", "您的姓名"), "comment": Text("Comment (may stay empty)", "备注（可不填）"),
    "code": Text("Code from the message", "消息中的确认码"), "button": Text("Acknowledge", "确认告警"),
    "enter": Text("Acknowledge an alarm", "确认告警"), "done": Text("Acknowledged", "已确认"),
    "by": Text("by {who} at {time} (name not verified)", "确认人：{who}，时间：{time}（姓名未核实）"),
    "unrecorded": Text("NOT RECORDED: the alarm file can not be written. Write this down.",
                       "未记录：告警文件无法写入，请人工记录。"),
    "raised": Text("Raised {time}, {state}", "报警时间：{time}，{state}"),
    "value": Text("Value {value}", "报警值 {value}"), "guidance": Text("What to do: {what}", "处置：{what}"),
    "nothing": Text("There is nothing to acknowledge: {state}.", "无需确认：{state}。"),
    "promise": Text("Acknowledging says: I have seen it and take care of it. It ends no alarm.",
                    "确认表示已知悉并负责处理，不会消除报警。"),
}


async def enter(house: House, request: Request) -> Response:
    language = _language(house, request)
    return _answer(language, f"<h1>{_said('enter', language)}</h1>{_form(language, with_code=True)}")


async def show(house: House, request: Request) -> Response:
    language = _language(house, request)
    try:
        alarm = house.view.look(request.path_params["token"])
    except DavylampError as error:
        return _refused(language, error)
    form = _form(language) if alarm.state.waits else (
        "<p>" + escape(_WORDS["nothing"].format(state=STATE_NAMES[alarm.state])[language]) + "</p>")
    return _answer(language, _alarm(house, alarm, language) + form)


async def acknowledge(house: House, request: Request) -> Response:
    language, form = _language(house, request), await _form_of(request)
    try:
        alarm = await house.view.answer(form.get("name", ""), form.get("comment", ""),
                                        request.path_params.get("token", ""), form.get("code", ""))
    except DavylampError as error:
        return _refused(language, error)
    by = _WORDS["by"].format(who=alarm.who, time=_time(house, alarm.since_wall_ns))[language]
    warning = "" if alarm.recorded else f"<p><strong>{_said('unrecorded', language)}</strong></p>"
    return _answer(language, f"{warning}<h1>{_said('done', language)}</h1><p>{escape(by)}</p>"
                             f"{_alarm(house, alarm, language)}")


def _alarm(house: House, alarm: AlarmView, language: str) -> str:
    definition = alarm.definition
    raised = _WORDS["raised"].format(time=_time(house, alarm.raised_wall_ns), state=STATE_NAMES[alarm.state])
    facts = [raised[language]]
    if value := measured(house.view.site, definition, alarm.value)[language]:
        facts.append(_WORDS["value"].format(value=value)[language])
    if definition.guidance.en:
        facts.append(_WORDS["guidance"].format(what=plain(definition.guidance))[language])
    site = f"{house.view.site.name[language]}, {house.view.site.area_name(definition.area)[language]}"
    return (f'<h1 class="{definition.priority.name}">{definition.priority.name} '
            f"{escape(definition.name[language])}</h1><small>{escape(site)}</small>"
            + "".join(f"<p>{escape(fact)}</p>" for fact in facts))


def _time(house: House, wall_ns: int) -> str:
    return (local_time(wall_ns, house.view.site.zone) or "")[:19].replace("T", " ")


def _language(house: House, request: Request) -> str:
    """What the phone asks for first; else the language of the site."""
    first = request.headers.get("accept-language", "").strip().lower()[:2]
    return first if first in ("en", "zh") else house.view.site.language


def _form(language: str, *, with_code: bool = False) -> str:
    code = (f'<label for="code">{_said("code", language)}</label><input id="code" name="code" inputmode="numeric" '
            'autocomplete="off" required maxlength="12">') if with_code else ""
    return (f'<form method="post">{code}<label for="name">{_said("name", language)}</label>'
            f'<input id="name" name="name" required autocomplete="name" maxlength="{NAME_LENGTH}">'
            f'<label for="comment">{_said("comment", language)}</label>'
            f'<input id="comment" name="comment" maxlength="{COMMENT_LENGTH}">'
            f'<button>{_said("button", language)}</button></form><p><small>{_said("promise", language)}</small></p>')


def _refused(language: str, error: DavylampError) -> Response:
    fix = f"<p>{escape(error.fix[language])}</p>" if error.fix[language] else ""
    return _answer(language, f"<h1>{escape(error.what[language])}</h1>{fix}", 503 if error.retryable else 409)


def _answer(language: str, content: str, status: int = 200) -> Response:
    return HTMLResponse(_PAGE.format(language=language, style=_STYLE, content=content), status, _HEADERS)


def _said(word: str, language: str) -> str:
    return escape(_WORDS[word][language])


async def _form_of(request: Request) -> dict[str, str]:
    """The fields of the form; what is too long or no text counts as empty, and is refused for that."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_LIMIT:
            return {}
    try:
        fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=8)
    except ValueError:  # too many fields
        return {}
    return {name: values[0] for name, values in fields.items()}


_TOKEN = path("token", "the last part of the link")
_ACT = {"requestBody": {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": {
            "type": "object", "required": ["name"],
            "properties": {"code": STRING, "name": STRING, "comment": STRING}}}}},
        "responses": {"200": text("done, as a page", "text/html"),
                      "403": answer("the request comes from another web page", "Error"),
                      "409": text("forged, expired, used, as a page", "text/html"),
                      "503": text("can not be done now, as a page", "text/html")}}

ROOM = Room((
    Door("GET", "/ack", enter, get("Page to type in the code of a message", text("a page", "text/html"))),
    Door("POST", "/ack", acknowledge, _ACT | {"summary": "Acknowledge with a code (form: code, name, comment)"}),
    Door("GET", "/ack/{token}", show,
         get("Page behind the link of a message; it does nothing by itself", text("a page", "text/html"), _TOKEN,
             **{"409": text("forged or expired, as a page", "text/html")})),
    Door("POST", "/ack/{token}", acknowledge,
         _ACT | {"summary": "Acknowledge with a link (form: name, comment)", "parameters": [_TOKEN]}),
))

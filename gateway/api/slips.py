"""The page behind the link in a message: shows the alarm, and takes the acknowledgement. For a phone, without scripts.

GET never does anything: chat services open every link by themselves. Acknowledging is a POST of the form, so that it
takes a person. Who has the link may acknowledge this one occurrence; see docs/decisions/acknowledge-by-link.md for what
the guard lets pass here, and why.
"""

from __future__ import annotations

from html import escape

from starlette.requests import Request
from starlette.responses import Response

from alerting.engine import COMMENT_LENGTH, NAME_LENGTH
from alerting.lifecycle import STATE_NAMES
from alerting.message import measured
from alerting.views import AlarmView
from alerting.wording import lasting
from gateway.api.paper import form_of, language_of, page
from gateway.api.present import local_time
from gateway.api.room import Door, House, Room
from gateway.api.schema import STRING, answer, get, path, text
from gateway.model.errors import DavylampError
from gateway.model.guidance import plain
from gateway.model.person import named
from gateway.model.text import Text

_WORDS = {
    "name": Text("Your name", "您的姓名"), "comment": Text("Comment (may stay empty)", "备注（可不填）"),
    "code": Text("Code from the message", "消息中的确认码"), "button": Text("Acknowledge", "确认告警"),
    "enter": Text("Acknowledge an alarm", "确认告警"), "done": Text("Acknowledged", "已确认"),
    "by": Text("by {who} at {time}", "确认人：{who}，时间：{time}"),
    "unrecorded": Text("NOT RECORDED: the alarm file can not be written. Write this down.",
                       "未记录：告警文件无法写入，请人工记录。"),
    "raised": Text("Raised {time}, {state}", "报警时间：{time}，{state}"),
    "value": Text("Value {value}", "报警值 {value}"), "guidance": Text("What to do: {what}", "处置：{what}"),
    "nothing": Text("There is nothing to acknowledge: {state}.", "无需确认：{state}。"),
    "promise": Text("Acknowledging says: I have seen it and take care of it. It ends no alarm.",
                    "确认表示已知悉并负责处理，不会消除报警。"),
}


async def enter(house: House, request: Request) -> Response:
    language = language_of(request, house.view.site)
    return page(language, f"<h1>{_said('enter', language)}</h1>{_form(house, language, with_code=True)}")


async def show(house: House, request: Request) -> Response:
    language = language_of(request, house.view.site)
    try:
        alarm = house.view.look(request.path_params["token"])
    except DavylampError as error:
        return _refused(language, error)
    form = _form(house, language) if alarm.state.waits else (
        "<p>" + escape(_WORDS["nothing"].format(state=STATE_NAMES[alarm.state])[language]) + "</p>")
    return page(language, _alarm(house, alarm, language) + form)


async def acknowledge(house: House, request: Request) -> Response:
    language, form = language_of(request, house.view.site), await form_of(request)
    try:
        alarm = await house.view.answer(form.get("name", ""), form.get("comment", ""),
                                        request.path_params.get("token", ""), form.get("code", ""))
    except DavylampError as error:
        return _refused(language, error)
    by = _WORDS["by"].format(who=named(alarm.who), time=_time(house, alarm.since_wall_ns))[language]
    warning = "" if alarm.recorded else f"<p><strong>{_said('unrecorded', language)}</strong></p>"
    return page(language, f"{warning}<h1>{_said('done', language)}</h1><p>{escape(by)}</p>"
                             f"{_alarm(house, alarm, language)}")


def _alarm(house: House, alarm: AlarmView, language: str) -> str:
    definition = alarm.definition
    raised = _WORDS["raised"].format(time=_raised(house, alarm), state=STATE_NAMES[alarm.state])
    facts = [raised[language]]
    if value := measured(house.view.site, definition, alarm.value)[language]:
        facts.append(_WORDS["value"].format(value=value)[language])
    if definition.guidance.en:
        facts.append(_WORDS["guidance"].format(what=plain(definition.guidance))[language])
    site = f"{house.view.site.name[language]}, {house.view.site.area_name(definition.area)[language]}"
    return (f'<h1 class="{definition.priority.name}">{definition.priority.name} '
            f"{escape(definition.name[language])}</h1><small>{escape(site)}</small>"
            + "".join(f"<p>{escape(fact)}</p>" for fact in facts))


def _raised(house: House, alarm: AlarmView) -> Text:
    time = Text.same(_time(house, alarm.raised_wall_ns))
    if alarm.after_s is None:
        return time
    return Text("clock not synchronised, {after} after the start", "时钟未同步，启动后 {after}").format(
        after=lasting(alarm.after_s))


def _time(house: House, wall_ns: int) -> str:
    return (local_time(wall_ns, house.view.site.zone) or "")[:19].replace("T", " ")


def _form(house: House, language: str, *, with_code: bool = False) -> str:
    """The name is asked for where no account vouches for the person that the message was for."""
    needed = "required " if house.access is None or house.access.open else ""
    code = (f'<label for="code">{_said("code", language)}</label><input id="code" name="code" inputmode="numeric" '
            'autocomplete="off" required maxlength="12">') if with_code else ""
    return (f'<form method="post">{code}<label for="name">{_said("name", language)}</label>'
            f'<input id="name" name="name" {needed}autocomplete="name" maxlength="{NAME_LENGTH}">'
            f'<label for="comment">{_said("comment", language)}</label>'
            f'<input id="comment" name="comment" maxlength="{COMMENT_LENGTH}">'
            f'<button>{_said("button", language)}</button></form><p><small>{_said("promise", language)}</small></p>')


def _refused(language: str, error: DavylampError) -> Response:
    fix = f"<p>{escape(error.fix[language])}</p>" if error.fix[language] else ""
    return page(language, f"<h1>{escape(error.what[language])}</h1>{fix}", 503 if error.retryable else 409)


def _said(word: str, language: str) -> str:
    return escape(_WORDS[word][language])


_TOKEN = path("token", "the last part of the link")
_ACT = {"requestBody": {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": {
            "type": "object", "required": ["name"],
            "properties": {"code": STRING, "name": STRING, "comment": STRING}}}}},
        "responses": {"200": text("done, as a page", "text/html"),
                      "403": answer("the request comes from another web page", "Error"),
                      "409": text("forged, expired, used, as a page", "text/html"),
                      "503": text("can not be done now, as a page", "text/html")}}

ROOM = Room((
    Door("GET", "/ack", enter, None,
         get("Page to type in the code of a message", text("a page", "text/html"))),
    Door("POST", "/ack", acknowledge, None,
         _ACT | {"summary": "Acknowledge with a code (form: code, name, comment)"}),
    Door("GET", "/ack/{token}", show, None,
         get("Page behind the link of a message; it does nothing by itself", text("a page", "text/html"), _TOKEN,
             **{"409": text("forged or expired, as a page", "text/html")})),
    Door("POST", "/ack/{token}", acknowledge, None,
         _ACT | {"summary": "Acknowledge with a link (form: name, comment)", "parameters": [_TOKEN]}),
))

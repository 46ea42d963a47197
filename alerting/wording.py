"""What a person reads on one channel: the notice's own text in their language, worded by the channel's templates.

What templates (alerting.templates) may use is `values`. A template that fails costs the wording, never the
message: the notice's own text goes out in its place, and `trouble` says so.

What was held up says how late it comes, whatever the template is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from jinja2 import Template

from alerting.slips import Seal, claim_of
from alerting.templates import LONGEST, compiled, rendered
from gateway.model.ports import Notice
from gateway.model.text import LANGUAGES, Text

LATE_S: Final = 60.0  # a message that comes later than this after its event says so
MASKED: Final = {"code": "••••-••••", "acknowledge_link": "•••"}

_ANSWER: Final = {
    "en": "{% if acknowledge_link %}\n\nAcknowledge: {{ acknowledge_link }}{% endif %}"
          "{% if code %}\nCode: {{ code }}{% endif %}",
    "zh": "{% if acknowledge_link %}\n\n确认告警：{{ acknowledge_link }}{% endif %}"
          "{% if code %}\n确认码：{{ code }}{% endif %}"}
# Name of a wording -> (title, text) in each language. Every title begins with what, where and how bad.
WORDINGS: Final[dict[str, dict[str, tuple[str, str]]]] = {
    "full": {language: ("{{ title }}", "{{ text }}" + answer) for language, answer in _ANSWER.items()},
    "short": {
        "en": ("{{ title }}", "{{ time }}{% if guidance %}\n{{ guidance }}{% endif %}" + _ANSWER["en"]),
        "zh": ("{{ title }}", "{{ time }}{% if guidance %}\n{{ guidance }}{% endif %}" + _ANSWER["zh"])},
}


class Wording:
    """title, text: templates by language, in place of those of `words`. seal: signs codes and links; None: none are
    offered. link: address of the page, "" when nobody can reach it."""

    def __init__(self, words: str = "full", title: Mapping[str, str] | None = None,
                 text: Mapping[str, str] | None = None, *, seal: Seal | None = None, link: str = ""):
        self._templates: dict[str, tuple[Template, Template]] = {}
        for language in LANGUAGES:
            own_title, own_text = WORDINGS[words][language]
            self._templates[language] = (compiled((title or {}).get(language, own_title)),
                                         compiled((text or {}).get(language, own_text)))
        self._seal, self._link = seal, link
        self.trouble: Text | None = None  # why the latest message went out without its template

    def dress(self, notice: Notice, late_s: float, now_wall_ns: int) -> Notice:
        """The notice with title and text as they are sent. Never raises."""
        dressed, self.trouble = self._dress(notice, late_s, now_wall_ns, {})
        return dressed

    def masked(self, notice: Notice, late_s: float, now_wall_ns: int) -> Notice:
        """The same for other eyes than its reader's: its slip, with which anybody could acknowledge, is blotted out."""
        return self._dress(notice, late_s, now_wall_ns, MASKED)[0]

    def _dress(self, notice: Notice, late_s: float, now_wall_ns: int,
               mask: Mapping[str, str]) -> tuple[Notice, Text | None]:
        trouble = None
        bare = plain(notice)
        language = _language(notice)
        title, text = bare.title, bare.text
        try:
            wanted = values(notice, self._seal, self._link, now_wall_ns)
            wanted |= {name: blot for name, blot in mask.items() if wanted[name]}
            title, text = (rendered(template, wanted) for template in self._templates[language])
        except Exception as error:  # a template may do whatever Python can fail at; the message must go out
            trouble = Text(f"a template fails, its message went out in plain words: {error}",
                           f"模板出错，已改用默认文本发送：{error}")
        if late_s >= LATE_S:
            ago = lasting(late_s)[language]
            title = f"{title}（{ago}前）" if language == "zh" else f"{title} ({ago} ago)"
            text = (f"本消息延迟 {ago}：此前无法发送。\n{text}" if language == "zh" else
                    f"This message is {ago} late: it could not be sent before.\n{text}")
        return replace(notice, title=" ".join(title.split()) or bare.title, text=text[:LONGEST]), trouble


def plain(notice: Notice) -> Notice:
    """In the language of its reader, without any template: this can not fail."""
    language = _language(notice)
    return replace(notice, title=_said(notice.payload.get("title"), language),
                   text=_said(notice.payload.get("text"), language))


def values(notice: Notice, seal: Seal | None, link: str, now_wall_ns: int) -> dict[str, object]:
    """What a template may use, in the language of the reader:

    title, text                 as they are without a template
    priority, risk, event, state, alarm, value, unit, limit, first_out, recorded, link     as in the notice
    site, area, person, guidance names and words; "" where there is none
    time, raised                "2026-11-22 10:00:05", the site's own time; zone: its name
    code, acknowledge_link      "" where there is nothing to acknowledge, or no address of the page
    """
    payload, language = notice.payload, _language(notice)
    claim = claim_of(payload) if seal is not None else None
    token = seal.token(claim, now_wall_ns) if claim is not None and link else ""
    same = ("priority", "risk", "event", "state", "alarm", "value", "unit", "limit", "first_out", "recorded", "zone")
    return {key: payload.get(key) for key in same} | {
        "title": _said(payload.get("title"), language), "text": _said(payload.get("text"), language),
        "site": _said(payload.get("site", {}).get("name"), language),
        "area": _said(payload.get("area", {}).get("name"), language),
        "person": _said(payload.get("person", {}).get("name"), language),
        "guidance": _said(payload.get("guidance"), language), "link": payload.get("link") or "",
        "time": _clock(payload.get("time")), "raised": _clock(payload.get("raised")),
        "code": seal.code(claim, now_wall_ns) if claim is not None else "",
        "acknowledge_link": f"{link.rstrip('/')}/ack/{token}" if token else ""}


# What `check` tries a template with.
SAMPLE: Final[dict[str, object]] = {
    "title": "P1 GD-01 high-high 43.2 %LEL, Tank farm", "text": "GD-01 high-high\nValue 43.2 %LEL, limit 40.0 %LEL",
    "priority": "P1", "risk": "red", "event": "raise", "state": "unacknowledged", "alarm": "GD-01/HH", "value": 43.2,
    "unit": "%LEL", "limit": 40.0, "first_out": True, "recorded": True, "zone": "Asia/Shanghai", "site": "Depot",
    "area": "Tank farm", "person": "Wang", "guidance": "Leave the area.", "link": "http://gateway:8080",
    "time": "2026-11-22 10:00:05", "raised": "2026-11-22 10:00:05", "code": "1234-5678",
    "acknowledge_link": "http://gateway:8080/ack/x"}


def lasting(seconds: float) -> Text:
    """"45 s", "45 min", "3 h 20 min", "2 d 5 h"."""
    if seconds < 60:
        return Text(f"{max(seconds, 0):.0f} s", f"{max(seconds, 0):.0f} 秒")
    minutes = int(seconds // 60)
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        parts = ((days, " d", " 天"), (hours, " h", " 小时"))
    else:
        parts = ((hours, " h", " 小时"), (minutes, " min", " 分钟"))
    shown = [part for part in parts if part[0]]
    return Text(" ".join(f"{count}{en}" for count, en, _ in shown), " ".join(f"{count}{zh}" for count, _, zh in shown))


def _language(notice: Notice) -> str:
    language = notice.language or notice.payload.get("language")
    return language if language in LANGUAGES else "en"


def _said(text: object, language: str) -> str:
    """One language of {"en", "zh"}; "" where it is none."""
    return str(text.get(language, "")) if isinstance(text, dict) else ""


def _clock(iso: object) -> str:
    """"2026-11-22T10:00:05.123+08:00" as people read it; the zone is the site's own."""
    return iso[:19].replace("T", " ") if isinstance(iso, str) else ""

"""Several notices as one message: what waits together goes together, and what a full outbox gave up is told as a
number. Pure. P1 is never bundled.

After an outage the alarms that are still open come first, each with its age, at most `OPEN_LINES` in a message; what is
over by now comes last, as history in one message.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from alerting.wording import lasting
from gateway.model.alarm import Priority
from gateway.model.ports import Notice
from gateway.model.text import LANGUAGES, Text

OPEN_LINES: Final = 20
HISTORY_LINES: Final = 20
EVENT: Final = "bundle"
LEFT_OUT: Final = "left_out"  # event, and in the payload: how many


def bundle(notices: Sequence[Notice], late_s: Sequence[float], *, history: bool) -> Notice:
    """One notice for several, most urgent first, which all have the same reader. late_s: the age of each.

    Its key is made from theirs: the same notices, the same key. payload["alarms"] names them all.
    """
    first = notices[0]
    key = "bundle:" + hashlib.sha256("\n".join(sorted(notice.key for notice in notices)).encode()).hexdigest()[:32]
    shown = HISTORY_LINES if history else OPEN_LINES
    title, lines = {}, {}
    for language in LANGUAGES:
        heading = _HISTORY if history else _OPEN
        counts = Counter(notice.payload["priority"] for notice in notices)
        said = ", ".join(f"{priority} × {count}" for priority, count in sorted(counts.items()))
        more = f" (+{len(notices) - 1})" if language == "en" else f"（另有 {len(notices) - 1} 条）"
        opening = _HISTORY_TITLE[language] if history else ""
        title[language] = f"{opening}{first.payload['title'][language]}{more}"
        rows = [_row(notice, age, language) for notice, age in list(zip(notices, late_s, strict=True))[:shown]]
        if len(notices) > shown:
            rows.append(_MORE.format(n=len(notices) - shown)[language])
        if first.payload.get("link"):
            rows.append(_PAGE.format(link=first.payload["link"])[language])
        lines[language] = "\n".join([heading.format(n=len(notices), said=said)[language], *rows])
    payload = first.payload | {
        "key": key, "event": EVENT, "state": EVENT, "occurrence": 0, "evidence": [], "title": title, "text": lines,
        "history": history,
        "alarms": [{name: notice.payload.get(name) for name in ("key", "alarm", "event", "priority", "time", "state")}
                   for notice in notices]}
    recorded = all(notice.recorded for notice in notices)
    return Notice(key, first.alarm, payload | {"recorded": recorded}, recorded, first.to, first.language)


def left_out(notice: Notice, number: int, priority: Priority) -> Notice:
    """What tells the reader of this notice, under its key, how many of this priority were given up."""
    title = _LEFT_OUT_TITLE.format(n=number, priority=priority.name)
    text = _LEFT_OUT.format(n=number, priority=priority.name)
    if link := notice.payload.get("link"):
        text = Text(*(f"{text[language]}\n{_PAGE.format(link=link)[language]}" for language in LANGUAGES))
    return replace(notice, payload=notice.payload | {
        "key": notice.key, "event": LEFT_OUT, "state": LEFT_OUT, "occurrence": 0, "evidence": [], LEFT_OUT: number,
        "priority": priority.name, "title": {language: title[language] for language in LANGUAGES},
        "text": {language: text[language] for language in LANGUAGES}})


def _row(notice: Notice, age_s: float, language: str) -> str:
    payload = notice.payload
    ago = f", {lasting(age_s)[language]}" if age_s >= 60 else ""
    return f"  {payload['time'][5:16].replace('T', ' ')}{ago}  {payload['title'][language]}"


_OPEN: Final = Text("{n} messages: {said}", "{n} 条通知：{said}")
_HISTORY: Final = Text("What happened while no message could be sent, over by now. {n} messages: {said}",
                       "消息中断期间发生、现已结束的情况。{n} 条通知：{said}")
_HISTORY_TITLE: Final = Text("OVER ", "已结束 ")
_MORE: Final = Text("  and {n} more: see the page or the journal", "  另有 {n} 条，详见页面或日志")
_LEFT_OUT_TITLE: Final = Text("{n} more {priority} messages were not sent", "另有 {n} 条 {priority} 通知未发送")
_LEFT_OUT: Final = Text(
    "More came than this channel could take: {n} messages of {priority} were not sent. They are on the page and in "
    "the journal.", "通知过多，本渠道来不及发送：{n} 条 {priority} 通知未发送。内容见页面和日志。")
_PAGE: Final = Text("Page: {link}", "页面：{link}")

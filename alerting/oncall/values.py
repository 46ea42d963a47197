"""How the values of `[oncall]` are written in a site file: texts, times of the day, dates, priorities, weekdays."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime, time
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field
from typing_extensions import Doc

from alerting.oncall.roster import MIDNIGHT, WEEKDAYS
from gateway.model.alarm import Priority
from gateway.model.text import Text
from gateway.model.units import parse_duration


def _text(value: Any) -> Any:
    if isinstance(value, str) and value.strip():
        return Text.same(value.strip())
    if isinstance(value, dict) and set(value) == {"en", "zh"} and all(isinstance(text, str) for text in value.values()):
        return Text(value["en"], value["zh"])
    if isinstance(value, Text):
        return value
    raise ValueError(Text("expected a text, or one text for each language", "应为文本，或中英文各一段文本"),
                     Text('write "text" or { en = "...", zh = "..." }', '写成 "文本" 或 { en = "...", zh = "..." }'))


def _hour(value: Any) -> Any:
    if isinstance(value, str) and (found := re.fullmatch(r"(\d{1,2}):(\d{2})", value.strip())):
        hour, minute = int(found[1]), int(found[2])
        if (hour, minute) == (24, 0):
            return MIDNIGHT
        if hour < 24 and minute < 60:
            return time(hour, minute)
    if isinstance(value, time):
        return value
    raise ValueError(Text(f"{value!r} is no time of the day", f"{value!r} 不是一天中的时刻"),
                     Text('write it as "08:00"', '写成 "08:00"'))


def _day(value: Any) -> Any:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        raise ValueError(Text(f"{value!r} is no date", f"{value!r} 不是日期"),
                         Text("write it as 2026-10-01", "写成 2026-10-01")) from None


def _moment(value: Any) -> Any:
    """Local time of the site."""
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        found = None
    if isinstance(found, datetime) and found.tzinfo is None:
        return found
    raise ValueError(Text(f"{value!r} is no local time", f"{value!r} 不是当地时间"),
                     Text('write it as "2026-10-01 08:00", in the time of the site',
                          '写成 "2026-10-01 08:00"（站点当地时间）'))


def _priority(value: Any) -> Any:
    if isinstance(value, str) and value in Priority.__members__:
        return Priority[value]
    raise ValueError(Text(f"{value!r} is no priority", f"{value!r} 不是优先级"),
                     Text('write "P1", "P2", "P3" or "P4"', '填写 "P1"、"P2"、"P3" 或 "P4"'))


Name = Annotated[Text, BeforeValidator(_text), Doc("text, or `{ en, zh }`")]
Hour = Annotated[time, BeforeValidator(_hour), Doc('time, `"08:00"`')]
Day = Annotated[date, BeforeValidator(_day), Doc("date, `2026-10-01`")]
Moment = Annotated[datetime, BeforeValidator(_moment), Doc('local time, `"2026-10-01 08:00"`')]
Duration = Annotated[float, BeforeValidator(parse_duration), Field(gt=0)]
Urgency = Annotated[Priority, BeforeValidator(_priority), Doc('`"P1"` .. `"P4"`')]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
EVERY_DAY: list[Weekday] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def weekdays(days: Iterable[str]) -> frozenset[int]:
    """0: Monday."""
    return frozenset(WEEKDAYS.index(day) for day in days)

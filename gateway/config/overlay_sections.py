"""[[suppressions]] of the site file: what may be written, and the words of `gateway.model.suppression` for it."""

from __future__ import annotations

import re
from datetime import date, time
from typing import Annotated, Any

from pydantic import AfterValidator, Field, PlainValidator, model_validator

from gateway.config.section import Section
from gateway.config.values import Condition, Duration, Id, Ids, Name, PositiveDuration, did_you_mean, expected
from gateway.model.suppression import Suppression, Window
from gateway.model.text import Text

WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _clock(value: Any) -> time:
    if isinstance(value, time) and value.tzinfo is None:
        return value
    if isinstance(value, str) and (match := re.fullmatch(r"([01]?\d|2[0-3])[:：]([0-5]\d)", value.strip())):
        return time(int(match[1]), int(match[2]))
    raise ValueError(expected(value, Text("a time of day", "一天中的时刻")),
                     Text('write it as "08:30", in the time zone of the site', '写成 "08:30"，按站点时区'))


def _days(value: tuple[str, ...]) -> tuple[str, ...]:
    days = tuple(day.strip().lower() for day in value)
    for day in days:
        if day not in WEEK and not _is_date(day):
            hint = did_you_mean(day, WEEK)
            raise ValueError(Text(f'"{day}" is no day{hint.en}', f'"{day}" 不是有效的日期{hint.zh}'),
                             Text('write "mon" to "sun", or a date such as "2026-12-01"',
                                  '填写 "mon" 至 "sun"，或日期，例如 "2026-12-01"'))
    return days


def _is_date(day: str) -> bool:
    try:
        return date.fromisoformat(day).isoformat() == day
    except ValueError:
        return False


class WindowSection(Section):
    days: Annotated[tuple[str, ...], Field(min_length=1), AfterValidator(_days)] = WEEK
    """`"mon"` to `"sun"`, or dates such as `"2026-12-01"`. Default: every day."""
    start: Annotated[time, PlainValidator(_clock), Field(alias="from")]
    """Begin, such as `"08:30"`, in the time zone of the site."""
    end: Annotated[time, PlainValidator(_clock), Field(alias="to")]
    """End; not after `from`: on the next day."""


class SuppressionSection(Section):
    id: Id
    """Id of the suppression, for journal and page."""
    why: Name
    """Why nobody has to be called then; shown with the alarms."""
    alarms: Annotated[Ids, Field(min_length=1)]
    """Ids of alarms (`"FT-101/L"`), or of signals and rules with all their alarms. P1 is never suppressed, nor a limit
    of a gas detector."""
    test: Annotated[Condition | None, Field(alias="while")] = None
    """Plant state: while this is true by a good and current sample, such as `"P-101.run == 0"`. Either this or
    `window`."""
    window: WindowSection | None = None
    """Maintenance window, such as `{ days = ["sat"], from = "08:00", to = "12:00" }`."""
    after: Annotated[Duration, Field(le=3600)] = 10.0
    """It goes on so long after its condition has ended; then people are called for what is still active."""
    at_most: Annotated[PositiveDuration, Field(le=30 * 86400)] = 86400.0
    """Then people are called although its condition still holds."""

    @model_validator(mode="after")
    def _one_of_both(self) -> SuppressionSection:
        if (self.test is None) is (self.window is None):
            raise ValueError(Text("expected either while or window", "应填写 while 或 window 之一"),
                             Text('write while = "P-101.run == 0", or window = { from = "08:00", to = "12:00" }',
                                  '写成 while = "P-101.run == 0"，或 window = { from = "08:00", to = "12:00" }'))
        return self

    def built(self) -> Suppression:
        window = None if self.window is None else Window(self.window.days, self.window.start, self.window.end)
        return Suppression(self.id, self.why, self.alarms, self.test, window, self.after, self.at_most)

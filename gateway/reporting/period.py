"""The stretch of time that a report is about: whole days of the site's calendar. Pure."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from gateway.model.clock import NS
from gateway.model.errors import CommandError
from gateway.model.nearest import did_you_mean
from gateway.model.text import Text

PERIODS: Final = {"week": Text("Weekly", "周"), "month": Text("Monthly", "月"), "quarter": Text("Quarterly", "季度"),
                  "year": Text("Annual", "年度")}
_MONTHS: Final = {"month": 1, "quarter": 3, "year": 12}


@dataclass(frozen=True, slots=True)
class Period:
    """edges: wall ns at which its days begin, and the end of the last one (a day may have 23 or 25 hours)."""

    name: str
    days: tuple[date, ...]
    edges: tuple[int, ...]

    @property
    def start_ns(self) -> int:
        return self.edges[0]

    @property
    def end_ns(self) -> int:
        return self.edges[-1]


def period(name: str, last: date, zone: ZoneInfo) -> Period:
    """Ends with the end of the day `last`. CommandError: there is no such period."""
    if name not in PERIODS:
        hint = did_you_mean(name, PERIODS)
        raise CommandError(Text(f"`{name}` is no period{hint.en}", f"`{name}` 不是报告周期{hint.zh}"), where="--period",
                           fix=Text("take week, month, quarter or year",
                                    "可选 week（周）、month（月）、quarter（季度）、year（年）"))
    end = last + timedelta(days=1)
    first = end - timedelta(days=7) if name == "week" else _back(end, _MONTHS[name])
    days = tuple(first + timedelta(days=n) for n in range((end - first).days))
    return Period(name, days, tuple(_midnight(day, zone) for day in (*days, end)))


def day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise CommandError(Text(f"`{text}` is no date", f"`{text}` 不是日期"), where="--ending",
                           fix=Text("write it as 2026-09-30: the last day of the report",
                                    "请写成 2026-09-30，即报告的最后一天")) from None


def _back(end: date, months: int) -> date:
    year, month = divmod(end.year * 12 + end.month - 1 - months, 12)
    return date(year, month + 1, min(end.day, monthrange(year, month + 1)[1]))


def _midnight(day: date, zone: ZoneInfo) -> int:
    return round(datetime.combine(day, time(), zone).timestamp()) * NS

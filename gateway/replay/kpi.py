"""`davylamp kpi`: the alarm figures as tables, each beside what is recommended."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from gateway.model.text import Text
from gateway.replay.columns import table

SHOWN = 10  # of each list
_BEFORE_ALL = 0  # wall ns: no gateway ran before 1970
_LISTS = {"worst": Text("Most frequent alarms", "最频繁告警"), "chattering": Text("Chattering", "频繁抖动"),
          "withheld": Text("Raised while withheld", "抑制期间的告警")}


def of_file(options: argparse.Namespace) -> dict[str, Any]:
    """One period, from the journal in a data folder; in the form of the API's answer, without what is only live."""
    from alerting.figures import past
    from alerting.figures.report import report
    from gateway.api import kpi
    from gateway.api.answer import encode
    from gateway.replay import asked
    from gateway.store import EVER

    site_file = asked.site_file(options.site)
    site, path = site_file.site, asked.alarm_file(options, site_file)
    start, end = asked.bounds(options, site)
    start, end = max(start, _BEFORE_ALL), time.time_ns() if end == EVER[1] else end
    operators = site_file.alarms.operators
    figures = past.of_stretch(path, site.alarms, operators, start, end)
    return json.loads(encode({"operators": operators, "targets": kpi.targets(), "periods": [
        {"period": "asked", **kpi.of(site, report(figures, start, end))}]}))


def lines(found: dict[str, Any], language: str) -> Iterator[str]:
    def told(text: Text) -> str:
        return text[language]

    if "now" in found:
        yield from (told(text) for text in _live(found, language))
        yield ""
    yield from table([[told(cell) for cell in row] for row in _rows(found)])
    longest = found["periods"][-1]
    for key, title in _LISTS.items():
        if longest[key]:
            yield ""
            yield told(Text("{title} ({period}):", "{title}（{period}）：").format(
                title=title, period=_period(longest)))
            yield from table([[f"{one['count']:5d}", one["alarm"], one["name"][language]]
                              for one in longest[key][:SHOWN]])
    if longest["by_person"]:
        yield ""
        yield told(Text("Time to acknowledge ({period}): times, median, 90 %",
                        "确认用时（{period}）：次数、中位数、90% 分位").format(period=_period(longest)))
        yield from table([[one["who"], str(one["count"]), told(_span(one["median_s"])), told(_span(one["p90_s"]))]
                           for one in longest["by_person"]])


def _live(found: dict[str, Any], language: str) -> Iterator[Text]:
    now = found["now"]
    yield Text("{time}: {rate} alarms in the last 10 min, {standing} active, {waiting} wait for a person",
               "{time}：近 10 分钟告警 {rate} 次，当前报警 {standing} 个，待确认 {waiting} 个").format(
        time=_time(found["time"]), rate=now["rate"], standing=now["standing"], waiting=now["unacknowledged"])
    if now["flood"]:
        yield Text("FLOOD since {time}, {n} alarms; P1 is never held back",
                   "告警洪泛自 {time} 起，共 {n} 次；P1 照常通知").format(
            time=_time(now["flood"]["begun"]), n=now["flood"]["alarms"])
    for one in now["chattering"]:
        yield Text("chatters since {time}: {alarm} {name}", "自 {time} 起频繁抖动：{alarm} {name}").format(
            time=_time(one["since"]), alarm=one["alarm"], name=one["name"][language])
    for one in now["stale"]:
        yield Text("active for {hours:.0f} h: {alarm} {name}", "持续报警 {hours:.0f} 小时：{alarm} {name}").format(
            hours=one["age_s"] / 3600, alarm=one["alarm"], name=one["name"][language])
    for one in now["withheld"]:
        yield Text("{kind} until {time}: {target} {name} ({why})", "{kind}至 {time}：{target} {name}（{why}）").format(
            kind=_KINDS[one["kind"]], time=_time(one["until"]), target=one["target"], name=one["name"][language],
            why=_why(one, language))


def _rows(found: dict[str, Any]) -> Iterable[Sequence[Text]]:
    """A column for each period, the last one for what is recommended."""
    periods, targets = found["periods"], found["targets"]
    split = " / ".join(f"{share:.0f}" for share in targets["split_percent"].values())
    yield [Text("figure", "指标"), *(_period(one) for one in periods), Text("recommended (default)", "推荐值（默认）")]
    yield [Text("since", "起始"), *(Text.same(_time(one["start"])) for one in periods), Text.same("")]
    for name, value, target in (
            (Text("alarms that called", "已通知告警数"), lambda one: str(one["alarms"]), ""),
            (Text("per 10 min and operator", "每人每 10 分钟"), lambda one: f"{one['average']:.2f}",
             f"<= {targets['average']:g}"),
            (Text("most in 10 min", "10 分钟峰值"), lambda one: f"{one['peak']:g}", f"<= {targets['peak']:g}"),
            (Text("floods", "洪泛次数"), lambda one: str(one["floods"]), ""),
            (Text("% of time in flood", "洪泛时间占比 %"), lambda one: f"{one['flood_percent']:.2f}",
             f"<= {targets['flood_percent']:g}"),
            (Text("chattering alarms", "抖动告警数"), lambda one: str(len(one["chattering"])), "0"),
            (Text("ten most frequent, %", "前十告警占比 %"), lambda one: f"{one['worst_percent']:.0f}",
             f"<= {targets['worst_percent']:g}"),
            (Text("P1 / P2 / P3, %", "P1 / P2 / P3 占比 %"),
             lambda one: " / ".join(f"{share:.0f}" for share in one["split_percent"].values()), split),
            (Text("P4 (page only)", "P4（仅页面显示）"), lambda one: str(one["by_priority"]["P4"]), ""),
            (Text("acknowledged", "已确认次数"), lambda one: str(one["answers"]["count"]), ""),
            (Text("time to acknowledge, median", "确认用时中位数"), lambda one: _span(one["answers"]["median_s"]), ""),
            (Text("time to acknowledge, 90 %", "确认用时 90% 分位"), lambda one: _span(one["answers"]["p90_s"]), "")):
        said = [value(one) for one in periods]
        yield [name, *(one if isinstance(one, Text) else Text.same(one) for one in said), Text.same(target)]


_PERIODS = {"8h": Text("8 h", "8 小时"), "day": Text("day", "一天"), "week": Text("week", "一周"),
            "month": Text("month", "一月"), "asked": Text("period", "所选时段")}


_KINDS = {"bypass": Text("bypassed", "已旁路"), "shelve": Text("shelved", "已搁置"),
          "out of service": Text("out of service", "已停用"), "suppression": Text("suppressed", "已抑制")}


def _why(one: dict[str, Any], language: str) -> str:
    return one["design"]["reason"][language] if one["design"] else f"{one['who']}: {one['why']}"


def _period(one: dict[str, Any]) -> Text:
    return _PERIODS[one["period"]]


def _span(seconds: float | None) -> Text:
    if seconds is None:
        return Text.same("-")
    if seconds < 120:
        return Text(f"{seconds:.0f} s", f"{seconds:.0f} 秒")
    return Text(f"{seconds / 60:.1f} min", f"{seconds / 60:.1f} 分钟")


def _time(iso: str | None) -> str:
    return "-" if iso is None else iso[:19].replace("T", " ")

"""A report as one HTML file that needs nothing else: no script, no picture or style from elsewhere."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from alerting.message import local_time
from gateway import __version__
from gateway.model.text import LANGUAGES, Text
from gateway.reporting.document import WEIGHTS, Note, Picture, Table, Weight
from gateway.reporting.facts import Facts
from gateway.reporting.judge import judge, worst
from gateway.reporting.period import PERIODS
from gateway.reporting.sections import sections
from gateway.reporting.words import percent, stamp

BOTH: Final = "both"
_SHOWN: Final = 8  # findings on the first page; all are in the sections
_HEADLINES: Final = {
    Weight.WRONG: Text("Something is wrong and needs a person", "存在问题，需要处理"),
    Weight.WATCH: Text("Nothing stands that needs a person at once; keep an eye on this", "无须立即处理，但需关注"),
    Weight.GOOD: Text("In order", "运行正常")}


def render(facts: Facts, language: str, made_ns: int) -> str:
    """language: en, zh or BOTH (one after the other). made_ns: when the report was made, wall time."""
    environment = Environment(loader=PackageLoader("gateway.reporting", "."), autoescape=True, trim_blocks=True,
                              lstrip_blocks=True, undefined=StrictUndefined)
    environment.tests |= {"note": lambda part: isinstance(part, Note), "table": lambda part: isinstance(part, Table),
                          "picture": lambda part: isinstance(part, Picture)}
    environment.filters["told"] = lambda cell, language: cell[language] if isinstance(cell, Text) else cell
    site, found = facts.site, judge(facts)
    end = local_time(site, facts.period.end_ns) - timedelta(days=1)
    return environment.get_template("report.html").render(
        languages=LANGUAGES if language == BOTH else (language,), facts=facts, site=site, sections=sections(facts),
        findings=found[:_SHOWN], more=max(len(found) - _SHOWN, 0), weight=worst(found), headlines=_HEADLINES,
        weights=WEIGHTS, period=PERIODS[facts.period.name], first=f"{facts.period.days[0]}", last=f"{end:%Y-%m-%d}",
        until=stamp(site, facts.until_ns), made=stamp(site, made_ns), version=__version__, key=_key(facts), Text=Text)


def _key(facts: Facts) -> list[tuple[Text, Text | str]]:
    """The handful of numbers of the first page."""
    counts, presence = facts.per_day.sum(0).tolist(), facts.presence
    days = max((facts.until_ns - facts.start_ns) / 86.4e12, 1)
    share = presence.present / presence.expected if presence.expected else float("nan")
    return [(Text("red / orange alarms", "红色 / 橙色告警"), f"{counts[0]} / {counts[1]}"),
            (Text("alarms per day", "日均告警"), f"{sum(counts) / days:.1f}"),
            (Text("devices online", "设备在线率"), percent(presence.online)),
            (Text("gateway on watch", "网关值守"), percent(share)),
            (Text("proof tests overdue", "验证测试逾期"), str(sum(one.overdue for one in facts.proofs)))]

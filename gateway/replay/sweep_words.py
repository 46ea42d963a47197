"""What a sweep found, as text for the terminal and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median
from typing import Any

from gateway.model.signal import Signal
from gateway.model.site import Site
from gateway.model.text import Text
from gateway.replay.run_words import count_json, score_json
from gateway.replay.sweep import Result, Sweep
from gateway.replay.words import false_alarms, lead, span

_FIELDS = {"value": Text("set point", "设定值"), "deadband": Text("dead band", "回差"),
           "on_delay_s": Text("on-delay", "报警延时"), "off_delay_s": Text("off-delay", "恢复延时")}


def sweep_lines(site: Site, sweep: Sweep, results: Sequence[Result]) -> Iterator[Text]:
    signal = site.signal(sweep.signal)
    yield Text("{alarm}  {name}: {field} in {unit} (* as it is now)",
               "{alarm}  {name}：{field}，单位 {unit}（* 为当前设置）").format(
        alarm=sweep.alarm, name=signal.name, field=_FIELDS[sweep.field], unit=_unit(signal, sweep))
    head = Text("   setting  count  total active    longest", "      设置   次数      累计时长       最长")
    against = Text("  caught  lead (median)  near no event", "    发现  提前量（中位数）  与事件无关")
    yield head if results[0].score is None else Text(head.en + against.en, head.zh + against.zh)
    for result in results:
        row = (f"{'*' if result.setting == sweep.present else ' '} {result.setting:8g}  {result.count.count:5d}"
               f"  {span(result.count.active_s):>12}  {span(result.count.longest_s):>9}")
        if result.score is None:
            yield Text.same(row)
            continue
        leads = [catch.lead_s for catch in result.score.catches if catch.lead_s is not None]
        caught = f"{result.score.caught}/{len(result.score.catches)}"
        ahead = lead(median(leads)) if leads else Text.same("-")
        stray = false_alarms(result.score)
        yield Text(f"{row}  {caught:>6}  {ahead.en:>13}  {stray.en}", f"{row}  {caught:>6}  {ahead.zh:>14}  {stray.zh}")


def sweep_json(site: Site, sweep: Sweep, results: Sequence[Result]) -> dict[str, Any]:
    signal = site.signal(sweep.signal)
    return {"alarm": sweep.alarm, "field": sweep.field, "unit": _unit(signal, sweep), "now": sweep.present,
            "settings": [{"setting": one.setting} | count_json(one.count) | {
                "score": None if one.score is None else score_json(site, one.score)} for one in results]}


def _unit(signal: Signal, sweep: Sweep) -> str:
    if sweep.field in ("on_delay_s", "off_delay_s"):
        return "s"
    return f"{signal.unit}/s" if sweep.condition.startswith("ROC") else signal.unit

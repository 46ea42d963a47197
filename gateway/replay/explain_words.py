"""Why an alarm stood, as text for the terminal and as JSON."""

from __future__ import annotations

from typing import Any

from alerting.message import quantity
from gateway.model.clock import NS
from gateway.model.condition import LIMIT_CONDITIONS, Condition
from gateway.model.guidance import PART_NAMES, plain_parts
from gateway.model.quality import LABELS, code, severity
from gateway.model.signal import Signal
from gateway.model.text import Text
from gateway.replay.chart import chart
from gateway.replay.explain import Explanation
from gateway.replay.settings import measured
from gateway.replay.words import Lines, clock, evidence, evidence_json, iso, number

_LEVELS = (Condition.HIGH_HIGH, Condition.HIGH, Condition.LOW, Condition.LOW_LOW)


def explain_lines(found: Explanation) -> Lines:
    site, alarm = found.site, found.alarm
    yield Text("{id}  {name}", "{id}  {name}").format(id=alarm.id, name=alarm.name)
    if found.settings:
        yield Text("  " + ", ".join(one.en for one in found.settings),
                   "  " + "，".join(one.zh for one in found.settings))
    yield Text("", "")
    yield from verdict_lines(found)
    yield from found.reasons
    for name, part in plain_parts(alarm.guidance).items():
        yield Text(f"{PART_NAMES[name].en}: {part.en}", f"{PART_NAMES[name].zh}：{part.zh}")
    if found.last is not None and found.last.evidence:
        yield Text("", "")
        yield Text("Trace of the last time:", "上一次的依据：")
        yield from (evidence(site, line) for line in found.last.evidence)
    if len(found.plotted) > 1:
        yield Text("", "")
        yield from map(Text.same, _chart(found))
    for id, samples in found.samples.items():
        signal = site.signals[site.signals.index(id)]
        yield Text("", "")
        yield Text("{id} {name}, newest samples:", "{id} {name}，最近数据：").format(id=id, name=signal.name)
        for sample in samples:
            yield Text("  {time}  {value:>14}  {quality}", "  {time}  {value:>14}  {quality}").format(
                time=clock(site, sample.wall_ns), value=measured(signal, sample.value),
                quality=LABELS[code(sample.quality)])


def verdict_lines(found: Explanation) -> Lines:
    """Whether the condition stood at the instant, and since when."""
    site, alarm = found.site, found.alarm
    at, last = clock(site, found.at_wall_ns), found.last
    if found.at_wall_ns < found.asked_wall_ns:
        yield Text("The recording ends at {at}; judged there.", "记录到 {at} 为止，以该时刻判断。").format(at=at)
    if found.stands and last is not None:
        value = quantity(alarm, last.value) if alarm.condition in LIMIT_CONDITIONS else ""
        yield Text("At {at} the condition stood. It began at {since}{value}.",
                   "{at} 时条件成立。开始于 {since}{value}。").format(
            at=at, since=clock(site, last.wall_ns),
            value=Text(f" with {value}", f"，当时 {value}") if value else Text("", ""))
        if found.older:
            yield Text("That is near the first sample that was evaluated ({first}): it may be older. See --from.",
                       "该时刻接近所取数据的起点（{first}），实际可能更早；可用 --from 向前多取。").format(
                first=clock(site, found.first_wall_ns))
    elif found.stands:
        yield Text("At {at} the condition stood.", "{at} 时条件成立。").format(at=at)
    else:
        yield Text("At {at} the condition did not stand.", "{at} 时条件不成立。").format(at=at)
        if last is None:
            yield Text("It had not begun since {first}, where the evaluated data begin.",
                       "自所取数据起点 {first} 以来未曾成立。").format(first=clock(site, found.first_wall_ns))
        elif last.ended_wall_ns is not None:
            yield Text("The last time, it stood from {since} to {end}.", "上一次成立：{since} 至 {end}。").format(
                since=clock(site, last.wall_ns), end=clock(site, last.ended_wall_ns))
            if alarm.latch:
                yield Text("It latches: without an acknowledgement the alarm itself still counted as active.",
                           "该告警锁存：未经确认则告警本身仍算作活动状态。")


def explain_json(found: Explanation) -> dict[str, Any]:
    site, last = found.site, found.last
    return {
        "alarm": found.alarm.id, "name": found.alarm.name.both, "zone": site.timezone,
        "asked": iso(site, found.asked_wall_ns), "at": iso(site, found.at_wall_ns),
        "evaluated_from": iso(site, found.first_wall_ns), "stands": found.stands, "may_be_older": found.older,
        "last": last and {
            "began": iso(site, last.wall_ns), "value": number(last.value), "first_out": last.first_out,
            "ended": None if last.ended_wall_ns is None else iso(site, last.ended_wall_ns),
            "evidence": evidence_json(site, last.evidence)},
        "settings": [one.both for one in found.settings], "verdict": [one.both for one in verdict_lines(found)],
        "reasons": [one.both for one in found.reasons], "plot": _plot(found) if len(found.plotted) > 1 else None,
        "samples": {id: [{"time": iso(site, one.wall_ns), "value": number(one.value),
                          "quality": code(one.quality).name.lower()} for one in samples]
                    for id, samples in found.samples.items()},
    }


def _plot(found: Explanation) -> dict[str, Any]:
    """The curve of the signal itself, in columns. t_ms: Unix time, UTC."""
    signal, samples = _plotted_signal(found), found.plotted
    return {"signal": signal.id, "unit": signal.unit, "decimals": signal.decimals, "limits": _levels(signal),
            "t_ms": [one.wall_ns // 1_000_000 for one in samples], "value": [number(one.value) for one in samples],
            "good": [severity(one.quality) == "good" for one in samples]}


def _chart(found: Explanation) -> list[str]:
    signal, samples = _plotted_signal(found), found.plotted
    return chart([one.wall_ns / NS for one in samples], [one.value for one in samples],
                 [severity(one.quality) == "good" for one in samples], _levels(signal),
                 (clock(found.site, samples[0].wall_ns), clock(found.site, samples[-1].wall_ns)), signal.decimals)


def _plotted_signal(found: Explanation) -> Signal:
    return found.site.signals[found.site.signals.index(found.alarm.origin)]


def _levels(signal: Signal) -> dict[str, float]:
    return {str(limit.condition): limit.value for limit in signal.limits if limit.condition in _LEVELS}

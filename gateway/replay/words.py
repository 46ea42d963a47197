"""What replay, back-test and explain found, as text for the terminal and as JSON."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from alerting import proof
from alerting.engine import Transition
from alerting.lifecycle import Event
from alerting.message import local_time, quantity, title
from gateway.model.clock import NS
from gateway.model.guidance import PART_NAMES, plain_parts
from gateway.model.quality import LABELS, code, severity
from gateway.model.signal import LIMIT_CONDITIONS, Condition, Signal
from gateway.model.site import Site
from gateway.model.text import Text
from gateway.model.verdict import Evidence
from gateway.replay.chart import chart
from gateway.replay.count import DAY_S, Count, Difference, Flood, Score, counts, definition, differences, floods
from gateway.replay.explain import Explanation, measured, settings
from gateway.replay.run import Outcome

Lines = Iterator[Text]


def replay_lines(outcome: Outcome, score: Score | None, *, alarms: bool = True) -> Lines:
    site = outcome.site
    yield from _about(outcome)
    if alarms:
        yield Text("", "")
        for transition in outcome.transitions:
            yield from _transition_lines(site, transition)
    found = counts(outcome)
    yield Text("", "")
    if not found:
        yield Text("No alarm would have come.", "不会有任何告警。")
    else:
        yield Text("count  total active    longest  first-out  in floods  alarm",
                   " 次数      累计时长       最长     首发     洪泛  告警")
        for count in sorted(found.values(), key=lambda count: -count.count):
            alarm = site.alarms.get(count.alarm)
            assert alarm is not None
            yield Text("{count:5d}  {active:>12}  {longest:>9}  {first:9d}  {floods:9d}  {id}  {name}{stands}",
                       "{count:5d}  {active:>12}  {longest:>9}  {first:7d}  {floods:7d}  {id}  {name}{stands}").format(
                count=count.count, active=span(count.active_s), longest=span(count.longest_s), first=count.first_outs,
                floods=count.floods, id=count.alarm, name=alarm.name,
                stands=Text(" (stands at the end)", "（结束时仍在报警）") if count.standing else Text("", ""))
    yield from _flood_lines(site, floods(outcome.occurrences))
    if outcome.strokes:
        yield Text("", "")
        yield Text("Shut-downs and tests:", "切断与测试记录：")
        for stroke in {stroke.key: stroke for stroke in outcome.strokes}.values():  # of each the last word
            yield Text("  {time}  {words}", "  {time}  {words}").format(
                time=clock(site, stroke.wall_ns), words=proof.words(stroke))
    if score is not None:
        yield Text("", "")
        yield from _score_lines(site, score)
    yield from _not_judged_lines(outcome)


def backtest_lines(before: Outcome, after: Outcome, names: tuple[str, str],
                   scores: tuple[Score, Score] | None) -> Lines:
    """names: of the two site files, before and after."""
    yield from _about(after)
    yield Text("before: {before}    would be: {after}", "原配置：{before}    新配置：{after}").format(
        before=names[0], after=names[1])
    yield Text("", "")
    changed = [one for one in differences(before, after) if one.changed]
    for one in changed:
        yield from _difference_lines(one, before, after, scores)
    same = len(differences(before, after)) - len(changed)
    if same:
        yield Text("{n} other alarm(s) would have come exactly as before.",
                   "其余 {n} 个告警与原配置完全相同。").format(n=same)
    if not changed and not same:
        yield Text("Neither would have raised any alarm.", "两份配置都不会产生告警。")
    old, new = _called(before), _called(after)
    yield Text("In all: {new} alarms that call people (before {old}), {nf} floods (before {of}).",
               "合计：需呼叫人员的告警 {new} 次（原 {old} 次），告警洪泛 {nf} 次（原 {of} 次）。").format(
        new=new, old=old, nf=len(floods(after.occurrences)), of=len(floods(before.occurrences)))
    if scores is not None:
        yield Text("", "")
        yield from _score_change_lines(*scores)
    yield from _not_judged_lines(after)


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
        yield from (_evidence(site, line) for line in found.last.evidence)
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


# -- JSON --------------------------------------------------------------------------------------------------------------

def replay_json(outcome: Outcome, score: Score | None) -> dict[str, Any]:
    site = outcome.site
    return {
        "site": site.id, "zone": site.timezone, "from": _iso(site, outcome.first_wall_ns),
        "to": _iso(site, outcome.last_wall_ns), "watched_s": outcome.watched_s,
        "samples": outcome.samples, "late": outcome.late,
        "signals_recorded": outcome.recorded, "signals": len(site.signals), "outages": outcome.outages,
        "alarms": [{
            "alarm": one.alarm, "event": "raise" if one.event is Event.RAISE else "return",
            "time": _iso(site, one.wall_ns), "value": _number(one.value), "first_out": one.first_out,
            "priority": _definition(site, one.alarm).priority.name, "title": _both(
                title(site, _definition(site, one.alarm), one)),
            "evidence": [{"time": _iso(site, line.wall_ns), "signal": line.signal, "value": _number(line.value),
                          "note": _both(line.note)} for line in one.evidence]} for one in outcome.transitions],
        "counts": [count_json(count) for count in counts(outcome).values()],
        "floods": [{"from": _iso(site, flood.first_wall_ns), "to": _iso(site, flood.last_wall_ns),
                    "alarms": list(flood.alarms)} for flood in floods(outcome.occurrences)],
        "score": None if score is None else score_json(site, score),
        "not_judged": {alarm: list(missing) for alarm, missing in outcome.not_judged.items()},
        "failures": list(outcome.failures),
    }


def backtest_json(before: Outcome, after: Outcome, names: tuple[str, str],
                  scores: tuple[Score, Score] | None) -> dict[str, Any]:
    return {
        "before": {"file": names[0], **replay_json(before, scores and scores[0])},
        "after": {"file": names[1], **replay_json(after, scores and scores[1])},
        "differences": [{
            "alarm": one.alarm, "changed": one.changed, "before": one.before and count_json(one.before),
            "after": one.after and count_json(one.after), "new": one.new, "gone": one.gone,
            "earlier_s": one.earlier_s} for one in differences(before, after)],
    }


def explain_json(found: Explanation) -> dict[str, Any]:
    site, last = found.site, found.last
    return {
        "alarm": found.alarm.id, "name": _both(found.alarm.name), "zone": site.timezone,
        "asked": _iso(site, found.asked_wall_ns), "at": _iso(site, found.at_wall_ns),
        "evaluated_from": _iso(site, found.first_wall_ns), "stands": found.stands, "may_be_older": found.older,
        "last": last and {
            "began": _iso(site, last.wall_ns), "value": _number(last.value), "first_out": last.first_out,
            "ended": None if last.ended_wall_ns is None else _iso(site, last.ended_wall_ns),
            "evidence": [{"time": _iso(site, line.wall_ns), "signal": line.signal, "value": _number(line.value),
                          "note": _both(line.note)} for line in last.evidence]},
        "settings": [_both(one) for one in found.settings], "verdict": [_both(one) for one in verdict_lines(found)],
        "reasons": [_both(one) for one in found.reasons], "plot": _plot(found) if len(found.plotted) > 1 else None,
        "samples": {id: [{"time": _iso(site, one.wall_ns), "value": _number(one.value),
                          "quality": code(one.quality).name.lower()} for one in samples]
                    for id, samples in found.samples.items()},
    }


def count_json(count: Count) -> dict[str, Any]:
    return {"alarm": count.alarm, "count": count.count, "active_s": count.active_s, "longest_s": count.longest_s,
            "first_outs": count.first_outs, "floods": count.floods, "standing": count.standing}


def score_json(site: Site, score: Score) -> dict[str, Any]:
    return {"caught": score.caught, "events": [{
        "name": one.event.name, "time": _iso(site, one.event.wall_ns), "within_s": one.event.within_s,
        "caught": one.caught, "lead_s": one.lead_s, "alarms": one.leads_s} for one in score.catches],
        "false_alarms": score.false_alarms, "false_per_day": score.false_per_day}


# -- parts -------------------------------------------------------------------------------------------------------------

def _about(outcome: Outcome) -> Lines:
    site = outcome.site
    yield Text("{name} ({id}): {start} to {end} ({zone}), {samples:,} samples, {known} of {all} signals",
               "{name}（{id}）：{start} 至 {end}（{zone}），{samples:,} 个数据，{known}/{all} 个信号有记录").format(
        name=site.name, id=site.id, start=clock(site, outcome.first_wall_ns), end=clock(site, outcome.last_wall_ns),
        zone=site.timezone, samples=outcome.samples, known=outcome.recorded, all=len(site.signals))
    if outcome.outages:
        yield Text("{n} outage(s) of the gateway in it: silence meanwhile is nobody's fault",
                   "其间网关停运 {n} 次，停运期间的无数据不计为中断").format(n=outcome.outages)
    if outcome.late:
        yield Text("{n:,} samples came later than newer ones of their signal and were not evaluated, as live",
                   "{n:,} 个数据晚于同一信号的更新数据到达，与实时运行一样未参与评估").format(n=outcome.late)
    for failure in outcome.failures:
        yield Text("A DETECTOR FAILED, the result is not complete: {failure}",
                   "检测程序出错，结果不完整：{failure}").format(failure=failure)


def _transition_lines(site: Site, one: Transition) -> Lines:
    alarm = _definition(site, one.alarm)
    raised = one.event is Event.RAISE
    opening = Text("ALARM", "告警") if raised else Text("ended", "结束")
    what = title(site, alarm, one) if raised else alarm.name
    mark = Text("  [first-out]", "  [首发]") if raised and one.first_out else Text("", "")
    yield Text("{time}  {opening}  {what}{mark}  ({id})", "{time}  {opening}  {what}{mark}  ({id})").format(
        time=clock(site, one.wall_ns), opening=opening, what=what, mark=mark, id=one.alarm)
    if raised:
        yield from (_evidence(site, line) for line in one.evidence)


def _evidence(site: Site, line: Evidence) -> Text:
    value = f" {line.value:g}" if math.isfinite(line.value) else ""
    return Text("      {time} {signal}{value}: {note}", "      {time} {signal}{value}：{note}").format(
        time=clock(site, line.wall_ns), signal=line.signal, value=value, note=line.note)


def _flood_lines(site: Site, found: Sequence[Flood]) -> Lines:
    for flood in found:
        yield Text("Flood: more than 10 alarms in 10 minutes, {start} to {end}: {alarms}",
                   "告警洪泛：10 分钟内超过 10 个告警，{start} 至 {end}：{alarms}").format(
            start=clock(site, flood.first_wall_ns), end=clock(site, flood.last_wall_ns), alarms=", ".join(flood.alarms))


def _score_lines(site: Site, score: Score) -> Lines:
    yield Text("Events: {caught} of {all} caught; alarms near no event: {false}",
               "事件：{all} 个中发现 {caught} 个；与事件无关的告警：{false}").format(
        caught=score.caught, all=len(score.catches), false=false_alarms(score))
    for catch in score.catches:
        if not catch.caught:
            yield Text("  {time}  {name}: missed", "  {time}  {name}：未发现").format(
                time=clock(site, catch.event.wall_ns), name=catch.event.name)
        for alarm, ahead in catch.leads_s.items():
            yield Text("  {time}  {name}: {alarm} {lead}", "  {time}  {name}：{alarm} {lead}").format(
                time=clock(site, catch.event.wall_ns), name=catch.event.name, alarm=alarm, lead=lead(ahead))


def _difference_lines(one: Difference, before: Outcome, after: Outcome, scores: tuple[Score, Score] | None) -> Lines:
    """In words: "GD-03/H would have alarmed 37 times (before 12), 2 floods; 41 s earlier"."""
    alarm = definition(one, before, after)
    yield Text("{id}  {name}", "{id}  {name}").format(id=one.alarm, name=alarm.name)
    was, would = _setting(before.site, one.alarm), _setting(after.site, one.alarm)
    if was != would:
        yield Text("    before: {was}; would be: {would}", "    原：{was}；新：{would}").format(
            was=was or _NONE, would=would or _NONE)
    if one.after is None:
        assert one.before is not None
        yield Text("    would no longer exist (before: alarmed {n})", "    将不再存在（原告警 {n}）").format(
            n=_times(one.before.count))
        return
    yield Text("    would have alarmed: {n} ({before}), {active} in all ({was}), {floods} floods ({had})",
               "    会告警 {n}（{before}），累计 {active}（{was}），洪泛 {floods} 次（{had}）").format(
        n=_times(one.after.count), active=span(one.after.active_s), floods=one.after.floods,
        before=_before(one.before and one.before.count), was=_before(one.before and span(one.before.active_s)),
        had=_before(one.before and one.before.floods))
    if one.before is not None and (one.new or one.gone):
        yield Text("    {new} of them new, {gone} of those before missed",
                   "    其中新增 {new} 次，原有 {gone} 次将漏报").format(
            new=one.new, gone=one.gone)
    if one.earlier_s:
        yield Text("    {earlier} than before (median)", "    比原来{earlier}（中位数）").format(
            earlier=_earlier(one.earlier_s))
    for old, new in zip(*(score.catches for score in scores), strict=True) if scores else ():
        yield from _event_change(old.event.name, old.leads_s.get(one.alarm), new.leads_s.get(one.alarm))


def _event_change(name: str, old: float | None, new: float | None) -> Lines:
    if old is not None and new is None:
        yield Text("    {name}: missed (before: {old})", "    {name}：未发现（原：{old}）").format(
            name=name, old=lead(old))
    elif new is not None and old is None:
        yield Text("    {name}: caught, {new} (before: missed)", "    {name}：发现，{new}（原：未发现）").format(
            name=name, new=lead(new))
    elif new is not None and old is not None and new != old:
        yield Text("    {name}: caught {earlier}", "    {name}：发现{earlier}").format(
            name=name, earlier=_earlier(new - old))


def _score_change_lines(old: Score, new: Score) -> Lines:
    yield Text("Events: {new} of {all} caught (before {old}); alarms near no event: {false} (before {was})",
               "事件：{all} 个中发现 {new} 个（原 {old} 个）；与事件无关的告警：{false}（原 {was}）").format(
        new=new.caught, all=len(new.catches), old=old.caught, false=false_alarms(new), was=false_alarms(old))
    for was, would in zip(old.catches, new.catches, strict=True):
        if was.lead_s == would.lead_s and was.lead_s is not None:
            yield Text("    {name}: as before, {lead}", "    {name}：与原来相同，{lead}").format(
                name=was.event.name, lead=lead(was.lead_s))
        elif was.lead_s is None and would.lead_s is None:
            yield Text("    {name}: missed by both", "    {name}：两者均未发现").format(name=was.event.name)
        else:
            yield from _event_change(was.event.name, was.lead_s, would.lead_s)


def _not_judged_lines(outcome: Outcome) -> Lines:
    missing = sorted({signal for signals in outcome.not_judged.values() for signal in signals})
    if missing:
        yield Text("", "")
        yield Text("Not judged: {n} alarm(s), for these signals were not recorded: {missing}",
                   "未评估：{n} 个告警，因以下信号没有记录：{missing}").format(
            n=len(outcome.not_judged), missing=", ".join(missing))


_NONE = Text("none", "无")


def _plot(found: Explanation) -> dict[str, Any]:
    """The curve of the signal itself, in columns. t_ms: Unix time, UTC."""
    signal, samples = _plotted_signal(found), found.plotted
    return {"signal": signal.id, "unit": signal.unit, "decimals": signal.decimals, "limits": _levels(signal),
            "t_ms": [one.wall_ns // 1_000_000 for one in samples], "value": [_number(one.value) for one in samples],
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


_LEVELS = (Condition.HIGH_HIGH, Condition.HIGH, Condition.LOW, Condition.LOW_LOW)


def _setting(site: Site, alarm: str) -> Text | None:
    found = site.alarms.get(alarm)
    words = list(settings(site, found)) if found else []
    return Text(", ".join(one.en for one in words), "，".join(one.zh for one in words)) if words else None


def _definition(site: Site, alarm: str):
    found = site.alarms.get(alarm)
    assert found is not None
    return found


def _called(outcome: Outcome) -> int:
    return sum(one.called for one in outcome.occurrences)


def _before(figure: object) -> Text:
    return Text("before: no such alarm", "原无此告警") if figure is None else Text(f"before {figure}", f"原 {figure}")


def false_alarms(score: Score) -> Text:
    """A rate by the day is said only of a day or more."""
    if score.watched_s < DAY_S:
        return Text(f"{score.false_alarms} in {span(score.watched_s)}",
                    f"{span(score.watched_s)} 内 {score.false_alarms} 次")
    return Text(f"{score.false_alarms}, {score.false_per_day:.2f} a day",
                f"{score.false_alarms} 次，每天 {score.false_per_day:.2f} 次")


def _times(count: int) -> Text:
    return Text("never" if not count else "once" if count == 1 else f"{count} times", f"{count} 次")


def lead(seconds: float) -> Text:
    if seconds >= 0:
        return Text(f"{span(seconds)} before it", f"提前 {span(seconds)}")
    return Text(f"{span(-seconds)} after it", f"滞后 {span(-seconds)}")


def _earlier(seconds: float) -> Text:
    if seconds >= 0:
        return Text(f"{span(seconds)} earlier", f"提早 {span(seconds)}")
    return Text(f"{span(-seconds)} later", f"推迟 {span(-seconds)}")


def span(seconds: float) -> str:
    """"41.0 s", "12 min", "3.5 h"; units that read the same in both languages."""
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def clock(site: Site, wall_ns: int) -> str:
    """The site's own time."""
    return f"{local_time(site, wall_ns):%Y-%m-%d %H:%M:%S.%f}"[:-5]


def _iso(site: Site, wall_ns: int) -> str:
    return local_time(site, wall_ns).isoformat()


def _both(text: Text) -> dict[str, str]:
    return {"en": text.en, "zh": text.zh}


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def told(lines: Iterable[Text], language: str) -> str:
    return "\n".join(line[language] for line in lines)

"""What a replay found, as text for the terminal and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from alerting import proof
from alerting.engine import Transition
from alerting.lifecycle import Event
from alerting.message import title
from gateway.model.alarm import AlarmDefinition
from gateway.model.site import Site
from gateway.model.text import Text
from gateway.replay.count import Count, Flood, Score, counts, floods
from gateway.replay.run import Outcome
from gateway.replay.words import Lines, clock, evidence, evidence_json, false_alarms, iso, lead, number, span


def replay_lines(outcome: Outcome, score: Score | None, *, alarms: bool = True) -> Lines:
    site = outcome.site
    yield from about(outcome)
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
    yield from not_judged_lines(outcome)


def replay_json(outcome: Outcome, score: Score | None) -> dict[str, Any]:
    site = outcome.site
    return {
        "site": site.id, "zone": site.timezone, "from": iso(site, outcome.first_wall_ns),
        "to": iso(site, outcome.last_wall_ns), "watched_s": outcome.watched_s,
        "samples": outcome.samples, "late": outcome.late,
        "signals_recorded": outcome.recorded, "signals": len(site.signals), "outages": outcome.outages,
        "alarms": [{
            "alarm": one.alarm, "event": "raise" if one.event is Event.RAISE else "return",
            "time": iso(site, one.wall_ns), "value": number(one.value), "first_out": one.first_out,
            "priority": _definition(site, one.alarm).priority.name,
            "title": title(site, _definition(site, one.alarm), one).both,
            "evidence": evidence_json(site, one.evidence)} for one in outcome.transitions],
        "counts": [count_json(count) for count in counts(outcome).values()],
        "floods": [{"from": iso(site, flood.first_wall_ns), "to": iso(site, flood.last_wall_ns),
                    "alarms": list(flood.alarms)} for flood in floods(outcome.occurrences)],
        "score": None if score is None else score_json(site, score),
        "not_judged": {alarm: list(missing) for alarm, missing in outcome.not_judged.items()},
        "failures": list(outcome.failures),
    }


def count_json(count: Count) -> dict[str, Any]:
    return {"alarm": count.alarm, "count": count.count, "active_s": count.active_s, "longest_s": count.longest_s,
            "first_outs": count.first_outs, "floods": count.floods, "standing": count.standing}


def score_json(site: Site, score: Score) -> dict[str, Any]:
    return {"caught": score.caught, "events": [{
        "name": one.event.name, "time": iso(site, one.event.wall_ns), "within_s": one.event.within_s,
        "caught": one.caught, "lead_s": one.lead_s, "alarms": one.leads_s} for one in score.catches],
        "false_alarms": score.false_alarms, "false_per_day": score.false_per_day}


def about(outcome: Outcome) -> Lines:
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
        yield from (evidence(site, line) for line in one.evidence)


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


def not_judged_lines(outcome: Outcome) -> Lines:
    missing = sorted({signal for signals in outcome.not_judged.values() for signal in signals})
    if missing:
        yield Text("", "")
        yield Text("Not judged: {n} alarm(s), for these signals were not recorded: {missing}",
                   "未评估：{n} 个告警，因以下信号没有记录：{missing}").format(
            n=len(outcome.not_judged), missing=", ".join(missing))


def _definition(site: Site, alarm: str) -> AlarmDefinition:
    found = site.alarms.get(alarm)
    assert found is not None
    return found

"""What is wrong, and how wrong: facts become findings, the gravest first. Pure.

The bounds are defaults of ours, EEMUA 191 as practice quotes it, or the national target for devices online."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Final

from alerting.figures.report import FLOOD_TARGET, PEAK_TARGET, RATE_TARGET
from gateway.historian.journal import JUDGED
from gateway.model.alarm import RISK_NAMES, Risk
from gateway.model.breach import stop_orders, without_video
from gateway.model.condition import Condition
from gateway.model.rules import Rule
from gateway.model.text import Text
from gateway.reporting.document import Finding, Weight
from gateway.reporting.facts import Episode, Facts
from gateway.reporting.words import name, percent, span, stamp

WHOLE: Final = 0.995  # of the time: the systems; of the minutes: data
FAULTY: Final = 0.01  # of the time: an instrument that can not be relied on
_NAMED: Final = 3  # of a kind, in a finding
SYSTEM_NAMES: Final = {"video": Text("Video", "视频监控"), "gas": Text("Gas detection", "气体检测"),
                       "shutoff": Text("Emergency shut-off", "紧急切断")}
_ORDER: Final = list(Weight)


def judge(facts: Facts) -> list[Finding]:
    found = [*_standing(facts), *_events(facts), *_red(facts), *_tests(facts), *_systems(facts), *_journal(facts),
             *_instruments(facts), *_data(facts), *_alarms(facts)]
    return sorted(found, key=lambda one: _ORDER.index(one.weight))


def worst(findings: Iterable[Finding]) -> Weight:
    return min((one.weight for one in findings), key=_ORDER.index, default=Weight.GOOD)


def of_condition(facts: Facts, *conditions: Condition) -> list[Episode]:
    return [one for one in facts.episodes if (alarm := facts.site.alarms.get(one.alarm)) is not None
            and alarm.condition in conditions]


def of_rules(facts: Facts, rules: Iterable[Rule]) -> list[Episode]:
    ids = {rule.id for rule in rules}
    return [one for one in facts.episodes if one.alarm in ids]


def _standing(facts: Facts) -> Iterator[Finding]:
    """Alarms that nobody has cured until the end."""
    for risk, weight in ((Risk.RED, Weight.WRONG), (Risk.ORANGE, Weight.WRONG), (Risk.YELLOW, Weight.WATCH)):
        open_now = [one for one in facts.episodes if one.ended_ns is None and _risk(facts, one) is risk]
        if open_now:
            yield Finding(weight, Text("{n} {colour} alarms stand at the end: {names}",
                                       "期末仍有 {n} 个{colour}告警：{names}").format(
                n=len(open_now), colour=RISK_NAMES[risk], names=_names(facts, open_now)))


def _events(facts: Facts) -> Iterator[Finding]:
    site = facts.site
    for episodes, weight, en, zh in (
            (of_condition(facts, Condition.BLIND), Weight.WRONG, "Areas without any working gas detector: {n} ×, {time} in all",
             "区域气体检测全部失效 {n} 次，共 {time}"),
            (of_condition(facts, Condition.SHUTDOWN), Weight.WRONG, "Shut-downs that were not verified: {n}",
             "切断动作未得到确认 {n} 次"),
            (of_rules(facts, stop_orders(site)), Weight.WRONG, "Work against a stop order or without a permit: {n} ×, {time} in all",
             "违反停产指令或许可条件作业 {n} 次，共 {time}"),
            (of_rules(facts, without_video(site)), Weight.WRONG, "Work without video: {n} ×, {time} in all",
             "无视频监控作业 {n} 次，共 {time}"),
            (of_condition(facts, Condition.HEADCOUNT), Weight.WATCH, "Too many people in an area: {n} ×, {time} in all",
             "区域人数超限 {n} 次，共 {time}")):
        if episodes:
            yield Finding(weight, Text("{what}: {names}", "{what}：{names}").format(
                what=Text(en, zh).format(n=len(episodes), time=_total(facts, episodes)), names=_listed(facts, episodes)))


def _red(facts: Facts) -> Iterator[Finding]:
    """Danger to life that is over: it is no longer there, and it must not be overlooked."""
    said = {id(one) for episodes in (
        of_condition(facts, Condition.BLIND, Condition.SHUTDOWN, Condition.HEADCOUNT),
        of_rules(facts, stop_orders(facts.site)), of_rules(facts, without_video(facts.site))) for one in episodes}
    over = [one for one in facts.episodes
            if one.ended_ns is not None and _risk(facts, one) is Risk.RED and id(one) not in said]
    if over:
        yield Finding(Weight.WATCH, Text("Red alarms that are over: {n}: {names}", "已恢复的红色告警 {n} 个：{names}").format(
            n=len(over), names=_listed(facts, over)))


def _tests(facts: Facts) -> Iterator[Finding]:
    overdue = [one for one in facts.proofs if one.overdue]
    if overdue:
        yield Finding(Weight.WRONG, Text("Proof tests overdue: {n}: {tests}", "验证测试逾期 {n} 项：{tests}").format(
            n=len(overdue), tests=_some(Text.same(f"{one.rule.id} ({one.test})") for one in overdue)))
    failed = [act for act in facts.acts if act.kind == "selftest" and act.passed is False]
    if failed:
        yield Finding(Weight.WATCH, Text(f"Self-tests of the alarm chain that failed: {len(failed)}",
                                         f"告警链路自检未通过 {len(failed)} 次"))


def _systems(facts: Facts) -> Iterator[Finding]:
    for system, found in facts.systems.items():
        if found.share < WHOLE:
            yield Finding(Weight.WATCH, Text("{system} was whole {share} of the time (target {target})",
                                             "{system}完好率 {share}（目标 {target}）").format(
                system=SYSTEM_NAMES[system], share=percent(found.share), target=percent(WHOLE, 1)))


def _journal(facts: Facts) -> Iterator[Finding]:
    if facts.chain is not None and not facts.chain.examination.sound:
        yield Finding(Weight.WRONG, Text("The journal was tampered with: {n} rows are not as they were written",
                                         "日志被改动：{n} 行与写入时不一致").format(n=facts.chain.examination.wrong))


def _instruments(facts: Facts) -> Iterator[Finding]:
    length_s = (facts.until_ns - facts.start_ns) / 1e9
    faulty = [(seconds, signal) for signal, seconds in fault_seconds(facts).items() if seconds > FAULTY * length_s]
    if faulty:
        yield Finding(Weight.WATCH, Text("Instruments faulty for more than {share} of the time: {n}: {names}",
                                         "故障时间超过 {share} 的仪表 {n} 台：{names}").format(
            share=percent(FAULTY, 0), n=len(faulty),
            names=_some(Text("{id} ({time})", "{id}（{time}）").format(id=id, time=span(seconds))
                        for seconds, id in sorted(faulty, reverse=True))))


def fault_seconds(facts: Facts) -> dict[str, float]:
    """Signal -> time in which at least one of its sensor faults stood."""
    spans: dict[str, list[tuple[int, int]]] = {}
    for one in facts.episodes:
        alarm = facts.site.alarms.get(one.alarm)
        if alarm is not None and alarm.condition in JUDGED and alarm.origin in facts.site.signals:
            end = facts.until_ns if one.ended_ns is None else one.ended_ns
            spans.setdefault(alarm.origin, []).append((max(one.begun_ns, facts.start_ns), end))
    return {signal: _union_ns(found) / 1e9 for signal, found in spans.items()}


def _union_ns(spans: list[tuple[int, int]]) -> int:
    total, reached = 0, 0
    for start, end in sorted(spans):
        total += max(end - max(start, reached), 0)
        reached = max(reached, end)
    return total


def _data(facts: Facts) -> Iterator[Finding]:
    presence = facts.presence
    if presence.gaps:
        longest = max(presence.gaps, key=lambda gap: gap[1])
        share = presence.present / max(presence.expected, 1)
        yield Finding(Weight.WATCH if share >= WHOLE else Weight.WRONG, Text(
            "The gateway did not watch for {time} in all (gaps: {n}; the longest from {at}, {longest})",
            "网关累计 {time} 未监测（{n} 段；最长一段自 {at} 起，{longest}）").format(
            time=span(60 * (presence.expected - presence.present)), n=len(presence.gaps),
            at=stamp(facts.site, longest[0]), longest=span(60 * longest[1])))
    if presence.untrusted:
        yield Finding(Weight.WATCH, Text("The clock was not trusted for {time}", "时钟不可信 {time}").format(
            time=span(60 * presence.untrusted)))
    target = facts.site.online_target / 100
    if not math.isnan(presence.online) and presence.online < target:
        yield Finding(Weight.WATCH, Text("Devices online: {share} (target {target})", "设备在线率 {share}（目标 {target}）").format(
            share=percent(presence.online), target=percent(target, 1)))


def _alarms(facts: Facts) -> Iterator[Finding]:
    """An operator who hears too much hears nothing."""
    figures = facts.figures
    for value, target, text in (
            (figures.average, RATE_TARGET, Text("Alarms per 10 minutes and operator: {value:.2f} (at most {target:g})",
                                                "每人每 10 分钟告警 {value:.2f} 次（不超过 {target:g}）")),
            (figures.peak, PEAK_TARGET, Text("Most alarms in 10 minutes: {value:g} (at most {target:g})",
                                             "10 分钟最多告警 {value:g} 次（不超过 {target:g}）")),
            (100 * figures.flood_share, 100 * FLOOD_TARGET, Text(
                "Time in alarm floods: {value:.1f} % (at most {target:g} %)", "告警洪泛时间 {value:.1f} %（不超过 {target:g} %）"))):
        if value > target:
            yield Finding(Weight.WATCH, text.format(value=value, target=target))
    if figures.chattered:
        yield Finding(Weight.WATCH, Text("Chattering alarms: {n}: {names}", "频繁抖动的告警 {n} 个：{names}").format(
            n=len(figures.chattered), names=_some(name(facts.site, alarm) for alarm, _ in figures.chattered)))


def _risk(facts: Facts, one: Episode) -> Risk | None:
    alarm = facts.site.alarms.get(one.alarm)
    return None if alarm is None else alarm.risk


def _total(facts: Facts, episodes: Iterable[Episode]) -> Text:
    return span(sum(one.seconds(facts.start_ns, facts.until_ns) for one in episodes))


def _names(facts: Facts, episodes: Iterable[Episode]) -> Text:
    return _some(Text("{name} (since {at})", "{name}（自 {at} 起）").format(
        name=name(facts.site, one.alarm), at=stamp(facts.site, one.begun_ns)) for one in episodes)


def _listed(facts: Facts, episodes: Iterable[Episode]) -> Text:
    """The longest first."""
    longest = sorted(((one.seconds(facts.start_ns, facts.until_ns), one) for one in episodes), key=lambda one: -one[0])
    return _some(Text("{name} ({at}, {time})", "{name}（{at}，{time}）").format(
        name=name(facts.site, one.alarm), at=stamp(facts.site, one.begun_ns), time=span(seconds))
        for seconds, one in longest)


def _some(texts: Iterable[Text]) -> Text:
    """The first few, and that there are more."""
    texts = list(texts)
    more = len(texts) - _NAMED
    shown = [*texts[:_NAMED], *([Text(f"and {more} more", f"另有 {more} 个")] if more > 0 else [])]
    return Text("; ".join(one.en for one in shown), "；".join(one.zh for one in shown))

"""What the site file says of one alarm, in sentences: set points, delays, what is learnt, who votes."""

from __future__ import annotations

import math
from collections.abc import Iterator

from gateway.model.alarm import RISK_NAMES, AlarmDefinition
from gateway.model.condition import FAULT_KINDS, LIMIT_CONDITIONS, Condition
from gateway.model.learnt import Faults
from gateway.model.rules import Degraded, ResponseTest, Rule, ShutdownVerification, Side, Vote
from gateway.model.signal import HeadCount, Limit, Reference, Signal
from gateway.model.site import Site
from gateway.model.site_alarms import risk_alarm
from gateway.model.text import Text


def measured(signal: Signal, value: float | None) -> str:
    """"43.2 %LEL"; "-" for no number."""
    if value is None or not math.isfinite(value):
        return "-"
    return f"{value:.{signal.decimals}f} {signal.unit}".rstrip()


def settings(site: Site, alarm: AlarmDefinition) -> Iterator[Text]:
    """What the site file says of this alarm, piece by piece."""
    yield from _devices_words(site, alarm)
    if alarm.origin in site.signals:
        yield from _signal_words(site.signal(alarm.origin), alarm)
    yield from _area_words(site, alarm)
    for group in site.groups:
        if alarm.condition == Condition.GROUP and group.id == alarm.origin:
            yield Text("means over {every:g} s of {signals}; {blunt:g} times the bound learnt over {learn:g} s of "
                       "commissioning",
                       "{signals} 的 {every:g} 秒均值；超过投运学习（{learn:g} 秒）所得界限的 {blunt:g} 倍").format(
                every=group.every_s, signals=", ".join(group.signals), blunt=group.blunt, learn=group.learn_s)
    for rule in site.rules:
        if rule.id == alarm.origin:
            yield from _rule_words(rule, alarm)


def _devices_words(site: Site, alarm: AlarmDefinition) -> Iterator[Text]:
    if alarm.condition == Condition.ONLINE:
        yield Text("fewer than {below:g} % of {n} devices give data", "{n} 台设备中有数据的不足 {below:g} %").format(
            below=site.online_below, n=len(site.devices))
    for device in site.devices:
        if alarm.id == f"{device.id}/{Condition.DEADMAN}":
            yield Text("none of {signals} for its own time", "{signals} 均超过各自的数据中断时限").format(
                signals=", ".join(device.signals))


def _area_words(site: Site, alarm: AlarmDefinition) -> Iterator[Text]:
    for area in site.areas:
        for lower, count, level in area.escalation.steps if area.escalation is not None else ():
            if alarm.id == risk_alarm(area.id, level):
                yield Text("{count} points of one kind at {lower} or above",
                           "{count} 个同类测点达到{lower}及以上").format(count=count, lower=RISK_NAMES[lower])


def _signal_words(signal: Signal, alarm: AlarmDefinition) -> Iterator[Text]:
    if signal.derived is not None:
        yield Text("calculated: {expression}", "计算公式：{expression}").format(expression=signal.derived)
    if alarm.condition in LIMIT_CONDITIONS and (limit := signal.limit(alarm.condition)):
        yield from _limit_words(signal, limit)
    elif signal.headcount and alarm.condition in (Condition.HEADCOUNT, Condition.FULL, Condition.MISMATCH):
        yield from _people_words(alarm.condition, signal.headcount)
    elif alarm.condition == Condition.STILL and (still := signal.still):
        yield Text("no change of more than {by:g} {unit} for {s:g} s", "{s:g} 秒内变化不超过 {by:g} {unit}").format(
            by=still.by, unit=signal.unit, s=still.after_s)
        if still.only_while:
            yield Text("only while {test}, or while that is not known", "仅在 {test} 或其状态不明时有效").format(
                test=still.only_while)
    elif alarm.condition == Condition.DEADMAN:
        yield Text("no new good sample for {s:g} s", "{s:g} 秒无新的有效数据").format(s=signal.deadman_s)
    elif alarm.condition == Condition.STUCK and signal.stuck_reads is not None:
        yield Text("{n} successful reads of one value, after the signal has shown motion",
                   "信号（或其同类测点）曾有变化，此后连续 {n} 次读数相同").format(n=signal.stuck_reads)
    elif alarm.condition in FAULT_KINDS and (faults := signal.faults):
        yield from _fault_words(alarm.condition, faults)
    elif alarm.condition == Condition.TREND and (trend := signal.trend):
        yield Text("at its pace over {window:g} s it would reach {to} ({limit}) within {horizon:g} s",
                   "按 {window:g} 秒内的变化速度，{horizon:g} 秒内将达到 {to}（{limit}）").format(
            window=trend.window_s, to=trend.to, limit=measured(signal, alarm.limit), horizon=trend.horizon_s)
    elif alarm.condition == Condition.ANOMALY and (baseline := signal.baseline):
        yield Text("means over {every:g} s, {blunt:g} times the bound of what was learnt as usual",
                   "{every:g} 秒均值，超过所学正常界限的 {blunt:g} 倍").format(
            every=baseline.every_s, blunt=baseline.blunt)
    elif alarm.condition == Condition.PROFILE and (profile := signal.profile):
        yield Text("means over {every:g} s above {above:.0%} of its usual range, after {idle:g} s without any, "
                   "at an hour of the week at which it hardly ever begins",
                   "{every:g} 秒均值超过正常范围的 {above:.0%}，此前空载 {idle:g} 秒，且每周此时段极少启动").format(
            every=profile.every_s, above=profile.above, idle=profile.idle_s)
    elif alarm.condition == Condition.LOAD and (share := signal.share):
        yield Text("share of {of} over {every:g} s, more than {up:.0%} above or {down:.0%} below the usual one",
                   "{every:g} 秒内占 {of} 的比例，高于平常 {up:.0%} 或低于平常 {down:.0%}").format(
            of=share.of, every=share.every_s, up=share.up, down=share.down)
    elif alarm.condition == Condition.INHIBIT and (status := signal.status):
        yield Text("{signal} reads one of {numbers}", "{signal} 读数为 {numbers} 之一").format(
            signal=status.signal, numbers=", ".join(map(str, status.out_of_service)))
    elif alarm.condition == Condition.OVER_RANGE:
        yield Text("a reading beyond {high}, the top of its range; it waits for a person",
                   "读数超出量程上限 {high}；须人工确认").format(high=measured(signal, signal.high))
    elif alarm.condition == Condition.INVALID and signal.low is not None and signal.high is not None:
        yield Text("measuring range {low} to {high}", "量程 {low} 至 {high}").format(
            low=measured(signal, signal.low), high=measured(signal, signal.high))


def _rule_words(rule: Rule, alarm: AlarmDefinition) -> Iterator[Text]:
    if isinstance(rule, ShutdownVerification):
        yield Text("command {command}; all of {feedback} within {s:g} s",
                   "指令 {command}；{s:g} 秒内须满足 {feedback}").format(
            command=rule.command, feedback=", ".join(map(str, rule.feedback)), s=rule.stroke_time_s)
        if rule.effect:
            yield Text("then all of {effect} within {s:g} s", "随后 {s:g} 秒内须满足 {effect}").format(
                effect=", ".join(map(str, rule.effect)), s=rule.effect_time_s)
    elif isinstance(rule, ResponseTest):
        yield Text("under {stimulus}, {response} within {s:g} s",
                   "在 {stimulus} 时，{s:g} 秒内应有 {response}").format(
            stimulus=rule.stimulus, response=rule.response, s=rule.within_s)
    elif isinstance(rule, Vote):
        yield from _vote_words(rule, alarm)
    else:
        yield Text("{when} without {requires}, for {s:g} s", "{when}，而{requires}未满足，持续 {s:g} 秒").format(
            when=_side(rule.when), requires=_side(rule.requires), s=rule.on_delay_s)


def _fault_words(condition: Condition, faults: Faults) -> Iterator[Text]:
    if condition is Condition.DROPOUT:
        yield Text("ten lost reads, at most three of one outage, less one for every ten good ones",
                   "累计丢失 10 次读数（每次中断最多计 3 次，每 10 次有效读数抵消 1 次）")
    elif condition is Condition.STUCK:
        yield Text("twice as many equal reads as in the longest honest rest, after {learn:g} s of learning",
                   "相同读数次数达到以往最长正常静止的两倍（学习 {learn:g} 秒之后）").format(learn=faults.learn_s)
    else:
        yield Text("means over {every:g} s, windows of {window:g} s, {blunt:g} times the bound of what was learnt as "
                   "usual", "{every:g} 秒均值，时间窗 {window:g} 秒，超过所学正常界限的 {blunt:g} 倍").format(
            every=faults.every_s, window=faults.window_s, blunt=faults.blunt)


def _side(side: Side) -> Text:
    tests = ", ".join(map(str, side.tests))
    if len(side.tests) == 1:
        return Text.same(tests)
    return Text(f"all of {tests}", f"{tests} 全部成立") if side.every else Text(f"any of {tests}", f"{tests} 任一成立")


def _vote_words(vote: Vote, alarm: AlarmDefinition) -> Iterator[Text]:
    words = {"m": vote.m, "n": len(vote.members), "members": ", ".join(map(str, vote.members)), "s": vote.on_delay_s,
             "bad": vote.bad_after_s}
    if alarm.condition == Condition.DEGRADED:
        yield Text("any of {members} not good for {bad:g} s", "{members} 中任一异常持续 {bad:g} 秒").format(**words)
        return
    yield Text("{m} of {n} true for {s:g} s: {members}", "{n} 个中有 {m} 个成立，持续 {s:g} 秒：{members}").format(
        **words)
    yield (Text("a member that is bad for {bad:g} s counts as a vote", "异常满 {bad:g} 秒的成员按投票计")
           if vote.degraded is Degraded.TRIP else
           Text("a member that is bad for {bad:g} s leaves the vote, and one vote less is needed",
                "异常满 {bad:g} 秒的成员退出表决，所需票数减 1")).format(**words)


def _people_words(condition: str, rule: HeadCount) -> Iterator[Text]:
    if condition == Condition.MISMATCH:
        yield Text("differs from {faces} by 1 or more", "与 {faces} 相差 1 人及以上").format(faces=rule.faces)
    else:
        limits = ", ".join(f"{kind:g}: {most}" for kind, most in rule.by_shift.items())
        yield Text("more than {most} people", "超过 {most} 人").format(most=rule.most) if not limits else Text(
            "people by kind of shift ({shift}) {limits}; {most} where it is not known",
            "按班次类型（{shift}）限人数 {limits}；类型不明时 {most}").format(
            shift=rule.shift, limits=limits, most=rule.most)
        if rule.exempt:
            yield Text("not counting {exempt}", "不计入 {exempt}").format(exempt=", ".join(rule.exempt))
        if rule.handover:
            yield Text("not while {test}, for {h:g} h at most", "{test} 时不触发，最长 {h:g} 小时").format(
                test=rule.handover, h=rule.handover_s / 3600)
    yield Text("on-delay {s:g} s", "动作延时 {s:g} 秒").format(s=rule.on_delay_s)


def _reference(reference: Reference) -> Text:
    median = Text("the median of {it}", "{it} 的中位数") if len(reference.signals) > 1 else Text("{it}", "{it}")
    return median.format(it=reference)


def _limit_words(signal: Signal, limit: Limit) -> Iterator[Text]:
    unit = f"{signal.unit}/s" if limit.window_s else signal.unit
    yield Text("set point {value:g} {unit}", "设定值 {value:g} {unit}").format(value=limit.value, unit=unit)
    if limit.window_s:
        yield Text("over {s:g} s", "窗口 {s:g} 秒").format(s=limit.window_s)
    if limit.reference:
        yield Text("compared with {reference}", "比较对象 {reference}").format(reference=_reference(limit.reference))
    if limit.deadband:
        yield Text("dead band {value:g} {unit}", "死区 {value:g} {unit}").format(value=limit.deadband, unit=unit)
    if limit.on_delay_s:
        yield Text("on-delay {s:g} s", "动作延时 {s:g} 秒").format(s=limit.on_delay_s)
    if limit.off_delay_s:
        yield Text("off-delay {s:g} s", "解除延时 {s:g} 秒").format(s=limit.off_delay_s)
    if limit.only_while:
        yield Text("only while {test}, or while that is not known", "仅在 {test} 或其状态不明时有效").format(
            test=limit.only_while)
    if limit.latch:
        yield Text("latched until acknowledged (acknowledgements are not part of a recording)",
                   "锁存至确认（记录中不含确认操作）")

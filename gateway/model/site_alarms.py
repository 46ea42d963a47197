"""Every alarm that a site can raise, from what it says of its signals, groups, devices, areas and rules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from gateway.model.advice import PEER, VIDEO, advised
from gateway.model.alarm import RISK_NAMES, TEST, AlarmDefinition, Priority, Risk
from gateway.model.condition import CONDITION_NAMES, FAULT_KINDS, SUSPECTED, Condition
from gateway.model.gateway_fault import gateway_alarms
from gateway.model.guidance import Guidance
from gateway.model.learnt import Baseline, Profile, Share
from gateway.model.rules import ResponseTest, ShutdownVerification, Vote, WorkWithoutVideo
from gateway.model.signal import SELFTEST, HeadCount, Limit, Signal, Trend
from gateway.model.text import Text

if TYPE_CHECKING:
    from gateway.model.site import Site

_URGENCY = {Risk.YELLOW: Priority.P3, Risk.ORANGE: Priority.P2, Risk.RED: Priority.P1}


def site_alarms(site: Site) -> Iterator[AlarmDefinition]:
    """In the order of the alarm table, each with all that is known of what to do about it."""
    without_video = frozenset(rule.id for rule in site.rules if isinstance(rule, WorkWithoutVideo))
    for alarm in (*_signal_alarms(site), *_group_alarms(site), *_blind_alarms(site), *_rule_alarms(site),
                  *_risk_alarms(site), *_device_alarms(site), *gateway_alarms(), *(peer.alarm for peer in site.peers)):
        yield _advised(site, alarm, VIDEO if alarm.origin in without_video else "")


def _advised(site: Site, alarm: AlarmDefinition, special: str) -> AlarmDefinition:
    """special: name of an advice for this one, before that of its condition; "" for none."""
    names: tuple[str, ...] = (special, alarm.condition) if special else (alarm.condition,)
    if alarm.exercise == TEST:
        names = SELFTEST,
    elif alarm.condition == Condition.GATEWAY:
        names = (alarm.id, *([PEER] if alarm.id.startswith(PEER) else []), alarm.condition)
    gas = alarm.origin in site.signals and site.signal(alarm.origin).gas
    return replace(alarm, guidance=advised(alarm.guidance, names, gas, site.advice))


def _signal_alarms(site: Site) -> Iterator[AlarmDefinition]:
    for signal in site.signals:
        if signal.id == SELFTEST:
            yield replace(_limit_alarm(site, signal, signal.limits[0]), exercise=TEST, name=signal.name, group="")
            continue
        for limit in signal.limits:
            yield _limit_alarm(site, signal, limit)
        if signal.holds_over_range:
            yield AlarmDefinition(
                f"{signal.id}/{Condition.OVER_RANGE}", Condition.OVER_RANGE, signal.id, signal.area,
                _title(site, signal, Condition.OVER_RANGE), Priority.P1, Risk.RED, signal.unit, signal.high,
                signal.decimals, True, signal.area, _advice(site, signal))
        if signal.trend is not None:
            yield _trend_alarm(site, signal, signal.trend)
        if signal.baseline is not None:
            yield _anomaly_alarm(site, signal, signal.baseline)
        if signal.profile is not None:
            yield _profile_alarm(site, signal, signal.profile)
        if signal.share is not None:
            yield _share_alarm(site, signal, signal.share)
        if signal.headcount is not None:
            yield from _people_alarms(site, signal, signal.headcount)
        if signal.still is not None:
            yield AlarmDefinition(
                f"{signal.id}/{Condition.STILL}", Condition.STILL, signal.id, signal.area,
                _title(site, signal, Condition.STILL), signal.still.priority, signal.still.risk, signal.unit,
                decimals=signal.decimals, group=signal.area)
        for condition in fault_conditions(signal):
            yield _fault_alarm(site, signal, condition)


def _fault_alarm(site: Site, signal: Signal, condition: Condition) -> AlarmDefinition:
    """What is only suspected, by statistics, is never more urgent than P3 nor above yellow, and of no first-out."""
    suspected = condition in SUSPECTED
    serious = Risk.YELLOW if suspected else Risk.ORANGE
    return AlarmDefinition(
        f"{signal.id}/{condition}", condition, signal.id, signal.area, _title(site, signal, condition),
        max(signal.fault_priority, Priority.P3) if suspected else signal.fault_priority,
        serious if signal.gas else Risk.BLUE, signal.unit, decimals=signal.decimals,
        group="" if suspected else signal.area)


def _limit_alarm(site: Site, signal: Signal, limit: Limit) -> AlarmDefinition:
    rate = limit.condition in (Condition.RATE_UP, Condition.RATE_DOWN)
    return AlarmDefinition(
        f"{signal.id}/{limit.condition}", limit.condition, signal.id, signal.area,
        _title(site, signal, limit.condition), limit.priority, limit.risk,
        f"{signal.unit}/s" if rate else signal.unit,
        limit.value, 2 if rate else signal.decimals, limit.latch, signal.area, _advice(site, signal))


def _advice(site: Site, signal: Signal) -> Text:
    of_kind = (site.guidance or {}).get(signal.kind, Text("", ""))
    return of_kind if signal.guidance is None else Guidance.of(signal.guidance).over(of_kind)


def _people_alarms(site: Site, signal: Signal, rule: HeadCount) -> Iterator[AlarmDefinition]:
    urgency = {Condition.HEADCOUNT: (rule.priority, rule.risk), Condition.FULL: (Priority.P4, Risk.BLUE)}
    if rule.faces is not None:
        urgency[Condition.MISMATCH] = Priority.P3, Risk.YELLOW
    for condition, (priority, risk) in urgency.items():
        yield AlarmDefinition(f"{signal.id}/{condition}", condition, signal.id, signal.area,
                              _title(site, signal, condition), priority, risk, signal.unit,
                              decimals=signal.decimals, group=signal.area)


def _trend_alarm(site: Site, signal: Signal, trend: Trend) -> AlarmDefinition:
    limit = signal.limit(trend.to)
    assert limit is not None, "a signal sees to that"
    return AlarmDefinition(
        f"{signal.id}/{Condition.TREND}", Condition.TREND, signal.id, signal.area,
        _title(site, signal, Condition.TREND), trend.priority, trend.risk, signal.unit, limit.value,
        signal.decimals, group=signal.area)


def _anomaly_alarm(site: Site, signal: Signal, baseline: Baseline) -> AlarmDefinition:
    return AlarmDefinition(
        f"{signal.id}/{Condition.ANOMALY}", Condition.ANOMALY, signal.id, signal.area,
        _title(site, signal, Condition.ANOMALY), baseline.priority, baseline.risk, signal.unit,
        decimals=signal.decimals)  # of no group: a hint takes the first-out from no real alarm


def _profile_alarm(site: Site, signal: Signal, profile: Profile) -> AlarmDefinition:
    return AlarmDefinition(
        f"{signal.id}/{Condition.PROFILE}", Condition.PROFILE, signal.id, signal.area,
        _title(site, signal, Condition.PROFILE), profile.priority, profile.risk, signal.unit,
        decimals=signal.decimals)  # of no group: a hint takes the first-out from no real alarm


def _share_alarm(site: Site, signal: Signal, share: Share) -> AlarmDefinition:
    return AlarmDefinition(
        f"{signal.id}/{Condition.LOAD}", Condition.LOAD, signal.id, signal.area,
        _title(site, signal, Condition.LOAD), share.priority, share.risk, "%")  # of no group: a hint


def _title(site: Site, signal: Signal, condition: Condition) -> Text:
    return Text("{signal} {area}: {name} {condition}", "{area}{signal}：{name}{condition}").format(
        signal=signal.id, area=site.area_name(signal.area), name=signal.name, condition=CONDITION_NAMES[condition])


def _group_alarms(site: Site) -> Iterator[AlarmDefinition]:
    for group in site.groups:
        yield AlarmDefinition(
            f"{group.id}/{Condition.GROUP}", Condition.GROUP, group.id, group.area,
            Text("{area}: {name} {condition}", "{area}：{name}{condition}").format(
                area=site.area_name(group.area), name=group.name, condition=CONDITION_NAMES[Condition.GROUP]),
            group.priority, group.risk)  # of no first-out group, as every hint


def _device_alarms(site: Site) -> Iterator[AlarmDefinition]:
    """One signal has its own alarm; so only devices of which two or more are watched."""
    for device in site.devices:
        watched = [signal for signal in map(site.signal, device.signals)
                   if signal.deadman_s is not None or signal.gas]
        if len(watched) > 1:
            yield AlarmDefinition(
                f"{device.id}/{Condition.DEADMAN}", Condition.DEADMAN, device.id, watched[0].area,
                Text("Device {id} gives no data ({n} signals)", "设备 {id} 无数据（{n} 个信号）").format(
                    id=device.id, n=len(watched)),
                min(signal.fault_priority for signal in watched), Risk.BLUE, group=watched[0].area,
                guidance=Text("Check its power, its line and its address; its signals have alarms of their own.",
                              "检查供电、线路和地址；其各信号另有告警。"))
    if site.online_below is not None:
        yield AlarmDefinition(
            f"{site.id}/{Condition.ONLINE}", Condition.ONLINE, site.id, "",
            Text("Fewer than {below:g} % of the devices give data", "有数据的设备不足 {below:g} %").format(
                below=site.online_below), Priority.P2, Risk.ORANGE, "%", site.online_below)


def _blind_alarms(site: Site) -> Iterator[AlarmDefinition]:
    for zone in site.gas_zones:
        yield AlarmDefinition(
            zone.id, Condition.BLIND, zone.area, zone.area,
            Text("{area}: gas zone is blind, no detector of {gas} works",
                 "{area}：{gas}检测失效，无可用探测器").format(
                area=site.area_name(zone.area), gas=zone.gas),
            Priority.P1, Risk.ORANGE, group=zone.area)


def _risk_alarms(site: Site) -> Iterator[AlarmDefinition]:
    """One for each level that an area can be raised to. Of no group: they are made of other alarms."""
    for area in site.areas:
        for lower, count, level in area.escalation.steps if area.escalation is not None else ():
            yield AlarmDefinition(
                risk_alarm(area.id, level), Condition.RISK, area.id, area.id,
                Text("{area}: risk raised to {level}, {count} points of one kind at {lower} or above",
                     "{area}：风险升为{level}，{count} 个同类测点达到{lower}及以上").format(
                    area=area.name, level=RISK_NAMES[level], count=count, lower=RISK_NAMES[lower]),
                _URGENCY[level], level, decimals=0)


def _rule_alarms(site: Site) -> Iterator[AlarmDefinition]:
    for rule in site.rules:
        if isinstance(rule, Vote):
            yield from _vote_alarms(site, rule)
            continue
        condition, unit = Condition.INTERLOCK, ""
        if isinstance(rule, ShutdownVerification):
            condition = Condition.SHUTDOWN
        elif isinstance(rule, ResponseTest):
            condition, unit = Condition.RESPONSE, site.signal(rule.signal).unit
        yield AlarmDefinition(rule.id, condition, rule.id, rule.area, rule.name, rule.priority, rule.risk, unit,
                              group=rule.area, guidance=rule.guidance)
    for rule in site.proved:
        if rule.proof_test_interval_s is not None:
            yield AlarmDefinition(
                overdue_alarm(rule.id), Condition.OVERDUE, rule.id, rule.area,
                Text("{rule}: proof test overdue, every {days:g} days",
                     "{rule}：验证测试逾期（周期 {days:g} 天）").format(
                    rule=rule.id, days=rule.proof_test_interval_s / 86_400),
                Priority.P3, Risk.BLUE, decimals=0)  # of no group: nothing has happened


def _vote_alarms(site: Site, vote: Vote) -> Iterator[AlarmDefinition]:
    """Of no group: what is made of other alarms, or of their absence, takes the first-out from none of them."""
    yield AlarmDefinition(vote.id, Condition.VOTE, vote.id, vote.area, vote.name, vote.priority, vote.risk,
                          decimals=0, guidance=vote.guidance, lost=Text(
                              "{area}, {vote}: detectors lost, the vote can not be made (degraded)",
                              "{area} {vote}：探测器失效，无法表决（已降级），情况不明").format(
                                  area=site.area_name(vote.area), vote=vote.id))
    yield AlarmDefinition(
        f"{vote.id}/{Condition.DEGRADED}", Condition.DEGRADED, vote.id, vote.area,
        Text("{name}: not all {n} members are good", "{name}：{n} 个成员并非全部正常").format(
            name=vote.name, n=len(vote.members)),
        Priority.P3, Risk.BLUE, decimals=0)



def risk_alarm(area: str, level: Risk) -> str:
    """Id of the alarm that says that an area was raised to this level."""
    return f"{area}/{Condition.RISK}-{level}"


def overdue_alarm(rule: str) -> str:
    """Id of the alarm that says that the proof test of this rule is overdue."""
    return f"{rule}/{Condition.OVERDUE}"


def fault_conditions(signal: Signal) -> Sequence[Condition]:
    """Which sensor-fault alarms a signal has."""
    conditions = []
    if signal.deadman_s is not None:
        conditions.append(Condition.DEADMAN)
    kinds = signal.faults.kinds if signal.faults is not None else frozenset()
    if signal.stuck_reads is not None or Condition.STUCK in kinds:
        conditions.append(Condition.STUCK)
    if signal.low is not None or signal.high is not None or signal.loop_ma or signal.gas or signal.status:
        conditions.append(Condition.INVALID)
    conditions += [kind for kind in FAULT_KINDS if kind in kinds and kind is not Condition.STUCK]
    if signal.status and signal.status.out_of_service:
        conditions.append(Condition.INHIBIT)
    return conditions

"""Why a condition stood at an instant, or not: what the bank then knew, in sentences."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gateway.core.gates import HOLD_S as GATE_HOLD_S
from gateway.model.alarm import RISK_NAMES, AlarmDefinition
from gateway.model.clock import NS
from gateway.model.condition import RISK_CONDITIONS, Condition
from gateway.model.quality import LABELS, Quality, code, is_good, severity
from gateway.model.rules import OPERATORS, ResponseTest, Test
from gateway.model.signal import Limit, Reference, Signal
from gateway.model.site import Site
from gateway.model.text import Text
from gateway.replay.run import Replay, needs
from gateway.replay.settings import measured


@dataclass(frozen=True, slots=True)
class Sample:
    """As it was recorded. value: in the unit of its signal."""

    wall_ns: int
    value: float
    quality: int


@dataclass(frozen=True, slots=True)
class Known:
    """What the bank knew at the end of this replay. stands: the condition, then. newest: samples by signal, oldest
    first."""

    site: Site
    alarm: AlarmDefinition
    replay: Replay
    stands: bool
    newest: dict[str, deque[Sample]]

    def reasons(self) -> Iterator[Text]:
        """Sentences."""
        condition, site = self.alarm.condition, self.site
        if condition == Condition.BLIND:
            yield from self._zone()
        elif condition == Condition.RISK:
            yield from self._counted()
        elif condition == Condition.GROUP:
            yield from self._group()
        elif condition == Condition.OVERDUE:
            yield Text("It is judged by the proof-test log and the calendar: davylamp proof-tests.",
                       "依据验证测试记录和日历判断：davylamp proof-tests。")
        elif condition == Condition.ONLINE:
            share = self.replay.bank.online
            yield Text("{online} of {devices} devices gave data: {percent:.1f} %.",
                       "{devices} 台设备中 {online} 台有数据：{percent:.1f} %。").format(
                online=share.online, devices=share.devices, percent=share.ratio * 100)
        elif self.alarm.origin in site.signals:
            signal = site.signal(self.alarm.origin)
            if self._value(signal.id) is None:
                yield Text("No sample of {signal} has come.", "{signal} 尚无数据。").format(signal=signal.id)
            elif condition == Condition.DEADMAN:
                yield self._silence(signal)
            else:
                yield from self._newest_sample(signal)
                if limit := signal.limit(condition):
                    yield from (self._rate(signal, limit) if limit.window_s else
                                self._apart(signal, limit, limit.reference) if limit.reference else
                                self._against(signal, limit))
                    if limit.only_while:
                        yield self._gate(limit.only_while)
        elif condition == Condition.DEADMAN:
            yield from self._ages()
        else:
            for rule in site.rules:
                if rule.id == self.alarm.origin:
                    for test in (rule.stimulus,) if isinstance(rule, ResponseTest) else rule.tests:
                        yield self._test(test)
                    if isinstance(rule, ResponseTest) and self._value(rule.signal) is not None:
                        yield from self._newest_sample(site.signal(rule.signal))

    def _counted(self) -> Iterator[Text]:
        standing = self.replay.bank.active
        found = [alarm for alarm in self.site.alarms if alarm.id in standing and alarm.area == self.alarm.area
                 and alarm.condition in RISK_CONDITIONS]
        if not found:
            yield Text("No alarm that counts stands in this area.", "该区域没有计入风险的告警。")
        for alarm in found:
            yield Text("{risk}: {id} stands.", "{risk}：{id} 正在报警。").format(
                risk=RISK_NAMES[alarm.risk], id=alarm.id)

    def _value(self, id: str) -> float | None:
        """None before the first sample."""
        number = self.site.signals.index(id)
        waiting = code(int(self.replay.bank.latest.quality[number])) is Quality.BAD_WAITING
        return None if waiting else float(self.replay.bank.latest.value[number])

    def _quality(self, id: str) -> int:
        """As the detectors saw it, with what validity made of it."""
        return int(self.replay.bank.latest.quality[self.site.signals.index(id)])

    def _age_s(self, id: str) -> float:
        return (self.replay.last.line_ns - int(self.replay.bank.latest.line_ns[self.site.signals.index(id)])) / NS

    def _newest_sample(self, signal: Signal) -> Iterator[Text]:
        quality = self._quality(signal.id)
        yield Text("The newest sample, {age:.1f} s before, read {value}: {quality}.",
                   "最近一次数据（{age:.1f} 秒前）读数 {value}，质量：{quality}。").format(
            age=self._age_s(signal.id), value=measured(signal, self._value(signal.id)), quality=LABELS[code(quality)])
        if severity(quality) == "bad":
            yield Text("A bad value neither begins nor ends a limit alarm; the deadman runs.",
                       "坏值既不触发也不解除限值告警，由数据中断计时负责。")
        elif severity(quality) == "uncertain":
            yield Text("An uncertain value may begin a limit alarm and never ends one.",
                       "存疑值可以触发限值告警，但不会解除告警。")

    def _against(self, signal: Signal, limit: Limit) -> Iterator[Text]:
        value = self._value(signal.id)
        if value is None or not math.isfinite(value):
            return
        sign = 1 if limit.condition in (Condition.HIGH_HIGH, Condition.HIGH) else -1
        beyond = sign * (value - limit.value)
        back = measured(signal, limit.value - sign * limit.deadband)
        words = {"value": measured(signal, value), "limit": measured(signal, limit.value), "back": back,
                 "short": measured(signal, -beyond), "on": limit.on_delay_s, "off": limit.off_delay_s}
        if beyond >= 0 and self.stands:
            yield Text("{value} is at or beyond the set point {limit}.",
                       "{value} 已达到或超过设定值 {limit}。").format(**words)
        elif beyond >= 0:
            yield Text("{value} is at or beyond the set point {limit}, but not yet for the on-delay of {on:g} s, or "
                       "the sample may not begin an alarm.",
                       "{value} 已达到或超过设定值 {limit}，但尚未持续满动作延时 {on:g} 秒，"
                       "或该数据不能触发告警。").format(**words)
        elif self.stands and -beyond < limit.deadband:
            yield Text("{value} is back from the set point {limit}, but inside the dead band: it ends at {back}.",
                       "{value} 已回到设定值 {limit} 以内，但仍在死区内，到 {back} 才解除。").format(**words)
        elif self.stands:
            yield Text("{value} is back; the off-delay of {off:g} s is not over, or no good sample has come since.",
                       "{value} 已恢复，但解除延时 {off:g} 秒未到，或此后没有有效数据。").format(**words)
        else:
            yield Text("{value} does not reach the set point {limit}; {short} are missing.",
                       "{value} 未达到设定值 {limit}，还差 {short}。").format(**words)

    def _gate(self, test: Test) -> Text:
        """As gateway.core.gates judges it."""
        value, signal = self._value(test.signal), self.site.signal(test.signal)
        allowed = GATE_HOLD_S if signal.deadman_s is None else signal.deadman_s
        known = value is not None and severity(self._quality(signal.id)) == "good" and self._age_s(signal.id) < allowed
        if not known:
            return Text("It counts only while {test}; there is no good and current data of it, so it counted.",
                        "仅在 {test} 时有效；该信号没有有效的最新数据，因此按有效处理。").format(test=test)
        if OPERATORS[test.op](value, test.value):
            return Text("It counts only while {test}; so it was, {value}, {age:.1f} s before.",
                        "仅在 {test} 时有效；当时成立，{value}，{age:.1f} 秒前。").format(
                test=test, value=measured(signal, value), age=self._age_s(signal.id))
        return Text("It counts only while {test}; that was not so, {value}, {age:.1f} s before: nothing begins, and "
                    "what stands ends by its own value.",
                    "仅在 {test} 时有效；当时不成立，{value}，{age:.1f} 秒前：不触发新告警，"
                    "已有告警按自身数值解除。").format(
            test=test, value=measured(signal, value), age=self._age_s(signal.id))

    def _apart(self, signal: Signal, limit: Limit, reference: Reference) -> Iterator[Text]:
        value, peers = self._value(signal.id), []
        for peer in reference.signals:
            compared = self._value(peer)
            age, quality = self._age_s(peer), self._quality(peer)
            allowed = self.site.signal(peer).deadman_s
            if compared is not None and severity(quality) == "good" and (allowed is None or age < allowed):
                peers.append(compared)
            yield Text("Compared with {peer}: {value}, {quality}, {age:.1f} s before.",
                       "比较对象 {peer}：{value}，质量：{quality}，{age:.1f} 秒前。").format(
                peer=peer, value=measured(signal, compared), quality=LABELS[code(quality)], age=age) if (
                compared is not None) else Text("{peer}: no data yet.", "{peer}：尚无数据。").format(peer=peer)
        if reference.value is None and len(peers) * 2 <= len(reference.signals):
            yield Text("There is no good reference: nothing begins and nothing ends.",
                       "当前没有有效的参考值：既不触发也不解除。")
        elif value is not None and math.isfinite(value):
            against = reference.value if reference.value is not None else float(np.median(peers))
            yield Text("{value} is {away} {way} the reference of {against}; the limit is {limit}.",
                       "{value} {way}参考值 {against}，相差 {away}；限值 {limit}。").format(
                value=measured(signal, value), away=measured(signal, abs(value - against)),
                way=Text("above", "高于") if value >= against else Text("below", "低于"),
                against=measured(signal, against), limit=measured(signal, limit.value))

    def _rate(self, signal: Signal, limit: Limit) -> Iterator[Text]:
        good = [one for one in self.newest[signal.id] if is_good(one.quality) and math.isfinite(one.value)]
        inside = [one for one in good if good[-1].wall_ns - one.wall_ns <= limit.window_s * NS]
        if len(inside) > 1 and inside[-1].wall_ns > inside[0].wall_ns:
            rate = (inside[-1].value - inside[0].value) / ((inside[-1].wall_ns - inside[0].wall_ns) / NS)
            yield Text("Over the newest samples it moved by {rate:+.3g} {unit}/s, from first to last; the set point is "
                       "{limit:g} {unit}/s over {window:g} s.",
                       "最近数据首尾变化率 {rate:+.3g} {unit}/s；设定值 {limit:g} {unit}/s（{window:g} 秒）。").format(
                rate=rate, unit=signal.unit, limit=limit.value, window=limit.window_s)

    def _silence(self, signal: Signal) -> Text:
        good = [one for one in self.newest[signal.id] if is_good(one.quality)]
        if not good:
            return Text("None of the newest samples is good; at most {allowed:g} s without one are allowed.",
                        "最近的数据均无效；最长允许 {allowed:g} 秒无有效数据。").format(allowed=signal.deadman_s)
        age = (self.replay.last.wall_ns - good[-1].wall_ns) / NS
        return Text("The newest good sample is {age:.1f} s old; at most {allowed:g} s are allowed.",
                    "最近一次有效数据在 {age:.1f} 秒前；最长允许 {allowed:g} 秒。").format(
            age=age, allowed=signal.deadman_s)

    def _zone(self) -> Iterator[Text]:
        for zone in self.replay.bank.zones:
            if zone.id == self.alarm.id:
                yield Text("{working} of {detectors} gas detectors of this zone work.",
                           "该区域 {detectors} 个气体探测器中有 {working} 个可用。").format(
                    working=zone.working, detectors=zone.detectors)
        for rule in self.site.rules:
            if isinstance(rule, ResponseTest) and rule.id in self.replay.bank.active \
                    and rule.signal in needs(self.site, self.alarm):
                yield Text("{signal} did not answer its test {rule}: it does not count until it does.",
                           "{signal} 对测试 {rule} 无响应：测试通过之前不计为可用。").format(
                    signal=rule.signal, rule=rule.id)
        yield from self._ages()

    def _ages(self) -> Iterator[Text]:
        for id in needs(self.site, self.alarm):
            if self._value(id) is None:
                yield Text("{signal}: no data yet.", "{signal}：尚无数据。").format(signal=id)
            else:
                yield Text("{signal}: newest sample {age:.1f} s before, {quality}.",
                           "{signal}：最近数据在 {age:.1f} 秒前，质量：{quality}。").format(
                    signal=id, quality=LABELS[code(self._quality(id))], age=self._age_s(id))

    def _group(self) -> Iterator[Text]:
        state = next(state for state in self.replay.bank.groups if state.id == self.alarm.origin)
        if state.progress < 1:
            yield Text("Its commissioning is {percent:.0f} % done; until then nothing is said.",
                       "投运学习已完成 {percent:.0f} %，完成前不作判断。").format(percent=100 * state.progress)
            return
        for member in state.members:
            signal = self.site.signal(member.signal)
            if math.isnan(member.size):
                yield Text("{signal} never moved during commissioning and is not judged.",
                           "{signal} 在投运学习期内从未变化，不参与判断。").format(signal=signal.id)
                continue
            yield Text("{signal}: {now} now, {usual} at commissioning; the smoothed deviation is {size:.1f} times what "
                       "is allowed.{there}",
                       "{signal}：现为 {now}，投运学习期为 {usual}；平滑偏差为允许值的 {size:.1f} 倍。{there}").format(
                signal=signal.id, now=measured(signal, member.now), usual=measured(signal, member.usual),
                size=member.size, there=Text("", "") if member.there else Text(
                    " It had no good value in the newest span.", "最近时段内无有效值。"))

    def _test(self, test: Test) -> Text:
        value = self._value(test.signal)
        if value is None:
            return Text("{test}: no data yet.", "{test}：尚无数据。").format(test=test)
        holds = severity(self._quality(test.signal)) != "bad" and OPERATORS[test.op](value, test.value)
        return Text("{test}: {truth}; it read {value:g}, {quality}, {age:.1f} s before.",
                    "{test}：{truth}；读数 {value:g}，质量：{quality}，{age:.1f} 秒前。").format(
            test=test, truth=Text("true", "成立") if holds else Text("not true", "不成立"), value=value,
            quality=LABELS[code(self._quality(test.signal))], age=self._age_s(test.signal))

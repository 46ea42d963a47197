"""Why an alarm stood, or not, at one instant: the same bank over the samples before it, and what it then knew."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from gateway.core.gates import HOLD_S as GATE_HOLD_S
from gateway.model.alarm import RISK_NAMES, AlarmDefinition
from gateway.model.clock import NS, Instant
from gateway.model.errors import CommandError
from gateway.model.frame import Frame
from gateway.model.quality import LABELS, Quality, code, is_good, severity
from gateway.model.rules import OPERATORS, Degraded, ResponseTest, ShutdownVerification, Side, Test, Vote
from gateway.model.signal import (
    FAULT_KINDS,
    LIMIT_CONDITIONS,
    RISK_CONDITIONS,
    Condition,
    Faults,
    HeadCount,
    Limit,
    Reference,
    Signal,
)
from gateway.model.site import Site, risk_alarm
from gateway.model.text import Text
from gateway.replay.run import Occurrence, Recorded, Replay, judged_by, needs, skew_ns

NEWEST, NEWEST_OF_MANY = 10, 3  # samples that are shown: of the signal itself, of each other one
PLOTTED = 600  # samples of the signal itself in the plot
_AT_ONCE_S = 2.0  # an alarm raised this soon after the first sample may be older than what was evaluated


@dataclass(frozen=True, slots=True)
class Sample:
    wall_ns: int
    value: float
    quality: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """at_wall_ns: the instant that was judged: the one asked for, or the end of the recording before it. stands: the
    condition; last: the newest occurrence up to then, None: there was none since `first_wall_ns`. older: it may have
    begun before. settings, reasons: sentences. samples: by signal, oldest first; plotted: more of the signal itself."""

    site: Site
    alarm: AlarmDefinition
    asked_wall_ns: int
    at_wall_ns: int
    first_wall_ns: int
    stands: bool
    last: Occurrence | None
    older: bool
    settings: tuple[Text, ...]
    reasons: tuple[Text, ...]
    samples: dict[str, tuple[Sample, ...]]
    plotted: tuple[Sample, ...]


def explain(site: Site, alarm: AlarmDefinition, recorded: Recorded, at_wall_ns: int | None = None,
            progress: Callable[[Instant], None] = lambda at: None) -> Explanation:
    """At this instant, None: at the end of the recording. What `recorded` holds beyond tells whether the gateway was
    listening until then.

    CommandError when there is nothing to explain it from.
    """
    signals = _shown(site, alarm)
    newest: dict[str, deque[Sample]] = {
        id: deque(maxlen=NEWEST if id == alarm.origin else NEWEST_OF_MANY) for id in signals}
    plotted: deque[Sample] = deque(maxlen=PLOTTED)
    replay = Replay(site, recorded.ids)
    if missing := replay.not_judged.get(alarm.id):
        raise CommandError(Text("it needs signals that were not recorded: {missing}",
                                "所需信号没有记录：{missing}").format(missing=", ".join(missing)), where=alarm.id,
                           fix=Text("take a recording that has them", "请使用包含这些信号的记录"))
    if not needs(site, alarm):
        raise CommandError(Text("this alarm is about the gateway itself; measured data do not explain it",
                                "该告警针对网关自身，无法用测量数据解释"), where=alarm.id,
                           fix=Text("look at the health part of the page, and at the log",
                                    "请查看页面的健康信息和日志"))
    for begins, frame in _until(recorded.frames(site.signals), at_wall_ns):
        if isinstance(frame, Instant):
            replay.pass_time(frame)
            continue
        replay.feed(frame, begins)
        for id in signals:
            number = site.signals.index(id)
            part = replay.made if site.signals[number].derived else frame
            newest[id].extend(_newest(part, number, NEWEST))
            if id == alarm.origin:
                plotted.extend(_newest(part, number, PLOTTED))
        progress(replay.last)
    outcome = replay.outcome()
    if not outcome.samples:
        raise CommandError(Text("nothing was recorded before this time", "此时间之前没有记录"), where=alarm.id,
                           fix=Text("give another time with --at, or look further back with --from",
                                    "请用 --at 指定其他时间，或用 --from 向前多取数据"))
    if at_wall_ns is None:
        at_wall_ns = replay.last.wall_ns
    own = [one for one in outcome.occurrences if one.alarm == alarm.id]
    last = own[-1] if own else None
    stands = alarm.id in replay.bank.active
    at_once_ns = round((_AT_ONCE_S + _on_delay_s(site, alarm)) * NS)
    return Explanation(
        site, alarm, asked_wall_ns=at_wall_ns, at_wall_ns=min(replay.last.wall_ns, at_wall_ns),
        first_wall_ns=replay.first.wall_ns, stands=stands, last=last,
        older=bool(last and stands and last.line_ns - replay.first.line_ns < at_once_ns),
        settings=tuple(settings(site, alarm)), reasons=tuple(_State(site, alarm, replay, stands, newest).reasons()),
        samples={id: tuple(samples) for id, samples in newest.items()}, plotted=tuple(plotted))


def _shown(site: Site, alarm: AlarmDefinition) -> tuple[str, ...]:
    """The signals it is judged by, and what the instrument says of itself."""
    signals = dict.fromkeys((*judged_by(site, alarm), *needs(site, alarm)))
    links = (site.signals[site.signals.index(id)].status for id in signals)
    limit = alarm.origin in site.signals and _limit(site.signals[site.signals.index(alarm.origin)], alarm)
    gates = (limit.only_while.signal,) if limit and limit.only_while else ()
    gates += _beside(site, alarm)
    return tuple(dict.fromkeys((*signals, *gates, *(link.signal for link in links if link is not None))))


def _beside(site: Site, alarm: AlarmDefinition) -> tuple[str, ...]:
    """What else a count of people or a card is judged by."""
    signal = site.signals[site.signals.index(alarm.origin)] if alarm.origin in site.signals else None
    if signal is None:
        return ()
    if alarm.condition == Condition.STILL and signal.still and signal.still.only_while:
        return (signal.still.only_while.signal,)
    rule = signal.headcount
    if rule is None or alarm.condition not in (Condition.HEADCOUNT, Condition.FULL):
        return ()
    return tuple(filter(None, (rule.shift, *rule.exempt, rule.handover and rule.handover.signal)))


def _until(frames: Iterator[tuple[bool, Frame]], at_wall_ns: int | None) -> Iterator[tuple[bool, Frame | Instant]]:
    """The frames up to an instant by the gateway's clock, then that instant, if the gateway was listening there."""
    for begins, frame in frames:
        if at_wall_ns is None:
            yield begins, frame
            continue
        at_line_ns = at_wall_ns - skew_ns(frame)
        before = frame.line_ns <= at_line_ns
        if before.all():
            yield begins, frame
            continue
        if before.any():
            yield begins, frame.take(before)
        if before.any() or not begins:
            yield False, Instant(at_line_ns, at_wall_ns)
        return


def _on_delay_s(site: Site, alarm: AlarmDefinition) -> float:
    limit = alarm.origin in site.signals and _limit(site.signals[site.signals.index(alarm.origin)], alarm)
    return limit.on_delay_s if limit else 0.0


def _newest(frame: Frame, number: int, most: int) -> Iterator[Sample]:
    for row in np.flatnonzero(frame.signal == number)[-most:].tolist():
        yield Sample(int(frame.wall_ns[row]), float(frame.value[row]), int(frame.quality[row]))


@dataclass(frozen=True, slots=True)
class _State:
    """What the bank knew at the instant."""

    site: Site
    alarm: AlarmDefinition
    replay: Replay
    stands: bool
    newest: dict[str, deque[Sample]]

    def reasons(self) -> Iterator[Text]:
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
            signal = site.signals[site.signals.index(self.alarm.origin)]
            if self._value(signal.id) is None:
                yield Text("No sample of {signal} has come.", "{signal} 尚无数据。").format(signal=signal.id)
            elif condition == Condition.DEADMAN:
                yield self._silence(signal)
            else:
                yield from self._newest_sample(signal)
                if limit := _limit(signal, self.alarm):
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
        value, signal = self._value(test.signal), self.site.signals[self.site.signals.index(test.signal)]
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
            allowed = self.site.signals[self.site.signals.index(peer)].deadman_s
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
            signal = self.site.signals[self.site.signals.index(member.signal)]
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

    def _test(self, test) -> Text:
        value = self._value(test.signal)
        if value is None:
            return Text("{test}: no data yet.", "{test}：尚无数据。").format(test=test)
        holds = severity(self._quality(test.signal)) != "bad" and OPERATORS[test.op](value, test.value)
        return Text("{test}: {truth}; it read {value:g}, {quality}, {age:.1f} s before.",
                    "{test}：{truth}；读数 {value:g}，质量：{quality}，{age:.1f} 秒前。").format(
            test=test, truth=Text("true", "成立") if holds else Text("not true", "不成立"), value=value,
            quality=LABELS[code(self._quality(test.signal))], age=self._age_s(test.signal))


def measured(signal: Signal, value: float | None) -> str:
    """"43.2 %LEL"; "-" for no number."""
    if value is None or not math.isfinite(value):
        return "-"
    return f"{value:.{signal.decimals}f} {signal.unit}".rstrip()


def _limit(signal: Signal, alarm: AlarmDefinition) -> Limit | None:
    return next((limit for limit in signal.limits if limit.condition == alarm.condition), None)


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


def settings(site: Site, alarm: AlarmDefinition) -> Iterator[Text]:
    """What the site file says of this alarm, piece by piece."""
    if alarm.condition == Condition.ONLINE:
        yield Text("fewer than {below:g} % of {n} devices give data", "{n} 台设备中有数据的不足 {below:g} %").format(
            below=site.online_below, n=len(site.devices))
    for device in site.devices:
        if alarm.id == f"{device.id}/{Condition.DEADMAN}":
            yield Text("none of {signals} for its own time", "{signals} 均超过各自的数据中断时限").format(
                signals=", ".join(device.signals))
    if alarm.origin in site.signals:
        signal = site.signals[site.signals.index(alarm.origin)]
        if signal.derived is not None:
            yield Text("calculated: {expression}", "计算公式：{expression}").format(expression=signal.derived)
        if alarm.condition in LIMIT_CONDITIONS and (limit := _limit(signal, alarm)):
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
    for area in site.areas:
        for lower, count, level in area.escalation.steps if area.escalation is not None else ():
            if alarm.id == risk_alarm(area.id, level):
                yield Text("{count} points of one kind at {lower} or above",
                           "{count} 个同类测点达到{lower}及以上").format(count=count, lower=RISK_NAMES[lower])
    for group in site.groups:
        if alarm.condition == Condition.GROUP and group.id == alarm.origin:
            yield Text("means over {every:g} s of {signals}; {blunt:g} times the bound learnt over {learn:g} s of "
                       "commissioning",
                       "{signals} 的 {every:g} 秒均值；超过投运学习（{learn:g} 秒）所得界限的 {blunt:g} 倍").format(
                every=group.every_s, signals=", ".join(group.signals), blunt=group.blunt, learn=group.learn_s)
    for rule in site.rules:
        if rule.id != alarm.origin:
            continue
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

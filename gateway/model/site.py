"""One site: everything the detectors, alarms and pages need to know about it, and how its alarms are derived."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from zoneinfo import ZoneInfo

from gateway.model.advice import PEER, VIDEO, advised
from gateway.model.alarm import RISK_NAMES, TEST, AlarmDefinition, AlarmTable, Priority, Risk
from gateway.model.group import Group
from gateway.model.guidance import Guidance
from gateway.model.peer import Peer
from gateway.model.rules import Proved, ResponseTest, Rule, ShutdownVerification, Vote, WorkWithoutVideo
from gateway.model.signal import (
    FAULT_KINDS,
    LIMIT_CONDITIONS,
    SELFTEST,
    SUSPECTED,
    Area,
    Baseline,
    Condition,
    Device,
    HeadCount,
    Limit,
    Profile,
    Share,
    Signal,
    SignalTable,
    Trend,
)
from gateway.model.suppression import Suppression
from gateway.model.text import Text
from gateway.model.zone import GasZone, gas_zones

CONDITION_NAMES: dict[Condition, Text] = {
    Condition.HIGH_HIGH: Text("high-high", "高高限"),
    Condition.HIGH: Text("high", "高限"),
    Condition.LOW: Text("low", "低限"),
    Condition.LOW_LOW: Text("low-low", "低低限"),
    Condition.RATE_UP: Text("rising fast", "快速上升"),
    Condition.RATE_DOWN: Text("falling fast", "快速下降"),
    Condition.DEVIATION_UP: Text("above its reference", "高于参考值"),
    Condition.DEVIATION_DOWN: Text("below its reference", "低于参考值"),
    Condition.DEADMAN: Text("no data", "数据中断"),
    Condition.STUCK: Text("reading stuck", "读数卡死"),
    Condition.INVALID: Text("reading not valid", "读数无效"),
    Condition.WRAPPED: Text("probe covered", "探头疑似被包裹"),
    Condition.DRIFT: Text("sensor drifts", "传感器漂移"),
    Condition.SPIKE: Text("spikes or noise", "读数尖峰或噪声"),
    Condition.DROPOUT: Text("reads lost again and again", "反复丢失读数"),
    Condition.SATURATED: Text("reading at a stop", "读数饱和"),
    Condition.INHIBIT: Text("out of service", "已退出工作"),
    Condition.OVER_RANGE: Text("gas beyond its range", "气体超量程"),
    Condition.TREND: Text("will reach limit", "预计将达到限值"),
    Condition.ANOMALY: Text("unusual behaviour", "读数异常"),
    Condition.PROFILE: Text("runs at an unusual hour", "非正常时段运行"),
    Condition.GROUP: Text("not as at commissioning", "偏离投运状态"),
    Condition.LOAD: Text("share of the load has changed", "负荷占比变化"),
    Condition.HEADCOUNT: Text("too many people", "人数超限"),
    Condition.FULL: Text("limit of people reached", "人数达到上限"),
    Condition.MISMATCH: Text("cards and people differ", "人卡不符"),
    Condition.STILL: Text("does not move", "长时间未移动"),
    Condition.ONLINE: Text("too few devices online", "设备在线率过低"),
    Condition.VOTE: Text("detectors agree", "多探测器一致报警"),
    Condition.DEGRADED: Text("vote degraded", "表决降级"),
    Condition.RISK: Text("raised risk level", "区域风险升级"),
    Condition.BLIND: Text("loss of gas detection", "气体检测失效"),
    Condition.INTERLOCK: Text("interlock violated", "违反联锁条件"),
    Condition.SHUTDOWN: Text("shut-down not verified", "切断动作未得到确认"),
    Condition.OVERDUE: Text("proof test overdue", "验证测试逾期"),
    Condition.RESPONSE: Text("no response to its test", "测试无响应"),
    Condition.GATEWAY: Text("gateway fault", "网关故障"),
}


class GatewayFault:
    """Ids of the alarms that the gateway raises about itself."""

    LEDGER = "gateway/ledger"
    STORE = "gateway/store"
    EVICTION = "gateway/eviction"
    DROPPED = "gateway/dropped"
    DETECTION = "gateway/detection"
    NOTIFY = "gateway/notify"
    CLOCK = "gateway/clock"
    SINK = "gateway/sink"
    REFUSED = "gateway/refused"
    TASK = "gateway/task"
    OUTPUT = "gateway/output"
    SELFTEST = "gateway/selftest"
    CERTIFICATE = "gateway/certificate"
    CONFIGURATION = "gateway/configuration"


_GATEWAY_ALARMS: tuple[tuple[str, Text, Priority, Risk, Text], ...] = (
    (GatewayFault.LEDGER, Text("Alarm file can not be written: alarms go out, but are not recorded",
                               "告警文件无法写入：告警照常发出，但未被记录"), Priority.P1, Risk.ORANGE,
     Text("Check disk space and the state of the SD card; keep a written log until this clears.",
          "检查磁盘空间和存储卡状态；恢复前请人工记录告警。")),
    (GatewayFault.STORE, Text("Measured data can not be stored", "测量数据无法存储"), Priority.P2, Risk.BLUE,
     Text("Detection goes on. Check disk space and the state of the SD card.",
          "检测仍在进行。检查磁盘空间和存储卡状态。")),
    (GatewayFault.EVICTION, Text("Oldest measured data was deleted before it was sent", "最早的测量数据在送出前被删除"),
     Priority.P3, Risk.BLUE,
     Text("Check the database connection; enlarge the store's limit.", "检查数据库连接；调大本地存储上限。")),
    (GatewayFault.DROPPED, Text("Incoming data was dropped: intake full", "接收缓冲已满，部分数据被丢弃"),
     Priority.P3, Risk.BLUE,
     Text("Lower the publishing rate or the poll rate.", "降低上报频率或轮询频率。")),
    (GatewayFault.DETECTION, Text("Detection has failed on incoming data", "检测程序处理数据时出错"),
     Priority.P1, Risk.RED,
     Text("Watch the certified system; restart the gateway; report the log.",
          "请盯守认证系统；重启网关；上报日志。")),
    (GatewayFault.NOTIFY, Text("A notice could not be delivered", "通知未能送达"), Priority.P2, Risk.ORANGE,
     Text("Inform the on-call person by another way; check the channel.",
          "改用其他方式通知值班人员；检查通知渠道。")),
    (GatewayFault.CLOCK, Text("Clock not trusted: not synchronised, or it was set", "时钟不可信：未同步或被调整"),
     Priority.P4, Risk.BLUE,
     Text("Check the network time service. Alarm delays are not affected.",
          "检查网络校时服务。告警延时不受影响。")),
    (GatewayFault.SINK, Text("Database does not take data: kept on disk",
                             "数据库未接收数据：数据保留在本地磁盘"), Priority.P4, Risk.BLUE,
     Text("Check the database and the network.", "检查数据库和网络。")),
    (GatewayFault.REFUSED, Text("A database refuses data: refused lines are set aside",
                                "数据库拒收部分数据：被拒数据已另存"), Priority.P3, Risk.BLUE,
     Text("See the reason in the sink's refused file and correct the database; the store still has the data.",
          "查看拒收文件中的原因并修正数据库；数据同时保存在网关本地存储中。")),
    (GatewayFault.TASK, Text("A part of the gateway has failed and is started again",
                             "网关的某个部分出错，正在重新启动"),
     Priority.P2, Risk.ORANGE, Text("See the gateway's log and report it.", "查看网关日志并上报。")),
    (GatewayFault.SELFTEST, Text("The self-test of the whole chain has failed", "全链路自检未通过"), Priority.P2,
     Risk.ORANGE,
     Text("The evidence names the station that was not passed; until then alarms may not reach anybody.",
          "依据中列出了未通过的环节；修复前告警可能无法送达。")),
    (GatewayFault.CERTIFICATE, Text("The certificate of the page ends soon, or has ended", "页面证书即将到期或已过期"),
     Priority.P4, Risk.BLUE,
     Text("Renew it: davylamp ca issue NAME, or ask whoever has issued it. It is taken up without a restart.",
          "请续签：davylamp ca issue 名称，或联系签发机构。更新后无需重启即可生效。")),
    (GatewayFault.CONFIGURATION, Text("A new configuration was taken back: the old one is in force",
                                      "新配置已退回，原配置继续生效"), Priority.P2, Risk.BLUE,
     Text("Nothing that it was to change is watched. `davylamp apply --history` says why it was taken back.",
          "新配置中的改动均未生效。用 `davylamp apply --history` 查看退回原因。")),
    (GatewayFault.OUTPUT, Text("A siren or beacon can not be driven", "声光报警器无法驱动"), Priority.P2, Risk.ORANGE,
     Text("People near it are not warned: tell them by another way; check the relay, its bus and its supply.",
          "附近人员无法收到声光警示：请用其他方式通知；检查继电器、总线和供电。")),
)


NEVER_WITHHELD = frozenset({Condition.GATEWAY, Condition.BLIND})  # by nobody and nothing
ONLINE_TARGET = 99.5  # per cent


@dataclass(frozen=True)
class Site:
    """id: used in topics and tags. name: for people. timezone: IANA name; every time a person sees is in it.

    devices        what the sources give, by device
    kinds          names of the kinds of its signals
    online_target  share of devices online that the site aims at, in per cent: shown, no alarm
    online_below   an alarm when fewer per cent are online; None: no alarm
    peers          other gateways whose life this one watches
    exercises      the alarms of drills: no detector of the site raises them
    suppressions   when some alarms call nobody, by design
    suppress_offline  the alarm of a silent device speaks for those of its signals that say the same
    advice         what the site says of a kind of alarm, by the names of gateway.model.advice
    latitude, longitude  degrees, WGS 84; None: not told. contact: whom a regulator calls, "" where not told
    page           address at which the office opens the gateway's page, "" where not told
    """

    id: str
    name: Text
    timezone: str
    language: str
    areas: tuple[Area, ...]
    signals: SignalTable
    rules: tuple[Rule, ...] = ()
    guidance: dict[str, Text] | None = None  # by kind of signal: shown with its limit alarms
    groups: tuple[Group, ...] = ()
    devices: tuple[Device, ...] = ()
    online_target: float = ONLINE_TARGET
    online_below: float | None = None
    kinds: Mapping[str, Text] = field(default_factory=dict, hash=False)
    peers: tuple[Peer, ...] = ()
    exercises: tuple[AlarmDefinition, ...] = ()
    suppressions: tuple[Suppression, ...] = ()
    suppress_offline: bool = True
    advice: Mapping[str, Text] = field(default_factory=dict, hash=False)
    latitude: float | None = None
    longitude: float | None = None
    contact: str = ""
    page: str = ""

    @cached_property
    def alarms(self) -> AlarmTable:
        """Every alarm that this site can raise, with all that is known of what to do about it."""
        return AlarmTable((*map(self._advised, (
            *self._signal_alarms(), *self._group_alarms(), *self._blind_alarms(), *self._rule_alarms(),
            *self._risk_alarms(), *self._device_alarms(), *_gateway_alarms(), *(peer.alarm for peer in self.peers))),
            *self.exercises))

    def _advised(self, alarm: AlarmDefinition) -> AlarmDefinition:
        names: tuple[str, ...] = (alarm.condition,)
        if alarm.exercise == TEST:
            names = SELFTEST,
        elif alarm.condition == Condition.GATEWAY:
            names = (alarm.id, *([PEER] if alarm.id.startswith(PEER) else []), alarm.condition)
        elif alarm.origin in self._without_video:
            names = VIDEO, alarm.condition
        gas = alarm.origin in self.signals and self.signal(alarm.origin).gas
        return replace(alarm, guidance=advised(alarm.guidance, names, gas, self.advice))

    @property
    def proved(self) -> tuple[Proved, ...]:
        """The rules that keep a proof-test log."""
        return tuple(rule for rule in self.rules if isinstance(rule, Proved))

    @cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @cached_property
    def gas_zones(self) -> tuple[GasZone, ...]:
        """What watches each area that has gas detectors, by kind of gas."""
        return gas_zones(self.signals, self.kinds)

    @cached_property
    def _without_video(self) -> frozenset[str]:
        return frozenset(rule.id for rule in self.rules if isinstance(rule, WorkWithoutVideo))

    def area_name(self, area: str) -> Text:
        return next((known.name for known in self.areas if known.id == area), Text.same(area))

    def _signal_alarms(self) -> Iterator[AlarmDefinition]:
        for signal in self.signals:
            if signal.id == SELFTEST:
                yield replace(self._limit_alarm(signal, signal.limits[0]), exercise=TEST, name=signal.name, group="")
                continue
            for limit in signal.limits:
                yield self._limit_alarm(signal, limit)
            if signal.holds_over_range:
                yield AlarmDefinition(
                    f"{signal.id}/{Condition.OVER_RANGE}", Condition.OVER_RANGE, signal.id, signal.area,
                    self._title(signal, Condition.OVER_RANGE), Priority.P1, Risk.RED, signal.unit, signal.high,
                    signal.decimals, True, signal.area, self._advice(signal))
            if signal.trend is not None:
                yield self._trend_alarm(signal, signal.trend)
            if signal.baseline is not None:
                yield self._anomaly_alarm(signal, signal.baseline)
            if signal.profile is not None:
                yield self._profile_alarm(signal, signal.profile)
            if signal.share is not None:
                yield self._share_alarm(signal, signal.share)
            if signal.headcount is not None:
                yield from self._people_alarms(signal, signal.headcount)
            if signal.still is not None:
                yield AlarmDefinition(
                    f"{signal.id}/{Condition.STILL}", Condition.STILL, signal.id, signal.area,
                    self._title(signal, Condition.STILL), signal.still.priority, signal.still.risk, signal.unit,
                    decimals=signal.decimals, group=signal.area)
            for condition in fault_conditions(signal):
                yield self._fault_alarm(signal, condition)

    def _fault_alarm(self, signal: Signal, condition: Condition) -> AlarmDefinition:
        """What is only suspected, by statistics, is never more urgent than P3 nor above yellow, and of no first-out."""
        suspected = condition in SUSPECTED
        serious = Risk.YELLOW if suspected else Risk.ORANGE
        return AlarmDefinition(
            f"{signal.id}/{condition}", condition, signal.id, signal.area, self._title(signal, condition),
            max(signal.fault_priority, Priority.P3) if suspected else signal.fault_priority,
            serious if signal.gas else Risk.BLUE, signal.unit, decimals=signal.decimals,
            group="" if suspected else signal.area)

    def _limit_alarm(self, signal: Signal, limit: Limit) -> AlarmDefinition:
        rate = limit.condition in (Condition.RATE_UP, Condition.RATE_DOWN)
        return AlarmDefinition(
            f"{signal.id}/{limit.condition}", limit.condition, signal.id, signal.area,
            self._title(signal, limit.condition), limit.priority, limit.risk,
            f"{signal.unit}/s" if rate else signal.unit,
            limit.value, 2 if rate else signal.decimals, limit.latch, signal.area, self._advice(signal))

    def _advice(self, signal: Signal) -> Text:
        of_kind = (self.guidance or {}).get(signal.kind, Text("", ""))
        return of_kind if signal.guidance is None else Guidance.of(signal.guidance).over(of_kind)

    def _people_alarms(self, signal: Signal, rule: HeadCount) -> Iterator[AlarmDefinition]:
        urgency = {Condition.HEADCOUNT: (rule.priority, rule.risk), Condition.FULL: (Priority.P4, Risk.BLUE)}
        if rule.faces is not None:
            urgency[Condition.MISMATCH] = Priority.P3, Risk.YELLOW
        for condition, (priority, risk) in urgency.items():
            yield AlarmDefinition(f"{signal.id}/{condition}", condition, signal.id, signal.area,
                                  self._title(signal, condition), priority, risk, signal.unit,
                                  decimals=signal.decimals, group=signal.area)

    def _trend_alarm(self, signal: Signal, trend: Trend) -> AlarmDefinition:
        limit = signal.limit(trend.to)
        assert limit is not None, "a signal sees to that"
        return AlarmDefinition(
            f"{signal.id}/{Condition.TREND}", Condition.TREND, signal.id, signal.area,
            self._title(signal, Condition.TREND), trend.priority, trend.risk, signal.unit, limit.value,
            signal.decimals, group=signal.area)

    def _anomaly_alarm(self, signal: Signal, baseline: Baseline) -> AlarmDefinition:
        return AlarmDefinition(
            f"{signal.id}/{Condition.ANOMALY}", Condition.ANOMALY, signal.id, signal.area,
            self._title(signal, Condition.ANOMALY), baseline.priority, baseline.risk, signal.unit,
            decimals=signal.decimals)  # of no group: a hint takes the first-out from no real alarm

    def _profile_alarm(self, signal: Signal, profile: Profile) -> AlarmDefinition:
        return AlarmDefinition(
            f"{signal.id}/{Condition.PROFILE}", Condition.PROFILE, signal.id, signal.area,
            self._title(signal, Condition.PROFILE), profile.priority, profile.risk, signal.unit,
            decimals=signal.decimals)  # of no group: a hint takes the first-out from no real alarm

    def _share_alarm(self, signal: Signal, share: Share) -> AlarmDefinition:
        return AlarmDefinition(
            f"{signal.id}/{Condition.LOAD}", Condition.LOAD, signal.id, signal.area,
            self._title(signal, Condition.LOAD), share.priority, share.risk, "%")  # of no group: a hint

    def _title(self, signal: Signal, condition: Condition) -> Text:
        return Text("{signal} {area}: {name} {condition}", "{area}{signal}：{name}{condition}").format(
            signal=signal.id, area=self.area_name(signal.area), name=signal.name, condition=CONDITION_NAMES[condition])

    def _group_alarms(self) -> Iterator[AlarmDefinition]:
        for group in self.groups:
            yield AlarmDefinition(
                f"{group.id}/{Condition.GROUP}", Condition.GROUP, group.id, group.area,
                Text("{area}: {name} {condition}", "{area}：{name}{condition}").format(
                    area=self.area_name(group.area), name=group.name, condition=CONDITION_NAMES[Condition.GROUP]),
                group.priority, group.risk)  # of no first-out group, as every hint

    def _device_alarms(self) -> Iterator[AlarmDefinition]:
        """One signal has its own alarm; so only devices of which two or more are watched."""
        for device in self.devices:
            watched = [signal for signal in map(self.signal, device.signals)
                       if signal.deadman_s is not None or signal.gas]
            if len(watched) > 1:
                yield AlarmDefinition(
                    f"{device.id}/{Condition.DEADMAN}", Condition.DEADMAN, device.id, watched[0].area,
                    Text("Device {id} gives no data ({n} signals)", "设备 {id} 无数据（{n} 个信号）").format(
                        id=device.id, n=len(watched)),
                    min(signal.fault_priority for signal in watched), Risk.BLUE, group=watched[0].area,
                    guidance=Text("Check its power, its line and its address; its signals have alarms of their own.",
                                  "检查供电、线路和地址；其各信号另有告警。"))
        if self.online_below is not None:
            yield AlarmDefinition(
                f"{self.id}/{Condition.ONLINE}", Condition.ONLINE, self.id, "",
                Text("Fewer than {below:g} % of the devices give data", "有数据的设备不足 {below:g} %").format(
                    below=self.online_below), Priority.P2, Risk.ORANGE, "%", self.online_below)

    def may_be_suppressed(self, alarm: AlarmDefinition) -> bool:
        """By design, which nobody commands and nobody approves at that hour."""
        gas = alarm.origin in self.signals and self.signal(alarm.origin).gas
        return not (alarm.priority is Priority.P1 or alarm.condition in NEVER_WITHHELD
                    or (gas and alarm.condition in LIMIT_CONDITIONS))

    def signal(self, id: str) -> Signal:
        return self.signals[self.signals.index(id)]

    def _blind_alarms(self) -> Iterator[AlarmDefinition]:
        for zone in self.gas_zones:
            yield AlarmDefinition(
                zone.id, Condition.BLIND, zone.area, zone.area,
                Text("{area}: gas zone is blind, no detector of {gas} works",
                     "{area}：{gas}检测失效，无可用探测器").format(
                    area=self.area_name(zone.area), gas=zone.gas),
                Priority.P1, Risk.ORANGE, group=zone.area)

    def _risk_alarms(self) -> Iterator[AlarmDefinition]:
        """One for each level that an area can be raised to. Of no group: they are made of other alarms."""
        for area in self.areas:
            for lower, count, level in area.escalation.steps if area.escalation is not None else ():
                yield AlarmDefinition(
                    risk_alarm(area.id, level), Condition.RISK, area.id, area.id,
                    Text("{area}: risk raised to {level}, {count} points of one kind at {lower} or above",
                         "{area}：风险升为{level}，{count} 个同类测点达到{lower}及以上").format(
                        area=area.name, level=RISK_NAMES[level], count=count, lower=RISK_NAMES[lower]),
                    _URGENCY[level], level, decimals=0)

    def _rule_alarms(self) -> Iterator[AlarmDefinition]:
        for rule in self.rules:
            if isinstance(rule, Vote):
                yield from self._vote_alarms(rule)
                continue
            condition, unit = Condition.INTERLOCK, ""
            if isinstance(rule, ShutdownVerification):
                condition = Condition.SHUTDOWN
            elif isinstance(rule, ResponseTest):
                condition, unit = Condition.RESPONSE, self.signal(rule.signal).unit
            yield AlarmDefinition(rule.id, condition, rule.id, rule.area, rule.name, rule.priority, rule.risk, unit,
                                  group=rule.area, guidance=rule.guidance)
        for rule in self.proved:
            if rule.proof_test_interval_s is not None:
                yield AlarmDefinition(
                    overdue_alarm(rule.id), Condition.OVERDUE, rule.id, rule.area,
                    Text("{rule}: proof test overdue, every {days:g} days",
                         "{rule}：验证测试逾期（周期 {days:g} 天）").format(
                        rule=rule.id, days=rule.proof_test_interval_s / 86_400),
                    Priority.P3, Risk.BLUE, decimals=0)  # of no group: nothing has happened

    def _vote_alarms(self, vote: Vote) -> Iterator[AlarmDefinition]:
        """Of no group: what is made of other alarms, or of their absence, takes the first-out from none of them."""
        yield AlarmDefinition(vote.id, Condition.VOTE, vote.id, vote.area, vote.name, vote.priority, vote.risk,
                              decimals=0, guidance=vote.guidance, lost=Text(
                                  "{area}, {vote}: detectors lost, the vote can not be made (degraded)",
                                  "{area} {vote}：探测器失效，无法表决（已降级），情况不明").format(
                                      area=self.area_name(vote.area), vote=vote.id))
        yield AlarmDefinition(
            f"{vote.id}/{Condition.DEGRADED}", Condition.DEGRADED, vote.id, vote.area,
            Text("{name}: not all {n} members are good", "{name}：{n} 个成员并非全部正常").format(
                name=vote.name, n=len(vote.members)),
            Priority.P3, Risk.BLUE, decimals=0)


_URGENCY = {Risk.YELLOW: Priority.P3, Risk.ORANGE: Priority.P2, Risk.RED: Priority.P1}


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


def _gateway_alarms() -> Iterator[AlarmDefinition]:
    for fault, name, priority, risk, guidance in _GATEWAY_ALARMS:
        yield AlarmDefinition(fault, Condition.GATEWAY, "gateway", "", name, priority, risk, group="gateway",
                              guidance=guidance)

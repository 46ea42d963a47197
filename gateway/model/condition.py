"""What an alarm can be about, and what follows from that alone."""

from __future__ import annotations

from enum import StrEnum

from gateway.model.text import Text


class Condition(StrEnum):
    """What an alarm is about. The first eight are limits on a signal (ISA-18.2 alarm types); see gateway.core."""

    HIGH_HIGH = "HH"
    HIGH = "H"
    LOW = "L"
    LOW_LOW = "LL"
    RATE_UP = "ROC+"  # rate of change, rising
    RATE_DOWN = "ROC-"
    DEVIATION_UP = "DEV+"  # too far above a reference: a set point, another signal or its peers
    DEVIATION_DOWN = "DEV-"
    DEADMAN = "deadman"  # no new successful sample for too long
    STUCK = "stuck"  # the raw value has not moved over N successful reads
    INVALID = "invalid"  # outside the measuring range, a 4-20 mA loop fault, or the instrument calls itself failed
    WRAPPED = "wrapped"  # the probe is covered: its motion is gone, while it goes on answering
    DRIFT = "drift"  # the level creeps away, has jumped and stayed, or the zero is below zero
    SPIKE = "spike"  # single reads jump, or the reading trembles like electrical noise
    DROPOUT = "dropout"  # reads are lost again and again
    SATURATED = "saturated"  # the reading stands at a stop
    OVER_RANGE = "over-range"  # gas beyond the range of its detector, where no HH holds it
    INHIBIT = "inhibit"  # the instrument says that it is inhibited, calibrating, warming up or switched off
    TREND = "trend"  # at its present pace the value will reach a limit
    ANOMALY = "anomaly"  # unlike what was learnt of this signal: a hint, never danger by itself
    PROFILE = "profile"  # begins to run at an hour of the week at which it hardly ever did
    GROUP = "group"  # several signals of one machine are not as they were at commissioning
    LOAD = "load"  # takes more or less of another load than it used to
    HEADCOUNT = "headcount"  # more people than the kind of shift allows
    FULL = "full"  # as many as it allows
    MISMATCH = "mismatch"  # two counts of the same people differ
    STILL = "still"  # a card that does not move
    ONLINE = "online"  # too few of the site's devices give data
    VOTE = "vote"  # so many of several detectors say the same
    DEGRADED = "degraded"  # a member of a vote is not good
    RISK = "risk"  # several alarms of one kind in an area make a higher level of risk
    BLIND = "blind"  # a gas zone without any working detector
    INTERLOCK = "interlock"  # two things that must not be true together
    SHUTDOWN = "shutdown"  # a commanded shut-down that was not verified
    OVERDUE = "overdue"  # a proof test that was not passed for too long
    RESPONSE = "response"  # a known stimulus, such as test gas, that was not answered
    GATEWAY = "gateway"  # the gateway about itself


LIMIT_CONDITIONS = (Condition.HIGH_HIGH, Condition.HIGH, Condition.LOW, Condition.LOW_LOW, Condition.RATE_UP,
                    Condition.RATE_DOWN, Condition.DEVIATION_UP, Condition.DEVIATION_DOWN)
# What makes the risk of an area: what was measured against a limit or a rule. Never statistics and forecasts, never
# faults of instruments, nothing that is itself made of other alarms, and no counts of people: see
# docs/explanation/people.md.
RISK_CONDITIONS = frozenset({*LIMIT_CONDITIONS, Condition.OVER_RANGE, Condition.INTERLOCK, Condition.SHUTDOWN})
NOT_MEASURED = frozenset({Condition.GATEWAY, Condition.OVERDUE})  # judged by no detector
FAULT_KINDS = (Condition.STUCK, Condition.WRAPPED, Condition.DRIFT, Condition.SPIKE, Condition.DROPOUT,
               Condition.SATURATED)
SUSPECTED = frozenset({Condition.WRAPPED, Condition.DRIFT, Condition.SPIKE})  # of them, what only statistics say
NEVER_WITHHELD = frozenset({Condition.GATEWAY, Condition.BLIND})  # by nobody and nothing

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

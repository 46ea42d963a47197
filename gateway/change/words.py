"""The sentences that tell what a change does."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from gateway.model.alarm import AlarmDefinition
from gateway.model.text import Text

DIRECTIONS: Final[Mapping[str, Text]] = {
    "laxer": Text(", laxer", "，放宽"), "stricter": Text(", stricter", "，收紧"),
    "unclear": Text(" (may be laxer)", "（可能放宽）")}

_KEYS: Final[Mapping[str, Text]] = {
    "on_delay_s": Text("delay of the alarm", "报警延时"), "off_delay_s": Text("delay of the return", "恢复延时"),
    "deadband": Text("deadband", "回差"), "latch": Text("latch", "自锁"), "priority": Text("priority", "优先级"),
    "fault_priority": Text("priority of sensor faults", "传感器故障优先级"), "risk": Text("colour", "风险颜色"),
    "deadman_s": Text("longest silence", "最长静默时间"), "low": Text("range from", "量程下限"),
    "high": Text("range to", "量程上限"), "unit": Text("unit", "单位"), "area": Text("area", "区域"),
    "kind": Text("kind", "类型"), "window_s": Text("window", "计算窗口"),
    "keep_s": Text("kept for", "保留时间"),
    "stuck_reads": Text("equal reads", "相同读数次数"), "m": Text("votes needed", "表决票数"),
    "members": Text("members", "成员"), "stroke_time_s": Text("stroke time", "行程时间"),
    "proof_test_interval_s": Text("proof-test interval", "验证测试周期"),
    "within_s": Text("answer within", "响应时限"), "when": Text("when", "条件"), "requires": Text("requires", "要求")}

_TABLES: Final[Mapping[str, Text]] = {
    "sources": Text("source", "数据源"), "devices": Text("device", "设备"), "points": Text("point", "测点"),
    "topics": Text("topic", "主题"), "sinks": Text("database", "数据库"), "notifiers": Text("notifier", "通知渠道"),
    "oncall": Text("on-call", "值班"), "people": Text("person", "人员"), "rosters": Text("roster", "排班"),
    "policies": Text("policy", "通知策略"), "mutes": Text("mute", "免打扰"), "layers": Text("layer", "班次"),
    "annunciators": Text("siren or beacon", "声光报警器"), "suppressions": Text("suppression", "设计抑制"),
    "peers": Text("watched gateway", "被监视网关"), "store": Text("store", "本地存储"), "api": Text("page", "页面"),
    "alarms": Text("alarm settings", "告警设置"), "heartbeat": Text("heartbeat", "心跳"),
    "centre": Text("centre", "中心"), "selftest": Text("self-test", "自检"), "site": Text("site", "站点")}


def condition_of(condition: str, origin: str) -> Text:
    """`H of GD-03`"""
    return Text(f"{condition} of {origin}", f"{origin} 的 {condition}")


def setting(item: Text, key: str, old: Any, new: Any, unit: str) -> Text:
    """`H of GD-03 20 -> 22 %LEL`, `signal GD-03: longest silence 5 s -> 60 s`"""
    if isinstance(old, bool) or isinstance(new, bool):
        old, new = bool(old), bool(new)
    change = f"{_value(key, old)} -> {_value(key, new)}" + (f" {unit}" if unit else "")
    if key in ("value", "limit"):
        return Text("{item} {change}", "{item} {change}").format(item=item, change=change)
    return Text("{item}: {key} {change}", "{item}：{key} {change}").format(
        item=item, key=_KEYS.get(key, Text.same(key)), change=change)


def added(item: Text, alarms: Sequence[AlarmDefinition] = ()) -> Text:
    return Text("{item} is new{alarms}", "新增：{item}{alarms}").format(item=item, alarms=_alarms(alarms))


def gone(item: Text, alarms: Sequence[AlarmDefinition] = ()) -> Text:
    return Text("{item} is gone{alarms}", "移除：{item}{alarms}").format(item=item, alarms=_alarms(alarms))


def written(place: Text, old: Any, new: Any) -> Text:
    return Text("{place} {old} -> {new}", "{place} {old} -> {new}").format(
        place=place, old=_value("", old), new=_value("", new))


def place(path: Sequence[str]) -> Text:
    """`source gas, device controller, point GD-01, scale`: the titles of tables in words, ids and keys as they are."""
    named = [_TABLES.get(part, Text.same(part)) for part in path]
    parts: list[Text] = []
    after_title = False
    for part, text in zip(path, named, strict=True):
        if after_title and part not in _TABLES:
            parts[-1] = Text(f"{parts[-1].en} {text.en}", f"{parts[-1].zh} {text.zh}")
            after_title = False
        else:
            parts.append(text)
            after_title = part in _TABLES
    return Text(", ".join(part.en for part in parts), "，".join(part.zh for part in parts))


def _alarms(alarms: Sequence[AlarmDefinition]) -> Text:
    if not alarms:
        return Text("", "")
    listed = [alarm.condition + ("" if alarm.limit is None else f" {alarm.limit:g} {alarm.unit}".rstrip())
              for alarm in alarms]
    return Text(f" ({', '.join(listed)})", f"（{'、'.join(listed)}）")


def _value(key: str, value: Any) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, int | float):
        shown = f"{value:.12g}"
        return f"P{shown}" if key.endswith("priority") else f"{shown} s" if key.endswith("_s") else shown
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)

"""Rows of the alarm journal as rows of the data contract: alarms, verdicts, proof tests, audit marks. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson

from alerting.journal.chain import Row
from alerting.journal.times import Stretch, true_time
from alerting.ledger import transition_of
from alerting.lifecycle import Event
from gateway.model.alarm import AlarmDefinition
from gateway.model.breach import breach
from gateway.model.condition import Condition
from gateway.model.site import Site
from gateway.model.stroke import Outcome
from gateway.model.text import Text
from gateway.sinks import schema
from gateway.sinks.line_protocol import row

JUDGED: Final = frozenset({
    Condition.DEADMAN, Condition.STUCK, Condition.INVALID, Condition.WRAPPED, Condition.DRIFT, Condition.SPIKE,
    Condition.DROPOUT, Condition.SATURATED, Condition.OVER_RANGE, Condition.INHIBIT})
_NO_MARK: Final = frozenset({"delivery", "routing", "given up"})  # who was told what belongs on no curve
_UNREADABLE: Final = "unreadable"
KINDS: Final = {
    "bypass": Text("Bypass", "旁路"), "shelve": Text("Shelving", "搁置"), "drill": Text("Drill", "演练"),
    "out of service": Text("Out of service", "停用"), "suppression": Text("Suppression by design", "设计抑制"),
    "recall": Text("Called again", "恢复通知"), "learning": Text("Learning", "学习"),
    "output": Text("Siren or beacon", "声光报警器"), _UNREADABLE: Text("Journal row can not be read", "日志行无法读取"),
    "configuration": Text("Site file changed", "站点文件变更"), "selftest": Text("Self-test", "自检"),
    "flood": Text("Alarm flood", "告警泛滥"), "chatter": Text("Chattering alarm", "告警抖动"),
    "gap": Text("Journal rows lost", "日志缺失"), "clock": Text("Clock was set", "时钟校正"),
    "access": Text("Access", "访问控制"), "run": Text("Gateway", "网关")}
ACTS: Final = {
    "begin": Text("begins", "开始"), "end": Text("ends", "结束"), "expire": Text("is over", "到期"),
    "inject": Text("value given", "注入数值"), "arm": Text("armed", "启用"), "disarm": Text("disarmed", "停用"),
    "test": Text("tested", "测试"), "freeze": Text("frozen", "冻结"), "thaw": Text("thawed", "解冻"),
    "stopped": Text("stopped in good order", "正常停止"), "unset": Text("time is not known", "时间未知"),
    "arrived": Text("time is known", "已获得时间"), "never": Text("time is known from here on", "此后时间已知"),
    "reset": Text("forgotten", "清除"), "first": Text("first start", "首次启动"),
    "logged in": Text("logged in", "登录"), "logged out": Text("logged out", "退出登录"),
    "log-in refused": Text("log-in refused", "登录被拒绝"), "log-in held back": Text("log-in held back", "登录被限制"),
    "token refused": Text("token refused", "令牌被拒绝"), "account added": Text("account added", "添加账户"),
    "role changed": Text("role changed", "变更角色"), "password changed": Text("password changed", "修改密码"),
    "account removed": Text("account removed", "删除账户"), "token made": Text("token made", "创建令牌"),
    "token revoked": Text("token revoked", "吊销令牌")}


def lines(site: Site, journalled: Row, stretches: tuple[Stretch, ...] = ()) -> bytes:
    """What a row of the journal says in a database, with its true time as far as it is known; nothing for what belongs
    on no dashboard. A row that somebody has tampered with is a mark that says so."""
    try:
        body = orjson.loads(journalled.body)
        wall_ns, untrusted = true_time(stretches, journalled.position, journalled.wall_ns, body)
        return b"".join(_lines(site, journalled._replace(wall_ns=wall_ns), body, {schema.CLOCK_UNTRUSTED: untrusted}))
    except (ValueError, KeyError, TypeError, AttributeError):
        return _mark(site, journalled._replace(kind=_UNREADABLE, alarm=""), {}, {})


def _lines(site: Site, journalled: Row, body: Mapping[str, Any], clock: Mapping[str, bool | None]) -> Iterator[bytes]:
    if journalled.kind == "transition":
        yield from _transition(site, journalled, body, clock)
    elif journalled.kind == "stroke":
        seen = [one["after_s"] for one in (*body["valves"], *body["effects"]) if one["after_s"] is not None]
        alarm = site.alarms.get(journalled.alarm)
        tags = {"site": site.id, "rule": journalled.alarm} | ({} if alarm is None else {"condition": alarm.condition})
        yield row(schema.STROKE, tags, {
            "outcome": body["outcome"], "passed": body["outcome"] == Outcome.VERIFIED, "test": body["test"],
            "seconds": max(seen, default=None), **clock}, journalled.wall_ns)
    elif journalled.kind not in _NO_MARK:
        yield _mark(site, journalled, body, clock)


def _transition(site: Site, journalled: Row, body: Mapping[str, Any],
                clock: Mapping[str, bool | None]) -> Iterator[bytes]:
    step, alarm = transition_of(journalled.alarm, journalled.wall_ns, body), site.alarms.get(journalled.alarm)
    tags = {"site": site.id, "alarm": step.alarm, "event": step.event}
    if alarm is not None:
        tags |= {"area": alarm.area, "colour": alarm.risk, "condition": alarm.condition,
                 "priority": alarm.priority.name}
    yield row(schema.ALARM, tags, {
        "state": step.new, "active": step.new.active, "acknowledged": not step.new.waits, "value": step.value,
        "occurrence": f"{step.alarm}#{step.occurrence}", "person": step.who or None, "withheld": step.withheld or None,
        "breach": breach(site, step.alarm), **_of(alarm, step.alarm), **clock}, step.wall_ns)
    if alarm is not None and alarm.condition in JUDGED and alarm.origin in site.signals and step.event in (
            Event.RAISE, Event.CLEAR, Event.CLEAR_LATCHING):
        yield row(schema.VERDICT, {"site": site.id, "area": alarm.area, "condition": alarm.condition,
                                   "signal": alarm.origin}, {
            "active": step.event is Event.RAISE, "value": step.value, "text_en": alarm.name.en,
            "text_zh": alarm.name.zh, **clock}, step.wall_ns)


def _of(alarm: AlarmDefinition | None, id: str) -> dict[str, Any]:
    """What the site file says of an alarm; it may not know it any longer."""
    if alarm is None:
        return {"exercise": False, "subject": id.partition("/")[0], "text_en": id, "text_zh": id}
    return {"exercise": bool(alarm.exercise), "subject": alarm.subject, "setpoint": alarm.limit,
            "unit": alarm.unit or None, "text_en": alarm.name.en, "text_zh": alarm.name.zh}


def _mark(site: Site, journalled: Row, body: Mapping[str, Any], clock: Mapping[str, bool | None]) -> bytes:
    """Several rows of one kind may have one stamp (all that a start found changed): the last digits tell them apart."""
    subject = journalled.alarm
    act = ACTS.get(body.get("act"), Text.same(str(body.get("act", ""))))
    text = Text(*(" ".join(part for part in (KINDS.get(journalled.kind, Text.same(journalled.kind))[language],
                                             subject, act[language]) if part) for language in ("en", "zh")))
    return row(schema.AUDIT, {"site": site.id, "kind": journalled.kind}, {
        "text_en": text.en, "text_zh": text.zh, "subject": subject,
        "person": body.get("who") or body.get("owner") or body.get("by") or None, "why": body.get("why") or None,
        "position": journalled.position, **clock}, journalled.wall_ns // 1000 * 1000 + journalled.position % 1000)

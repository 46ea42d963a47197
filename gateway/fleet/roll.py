"""The list of all gateways, made of what they have said. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from gateway.fleet.expected import Expected
from gateway.fleet.received import Malformed, Message, Said, instant, understood
from gateway.fleet.report import OFFLINE, ONLINE, STOPPED
from gateway.model.text import Text

PATIENCE = 3  # so many reports may be missing before a gateway is called silent
CLOCK_S = 10.0  # a live report takes no longer; what is beyond is the clock
SILENT, CUT_OFF, UNKNOWN, NEVER = "silent", "cut off", "unknown", "never heard"
_EVERY_S = (5.0, 60.0, 3600.0)  # least, usual, most: as the site file allows


@dataclass(frozen=True, slots=True)
class Line:
    """One gateway. state: "online", "silent", "offline", "stopped", "cut off" (its bridge is down), "never heard",
    "unknown". contact: of the newest report, by the gateway's clock. differs: what is not as it should be, in words.
    unwell: what it says of its own parts and devices; areas: of its areas with alarms."""

    site: str
    state: str
    contact: datetime | None
    report: Mapping[str, Any]
    differs: tuple[Text, ...] = ()
    unwell: tuple[Text, ...] = ()
    areas: tuple[Text, ...] = ()

    @property
    def as_it_should_be(self) -> bool:
        return self.state == ONLINE and not self.differs


@dataclass(frozen=True, slots=True)
class Roll:
    """lines: by site. newest: version that any of them runs."""

    lines: Sequence[Line]
    malformed: Sequence[Malformed]
    newest: str

    @property
    def as_it_should_be(self) -> bool:
        return bool(self.lines) and not self.malformed and all(line.as_it_should_be for line in self.lines)


def roll(messages: Iterable[Message], prefix: str, now: datetime,
         expected: Mapping[str, Expected] | None = None) -> Roll:
    """expected: what the centre holds; None: nobody asks for that."""
    heard, malformed = understood(messages, prefix)
    newest = max((_newest(said).get("version", "") for said in heard), key=_order, default="")
    lines = [_line(said, newest, now, expected) for said in heard]
    known = {said.site for said in heard}
    lines += [Line(site, NEVER, None, {}) for site in expected or () if site not in known]
    return Roll(sorted(lines, key=lambda line: line.site), malformed, newest)


def _newest(said: Said) -> Mapping[str, Any]:
    """Birth and report, of which the newer wins: just after a start that is the birth."""
    return {**said.report, **said.birth} if _is_old(said) else {**said.birth, **said.report}


def _is_old(said: Said) -> bool:
    """The report is of an earlier start than the birth."""
    if not said.birth or not said.report or said.birth.get("run") == said.report.get("run"):
        return False
    return said.birth.get("line_ms", 0) > said.report.get("line_ms", 0)


def _line(said: Said, newest: str, now: datetime, expected: Mapping[str, Expected] | None) -> Line:
    report, contact = _newest(said), instant(said.report)
    least, usual, most = _EVERY_S
    patience_s = PATIENCE * min(max(said.report.get("every_s", usual), least), most)
    age_s = None if contact is None else (now - contact).total_seconds()
    state = _state(said, age_s, patience_s)
    differs = [*_silence(state, contact, now), *_clock(said, age_s, patience_s), *_name(said),
               *_differences(report, newest), *_configuration(said.site, report, expected)]
    return Line(said.site, state, contact, report, tuple(differs), tuple(_unwell(report)), tuple(_areas(report)))


def _state(said: Said, age_s: float | None, patience_s: float) -> str:
    word = said.state.get("state", UNKNOWN)
    if word not in (ONLINE, STOPPED, OFFLINE):
        return UNKNOWN
    if word != ONLINE and _has_reported_since(said):
        word = ONLINE  # the will of an earlier start, which came late
    if word != ONLINE:
        return word
    if said.bridge is False:
        return CUT_OFF
    if said.lag_s is not None:  # it was heard just now, whatever its clock says
        return ONLINE
    return SILENT if age_s is None or age_s > patience_s else ONLINE


def _has_reported_since(said: Said) -> bool:
    """By another start than the one that this word is about, and later."""
    return bool(said.report) and said.report.get("run") != said.state.get("run") and (
        said.report.get("line_ms", 0) > said.state.get("line_ms", 0))


def _silence(state: str, contact: datetime | None, now: datetime) -> Iterable[Text]:
    if state == SILENT and contact is None:
        yield Text("has never sent a report", "从未发送上报")
    elif state == SILENT:
        yield Text("no report for {age}, or its clock is behind (--listen tells)",
                   "已 {age}无上报，或其时钟偏慢（用 --listen 判断）").format(age=lasting(now - contact))


def _clock(said: Said, age_s: float | None, patience_s: float) -> Iterable[Text]:
    if said.lag_s is not None:
        if abs(said.lag_s) > CLOCK_S:
            yield _wrong_by(said.lag_s)
    elif age_s is not None and age_s < -patience_s:  # who is ahead would never be silent
        yield _wrong_by(age_s)
    if said.report.get("clock_trusted") is False:
        yield Text("clock not synchronised", "时钟未同步")


def _wrong_by(late_s: float) -> Text:
    way = Text("behind", "慢") if late_s > 0 else Text("ahead of", "快")
    return Text("its clock is {age} {way} this one", "其时钟比本机{way} {age}").format(
        age=lasting(timedelta(seconds=abs(late_s))), way=way)


def _name(said: Said) -> Iterable[Text]:
    """A restart changes the run once; two gateways change it to and fro."""
    changes = sum(one != other for one, other in zip(said.runs, said.runs[1:], strict=False))
    birth, report = instant(said.birth), instant(said.report)
    other = (birth is not None and report is not None and said.birth.get("run") != said.report.get("run")
             and (report - birth).total_seconds() > CLOCK_S)
    if changes >= len(set(said.runs)) > 0 or other:
        yield Text(f'two gateways call themselves "{said.site}"', f'有两台网关都自称 "{said.site}"')


def _differences(report: Mapping[str, Any], newest: str) -> Iterable[Text]:
    version = report.get("version", newest)
    if version != newest:
        yield Text(f"version {version}, the newest is {newest}", f"版本 {version}，最新为 {newest}")
    if report.get("hand"):
        yield Text("configuration changed by hand", "配置被手动修改")
    if report.get("working") is False:
        yield Text("does not work: {why}", "工作异常：{why}").format(why=_text(report.get("reason")))


def _configuration(site: str, report: Mapping[str, Any], expected: Mapping[str, Expected] | None) -> Iterable[Text]:
    if expected is None:
        return
    if site not in expected:
        yield Text("the centre holds no configuration of it", "中心没有它的配置")
        return
    wanted, runs = expected[site], report.get("digest")
    if runs is None:
        yield Text("it does not say which configuration it runs", "未上报所用配置")
    elif runs != wanted.digest:
        yield Text(f"runs another configuration ({runs[:8]}) than {wanted.file} ({wanted.digest[:8]})",
                   f"所用配置（{runs[:8]}）与 {wanted.file}（{wanted.digest[:8]}）不同")


def _unwell(report: Mapping[str, Any]) -> Iterable[Text]:
    known = [one for one in report.get("unwell", ()) if isinstance(one, dict)]
    for one in known:
        detail = _text(one.get("detail"))
        yield Text("{name}: {detail}", "{name}：{detail}").format(name=_text(one.get("name")), detail=detail) \
            if detail.en else _text(one.get("name"))
    if (more := report.get("unwell_count", 0) - len(known)) > 0:
        yield Text(f"and {more} more", f"另有 {more} 项")


def _areas(report: Mapping[str, Any]) -> Iterable[Text]:
    known = [one for one in report.get("areas", ()) if isinstance(one, dict)]
    for one in known:
        yield Text("{name}: {risk}, {count} alarms", "{name}：{risk}，{count} 条告警").format(
            name=_text(one.get("name")), risk=risk(one.get("risk")), count=str(one.get("alarms", "?"))[:8])
    if (more := report.get("areas_with_alarms", 0) - len(known)) > 0:
        yield Text(f"and {more} more areas", f"另有 {more} 个区域")


def _text(said: object) -> Text:
    if not isinstance(said, dict):
        return Text.same(str(said)[:120] if said is not None else "")
    return Text(str(said.get("en", ""))[:120], str(said.get("zh", ""))[:120])


_RISKS = {"red": Text("red", "红"), "orange": Text("orange", "橙"), "yellow": Text("yellow", "黄"),
          "blue": Text("blue", "蓝")}


def risk(said: object) -> Text:
    return _RISKS.get(said, Text.same("?")) if isinstance(said, str) else Text.same("?")


def _order(version: str) -> tuple[tuple[int, ...], bool, str]:
    """1.10.0 is newer than 1.9.0, and 1.10.0 than 1.10.0rc1."""
    numbers, rest = re.fullmatch(r"([0-9.]*)(.*)", version, re.S).groups()
    return tuple(int(one) for one in numbers.split(".") if one and len(one) < 10), not rest, rest


def lasting(age: timedelta) -> Text:
    seconds = max(int(age.total_seconds()), 0)
    for size, en, zh in ((86_400, "d", "天"), (3_600, "h", "小时"), (60, "min", "分钟")):
        if seconds >= 2 * size:
            return Text(f"{seconds // size} {en}", f"{seconds // size} {zh}")
    return Text(f"{seconds} s", f"{seconds} 秒")

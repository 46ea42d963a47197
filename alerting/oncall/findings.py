"""What is wrong or strange in `[oncall]`, with the dates of the gaps in a roster."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from alerting.oncall.roster import shown
from alerting.oncall.sections import DAY_S, MuteSection, PersonSection, PolicySection, RosterSection
from gateway.model.alarm import Priority
from gateway.model.text import Text

LOOK_AHEAD = timedelta(days=60)  # gaps of a roster are looked for so far
MOST_GAPS = 5  # told of one roster


class Finding(NamedTuple):
    location: tuple[str | int, ...]
    what: Text
    fix: Text
    severity: str = "error"


def ids_twice(table: str, ids: Iterable[str], others: Iterable[str] = ()) -> Iterator[Finding]:
    """others: ids that are taken elsewhere."""
    seen = set(others)
    for place, id in enumerate(ids):
        if id in seen:
            yield Finding((table, place, "id"), Text(f'"{id}" is there twice', f'"{id}" 重复'),
                          Text("people and rosters need ids of their own", "人员和值班表的标识不得重复"))
        seen.add(id)


def of_people(people: Sequence[PersonSection]) -> Iterator[Finding]:
    for place, person in enumerate(people):
        if not person.contacts:
            yield Finding(("people", place, "contacts"),
                          Text("{name} can not be reached", "{name} 没有联系方式").format(name=person.name),
                          Text("give an address in contacts", "请在 contacts 中填写地址"), "warning")


def of_rosters(rosters: Sequence[RosterSection], zone: ZoneInfo, now: datetime) -> Iterator[Finding]:
    for place, roster in enumerate(rosters):
        wrong = [*_turns(("rosters", place), roster), *_overrides(("rosters", place), roster)]
        yield from wrong
        if all(finding.severity == "warning" for finding in wrong):
            yield from _gaps(("rosters", place), roster, zone, now)


def of_policies(policies: Sequence[PolicySection]) -> Iterator[Finding]:
    for place, policy in enumerate(policies):
        if Priority.P4 in policy.priorities:
            yield Finding(("policies", place, "priorities"), Text("a P4 calls nobody", "P4 告警不通知人员"),
                          Text("P4 is for the page and the journal; give the alarm another priority",
                               "P4 仅显示并记录；如需通知，请提高告警优先级"), "warning")


def of_mutes(mutes: Sequence[MuteSection]) -> Iterator[Finding]:
    for place, mute in enumerate(mutes):
        if Priority.P1 in mute.priorities:
            yield Finding(("mutes", place, "priorities"), Text("a P1 is never muted", "P1 告警不允许静默"),
                          Text("leave P1 out", "请去掉 P1"))
        hours = mute.filter().hours
        if hours is not None and hours.always:
            yield Finding(("mutes", place, "hours"), Text("this window never ends", "该静默时段永不结束"),
                          Text("mute for some hours or days; take the limit away if nobody needs the alarm",
                               "请限定时段或星期；若告警确无必要，请删除该限值"))


def _turns(at: tuple[str | int, ...], roster: RosterSection) -> Iterator[Finding]:
    for number, layer in enumerate(roster.layers):
        if layer.turn % DAY_S:
            yield Finding((*at, "layers", number, "turn"),
                          Text("a turn is a number of whole days", "轮换周期须为整天数"),
                          Text('write "1d" or "7d"; for shifts within a day make a layer of each',
                               '写成 "1d" 或 "7d"；一天内的班次请各建一层'))


def _overrides(at: tuple[str | int, ...], roster: RosterSection) -> Iterator[Finding]:
    for number, one in enumerate(roster.overrides):
        where = (*at, "overrides", number)
        if one.until <= one.from_:
            yield Finding((*where, "until"), Text("ends before it begins", "结束早于开始"),
                          Text("exchange the two", "请调换两个时间"))
            continue
        for earlier in roster.overrides[:number]:
            if earlier.from_ < one.until and one.from_ < earlier.until:
                yield Finding((*where, "from"), Text("overlaps with the stand-in of {person}: this one counts",
                                                     "与 {person} 的替班时间重叠：以本条为准").format(
                    person=earlier.person), Text("shorten one of them", "请缩短其中一条"), "warning")


def _gaps(at: tuple[str | int, ...], roster: RosterSection, zone: ZoneInfo, now: datetime) -> Iterator[Finding]:
    gaps = roster.roster(zone).gaps(now.astimezone(UTC), now.astimezone(UTC) + LOOK_AHEAD)
    for gap in gaps[:MOST_GAPS]:
        yield Finding((*at, "layers"), Text("nobody is on duty from {begins} to {ends}: all of it would be called",
                                            "{begins} 至 {ends} 无人值班：届时将通知值班表全体人员").format(
            begins=shown(gap.begins, zone), ends=shown(gap.ends, zone)),
            Text("add a layer or a stand-in", "请增加一层或一条替班"), "warning")
    if len(gaps) > MOST_GAPS:
        yield Finding((*at, "layers"), Text("{n} more gaps within {days} days", "{days} 天内另有 {n} 个空档").format(
            n=len(gaps) - MOST_GAPS, days=LOOK_AHEAD.days), Text("add a layer", "请增加一层"), "warning")

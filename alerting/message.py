"""What people are told: one transition as a notice, in both languages, with the site's own time.

The first 40 characters of a title say what, where and how bad, because that is what a locked phone shows. The payload
is JSON-ready:

    key         idempotency key: a repeat carries the same one
    event       "raise", "return", "acknowledge", "re-alarm": it stands and is told again, or, told again with the
                reason: "recall": it still stands, "escalation": nobody has acknowledged. Of what withholds itself:
                "bypass", "shelve", "out of service", with " ended" or " expired" at their end; alarm is then its
                target, occurrence 0.
                Of several: "bundle" (alarms: which), "left_out" (left_out: so many gave way in a full outbox)
    alarm       id; occurrence: number of this activation
    priority    "P1".."P4"; risk: "red", "orange", "yellow", "blue"
    state       "normal", "unacknowledged", "acknowledged", "returned", "latched"
    site, area  {"id", "name": {"en", "zh"}}
    value, unit, limit    numbers or null
    time, raised          ISO 8601 with the site's offset; zone: its IANA name
    after_start_s         only while the clock is not synchronised: `time` is what it shows, the event was so many
                          seconds after the start
    first_out, recorded   booleans; recorded false: the alarm file could not be written
    who, comment, verified   only with "acknowledge" and of what withholds; verified: an account stands behind the name
    title, text           {"en", "zh"}; language: the site's own; link: address of the page, or null
    person      {"id", "name": {"en", "zh"}}: only where it is for one person
    guidance    {"en", "zh"}: what to do; only where the alarm has one
    evidence              [{"time", "signal", "value", "note": {"en", "zh"}}]
    exercise    "drill": only a drill; "test": the gateway tests itself; "" otherwise
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from alerting.engine import Transition
from alerting.lifecycle import STATE_NAMES, Event
from alerting.wording import lasting
from gateway.model.alarm import EXERCISES, RISK_NAMES, TEST, AlarmDefinition, Risk
from gateway.model.clock import Instant
from gateway.model.condition import CONDITION_NAMES, LIMIT_CONDITIONS, Condition
from gateway.model.correction import Told
from gateway.model.guidance import PART_NAMES, plain, plain_parts
from gateway.model.person import is_verified, named
from gateway.model.ports import Notice
from gateway.model.site import Site
from gateway.model.text import LANGUAGES, Text
from gateway.model.verdict import Evidence

NOT_RECORDED: Final = Text("NOT RECORDED: the alarm file can not be written. Write this down.",
                           "未记录：告警文件无法写入，请人工记录本条告警。")
EVENTS: Final = {Event.RAISE: "raise", Event.CLEAR: "return", Event.CLEAR_LATCHING: "return",
                 Event.ACKNOWLEDGE: "acknowledge", Event.REMIND: "re-alarm"}
RECALL: Final = "recall"
_NOTHING: Final = Text("", "")
UNSET: Final = Text(" (clock not synchronised)", "（时钟未同步）")
ESCALATION: Final = "escalation"
_OPENING: Final = {"raise": Text("", ""), "return": Text("ENDED ", "已恢复 "), "acknowledge": Text("ACK ", "已确认 "),
                   RECALL: Text("STILL ACTIVE ", "仍在报警 "), "re-alarm": Text("STILL ACTIVE ", "仍在报警 "),
                   ESCALATION: Text("UNANSWERED ", "无人确认 ")}


@dataclass(frozen=True, slots=True)
class Again:
    """Why a standing alarm is told again. event: RECALL or ESCALATION."""

    event: str
    why: Text


@dataclass(frozen=True, slots=True)
class Dates:
    """When the event was, and when its alarm was raised, as is known when people are told."""

    event: Told
    raised: Told

    @classmethod
    def of(cls, transition: Transition) -> Dates:
        """As they were stamped."""
        return cls(Told(transition.wall_ns), Told(transition.raised_wall_ns))


OVERLAY_OVER: Final = Again(RECALL, Text("Nothing withholds it any longer, and it is still active",
                                         "旁路、搁置或抑制已结束，该告警仍在报警"))


def notice_key(site: Site, transition: Transition) -> str:
    """Unique over sites, restarts and lost alarm files, and the same whenever the same frames are evaluated again:
    "depot/GD-03/HH#17@1790000000000000000:raise". The time is that of the raising edge."""
    again = f"@{transition.wall_ns}" if transition.event is Event.REMIND else ""  # there may be several
    return (f"{site.id}/{transition.alarm}#{transition.occurrence}@{transition.raised_wall_ns}"
            f":{EVENTS[transition.event]}{again}")


def compose(site: Site, definition: AlarmDefinition, transition: Transition, *, recorded: bool = True,
            link: str = "", again: Again | None = None, dates: Dates | None = None) -> Notice:
    """`link`: address of the page, for the reader of the notice. `again`: this is no new transition; the alarm of this
    one still stands. `dates`: where they are not as they were stamped."""
    event, key = _event_key(site, transition, again)
    dates = dates or Dates.of(transition)
    transition = _dated(transition, dates)
    payload = {
        "key": key, "event": event, "alarm": transition.alarm, "occurrence": transition.occurrence,
        "priority": definition.priority.name, "risk": str(definition.risk), "state": str(transition.new),
        "site": {"id": site.id, "name": both(site.name)},
        "area": {"id": definition.area, "name": both(site.area_name(definition.area))},
        "value": _number(transition.value), "unit": definition.unit, "limit": definition.limit,
        "time": local_time(site, transition.wall_ns).isoformat(),
        "raised": local_time(site, transition.raised_wall_ns).isoformat(), "zone": site.timezone,
        "first_out": transition.first_out, "recorded": recorded,
        "title": both(title(site, definition, transition, event, unset=dates.event.after_s is not None)),
        "text": both(body(site, definition, transition, recorded=recorded, link=link, again=again, dates=dates)),
        "language": site.language, "link": link or None, "exercise": definition.exercise,
        "evidence": [{"time": local_time(site, line.wall_ns).isoformat(), "signal": line.signal,
                      "value": _number(line.value), "note": both(line.note)} for line in transition.evidence],
    }
    if dates.event.after_s is not None:
        payload["after_start_s"] = round(dates.event.after_s, 3)
    if definition.guidance.en:
        payload["guidance"] = both(plain(definition.guidance))
    if event == "acknowledge":
        payload |= {"who": transition.who, "comment": transition.comment, "verified": is_verified(transition.who)}
    return Notice(key, transition.alarm, payload, recorded)


def _dated(transition: Transition, dates: Dates) -> Transition:
    """With the times that are known now; its trace is that of the event, or of the raise where it stands since."""
    event_ns, raised_ns = dates.event.wall_ns - transition.wall_ns, dates.raised.wall_ns - transition.raised_wall_ns
    if not event_ns and not raised_ns:
        return transition
    moved = raised_ns if transition.event in (Event.RAISE, Event.REMIND) else event_ns
    return replace(transition, wall_ns=dates.event.wall_ns, raised_wall_ns=dates.raised.wall_ns, evidence=tuple(
        replace(line, wall_ns=line.wall_ns + moved) for line in transition.evidence))


def bare(site: Site, definition: AlarmDefinition, transition: Transition, recorded: bool,
         again: Again | None) -> Notice:
    """What the site file alone says, under the same key, for when `compose` fails: no number, no time, no trace."""
    event, key = _event_key(site, transition, again)
    priority = definition.priority.name
    opening = _OPENING[event]
    lines = both(Text(f"{opening.en}{priority} {definition.name.en}", f"{opening.zh}{priority} {definition.name.zh}"))
    return Notice(key, transition.alarm, {
        "key": key, "event": event, "alarm": transition.alarm, "occurrence": transition.occurrence,
        "priority": priority, "risk": str(definition.risk), "state": str(transition.new),
        "site": {"id": site.id, "name": both(site.name)},
        "area": {"id": definition.area, "name": both(Text(definition.area, definition.area))}, "value": None,
        "unit": definition.unit, "limit": None, "time": "", "raised": "", "zone": site.timezone,
        "first_out": transition.first_out, "recorded": recorded, "title": lines, "text": lines,
        "language": site.language, "link": None, "exercise": definition.exercise, "evidence": []}, recorded)


def _event_key(site: Site, transition: Transition, again: Again | None) -> tuple[str, str]:
    key = notice_key(site, transition)
    if again is None:
        return EVENTS[transition.event], key
    return again.event, f"{key.rpartition(':')[0]}:{again.event}@{transition.wall_ns}"


def compose_test(site: Site, notifier: str, at: Instant) -> Notice:
    """A message that proves a way out; it says in its first word that it is a test."""
    time = local_time(site, at.wall_ns)
    heading = Text("TEST of {notifier}, no alarm: {site}", "测试 {notifier}，非告警：{site}").format(
        notifier=notifier, site=site.name)
    lines = Text("This message proves that this way out works. Nothing is to be done.\nSite {site}; {time} ({zone})",
                 "本消息用于验证通知渠道，无需处理。\n站点：{site}；时间：{time}（{zone}）").format(
        site=site.name, time=f"{time:%Y-%m-%d %H:%M:%S}", zone=site.timezone)
    area = site.areas[0]
    key = f"{site.id}/test-{notifier}@{at.wall_ns}"
    return Notice(key, "test", {
        "key": key, "event": "test", "alarm": "test", "occurrence": 0, "priority": "P4", "risk": str(Risk.BLUE),
        "state": "test", "site": {"id": site.id, "name": both(site.name)},
        "area": {"id": area.id, "name": both(area.name)}, "value": None, "unit": "", "limit": None,
        "time": time.isoformat(), "raised": time.isoformat(), "zone": site.timezone, "first_out": False,
        "recorded": True, "title": both(heading), "text": both(lines), "language": site.language, "link": None,
        "evidence": []})


def title(site: Site, definition: AlarmDefinition, transition: Transition, event: str = "", *,
          unset: bool = False) -> Text:
    """"P1 GD-03 high-high 43.2 %LEL, Tank farm": priority, what, how bad, where. What a signal measures is left to the
    text: its name may be long, and what is wrong with it would stand behind the edge of the screen."""
    opening, priority = _OPENING[event or EVENTS[transition.event]], definition.priority.name
    if definition.exercise != TEST and definition.subject in site.signals:
        value = measured(site, definition, transition.value) if definition.condition in LIMIT_CONDITIONS else _NOTHING
        value = Text(*(f" {value[language]}" if value[language] else "" for language in LANGUAGES))
        condition, area = CONDITION_NAMES[definition.condition], site.area_name(definition.area)
        what = Text(f"{definition.subject} {condition.en}{value.en}, {area.en}",
                    f"{definition.subject} {condition.zh}{value.zh}，{area.zh}")
    else:
        what = definition.name
    mark = f"{EXERCISES[definition.exercise]} " if definition.exercise else ""
    last = UNSET if unset else _NOTHING
    return Text(f"{mark}{opening.en}{priority} {what.en}{last.en}", f"{mark}{opening.zh}{priority} {what.zh}{last.zh}")


def body(site: Site, definition: AlarmDefinition, transition: Transition, *, recorded: bool = True,
         link: str = "", again: Again | None = None, dates: Dates | None = None) -> Text:
    lines = _lines(site, definition, transition, recorded, again, dates or Dates.of(transition))
    if link:
        lines.append(Text("Page: {link}", "页面：{link}").format(link=link))
    return Text(*("\n".join(line[language] for line in lines) for language in LANGUAGES))


def _lines(site: Site, definition: AlarmDefinition, transition: Transition, recorded: bool,
           again: Again | None, dates: Dates) -> list[Text]:
    lines = [] if recorded else [NOT_RECORDED]
    lines.append(definition.name)
    if again is not None:
        lines.append(again.why)
    value, limit = measured(site, definition, transition.value), quantity(definition, definition.limit)
    if value.en and limit and value == Text.same(quantity(definition, transition.value)):
        lines.append(Text("Value {value}, limit {limit}", "当前值 {value}，限值 {limit}").format(
            value=value, limit=limit))
    elif value.en:
        lines.append(Text("Value {value}", "当前值 {value}").format(value=value))
    elif limit:
        lines.append(Text(f"Limit {limit}", f"限值 {limit}"))
    if transition.event is Event.RAISE:
        lines += _reason(site, definition)
    time = Text.same(f"{local_time(site, transition.wall_ns):%Y-%m-%d %H:%M:%S}")
    if dates.event.after_s is None:
        lines.append(Text("Site {site}; {time} ({zone})", "站点：{site}；时间：{time}（{zone}）").format(
            site=site.name, time=time, zone=site.timezone))
    else:
        lines.append(Text("Site {site}; clock not synchronised: {after} after the start (it shows {time}, {zone})",
                          "站点：{site}；时钟未同步：启动后 {after}（时钟显示 {time}，{zone}）").format(
            site=site.name, after=lasting(dates.event.after_s), time=time, zone=site.timezone))
    if again is not None or transition.event is not Event.RAISE:
        raised = Text.same(f"{local_time(site, transition.raised_wall_ns):%Y-%m-%d %H:%M:%S}")
        lines.append(Text("Raised {time}", "报警时间：{time}").format(time=raised) if dates.raised.after_s is None else
                     Text("Raised {after} after the start", "报警时间：启动后 {after}").format(
                         after=lasting(dates.raised.after_s)))
    priority, risk, state = definition.priority.name, RISK_NAMES[definition.risk], STATE_NAMES[transition.new]
    lines.append(Text(f"Priority {priority}, risk {risk.en}, {state.en}",
                      f"优先级 {priority}，风险等级{risk.zh}，{state.zh}"))
    if transition.event is Event.ACKNOWLEDGE:
        lines.append(Text("Acknowledged by {who}", "确认人：{who}").format(who=named(transition.who)))
        if transition.comment:
            lines.append(Text(f"Comment: {transition.comment}", f"备注：{transition.comment}"))
    if transition.first_out and transition.event is Event.RAISE:
        lines.append(Text("First alarm of its group", "本组首发告警"))
    if transition.event in (Event.RAISE, Event.REMIND):
        lines += [Text(f"{PART_NAMES[name].en}: {part.en}", f"{PART_NAMES[name].zh}：{part.zh}")
                  for name, part in plain_parts(definition.guidance).items() if name != "cause"]  # for those who act
    if transition.evidence:
        lines.append(Text("Trace:", "依据："))
        lines += [_trace(site, line) for line in transition.evidence]
    return lines


def _reason(site: Site, definition: AlarmDefinition) -> Iterator[Text]:
    """What the site file has to say with numbers, where neither value and limit nor a trace say it."""
    if definition.condition == Condition.BLIND:
        yield Text("None of {n} gas detectors works", "{n} 个气体探测器均不可用").format(
            n=sum(len(zone.detectors) for zone in site.gas_zones if zone.id == definition.id))
    if definition.origin not in site.signals:
        return
    signal = site.signal(definition.origin)
    if definition.condition == Condition.DEADMAN and signal.deadman_s is not None:
        yield Text("No good sample for {s:g} s", "{s:g} 秒内无有效数据").format(s=signal.deadman_s)
    elif definition.condition == Condition.STUCK:
        yield Text("{n} successful reads without a change", "连续 {n} 次成功读取，读数未变").format(
            n=signal.stuck_reads)
    elif definition.condition == Condition.INVALID and signal.low is not None and signal.high is not None:
        yield Text("Measuring range {low} to {high}", "量程 {low} 至 {high}").format(
            low=quantity(definition, signal.low), high=quantity(definition, signal.high))


def quantity(definition: AlarmDefinition, value: float | None) -> str:
    """"43.2 %LEL"; empty where there is no number."""
    if value is None or not math.isfinite(value):
        return ""
    return f"{value:.{definition.decimals}f} {definition.unit}".rstrip()


def measured(site: Site, definition: AlarmDefinition, value: float | None) -> Text:
    """The same in words where the signal has some for its states: "open". Empty for what only stands or does not: a
    rule is not 1.0."""
    labels = site.signal(definition.subject).labels if definition.subject in site.signals else {}
    if value in labels:
        return labels[int(value)]
    return Text.same(quantity(definition, value)) if definition.unit or definition.limit is not None else _NOTHING


def local_time(site: Site, wall_ns: int) -> datetime:
    """Wall time in the site's zone, to the millisecond."""
    seconds, rest = divmod(wall_ns, 1_000_000_000)
    return datetime.fromtimestamp(seconds, site.zone).replace(microsecond=rest // 1_000_000 * 1000)


def _trace(site: Site, line: Evidence) -> Text:
    value = f" {line.value:g}" if math.isfinite(line.value) else ""
    return Text("  {time} {signal}{value}: {note}", "  {time} {signal}{value}：{note}").format(
        time=f"{local_time(site, line.wall_ns):%H:%M:%S.%f}"[:-3], signal=line.signal, value=value, note=line.note)


def both(text: Text) -> dict[str, str]:
    """As in a payload."""
    return {"en": text.en, "zh": text.zh}


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None

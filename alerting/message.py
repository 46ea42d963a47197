"""What people are told: one transition as a notice, in both languages, with the site's own time.

The first 40 characters of a title say what, where and how bad, because that is what a locked phone shows. The payload
is JSON-ready:

    key         idempotency key: a repeat carries the same one
    event       "raise", "return" or "acknowledge"
    alarm       id; occurrence: number of this activation
    priority    "P1".."P4"; risk: "red", "orange", "yellow", "blue"
    state       "normal", "unacknowledged", "acknowledged", "returned", "latched"
    site, area  {"id", "name": {"en", "zh"}}
    value, unit, limit    numbers or null
    time, raised          ISO 8601 with the site's offset; zone: its IANA name
    first_out, recorded   booleans; recorded false: the alarm file could not be written
    who, comment, verified   only with "acknowledge"; verified is false until there are accounts
    title, text           {"en", "zh"}; language: the site's own; link: address of the page, or null
    evidence              [{"time", "signal", "value", "note": {"en", "zh"}}]
"""

from __future__ import annotations

import math
from datetime import datetime
from typing import Final

from alerting.engine import Transition
from alerting.lifecycle import STATE_NAMES, Event
from gateway.model.alarm import RISK_NAMES, AlarmDefinition
from gateway.model.ports import Notice
from gateway.model.signal import LIMIT_CONDITIONS
from gateway.model.site import CONDITION_NAMES, Site
from gateway.model.text import LANGUAGES, Text
from gateway.model.verdict import Evidence

NOT_RECORDED: Final = Text("NOT RECORDED: the alarm file can not be written. Write this down.",
                           "未记录：告警文件无法写入，请人工记录本条告警。")
EVENTS: Final = {Event.RAISE: "raise", Event.CLEAR: "return", Event.CLEAR_LATCHING: "return",
                 Event.ACKNOWLEDGE: "acknowledge"}
_OPENING: Final = {"raise": Text("", ""), "return": Text("ENDED ", "已恢复 "), "acknowledge": Text("ACK ", "已确认 ")}


def notice_key(site: Site, transition: Transition) -> str:
    """Unique over sites, restarts and lost alarm files, and the same whenever the same frames are evaluated again:
    "depot/GD-03/HH#17@1790000000000000000:raise". The time is that of the raising edge."""
    return (f"{site.id}/{transition.alarm}#{transition.occurrence}@{transition.raised_wall_ns}"
            f":{EVENTS[transition.event]}")


def compose(site: Site, definition: AlarmDefinition, transition: Transition, *, recorded: bool = True,
            link: str = "") -> Notice:
    """`link`: address of the page, for the reader of the notice."""
    event = EVENTS[transition.event]
    key = notice_key(site, transition)
    payload = {
        "key": key, "event": event, "alarm": transition.alarm, "occurrence": transition.occurrence,
        "priority": definition.priority.name, "risk": str(definition.risk), "state": str(transition.new),
        "site": {"id": site.id, "name": _both(site.name)},
        "area": {"id": definition.area, "name": _both(site.area_name(definition.area))},
        "value": _number(transition.value), "unit": definition.unit, "limit": definition.limit,
        "time": local_time(site, transition.wall_ns).isoformat(),
        "raised": local_time(site, transition.raised_wall_ns).isoformat(), "zone": site.timezone,
        "first_out": transition.first_out, "recorded": recorded,
        "title": _both(title(site, definition, transition)),
        "text": _both(body(site, definition, transition, recorded=recorded, link=link)),
        "language": site.language, "link": link or None,
        "evidence": [{"time": local_time(site, line.wall_ns).isoformat(), "signal": line.signal,
                      "value": _number(line.value), "note": _both(line.note)} for line in transition.evidence],
    }
    if event == "acknowledge":
        payload |= {"who": transition.who, "comment": transition.comment, "verified": False}
    return Notice(key, transition.alarm, payload, recorded)


def title(site: Site, definition: AlarmDefinition, transition: Transition) -> Text:
    """"P1 GD-03 high-high 43.2 %LEL, Tank farm": priority, what, how bad, where. What a signal measures is left to the
    text: its name may be long, and what is wrong with it would stand behind the edge of the screen."""
    opening, priority = _OPENING[EVENTS[transition.event]], definition.priority.name
    if definition.origin in site.signals:
        value = quantity(definition, transition.value) if definition.condition in LIMIT_CONDITIONS else ""
        value = f" {value}" if value else ""
        condition, area = CONDITION_NAMES[definition.condition], site.area_name(definition.area)
        what = Text(f"{definition.origin} {condition.en}{value}, {area.en}",
                    f"{definition.origin} {condition.zh}{value}，{area.zh}")
    else:
        what = definition.name
    return Text(f"{opening.en}{priority} {what.en}", f"{opening.zh}{priority} {what.zh}")


def body(site: Site, definition: AlarmDefinition, transition: Transition, *, recorded: bool = True,
         link: str = "") -> Text:
    lines = _lines(site, definition, transition, recorded)
    if link:
        lines.append(Text("Page: {link}", "页面：{link}").format(link=link))
    return Text(*("\n".join(line[language] for line in lines) for language in LANGUAGES))


def _lines(site: Site, definition: AlarmDefinition, transition: Transition, recorded: bool) -> list[Text]:
    lines = [] if recorded else [NOT_RECORDED]
    lines.append(definition.name)
    value, limit = quantity(definition, transition.value), quantity(definition, definition.limit)
    if value and limit:
        lines.append(Text(f"Value {value}, limit {limit}", f"当前值 {value}，限值 {limit}"))
    elif value or limit:
        lines.append(Text(f"Value {value}", f"当前值 {value}") if value else Text(f"Limit {limit}", f"限值 {limit}"))
    time = f"{local_time(site, transition.wall_ns):%Y-%m-%d %H:%M:%S}"
    lines.append(Text(f"Site {site.name.en}; {time} ({site.timezone})",
                      f"站点：{site.name.zh}；时间：{time}（{site.timezone}）"))
    if transition.event is not Event.RAISE:
        raised = f"{local_time(site, transition.raised_wall_ns):%Y-%m-%d %H:%M:%S}"
        lines.append(Text(f"Raised {raised}", f"报警时间：{raised}"))
    priority, risk, state = definition.priority.name, RISK_NAMES[definition.risk], STATE_NAMES[transition.new]
    lines.append(Text(f"Priority {priority}, risk {risk.en}, {state.en}",
                      f"优先级 {priority}，风险等级{risk.zh}，{state.zh}"))
    if transition.event is Event.ACKNOWLEDGE:
        lines.append(Text(f"Acknowledged by {transition.who} (name not verified)",
                          f"确认人：{transition.who}（姓名未核实）"))
        if transition.comment:
            lines.append(Text(f"Comment: {transition.comment}", f"备注：{transition.comment}"))
    if transition.first_out and transition.event is Event.RAISE:
        lines.append(Text("First alarm of its group", "本组首发告警"))
    if definition.guidance.en and transition.event is Event.RAISE:
        lines.append(Text(f"What to do: {definition.guidance.en}", f"处置：{definition.guidance.zh}"))
    if transition.evidence:
        lines.append(Text("Trace:", "依据："))
        lines += [_trace(site, line) for line in transition.evidence]
    return lines


def quantity(definition: AlarmDefinition, value: float | None) -> str:
    """"43.2 %LEL"; empty where there is no number."""
    if value is None or not math.isfinite(value):
        return ""
    return f"{value:.{definition.decimals}f} {definition.unit}".rstrip()


def local_time(site: Site, wall_ns: int) -> datetime:
    """Wall time in the site's zone, to the millisecond."""
    seconds, rest = divmod(wall_ns, 1_000_000_000)
    return datetime.fromtimestamp(seconds, site.zone).replace(microsecond=rest // 1_000_000 * 1000)


def _trace(site: Site, line: Evidence) -> Text:
    value = f" {line.value:g}" if math.isfinite(line.value) else ""
    return Text("  {time} {signal}{value}: {note}", "  {time} {signal}{value}：{note}").format(
        time=f"{local_time(site, line.wall_ns):%H:%M:%S.%f}"[:-3], signal=line.signal, value=value, note=line.note)


def _both(text: Text) -> dict[str, str]:
    return {"en": text.en, "zh": text.zh}


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None

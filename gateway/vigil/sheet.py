"""The result sheet of a drill, from the rows of the journal alone: who was told when, who acknowledged when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from alerting.ledger import JournalRow
from gateway.model.clock import NS
from gateway.model.person import is_verified, named
from gateway.model.site import Site
from gateway.model.text import Text
from gateway.vigil.drill import KIND
from gateway.vigil.twins import PREFIX


def sheet(site: Site, rows: Sequence[JournalRow], people: Mapping[str, Text] | None = None) -> dict | None:
    """JSON-ready; rows as `Drills.rows` gives them, None without any. ended None: it goes on. An acknowledgement counts
    until the end only: then what is left is closed by the gateway. people: names by id."""
    names = people or {}
    if not rows:
        return None
    begin, end = rows[0], next((row for row in rows if row.kind == KIND and row.body["act"] == "end"), None)
    target_s = begin.body["target_s"]
    events: dict[tuple[str, int], dict] = {}  # by alarm and occurrence
    latest: dict[str, dict] = {}
    for row in rows:
        if row is end:
            break
        if row.kind == "transition" and row.alarm.startswith(PREFIX):
            place = row.alarm, row.body["occurrence"]
            if row.body["event"] == "raise":
                definition = site.alarms.get(row.alarm)
                latest[row.alarm] = events[place] = {
                    "alarm": row.alarm, "name": Text.same(row.alarm) if definition is None else definition.name,
                    "priority": None if definition is None else definition.priority, "raised": _time(site, row.wall_ns),
                    "told": [], "acknowledged": None, "in_time": False, "_ns": row.wall_ns}
            elif row.body["event"] == "acknowledge" and place in events:
                after_s = (row.wall_ns - events[place]["_ns"]) / NS
                events[place] |= {"in_time": after_s <= target_s, "acknowledged": {
                    "who": row.body["who"], "time": _time(site, row.wall_ns), "after_s": round(after_s, 1)}}
        elif row.kind == "delivery" and row.body["act"] == "delivered" and _calls(row.body["key"]) \
                and (event := latest.get(row.alarm)) is not None:
            event["told"].append({
                "to": row.body["person"], "through": row.body["notifier"],
                "name": names.get(row.body["person"], Text.same(row.body["person"] or row.body["notifier"])),
                "time": _time(site, row.wall_ns),
                "after_s": round((row.wall_ns - event["_ns"]) / NS, 1)})
    alarms = [{key: value for key, value in event.items() if key != "_ns"} for event in events.values()]
    return {
        "who": begin.body["who"], "why": begin.body["why"], "verified": is_verified(begin.body["who"]),
        "signals": [{"id": signal, "name": signal_name(site, signal)} for signal in begin.body["signals"]],
        "target_s": target_s, "begun": _time(site, begin.wall_ns), "ended": end and _time(site, end.wall_ns),
        "alarms": alarms, "in_time": sum(event["in_time"] for event in alarms)}


def markdown(site_name: Text, found: dict, language: str) -> str:
    """For print and file."""
    def say(en: str, zh: str) -> str:
        return Text(en, zh)[language]

    lines = [f"# {say('Drill', '演练记录')}: {site_name[language]}", "",
             say("- Led by: ", "- 组织人：") + named(found["who"])[language],
             say("- Reason: ", "- 原因：") + found["why"],
             say("- Signals: ", "- 信号：") + say(", ", "、").join(
                 f"{one['id']} {one['name'][language]}" for one in found["signals"]),
             say("- Time: ", "- 时间：") + _span(found, say("goes on", "进行中"), say("to", "至")),
             say(f"- Acknowledged in time: {found['in_time']} of {len(found['alarms'])}, "
                 f"target {found['target_s']:g} s",
                 f"- 按时确认：{found['in_time']}/{len(found['alarms'])}（时限 {found['target_s']:g} 秒）"), "",
             say("| alarm | raised | told | acknowledged | in time |", "| 告警 | 报警时间 | 通知 | 确认 | 按时 |"),
             "|---|---|---|---|---|"]
    for event in found["alarms"]:
        told = say("; ", "；").join(_after(one["name"][language], one["after_s"], language) for one in event["told"])
        taken = event["acknowledged"]
        lines.append("| " + " | ".join((
            event["name"][language], _clock(event["raised"]), told or say("nobody", "无"),
            _after(taken["who"], taken["after_s"], language) if taken else say("nobody", "无"),
            say("yes", "是") if event["in_time"] else say("no", "否"))) + " |")
    return "\n".join(lines) + "\n"


def signal_name(site: Site, signal: str) -> Text:
    return site.signal(signal).name if signal in site.signals else Text.same(signal)


def _after(who: str, seconds: float, language: str) -> str:
    return Text(f"{who} after {seconds:g} s", f"{who}（{seconds:g} 秒后）")[language]


def _span(found: dict, open_end: str, to: str) -> str:
    begun, ended = found["begun"], found["ended"]
    return f"{begun[:10]} {_clock(begun)} {to} {_clock(ended) if ended else open_end}"


def _clock(iso: str) -> str:
    """Of the site's zone."""
    return iso[11:19]


def _calls(key: str) -> bool:
    """It asks somebody to act: no word of an end or an acknowledgement."""
    return not key.rpartition(":")[2].startswith(("return", "acknowledge"))


def _time(site: Site, wall_ns: int) -> str:
    return datetime.fromtimestamp(wall_ns // NS, site.zone).isoformat()

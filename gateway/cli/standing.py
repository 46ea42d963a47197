"""What `davylamp status` does: what stands now, one line for each alarm, with the id that `davylamp ack` takes."""

from __future__ import annotations

import argparse
import json
from typing import Any, Final

from gateway.client import ask
from gateway.model.person import named
from gateway.model.text import Text

_STATES: Final = {
    "unacknowledged": Text("NOT ACKNOWLEDGED", "未确认"), "acknowledged": Text("acknowledged", "已确认"),
    "returned": Text("returned, not acknowledged", "已恢复，未确认"), "latched": Text("latched", "锁存")}


def status(options: argparse.Namespace, language: str) -> int:
    found = ask(options, "alarms", "alarms")
    if options.json:
        print(json.dumps(found, ensure_ascii=False, indent=1))
        return 0
    print(Text("Alarms: {total}, not acknowledged: {waiting}, put aside: {aside}.",
               "告警 {total} 个，未确认 {waiting} 个，未通知人员的旁路、搁置等 {aside} 项。").format(
        total=found["total"], waiting=found["unacknowledged"], aside=len(found["holds"]))[language])
    for one in found["alarms"]:
        print(_line(one)[language])
    if (more := found["total"] - len(found["alarms"])) > 0:
        print(Text("... and {more} more: see the page", "……另有 {more} 个，请查看页面").format(more=more)[language])
    return 0


def _line(one: dict[str, Any]) -> Text:
    who = Text(", {who}", "，{who}").format(who=named(one["who"])) if one["who"] else Text("", "")
    said = Text("P{priority}  {since}  {id}  {name}: {state}{who}", "P{priority}  {since}  {id}  {name}：{state}{who}")
    return said.format(
        priority=one["priority"], since=one["raised"][:19].replace("T", " "), id=one["id"], name=Text(**one["name"]),
        state=_STATES[one["state"]], who=who)

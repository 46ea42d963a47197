"""The people of the small site of the alarm tests: two who take turns, an officer, the county."""

from __future__ import annotations

from datetime import date, time
from zoneinfo import ZoneInfo

from alerting.oncall.roster import Layer, Roster
from alerting.oncall.routing import Address, Filter, Hours, Mute, Person, Policy, Routing, Step
from gateway.model.alarm import Priority
from gateway.model.text import Text

ZONE = ZoneInfo("Asia/Shanghai")  # the tests begin at START_NS, on Monday 2026-09-21 at 22:13:20


def person(id: str, *channels: str, language: str | None = None) -> Person:
    return Person(id, Text.same(id), tuple(Address(channel, f"{id}@{channel}") for channel in channels),
                  language=language)


PEOPLE = {one.id: one for one in (person("li", "phone", language="en"), person("wang", "phone"),
                                  person("officer", "phone", "mail"), person("county", "mail"))}
DUTY = Roster("duty", Text("site duty", "现场值班"), ZONE, (
    Layer(Text("week", "周班"), ("li", "wang"), date(2026, 9, 21), begins=time(8), ends=time(8)),))
LADDER = Policy("gas", Filter(frozenset({Priority.P1, Priority.P2})), (
    Step(("duty",), 300), Step(("officer",), 600), Step(("county",), 900)))
NIGHT = Mute(Text("night", "夜间"), Filter(frozenset({Priority.P1, Priority.P2}), hours=Hours(time(22), time(6))))
ROUTING = Routing(ZONE, ("phone", "mail"), PEOPLE, {"duty": DUTY}, (LADDER,))

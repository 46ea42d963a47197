"""The list of all gateways is told by what they said of themselves and when, never by when it arrived."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from gateway.fleet import roll
from gateway.fleet.report import Report, state
from gateway.model.text import Text

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def report(**how) -> Report:
    return Report(**{"version": "1.2.0", "started_wall_ns": 10**18, "number": 4, "digest": "ab" * 32, "hand": False,
                     "working": True, "reason": Text("", ""), "clock_trusted": True, "risk": "blue",
                     "alarms": {"P1": 0, "P2": 1, "P3": 0, "P4": 2}, "unacknowledged": 1, "signals_good": 30,
                     "signals": 35, "devices_online": 6, "devices": 7} | how)


def told(site: str, *, age_s: float = 20, word: str = "online", bridge: bytes | None = b"1", **how) -> dict[str, bytes]:
    wall_ns = round((NOW - timedelta(seconds=age_s)).timestamp() * 1e9)
    found = {f"davylamp/{site}/state": state(site, wall_ns, word),
             f"davylamp/{site}/birth": report(**how).birth(site, wall_ns),
             f"davylamp/{site}/report": report(**how).whole(site, wall_ns, 7, 60)}
    return found if bridge is None else found | {f"davylamp/{site}/bridge": bridge}


@pytest.mark.parametrize("how, expected", [
    ({}, "online"), ({"bridge": None}, "online"), ({"age_s": 179}, "online"), ({"age_s": 181}, "silent"),
    ({"word": "offline"}, "offline"), ({"word": "stopped"}, "stopped"), ({"bridge": b"0"}, "cut off"),
    ({"bridge": b"0", "word": "offline"}, "offline"), ({"age_s": 86_400}, "silent")])
def test_how_a_gateway_is(how, expected):
    (line,) = roll.roll(told("north", **how), "davylamp", NOW)
    assert line.state == expected


def test_what_differs_is_told():
    messages = told("a") | told("b") | told("c", version="1.1.0") | told("d", hand=True, clock_trusted=False) | told(
        "e", working=False, reason=Text("detection hangs", "检测卡死"))
    assert {line.site: [text.en for text in line.differs] for line in roll.roll(messages, "davylamp", NOW)} == {
        "a": [], "b": [], "c": ["version 1.1.0, most have 1.2.0"],
        "d": ["configuration changed by hand", "clock not synchronised"], "e": ["does not work: detection hangs"]}


def test_a_clock_that_is_ahead_is_told_because_such_a_gateway_would_never_be_silent():
    (line,) = roll.roll(told("north", age_s=-3600), "davylamp", NOW)
    assert [text.en for text in line.differs] == ["its clock is 60 min ahead of this one"]
    (line,) = roll.roll(told("north", age_s=-100), "davylamp", NOW)
    assert line.differs == ()


@pytest.mark.survives("a gateway of the fleet that sends control characters for a terminal",
                      then="the list shows them as blanks", says=Text("does not work: [2Jok", "工作异常： [2Jok"))
def test_what_a_gateway_sends_commands_no_terminal(says):
    messages = told("north", version="1.2\x1b[31m", working=False, reason=Text.same("\x1b[2Jok"))
    lines = roll.roll(messages, "davylamp", NOW)
    assert says(Text(*(roll.table(lines, NOW, language)[2].removeprefix("    ! ") for language in ("en", "zh"))))
    assert "\x1b" not in "".join(roll.table(lines, NOW, "en"))


def test_the_table_in_both_languages():
    lines = roll.roll(told("north") | told("south", age_s=7200, version="1.1.0"), "davylamp", NOW)
    assert roll.table(lines, NOW, "en") == [
        "site   state   last contact  version  configuration  devices  P1 P2 P3 P4  not acknowledged",
        "north  online  20 s ago      1.2.0    4 abababab     6/7       0  1  0  2  1",
        "south  SILENT  2 h ago       1.1.0    4 abababab     6/7       0  1  0  2  1",
        "    ! version 1.1.0, most have 1.2.0"]
    assert roll.table(lines, NOW, "zh")[0].startswith("站点   状态  最近上报  版本")
    assert "失联" in roll.table(lines, NOW, "zh")[2]


@pytest.mark.survives("a gateway of the fleet that sends nonsense", then="the others are listed; of it what is known",
                      says=Text("?", "？"))
@pytest.mark.parametrize("payload", [b"", b"{", b"[]", b"\xff\xfe", b"x" * 20_000, b'{"time": 7, "alarms": 3}',
                                     b"[" * 10_000])
def test_nonsense_of_one_hides_no_other(says, payload):
    messages = told("good") | {f"davylamp/bad/{kind}": payload for kind in ("state", "birth", "report", "bridge")} | {
        "davylamp/a/b/state": b"{}", "davylamp/x": b"{}"}
    lines = roll.roll(messages, "davylamp", NOW)
    assert [(line.site, line.state) for line in lines] == [("bad", "unknown"), ("good", "online")]
    row = roll.table(lines, NOW, "en")[1], roll.table(lines, NOW, "zh")[1]
    says(Text(*row))
    json.dumps(roll.as_json(lines))

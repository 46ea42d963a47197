"""The list of all gateways is told by what they said of themselves and when, never by when it arrived."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from gateway.fleet import received, roll, table
from gateway.fleet.expected import Expected
from gateway.fleet.report import LARGEST, AreaReport, Report, Speaker, Unwell
from gateway.model.clock import Instant
from gateway.model.text import Text

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def report(**how) -> Report:
    return Report(**{"version": "1.2.0", "started_wall_ns": 10**18, "number": 4, "digest": "ab" * 32, "hand": False,
                     "working": True, "reason": Text("", ""), "clock_trusted": True, "risk": "blue",
                     "alarms": {"P1": 0, "P2": 1, "P3": 0, "P4": 2}, "unacknowledged": 1,
                     "colours": {"red": 0, "orange": 0, "yellow": 0, "blue": 3}, "areas": (), "unwell": (),
                     "signals_good": 30, "signals": 35, "devices_online": 6, "devices": 7} | how)


def instant(age_s: float, line_s: float = 5000) -> Instant:
    return Instant(round((line_s - age_s) * 1e9), round((NOW - timedelta(seconds=age_s)).timestamp() * 1e9))


def told(site: str, *, age_s: float = 20, word: str = "online", bridge: bytes | None = b"1", run: str = "a",
         **how) -> dict[str, bytes]:
    """By topic: what the broker has retained of a gateway that started 100 s before its newest report."""
    speaker = Speaker(site, run)
    began, now, found = instant(age_s + 100), instant(age_s), report(**how)
    said = {f"davylamp/{site}/state": speaker.state(word, began), f"davylamp/{site}/birth": speaker.birth(found, began),
            f"davylamp/{site}/report": speaker.report(found, now, 7, 60)}
    return said if bridge is None else said | {f"davylamp/{site}/bridge": bridge}


def kept(messages: dict[str, bytes]) -> list[received.Message]:
    return [received.Message(topic, payload, NOW) for topic, payload in messages.items()]


def rolled(messages: dict[str, bytes], *live: received.Message, expected=None) -> roll.Roll:
    return roll.roll([*kept(messages), *live], "davylamp", NOW, expected)


def only(messages: dict[str, bytes], *live: received.Message, expected=None) -> roll.Line:
    (line,) = rolled(messages, *live, expected=expected).lines
    return line


def live(site: str, *, age_s: float = 0, run: str = "a", sequence: int = 8, line_s: float = 5000) -> received.Message:
    payload = Speaker(site, run).report(report(), instant(age_s, line_s), sequence, 60)
    return received.Message(f"davylamp/{site}/report", payload, NOW, live=True)


def english(line: roll.Line) -> list[str]:
    return [text.en for text in line.differs]


@pytest.mark.parametrize("how, state", [
    ({}, "online"), ({"bridge": None}, "online"), ({"age_s": 179}, "online"), ({"age_s": 181}, "silent"),
    ({"word": "offline"}, "offline"), ({"word": "stopped"}, "stopped"), ({"bridge": b"0"}, "cut off"),
    ({"bridge": b"0", "word": "offline"}, "offline"), ({"age_s": 86_400}, "silent")])
def test_how_a_gateway_is(how, state):
    assert only(told("north", **how)).state == state


def test_what_differs_is_told():
    messages = told("a") | told("b", version="1.10.0") | told("c", version="1.9.3", hand=True) | told(
        "d", version="1.10.0", clock_trusted=False) | told(
        "e", version="1.10.0", working=False, reason=Text("detection hangs", "检测卡死"))
    found = rolled(messages)
    assert {line.site: english(line) for line in found.lines} == {
        "a": ["version 1.2.0, the newest is 1.10.0"], "b": [],
        "c": ["version 1.9.3, the newest is 1.10.0", "configuration changed by hand"],
        "d": ["clock not synchronised"], "e": ["does not work: detection hangs"]}
    assert not found.as_it_should_be and rolled(told("b")).as_it_should_be


def test_a_release_is_newer_than_its_candidate():
    found = rolled(told("a", version="1.2.0rc1") | told("b", version="1.2.0"))
    assert (found.newest, [line.as_it_should_be for line in found.lines]) == ("1.2.0", [False, True])


def test_each_configuration_is_compared_with_that_of_the_centre():
    expected = {"a": Expected("a/site.toml", "ab" * 32), "b": Expected("b/site.toml", "cd" * 32),
                "gone": Expected("gone/site.toml", "ef" * 32)}
    found = rolled(told("a") | told("b") | told("stranger"), expected=expected)
    assert {line.site: (line.state, english(line)) for line in found.lines} == {
        "a": ("online", []),
        "b": ("online", ["runs another configuration (abababab) than b/site.toml (cdcdcdcd)"]),
        "gone": ("never heard", []), "stranger": ("online", ["the centre holds no configuration of it"])}
    assert [line.as_it_should_be for line in found.lines] == [True, False, False, False]


def test_a_silent_gateway_is_told_with_how_long():
    line = only(told("north", age_s=7300))
    assert english(line) == ["no report for 2 h, or its clock is behind (--listen tells)"]
    born = {topic: payload for topic, payload in told("north").items() if not topic.endswith("report")}
    assert english(only(born)) == ["has never sent a report"]


def test_a_clock_that_is_ahead_is_told_because_such_a_gateway_would_never_be_silent():
    assert english(only(told("north", age_s=-3600))) == ["its clock is 60 min ahead of this one"]
    assert only(told("north", age_s=-100)).as_it_should_be


def test_one_who_is_heard_is_not_silent_but_has_a_wrong_clock():
    line = only(told("north", age_s=7300), live("north", age_s=7240))
    assert (line.state, english(line)) == ("online", ["its clock is 2 h behind this one"])
    assert only(told("north"), live("north", age_s=3)).as_it_should_be


def test_what_comes_late_does_not_take_the_place_of_what_is_newer():
    """A report of an hour ago arrives after that of now: it waited somewhere."""
    line = only(told("north", age_s=5), live("north", age_s=3600, sequence=2))
    assert (line.contact, line.report["sequence"]) == (NOW - timedelta(seconds=5), 7)


def test_the_will_of_an_earlier_start_that_comes_late_takes_nobody_off_line():
    late = {"davylamp/north/state": Speaker("north", "before").state("offline", instant(4000))}
    assert only(told("north") | late).state == "online"


def test_after_a_start_the_birth_is_newer_than_the_report():
    older = told("north", age_s=300, run="before")
    newer = told("north", age_s=0, run="after", version="1.3.0", number=5)
    line = only(newer | {"davylamp/north/report": older["davylamp/north/report"]})
    assert (line.report["version"], line.report["number"]) == ("1.3.0", 5)


@pytest.mark.survives("two gateways with the same site id", then="both report in one place; the list says so",
                      says=Text('two gateways call themselves "north"', '有两台网关都自称 "north"'))
def test_two_gateways_of_one_name_are_told(says):
    heard = [live("north", run=run, line_s=line_s) for run, line_s in (("a", 5000), ("b", 90), ("a", 5060))]
    (line,) = (line for line in rolled(told("north"), *heard).lines)
    assert any(says(text) for text in line.differs)
    both = told("north") | {"davylamp/north/birth": told("north", run="b")["davylamp/north/birth"]}
    assert any(says(text) for text in only(both).differs), "seen without listening, where it shows"
    birth = Speaker("north", "b").birth(report(), instant(0, 5100))
    restart = [live("north"), received.Message("davylamp/north/birth", birth, NOW, live=True),
               live("north", run="b", line_s=5100)]
    assert not any("two" in text.en for text in rolled(told("north"), *restart).lines[0].differs)


def test_what_a_gateway_says_of_its_areas_and_parts_is_shown_in_both_languages():
    head = Unwell("device/gas/head", Text("Device gas/head", "设备 gas/head"), Text("no answer", "无应答"))
    pit = AreaReport("pit", Text("Loading pit", "装卸坑"), "orange", 2)
    found = rolled(told("north", risk="orange", areas=[pit], unwell=[head]))
    assert table.table(found, NOW, "en")[2:] == [
        "    - Loading pit: orange, 2 alarms", "    - Device gas/head: no answer"]
    assert table.table(found, NOW, "zh")[2:] == ["    - 装卸坑：橙，2 条告警", "    - 设备 gas/head：无应答"]
    assert found.as_it_should_be, "what stands at a site is no difference between gateways"


def test_a_report_of_a_huge_site_is_bounded_and_says_what_it_leaves_out():
    long = Text("w" * 500, "长" * 500)
    payload = Speaker("s" * 60, "r" * 12).report(report(
        reason=long, areas=[AreaReport("a" * 64, long, "orange", 9)] * 300,
        unwell=[Unwell("device/" + "d" * 100, long, long)] * 1000), instant(0), 10**9, 60)
    assert len(payload) < LARGEST
    line = only({"davylamp/north/report": payload, "davylamp/north/state": Speaker("north", "r" * 12).state(
        "online", instant(9))})
    assert line.unwell[-1].en == "and 984 more" and line.areas[-1].en == "and 276 more areas"


def test_who_counts_less_than_it_lists_leaves_nothing_out():
    said = told("north", unwell=[Unwell("device/head", Text.same("head"), Text("", ""))],
                areas=[AreaReport("pit", Text.same("pit"), "orange", 2)])
    document = json.loads(said["davylamp/north/report"]) | {"unwell_count": 0, "areas_with_alarms": -5}
    line = only(said | {"davylamp/north/report": json.dumps(document).encode()})
    assert (len(line.unwell), len(line.areas)) == (1, 1)


@pytest.mark.survives("a gateway of the fleet that sends control characters for a terminal",
                      then="the list shows them as blanks", says=Text("does not work: [2Jok", "工作异常： [2Jok"))
def test_what_a_gateway_sends_commands_no_terminal(says):
    found = rolled(told("north\u202e", version="1.2\x1b[31m", working=False, reason=Text.same("\x1b[2Jok"),
                        risk="\x9b"))
    assert says(Text(*(table.table(found, NOW, language)[2].removeprefix("    ! ") for language in ("en", "zh"))))
    assert all(one.isprintable() for one in "".join(table.table(found, NOW, "en")))
    assert json.dumps(table.as_json(found, NOW)).isascii()


def test_emoji_and_half_characters_are_only_characters():
    found = rolled(told("厂区-🏭", version="🔥") | {
        "davylamp/half/report": b'{"time": "2026-05-01T12:00:00+00:00", "version": "\\ud800"}'})
    "\n".join(table.table(found, NOW, "zh")).encode()
    assert json.dumps(table.as_json(found, NOW)).isascii()


def test_the_table_in_both_languages():
    found = rolled(told("north") | told("south", age_s=7200, version="1.1.0"))
    assert table.table(found, NOW, "en") == [
        "site   state   last report  risk  P1 P2 P3 P4  not acknowledged  devices  version  configuration",
        "north  online  20 s ago     blue   0  1  0  2  1                 6/7      1.2.0    4 abababab",
        "south  SILENT  2 h ago      blue   0  1  0  2  1                 6/7      1.1.0    4 abababab",
        "    ! no report for 2 h, or its clock is behind (--listen tells)",
        "    ! version 1.1.0, the newest is 1.2.0"]
    assert table.table(found, NOW, "zh")[0].startswith("站点   状态  最近上报  风险")
    assert "失联" in table.table(found, NOW, "zh")[2]


def test_nobody_has_reported():
    found = rolled({"davylamp/north/report": b""})  # somebody has cleared it
    assert table.table(found, NOW, "en") == ["No gateway has reported, or this name may not read what they report."]
    assert not found.as_it_should_be


@pytest.mark.parametrize("kind", ["state", "birth", "report"])
@pytest.mark.parametrize("payload, why", [
    (b"{", "not JSON"), (b"[]", "not a JSON object"), (b"\xff\xfe", "not JSON"), (b"[" * 10_000, "not JSON"),
    (b"x" * (LARGEST + 1), f"larger than {LARGEST} bytes"), (b'{"time": NaN}', "not JSON"),
    (b'{"time": 7, "alarms": 3}', "missing or of a wrong type: time, alarms"),
    (b'{"time": "soon", "every_s": true, "areas": {}}', "missing or of a wrong type: every_s, areas, time"),
    (b"null", "not a JSON object"), (b'{"time": "2026-05-01T12:00:00"}', "missing or of a wrong type: time")])
def test_nonsense_of_one_hides_no_other_and_its_topic_is_named(kind, payload, why):
    found = rolled(told("good") | {f"davylamp/bad/{kind}": payload, "davylamp/a/b/state": b"{}", "davylamp/x": b"{}"})
    assert [(line.site, line.state) for line in found.lines] == [("bad", "unknown"), ("good", "online")]
    assert [(one.topic, one.why.en) for one in found.malformed] == [(f"davylamp/bad/{kind}", why)]
    assert table.table(found, NOW, "en")[-1] == f"! davylamp/bad/{kind}: {why}"
    json.dumps(table.as_json(found, NOW))
    assert not found.as_it_should_be


@pytest.mark.survives("a gateway of the fleet that sends nonsense", then="the others are listed; its topic is named",
                      says=Text("! davylamp/bad/report: not JSON", "! davylamp/bad/report: 不是 JSON"))
def test_what_is_no_json_is_named(says):
    found = rolled(told("good") | {"davylamp/bad/report": b"hello", "davylamp/bad/bridge": b"up"})
    assert says(Text(*(table.table(found, NOW, language)[-1] for language in ("en", "zh"))))
    assert found.malformed[0].why.en == "neither 0 nor 1"


@pytest.mark.parametrize("nested", [
    {"alarms": {"P1": []}}, {"areas": [3, {"name": 7, "risk": []}, {}]}, {"unwell": [None, {"detail": {"en": {}}}]},
    {"risk": "purple"}, {"reason": {"en": []}, "working": False}, {"every_s": 10**300}, {"number": -10**30}])
def test_strange_things_inside_a_report_are_shown_as_they_are(nested):
    topic = "davylamp/north/report"
    messages = told("north")
    messages[topic] = json.dumps(json.loads(messages[topic]) | nested).encode()
    for language in ("en", "zh"):
        assert "north" in table.table(rolled(messages), NOW, language)[1]
    json.dumps(table.as_json(rolled(messages), NOW))

"""What people read: what, where, how bad in the first 40 characters; both languages; the site's time."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from alerting.engine import Transition
from alerting.lifecycle import Event, State
from alerting.message import compose, notice_key, title
from gateway.config import load
from gateway.model.condition import CONDITION_NAMES, LIMIT_CONDITIONS
from gateway.model.guidance import Guidance
from gateway.model.text import Text
from gateway.model.verdict import Evidence
from gateway.plugins import PLUGINS
from tests.alerting.sites import START_NS, depot

EXAMPLES = Path(__file__).parents[2] / "deploy" / "sites"
SITE = depot()


def step(alarm: str, event: Event = Event.RAISE, new: State = State.UNACKNOWLEDGED, value: float = 43.21, **more):
    return Transition(alarm, 17, event, State.NORMAL, new, START_NS + 5_250_000_000, 5, START_NS, value, **more)


def notice(alarm: str, *args, recorded: bool = True, **more):
    return compose(SITE, SITE.alarms.get(alarm), step(alarm, *args, **more), recorded=recorded)


@pytest.mark.parametrize("definition", SITE.alarms, ids=lambda definition: definition.id)
def test_the_first_forty_characters_say_what_where_and_how_bad(definition):
    told = title(SITE, definition, step(definition.id))
    for language in ("en", "zh"):
        start = told[language][:40]
        assert start.startswith(definition.priority.name)
        if definition.condition in LIMIT_CONDITIONS:
            assert definition.origin in start
            assert CONDITION_NAMES[definition.condition][language] in start
            assert "43.2" in start and definition.unit in start
        if definition.area:
            first_word = SITE.area_name(definition.area)[language].split()[0]
            assert first_word in start or definition.origin == "esd-north", "a rule's own name says where"


EXAMPLE = load(EXAMPLES / "depot.toml", PLUGINS).site_file.site


@pytest.mark.parametrize("event", [Event.RAISE, Event.CLEAR])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_with_the_names_of_a_real_site_too(language, event):
    """Detector loading bay, no data: what is wrong must not stand behind the name of the detector."""
    for definition in EXAMPLE.alarms:
        start = title(EXAMPLE, definition, step(definition.id, event, value=12.34))[language][:40]
        assert definition.priority.name in start
        if definition.origin in EXAMPLE.signals:
            assert definition.origin in start and CONDITION_NAMES[definition.condition][language] in start
            assert ("12.3" in start) == (definition.condition in LIMIT_CONDITIONS)


def test_a_gas_alarm_in_full():
    trace = (Evidence(START_NS, "GD-01", 43.21, Text("above", "越限")),)
    payload = notice("GD-01/HH", first_out=True, evidence=trace).payload
    assert payload["title"] == {"en": "P1 GD-01 high-high 43.2 %LEL, Tank farm",
                                "zh": "P1 GD-01 高高限 43.2 %LEL，储罐区"}
    assert payload["text"]["en"].splitlines() == [
        "GD-01 Tank farm: combustible gas high-high", "Value 43.2 %LEL, limit 40.0 %LEL",
        "Site Small depot; 2026-09-21 22:13:25 (Asia/Shanghai)",
        "Priority P1, risk red, active, not acknowledged", "First alarm of its group",
        "What to do: Stop hot work, find the leak upwind.",
        "If nobody acts: Fire, explosion or poisoning of people in the area.", "Trace:",
        "  22:13:20.000 GD-01 43.21: above"]
    assert payload["text"]["zh"].splitlines() == [
        "储罐区GD-01：可燃气体高高限", "当前值 43.2 %LEL，限值 40.0 %LEL",
        "站点：小油库；时间：2026-09-21 22:13:25（Asia/Shanghai）",
        "优先级 P1，风险等级红色，报警中，未确认", "本组首发告警", "处置：停止动火作业，从上风向查找泄漏点。",
        "不处置的后果：可能引发火灾、爆炸或人员中毒。", "依据：",
        "  22:13:20.000 GD-01 43.21：越限"]
    assert (payload["time"], payload["raised"]) == ("2026-09-21T22:13:25.250000+08:00", "2026-09-21T22:13:20+08:00")
    assert payload["site"] == {"id": "depot", "name": {"en": "Small depot", "zh": "小油库"}}
    assert (payload["event"], payload["priority"], payload["risk"]) == ("raise", "P1", "red")


def test_every_notice_is_strict_json():
    for definition in SITE.alarms:
        for event in Event:
            told = notice(definition.id, event, value=math.nan,
                          evidence=(Evidence(0, "x", math.inf, Text("n", "n")),))
            assert json.loads(json.dumps(told.payload, allow_nan=False)) == told.payload
            assert told.payload["value"] is None


def test_not_recorded_is_said_first_in_both_languages():
    told = notice("GD-01/HH", recorded=False)
    assert told.recorded is told.payload["recorded"] is False
    assert told.payload["text"]["en"].startswith("NOT RECORDED") and told.payload["text"]["zh"].startswith("未记录")
    assert notice("GD-01/HH").payload["recorded"] is True


def test_an_acknowledgement_names_the_person_as_not_verified():
    told = notice("GD-01/HH", Event.ACKNOWLEDGE, State.ACKNOWLEDGED, math.nan, who="王工",
                  comment="to the valve").payload
    assert (told["who"], told["comment"], told["verified"]) == ("王工", "to the valve", False)
    assert "Acknowledged by 王工 (name not verified)\nComment: to the valve" in told["text"]["en"]
    assert "确认人：王工（姓名未核实）" in told["text"]["zh"]
    assert "verified" not in notice("GD-01/HH").payload


def test_an_end_says_that_it_is_one():
    told = notice("GD-01/H", Event.CLEAR, State.RETURNED, 11.0).payload
    assert told["title"] == {"en": "ENDED P2 GD-01 high 11.0 %LEL, Tank farm",
                             "zh": "已恢复 P2 GD-01 高限 11.0 %LEL，储罐区"}
    assert "Raised 2026-09-21 22:13:20" in told["text"]["en"]
    assert "ended, not acknowledged" in told["text"]["en"]


def test_braces_in_names_are_only_text():
    told = notice("GD-01/HH", evidence=(Evidence(0, "{x}", 1.0, Text("{0} {name}", "{}")),))
    assert "{0} {name}" in told.payload["text"]["en"]


def test_the_key_tells_activations_events_and_sites_apart():
    first = step("GD-01/HH")
    assert notice_key(SITE, first) == f"depot/GD-01/HH#17@{START_NS}:raise"
    keys = {notice_key(SITE, step("GD-01/HH", event)) for event in Event}
    assert len(keys) == 4, "both kinds of end are one event to people"


def test_a_full_message_says_what_to_do_and_whom_to_call_without_marks():
    definition = replace(SITE.alarms.get("GD-03/HH"), guidance=Guidance(
        "**Leave** the area", "**撤离**现场", cause=Text.same("a leak"),
        contact=Text("[Control room](https://x.example/8001)", "中控室 8001")))
    payload = compose(SITE, definition, step("GD-03/HH")).payload
    assert "What to do: Leave the area\nContact: Control room (https://x.example/8001)" in payload["text"]["en"]
    assert "处置：撤离现场\n联系人：中控室 8001" in payload["text"]["zh"]
    assert "a leak" not in payload["text"]["en"], "the cause is on the page; a phone is for acting"
    assert payload["guidance"] == {"en": "Leave the area", "zh": "撤离现场"}


def test_what_only_stands_or_does_not_has_no_number():
    """A rule is not 1.0, and a valve is open."""
    text = notice("esd-north", value=1.0).payload["text"]
    assert "Value" not in text["en"] and "当前值" not in text["zh"]
    seen = 0
    for alarm in EXAMPLE.alarms:
        for signal in (EXAMPLE.signal(alarm.subject),) if alarm.subject in EXAMPLE.signals else ():
            for value, label in signal.labels.items():
                said = compose(EXAMPLE, alarm, step(alarm.id, value=float(value))).payload["text"]
                assert f"Value {label.en}" in said["en"] and f"当前值 {label.zh}" in said["zh"]
                seen += 1
    assert seen

"""What to do about an alarm is never empty: the catalogue of alarms, and what a site says over it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.config import load
from gateway.config.kinds import catalogue as kinds
from gateway.model.advice import catalogue
from gateway.model.condition import Condition
from gateway.model.guidance import Guidance
from gateway.model.text import Text
from gateway.vigil.twins import drill_alarms
from tests.config.plugins import REAL

SITES = sorted((Path(__file__).parents[2] / "deploy" / "sites").glob("*.toml"))
SAID = {**catalogue(), **{f"kind {name}": Guidance.of(kind.guidance) for name, kind in kinds().items()
                          if kind.guidance is not None}}
COMPLETE = ("action", "cause", "consequence")
HAN = re.compile(r"[\u4e00-\u9fff]")


def test_every_kind_of_alarm_is_in_the_catalogue():
    assert {*Condition} <= {*catalogue()}


@pytest.mark.parametrize("name", SAID)
def test_the_catalogue_speaks_both_languages_briefly_and_cites_no_standard(name):
    for part, text in SAID[name].parts.items():
        if part in COMPLETE and not (name.startswith("gateway/") and part == "action"):  # that is beside its name
            assert text.en and HAN.search(text.zh) and not HAN.search(text.en), (name, part)
            assert len(text.en) <= 180 and len(text.zh) <= 80, f"{name} {part}: read at 3 a.m. on a phone"
            assert not re.search(r"GB|AQ|standard|标准(?!气)|[０-９]", text.en + text.zh), f"{name} {part}"


@pytest.mark.parametrize("path", SITES, ids=[path.stem for path in SITES])
def test_every_alarm_of_an_example_site_has_action_cause_and_consequence(path):
    site = load(path, REAL).site_file.site
    for alarm in (*site.alarms, *drill_alarms(site)):
        assert all(alarm.guidance.parts[part].zh for part in COMPLETE), alarm.id


SITE = """\
[site]
id = "s"
name = "S"
timezone = "Asia/Shanghai"
[[signals]]
id = "G"
kind = "combustible_gas"
low = 0
high = 100
limits = { H = 20, HH = 40 }
[[signals]]
id = "T"
kind = "level"
low = 0
high = 10
limits = { H = 9 }
[[sources]]
id = "x"
type = "modbus"
host = "127.0.0.1"
[[sources.devices]]
id = "d"
unit = 1
points = [{ signal = "G", table = "holding", address = 0 }, { signal = "T", table = "holding", address = 1 }]
"""


def loaded(tmp_path, more=""):
    path = tmp_path / "site.toml"
    path.write_text(SITE + more, encoding="utf-8")
    return load(path, REAL)


def test_a_gas_detector_that_is_silent_is_another_matter_than_a_level(tmp_path):
    alarms = loaded(tmp_path).site_file.site.alarms
    assert "portable detector" in alarms.get("G/deadman").guidance.en
    assert "portable" not in alarms.get("T/deadman").guidance.en
    assert alarms.get("G/deadman").guidance.cause == alarms.get("T/deadman").guidance.cause


def test_a_site_says_what_it_knows_better_and_the_rest_stays(tmp_path):
    more = """\
[alarms.guidance.all]
contact = { en = "Control room, **8001**", zh = "中控室，**8001**" }
[alarms.guidance.deadman]
action = { en = "Call the instrument shop.", zh = "联系仪表班。" }
[alarms.guidance."gateway/store"]
contact = "IT, 8100"
"""
    alarms = loaded(tmp_path, more).site_file.site.alarms
    silent = alarms.get("T/deadman").guidance
    assert silent.zh == "联系仪表班。" and silent.cause.zh.startswith("设备断电")
    assert {alarm.guidance.contact.en for alarm in alarms} == {"Control room, **8001**", "IT, 8100"}
    assert alarms.get("gateway/store").guidance.contact.en == "IT, 8100"
    assert alarms.get("G/HH").guidance.en.startswith("Leave the area"), "of the kind: nearer than the condition"


@pytest.mark.survives("guidance for a kind of alarm that there is not", then="refused",
                      says=Text('no kind of alarm "deadmen"; did you mean `deadman`?',
                                '没有此类告警 "deadmen"；是否应为 `deadman`？'))
def test_guidance_for_an_unknown_kind_of_alarm_is_refused(tmp_path, says):
    problem, = loaded(tmp_path, '[alarms.guidance.deadmen]\naction = "go"\n').problems
    assert says(problem.what)

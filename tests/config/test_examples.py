"""The example sites are right, the broken ones are refused, and the pages made from them are current."""

from __future__ import annotations

import pytest

from gateway.config import load
from gateway.config.reference import reference
from gateway.model.signal import Condition
from tests.config import documents
from tests.config.plugins import REAL

SITES = documents.ROOT / "deploy" / "sites"


@pytest.mark.parametrize("name", ["depot.toml", "minimal.toml"])
def test_an_example_site_has_neither_errors_nor_warnings(name):
    assert load(SITES / name, REAL).problems == ()


def test_the_depot_is_the_one_that_is_simulated():
    site = load(SITES / "depot.toml", REAL).site_file.site

    assert set(site.signals.ids) == {
        *(f"GD-0{n}" for n in range(1, 7)), *(f"GD-0{n}.status" for n in range(1, 7)),
        "P-101.P", "P-101.I", "P-101.U", "P-101.E", "P-101.run", "FAN-01.run", "FAN-01.P", "P-102.P", "ESD.cmd",
        "XV-101.closed", "XV-101.open", "XV-102.closed", "XV-102.open", "XV-101.pos", "XV-102.pos", "T-101.level",
        "LINE.p", "VAP.T", "CAM-pump.fps", "CAM-pump.detect", "CAM-tank.fps", "PUMP.persons", "TANK.persons"}
    assert site.gas_areas == {"tank_farm": ("GD-01", "GD-02", "GD-03"), "pump_house": ("GD-04", "GD-05"),
                              "loading_bay": ("GD-06",)}
    assert [rule.id for rule in site.rules] == ["esd-north", "work-without-video-pump"]


def test_the_depot_s_gas_detectors_alarm_below_the_ceilings():
    signals = load(SITES / "depot.toml", REAL).site_file.site.signals
    for id in (f"GD-0{n}" for n in range(1, 7)):
        detector = signals[signals.index(id)]
        limits = {limit.condition: limit for limit in detector.limits}
        assert detector.deadman_s == 5.0
        assert (limits[Condition.HIGH].value, limits[Condition.HIGH_HIGH].value) == (20, 40)
        assert limits[Condition.HIGH_HIGH].latch
        assert (limits[Condition.RATE_UP].value, limits[Condition.RATE_UP].window_s) == (0.5, 10)


def test_every_alarm_of_the_depot_speaks_both_languages():
    for alarm in load(SITES / "depot.toml", REAL).site_file.site.alarms:
        assert alarm.name.en.strip() and alarm.name.zh.strip(), alarm.id


@pytest.mark.parametrize("path", documents.broken(), ids=lambda path: path.stem)
def test_a_broken_site_file_is_refused_in_both_languages(path):
    loaded = load(path, REAL)

    assert loaded.site_file is None
    for problem in loaded.problems:
        assert all((problem.what.en, problem.what.zh, problem.fix.en, problem.fix.zh)), problem
        assert any("\u4e00" <= letter <= "\u9fff" for letter in problem.what.zh), problem
        assert problem.place, problem


def test_there_are_ten_broken_site_files():
    assert len(documents.broken()) == 10


@pytest.mark.parametrize(("page", "current"), [(documents.REFERENCE, lambda: reference(REAL)),
                                               (documents.EXAMPLES, documents.examples)], ids=["reference", "examples"])
def test_a_page_made_from_code_is_current(page, current):
    assert page.read_text(encoding="utf-8") == current(), "run: python -m tests.config.documents"

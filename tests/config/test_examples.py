"""The example sites are right, the broken ones are refused, and the pages made from them are current."""

from __future__ import annotations

import pytest

from gateway.config import load
from gateway.config.reference import reference
from gateway.model.condition import Condition
from gateway.model.text import LANGUAGES, Text
from tests.config import documents
from tests.config.plugins import REAL

SITES = documents.ROOT / "deploy" / "sites"

# Broken site file -> what is bad in it, and what is said about that.
BROKEN = {
    "01-syntax": ("a full-width quotation mark, as a Chinese keyboard types it", Text(
        "line 4, column 8: not valid TOML: Invalid value", "第 4 行第 8 列：TOML 语法错误：值无效")),
    "02-unknown-key": ("unknown key", Text(
        "(line 22), key `adress`: unknown key; did you mean `address`?",
        "（第 22 行），键 `adress`：未知的键；是否应为 `address`？")),
    "03-wrong-type": ("wrong type", Text(
        "(line 27), key `address`: expected a whole number, got \"twelve\"",
        "（第 27 行），键 `address`：应为整数，实际为 \"twelve\"")),
    "04-duplicate-signal": ("duplicate signal", Text(
        "(line 17), key `id`: \"P-101.P\" is there twice; first in signals[0] \"P-101.P\" (line 7)",
        "（第 17 行），键 `id`：\"P-101.P\" 重复；首次出现在 signals[0] \"P-101.P\"（第 7 行）")),
    "05-overlapping-points": ("overlapping points", Text(
        "(line 25), key `address`: shares some registers with point P-101.P at 52: one address or type is wrong",
        "（第 25 行），键 `address`：与地址 52 的测点 P-101.P 部分重叠：其中一个地址或类型有误")),
    "06-time-zone-and-open-page": ("unknown time zone", Text(
        "(line 5), key `timezone`: unknown time zone \"Asia/Beijing\"; did you mean \"Asia/Shanghai\"?",
        "（第 5 行），键 `timezone`：未知时区 \"Asia/Beijing\"；是否应为 \"Asia/Shanghai\"？")),
    "07-gbk-points": ("GBK CSV with Chinese titles and a wrong cell", Text(
        "row 6 \"GD-03\", column `地址`: expected a whole number, got \"十六\"",
        "第 6 行 \"GD-03\"，列 `地址`：应为整数，实际为 \"十六\"")),
    "08-missing-column": ("missing column", Text(
        "row 1, column `table`: column table is missing", "第 1 行，列 `table`：缺少列 table")),
    "09-limits": ("a limit laxer than the ceiling of its kind", Text(
        "(line 17), key `H`: H = 30 %LEL is laxer than the ceiling of combustible_gas: at most 25 %LEL",
        "（第 17 行），键 `H`：H = 30 %LEL 宽于可燃气体允许的界限：应不高于 25 %LEL")),
    "10-references": ("a point for a signal that is not there", Text(
        "(line 55), key `signal`: unknown signal \"XV-101.close\"; did you mean `XV-101.closed`?",
        "（第 55 行），键 `signal`：未知的信号 \"XV-101.close\"；是否应为 `XV-101.closed`？")),
}


@pytest.mark.parametrize("name", ["depot.toml", "casting.toml", "minimal.toml"])
def test_an_example_site_has_neither_errors_nor_warnings(name):
    assert load(SITES / name, REAL).problems == ()


def test_the_depot_is_the_one_that_is_simulated():
    site = load(SITES / "depot.toml", REAL).site_file.site

    assert set(site.signals.ids) == {
        *(f"GD-0{n}" for n in range(1, 7)), *(f"GD-0{n}.status" for n in range(1, 7)),
        "P-101.P", "P-101.I", "P-101.U", "P-101.E", "P-101.run", "FAN-01.run", "FAN-01.P", "P-102.P", "ESD.cmd",
        "XV-101.closed", "XV-101.open", "XV-102.closed", "XV-102.open", "XV-101.pos", "XV-102.pos", "T-101.level",
        "LINE.p", "VAP.T", "CAM-pump.fps", "CAM-pump.detect", "CAM-tank.fps", "PUMP.persons", "TANK.persons"}
    assert {zone.id: zone.detectors for zone in site.gas_zones} == {
        "tank_farm/blind": ("GD-01", "GD-02", "GD-03"), "pump_house/blind": ("GD-04", "GD-05"),
        "loading_bay/blind": ("GD-06",)}
    assert [rule.id for rule in site.rules] == ["esd-north", "work-without-video-pump", "gas-without-fan-pump",
                                            "tank-farm-gas"]


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


@pytest.mark.parametrize("path", [
    pytest.param(path, id=path.stem, marks=pytest.mark.survives(
        BROKEN[path.stem][0], then="refused with all other errors of the file; `davylamp run` does not start",
        says=BROKEN[path.stem][1])) for path in documents.broken()])
def test_a_broken_site_file_is_refused_in_both_languages(path, says):
    loaded = load(path, REAL)

    assert loaded.site_file is None
    for problem in loaded.problems:
        assert all((problem.what.en, problem.what.zh, problem.fix.en, problem.fix.zh)), problem
        assert any("\u4e00" <= letter <= "\u9fff" for letter in problem.what.zh), problem
        assert problem.place, problem
    assert says(Text(*(documents.check(path, language) for language in LANGUAGES)))


def test_there_are_ten_broken_site_files():
    assert len(documents.broken()) == 10


@pytest.mark.parametrize(("page", "current"), [(documents.REFERENCE, lambda: reference(REAL)),
                                               (documents.EXAMPLES, documents.examples),
                                               (documents.CONTRACT, documents.contract)],
                         ids=["reference", "examples", "contract"])
def test_a_page_made_from_code_is_current(page, current):
    assert page.read_text(encoding="utf-8") == current(), "run: python -m tests.config.documents"

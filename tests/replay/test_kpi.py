"""`davylamp kpi` over a journal of known alarms, in both languages and as JSON."""

from __future__ import annotations

import json

import pytest

from alerting.ledger import AlarmLedger
from alerting.overlays.hold import Kind
from alerting.overlays.overlays import Ask
from alerting.service import AlarmService
from gateway.api import present
from gateway.api.answer import encode
from gateway.api.kpi import document
from gateway.app import load
from gateway.cli import main
from gateway.model.clock import NS, ManualClock
from gateway.model.text import Text
from gateway.model.verdict import Edge, Verdicts
from gateway.replay.kpi import _span, lines
from tests.replay.test_journal import SITE


@pytest.fixture
def site(tmp_path):
    path = tmp_path / "site.toml"
    path.write_text(SITE, encoding="utf-8")
    return path


@pytest.fixture
async def story(site):
    """Twelve alarms of GD-1 in four minutes, each acknowledged after 10 s; then one of P1 that waits."""
    here, clock = load(site).site_file.site, ManualClock()
    (site.parent / "data").mkdir()
    alarms = AlarmService(here.alarms, here, AlarmLedger(site.parent / "data" / "alarms.db"), [], clock)
    await alarms.start()

    def say(alarm: str, active: bool) -> None:
        now = clock.now()
        alarms.apply(Verdicts.from_edges([Edge(here.alarms.index(alarm), active, 1.0, now.line_ns, now.wall_ns)]))

    for _ in range(12):
        say("GD-1/H", True)
        clock.advance(10)
        await alarms.acknowledge("GD-1/H", "Li")
        say("GD-1/H", False)
        clock.advance(10)
    say("GD-1/HH", True)
    clock.advance(7200)
    alarms.apply(Verdicts.none())
    await alarms.close()
    return clock.now().wall_ns // NS


async def test_the_figures_of_a_stretch(site, story, capsys):
    asked = ["kpi", str(site), "--from", "2026-09-21T22:10", "--to", "2026-09-22T00:10"]
    assert main([*asked, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["periods"][0]
    assert (found["alarms"], found["peak"], found["floods"]) == (13, 13, 1)
    assert found["by_priority"] == {"P1": 1, "P2": 12, "P3": 0, "P4": 0}
    assert found["worst"][0]["alarm"] == "GD-1/H" and found["worst"][0]["count"] == 12
    assert [one["alarm"] for one in found["chattering"]] == ["GD-1/H"]
    assert found["by_person"] == [{"who": "Li", "count": 12, "median_s": 10.0, "p90_s": 10.0}]
    assert main([*asked, "--lang", "en"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert next(line for line in told if line.startswith("floods")).split() == ["floods", "1"]
    assert next(line for line in told if line.startswith("most in")).split()[-3:] == ["13", "<=", "10"]
    assert main([*asked, "--lang", "zh"]) == 0
    assert "最频繁告警（所选时段）：" in capsys.readouterr().out


async def test_a_stretch_counts_only_what_lies_in_it(site, story, capsys):
    assert main(["kpi", str(site), "--from", "2026-09-21T23:00", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["periods"][0]["alarms"] == 0


@pytest.mark.survives("kpi of a stretch without a site file", then="refused", says=Text(
    "--from, --to and --data need the site file", "--from、--to 和 --data 需要站点文件"))
def test_a_stretch_needs_the_site_file(capsys, says):
    assert [main(["kpi", "--from", "2026-09-21", "--lang", language]) for language in ("en", "zh")] == [1, 1]
    assert says(Text(*capsys.readouterr().err.splitlines()))


async def test_what_nobody_is_called_for_now_is_named_in_both_languages(site):
    here, clock = load(site).site_file.site, ManualClock()
    (site.parent / "data").mkdir()
    alarms = AlarmService(here.alarms, here, AlarmLedger(site.parent / "data" / "alarms.db"), [], clock)
    await alarms.start()
    hold, _ = await alarms.hold(Kind.SHELF, Ask("GD-1/H", "Li", "calibration", 3600.0))
    found = json.loads(encode(document(here, alarms.figures, alarms.views(), clock.now(), withheld=[
        present._hold(hold, here)])))
    await alarms.close()
    assert [(one["kind"], one["target"]) for one in found["now"]["withheld"]] == [("shelve", "GD-1/H")]
    english, chinese = ("\n".join(lines(found, language)) for language in ("en", "zh"))
    assert "shelved until " in english and "(Li: calibration)" in english
    assert "已搁置至 " in chinese and " min" not in chinese


def test_times_are_in_the_language_of_the_reader():
    assert (_span(60.0), _span(600.0)) == (Text("60 s", "60 秒"), Text("10.0 min", "10.0 分钟"))

"""What the site file says now and did not at the last start is in the journal, with the old and the new value."""

from __future__ import annotations

import subprocess
import sys

import pytest

from alerting.journal.configuration import SINGLE, TOGETHER, Change, changes, recorded, settings
from alerting.ledger import AlarmLedger, JournalRow
from alerting.service import AlarmService, AlarmSettings
from gateway.app import load
from gateway.model.clock import ManualClock

SITE = """
[site]
id = "depot"
name = "Depot"
timezone = "Asia/Shanghai"

[[signals]]
id = "GD-1"
kind = "combustible_gas"
deadman = "5s"
faults = {}
limits = { H = 20, HH = 40 }

[[signals]]
id = "LT-1"
kind = "level"
low = 0
high = 10
limits = { H = { value = 9, on_delay = "5s" } }
"""


def site(tmp_path, text: str = SITE):
    path = tmp_path / "site.toml"
    path.write_text(text, encoding="utf-8")
    loaded = load(path)
    assert loaded.site_file is not None, loaded.problems
    return loaded.site_file


async def start(tmp_path, text: str) -> list[JournalRow]:
    """One life of the service with this site file. The rows that it wrote of the configuration."""
    file, ledger = site(tmp_path, text), AlarmLedger(tmp_path / "alarms.db")
    known = len(ledger.history(1000)) if ledger.path.exists() else 0
    service = AlarmService(file.site.alarms, file.site, ledger, [], ManualClock(), AlarmSettings(origin=file.origin()))
    await service.start()
    await service.close()
    return [row for row in reversed(ledger.history(1000)) if row.kind == "configuration" and row.position > known]


async def test_a_set_point_that_was_changed(tmp_path):
    first, = await start(tmp_path, SITE)
    assert first.body["act"] == "first" and first.body["file"] == "site.toml" and first.body["owner"]
    assert await start(tmp_path, SITE) == [], "nothing has changed"
    changed = SITE.replace("H = 20", "H = 25").replace('on_delay = "5s"', 'on_delay = "9s"')
    rows = await start(tmp_path, changed)
    assert [(row.alarm, row.body["old"], row.body["new"]) for row in rows] == [
        ("GD-1/H", {"limit": 20.0, "value": 20.0}, {"limit": 25.0, "value": 25.0}),
        ("LT-1/H", {"on_delay_s": 5.0}, {"on_delay_s": 9.0})]
    assert rows[0].body["sha256"] != first.body["sha256"]
    assert AlarmLedger(tmp_path / "alarms.db").verify() == 6, "and a row at the end of each life"
    assert await start(tmp_path, changed) == []


async def test_an_alarm_that_is_gone_and_one_that_is_new(tmp_path):
    await start(tmp_path, SITE)
    rows = await start(tmp_path, SITE.replace("H = 20, HH = 40", "HH = 40, L = 1"))
    told = {row.alarm: row.body for row in rows}
    assert told["GD-1/L"]["old"] is None and told["GD-1/L"]["new"]["limit"] == 1.0
    assert told["GD-1/H"]["old"]["limit"] == 20.0 and told["GD-1/H"]["new"] is None


def test_the_same_file_is_the_same_in_every_process(tmp_path):
    """Sets of names have no order of their own."""
    path = site(tmp_path).path
    asked = ("import sys, json; from gateway.app import load; from alerting.journal.configuration import settings;"
             "print(json.dumps(settings(load(sys.argv[1]).site_file.site)))")
    said = {subprocess.run([sys.executable, "-c", asked, path], env={"PYTHONPATH": ":".join(sys.path),
                           "PYTHONHASHSEED": seed}, capture_output=True, check=True).stdout for seed in ("1", "2", "3")}
    assert len(said) == 1


def test_what_a_newer_program_leaves_unset_is_no_change():
    old = {"GD-1": {"kind": "gas"}}
    assert list(changes(old, {"GD-1": {"kind": "gas"}})) == []
    assert list(changes(old, {"GD-1": {"kind": "gas", "deadman_s": 5.0}})) == [
        Change("GD-1", {"deadman_s": None}, {"deadman_s": 5.0})]


@pytest.mark.parametrize("count", [SINGLE, SINGLE + 1, SINGLE + TOGETHER + 1])
def test_a_site_that_is_all_new_fits_in_the_journal(tmp_path, count):
    here = site(tmp_path).site
    before = {f"old-{number}": {"limit": 1.0} for number in range(count - len(settings(here)))}
    rows, kept = recorded(before, here, {}, 1)
    assert len(rows) == SINGLE + -(-(count - SINGLE) // TOGETHER) and len(kept) == count
    assert sum(len(row.body.get("changes", (None,))) for row in rows) == count, "none is left out"

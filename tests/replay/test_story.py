"""The story of the demo, as a recording: replay tells it as the live gateway does (tests/acceptance/test_demo.py)."""

from __future__ import annotations

import json

import pytest

from alerting.lifecycle import Event
from gateway.app import load
from gateway.cli import main
from gateway.replay.run import run
from gateway.replay.table import CsvRecording
from tests.acceptance.processes import ROOT
from tests.replay import story

STORY = ["GD-03/ROC+", "GD-03/H", "GD-03/HH", "esd-north", "work-without-video-pump", "GD-06/deadman",
         "loading_bay/blind"]
DEPOT = ROOT / "deploy" / "sites" / "depot.toml"


@pytest.fixture(scope="module")
def depot():
    return load(DEPOT).site_file.site


@pytest.fixture(scope="module")
def leak(tmp_path_factory, depot):
    return story.write(tmp_path_factory.mktemp("story") / "leak.csv", depot.signals.ids)


@pytest.fixture
def command(capsys):
    def run(*arguments, status=0):
        assert main([str(one) for one in arguments]) == status
        done = capsys.readouterr()
        return done.out if status == 0 else done.err
    return run


def variant(folder, *changes):
    """depot.toml with other settings, beside its spreadsheet."""
    text = DEPOT.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / "depot-gas.csv").write_bytes((DEPOT.parent / "depot-gas.csv").read_bytes())
    (folder / "other.toml").write_text(text, encoding="utf-8")
    return folder / "other.toml"


def test_the_alarms_of_the_demo_come_in_the_same_order(depot, leak):
    outcome = run(depot, CsvRecording(leak, depot.signals.ids))
    raised = [one.alarm for one in outcome.transitions if one.event is Event.RAISE]
    ended = [one.alarm for one in outcome.transitions if one.event is not Event.RAISE]
    assert [alarm for alarm in raised if alarm in STORY] == STORY
    told = ["loading_bay/blind", "work-without-video-pump", "GD-03/H"]
    assert [alarm for alarm in ended if alarm in told] == told
    esd = next(one for one in outcome.occurrences if one.alarm == "esd-north")
    assert ["confirmed after" in str(line.note) for line in esd.evidence] == [False, True, False, True]
    first_outs = {one.alarm for one in outcome.occurrences if one.first_out}
    assert not first_outs & {"GD-03/HH", "esd-north"} and "work-without-video-pump" in first_outs
    assert outcome.failures == () and outcome.not_judged == {}


def test_replay_prints_the_alarms_in_the_time_of_the_site(command, leak):
    out = command("replay", leak, "--site", DEPOT, "--lang", "en")
    assert "2026-09-21 20:53:" in out and "(Asia/Shanghai)" in out
    assert "ALARM  P1 GD-03 high-high" in out and "not confirmed within 8 s" in out
    assert "告警  P1 GD-03 高高限" in command("replay", leak, "--site", DEPOT, "--lang", "zh")
    short = command("replay", leak, "--site", DEPOT, "--summary", "--from", "2026-09-21T20:54:30", "--lang", "en")
    assert "ALARM" not in short and "loading_bay/blind" in short and "esd-north" not in short


def test_replay_as_json_against_events(command, leak, tmp_path):
    events = tmp_path / "events.csv"
    events.write_text("time,name,within,alarm\n2026-09-21T20:54:00+08:00,leak,40s,GD-03/H\n"
                      "2026-09-21T10:00:00Z,nothing,1min,\n")
    found = json.loads(command("replay", leak, "--site", DEPOT, "--events", events, "--json"))
    assert [event["caught"] for event in found["score"]["events"]] == [True, False]
    assert 5 < found["score"]["events"][0]["lead_s"] < 15
    raised = sum(alarm["event"] == "raise" and alarm["priority"] != "P4" for alarm in found["alarms"])
    assert found["score"]["false_alarms"] == raised - 1, "one alarm belongs to the event"
    assert {row["alarm"]: row["count"] for row in found["counts"]}.items() >= dict.fromkeys(STORY, 1).items()


def test_backtest_tells_what_another_limit_would_have_done(command, leak, tmp_path):
    candidate = variant(tmp_path, ("H = 20  ", "H = 12  "), ('stroke_time = "8s"', 'stroke_time = "60s"'))
    events = tmp_path / "events.csv"
    events.write_text("time,name,within\n2026-09-21T12:54:00Z,leak,1min\n")
    out = command("backtest", DEPOT, candidate, "--data", leak, "--events", events, "--lang", "en")
    high = out[out.index("GD-03/H  "):]
    assert "before: set point 20 %LEL" in high and "would be: set point 12 %LEL" in high
    assert "would have alarmed: once (before 1)" in high and "s earlier" in high
    esd = out[out.index("esd-north"):]
    assert "would have alarmed: never (before 1)" in esd and "1 of those before missed" in esd
    assert "In all: " in out and "0 floods (before 0)" in out
    found = json.loads(command("backtest", DEPOT, candidate, "--data", leak, "--json"))
    changed = {row["alarm"]: row for row in found["differences"] if row["changed"]}
    assert set(changed) >= {"GD-03/H", "esd-north"} and not {"GD-03/HH", "loading_bay/blind"} & set(changed)
    assert changed["GD-03/H"]["earlier_s"] > 0 and changed["esd-north"]["gone"] == 1
    assert "提早" in command("backtest", DEPOT, candidate, "--data", leak, "--lang", "zh")


def test_a_backtest_of_one_site_counts_and_sweeps(command, leak, tmp_path):
    events = tmp_path / "events.csv"
    events.write_text("time,name,within\n2026-09-21T12:54:00Z,leak,1min\n")
    sweep = ("--sweep", "GD-03.H=10:50:10", "--sweep", "GD-03.HH.on_delay=0:30:30")
    out = command("backtest", DEPOT, "--data", leak, "--events", events, *sweep, "--lang", "en")
    assert "count  total active" in out and "esd-north" in out
    table = out[out.index("GD-03/H  Detector bund drain: set point in %LEL (* as it is now)"):].splitlines()
    assert [line[1:].split()[0] for line in table[2:7]] == ["10", "20", "30", "40", "50"]
    assert [line[0] for line in table[2:7]] == [" ", "*", " ", " ", " "]
    found = json.loads(command("backtest", DEPOT, "--data", leak, "--events", events, *sweep, "--json"))
    high, delay = found["sweeps"]
    assert [row["setting"] for row in high["settings"]] == [10, 20, 30, 40, 50]
    leads = [row["score"]["events"][0]["lead_s"] for row in high["settings"]]
    assert leads == sorted(leads, reverse=True) and len(set(leads)) == 5, "a lower limit is earlier"
    assert [row["setting"] for row in delay["settings"]] == [0, 30] and delay["unit"] == "s"
    assert "报警延时" in command("backtest", DEPOT, "--data", leak, *sweep, "--lang", "zh")
    assert "a sweep is over one site file" in command("backtest", DEPOT, DEPOT, "--data", leak, *sweep, "--lang", "en",
                                                      status=1)


def test_a_backtest_of_a_site_against_itself_finds_no_difference(command, leak):
    out = command("backtest", DEPOT, DEPOT, "--data", leak, "--lang", "en")
    assert " other alarm(s) would have come exactly as before" in out and "would be: set" not in out


@pytest.mark.parametrize("alarm, at, told", [
    ("GD-03/H", "20:53:45", ["did not stand", "does not reach the set point 20.0 %LEL", "It had not begun since"]),
    ("GD-03/H", "20:54:10", ["the condition stood. It began at 2026-09-21 20:53:5", "at or beyond the set point"]),
    ("GD-03/H", "20:55:20", ["the condition stood", "off-delay of 30 s"]),
    ("GD-03/ROC+", "20:53:50", ["the condition stood", "the set point is 0.5 %LEL/s over 10 s"]),
    ("GD-06/deadman", "20:54:45", ["the condition stood", "at most 5 s are allowed"]),
    ("loading_bay/blind", "20:54:45", ["the condition stood", "0 of 1 gas detectors"]),
    ("esd-north", "20:54:15", ["the condition stood", "XV-102.closed == 1: not true", "not confirmed within 8 s"]),
    ("work-without-video-pump", "20:54:30", ["the condition stood", "CAM-pump.fps >= 1: not true; it read 0"]),
    ("T-101.level/trend", "20:54:30", ["did not stand", "it would reach"]),
    ("GD-03/inhibit", "20:54:30", ["did not stand", "GD-03.status reads one of", "GD-03.status Detector"]),
    ("GD-03/invalid", "20:54:30", ["did not stand", "measuring range 0.0 %LEL to 100.0 %LEL"]),
])
def test_explain_says_why(command, leak, depot, alarm, at, told):
    out = command("explain", alarm, "--site", DEPOT, "--data", leak, "--at", f"2026-09-21T{at}", "--lang", "en")
    for sentence in told:
        assert sentence in out
    assert "newest samples:" in out and ("●" in out) == (alarm.split("/")[0] in depot.signals)
    assert "最近数据" in command("explain", alarm, "--site", DEPOT, "--data", leak, "--at", f"2026-09-21T{at}",
                                 "--lang", "zh")


def test_explain_as_json(command, leak):
    found = json.loads(command("explain", "GD-03/HH", "--site", DEPOT, "--data", leak, "--json"))
    assert not found["stands"] and found["last"]["ended"] and len(found["samples"]["GD-03"]) == 10


@pytest.mark.parametrize("alarm, arguments, told", [
    ("GD-03/HHH", (), "did you mean `GD-03/HH`?"),
    ("gateway/store", (), "about the gateway itself"),
    ("GD-03/H", ("--at", "yesterday"), "--at: `yesterday` is not a time"),
    ("GD-03/H", ("--at", "2020-01-01"), "nothing was recorded before this time"),
])
def test_explain_refuses_what_it_can_not_explain(command, leak, alarm, arguments, told):
    assert told in command("explain", alarm, "--site", DEPOT, "--data", leak, *arguments, "--lang", "en", status=1)


def test_alarms_whose_signals_were_not_recorded_are_not_judged(command, tmp_path, depot):
    path = story.write(tmp_path / "gas.csv", ("GD-03", "XV-101.closed"), seconds=60)
    found = json.loads(command("replay", path, "--site", DEPOT, "--json"))
    assert {row["alarm"] for row in found["counts"]} >= {"GD-03/ROC+", "GD-03/H", "GD-03/HH"}
    assert not {row["alarm"] for row in found["counts"]} & set(found["not_judged"])
    assert found["not_judged"]["esd-north"] == ["ESD.cmd", "XV-102.closed", "P-101.P"]
    assert "tank_farm/blind" not in found["not_judged"], "one of its detectors was recorded"
    assert "GD-06" in command("explain", "loading_bay/blind", "--site", DEPOT, "--data", path, status=1)

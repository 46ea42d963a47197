"""Who is on call, and who would be told: the API and `davylamp route`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alerting.oncall.escalation import Ladder, Told
from gateway.app import load
from gateway.cli import main
from gateway.model.text import Text
from tests.config.test_oncall import POLICY, SITE

SIGNAL = """
[[signals]]
id = "GD-1"
kind = "combustible_gas"
deadman = "5s"
"""


async def test_who_is_on_call_now_and_next(client):
    found = (await client.get("/api/v1/oncall?days=10")).json()
    roster, = found["rosters"]
    assert (roster["now"]["person"], roster["now"]["ends"]) == ("li", "2026-09-28T08:00:00+08:00")
    assert (roster["next"]["person"], roster["next"]["begins"]) == ("wang", "2026-09-28T08:00:00+08:00")
    assert [shift["person"] for shift in roster["shifts"]] == ["li", "wang"]
    assert {person["id"]: person["channels"] for person in found["people"]}["officer"] == ["phone", "mail"]
    assert "@" not in json.dumps(found), "addresses of people are not for everybody who sees the page"


async def test_how_far_an_alarm_has_been_told(client, gateway):
    now = gateway.clock.now()
    gateway.climbed = [Ladder("GD-03/HH", 1, now.wall_ns, "gas", 1, now.line_ns + 300 * 10**9, False,
                              (Told("li", "phone", "li@phone"),))]
    ladder, = (await client.get("/api/v1/oncall")).json()["ladders"]
    assert ladder["next"].startswith("2026-09-21T22:18:20") and ladder["steps"] == 1
    assert ladder["told"] == [{"person": "li", "name": {"en": "li", "zh": "li"}, "channel": "phone"}]


async def test_who_would_be_told(client):
    found = (await client.get("/api/v1/route?alarm=GD-03/HH&at=2026-09-30T12:00")).json()
    assert (found["time"], found["policy"], found["repeats"]) == ("2026-09-30T12:00:00+08:00", "gas", None)
    assert [[one["person"] for one in step["told"]] for step in found["steps"]] == [
        ["wang"], ["officer", "officer"], ["county"]]
    assert found["steps"][0]["not_told"][0]["reason"]["en"] == "off duty until 2026-10-05 08:00"


@pytest.mark.survives("a route asked for at no time, or for an unknown alarm", then="refused", says=Text(
    "at: expected 2026-09-21T20:53", "at：应为 2026-09-21T20:53"))
async def test_what_makes_no_sense(client, says):
    answer = await client.get("/api/v1/route?alarm=GD-03/HH&at=noon")
    assert answer.status_code == 400 and says(Text(**answer.json()["error"]["what"]))
    assert (await client.get("/api/v1/route?alarm=GD-99/HH")).status_code == 404


def test_by_a_site_file(tmp_path, capsys):
    path = tmp_path / "site.toml"
    path.write_text('[site]\nid = "s"\nname = "S"\ntimezone = "Asia/Shanghai"\n' + SITE + POLICY + SIGNAL,
                    encoding="utf-8")
    asked = ["route", "--dry-run", "GD-1/deadman", "--at", "2026-01-13T21:00", "--site", str(path)]
    assert main([*asked, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["steps"][0]["told"][0]["person"] == "wang"
    assert main([*asked, "--lang", "en"]) == 0
    shown = capsys.readouterr().out
    assert "if it is raised at 2026-01-13 21:00 and nobody acknowledges:" in shown and "rounds in all: 3" in shown
    assert "on duty, Site duty: days, shift of 2026-01-13" in shown and "off duty until 2026-01-19 00:00" in shown
    assert main([*asked, "--lang", "zh"]) == 0
    assert "若在 2026-01-13 21:00 报警且无人确认" in capsys.readouterr().out


def test_a_site_that_tells_nobody_says_so(capsys):
    depot = Path(__file__).parents[2] / "deploy" / "sites" / "minimal.toml"
    alarm = load(depot).site_file.site.alarms[0].id
    assert main(["route", alarm, "--site", str(depot), "--lang", "zh"]) == 0
    assert "无人会收到通知：站点未配置通知渠道" in capsys.readouterr().out

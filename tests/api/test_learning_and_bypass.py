"""What the API answers about learning and bypasses, and what it says when it can not."""

from __future__ import annotations

import pytest

from alerting.overlays.hold import Kind
from gateway.model.clock import NS
from gateway.model.text import Text
from tests.api.test_openapi import ASKED

BASELINE = "/api/v1/signals/VAP.T/baseline"


def act(which: str, **others: str) -> dict[str, str]:
    return {"act": which, "name": "Li Wei", "why": "commissioned"} | others


async def learning(client) -> dict:
    answer = await client.get("/api/v1/signals")
    return next(one["learning"] for one in answer.json()["signals"] if one["id"] == "VAP.T")


async def test_learning_is_seen_with_its_progress(client, gateway):
    assert await learning(client) == {"state": "learning", "progress": 0.0, "held": False}
    gateway.learn("VAP.T", 510)
    assert await learning(client) == {"state": "learning", "progress": 0.51, "held": False}
    gateway.learn("VAP.T", 600)
    assert (await learning(client))["state"] == "learnt"
    others = (await client.get("/api/v1/signals")).json()["signals"]
    assert {one["id"] for one in others if one["learning"]} == {"VAP.T"}


async def test_what_was_learnt_is_told_in_numbers_with_local_hours(client, gateway):
    gateway.learn("VAP.T", 26 * 3600)
    found = (await client.get(BASELINE)).json()
    (learner,) = found["learners"]
    assert (learner["detector"], learner["name"]["zh"], learner["progress"]) == ("baseline", "自适应基线", 1.0)
    figures = {figure["name"]["en"]: figure["value"] for figure in learner["figures"]}
    assert figures["usual level"] == pytest.approx(20.5, abs=0.1) and figures["highest"] < 21.5
    (profile,) = learner["profiles"]
    assert len(profile["value"]) == 24 and profile["step_s"] == 3600.0
    # the manual clock's line is 1,000 s when it is 22:13:20 at the site: its hours begin at 56:40
    assert profile["first_s"] == 56 * 60 + 40
    assert sum(value is None for value in profile["value"]) == 0


async def test_a_person_freezes_thaws_and_resets(client, gateway):
    gateway.learn("VAP.T", 1100)
    done = (await client.post(BASELINE, json=act("freeze"))).json()
    assert (done["recorded"], done["verified"], done["name"]) == (True, False, "Li Wei")
    assert done["baseline"]["learning"] == {"state": "frozen", "progress": 1.0, "held": True}
    assert (await client.post(BASELINE, json=act("thaw"))).json()["baseline"]["learning"]["state"] == "learnt"
    assert (await client.post(BASELINE, json=act("reset"))).json()["baseline"]["learning"]["progress"] == 0.0
    assert [row.body["act"] for row in gateway.rows] == ["freeze", "thaw", "reset"]


@pytest.mark.parametrize("signal, asked, status, where", [
    ("NOPE", act("freeze"), 404, "signal"), ("VAP.T", act("melt"), 400, "act"),
    ("VAP.T", {"act": ["freeze"]}, 400, "act"), ("VAP.T", act("reset", why=""), 400, "why"),
    ("VAP.T", act("reset", name=" "), 400, "name"), ("GD-03", act("reset"), 409, "GD-03"),
    ("VAP.T", act("thaw"), 409, "VAP.T"), ("VAP.T", act("freeze"), 409, "VAP.T")])
async def test_an_act_that_makes_no_sense_changes_nothing(client, gateway, signal, asked, status, where):
    before = gateway.bank.snapshot()
    answer = await client.post(f"/api/v1/signals/{signal}/baseline", json=asked)
    assert (answer.status_code, answer.json()["error"]["where"]) == (status, where)
    assert (gateway.bank.snapshot(), gateway.rows) == (before, [])


@pytest.mark.survives("baseline frozen before it has learnt enough", then="refused; it goes on learning",
                      says=Text("has not learnt enough yet (0%): frozen now, it would never say anything",
                                "学习尚未完成（0%）：此时冻结将永远不会给出提示"))
async def test_what_has_learnt_nothing_is_not_frozen(client, says):
    error = (await client.post(BASELINE, json=act("freeze"))).json()["error"]
    assert says(Text(**error["what"]))


async def test_a_bypass_is_on_view_wherever_its_alarm_is(client, gateway):
    gateway.raise_alarm("GD-03/HH", 41.9)
    gateway.raise_alarm("GD-03/H", 41.9)
    made = (await client.post("/api/v1/bypasses", json=ASKED)).json()
    assert made["recorded"] and made["bypass"]["left_s"] == 600.0 and made["bypass"]["alarms"] == ["GD-03/HH"]
    assert (made["bypass"]["until"], made["bypass"]["approved"]) == ("2026-09-21T22:23:20.000+08:00", "Wang")
    listed = (await client.get("/api/v1/alarms")).json()
    assert [one["target"] for one in listed["bypasses"]] == ["GD-03/HH"]
    marks = {alarm["id"]: alarm["bypass"] and alarm["bypass"]["who"] for alarm in listed["alarms"]}
    assert marks == {"GD-03/HH": "Li", "GD-03/H": None}
    assert listed["risk"] == "red", "the state lives on"
    gateway.clock.advance(100)
    assert (await client.get("/api/v1/bypasses")).json()["bypasses"][0]["left_s"] == 500.0
    ended = await client.post("/api/v1/bypasses/GD-03%2FHH/end", json={"name": "Wang"})
    assert ended.status_code == 200 and (await client.get("/api/v1/bypasses")).json() == {"bypasses": []}


async def test_a_bypass_of_a_signal_names_all_its_alarms(client, gateway):
    made = (await client.post("/api/v1/bypasses", json=ASKED | {"target": "GD-03"})).json()
    assert {"GD-03/HH", "GD-03/H", "GD-03/ROC+", "GD-03/deadman"} <= set(made["bypass"]["alarms"])
    assert gateway.overlays.standing(Kind.BYPASS)[0].until_line_ns - gateway.now().line_ns == 600 * NS


@pytest.mark.parametrize("changed, status, where", [
    ({"target": ""}, 400, "target"), ({"name": ""}, 400, "name"), ({"why": " "}, 400, "why"),
    ({"for_s": "2h"}, 400, "for_s"), ({"for_s": True}, 400, "for_s"), ({"for_s": None}, 400, "for_s"),
    ({"for_s": 1e9}, 409, "GD-03/HH"), ({"approved": ""}, 409, "GD-03/HH"), ({"target": "GD-99"}, 409, "GD-99"),
    ({"target": "gateway"}, 409, "gateway")])
async def test_a_bypass_that_is_not_allowed_changes_nothing(client, gateway, changed, status, where):
    answer = await client.post("/api/v1/bypasses", json=ASKED | changed)
    assert (answer.status_code, answer.json()["error"]["where"]) == (status, where)
    assert gateway.overlays.standing(Kind.BYPASS) == ()

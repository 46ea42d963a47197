"""The description is held against the routes and against what is really answered."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from alerting.oncall.escalation import Ladder, Told
from gateway.api.openapi import PATHS, SCHEMAS, description
from gateway.api.routes import PAGES, create_app
from gateway.api.stream import Broadcast
from gateway.model.expression import Expression
from gateway.model.group import Group
from gateway.model.ports import DeviceStatus, SinkStatus
from gateway.model.quality import Quality
from gateway.model.rules import Test, Vote
from gateway.model.signal import Signal
from gateway.model.stroke import Outcome, Seen, Stroke
from gateway.model.text import Text
from gateway.model.verdict import Evidence
from tests.api.depot import MemoryGateway, site
from tests.api.schema import faults


@pytest.fixture
def gateway():
    """With something of everything to tell."""
    group = Group("pump", Text("pump", "泵"), "pump_house", ("P-101.P", "LINE.p"))
    sums = Signal("P.sum", Text("sum", "合计"), "power", "kW", "pump_house",
                  derived=Expression.parse("[P-101.P] + [LINE.p]"))
    vote = Vote("2oo3", Text("two of three", "三取二"), "tank_farm",
                tuple(Test.parse(f"GD-0{n} >= 20") for n in (1, 2, 3)), 2)
    here = site([sums])
    gateway = MemoryGateway(replace(here, groups=(group,), rules=(*here.rules, vote)))
    gateway.feed("GD-03", 42.17)
    gateway.feed("GD-06", math.nan, Quality.BAD_COMM_LOST)
    line = Evidence(gateway.now().wall_ns, "GD-03", math.nan, Text("no value", "无数值"))
    gateway.raise_alarm("GD-03/HH", 41.9, (line,))
    gateway.raise_alarm("esd-north")
    gateway.raise_alarm("T-101.level/H", 10.9)
    gateway.clock.advance(1)
    gateway.end_alarm("T-101.level/H")
    gateway.clock.advance(1)
    gateway.device_list = [DeviceStatus("modbus", "probe", False, Text("no answer", "无应答"), 0, {"timeouts": 4})]
    gateway.sink_list = [SinkStatus("influx", True, counters={"written": 7})]
    return gateway


def test_every_route_is_described_and_nothing_else(gateway):
    own = {door.path for door in PAGES}
    served = {(route.path.replace(":path", ""), method.lower()) for route in create_app(gateway).routes
              if route.path not in own for method in route.methods if method != "HEAD"}
    assert served == {(path, method) for path, methods in PATHS.items() for method in methods}


def test_every_reference_leads_somewhere_and_every_schema_is_used():
    text = orjson.dumps(description("1")).decode()
    named = {part.partition('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert named == set(SCHEMAS)


def answer_schema(path: str, method: str, status: str = "200") -> dict:
    return PATHS[path][method]["responses"][status]["content"]["application/json"]["schema"]


@pytest.mark.parametrize("path, question", [
    ("/api/v1/site", ""), ("/api/v1/signals", ""), ("/api/v1/alarms", ""), ("/api/v1/journal", ""),
    ("/api/v1/proof-tests", ""), ("/api/v1/kpi", ""), ("/api/v1/kpi", "?period=day"),
    ("/api/v1/definitions", ""), ("/api/v1/rules", ""),
    ("/api/v1/alarms/{alarm}/explain", ""), ("/api/v1/journal", "?alarm=esd-north&alarm=GD-03"),
    ("/api/v1/health", ""), ("/api/v1/signals/{signal}/history", ""), ("/api/v1/history", "?signal=GD-03&signal=GD-01"),
    ("/api/v1/signals/{signal}/baseline", ""), ("/api/v1/bypasses", ""), ("/api/v1/annunciators", ""),
    ("/api/v1/selftest", ""),
    ("/api/v1/drill", ""), ("/api/v1/heartbeats", ""), ("/healthz", ""), ("/api/v1/openapi.json", ""),
    ("/api/v1/oncall", ""), ("/api/v1/oncall", "?days=20"), ("/api/v1/route", "?alarm=GD-03/HH")])
async def test_real_answers_fit_their_description(client, gateway, path, question):
    await client.post("/api/v1/alarms/esd-north/ack", json={"name": "Li"})
    gateway.climbed.append(Ladder("GD-03/HH", 1, 1, "gas", 1, None, False, (Told("li", "phone", ""),)))
    seen = Seen("XV-102.closed == 1", 5.0, True)
    gateway.log.append(Stroke("esd-north", Outcome.VERIFIED, False, 1, 1, 2, 2, (seen,), (Seen("FT < 1", None, True),)))
    await client.post("/api/v1/bypasses", json=ASKED)
    answer = await client.get(path.replace("{signal}", "VAP.T" if "baseline" in path else "GD-03").replace(
        "{alarm}", "GD-03/HH") + question)
    assert answer.status_code == 200
    assert faults(answer.json(), answer_schema(path, "get"), SCHEMAS) == []


async def test_an_acknowledgement_fits_its_description(client, gateway):
    path = "/api/v1/alarms/{alarm}/ack"
    asked = {"name": "Li", "comment": ""}
    assert faults(asked, PATHS[path]["post"]["requestBody"]["content"]["application/json"]["schema"], SCHEMAS) == []
    for status in ("200", "409"):
        answer = await client.post("/api/v1/alarms/esd-north/ack", json=asked)
        assert str(answer.status_code) == status
        assert faults(answer.json(), answer_schema(path, "post", status), SCHEMAS) == []


ASKED = {"target": "GD-03/HH", "name": "Li", "why": "bump test", "for_s": 600, "approved": "Wang"}


@pytest.mark.parametrize("path, asked", [
    ("/api/v1/bypasses", ASKED), ("/api/v1/bypasses/{target}/end", {"name": "Li"}),
    ("/api/v1/annunciators/{annunciator}", {"act": "arm", "name": "Li", "why": "commissioned"}),
    ("/api/v1/signals/{signal}/baseline", {"act": "freeze", "name": "Li", "why": "commissioned"}),
    ("/api/v1/selftest", {"name": "Li"}),
    ("/api/v1/drill", {"act": "begin", "name": "Li", "why": "half-yearly", "signals": ["GD-03"], "for_s": 600})])
async def test_acts_and_their_answers_fit_their_description(client, gateway, path, asked):
    if "end" in path:
        await client.post("/api/v1/bypasses", json=ASKED)
    gateway.learn("VAP.T", 1100)
    described = PATHS[path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert faults(asked, described, SCHEMAS) == []
    for status in ("200", "409"):  # the second time it makes no sense
        answer = await client.post(path.replace("{target}", "GD-03/HH").replace("{signal}", "VAP.T")
                                   .replace("{annunciator}", "siren"), json=asked)
        assert str(answer.status_code) == status
        assert faults(answer.json(), answer_schema(path, "post", status), SCHEMAS) == []


async def test_events_fit_their_description(gateway):
    broadcast = Broadcast(gateway, period_s=0.01)
    viewer = broadcast.join()
    try:
        for kind in ("hello", "regular"):
            event = orjson.loads((await viewer.next()).removeprefix(b"data: "))
            assert faults(event, SCHEMAS["Event"], SCHEMAS) == [], kind
            assert event.get("hello", False) == (kind == "hello")
    finally:
        broadcast.close()


def test_the_witness_itself_sees_what_is_wrong():
    assert faults({"en": 1, "fr": ""}, SCHEMAS["Text"], SCHEMAS) == [
        "$: zh is missing", "$.en: 1 is not ['string']", "$: fr is not described"]
    assert faults(True, {"type": "integer"}, {}) == ["$: True is not ['integer']"]


def test_the_reference_page_names_every_address():
    page = (Path(__file__).parents[2] / "docs" / "reference" / "api.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(GET|POST) (\S+)` \|", page, re.MULTILINE)) == {
        (method.upper(), path) for path, methods in PATHS.items() for method in methods}

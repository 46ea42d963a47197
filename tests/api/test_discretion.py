"""Viewers are told functions, operators names: every door that answers with JSON, and the event stream."""

from __future__ import annotations

import asyncio
import json
from datetime import date, time

import httpx
import pytest

from alerting.channel import Message
from alerting.deliveries import Figures
from alerting.ledger import JournalRow, hold_record
from alerting.oncall.escalation import Ladder, Told
from alerting.oncall.roster import Layer, Roster
from alerting.oncall.routing import Address, Filter, Person, Policy, Routing, Step
from alerting.outbox import NotifierStatus
from alerting.overlays.hold import Kind
from alerting.overlays.overlays import Ask
from gateway.access.role import Role
from gateway.annunciation import Armed
from gateway.api.discretion import Discretion
from gateway.api.openapi import DOORS
from gateway.api.routes import PAGES
from gateway.model.alarm import Priority
from gateway.model.text import Text
from gateway.vigil.drill import Drill
from tests.alerting.oncall.people import ZONE
from tests.api.test_access import Doors, addressed

# Whoever is planted: ids, names in both scripts, addresses, and what people typed.
WANG = Person("wang.fang", Text("Wang Fang", "王芳"), (Address("phone", "+86 138 5550 1234"),
                                                    Address("mail", "wang.fang@home.example")),
              Text("safety officer", "安全员"))
ZHAO = Person("zhao", Text("Zhao Lei", "赵磊"), (Address("phone", "+86 139 5550 9876"),))
TYPED = "Old Sun"
PLANTED = ("wang.fang", "Wang Fang", "王芳", "138 5550", "Zhao Lei", "赵磊", '"zhao"', "139 5550", "home.example",
           TYPED, "Operator [operator]", "10.9.8.7", "ask my brother")
WHO = "Operator [operator]"


def told(people=(WANG, ZHAO)) -> Routing:
    known = {one.id: one for one in people}
    roster = Roster("duty", Text("site duty", "现场值班"), ZONE,
                    (Layer(Text("week", "周班"), tuple(known), date(2026, 9, 21), begins=time(8), ends=time(8)),))
    return Routing(ZONE, ("phone", "mail"), known, {"duty": roster},
                   (Policy("gas", Filter(frozenset(Priority)), (Step(("duty",), 300), Step(("zhao",), 600))),))


@pytest.fixture
def doors(tmp_path, gateway, monkeypatch):
    """A gateway in which people did everything that leaves their name somewhere."""
    now, why = gateway.now(), "ask my brother, Wang Fang"
    monkeypatch.setattr(gateway, "routing", told)
    gateway.feed("GD-03", 41.9)
    gateway.raise_alarm("GD-03/HH", 41.9)
    asyncio.run(gateway.acknowledge("GD-03/HH", WHO, why))
    gateway.raise_alarm("esd-north")
    asyncio.run(gateway.acknowledge("esd-north", TYPED, why))
    gateway.overlays.begin(Kind.BYPASS, Ask("GD-04", WHO, why, 3600.0, TYPED), now)
    step = gateway.overlays.begin(Kind.SHELF, Ask("GD-05/H", TYPED, why, 600.0), now)
    gateway.drilled = Drill(TYPED, why, ("GD-01",), 300.0, now, now.later(60))
    gateway.sheet = {"who": TYPED, "why": why, "alarms": [{"told": [{"to": "zhao", "name": ZHAO.name}],
                                                           "acknowledged": {"who": WHO, "after_s": 3.0}}]}
    gateway.armed = Armed(WHO, why, now.wall_ns)
    gateway.climbed = [Ladder("GD-03/HH", 1, now.wall_ns, "gas", 1, None, False,
                              (Told("zhao", "phone", "+86 139 5550 9876"),))]
    gateway.notifier_list = [NotifierStatus(
        "phone", 0, Text.same("550 no such user: wang.fang@home.example"), {}, (Figures("zhao", 1, 1.0, 1.0, 1, 1.0),),
        (Message(now.wall_ns, "acknowledged by Old Sun", "by Old Sun"),))]
    held = hold_record(step)
    for kind, alarm, body in (
            (held.kind, held.alarm, held.body),
            ("access", "wang.fang", {"act": "logged in", "address": "10.9.8.7"}),
            ("access", "zhao", {"act": "added", "by": "wang.fang", "role": "viewer"}),
            ("delivery", "GD-03/HH", {"act": "forwarded", "person": "zhao", "notifier": "phone", "to": [
                {"notifier": "mail", "person": "wang.fang"}], "reason": {"en": "no answer of Zhao Lei", "zh": "赵磊"}}),
            ("drill", "drill", {"act": "begin", "who": TYPED, "why": why, "signals": ["GD-01"]})):
        gateway.rows.append(JournalRow(len(gateway.rows) + 1, kind, alarm, now.wall_ns, body, "00"))
    return Doors(tmp_path, gateway)


async def read(client: httpx.AsyncClient) -> dict[str, str]:
    """All that every GET door says, as one text each."""
    found = {}
    for door in (*DOORS, *PAGES):
        if door.method == "GET" and door.path not in ("/api/v1/events", "/api/v1/session"):  # one's own name
            wanted = {"alarm": "GD-03/HH"} if door.path == "/api/v1/route" else {}
            wanted = {"signal": "GD-03"} if door.path == "/api/v1/history" else wanted
            answer = await client.get(addressed(door.path), params=wanted)
            expected = {"/api/v1/log-level": 403, "/ack/{token}": 409, "/api/v1/configuration": 409,
                        "/api/v1/accounts": 403, "/api/v1/session/all": 409}.get(door.path, 200)
            assert answer.status_code == expected, (door.path, answer.text)
            is_json = answer.headers.get("content-type") == "application/json"
            found[door.path] = json.dumps(answer.json(), ensure_ascii=False) if is_json else answer.text
    return found


def named(text: str) -> list[str]:
    return [one for one in PLANTED if one in text]


async def test_no_door_tells_a_viewer_who_it_was(doors):
    async with doors.asking(**doors.token(Role.VIEWER)) as client:
        said = await read(client)
    assert {path: named(text) for path, text in said.items() if named(text)} == {}
    alarms, on_call = json.loads(said["/api/v1/alarms"]), json.loads(said["/api/v1/oncall"])
    assert {one["who"] for one in alarms["alarms"]} == {"an operator"}
    assert [(one["id"], one["name"]["en"], one["duty"]["zh"]) for one in on_call["people"]] == [
        ("person-1", "safety officer", "安全员"), ("person-2", "on call", "")]
    assert "Control room **8001**" in said["/api/v1/alarms"]  # the telephone of a function stays


async def test_operators_see_names(doors):
    async with doors.asking(**doors.token(Role.OPERATOR)) as client:
        said = "".join((await read(client)).values())
    assert set(PLANTED) - set(named(said)) <= {"138 5550", "139 5550"}  # numbers: nobody through the API


@pytest.mark.parametrize("account, who", [("viewer", "an operator"), ("operator", WHO)])
async def test_the_event_stream_tells_each_what_their_role_may_know(doors, account, who):
    broadcast = doors.app.state.broadcast
    viewer = broadcast.join(discreet=account == "viewer")
    frames = [json.loads((await viewer.next()).removeprefix(b"data: ")) for _ in range(2)]
    broadcast.close()
    assert frames[0]["hello"] and "hello" not in frames[1]
    assert who in {one["who"] for one in frames[0]["alarms"]["alarms"]}
    assert bool(named(json.dumps(frames, ensure_ascii=False))) == (account == "operator")


async def test_ones_own_name_is_no_secret(doors):
    client = await doors.logged_in("viewer")
    assert (await client.get("/api/v1/session")).json()["name"] == "Viewer"


def test_what_was_changed_of_people_in_the_site_file_is_not_for_viewers():
    entry = {"who": WHO, "changes": [{"en": "oncall people zhou: 136 5550 1111 -> 137 5550 2222", "zh": "周"}]}
    assert Discretion(told(), (), "en").without_people(entry) == {"who": "an operator", "changes": []}


async def test_a_viewer_finds_nobody_by_asking_for_their_rows(doors, gateway):
    """By a filter, by how many rows there are, or by the hash of a row, against which a guess could be tried."""
    gateway.rows.append(JournalRow(len(gateway.rows) + 1, "transition", "GD-03/HH", gateway.now().wall_ns, {}, "abcd"))
    gateway.rows.append(JournalRow(len(gateway.rows) + 1, "access", "GD-03", gateway.now().wall_ns,
                                   {"act": "logged in", "address": "10.9.8.7"}, "abcd"))  # an account called like it
    async with doors.asking(**doors.token(Role.VIEWER)) as viewer, doors.asking(**doors.token(Role.OPERATOR)) as other:
        async def rows(client: httpx.AsyncClient, *about: str) -> list[dict]:
            return (await client.get("/api/v1/journal", params={"alarm": about, "limit": 500})).json()["rows"]

        assert len(await rows(other, "wang.fang", "zhao")) == 2, "an operator may look for somebody"
        assert await rows(viewer, "wang.fang", "zhao") == await rows(viewer, "nobody") == []
        assert await rows(viewer, "wang.fang", "GD-03/HH") == await rows(viewer, "GD-03/HH") != []
        assert "access" not in {row["kind"] for row in await rows(viewer, "GD-03")}
        assert {row["hash"] for row in await rows(viewer)} == {""} != {row["hash"] for row in await rows(other)}

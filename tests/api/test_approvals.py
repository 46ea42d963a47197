"""The second person of what withholds a P1: with accounts they show who they are, at one screen or by telephone."""

from __future__ import annotations

import json
import subprocess
import sys

import httpx
import pytest

from alerting.overlays.hold import Kind
from gateway.access.approvals import LASTS_S
from gateway.access.register import Token, digest_of, new_token
from gateway.access.role import Role, Scope
from gateway.model.text import Text
from tests.access.test_access import HASH, PASSWORD
from tests.api.pages import Running
from tests.api.test_access import Doors
from tests.api.test_session_page import log_in

BYPASS = {"target": "GD-03/HH", "why": "calibration", "for_s": 600, "approved": "zhao"}
UNVERIFIED = Text("the second person could not be verified", "无法核实批准人身份")


@pytest.fixture
def doors(tmp_path, gateway):
    made = Doors(tmp_path, gateway)
    made.add("zhao", Role.ENGINEER)
    return made


async def bypass(client: httpx.AsyncClient, **more) -> httpx.Response:
    return await client.post("/api/v1/bypasses", json=BYPASS | more)


async def code_of(doors: Doors, account="zhao", kind="bypass", target="GD-03/HH") -> str:
    client = await doors.logged_in(account)
    answer = await client.post("/api/v1/approvals", json={"kind": kind, "target": target})
    assert answer.status_code == 200, answer.text
    return answer.json()["code"]


async def test_two_at_one_screen_the_second_types_the_own_password(doors):
    engineer = await doors.logged_in("engineer")
    answer = await bypass(engineer, approval=PASSWORD)
    assert answer.status_code == 200, answer.text
    made = answer.json()["bypass"]
    assert (made["who"], made["approved"]) == ("Engineer [engineer]", "Zhao [zhao]")
    assert ("zhao", "approved") in doors.journal


async def test_one_at_the_desk_one_on_the_telephone_a_code_out_of_the_own_session(doors):
    code = await code_of(doors)
    engineer = await doors.logged_in("engineer")
    answer = await bypass(engineer, approval=f" {code[:4]} {code[4:]}", approved="Zhao ")
    assert answer.json()["bypass"]["approved"] == "Zhao [zhao]"
    await engineer.post("/api/v1/bypasses/GD-03/HH/end", json={})
    assert (await bypass(engineer, approval=code)).status_code == 409, "it is good once"


@pytest.mark.survives("a bypass of P1 with a second person who is only named, and has accounts to show who it is",
                      then="refused, whoever it is said to be; nothing is bypassed", says=UNVERIFIED)
@pytest.mark.parametrize("claim", [{}, {"approval": "wrong wrong wrong"}, {"approval": ""}, {"approved": "nobody"},
                                   {"approved": "Zhao [zhao]", "approval": PASSWORD}])
async def test_a_name_alone_approves_nothing(doors, claim, says):
    engineer = await doors.logged_in("engineer")
    answer = await bypass(engineer, **claim)
    said = answer.json()["error"]["what"]
    assert answer.status_code == 409 and says(Text(**said))
    assert not (await engineer.get("/api/v1/bypasses")).json()["bypasses"]
    assert doors.journal[-1][1] == "approval refused"


async def test_the_second_person_is_another_one_with_the_needed_role(doors):
    engineer = await doors.logged_in("engineer")
    alone = await bypass(engineer, approved="engineer", approval=PASSWORD)
    assert alone.json()["error"]["what"]["en"] == "the second person must be another one"
    low = await bypass(engineer, approved="operator", approval=PASSWORD)
    assert "needs the role engineer" in low.json()["error"]["what"]["en"]
    assert (await bypass(engineer, approved="")).status_code == 409, "P1 is not bypassed alone"


async def test_nobody_approves_with_the_own_token(doors):
    """A token that zhao made is zhao."""
    secret, now = new_token(), doors.clock.now().wall_ns
    doors.file.change(lambda found: found.with_token(
        Token("tablet", Role.ENGINEER, Scope.ALL, digest_of(secret), now, now + 10**12, "zhao"), "zhao"))
    doors.access.look()
    async with doors.asking(authorization=f"Bearer {secret}") as tablet:
        answer = await bypass(tablet, approval=PASSWORD)
        assert answer.json()["error"]["what"]["en"] == "the second person must be another one"
        answer = await tablet.post("/api/v1/approvals", json={"kind": "bypass", "target": "GD-03/HH"})
        assert answer.status_code == 409 and "logged in" in answer.json()["error"]["what"]["en"]


@pytest.mark.parametrize("name", ["zhao", "Zhao"])
async def test_nobody_approves_what_they_ask_for_by_the_token_of_the_machine(doors, name):
    """`sudo davylamp bypass ...` of zhao says so."""
    async with doors.asking(**doors.token(Role.ENGINEER)) as machine:
        alone = await bypass(machine, name=name, approval=PASSWORD)
        assert alone.json()["error"]["what"]["en"] == "the second person must be another one"
        assert (await bypass(machine, name="pat", approval=PASSWORD)).status_code == 200


@pytest.mark.parametrize("kind", [[], {}, None])
async def test_a_kind_that_is_none(doors, kind):
    engineer = await doors.logged_in("engineer")
    answer = await engineer.post("/api/v1/approvals", json={"kind": kind, "target": "GD-03/HH"})
    assert answer.status_code == 400


@pytest.mark.parametrize("spoilt", ["another target", "another kind", "too late", "another password", "a newer code",
                                    "role taken away"])
async def test_a_code_is_for_one_act_for_ten_minutes(doors, spoilt):
    code = await code_of(doors, kind="out of service" if spoilt == "another kind" else "bypass",
                         target="GD-02/HH" if spoilt == "another target" else "GD-03/HH")
    if spoilt == "too late":
        doors.clock.advance(LASTS_S + 1)
    elif spoilt == "another password":
        doors.file.change(lambda found: found.with_password("zhao", HASH, doors.clock.now().wall_ns + 1, "root"))
    elif spoilt == "a newer code":
        await code_of(doors)
    elif spoilt == "role taken away":
        doors.file.change(lambda found: found.with_role("zhao", Role.VIEWER, doors.clock.now().wall_ns, "root"))
    doors.access.look()
    engineer = await doors.logged_in("engineer")
    assert (await bypass(engineer, approval=code)).status_code == 409


@pytest.mark.survives("approvals are guessed (a storm of passwords and codes of a second person)",
                      then="held back by the same throttle as log-ins, said with the time to wait; journalled",
                      says=Text("too many tries: wait … s", "尝试次数过多，请等待 … 秒"))
async def test_guessing_an_approval_is_throttled(doors, says):
    await code_of(doors)
    engineer = await doors.logged_in("engineer")
    answers = [await bypass(engineer, approval=f"{n:08d}") for n in range(12)]
    assert [one.status_code for one in answers[:3]] == [409] * 3 and answers[-1].status_code == 503
    assert says(Text(**answers[-1].json()["error"]["what"]))
    assert ("zhao", "approval held back") in doors.journal


async def test_who_may_not_do_it_can_not_approve_it(doors):
    operator = await doors.logged_in("operator")
    answer = await operator.post("/api/v1/approvals", json={"kind": "bypass", "target": "GD-03/HH"})
    assert answer.status_code == 403
    answer = await operator.post("/api/v1/approvals", json={"kind": "shelve", "target": "GD-03/HH"})
    assert answer.status_code == 200


async def test_without_accounts_the_name_is_typed_as_ever(client, gateway):
    answer = await client.post("/api/v1/bypasses", json=BYPASS | {"name": "Li Wei", "approved": "Zhao [zhao]"})
    assert answer.json()["bypass"]["approved"] == "Zhao (zhao)"
    answer = await client.post("/api/v1/approvals", json={"kind": "bypass", "target": "GD-03/HH"})
    assert answer.status_code == 409


@pytest.fixture
def inside(doors, gateway):
    running = Running(gateway, access=doors.access)
    yield running
    running.stop()


def test_on_the_page_with_a_code_and_on_the_command_line_with_a_password(browser, inside, doors, tmp_path):
    log_in(browser, inside, "zhao")
    browser.run("location.hash = 'withheld'")
    browser.until("document.querySelector('[data-key=approve]')")
    browser.run("document.querySelector('[data-key=approve]').click()")
    browser.until("document.querySelector('#ask [name=target]')")
    browser.run("document.querySelector('#ask [name=target]').value = 'GD-03/HH'; "
                "document.querySelector('#ask-send').click()")
    browser.until("document.querySelector('#ask output.code')")
    code = browser.text("#ask output.code")
    browser.run("document.querySelector('#ask-send').click()")
    browser.run("document.querySelector('#me button').click()")
    browser.until("location.pathname === '/login'")
    log_in(browser, inside, "engineer")
    browser.run("location.hash = 'withheld'")
    browser.until("document.querySelector('[data-key=\"bypass begin\"]')")
    browser.run("document.querySelector('[data-key=\"bypass begin\"]').click()")
    browser.until("document.querySelector('#ask [name=approval]')")
    assert browser.run("document.querySelector('#ask [name=approval]').type") == "password"
    for name, value in {"target": "GD-03/HH", "why": "calibration", "approved": "zhao", "approval": code}.items():
        browser.run(f"document.querySelector('#ask [name={name}]').value = {json.dumps(value)}")
    browser.run("document.querySelector('#ask-send').click()")
    browser.until("document.querySelector('.bypasses')?.innerText.includes('Zhao [zhao]')")

    (tmp_path / "token").write_text(doors.token(Role.ENGINEER)["authorization"].removeprefix("Bearer "))
    (tmp_path / "token").chmod(0o600)
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "bypass", "GD-02/HH", "--for", "10min", "--why", "calibration", "--name", "x",
         "--approved-by", "zhao", "--url", inside.address, "--token-file", str(tmp_path / "token")],
        env={"PATH": "/usr/bin", "DAVYLAMP_APPROVAL": PASSWORD}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert {one.target: one.approved for one in inside.gateway.holds(Kind.BYPASS)} == {
        "GD-03/HH": "Zhao [zhao]", "GD-02/HH": "Zhao [zhao]"}

"""Accounts, tokens and sessions kept on the page by administrators; the own password by everybody."""

from __future__ import annotations

import httpx
import pytest

from gateway.access.passwords import HASHER
from gateway.access.role import Role
from gateway.model.text import Text
from tests.access.test_access import PASSWORD
from tests.api.pages import Running
from tests.api.test_access import Doors
from tests.api.test_session_page import log_in


@pytest.fixture
def doors(tmp_path, gateway):
    return Doors(tmp_path, gateway)


async def act(client: httpx.AsyncClient, path: str, **body) -> httpx.Response:
    return await client.post(f"/api/v1/{path}", json=body)


async def test_an_account_is_added_changed_and_removed_under_the_name_of_who_did_it(doors):
    boss = await doors.logged_in("administrator")
    secret = (await act(boss, "accounts", act="add", id="li.wei", name="Li Wei", role="operator")).json()["password"]
    assert len(secret) == 19 and (await doors.in_by("li.wei", secret)).session
    assert secret not in (doors.folder / "accounts.json").read_text()
    assert (await act(boss, "accounts", act="role", id="li.wei", role="engineer")).status_code == 200
    again = (await act(boss, "accounts", act="password", id="li.wei")).json()["password"]
    assert again != secret and (await doors.in_by("li.wei", again)).session
    listed = (await boss.get("/api/v1/accounts")).json()
    assert [one["role"] for one in listed["accounts"] if one["id"] == "li.wei"] == ["engineer"]
    assert "argon2" not in str(listed)
    assert (await act(boss, "accounts", act="remove", id="li.wei")).status_code == 200
    assert "li.wei" not in doors.access.register.accounts
    assert {one.by for one in doors.file.read().changes if one.about == "li.wei"} == {"administrator"}


@pytest.mark.survives("the last administrator is removed, or made something less, on the page",
                      then="refused: somebody must be able to keep the accounts",
                      says=Text("this is the last administrator", "这是最后一个管理员"))
@pytest.mark.parametrize("what", [{"act": "remove"}, {"act": "role", "role": "viewer"}])
async def test_the_last_administrator_stays(doors, what, says):
    boss = await doors.logged_in("administrator")
    answer = await act(boss, "accounts", id="administrator", **what)
    assert answer.status_code == 409 and says(Text(**answer.json()["error"]["what"]))
    assert (await boss.get("/api/v1/accounts")).status_code == 200


async def test_a_token_is_shown_once_with_its_last_use_and_revoked(doors):
    boss = await doors.logged_in("administrator")
    secret = (await act(boss, "tokens", act="make", id="wall", role="viewer", scope="all", days=1)).json()["token"]
    async with doors.asking(authorization=f"Bearer {secret}") as wall:
        [one] = (await boss.get("/api/v1/accounts")).json()["tokens"]
        assert (one["id"], one["scope"], one["by"], one["used"], one["over"]) == ("wall", "all", "administrator", None,
                                                                                  False)
        assert (await wall.get("/api/v1/alarms")).status_code == 200
        assert (await boss.get("/api/v1/accounts")).json()["tokens"][0]["used"]
        assert (await act(boss, "tokens", act="revoke", id="wall")).status_code == 200
        assert (await wall.get("/api/v1/alarms")).status_code == 401


@pytest.mark.parametrize("what", [[], {}, None, "promote"])
async def test_an_act_that_is_none(doors, what):
    boss = await doors.logged_in("administrator")
    for path in ("accounts", "tokens"):
        answer = await act(boss, path, act=what, id="li.wei", role="viewer", scope="all", days=1)
        assert answer.status_code == 400, answer.text


@pytest.mark.survives("a stolen token of an administrator asks for accounts and tokens of its own",
                      then="refused: only people who have logged in keep them; the token is revoked and all is over",
                      says=Text("this is for people who have logged in", "仅限已登录的人员操作"))
async def test_a_token_makes_no_accounts(doors, says):
    async with doors.asking(**doors.token(Role.ADMINISTRATOR)) as stolen:
        for path, body in (("accounts", {"act": "add", "id": "evil", "role": "administrator"}),
                           ("tokens", {"act": "make", "id": "evil", "role": "viewer", "scope": "all", "days": 9}),
                           ("session/password", {"old": PASSWORD, "new": "another four words"})):
            answer = await act(stolen, path, **body)
            assert answer.status_code == 409 and says(Text(**answer.json()["error"]["what"]))
    assert "evil" not in {*doors.access.register.accounts, *doors.access.register.tokens}


async def test_everybody_keeps_the_own_password_and_sessions_and_nobody_elses(doors):
    viewer, other = await doors.logged_in("viewer"), await doors.logged_in("viewer")
    boss = await doors.logged_in("administrator")
    mine = (await viewer.get("/api/v1/session/all")).json()["sessions"]
    assert {one["account"] for one in mine} == {"viewer"} and len(mine) == 2
    all_of_them = (await boss.get("/api/v1/accounts")).json()["sessions"]
    theirs = next(one["id"] for one in all_of_them if one["account"] == "administrator")
    assert (await act(viewer, "session/revoke", id=theirs)).status_code == 409
    assert (await act(boss, "session/revoke", id=mine[1]["id"])).status_code == 200
    assert {(await one.get("/api/v1/alarms")).status_code for one in (viewer, other)} == {200, 401}
    inside = await doors.logged_in("viewer")
    assert (await act(inside, "session/password", old="wrong", new="another four words")).status_code == 409
    assert (await act(inside, "session/password", old=PASSWORD, new="short")).status_code == 409
    assert (await act(inside, "session/password", old=PASSWORD, new="another four words")).status_code == 200
    assert (await inside.get("/api/v1/alarms")).status_code == 401, "all sessions of the old password are over"
    assert (await doors.in_by("viewer", "another four words")).session
    assert ("viewer", "session ended") in doors.journal


@pytest.fixture
def inside(doors, gateway):
    running = Running(gateway, access=doors.access)
    yield running
    running.stop()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_on_the_page_at_the_width_of_a_desk_and_of_a_telephone(browser, inside, doors, language):
    log_in(browser, inside, "administrator")
    browser.run(f"localStorage.setItem('language', '{language}'); location.reload()")
    browser.until(f"document.documentElement.lang.startsWith('{language}') && document.querySelector('#nav a')")
    browser.run("location.hash = 'accounts'")
    browser.until("document.querySelector('[data-key=accountAdd]')")
    browser.run("document.querySelector('[data-key=accountAdd]').click()")
    browser.until("document.querySelector('#ask [name=id]')")
    for name, value in {"id": "li.wei", "name": "Li Wei", "role": "engineer"}.items():
        browser.run(f"document.querySelector('#ask [name={name}]').value = '{value}'")
    browser.run("document.querySelector('#ask-send').click()")
    browser.until("document.querySelector('#ask output.code')")
    secret = browser.text("#ask output.code")
    browser.run("document.querySelector('#ask-send').click()")
    browser.until("document.querySelector('[data-key=\"remove li.wei\"]')")
    assert doors.access.register.accounts["li.wei"].role is Role.ENGINEER
    assert HASHER.verify(doors.access.register.accounts["li.wei"].hash, secret)
    for width in (1280, 390):
        browser.become(width, 900)
        assert browser.run("document.documentElement.scrollWidth <= innerWidth"), "nothing is cut off"
    browser.become(1280, 1600)
    browser.run("document.querySelector('[data-key=\"remove administrator\"]').click()")
    browser.until("document.querySelector('#ask-send')")
    browser.run("document.querySelector('#ask-send').click()")
    browser.until("document.querySelector('#ask-error').innerText")
    assert browser.text("#ask-error").startswith({"en": "this is the last administrator",
                                                  "zh": "这是最后一个管理员"}[language])
    browser.run("document.querySelector('#ask').close(); window.fetch = () => Promise.reject(new Error('no line')); "
                "location.hash = 'withheld'")
    browser.until("document.querySelector('[data-key=approve]')")
    browser.run("location.hash = 'accounts'")
    silent = {"en": "The gateway did not answer.", "zh": "网关无应答。"}[language]
    browser.until(f"document.body.innerText.includes('{silent}')")

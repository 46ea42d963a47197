"""The page with accounts: who gets in, what each role may do, and under which name it is written down."""

from __future__ import annotations

import httpx
import pytest

from gateway.access.access import AccessSettings
from gateway.access.register import Token, digest_of, new_token
from gateway.access.role import Role, Scope
from gateway.api.openapi import DOORS
from gateway.api.routes import PAGES, create_app
from tests.access.test_access import PASSWORD, House

ORIGIN = {"origin": "http://127.0.0.1:8080"}
COOKIE = "davylamp-session-depot"


class Doors(House):
    """A gateway with accounts `viewer`, `operator` ... and how to come through its doors."""

    def __init__(self, folder, gateway):
        super().__init__(folder)
        self.app = create_app(gateway, self.access, ["gw.example"])
        for role in Role:
            self.add(role.word, role)

    def token(self, role=Role.OPERATOR, scope=Scope.ALL, ends_s=3600.0) -> dict:
        secret, now = new_token(), self.clock.now().wall_ns
        one = Token(f"t{len(self.file.read().tokens)}", role, scope, digest_of(secret), now, now + int(ends_s * 1e9),
                    "root")
        self.file.change(lambda found: found.with_token(one, "root"))
        self.access.look()
        return {"authorization": f"Bearer {secret}"}

    def asking(self, address="127.0.0.1", host="127.0.0.1:8080", **headers) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.app, client=(address, 5000)),
                                 base_url=f"http://{host}", headers=headers)

    async def logged_in(self, account="operator") -> httpx.AsyncClient:
        client = self.asking(**ORIGIN)
        answer = await client.post("/login", data={"account": account, "password": PASSWORD})
        assert answer.status_code == 303, answer.text
        return client


@pytest.fixture
def doors(tmp_path, gateway):
    return Doors(tmp_path, gateway)


def addressed(path: str) -> str:
    for name, value in {"{alarm:path}": "GD-03/HH", "{signal:path}": "VAP.T", "{target:path}": "GD-03", "{token}": "x",
                        "{annunciator:path}": "siren", "{notifier:path}": "n", "{peer:path}": "p"}.items():
        path = path.replace(name, value)
    return path


async def test_nothing_is_read_or_written_without_a_log_in(doors):
    """Every door there is, so that a new one can not be forgotten."""
    open_to_all = set()
    async with doors.asking() as client:
        for door in (*DOORS, *PAGES):
            headers = {"content-type": "application/json"} if door.method == "POST" else {}
            answer = await client.request(door.method, addressed(door.path), content=b"{}", headers=headers)
            if door.role is None:
                open_to_all.add(door.path)
            elif door.path == "/":
                assert (answer.status_code, answer.headers["location"]) == (303, "/login")
            elif door.path != "/metrics":  # this machine may read its own
                assert answer.status_code == 401, door.path
                assert answer.headers["www-authenticate"] == "Bearer"
                assert answer.json()["error"]["what"] == {"en": "this needs a log-in", "zh": "需要登录"}
    assert open_to_all == {"/healthz", "/login", "/ack", "/ack/{token}"}


@pytest.mark.parametrize("role", Role)
async def test_each_role_gets_through_its_own_doors_and_no_others(doors, role):
    headers = doors.token(role)
    async with doors.asking(**headers) as client:
        for door in DOORS:
            if door.role is None or door.path in ("/api/v1/events", "/api/v1/session/end"):
                continue
            answer = await client.request(door.method, addressed(door.path), json={} if door.method == "POST" else None)
            assert (answer.status_code == 403) == (role < door.role), (door.method, door.path, answer.text)
            if answer.status_code == 403:
                assert door.role.word in answer.json()["error"]["what"]["en"]


async def test_an_act_is_written_down_under_the_verified_name(doors, gateway):
    gateway.raise_alarm("GD-03/HH", 41.9)
    client = await doors.logged_in()
    answer = await client.post("/api/v1/alarms/GD-03/HH/ack", json={"name": "Somebody else", "comment": "seen"})
    assert answer.json()["name"] == "Operator [operator]" and answer.json()["verified"]
    [alarm] = (await client.get("/api/v1/alarms")).json()["alarms"]
    assert (alarm["who"], alarm["verified"], alarm["comment"]) == ("Operator [operator]", True, "seen (Somebody else)")


async def test_no_name_need_be_typed_and_none_can_be_forged(doors, gateway, client):
    gateway.raise_alarm("GD-03/HH", 41.9)
    gateway.raise_alarm("esd-north")
    inside = await doors.logged_in()
    assert (await inside.post("/api/v1/alarms/GD-03/HH/ack", json={})).status_code == 200
    answer = await client.post("/api/v1/alarms/esd-north/ack", json={"name": "Operator [operator]"})  # without accounts
    assert (answer.json()["name"], answer.json()["verified"]) == ("Operator (operator)", False)


async def test_the_cookie_is_kept_from_scripts_other_sites_and_the_clear(doors):
    async with doors.asking(host="127.0.0.1:8080") as client:
        plain = (await client.post("/login", data={"account": "viewer", "password": PASSWORD})).headers["set-cookie"]
    async with doors.asking(host="gw.example") as client:
        named = (await client.post("/login", data={"account": "viewer", "password": PASSWORD})).headers["set-cookie"]
    assert "HttpOnly" in plain and "SameSite=strict" in plain and plain.startswith(COOKIE)
    assert "Secure" in named and named.startswith("__Host-" + COOKIE)


async def test_a_command_with_a_cookie_must_say_which_page_it_comes_from(doors, gateway):
    gateway.raise_alarm("GD-03/HH", 41.9)
    client = await doors.logged_in()
    for origin, status in (("", 403), ("http://evil.example", 403), (ORIGIN["origin"], 200)):
        client.headers["origin"] = origin
        if not origin:
            del client.headers["origin"]
        assert (await client.post("/api/v1/alarms/GD-03/HH/ack", json={})).status_code == status


async def test_another_site_can_not_log_anybody_in(doors):
    async with doors.asking() as client:
        answer = await client.post("/login", data={"account": "viewer", "password": PASSWORD},
                                   headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403 and "set-cookie" not in answer.headers


async def test_who_logs_out_is_out(doors):
    client = await doors.logged_in("engineer")
    said = (await client.get("/api/v1/session")).json()
    assert (said["account"], said["name"], said["role"], said["idle"]) == ("engineer", "Engineer", "engineer", False)
    session = client.cookies[COOKIE]
    assert (await client.post("/api/v1/session/end", json={})).status_code == 200
    client.cookies.set(COOKIE, session)
    assert (await client.get("/api/v1/session")).status_code == 401


async def test_an_idle_session_may_look_and_is_told_to_log_in_to_act(doors, gateway):
    gateway.raise_alarm("GD-03/HH", 41.9)
    client = await doors.logged_in()
    doors.clock.advance(AccessSettings().idle_s)
    assert (await client.get("/api/v1/session")).json()["idle"]
    assert (await client.get("/api/v1/alarms")).status_code == 200
    answer = await client.post("/api/v1/alarms/GD-03/HH/ack", json={})
    assert answer.status_code == 403 and "log in again" in answer.json()["error"]["what"]["en"]


async def test_the_page_to_log_in_says_what_is_wrong_in_the_language_of_the_phone(doors):
    async with doors.asking(**{"accept-language": "zh-CN"}) as client:
        answer = await client.post("/login", data={"account": '"><b>', "password": "wrong"})
        assert answer.status_code == 403 and "账户或密码错误" in answer.text and "<b>" not in answer.text
        for _ in range(5):
            answer = await client.post("/login", data={"account": "operator", "password": "wrong"})
        assert answer.status_code == 429 and "尝试次数过多" in answer.text


async def test_metrics_are_for_this_machine_and_for_tokens(doors):
    scraper = doors.token(Role.VIEWER, Scope.METRICS)
    for address, host, headers, status in (
            ("127.0.0.1", "127.0.0.1:8080", {}, 200), ("10.0.0.7", "gw.example", {}, 401),
            ("127.0.0.1", "gw.example", {}, 401),  # a proxy on this machine
            ("127.0.0.1", "127.0.0.1", {"x-forwarded-for": "10.0.0.7"}, 401), ("10.0.0.7", "gw.example", scraper, 200)):
        async with doors.asking(address, host, **headers) as client:
            assert (await client.get("/metrics")).status_code == status, (address, host)
    async with doors.asking(**scraper) as client:
        answer = await client.get("/api/v1/alarms")
        assert answer.status_code == 403 and "metrics only" in answer.json()["error"]["what"]["en"]


async def test_a_heartbeat_comes_with_a_secret_of_its_own(doors, gateway):
    beat = doors.token(Role.VIEWER, Scope.HEARTBEAT)
    json = {"content-type": "application/json"}
    async with doors.asking("10.0.0.7", "gw.example", **json) as client:
        secret = beat["authorization"].removeprefix("Bearer ")
        assert (await client.post("/api/v1/heartbeats/nobody", content=b"{}")).status_code == 401
        assert (await client.post(f"/api/v1/heartbeats/nobody?token={secret}", content=b"{}")).status_code == 404
        assert (await client.get(f"/api/v1/alarms?token={secret}")).status_code == 401


@pytest.mark.survives("API token that was stolen: revoked, or expired",
                      then="it opens nothing any more, within a second of its being revoked; the journal says so")
async def test_a_stolen_token(doors, tmp_path):
    headers, short = doors.token(), doors.token(ends_s=60)
    async with doors.asking() as client:
        for one in (headers, short):
            assert (await client.get("/api/v1/alarms", headers=one)).status_code == 200
        doors.clock.advance(61)
        assert (await client.get("/api/v1/alarms", headers=short)).status_code == 401
        doors.file.change(lambda found: found.without_token("t0", 1, "root"))
        doors.access.look()
        assert (await client.get("/api/v1/alarms", headers=headers)).status_code == 401
    assert ("", "token refused") in doors.journal


@pytest.mark.survives("accounts file that is damaged",
                      then="nobody is let in and everybody is told why; detection, alarms and messages go on")
async def test_a_damaged_register_closes_the_page_and_says_why(doors, gateway):
    doors.file.path.write_bytes(b"\0" * 100)
    access = doors.started()
    transport = httpx.ASGITransport(create_app(gateway, access))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        answer = await client.get("/api/v1/alarms")
        assert answer.status_code == 503 and "damaged" in answer.json()["error"]["what"]["en"]
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.post("/login", data={"account": "operator", "password": PASSWORD})).status_code == 503


@pytest.mark.parametrize("path", ["/../accounts.json", "/%2e%2e/accounts.json", "/static/..%2f..%2frouter.py",
                                  "/page.js/../../routes.py", "/....//accounts.json", "/\\..\\accounts.json"])
@pytest.mark.survives("path traversal on the page's files", then="there is nothing at such an address")
async def test_no_path_leads_out_of_the_page(doors, path):
    client = await doors.logged_in("administrator")
    answer = await client.get(path)
    assert answer.status_code in (401, 404) and "argon2" not in answer.text


@pytest.mark.parametrize("id", ["../../accounts.json", "..%2f..%2faccounts.json", "%00", "GD-03%2f..%2f..%2fx",
                                "a" * 5000])
@pytest.mark.survives("path traversal and nonsense in ids of signals, alarms and notifiers", then="the id is not known")
async def test_no_id_leads_to_a_file(doors, id):
    client = await doors.logged_in("administrator")
    for path in (f"/api/v1/signals/{id}/history", f"/api/v1/alarms/{id}/explain"):
        assert (await client.get(path)).status_code == 404
    assert (await client.post(f"/api/v1/notifiers/{id}/test", json={})).status_code in (404, 409)

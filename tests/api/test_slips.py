"""The page behind the link in a message: what a phone, a chat service and a stranger get."""

from __future__ import annotations

import httpx
import pytest

from alerting.outbox import NotifierStatus
from alerting.slips import Claim, Seal
from gateway.model.text import Text

PHONE = {"host": "gateway.example", "accept-language": "zh-CN,zh;q=0.9"}
FORM = {"content-type": "application/x-www-form-urlencoded"}


def slip(gateway, seal: Seal | None = None) -> str:
    gateway.raise_alarm("GD-03/HH", 41.9)
    view = gateway.alarms()[0]
    claim = Claim("GD-03/HH", view.occurrence, view.raised_wall_ns, "wang")
    return (seal or gateway.seal).token(claim, gateway.now().wall_ns)


@pytest.mark.survives("chat service opens the link of a message for a preview", then="shown; nothing is acknowledged")
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_opening_a_link_only_shows_the_alarm(client, gateway, method):
    token = slip(gateway)
    answer = await client.request(method, f"/ack/{token}", headers=PHONE | {"sec-fetch-site": "cross-site"})
    assert answer.status_code == 200 and gateway.alarms()[0].state.waits
    if method == "GET":
        assert "P1" in answer.text and "41.9 %LEL" in answer.text and "确认告警" in answer.text
        assert "<script" not in answer.text and 'name="name"' in answer.text


@pytest.mark.parametrize("headers", [
    {"host": "gateway.example", "origin": "null", "sec-fetch-site": "same-origin"},  # what a form of ours sends
    {"host": "127.0.0.1:8080", "origin": "https://gateway.example"},  # a proxy that changes Host
    {"host": "GATEWAY.example:443"}, {}])
async def test_a_phone_behind_a_proxy_acknowledges(client, gateway, headers):
    answer = await client.post(f"/ack/{slip(gateway)}", data={"name": "王工", "comment": "在路上"},
                               headers={"host": "127.0.0.1", "accept-language": "zh"} | headers)
    assert answer.status_code == 200 and "已确认" in answer.text and "王工" in answer.text
    assert gateway.alarms()[0].who == "王工"


@pytest.mark.parametrize(("headers", "status"), [
    ({"host": "evil.example"}, 421), ({"host": "gateway.example.evil.example"}, 421),
    ({"host": "gateway.example", "sec-fetch-site": "cross-site"}, 403),
    ({"host": "gateway.example", "sec-fetch-site": "same-site"}, 403)])
async def test_no_other_page_acknowledges_through_the_browser_of_a_reader(client, gateway, headers, status):
    answer = await client.post(f"/ack/{slip(gateway)}", data={"name": "x"}, headers=headers)
    assert answer.status_code == status and gateway.alarms()[0].state.waits


@pytest.mark.parametrize("path", ["/", "/api/v1/alarms", "/acknowledge", "/metrics"])
async def test_the_public_name_reaches_nothing_else(client, path):
    assert (await client.get(path, headers={"host": "gateway.example"})).status_code == 421


async def test_a_link_that_is_used_forged_or_expired_says_what_to_do(client, gateway):
    token = slip(gateway)
    forged = await client.get(f"/ack/{slip(gateway, Seal(b'x' * 32, 'depot'))}", headers={"accept-language": "en"})
    assert forged.status_code == 409 and "was not made by this gateway" in forged.text and "use the page" in forged.text
    await client.post(f"/ack/{token}", data={"name": "Li"})
    shown = await client.get(f"/ack/{token}", headers={"accept-language": "en"})
    assert "There is nothing to acknowledge" in shown.text and "<form" not in shown.text
    assert (await client.post(f"/ack/{token}", data={"name": "Wang"})).status_code == 409
    gateway.clock.advance(86_401)
    expired = await client.get(f"/ack/{token}", headers={"accept-language": "zh"})
    assert expired.status_code == 409 and "该链接已过期" in expired.text


async def test_a_code_is_typed_in_and_a_name_is_needed(client, gateway):
    slip(gateway)
    view = gateway.alarms()[0]
    code = gateway.seal.code(Claim("GD-03/HH", view.occurrence, view.raised_wall_ns), gateway.now().wall_ns)
    assert 'name="code"' in (await client.get("/ack", headers=PHONE)).text
    nobody = await client.post("/ack", data={"code": code}, headers={"accept-language": "en"})
    assert nobody.status_code == 409 and "needs a name" in nobody.text
    wrong = await client.post("/ack", data={"code": "x", "name": "Li"}, headers={"accept-language": "en"})
    assert wrong.status_code == 409 and "no alarm has this code" in wrong.text
    assert (await client.post("/ack", data={"code": code, "name": "Li"})).status_code == 200
    assert gateway.alarms()[0].who == "Li"


@pytest.mark.parametrize("body", [b"name=" + b"x" * 9000, b"\xff\xfe", b"&".join([b"a=1"] * 50), b""])
async def test_a_form_that_makes_no_sense_acknowledges_nothing(client, gateway, body):
    answer = await client.post(f"/ack/{slip(gateway)}", content=body, headers=FORM)
    assert answer.status_code == 409 and gateway.alarms()[0].state.waits


async def test_what_was_typed_is_shown_as_text(client, gateway):
    answer = await client.post(f"/ack/{slip(gateway)}", data={"name": "<b>Li</b>"})
    assert "&lt;b&gt;Li" in answer.text and "<b>Li" not in answer.text
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'") and "unsafe" not in policy and "form-action 'self'" in policy
    assert answer.headers["cache-control"] == "no-store" and answer.headers["referrer-policy"] == "no-referrer"


async def test_notifiers_are_listed_and_tested(client: httpx.AsyncClient, gateway):
    gateway.notifier_list = [NotifierStatus("mail", 2, None, {"delivered": 7}),
                             NotifierStatus("chat", 0, Text("no answer", "无应答"))]
    listed = (await client.get("/api/v1/notifiers")).json()["notifiers"]
    assert [(one["id"], one["pending"], one["failing"]) for one in listed] == [("mail", 2, False), ("chat", 0, True)]
    assert (await client.post("/api/v1/notifiers/mail/test", json={})).json() == {
        "taken": True, "reason": {"en": "", "zh": ""}}
    assert (await client.post("/api/v1/notifiers/chat/test", json={})).json()["reason"]["zh"] == "无应答"
    assert (await client.post("/api/v1/notifiers/fax/test", json={})).status_code == 409

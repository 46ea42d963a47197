"""Apprise against real HTTP servers that answer as DingTalk, Feishu, WeCom and others do."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from apprise.plugins.dingtalk import NotifyDingTalk
from apprise.plugins.feishu import NotifyFeishu
from apprise.plugins.wecombot import NotifyWeComBot
from pydantic import ValidationError

from alerting.notifiers.apprise import AppriseNotifier, objection
from alerting.notifiers.config import AppriseSettings
from gateway.model.errors import NotifyError
from gateway.model.text import Text
from tests.alerting.notifiers.notices import RAISED
from tests.alerting.receiver import Receiver, receiver
from tests.servers import free_port

TOKEN = "0123456789abcdef0123456789abcdef"


def notifier(tmp_path, url: str, **settings) -> AppriseNotifier:
    (tmp_path / "url").write_text(url + "\n")
    return AppriseNotifier(AppriseSettings(type="apprise", id="chat", url_file=str(tmp_path / "url"),
                                           **{"timeout": 5} | settings))


@pytest.fixture
def service(monkeypatch):
    """Stands at the addresses of the chat services."""
    with receiver() as here:
        here.status = 200
        base = here.url.partition("/alarms")[0]
        monkeypatch.setattr(NotifyDingTalk, "notify_url", base + "/ding?access_token={token}")
        monkeypatch.setattr(NotifyFeishu, "notify_url", base + "/feishu/{token}")
        monkeypatch.setattr(NotifyWeComBot, "notify_url", base + "/wecom?key={key}")
        yield here


ADDRESSES = {"dingtalk": f"dingtalk://{TOKEN}/", "feishu": f"feishu://{TOKEN}/", "wecombot": f"wecombot://{TOKEN}/"}
GOOD = {"dingtalk": b'{"errcode":0,"errmsg":"ok"}', "feishu": b'{"code":0,"msg":"success"}',
        "wecombot": b'{"errcode":0,"errmsg":"ok"}'}


@pytest.mark.parametrize("name", ADDRESSES)
async def test_title_and_text_arrive(service, tmp_path, name):
    service.body = GOOD[name]
    chat = notifier(tmp_path, ADDRESSES[name])
    await chat.send(RAISED)
    await chat.send(replace(RAISED, key="another"))
    assert len(service.calls) == 2, "and the second did not wait for the throttle of the library"
    said = json.dumps(service.calls[0].payload, ensure_ascii=False)
    assert RAISED.title in said and "处置：撤离" in said


@pytest.mark.survives("chat service answers 200 with an error in the body", says=Text("not in whitelist", "未接收消息"),
                      then="a failure with what the service said; tried again, other ways out, `gateway/notify`")
@pytest.mark.parametrize(("name", "body"), [
    ("dingtalk", b'{"errcode":310000,"errmsg":"sign not match / ip not in whitelist"}'),
    ("feishu", b'{"code":19024,"msg":"Key Words Not Found: not in whitelist"}'),
    ("wecombot", b'{"errcode":45009,"errmsg":"api freq out of limit, not in whitelist"}')])
async def test_an_error_in_a_200_is_a_failure(service, tmp_path, says, name, body):
    service.body = body
    with pytest.raises(NotifyError) as caught:
        await notifier(tmp_path, ADDRESSES[name]).send(RAISED)
    assert says(caught.value.what) and caught.value.retryable
    assert TOKEN not in caught.value.message("en"), "an error is shown on the page: it holds no token"


@pytest.mark.survives("log-in page of a guest network in the place of the chat service", then="a failure, no success")
@pytest.mark.parametrize(("status", "body"), [(200, b"<html>please log in</html>"), (200, b""), (302, b"")])
async def test_a_page_of_somebody_else_is_no_success(service, tmp_path, status, body):
    service.status, service.body = status, body
    with pytest.raises(NotifyError, match=f"HTTP {status}"):
        await notifier(tmp_path, ADDRESSES["dingtalk"]).send(RAISED)
    assert len(service.calls) == 1


@pytest.mark.parametrize(("status", "retryable"), [(500, True), (401, True), (429, True), (400, False)])
async def test_the_reason_of_a_failure_is_what_the_service_said(service, tmp_path, status, retryable):
    service.status, service.body = status, b"not today"
    with pytest.raises(NotifyError, match=f"HTTP {status} not today") as caught:
        await notifier(tmp_path, ADDRESSES["dingtalk"]).send(RAISED)
    assert caught.value.retryable is retryable


async def test_nobody_there(tmp_path):
    with pytest.raises(NotifyError, match="onnection") as caught:
        await notifier(tmp_path, f"json://127.0.0.1:{free_port()}/").send(RAISED)
    assert caught.value.retryable


async def test_a_service_that_never_answers_holds_nobody(service, tmp_path):
    service.hold.clear()
    chat = notifier(tmp_path, ADDRESSES["dingtalk"], timeout="50ms")
    for _ in range(3):
        with pytest.raises(NotifyError, match=r"timed out|Connection error"):  # whoever loses patience first
            await chat.send(RAISED)
    service.hold.set()


async def test_the_address_of_a_person_is_filled_in(service: Receiver, tmp_path):
    service.body = GOOD["dingtalk"]
    chat = notifier(tmp_path, f"dingtalk://{TOKEN}/{{to}}")
    await chat.send(replace(RAISED, to="+86 138 0000 0000"))
    await chat.send(RAISED)
    assert [call.payload["at"]["atMobiles"] for call in service.calls] == [["8613800000000"], []]


async def test_a_wrong_address_is_said_at_the_start_and_the_gateway_starts_all_the_same(tmp_path, caplog):
    chat = notifier(tmp_path, f"dingdong://{TOKEN}/")
    assert "Apprise does not understand" in caplog.text and TOKEN not in caplog.text
    with pytest.raises(NotifyError, match="dingdong") as caught:
        await chat.send(RAISED)
    assert caught.value.retryable, "the file may be corrected while we run"


@pytest.mark.parametrize(("scheme", "body", "wrong"), [
    ("tgram", b'{"ok":true}', False), ("tgram", b'{"ok":false,"description":"chat not found"}', True),
    ("json", b"", False), ("json", b"thanks", False), ("twilio", b'{"success":false}', True),
    ("wechat", b'{"errcode":40014}', True), ("bark", b'{"code":200}', False), ("bark", b'{"code":400}', True),
    ("lark", b'{"StatusCode":0,"StatusMessage":"success"}', False), ("schan", b"[1]", True)])
def test_what_an_answer_says(scheme, body, wrong):
    assert bool(objection(scheme, 200, body)) is wrong


@pytest.mark.parametrize("section", [{}, {"url_file": "a", "url_env": "b"}])
def test_the_address_is_a_secret_and_there_is_one(section):
    with pytest.raises(ValidationError, match="url_file or url_env"):
        AppriseSettings(type="apprise", id="chat", **section)

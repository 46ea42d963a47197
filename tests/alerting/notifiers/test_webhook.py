"""The webhook against a real HTTP server."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from contextlib import suppress
from dataclasses import replace

import pytest
from pydantic import ValidationError

from alerting.notifiers.config import WebhookSettings
from alerting.notifiers.post import host_of
from alerting.notifiers.webhook import WebhookNotifier
from gateway.model.errors import NotifyError
from gateway.model.ports import Notice
from tests.alerting.receiver import receiver
from tests.servers import free_port

NOTICE = Notice("depot/罐-1/HH#1@5:raise", "罐-1/HH", {"title": {"zh": "高高限"}, "value": 1.5})


def hook(url: str, **settings) -> WebhookNotifier:
    return WebhookNotifier(WebhookSettings(id="hook", url=url, **settings))


async def test_a_notice_arrives_signed_under_its_key(tmp_path):
    (tmp_path / "secret").write_text("open sesame\n")
    with receiver() as phone:
        await hook(phone.url, secret_file=str(tmp_path / "secret")).send(NOTICE)
    call, = phone.calls
    assert call.path == "/alarms?room=1"
    assert call.payload == NOTICE.payload
    assert call.headers["Content-Type"] == "application/json; charset=utf-8"
    assert call.key == "depot/%E7%BD%90-1/HH#1@5:raise"
    expected = hmac.new(b"open sesame", call.body, hashlib.sha256).hexdigest()
    assert call.headers["Davylamp-Signature"] == f"sha256={expected}"


async def test_without_a_secret_there_is_no_signature():
    with receiver() as phone:
        await hook(phone.url).send(NOTICE)
    assert "Davylamp-Signature" not in phone.calls[0].headers


async def test_the_words_of_the_channel_go_along():
    with receiver() as phone:
        await hook(phone.url).send(replace(NOTICE, title="P1 罐-1 高高限", text="确认码：1234-5678"))
    assert phone.calls[0].payload["words"] == {"title": "P1 罐-1 高高限", "text": "确认码：1234-5678"}


async def test_a_personal_notice_says_for_whom_and_in_which_language():
    with receiver() as phone:
        await hook(phone.url).send(replace(NOTICE, to="+86 138 0000 0000", language="zh"))
    assert phone.calls[0].payload == NOTICE.payload | {"to": "+86 138 0000 0000", "language": "zh"}


@pytest.mark.parametrize(("status", "retryable"), [
    (400, False), (413, False), (415, False), (422, False),
    (302, True), (401, True), (404, True), (429, True), (500, True), (503, True)])
async def test_what_an_answer_means(status, retryable):
    with receiver() as phone:
        phone.status = status
        with pytest.raises(NotifyError) as caught:
            await hook(phone.url).send(NOTICE)
    assert caught.value.retryable is retryable
    assert len(phone.calls) == 1, "a redirect is not followed"
    assert f"answered {status}: not today" in caught.value.message("en")
    assert f"接收方返回 {status}" in caught.value.message("zh")
    assert host_of(phone.url) in caught.value.message("en")
    assert "room=1" not in caught.value.message("en"), "what follows the host can be a secret"


async def test_nobody_there_is_worth_a_retry():
    with pytest.raises(NotifyError, match=r"can not be reached.*Fix: check address") as caught:
        await hook(f"http://127.0.0.1:{free_port()}/").send(NOTICE)
    assert caught.value.retryable


async def test_a_receiver_that_never_answers_is_given_up_after_the_timeout():
    with receiver() as phone:
        phone.hold.clear()
        with pytest.raises(NotifyError, match="timed out"):
            await hook(phone.url, timeout="100ms").send(NOTICE)


@pytest.mark.parametrize(("section", "reason"), [
    ({"url": "example.org/x"}, "expected an address"), ({"url": "ftp://host/x"}, "expected an address"),
    ({"url": "http://user:pw@host/"}, "no user name"), ({"url": "http://host:99999/"}, "ort"),
    ({"url": "http://主机/"}, "percent-encode"),
    ({"url": "http://host/", "secret_file": "a", "secret_env": "b"}, "not both"),
    ({"url": "http://host/", "timeout": "soon"}, "duration"), ({"url": "http://host/", "colour": 1}, "Extra inputs")])
def test_a_wrong_section_is_refused(section, reason):
    with pytest.raises(ValidationError, match=reason):
        WebhookSettings(id="hook", **section)


@pytest.mark.parametrize(("content", "what"), [("\n", "the secret is empty"), (None, "can not be read")])
async def test_without_its_secret_nothing_is_sent_and_the_gateway_starts_all_the_same(tmp_path, caplog, content, what):
    file = tmp_path / "secret"
    if content is not None:
        file.write_text(content)
    with receiver() as phone:
        notifier = hook(phone.url, secret_file=str(file))
        assert what in caplog.text, "it is said at the start"
        with pytest.raises(NotifyError, match=f"notifier hook: .*{what}.*Fix:") as caught:
            await notifier.send(NOTICE)
        assert caught.value.retryable and not phone.calls
        file.write_text("open sesame")
        await notifier.send(NOTICE)
    assert "Davylamp-Signature" in phone.calls[0].headers


async def test_a_receiver_that_answers_byte_by_byte_does_not_hold_the_channel():
    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.CancelledError):
            while True:
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.02)

    async with await asyncio.start_server(drip, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(NotifyError, match="timed out") as caught:
            await hook(f"http://127.0.0.1:{port}/", timeout="200ms").send(NOTICE)
    assert caught.value.retryable


def test_settings_survive_a_round_trip_through_json():
    settings = WebhookSettings(id="hook", url="https://host/x", timeout="5s")
    assert WebhookSettings.model_validate(json.loads(settings.model_dump_json())) == settings

"""The webhook against a real HTTP server."""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest
from pydantic import ValidationError

from alerting.notifiers.config import WebhookSettings
from alerting.notifiers.webhook import WebhookNotifier
from gateway.model.errors import DavylampError, NotifyError
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
    assert phone.url in caught.value.message("en")


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


def test_a_secret_that_is_missing_or_empty_is_found_at_the_start(tmp_path):
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(DavylampError, match="notifier hook: the secret is empty"):
        hook("http://host/", secret_file=str(tmp_path / "empty"))
    with pytest.raises(DavylampError, match="can not be read"):
        hook("http://host/", secret_file=str(tmp_path / "missing"))


def test_settings_survive_a_round_trip_through_json():
    settings = WebhookSettings(id="hook", url="https://host/x", timeout="5s")
    assert WebhookSettings.model_validate(json.loads(settings.model_dump_json())) == settings

"""Secrets that were read are covered wherever others are quoted: by receivers that answer with what they were sent."""

from __future__ import annotations

import asyncio
import base64
import http.server
import io
import logging
import threading
from contextlib import contextmanager
from dataclasses import replace

import pytest

from alerting.notifiers.apprise import AppriseNotifier
from alerting.notifiers.config import AppriseSettings, WebhookSettings
from alerting.notifiers.webhook import WebhookNotifier
from gateway.logs import Discreet
from gateway.model import discreet
from gateway.model.errors import NotifyError
from gateway.model.secret import read_secret
from gateway.sinks.config import InfluxSettings
from gateway.sinks.endpoint import endpoint
from tests.alerting.notifiers.notices import RAISED

PASSWORD, TOKEN = "planted-password-71", "planted/token+72=="


class _Echo(http.server.BaseHTTPRequestHandler):
    """Refuses everything and says all that it was told."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        said = f"{self.path} {self.headers.get('Authorization')}".encode()
        self.send_response(401)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def echo():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Echo)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def told():
    """Everything that is logged, as it is written."""
    lines, handler = io.StringIO(), None
    handler = logging.StreamHandler(lines)
    handler.setFormatter(Discreet("%(name)s %(message)s"))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield lines.getvalue
    root.removeHandler(handler)
    root.setLevel(level)


def planted(*texts: str) -> list[str]:
    forms = (PASSWORD, TOKEN, "planted-path-73", base64.b64encode(f"li:{PASSWORD}".encode()).decode())
    return [form for form in forms if any(form in text for text in texts)]


async def test_what_a_receiver_quotes_of_us_reaches_neither_error_nor_log(tmp_path, told, monkeypatch):
    with echo() as port:
        (tmp_path / "url").write_text(f"json://li:{PASSWORD}@127.0.0.1:{port}/planted-path-73")
        monkeypatch.setenv("PLANTED_SECRET", PASSWORD)
        (tmp_path / "token").write_text(TOKEN)
        (tmp_path / "password").write_text(PASSWORD)
        chat = AppriseNotifier(AppriseSettings(type="apprise", id="chat", url_file=str(tmp_path / "url"), timeout=5))
        hook = WebhookNotifier(WebhookSettings(type="webhook", id="hook", url=f"http://127.0.0.1:{port}/alarms",
                                               secret_env="PLANTED_SECRET"))
        said = []
        for notifier in (chat, hook):
            with pytest.raises(NotifyError) as refused:
                await notifier.send(replace(RAISED, key="planted"))
            said += [refused.value.message("en"), refused.value.message("zh")]
        assert all("401" in text for text in said)
        for settings in (
                {"api": "v1", "database": "d", "username": "li", "password_file": str(tmp_path / "password")},
                {"api": "v2", "org": "o", "bucket": "d", "token_file": str(tmp_path / "token")}):
            way = endpoint(InfluxSettings(type="influx", url=f"http://127.0.0.1:{port}", **settings), "d")
            answer = await asyncio.to_thread(way.write, b"m v=1 1\n")
            assert answer.status == 401
            said.append(answer.reason)
            logging.getLogger("quoting").warning("it said %s", answer.reason)
        assert planted(*said, told()) == [] and discreet.COVER in "".join(said)


def test_traces_are_covered_too(told, monkeypatch):
    monkeypatch.setenv("PLANTED", PASSWORD)
    assert read_secret(file=None, env="PLANTED", where="here") == PASSWORD
    try:
        raise ValueError(f"refused: {PASSWORD}")
    except ValueError:
        logging.getLogger("tracing").exception("it failed")
    assert "it failed" in told() and "ValueError: refused: ***" in told() and planted(told()) == []


def test_short_words_and_hosts_are_left():
    discreet.remember("ab")
    discreet.remember("https://hooks.example.org/services")
    assert discreet.covered("ab hooks.example.org") == "ab hooks.example.org"
    assert discreet.covered("Authorization: Basic bGk6c2VjcmV0") == "Authorization: Basic ***"

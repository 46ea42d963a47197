"""Mail to real SMTP servers: plain, STARTTLS, TLS, and servers that refuse, stall and hang up."""

from __future__ import annotations

import email
import email.policy
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from pydantic import ValidationError

from alerting.notifiers.config import SmtpSettings
from alerting.notifiers.smtp import SmtpNotifier
from gateway.model.errors import NotifyError
from gateway.model.text import Text
from tests.alerting.notifiers.notices import RAISED
from tests.servers import free_port


class Mailbox:
    """Answers as told, keeps what it took: (recipients, message)."""

    def __init__(self):
        self.taken: list[tuple[list[str], email.message.EmailMessage]] = []
        self.data_answer = "250 OK"
        self.refuses: dict[str, str] = {}

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in self.refuses:
            return self.refuses[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if self.data_answer.startswith("250"):
            message = email.message_from_bytes(envelope.content, policy=email.policy.default)
            self.taken.append((envelope.rcpt_tos, message))
        return self.data_answer


@contextmanager
def server(box: Mailbox, **options) -> Iterator[int]:
    controller = Controller(box, hostname="127.0.0.1", port=free_port(), **options)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


@pytest.fixture
def box():
    return Mailbox()


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def ca(authority, tmp_path):
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    return str(tmp_path / "ca.pem")


def tls(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(*(names or ("127.0.0.1",))).configure_cert(context)
    return context


def notifier(port: int, **settings) -> SmtpNotifier:
    section = {"type": "smtp", "id": "mail", "host": "127.0.0.1", "port": port, "sender": "gateway@example.org",
               "to": ("duty@example.org",), "security": "none", "timeout": 5}
    return SmtpNotifier(SmtpSettings(**section | settings))


async def test_a_mail_says_what_it_is_and_a_repeat_carries_the_same_identity(box):
    with server(box) as port:
        mail = notifier(port)
        await mail.send(RAISED)
        await mail.send(RAISED)
        await mail.send(replace(RAISED, key="personal", to="wang@example.org"))
    (to, message), (_, repeat), (personal, _) = box.taken
    assert (to, personal) == (["duty@example.org"], ["wang@example.org"])
    assert message["Subject"] == RAISED.title and message.get_content().splitlines() == RAISED.text.splitlines()
    assert message["Message-ID"] == repeat["Message-ID"] and message["X-Priority"] == "1"
    assert message["Auto-Submitted"] == "auto-generated"


async def test_a_title_with_a_line_break_adds_no_header(box):
    with server(box) as port:
        await notifier(port).send(replace(RAISED, title="P1 GD-01\r\nBcc: all@example.org"))
    (to, message), = box.taken
    assert to == ["duty@example.org"] and message["Bcc"] is None
    assert message["Subject"] == "P1 GD-01 Bcc: all@example.org"


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_encrypted_with_login(box, authority, ca, tmp_path, security):
    (tmp_path / "password").write_text("open sesame\n")
    seen = []

    def login(server, session, envelope, mechanism, data):
        seen.append((data.login, data.password))
        return AuthResult(success=data.password == b"open sesame", handled=False)

    context = tls(authority)
    options = {"tls_context": context, "require_starttls": True} if security == "starttls" else {"ssl_context": context}
    with server(box, authenticator=login, auth_required=True, auth_require_tls=security == "starttls",
                **options) as port:
        mail = notifier(port, security=security, ca=ca, username="gateway", password_file=str(tmp_path / "password"))
        await mail.send(RAISED)
        (tmp_path / "password").write_text("wrong")
        with pytest.raises(NotifyError, match="refuses the login: 535") as caught:
            await mail.send(RAISED)
    assert caught.value.retryable and len(box.taken) == 1
    assert seen[0] == (b"gateway", b"open sesame")


@pytest.mark.survives("mail server with a certificate of somebody else, or without STARTTLS",
                      then="no mail and no password in the clear; tried again; `gateway/notify`",
                      says=Text("the mail server can not be used", "无法使用邮件服务器"))
@pytest.mark.parametrize("case", ["other name", "other authority", "no STARTTLS"])
async def test_a_server_that_can_not_be_trusted_gets_nothing(box, authority, ca, says, case):
    other = trustme.CA() if case == "other authority" else authority
    context = tls(other, "elsewhere.example.org") if case == "other name" else tls(other)
    options = {} if case == "no STARTTLS" else {"tls_context": context}
    with server(box, **options) as port, pytest.raises(NotifyError) as caught:
        await notifier(port, security="starttls", ca=ca).send(RAISED)
    assert says(caught.value.what) and caught.value.retryable and not box.taken


@pytest.mark.parametrize(("answer", "retryable"), [("451 try later", True), ("554 spam", False), ("421 busy", True)])
async def test_what_an_answer_to_the_text_means(box, answer, retryable):
    box.data_answer = answer
    with server(box) as port, pytest.raises(NotifyError, match=answer[:3]) as caught:
        await notifier(port).send(RAISED)
    assert caught.value.retryable is retryable


async def test_who_was_refused_is_tried_again_alone(box):
    box.refuses = {"b@example.org": "450 greylisted"}
    with server(box) as port:
        mail = notifier(port, to=("a@example.org", "b@example.org"))
        with pytest.raises(NotifyError, match=r"b@example\.org: 450") as caught:
            await mail.send(RAISED)
        assert caught.value.retryable
        box.refuses = {}
        await mail.send(RAISED)
        await mail.send(RAISED)
    assert [to for to, _ in box.taken] == [["a@example.org"], ["b@example.org"], ["a@example.org", "b@example.org"]]


async def test_a_mailbox_that_does_not_exist_is_not_tried_for_a_day(box):
    box.refuses = {"duty@example.org": "550 no such user"}
    with server(box) as port, pytest.raises(NotifyError, match="550 no such user") as caught:
        await notifier(port).send(RAISED)
    assert not caught.value.retryable


async def test_nobody_there_and_nobody_to_write_to(box):
    with pytest.raises(NotifyError, match="can not be used") as caught:
        await notifier(free_port()).send(RAISED)
    assert caught.value.retryable
    with server(box) as port, pytest.raises(NotifyError, match="no mail address") as caught:
        await notifier(port, to=()).send(RAISED)
    assert not caught.value.retryable


@pytest.mark.parametrize(("section", "reason"), [
    ({"sender": "nobody"}, "expected a mail address"), ({"to": ("a@b", "c d@e")}, "expected a mail address"),
    ({"username": "x"}, "belong together"), ({"password_env": "x"}, "belong together"),
    ({"username": "x", "password_env": "a", "password_file": "b"}, "not both"),
    ({"host": "mail.example.org", "username": "x", "password_env": "a"}, "in the clear"),
    ({"security": "ssl"}, "starttls")])
def test_a_wrong_section_is_refused(section, reason):
    with pytest.raises(ValidationError, match=reason):
        notifier(25, **section)

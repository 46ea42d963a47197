"""Mail, one connection per notice. A repeat carries the same Message-ID, so that a mailbox shows it once.

A message that some recipients refused goes again to those only; the others have it. A mailbox that does not exist and
a text that is refused make the notice refused; everything else (no login, relaying denied, greylisting, a full disk)
may be cured by somebody.
"""

from __future__ import annotations

import hashlib
import socket
import ssl
from collections import OrderedDict
from email.message import EmailMessage
from email.utils import format_datetime, localtime

import aiosmtplib

from alerting.notifiers.config import SmtpSettings
from alerting.notifiers.secrets import notifier_secret, say_at_start
from gateway.model.errors import NotifyError
from gateway.model.ports import Notice
from gateway.model.text import Text

NO_SUCH_MAILBOX = frozenset((501, 550, 551, 553))
REMEMBERED = 1000  # notices of which some recipients are still missing


class SmtpNotifier:
    """What is wrong with the password at the start is logged; `send` raises it."""

    def __init__(self, settings: SmtpSettings):
        self.id = settings.id
        self._settings = settings
        self._where = f"notifier {settings.id}, {settings.host}:{settings.server_port}"
        self._taken: OrderedDict[str, set[str]] = OrderedDict()  # key -> recipients that have it
        say_at_start(self._password)

    async def send(self, notice: Notice) -> None:
        """NotifyError, retryable or not."""
        recipients = [notice.to] if notice.to else list(self._settings.to)
        if not recipients:
            raise NotifyError(Text("no mail address", "没有收件地址"), where=self._where, retryable=False,
                              fix=Text("set `to` of this notifier, or the address of the person",
                                       "填写该通知渠道的 to 或人员的邮箱地址"))
        missing = [address for address in recipients if address not in self._taken.get(notice.key, ())]
        try:
            refused, _ = await self._deliver(mail(notice, self._settings.sender, recipients), missing)
        except aiosmtplib.SMTPRecipientsRefused as error:
            refused = {each.recipient: (each.code, each.message) for each in error.recipients}
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise self._error(error) from error
        if refused:
            self._remember(notice.key, set(missing) - set(refused))
            raise self._refusal(refused)
        self._taken.pop(notice.key, None)

    async def _deliver(self, message: EmailMessage, recipients: list[str]) -> tuple[dict, str]:
        settings = self._settings
        encrypted = settings.security != "none"
        return await aiosmtplib.send(
            message, sender=settings.sender, recipients=recipients, hostname=settings.host, port=settings.server_port,
            username=settings.username, password=self._password(), timeout=settings.timeout,
            use_tls=settings.security == "tls", start_tls=settings.security == "starttls",
            local_hostname=socket.gethostname(),  # getfqdn, the default, may ask a name server and hold up everything
            tls_context=ssl.create_default_context(cafile=settings.ca) if encrypted else None)

    def _password(self) -> str | None:
        return notifier_secret(self.id, self._settings.password_file, self._settings.password_env)

    def _remember(self, key: str, taken: set[str]) -> None:
        if taken:
            self._taken[key] = self._taken.get(key, set()) | taken
            if len(self._taken) > REMEMBERED:
                self._taken.popitem(last=False)

    def _refusal(self, refused: dict) -> NotifyError:
        said = "; ".join(f"{address}: {code} {message}" for address, (code, message, *_) in refused.items())
        hopeless = all(code in NO_SUCH_MAILBOX for code, *_ in refused.values())
        return NotifyError(Text(f"the mail server refuses the recipient: {said}", f"邮件服务器拒绝收件人：{said}"),
                           where=self._where, retryable=not hopeless,
                           fix=Text("check the address", "检查收件地址"))

    def _error(self, error: Exception) -> NotifyError:
        if isinstance(error, aiosmtplib.SMTPAuthenticationError):
            return NotifyError(Text(f"the mail server refuses the login: {error.code} {error.message}",
                                    f"邮件服务器拒绝登录：{error.code} {error.message}"), where=self._where,
                               fix=Text("check user name and password; many providers want an app password",
                                        "检查用户名和密码；许多邮箱要求使用授权码"))
        if isinstance(error, aiosmtplib.SMTPResponseException) and not isinstance(error, ConnectionError):
            refused = isinstance(error, aiosmtplib.SMTPDataError) and error.code >= 500
            return NotifyError(Text(f"the mail server answered {error.code}: {error.message}",
                                    f"邮件服务器返回 {error.code}：{error.message}"), where=self._where,
                               retryable=not refused, fix=Text("ask the operator of the mail server",
                                                               "请联系邮件服务器管理员"))
        return NotifyError(Text(f"the mail server can not be used: {error!r}", f"无法使用邮件服务器：{error!r}"),
                           where=self._where, fix=Text("check host, port, security and certificate",
                                                       "检查主机、端口、security 和证书"))


def mail(notice: Notice, sender: str, recipients: list[str]) -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = " ".join(notice.title.split())
    message["From"] = sender
    message["To"] = ", ".join(recipients)
    message["Date"] = format_datetime(localtime())
    message["Message-ID"] = f"<{hashlib.sha256(notice.key.encode()).hexdigest()[:32]}@davylamp>"
    message["Auto-Submitted"] = "auto-generated"  # no answers from holiday robots
    if notice.payload.get("priority") == "P1":
        message["X-Priority"] = "1"
        message["Importance"] = "high"
    message.set_content(notice.text)
    return message

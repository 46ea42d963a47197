"""The site file's sections for the notifiers of this package. Secrets come from files or the environment, never from
the site file: an Apprise address holds tokens, so it is a secret as a whole."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from alerting.channel_rules import ChannelRules
from alerting.slips import Seal
from alerting.templates import tried
from alerting.wording import SAMPLE, Wording
from gateway.model.text import Text
from gateway.model.units import parse_duration

Duration = Annotated[float, BeforeValidator(parse_duration), Field(gt=0)]
Wait = Annotated[float, BeforeValidator(parse_duration), Field(ge=0, le=600)]

_MAIL = re.compile(r"[^@\s<>\"',;:]+@[^@\s<>\"',;:]+")
LOOPBACK = frozenset(("localhost", "127.0.0.1", "::1"))


def _web_address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or not url.isascii():
        raise ValueError('expected an address such as "https://host/path" (percent-encode other letters)')
    if parts.username or parts.password:
        raise ValueError("no user name or password in the address; use secret_file or secret_env")
    _ = parts.port  # ValueError: not a port number
    return url


def _mail_address(address: str) -> str:
    if not _MAIL.fullmatch(address):
        raise ValueError('expected a mail address such as "duty@example.org"')
    return address


def _topic(topic: str) -> str:
    if not topic or set(topic) & set("+#\0") or topic.startswith(("/", "$")) or topic.endswith("/"):
        raise ValueError('expected a topic such as "davylamp", without wildcards, not beginning or ending with "/"')
    return topic


WebAddress = Annotated[str, AfterValidator(_web_address)]
MailAddress = Annotated[str, AfterValidator(_mail_address)]
TopicName = Annotated[str, AfterValidator(_topic)]
Port = Annotated[int, Field(ge=1, le=65535)]


def _each_language(written: Any) -> Any:
    return {"en": written, "zh": written} if isinstance(written, str) else written


def _template(source: str) -> str:
    tried(source, SAMPLE)
    return source


Template = Annotated[str, AfterValidator(_template)]
Templates = Annotated[dict[Literal["en", "zh"], Template], BeforeValidator(_each_language)]


class NotifierSection(BaseModel):
    """What every way out has."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(min_length=1, description="name of this way out")
    timeout: Duration = Field(10.0, description="longest wait for an answer")
    words: Literal["full", "short"] = Field("full", description='built-in texts; "short": for SMS')
    title: Templates | None = Field(None, description="template of the title, in Jinja2, in place of the built-in one; "
                                                      "a text, or one for each language")
    text: Templates | None = Field(None, description="template of the text")
    rate: int | None = Field(None, ge=1, description="most messages in a minute; P1 never waits for it")
    group: Wait = Field(0.0, description="so long a notice waits for company; P1 never does")
    bundle: bool = Field(False, description="what is due together goes as one message; P1 never does")
    fallback: str | None = Field(None, description="id of the notifier that is asked too when this one fails")
    fallback_after: int = Field(3, ge=1, description="after so many failures in a row; a P1 that is 15 s old: after "
                                                        "the first")

    def wrong_address(self, address: str) -> Text | None:
        """Why nobody can be told at this personal address; None: nothing is seen to be wrong with it."""
        return None

    def rules(self, seal: Seal | None, link: str) -> ChannelRules:
        """seal: signs codes and links; None: this way out offers none."""
        return ChannelRules(Wording(self.words, self.title, self.text, seal=seal, link=link), self.rate, self.group,
                            self.bundle, self.fallback, self.fallback_after)

    @model_validator(mode="after")
    def _one_secret(self) -> NotifierSection:
        for kind in ("secret", "password"):
            if all(getattr(self, f"{kind}_{source}", None) is not None for source in ("file", "env")):
                raise ValueError(f"give {kind}_file or {kind}_env, not both")
        return self


class WebhookSettings(NotifierSection):
    """A POST of the notice as JSON to `url`. With a secret (from a file or the environment, never from here) the body
    is signed: see alerting.notifiers.webhook."""

    type: Literal["webhook"] = "webhook"
    url: WebAddress = Field(description="where to POST")
    secret_file: str | None = Field(None, description="file that holds the secret of the signature")
    secret_env: str | None = Field(None, description="environment variable that holds it")


class AlertmanagerSettings(NotifierSection):
    """A POST in the format of Alertmanager's own webhook (version "4"), so that receivers written for it work."""

    type: Literal["alertmanager"]
    url: WebAddress = Field(description="the receiver")
    receiver: str = Field("davylamp", description="name of the receiver as the message states it")


class SmtpSettings(NotifierSection):
    """Mail. The server's certificate is checked, always; a server that does not offer STARTTLS is not trusted."""

    type: Literal["smtp"]
    host: str = Field(min_length=1, description="mail server")
    port: Port | None = Field(None, description='default: 587 for "starttls", 465 for "tls", 25 for "none"')
    security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description='"none": in the clear, for a server on this machine or in a closed network')
    ca: str | None = Field(None, description="PEM file that the certificate is checked against; default: the system's")
    username: str | None = Field(None, description="with password_file or password_env")
    password_file: str | None = Field(None, description="file that holds the password")
    password_env: str | None = Field(None, description="environment variable that holds the password")
    sender: MailAddress = Field(description="From")
    to: tuple[MailAddress, ...] = Field((), description="who gets what is not for one person")
    rate: int | None = Field(30, ge=1, description="most messages in a minute; P1 never waits for it")
    group: Wait = Field(5.0, description="so long a notice waits for company; P1 never does")
    bundle: bool = Field(True, description="what is due together goes as one message; P1 never does")

    def wrong_address(self, address: str) -> Text | None:
        return None if _MAIL.fullmatch(address) else Text(f'"{address}" is no mail address',
                                                          f'"{address}" 不是邮件地址')

    @property
    def server_port(self) -> int:
        return self.port or {"starttls": 587, "tls": 465, "none": 25}[self.security]

    @model_validator(mode="after")
    def _safe_login(self) -> SmtpSettings:
        if (self.username is None) != (self.password_file is None and self.password_env is None):
            raise ValueError("username and password_file (or password_env) belong together")
        if self.username is not None and self.security == "none" and self.host not in LOOPBACK:
            raise ValueError('the password would travel in the clear; use security = "starttls" or "tls"')
        return self


class AppriseSettings(NotifierSection):
    """DingTalk, WeCom, Feishu, Telegram, Slack, SMS gateways and some 130 more through the library Apprise, by its
    addresses such as `dingtalk://SECRET@TOKEN/` (https://appriseit.com/services/). `{to}` in the address is where the
    address of one person goes, such as a phone number; it is empty in what is not for one person."""

    type: Literal["apprise"]
    url_file: str | None = Field(None, description="file that holds the address; it is a secret")
    url_env: str | None = Field(None, description="environment variable that holds it")
    rate: int | None = Field(15, ge=1, description="most messages in a minute; P1 never waits for it. DingTalk and "
                                                   "WeCom mute a robot at 20")
    group: Wait = Field(5.0, description="so long a notice waits for company; P1 never does")
    bundle: bool = Field(True, description="what is due together goes as one message; P1 never does")

    @model_validator(mode="after")
    def _one_address(self) -> AppriseSettings:
        if (self.url_file is None) == (self.url_env is None):
            raise ValueError("give url_file or url_env: the address holds tokens, so it does not stand here")
        return self


class MqttNotifierSettings(NotifierSection):
    """A message per notice to a broker, QoS 1, topic `PREFIX/SITE/alarms/ALARM`. Alarms are acknowledged by a message
    to `PREFIX/SITE/acknowledge`: see docs/how-to/notifications.md."""

    type: Literal["mqtt"]
    host: str = Field(min_length=1, description="broker")
    port: Port | None = Field(None, description="default: 8883 with tls, else 1883")
    tls: bool = Field(False, description="encrypted; the certificate is checked")
    ca: str | None = Field(None, description="PEM file that the certificate is checked against; default: the system's")
    username: str | None = Field(None, description="with password_file or password_env")
    password_file: str | None = Field(None, description="file that holds the password")
    password_env: str | None = Field(None, description="environment variable that holds the password")
    client_id: str | None = Field(None, min_length=1, description="default: one that the broker gives")
    prefix: TopicName = Field("davylamp", description="everything is published below it, nothing elsewhere")

    def wrong_address(self, address: str) -> Text | None:
        if address.startswith(f"{self.prefix}/") and not set(address) & set("+#\0"):
            return None
        return Text(f'"{address}" is not a topic below {self.prefix}/', f'"{address}" 不是 {self.prefix}/ 下的主题')

    @property
    def broker_port(self) -> int:
        return self.port or (8883 if self.tls else 1883)

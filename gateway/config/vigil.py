"""The tables of the site file about who watches the watcher. The text under a key is its entry in the reference."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from gateway.config.section import Section
from gateway.config.values import Host, Id, Name, Urgency, Whole
from gateway.model.alarm import Priority, Risk
from gateway.model.condition import Condition
from gateway.model.peer import Peer
from gateway.model.signal import SELFTEST, Limit, Signal
from gateway.model.text import Text
from gateway.model.units import parse_duration

Url = Annotated[str, Field(pattern=r"^https?://\S+$")]
Patience = Annotated[float, Field(ge=1), BeforeValidator(parse_duration)]


class TlsSection(Section):
    ca: str | None = None
    """PEM file that the broker's certificate is checked against. Default: the system's. The check can not be switched
    off."""
    cert: str | None = None
    """Our own certificate, where the broker asks for one."""
    key: str | None = None
    """Its key."""


class BrokerSection(Section):
    host: Host
    """MQTT broker that heartbeats go through. Best one that does not run on this machine."""
    port: Annotated[Whole, Field(ge=1, le=65535)] | None = None
    """Default: 1883, with TLS 8883."""
    username: str | None = None
    """User name at the broker."""
    password_file: str | None = None
    """File that holds the password."""
    password_env: str | None = None
    """Environment variable that holds the password."""
    tls: TlsSection | None = None
    """Encrypted connection. `tls = {}` is enough for a public certificate."""

    @property
    def address(self) -> tuple[str, int]:
        return self.host, self.port or (1883 if self.tls is None else 8883)

    @property
    def where(self) -> str:
        """The address as people write it."""
        host, port = self.address
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class PeerSection(Section):
    id: Id
    """Id of the other gateway, as it calls itself in `[site] id`."""
    name: Name | None = None
    """What people call it. Default: its id."""
    silent_after: Annotated[Patience, Field(ge=2)] = 180.0
    """So long without a sign of life before people are called. At least twice its heartbeat interval."""
    priority: Urgency = Priority.P1
    """Priority of the alarm."""
    topic: Annotated[str, Field(pattern=r"^[^#+\s]+$")] | None = None
    """MQTT topic of its heartbeats, such as `davylamp/depot/heartbeat`. Without: it posts to
    `/api/v1/heartbeats/ID`."""

    @property
    def peer(self) -> Peer:
        return Peer(self.id, self.name or Text.same(self.id), self.silent_after, self.priority)


class HeartbeatSection(Section):
    interval: Patience = 30.0
    """How often the gateway says that it is alive: only while polling, detection and delivery make progress."""
    url: Url | None = None
    """Asked with POST at each beat: a dead-man's-switch service, another gateway, `davylamp watch`. What follows the
    host is never logged."""
    url_file: str | None = None
    """File that holds the address, where it is a secret by itself."""
    url_env: str | None = None
    """Environment variable that holds the address."""
    broker: BrokerSection | None = None
    """Heartbeats also go through this broker, retained, with a last will."""
    topic: Annotated[str, Field(pattern=r"^[^#+\s]+$")] | None = None
    """Default: `davylamp/SITE/heartbeat`."""
    peers: tuple[PeerSection, ...] = ()
    """Other gateways: a silent one raises `gateway/peer/ID` here."""

    @model_validator(mode="after")
    def _fits_together(self) -> HeartbeatSection:
        if sum(given is not None for given in (self.url, self.url_file, self.url_env)) > 1:
            raise ValueError(Text("url, url_file and url_env say the same thing", "url、url_file、url_env 作用相同"),
                             Text("keep one of them", "只保留其中一个"))
        check_peers(self.peers, self.broker)
        return self


class SelfTestSection(Section):
    every: Annotated[Patience, Field(ge=60)] = 86400.0
    """How often a test sample goes through the whole chain. Also by `davylamp self-test`."""
    acknowledge: Literal["gateway", "person"] = "gateway"
    """Who acknowledges the marked test alarm. `person`: the test fails when nobody does within `within_person`."""
    within: Annotated[Patience, Field(le=3600)] = 30.0
    """Longest time for each station: stored, raised, recorded, delivered, ended."""
    within_person: Annotated[Patience, Field(le=86400)] = 600.0
    """Longest time for the acknowledgement."""

    @property
    def signal(self) -> Signal:
        return Signal(SELFTEST, Text("Self-test of the whole chain", "全链路自检"), "switch", "", "", decimals=0,
                      limits=(Limit(Condition.HIGH, 0.5, Priority.P3, Risk.BLUE),))


def check_peers(peers: tuple[PeerSection, ...], broker: BrokerSection | None) -> None:
    """ValueError for two of one id, and for a topic without a broker."""
    ids = [peer.id for peer in peers]
    if twice := next((id for id in ids if ids.count(id) > 1), None):
        raise ValueError(Text(f'"{twice}" is there twice', f'"{twice}" 重复'),
                         Text("give one of them another id, or delete it", "修改其中一个的标识，或删除一个"))
    if broker is None and (deaf := next((peer.id for peer in peers if peer.topic is not None), None)):
        raise ValueError(Text(f'"{deaf}" is to be heard on a topic, and there is no broker',
                              f'"{deaf}" 设置了主题，但没有配置消息服务器'),
                         Text('add broker = { host = "..." }', '增加 broker = { host = "..." }'))

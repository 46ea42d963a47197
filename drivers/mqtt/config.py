"""The `mqtt` section of a site file: one broker, and which signal stands in which message."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from drivers.mqtt.feed import Feed, Presence
from drivers.mqtt.findings import findings
from drivers.mqtt.mapping import Finite, JsonPath, PositiveDuration, Qos, Section, Topic
from drivers.mqtt.payload import parse_path
from drivers.mqtt.profile import Wish, profile, profile_names
from drivers.mqtt.topics import Pattern
from gateway.model.text import Text
from gateway.model.units import parse_duration, parse_size

Duration = Annotated[float, BeforeValidator(parse_duration)]
Size = Annotated[int, BeforeValidator(parse_size), Field(gt=0)]


def _as_wish(value: Any) -> Any:
    return {"value": value} if isinstance(value, str) else value


def _exact_topic(value: Any) -> Any:
    if isinstance(value, str) and (Pattern.parse(value).names or not Pattern(value).exact):
        raise ValueError(Text(f'"{value}" has wildcards', f'"{value}" 含有通配符'),
                         Text("write one topic, without wildcards", "填写单个主题，不含通配符"))
    return value


class Availability(Section):
    """The topic on which a device (by its last will) says whether it is there. path: where the word stands in JSON."""

    topic: Annotated[str, BeforeValidator(_exact_topic)]
    online: tuple[str, ...] = ("online",)
    offline: tuple[str, ...] = ("offline",)
    path: JsonPath | None = None


class ProfileSignal(Section):
    """Which value of a profile a signal takes: "power", or "pump_house/person" where there are several of a kind."""

    value: str
    scale: Finite = 1.0
    offset: Finite = 0.0


class Device(Section):
    """What belongs together: goes offline together and has one line in the status.

    profile   a shipped mapping: frigate, tasmota, shelly-gen2; needs `signals`
    topic     with a profile: the device's own part of its topics
    signals   with a profile: signal -> value
    topics    what a profile does not cover
    """

    id: str
    profile: str | None = None
    topic: Annotated[str, BeforeValidator(_exact_topic)] | None = None
    signals: dict[str, Annotated[ProfileSignal, BeforeValidator(_as_wish)]] = Field(default_factory=dict)
    topics: tuple[Topic, ...] = ()
    availability: Availability | None = None
    qos: Qos | None = None
    period: PositiveDuration | None = None

    @model_validator(mode="after")
    def _profile_known(self) -> Device:
        if self.profile is None:
            if self.signals or self.topic:
                raise ValueError(Text("signals and topic of a device need a profile",
                                      "设备的 signals 和 topic 须配合 profile 使用"),
                                 Text("add profile, or list topics", "补上 profile，或改用 topics"))
            return self
        try:
            known = profile(self.profile)
        except KeyError:
            raise ValueError(Text(f'there is no profile "{self.profile}"', f'没有名为 "{self.profile}" 的设备模板'),
                             Text(f"write one of: {', '.join(profile_names())}",
                                  f"可填写：{'、'.join(profile_names())}")) from None
        if self.topic is None and known.topic is None:
            raise ValueError(Text(f"profile {self.profile} needs the device's topic",
                                  f"设备模板 {self.profile} 需要填写 topic"),
                             Text('add topic = "..." as set on the device', '按设备上的设置添加 topic = "..."'))
        for wish in self.signals.values():
            item, _, name = wish.value.rpartition("/")
            known.offer(name, item)
        return self

    def feeds(self, place: tuple[str | int, ...], qos: int) -> Iterator[Feed]:
        qos = qos if self.qos is None else self.qos
        if self.profile is not None:
            known = profile(self.profile)
            wishes = [Wish(signal, wish.value, wish.scale, wish.offset, (*place, "signals", signal))
                      for signal, wish in self.signals.items()]
            yield from known.expand(wishes, self.topic or known.topic or "", self.id, qos, self.period)
        for number, topic in enumerate(self.topics):
            yield from topic.feeds((*place, "topics", number), self.id, qos)

    def presence(self) -> Presence | None:
        if (own := self.availability) is not None:
            return Presence(self.id, own.topic, own.online, own.offline,
                            None if own.path is None else parse_path(own.path))
        if self.profile is None:
            return None
        known = profile(self.profile)
        return known.available(self.topic or known.topic or "", self.id)


class Tls(Section):
    """Encrypted connection. ca: PEM file that the broker's certificate is checked against (default: the system's).
    cert, key: our own certificate, where the broker asks for one. The check can not be switched off."""

    ca: str | None = None
    cert: str | None = None
    key: str | None = None


class MqttSource(Section):
    """One broker.

    protocol           5 costs about twice the CPU time per message (paho reads its properties in Python)
    client_id          stable and unique: the broker keeps our unread messages under it. Default: from the host name
    session_expiry     how long the broker keeps them while we are away (protocol 5; a 3.1.1 broker has its own setting)
    keepalive          a silent connection is given up after twice this time
    qos                1: nothing is acknowledged before it is on disk; 0: what is lost is lost
    receive_maximum    unacknowledged messages on the way (protocol 5; a 3.1.1 broker has its own setting)
    max_payload        larger messages are refused unread
    future_tolerance   how far a sender's stamp may be ahead of our clock
    """

    id: str
    type: Literal["mqtt"]
    host: str
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    client_id: Annotated[str, Field(min_length=1)] | None = None
    protocol: Literal["3.1.1", "5"] = "3.1.1"
    tls: Tls | None = None
    username: str | None = None
    password_file: str | None = None
    password_env: str | None = None
    session_expiry: PositiveDuration = 86_400.0
    keepalive: Annotated[float, BeforeValidator(parse_duration), Field(ge=1, le=300)] = 15.0
    qos: Qos = 1
    receive_maximum: Annotated[int, Field(ge=1, le=20_000)] = 5000
    max_payload: Size = 256 * 1024
    future_tolerance: Duration = 10.0
    topics: tuple[Topic, ...] = ()
    devices: tuple[Device, ...] = ()

    @property
    def broker_port(self) -> int:
        return self.port or (8883 if self.tls else 1883)

    @cached_property
    def feeds(self) -> tuple[Feed, ...]:
        """Every topic with its signals, profiles and names filled in."""
        own = [feed for number, topic in enumerate(self.topics)
               for feed in topic.feeds(("topics", number), None, self.qos)]
        return (*own, *(feed for number, device in enumerate(self.devices)
                        for feed in device.feeds(("devices", number), self.qos)))

    @cached_property
    def presences(self) -> tuple[Presence, ...]:
        return tuple(presence for device in self.devices if (presence := device.presence()) is not None)

    def bindings(self) -> Iterable[tuple[str, tuple]]:
        """Every signal this source sets, and where the section says so."""
        return [(point.signal, point.location) for feed in self.feeds for point in feed.points]

    def wired(self) -> dict[str, list[str]]:
        """Device -> the signals that it gives; topics of no device belong to none."""
        return {device.id: [point.signal for feed in self.feeds if feed.device == device.id for point in feed.points]
                for device in self.devices}

    def contacts(self) -> Iterable[tuple[str, tuple]]:
        """No outputs: nothing is switched over MQTT."""
        return ()

    def periods(self) -> dict[str, float]:
        """Signal id -> expected seconds between two samples, where the section says so."""
        return {point.signal: feed.period_s for feed in self.feeds if feed.period_s is not None
                for point in feed.points}

    def findings(self) -> Iterable[tuple[tuple, Text, Text, str]]:
        return findings(self)

"""What the MQTT devices say, and when. Topics and payloads are data (sites/*.toml). No sockets here."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from simulators import layout
from simulators.plant import Plant
from simulators.text import Text, unknown


@dataclass(frozen=True, slots=True)
class Sent:
    topic: str
    payload: bytes
    retain: bool = False


class Publisher:
    """One MQTT client. Faults: `lost` (connection), `silent`, `garbled` (payloads cut in half), `clock_offset` in s."""

    def __init__(self, described: layout.Publisher, plant: Plant):
        self.id, self.described = described.id, described
        self.lost = self.silent = self.garbled = False
        self.clock_offset = 0.0
        self._last: dict[str, bytes] = {}
        self._due = {message.topic: 0.0 for message in described.messages}
        for message in described.messages:
            _check(message, plant, f"{described.id} {message.topic}")

    @property
    def birth(self) -> Sent:
        return Sent(self.described.availability, self.described.online.encode(), True)

    @property
    def will(self) -> Sent:
        return Sent(self.described.availability, self.described.offline.encode(), True)

    def due(self, plant: Plant, now: datetime | None = None) -> list[Sent]:
        """The messages to send at this step of the plant. now: the machine's clock (UTC), for stamps."""
        messages = []
        stamp = (now or datetime.now(UTC)).timestamp() + self.clock_offset
        for message in self.described.messages:
            payload = _payload(message, plant, datetime.fromtimestamp(stamp, UTC))
            if payload is None:
                continue
            changed = message.on_change and payload != self._last.get(message.topic)
            if not changed and plant.elapsed < self._due[message.topic]:
                continue
            self._due[message.topic] = plant.elapsed + (message.every or math.inf)
            self._last[message.topic] = payload
            if self.garbled:
                payload = payload[:len(payload) // 2]
            messages.append(Sent(message.topic, payload, message.retain))
        return [] if self.silent else messages

    def repeat_all(self) -> None:
        """Everything is sent again at the next step: after a reconnect."""
        self._due = dict.fromkeys(self._due, 0.0)


def _payload(message: layout.Message, plant: Plant, now: datetime) -> bytes | None:
    """None while the quantity has no value."""
    if message.json is not None:
        return orjson.dumps(_filled(message.json, plant, now, message.decimals))
    value = plant[message.of]
    if math.isnan(value):
        return None
    if message.words:
        return message.words[value >= 0.5].encode()
    return f"{value:.{message.decimals}f}".encode()


def _filled(part: Any, plant: Plant, now: datetime, decimals: int) -> Any:
    if isinstance(part, dict):
        return {key: _filled(value, plant, now, decimals) for key, value in part.items()}
    if part == "$time":
        return now.strftime("%Y-%m-%dT%H:%M:%S")
    if isinstance(part, str):
        value = plant[part]
        return None if math.isnan(value) else round(value, decimals)
    return part


def _check(message: layout.Message, plant: Plant, where: str) -> None:
    names = [message.of] if message.json is None else _names(message.json)
    for name in names:
        if name not in plant.index:
            raise unknown(Text("quantity", "测量量"), name, plant.index, where)


def _names(part: Any) -> list[str]:
    if isinstance(part, dict):
        return [name for value in part.values() for name in _names(value)]
    return [part] if isinstance(part, str) and part != "$time" else []

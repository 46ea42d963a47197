"""From messages to frames: which decoder a topic belongs to, who is there, what was refused. No I/O but log lines."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from drivers.mqtt.columns import Columns
from drivers.mqtt.config import MqttSource
from drivers.mqtt.decode import Arrival, Decoder, decoder
from drivers.mqtt.feed import Presence
from drivers.mqtt.payload import REASONS, Malformed, Reason, document, find
from drivers.mqtt.topics import Pattern
from gateway.model.clock import NS, Instant
from gateway.model.frame import Frame
from gateway.model.quality import Quality
from gateway.model.signal import SignalTable
from gateway.model.text import Text

log = logging.getLogger(__name__)

_LOG_EVERY_NS = 60 * NS
_MOST_TOPICS_REMEMBERED = 20_000


@dataclass(slots=True)
class Tally:
    """What is known of one device, or of all that belongs to none."""

    name: str
    signals: np.ndarray = field(default_factory=lambda: np.empty(0, np.int32))
    online: bool = False
    reason: Text = Text("no message yet", "尚未收到报文")
    last_contact_wall_ns: int = 0
    messages: int = 0
    rejected: int = 0
    refusals: Counter[Reason] = field(default_factory=Counter)
    logged: dict[Reason, tuple[int, int]] = field(default_factory=dict)  # reason -> (line time, count) of the last line

    def heard(self, arrival: Arrival) -> None:
        """A usable live message is the best proof that a device is there."""
        if not arrival.old:
            self.online, self.reason = True, Text("", "")

    def refused(self, reasons: Sequence[Reason], arrival: Arrival) -> None:
        self.rejected += 1
        self.refusals.update(reasons)
        for reason in dict.fromkeys(reasons):
            self.reason = Text("last message: {why} (topic {topic})", "最近一条报文：{why}（主题 {topic}）").format(
                why=REASONS[reason], topic=arrival.topic)
            line_ns, count = self.logged.get(reason, (-_LOG_EVERY_NS, 0))
            if arrival.at.line_ns - line_ns >= _LOG_EVERY_NS:
                log.warning("%s: topic %s: %s: %.80r (%d since the last such line)", self.name, arrival.topic,
                            REASONS[reason].en, bytes(arrival.payload[:80]), self.refusals[reason] - count)
                self.logged[reason] = (arrival.at.line_ns, self.refusals[reason])


class _Presence:
    """Online or offline, as the device or its last will says. Offline takes effect at once on all its signals; online
    alone makes no old value good."""

    def __init__(self, presence: Presence):
        self._presence = presence

    def said(self, payload: bytes) -> bool:
        """True: online. Malformed when it is neither of the two words."""
        if self._presence.path is None:
            try:
                word: object = bytes(payload).decode().strip()
            except UnicodeDecodeError:
                raise Malformed(Reason.NOT_UTF8) from None
        else:
            word = find(document(payload), self._presence.path)
        if isinstance(word, bool):
            word = str(word).lower()
        if word in self._presence.offline:
            return False
        if word in self._presence.online:
            return True
        raise Malformed(Reason.EMPTY if word == "" else Reason.UNKNOWN_WORD)


Handler = tuple[Tally, Decoder | _Presence]


class Reception:
    """Messages in, frames out. `others` stands for the topics that belong to no device."""

    def __init__(self, config: MqttSource, signals: SignalTable):
        self.others = Tally(config.id)
        self.devices = {device.id: Tally(f"{config.id}/{device.id}") for device in config.devices}
        self.messages = self.samples = self.rejected = self.unmapped = self.duplicates = 0
        self._max_payload = config.max_payload
        self._handlers: dict[str, tuple[Handler, ...]] = {}  # by topic, also those found through wildcards
        self._wild: list[tuple[Pattern, Handler]] = []
        members: dict[str | None, list[np.ndarray]] = {}
        for feed in config.feeds:
            found = decoder(feed, signals, config.future_tolerance)
            members.setdefault(feed.device, []).append(found.signals)
            self._route(feed.topic, (self._tally(feed.device), found))
        for presence in config.presences:
            self._route(Pattern(presence.topic), (self._tally(presence.device), _Presence(presence)))
        for device, arrays in members.items():
            self._tally(device).signals = np.unique(np.concatenate(arrays))
        self._all = np.unique(np.concatenate([array for arrays in members.values() for array in arrays])
                              if members else np.empty(0, np.int32))
        for topic in self._handlers:
            self._handlers[topic] += self._through_wildcards(topic)

    def frame(self, arrivals: Iterable[Arrival]) -> Frame:
        """All samples of these messages, in order. Never raises for what a message holds."""
        columns = Columns()
        for arrival in arrivals:
            self._take(arrival, columns)
        frame = columns.frame()
        self.samples += len(frame)
        return frame

    def lost(self, at: Instant) -> Frame:
        """Nothing is heard any more: every signal is bad, every device offline."""
        for tally in (self.others, *self.devices.values()):
            tally.online, tally.reason = False, Text("the broker can not be reached", "无法连接消息服务器")
        columns = Columns()
        _bad(columns, self._all, Quality.BAD_COMM_LOST, at)
        return columns.frame()

    def _take(self, arrival: Arrival, columns: Columns) -> None:
        self.messages += 1
        handlers = self._handlers.get(arrival.topic)
        if handlers is None:
            handlers = self._through_wildcards(arrival.topic)
            if len(self._handlers) < _MOST_TOPICS_REMEMBERED:
                self._handlers[arrival.topic] = handlers
        if not handlers:
            self.unmapped += 1
        for tally, handler in handlers:
            tally.messages += 1
            tally.last_contact_wall_ns = arrival.at.wall_ns
            if isinstance(handler, _Presence):
                self._presence(tally, handler, arrival, columns)
            elif reasons := self._decode(handler, arrival, columns):
                self.rejected += 1
                tally.refused(reasons, arrival)
            else:
                tally.heard(arrival)

    def _decode(self, handler: Decoder, arrival: Arrival, columns: Columns) -> Sequence[Reason]:
        if len(arrival.payload) > self._max_payload:
            _bad(columns, handler.signals, Quality.BAD_PAYLOAD, arrival.at)
            return (Reason.TOO_LARGE,)
        try:
            return handler.decode(arrival, columns)
        except Exception:  # last line of defence: a fault of ours in one decoder must not silence every other topic
            log.exception("decoder failed on topic %s: %.80r", arrival.topic, arrival.payload[:80])
            _bad(columns, handler.signals, Quality.BAD_PAYLOAD, arrival.at)
            return (Reason.DECODER_FAILED,)

    def _presence(self, tally: Tally, handler: _Presence, arrival: Arrival, columns: Columns) -> None:
        try:
            online = handler.said(arrival.payload)
        except Malformed as error:
            self.rejected += 1
            tally.refused((error.reason,), arrival)
            return
        tally.online = online
        tally.reason = Text("", "") if online else Text("the device is offline (last will or own message)",
                                                        "设备离线（遗嘱或自身上报）")
        if not online:
            _bad(columns, tally.signals, Quality.BAD_COMM_LOST, arrival.at)

    def _tally(self, device: str | None) -> Tally:
        return self.others if device is None else self.devices[device]

    def _route(self, pattern: Pattern, handler: Handler) -> None:
        if pattern.exact:
            self._handlers[pattern.text] = (*self._handlers.get(pattern.text, ()), handler)
        else:
            self._wild.append((pattern, handler))

    def _through_wildcards(self, topic: str) -> tuple[Handler, ...]:
        return tuple(handler for pattern, handler in self._wild if pattern.matches(topic))


def _bad(columns: Columns, signals: np.ndarray, quality: Quality, at: Instant) -> None:
    columns.many(signals, np.full(signals.shape, np.nan), quality, at)

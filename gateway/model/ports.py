"""What a source, sink or notifier must offer, and what it is given. Plugins know this file and nothing above it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from gateway.model.frame import Frame
from gateway.model.pulse import Pulse
from gateway.model.text import Text


class Intake(Protocol):
    """Where a source puts its frames. Bounded: `put` waits while the pipeline is behind (back-pressure)."""

    async def put(self, frame: Frame, on_durable: Callable[[], None] | None = None) -> None:
        """Hand over a frame. `on_durable` is called on the event loop once the frame is on disk (after fdatasync);
        it is never called for a frame that could not be stored."""
        ...

    def hasten(self) -> None:
        """Somebody waits for the disk: what was handed over goes there now, not with the next ordinary commit."""
        ...


@dataclass(frozen=True, slots=True)
class DeviceStatus:
    """What a source knows of one device or one topic group. Counters only grow; they start at 0 with the process."""

    source: str
    device: str
    online: bool
    reason: Text = Text("", "")  # why it is offline or degraded, else empty
    last_contact_wall_ns: int = 0  # 0: never
    counters: dict[str, int] = field(default_factory=dict)  # e.g. requests, timeouts, exceptions, dropped, rejected


@runtime_checkable
class Source(Protocol):
    """A driver. `run` works until it is cancelled and outlives every fault of the field by itself."""

    id: str

    async def run(self) -> None: ...

    def devices(self) -> Sequence[DeviceStatus]: ...

    def pulses(self) -> Sequence[Pulse]:
        """Of each task that could hang unseen."""
        ...


class Output(Protocol):
    """One contact in the field, such as that of a siren's relay. Nobody calls it before a person has armed it."""

    id: str

    async def drive(self, on: bool) -> None:
        """Returns when the device has confirmed it. Repeating is harmless. SourceError: not confirmed."""
        ...


@dataclass(frozen=True, slots=True)
class Batch:
    """What a reader of the telemetry store takes: frames in order, and the position after them."""

    frame: Frame
    position: int
    historic: bool  # not the newest data: back-fill


class Reader(Protocol):
    """One consumer of the telemetry store with a durable cursor: take, work, done. What is not done comes again."""

    async def take(self, max_samples: int) -> Batch: ...

    def done(self, position: int) -> None: ...

    @property
    def lag_samples(self) -> int: ...

    @property
    def backlog_due_s(self) -> float: ...


@dataclass(frozen=True, slots=True)
class SinkStatus:
    sink: str
    online: bool
    reason: Text = Text("", "")
    counters: dict[str, int] = field(default_factory=dict)  # written, refused, retries, bytes


class Sink(Protocol):
    id: str

    async def run(self) -> None: ...

    def status(self) -> SinkStatus: ...


@dataclass(frozen=True, slots=True)
class Notice:
    """One message to hand over. `key` is the idempotency key: a repeat carries the same one.

    payload is JSON-ready (see alerting.message for its fields). `recorded` is false when the alarm file could not be
    written: the notice goes out all the same and says so.
    to: an address that the channel understands (mail address, phone number, topic, Apprise URL); "": the channel's own.
    language: what the reader speaks, "en" or "zh"; None: the language of the site.
    title, text: what a person reads, in that language, worded for the channel; the outbox fills them in.
    """

    key: str
    alarm: str
    payload: dict
    recorded: bool = True
    to: str = ""
    language: str | None = None
    title: str = ""
    text: str = ""


class Notifier(Protocol):
    """A way out. `send` returns when the other side has taken the notice, else raises NotifyError."""

    id: str

    async def send(self, notice: Notice) -> None: ...

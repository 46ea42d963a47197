"""Hands notices over, each channel on its own (alerting.channel): one that is down never holds up another.

P1 goes to all its channels at once. Giving up, and N failures in a row, make a notifier "failing": the caller raises
`gateway/notify` until it delivers again.

Times here are on the loop's monotonic clock, ages on the gateway's time line: a wall-clock step changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from alerting.channel import Channel, Letter, Message, for_another
from alerting.channel_rules import ChannelRules, DeliverySettings
from alerting.deliveries import Deliveries, Figures
from alerting.fence import fenced
from gateway.model.alarm import Priority
from gateway.model.clock import Clock
from gateway.model.ports import Notice, Notifier
from gateway.model.pulse import Pulse
from gateway.model.text import Text


@dataclass(frozen=True, slots=True)
class NotifierStatus:
    """Counters start at 0 with the process. failing: why, None while all is well. people: times, by reader.
    latest: what was handed over last, newest first, without the slips."""

    notifier: str
    pending: int
    failing: Text | None
    counters: dict[str, int] = field(default_factory=dict)  # delivered, failed, given_up, messages, bundles, fell_back
    people: tuple[Figures, ...] = ()
    latest: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class Delivery:
    """One notice that a notifier has taken. attempts: before this one. seconds: since it was made."""

    notice: Notice
    notifier: str
    attempts: int
    seconds: float


class Sender(Protocol):
    """Who has put notices in here."""

    def stands(self, alarm: str, occurrence: int) -> bool:
        """Is this occurrence still active or unacknowledged?"""

    def delivered(self, delivery: Delivery) -> None:
        """It no longer waits."""

    def given_up(self, notice: Notice, notifier: str, reason: Text) -> None:
        """It no longer waits."""

    def fell_back(self, notice: Notice, priority: Priority, line_ns: int, notifier: str, other: str) -> None:
        """It waits for `other` too from now on."""

    def trouble(self) -> None:
        """`failing` may have changed."""


class Outbox:
    """rules: by notifier; those of the others are the default ones."""

    def __init__(self, notifiers: Sequence[Notifier], clock: Clock, settings: DeliverySettings, sender: Sender,
                 rules: Mapping[str, ChannelRules] | None = None):
        rules = rules or {}
        self._channels = {notifier.id: Channel(notifier, rules.get(notifier.id, ChannelRules()), clock, settings, self)
                          for notifier in notifiers}
        if len(self._channels) != len(notifiers):
            raise ValueError("duplicate notifier id")
        self._clock, self._sender = clock, sender
        self._deliveries = Deliveries()
        self._order = 0
        self._tasks: list[asyncio.Task] = []

    @property
    def notifiers(self) -> tuple[str, ...]:
        return tuple(self._channels)

    def pulses(self) -> tuple[Pulse, ...]:
        return tuple(channel.pulse for channel in self._channels.values())

    def start(self) -> None:
        self._tasks = [asyncio.create_task(channel.run(), name=f"notifier {name}")
                       for name, channel in self._channels.items()]

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def release(self, notice: Notice, priority: Priority, *, line_ns: int | None = None,
                through: Iterable[str] | None = None) -> None:
        """Send this through these notifiers (default: every one). A key that already waits is not added again."""
        made = self._clock.now().line_ns if line_ns is None else line_ns
        for name in self._channels if through is None else through:
            self._order += 1
            letter = Letter(notice, priority, self._order, made)
            fenced(lambda name=name, letter=letter: self._channels[name].add(letter), lambda: None, f"notifier {name}")

    def revise(self, notice: Notice) -> None:
        """A better text for a notice that may still wait (it is recorded by now). Never adds one."""
        for channel in self._channels.values():
            channel.revise(notice)

    async def test(self, notifier: str, notice: Notice) -> Text | None:
        """Send it now, past all that waits, once. None when it was taken, else why not. KeyError: no such notifier."""
        return await self._channels[notifier].test(notice)

    def acknowledged(self, alarm: str, person: str) -> dict[str, float]:
        """Seconds from the first message that reached this person to the acknowledgement, by notifier."""
        return self._deliveries.acknowledged(alarm, person, self._clock.now().line_ns)

    @property
    def failing(self) -> dict[str, Text]:
        """Notifier id -> reason."""
        return {name: channel.failing for name, channel in self._channels.items() if channel.failing is not None}

    @property
    def pending(self) -> int:
        return sum(len(channel.letters) for channel in self._channels.values())

    def status(self) -> tuple[NotifierStatus, ...]:
        return tuple(NotifierStatus(name, len(channel.letters), channel.failing, dict(channel.counters),
                                    self._deliveries.of(name), tuple(reversed(channel.latest)))
                     for name, channel in self._channels.items())

    # -- what the channels tell (alerting.channel.Office)

    def stands(self, alarm: str, occurrence: int) -> bool:
        return self._sender.stands(alarm, occurrence)

    def delivered(self, letter: Letter, channel: str) -> None:
        now = self._clock.now().line_ns
        self._deliveries.delivered(channel, letter.notice.payload, letter.line_ns, now)
        self._sender.delivered(Delivery(letter.notice, channel, letter.attempts, max(now - letter.line_ns, 0) / 1e9))

    def given_up(self, letter: Letter, channel: str, reason: Text) -> None:
        self._sender.given_up(letter.notice, channel, reason)

    def fall_back(self, letter: Letter, channel: str, other: str) -> None:
        if other in self._channels and not self._channels[other].knows(letter.notice.key):
            self._order += 1
            copy = for_another(letter, self._order)
            self._sender.fell_back(copy.notice, copy.priority, copy.line_ns, channel, other)
            self._channels[other].add(copy)

    def trouble(self) -> None:
        self._sender.trouble()

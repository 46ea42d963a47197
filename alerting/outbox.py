"""Hands notices over, each notifier on its own: one that is down never holds up another.

Per notifier a bounded set of pending notices, most urgent first, then oldest. At least once, always under the same key.
A failed notice waits 1, 2, 4 ... 30 s (with jitter); between two failed attempts the notifier rests, so that a dead
channel with a thousand notices is still asked at a bounded rate. A P1 that has never been tried does not wait for that
rest. Once a channel that was down takes a notice again, all that waited are due at once.

P1 is tried for ever. Others are given up when the other side refuses them for what they are, or after a day. Giving
up, and N failures in a row, make the notifier "failing": the caller raises `gateway/notify` until it delivers again.

Times here are on the loop's monotonic clock, ages on the gateway's time line: a wall-clock step changes nothing.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from alerting.wording import plain
from gateway.model.alarm import Priority
from gateway.model.clock import NS, Clock
from gateway.model.errors import NotifyError
from gateway.model.ports import Notice, Notifier
from gateway.model.text import Text

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DeliverySettings:
    """capacity: pending notices per notifier; full: the least urgent, then oldest one is given up. Times in seconds."""

    capacity: int = 2_000
    first_retry_s: float = 1.0
    longest_retry_s: float = 30.0
    rest_s: float = 0.5
    send_timeout_s: float = 30.0
    give_up_s: float = 86_400.0
    failures_before_alarm: int = 3


@dataclass(slots=True)
class _Letter:
    notice: Notice
    priority: Priority
    order: int
    line_ns: int
    attempts: int = 0
    due: float = 0.0

    @property
    def urgency(self) -> tuple[int, int]:
        return self.priority, self.order


@dataclass(frozen=True, slots=True)
class NotifierStatus:
    """Counters start at 0 with the process. failing: why, empty while all is well."""

    notifier: str
    pending: int
    failing: Text | None
    counters: dict[str, int] = field(default_factory=dict)  # delivered, failed, given_up


Delivered = Callable[[str, str], None]  # (key, notifier id)
GivenUp = Callable[[Notice, str, Text], None]  # (notice, notifier id, reason)


class Outbox:
    """`delivered` and `given_up` say that a notice no longer waits; `trouble`: `failing` may have changed."""

    def __init__(self, notifiers: Sequence[Notifier], clock: Clock, settings: DeliverySettings, *, delivered: Delivered,
                 given_up: GivenUp, trouble: Callable[[], None]):
        self._channels = {notifier.id: _Channel(notifier, clock, settings, delivered, given_up, trouble)
                          for notifier in notifiers}
        if len(self._channels) != len(notifiers):
            raise ValueError("duplicate notifier id")
        self._clock = clock
        self._order = 0
        self._tasks: list[asyncio.Task] = []

    @property
    def notifiers(self) -> tuple[str, ...]:
        return tuple(self._channels)

    def start(self) -> None:
        self._tasks = [asyncio.create_task(channel.run(), name=f"notifier {name}")
                       for name, channel in self._channels.items()]

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def release(self, notice: Notice, priority: Priority, *, line_ns: int | None = None,
                through: Sequence[str] | None = None) -> None:
        """Send this to every notifier (or to those named). A key that already waits is not added again."""
        self._order += 1
        made = self._clock.now().line_ns if line_ns is None else line_ns
        for name in self._channels if through is None else through:
            self._channels[name].add(_Letter(notice, priority, self._order, made))

    def revise(self, notice: Notice) -> None:
        """A better text for a notice that may still wait (it is recorded by now). Never adds one."""
        for channel in self._channels.values():
            channel.revise(notice)

    @property
    def failing(self) -> dict[str, Text]:
        """Notifier id -> reason."""
        return {name: channel.failing for name, channel in self._channels.items() if channel.failing is not None}

    @property
    def pending(self) -> int:
        return sum(len(channel.letters) for channel in self._channels.values())

    def status(self) -> tuple[NotifierStatus, ...]:
        return tuple(NotifierStatus(name, len(channel.letters), channel.failing, dict(channel.counters))
                     for name, channel in self._channels.items())


class _Channel:
    def __init__(self, notifier: Notifier, clock: Clock, settings: DeliverySettings, delivered: Delivered,
                 given_up: GivenUp, trouble: Callable[[], None]):
        self._notifier, self._clock, self._settings = notifier, clock, settings
        self._delivered, self._given_up, self._trouble = delivered, given_up, trouble
        self.letters: dict[str, _Letter] = {}
        self.failing: Text | None = None
        self.counters = {"delivered": 0, "failed": 0, "given_up": 0}
        self._failures = 0  # in a row
        self._rest_until = 0.0
        self._wake = asyncio.Event()

    def add(self, letter: _Letter) -> None:
        if letter.notice.key in self.letters:
            return
        self.letters[letter.notice.key] = letter
        if len(self.letters) > self._settings.capacity:
            victim = max(self.letters.values(), key=lambda each: (each.priority, -each.order))
            self._give_up(victim, Text("outbox is full", "发件箱已满"))
        self._wake.set()

    def revise(self, notice: Notice) -> None:
        if letter := self.letters.get(notice.key):
            letter.notice = notice

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            letter, wait = self._next(loop.time())
            if letter is not None:
                await self._try(letter)
                continue
            self._wake.clear()
            try:
                async with asyncio.timeout(wait):
                    await self._wake.wait()
            except TimeoutError:
                pass  # the earliest letter is due

    def _next(self, now: float) -> tuple[_Letter | None, float | None]:
        """The letter to try now, or how long to wait for one."""
        resting = now < self._rest_until
        ready = [letter for letter in self.letters.values() if letter.due <= now and
                 (not resting or (letter.priority is Priority.P1 and letter.attempts == 0))]
        if ready:
            return min(ready, key=lambda letter: letter.urgency), None
        if not self.letters:
            return None, None
        earliest = min(letter.due for letter in self.letters.values())
        return None, max(earliest, self._rest_until) - now

    async def _try(self, letter: _Letter) -> None:
        reason, refused = await self._send(letter.notice)
        if self.letters.get(letter.notice.key) is not letter:
            return  # gave way while it was under way
        if reason is None:
            self._succeeded(letter)
        else:
            self._failed(letter, reason, refused)

    async def _send(self, notice: Notice) -> tuple[Text | None, bool]:
        """(None, False) when it was taken, else the reason and whether the notice itself was refused."""
        try:
            async with asyncio.timeout(self._settings.send_timeout_s):
                await self._notifier.send(plain(notice))
            return None, False
        except NotifyError as error:
            return Text(error.message("en"), error.message("zh")), not error.retryable
        except TimeoutError:
            seconds = f"{self._settings.send_timeout_s:g}"
            return Text(f"no answer within {seconds} s", f"{seconds} 秒内无应答"), False
        except Exception as error:  # last line of defence: a faulty plugin must not end this task
            log.exception("notifier %s failed unexpectedly", self._notifier.id)
            return Text(f"unexpected error: {error!r}", f"意外错误：{error!r}"), False

    def _succeeded(self, letter: _Letter) -> None:
        del self.letters[letter.notice.key]
        self.counters["delivered"] += 1
        if self._failures > 1:  # the channel is back; a single failure between successes was that notice's own
            for other in self.letters.values():
                other.due = 0.0
        self._failures, self._rest_until, was_failing, self.failing = 0, 0.0, self.failing, None
        self._delivered(letter.notice.key, self._notifier.id)
        if was_failing is not None:
            log.info("notifier %s delivers again", self._notifier.id)
            self._trouble()

    def _failed(self, letter: _Letter, reason: Text, refused: bool) -> None:
        self.counters["failed"] += 1
        self._failures += 1
        letter.attempts += 1
        now = asyncio.get_running_loop().time()
        jitter = random.uniform(0.75, 1.25)
        pause = self._settings.first_retry_s * 2 ** min(letter.attempts - 1, 30)
        letter.due = now + min(pause, self._settings.longest_retry_s) * jitter
        self._rest_until = now + self._settings.rest_s * jitter
        if self._failures in (1, self._settings.failures_before_alarm):
            log.warning("notifier %s, notice %s: %s", self._notifier.id, letter.notice.key, reason.en)
        too_old = self._clock.now().line_ns - letter.line_ns > self._settings.give_up_s * NS
        if letter.priority is not Priority.P1 and (refused or too_old):
            self._give_up(letter, reason)
        elif self._failures >= self._settings.failures_before_alarm or refused:
            self._fail(reason)

    def _give_up(self, letter: _Letter, reason: Text) -> None:
        del self.letters[letter.notice.key]
        self.counters["given_up"] += 1
        log.error("notifier %s gave up notice %s: %s", self._notifier.id, letter.notice.key, reason.en)
        self._given_up(letter.notice, self._notifier.id, reason)
        self._fail(reason)

    def _fail(self, reason: Text) -> None:
        was_failing, self.failing = self.failing, reason
        if was_failing is None:
            self._trouble()

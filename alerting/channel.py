"""One way out: what waits for it, in which order and how fast it goes.

Most urgent first, then oldest. At least once, always under the same key. A failed notice waits 1, 2, 4 ... 30 s (with
jitter); between two failed attempts the channel rests, so that a dead one with a thousand notices is still asked at a
bounded rate. A P1 that has never been tried does not wait for that rest. Once a channel that was down takes a notice
again, all that waited are due at once.

P1 is tried for ever (of a full outbox that holds nothing else the oldest gives way), is never bundled and never waits
for a rate limit. One message goes after the other, but a P1 does not wait for one that hangs: it goes beside it, with
`SLOTS` in hand at most. One that is `p1_fallback_s` old asks the fall-back channel as soon as anything fails.

Others are given up when the other side refuses them for what they are, or after a day. On a channel that bundles, what
is due together for one reader goes as one message (alerting.bundle).
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from alerting.bundle import OPEN_LINES, bundle
from alerting.channel_rules import ChannelRules, DeliverySettings
from alerting.fence import fenced
from alerting.waiting import Gates, Letter, Waiting
from gateway.model.alarm import Priority
from gateway.model.clock import NS, Clock
from gateway.model.errors import NotifyError
from gateway.model.ports import Notice, Notifier
from gateway.model.pulse import HANG_S, Pulse
from gateway.model.text import Text

log = logging.getLogger(__name__)

RATE_S: Final = 60.0
SHOWN: Final = 5  # messages kept to be looked at, in memory only
SLOTS: Final = 4  # messages in hand at once, all but one of them P1
REMEMBERED: Final = 5_000  # keys that were handed over, so that a fall-back does not repeat them


@dataclass(frozen=True, slots=True)
class Message:
    """What a reader was sent, word for word, but for the slip to acknowledge with (see Wording.masked)."""

    wall_ns: int
    title: str
    text: str


class Office(Protocol):
    """Who is told what became of a letter."""

    def stands(self, alarm: str, occurrence: int) -> bool:
        """Is this occurrence still active or unacknowledged?"""

    def delivered(self, letter: Letter, channel: str) -> None: ...

    def given_up(self, letter: Letter, channel: str, reason: Text) -> None: ...

    def fall_back(self, letter: Letter, channel: str, other: str) -> None: ...

    def trouble(self) -> None:
        """`failing` may have changed."""


class Channel:
    def __init__(self, notifier: Notifier, rules: ChannelRules, clock: Clock, settings: DeliverySettings,
                 office: Office):
        self._notifier, self.rules, self._clock, self._settings = notifier, rules, clock, settings
        self._office = office
        self.id = notifier.id
        self.pulse = Pulse(f"notifier {notifier.id}", clock)
        self._waiting = Waiting()
        self.letters = self._waiting.letters
        self.counters = {"delivered": 0, "failed": 0, "given_up": 0, "messages": 0, "bundles": 0, "fell_back": 0}
        self.latest: deque[Message] = deque(maxlen=SHOWN)  # that the other side has taken
        self._failing: Text | None = None
        self._failures = 0  # in a row
        self._rest_until = 0.0
        self._sent: deque[float] = deque()  # times of the messages of the last minute
        self._done: OrderedDict[str, None] = OrderedDict()
        self._wake = asyncio.Event()
        self._in_hand: dict[asyncio.Task, float] = {}  # messages on their way, and since when
        self._said = rules.wording.trouble  # what is known of it outside

    @property
    def failing(self) -> Text | None:
        """Why, None while all is well."""
        return self._failing or self.rules.wording.trouble

    def add(self, letter: Letter) -> None:
        if letter.notice.key in self.letters or letter.notice.key in self._done:
            return
        if letter.priority is not Priority.P1 and self.rules.group_s:
            letter.due = asyncio.get_running_loop().time() + self.rules.group_s
        self._waiting.add(letter)
        if victim := self._waiting.beyond(self._settings.capacity):
            if letter.copy:  # two full channels would push out each other's letters without end
                victim.fell_back = True
            self._give_up(victim, Text("outbox is full", "发件箱已满"))
            self._waiting.count(victim, letter.order)
        if self._failures >= self.rules.fallback_after:
            self._fall_back(letter)
        self._wake.set()

    def revise(self, notice: Notice) -> None:
        if letter := self.letters.get(notice.key):
            letter.notice = notice

    def knows(self, key: str) -> bool:
        """It waits here, or was handed over."""
        return key in self.letters or key in self._done

    async def run(self) -> None:
        try:
            while True:
                letters, wait = self._next(asyncio.get_running_loop().time())
                if letters:
                    self._begin(letters)
                    continue
                self._wake.clear()
                if not self._in_hand:  # else a message that never ends would look like progress
                    if wait is None:
                        self.pulse.rest()
                    else:
                        self.pulse.beat(wait + HANG_S)
                try:
                    async with asyncio.timeout(wait):
                        await self._wake.wait()
                except TimeoutError:
                    pass  # the earliest letter is due
        finally:
            for task in self._in_hand:
                task.cancel()
            await asyncio.gather(*self._in_hand, return_exceptions=True)

    def _begin(self, letters: list[Letter]) -> None:
        """Out of the line, and on their way as one message."""
        now = asyncio.get_running_loop().time()
        self._waiting.take(letters)
        self._sent.append(now)
        self.pulse.beat(self._settings.send_timeout_s + HANG_S)
        task = asyncio.create_task(self._carry(letters), name=f"message of {self.id}")
        self._in_hand[task] = now
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task) -> None:
        del self._in_hand[task]
        self.pulse.beat(self._settings.send_timeout_s + HANG_S)
        self._wake.set()

    async def _carry(self, letters: list[Letter]) -> None:
        try:
            await self._try(letters)
        except Exception as error:  # last line of defence: one bad letter must not end the way out of all
            log.exception("notifier %s failed unexpectedly", self.id)
            self._put_off(letters, Text(f"unexpected error: {error!r}", f"意外错误：{error!r}"))

    async def test(self, notice: Notice) -> Text | None:
        """Send it now, past all that waits. None when it was taken, else why not."""
        reason, _ = await self._send(notice, 0.0)
        return reason

    def _next(self, now: float) -> tuple[list[Letter], float | None]:
        """The letters to try now as one message, or how long to wait for some."""
        if self._in_hand:
            return self._beside(now)
        gates = Gates(now, self._rest_until, max(self._rest_until, self._full_until(now)))
        if first := self._waiting.first(now, gates):
            return self._company(first), None
        opens = self._waiting.opens(gates)
        return [], None if opens is None else max(opens - now, 0.0)

    def _beside(self, now: float) -> tuple[list[Letter], float]:
        """The same while something is in hand: a real P1, when that has had its time."""
        hangs = max(self._in_hand.values()) + self._settings.beside_s - now
        if hangs > 0 or len(self._in_hand) >= SLOTS:
            return [], max(hangs, self._settings.beside_s)
        first = self._waiting.first(now, Gates(now, self._rest_until, math.inf))
        return ([first] if first and not first.drill else []), self._settings.beside_s

    def _full_until(self, now: float) -> float:
        while self._sent and self._sent[0] <= now - RATE_S:
            self._sent.popleft()
        if self.rules.rate is None or len(self._sent) < self.rules.rate:
            return now
        return self._sent[-self.rules.rate] + RATE_S

    def _company(self, first: Letter) -> list[Letter]:
        """What goes with it in one message: for the same reader, open alarms by themselves, history by itself."""
        def fits(letter: Letter) -> bool:
            return (letter.priority is not Priority.P1 and not letter.alone and not letter.drill
                    and (letter.notice.to, letter.notice.language) == (first.notice.to, first.notice.language))

        if not self.rules.bundles or not fits(first):
            return [first]
        company = [*filter(fits, self._waiting.company())]
        if len(company) == 1:
            return company
        still = [letter for letter in company if self._open(letter)]
        return still[:OPEN_LINES] or company

    def _open(self, letter: Letter) -> bool:
        payload = letter.notice.payload
        return self._office.stands(letter.notice.alarm, payload.get("occurrence", 0))

    async def _try(self, letters: list[Letter]) -> None:
        now = self._clock.now()
        late_s = [max(now.line_ns - letter.line_ns, 0) / NS for letter in letters]
        notices = [letter.notice for letter in letters]
        if len(letters) == 1:
            notice = notices[0]
        else:
            notice = bundle(notices, late_s, history=not self._open(letters[0]))
            self.counters["bundles"] += 1
        reason, refused = await self._send(notice, late_s[0] if len(letters) == 1 else 0.0)
        letters = [letter for letter in letters if self.letters.get(letter.notice.key) is letter]  # some gave way
        if reason is None:
            self._succeeded(letters)
        else:
            self._failed(letters, reason, refused)
        if self._said != self.rules.wording.trouble:
            self._said = self.rules.wording.trouble
            if self.rules.wording.trouble is not None:
                log.error("notifier %s: %s", self.id, self.rules.wording.trouble.en)
            self._office.trouble()

    async def _send(self, notice: Notice, late_s: float) -> tuple[Text | None, bool]:
        """(None, False) when it was taken, else the reason and whether the notice itself was refused."""
        self.counters["messages"] += 1
        wording, wall_ns = self.rules.wording, self._clock.now().wall_ns
        dressed = wording.dress(notice, late_s, wall_ns)
        try:
            async with asyncio.timeout(self._settings.send_timeout_s):
                await self._notifier.send(dressed)
        except NotifyError as error:
            return Text(error.message("en"), error.message("zh")), not error.retryable
        except TimeoutError:
            seconds = f"{self._settings.send_timeout_s:g}"
            return Text(f"no answer within {seconds} s", f"{seconds} 秒内无应答"), False
        except Exception as error:  # last line of defence: a faulty plugin must not end this task
            log.exception("notifier %s failed unexpectedly", self.id)
            return Text(f"unexpected error: {error!r}", f"意外错误：{error!r}"), False
        shown = fenced(lambda: wording.masked(notice, late_s, wall_ns), lambda: notice, "words shown of a message")
        self.latest.append(Message(wall_ns, shown.title, shown.text))
        return None, False

    def _succeeded(self, letters: Sequence[Letter]) -> None:
        for letter in letters:
            self._close(letter)
            self.counters["delivered"] += 1
        if self._failures > 1:  # the channel is back; a single failure between successes was that notice's own
            self._waiting.all_due()
        self._failures, self._rest_until, was_failing, self._failing = 0, 0.0, self._failing, None
        for letter in letters:
            self._office.delivered(letter, self.id)
        if was_failing is not None:
            log.info("notifier %s delivers again", self.id)
            self._office.trouble()

    def _failed(self, letters: Sequence[Letter], reason: Text, refused: bool) -> None:
        self.counters["failed"] += 1
        self._failures += 1
        now = asyncio.get_running_loop().time()
        jitter = random.uniform(0.75, 1.25)
        self._rest_until = now + self._settings.rest_s * jitter
        if letters and self._failures in (1, self._settings.failures_before_alarm):
            log.warning("notifier %s, notice %s: %s", self.id, letters[0].notice.key, reason.en)
        for letter in letters:
            letter.attempts += 1
            letter.alone = letter.alone or refused
            pause = self._settings.first_retry_s * 2 ** min(letter.attempts - 1, 30)
            letter.due = now + min(pause, self._settings.longest_retry_s) * jitter
            too_old = self._clock.now().line_ns - letter.line_ns > self._settings.give_up_s * NS
            if letter.priority is not Priority.P1 and ((refused and len(letters) == 1) or too_old):
                self._give_up(letter, reason)
                continue
            self._waiting.put_back(letter)
            if max(letter.attempts, self._failures) >= self.rules.fallback_after:
                self._fall_back(letter)
        self._pass_on()
        if self._failures >= self._settings.failures_before_alarm or (refused and letters):
            self._fail(reason)

    def _pass_on(self) -> None:
        """Something has failed here. A P1 does not wait for more of it: not the one that was tried, nor those that
        could not be while others hang."""
        oldest = self._clock.now().line_ns - self._settings.p1_fallback_s * NS
        for letter in tuple(self.letters.values()) if self.rules.fallback is not None else ():
            if letter.priority is Priority.P1 and letter.line_ns <= oldest:
                self._fall_back(letter)

    def _put_off(self, letters: Sequence[Letter], reason: Text) -> None:
        """Tried again, each by itself, after the longest pause: all others go first."""
        due = asyncio.get_running_loop().time() + self._settings.longest_retry_s
        for letter in letters:
            if self.letters.get(letter.notice.key) is letter:  # else it was taken, or gave way
                self._waiting.take([letter])
                letter.attempts, letter.due, letter.alone = letter.attempts + 1, due, True
                self._waiting.put_back(letter)
        fenced(lambda: self._fail(reason), lambda: None, f"the alarm that notifier {self.id} fails")

    def _fall_back(self, letter: Letter) -> None:
        """The other channel is asked too; this one goes on trying."""
        if self.rules.fallback is not None and not letter.fell_back:
            letter.fell_back = True
            self.counters["fell_back"] += 1
            self._office.fall_back(letter, self.id, self.rules.fallback)

    def _give_up(self, letter: Letter, reason: Text) -> None:
        if self.letters.get(letter.notice.key) is not letter:
            return  # it gave way meanwhile
        self._close(letter)
        self._fall_back(letter)
        self.counters["given_up"] += 1
        log.error("notifier %s gave up notice %s: %s", self.id, letter.notice.key, reason.en)
        self._office.given_up(letter, self.id, reason)
        self._fail(reason)

    def _close(self, letter: Letter) -> None:
        self._waiting.close(letter)
        self._done[letter.notice.key] = None
        if len(self._done) > REMEMBERED:
            self._done.popitem(last=False)

    def _fail(self, reason: Text) -> None:
        was_failing, self._failing = self._failing, reason
        if was_failing is None:
            self._office.trouble()


def for_another(letter: Letter, order: int) -> Letter:
    """The same notice for another channel, whose address of this person is not known: to its own default."""
    return Letter(replace(letter.notice, to=""), letter.priority, order, letter.line_ns, copy=True)

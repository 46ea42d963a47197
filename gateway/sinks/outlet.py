"""The way into one database: one request at a time, retried until it is taken or refused for good.

Several streams may lead into one database. Whose turn it is after a request, or after a pause, is decided by urgency:
alarms do not wait behind a day of samples.

What an answer means (measured on InfluxDB 1.6.7; other codes by the documents of 2.x and 3.x):

    2xx                 taken
    400, 422            some line is refused. Never retried as it is: the batch is bisected until the refused lines
                        stand alone, they are set aside with the server's reason, the rest goes on. After PATIENCE such
                        lines in one batch, a refused part is set aside whole (the server has taken the good lines of
                        it: measured on 1.6.7), or a batch that lies beyond the retention policy would cost two
                        requests for each of its lines
    413                 too large: halved
    401, 403, 404       credentials, database or bucket: a person must act. Data stays on disk, slow retry
    429, 503            busy: Retry-After is obeyed
    other, no answer    back-off with jitter up to max_backoff
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import logging
import random
from collections.abc import Callable

from gateway.model.text import Text
from gateway.sinks.answers import explain
from gateway.sinks.config import InfluxSettings
from gateway.sinks.endpoint import Answer, Endpoint
from gateway.sinks.erasure import Over

log = logging.getLogger(__name__)

PATIENCE = 32


class Outlet:
    """counters: those of the sink, which several outlets share. set_aside: called with what was refused; may block."""

    def __init__(self, settings: InfluxSettings, place: str, endpoint: Endpoint, counters: dict[str, int],
                 set_aside: Callable[[bytes, Answer], None]):
        self._settings, self._place, self._endpoint = settings, place, endpoint
        self._counters, self._set_aside = counters, set_aside
        self._turns = _Turns()
        self._failures = 0  # in a row
        self.trouble: Text | None = None

    async def deliver(self, lines: bytes, urgency: int) -> None:
        """Until every line is taken or set aside. urgency: the lowest number goes first."""
        todo, refusals = [lines] if lines else [], 0
        while todo:
            lines = todo.pop()
            answer, count = await self._post(lines, urgency), lines.count(b"\n")
            if answer.taken:
                self._counters["written"] += count
            elif count > 1 and (refusals < PATIENCE or answer.status == 413):
                first, second = _halves(lines)
                todo += [second, first]
            else:
                refusals += 1
                self._counters["refused"] += count
                await asyncio.to_thread(self._set_aside, lines, answer)

    async def erase(self, over: Over) -> Answer:
        """Ask once to delete these rows."""
        return await asyncio.to_thread(self._endpoint.delete, over)

    def close(self) -> None:
        self._endpoint.close()

    async def _post(self, lines: bytes, urgency: int) -> Answer:
        """Post until the server takes the lines or refuses them for good (400, 413, 422)."""
        while True:
            await self._turns.mine(urgency)
            pause = 0.0
            try:
                answer = await asyncio.to_thread(self._endpoint.write, lines)
                self._counters["requests"] += 1
                self._counters["bytes"] += len(lines)
                if answer.taken or answer.status in (400, 413, 422):
                    self._recovered()
                    return answer
                self._failed(answer)
                self._counters["retries"] += 1
                pause = self._pause(answer)
            finally:
                self._turns.over(pause)

    def _pause(self, answer: Answer) -> float:
        longest = self._settings.max_backoff
        if answer.retry_after_s is not None:
            return min(answer.retry_after_s, longest)
        if answer.status in (401, 403, 404):
            return longest / 2 * (1 + random.random())
        return min(longest, 2.0 ** min(self._failures - 1, 20) * 0.5) * (0.5 + random.random() / 2)

    def _failed(self, answer: Answer) -> None:
        self._failures += 1
        trouble = explain(answer, self._settings, self._place)
        if self.trouble is None or self.trouble != trouble:
            log.warning("sink %s: %s", self._settings.id, trouble)
        self.trouble = trouble

    def _recovered(self) -> None:
        if self.trouble is not None:
            log.info("sink %s: %s takes data", self._settings.id, self._place)
        self.trouble, self._failures = None, 0


class _Turns:
    """One at a time. Who is more urgent goes before who came earlier."""

    def __init__(self) -> None:
        self._busy = False
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._number = itertools.count()

    async def mine(self, urgency: int) -> None:
        """Returns when it is my turn; `over` must follow."""
        if not self._busy:
            self._busy = True
            return
        turn = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (urgency, next(self._number), turn))
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # it was given and can not be used
                self.over(0.0)
            raise

    def over(self, pause: float) -> None:
        """The next one's turn comes after so many seconds."""
        if pause:
            asyncio.get_running_loop().call_later(pause, self.over, 0.0)
            return
        while self._waiting:
            _, _, turn = heapq.heappop(self._waiting)
            if not turn.done():
                turn.set_result(None)
                return
        self._busy = False


def _halves(lines: bytes) -> tuple[bytes, bytes]:
    rows = lines.splitlines(keepends=True)
    return b"".join(rows[:len(rows) // 2]), b"".join(rows[len(rows) // 2:])

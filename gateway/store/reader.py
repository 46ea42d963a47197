"""StoreReader: one consumer with a durable cursor. Newest data first, older data behind it, nothing twice unless lost.

The cursor is the set of positions not yet done: `live` and everything after it, and a short list of older ranges, the
backlog. In normal operation the backlog is empty. A reader that has fallen behind what is in memory (an outage of the
database, a restart) goes on with the newest samples, and what it skipped becomes backlog, oldest first because that
is what retention deletes next. New data and backlog take turns, and the backlog comes no faster than asked: where
samples never cease, a backlog that waits for them to cease is never sent.

Delivery is at least once: the cursor is saved every few seconds, so after a crash the last of it is sent again.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Sequence
from typing import Protocol

from gateway.model.clock import NS, Clock, Correction
from gateway.model.frame import Frame
from gateway.model.ports import Batch
from gateway.store.block import Block

_BACKLOGS_TURN = 2  # batches of new data, and then it is that of the backlog
_MOST_RANGES = 16  # of backlog; beyond that the two oldest are joined, and what lies between them is sent again


class Source(Protocol):
    """What a reader asks of the store."""

    @property
    def durable_position(self) -> int: ...

    @property
    def readable_position(self) -> int: ...

    @property
    def corrections(self) -> Sequence[Correction]: ...

    def readable(self, frame: Frame) -> Frame: ...

    def position_at(self, line_ns: int) -> int: ...

    @property
    def recent_start(self) -> int: ...

    def recent(self, position: int) -> Sequence[Block]: ...

    async def read(self, start: int, stop: int, max_samples: int) -> tuple[Frame, int]: ...

    def cursor_moved(self) -> None: ...


class StoreReader:
    """See gateway.model.ports.Reader. Belongs to the event loop and to one task.

    historic_samples, lag_samples  what is waiting: of the backlog, and in all
    evicted_samples  deleted by retention before this reader was done with them
    """

    def __init__(self, store: Source, name: str, cursor: bytes | None, oldest: int, backfill_per_s: float | None,
                 live_age_s: float, clock: Clock):
        self.name = name
        self.evicted_samples = 0
        self._store = store
        self._clock = clock
        self._live_age_ns = round(live_age_s * NS)
        self._pace = 0.0 if backfill_per_s is None else 1 / backfill_per_s  # seconds per sample
        self._backfill_at = 0.0  # loop time from which the next backlog batch is due
        self._news = asyncio.Event()
        self._live_in_a_row = 0
        self._taken: tuple[int, int] | None = None
        self._stale = False  # the batch taken last was read before a correction
        self._live, self._backlog = oldest, []
        self._corrected = self._newest_correction()  # line time up to which corrections are known to the receiver
        if cursor is not None:
            state = json.loads(cursor)
            self._live, self._backlog = state["live"], [tuple(part) for part in state["backlog"]]
            self._corrected = state.get("corrected", self._corrected)
        self.evict(oldest)
        self.correct()

    # -- two-phase: take, done --------------------------------------------------------------------------------------

    async def take(self, max_samples: int) -> Batch:
        """Wait for durable data; at most `max_samples` of it. Without `done` in between the same or newer comes again.
        """
        while True:
            self._news.clear()
            batch = await self._take_backlog(max_samples) if self._live_in_a_row >= _BACKLOGS_TURN else None
            if batch is None:
                batch = self._take_live(max_samples)
            if batch is None:
                batch = await self._take_backlog(max_samples)
            self._live_in_a_row = (self._live_in_a_row + 1 if self._backlog and batch is not None and not batch.historic
                                   else 0)
            if batch is None:
                await self._wait()
            elif len(batch.frame):
                return batch
            else:  # a gap: dropped, damaged, or signals that the site no longer has
                self.done(batch.position)

    def done(self, position: int) -> None:
        """The samples of the last batch up to `position` need not come again. Safe on disk some seconds later."""
        first, end = self._taken or (0, 0)
        if not first < position <= end:
            raise ValueError(f"{self.name}: position {position} is not in the batch taken last, {first}..{end}")
        self._live = max(self._live, position)  # backlog always lies below
        self._backlog = [rest for start, stop in self._backlog
                         for rest in ((start, min(stop, first)), (max(start, position), stop)) if rest[0] < rest[1]]
        self._taken = (position, end)
        if self._stale:
            self._again(first, position)
        self._store.cursor_moved()

    @property
    def historic_samples(self) -> int:
        return sum(stop - start for start, stop in self._backlog)

    @property
    def lag_samples(self) -> int:
        return max(0, self._store.durable_position - self._live) + self.historic_samples

    # -- for the store ----------------------------------------------------------------------------------------------

    def wake(self) -> None:
        self._news.set()

    def evict(self, oldest: int) -> None:
        """Everything before `oldest` has been deleted."""
        kept = [(max(start, oldest), stop) for start, stop in self._backlog if stop > oldest]
        before = self.historic_samples
        self._backlog = kept
        self.evicted_samples += before - self.historic_samples + max(0, oldest - self._live)
        self._live = max(self._live, oldest)

    def correct(self) -> None:
        """There are new corrections of the clock: what was taken with a wrong time comes again with the right one."""
        for one in self._store.corrections:
            if one.last_ns > self._corrected:
                self._again(self._store.position_at(one.first_ns), self._live)
                self._stale = True
        self._corrected = self._newest_correction()
        self._store.cursor_moved()

    def cursor(self) -> bytes:
        return json.dumps({"live": self._live, "backlog": self._backlog, "corrected": self._corrected}).encode()

    # -- inside -----------------------------------------------------------------------------------------------------

    def _take_live(self, max_samples: int) -> Batch | None:
        durable = self._store.readable_position
        if self._live >= durable:
            return None
        self._skip_to(min(durable, self._store.recent_start))
        blocks = self._store.recent(self._live)
        if blocks and self._clock.now().line_ns - blocks[0].at.line_ns > self._live_age_ns:
            self._skip_to(durable - max_samples)
            blocks = self._store.recent(self._live)
        if not blocks:
            return None
        frame, position = slice_blocks(blocks, self._live, durable, max_samples)
        self._taken, self._stale = (self._live, position), False
        return Batch(self._store.readable(frame), position, historic=False)

    def _newest_correction(self) -> int:
        return max((one.last_ns for one in self._store.corrections), default=0)

    def _again(self, start: int, stop: int) -> None:
        if start >= stop:
            return
        joined: list[tuple[int, int]] = []
        for begin, end in sorted([*self._backlog, (start, stop)]):
            if joined and begin <= joined[-1][1]:
                joined[-1] = joined[-1][0], max(end, joined[-1][1])
            else:
                joined.append((begin, end))
        self._backlog = joined
        self._news.set()

    def _skip_to(self, position: int) -> None:
        if position > self._live:
            self._backlog.append((self._live, position))
            self._live = position
        while len(self._backlog) > _MOST_RANGES:
            (start, _), (_, stop), *rest = self._backlog
            self._backlog = [(start, stop), *rest]

    async def _take_backlog(self, max_samples: int) -> Batch | None:
        if self.backlog_due_s > 0:
            return None
        start, stop = self._due_range()
        self._stale = False
        frame, position = await self._store.read(start, stop, max_samples)
        self._taken = (start, position)
        now = asyncio.get_running_loop().time()
        self._backfill_at = max(now, self._backfill_at) + len(frame) * self._pace
        return Batch(frame, position, historic=True)

    def _due_range(self) -> tuple[int, int] | None:
        """The oldest backlog that may be read."""
        until = self._store.readable_position
        return next(((start, min(stop, until)) for start, stop in self._backlog if start < until), None)

    @property
    def backlog_due_s(self) -> float:
        """Seconds until a batch of backlog may be taken; infinite where there is none."""
        return math.inf if self._due_range() is None else self._backfill_at - asyncio.get_running_loop().time()

    async def _wait(self) -> None:
        """For new data, or for the next turn of the backlog."""
        try:
            turn = self.backlog_due_s
            await asyncio.wait_for(self._news.wait(), None if math.isinf(turn) else max(0.0, turn))
        except TimeoutError:
            return


def slice_blocks(blocks: Sequence[Block], start: int, stop: int, max_samples: int) -> tuple[Frame, int]:
    """The samples from position `start` to before `stop`, at most `max_samples`, and the position after them."""
    parts, position, room = [], stop, max_samples
    for block in blocks:
        first, last = max(0, start - block.position), min(len(block.frame), stop - block.position)
        last = min(last, first + room)
        if last > first:
            parts.append(block.frame.take(slice(first, last)))
            room -= last - first
        if room == 0:
            position = block.position + last
            break
    return (Frame.concat(parts) if parts else Frame.empty()), position

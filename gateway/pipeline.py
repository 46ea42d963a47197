"""Moves frames: from the sources to the bank, from there verdicts to the alarms and frames to the store. Nothing else.

    source --put--> intake (bounded) --> bank.step --> alarms.apply
                                    \\-> store.append --fdatasync--> on_durable (a broker's PUBACK)

Frames that arrive within `step_interval_s` of the last step are taken together: detection costs nearly the same for one
row as for a thousand, so a busy gateway works in larger steps instead of falling behind, and an idle one steps at once.
"""

from __future__ import annotations

import asyncio
import logging
import struct
from collections.abc import Callable, Collection

from gateway.core.bank import Bank
from gateway.core.snapshot import SnapshotError
from gateway.model.clock import NS, Clock
from gateway.model.frame import Frame
from gateway.model.verdict import Verdicts
from gateway.store import TelemetryStore

log = logging.getLogger(__name__)

SNAPSHOT = "bank"
REPLAY_SAMPLES = 1_000_000  # so much of the newest data is evaluated where there is no snapshot to start from
_POSITION = struct.Struct("<q")


class Pipeline:
    """The intake of every source, and the loop behind it.

    capacity: samples that may wait; `put` waits (back-pressure) while that many are waiting.
    act: takes the verdicts (the alarm service); it must not raise and must not wait.
    """

    def __init__(self, bank: Bank, store: TelemetryStore, act: Callable[[Verdicts], None], clock: Clock, *,
                 capacity: int = 200_000, step_interval_s: float = 0.002):
        self._bank, self._store, self._act, self._clock = bank, store, act, clock
        self._capacity, self._interval = capacity, step_interval_s
        self._waiting: list[tuple[Frame, Callable[[], None] | None]] = []
        self._work, self._room = asyncio.Event(), asyncio.Event()
        self._room.set()
        self.fill = 0  # samples waiting
        self.samples = 0  # samples evaluated since start
        self.steps = 0
        self.last_step_line_ns = 0  # progress, for the watchdog

    async def put(self, frame: Frame, on_durable: Callable[[], None] | None = None) -> None:
        while self.fill >= self._capacity:
            self._room.clear()
            await self._room.wait()
        self.fill += len(frame)
        self._waiting.append((frame, on_durable))
        self._work.set()

    def replay(self, standing: Collection[str] = ()) -> int:
        """Bring bank and alarms to where they were: the bank's snapshot, then every stored frame after it, then what
        one of the two knows and the other lost. `standing`: alarms whose condition stands in the alarm file.
        Returns the number of samples evaluated."""
        saved, after = self._store.load(SNAPSHOT), max(0, self._store.position - REPLAY_SAMPLES)
        if saved is not None:
            try:
                self._bank.restore(saved[_POSITION.size:])
                (after,) = _POSITION.unpack_from(saved)
            except SnapshotError as error:
                log.warning("%s; the newest stored data is evaluated without it", error)
        samples = 0
        for _, frame in self._store.frames(after):
            self._act(self._bank.step(frame))
            samples += len(frame)
        self._bank.begin(self._clock.now())
        self._act(self._bank.standing())
        self._bank.adopt(alarm for alarm in standing if not alarm.startswith("gateway/"))
        self.snapshot()  # or a second crash would evaluate frames across the outage, and find it full of silence
        return samples

    def snapshot(self) -> None:
        """Save the bank's state with the store position it belongs to."""
        self._store.save(SNAPSHOT, _POSITION.pack(self._store.position) + self._bank.snapshot())

    async def run(self) -> None:
        """Step until cancelled. Wakes for work and for the bank's next deadline (a deadman, an on-delay)."""
        while True:
            await self._work_or_deadline()
            self.step()
            await asyncio.sleep(self._interval)

    def step(self) -> None:
        """Everything that waits, as one frame through the bank and into the store; or the passing of time alone."""
        waiting, self._waiting = self._waiting, []
        self._work.clear()
        if waiting:
            frame = Frame.concat([frame for frame, _ in waiting])
            self.fill -= len(frame)
            self._room.set()
            self._act(self._bank.step(frame))
            callbacks = [callback for _, callback in waiting if callback is not None]
            self._store.append(frame, _each(callbacks) if callbacks else None)
            self.samples += len(frame)
        self._act(self._bank.tick(self._clock.now()))
        self.steps += 1
        self.last_step_line_ns = self._clock.now().line_ns

    async def _work_or_deadline(self) -> None:
        deadline = self._bank.next_deadline_ns
        wait_s = 1.0 if deadline is None else min(1.0, (deadline - self._clock.now().line_ns) / NS)
        if wait_s > 0 and not self._work.is_set():
            try:
                async with asyncio.timeout(wait_s):
                    await self._work.wait()
            except TimeoutError:
                pass


def _each(callbacks: list[Callable[[], None]]) -> Callable[[], None]:
    def durable() -> None:
        for callback in callbacks:
            callback()
    return durable

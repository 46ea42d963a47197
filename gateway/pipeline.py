"""Moves frames: from the sources to the bank, from there verdicts to the alarms and frames to the store. Nothing else.

    source --put--> intake (bounded) --> bank.step --> alarms.apply
                                    \\-> store.append --fdatasync--> on_durable (a broker's PUBACK)

Stored beside what was received: what the bank made of it (derived signals), for trends and databases.

Frames that arrive within `step_interval_s` of the last step are taken together: detection costs nearly the same for one
row as for a thousand, so a busy gateway works in larger steps instead of falling behind, and an idle one steps at once.

Nothing that a frame holds and nothing that fails behind this loop ends it: see `failures`, `refused_samples`.
"""

from __future__ import annotations

import asyncio
import logging
import struct
from collections.abc import Callable, Collection
from pathlib import Path

import numpy as np

from alerting.fence import fenced
from gateway.core.bank import Bank
from gateway.core.learning import LearningAct
from gateway.core.snapshot import SnapshotError
from gateway.data_folder import TELEMETRY
from gateway.model.alarm import DRILL_PREFIX
from gateway.model.clock import NS, Clock, Instant
from gateway.model.errors import StoreError
from gateway.model.frame import Frame
from gateway.model.site import Site
from gateway.model.text import Text
from gateway.model.verdict import Verdicts
from gateway.store import TelemetryStore, kept

log = logging.getLogger(__name__)

SNAPSHOT = "bank"
REPLAY_SAMPLES = 1_000_000  # so much of the newest data is evaluated where there is no snapshot to start from
OUTAGE_NS = 2 * NS  # a longer gap between stored frames may be an outage of the gateway itself
STALL_NS = 3 * NS  # the loop steps at least once a second
FORGIVE_EVERY_NS = 60 * NS  # a gateway that stands still more often than this must not call silence its own fault
TELL_AGAIN_NS = NS
_POSITION = struct.Struct("<q")


class Pipeline:
    """The intake of every source, and the loop behind it.

    act      takes the verdicts (the alarm service); it must not wait
    capacity samples that may wait; `put` waits (back-pressure) while that many are waiting
    """

    def __init__(self, bank: Bank, store: TelemetryStore, act: Callable[[Verdicts], None], clock: Clock, *,
                 capacity: int = 200_000, step_interval_s: float = 0.002):
        self._bank, self._store, self._act, self._clock = bank, store, act, clock
        self._signals = len(bank.latest.value)
        self._capacity, self._interval = capacity, step_interval_s
        self._waiting: list[tuple[Frame, Callable[[], None] | None]] = []
        self._work, self._room = asyncio.Event(), asyncio.Event()
        self._hasten = False  # a source waits for the disk
        self._room.set()
        self._tell_again_ns: int | None = None  # line time at which verdicts that were not taken are offered again
        self._forgiven_ns = -FORGIVE_EVERY_NS
        self.fill = 0  # samples waiting
        self.samples = 0  # samples evaluated since start
        self.steps = 0
        self.refused_samples = 0  # of frames that are broken: a fault of ours in a source
        self.failures = 0  # the bank or the alarms raised
        self.stalls = 0  # our own loop stood still
        self.last_step_line_ns = 0  # progress, for the watchdog
        self.on_step: list[Callable[[], None]] = []  # called after each step; they must not wait

    async def put(self, frame: Frame, on_durable: Callable[[], None] | None = None) -> None:
        if not self._sound(frame):
            self.refused_samples += len(frame)
            log.error("a source has put a broken frame; %d samples refused so far", self.refused_samples)
            return
        while self.fill >= self._capacity:
            self._room.clear()
            await self._room.wait()
        self.fill += len(frame)
        self._waiting.append((frame, on_durable))
        self._work.set()

    def hasten(self) -> None:
        self._hasten = True
        self._work.set()

    def replay(self, standing: Callable[[], Collection[str]] = tuple) -> int:
        """Bring bank and alarms to where they were: the bank's snapshot, then every stored frame after it, then what
        one of the two knows and the other lost. `standing`: ids of the alarms whose condition stands for the alarm
        service. Returns the number of samples evaluated."""
        blank = self._bank.snapshot()
        data, after = self._store.load(SNAPSHOT), max(0, self._store.position - REPLAY_SAMPLES)
        if data is not None:
            try:
                self._bank.restore(data[_POSITION.size:])
                (after,) = _POSITION.unpack_from(data)
            except SnapshotError as error:
                log.warning("%s; the newest stored data is evaluated without it", error)
        samples, newest_ns = 0, int(self._bank.latest.line_ns.max(initial=0))
        for _, frame in self._store.frames(after):
            first_ns = int(frame.line_ns.min())
            if first_ns - newest_ns > OUTAGE_NS:  # it was not the signals that were silent
                self._bank.begin(Instant(first_ns, int(frame.wall_ns[0])))
            newest_ns = int(frame.line_ns.max())
            self._evaluate(frame)
            samples += len(frame)
        now = self._clock.now()
        self._bank.begin(now)
        self._tell(self._bank.standing())
        stands = {alarm for alarm in standing() if not alarm.startswith(("gateway/", DRILL_PREFIX))}
        if forgotten := self._bank.active - stands:
            # The alarm file has seen their end and the bank has not: its snapshot is old (the disk took alarms but no
            # data). A bank that goes on believing them active would stay silent when they begin again.
            log.warning("detection starts empty: its saved state is older than the alarm file (%s)", min(forgotten))
            self._bank.restore(blank)
            self._bank.begin(now)
        self._bank.adopt(stands)
        self.last_step_line_ns = now.line_ns
        self.snapshot()  # or a second crash would evaluate frames across the outage, and find it full of silence
        return samples

    def snapshot(self, on_saved: Callable[[], None] | None = None) -> None:
        """Save the bank's state with the store position it belongs to. on_saved: called when it is on disk."""
        self._store.save(SNAPSHOT, _POSITION.pack(self._store.position) + self._bank.snapshot(), on_saved)

    def teach(self, act: LearningAct, signal: int, on_saved: Callable[[], None]) -> None:
        """A person's hand on what was learnt, between two steps. The snapshot is the truth of it: a frozen baseline and
        the word that it is frozen are never apart."""
        self._bank.learning.act(act, np.array([signal]), self._clock.now().line_ns)
        self.snapshot(on_saved)

    def close(self) -> None:
        """Evaluate and store what was accepted, save the state."""
        self.step()
        self.snapshot()

    async def run(self) -> None:
        """Step until cancelled. Wakes for work and for the bank's next deadline (a deadman, an on-delay)."""
        while True:
            await self._work_or_deadline()
            self.step()
            await asyncio.sleep(self._interval)

    def step(self) -> None:
        """Everything that waits, as one frame through the bank and into the store; or the passing of time alone."""
        now = self._clock.now()
        if now.line_ns - self.last_step_line_ns > STALL_NS and self.last_step_line_ns:
            self._stood_still(now)
        waiting, self._waiting = self._waiting, []
        self._work.clear()
        if waiting:
            frame = Frame.concat([frame for frame, _ in waiting])
            self.fill -= len(frame)
            self._room.set()
            alarmed = self._evaluate(frame)
            made = self._bank.made
            callbacks = [callback for _, callback in waiting if callback is not None]
            self._store.append(Frame.concat([frame, made]) if len(made) else frame,
                               _each(callbacks) if callbacks else None, urgent=alarmed)
            self.samples += len(frame)
        if self._hasten:
            self._hasten = False
            self._store.hasten()
        self._evaluate(None)
        if self._tell_again_ns is not None and now.line_ns >= self._tell_again_ns:
            self._tell_again_ns = None
            self._tell(self._bank.standing())
        for look in self.on_step:
            fenced(look, lambda: None, "who looks at every step")
        self.steps += 1
        self.last_step_line_ns = self._clock.now().line_ns

    def _sound(self, frame: Frame) -> bool:
        """One broken frame would take along all that is evaluated with it."""
        signal = frame.signal
        shape = signal.shape
        return (signal.dtype == np.int32 and frame.value.shape == shape == frame.quality.shape
                and frame.wall_ns.shape == shape == frame.line_ns.shape
                and (not signal.size or signal.view(np.uint32).max() < self._signals))  # a negative one reads as large

    def _evaluate(self, frame: Frame | None) -> bool:
        """A frame (None: the passing of time) through the bank, its verdicts to the alarms. True when there were any.
        The last line of defence: the loop goes on whatever is raised here; `failures` becomes the alarm
        `gateway/detection`."""
        try:
            verdicts = self._bank.tick(self._clock.now()) if frame is None else self._bank.step(frame)
        except Exception:
            self._failed("detection")
            return False
        self._tell(verdicts)
        return bool(verdicts)

    def _tell(self, verdicts: Verdicts) -> None:
        try:
            self._act(verdicts)
        except Exception:
            self._failed("the alarm service")
            self._tell_again_ns = self._clock.now().line_ns + TELL_AGAIN_NS

    def _failed(self, what: str) -> None:
        self.failures += 1
        if self.failures & (self.failures - 1) == 0:  # 1, 2, 4, 8 ...
            log.exception("%s failed (%d times so far), the loop goes on", what, self.failures)

    def _stood_still(self, now: Instant) -> None:
        """The whole process did not run for a while (a disk that stalls it, a machine that was paused): samples that
        came meanwhile wait in the sockets, and nobody is silent because we did not listen."""
        self.stalls += 1
        log.warning("the gateway stood still for %.1f s", (now.line_ns - self.last_step_line_ns) / NS)
        if now.line_ns - self._forgiven_ns > FORGIVE_EVERY_NS:
            self._forgiven_ns = now.line_ns
            self._bank.stood_still(now)

    async def _work_or_deadline(self) -> None:
        deadline = self._bank.next_deadline_ns
        wait_s = 1.0 if deadline is None else min(1.0, (deadline - self._clock.now().line_ns) / NS)
        if wait_s > 0 and not self._work.is_set():
            try:
                async with asyncio.timeout(wait_s):
                    await self._work.wait()
            except TimeoutError:
                pass


def saved_bank(site: Site, folder: Path) -> tuple[Bank, Instant]:
    """The bank as it was saved last in a data folder, and when: for looking at, also while a gateway runs. StoreError
    when there is none or it can not be read."""
    found = kept(folder / TELEMETRY, SNAPSHOT)
    if found is None:
        raise StoreError(Text("no detector state is saved here", "此处没有已保存的检测状态"), where=str(folder),
                         fix=Text("give the data folder of a gateway that has run", "请指定运行过的网关的数据目录"))
    bank = Bank(site)
    bank.restore(found.data[_POSITION.size:])
    return bank, found.at


def _each(callbacks: list[Callable[[], None]]) -> Callable[[], None]:
    def durable() -> None:
        for callback in callbacks:
            callback()
    return durable

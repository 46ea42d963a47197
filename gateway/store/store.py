"""TelemetryStore: append on the event loop, one writer thread, readers with durable cursors, history.

    append --> WriteQueue --> writer thread: gather for commit_interval_s, encode, write, fdatasync --> on_durable
                                             retention, cursors, snapshots                           --> readers
    every hour, beside it: what is kept for a shorter time than the rest is taken off the disk (gateway.store.erasure)

Nothing here ever blocks the event loop on the disk or raises for a fault of the disk: `stats().failing` says what is
wrong, the writer tries again, and detection goes on.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gateway.model.clock import NS, Clock, Correction, Instant
from gateway.model.correction import corrected
from gateway.model.errors import StoreInUse
from gateway.model.frame import Frame
from gateway.model.signal import SignalTable
from gateway.model.text import Text
from gateway.store.block import Block
from gateway.store.corrections import MOST, NAME, encode, kept_corrections
from gateway.store.disk import SILENT, Disk, explain
from gateway.store.erasure import GONE, Erasing, leftovers
from gateway.store.history import History, Trend
from gateway.store.journal import Journal, StoreSettings
from gateway.store.keeping import Keeping
from gateway.store.queue import Entry, WriteQueue
from gateway.store.reader import StoreReader, slice_blocks
from gateway.store.segment import Segment, blocks

_log = logging.getLogger(__name__)

_BLOCK_SAMPLES = 16_384  # frames of one commit are joined up to this size: bounds the memory and time of one encoding
_SILENT_S = 10  # a commit that takes longer is a disk that does not answer
_CLOSE_S = 10  # longest wait for the last commit
_ERASE_EVERY_S, _ERASE_REST_S = 3600, 0.02
_SEGMENT_SHARE = 0.1  # of the shortest time for which anything is kept: a segment spans no more


@dataclass(frozen=True, slots=True)
class StoreStats:
    """Counters start at 0 with the process.

    evicted_samples  deleted by retention before a reader was done with them, summed over the open readers
    dropped_samples  never written: memory was full because the disk was too slow or failing
    damaged          places on disk that could not be read back
    """

    position: int
    durable_position: int
    queued_samples: int
    queue_fill: float  # 0 to 1
    dropped_samples: int
    evicted_samples: int
    written_bytes: int
    syncs: int
    segments: int
    size_bytes: int
    oldest_wall_ns: int  # 0: nothing stored
    newest_wall_ns: int
    truncated_bytes: int
    damaged: int
    failing: Text | None
    lag_samples: dict[str, int] = field(default_factory=dict)  # by reader


@dataclass(frozen=True, slots=True, eq=False)
class _Snapshot:
    """Waiting to be saved; `position`: all that had been appended when it was taken. on_saved: who waits for it."""

    data: bytes
    position: int
    on_saved: tuple[Callable[[], None], ...] = ()


class TelemetryStore:
    """`open` and everything else but `history`, `frames` and `load` belong on the event loop."""

    def __init__(self, folder: Path, signals: SignalTable, settings: StoreSettings, clock: Clock,
                 disk: Disk | None = None):
        self._folder = folder
        self._settings = settings
        self._clock = clock
        self._signals = signals
        self._disk = disk or Disk()
        self._keeping = Keeping.of(signals)
        if (shortest := self._keeping.shortest_ns) is not None:
            settings = replace(settings, segment_age_s=shortest / NS * _SEGMENT_SHARE)
        self._journal = Journal(folder, signals.ids, settings, clock, self._disk, self._tell_evicted)
        self._queue = WriteQueue(settings.queue_size)
        self._durable = 0
        self._recent: deque[Block] = deque()  # newest durable blocks, for live readers and history
        self._recent_samples = 0
        self._recent_start = 0
        self._recent_lock = threading.Lock()
        self._readers: dict[str, StoreReader] = {}
        self.corrections = kept_corrections(folder)
        self._held_from: int | None = None  # position from which readers wait for the time
        self._unsure_from: int | None = None  # position from which wall times may still become known
        self._cursors_moved = False
        self._cursors_due = 0.0
        self._saves: dict[str, _Snapshot] = {}
        self._saves_lock = threading.Lock()
        self._failing: Text | None = None
        self._commit_began: int | None = None  # line time
        self._closing = threading.Event()  # ends all pauses
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._reading: ThreadPoolExecutor | None = None
        self._eraser = threading.Thread(target=self._erase_forever, name="store-eraser", daemon=True)
        self._erased: deque[Erasing] = deque()  # wait to take the place of the old

    # -- life -------------------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Lock and recover. Raises StoreInUse; a disk that can not be written is not an error but `stats().failing`."""
        try:
            self._journal.open()
        except OSError as error:
            self._fail(explain(error, self._folder))
        self._queue.position = self._durable = self._recent_start = self._journal.position
        self._loop = asyncio.get_running_loop()
        self._reading = ThreadPoolExecutor(1, "store-reader")
        self._thread = threading.Thread(target=self._write_forever, name="store-writer", daemon=True)
        self._thread.start()
        if self._keeping.by_id:
            self._eraser.start()

    async def close(self) -> None:
        """Make durable what is queued (one attempt), save the cursors, release the folder."""
        if self._thread is None:
            return
        self._queue.close()
        self._closing.set()
        await asyncio.to_thread(self._thread.join, _CLOSE_S)
        if self._thread.is_alive():
            _log.error("%s: the disk does not answer; %d samples are not stored", self._folder, self._queue.samples)
        if self._eraser.is_alive():
            await asyncio.to_thread(self._eraser.join, _CLOSE_S)
        self._reading.shutdown(wait=False)
        self._thread = None
        await asyncio.sleep(0)  # lets the last on_durable callbacks run

    # -- in ---------------------------------------------------------------------------------------------------------

    def append(self, frame: Frame, on_durable: Callable[[], None] | None = None, urgent: bool = False) -> int:
        """Queue a frame and return the position after it. `on_durable` is called on the event loop, in order, once the
        frame would survive a power cut; never for a frame that was dropped. urgent: it does not wait for others."""
        return self._queue.append(frame, on_durable, urgent)

    def hasten(self) -> None:
        """What was appended does not wait for others any longer: somebody waits for it."""
        self._queue.nudge(urgent=True)

    @property
    def position(self) -> int:
        return self._queue.position

    @property
    def durable_position(self) -> int:
        return self._durable

    @property
    def oldest_position(self) -> int:
        """Everything before it has been deleted."""
        segments = self._journal.segments
        return segments[0].base if segments else self._durable

    # -- out --------------------------------------------------------------------------------------------------------

    def reader(self, name: str, backfill_per_s: float | None = None) -> StoreReader:
        """The one reader of that name. A new one begins with the oldest data there is.

        backfill_per_s  samples per second of old data while it catches up; None: as fast as it takes them
        """
        if name not in self._readers:
            self._readers[name] = StoreReader(
                self, name, self._journal.load(_cursor(name)), self.oldest_position, backfill_per_s,
                self._settings.live_age_s, self._clock)
        return self._readers[name]

    def frames(self, after: int = 0) -> Iterator[tuple[int, Frame]]:
        """Every durable frame with samples beyond position `after`, as it was appended, with the position after it.

        Numbers are those of today's signal table; signals that are no longer in it are left out.
        """
        for segment, until in self._journal.parts(after, self._journal.position):
            numbers = self._numbers(segment)
            for block in blocks(segment, after, until, self._journal.complain):
                for position, frame in block.frames(after):
                    if len(known := renumbered(frame, numbers)):
                        yield position, self.readable(known)

    def history(self, signals: Sequence[int], start_wall_ns: int, end_wall_ns: int, max_points: int = 500) -> Trend:
        """Lowest, highest and mean value per signal in at most `max_points` equal steps of time; see Trend.

        Reads the disk: call it off the event loop (`asyncio.to_thread`). Safe from any thread.
        """
        history = History(signals, start_wall_ns, end_wall_ns, max_points, len(self._signals))
        with self._recent_lock:
            recent, stop = tuple(self._recent), self._recent_start
        for segment, until in self._journal.parts(0, stop):
            dated = not moved(segment, self.corrections)
            if not dated or history.overlaps(segment.wall_low, segment.wall_high):
                numbers = self._numbers(segment)
                for block in blocks(segment, 0, until, self._journal.complain,
                                    *history.choice(_old_numbers(history.signals, numbers), dated)):
                    history.add(self.readable(renumbered(block.frame, numbers)))
        for block in recent:
            history.add(self.readable(block.frame))
        return history.trend()

    # -- time that arrives late -------------------------------------------------------------------------------------

    def hold_back(self, since_line_ns: int) -> None:
        """Readers wait with what came at this line time and later, until `correct` or `release`: its wall time is not
        known yet."""
        self._held_from = self._unsure_from = self.position_at(since_line_ns)

    def position_at(self, line_ns: int) -> int:
        """All that came at this line time and later lies behind this position; some of what came before, too."""
        since = (segment.base for segment in self._journal.segments if segment.newest.line_ns >= line_ns)
        return next(since, self._queue.position)

    @property
    def sure_position(self) -> int:
        """All that is durable, less that of which the wall time may still become known."""
        return self._durable if self._unsure_from is None else min(self._durable, self._unsure_from)

    def give_up(self) -> None:
        """The time has not come for so long that nothing waits for it any more."""
        self._unsure_from = None

    @property
    def unsure(self) -> bool:
        return self._unsure_from is not None

    @property
    def holds_back(self) -> bool:
        return self._held_from is not None

    def release(self) -> None:
        """Readers get what there is, with the times that it has."""
        self._held_from = None
        for reader in self._readers.values():
            reader.wake()

    def correct(self, corrections: Sequence[Correction]) -> None:
        """From now on everything is read with these corrections, too, and nothing is held back. What readers have got
        before they get again."""
        self.corrections = (*self.corrections, *corrections)[-MOST:]
        self.save(NAME, encode(self.corrections))
        for reader in self._readers.values():
            reader.correct()
        self.give_up()
        self.release()

    def readable(self, frame: Frame) -> Frame:
        """As whoever reads may have it: with corrected times, without what is not kept any longer."""
        return corrected(self.corrections, self._keeping.shown(frame, self._clock.now().line_ns))

    # -- for the readers --------------------------------------------------------------------------------------------

    @property
    def readable_position(self) -> int:
        """What readers may have: all that is durable, less what is held back."""
        return self._durable if self._held_from is None else min(self._durable, self._held_from)

    @property
    def recent_start(self) -> int:
        """Everything durable from here on is in memory."""
        return self._recent_start

    def recent(self, position: int) -> list[Block]:
        """The blocks in memory that hold samples beyond `position`, oldest first."""
        found: list[Block] = []
        for block in reversed(self._recent):
            if block.end <= position:
                break
            found.append(block)
        return found[::-1]

    async def read(self, start: int, stop: int, max_samples: int) -> tuple[Frame, int]:
        """Samples on disk from position `start` to before `stop`, and the position after them."""
        return await asyncio.get_running_loop().run_in_executor(self._reading, self._read, start, stop, max_samples)

    def _read(self, start: int, stop: int, max_samples: int) -> tuple[Frame, int]:
        parts, position = [], start
        for segment, until in self._journal.parts(start, stop):
            numbers = self._numbers(segment)
            for block in blocks(segment, start, until, self._journal.complain):
                part, position = slice_blocks([block], start, until, max_samples)
                max_samples -= len(part)
                parts.append(self.readable(renumbered(part, numbers)))
                if max_samples == 0:
                    return Frame.concat(parts), position
        return (Frame.concat(parts) if parts else Frame.empty()), stop

    def cursor_moved(self) -> None:
        if not self._cursors_moved:
            self._cursors_moved = True
            self._queue.nudge()

    def _numbers(self, segment: Segment) -> NDArray[np.int32] | None:
        return numbers(segment.ids, self._signals)

    # -- what is kept for a shorter time ----------------------------------------------------------------------------

    def erase(self) -> int:
        """Take off the disk what is not kept any longer; how many segments were written anew. Slow on purpose: not on
        the event loop. OSError: the disk."""
        for path in leftovers(self._journal.folder / "telemetry"):
            self._disk.remove(path)
        count = 0
        for old in self._journal.segments[:-1]:  # the last one may still grow
            if gone := self._keeping.over(old.ids, old.newest.line_ns, self._clock.now().line_ns):
                count += self._erase(old, gone)
        return count

    def _erase(self, old: Segment, gone: frozenset[int]) -> bool:
        one = Erasing(self._disk, old, gone, self._clock, self._journal.complain)
        try:
            while one.step():
                if self._closing.wait(_ERASE_REST_S):
                    one.abandon()
                    return False
        except OSError:
            one.abandon()
            raise
        self._erased.append(one)
        self._queue.nudge(urgent=True)
        while not one.in_place.wait(_ERASE_REST_S):
            if self._closing.is_set():
                return False
        return True

    def _erase_forever(self) -> None:
        while True:
            try:
                self.erase()
            except OSError as error:
                _log.warning("%s: what is not kept any longer can not be erased yet: %s", self._folder, error)
            if self._closing.wait(_ERASE_EVERY_S):
                return

    # -- small things -----------------------------------------------------------------------------------------------

    def save(self, name: str, data: bytes, on_saved: Callable[[], None] | None = None) -> None:
        """Keep `data` under `name`, replacing what was there. Written soon, after the frames appended before it, whole
        or not at all; a newer save of the same name supersedes one that was not yet written. `on_saved` is called on
        the event loop when this, or what superseded it, is on the medium."""
        with self._saves_lock:
            older = self._saves.get(name)
            waiting = (() if older is None else older.on_saved) + (() if on_saved is None else (on_saved,))
            self._saves[name] = _Snapshot(data, self._queue.position, waiting)
        self._queue.nudge(urgent=on_saved is not None)

    def load(self, name: str) -> bytes | None:
        """What was saved last, or None."""
        with self._saves_lock:
            waiting = self._saves.get(name)
        return self._journal.load(name) if waiting is None else waiting.data

    def stats(self) -> StoreStats:
        queue, journal, counts = self._queue, self._journal, self._journal.counts
        segments = journal.segments
        kept = [segment for segment in segments if segment.samples]
        readers = self._readers
        return StoreStats(
            position=queue.position,
            durable_position=self._durable,
            queued_samples=queue.samples,
            queue_fill=queue.fill,
            dropped_samples=queue.dropped_samples,
            evicted_samples=sum(reader.evicted_samples for reader in readers.values()),
            written_bytes=counts.written_bytes,
            syncs=counts.syncs,
            segments=len(segments),
            size_bytes=journal.size,
            oldest_wall_ns=min((segment.wall_low for segment in kept), default=0),
            newest_wall_ns=max((segment.wall_high for segment in kept), default=0),
            truncated_bytes=counts.truncated_bytes,
            damaged=len(counts.damage),
            failing=self._failing or self._silence(),
            lag_samples={name: reader.lag_samples for name, reader in readers.items()})

    # -- the writer thread ------------------------------------------------------------------------------------------

    def _write_forever(self) -> None:
        settings, queue, failed = self._settings, self._queue, False
        while True:
            # what could not be written is tried again without waiting for more to come
            queue.wait(0 if failed else settings.cursor_interval_s if self._cursors_moved else None)
            queue.gather(settings.commit_interval_s)
            last = queue.closed  # read before the work: what came before `close` is still done
            self._commit_began = self._clock.now().line_ns
            try:
                snapshots = self._due()  # taken before the frames: what a snapshot has seen is durable before it is
                if self._commit() | self._save(snapshots) | self._exchange():
                    self._failing = None
                failed = False
            except (OSError, StoreInUse) as error:
                failed = True
                self._fail(explain(error, self._folder) if isinstance(error, OSError)
                           else Text(error.message("en"), error.message("zh")))
            except Exception:  # the last line of defence: one frame that can not be encoded must not end all storing
                failed = True
                queue.discard()
                self._fail(_DEFECT)
                _log.exception("storing failed; %d samples dropped so far", queue.dropped_samples)
            finally:
                self._commit_began = None
            if last and (failed or queue.empty):
                break
            if failed:
                self._closing.wait(settings.retry_s)
        self._journal.close()

    def _commit(self) -> bool:
        """Write what waits. True when something was written."""
        if self._queue.empty:
            return False
        if not self._journal.opened:
            self._journal.open()
            self._queue.rebase(self._journal.position)
        entries = self._queue.take()
        joined = _join(entries, self._clock.now())
        try:
            if joined:
                self._journal.commit(joined)
        except OSError:
            self._queue.give_back()
            raise
        self._queue.written()
        self._tell(self._committed, joined, [entry.on_durable for entry in entries if entry.on_durable is not None])
        return bool(joined)

    def _due(self) -> dict[str, _Snapshot]:
        with self._saves_lock:
            return dict(self._saves)

    def _save(self, snapshots: dict[str, _Snapshot]) -> bool:
        """Snapshots at once, cursors when they are due. True when something was written."""
        if snapshots and not self._journal.opened:
            self._journal.open()
        for name, snapshot in snapshots.items():
            self._journal.save(name, snapshot.data, snapshot.position)
            with self._saves_lock:
                newest = self._saves[name] is snapshot
                if newest:  # else there is a newer one already
                    del self._saves[name]
            for callback in snapshot.on_saved if newest else ():
                self._tell(callback)
        return self._save_cursors() or bool(snapshots)

    def _exchange(self) -> bool:
        """Segments without what is not kept any longer take the place of the old ones."""
        worked = bool(self._erased)
        while self._erased:
            self._journal.exchange(self._erased[0].old, self._erased[0].done)
            self._erased.popleft().in_place.set()
        return worked

    def _save_cursors(self) -> bool:
        now = time.monotonic()
        if not self._cursors_moved or (now < self._cursors_due and not self._queue.closed):
            return False
        self._cursors_moved = False
        try:
            for reader in tuple(self._readers.values()):
                self._journal.save(_cursor(reader.name), reader.cursor(), self._journal.position)
        except OSError:
            self._cursors_moved = True
            raise
        self._cursors_due = now + self._settings.cursor_interval_s
        return True

    def _tell(self, what: Callable[..., None], *about: object) -> None:
        """Call back on the event loop; nobody is told any more when that is gone."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(what, *about)

    def _tell_evicted(self, end: int) -> None:
        if self._loop is not None:
            self._tell(self._on_evicted, end)

    def _fail(self, reason: Text) -> None:
        if reason != self._failing:
            _log.error("%s", reason)
        self._failing = reason

    def _silence(self) -> Text | None:
        began = self._commit_began
        seconds = 0 if began is None else (self._clock.now().line_ns - began) // NS
        return SILENT.format(folder=self._folder, seconds=seconds) if seconds >= _SILENT_S else None

    # -- back on the event loop -------------------------------------------------------------------------------------

    def _committed(self, joined: list[Block], callbacks: list[Callable[[], None]]) -> None:
        with self._recent_lock:
            for block in joined:
                self._durable = block.end
                self._recent.append(block)
                self._recent_samples += len(block.frame)
            while self._recent_samples > self._settings.recent_samples and len(self._recent) > 1:
                oldest = self._recent.popleft()
                self._recent_samples -= len(oldest.frame)
                self._recent_start = oldest.end
        for callback in callbacks:
            self._loop.call_soon(callback)  # in order, and an exception in one does not keep the others from running
        for reader in self._readers.values():
            reader.wake()

    def _on_evicted(self, oldest: int) -> None:
        for reader in self._readers.values():
            reader.evict(oldest)


_DEFECT = Text("measured data could not be encoded and was dropped. Fix: restart the gateway and report the log",
               "测量数据编码失败，已被丢弃。处理：重启网关并上报日志")


def _cursor(reader: str) -> str:
    return f"cursor-{reader}"


def _join(entries: Sequence[Entry], at: Instant) -> list[Block]:
    """Frames in as few blocks as their size and gaps between them allow. Empty frames need no place on disk."""
    groups: list[list[Entry]] = []
    room, end = 0, -1
    for entry in entries:
        if not len(entry.frame):
            continue
        if entry.start != end or len(entry.frame) > room:
            groups.append([])
            room = _BLOCK_SAMPLES
        groups[-1].append(entry)
        room -= len(entry.frame)
        end = entry.end
    return [Block.of(group[0].start, [entry.frame for entry in group], at) for group in groups]


def numbers(ids: tuple[str, ...], signals: SignalTable) -> NDArray[np.int32] | None:
    """Today's number for each number in a segment, -1 for a signal that is gone; None: nothing has changed."""
    if ids == signals.ids:
        return None
    return np.array([signals.index(one) if one in signals else -1 for one in ids], np.int32)


def renumbered(frame: Frame, numbers: NDArray[np.int32] | None) -> Frame:
    """The frame in today's numbers, without the signals that are gone."""
    if numbers is None:
        return frame if not len(frame) or frame.signal.min() > GONE else frame.take(frame.signal > GONE)
    signal = np.append(numbers, np.int32(GONE))[frame.signal]  # GONE, -1, is the last one
    moved = Frame.from_columns(signal, frame.value, frame.quality, frame.wall_ns, frame.line_ns)
    return moved if (signal >= 0).all() else moved.take(signal >= 0)


def moved(segment: Segment, corrections: Sequence[Correction]) -> bool:
    """Whether the wall times that the segment states of itself may be wrong by a correction."""
    return any(one.covers(segment.oldest.line_ns, segment.newest.line_ns) for one in corrections)


def _old_numbers(signals: NDArray[np.int32], numbers: NDArray[np.int32] | None) -> NDArray[np.int32]:
    """The numbers by which a segment knows these signals."""
    return signals if numbers is None else np.flatnonzero(np.isin(numbers, signals))

"""The disk side of the store: segments, retention, recovery. Synchronous, used by one thread at a time.

`commit` returns when its blocks are durable, or raises OSError with nothing acknowledged; every fault of the disk is
met in the same way: the segment is abandoned at its durable end and the next commit begins a new one. A failed sync in
particular can not be repeated on the same file: the kernel may have dropped the pages and would report success.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from gateway.model.clock import NS, Clock, Instant
from gateway.model.errors import StoreInUse
from gateway.model.text import Text
from gateway.store import block as codec
from gateway.store import saved, segment
from gateway.store.block import Block, Damaged
from gateway.store.disk import NO_SPACE, Disk
from gateway.store.segment import Segment, SegmentWriter

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """commit_interval_s   longest wait of a frame before it is synced; one sync serves all that came meanwhile. What
                         somebody waits for (a broker, a person) or what began an alarm does not wait so long:
                         see WriteQueue
    max_size, max_age_s  bytes on disk and age (by the time line) beyond which whole oldest segments are deleted; None:
                         no limit
    keep_free            bytes of the disk left for others, above all the alarm file: telemetry gives way first
    segment_size         bytes after which a new segment begins (smaller where max_size asks for it)
    segment_age_s        and the time after which one does, so that nothing in it is much older than the rest. None: any
    queue_size           bytes of memory for what is not durable yet; when full the oldest is dropped and counted
    recent_samples       newest durable samples kept in memory for live readers and the page
    live_age_s           a reader that is further behind than this goes on with new data and back-fills the rest
    cursor_interval_s    how often moved cursors are saved; after a crash at most this much is sent again
    retry_s              pause after a failed commit
    """

    commit_interval_s: float = 0.05
    max_size: int | None = 2 * 10**9
    max_age_s: float | None = None
    keep_free: int = 64 * 2**20
    segment_size: int = 16 * 2**20
    segment_age_s: float | None = None
    queue_size: int = 16 * 2**20
    recent_samples: int = 200_000
    live_age_s: float = 60.0
    cursor_interval_s: float = 60.0
    retry_s: float = 1.0


@dataclass(slots=True)
class Counts:
    """Since the process started."""

    written_bytes: int = 0
    syncs: int = 0
    truncated_bytes: int = 0  # torn ends cut off at start
    damage: dict[tuple[Path, int], str] = field(default_factory=dict)  # where data could not be read back


class Journal:
    """folder/telemetry: segments. folder/saved: snapshots and cursors. folder/lock: who has it open."""

    def __init__(self, folder: Path, ids: Sequence[str], settings: StoreSettings, clock: Clock, disk: Disk,
                 evicted: Callable[[int], None] = lambda end: None):
        """`evicted` is told the position below which everything has just been deleted."""
        self.folder = folder
        self.counts = Counts()
        self.segments: tuple[Segment, ...] = ()  # oldest first, the growing one last; replaced, never changed
        self.position = 0  # after the newest durable sample
        self._ids = tuple(ids)
        self._tables = {self._ids: self._ids}  # segments of one table share it
        self._settings = settings
        self._clock = clock
        self._disk = disk
        self._evicted = evicted
        self._telemetry = folder / "telemetry"
        self._saved = folder / "saved"
        self._lock: int | None = None
        self._writer: SegmentWriter | None = None
        room = settings.max_size if settings.max_size is not None else settings.segment_size * 16
        self._segment_size = max(1 << 16, min(settings.segment_size, room // 16))

    # -- opening ----------------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Lock, read what is there, cut torn ends off. StoreInUse when another process has the folder.

        OSError when the folder can not be written; what is there can then be read all the same, and `open` may be
        called again.
        """
        trouble: OSError | None = None
        try:
            self._disk.make_folder(self._telemetry)
            self._disk.make_folder(self._saved)
            self._take_lock()
        except OSError as error:
            trouble = error
        found = [self._load(path, trouble is None) for path in segment.paths(self._telemetry)]
        self.segments = tuple(one for one in found if one is not None)
        self.position = max((self.position, *(one.end for one in self.segments),
                             *(kept.position for kept in saved.read_all(self._saved))))
        if trouble is not None:
            raise trouble
        self._retain()

    @property
    def opened(self) -> bool:
        return self._lock is not None

    def _take_lock(self) -> None:
        if self._lock is not None:
            return
        path = self.folder / "lock"
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(lock, 20).decode("ascii", "replace").strip() or "?"
            os.close(lock)
            raise StoreInUse(
                Text("another gateway (process {pid}) has this data folder open",
                     "该数据文件夹已被另一个网关（进程 {pid}）打开").format(pid=holder), where=str(self.folder),
                fix=Text("stop that one, or give this gateway a data folder of its own",
                         "请停止该进程，或为本网关指定单独的数据文件夹")) from None
        self._lock = lock
        with suppress(OSError):  # a full disk; the lock holds all the same
            os.ftruncate(lock, 0)
            os.write(lock, f"{os.getpid()}\n".encode())

    def _load(self, path: Path, writable: bool) -> Segment | None:
        try:
            found, sealed = segment.load(path)
        except Damaged as damage:
            return self._unreadable(path, str(damage), writable)
        except OSError as error:
            return self._unreadable(path, error.strerror or str(error), writable=False)
        found = replace(found, ids=self._tables.setdefault(found.ids, found.ids))
        if sealed or not writable:
            return found
        try:
            return self._repair(found)
        except OSError as error:
            _log.warning("%s can be read but not repaired: %s", path, error)
            return found

    def _repair(self, torn: Segment) -> Segment | None:
        if torn.end == torn.base:
            self._disk.remove(torn.path)
            whole = None
        else:
            whole = segment.repair(self._disk, torn)
        if lost := torn.size - torn.data_end:
            self.counts.truncated_bytes += lost
            _log.warning("%s: %d bytes were being written when the gateway ended and were cut off", torn.path, lost)
        return whole

    def _unreadable(self, path: Path, reason: str, writable: bool) -> Segment | None:
        """A head that never reached the disk is removed: nothing was acknowledged. Else the file stays as evidence."""
        try:
            if writable and codec.MAGIC not in path.read_bytes():
                self._disk.remove(path)
                return None
            size = path.stat().st_size
        except OSError:
            size = 0
        self.complain(path, 0, reason)
        base = int(path.stem)
        never = Instant(0, 0, False)  # its place on the time line is not known: size, not age, will remove it
        return Segment(path, base, base + 1, 0, (), 0, 0, size, 1, 0, never, never, ())

    # -- writing ----------------------------------------------------------------------------------------------------

    def commit(self, blocks: Sequence[Block]) -> None:
        """Append and sync. The oldest segments give way when the disk is full. OSError: nothing of this is durable."""
        self._leave_room()
        self._with_room(lambda: self._write(blocks))
        self.position = blocks[-1].end
        self._publish()
        if self._writer is not None and self._is_full(self._writer.segment):
            self._rotate()
        self._retain()

    def _is_full(self, growing: Segment) -> bool:
        age = self._settings.segment_age_s
        return growing.size >= self._segment_size or (
            age is not None and growing.newest.line_ns - growing.oldest.line_ns >= age * NS)

    def _with_room(self, write: Callable[[], None]) -> None:
        """Try until it works or there is nothing left to delete."""
        while True:
            try:
                return write()
            except OSError as error:
                self._abandon()
                if error.errno not in NO_SPACE or not self._evict_oldest():
                    raise

    def _write(self, blocks: Sequence[Block]) -> None:
        if self._writer is None:
            self._writer = SegmentWriter(self._disk, self._telemetry, blocks[0].position, self._ids, self._clock.now(),
                                         self._segment_size)
            self.counts.written_bytes += self._writer.segment.size
            self.counts.syncs += 2
        self.counts.written_bytes += self._writer.write(blocks)
        self.counts.syncs += 1

    def _closed(self) -> tuple[Segment, ...]:
        return self.segments[:-1] if self._growing() else self.segments

    def _growing(self) -> bool:
        return (self._writer is not None and bool(self.segments)
                and self.segments[-1].path == self._writer.segment.path)

    def _publish(self) -> None:
        if self._writer is not None and self._writer.segment.samples:
            self.segments = (*self._closed(), self._writer.segment)

    def _abandon(self) -> None:
        if self._writer is not None:
            self._writer.abandon()
            self._writer = None

    def _rotate(self) -> None:
        """What is in the segment is durable already: a fault here costs only its index."""
        if self._writer is None:
            return
        try:
            self._writer.seal()
            self.counts.syncs += 1
            self._publish()
        except OSError as error:
            _log.warning("segment not sealed, it will be scanned at the next start: %s", error)
            self._writer.abandon()
        self._writer = None

    # -- retention --------------------------------------------------------------------------------------------------

    @property
    def size(self) -> int:
        return sum(one.size for one in self.segments)

    def _retain(self) -> None:
        """Delete whole oldest segments beyond size and age. Age is judged on the time line: a clock that jumps ahead
        must not delete what was stored today."""
        limit, age = self._settings.max_size, self._settings.max_age_s
        oldest_ns = None if age is None else self._clock.now().line_ns - round(age * NS)
        while closed := self._closed():
            over = limit is not None and self.size > limit
            dated = next((one for one in closed if one.samples), None)  # an unreadable one goes with its neighbour
            old = oldest_ns is not None and dated is not None and dated.newest.line_ns < oldest_ns
            if not (over or old) or not self._evict_oldest(keep=0):
                return

    def _leave_room(self) -> None:
        """Telemetry gives way before the disk is full, so that the alarm file beside it can still be written."""
        while self._settings.keep_free and self._disk.free(self._telemetry) < self._settings.keep_free:
            if not self._evict_oldest():
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _evict_oldest(self, keep: int = 1) -> bool:
        """Delete the oldest closed segment; the newest `keep` of all stay."""
        if len(self._closed()) <= (keep if not self._growing() else 0):
            return False
        oldest, *rest = self.segments
        try:
            self._disk.remove(oldest.path)
        except OSError as error:
            _log.error("%s can not be deleted: %s", oldest.path, error)
            return False
        self.segments = tuple(rest)
        self._evicted(rest[0].base if rest else oldest.end)
        return True

    def exchange(self, old: Segment, new: Segment) -> None:
        """`new`, with the same positions, takes the place of `old`. OSError: it has not."""
        if all(one is not old for one in self.segments):  # retention was faster
            self._disk.remove(new.path)
            return
        self.counts.written_bytes += new.size
        self._disk.replace(new.path, old.path)
        self._disk.sync_folder(self._telemetry)
        new = replace(new, path=old.path, ids=self._tables.setdefault(new.ids, new.ids))
        self.segments = tuple(new if one is old else one for one in self.segments)

    # -- reading ----------------------------------------------------------------------------------------------------

    def parts(self, start: int, stop: int) -> Iterator[tuple[Segment, int]]:
        """See segment.parts. From any thread."""
        return segment.parts(self.segments, start, stop)

    def complain(self, path: Path, offset: int, what: str) -> None:
        """Data that can not be read back: reported once for each place."""
        if (path, offset) not in self.counts.damage:
            self.counts.damage[path, offset] = what
            _log.error("%s, offset %d: %s; skipped", path, offset, what)

    # -- small things -----------------------------------------------------------------------------------------------

    def save(self, name: str, data: bytes, position: int) -> None:
        """Durable on return, whole or not at all. OSError as in `commit`. No later sample gets a number below
        `position`."""
        kept = saved.Saved(data, position, self._clock.now())
        self._with_room(lambda: saved.write(self._disk, self._saved, name, kept))
        self.counts.written_bytes += len(data)
        self.counts.syncs += 2

    def load(self, name: str) -> bytes | None:
        kept = saved.read(self._saved, name)
        return None if kept is None else kept.data

    def close(self) -> None:
        self._rotate()
        if self._lock is not None:
            os.close(self._lock)  # releases the lock; the file stays, or two could lock two different files
            self._lock = None


def in_use(folder: Path) -> bool:
    """Does a gateway have this folder open?"""
    try:
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return False
    except BlockingIOError:
        return True
    finally:
        os.close(lock)


def last_instant(folder: Path) -> Instant | None:
    """The newest instant that the store in `folder` knows of, for `TimeLine.resume`; None when there is none."""
    return max(_instants(folder), key=lambda instant: instant.line_ns, default=None)


def _instants(folder: Path) -> Iterable[Instant]:
    for kept in saved.read_all(folder / "saved"):
        yield kept.at
    for path in reversed(segment.paths(folder / "telemetry")):
        try:
            found, _ = segment.load(path)
        except (Damaged, OSError):
            continue
        yield found.newest
        if found.samples:
            return


def kept(folder: Path, name: str) -> saved.Saved | None:
    """What a store in `folder` saved last under this name: for looking at, also while it is open elsewhere."""
    return saved.read(folder / "saved", name)

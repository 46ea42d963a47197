"""Segment files: blocks one after another, begun with the signal table they are numbered by, sealed with an index.

    telemetry/<position of the first sample, 20 digits>.seg
        head      format version, base position, instant, ids of all signals; CRC32
        block*    see gateway.store.block
        index     (sealed segments) one entry per stretch of about 64 KiB; CRC32
        seal      fixed size, at the very end: where the index is, what the segment holds; CRC32

Retention removes whole segments. The signal table in each makes old data readable after the site file has changed.
A segment without a seal was being written when the gateway ended: its blocks are scanned and the torn end is cut off.
"""

from __future__ import annotations

import json
import struct
import zlib
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from io import SEEK_END
from pathlib import Path
from typing import BinaryIO

import numpy as np

from gateway.model.clock import Instant
from gateway.store import block as codec
from gateway.store.block import Block, Damaged
from gateway.store.disk import Disk

VERSION = 1
SUFFIX = ".seg"
STRETCH = 1 << 16  # bytes of blocks under one index entry

_HEAD = struct.Struct("<8sIIIQqqB3x")  # magic, crc, version, length of the table, base, instant
_HEAD_MAGIC = b"DAVYSEG\n"
_SEAL = struct.Struct("<8sIIqqqqqqqB3x")  # magic, crc, length of index, data_end, end, samples, wall low, high, newest
_SEAL_MAGIC = b"DAVYEND\n"
_CRC_FROM = 12


@dataclass(frozen=True, slots=True)
class Stretch:
    """Where a run of blocks begins, and what it spans."""

    offset: int
    position: int
    wall_low: int
    wall_high: int


@dataclass(frozen=True, slots=True)
class Segment:
    """One file as far as it is known to be good. `ids` names the signals that its numbers mean.

    end        position after the last sample; equals base when there is none
    data_end   offset after the last good block
    size       bytes on disk
    oldest     the gateway's instant when it was begun
    newest     the gateway's instant of the last block
    index      stretches in order, of a growing segment; a sealed one has them in its file
    """

    path: Path
    base: int
    end: int
    samples: int
    ids: tuple[str, ...]
    data_start: int
    data_end: int
    size: int
    wall_low: int
    wall_high: int
    oldest: Instant
    newest: Instant
    index: tuple[Stretch, ...] | None


_NEVER = (np.iinfo(np.int64).max, np.iinfo(np.int64).min)  # wall_low, wall_high of nothing


def name(base: int) -> str:
    return f"{base:020d}{SUFFIX}"


def paths(folder: Path) -> list[Path]:
    """The segment files of a folder, oldest first. [] when there is no such folder."""
    return sorted(path for path in folder.glob("*" + SUFFIX) if path.stem.isdigit())


def _sealed(magic: bytes, body: bytes) -> bytes:
    return magic + zlib.crc32(body).to_bytes(4, "little") + body


def _intact(data: bytes, magic: bytes) -> bool:
    return data[:8] == magic and zlib.crc32(data[_CRC_FROM:]) == int.from_bytes(data[8:_CRC_FROM], "little")


class SegmentWriter:
    """Grows one segment, to about `room` bytes. After any OSError nothing may be written to it again: `abandon` it and
    begin another."""

    def __init__(self, disk: Disk, folder: Path, base: int, ids: Sequence[str], at: Instant, room: int = 0):
        self._disk = disk
        self._path = folder / name(base)
        table = zlib.compress(json.dumps(list(ids), ensure_ascii=False).encode(), 6)
        head = _HEAD.pack(_HEAD_MAGIC, 0, VERSION, len(table), base, at.line_ns, at.wall_ns, at.trusted)
        head = _sealed(_HEAD_MAGIC, head[_CRC_FROM:] + table)
        self.segment = Segment(self._path, base, base, 0, tuple(ids), len(head), len(head), len(head), *_NEVER,
                               at, at, ())
        self._file = disk.create(self._path)
        try:
            disk.reserve(self._file, room)
            disk.write(self._file, head)
            disk.sync(self._file)
            disk.sync_folder(folder)
        except OSError:
            self.abandon()
            raise

    def write(self, blocks: Sequence[Block]) -> int:
        """Append and sync. Returns the bytes written; `segment` tells of them only once they are durable."""
        encoded = [codec.encode(block) for block in blocks]
        data = b"".join(encoded)
        self._disk.write(self._file, data)
        self._disk.sync(self._file)
        grown = self.segment
        for one in encoded:
            grown = _grown(grown, codec.read_head(memoryview(one), 0))
        self.segment = replace(grown, size=grown.data_end)
        return len(data)

    def seal(self) -> None:
        """Write index and seal and close; the segment is then never touched again."""
        seal(self._disk, self._file, self.segment)
        self._disk.truncate(self._file, self._path.stat().st_size)  # gives back what was reserved and not used
        self.segment = replace(self.segment, size=self._path.stat().st_size)
        self._disk.close(self._file)

    def abandon(self) -> None:
        """Close after a fault, leaving what is durable. A segment that holds nothing is removed if the disk lets us.

        What stands behind the durable part is void: the next segment begins at the same position and takes precedence.
        """
        with suppress(OSError):
            self._disk.truncate(self._file, self.segment.data_end)
        with suppress(OSError):
            self._disk.close(self._file)
        if self.segment.end == self.segment.base:
            with suppress(OSError):
                self._disk.remove(self._path)


def _grown(segment: Segment, head: codec.Head) -> Segment:
    """The segment with one more block."""
    before, last = segment.index or (), Stretch(segment.data_end, head.position, head.wall_low, head.wall_high)
    if before and segment.data_end - before[-1].offset < STRETCH:
        *before, last = before
        last = replace(last, wall_low=min(last.wall_low, head.wall_low), wall_high=max(last.wall_high, head.wall_high))
    return replace(segment, end=head.end, samples=segment.samples + head.samples, data_end=segment.data_end + head.size,
                   wall_low=min(segment.wall_low, head.wall_low), wall_high=max(segment.wall_high, head.wall_high),
                   newest=head.at, index=(*before, last))


def seal(disk: Disk, file: int, segment: Segment) -> None:
    index = np.array([(entry.offset, entry.position, entry.wall_low, entry.wall_high) for entry in segment.index],
                     "<i8").tobytes()
    newest = segment.newest
    figures = _SEAL.pack(_SEAL_MAGIC, 0, len(index), segment.data_end, segment.end, segment.samples, segment.wall_low,
                         segment.wall_high, newest.line_ns, newest.wall_ns, newest.trusted)
    disk.write(file, zlib.crc32(index).to_bytes(4, "little") + index + _sealed(_SEAL_MAGIC, figures[_CRC_FROM:]))
    disk.sync(file)


def _extent(file: BinaryIO, segment: Segment) -> tuple[Sequence[Stretch], int]:
    """Stretches and end of the blocks in this very file: it may have taken the place of the one that `segment` tells of
    (gateway.store.erasure). When the index is damaged, the whole segment is one stretch."""
    size = file.seek(0, SEEK_END)
    found = _sealed_end(file, size)
    if found is None:
        return segment.index or (), segment.data_end
    _, _, length, data_end, *_ = found
    file.seek(data_end)
    data = file.read(4 + length)
    if zlib.crc32(data[4:]) != int.from_bytes(data[:4], "little"):
        return (Stretch(segment.data_start, segment.base, segment.wall_low, segment.wall_high),), data_end
    return tuple(Stretch(*row) for row in np.frombuffer(data, "<i8", offset=4).reshape(-1, 4).tolist()), data_end


def _sealed_end(file: BinaryIO, size: int) -> tuple | None:
    """The seal at the end of a file of this size; None where there is none."""
    if size < _SEAL.size:
        return None
    file.seek(size - _SEAL.size)
    end = file.read(_SEAL.size)
    return _SEAL.unpack(end) if _intact(end, _SEAL_MAGIC) else None


def load(path: Path) -> tuple[Segment, bool]:
    """What the file holds, and whether it is sealed. Damaged when its head can not be read; OSError as usual.

    A sealed segment costs two short reads, any other is scanned: blocks up to the first that is torn, whose checksum
    differs, or that does not follow its predecessor.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD.size)
        if len(head) < _HEAD.size or head[:8] != _HEAD_MAGIC:
            raise Damaged(f"{path}: not a segment")
        _, _, version, table_size, base, line, wall, trusted = _HEAD.unpack(head)
        head += file.read(table_size)
        if not _intact(head, _HEAD_MAGIC):
            raise Damaged(f"{path}: damaged head")
        if version != VERSION:
            raise Damaged(f"{path}: format {version}, this gateway reads {VERSION}")
        ids = tuple(json.loads(zlib.decompress(head[_HEAD.size:])))
        size = path.stat().st_size
        start = len(head)
        begun = Instant(line, wall, bool(trusted))
        empty = Segment(path, base, base, 0, ids, start, start, size, *_NEVER, begun, begun, ())
        if (found := _sealed_end(file, size)) is not None:
            _, _, _, data_end, position, samples, wall_low, wall_high, line, wall, trusted = found
            return replace(empty, end=position, samples=samples, data_end=data_end, wall_low=wall_low,
                           wall_high=wall_high, newest=Instant(line, wall, bool(trusted)), index=None), True
        file.seek(start)
        data = memoryview(file.read())
    return _scan(empty, data), False


def _scan(segment: Segment, data: memoryview) -> Segment:
    start = segment.data_start
    while segment.data_end - start < len(data):
        try:
            head = codec.check(data, segment.data_end - start)
        except Damaged:
            break
        if head.position < segment.end:
            break
        segment = _grown(segment, head)
    return segment


def repair(disk: Disk, segment: Segment) -> Segment:
    """Cut the torn end off and seal, so that no later start has to look again."""
    file = disk.reopen(segment.path)
    try:
        disk.truncate(file, segment.data_end)
        disk.sync(file)
        seal(disk, file, segment)
    finally:
        disk.close(file)
    return replace(segment, size=segment.path.stat().st_size)


def parts(segments: Sequence[Segment], start: int, stop: int) -> Iterator[tuple[Segment, int]]:
    """The segments with positions in start..stop, each with the position at which it ends: what an abandoned one holds
    beyond the base of its successor is void."""
    for number, one in enumerate(segments, 1):
        until = min(stop, segments[number].base) if number < len(segments) else stop
        if one.end > start and one.base < until:
            yield one, until


Complaint = Callable[[Path, int, str], None]  # path, offset, what is wrong


def blocks(segment: Segment, start: int, stop: int, complain: Complaint,
           wanted: Callable[[codec.Head], bool] = lambda head: True,
           overlaps: Callable[[Stretch], bool] = lambda stretch: True) -> Iterator[Block]:
    """The blocks that hold positions from `start` to before `stop`, decoded one by one.

    A damaged block is reported and the rest of its stretch is skipped. `overlaps` and `wanted` leave out what need not
    be read or decoded. A file that retention has removed meanwhile yields nothing.
    """
    if not segment.samples:
        return
    stop = min(stop, segment.end)  # the file may have grown since
    try:
        file = segment.path.open("rb")
    except FileNotFoundError:
        return
    with file:
        stretches, data_end = _extent(file, segment)
        first = max(0, bisect_right(stretches, start, key=lambda entry: entry.position) - 1)
        for number in range(first, len(stretches)):
            stretch = stretches[number]
            if stretch.position >= stop:
                return
            if not overlaps(stretch):
                continue
            until = stretches[number + 1].offset if number + 1 < len(stretches) else data_end
            file.seek(stretch.offset)
            data = memoryview(file.read(until - stretch.offset))
            offset = 0
            while offset < until - stretch.offset:
                try:
                    head = codec.read_head(data, offset)
                    if start < head.end and head.position < stop and wanted(head):
                        yield codec.decode(data, offset)
                except Damaged as damage:
                    complain(segment.path, stretch.offset + offset, str(damage))
                    break
                offset += head.size

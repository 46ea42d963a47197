"""Blocks: what one group commit writes. Pure code, no I/O.

A block holds the frames of one commit in joint columns, and keeps their boundaries: replay gives the detectors the
same frames as live did. Layout on disk, little-endian:

    head      magic, CRC32 of all that follows, payload length, samples, frames, lowest and highest signal number,
              position of the first sample, lowest and highest wall time, instant of encoding
    payload   frame lengths, signal, quality, wall_ns, line_ns (integers), value

A *position* numbers samples from 0 over the life of the store. Dropped samples leave a gap, so positions only grow.

How columns are packed: gateway.store.columns.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gateway.model.clock import Instant
from gateway.model.frame import Frame
from gateway.store.columns import Pieces, pack_integers, pack_values, unpack_integers, unpack_values

MAGIC = b"DLB1"
_HEAD = struct.Struct("<4sIIIIiiqqqqqB3x")
_CRC_FROM = 8  # magic and CRC itself are not covered
HEAD_SIZE = _HEAD.size
MAX_PAYLOAD = 1 << 28  # a longer length is a torn or foreign head


class Damaged(ValueError):
    """These bytes are not a whole block: torn, overwritten, or never written."""


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """`frame` holds the rows of all frames, `lengths` (int64) how many belong to each; `at`: when it was joined."""

    position: int
    lengths: NDArray[np.int64]
    frame: Frame
    at: Instant

    @property
    def end(self) -> int:
        """The position after the last sample."""
        return self.position + len(self.frame)

    @classmethod
    def of(cls, position: int, frames: Sequence[Frame], at: Instant) -> Block:
        return cls(position, np.array([len(frame) for frame in frames], np.int64), Frame.concat(frames), at)

    def frames(self, after: int = -1) -> Iterator[tuple[int, Frame]]:
        """Each frame as it was appended, with the position after it; only what lies beyond `after`."""
        stops = np.cumsum(self.lengths)
        for start, stop in zip((stops - self.lengths).tolist(), stops.tolist(), strict=True):
            if self.position + stop > after:
                yield self.position + stop, self.frame.take(slice(max(start, after - self.position), stop))


class Head(NamedTuple):
    """What is known of a block without decoding it; the fields of _HEAD. A tuple because trends read very many."""

    magic: bytes
    crc: int
    length: int  # of the payload
    samples: int
    frames: int
    signal_low: int
    signal_high: int
    position: int
    wall_low: int
    wall_high: int
    at_line_ns: int
    at_wall_ns: int
    at_trusted: int

    @property
    def size(self) -> int:
        """Of the whole block in bytes."""
        return HEAD_SIZE + self.length

    @property
    def end(self) -> int:
        return self.position + self.samples

    @property
    def at(self) -> Instant:
        return Instant(self.at_line_ns, self.at_wall_ns, bool(self.at_trusted))


def encode(block: Block) -> bytes:
    """ValueError when the columns differ in length: what can not be read back must not be acknowledged."""
    frame = block.frame
    if {len(frame.value), len(frame.quality), len(frame.wall_ns), len(frame.line_ns)} != {int(block.lengths.sum())}:
        raise ValueError("the columns of a frame differ in length")
    integers = (block.lengths, frame.signal, frame.quality, frame.wall_ns, frame.line_ns)
    payload = b"".join((*map(pack_integers, integers), pack_values(frame.value)))
    head = _HEAD.pack(MAGIC, 0, len(payload), len(frame), block.lengths.shape[0],
                      int(frame.signal.min()), int(frame.signal.max()), block.position,
                      int(frame.wall_ns.min()), int(frame.wall_ns.max()),
                      block.at.line_ns, block.at.wall_ns, block.at.trusted)
    body = head[_CRC_FROM:] + payload
    return head[:4] + zlib.crc32(body).to_bytes(4, "little") + body


def read_head(data: memoryview, offset: int) -> Head:
    """The head at `offset`, its CRC not yet checked. Damaged when there is none."""
    if len(data) - offset < HEAD_SIZE:
        raise Damaged("the data ends inside a block's head")
    head = Head._make(_HEAD.unpack_from(data, offset))
    if head.magic != MAGIC or head.length > MAX_PAYLOAD or not head.samples or not head.frames:
        raise Damaged("no block begins here")
    return head


def check(data: memoryview, offset: int) -> Head:
    """The head of the whole and undamaged block at `offset`."""
    head = read_head(data, offset)
    if len(data) - offset < head.size:
        raise Damaged("the data ends inside a block")
    if zlib.crc32(data[offset + _CRC_FROM:offset + head.size]) != head.crc:
        raise Damaged("checksum differs")
    return head


def decode(data: memoryview, offset: int = 0) -> Block:
    head = check(data, offset)
    pieces = Pieces(data, offset + HEAD_SIZE)
    lengths = unpack_integers(pieces, head.frames, np.int64)
    signal = unpack_integers(pieces, head.samples, np.int32)
    quality = unpack_integers(pieces, head.samples, np.uint16)
    wall = unpack_integers(pieces, head.samples, np.int64)
    line = unpack_integers(pieces, head.samples, np.int64)
    value = unpack_values(pieces, head.samples)
    return Block(head.position, lengths, Frame.from_columns(signal, value, quality, wall, line), head.at)

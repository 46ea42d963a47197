"""Takes samples whose time is over (gateway.store.keeping) off the disk: each closed segment that has nothing else of
their signals is written anew without them, beside the old one, and takes its place.

Positions stay: where a sample was there is a row of no signal, with the time of its block and no value, and the id is
blank in the table of the segment, which also says that this was done. What the medium does with blocks that it has
freed (an SD card moves them about) is not in our hands; docs/explanation/personal-data.md says so.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np

from gateway.model.clock import Clock
from gateway.model.frame import Frame
from gateway.model.quality import Quality
from gateway.store.block import Block
from gateway.store.disk import Disk
from gateway.store.segment import Complaint, Segment, SegmentWriter, blocks

GONE: Final = -1  # number of no signal
_FOLDER: Final = "erasing"
_AT_ONCE: Final = 64  # blocks in one write
_EVER: Final = int(np.iinfo(np.int64).max)


class Erasing:
    """One segment on its way. `step` until it returns False, each a little work; then `done` is the new segment, and
    its file waits to be moved over the old one; in_place: it was. OSError: the disk; `abandon` it."""

    def __init__(self, disk: Disk, segment: Segment, gone: frozenset[int], clock: Clock, complain: Complaint):
        self.old, self.done = segment, segment
        self.in_place = threading.Event()
        self._disk = disk
        self._gone = np.array(sorted(gone), np.int32)
        ids = tuple("" if number in gone else id for number, id in enumerate(segment.ids))
        disk.make_folder(folder := segment.path.parent / _FOLDER)
        self._writer = SegmentWriter(disk, folder, segment.base, ids, segment.oldest)
        self._blocks: Iterator[Block] = blocks(segment, 0, _EVER, complain)

    def step(self) -> bool:
        part = [self._erased(block) for block in islice(self._blocks, _AT_ONCE)]
        if part:
            self._writer.write(part)
            return True
        self._writer.seal()
        self.done = self._writer.segment
        return False

    def abandon(self) -> None:
        self._writer.abandon()
        with suppress(OSError):
            self._disk.remove(self.done.path if self.done is not self.old else self._writer.segment.path)

    def _erased(self, block: Block) -> Block:
        frame = block.frame
        gone = np.isin(frame.signal, self._gone)
        if not gone.any():
            return block
        return Block(block.position, block.lengths, Frame.from_columns(
            np.where(gone, np.int32(GONE), frame.signal), np.where(gone, np.nan, frame.value),
            np.where(gone, np.uint16(Quality.BAD_WAITING), frame.quality),
            np.where(gone, block.at.wall_ns, frame.wall_ns), np.where(gone, block.at.line_ns, frame.line_ns)), block.at)


def leftovers(telemetry: Path) -> list[Path]:
    """Of an erasure that was cut off."""
    return [*(telemetry / _FOLDER).glob("*.seg")]

"""What a data folder holds, for looking back: read-only, without a lock, also while a gateway writes to it.

A segment that is growing is read up to its last whole block; one that retention deletes meanwhile is passed over.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from gateway.model.clock import NS, Correction
from gateway.model.correction import corrected
from gateway.model.errors import StoreError
from gateway.model.frame import Frame
from gateway.model.signal import SignalTable
from gateway.model.text import Text
from gateway.store import segment
from gateway.store.block import Damaged, Head
from gateway.store.corrections import kept_corrections
from gateway.store.keeping import Keeping
from gateway.store.segment import Segment, Stretch, blocks, parts
from gateway.store.store import moved, numbers, renumbered

EVER = (int(np.iinfo(np.int64).min), int(np.iinfo(np.int64).max))
OUTAGE_NS = 2 * NS  # a longer gap between two segments was an outage of the gateway, not silence of the field
_SAMPLES = 16_384  # small frames are joined to about this size


class Recording:
    """The telemetry in `folder` (the `telemetry` folder of a data folder) as it stood when this was made.

    StoreError when there is none. Bounds are wall times, UTC ns; both belong to the recording.
    """

    def __init__(self, folder: Path, start_wall_ns: int = EVER[0], end_wall_ns: int = EVER[1]):
        self._start, self._end = start_wall_ns, end_wall_ns
        self._corrections: tuple[Correction, ...] = kept_corrections(folder)
        self.damage: list[str] = []  # places that could not be read back
        segments = [one for path in segment.paths(folder / "telemetry") if (one := self._load(path)) is not None]
        if not any(one.samples for one in segments):
            raise StoreError(Text("no measured data is stored here", "此处没有已存储的测量数据"), where=str(folder),
                             fix=Text("give the data folder of a gateway that has run: that of `davylamp run --data` "
                                      "or [store] folder of the site file",
                                      "请指定运行过的网关的数据目录：即 `davylamp run --data` 的目录，"
                                      "或站点文件中 [store] folder 的目录"))
        self._segments = segments
        self._newest_ns = max(one.newest.line_ns for one in segments)  # a copy is as old as when it was made
        self.wall_low = min(one.wall_low for one in segments if one.samples)
        self.wall_high = max(one.wall_high for one in segments if one.samples)

    @property
    def ids(self) -> frozenset[str]:
        """The signals that the gateway knew while it recorded."""
        return frozenset(id for one in self._segments if self._overlaps(one) for id in one.ids if id)

    def frames(self, signals: SignalTable) -> Iterator[tuple[bool, Frame]]:
        """The samples as they arrived, in today's numbers, joined to large frames; True where the gateway had not been
        listening before this frame. Signals that the table does not have are left out."""
        newest_ns: int | None = None
        for one, until in parts(self._segments, 0, EVER[1]):
            if not self._overlaps(one):
                continue
            begins = True  # if there is a gap before it
            for frame in self._joined(one, until, signals):
                first_ns = int(frame.line_ns.min())
                yield begins and newest_ns is not None and first_ns - newest_ns > OUTAGE_NS, frame
                newest_ns, begins = int(frame.line_ns.max()), False

    def _joined(self, one: Segment, until: int, signals: SignalTable) -> Iterator[Frame]:
        table, waiting, count = numbers(one.ids, signals), [], 0
        keeping = Keeping.of(signals)
        wanted = (lambda part: True) if moved(one, self._corrections) else self._wanted
        for block in blocks(one, 0, until, self._complain, wanted, wanted):
            frame = keeping.shown(renumbered(self._within(corrected(self._corrections, block.frame)), table),
                                  self._newest_ns)
            if len(frame):
                waiting.append(frame)
                count += len(frame)
            if count >= _SAMPLES:
                yield Frame.concat(waiting)
                waiting, count = [], 0
        if waiting:
            yield Frame.concat(waiting)

    def _within(self, frame: Frame) -> Frame:
        chosen = (frame.wall_ns >= self._start) & (frame.wall_ns <= self._end)
        return frame if chosen.all() else frame.take(chosen)

    def _wanted(self, part: Head | Stretch) -> bool:
        return part.wall_low <= self._end and part.wall_high >= self._start

    def _overlaps(self, one: Segment) -> bool:
        return bool(one.samples) and ((one.wall_low <= self._end and one.wall_high >= self._start)
                                      or moved(one, self._corrections))

    def _load(self, path: Path) -> Segment | None:
        try:
            return segment.load(path)[0]
        except FileNotFoundError:  # deleted by retention meanwhile
            return None
        except (Damaged, OSError) as error:
            self._complain(path, 0, str(error))
            return None

    def _complain(self, path: Path, offset: int, what: str) -> None:
        place = f"{path}, offset {offset}: {what}"
        if place not in self.damage:
            self.damage.append(place)

"""Reads that are lost again and again."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gateway.core.block import Block
from gateway.core.detectors.detector import Detector, alarm_numbers
from gateway.core.detectors.fault_words import note
from gateway.core.edges import Edges
from gateway.core.rows import CODE, Rows
from gateway.model.clock import NS
from gateway.model.condition import Condition
from gateway.model.quality import Quality
from gateway.model.site import Site
from gateway.model.verdict import Evidence

FULL = 10  # lost reads that raise it
DRAIN = 10  # good reads make up for one of them
AT_ONCE = 3  # an outage counts so many lost reads, however long it is
_NEVER = -(2**62)


class Dropout(Detector):
    """A bad line, as opposed to a dead one: that is the deadman's matter.

    Formula: a bucket takes one for every lost read (communication lost, or unreadable), but no more than three for one
    outage without a good read, and a silence longer than the signal's deadman counts three when it ends; every good
    read drains a tenth. The condition begins when the bucket reaches ten, and ends with the good read that empties it.

    On a plant: a corroded terminal, a radio at the edge of its range, a bus with two masters, a supply that sags.

    Delay: four outages close to each other, or about one read in ten lost over a hundred reads. False alarms: none from
    a single outage of any length; a gateway that polls faster than its device answers. Not for signals that are sent
    only when they change, unless they have a deadman. Stale and uncertain samples are neither lost nor good.

    Not for: sources that send on change, and outages longer than the deadman, which are the deadman's.
    """

    name = "dropout"

    def __init__(self, site: Site):
        count = len(site.signals)
        self._signals = site.signals
        self._alarm = alarm_numbers(site, Condition.DROPOUT)
        self._watched = self._alarm >= 0
        self._longest = np.array([np.iinfo(np.int64).max if signal.deadman_s is None else round(signal.deadman_s * NS)
                                  for signal in site.signals], np.int64)
        self._bucket, self._outage = np.zeros(count, np.int64), np.zeros(count, np.int64)
        self._heard = np.full(count, _NEVER, np.int64)  # line time of the last good read
        self._active = np.zeros(count, np.bool_)
        self._open = 0  # buckets that are not empty

    def step(self, rows: Rows, edges: Edges) -> None:
        own = self._watched[rows.index]
        good = np.flatnonzero(own & rows.good)
        if good.size:
            self._hear(good, rows, edges)
        if not rows.all_good:
            code = rows.quality & CODE
            lost = np.flatnonzero(own & ((code == Quality.BAD_COMM_LOST) | (code == Quality.BAD_PAYLOAD)))
            if lost.size:
                signal = rows.signal[lost]
                room = np.minimum(AT_ONCE - self._outage[signal], 1)
                self._outage[signal] += room
                self._fill(lost, room, rows, edges)

    def sweep(self, block: Block, edges: Edges) -> None:
        signal = block.signal
        since = self._heard[signal]
        before = np.concatenate((np.where(since > _NEVER, since, block.line[0])[None], block.line[:-1]))
        if block.all_good and not self._open and not np.count_nonzero(block.line - before > self._longest[signal]):
            self._heard[signal] = np.where(self._watched[signal], block.line[-1], since)
        else:
            super().sweep(block, edges)

    def begin(self, line_ns: int) -> None:
        """The time in which nobody looked is no silence."""
        self._heard.fill(_NEVER)

    def state(self) -> dict[str, NDArray]:
        return {"bucket": self._bucket, "outage": self._outage, "heard": self._heard, "active": self._active}

    def restored(self) -> None:
        self._active &= self._watched
        self._open = np.count_nonzero(self._bucket + self._active)

    def adopt(self, alarms: NDArray[np.int64]) -> None:
        self._active |= np.isin(self._alarm, alarms) & self._watched
        self.restored()

    def _hear(self, row: NDArray[np.int64], rows: Rows, edges: Edges) -> None:
        signal, line = rows.signal[row], rows.line[row]
        since = self._heard[signal]
        silent = np.flatnonzero((since > _NEVER) & (line - since > self._longest[signal]))
        self._heard[signal] = line
        if silent.size:
            missed = AT_ONCE - self._outage[signal[silent]]
            self._fill(row[silent], missed, rows, edges)
        if self._open:
            self._outage[signal] = 0
            self._bucket[signal] = np.maximum(self._bucket[signal] - 1, 0)
            done = row[self._active[signal] & (self._bucket[signal] == 0)]
            if done.size:
                self._active[rows.signal[done]] = False
                edges.add(self._alarm[rows.signal[done]], False, rows.value[done], rows.line[done], rows.wall[done])
            self._open = np.count_nonzero(self._bucket + self._active)

    def _fill(self, row: NDArray[np.int64], lost: NDArray[np.int64], rows: Rows, edges: Edges) -> None:
        signal = rows.signal[row]
        self._bucket[signal] = np.minimum(self._bucket[signal] + DRAIN * lost, DRAIN * FULL)
        self._open = np.count_nonzero(self._bucket + self._active)
        for at in row[(self._bucket[signal] >= DRAIN * FULL) & ~self._active[signal]].tolist():
            number = int(rows.signal[at])
            self._active[number] = True
            edges.add(self._alarm[number], True, np.nan, rows.line[at], rows.wall[at])
            edges.explain((Evidence(int(rows.wall[at]), self._signals[number].id, np.nan,
                                    note("dropout", self._signals[number].unit, lost=FULL)),))

"""A reading that has stopped moving."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gateway.core.block import Block, held
from gateway.core.detectors.detector import Detector, alarm_numbers
from gateway.core.edges import Edges
from gateway.core.peers import LEAST, neighbours
from gateway.core.rows import NEVER, Rows
from gateway.model.condition import Condition
from gateway.model.site import Site

_MANY = np.int64(2**62)
_LONG_AGO = -(2**62)


class Stuck(Detector):
    """The same value over stuck_reads successful reads, of a signal that has moved before, or whose peers move.

    Formula: count good samples whose value equals the good sample before, from 1; the condition begins when the count
    reaches stuck_reads and ends with the first good sample that differs. Motion is needed once, ever (it is kept over
    restarts): its own, or that of two of its peers and no fewer than half of them, before that sample. Peers are the
    watched signals of the same kind and area, seven at most. A gas reading at the lower end of its range is clamped,
    not stuck, and does not count.

    On a plant: a frozen transmitter, a converter that repeats its last word, a gateway in between that answers from
    its cache; by its peers, an input that was dead from the first day: a wire that was never connected. Keyed on reads,
    not on time, so that a slower poll does not look like a frozen sensor; samples that are not good neither count nor
    reset.

    Delay: stuck_reads x poll period. False alarms: a sound signal whose resolution is coarser than its noise (a still
    tank, a switched-off motor) repeats itself for hours: set stuck_reads above the longest honest rest, or leave it
    off.

    Not for: switches, valve positions at rest, counters of a machine that stands.
    """

    name = "stuck"
    settles = True

    def __init__(self, site: Site):
        count = len(site.signals)
        self._alarm = alarm_numbers(site, Condition.STUCK)
        self._reads = np.array([_MANY if s.stuck_reads is None else s.stuck_reads for s in site.signals], np.int64)
        self._rest = np.array([s.low if s.gas and s.low is not None else np.nan for s in site.signals])
        self._rests = bool(np.isfinite(self._rest).any())
        self._watched = self._reads < _MANY
        self._all_watched = bool(self._watched.all())
        self._last = np.full(count, np.nan)
        self._run = np.zeros(count, np.int64)  # equal reads in a row
        self._moved = np.zeros(count, np.bool_)
        self._first = np.full(count, NEVER, np.int64)  # line time of the first motion,
        self._woke_value, self._woke_wall = np.empty(count), np.empty(count, np.int64)  # what was read then
        self._peers = neighbours(site, self._watched)
        having = (self._peers >= 0).sum(axis=1)
        self._enough = np.where(having >= LEAST, np.maximum((having + 1) // 2, LEAST), 0)  # of peers; 0: no use
        self._expected = np.full(count, NEVER, np.int64)  # line time after which enough of its peers had moved
        self._mute = self._watched & (self._enough > 0)  # never moved, and has peers
        self._mute_count, self._stirred = np.count_nonzero(self._mute), False
        self._lifeless: list[tuple] = []  # in this step: who has repeated itself for long enough and never moved
        self._active = np.zeros(count, np.bool_)
        self._needed = np.full(count, _MANY, np.int64)  # stuck_reads once the signal has moved
        self._unmoved_count = np.count_nonzero(self._reads < _MANY)  # among the watched
        self._active_count = 0
        self._repeated = True  # some run may not be 1
        self._same, self._flag = np.empty(count, np.bool_), np.empty(count, np.bool_)

    def step(self, rows: Rows, edges: Edges) -> None:
        if rows.all_good and self._all_watched:
            index, signal, value, line, wall = rows.index, rows.signal, rows.value, rows.line, rows.wall
        else:
            good = np.flatnonzero(rows.good & self._watched[rows.index])
            if not good.size:
                return
            index = signal = rows.signal[good]
            value, line, wall = rows.value[good], rows.line[good], rows.wall[good]
        same, last = self._same[:signal.shape[0]], self._last[index]
        np.equal(value, last, out=same)
        if self._unmoved_count:
            self._note_motion(np.flatnonzero(~same & ~np.isnan(last)), signal, value, line, wall)
        if np.count_nonzero(same):
            self._count(same, index, signal, value, line, wall, edges)
        else:
            if self._repeated:  # else all have 1 already, but for those that were never heard
                self._run[index] = 1
                self._repeated = not isinstance(index, slice) or index.stop - index.start < self._run.shape[0]
            if self._active_count:
                self._turn(False, np.flatnonzero(self._active[index]), signal, value, line, wall, edges)
        self._last[index] = value

    def sweep(self, block: Block, edges: Edges) -> None:
        for part, _, _ in block.good_parts(self._watched):
            self._sweep(part, edges)

    def settle(self, edges: Edges) -> None:
        """Signals that never moved, when it is known which of their peers had moved by when."""
        if not self._lifeless:
            return
        if self._stirred:
            self._learn_of_peers()
        signal, value, line, wall = (np.concatenate(column) for column in zip(*self._lifeless, strict=True))
        self._lifeless = []
        row = np.flatnonzero(line > self._expected[signal])
        own, first = np.unique(signal[row], return_index=True)
        if own.size:
            at = row[first]
            edges.add(self._alarm[own], True, value[at], line[at], wall[at])
            woken = self._first[own] < NEVER
            gone = own[woken]
            edges.add(self._alarm[gone], False, self._woke_value[gone], self._first[gone], self._woke_wall[gone])
            self._active[own[~woken]] = True
            self._active_count = np.count_nonzero(self._active)

    def state(self) -> dict[str, NDArray]:
        return {"last": self._last, "run": self._run, "moved": self._moved, "first": self._first,
                "active": self._active}

    def restored(self) -> None:
        self._repeated = True
        self._active &= self._reads < _MANY
        self._first[self._moved & (self._first == NEVER)] = _LONG_AGO
        self._count_unmoved()
        self._active_count = np.count_nonzero(self._active)

    def adopt(self, alarms: NDArray[np.int64]) -> None:
        self._active |= np.isin(self._alarm, alarms) & (self._alarm >= 0)
        self.restored()

    def _count(self, same, index, signal, value, line, wall, edges: Edges) -> None:
        """Some of these samples repeat the one before."""
        flag = self._flag[:signal.shape[0]]
        if self._rests:
            np.not_equal(value, self._rest[index], out=flag)
            same &= flag
        run = self._run[index]  # a view for a slice, else a copy
        run *= same
        run += 1
        if not isinstance(index, slice):
            self._run[index] = run
        self._repeated = True
        if self._mute_count:
            row = np.flatnonzero((run >= self._reads[index]) & (self._mute & ~self._active)[index])
            if row.size:
                self._lifeless.append((signal[row], value[row], line[row], wall[row]))
        if self._active_count:
            freed = np.flatnonzero(self._active[index] & ~same)
            self._turn(False, freed, signal, value, line, wall, edges)
        np.greater_equal(run, self._needed[index], out=flag)
        if np.count_nonzero(flag):
            self._turn(True, np.flatnonzero(flag & ~self._active[index]), signal, value, line, wall, edges)

    def _sweep(self, block: Block, edges: Edges) -> None:
        """All is good in it."""
        s, value = block.signal, block.value
        before = np.concatenate([self._last[s][None], value[:-1]])
        same = value == before
        moved = ~same & ~np.isnan(before)
        moved[0] |= self._moved[s]
        moved = np.logical_or.accumulate(moved, axis=0)
        for column in np.flatnonzero(moved[-1] & ~self._moved[s]).tolist():
            at = int(np.argmax(moved[:, column]))
            self._wake(s[column], value[at, column], block.line[at, column], block.wall[at, column])
        if self._rests:
            same &= value != self._rest[s]
        at = np.arange(len(block))[:, None]
        changed = np.maximum.accumulate(np.where(same, -1, at), axis=0)
        run = np.where(changed < 0, self._run[s] + at + 1, at - changed + 1)
        long = run >= self._reads[s]
        still = moved & long
        for column in np.flatnonzero((self._mute & ~self._active)[s] & (long & ~moved).any(axis=0)).tolist():
            row = np.flatnonzero(long[:, column] & ~moved[:, column])
            self._lifeless.append((np.full(row.size, s[column]), value[row, column], block.line[row, column],
                                   block.wall[row, column]))
        active = self._active[s]
        self._last[s], self._run[s], self._moved[s] = value[-1], run[-1], moved[-1]
        if np.count_nonzero(active) or np.count_nonzero(still):
            after = held(still, ~same, active)
            at, column = np.nonzero(after != np.concatenate([active[None], after[:-1]]))
            edges.add(self._alarm[s[column]], after[at, column], value[at, column], block.line[at, column],
                      block.wall[at, column])
            self._active[s] = after[-1]
        self.restored()

    def _note_motion(self, row, signal, value, line, wall) -> None:
        row = row[~self._moved[signal[row]]]
        if row.size:
            self._moved[signal[row]] = True
            self._wake(signal[row], value[row], line[row], wall[row])
            self._count_unmoved()

    def _wake(self, signal, value, line, wall) -> None:
        """These have moved for the first time."""
        self._first[signal], self._stirred = line, True
        self._woke_value[signal], self._woke_wall[signal] = value, wall

    def _count_unmoved(self) -> None:
        np.copyto(self._needed, np.where(self._moved, self._reads, _MANY))
        unmoved = ~self._moved & self._watched
        self._unmoved_count = np.count_nonzero(unmoved)
        np.logical_and(unmoved, self._enough > 0, out=self._mute)
        self._mute_count, self._stirred = np.count_nonzero(self._mute), True

    def _learn_of_peers(self) -> None:
        """From when on each mute signal should have moved: when enough of its peers had."""
        self._stirred = False
        row = np.flatnonzero(self._enough)
        peers = self._peers[row]
        moved = np.where(peers >= 0, self._first[peers], NEVER)
        moved.sort(axis=1)
        self._expected[row] = moved[np.arange(row.size), self._enough[row] - 1]

    def _turn(self, active: bool, row, signal, value, line, wall, edges: Edges) -> None:
        if row.size:
            self._active[signal[row]] = active
            self._active_count = np.count_nonzero(self._active)
            edges.add(self._alarm[signal[row]], active, value[row], line[row], wall[row])

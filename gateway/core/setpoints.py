"""Set points in lock-step: deadband, on-delay and off-delay for p planes of n comparisons.

One comparison is a small machine:

    idle     --at or over the set point-->            pending (on-delay runs), or active at once without on-delay
    pending  --good and back by the deadband-->       idle
    pending  --on-delay is over-->                    active: the condition begins, at that very instant
    active   --good and back by the deadband-->       leaving (off-delay runs), or idle at once without off-delay
    leaving  --over again (deadband still applies)--> active
    leaving  --a row that is not good-->              leaving, and the off-delay starts anew with the next good row
    leaving  --good, and good for off-delay by now--> idle: the condition ends, at that row

"Over" needs a row that may alarm, "back" needs a good row; other rows change nothing. Time alone ends nothing.

A comparison may have a gate (gateway.core.gates). While it is closed nothing begins:

    idle     --over, gate closed-->               held (nothing runs)
    held     --good and below the set point-->    idle
    held     --gate opens-->                      pending, or active at once: as if it had come over at that instant
    pending  --gate closes-->                     held

What is active or leaving goes on as if there were no gate.

The quiet case is three ufunc calls, however many planes there are: the bar of each comparison (set point, or set point
less deadband) is changed only when the machine changes, and so is the band of each signal. While a value that is
compared in all planes stays strictly between its floor and its ceiling, none of them turns. Only the others are
compared plane by plane. An off-delay that runs costs nothing until it may be over.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gateway.core.block import Block
from gateway.core.detectors.detector import Gate
from gateway.core.edges import Edges
from gateway.core.rows import NEVER, chosen, gather
from gateway.model.clock import NS
from gateway.model.signal import Limit

_WINDOW = 16  # rounds
_NOTHING = np.empty(0, np.int64)


class SetPoints:
    """p planes x n signals. A low limit is a high limit on the negated value.

    floor, ceiling   float64[n]: the band of each signal
    moved            the band of some signal was changed other than by `look`. Reset by whoever keeps something of it
    """

    def __init__(self, planes: int, count: int, signs: NDArray[np.float64] | None = None):
        """signs: float64[p], +1 or -1, where one value times the sign of each plane is compared: for `look` and
        `sweep`."""
        shape = (planes, count)
        self._alarm = np.full(shape, -1, np.int64)
        self._show = np.ones(shape)
        self._high = np.full(shape, np.inf)  # bar while idle
        self._low = np.full(shape, np.inf)  # bar in every other state
        self._on = np.zeros(shape, np.int64)
        self._off = np.zeros(shape, np.int64)
        self._bar = np.full(shape, np.inf)
        self._over = np.zeros(shape, np.bool_)  # held, pending or active
        self._active = np.zeros(shape, np.bool_)  # active or leaving
        self._due = np.full(shape, NEVER, np.int64)  # end of a running on-delay
        self._clear = np.full(shape, NEVER, np.int64)  # end of a running off-delay
        self._held = np.full(shape, np.nan)  # the value that started the on-delay, or is held by a gate
        self._closed = np.zeros(shape, np.bool_)  # by its gate
        self._gated = False  # some gate was closed once
        self._leaving = 0
        self._paused = False  # some off-delay waits for a good row
        self._clear_ns = NEVER  # no off-delay is over before
        self._signs = np.ones((planes, 1)) if signs is None else signs[:, None]
        self.floor, self.ceiling = np.full(count, -np.inf), np.full(count, np.inf)
        self.moved = False
        self._flags = np.empty(planes * count, np.bool_)
        self._within, self._below = np.empty(count, np.bool_), np.empty(count, np.bool_)
        self.deadline_ns = NEVER
        self.gates: list[Gate] = []

    def set(self, plane: int, signal: int, limit: Limit, alarm: int, sign: int, show: float | None = None) -> None:
        """sign: -1 where the compared value and so the limit is negated. show: factor that makes a compared value one
        for people again (default: sign)."""
        self._alarm[plane, signal], self._show[plane, signal] = alarm, sign if show is None else show
        high = sign * limit.value
        self._high[plane, signal] = self._bar[plane, signal] = high
        # Back by exactly the deadband is back: the bar is the next number above that.
        self._low[plane, signal] = np.nextafter(high - limit.deadband, np.inf) if limit.deadband > 0 else high
        self._on[plane, signal] = round(limit.on_delay_s * NS)
        self._off[plane, signal] = round(limit.off_delay_s * NS)
        if self._signs[plane, 0] > 0:
            self.ceiling[signal] = min(self.ceiling[signal], high)
        else:
            self.floor[signal] = max(self.floor[signal], -high)
        if limit.only_while is not None:
            self.gates.append(Gate(plane, signal, alarm, limit.only_while))

    def step(self, x: NDArray[np.float64], index: slice | NDArray[np.int64], signal: NDArray[np.int64],
             line: NDArray[np.int64], wall: NDArray[np.int64], last_ns: int, good: NDArray[np.bool_],
             alarming: NDArray[np.bool_], all_good: bool, edges: Edges,
             told: NDArray[np.float64] | None = None) -> None:
        """x float64[p, k]: the values to compare, already negated for low limits. told: of the same shape, what edges
        show in place of x. The rest as in Rows."""
        self._fire_due(index, signal, line, last_ns, edges)
        told = x if told is None else told
        self._compare(x, told, index, signal, line, wall, good, alarming, all_good, edges)
        if self._leaving:
            plane, row = self._cleared(index, signal, line, last_ns, good, all_good)
            self._end(plane * self._over.shape[1] + signal[row], told[plane, row], line[row], wall[row], edges)

    def look(self, value: NDArray[np.float64], index: slice | NDArray[np.int64], signal: NDArray[np.int64],
             line: NDArray[np.int64], wall: NDArray[np.int64], last_ns: int, good: NDArray[np.bool_],
             alarming: NDArray[np.bool_], all_good: bool, edges: Edges) -> None:
        """`step`, of values float64[k] that are compared in all planes, times their signs."""
        self._fire_due(index, signal, line, last_ns, edges)
        count = value.shape[0]
        within = np.greater(value, self.floor[index], out=self._within[:count])
        within &= np.less(value, self.ceiling[index], out=self._below[:count])
        if np.count_nonzero(within) < count:
            row = np.flatnonzero(np.logical_not(within, out=within))
            own, x = signal[row], value[row] * self._signs
            self._compare(x, x, own, own, chosen(line, row), chosen(wall, row), good[row], alarming[row], all_good,
                          edges)
            self._bound(own)
        if self._leaving:
            plane, row = self._cleared(index, signal, line, last_ns, good, all_good)
            if row.size:
                own = signal[row]
                self._end(plane * self._over.shape[1] + own, value[row] * self._signs[plane, 0], line[row], wall[row],
                          edges)
                self._bound(own)

    def sweep(self, value: NDArray[np.float64], block: Block, good: NDArray[np.bool_], alarming: NDArray[np.bool_],
              edges: Edges) -> None:
        """`look`, of float64[r, k]. good (only where alarming), alarming: bool[r, k]. The rest as in Block.

        The extremes of the columns say which of them are not quiet all the time. On those, windows that double while
        they are quiet find the rounds in which something happens; these are stepped.
        """
        top, bottom = _extremes(value, alarming)
        busy = (top >= self.ceiling[block.index]) | (bottom <= self.floor[block.index])
        if self._leaving:
            busy |= (gather(self._active, block.index) & ~gather(self._over, block.index)).any(axis=0)
        if np.count_nonzero(busy):
            part = np.flatnonzero(busy)
            own = block.signal[part]
            self._gallop(value[:, part][:, None] * self._signs, own, *(
                array.take(part, axis=1) for array in (block.line, block.wall, good, alarming)), edges)
            self._bound(own)
        self._fire_due(block.index, block.signal, block.line[-1], block.last_ns, edges)

    def _gallop(self, x, signal, line, wall, good, alarming, edges: Edges) -> None:
        """x: float64[r, p, k]."""
        at, window = 0, _WINDOW
        while at < len(x):
            look = slice(at, at + window)
            happens = self._happens(x[look], signal, line[look], good[look], alarming[look])
            first = int(happens.argmax())
            if not happens[first]:
                at, window = at + window, 2 * window
                continue
            at += first
            self.step(x[at], signal, signal, line[at], wall[at], int(line[at].max()), good[at], alarming[at], False,
                      edges)
            at, window = at + 1, _WINDOW

    def stirs(self, signal: NDArray[np.int64], x: NDArray[np.float64], good: NDArray[np.bool_],
              alarming: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """bool[k]: might any of these t rows, shape (t, k), change the comparison in plane 0 of these signals? A row
        that does not count is neither good nor alarming."""
        over, bar = self._over[0, signal], self._bar[0, signal]
        turns = np.where(over, good & ~(x >= bar), alarming & (x >= bar)).any(axis=0)
        return turns | (self._active[0, signal] & ~over)

    def gate(self, plane: NDArray[np.int64], signal: NDArray[np.int64], closed: bool, line: NDArray[np.int64],
             wall: NDArray[np.int64] | None, edges: Edges) -> None:
        """See gateway.core.detectors.detector.Gated."""
        cell = plane * self._over.shape[1] + signal
        due, over, active = self._due.reshape(-1), self._over.reshape(-1), self._active.reshape(-1)
        self._fire(cell[due[cell] <= line], edges)
        self._closed.reshape(-1)[cell] = closed
        self._gated = True
        waits = over[cell] & ~active[cell]
        cell, line, wall = cell[waits], line[waits], None if wall is None else wall[waits]
        bar = self._high if closed else self._low
        self._bar.reshape(-1)[cell] = bar.reshape(-1)[cell]
        self._bound(signal)
        self.moved = True
        if closed:
            due[cell] = NEVER
            return
        delay = self._on.reshape(-1)[cell]
        at_once, later = delay == 0, delay > 0
        if np.count_nonzero(at_once):
            begun = cell[at_once]
            active[begun] = True
            edges.add(self._alarm.reshape(-1)[begun], True, self._held.reshape(-1)[begun], line[at_once],
                      None if wall is None else wall[at_once])
        if np.count_nonzero(later):
            due[cell[later]] = line[later] + delay[later]
            self.deadline_ns = min(self.deadline_ns, int(due[cell[later]].min()))

    def recall(self, plane: NDArray[np.int64], signal: NDArray[np.int64], closed: NDArray[np.bool_]) -> None:
        self._closed[plane, signal] = closed
        self._gated = True

    def tick(self, line_ns: int, edges: Edges) -> None:
        if self.deadline_ns <= line_ns:
            self._fire(np.flatnonzero(self._due <= line_ns), edges)
            self.deadline_ns = int(self._due.min())

    def begin(self, line_ns: int) -> None:
        """An on-delay that ran out unwatched starts again, an off-delay too: neither was seen to be uninterrupted."""
        missed = self._due <= line_ns
        self._due[missed] = line_ns + self._on[missed]
        self._clear.fill(NEVER)
        self.restored()

    def adopt(self, alarms: NDArray[np.int64]) -> None:
        lost = np.isin(self._alarm, alarms) & (self._alarm >= 0) & ~self._active
        self._over |= lost
        self._active |= lost
        self._due[lost] = NEVER
        self.restored()

    def state(self, names: tuple[str, ...]) -> dict[str, NDArray]:
        """Live views of each plane under its name."""
        return {f"{name}.{kind}": array[plane] for plane, name in enumerate(names)
                for kind, array in (("over", self._over), ("active", self._active), ("due", self._due),
                                    ("clear", self._clear), ("held", self._held))}

    def restored(self) -> None:
        there = self._alarm >= 0  # state of a limit that the site no longer has is dropped
        self._over &= there
        self._active &= there
        self._due[~(there & self._over & ~self._active) | self._closed] = NEVER
        pending = self._due < NEVER
        self._over &= pending | self._active | self._closed  # a gate that is gone or open holds nothing
        np.copyto(self._bar, np.where(pending | self._active, self._low, self._high))
        leaving = self._active & ~self._over
        self._leaving = np.count_nonzero(leaving)
        self._clear[~leaving] = NEVER
        self._find_clear()
        self.deadline_ns = int(self._due.min(initial=NEVER))
        self._bound(np.arange(self._over.shape[1]))
        self.moved = True

    def _happens(self, x, signal, line, good, alarming) -> NDArray[np.bool_]:
        """bool[r]: a comparison turns in this round, or it counts for an off-delay that runs. x: float64[r, p, k]."""
        over = self._over[:, signal]
        found = (x >= self._bar[:, signal]) != over
        found &= np.where(over, good[:, None], alarming[:, None])
        if self._leaving:
            clear = self._clear[:, signal]
            counts = np.where(good[:, None], (clear == NEVER) | (clear <= line[:, None]), clear != NEVER)
            found |= (self._active[:, signal] & ~over) & counts
        return found.any(axis=(1, 2))

    def engaged(self, index: slice | NDArray[np.int64]) -> NDArray[np.bool_] | None:
        """bool[k]: some comparison of these signals is not idle; None: of none."""
        over, active = gather(self._over, index), gather(self._active, index)
        if not np.count_nonzero(over) and not np.count_nonzero(active):
            return None
        return over.any(axis=0) | active.any(axis=0)

    def _bound(self, signal: NDArray[np.int64]) -> None:
        """The bands of these signals."""
        bar, over = self._bar.take(signal, axis=1), self._over.take(signal, axis=1)
        bar *= self._signs
        upper = over ^ (self._signs > 0)
        self.ceiling[signal] = np.where(upper, bar, np.inf).min(axis=0)
        self.floor[signal] = np.where(upper, -np.inf, bar).max(axis=0)

    def _compare(self, x, told, index, signal, line, wall, good, alarming, all_good: bool, edges: Edges) -> None:
        flags = self._flags[:x.size].reshape(x.shape)
        over = gather(self._over, index)
        np.greater_equal(x, gather(self._bar, index), out=flags)
        np.not_equal(flags, over, out=flags)
        if not all_good:
            flags &= np.where(over, good, alarming)
        if not np.count_nonzero(flags):
            return
        count = signal.shape[0]
        falls = flags & over
        flags ^= falls
        for part, toggle in ((flags, self._rise), (falls, self._fall)):
            if np.count_nonzero(part):
                place = np.flatnonzero(part)
                plane = place // count
                row = place - plane * count
                toggle(plane * self._over.shape[1] + signal[row], told.reshape(-1)[place], chosen(line, row),
                       chosen(wall, row), edges)

    def _fire_due(self, index, signal, line, last_ns: int, edges: Edges) -> None:
        if self.deadline_ns <= last_ns:
            plane, row = np.nonzero(gather(self._due, index) <= line)
            self._fire(plane * self._over.shape[1] + signal[row], edges)

    def _fire(self, cell: NDArray[np.int64], edges: Edges) -> None:
        """The on-delay of these cells is over. A cell is a position in the flattened planes."""
        if cell.size:
            due = self._due.reshape(-1)
            edges.add(self._alarm.reshape(-1)[cell], True, self._held.reshape(-1)[cell], due[cell])
            self._active.reshape(-1)[cell] = True
            due[cell] = NEVER

    def _rise(self, cell, x, line, wall, edges: Edges) -> None:
        """idle -> pending, active or held; leaving -> active."""
        active = self._active.reshape(-1)
        was_active, delay = active[cell], self._on.reshape(-1)[cell]
        if leaving := np.count_nonzero(was_active):
            self._leaving -= leaving
            self._clear.reshape(-1)[cell[was_active]] = NEVER
        self._over.reshape(-1)[cell] = True
        if self._gated:
            held = self._closed.reshape(-1)[cell] & ~was_active
            self._held.reshape(-1)[cell[held]] = x[held] * self._show.reshape(-1)[cell[held]]
            cell, x, line, wall, was_active, delay = (part[~held] for part in (cell, x, line, wall, was_active, delay))
        self._bar.reshape(-1)[cell] = self._low.reshape(-1)[cell]
        new = ~was_active
        delayed = delay > 0
        if not np.count_nonzero(delayed):
            self._begin(*_those(new, cell, x, line, wall), edges)
            return
        self._begin(*_those(new & ~delayed, cell, x, line, wall), edges)
        pending, x, line, delay = _those(new & delayed, cell, x, line, delay)
        if pending.size:
            due = line + delay
            self._due.reshape(-1)[pending] = due
            self._held.reshape(-1)[pending] = x * self._show.reshape(-1)[pending]
            self.deadline_ns = min(self.deadline_ns, int(due.min()))

    def _fall(self, cell, x, line, wall, edges: Edges) -> None:
        """pending -> idle; active -> leaving or idle."""
        self._over.reshape(-1)[cell] = False
        self._due.reshape(-1)[cell] = NEVER
        active, delay = self._active.reshape(-1)[cell], self._off.reshape(-1)[cell]
        later = active & (delay > 0)
        if leaving := np.count_nonzero(later):
            clear = line[later] + delay[later]
            self._clear.reshape(-1)[cell[later]] = clear
            self._clear_ns = min(self._clear_ns, int(clear.min()))
            self._leaving += leaving
            active, cell, x, line, wall = _those(~later, active, cell, x, line, wall)
        self._bar.reshape(-1)[cell] = self._high.reshape(-1)[cell]
        self._end(*_those(active, cell, x, line, wall), edges)

    def _cleared(self, index, signal, line, last_ns: int, good, all_good: bool
                 ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(planes, rows) of the comparisons whose off-delay is over with these rows."""
        clear = gather(self._clear, index)
        if all_good and not self._paused:
            if last_ns < self._clear_ns:
                return _NOTHING, _NOTHING
            done = np.less_equal(clear, line, out=self._flags[:clear.size].reshape(clear.shape))
        else:
            leaving = gather(self._active, index) & ~gather(self._over, index)
            fresh = leaving & good & (clear == NEVER)
            done = leaving & good & (clear <= line)
            after = np.where(leaving & ~good, NEVER, np.where(fresh, line + gather(self._off, index), clear))
            self._clear[:, index] = after
        plane, row = np.nonzero(done)
        own = plane, signal[row]
        self._clear[own] = NEVER
        self._bar[own] = self._high[own]
        self._leaving -= row.size
        self._find_clear()
        return plane, row

    def _find_clear(self) -> None:
        self._clear_ns = int(self._clear.min(initial=NEVER))
        self._paused = self._leaving > np.count_nonzero(self._clear != NEVER)

    def _begin(self, cell, x, line, wall, edges: Edges) -> None:
        if cell.size:
            self._active.reshape(-1)[cell] = True
            self._tell(cell, True, x, line, wall, edges)

    def _end(self, cell, x, line, wall, edges: Edges) -> None:
        """leaving, or active without an off-delay -> idle."""
        if cell.size:
            self._active.reshape(-1)[cell] = False
            self._tell(cell, False, x, line, wall, edges)

    def _tell(self, cell, active: bool, x, line, wall, edges: Edges) -> None:
        edges.add(self._alarm.reshape(-1)[cell], active, x * self._show.reshape(-1)[cell], line, wall)


def _those(which: NDArray[np.bool_], *columns: NDArray) -> tuple[NDArray, ...]:
    """Of each column the chosen entries; the columns as they are where all are chosen."""
    return columns if np.count_nonzero(which) == which.size else tuple(column[which] for column in columns)


def _extremes(value: NDArray[np.float64], counts: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Largest and smallest of each column among those that count; infinite where none does."""
    if counts.all():
        return value.max(axis=0), value.min(axis=0)
    return value.max(axis=0, where=counts, initial=-np.inf), value.min(axis=0, where=counts, initial=np.inf)

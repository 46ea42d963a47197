"""Rate of change: rising or falling faster than a limit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gateway.core.block import Block, Spans, chain
from gateway.core.detectors.detector import Detector, alarm_numbers
from gateway.core.edges import Edges
from gateway.core.rows import NEVER, Rows
from gateway.core.setpoints import SetPoints
from gateway.model.clock import NS
from gateway.model.condition import Condition
from gateway.model.signal import Limit, Signal
from gateway.model.site import Site

DIRECTIONS = (Condition.RATE_UP, Condition.RATE_DOWN)
DEFAULT_WINDOW_S = 10.0  # where the site gives none
_UNSET = -(2**61)
_LONG_AGO = -(2**62)
_FAR = 1e200  # more than any bound
_SHY, _ROUNDING = 1 - 1e-9, 1e-15  # bounds are drawn in by more than is lost by rounding


class Rate(Detector):
    """Rise (ROC+) and fall (ROC-) per second, over a base of between half of window_s and window_s.

    Formula: every good sample gives m = median of the newest three values, taken to stand at the time t of the middle
    one (the sample before the newest). Two anchors are remembered per signal, an older and a younger m. When the
    younger is half a window old it becomes the older, and m becomes the younger. The rate is

        (m - m_older) / (t - t_older)

    and there is none before the first three samples and half a window. Irregular sampling does not matter: every base
    is a real time. With a sample period longer than half a window the base is one period. The rate is compared with the
    limit by the machine in gateway.core.setpoints (set point and deadband in units per second; on-delay, off-delay).
    Two values, two anchors and their times are all the memory of a signal, at any sampling rate.

    On a plant: the leak before the limit. A gas head that rises 0.5 %LEL/s needs 40 s to 20 %LEL; its rate is seen in
    a few seconds.

    Delay: a steady rise of r units/s out of rest reaches a limit of s units/s within window * s / r plus one sample
    (the median); within half of that when the base is short. After the start it takes half a window and three
    samples.
    False alarms: a single wild sample never counts, neither as m nor as an anchor (the median takes it out); two in a
    row do. White noise of standard deviation sigma gives rates with a standard deviation of up to 1.9 * sigma / window
    (at the shortest base): keep the limit five times above that. A real step of height h reads as h / base until it
    has left the base. A gap longer than the window gives the mean over the gap until half a window of new data is
    there.
    Only good samples count, in both directions: a stale value has no known age and so no rate.

    Not for: values read less often than twice in a window, counters that are reset, and noise as large as limit times
    window.
    """

    def __init__(self, site: Site, directions: tuple[Condition, ...]):
        self.name = _name(directions)
        # A changed site may have its directions together or apart (`rates`):
        self.formerly = tuple(_name(other) for other in (DIRECTIONS, *((one,) for one in DIRECTIONS))
                              if other != directions)
        self._directions = directions
        count = len(site.signals)
        self._points = SetPoints(len(directions), count, np.array([_sign(condition) for condition in directions]))
        self._watched = np.zeros(count, np.bool_)
        window = np.full(count, DEFAULT_WINDOW_S)
        for plane, condition in enumerate(directions):
            numbers = alarm_numbers(site, condition)
            for number, signal in enumerate(site.signals):
                for limit in signal.limits:
                    if limit.condition == condition:
                        self._points.set(plane, number, limit, int(numbers[number]), 1,
                                         show=_sign(condition))
                        window[number], self._watched[number] = _window_s(limit), True
        self._all_watched = bool(self._watched.all())
        self._half = np.rint(window * (NS / 2)).astype(np.int64)
        self._newer = np.full(count, np.nan)  # the newest value, and the one before
        self._before = np.full(count, np.nan)
        self._newer_ns = np.full(count, _UNSET, np.int64)
        self._old = np.full(count, np.nan)  # the older anchor: NaN until there is one
        self._old_ns = np.full(count, _UNSET, np.int64)
        self._young = np.full(count, np.nan)
        self._young_ns = np.full(count, _UNSET, np.int64)
        self._unjudged_count = np.count_nonzero(self._watched)
        # What follows from all that, and so is no state. Units per nanosecond that turn nothing while all is idle:
        self._most = np.where(self._points.ceiling > 0, np.minimum(self._points.ceiling, _FAR) * (_SHY / NS), -_FAR)
        self._least = np.where(self._points.floor < 0, np.maximum(self._points.floor, -_FAR) * (_SHY / NS), _FAR)
        self._bottom, self._top = np.full(count, np.inf), np.full(count, -np.inf)  # see `_take`
        self._calm = ~self._watched  # the newest value is strictly between them
        self._all_calm = False
        self._move_ns = np.where(self._watched, _LONG_AGO, NEVER)  # a median of then or later becomes an anchor
        self._next_ns = _LONG_AGO  # the first of these
        self._newest_ns = _UNSET  # of all values
        self._sure = np.ones(count, np.bool_)
        self._flags, self._work = np.empty((2, count), np.bool_), np.empty((4, count))
        self._span = np.empty(count, np.int64)

    @property
    def deadline_ns(self) -> int:  # type: ignore[override]
        return self._points.deadline_ns

    def gated(self) -> tuple[SetPoints, ...]:
        return (self._points,)

    def step(self, rows: Rows, edges: Edges) -> None:
        index, signal, value, line, wall, good = (rows.index, rows.signal, rows.value, rows.line, rows.wall, rows.good)
        if self._points.moved:
            self._recall(np.flatnonzero(self._watched))
            self._points.moved = False
        if not self._all_watched:
            row = np.flatnonzero(self._watched[index])
            if not row.size:
                return
            index = signal = signal[row]
            value, line, wall, good = value[row], line[row], wall[row], good[row]
        if not rows.all_good:
            row = np.flatnonzero(~good)
            if row.size:  # they interrupt an off-delay that runs
                none = np.zeros(row.size, np.bool_)
                self._points.look(np.full(row.size, np.nan), signal[row], signal[row], line[row], wall[row],
                                  rows.last_ns, none, none, False, edges)
                row = np.flatnonzero(good)
                if not row.size:
                    return
                index = signal = signal[row]
                value, line, wall = value[row], line[row], wall[row]
        self._take(index, signal, value, line, wall, rows.last_ns, edges)

    def sweep(self, block: Block, edges: Edges) -> None:
        if not self._all_watched:
            mine = np.flatnonzero(self._watched[block.signal])
            if not mine.size:
                return
            block = block.columns(mine)
        rate = np.full(block.value.shape, np.nan)
        for part, at, column in block.good_parts():
            rate[at[:, None], column] = self._follow_all(part)
        good = ~np.isnan(rate)
        self._points.sweep(rate, block, good, good, edges)
        self._recall(block.signal)

    def tick(self, line_ns: int, edges: Edges) -> None:
        self._points.tick(line_ns, edges)

    def begin(self, line_ns: int) -> None:
        self._points.begin(line_ns)

    def state(self) -> dict[str, NDArray]:
        return self._points.state(self._directions) | {
            "newer": self._newer, "before": self._before, "newer_ns": self._newer_ns, "old": self._old,
            "old_ns": self._old_ns, "young": self._young, "young_ns": self._young_ns}

    def restored(self) -> None:
        self._points.restored()
        self._count_unjudged()

    def adopt(self, alarms: NDArray[np.int64]) -> None:
        self._points.adopt(alarms)

    def _take(self, index, signal, value, line, wall, last_ns: int, edges: Edges) -> None:
        """Take good samples.

        While anchors rest, the base only grows, so a median strictly between `_bottom` and `_top` gives a rate that
        turns nothing. And a median is between them if two of its three values are. So a value that is, after one that
        was, needs no median, no rate and no comparison of it; the values are kept all the same.
        """
        count = value.shape[0]
        calm = np.greater(value, self._bottom[index], out=self._flags[0, :count])
        calm &= np.less(value, self._top[index], out=self._flags[1, :count])
        if not self._all_calm:
            calm &= self._calm[index]
        if self._newest_ns >= self._next_ns:
            calm &= np.less(self._newer_ns[index], self._move_ns[index], out=self._flags[1, :count])
        quiet = np.count_nonzero(calm)
        if not quiet:
            self._judge(index, signal, value, line, wall, last_ns, edges)
        elif quiet < count:
            row = np.flatnonzero(np.logical_not(calm, out=calm))
            own = signal[row]
            self._judge(own, own, value[row], line[row], wall[row], last_ns, edges)
        self._keep(index, value, line, last_ns)

    def _judge(self, index, signal, value, line, wall, last_ns: int, edges: Edges) -> None:
        """Compare the rates of these samples, and find what is calm from here."""
        rate = self._follow(index, signal, value)
        good = ~np.isnan(rate) if self._unjudged_count else self._sure[:value.shape[0]]
        self._points.look(rate, index, signal, line, wall, last_ns, good, good, not self._unjudged_count, edges)
        self._bound(index, signal, value, line)

    def _follow(self, index, signal, value) -> NDArray[np.float64]:
        """The rate of each sample in units per second, NaN where there is none yet. Moves anchors."""
        count = value.shape[0]
        before, newer, at = self._before[index], self._newer[index], self._newer_ns[index]
        low, median, span = self._work[0, :count], self._work[1, :count], self._span[:count]
        np.minimum(before, newer, out=low)
        np.maximum(before, newer, out=median)
        np.minimum(median, value, out=median)
        np.maximum(median, low, out=median)
        if self._newest_ns >= self._next_ns:
            due = np.greater_equal(at, self._move_ns[index], out=self._flags[1, :count])
            moving = np.count_nonzero(due)
            if moving == count:
                self._move_anchors(index, median, at)
            elif moving:
                row = np.flatnonzero(due)
                self._move_anchors(signal[row], median[row], at[row])
        np.subtract(at, self._old_ns[index], out=span)
        rate = np.subtract(median, self._old[index], out=median)
        rate *= NS
        np.copyto(low, span)  # a cast within a division takes a buffer of its own
        rate /= low
        return rate

    def _keep(self, index, value, line, last_ns: int) -> None:
        if self._is_all(index):
            self._before, self._newer = self._newer, self._before
        else:
            self._before[index] = self._newer[index]
        self._newer[index] = value
        self._newer_ns[index] = line
        self._newest_ns = max(self._newest_ns, last_ns)

    def _is_all(self, index) -> bool:
        """All signals: arrays may change places."""
        return isinstance(index, slice) and index.stop - index.start == self._newer.shape[0]

    def _bound(self, index, signal, value, line) -> None:
        """Between which values these signals, whose newest these are, have no rate that turns anything."""
        count = value.shape[0]
        base, bound, slack = self._work[0, :count], self._work[2, :count], self._work[3, :count]
        np.copyto(base, np.subtract(line, self._old_ns[index], out=self._span[:count]))
        old = self._old[index]
        np.abs(old, out=slack)
        slack *= _ROUNDING
        for limit, inward, found in ((self._most, np.subtract, self._top), (self._least, np.add, self._bottom)):
            np.multiply(base, limit[index], out=bound)
            bound += old
            found[index] = inward(bound, slack, out=bound)
        if (engaged := self._points.engaged(index)) is not None:
            self._top[signal[engaged]] = -np.inf
        calm = np.greater(value, self._bottom[index], out=self._flags[0, :count])
        calm &= np.less(value, self._top[index], out=self._flags[1, :count])
        self._calm[index] = calm
        self._all_calm = np.count_nonzero(self._calm) == self._calm.size

    def _recall(self, signal: NDArray[np.int64]) -> None:
        """The state of these signals was changed by others."""
        young = self._young[signal]
        self._move_ns[signal] = np.where(np.isnan(young), _LONG_AGO, self._young_ns[signal] + self._half[signal])
        self._next_ns = int(self._move_ns.min())
        self._newest_ns = int(self._newer_ns.max())
        self._count_unjudged()
        self._bound(signal, signal, self._newer[signal], self._newer_ns[signal])

    def _follow_all(self, block: Block) -> NDArray[np.float64]:
        """`_follow`, for many rounds: where the anchors were put follows from the times alone."""
        s, value = block.signal, np.concatenate([self._before[block.signal][None], self._newer[block.signal][None],
                                                 block.value])
        low = np.minimum(value[:-2], value[1:-1])
        median = np.maximum(value[:-2], value[1:-1])
        np.minimum(median, value[2:], out=median)
        np.maximum(median, low, out=median)
        at = np.concatenate([self._newer_ns[s][None], block.line[:-1]])
        unknown = np.isnan(median)
        anchored = chain(at, np.where(np.isnan(self._young[s]), _UNSET, self._young_ns[s] + self._half[s]),
                         self._half[s], unknown if np.count_nonzero(unknown) else None)
        spans = Spans.cut(anchored)
        row, column = spans.start, spans.column
        begun = np.diff(column, prepend=-1) == 0  # pieces that begin with an anchor
        young = np.where(begun, median[row, column], self._young[s][column])
        young_ns = np.where(begun, at[row, column], self._young_ns[s][column])
        old = np.where(begun, np.roll(young, 1), self._old[s][column])
        old_ns = np.where(begun, np.roll(young_ns, 1), self._old_ns[s][column])
        piece = np.cumsum(anchored, axis=0) + spans.first
        rate = median - old[piece]
        rate *= NS
        rate /= at - old_ns[piece]
        last = spans.last
        self._old[s], self._old_ns[s] = old[last], old_ns[last]
        self._young[s], self._young_ns[s] = young[last], young_ns[last]
        self._before[s], self._newer[s], self._newer_ns[s] = value[-2], value[-1], block.line[-1]
        return rate

    def _count_unjudged(self) -> None:
        self._unjudged_count = np.count_nonzero(np.isnan(self._old) & self._watched)

    def _move_anchors(self, index, median, at) -> None:
        if self._is_all(index):
            self._old, self._young, self._old_ns, self._young_ns = self._young, self._old, self._young_ns, self._old_ns
        else:
            self._old[index], self._old_ns[index] = self._young[index], self._young_ns[index]
        self._young[index], self._young_ns[index] = median, at
        move = np.add(at, self._half[index], out=self._span[:median.shape[0]])
        if self._unjudged_count:
            move[np.isnan(median)] = _LONG_AGO
            self._count_unjudged()
        self._move_ns[index] = move
        self._next_ns = int(self._move_ns.min())


def rates(site: Site) -> list[Rate]:
    """One detector for both directions, unless a signal watches them over different windows."""
    used = {limit.condition for signal in site.signals for limit in signal.limits}
    directions = tuple(direction for direction in DIRECTIONS if direction in used)
    if all(len(_windows(signal)) <= 1 for signal in site.signals):
        return [Rate(site, directions)] if directions else []
    return [Rate(site, (direction,)) for direction in directions]


def _name(directions: tuple[Condition, ...]) -> str:
    return "rate " + " ".join(directions)


def _windows(signal: Signal) -> set[float]:
    return {_window_s(limit) for limit in signal.limits if limit.condition in DIRECTIONS}


def _window_s(limit: Limit) -> float:
    return limit.window_s or DEFAULT_WINDOW_S


def _sign(direction: Condition) -> float:
    return 1.0 if direction is Condition.RATE_UP else -1.0

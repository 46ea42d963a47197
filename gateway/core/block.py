"""A block of time: many rounds of the same signals, for detectors that can look at all of them at once."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gateway.core.rows import Rows, extremes, judged
from gateway.model.frame import Frame

_PLANES = ("value", "quality", "line", "wall", "good", "alarming", "answered", "silent")


@dataclass(slots=True)
class Block:
    """r rounds of k distinct signals, in order of time for each signal. Arrays have shape (r, k), C order, and are
    read-only by agreement.

    index, signal   of the k columns, as in Rows; the signal numbers ascend
    value, quality, line, wall, good, alarming   as in Rows, a line per round
    all_good        everything in it is good
    answered        bool or None (nowhere): as in Rows
    silent          bool or None (nowhere): the deadman of the signal stands after this round. Known once it was asked
    """

    index: slice | NDArray[np.int64]
    signal: NDArray[np.int64]
    value: NDArray[np.float64]
    quality: NDArray[np.uint16]
    line: NDArray[np.int64]
    wall: NDArray[np.int64]
    good: NDArray[np.bool_]
    alarming: NDArray[np.bool_]
    all_good: bool
    answered: NDArray[np.bool_] | None = None
    silent: NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        """Rounds."""
        return self.value.shape[0]

    @property
    def last_ns(self) -> int:
        """Newest line time."""
        return int(self.line[-1].max())

    def rows(self) -> Iterator[Rows]:
        """Round by round."""
        for at in range(len(self)):
            answered = None if self.answered is None else np.flatnonzero(self.answered[at])
            yield Rows(self.index, self.signal, self.value[at], self.quality[at], self.line[at], self.wall[at],
                       self.good[at], self.alarming[at], self.all_good or bool(self.good[at].all()),
                       *extremes(self.line[at]), answered if answered is not None and answered.size else None)

    def rounds(self, start: int, stop: int) -> Block:
        """Some of the rounds: a view."""
        if stop - start == len(self):
            return self
        part = replace(self, **{name: array[start:stop] for name in _PLANES
                                if (array := getattr(self, name)) is not None})
        part.all_good = self.all_good or bool(part.good.all())
        return part

    def columns(self, which: NDArray) -> Block:
        """A copy of these columns (bool or int array)."""
        which = np.flatnonzero(which) if which.dtype == np.bool_ else which
        signal = self.signal[which]
        good = self.good.take(which, axis=1)
        return Block(signal, signal, *(array.take(which, axis=1) for array in (self.value, self.quality, self.line,
                                                                               self.wall)),
                     good, self.alarming.take(which, axis=1), self.all_good or bool(good.all()),
                     *(None if array is None else array.take(which, axis=1) for array in (self.answered, self.silent)))

    def good_parts(self, watched: NDArray[np.bool_] | None = None) -> Iterator[Part]:
        """The good samples as blocks in which all is good: the columns without a gap, then each other one for itself.
        What one signal shows is no matter of the others, so that the order between them is free. watched: bool[n] over
        all signals: only these."""
        wanted = np.ones(self.signal.shape[0], np.bool_) if watched is None else watched[self.signal]
        whole = wanted if self.all_good else wanted & self.good.all(axis=0)
        every = np.arange(len(self))
        if whole.all():
            yield Part(self, every, np.arange(whole.size))
            return
        if np.count_nonzero(whole):
            yield Part(self.columns(whole), every, np.flatnonzero(whole))
        for column in np.flatnonzero(wanted & ~whole).tolist():
            good = np.flatnonzero(self.good[:, column])
            if good.size:
                part = self.columns(np.array([column]))
                yield Part(replace(part, **{name: getattr(part, name)[good] for name in _PLANES[:6]}, all_good=True,
                                   answered=None, silent=None), good, np.array([column]))


class Part(NamedTuple):
    """Some samples of a block, and in which of its rounds (int64[r]) and columns (int64[k]) they stand."""

    block: Block
    at: NDArray[np.int64]
    column: NDArray[np.int64]


class Spans(NamedTuple):
    """The columns of a block in pieces of time, column by column: int64[s] each, `start` and `stop` are rounds. The
    first piece of a column goes on with what was before the block and may be empty."""

    column: NDArray[np.int64]
    start: NDArray[np.int64]
    stop: NDArray[np.int64]

    @classmethod
    def cut(cls, begins: NDArray[np.bool_]) -> Spans:
        """begins: (r, k), a new piece begins with this round."""
        rounds, count = begins.shape
        column, at = np.nonzero(begins.T)
        place = np.arange(column.size) + column + 1  # behind the first pieces of this column and those before
        start = np.zeros(column.size + count, np.int64)
        start[place] = at
        own = np.zeros(start.size, np.int64)
        own[place] = column
        first = np.flatnonzero(~_marked(place, start.size))
        own[first] = np.arange(count)
        stop = np.append(start[1:], rounds)
        stop[first[1:] - 1] = rounds
        return cls(own, start, stop)

    @property
    def first(self) -> NDArray[np.int64]:
        """Places of the first pieces."""
        return np.flatnonzero(np.diff(self.column, prepend=-1))

    @property
    def last(self) -> NDArray[np.int64]:
        return np.flatnonzero(np.diff(self.column, append=-1))

    def sums(self, value: NDArray[np.float64], before: NDArray[np.float64]) -> NDArray[np.float64]:
        """The sum of every piece, added in order of time, so that it rounds as if the samples had come one by one.
        value: (r, k); before: float64[k], sums so far of the first pieces."""
        total = np.zeros(self.start.size)
        total[self.first] = before
        length = self.stop - self.start
        scale = np.frexp(length)[1]  # pieces of like length are added together
        for size in np.unique(scale[length > 0]).tolist():
            own = np.flatnonzero(scale == size)
            at = self.start[own] + np.arange(int(length[own].max()))[:, None]
            terms = np.zeros((len(at) + 1, max(own.size, 2)))  # numpy adds a lone column in another order
            terms[0, :own.size] = total[own]
            np.copyto(terms[1:, :own.size], value[np.minimum(at, len(value) - 1), self.column[own]],
                      where=at < self.stop[own])
            total[own] = np.add.reduce(terms, axis=0)[:own.size]
        return total


def chain(line: NDArray[np.int64], first_ns: NDArray[np.int64], every_ns: NDArray[np.int64],
          again: NDArray[np.bool_] | None = None) -> NDArray[np.bool_]:
    """bool(r, k): the first round at or after `first_ns`, then the first one `every_ns` or more after that, and so on.
    line: int64(r, k), ascending; first_ns, every_ns: int64[k]. again: bool(r, k), rounds that are followed by the next
    one whatever its time."""
    found = np.zeros(line.shape, np.bool_)
    for column in range(line.shape[1]):
        if column and again is None and first_ns[column] == first_ns[column - 1] and (
                every_ns[column] == every_ns[column - 1] and (line[:, column] == line[:, column - 1]).all()):
            found[:, column] = found[:, column - 1]  # one device
            continue
        times, every, marks = line[:, column].tolist(), int(every_ns[column]), []
        at = bisect_left(times, int(first_ns[column]))
        while at < len(times):
            marks.append(at)
            if again is not None and again[at, column]:
                at += 1
            else:
                at = bisect_left(times, times[at] + every, at + 1)
        found[marks, column] = True
    return found


def blocks(frame: Frame, signals: int) -> Iterator[Block]:
    """The frame cut into blocks: the rounds 1..a that all of its signals take part in, then the rounds a+1..b of those
    that have more, and so on. No sample is late."""
    row, order, start, counts = _by_signal(frame, signals)
    done = 0
    for count in np.unique(counts).tolist():
        has = np.flatnonzero(counts >= count)
        place = order[start[has] + np.arange(done, count)[:, None]]
        value, quality, good, alarming, all_good = judged(frame.value[place], frame.quality[place])
        signal = row[has]
        first, size = int(signal[0]), signal.shape[0]
        index = slice(first, first + size) if int(signal[-1]) - first == size - 1 else signal
        yield Block(index, signal, value, quality, frame.line_ns[place], frame.wall_ns[place], good, alarming, all_good)
        done = count


def held(begins: NDArray[np.bool_], ends: NDArray[np.bool_], before: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The state after each round, (r, k), of something that begins and ends so, whatever it was; `before`: at first.

    >>> [one, two] = np.array([[0, 1, 0, 0, 0], [0, 0, 0, 1, 0]], np.bool_)
    >>> held(one[:, None], two[:, None], np.array([True]))[:, 0].tolist()
    [True, True, True, False, False]
    """
    round_ = np.arange(1, len(begins) + 1)[:, None]
    said = np.maximum.accumulate(np.where(begins | ends, round_, 0), axis=0)
    states = np.concatenate([before[None], begins])
    return np.take_along_axis(states, said, axis=0)


def timely(frame: Frame, newest_ns: NDArray[np.int64]) -> Frame:
    """Without the rows that are older than a sample of their signal before them, in the frame or (newest_ns: int64[n])
    before it."""
    signal, order, start, counts = _by_signal(frame, newest_ns.shape[0])
    line = frame.line_ns[order]
    late = np.zeros(line.shape[0], np.bool_)
    np.less(line[1:], line[:-1], out=late[1:])
    late[start] = line[start] < newest_ns[signal]
    if not np.count_nonzero(late):
        return frame
    for column in np.flatnonzero(np.add.reduceat(late, start)).tolist():
        own = slice(start[column], start[column] + counts[column])
        before = np.maximum.accumulate(np.r_[newest_ns[signal[column]], line[own][:-1]])
        late[own] = line[own] < before
    kept = np.empty(late.shape[0], np.bool_)
    kept[order] = ~late
    return frame.take(kept)


def _marked(place: NDArray[np.int64], size: int) -> NDArray[np.bool_]:
    marked = np.zeros(size, np.bool_)
    marked[place] = True
    return marked


def _by_signal(frame: Frame, signals: int) -> tuple[NDArray[np.int64], ...]:
    """(signal numbers, ascending; order of the rows by signal and then as they come; where in it each signal starts,
    and how many rows it has)."""
    narrow = np.uint8 if signals <= 1 << 8 else np.uint16 if signals <= 1 << 16 else np.int32  # sorted by radix
    ranked = frame.signal.astype(narrow)
    order = np.argsort(ranked, kind="stable")
    counts = np.bincount(frame.signal, minlength=1)
    signal = np.flatnonzero(counts)
    counts = counts[signal]
    return signal, order, np.cumsum(counts) - counts, counts

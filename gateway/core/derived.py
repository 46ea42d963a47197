"""Signals that no device gives: made from the newest samples of others, and then judged like any other.

An instant is complete when all that was received at it has gone through the detectors. Then every derived signal of
which an input came gets a sample of its own, stamped like its newest input, and that goes through the same detectors;
and so on, level by level, until no derived signal has news. A limit, a trend or a rule on a derived signal needs to
know nothing of this.

Stateless, but for load states: what is made follows from `latest` alone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.core.block import Block
from gateway.core.detectors.deadman import longest_silence_ns
from gateway.core.detectors.load import Loads
from gateway.core.expressions import Formula, Known, shape
from gateway.core.latest import Latest
from gateway.core.rows import CODE, FLAGS, SEVERITY, Rows
from gateway.model.expression import Expression, levels
from gateway.model.frame import Frame
from gateway.model.learnt import LoadState
from gateway.model.quality import Quality
from gateway.model.signal import SignalTable
from gateway.model.site import Site

_MANY = 64  # rows of inputs; for fewer, instant by instant is as fast
_STALE = np.uint16(Quality.UNCERTAIN_STALE)


@dataclass(frozen=True, slots=True)
class Sight:
    """What a producer of m signals sees at one instant. Its inputs stand in one row, those of the first signal first.

    due    bool[m]     an input of this signal came at this instant
    line   int64[m]    of its newest input
    value  float64[k]  of each input, the newest one
    code   uint16[k]   its effective quality without flags; UNCERTAIN_STALE where it is good and older than its deadman
    """

    due: NDArray[np.bool_]
    line: NDArray[np.int64]
    value: NDArray[np.float64]
    code: NDArray[np.uint16]


class Producer(ABC):
    """Makes the samples of some signals out of those of others. It is asked at every instant at which one is due.

    signals    numbers of the m signals that it makes
    inputs     of each of them, the numbers of the signals that it needs
    """

    name: str

    def __init__(self, signals: Sequence[int], inputs: Sequence[Sequence[int]]):
        self.signals, self.inputs = tuple(signals), tuple(map(tuple, inputs))

    @abstractmethod
    def make(self, sight: Sight) -> Known:
        """Values and quality codes of all m signals; what is made for one that is not due is not used."""


class Timeless(Producer):
    """What it makes at one instant does not depend on what it made before: many instants can be made at once."""

    @abstractmethod
    def over(self, known: Sequence[Known], counts: NDArray[np.int64]) -> list[Known]:
        """`make` for each signal at instants of its own; `counts` of them. known: of each of the k inputs, at those."""


class Expressions(Timeless):
    """Signals by expressions (gateway.core.expressions), evaluated together where they have one shape."""

    name = "derived"

    def __init__(self, signals: Sequence[int], expressions: Sequence[Expression], table: SignalTable):
        super().__init__(signals, [[table.index(name) for name in expression.inputs] for expression in expressions])
        self._formulas: list[tuple[NDArray[np.int64], Formula]] = []
        starts = np.cumsum([0, *(len(expression.inputs) for expression in expressions)]).tolist()
        alike: dict[object, list[int]] = {}
        for number, expression in enumerate(expressions):
            alike.setdefault(shape(expression.root), []).append(number)
        for numbers in alike.values():
            places = [[starts[number] + expressions[number].inputs.index(reading.signal)
                       for reading in expressions[number].readings()] for number in numbers]
            self._formulas.append((np.array(numbers), Formula([expressions[number] for number in numbers], places)))

    def make(self, sight: Sight) -> Known:
        value, code = np.empty(sight.due.shape), np.empty(sight.due.shape, np.uint16)
        for numbers, formula in self._formulas:
            if np.count_nonzero(sight.due[numbers]):
                value[numbers], code[numbers] = formula.values(sight.value, sight.code)
        return value, code

    def over(self, known: Sequence[Known], counts: NDArray[np.int64]) -> list[Known]:
        made: dict[int, Known] = {}
        for numbers, formula in self._formulas:
            ends = np.cumsum(counts[numbers])[:-1]
            columns = (np.split(column, ends) for column in formula.over(known, counts[numbers]))
            made.update(zip(numbers.tolist(), zip(*columns, strict=True), strict=True))
        return [made[number] for number in range(len(counts))]


class States(Producer):
    """Load states (gateway.core.detectors.load). Unlike an expression they remember: a state is left later than it is
    entered. What they remember is kept with what was learnt of the load."""

    name = "load state"

    def __init__(self, signals: Sequence[int], states: Sequence[LoadState], table: SignalTable, loads: Loads):
        super().__init__(signals, [[table.index(state.load)] for state in states])
        self._loads, self._load = loads, np.array([load for (load,) in self.inputs], np.int64)

    def make(self, sight: Sight) -> Known:
        return self._loads.states(self._load, sight.due, sight.value, sight.code)


class Derived:
    """The derived signals of a site. Per instant: `hear` each round, then `make` each level (see Bank)."""

    def __init__(self, site: Site, latest: Latest, loads: Loads | None = None):
        """loads: needed where there are load states."""
        count = len(site.signals)
        self._latest = latest
        self.levels: tuple[Level, ...] = tuple(Level(producer, site, latest) for producer in _producers(site, loads))
        gates = {limit.only_while.signal for signal in site.signals for limit in signal.limits if limit.only_while}
        self._at_once = all(level.timeless for level in self.levels) and not any(
            site.signal(gate).derived for gate in gates)
        self._past: Past | None = None  # of the frame in hand, where it is long
        self._is_derived = np.array([signal.derived is not None for signal in site.signals], np.bool_)
        self._is_input = np.zeros(count, np.bool_)
        for level in self.levels:
            self._is_input[level.inputs] = True
        self._heard = np.zeros(count, np.bool_)  # at this instant
        self._made: list[Frame] = []

    def start(self, frame: Frame) -> Frame:
        """A step begins. The frame without samples of derived signals: only what is made here counts, or a recording
        that holds what was made once would be judged twice."""
        self._made = []
        self.settled()  # should the last step not have come to its end
        foreign = self._is_derived.take(frame.signal)
        return frame.take(~foreign) if np.count_nonzero(foreign) else frame

    @property
    def made(self) -> Frame:
        """Every sample that was made since `start`, in order."""
        return Frame.concat(self._made) if self._made else Frame.empty()

    def cut(self, frame: Frame) -> list[Frame]:
        """The frame in pieces in order of time: each ends with the samples of an instant at which an input came. Of a
        long frame all instants are made at once, unless some signal remembers, or is the gate of a limit: that gate
        must have moved before what comes at the next instant."""
        line = frame.line_ns[self._is_input.take(frame.signal)]
        if not line.size or line.min() == line.max():
            return [frame]
        if self._at_once and line.size > _MANY:
            self._past = Past(self._latest, self._is_input)
            return [frame]
        order = np.argsort(frame.line_ns, kind="stable")
        ends = np.searchsorted(frame.line_ns[order], np.unique(line), side="right")
        return [frame.take(rows) for rows in np.split(order, ends[:-1])]

    def hear(self, rows: Rows | Block) -> None:
        """A round, or a block of them, has gone into `latest`."""
        if self._past is not None:
            self._past.take(rows)
        else:
            self._heard[rows.index] = True

    def make(self, level: Level) -> Frame | None:
        """The samples of this level that are due. None: there are none."""
        made = level.make(self._heard) if self._past is None else level.look_back(self._past)
        if made is not None:
            self._made.append(made)
        return made

    def settled(self) -> None:
        """The instant is complete, or all instants of a long frame are."""
        self._heard.fill(False)
        self._past = None


class Past:
    """What came of the inputs in the course of a long frame, and what was known of them before."""

    def __init__(self, latest: Latest, used: NDArray[np.bool_]):
        self._used = used
        self._before = [column.copy() for column in (latest.line_ns, latest.wall_ns, latest.value, latest.quality)]
        self._parts: list[tuple] = []
        self._series: dict[int, tuple] = {}

    def take(self, rows: Rows | Block) -> None:
        """Rows of one signal come in order of time."""
        column = np.flatnonzero(self._used[rows.signal])
        if column.size:
            planes = [plane.reshape(-1, rows.signal.shape[0])[:, column]
                      for plane in (rows.line, rows.wall, rows.value, rows.quality)]
            self._parts.append((np.broadcast_to(rows.signal[column], planes[0].shape), *planes))

    def of(self, signal: int) -> tuple[NDArray, ...]:
        """line, wall, value, quality of one signal: what was known before, then each of its samples."""
        if self._parts:
            signals, *columns = (np.concatenate([plane.reshape(-1) for plane in part])
                                 for part in zip(*self._parts, strict=True))
            self._parts = []
            order = np.argsort(signals, kind="stable")
            numbers, starts = np.unique(signals[order], return_index=True)
            for number, rows in zip(numbers.tolist(), np.split(order, starts[1:]), strict=True):
                known = self._series.get(number) or tuple(before[number:number + 1] for before in self._before)
                self._series[number] = tuple(np.concatenate([old, new[rows]])
                                             for old, new in zip(known, columns, strict=True))
        return self._series.get(signal) or tuple(before[signal:signal + 1] for before in self._before)


class Level:
    """One producer: which of its signals are due, and the stamps of their samples."""

    def __init__(self, producer: Producer, site: Site, latest: Latest):
        self.name, self.timeless = producer.name, isinstance(producer, Timeless)
        self._producer, self._latest = producer, latest
        self._signal = np.array(producer.signals, np.int32)
        self.inputs = np.array([number for inputs in producer.inputs for number in inputs], np.int64)
        sizes = [len(inputs) for inputs in producer.inputs]
        self._starts = np.cumsum([0, *sizes[:-1]])
        self._owner = np.repeat(np.arange(len(sizes)), sizes)  # of each input: the signal that needs it
        silence = [min(longest_silence_ns(site.signal(name))
                       for name in (site.signals[number].id, *site.signals.measured(site.signals[number].id)))
                   for number in self.inputs.tolist()]
        self._silence = np.array(silence, np.int64)  # a derived input without a deadman has those of what it is made of

    def make(self, heard: NDArray[np.bool_]) -> Frame | None:
        due = np.logical_or.reduceat(heard[self.inputs], self._starts)
        if not np.count_nonzero(due):
            return None
        latest, inputs = self._latest, self.inputs
        line, quality = latest.line_ns[inputs], latest.quality[inputs]
        newest = np.maximum.reduceat(line, self._starts)
        behind = newest[self._owner] - line
        stale = ((quality & SEVERITY) == 0) & (behind >= self._silence)
        value, code = self._producer.make(Sight(due, newest, latest.value[inputs],
                                                np.where(stale, _STALE, quality & CODE)))
        wall = np.where(behind == 0, latest.wall_ns[inputs], np.iinfo(np.int64).min)
        flags = np.where(behind == 0, quality & FLAGS, np.uint16(0))
        row = np.flatnonzero(due)
        return Frame.from_columns(self._signal[row], value[row],
                                  code[row] | np.bitwise_or.reduceat(flags, self._starts)[row],
                                  np.maximum.reduceat(wall, self._starts)[row], newest[row])

    def look_back(self, past: Past) -> Frame | None:
        """`make`, for every instant of a long frame."""
        stamps, known = [], []
        for inputs, silence in zip(np.split(self.inputs, self._starts[1:]), np.split(self._silence, self._starts[1:]),
                                   strict=True):
            series = [past.of(number) for number in inputs.tolist()]
            at = np.unique(np.concatenate([line[1:] for line, *_ in series]))
            places = [np.searchsorted(line[1:], at, side="right") for line, *_ in series]
            line, wall, value, quality = (
                np.stack([column[place] for column, place in zip(columns, places, strict=True)])
                for columns in zip(*series, strict=True))
            newest = line.max(axis=0)
            behind = newest - line
            stale = ((quality & SEVERITY) == 0) & (behind >= silence[:, None])
            known += zip(value, np.where(stale, _STALE, quality & CODE), strict=True)
            wall = np.where(behind == 0, wall, np.iinfo(np.int64).min).max(axis=0)
            stamps.append((wall, newest, np.bitwise_or.reduce(np.where(behind == 0, quality & FLAGS, np.uint16(0)))))
        counts = np.array([newest.shape[0] for _, newest, _ in stamps])
        if not np.count_nonzero(counts):
            return None
        value, code = (np.concatenate(column) for column in zip(*self._producer.over(known, counts), strict=True))
        wall, newest, flags = (np.concatenate(column) for column in zip(*stamps, strict=True))
        return Frame.from_columns(np.repeat(self._signal, counts), value, code | flags, wall, newest)


def _producers(site: Site, loads: Loads | None) -> Iterator[Producer]:
    """Each after those whose signals it needs. A circle is refused when the site file is read."""
    table = site.signals
    derived = {signal.id: signal.derived for signal in table if signal.derived is not None}
    for level in levels({name: one.inputs for name, one in derived.items()}):
        states = [name for name in level if isinstance(derived[name], LoadState)]
        expressions = [name for name in level if name not in states]
        if expressions:
            yield Expressions([table.index(name) for name in expressions], [derived[name] for name in expressions],
                              table)
        if states:
            assert loads is not None, "the bank sees to that"
            yield States([table.index(name) for name in states], [derived[name] for name in states], table, loads)

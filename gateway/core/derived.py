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

from gateway.core.detectors.deadman import longest_silence_ns
from gateway.core.detectors.load import Loads
from gateway.core.expressions import Formula, Known, shape
from gateway.core.latest import Latest
from gateway.core.rows import CODE, FLAGS, SEVERITY, Rows
from gateway.model.expression import Expression, levels
from gateway.model.frame import Frame
from gateway.model.quality import Quality
from gateway.model.signal import LoadState, SignalTable
from gateway.model.site import Site

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

    signals   numbers of the m signals that it makes
    inputs    of each of them, the numbers of the signals that it needs
    """

    name: str

    def __init__(self, signals: Sequence[int], inputs: Sequence[Sequence[int]]):
        self.signals, self.inputs = tuple(signals), tuple(map(tuple, inputs))

    @abstractmethod
    def make(self, sight: Sight) -> Known:
        """Values and quality codes of all m signals; what is made for one that is not due is not used."""


class Expressions(Producer):
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
        foreign = self._is_derived.take(frame.signal)
        return frame.take(~foreign) if np.count_nonzero(foreign) else frame

    @property
    def made(self) -> Frame:
        """Every sample that was made since `start`, in order."""
        return Frame.concat(self._made) if self._made else Frame.empty()

    def cut(self, frame: Frame) -> list[Frame]:
        """The frame in pieces in order of time: each ends with the samples of an instant at which an input came."""
        line = frame.line_ns[self._is_input.take(frame.signal)]
        if not line.size or line.min() == line.max():
            return [frame]
        order = np.argsort(frame.line_ns, kind="stable")
        ends = np.searchsorted(frame.line_ns[order], np.unique(line), side="right")
        return [frame.take(rows) for rows in np.split(order, ends[:-1])]

    def hear(self, rows: Rows) -> None:
        """A round has gone into `latest`."""
        self._heard[rows.index] = True

    def make(self, level: Level) -> Frame | None:
        """The samples of this level that are due. None: there are none."""
        made = level.make(self._heard)
        if made is not None:
            self._made.append(made)
        return made

    def settled(self) -> None:
        """The instant is complete."""
        self._heard.fill(False)


class Level:
    """One producer: which of its signals are due, and the stamps of their samples."""

    def __init__(self, producer: Producer, site: Site, latest: Latest):
        self.name = producer.name
        self._producer, self._latest = producer, latest
        self._signal = np.array(producer.signals, np.int32)
        self.inputs = np.array([number for inputs in producer.inputs for number in inputs], np.int64)
        sizes = [len(inputs) for inputs in producer.inputs]
        self._starts = np.cumsum([0, *sizes[:-1]])
        self._owner = np.repeat(np.arange(len(sizes)), sizes)  # of each input: the signal that needs it
        silence = [min(longest_silence_ns(site.signals[site.signals.index(name)])
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

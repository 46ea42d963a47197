"""How much a test of a rule is known: truth with quality, for many tests at once."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from gateway.core.block import Block
from gateway.core.latest import Latest
from gateway.core.rows import BAD, CODE, SEVERITY
from gateway.model.quality import Quality
from gateway.model.rules import OPERATORS, Test
from gateway.model.signal import Signal, SignalTable


class Truth(IntEnum):
    WAITING = 0  # never heard of
    UNKNOWN = 1  # bad, silent for longer than its deadman, or uncertain and not true
    FALSE = 2  # good evidence that it is not so
    LIKELY = 3  # uncertain, stale, or gas beyond its range, and true: may begin something, proves nothing
    TRUE = 4  # good evidence


TRUTHS = tuple(Truth)  # by number; an enumeration takes ten times as long to look one up


_TRUTH = np.array([(Truth.FALSE, Truth.TRUE), (Truth.UNKNOWN, Truth.LIKELY), *2 * [(Truth.UNKNOWN, Truth.UNKNOWN)]],
                  np.int8)  # by severity, by whether the test holds


class Tests:
    """m tests against the latest samples, in one sweep."""

    __test__ = False  # not a pytest class

    def __init__(self, tests: Sequence[Test], signals: SignalTable, latest: Latest, silent: NDArray[np.bool_]):
        self._latest, self._silent = latest, silent
        self.signal = np.array([signals.index(test.signal) for test in tests], np.int64)
        self._top = np.array([_top(test, signals[signals.index(test.signal)]) for test in tests])
        self._against = np.array([test.value for test in tests])
        self._by_operator = [(compare, np.array([row for row, test in enumerate(tests) if test.op == op]))
                             for op, compare in OPERATORS.items() if any(test.op == op for test in tests)]

    def hold(self, test: NDArray[np.int64], value: NDArray[np.float64]) -> NDArray[np.bool_]:
        """bool[k]: what these tests (by number) would say of these values, whatever their quality."""
        holds = np.empty(value.shape, np.bool_)
        for compare, where in self._by_operator:
            chosen = np.isin(test, where)
            holds[chosen] = compare(value[chosen], self._against[test[chosen]])
        return holds

    def truth(self) -> NDArray[np.int8]:
        """int8[m] of Truth, from the latest sample of each signal and the deadman."""
        return self._truth(self._latest.value[self.signal], self._latest.quality[self.signal],
                           self._silent[self.signal])

    def over(self, block: Block) -> tuple[NDArray, ...]:
        """(truth, line, wall, value) after each round of a block that is already the latest: (r, m) each."""
        place = np.minimum(np.searchsorted(block.signal, self.signal), block.signal.size - 1)
        test = np.flatnonzero(block.signal[place] == self.signal)
        column = place[test]

        def spread(known: NDArray, rounds: NDArray | None) -> NDArray:
            array = np.repeat(known[self.signal][None], len(block), axis=0)
            array[:, test] = False if rounds is None else rounds[:, column]
            return array

        value = spread(self._latest.value, block.value)
        truth = self._truth(value, spread(self._latest.quality, block.quality), spread(self._silent, block.silent))
        return truth, spread(self._latest.line_ns, block.line), spread(self._latest.wall_ns, block.wall), value

    def _truth(self, value: NDArray[np.float64], quality: NDArray[np.uint16],
               silent: NDArray[np.bool_]) -> NDArray[np.int8]:
        holds = np.empty(value.shape, np.bool_)
        for compare, where in self._by_operator:
            holds[..., where] = compare(value[..., where], self._against[where])
        truth = _TRUTH[(quality & SEVERITY) >> 6, holds.view(np.uint8)]
        if np.count_nonzero(quality & BAD):
            code = quality & CODE
            truth[code == Quality.BAD_WAITING] = Truth.WAITING
            out_of_range = (code == Quality.BAD_RANGE) | (code == Quality.BAD_SENSOR)
            truth[out_of_range & (value >= self._top) & holds] = Truth.LIKELY
        if np.count_nonzero(silent):
            truth[silent] = Truth.UNKNOWN
        return truth


def _top(test: Test, signal: Signal) -> float:
    """A gas reading of at least this is danger though it is out of range, as for limits; NaN: no such thing here."""
    top = signal.gas and signal.high is not None and test.op in (">", ">=")
    return signal.high if top else np.nan  # type: ignore[return-value]

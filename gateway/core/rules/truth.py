"""How much a test of a rule is known: truth with quality, for many tests at once."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from gateway.core.latest import Latest
from gateway.core.rows import BAD, CODE, SEVERITY
from gateway.model.quality import Quality
from gateway.model.rules import OPERATORS, Test
from gateway.model.signal import SignalTable


class Truth(IntEnum):
    WAITING = 0  # never heard of
    UNKNOWN = 1  # bad, silent for longer than its deadman, or uncertain and not true
    FALSE = 2  # good evidence that it is not so
    LIKELY = 3  # uncertain or stale, and true: may begin something, proves nothing
    TRUE = 4  # good evidence


class Tests:
    """m tests against the latest samples, in one sweep."""

    __test__ = False  # not a pytest class

    def __init__(self, tests: Sequence[Test], signals: SignalTable, latest: Latest, silent: NDArray[np.bool_]):
        self._latest, self._silent = latest, silent
        self.signal = np.array([signals.index(test.signal) for test in tests], np.int64)
        self._against = np.array([test.value for test in tests])
        ops = np.array([test.op for test in tests])
        self._by_operator = [(compare, np.flatnonzero(ops == op)) for op, compare in OPERATORS.items() if op in ops]

    def truth(self) -> NDArray[np.int8]:
        """int8[m] of Truth, from the latest sample of each signal and the deadman."""
        value, quality = self._latest.value[self.signal], self._latest.quality[self.signal]
        holds = np.empty(value.shape[0], np.bool_)
        for compare, where in self._by_operator:
            holds[where] = compare(value[where], self._against[where])
        severity = quality & SEVERITY
        doubtful = np.where(holds & (severity < BAD), Truth.LIKELY, Truth.UNKNOWN)
        truth = np.where(severity == 0, Truth.FALSE + 2 * holds, doubtful)
        truth[(quality & CODE) == Quality.BAD_WAITING] = Truth.WAITING
        truth[self._silent[self.signal]] = Truth.UNKNOWN
        return truth.astype(np.int8)

"""Is the plant in a certain state, by the newest samples?"""

from __future__ import annotations

from gateway.core.gates import HOLD_S
from gateway.core.latest import Latest
from gateway.model.clock import NS, Instant
from gateway.model.quality import is_good
from gateway.model.rules import OPERATORS, Test
from gateway.model.signal import SignalTable


class Plant:
    """What is bad, uncertain, stale, silent for its deadman (60 s where it has none) or never heard of is not true."""

    def __init__(self, signals: SignalTable, latest: Latest):
        self._signals, self._latest = signals, latest

    def true(self, test: Test, now: Instant) -> bool:
        number, latest = self._signals.index(test.signal), self._latest
        hold_s = self._signals[number].deadman_s or HOLD_S
        return bool(is_good(latest.quality[number]) and now.line_ns - latest.line_ns[number] < hold_s * NS
                    and OPERATORS[test.op](latest.value[number], test.value))

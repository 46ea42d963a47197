"""A record that may lack its end: the life before did not stop in good order (killed, power cut, or a disk that took
nothing to the last).

What happened in the hole was told to people, marked "not recorded", and the file does not know it. A P1 that stands in
the file may have ended and begun again meanwhile: people believe it over, and its acknowledgement was of another
occurrence. So each P1 that stood and still stands `AFTER_S` after the start, when live samples have had their say, is
told once more. A gateway that was stopped in good order has said so in the last row of its journal, and repeats
nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Final

from alerting.engine import AlarmState
from alerting.ledger import RUN, Record
from alerting.message import RECALL, Again
from alerting.wording import lasting
from gateway.model.alarm import AlarmTable, Priority
from gateway.model.clock import NS, Instant
from gateway.model.text import Text

AFTER_S: Final = 10.0


def stopped(at: Instant) -> Record:
    """The last word of a gateway that stops in good order."""
    return Record(RUN, "", at.wall_ns, {"act": "stopped", "line_ns": at.line_ns})


class Gap:
    """Which alarms are to be told again. state: of the engine."""

    def __init__(self, alarms: AlarmTable, state: Callable[[str], AlarmState]):
        self._alarms, self._state = alarms, state
        self._stood: dict[str, int] = {}  # alarm -> its occurrence
        self._begun_ns = self._due_ns = 0

    def begin(self, standing: Iterable[AlarmState], told: Collection[str], now: Instant) -> None:
        """At the start. told: those that this start has told again already."""
        self._begun_ns, self._due_ns = now.line_ns, now.line_ns + round(AFTER_S * NS)
        self._stood = {known.alarm: known.occurrence for known in standing
                       if known.state.condition and known.alarm not in told
                       and self._alarms.get(known.alarm).priority is Priority.P1}

    def due(self, now: Instant) -> list[AlarmState]:
        """Once: what still stands, and nobody was told of since the start."""
        if not self._stood or now.line_ns < self._due_ns:
            return []
        stood, self._stood = self._stood, {}
        return [known for known in map(self._state, stood) if known.state.condition
                and known.occurrence == stood[known.alarm] and known.called_line_ns < self._begun_ns]


def again(known: AlarmState, now: Instant) -> Again:
    return Again(RECALL, Text(
        "The gateway was interrupted, the record before may not be complete. Raised {age} ago.",
        "网关曾异常中断，此前的记录可能不完整。报警发生于 {age}前。").format(
        age=lasting((now.line_ns - known.raised_line_ns) / NS)))

"""Re-alarm: an alarm that stands and that nobody has acknowledged calls again, for as long as that lasts.

Judged on the time line, from the last call of the same occurrence, so it goes on over a restart. While an overlay
withholds an alarm it is not reminded of; the end of the overlay calls. An acknowledged alarm that stands is told again
only where the site asks for it: it stays acknowledged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from alerting.engine import NEVER, TOLD, AlarmState
from alerting.lifecycle import Effect
from gateway.model.alarm import AlarmDefinition, Priority
from gateway.model.clock import NS

_EVERY = MappingProxyType({Priority.P1: 300.0, Priority.P2: 1800.0, Priority.P3: 8 * 3600.0})


@dataclass(frozen=True, slots=True)
class ReAlarm:
    """Seconds by priority. unacknowledged: nothing where somebody else calls again, as an escalation does.
    acknowledged: none by default."""

    unacknowledged: Mapping[Priority, float] = field(default_factory=lambda: _EVERY)
    acknowledged: Mapping[Priority, float] = field(default_factory=dict)

    def is_due(self, alarm: AlarmDefinition, known: AlarmState, now_line_ns: int) -> bool:
        if not known.state.active or alarm.priority > TOLD[Effect.RE_ALARM]:
            return False
        every = (self.unacknowledged if known.state.waits else self.acknowledged).get(alarm.priority)
        last = known.raised_line_ns if known.called_line_ns == NEVER else known.called_line_ns
        return every is not None and now_line_ns - last >= every * NS

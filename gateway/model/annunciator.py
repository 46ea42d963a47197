"""Sirens and beacons: which alarms drive them, and how long."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gateway.model.alarm import AlarmDefinition, Priority
from gateway.model.text import Text


class Until(StrEnum):
    """How long an alarm drives an annunciator."""

    ACKNOWLEDGED = "acknowledged"  # until a person has taken it, also when its condition has ended: a siren
    ENDED = "ended"  # while it is active, also when somebody has taken it: a beacon


@dataclass(frozen=True, slots=True)
class Annunciator:
    """One siren or beacon on a contact of a relay.

    output      id of the contact at its driver
    areas       only alarms of these; empty: of all
    longest_s   an alarm drives it at most so long, counted from when it was raised; the next alarm drives it again
    """

    id: str
    name: Text
    output: str
    priorities: frozenset[Priority] = frozenset({Priority.P1})
    areas: frozenset[str] = frozenset()
    until: Until = Until.ACKNOWLEDGED
    longest_s: float = 600.0

    def hears(self, alarm: AlarmDefinition) -> bool:
        return alarm.priority in self.priorities and (not self.areas or alarm.area in self.areas)

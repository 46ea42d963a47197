"""How a vote is told that stands although no member has voted: too many of them are lost, and nobody knows."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from gateway.model.advice import catalogue
from gateway.model.alarm import AlarmDefinition
from gateway.model.guidance import Guidance

LOST: Final = "vote lost"  # in the catalogue


def as_told(alarm: AlarmDefinition, value: float) -> AlarmDefinition:
    """The alarm in the words for what raised it; its id and all else stay. value: of its state, the votes of a vote."""
    if not alarm.lost.en or value != 0:
        return alarm
    contact = {name: part for name, part in Guidance.of(alarm.guidance).parts.items() if name in ("contact", "card")}
    return replace(alarm, name=alarm.lost, guidance=catalogue()[LOST].over(Guidance.from_parts(contact)))

"""Signals that belong to one machine and are watched together."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.model.alarm import Priority, Risk
from gateway.model.text import Text


@dataclass(frozen=True, slots=True)
class Group:
    """Learn at commissioning how these signals behave, and say when any of them leaves it. See gateway.core.group.

    signals   ids, at least two
    every_s   means over this time are learnt and judged, not single samples
    learn_s   commissioning: so much time with good values of all members is learnt from, once, and then nothing more
    hold_s    an alarm stands at least this long
    after_s   what is left of a fault that has ended (a warm motor) is borne so long before it is an alarm again
    blunt     how many times the bound a deviation must be
    risk      yellow or blue, priority P3 or P4: statistics alone are no evidence of danger
    """

    id: str
    name: Text
    area: str
    signals: tuple[str, ...]
    every_s: float = 60.0
    learn_s: float = 86400.0
    hold_s: float = 300.0
    after_s: float = 3600.0
    blunt: float = 1.0
    priority: Priority = Priority.P4
    risk: Risk = Risk.BLUE

    def __post_init__(self) -> None:
        if self.risk not in (Risk.YELLOW, Risk.BLUE) or self.priority < Priority.P3:
            raise ValueError("a statistical anomaly is never above yellow, nor more urgent than P3")
        if len(set(self.signals)) < max(len(self.signals), 2):
            raise ValueError(f"{self.id}: a group needs two signals or more, each once")

"""The parts of a site, and how the alarms of one add up."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.model.alarm import Risk
from gateway.model.text import Text


@dataclass(frozen=True, slots=True)
class Area:
    """A part of the site: a tank farm, a pump house, a gas zone. escalation None: its alarms are not added up."""

    id: str
    name: Text
    escalation: Escalation | None = None


@dataclass(frozen=True, slots=True)
class Escalation:
    """So many points of one kind at a level of risk, or above it, put their area one level higher (in the manner of
    GB 39496: 4 blue make yellow, 3 yellow make orange, 2 orange make red). See gateway.core.risk."""

    blue: int = 4
    yellow: int = 3
    orange: int = 2

    @property
    def steps(self) -> tuple[tuple[Risk, int, Risk], ...]:
        """(points at this level, how many, the level that they make), from the lowest."""
        return ((Risk.BLUE, self.blue, Risk.YELLOW), (Risk.YELLOW, self.yellow, Risk.ORANGE),
                (Risk.ORANGE, self.orange, Risk.RED))

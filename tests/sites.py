"""Small sites for tests that need one, without going through a site file."""

from __future__ import annotations

from gateway.model.alarm import Priority, Risk
from gateway.model.area import Area
from gateway.model.condition import Condition
from gateway.model.signal import Limit, Signal, SignalTable
from gateway.model.site import Site
from gateway.model.text import Text


def gas(name: str, area: str = "tank_farm", **more) -> Signal:
    """A combustible-gas detector, 0..100 %LEL, with level 1 and level 2."""
    limits = (Limit(Condition.HIGH, 20.0, Priority.P2, Risk.ORANGE, deadband=2.0),
              Limit(Condition.HIGH_HIGH, 40.0, Priority.P1, Risk.RED, deadband=2.0))
    settings = {"low": 0.0, "high": 100.0, "gas": True, "deadman_s": 5.0, "limits": limits,
                "fault_priority": Priority.P2} | more
    return Signal(name, Text("gas", "可燃气体"), "combustible_gas", "%LEL", area, **settings)


def site(*signals: Signal, rules=()) -> Site:
    areas = tuple(Area(area, Text(area.replace("_", " "), area)) for area in dict.fromkeys(s.area for s in signals))
    return Site("depot-01", Text("North depot", "北油库"), "Asia/Shanghai", "en", areas, SignalTable(signals),
                tuple(rules))

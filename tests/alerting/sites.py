"""A small site for the alarm tests, and edges for it."""

from __future__ import annotations

import math

from gateway.model.alarm import Priority, Risk
from gateway.model.area import Area
from gateway.model.clock import NS
from gateway.model.condition import Condition
from gateway.model.rules import ShutdownVerification, Test
from gateway.model.signal import Limit, Signal, SignalTable
from gateway.model.site import Site
from gateway.model.text import Text
from gateway.model.verdict import Edge, Evidence, Verdicts

START_NS = 1_790_000_000 * NS  # 2026-09-21 14:13:20 UTC


def gas(number: int, area: str) -> Signal:
    limits = (Limit(Condition.HIGH, 20.0, Priority.P2, Risk.ORANGE),
              Limit(Condition.HIGH_HIGH, 40.0, Priority.P1, Risk.RED, latch=True),
              Limit(Condition.RATE_UP, 0.5, Priority.P3, Risk.YELLOW, window_s=10))
    return Signal(f"GD-0{number}", Text("combustible gas", "可燃气体"), "combustible_gas", "%LEL", area, 0, 100,
                  deadman_s=5, gas=True, limits=limits, fault_priority=Priority.P2)


def depot() -> Site:
    name = Text("North tanks: shut-down not verified", "北罐区切断未确认")
    valve = ShutdownVerification("esd-north", name, "tank_farm", Test.parse("ESD == 1"), (Test.parse("XV == 1"),), 8.0)
    return Site("depot", Text("Small depot", "小油库"), "Asia/Shanghai", "zh",
                (Area("tank_farm", Text("Tank farm", "储罐区")), Area("pump_house", Text("Pump house", "泵房"))),
                SignalTable((gas(1, "tank_farm"), gas(2, "tank_farm"), gas(3, "pump_house"))), (valve,),
                {"combustible_gas": Text("Stop hot work, find the leak upwind.", "停止动火作业，从上风向查找泄漏点。")})


def edge(site: Site, alarm: str, active: bool, second: float, value: float = math.nan,
         evidence: tuple[Evidence, ...] = ()) -> Edge:
    """One edge, `second` after the start of the time line."""
    return Edge(site.alarms.index(alarm), active, value, round(second * NS), START_NS + round(second * NS), evidence)


def verdicts(*edges: Edge) -> Verdicts:
    return Verdicts.from_edges(edges)

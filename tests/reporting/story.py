"""Forty minutes at a small depot, through the real inner parts of a gateway, of which every figure is known.

The clock begins at 20:00 of a Sunday (Asia/Shanghai). GD-01: over H once, acknowledged after 30 s. GD-02: silent, then
back. A stop order is violated; seven people where five may be; a proof test passes. The gateway is off for ten minutes.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from alerting.overlays.hold import Kind
from alerting.overlays.overlays import Ask
from gateway.model.clock import NS, ManualClock
from gateway.model.frame import Frame
from gateway.model.rules import Interlock, ShutdownVerification, Side, Test
from gateway.model.signal import HeadCount
from gateway.model.site import Site
from gateway.model.text import Text
from tests.historian.stage import START, House, living
from tests.sites import gas, site

_PLAIN = {"gas": False, "limits": (), "low": None, "high": None, "deadman_s": None}


def depot() -> Site:
    def switch(id: str, **more):
        return replace(gas(id, **_PLAIN), kind="switch", unit="", name=Text.same(id), **more)

    rules = (
        ShutdownVerification("esd", Text.same("ESD"), "tank_farm", Test("CMD", "==", 1), (Test("XV-1", "==", 1),), 10.0,
                             test=Test("CMD", "==", 1), proof_test_interval_s=30 * 86_400.0),
        ShutdownVerification("esd-2", Text.same("ESD 2"), "tank_farm", Test("PERMIT", "==", 9), (
            Test("XV-1", "==", 1),), 10.0, proof_test_interval_s=30 * 86_400.0),
        Interlock("stop-order", Text("works against the stop order", "违反停产指令运行"), "tank_farm",
                  Side((Test("MILL", ">=", 2),)), Side((Test("PERMIT", "==", 1),))))
    found = site(gas("GD-01"), gas("GD-02"), switch("CMD"), switch("XV-1"),
                 replace(switch("MILL"), kind="load_state"), switch("PERMIT"),
                 replace(switch("PEOPLE"), kind="head_count", headcount=HeadCount(5, on_delay_s=5.0)), rules=rules)
    return replace(found, contact="Wang <fire> 010-5555-0101")


async def tell(house: House, seconds: int, silent: str = "", **values: float) -> None:
    """The same readings for a while, polled every 4 s; a minute is kept whenever it is over."""
    signals = [number for number, signal in enumerate(house.site.signals) if signal.id != silent]
    read = [values.get(house.site.signals[number].id.replace("-", "_"), 0.0) for number in signals]
    for _ in range(seconds // 4):
        house.clock.advance(2)
        house.pipeline.step()
        now = house.clock.advance(2)
        await house.pipeline.put(Frame.of(signals, read, now))
        house.pipeline.step()
        if now.wall_ns // NS % 60 < 4:
            await house.keep()


@asynccontextmanager
async def told(place: Site, folder: Path):
    """The gateway at the end of the story, still running."""
    clock = ManualClock(wall_ns=START * NS)
    calm = {"GD_01": 1.0, "GD_02": 1.0, "PEOPLE": 3.0, "PERMIT": 1.0}
    async with living(place, folder, clock) as house:
        await house.keep()
        await tell(house, 300, **calm)
        await tell(house, 60, **calm | {"GD_01": 25.0})
        await house.alarms.acknowledge("GD-01/H", "Li")
        await tell(house, 60, **calm)
        await tell(house, 120, silent="GD-02", **calm)
        await tell(house, 60, **calm)
        await tell(house, 8, **calm | {"CMD": 1.0})
        await tell(house, 52, **calm | {"CMD": 1.0, "XV_1": 1.0})
        await house.alarms.hold(Kind.BYPASS, Ask("GD-01/H", "Zhao", "new head", 300.0))
        await tell(house, 240, **calm)
        await house.alarms.end_hold(Kind.BYPASS, "GD-01/H", "Zhao")
    clock.advance(600)
    async with living(place, folder, clock) as house:
        await house.alarms.figures_known()
        await house.keep()
        await tell(house, 300, **calm | {"MILL": 2.0, "PERMIT": 0.0})
        await tell(house, 300, **calm | {"PEOPLE": 7.0})
        await tell(house, 300, **calm)
        yield house

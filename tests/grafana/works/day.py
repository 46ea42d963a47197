"""A second site with what the depot has not: two minutes of yesterday, and today the eleven minutes before a full hour
and one after it. What happens is in `_happen`, by seconds."""

from __future__ import annotations

import math
from contextlib import asynccontextmanager
from pathlib import Path

from alerting.overlays.hold import Kind
from alerting.overlays.overlays import Ask
from gateway.app import load
from simulators import layout
from simulators.world import World
from tests.grafana.field import Field, field
from tests.grafana.story import END
from tests.test_timekeeping import Machine

HERE = Path(__file__).parent
YESTERDAY, BEGINS = END - 26 * 3600 - 60, END - 660  # s; END is a full hour
MEANS = {"P-201.U": ("P-201.U1", 1.0), "P-201.I": ("P-201.I1", 1.0), "P-201.P": ("P-201.P", 0.001)}
LEAK = "leak-meter", "input", 0, "RC-01"


@asynccontextmanager
async def lived(folder: Path, url: str, machine: Machine):
    """Yesterday, and the gateway of today a minute after the full hour, still sending what it wrote."""
    loaded = load(HERE / "works.toml")
    assert loaded.site_file is not None, loaded.problems
    world = World(layout.load(HERE / "plant.toml"))
    world.step = 1.0  # s: nothing here is faster
    machine.wait_until(YESTERDAY)
    async with field(loaded.site_file, folder, url, machine, world, MEANS) as yesterday:
        yesterday.hit(do="leak", near="GD-21", rate=30)
        await _gusts(yesterday, 120)
    machine.wait_until(BEGINS)
    async with field(loaded.site_file, folder, url, machine, world, MEANS) as today:
        await _happen(today)
        yield yesterday, today


async def _gusts(site: Field, seconds: int) -> None:
    """Without wind that comes and goes a head under a film reads as any other."""
    for _ in range(seconds):
        if site.second % 2 == 0:
            site.hit(do="wind", speed=1 + 4 * abs(math.sin(1.7 * site.second)))
        await site.live(1)


async def _happen(today: Field) -> None:
    alarms, drills, hit = today.alarms, today.drills, today.hit

    async def at(second: int) -> None:
        await _gusts(today, second - today.second)

    await at(20)
    hit(do="test_gas", target="GD-22", level=50, **{"for": 30})
    await at(60)
    await alarms.acknowledge("TX-01/H", "Li")
    await at(90)
    hit(do="drift", target="O2-01", rate=-0.05, **{"for": 50})
    await at(160)
    hit(do="persons", target="HALL.persons", count=6)
    await at(200)
    hit(do="persons", target="HALL.persons", count=2)
    await at(210)
    hit(do="test_gas", target="CH4-01", level=1.0, **{"for": 30})
    await at(250)
    hit(do="wrapped", target="GD-21", **{"for": 170})
    await at(260)
    hit(do="stuck", target="CH4-01", **{"for": 60})
    await at(280)
    hit(do="drift", target="CO-01", rate=-0.5, **{"for": 30})
    await at(325)
    await alarms.hold(Kind.SHELF, Ask("RC-01/H", "Zhao", "cable is dried", 3600.0))
    await alarms.hold(Kind.OUT_OF_SERVICE, Ask("CAM-1.fps", "Zhao", "is exchanged", 3600.0, approved="Li"))
    await at(330)
    today.pin(*LEAK, 40.0)
    await at(340)
    today.pin(*LEAK, None)
    hit(do="test_gas", target="GD-21", level=50, **{"for": 20})
    await at(380)
    today.pin(*LEAK, 60.0)
    await at(381)
    today.pin(*LEAK, None)
    for begins in (400, 406, 412, 418):
        await at(begins)
        hit(do="dead_slave", target="leak-meter", **{"for": 3})
    await at(440)
    hit(do="stop", target="P-201")
    await at(480)
    hit(do="start", target="P-201")
    await at(500)
    await drills.begin(["GD-22"], "Wang", "monthly drill", 600.0, 60.0)
    await drills.inject("GD-22", 45.0, None, "Wang")
    await at(530)
    await drills.end("Wang")
    await at(590)
    hit(do="stop", target="P-201")
    await at(720)

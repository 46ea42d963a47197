"""The demo story, in seconds of a clock that jumps: the simulated depot and a gateway of deploy/sites/depot.toml, from
five minutes before a full hour to one after it.

Beside the leak, the slow valve, the blind camera and the dead probe of simulators/scenarios/depot_leak.toml: a setting
is changed, a detector is bypassed, another loses its sensor, and the pump is started against a stop order.
"""

from __future__ import annotations

import shutil
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

from alerting.overlays.hold import Kind
from alerting.overlays.overlays import Ask
from gateway.app import Gateway, load
from gateway.config.site_file import SiteFile
from gateway.demo import SCENARIO, SITE
from simulators import layout, scenario
from simulators.world import World
from tests.grafana.field import Field, field
from tests.grafana.story import END
from tests.test_timekeeping import Machine

BEGINS = END - 300  # s; END is a full hour
MEANS = {"P-101.U": ("P-101.U1", 1.0), "P-101.I": ("P-101.I1", 1.0), "P-101.P": ("P-101.P", 0.001),
         "FAN-01.P": ("FAN-01.P", 0.001), "P-102.P": ("P-102.P", 0.001)}
MORE = """
[[signals]]
id = "P-101.state"
kind = "load_state"
name = { en = "Pump P-101", zh = "P-101 泵" }
area = "pump_house"
load_state = { load = "P-101.P", idle = 0.5, full = 15 }

[[signals]]
id = "PERMIT"
kind = "switch"
name = { en = "Production permitted", zh = "准许生产" }
area = "pump_house"
deadman = "60s"

[[rules]]
id = "stop-order"
type = "interlock"
name = { en = "P-101 runs against the stop order", zh = "P-101 泵违反停产指令运行" }
area = "pump_house"
when = "P-101.state >= 2"
requires = "PERMIT == 1"
on_delay = "2s"

"""
DECLARES = """
[[sources.devices]]
id = "office"
topics = [{ topic = "office/permit", signal = "PERMIT" }]
availability = { topic = "office/available" }
"""
OFFICE = layout.Publisher("office", "office/available", "online", "offline", (
    layout.Message("office/permit", of="PERMIT", every=30.0, on_change=True, decimals=0),))


def written(folder: Path, broker: int, h: str = "60") -> SiteFile:
    """The depot's file with a stop order, a place on the map, somebody to call. h: limit H of the pump's current."""
    shutil.copy(SITE.parent / "depot-gas.csv", folder)
    text = SITE.read_text(encoding="utf-8")
    for old, new in {
            'language = "en"\n': 'language = "en"\nlatitude = 39.9\nlongitude = 116.4\ncontact = "Wang 12345"\n'
                                 'page = "https://10.1.2.3"\n',
            "# --- Sources:": MORE + "# --- Sources:", "H = { value = 60, on_delay": f"H = {{ value = {h}, on_delay",
            "port = 18830\n": f"port = {broker}\n{DECLARES}",
            'id = "GD-06"                        # stand': 'timeout = "50ms"\nid = "GD-06"  # stand'}.items():
        assert old in text, old
        text = text.replace(old, new, 1)
    (folder / "depot.toml").write_text(text, encoding="utf-8")
    loaded = load(folder / "depot.toml")
    assert loaded.site_file is not None, loaded.problems
    return loaded.site_file


def plant() -> World:
    """The simulated depot, with an office that declares whether production is permitted."""
    depot = layout.load()
    world = World(replace(depot, cameras=(*depot.cameras, layout.Camera("office")),
                          persons=(*depot.persons, layout.Persons("PERMIT", "office", 1)),
                          publishers=(*depot.publishers, OFFICE)))
    world.play(scenario.load(SCENARIO, world.known))
    return world


@asynccontextmanager
async def told(folder: Path, url: str, broker: int, machine: Machine):
    """The gateway a minute after the full hour, still sending what it wrote."""
    machine.wait_until(BEGINS)
    async with AsyncExitStack() as closing:
        await Gateway(written(folder, broker, h="70"), folder / "data").begin(closing)
    async with field(written(folder, broker), folder / "data", url, machine, plant(), MEANS) as shift:
        await _happen(shift)
        yield shift


async def _happen(shift: Field) -> None:
    alarms = shift.alarms
    while "GD-03/HH" not in shift.raised:
        await shift.live(1)
    await shift.live(30)
    await alarms.acknowledge("GD-03/HH", "Li")
    await shift.live(130 - shift.second)
    shift.hit(do="persons", target="PERMIT", count=0)  # the pump is started at 140
    await shift.live(160 - shift.second)
    shift.hit(do="dropout", target="GD-01", out=0, every=0)
    await alarms.hold(Kind.BYPASS, Ask("GD-05/H", "Zhao", "new head", 3600.0))
    await shift.live(360 - shift.second)

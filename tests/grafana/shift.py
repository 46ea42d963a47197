"""The demo story, in seconds of a clock that jumps: the simulated depot, the real Modbus driver on its sockets, and the
inner parts of a gateway of deploy/sites/depot.toml, from five minutes before a full hour to one after it.

Beside the leak, the slow valve, the blind camera and the dead probe of simulators/scenarios/depot_leak.toml: a setting
is changed, a detector is bypassed, another loses its sensor, and the pump is started against a stop order. What MQTT
devices say is put in as their profiles would: brokers know no clock that jumps.
"""

from __future__ import annotations

import asyncio
import shutil
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np

from alerting.overlays.hold import Kind
from alerting.overlays.overlays import Ask
from alerting.service import AlarmSettings
from drivers.modbus.poller import Poller
from drivers.modbus.wire import Line
from gateway.app import load
from gateway.config.site_file import SiteFile
from gateway.demo import MODBUS_SOURCES, SCENARIO, SITE
from gateway.model.clock import NS, ManualClock
from gateway.model.frame import Frame
from simulators import layout, scenario
from simulators.modbus_server import TcpEndpoint
from simulators.world import World
from tests.grafana.story import END
from tests.historian.stage import House, living

BEGINS = END - 300  # s; END is a full hour
MQTT = {  # signal -> quantity of the plant, scale
    "CAM-pump.fps": ("CAM-pump.fps", 1.0), "CAM-pump.detect": ("CAM-pump.detect", 1.0),
    "CAM-tank.fps": ("CAM-tank.fps", 1.0), "PUMP.persons": ("PUMP.persons", 1.0), "TANK.persons": ("TANK.persons", 1.0),
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
WRITTEN = {  # in the depot's file -> instead of it
    'language = "en"\n': 'language = "en"\nlatitude = 39.9\nlongitude = 116.4\ncontact = "Wang 12345"\n',
    "# --- Sources:": MORE + "# --- Sources:",
    "port = 18830\n": 'port = 18830\ntopics = [{ topic = "office/permit", signal = "PERMIT" }]\n'}


def written(folder: Path, **changed: str) -> SiteFile:
    """The depot's file with a stop order, a place on the map, somebody to call; `changed`: further replacements."""
    shutil.copy(SITE.parent / "depot-gas.csv", folder)
    text = SITE.read_text(encoding="utf-8")
    for old, new in {**WRITTEN, **changed}.items():
        assert old in text, old
        text = text.replace(old, new, 1)
    (folder / "depot.toml").write_text(text, encoding="utf-8")
    loaded = load(folder / "depot.toml")
    assert loaded.site_file is not None, loaded.problems
    return loaded.site_file


class Shift:
    """`read[signal]`: what it read in each second since BEGINS, NaN where it gave nothing."""

    def __init__(self, house: House, world: World, pollers: list[Poller], frames: list[Frame]):
        self.house, self.world, self._pollers, self._frames = house, world, pollers, frames
        self.permitted = True
        self.second = 0
        self.raised: dict[str, int] = {}  # alarm -> second in which it came first
        self.read: dict[str, list[float]] = {signal.id: [] for signal in house.site.signals}

    async def live(self, seconds: int) -> None:
        loop, house, signals = asyncio.get_running_loop(), self.house, self.house.site.signals
        for _ in range(seconds):
            for _ in range(5):
                self.world.advance()
            now = house.clock.advance(1)
            self.second += 1
            for poller in self._pollers:
                await poller._turn(loop)
            plant = self.world.plant
            told = {signal: plant[quantity] * scale for signal, (quantity, scale) in MQTT.items()}
            told["PERMIT"] = float(self.permitted)
            self._frames.append(Frame.of([signals.index(signal) for signal in told], list(told.values()), now))
            for column in self.read.values():
                column.append(np.nan)
            for frame in self._frames:
                for number, value in zip(frame.signal.tolist(), frame.value.tolist(), strict=True):
                    self.read[signals[number].id][-1] = value
                await house.pipeline.put(frame)
            self._frames.clear()
            house.pipeline.step()
            for view in house.alarms.views():
                if view.active:
                    self.raised.setdefault(view.definition.id, self.second)
            if self.second % 60 == 0:
                await house.keep()

    def hit(self, **step) -> None:
        """A line of a scenario, at once."""
        self.world.carry_out(scenario.read_step(step, self.world.known, "test"))

    def minutes(self, function, signal: str) -> dict[int, float]:
        """What minutes must say of a signal, by minutes before the end."""
        values = np.array(self.read[signal])  # the first is of second 1
        minutes = {6 - minute: values[max(0, 60 * minute - 1):60 * minute + 59] for minute in range(6)}
        return {before: float(function(part)) for before, part in minutes.items() if np.isfinite(part).any()}


@asynccontextmanager
async def told(folder: Path, url: str):
    """The gateway a minute after the full hour, still sending what it wrote."""
    clock = ManualClock(wall_ns=BEGINS * NS)
    before = written(folder, **{"H = { value = 60, on_delay": "H = { value = 70, on_delay"})
    async with living(before.site, folder, clock, settings=AlarmSettings(origin=before.origin())):
        pass
    site_file = written(folder)
    world = World(layout.load())
    world.play(scenario.load(SCENARIO, world.known))
    endpoints = [TcpEndpoint([device], 0, np.random.default_rng(1)) for device in world.devices.values()]
    for endpoint in endpoints:
        await endpoint.open()
    lines: list[Line] = []
    try:
        async with (living(site_file.site, folder, clock, settings=AlarmSettings(origin=site_file.origin())) as house,
                    house.sending(url, raw_database="davylamp_raw")):
            frames: list[Frame] = []

            async def give(frame: Frame) -> None:
                frames.append(frame)

            pollers = []
            for source in site_file.sources:
                if source.id in MODBUS_SOURCES:
                    here = source.model_copy(update={"port": endpoints[MODBUS_SOURCES.index(source.id)].port})
                    lines.append(Line(here, clock))
                    brief = {"timeout": 0.05, "retries": 3} if source.id == "bay" else {}  # twenty waits, in real time
                    pollers += [Poller(source.id, device.model_copy(update=brief), house.site.signals, lines[-1], give,
                                       clock) for device in here.devices]
            await house.alarms.figures_known()
            shift = Shift(house, world, pollers, frames)
            await house.keep()
            await _happen(shift)
            yield shift
    finally:
        for line in lines:
            line.close()
        for endpoint in endpoints:
            await endpoint.close()


async def _happen(shift: Shift) -> None:
    alarms = shift.house.alarms
    while "GD-03/HH" not in shift.raised:
        await shift.live(1)
    await shift.live(30)
    await alarms.acknowledge("GD-03/HH", "Li")
    await shift.live(130 - shift.second)
    shift.permitted = False  # the pump is started at 140
    await shift.live(160 - shift.second)
    shift.hit(do="dropout", target="GD-01", out=0, every=0)
    await alarms.hold(Kind.BYPASS, Ask("GD-05/H", "Zhao", "new head", 3600.0))
    await shift.live(360 - shift.second)

"""Sirens and beacons, from the register of a detector to the coil of a relay, in one running gateway."""

from __future__ import annotations

import json
import sqlite3
from contextlib import asynccontextmanager, closing
from functools import partial

import numpy as np
import pytest

from alerting.lifecycle import State
from alerting.overlays.hold import Kind
from alerting.overlays.overlays import Ask
from drivers.modbus.output import ModbusOutput
from gateway import annunciation
from gateway.annunciation import AnnunciatorAct, wanted
from gateway.app import Gateway, load
from gateway.model.alarm import Priority
from gateway.model.annunciator import Annunciator, Until
from gateway.model.clock import ManualClock
from gateway.model.errors import CommandError, LedgerError
from gateway.model.gateway_fault import GatewayFault
from gateway.model.text import Text
from simulators.layout import DeviceMap, Point
from simulators.modbus_device import Device
from simulators.modbus_server import TcpEndpoint
from tests.api.depot import site
from tests.test_app import Yard, running

SITE = """
[site]
id = "yard"
name = "Yard"
timezone = "Asia/Shanghai"

[[signals]]
id = "GAS-1"
kind = "combustible_gas"
low = 0
high = 100
limits = { H = { value = 20, off_delay = "0s" }, HH = { value = 40, off_delay = "0s" } }

[[sources]]
id = "bus"
type = "modbus"
host = "127.0.0.1"
port = {port}
devices = [
    { id = "head", unit = 1, period = "100ms", points = [{ signal = "GAS-1", table = "holding", address = 0 }] },
    { id = "relay", unit = 2, timeout = "1s", retries = 0, outputs = [
        { id = "K1", address = 2 }, { id = "K2", address = 3 }] },
]

[[annunciators]]
id = "siren"
name = { en = "Siren in the yard", zh = "场区警笛" }
output = "K1"

[[annunciators]]
id = "beacon"
name = { en = "Beacon at the gate", zh = "大门警灯" }
output = "K2"
priorities = ["P1", "P2"]
until = "ended"

[api]
port = 0
"""
SIREN, BEACON = 2, 3


class Bus:
    """A gas head and a relay behind one port."""

    def __init__(self):
        self._reading = np.zeros(1)
        self.head = Device(DeviceMap("head", 0, (Point("holding", 0, of=("gas",)),), {"holding": 8}), {"gas": 0})
        self.relay = Device(DeviceMap("relay", 0, (), {"coil": 8}, unit=2, relays=(SIREN, BEACON)), {"gas": 0})
        self.endpoint = TcpEndpoint([self.head, self.relay], 0, np.random.default_rng(1))

    def gas(self, value: float) -> None:
        self._reading[0] = value
        self.head.update(self._reading)

    def coils(self) -> tuple[bool, bool]:
        return self.relay.relay(SIREN), self.relay.relay(BEACON)

    @property
    def writes(self) -> int:
        return self.relay.counters.writes_taken + self.relay.counters.writes_refused


@pytest.fixture
async def bus(monkeypatch):
    monkeypatch.setattr(annunciation, "REFRESH_S", 0.1)
    monkeypatch.setattr(annunciation, "RETRY_S", 0.1)
    bus = Bus()
    bus.gas(1)
    await bus.endpoint.open()
    yield bus
    await bus.endpoint.close()


class SirenYard(Yard):
    def __init__(self, folder, bus):
        file = folder / "yard.toml"
        file.write_text(SITE.replace("{port}", str(bus.endpoint.port)))
        loaded = load(file)
        assert loaded.site_file is not None, loaded.problems
        self.gateway = Gateway(loaded.site_file, folder / "data")

    async def act(self, act, annunciator="siren"):
        await self.parts.field.annunciation.act(annunciator, AnnunciatorAct(act), "Li", "commissioning")

    def status(self, annunciator="siren"):
        return next(one for one in self.parts.field.annunciation.status() if one.annunciator.id == annunciator)


@asynccontextmanager
async def leaking(folder, bus, *armed):
    async with running(SirenYard(folder, bus)) as yard:
        for one in armed:
            await yard.act("arm", one)
        bus.gas(50)
        await yard.until_stands("GAS-1/HH")
        yield yard


async def test_nothing_is_written_to_what_was_never_armed(tmp_path, bus):
    async with leaking(tmp_path, bus) as yard:
        asked = bus.head.counters.requests
        await yard.until(lambda: bus.head.counters.requests > asked + 10, "polling stopped")
        with pytest.raises(CommandError, match="not armed"):
            await yard.act("test")
    assert bus.writes == 0


async def test_a_siren_sounds_until_somebody_acknowledges_and_a_beacon_until_it_is_over(tmp_path, bus):
    async with leaking(tmp_path, bus, "siren", "beacon") as yard:
        await yard.until(lambda: bus.coils() == (True, True), "neither sounds nor shines")
        for alarm in ("GAS-1/H", "GAS-1/HH"):
            await yard.alarms.acknowledge(alarm, "Li")
        await yard.until(lambda: bus.coils() == (False, True), "the siren did not stop, or the beacon did")
        bus.gas(1)
        await yard.until(lambda: bus.coils() == (False, False), "the beacon stayed")
        rows = await yard.alarms.history(100)
        assert [(row.alarm, row.body["act"]) for row in rows if row.kind == "output"] == [
            ("beacon", "arm"), ("siren", "arm")]


async def test_what_is_armed_outlives_a_restart_and_is_released_at_the_stop(tmp_path, bus):
    async with leaking(tmp_path, bus, "siren") as yard:
        await yard.until(lambda: bus.coils() == (True, False), "it does not sound")
    assert bus.coils() == (False, False), "a gateway that stops releases it"
    async with running(SirenYard(tmp_path, bus)) as yard:
        await yard.until(lambda: bus.coils() == (True, False), "the alarm still stands: it must sound again")
        await yard.act("disarm")
        await yard.until(lambda: bus.coils() == (False, False), "disarmed, and not released")
        await yard.until(lambda: json.loads((tmp_path / "data" / annunciation.FILE).read_text()) == {}, "still armed")
        writes = bus.writes
        asked = bus.head.counters.requests
        await yard.until(lambda: bus.head.counters.requests > asked + 10, "polling stopped")
        assert bus.writes == writes


async def test_a_siren_that_is_disarmed_while_a_command_is_on_its_way_is_released(tmp_path, bus, monkeypatch):
    drive, acts = ModbusOutput.drive, []

    async def slowly(output, on):
        await drive(output, on)
        if on and acts:
            await acts.pop()("disarm")

    monkeypatch.setattr(ModbusOutput, "drive", slowly)
    async with leaking(tmp_path, bus, "siren") as yard:
        await yard.until(lambda: bus.coils() == (True, False), "it does not sound")
        acts.append(yard.act)
        await yard.until(lambda: not acts and bus.coils() == (False, False), "disarmed, and not released")
        await yard.until(lambda: json.loads((tmp_path / "data" / annunciation.FILE).read_text()) == {}, "still armed")


async def test_a_siren_that_was_to_be_released_while_its_bus_was_dead_is_released_later(tmp_path, bus):
    async with leaking(tmp_path, bus, "siren") as yard:
        await yard.until(lambda: bus.coils() == (True, False), "it does not sound")
        bus.relay.wire.exception = 4
        await yard.act("disarm")
    assert bus.coils() == (True, False)
    bus.relay.wire.exception = 0
    async with running(SirenYard(tmp_path, bus)) as yard:
        await yard.until(lambda: bus.coils() == (False, False), "it was forgotten")


async def test_a_relay_that_does_not_obey_is_told_and_told_again(tmp_path, bus):
    bus.relay.jammed.add(SIREN)
    async with leaking(tmp_path, bus, "siren") as yard:
        await yard.until_stands(GatewayFault.OUTPUT)
        assert "read back" in yard.status().trouble.en and yard.status().driven is None
        bus.relay.jammed.clear()
        await yard.until(lambda: bus.coils() == (True, False), "it was given up")
        await yard.until(lambda: yard.status().driven is True, "it sounds, and was not read back")


async def test_a_relay_that_lost_its_supply_finds_its_state_again(tmp_path, bus):
    async with leaking(tmp_path, bus, "siren") as yard:
        await yard.until(lambda: bus.coils() == (True, False), "it does not sound")
        bus.relay._bits[1][:] = False
        await yard.until(lambda: bus.coils() == (True, False), "it stays silent")


async def test_the_test_button(tmp_path, bus, monkeypatch):
    monkeypatch.setattr(annunciation, "TEST_S", 0.3)
    async with running(SirenYard(tmp_path, bus)) as yard:
        await yard.act("arm")
        await yard.act("test")
        await yard.until(lambda: bus.coils() == (True, False), "not driven")
        await yard.until(lambda: bus.coils() == (False, False), "not released")


async def test_a_bypassed_alarm_does_not_sound_and_a_broken_alarm_file_does_not_silence(tmp_path, bus):
    async with running(SirenYard(tmp_path, bus)) as yard:
        await yard.act("arm")
        await yard.alarms.hold(Kind.BYPASS, Ask("GAS-1/HH", "Li", "calibration", 60.0, "Wang"))
        bus.gas(50)
        await yard.until_stands("GAS-1/HH")
        writes = bus.writes
        await yard.until(lambda: bus.writes > writes + 2, "it is not told its state again")
        assert bus.coils() == (False, False)
        with closing(sqlite3.connect(tmp_path / "data" / "alarms.db", isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            await yard.alarms.end_hold(Kind.BYPASS, "GAS-1/HH", "Li")
            await yard.until(lambda: bus.coils() == (True, False), "it waits for the disk")
            with pytest.raises(LedgerError):
                await yard.act("arm", "beacon")
            other.execute("ROLLBACK")


def test_who_drives_and_for_how_long():
    class View:
        def __init__(self, state, age, definition):
            self.state, self._age, self.definition, self.withheld = state, age, definition, ()

        def age_s(self, now):
            return self._age
    p1 = site().alarms.get("GD-01/HH")
    siren = Annunciator("s", Text.same("s"), "K1", frozenset({Priority.P1}), longest_s=60.0)
    asked = partial(wanted, now=ManualClock().now())
    assert {state for state in State if asked(siren, [View(state, 1, p1)])} == {
        State.UNACKNOWLEDGED, State.RETURNED, State.LATCHED}
    beacon = Annunciator("b", Text.same("b"), "K1", frozenset({Priority.P1}), until=Until.ENDED)
    assert {state for state in State if asked(beacon, [View(state, 1, p1)])} == {
        State.UNACKNOWLEDGED, State.ACKNOWLEDGED, State.LATCHED}
    assert not asked(siren, [View(State.UNACKNOWLEDGED, 61, p1)]), "neighbours have to sleep"
    assert asked(siren, [View(State.UNACKNOWLEDGED, 61, p1), View(State.UNACKNOWLEDGED, 2, p1)])
    assert not asked(siren, [View(State.UNACKNOWLEDGED, 1, site().alarms.get("GD-01/H"))])
    elsewhere = Annunciator("s", Text.same("s"), "K1", areas=frozenset({"loading_bay"}))
    assert not asked(elsewhere, [View(State.UNACKNOWLEDGED, 1, p1)])


@pytest.mark.survives(
    "the file of what is armed is damaged",
    then="nothing is written to a siren; `gateway/output` (P2) stands until it is armed again",
    says=Text("what is armed can not be read (armed.json)", "启用状态无法读取（armed.json）"))
async def test_a_damaged_file_of_what_is_armed(tmp_path, bus, says):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / annunciation.FILE).write_text('{"siren": {"who"')
    async with running(SirenYard(tmp_path, bus)) as yard:
        await yard.until_stands(GatewayFault.OUTPUT)
        assert says(yard.status().trouble)
        await yard.act("arm")
        await yard.until(lambda: GatewayFault.OUTPUT not in yard.conditions(), "it is armed, and told as unknown")


@pytest.mark.parametrize(("wrong", "says"), [
    ('output = "K9"', 'unknown output "K9"'), ('output = "K2"', 'output "K2" already belongs to "beacon"'),
    ('output = "K1"\nareas = ["yrad"]', 'unknown area "yrad"'), ('output = "K1"\nuntil = "silenced"', "silenced"),
])
def test_what_check_finds(tmp_path, wrong, says):
    file = tmp_path / "yard.toml"
    siren = SITE.index('output = "K1"', SITE.index("[[annunciators]]"))
    text = SITE[:siren] + SITE[siren + len('output = "K1"'):]
    file.write_text(text.replace("{port}", "502") + f'[[annunciators]]\nid = "other"\nname = "x"\n{wrong}\n')
    problems = load(file).problems
    assert any(says in problem.what.en for problem in problems), problems

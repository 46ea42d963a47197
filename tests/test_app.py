"""The whole gateway in one process, on real sockets and files: starts, stops and faults that meet it at once."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path

import pytest

from alerting.service import AlarmService
from drivers.modbus.driver import ModbusDriver
from gateway import supervision
from gateway.app import Gateway, load
from gateway.model import clock
from gateway.model.gateway_fault import GatewayFault
from gateway.model.quality import is_good
from gateway.parts import vigil
from gateway.parts.parts import Parts
from tests.drivers.modbus.witness import Slave, TcpDevice
from tests.servers import free_port

SITE = """
[site]
id = "yard"
name = "Yard"
timezone = "Asia/Shanghai"

[kinds.combustible_gas]
deadman = "1s"

[[signals]]
id = "GAS-1"
kind = "combustible_gas"
low = 0
high = 100
limits = { H = { value = 20, off_delay = "0s" }, HH = { value = 40, off_delay = "0s" } }

[[signals]]
id = "CAM-1"
kind = "video_fps"
deadman = "1s"

[[sources]]
id = "gas"
type = "modbus"
host = "127.0.0.1"
port = {modbus}
devices = [{ id = "head", unit = 1, period = "200ms", points = [{ signal = "GAS-1", table = "holding", address = 0 }] }]

[[sources]]
id = "broker"
type = "mqtt"
host = "127.0.0.1"
port = {mqtt}
topics = [{ topic = "camera/fps", signal = "CAM-1" }]

[api]
port = 0
"""


class Yard:
    """A gateway of a small site, and what can be asked of it."""

    def __init__(self, folder: Path, modbus: int | None = None, mqtt: int | None = None, more: str = ""):
        file = folder / "yard.toml"
        ports = {"{modbus}": modbus or free_port(), "{mqtt}": mqtt or free_port()}
        text = SITE + more
        for key, port in ports.items():
            text = text.replace(key, str(port))
        file.write_text(text)
        loaded = load(file)
        assert loaded.site_file is not None, loaded.problems
        self.site_file = loaded.site_file
        self.gateway = Gateway(loaded.site_file, folder / "data")

    @property
    def parts(self) -> Parts:
        return self.gateway.parts

    @property
    def alarms(self) -> AlarmService:
        return self.parts.chain.alarms

    def conditions(self) -> set[str]:
        """Ids of the alarms whose condition stands."""
        return {view.definition.id for view in self.alarms.views() if view.state.condition}

    async def until(self, look: Callable[[], object], what: str) -> None:
        try:
            async with asyncio.timeout(60):
                while not look():
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"{what}; standing: {self.conditions()}") from None

    async def until_stands(self, *alarms: str) -> None:
        await self.until(lambda: self.conditions() >= {*alarms}, f"{alarms} did not come")


@asynccontextmanager
async def running(yard: Yard) -> AsyncIterator[Yard]:
    served = asyncio.Event()
    yard.gateway._ready = lambda url: served.set()
    task = asyncio.create_task(yard.gateway.run())
    waiting = asyncio.create_task(served.wait())
    try:
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED, timeout=60)
        assert served.is_set(), task
        yield yard
    finally:
        waiting.cancel()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_what_is_dead_from_the_very_start_is_announced(tmp_path):
    """No device answers, no broker is there: everything that is watched is announced, and so is the blind zone."""
    async with running(Yard(tmp_path)) as yard:
        await yard.until_stands("GAS-1/deadman", "site/blind", "CAM-1/deadman")


async def test_a_proof_test_that_is_overdue_is_announced(tmp_path, monkeypatch):
    """Once there is a journal to count from; after a restart it stands on."""
    monkeypatch.setattr(vigil, "PROOF_TESTS_S", 0.05)
    monkeypatch.setattr(clock, "kernel_clock_synchronised", lambda: True)
    rule = """
[[rules]]
id = "bump"
type = "response_test"
signal = "GAS-1"
stimulus = "CAM-1 == 0"
by = 20
within = "30s"
proof_test_interval = "1s"
"""
    async with running(Yard(tmp_path, more=rule)) as yard:
        await yard.until_stands("bump/overdue")
        await yard.until(lambda: yard.alarms.view("bump/overdue").recorded, "it was not recorded")
    async with running(Yard(tmp_path, more=rule)) as yard:
        await yard.until_stands("bump/overdue", "site/blind")
        assert "bump/overdue" not in yard.parts.chain.bank.active
        assert yard.alarms.view("bump/overdue").occurrence == 1


async def test_without_a_data_folder_alarms_go_out_and_say_that_they_are_not_recorded(tmp_path):
    (tmp_path / "data").write_text("in the way")
    async with running(Yard(tmp_path)) as yard:
        await yard.until_stands("site/blind", GatewayFault.LEDGER, GatewayFault.STORE)
        assert not yard.alarms.view("site/blind").recorded
        (tmp_path / "data").unlink()
        await yard.until(lambda: yard.alarms.view("site/blind").recorded, "the alarm was not recorded later")
        await yard.until(lambda: GatewayFault.STORE not in yard.conditions(), "the store did not recover")


async def test_an_alarm_file_that_is_locked_at_the_start_is_taken_up_when_it_opens(tmp_path):
    """What stood in it stands again, and ends when it is over: also alarms about the gateway itself."""
    async with running(Yard(tmp_path)) as yard:
        await yard.until_stands("site/blind")
    with closing(sqlite3.connect(tmp_path / "data" / "alarms.db", isolation_level=None)) as other:
        other.execute("INSERT OR REPLACE INTO alarm SELECT ?, state, occurrence, raised_wall_ns, raised_line_ns, "
                      "since_wall_ns, edge_line_ns, value, first_out, who, comment, evidence, called_line_ns "
                      "FROM alarm LIMIT 1",
                      (GatewayFault.SINK,))
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        async with running(Yard(tmp_path)) as yard:
            await yard.until_stands(GatewayFault.LEDGER)
            assert GatewayFault.SINK not in yard.conditions()
            restored = yard.alarms.view(GatewayFault.SINK)
            other.execute("COMMIT")
            other.close()
            await yard.until(lambda: yard.alarms.view(GatewayFault.SINK) != restored, "nothing was restored")
            await yard.until(lambda: GatewayFault.SINK not in yard.conditions(), "a restored alarm was not ended")


class Faulty:
    """What the run of a source does, call by call; then it works."""

    def __init__(self, monkeypatch, *acts: Callable[[], None]):
        self.calls = 0
        work, left = ModbusDriver.run, iter(acts)

        async def run(driver) -> None:
            self.calls += 1
            if (act := next(left, None)) is None:
                return await work(driver)
            act()

        monkeypatch.setattr(ModbusDriver, "run", run)
        monkeypatch.setattr(supervision, "RESTART_PAUSE_S", (0.05, 0.1))


def fail() -> None:
    raise RuntimeError("a fault of ours")


def be_cancelled_from_inside() -> None:
    raise asyncio.CancelledError


async def test_a_source_that_fails_or_ends_or_is_cancelled_from_inside_is_started_again(tmp_path, monkeypatch):
    faulty = Faulty(monkeypatch, fail, lambda: None, be_cancelled_from_inside)
    async with TcpDevice(Slave()) as device, running(Yard(tmp_path, modbus=device.port)) as yard:
        await yard.until_stands(GatewayFault.TASK)
        await yard.until(lambda: faulty.calls == 4, "not started again")
        await yard.until(lambda: is_good(yard.parts.chain.bank.latest.quality[0]), "no good sample")
        assert yard.parts.vigil.health.restarts == 3


@pytest.mark.parametrize("synchronised", [True, False])
@pytest.mark.parametrize("days", [365, -365])
async def test_a_clock_that_was_set_by_a_year_while_the_gateway_was_off_changes_nothing(tmp_path, monkeypatch, days,
                                                                                       synchronised):
    """An alarm that stood still stands, is the same one, ends; what is dead is announced; nothing else is said."""
    monkeypatch.setattr(clock, "kernel_clock_synchronised", lambda: synchronised)
    slave = Slave()
    async with TcpDevice(slave) as device:
        port = device.port
        slave.registers[3][0] = 30
        async with running(Yard(tmp_path, modbus=port)) as yard:
            await yard.until_stands("GAS-1/H", "CAM-1/deadman")
            before = yard.alarms.view("GAS-1/H")
            lived = yard.parts.chain.clock.now()
        real = time.time_ns
        monkeypatch.setattr(time, "time_ns", lambda: real() + days * 86_400 * 10**9)
        async with running(Yard(tmp_path, modbus=port)) as yard:
            assert yard.parts.chain.clock.now().line_ns > lived.line_ns
            assert yard.conditions() == {"GAS-1/H", "CAM-1/deadman"}
            assert yard.alarms.view("GAS-1/H").occurrence == before.occurrence
            slave.registers[3][0] = 45
            await yard.until_stands("GAS-1/HH")
            slave.registers[3][0] = 0
            await yard.until(lambda: not yard.conditions() & {"GAS-1/H", "GAS-1/HH"}, "the alarms did not end")
            assert yard.conditions() == {"CAM-1/deadman"}


async def test_a_clock_that_is_set_while_the_gateway_runs_changes_nothing_but_is_told(tmp_path, monkeypatch):
    slave = Slave()
    async with TcpDevice(slave) as device, running(Yard(tmp_path, modbus=device.port)) as yard:
        await yard.until_stands("CAM-1/deadman")
        real = time.time_ns
        for days in (-365, 365):
            monkeypatch.setattr(time, "time_ns", lambda days=days: real() + days * 86_400 * 10**9)
            steps = yard.parts.vigil.health.clock_steps
            await yard.until(lambda steps=steps: yard.parts.vigil.health.clock_steps > steps, "not noticed")
        await yard.until_stands(GatewayFault.CLOCK)
        assert yard.conditions() == {"CAM-1/deadman", GatewayFault.CLOCK}
        slave.registers[3][0] = 45
        await yard.until_stands("GAS-1/H", "GAS-1/HH")

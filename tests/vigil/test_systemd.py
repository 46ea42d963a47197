"""The watchdog is fed while tasks make progress, through a real socket as systemd has it: a dead bus does not stop the
feeding, a task that hangs does."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from alerting.channel_rules import DeliverySettings
from alerting.outbox import Outbox
from drivers.modbus import poller
from drivers.modbus.wire import Line
from gateway.model.alarm import Priority
from gateway.model.clock import ManualClock
from gateway.model.errors import NotifyError
from gateway.model.ports import Notice
from gateway.model.pulse import Pulse, hung
from gateway.model.text import Text
from gateway.vigil.systemd import Systemd, feed
from tests.test_app import Yard, running

ROOT = Path(__file__).parent.parent.parent
survives = pytest.mark.survives


class Manager:
    """The other end of NOTIFY_SOCKET."""

    def __init__(self, path: str, watchdog_s: float = 0.06):
        self.inlet = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.inlet.bind("\0" + path[1:] if path.startswith("@") else path)
        self.inlet.setblocking(False)
        self.environment = {"NOTIFY_SOCKET": path, "WATCHDOG_USEC": str(round(watchdog_s * 1e6)),
                            "WATCHDOG_PID": str(os.getpid())}
        self.heard: list[str] = []

    def listen(self) -> list[str]:
        """Lines since the last call."""
        fresh = []
        while True:
            try:
                fresh += self.inlet.recv(4096).decode().split("\n")
            except BlockingIOError:
                self.heard += fresh
                return fresh

    async def until(self, line: str) -> None:
        async with asyncio.timeout(30):
            while not any(said.startswith(line) for said in self.listen()):
                await asyncio.sleep(0.01)


@contextmanager
def manager(path: str) -> Iterator[Manager]:
    here = Manager(path)
    try:
        yield here
    finally:
        here.inlet.close()


@pytest.mark.parametrize("abstract", [False, True])
def test_what_is_told_arrives_in_one_datagram(tmp_path, abstract):
    with manager(f"@davylamp-{os.getpid()}" if abstract else str(tmp_path / "notify")) as systemd:
        Systemd(systemd.environment).tell("READY=1", "STATUS=12 signals")
        assert systemd.inlet.recv(4096) == b"READY=1\nSTATUS=12 signals"


@pytest.mark.parametrize("environment, seconds", [
    ({}, None), ({"WATCHDOG_USEC": "60000000"}, 60.0), ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "1"}, None),
    ({"WATCHDOG_USEC": "soon"}, None), ({"WATCHDOG_USEC": "0"}, None)])
def test_how_often_the_watchdog_wants_to_hear_of_us(environment, seconds):
    assert Systemd(environment).watchdog_s == seconds


@survives("NOTIFY_SOCKET leads nowhere", then="logged once; the gateway goes on")
def test_a_socket_that_is_gone_is_logged_once(tmp_path, caplog):
    systemd = Systemd({"NOTIFY_SOCKET": str(tmp_path / "gone")})
    systemd.tell("READY=1")
    systemd.tell("WATCHDOG=1")
    assert len(caplog.records) == 1


async def test_what_hangs_is_told_and_not_fed_until_it_goes_on(tmp_path):
    with manager(str(tmp_path / "notify")) as systemd:
        reason = Text("", "")
        task = asyncio.create_task(feed(Systemd(systemd.environment), lambda: reason, lambda: "well"))
        await systemd.until("WATCHDOG=1")
        reason = Text("no progress: gas/head", "没有进展：gas/head")
        await systemd.until("STATUS=no progress: gas/head")
        for _ in range(3):
            await systemd.until("STATUS=no progress")
        assert "WATCHDOG=1" not in systemd.heard[systemd.heard.index("STATUS=no progress: gas/head"):]
        reason = Text("", "")
        await systemd.until("WATCHDOG=1")
        task.cancel()


def test_a_pulse_is_late_once_its_promise_is_broken():
    clock = ManualClock()
    quick, resting = Pulse("quick", clock), Pulse("resting", clock)
    quick.beat(10)
    resting.beat(10)
    resting.rest()
    clock.advance(10)
    assert hung((quick, resting)) == ()
    clock.advance(0.5)
    assert hung((quick, resting)) == (Text.same("quick"),) and quick.late_s() == 0.5
    quick.beat(10)
    assert quick.late_s() == 0


async def test_a_gateway_feeds_the_watchdog_with_a_dead_bus_and_a_dead_broker_but_not_with_a_task_that_hangs(
        tmp_path, monkeypatch):
    """Nobody answers on any port, and still every task makes progress. Then one read never ends."""
    monkeypatch.setattr(poller.Pulse.beat, "__defaults__", (1.0,))
    monkeypatch.setattr(poller, "HANG_S", 1.0)
    with manager(str(tmp_path / "notify")) as systemd:
        for name, value in systemd.environment.items():
            monkeypatch.setenv(name, value)
        async with running(Yard(tmp_path)) as yard:
            await systemd.until("READY=1")
            await yard.until_stands("GAS-1/deadman", "CAM-1/deadman")
            systemd.listen()
            await systemd.until("WATCHDOG=1")
            assert not any("no progress" in line for line in systemd.heard)

            async def never_ends(*_, **__):
                await asyncio.Event().wait()

            monkeypatch.setattr(Line, "ask", never_ends)
            await systemd.until("STATUS=no progress: gas/head")
            for _ in range(3):
                await systemd.until("STATUS=")
            late = systemd.heard[max(place for place, line in enumerate(systemd.heard)
                                     if line.startswith("STATUS=no progress")) - 2:]
            assert "WATCHDOG=1" not in late
            health = yard.parts.vigil.health.hung(yard.parts.chain.clock.now())
            assert health == Text("no progress: gas/head", "没有进展：gas/head")
        assert "STOPPING=1" in [*systemd.listen(), *systemd.heard]


class Phone:
    """A notifier that refuses at once, or never answers."""

    id = "phone"

    def __init__(self, refuses: bool):
        self.refuses, self.asked = refuses, asyncio.Event()

    async def send(self, notice: Notice) -> None:
        self.asked.set()
        if self.refuses:
            raise NotifyError("not now")
        await asyncio.Event().wait()


class Silent:
    """An outbox's sender that takes no note."""

    def __getattr__(self, name):
        return lambda *_: False


@pytest.mark.parametrize("refuses", [True, False])
async def test_a_receiver_that_refuses_is_progress_and_a_delivery_that_hangs_is_not(refuses):
    clock, phone = ManualClock(), Phone(refuses)
    outbox = Outbox([phone], clock, DeliverySettings(send_timeout_s=1e6), Silent())
    outbox.start()
    outbox.release(Notice("key", "GD-01/HH", {}), Priority.P1)
    async with asyncio.timeout(20):
        await phone.asked.wait()
    await asyncio.sleep(0.05)
    assert hung(outbox.pulses()) == ()
    clock.advance(299.0 if refuses else 1e6 + 301.0)
    assert hung(outbox.pulses()) == (() if refuses else (Text.same("notifier phone"),))
    await outbox.close()


@pytest.mark.parametrize("unit", sorted((ROOT / "deploy").glob("*.service")), ids=lambda path: path.name)
def test_systemd_finds_nothing_wrong_with_our_units(unit, tmp_path):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    text = "\n".join(f"ExecStart={shutil.which('true')}" if line.startswith("ExecStart=") else line
                     for line in unit.read_text().splitlines())  # the program is not installed where tests run
    (tmp_path / unit.name).write_text(text + "\n")
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", str(tmp_path / unit.name)], capture_output=True,
                          text=True, timeout=60, check=False)
    said = [line for line in (done.stdout + done.stderr).splitlines() if unit.name in line]
    assert done.returncode == 0 and not said, done.stderr

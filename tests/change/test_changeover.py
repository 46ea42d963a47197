"""A running gateway is changed over to another configuration, and goes back by itself. Real devices, real files."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from alerting.service import AlarmService
from gateway.app import Gateway, load
from gateway.change import files, trial
from gateway.change.desk import Desk
from gateway.change.history import History, Outcome
from gateway.changeover import Changeover
from gateway.model.gateway_fault import GatewayFault
from gateway.model.text import Text
from gateway.parts.parts import Parts
from gateway.pipeline import Pipeline
from tests.drivers.modbus.witness import Slave, TcpDevice
from tests.servers import free_port

survives = pytest.mark.survives

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
deadman = "30s"
limits = { H = { value = 20, off_delay = "0s" }, HH = { value = 40, on_delay = "600s" } }

[[signals]]
id = "GAS-2"
kind = "combustible_gas"
low = 0
high = 100
deadman = "30s"
limits = { H = { value = 20, off_delay = "0s" } }

[[sources]]
id = "gas"
type = "modbus"
host = "127.0.0.1"
port = PORT
devices = [{ id = "head", unit = 1, period = "100ms", timeout = "200ms", points = [
    { signal = "GAS-1", table = "holding", address = 0 }, { signal = "GAS-2", table = "holding", address = 1 }] }]

[api]
port = 0
"""


class Yard:
    """A site whose configuration is changed. gateways: all that ran, in order."""

    def __init__(self, folder: Path, port: int):
        self.folder, self.site = folder, folder / "site.toml"
        self.text = SITE.replace("PORT", str(port))
        self.site.write_text(self.text)
        self.gateways: list[Gateway] = []
        self.history = History(folder / "data")

    def configuration(self, *changes: tuple[str, str]) -> files.Configuration:
        text = self.text
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        return files.Configuration(text.encode())

    def build(self, site_file, served, desk, news) -> Gateway:
        self.gateways.append(Gateway(site_file, self.folder / "data", ready=served, desk=desk, news=news))
        return self.gateways[-1]

    @property
    def gateway(self) -> Gateway:
        return self.gateways[-1]

    @property
    def parts(self) -> Parts:
        return self.gateway.parts

    @property
    def alarms(self) -> AlarmService:
        return self.parts.chain.alarms

    @property
    def outcomes(self) -> list[Outcome]:
        return [entry.outcome for entry in self.history.entries()]

    def conditions(self) -> set[str]:
        return {view.definition.id for view in self.alarms.views() if view.state.condition}

    async def apply(self, *changes: tuple[str, str]) -> None:
        await asyncio.to_thread(self.gateway.desk.apply, self.configuration(*changes), "Li", "dust on the heads")

    async def until(self, look, what: str) -> None:
        try:
            async with asyncio.timeout(60):
                while True:
                    with suppress(AttributeError, IndexError):  # a gateway that is not open yet
                        if look():
                            return
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"{what}: {self.outcomes}") from None

    async def rows(self, act: str) -> list[dict]:
        """Of the journal, when there are any."""
        async with asyncio.timeout(60):
            while not (found := [row.body for row in await self.alarms.history()
                                 if row.kind == "configuration" and row.body.get("act") == act]):
                await asyncio.sleep(0.02)
        return found


@asynccontextmanager
async def running(yard: Yard) -> AsyncIterator[Yard]:
    over = Changeover(yard.site, yard.folder / "data", load, yard.build, settled_s=0.3, within_s=1.5)
    task = asyncio.create_task(over.run())
    try:
        yield yard
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def watching(tmp_path: Path, slave: Slave) -> AsyncIterator[Yard]:
    """Until the first samples are in."""
    async with TcpDevice(slave) as device, running(Yard(tmp_path, device.port)) as yard:
        await yard.until(lambda: yard.gateway.online() and "GAS-1/H" in yard.conditions(), "no samples")
        yield yard


@pytest.fixture
def slave():
    slave = Slave()
    slave.registers[3][:2] = [45, 5]
    return slave


async def test_a_change_keeps_alarms_delays_and_what_was_acknowledged(tmp_path, slave):
    async with watching(tmp_path, slave) as yard:
        await yard.alarms.acknowledge("GAS-1/H", "Wang")
        before = yard.alarms.view("GAS-1/H")
        bank = yard.parts.chain.bank
        due = dict(bank._states())["limits"]["HH.due"][0]
        await yard.apply(("GAS-2\"\nkind = \"combustible_gas\"\nlow = 0\nhigh = 100\ndeadman = \"30s\"\n"
                          "limits = { H = { value = 20", "GAS-2\"\nkind = \"combustible_gas\"\nlow = 0\nhigh = 100\n"
                          "deadman = \"30s\"\nlimits = { H = { value = 22"))
        await yard.until(lambda: yard.outcomes == [Outcome.IN_FORCE] * 2 and trial.find(yard.site) is None,
                         "not in force")
        after = yard.alarms.view("GAS-1/H")
        assert (after.occurrence, after.state, after.who) == (before.occurrence, before.state, "Wang")
        assert yard.parts.site.signals[1].limits[0].value == 22
        assert dict(yard.parts.chain.bank._states())["limits"]["HH.due"][0] == due, "the delay that runs goes on"
        assert yard.conditions() == {"GAS-1/H"}
        (row,) = await yard.rows("applied")
        assert (row["who"], row["why"], row["number"]) == ("Li", "dust on the heads", 2)
        assert row["changes"][0]["en"] == "H of GAS-2 20 -> 22 %LEL, laxer"


@survives("a new configuration with which a device no longer answers", says=Text("no longer answer", "不再应答"),
          then="the old one is in force again; `gateway/configuration` (P2) and the journal say so")
async def test_a_configuration_that_loses_a_device_is_taken_back(tmp_path, slave, says):
    async with watching(tmp_path, slave) as yard:
        await yard.apply(("period = \"100ms\", timeout = \"200ms\"", "period = \"200ms\", timeout = \"200ms\""),
                         (yard.text[yard.text.index("port = "):].split("\n")[0], f"port = {free_port()}"))
        await yard.until(lambda: len(yard.gateways) == 3 and yard.gateway.online(), "not taken back")
        await yard.until(lambda: GatewayFault.CONFIGURATION in yard.conditions(), "nothing was said")
        says(yard.history.entry(2).reason)
        assert yard.outcomes == [Outcome.IN_FORCE, Outcome.TAKEN_BACK]
        assert yard.site.read_text() == yard.text and trial.find(yard.site) is None
        assert "GAS-1/H" in yard.conditions() and yard.alarms.view("GAS-1/H").occurrence == 1
        (row,) = await yard.rows("taken back")
        assert row["number"] == 2 and row["reason"]["en"].startswith("no longer answer: gas/head")
        await yard.apply(("value = 20", "value = 19"))
        await yard.until(lambda: yard.outcomes[-1] is Outcome.IN_FORCE, "the next change does not work")


@survives("a new configuration with which a task of the gateway hangs or fails",
          says=Text("pipeline", "pipeline"),
          then="the old one is in force again; `gateway/configuration` (P2) and the journal say so")
async def test_a_configuration_with_which_a_task_fails_is_taken_back(tmp_path, slave, monkeypatch, says):
    async with watching(tmp_path, slave) as yard:
        run = Pipeline.run

        async def fails(pipeline):
            if pipeline is yard.gateways[1].parts.chain.pipeline:
                raise RuntimeError("not with this one")
            await run(pipeline)
        monkeypatch.setattr(Pipeline, "run", fails)
        await yard.apply(("value = 20", "value = 19"))
        await yard.until(lambda: len(yard.gateways) == 3 and yard.gateway.online(), "not taken back")
        assert yard.outcomes[-1] is Outcome.TAKEN_BACK and "GAS-1/H" in yard.conditions()
        says(yard.history.entry(2).reason)


async def test_a_gateway_that_does_not_start_with_it_is_taken_back(tmp_path, slave):
    async with watching(tmp_path, slave) as yard, TcpDevice(Slave()) as taken:
        await yard.apply(("[api]\nport = 0", f"[api]\nport = {taken.port}"))
        await yard.until(lambda: len(yard.gateways) == 3 and yard.gateway.online(), "not taken back")
        assert yard.history.entry(2).reason.en == "the page is not served"


@survives("kill -9 or a power cut while a new configuration is on trial",
          says=Text("ended or hung before it had proved itself", "在试运行期间退出或卡死"),
          then="the next start runs the old one; `gateway/configuration` (P2) and the journal say so")
async def test_a_death_on_trial_takes_it_back(tmp_path, slave, says):
    async with TcpDevice(slave) as device:
        yard = Yard(tmp_path, device.port)
        async with running(yard):
            await yard.until(lambda: "GAS-1/H" in yard.conditions(), "no alarm")
            await yard.apply(("value = 20", "value = 19"))
            note = trial.find(yard.site)
            await yard.until(lambda: len(yard.gateways) == 2, "no trial")
        assert note.phase is trial.Phase.TRYING and trial.find(yard.site) == note, "it was not over"
        assert yard.site.read_text() != yard.text
        async with running(yard):
            await yard.until(lambda: GatewayFault.CONFIGURATION in yard.conditions(), "nothing was said")
            says(yard.history.entry(2).reason)
            assert yard.site.read_text() == yard.text
            assert len(await yard.rows("taken back")) == 1


async def test_what_was_put_there_while_no_gateway_ran_is_tried_at_the_next_start(tmp_path, slave):
    async with TcpDevice(slave) as device:
        yard = Yard(tmp_path, device.port)
        async with running(yard):
            await yard.until(lambda: "GAS-1/H" in yard.conditions(), "no alarm")
        desk = Desk(yard.site, tmp_path / "data", load)
        desk.apply(yard.configuration(("value = 20", "value = 19")), "Li", "")
        assert yard.outcomes == [Outcome.IN_FORCE, Outcome.WAITING]
        async with running(yard):
            await yard.until(lambda: yard.outcomes[-1] is Outcome.IN_FORCE and trial.find(yard.site) is None,
                             "not in force")
            assert 19 in {limit.value for limit in yard.parts.site.signals[0].limits}


async def test_a_file_that_was_changed_by_hand_is_found_at_the_next_start(tmp_path, slave):
    async with TcpDevice(slave) as device:
        yard = Yard(tmp_path, device.port)
        for run, text in enumerate((yard.text, yard.text, yard.text.replace("value = 20", "value = 19")), 1):
            yard.site.write_text(text)
            async with running(yard):
                await yard.until(lambda run=run: len(yard.gateways) == run and yard.gateway.online(), "it does not run")
        assert [(entry.number, entry.act) for entry in yard.history.entries()] == [(1, "found"), (2, "found")]


def test_a_process_whose_event_loop_hangs_becomes_a_new_one(tmp_path):
    """The last line of defence does not need the loop."""
    story = tmp_path / "story"
    script = ("import pathlib, sys, threading, time\nfrom gateway.changeover import start_anew\n"
              "story = pathlib.Path(sys.argv[1])\n"
              "if story.exists():\n    print('anew', *sys.argv[1:])\n    sys.exit()\n"
              "story.touch()\nthreading.Timer(0.05, start_anew).start()\ntime.sleep(60)\n")
    began = time.monotonic()
    told = subprocess.run([sys.executable, "-c", script, str(story), "--port", "1"], capture_output=True, text=True,
                          timeout=50)
    assert told.stdout == f"anew {story} --port 1\n"
    assert time.monotonic() - began < 50

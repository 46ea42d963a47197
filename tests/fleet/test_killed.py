"""A whole gateway as it is installed: its process, the broker on its machine with the bridge, and the broker of the
centre; killed in every order. What the centre sees is what is so."""

from __future__ import annotations

import asyncio
import getpass
import signal
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.config.centre import CentreSection
from gateway.fleet.asking import call
from gateway.fleet.roll import Line, roll
from tests.acceptance.processes import DAVYLAMP, program
from tests.fleet.test_bridge import bridge, last, listening, until
from tests.servers import Server, free_port, mosquitto

SITE = """
[site]
id = "north"
name = "North"
timezone = "Asia/Shanghai"

[[signals]]
id = "GAS-1"
kind = "combustible_gas"
low = 0
high = 100
limits = {{ H = 20, HH = 40 }}

[[sources]]
id = "gas"
type = "modbus"
host = "127.0.0.1"
port = {modbus}
devices = [{{ id = "head", unit = 1, points = [{{ signal = "GAS-1", table = "holding", address = 0 }}] }}]

[centre]
host = "127.0.0.1"
port = {broker}
every = 5

[api]
port = {page}
"""


class Box:
    """One gateway on one machine. Its broker saves what it keeps every second."""

    def __init__(self, folder: Path, centre: int):
        self.folder, self.broker_port = folder, free_port()
        self.file = folder / "sites" / "north" / "site.toml"
        self.file.parent.mkdir(parents=True)
        self.file.write_text(SITE.format(modbus=free_port(), broker=self.broker_port, page=free_port()))
        (folder / "kept").mkdir()
        self._extra = (f"user {getpass.getuser()}\npersistence true\npersistence_location {folder}/kept/\n"
                       f"autosave_interval 1\n{bridge(centre)}")

    def broker(self):
        return mosquitto(self.folder, port=self.broker_port, extra=self._extra)

    @contextmanager
    def gateway(self):
        with program(*DAVYLAMP, "run", str(self.file), "--data", str(self.folder / "data")) as running:
            running.wait_for("Page: ")
            yield running


def kill(server: Server) -> None:
    server.process.kill()
    server.process.wait()


async def seen(port: int) -> Line:
    messages = await call(CentreSection(host="127.0.0.1", port=port))
    (line,) = roll(messages, "davylamp", datetime.now(UTC)).lines
    return line


@pytest.fixture
def parts():
    with ExitStack() as parts:
        yield parts


@pytest.mark.survives("kill -9 of a gateway, of its broker, of both; the centre away meanwhile",
                      then="offline by the will, or cut off; then a birth; nothing that the broker had saved is lost")
async def test_a_whole_gateway_is_killed(tmp_path, parts):
    centre = free_port()
    box = Box(tmp_path, centre)
    own = tmp_path / "centre"
    own.mkdir()
    kept = f"user {getpass.getuser()}\npersistence true\npersistence_location {own}/\n"
    with box.broker() as broker, mosquitto(own, port=centre, extra=kept):
        async with listening(centre) as heard:
            with box.gateway() as gateway:
                await until(lambda: last(heard, "report"), heard)
                first = last(heard, "birth")["run"]
                assert (await seen(centre)).state == "online"
                gateway.stop(signal.SIGKILL)
                await until(lambda: last(heard, "state").get("state") == "offline", heard)
            gateway = parts.enter_context(box.gateway())
            await until(lambda: last(heard, "birth")["run"] != first, heard)
            await until(lambda: last(heard, "state").get("state") == "online", heard)
            kill(broker)
            await until(lambda: last(heard, "bridge") == 0, heard)
            assert (await seen(centre)).state == "cut off"
    second = last(heard, "birth")["run"]
    with box.broker() as broker:  # the centre is away now
        async with listening(box.broker_port) as here:
            await until(lambda: [kind for kind, _ in here].count("report") >= 2, here)
        await asyncio.sleep(2.5)  # it is saved
        gateway.stop(signal.SIGKILL)
        kill(broker)
    newest = max(said["line_ms"] for kind, said in here if kind == "report")
    with mosquitto(own, port=centre, extra=kept), box.broker():
        async with listening(centre) as heard:
            await until(lambda: last(heard, "report").get("line_ms") == newest, heard)
            assert {last(heard, kind)["run"] for kind in ("birth", "report")} == {second}
            await until(lambda: last(heard, "bridge") == 1, heard)

"""Two real brokers and the bridge between them as it is deployed: what a gateway reports reaches the centre, also what
was said while the line was down, in order, and what is retained there is the newest."""

from __future__ import annotations

import asyncio
import getpass
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import aiomqtt
import pytest

from gateway.config.centre import CentreSection
from gateway.fleet.asking import call
from gateway.fleet.reporter import Reporter
from gateway.fleet.roll import roll
from gateway.model.clock import TimeLine
from tests.fleet.test_roll import report
from tests.servers import free_port, mosquitto

GONE = ("stopped", "offline")
BRIDGE = Path(__file__).parents[2] / "deploy" / "mosquitto-bridge.conf"


def bridge(centre: int) -> str:
    """The deployed file; without TLS, and quick to come back."""
    text = BRIDGE.read_text().replace("CENTRE:8883", f"127.0.0.1:{centre}").replace("SITE", "north")
    kept = [line for line in text.splitlines() if not line.startswith(("bridge_ca", "bridge_cert", "bridge_key"))]
    return "\n".join(kept).replace("restart_timeout 5 60", "restart_timeout 1")


def as_it_is(**how):
    async def found():
        return report(**how)
    return found


async def until(look: Callable[[], object], heard: list) -> None:
    try:
        async with asyncio.timeout(40):
            while not look():
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"never came; heard: {heard}") from None


@asynccontextmanager
async def listening(port: int) -> AsyncIterator[list[tuple[str, dict]]]:
    """Everything that comes to the centre, as it comes."""
    heard: list[tuple[str, dict]] = []

    async def listen() -> None:
        async with aiomqtt.Client("127.0.0.1", port, identifier="listener", clean_session=False) as client:
            await client.subscribe("davylamp/#", qos=1)
            ready.set()
            async for message in client.messages:
                kind = str(message.topic).rpartition("/")[2]
                heard.append((kind, json.loads(message.payload or b"null")))
    ready = asyncio.Event()
    task = asyncio.create_task(listen())
    await ready.wait()
    try:
        yield heard
    finally:
        task.cancel()
        await asyncio.wait({task})


@asynccontextmanager
async def reporting(port: int, **how) -> AsyncIterator[None]:
    settings = CentreSection(host="127.0.0.1", port=port, every=5)
    reporter = Reporter(settings, "north", TimeLine.resume(None))
    task = asyncio.create_task(reporter.run(as_it_is(**how)))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


def last(heard: list[tuple[str, dict]], kind: str) -> dict:
    return next((said for one, said in reversed(heard) if one == kind), {})


@pytest.mark.survives("the line between a gateway and the centre is down",
                      then="what it reports waits at its own broker, over restarts too; all of it arrives, in order")
async def test_nothing_is_lost_while_the_line_is_down(tmp_path):
    centre, local = free_port(), free_port()
    user = f"user {getpass.getuser()}\n"  # it may write into this folder
    kept = f"{user}persistence true\npersistence_location {tmp_path}/\nautosave_interval 1\nautosave_on_changes false\n"
    extra = kept + bridge(centre)
    with mosquitto(tmp_path, port=local, extra=extra):
        async with reporting(local, number=1):  # nobody is at the centre yet
            await asyncio.sleep(1.5)
    with mosquitto(tmp_path, port=local, extra=extra), mosquitto(tmp_path, port=centre):  # both boxes were restarted
        async with listening(centre) as heard:
            await until(lambda: last(heard, "state").get("state") in GONE and last(heard, "birth"), heard)
            said = [kind for kind, _ in heard]
            assert [kind for kind in dict.fromkeys(said) if kind != "bridge"] == ["state", "birth", "report"]
            assert heard[said.index("state")][1]["state"] == "online"
            assert last(heard, "birth")["number"] == 1, "the birth of a gateway that nobody heard then"
            assert last(heard, "bridge") == 1
            async with reporting(local, number=2):
                await until(lambda: last(heard, "report").get("number") == 2, heard)
                messages = await call(CentreSection(host="127.0.0.1", port=centre))
                (line,) = roll(messages, "davylamp", datetime.now(UTC)).lines
                assert (line.site, line.state, line.report["number"]) == ("north", "online", 2)
            await until(lambda: last(heard, "state").get("state") in GONE, heard)
            times = [told["time"] for kind, told in heard if kind == "report"]
            assert times == sorted(times)


async def test_a_gateway_that_dies_is_offline_by_its_will(tmp_path):
    with mosquitto(tmp_path) as broker:
        settings = CentreSection(host="127.0.0.1", port=broker.port, every=5)
        reporter = Reporter(settings, "north", TimeLine.resume(None))
        task = asyncio.create_task(reporter.run(as_it_is()))
        async with listening(broker.port) as heard:
            await until(lambda: last(heard, "report"), heard)
            client = reporter._broker._client
            client._client._sock.close()  # as if the machine were gone: no farewell
            task.cancel()
            await until(lambda: last(heard, "state").get("state") == "offline", heard)

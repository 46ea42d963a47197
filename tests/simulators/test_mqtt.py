"""The simulated publishers on a real broker, read by mosquitto_sub and aiomqtt."""

from __future__ import annotations

import asyncio
import contextlib
import json
from datetime import UTC, datetime

import aiomqtt
import pytest

from simulators.station import Settings, Station
from tests import servers
from tests.simulators.conftest import hit


@pytest.fixture
async def listen(broker):
    """`await listen("topic/#")` gives an async function that returns the next (topic, payload, retained)."""
    async with contextlib.AsyncExitStack() as stack:
        async def subscribe(*topics: str):
            client = await stack.enter_async_context(aiomqtt.Client(broker.host, broker.port))
            for topic in topics:
                await client.subscribe(topic, qos=1)
            messages = aiter(client.messages)

            async def following() -> tuple[str, str, bool]:
                message = await asyncio.wait_for(anext(messages), 30)
                return str(message.topic), message.payload.decode(), message.retain
            return following
        yield subscribe


@contextlib.asynccontextmanager
async def on_air(world, broker, told: list | None = None, speed: float = 10.0):
    """The depot publishing to the broker, ten times as fast as life."""
    told = [] if told is None else told
    ready = asyncio.Event()

    def tell(what) -> None:
        told.append(what)
        if what.kind == "ready":
            ready.set()

    task = asyncio.create_task(Station(world, Settings(0, mqtt=(broker.host, broker.port), speed=speed), tell).run())
    waiting = asyncio.create_task(ready.wait())
    await asyncio.wait((task, waiting), return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if task.done():
        task.result()
    yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def until(following, topic: str, payload: str | None = None) -> tuple[str, str, bool]:
    while True:
        message = await following()
        if message[0] == topic and payload in (None, message[1]):
            return message


async def test_mosquitto_sub_sees_frigate_tasmota_and_shelly(world, broker):
    async with on_air(world, broker):
        process = await asyncio.create_subprocess_exec(
            servers.program("mosquitto_sub"), "-h", broker.host, "-p", str(broker.port), "-v", "-t", "#", "-C", "40",
            "-W", "30", stdout=asyncio.subprocess.PIPE)
        printed = (await process.communicate())[0].decode().splitlines()
    seen = dict(line.split(" ", 1) for line in printed)
    assert seen["frigate/available"] == "online"
    assert seen["frigate/pump_house/person"] == "2"
    assert seen["frigate/tank_farm/person"] == "0"
    assert seen["frigate/pump_house_cam/detect/state"] == "ON"
    cameras = json.loads(seen["frigate/stats"])["cameras"]
    assert cameras["pump_house_cam"]["camera_fps"] == pytest.approx(5, abs=0.5)
    assert seen["tele/fan-01/LWT"] == "Online"
    energy = json.loads(seen["tele/fan-01/SENSOR"])["ENERGY"]
    assert energy["Power"] == pytest.approx(1100, rel=0.05) and energy["Voltage"] == pytest.approx(230, abs=3)
    assert seen["shelly-p102/online"] == "true"
    meter = json.loads(seen["shelly-p102/status/em:0"])
    assert meter["total_act_power"] == pytest.approx(7500, rel=0.05)
    assert meter["a_act_power"] + meter["b_act_power"] + meter["c_act_power"] == pytest.approx(7500, rel=0.05)


async def test_availability_is_retained_and_goes_offline_with_goodbye(world, broker, listen):
    async with on_air(world, broker):
        following = await listen("frigate/available")
        assert await following() == ("frigate/available", "online", True)
    assert await following() == ("frigate/available", "offline", False)
    assert await (await listen("frigate/available"))() == ("frigate/available", "offline", True)


async def test_a_lost_connection_lets_the_broker_speak_the_last_will_and_heals_itself(world, broker, listen):
    told = []
    async with on_air(world, broker, told):
        following = await listen("tele/fan-01/LWT", "frigate/available")
        assert {await following(), await following()} == {("tele/fan-01/LWT", "Online", True),
                                                          ("frigate/available", "online", True)}
        hit(world, do="broker_loss", target="fan-01")
        assert await following() == ("tele/fan-01/LWT", "Offline", False)
        hit(world, do="restore", target="fan-01")
        assert await following() == ("tele/fan-01/LWT", "Online", False)
    states = [what.detail["connected"] for what in told if what.kind == "mqtt" and what.detail["publisher"] == "fan-01"]
    assert states == [True, False, True]


async def test_publishers_wait_for_a_broker_and_return_to_a_restarted_one(world, tmp_path):
    port = servers.free_port()
    told = []
    with servers.mosquitto(tmp_path, port=port) as broker:
        pass  # there was one, it is gone
    async with on_air(world, broker, told):
        assert [what.kind for what in told][:4] == ["mqtt"] * 3 + ["ready"]
        assert not any(what.detail["connected"] for what in told[:3])
        for _ in range(2):
            with servers.mosquitto(tmp_path, port=port):
                async with aiomqtt.Client("127.0.0.1", port) as client:
                    await client.subscribe("frigate/pump_house/person")
                    message = await asyncio.wait_for(anext(aiter(client.messages)), 30)
                    assert message.payload == b"2"


async def test_a_camera_loss_shows_in_the_stats_and_nowhere_else(world, broker, listen):
    async with on_air(world, broker):
        hit(world, do="camera_loss", target="CAM-pump")
        following = await listen("frigate/stats", "frigate/pump_house_cam/detect/state")
        _, state, _ = await until(following, "frigate/pump_house_cam/detect/state")
        cameras = {}
        while cameras.get("pump_house_cam", {}).get("camera_fps") != 0:
            cameras = json.loads((await until(following, "frigate/stats"))[1])["cameras"]
        assert state == "ON" and cameras["tank_farm_cam"]["camera_fps"] > 4


async def test_a_count_is_sent_when_it_changes(world, broker, listen):
    async with on_air(world, broker):
        following = await listen("frigate/pump_house/person")
        await following()
        hit(world, do="persons", target="PUMP.persons", count=7)
        await until(following, "frigate/pump_house/person", "7")


async def test_a_clock_step_shows_in_the_stamps_and_garbled_payloads_are_no_json(world, broker, listen):
    async with on_air(world, broker):
        following = await listen("tele/fan-01/SENSOR")

        def offset(payload: str) -> float:
            stamp = datetime.fromisoformat(json.loads(payload)["Time"]).replace(tzinfo=UTC)
            return (stamp - datetime.now(UTC)).total_seconds()

        assert abs(offset((await following())[1])) < 60
        hit(world, do="clock_step", target="fan-01", seconds=3600)
        while abs(offset((await following())[1]) - 3600) > 60:
            pass
        hit(world, do="garbled_payload", target="fan-01")
        with pytest.raises(json.JSONDecodeError):
            while True:
                json.loads((await following())[1])


async def test_a_silent_publisher_stays_online_and_says_nothing(world, broker, listen):
    async with on_air(world, broker):
        following = await listen("frigate/#", "shelly-p102/status/em:0")
        await until(following, "frigate/stats")
        hit(world, do="silent", target="frigate")
        await until(following, "shelly-p102/status/em:0")  # what was under way is through
        others = [(await following())[0] for _ in range(8)]
        assert set(others) == {"shelly-p102/status/em:0"}
        hit(world, do="restore", target="frigate")
        await until(following, "frigate/stats")

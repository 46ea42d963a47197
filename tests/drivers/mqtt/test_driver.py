"""The driver on a real mosquitto: what arrives, what is acknowledged when, and what happens when the broker goes."""

from __future__ import annotations

import asyncio
import json

import pytest

from gateway.model.quality import LABELS, Quality
from gateway.model.text import Text
from tests import servers
from tests.drivers.mqtt.stage import OWN_FILES, PATIENCE_S, Pipe, driving, publish, section, table, until

LEVEL = """
[[topics]]
topic = "plant/{tank}/level"
signal = "{tank}.level"
names.tank = ["T-1", "T-2"]
"""
COUNT = """
[[topics]]
topic = "count"
values = { N = "n" }
"""

PROTOCOLS = pytest.mark.parametrize("protocol", ["3.1.1", "5"])


def numbers(count: int, start: int = 0) -> list[tuple[str, bytes]]:
    return [("count", json.dumps({"n": n}).encode()) for n in range(start, start + count)]


@PROTOCOLS
async def test_a_message_becomes_a_good_sample_stamped_on_arrival(broker, protocol):
    config = section(LEVEL, port=broker.port, protocol=protocol)
    pipe = Pipe(table(config))
    async with driving(config, pipe) as run:
        await run.online()
        await publish(broker.port, [("plant/T-1/level", b"3.5"), ("plant/T-9/level", b"1"), ("plant/T-2/level", b"4")])
        await until(lambda: pipe.good("T-1.level") == [3.5] and pipe.good("T-2.level") == [4.0])
        assert run.count("unmapped") == 1  # T-9 is nobody's signal
        assert run.count("samples") == 2


@PROTOCOLS
async def test_a_retained_value_is_stale_and_a_live_one_good(broker, protocol):
    config = section(LEVEL, port=broker.port, protocol=protocol)
    pipe = Pipe(table(config))
    await publish(broker.port, [("plant/T-1/level", b"3.5")], retain=True)
    async with driving(config, pipe) as run:
        await until(lambda: pipe.rows("T-1.level") == [(3.5, Quality.UNCERTAIN_STALE)])
        await run.online()
        await publish(broker.port, [("plant/T-1/level", b"3.6")], retain=True)
        await until(lambda: pipe.good("T-1.level") == [3.6])


@PROTOCOLS
async def test_a_burst_at_qos_1_arrives_whole_and_in_order(broker, protocol):
    config = section(COUNT, port=broker.port, protocol=protocol)
    pipe = Pipe(table(config))
    async with driving(config, pipe) as run:
        await run.online()
        await publish(broker.port, numbers(5000))
        await until(lambda: len(pipe.rows("N")) >= 5000)
        assert pipe.good("N") == [float(n) for n in range(5000)]
        assert len(pipe.frames) < 2500  # many messages share a frame


@PROTOCOLS
@pytest.mark.survives("messages that waited at the broker while the gateway was away", then="stored, uncertain",
                      says=LABELS[Quality.UNCERTAIN_STALE])
async def test_what_was_published_while_we_were_down_arrives_and_is_stale(broker, protocol, says):
    config = section(COUNT, port=broker.port, protocol=protocol)
    before, after = Pipe(table(config)), Pipe(table(config))
    async with driving(config, before) as run:
        await run.online()
    await publish(broker.port, numbers(1000))
    async with driving(config, after) as run:
        await until(lambda: len(after.rows("N")) >= 1000)
        assert [value for value, _ in after.rows("N")] == [float(n) for n in range(1000)]
        (quality,) = set(after.qualities("N"))
        assert says(LABELS[quality])
        async with asyncio.timeout(PATIENCE_S):  # soon the waiting messages are all in, and what comes is from now
            while not after.good("N"):
                await publish(broker.port, numbers(1, start=2000))
                await asyncio.sleep(0.1)
        assert set(after.good("N")) == {2000.0}


@PROTOCOLS
async def test_nothing_is_acknowledged_before_it_is_on_disk_and_everything_after(broker, protocol):
    config = section(COUNT, port=broker.port, protocol=protocol)
    first, second, third = (Pipe(table(config), durable) for durable in (False, True, True))
    async with driving(config, first) as run:
        await run.online()
        await publish(broker.port, numbers(50))
        await until(lambda: len(first.rows("N")) >= 50)
    async with driving(config, second) as run:  # the first one died with nothing on disk: everything comes again
        await until(lambda: len(second.rows("N")) >= 50)
        assert [value for value, _ in second.rows("N")] == [float(n) for n in range(50)]
        assert run.count("redelivered") == 50
        await until(lambda: run.count("acknowledged") == 50)
    async with driving(config, third) as run:  # the second one acknowledged: nothing comes again
        await run.online()
        await publish(broker.port, numbers(1, start=1000))
        await until(lambda: third.rows("N"))
        assert [value for value, _ in third.rows("N")] == [1000.0]


@pytest.mark.survives("broker restart", then="all its signals are bad at once, and good again with the next message",
                      says=Text("broker 127.0.0.1:…: …. Is the broker running, and is the port right?",
                                "消息服务器 127.0.0.1:…：…。请确认消息服务器已运行且端口正确"))
async def test_broker_restart_marks_signals_lost_and_comes_back(tmp_path, says):
    config_lines = f"{OWN_FILES}persistence true\npersistence_location {tmp_path}/\n"
    with servers.mosquitto(tmp_path, extra=config_lines) as broker:
        config = section(LEVEL, port=broker.port)
        pipe = Pipe(table(config))
        async with driving(config, pipe) as run:
            await run.online()
            await publish(broker.port, [("plant/T-1/level", b"3")])
            await until(lambda: pipe.good("T-1.level") == [3.0])
            broker.stop()
            await until(lambda: Quality.BAD_COMM_LOST in pipe.qualities("T-2.level"))
            assert pipe.qualities("T-1.level")[-1] == Quality.BAD_COMM_LOST
            await until(lambda: not run.status().online and says(run.status().reason))
            with servers.mosquitto(tmp_path, port=broker.port, extra=config_lines):
                await run.online()
                await publish(broker.port, [("plant/T-1/level", b"4")])
                await until(lambda: 4.0 in [value for value, _ in pipe.rows("T-1.level")])
                assert pipe.qualities("T-1.level").count(Quality.BAD_COMM_LOST) == 1

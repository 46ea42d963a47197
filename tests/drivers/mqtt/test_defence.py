"""Faults beside the field: a disk that does not keep up, a client that fails. Detection goes on, at once."""

from __future__ import annotations

import asyncio

import pytest

from drivers.mqtt import driver as driver_module
from gateway.model.clock import ManualClock
from gateway.model.quality import Quality
from tests import servers
from tests.drivers.mqtt.stage import Pipe, driving, patience_ends, publish, section, table, until

COUNT = '[[topics]]\ntopic = "count"\nsignal = "N"\n'


def numbers(start: int, stop: int) -> list[tuple[str, bytes]]:
    return [("count", str(number).encode()) for number in range(start, stop)]


async def test_a_disk_that_fails_delays_detection_once_and_not_with_every_batch(tmp_path):
    with servers.mosquitto(tmp_path, extra="max_inflight_messages 20") as broker:
        config = section(COUNT, port=broker.port)
        pipe, clock = Pipe(table(config), durable=False), ManualClock()
        async with driving(config, pipe, clock) as run:
            await run.online()
            await publish(broker.port, numbers(0, 300))
            await until(lambda: len(pipe.rows("N")) == 20)
            await patience_ends(pipe, clock)
            await until(lambda: len(pipe.rows("N")) == 300)
            assert pipe.good("N") == [float(number) for number in range(300)]
            await until(lambda: run.count("acknowledged") == 300)
            assert run.count("acknowledged_undurable") == 300


async def test_while_messages_keep_coming_a_slow_disk_is_waited_for(tmp_path):
    """The broker has not stopped, so nothing is gained by telling it what is not true yet."""
    with servers.mosquitto(tmp_path, extra="max_inflight_messages 200") as broker:
        config = section(COUNT, port=broker.port)
        pipe, clock = Pipe(table(config), durable=False), ManualClock()
        async with driving(config, pipe, clock) as run:
            await run.online()
            for number in range(10):
                await publish(broker.port, numbers(number, number + 1))
                await until(lambda number=number: len(pipe.rows("N")) == number + 1)
                clock.advance(driver_module.DURABLE_WITHIN_S / 2)
                await asyncio.sleep(2 * driver_module._LOOK_S)
                assert run.count("acknowledged") == 0
            for on_durable in pipe.waiting:
                on_durable()
            await until(lambda: run.count("acknowledged") == 10)
            assert run.count("acknowledged_undurable") == 0


async def test_when_the_disk_keeps_up_again_it_is_waited_for_again(tmp_path):
    with servers.mosquitto(tmp_path, extra="max_inflight_messages 20") as broker:
        config = section(COUNT, port=broker.port)
        pipe, clock = Pipe(table(config), durable=False), ManualClock()
        async with driving(config, pipe, clock) as run:
            await run.online()
            await publish(broker.port, numbers(0, 10))
            await until(lambda: len(pipe.rows("N")) == 10)
            await patience_ends(pipe, clock)
            await until(lambda: run.count("acknowledged_undurable") == 10)
            late, pipe.waiting = pipe.waiting, []
            for on_durable in late:  # the disk took them after all, but too late to be relied on
                on_durable()
            await publish(broker.port, numbers(10, 20))
            await until(lambda: run.count("acknowledged_undurable") == 20)
            for on_durable in pipe.waiting:  # in time
                on_durable()
            await publish(broker.port, numbers(20, 30))
            await until(lambda: len(pipe.rows("N")) == 30)
            assert run.count("acknowledged") == run.count("acknowledged_undurable") == 20


@pytest.mark.parametrize("fault", [asyncio.CancelledError(), RuntimeError("the client has a fault"), None],
                         ids=["a cancellation from inside", "an unexpected error", "it just ends"])
async def test_whatever_the_client_does_the_driver_says_so_and_dials_again(broker, monkeypatch, fault):
    """A test double: the real client can not be made to fail in these ways on demand."""
    config = section(COUNT, port=broker.port)
    pipe = Pipe(table(config))
    connected = driver_module.MqttDriver._connected
    faults = iter([fault])

    async def once_faulty(driver) -> None:
        if (error := next(faults, ...)) is ...:
            return await connected(driver)
        if error is not None:
            raise error

    monkeypatch.setattr(driver_module.MqttDriver, "_connected", once_faulty)
    async with driving(config, pipe) as run:
        await run.online()
        await publish(broker.port, numbers(0, 1))
        await until(lambda: pipe.good("N") == [0.0])
        assert (pipe.qualities("N")[0] == Quality.BAD_COMM_LOST) == (fault is not None)

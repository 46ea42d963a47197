"""What the driver promises the gateway: the port, back-pressure, stamps, and to outlive its own errors."""

from __future__ import annotations

import asyncio

import pytest

from drivers.modbus.driver import HANDOVER_LIMIT, Handover, ModbusDriver
from drivers.modbus.wire import Line
from gateway.model.clock import ManualClock
from gateway.model.frame import Frame
from gateway.model.ports import Source
from gateway.model.pulse import Pulse
from gateway.model.quality import Flag, Quality
from gateway.model.text import Text
from tests.drivers.modbus.scene import Collector, device, holding, running, source, table_of
from tests.drivers.modbus.witness import Slave, TcpDevice


def test_it_is_a_source_and_says_what_it_knows_before_it_runs():
    config = source(host="127.0.0.1", devices=[device(holding("a", 0))])
    table = table_of(config)
    driver = ModbusDriver(config, table, Collector(table), ManualClock())
    assert isinstance(driver, Source)
    status, = driver.devices()
    assert not status.online and status.last_contact_wall_ns == 0 and set(status.counters.values()) == {0}


async def test_samples_are_stamped_by_the_clock_when_their_bytes_arrive():
    clock = ManualClock(trusted=False)
    config = source(host="127.0.0.1", port=1, devices=[device(holding("a", 0))])
    table = table_of(config)
    async with TcpDevice(Slave()) as server:
        seen = Collector(table)
        config = config.model_copy(update={"port": server.port})
        task = asyncio.create_task(ModbusDriver(config, table, seen, clock).run())
        await seen.until(lambda: bool(seen.frames))
        task.cancel()
    frame = seen.frames[0]
    assert frame.wall_ns[0] == clock.now().wall_ns and frame.line_ns[0] == clock.now().line_ns
    assert frame.quality[0] == Flag.CLOCK_NOT_TRUSTED


async def test_the_stamp_is_the_arrival_not_the_request():
    slave = Slave(always="late 0.1")
    async with (TcpDevice(slave) as server,
                running(host="127.0.0.1", port=server.port, devices=[device(holding("a", 7))]) as run):
        await run.until(lambda: bool(run.seen.good("a")))
        assert run.seen.frames[0].wall_ns[0] >= server.late_sent_ns[0]


async def test_blocks_answered_in_a_row_leave_as_few_frames_in_order():
    points = [holding(f"s{n}", n * 200) for n in range(5)]
    async with (TcpDevice(Slave()) as server,
                running(host="127.0.0.1", port=server.port, devices=[device(*points, period="300ms")]) as run):
        await run.until(lambda: len(run.seen.good("s4")) >= 3)
        assert len(run.seen.frames) < run.counter("probe", "answers")
        assert all((frame.line_ns[1:] >= frame.line_ns[:-1]).all() for frame in run.seen.frames)


async def test_a_full_handover_makes_the_devices_wait_and_loses_nothing():
    class Busy:
        def __init__(self):
            self.open = asyncio.Event()
            self.rows: list[float] = []

        async def put(self, frame, on_durable=None):
            await self.open.wait()
            self.rows += frame.value.tolist()

    busy = Busy()
    handover = Handover(busy, Pulse("handover", ManualClock()))
    runner = asyncio.create_task(handover.run())
    count = 2 * HANDOVER_LIMIT + 10
    given = 0

    async def produce():
        nonlocal given
        for number in range(count):
            await handover.give(Frame.of([0], [float(number)], ManualClock().now()))
            given += 1

    producer = asyncio.create_task(produce())
    await asyncio.sleep(0.05)
    assert given <= 2 * HANDOVER_LIMIT and not producer.done()
    busy.open.set()
    await asyncio.wait_for(producer, 10)
    while len(busy.rows) < count:
        await asyncio.sleep(0.01)
    assert busy.rows == [float(number) for number in range(count)]
    runner.cancel()


@pytest.mark.parametrize("error", [ZeroDivisionError("a bug"), asyncio.CancelledError()],
                         ids=["an error", "a cancellation from inside"])
async def test_an_error_of_our_own_marks_the_points_and_polling_goes_on(monkeypatch, error):
    monkeypatch.setattr("drivers.modbus.poller.OWN_FAULT_PAUSE_S", 0.01)
    honest, calls = Line.ask, 0

    async def buggy(self, *args, **kwargs):
        nonlocal calls
        calls += 1
        if calls <= 2:
            raise error
        return await honest(self, *args, **kwargs)

    monkeypatch.setattr(Line, "ask", buggy)
    async with (TcpDevice(Slave()) as server,
                running(host="127.0.0.1", port=server.port, devices=[device(holding("a", 7))]) as run):
        await run.until(lambda: bool(run.seen.good("a")))
        assert run.seen.qualities("a")[:2] == [Quality.BAD, Quality.BAD] and run.counter("probe", "errors") == 2


async def test_cancelling_closes_the_connection():
    async with TcpDevice(Slave()) as server:
        async with running(host="127.0.0.1", port=server.port, devices=[device(holding("a", 7))]) as run:
            await run.until(lambda: bool(run.seen.good("a")))
        async with asyncio.timeout(10):
            while server.open_connections:
                await asyncio.sleep(0.01)


@pytest.mark.survives("host name not known", then="its points are bad: communication lost", says=Text(
    "no connection to no-such-host.invalid:502: host name not known",
    "无法连接 no-such-host.invalid:502：主机名无法解析"))
async def test_a_host_that_is_no_host_name_is_a_fault_of_the_field(says):
    async with running(host="no-such-host.invalid", devices=[device(holding("a", 7))]) as run:
        await run.until(lambda: bool(run.seen.samples["a"]))
        assert run.seen.last("a")[1] == Quality.BAD_COMM_LOST and run.counter("probe", "errors") == 0
        assert says(run.status("probe").reason)

"""RTU on a pseudo-terminal bus: one line, several slaves, and everything that can go wrong on RS485."""

from __future__ import annotations

import asyncio
import os
from itertools import pairwise

import pytest

from gateway.model.quality import Quality
from gateway.model.text import Text
from tests.drivers.modbus.scene import device, hasty, holding, running
from tests.drivers.modbus.witness import SerialBus, Slave, TcpDevice, crc16

survives = pytest.mark.survives
LOST = "its points are bad: communication lost"


def rtu(bus: SerialBus, *devices: dict) -> dict:
    return {"transport": "rtu", "serial_port": bus.path, "baudrate": 115200, "devices": list(devices)}


async def test_two_slaves_on_one_line():
    one, two = Slave(unit=1), Slave(unit=2)
    two.registers[4][8:10] = [0x4048, 0xF5C3]
    points = {"signal": "b", "table": "input", "address": 8, "type": "float32"}
    async with (SerialBus(one, two) as bus,
                running(**rtu(bus, device(holding("a", 7), name="one", unit=1),
                              device(points, name="two", unit=2))) as run):
        await run.until(lambda: len(run.seen.good("a")) >= 3 and len(run.seen.good("b")) >= 3)
        assert set(run.seen.good("a")) == {7.0} and run.seen.last("b")[0] == pytest.approx(3.14, abs=1e-6)
        assert run.status("one").online and run.status("two").online


@survives("serial bus: one of two slaves is dead", says=Text("dead: no answer within … s", "dead：… 秒内无应答"),
          then=f"{LOST}; the living slave is served between any two requests to the dead one")
async def test_a_dead_slave_costs_the_living_one_only_a_time_out_now_and_then(says):
    alive = Slave(unit=1)
    async with (SerialBus(alive) as bus,
                running(**rtu(bus, device(holding("a", 7), name="alive", unit=1),
                              hasty(holding("b", 7), holding("c", 500), name="dead", unit=9))) as run):
        await run.until(lambda: bus.order.count(9) >= 6)
        assert set(run.seen.qualities("a")) == {Quality.GOOD}
        assert set(run.seen.qualities("b")) == set(run.seen.qualities("c")) == {Quality.BAD_COMM_LOST}
        places = [place for place, unit in enumerate(bus.order) if unit == 9]
        between = [later - earlier - 1 for earlier, later in pairwise(places)]
        assert min(between) >= 1, "the living slave is served between any two requests to the dead one"
        assert not run.status("dead").online and says(run.status("dead").reason)


async def test_a_dead_slave_that_comes_back_is_noticed():
    alive, lazy = Slave(unit=1), Slave(unit=2, always="silent")
    async with (SerialBus(alive, lazy) as bus,
                running(**rtu(bus, device(holding("a", 7), name="alive", unit=1),
                              hasty(holding("b", 9), name="lazy", unit=2))) as run):
        await run.until(lambda: run.counter("lazy", "timeouts") >= 2)
        lazy.always = "ok"
        await run.until(lambda: bool(run.seen.good("b")))
        assert run.seen.last("b") == (9.0, Quality.GOOD) and run.status("lazy").online


@survives("serial bus: slave answers after its time-out",
          then="the late answer is thrown away; no value lands in the wrong point")
async def test_a_late_answer_is_never_taken_for_the_next_register():
    """Two blocks of the same length: RTU frames that look alike. The answer to the first comes after its time-out."""
    slave = Slave()
    async with (SerialBus(slave) as bus,
                running(**rtu(bus, hasty(holding("a", 100), holding("b", 500)))) as run):
        await run.until(lambda: len(run.seen.good("b")) >= 2)
        slave.script.extend(["late 0.25", "late 0.2", "ok", "late 0.25"])
        await run.until(lambda: not slave.script and len(run.seen.good("b")) >= 8)
        assert set(run.seen.good("a")) == {100.0} and set(run.seen.good("b")) == {500.0}
        assert run.counter("probe", "timeouts") >= 3 and run.counter("probe", "late") >= 1


@pytest.mark.parametrize("fault", [pytest.param(fault, marks=survives(
    f"serial bus: {case}", then=f"{LOST}; good again with the first right answer",
    says=Text("probe: no answer within … s", "probe：… 秒内无应答")))
    for fault, case in {"bad crc": "answer with a wrong CRC", "truncated": "half an answer", "short": "short answer",
                        "unit": "answer of another unit", "function": "answer to another function",
                        "silent": "no answer"}.items()])
async def test_a_garbled_answer_is_no_answer(fault, says):
    slave = Slave(always=fault)
    async with (SerialBus(slave) as bus,
                running(**rtu(bus, hasty(holding("a", 7, type="int32")))) as run):
        await run.until(lambda: run.counter("probe", "timeouts") >= 2)
        assert run.seen.good("a") == [] and set(run.seen.qualities("a")) == {Quality.BAD_COMM_LOST}
        assert says(run.status("probe").reason)
        slave.always = "ok"
        await run.until(lambda: bool(run.seen.good("a")))
        assert set(run.seen.good("a")) == {7 * 65536 + 8}


@survives("serial bus: a slave babbles", then="nobody is asked meanwhile; the other slave's points stay good")
async def test_nobody_is_asked_while_a_slave_babbles(monkeypatch):
    monkeypatch.setattr("drivers.modbus.wire.RTU_QUIET_S", 0.25)  # far longer than a busy test machine stalls
    babbler, other = Slave(unit=1), Slave(unit=2)
    babbler.script.extend(["babble"] * 2)
    async with (SerialBus(babbler, other) as bus,
                running(**rtu(bus, hasty(holding("a", 7), name="babbler", unit=1),
                              device(holding("b", 7), name="other", unit=2))) as run):
        await run.until(lambda: bool(run.seen.good("a")))
        assert set(run.seen.qualities("b")) == {Quality.GOOD}
        assert bus.collisions == 0


@survives("serial bus: noise around a good answer", then="the answer is found and good")
async def test_noise_around_a_good_answer_is_passed_over():
    async with (SerialBus(Slave(always="noise")) as bus, running(**rtu(bus, device(holding("a", 7)))) as run):
        await run.until(lambda: len(run.seen.good("a")) >= 5)
        assert set(run.seen.qualities("a")) == {Quality.GOOD}


async def test_an_exception_answer_on_rtu():
    slave = Slave(always="exception 4")
    async with SerialBus(slave) as bus, running(**rtu(bus, device(holding("a", 7)))) as run:
        await run.until(lambda: run.counter("probe", "exceptions") >= 2)
        assert set(run.seen.qualities("a")) == {Quality.BAD_DEVICE} and "exception 4" in run.status("probe").reason.en


async def test_a_serial_port_that_is_not_there_says_so_and_is_tried_again(tmp_path):
    link = tmp_path / "ttyUSB0"
    async with SerialBus(Slave()) as bus:
        bus.path, real = str(link), bus.path
        async with running(**rtu(bus, device(holding("a", 7)))) as run:
            await run.until(lambda: bool(run.seen.samples["a"]))
            assert set(run.seen.qualities("a")) == {Quality.BAD_COMM_LOST}
            assert str(link) in run.status("probe").reason.en and "no such port" in run.status("probe").reason.en
            os.symlink(real, link)  # the adapter is plugged in
            await run.until(lambda: bool(run.seen.good("a")))


@survives("serial adapter is pulled out and plugged in again", then=f"{LOST}; good again once it is back",
          says=Text("probe: no connection to …: no such port", "probe：无法连接 …：端口不存在"))
async def test_an_adapter_that_is_pulled_out_and_plugged_in_again(tmp_path, says):
    link = tmp_path / "ttyUSB0"
    async with SerialBus(Slave()) as bus:
        os.symlink(bus.path, link)
        async with running(**rtu(bus, device(holding("a", 7))) | {"serial_port": str(link)}) as run:
            await run.until(lambda: bool(run.seen.good("a")))
            await bus.__aexit__()
            link.unlink()
            await run.until(lambda: says(run.status("probe").reason))
            assert run.seen.last("a")[1] == Quality.BAD_COMM_LOST
            await bus.__aenter__()
            os.symlink(bus.path, link)
            before = len(run.seen.good("a"))
            await run.until(lambda: len(run.seen.good("a")) > before)


@survives("unplugged serial adapter that returns under another name", says=Text("no such port", "端口不存在"),
          then="opened again by its stable name (/dev/serial/by-id/...); what now has its old number is left alone")
async def test_an_adapter_that_returns_under_another_number_is_found_by_its_stable_name(tmp_path, says):
    """As udev does it: the stable name is a link; it points to ttyUSB1 after ttyUSB0 has become another adapter's."""
    stable = tmp_path / "usb-FTDI_A50285BI-if00-port0"
    ours, other = Slave(), Slave()
    other.registers[3][:] = [99] * len(other.registers[3])
    first = SerialBus(ours)
    await first.__aenter__()
    stable.symlink_to(first.path)
    async with running(**rtu(first, device(holding("a", 7))) | {"serial_port": str(stable)}) as run:
        await run.until(lambda: bool(run.seen.good("a")))
        stable.unlink()
        await first.__aexit__()
        await run.until(lambda: says(run.status("probe").reason))
        async with SerialBus(other) as stranger, SerialBus(ours) as again:  # the stranger takes the old number
            assert stranger.path == first.path != again.path
            stable.symlink_to(again.path)
            before = len(run.seen.good("a"))
            await run.until(lambda: len(run.seen.good("a")) > before)
        assert set(run.seen.good("a")) == {7.0} and stranger.order == []


async def test_quarantine_holds_for_every_device_entry_of_the_unit():
    """One slave read at two periods: two entries, one unit. The second must not inherit the first one's late answer."""
    slave = Slave()
    async with (SerialBus(slave) as bus,
                running(**rtu(bus, hasty(holding("a", 100), name="fast"),
                              hasty(holding("b", 500), name="slow"))) as run):
        await run.until(lambda: len(run.seen.good("b")) >= 2)
        slave.script.extend(["late 0.25", "late 0.12"] * 3)
        await run.until(lambda: not slave.script)
        enough = len(run.seen.good("b")) + 5
        await run.until(lambda: len(run.seen.good("b")) >= enough)
        assert set(run.seen.good("a")) == {100.0} and set(run.seen.good("b")) == {500.0}


async def test_rtu_over_tcp():
    """A transparent serial server: RTU frames in a TCP stream."""
    slave = Slave(unit=5)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while frame := await reader.read(8):
            assert crc16(frame[:6]) == frame[6:]
            body = frame[:1] + slave.answer(frame[1:6])[1]
            answer = body + crc16(body)
            writer.write(answer[:4])  # in two pieces, as such boxes do
            await asyncio.sleep(0.01)
            writer.write(answer[4:])
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    section = {"transport": "rtu_over_tcp", "host": "127.0.0.1", "port": server.sockets[0].getsockname()[1],
               "devices": [device(holding("a", 7), unit=5)]}
    async with running(**section) as run:
        await run.until(lambda: len(run.seen.good("a")) >= 3)
        assert set(run.seen.good("a")) == {7.0} and run.counter("probe", "connects") == 1
    server.close()


async def test_tcp_peers_do_not_notice_a_dead_serial_bus():
    async with (TcpDevice(Slave()) as server, SerialBus() as bus,
                running(**rtu(bus, hasty(holding("dead", 7)))) as dead,
                running(host="127.0.0.1", port=server.port, devices=[device(holding("a", 7))]) as alive):
        await dead.until(lambda: dead.counter("probe", "timeouts") >= 3)
        assert len(alive.seen.good("a")) > dead.counter("probe", "timeouts")
        assert set(alive.seen.qualities("a")) == {Quality.GOOD}

"""The simulated devices answer real Modbus clients: mbpoll (libmodbus), pymodbus, and bytes by hand."""

from __future__ import annotations

import asyncio
import contextlib
import re
import struct

import numpy as np
import pytest
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.framer import FramerType

from simulators.layout import DeviceMap
from simulators.modbus_device import Device
from simulators.modbus_server import LOOPBACK, RtuOverTcp, SerialBus, TcpEndpoint, crc16
from simulators.world import World
from tests import servers
from tests.simulators.conftest import hit, let_pass


@pytest.fixture
async def ports(world):
    """The depot on the wire: device -> port."""
    rng = np.random.default_rng(1)
    endpoints = {device.id: TcpEndpoint([device], 0, rng) for device in world.devices.values()}
    for endpoint in endpoints.values():
        await endpoint.open()
    yield {name: endpoint.port for name, endpoint in endpoints.items()}
    for endpoint in endpoints.values():
        await endpoint.close()


async def mbpoll(port: int, *arguments: str) -> list[str]:
    """The values it reads, as it prints them."""
    process = await asyncio.create_subprocess_exec(
        servers.program("mbpoll"), "-m", "tcp", "-p", str(port), "-a", "1", "-0", "-1", *arguments, LOOPBACK,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT)
    printed = (await process.communicate())[0].decode()
    values = re.findall(r"^\[\d+\]:\s+(\S+)", printed, re.M)
    assert values, printed
    return values


async def ask(port: int, pdu: bytes, unit: int = 1) -> bytes:
    """The answer PDU to one request, frame checked."""
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    try:
        writer.write(struct.pack(">HHHB", 7, 0, len(pdu) + 1, unit) + pdu)
        head = await asyncio.wait_for(reader.readexactly(7), 10)
        transaction, protocol, length, answered = struct.unpack(">HHHB", head)
        assert (transaction, protocol, answered) == (7, 0, unit)
        return await reader.readexactly(length - 1)
    finally:
        writer.close()


def read(code: int, address: int, count: int) -> bytes:
    return struct.pack(">BHH", code, address, count)


async def test_mbpoll_reads_every_device_of_the_depot(world, ports):
    gas = await mbpoll(ports["gas-controller"], "-t", "4", "-r", "0", "-c", "8")
    assert int(gas[0]) == pytest.approx(10, abs=6)  # about 1 %LEL, in tenths
    assert gas[1:] == ["0", "200", "400", "1000", "4", "1", "0"]
    assert (await mbpoll(ports["gas-controller"], "-t", "4:hex", "-r", "40", "-c", "2")) == ["0x8000", "0x0009"]
    volts = await mbpoll(ports["meter-p101"], "-t", "3:float", "-B", "-r", "0", "-c", "3")
    assert [float(volt) for volt in volts] == pytest.approx([230] * 3, abs=3)
    (power,) = await mbpoll(ports["meter-p101"], "-t", "3:float", "-B", "-r", "52", "-c", "1")
    assert float(power) == pytest.approx(world.plant["P-101.P"], rel=1e-3)
    assert await mbpoll(ports["plc"], "-t", "1", "-r", "0", "-c", "5") == ["0", "0", "1", "0", "1"]
    assert await mbpoll(ports["plc"], "-t", "0", "-r", "0", "-c", "2") == ["1", "1"]
    position, _, level, pressure, *_ = await mbpoll(ports["plc"], "-t", "3", "-r", "0", "-c", "6")
    assert int(position) == pytest.approx(1000, abs=5)
    assert int(level) == pytest.approx(400 + 1600 * 8.2 / 12, abs=5)
    assert int(pressure) == pytest.approx(400 + 1600 * 0.62 / 1.6, abs=20)
    probe = await mbpoll(ports["probe-gd06"], "-t", "4", "-r", "0", "-c", "7")
    assert probe[1:] == ["0", "1000", "4", "1", "200", "400"]


async def test_pymodbus_reads_words_in_both_orders(world, ports):
    async with AsyncModbusTcpClient(LOOPBACK, port=ports["plc"], retries=0) as client:
        answer = await client.read_input_registers(4, count=2, device_id=1)
        low, high = answer.registers
        value = client.convert_from_registers([high, low], client.DATATYPE.FLOAT32)
        assert value == pytest.approx(world.plant["VAP.T"], rel=1e-5)
    async with AsyncModbusTcpClient(LOOPBACK, port=ports["meter-p101"], retries=0) as client:
        answer = await client.read_input_registers(0x156, count=2, device_id=1)
        energy = client.convert_from_registers(answer.registers, client.DATATYPE.FLOAT32)
        assert energy == pytest.approx(world.plant["P-101.E"], rel=1e-6)


async def test_what_the_plant_does_is_what_the_registers_say(world, ports):
    hit(world, do="leak", near="GD-03")
    let_pass(world, 45)
    code, _, raw, status = struct.unpack(">BBhH", await ask(ports["gas-controller"], read(3, 16, 2)))
    assert (code, status) == (3, 2)
    assert raw / 10 == pytest.approx(world.plant["GD-03"], abs=0.05)
    assert (await ask(ports["plc"], read(2, 0, 5)))[2:] == bytes([0b01011])  # commanded, both closed
    hit(world, do="dropout", target="GD-03")
    hit(world, do="dropout", target="T-101.level")
    let_pass(world, 0.2)
    assert (await ask(ports["gas-controller"], read(3, 16, 2)))[2:] == b"\x80\x00\x00\x03"
    assert (await ask(ports["plc"], read(4, 2, 1)))[2:] == b"\x00\x00"  # 0 mA
    hit(world, do="drift", target="LINE.p", rate=10.0)
    let_pass(world, 1)
    assert struct.unpack(">H", (await ask(ports["plc"], read(4, 3, 1)))[2:]) == (2050,)  # a transmitter ends at 20.5 mA


@pytest.mark.parametrize(("device", "pdu", "exception"), [
    ("gas-controller", struct.pack(">BHH", 6, 0, 1), 1),  # write one register
    ("gas-controller", struct.pack(">BHHBH", 16, 0, 1, 2, 5), 1),
    ("gas-controller", struct.pack(">BHH", 5, 0, 0xFF00), 1),
    ("gas-controller", read(4, 0, 1), 1),  # a table it does not have
    ("gas-controller", read(3, 120, 9), 2),
    ("plc", read(2, 0, 6), 2),
    ("gas-controller", read(3, 0, 0), 3),
    ("gas-controller", read(3, 0, 126), 3),
    ("meter-p101", read(4, 0, 81), 3),  # the SDM630 takes 80
    ("gas-controller", b"\x03\x00", 3),
])
async def test_what_a_device_does_not_do_it_refuses_with_the_right_code(world, ports, device, pdu, exception):
    assert await ask(ports[device], pdu) == bytes([pdu[0] | 0x80, exception])


async def test_writes_are_refused_and_counted(world, ports):
    async with AsyncModbusTcpClient(LOOPBACK, port=ports["plc"], retries=0) as client:
        assert (await client.write_register(0, 1, device_id=1)).exception_code == 1
        assert (await client.write_coil(0, False, device_id=1)).exception_code == 1
    assert world.devices["plc"].counters.writes_refused == 2
    assert world.devices["plc"].counters.requests == 2


async def test_relay_coils_are_switched_and_nothing_else_is(world):
    relay = Device(DeviceMap("relay", 0, (), {"coil": 8}, relays=(2, 3)), world.plant.index)
    endpoint = TcpEndpoint([relay], 0, np.random.default_rng(1))
    await endpoint.open()
    async with AsyncModbusTcpClient(LOOPBACK, port=endpoint.port, retries=0) as client:
        assert not (await client.write_coil(2, True, device_id=1)).isError()
        assert (await client.write_coil(4, True, device_id=1)).exception_code == 1
        assert (await client.read_coils(0, count=8, device_id=1)).bits == [False, False, True] + [False] * 5
        relay.jammed.add(3)
        assert not (await client.write_coil(3, True, device_id=1)).isError()
    await endpoint.close()
    assert (relay.relay(2), relay.relay(3), relay.counters.writes_taken, relay.counters.writes_refused) == (
        True, False, 2, 1)


async def test_a_unit_that_is_not_there_is_answered_like_a_gateway_does(ports):
    assert await ask(ports["plc"], read(4, 0, 1), unit=9) == bytes([0x84, 0x0B])


async def test_several_devices_share_a_port_by_unit_id(world):
    first, second = world.devices["plc"], Device(world.devices["probe-gd06"].map, world.plant.index)
    endpoint = TcpEndpoint([first], 0, np.random.default_rng(1))
    endpoint.devices[2] = second
    await endpoint.open()
    try:
        assert (await ask(endpoint.port, read(4, 0, 6), unit=1))[1] == 12
        assert (await ask(endpoint.port, read(3, 0, 7), unit=2))[1] == 14
    finally:
        await endpoint.close()


async def test_requests_in_one_piece_or_byte_by_byte_are_answered_in_order(ports):
    requests = b"".join(struct.pack(">HHHBBHH", number, 0, 6, 1, 3, 0, number + 1) for number in range(50))
    reader, writer = await asyncio.open_connection(LOOPBACK, ports["gas-controller"])
    writer.write(requests)
    for byte in requests:
        writer.write(bytes([byte]))
        await writer.drain()
    for number in [*range(50), *range(50)]:
        transaction, _, length = struct.unpack(">HHH", await reader.readexactly(6))
        await reader.readexactly(length)
        assert (transaction, length) == (number, 3 + 2 * (number + 1))
    writer.close()


@pytest.mark.parametrize("garbage", [b"GET / HTTP/1.1\r\n\r\n", b"\0\1\0\0\0\1\1\3", b"\0\1\0\0\xff\xff\1\3"])
async def test_bytes_that_are_not_modbus_close_the_connection(ports, garbage):
    reader, writer = await asyncio.open_connection(LOOPBACK, ports["plc"])
    writer.write(garbage)
    with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
        await asyncio.wait_for(reader.readexactly(1), 10)
    writer.close()
    assert await ask(ports["plc"], read(4, 0, 1))  # the next one is served


# --- the wire goes wrong ----------------------------------------------------------------------------------------

async def raw_answer(port: int, length: int = 17) -> bytes:
    """The bytes that come back for one read of 4 registers, and the proof that no more than `length` come."""
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    try:
        writer.write(struct.pack(">HHHBBHH", 7, 0, 6, 1, 3, 0, 4))
        answer = await asyncio.wait_for(reader.readexactly(length), 30)
        with contextlib.suppress(TimeoutError):
            assert await asyncio.wait_for(reader.read(1), 0.05) == b""
        return answer
    finally:
        writer.close()


async def test_a_dead_device_takes_the_request_and_says_nothing(world, ports):
    hit(world, do="dead_slave", target="probe-gd06", **{"for": 1})
    assert await raw_answer(ports["probe-gd06"], 0) == b""
    assert world.devices["probe-gd06"].counters.requests == 1
    let_pass(world, 1.2)
    assert await raw_answer(ports["probe-gd06"])


async def test_faults_of_the_frame_show_in_the_frame(world, ports):
    port = ports["probe-gd06"]
    sound = await raw_answer(port)
    assert sound[:9] == bytes.fromhex("0007 0000 000b 01 03 08")

    async def with_fault(do: str, length: int, **arguments) -> bytes:
        hit(world, do=do, target="probe-gd06", **arguments)
        answer = await raw_answer(port, length)
        hit(world, do="restore", target="probe-gd06")
        return answer

    assert await with_fault("wrong_transaction", 17) == b"\0\x08" + sound[2:]
    assert await with_fault("wrong_unit", 17) == sound[:6] + b"\2" + sound[7:]
    assert await with_fault("short_answer", 15) == bytes.fromhex("0007 0000 0009 01 03 06") + sound[9:15]
    assert await with_fault("torn_frame", 8) == sound[:8]
    assert await with_fault("exception", 9, code=11) == bytes.fromhex("0007 0000 0003 01 83 0b")
    garbled = await with_fault("garbled_frame", 17, share=1.0)
    assert sum(a != b for a, b in zip(garbled, sound, strict=True)) == 1 and garbled[9:] == sound[9:]
    assert await raw_answer(port) == sound


async def test_a_late_answer_arrives_after_that_of_the_next_request(world, ports):
    reader, writer = await asyncio.open_connection(LOOPBACK, ports["plc"])
    hit(world, do="late_answer", target="plc", delay=0.3)
    writer.write(struct.pack(">HHHBBHH", 1, 0, 6, 1, 4, 0, 1))
    while not world.devices["plc"].counters.requests:
        await asyncio.sleep(0.01)
    hit(world, do="restore", target="plc")
    writer.write(struct.pack(">HHHBBHH", 2, 0, 6, 1, 4, 0, 1))
    order = [struct.unpack_from(">H", await reader.readexactly(11))[0] for _ in range(2)]
    assert order == [2, 1]
    writer.close()


async def test_an_unplugged_device_refuses_connections_and_comes_back_on_its_port(world):
    endpoint = TcpEndpoint([world.devices["plc"]], 0, np.random.default_rng(1))
    await endpoint.open()
    reader, writer = await asyncio.open_connection(LOOPBACK, endpoint.port)
    hit(world, do="unplugged", target="plc")
    await endpoint.follow_plug()
    with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
        await asyncio.wait_for(reader.readexactly(1), 10)
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(LOOPBACK, endpoint.port)
    hit(world, do="restore", target="plc")
    await endpoint.follow_plug()
    assert await ask(endpoint.port, read(4, 0, 1))
    writer.close()
    await endpoint.close()


async def test_rtu_over_tcp_serves_the_same_bus(world):
    line = RtuOverTcp(SerialBus(world.devices.values(), np.random.default_rng(1)), 0)
    await line.open()
    try:
        async with AsyncModbusTcpClient(LOOPBACK, port=line.port, framer=FramerType.RTU, retries=0) as client:
            for unit in (1, 4):
                answer = await client.read_holding_registers(0, count=4, device_id=unit)
                assert answer.registers[1] == 0
            bits = await client.read_discrete_inputs(0, count=5, device_id=3)
            assert bits.bits[:5] == [False, False, True, False, True]
    finally:
        await line.close()


def test_the_check_sum_is_that_of_the_modbus_specification():
    assert crc16(bytes.fromhex("02 07")) == bytes.fromhex("41 12")
    assert crc16(bytes.fromhex("11 03 00 6b 00 03")) == bytes.fromhex("76 87")


def test_a_pinned_point_reads_its_value_until_it_is_let_go(world: World):
    device = world.devices["plc"]
    device.pin("input", 2, 6.0)  # metres
    let_pass(world, 1)
    assert device.answer(read(4, 2, 1))[2:] == struct.pack(">H", 1200)
    device.pin("input", 2, None)
    assert device.answer(read(4, 2, 1))[2:] != struct.pack(">H", 1200)

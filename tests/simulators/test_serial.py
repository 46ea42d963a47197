"""A serial bus on a pseudo-terminal, read by real masters: a dead slave, late and garbled answers."""

from __future__ import annotations

import asyncio
import re
import struct

import numpy as np
import pytest
import serial

from simulators.modbus_server import Pty, SerialBus, crc16
from simulators.text import SimulatorError
from tests import servers
from tests.simulators.conftest import hit, let_pass


@pytest.fixture
async def line(world, tmp_path):
    """The depot on one serial line: the path a master opens."""
    pty = Pty(SerialBus(world.devices.values(), np.random.default_rng(1)), tmp_path / "tty")
    await pty.open()
    yield pty.link
    await pty.close()
    assert not pty.link.is_symlink()


def request(unit: int, count: int = 4) -> bytes:
    frame = struct.pack(">BBHH", unit, 3, 0, count)
    return frame + crc16(frame)


async def exchange(line, sent: bytes, length: int = 13) -> bytes:
    """The answer a master hears, and the proof that no more than `length` bytes come."""
    def talk() -> bytes:
        with serial.Serial(str(line), 9600, timeout=30) as port:
            port.write(sent)
            answer = port.read(length)
            port.timeout = 0.1
            assert port.read(1) == b""
            return answer
    return await asyncio.to_thread(talk)


async def test_of_two_slaves_the_dead_one_is_silent_and_the_other_answers(world, line):
    hit(world, do="dead_slave", target="probe-gd06")
    for asked in range(3):
        assert await exchange(line, request(4), 0) == b""
        assert world.devices["probe-gd06"].counters.requests == asked + 1
        answer = await exchange(line, request(1))
        assert answer[:3] == b"\x01\x03\x08" and crc16(answer[:-2]) == answer[-2:]
    assert await exchange(line, request(200), 0) == b""  # nobody has this number


async def test_mbpoll_reads_the_bus(world, line):
    process = await asyncio.create_subprocess_exec(
        servers.program("mbpoll"), "-m", "rtu", "-b", "9600", "-P", "none", "-a", "1:4", "-0", "-1", "-t", "4",
        "-r", "5", "-c", "2", str(line), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT)
    printed = (await process.communicate())[0].decode()
    values = re.findall(r"^\[(\d+)\]:\s+(\S+)", printed, re.M)
    assert values.count(("5", "4")) == 1 and values.count(("6", "1")) == 1, printed  # the gas controller
    assert values.count(("5", "200")) == 1 and values.count(("6", "400")) == 1, printed  # the probe


async def test_a_garbled_answer_fails_its_check_sum(world, line):
    hit(world, do="garbled_frame", target="gas-controller", share=1.0)
    answer = await exchange(line, request(1))
    assert crc16(answer[:-2]) != answer[-2:]


async def test_a_late_answer_is_heard_by_whoever_listens_then(world, line):
    hit(world, do="late_answer", target="gas-controller", delay=0.4)

    def talk() -> tuple[bytes, bytes]:
        with serial.Serial(str(line), 9600, timeout=0.1) as port:
            port.write(request(1))
            in_time = port.read(13)
            port.timeout = 10
            return in_time, port.read(13)

    in_time, late = await asyncio.to_thread(talk)
    assert in_time == b""
    assert late[:3] == b"\x01\x03\x08"


async def test_other_faults_of_the_frame(world, line):
    hit(world, do="torn_frame", target="gas-controller")
    assert (await exchange(line, request(1), 6))[:3] == b"\x01\x03\x08"
    hit(world, do="restore", target="gas-controller")
    hit(world, do="short_answer", target="gas-controller")
    short = await exchange(line, request(1), 11)
    assert short[:3] == b"\x01\x03\x06" and crc16(short[:-2]) == short[-2:]
    hit(world, do="restore", target="gas-controller")
    hit(world, do="wrong_unit", target="gas-controller")
    assert (await exchange(line, request(1)))[0] == 2
    hit(world, do="restore", target="gas-controller")
    hit(world, do="unplugged", target="gas-controller", **{"for": 1})
    assert await exchange(line, request(1), 0) == b""
    let_pass(world, 1.2)
    assert await exchange(line, request(1))


@pytest.mark.parametrize("noise", [b"\x00\xff\x01\x03", bytes(300), b"\x01\x03\x00\x00\x00\x04\x00\x00"])
async def test_noise_on_the_line_costs_no_more_than_itself(line, noise):
    assert await exchange(line, noise, 0) == b""
    assert await exchange(line, request(1))


async def test_a_link_that_can_not_be_made_is_refused(world, tmp_path):
    taken = tmp_path / "taken"
    taken.write_text("somebody's file")
    pty = Pty(SerialBus(world.devices.values(), np.random.default_rng(1)), taken)
    with pytest.raises(SimulatorError, match=r"--serial: .*taken can not be created .*Fix: name a path"):
        await pty.open()
    assert taken.read_text() == "somebody's file"

"""Devices behind sockets: Modbus TCP, RTU over TCP, and RTU on a pseudo-terminal. Loopback only.

Requests that arrive together are answered together, in order, with one write. Faults of the wire (modbus_device.Wire)
are applied here, to the finished frame.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import struct
import tty
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from simulators.modbus_device import SOUND, Device, shape
from simulators.text import SimulatorError, Text

LOOPBACK = "127.0.0.1"
_MBAP = struct.Struct(">HHHB")  # transaction, protocol (0), bytes to follow, unit
_TARGET_SILENT = 0x0B  # what a gateway answers for a unit that is not there
_QUIET = 0.05  # s; a request that is not complete after this long on a serial line is forgotten

_LONGEST = 256  # bytes in an RTU frame

Write = Callable[[bytes], None]


def _crc_table() -> list[int]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ 0xA001 if value & 1 else value >> 1
        table.append(value)
    return table


_CRC = _crc_table()


def crc16(data: bytes) -> bytes:
    """The check sum of an RTU frame, low byte first."""
    crc = 0xFFFF
    for byte in data:
        crc = crc >> 8 ^ _CRC[(crc ^ byte) & 0xFF]
    return crc.to_bytes(2, "little")


def _flip(frame: bytes, upto: int, rng: np.random.Generator) -> bytes:
    """One byte among the first `upto` is not what it was."""
    place = int(rng.integers(min(upto, len(frame))))
    return frame[:place] + bytes([frame[place] ^ int(rng.integers(1, 256))]) + frame[place + 1:]


class TcpEndpoint:
    """One port, one or more devices by unit id. Closed while every one of its devices is unplugged."""

    def __init__(self, devices: Iterable[Device], port: int, rng: np.random.Generator, option: str = "--modbus-port"):
        self.devices = {device.map.unit: device for device in devices}
        self.port = port
        self._option = option
        self._rng = rng
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Transport] = set()

    async def open(self) -> None:
        """Port 0 becomes a free one, and stays the same when the endpoint is closed and opened again."""
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(self._protocol, LOOPBACK, self.port)
        except OSError as error:
            names = ", ".join(device.id for device in self.devices.values())
            raise not_opened(error, self.port, f"{self._option} ({names})") from error
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for transport in tuple(self._connections):
            transport.abort()

    async def follow_plug(self) -> None:
        gone = all(device.wire.gone for device in self.devices.values())
        if gone and self._server is not None:
            await self.close()
        elif not gone and self._server is None:
            await self.open()

    def _protocol(self) -> asyncio.Protocol:
        return _TcpConnection(self.devices, self._connections, self._rng)


class _Connection(asyncio.Protocol):
    def __init__(self, connections: set[asyncio.Transport]):
        self._connections = connections
        self._buffer = bytearray()

    def connection_made(self, transport) -> None:
        self._transport = transport
        self._connections.add(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self._transport)

    def pause_writing(self) -> None:
        self._transport.pause_reading()  # one who does not fetch the answers is not asked for more questions

    def resume_writing(self) -> None:
        self._transport.resume_reading()

    def _write(self, frame: bytes) -> None:
        if not self._transport.is_closing():  # a late answer may find nobody
            self._transport.write(frame)


class _TcpConnection(_Connection):
    def __init__(self, devices: dict[int, Device], connections: set[asyncio.Transport], rng: np.random.Generator):
        super().__init__(connections)
        self._devices = devices
        self._rng = rng

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        answers, start = [], 0
        while len(buffer) - start >= 8:
            transaction, protocol, length, unit = _MBAP.unpack_from(buffer, start)
            if protocol != 0 or not 2 <= length <= 254:
                self._transport.abort()  # not Modbus
                return
            end = start + 6 + length
            if len(buffer) < end:
                break
            pdu = bytes(buffer[start + 7:end])
            start = end
            device = self._devices.get(unit)
            if device is None:
                answers.append(_MBAP.pack(transaction, 0, 3, unit) + bytes((pdu[0] | 0x80, _TARGET_SILENT)))
            elif device.wire == SOUND:
                answer = device.answer(pdu)
                answers.append(_MBAP.pack(transaction, 0, len(answer) + 1, unit) + answer)
            else:
                self._answer_badly(device, transaction, unit, pdu)
        del buffer[:start]
        if answers:
            self._write(b"".join(answers))

    def _answer_badly(self, device: Device, transaction: int, unit: int, pdu: bytes) -> None:
        wire = device.wire
        answer = shape(device.answer(pdu), wire)
        if wire.dead:
            return
        transaction = transaction + 1 & 0xFFFF if wire.wrong_transaction else transaction
        unit = unit + 1 & 0xFF if wire.wrong_unit else unit
        frame = _MBAP.pack(transaction, 0, len(answer) + 1, unit) + answer
        if wire.garbled and self._rng.random() < wire.garbled:
            frame = _flip(frame, 9, self._rng)  # in the header, where a client can see it: TCP protects the rest
        if wire.torn:
            self._write(frame[:len(frame) // 2])
            self._transport.close()
        elif wire.delay:
            asyncio.get_running_loop().call_later(wire.delay, self._write, frame)
        else:
            self._write(frame)


class SerialBus:
    """Several devices on one line, RTU framing. A unit that is not there, or is dead, is silence."""

    def __init__(self, devices: Iterable[Device], rng: np.random.Generator):
        self._devices = {device.map.serial_unit: device for device in devices}
        self._rng = rng
        self._buffer = bytearray()
        self._heard = 0.0

    def feed(self, data: bytes, write: Write) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._heard > _QUIET:
            self._buffer.clear()
        self._heard = now
        self._buffer += data
        del self._buffer[:-_LONGEST]
        while request := self._take():
            self._answer(request[0], request[1:-2], write)

    def _take(self) -> bytes | None:
        """The next frame with a correct check sum; bytes that start none are skipped."""
        buffer = self._buffer
        while len(buffer) >= 4:
            length = _request_length(buffer)
            if len(buffer) < length:
                return None
            frame = bytes(buffer[:length])
            if crc16(frame[:-2]) == frame[-2:]:
                del buffer[:length]
                return frame
            del buffer[:1]
        return None

    def _answer(self, unit: int, pdu: bytes, write: Write) -> None:
        device = self._devices.get(unit)
        if device is None:
            return
        wire = device.wire
        answer = shape(device.answer(pdu), wire)
        if wire.dead or wire.gone:
            return
        frame = bytes([unit + 1 & 0xFF if wire.wrong_unit else unit]) + answer
        frame += crc16(frame)
        if wire.garbled and self._rng.random() < wire.garbled:
            frame = _flip(frame, len(frame), self._rng)
        if wire.torn:
            frame = frame[:len(frame) // 2]
        if wire.delay:
            asyncio.get_running_loop().call_later(wire.delay, write, frame)
        else:
            write(frame)


def _request_length(buffer: bytearray) -> int:
    code = buffer[1]
    if code in (15, 16):
        return 9 + buffer[6] if len(buffer) > 6 else 9
    return 8 if 1 <= code <= 6 else len(buffer)  # an unknown request: whatever came in one piece


class Pty:
    """A pseudo-terminal with `link` pointing to the end that clients open."""

    def __init__(self, bus: SerialBus, link: Path):
        self._bus, self.link = bus, link
        self._master = self._slave = -1

    async def open(self) -> None:
        self._master, self._slave = os.openpty()  # the client's end stays open here too, so that it can come and go
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        try:
            if self.link.is_symlink() and not self.link.exists():
                self.link.unlink()  # left over by one that could not tidy up
            self.link.symlink_to(os.ttyname(self._slave))
        except OSError as error:
            os.close(self._master)
            os.close(self._slave)
            self._master = -1
            raise SimulatorError(
                Text(f"{self.link} can not be created ({error.strerror}).",
                     f"无法创建 {self.link}（{error.strerror}）。"), "--serial",
                Text("name a path that does not exist yet, in a folder you may write to",
                                 "请给出一个尚不存在、且所在文件夹可写的路径")) from error
        asyncio.get_running_loop().add_reader(self._master, self._read)

    async def close(self) -> None:
        if self._master >= 0:
            asyncio.get_running_loop().remove_reader(self._master)
            self.link.unlink(missing_ok=True)
            os.close(self._master)
            os.close(self._slave)
            self._master = -1

    def _read(self) -> None:
        self._bus.feed(os.read(self._master, 4096), self._write)

    def _write(self, frame: bytes) -> None:
        if self._master < 0:
            return
        with contextlib.suppress(BlockingIOError):  # nobody reads, the line is full: a real line loses the answer too
            os.write(self._master, frame)


class RtuOverTcp:
    """The serial bus behind a converter that passes the bytes on unchanged."""

    def __init__(self, bus: SerialBus, port: int):
        self._bus, self.port = bus, port
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Transport] = set()

    async def open(self) -> None:
        try:
            self._server = await asyncio.get_running_loop().create_server(
                lambda: _RtuConnection(self._bus, self._connections), LOOPBACK, self.port)
        except OSError as error:
            raise not_opened(error, self.port, "--rtu-tcp") from error
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for transport in tuple(self._connections):
            transport.abort()


class _RtuConnection(_Connection):
    def __init__(self, bus: SerialBus, connections: set[asyncio.Transport]):
        super().__init__(connections)
        self._bus = bus

    def data_received(self, data: bytes) -> None:
        self._bus.feed(data, self._write)


def not_opened(error: OSError, port: int, option: str) -> SimulatorError:
    if error.errno == errno.EADDRINUSE:
        return SimulatorError(
            Text(f"port {port} is taken by another program.", f"端口 {port} 已被其他程序占用。"), option,
            Text(f"choose another port with this option, or stop that program (ss -ltnp 'sport = :{port}' names it)",
                 f"用该选项换一个端口，或停止占用它的程序（可用 ss -ltnp 'sport = :{port}' 查看）"))
    return SimulatorError(Text(f"port {port} can not be opened ({error.strerror}).",
                               f"无法打开端口 {port}（{error.strerror}）。"), option,
                          Text("choose a port from 1024 to 65535", "请选择 1024 到 65535 之间的端口"))

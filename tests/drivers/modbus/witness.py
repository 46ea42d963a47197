"""Modbus devices for the tests: plain, slow, able to misbehave on purpose. They share no code with the driver.

A device answers from four lists; `script` may hold one fault per request, taken in order:

    "ok"  "silent"  "late <seconds>"  "short"  "truncated"  "unit"  "transaction 0"  "old transaction"  "function"
    "garbage"  "reset"  "bye"  "exception <code>"  (serial also: "bad crc"  "noise"  "babble")
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import struct
import time
import tty
from collections import deque
from dataclasses import dataclass, field


@dataclass
class Slave:
    """One unit. registers[function] and bits[function] are what it holds; `illegal` addresses give exception 2."""

    unit: int = 1
    registers: dict[int, list[int]] = field(default_factory=lambda: {3: list(range(1000)), 4: list(range(1000))})
    bits: dict[int, list[int]] = field(default_factory=lambda: {1: [0] * 1000, 2: [0] * 1000})
    illegal: set[int] = field(default_factory=set)
    relays: set[int] = field(default_factory=set)  # coils and holding registers that can be written
    jammed: bool = False  # a relay takes its command and does not do it
    longest: int = 2000
    script: deque[str] = field(default_factory=deque)
    always: str = "ok"
    requests: list[tuple[int, int, int]] = field(default_factory=list)  # (function, first, count)

    def answer(self, pdu: bytes) -> tuple[str, bytes]:
        """(what to do with it, answer PDU)."""
        function, first, count = struct.unpack(">BHH", pdu[:5])
        self.requests.append((function, first, count))
        fault = self.script.popleft() if self.script else self.always
        if fault.startswith("exception"):
            return "ok", bytes((function | 0x80, int(fault.split()[1])))
        if function in (5, 6) and first in self.relays:
            held, content = (self.bits[1], count // 0xFF00) if function == 5 else (self.registers[3], count)
            if not self.jammed:
                held[first] = content
            return fault, pdu
        if function > 4:
            return fault, bytes((function | 0x80, 1))
        if self.illegal & set(range(first, first + count)):
            return fault, bytes((function | 0x80, 2))
        if count > self.longest:
            return fault, bytes((function | 0x80, 3))
        if fault == "short":
            count -= 1
        if function <= 2:
            bits = self.bits[function][first:first + count]
            data = bytes(sum(bit << place for place, bit in enumerate(bits[start:start + 8]))
                         for start in range(0, count, 8))
        else:
            data = struct.pack(f">{count}H", *self.registers[function][first:first + count])
        if fault == "function":
            function = 7 - function  # 3 <-> 4
        return fault, bytes((function, len(data))) + data

    @property
    def asked(self) -> int:
        return len(self.requests)


class TcpDevice:
    """Slaves behind one TCP port."""

    def __init__(self, *slaves: Slave):
        self.slaves = {slave.unit: slave for slave in slaves}
        self.port = 0
        self.connections = 0
        self.late_sent_ns: list[int] = []  # UTC, when each late answer left
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._last_transaction = 0

    async def start(self) -> TcpDevice:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def stop(self) -> None:
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        await asyncio.sleep(0)

    @property
    def open_connections(self) -> int:
        return len(self._writers)

    async def __aenter__(self) -> TcpDevice:
        return await self.start()

    async def __aexit__(self, *_) -> None:
        await self.stop()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        late: set[asyncio.Task] = set()
        try:
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                await self._converse(reader, writer, late)
        finally:
            for task in late:
                task.cancel()
            self._writers.discard(writer)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, late: set) -> None:
        while True:
            transaction, _, length = struct.unpack(">HHH", await reader.readexactly(6))
            body = await reader.readexactly(length)
            slave = self.slaves.get(body[0])
            if slave is None:
                continue
            fault, pdu = slave.answer(body[1:])
            frame = self._frame(transaction, body[0], pdu, fault)
            self._last_transaction = transaction
            if fault == "reset":
                writer.write(frame[:9])
                await writer.drain()
                writer.transport.abort()
                return
            if fault == "bye":  # a good answer, then the connection is closed
                writer.write(frame)
                writer.close()
                return
            if fault.startswith("late"):
                late.add(asyncio.create_task(self._later(writer, frame, float(fault.split()[1]))))
            else:
                writer.write(frame)

    async def _later(self, writer: asyncio.StreamWriter, frame: bytes, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self.late_sent_ns.append(time.time_ns())
        writer.write(frame)

    def _frame(self, transaction: int, unit: int, pdu: bytes, fault: str) -> bytes:
        if fault == "silent":
            return b""
        if fault == "garbage":
            return b"HTTP/1.1 400 Bad Request\r\n\r\n"
        if fault == "unit":
            unit += 1
        if fault == "transaction 0":
            transaction = 0
        if fault == "old transaction":
            transaction = self._last_transaction
        frame = struct.pack(">HHHB", transaction, 0, len(pdu) + 1, unit) + pdu
        return frame[:-3] if fault == "truncated" else frame


def crc16(data: bytes) -> bytes:
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return struct.pack("<H", crc)


class SerialBus:
    """Slaves on a pseudo-terminal: what the driver opens is `.path`. Frames are told apart by length (8 bytes)."""

    def __init__(self, *slaves: Slave):
        self.slaves = {slave.unit: slave for slave in slaves}
        self.order: list[int] = []  # units in the order they were asked
        self.collisions = 0  # requests that came while a babbling slave held the line
        self._babble_left = 0
        self._pending = b""

    async def __aenter__(self) -> SerialBus:
        self._master, self._slave = os.openpty()
        tty.setraw(self._master)
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.path = os.ttyname(self._slave)
        asyncio.get_running_loop().add_reader(self._master, self._readable)
        return self

    async def __aexit__(self, *_) -> None:
        asyncio.get_running_loop().remove_reader(self._master)
        os.close(self._master)
        os.close(self._slave)

    def _readable(self) -> None:
        self._pending += os.read(self._master, 4096)
        while len(self._pending) >= 8:
            frame, self._pending = self._pending[:8], self._pending[8:]
            assert crc16(frame[:6]) == frame[6:], "the driver sent a bad CRC"
            self._answer(frame)

    def _answer(self, frame: bytes) -> None:
        unit = frame[0]
        self.order.append(unit)
        self.collisions += self._babble_left > 0
        slave = self.slaves.get(unit)
        if slave is None:
            return
        fault, pdu = slave.answer(frame[1:6])
        answer = bytes((unit,)) + pdu
        answer += crc16(answer)
        if fault == "silent":
            return
        if fault == "babble":
            self._babble_left = 100
            self._babble()
            return
        if fault == "unit":
            answer = bytes((unit + 1,)) + answer[1:-2]
            answer += crc16(answer)
        if fault == "bad crc":
            answer = answer[:-1] + bytes((answer[-1] ^ 0xFF,))
        if fault == "truncated":
            answer = answer[:-3]
        if fault == "noise":
            answer = b"\x00\xff\x01\x03" + answer + b"\x55"
        if fault.startswith("late"):
            asyncio.get_running_loop().call_later(float(fault.split()[1]), self._write, answer)
        else:
            self._write(answer)

    def _babble(self) -> None:
        """A byte every 3 ms, 100 times."""
        self._write(b"\xa5")
        self._babble_left -= 1
        if self._babble_left:
            asyncio.get_running_loop().call_later(0.003, self._babble)

    def _write(self, data: bytes) -> None:
        with contextlib.suppress(OSError):
            os.write(self._master, data)

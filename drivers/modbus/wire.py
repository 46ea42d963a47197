"""The wire: one endpoint, one connection, one request at a time. The four reads are here; the only writes there are,
those of a contact that a person has armed, are in drivers.modbus.output.

Requests, framing, CRC and the serial transport are pymodbus's. The taking of answers is ours, because pymodbus 3.16
(read in its source, see README) accepts a transaction id of 0 for any request, any unit for unit 0, any function code
and any number of registers, clears its buffer in mid-stream, and lets a request wait out its time-out after the
connection has gone. Here an answer is taken only if it is the answer to the one request that is open:

    TCP   transaction id, unit, function and length must all be right. A late answer has an old transaction id.
    RTU   unit, function, byte count and CRC must all be right. RTU has no transaction id, so after a time-out the unit
          is left alone for its quarantine; and whenever bytes came that nobody asked for, the line must fall silent
          before the next request.

Every answer is stamped when its last byte arrives.
"""

from __future__ import annotations

import asyncio
import random
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from pymodbus.framer import FramerRTU, FramerSocket
from pymodbus.pdu import DecodePDU, ModbusPDU
from pymodbus.pdu.bit_message import ReadCoilsRequest, ReadDiscreteInputsRequest
from pymodbus.pdu.register_message import ReadHoldingRegistersRequest, ReadInputRegistersRequest
from pymodbus.transport.serialtransport import create_serial_connection

from drivers.modbus import faults
from drivers.modbus.config import Device, ModbusSource
from gateway.model.clock import Clock, Instant

_READS = {1: ReadCoilsRequest, 2: ReadDiscreteInputsRequest,
          3: ReadHoldingRegistersRequest, 4: ReadInputRegistersRequest}
_MBAP = struct.Struct(">HHH")  # transaction, protocol (0), length of what follows
_TCP_FRAMER, _RTU_FRAMER = FramerSocket(DecodePDU(False)), FramerRTU(DecodePDU(False))

MAX_RTU_BUFFER = 1024  # bytes of garble kept while looking for an answer
UNANSWERED_LIMIT = 3  # requests in a row without any answer: a TCP connection may be half open, dial again
FIRST_REDIAL_S = 0.25
RTU_PAUSE_S = 0.01
QUARANTINE_TIMEOUTS = 2  # length of the default quarantine
RTU_QUIET_S = 0.02  # silence after stray bytes, at least 3.5 characters. USB adapters deliver in steps of 16 ms


class Answer(NamedTuple):
    """payload: the data bytes, exactly as many as were asked for. at: when the last byte arrived."""

    payload: bytes
    at: Instant


class Request:
    """One question, encoded once, and what its answer looks like.

    head        how the answer begins: unit, function, and what must follow them
    data_bytes  so many bytes come after the head
    """

    __slots__ = ("data_bytes", "function", "head", "rtu", "tcp_tail", "unit")

    def __init__(self, pdu: ModbusPDU, unit: int, follows: bytes, data_bytes: int):
        self.function = pdu.function_code
        self.unit = unit
        self.head = bytes((unit, self.function)) + follows
        self.data_bytes = data_bytes
        self.rtu = _RTU_FRAMER.buildFrame(pdu)
        self.tcp_tail = _TCP_FRAMER.buildFrame(pdu)[2:]  # all but the transaction id


def reading(function: int, unit: int, first: int, size: int) -> Request:
    """One of the four reads: FC 1-4, `size` bits or registers from wire address `first`."""
    data_bytes = (size + 7) // 8 if function <= 2 else size * 2
    return Request(_READS[function](dev_id=unit, address=first, count=size), unit, bytes((data_bytes,)), data_bytes)


@dataclass(slots=True)
class LineCounters:
    """connects: connections made. late: frames that belonged to no open request (RTU: bursts of bytes)."""

    connects: int = 0
    late: int = 0


class _Stream(asyncio.Protocol):
    """One connection's bytes. A new one for every connection: nothing of an old connection can reach a new one."""

    def __init__(self, clock: Clock, counters: LineCounters):
        self._clock = clock
        self._counters = counters
        self._loop = asyncio.get_running_loop()
        self._buffer = b""
        self._request: Request | None = None
        self._future: asyncio.Future[Answer] | None = None
        self.transport: asyncio.Transport | None = None
        self.open = True
        self.unanswered = 0  # requests in a row
        self.last_byte = 0.0  # loop time

    def _packet(self, request: Request) -> bytes:
        raise NotImplementedError

    async def ask(self, request: Request, timeout: float) -> Answer:
        if not self.open:  # it closed while the line was kept quiet
            raise faults.hung_up()
        packet = self._packet(request)
        self._request = request
        self._future = future = self._loop.create_future()
        self.transport.write(packet)
        timer = self._loop.call_later(timeout, self._expire, future, timeout)
        try:
            answer = await future
        except faults.NoAnswer:
            self.unanswered += 1
            raise
        except faults.ReadFailed:
            self.unanswered = 0
            raise
        finally:
            timer.cancel()
            self._request = self._future = None
        self.unanswered = 0
        return answer

    def _expire(self, future: asyncio.Future, timeout: float) -> None:
        if not future.done():
            future.set_exception(faults.silent(timeout))

    def _give(self, answer: Answer) -> None:
        if self._future is not None and not self._future.done():
            self._request = None
            self._future.set_result(answer)

    def _fail(self, failure: faults.ReadFailed) -> None:
        if self._future is not None and not self._future.done():
            self._request = None
            self._future.set_exception(failure)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self.open = False
        self._fail(faults.hung_up())

    def close(self) -> None:
        self.open = False
        if self.transport is not None:
            self.transport.close()


class _TcpStream(_Stream):
    restless = False
    _transaction = 0

    def _packet(self, request: Request) -> bytes:
        self._transaction = self._transaction % 0xFFFF + 1  # 1 ... 65535; never 0
        return self._transaction.to_bytes(2, "big") + request.tcp_tail

    @property
    def torn(self) -> bool:
        """Part of a frame is here and the rest did not come: what follows can not be told apart."""
        return bool(self._buffer)

    def data_received(self, data: bytes) -> None:
        at = self._clock.now()
        buffer = self._buffer + data if self._buffer else data
        while len(buffer) >= 6:
            transaction, protocol, length = _MBAP.unpack_from(buffer)
            if protocol or not 3 <= length <= 254:
                self._fail(faults.out_of_step())
                self.close()
                return
            end = 6 + length
            if len(buffer) < end:
                break
            self._frame(transaction, buffer[6:end], at)
            buffer = buffer[end:]
        self._buffer = buffer

    def _frame(self, transaction: int, body: bytes, at: Instant) -> None:
        request = self._request
        if request is None or transaction != self._transaction:
            self._counters.late += 1
        elif body[0] != request.unit:
            self._fail(faults.wrong_unit(request.unit, body[0]))
        elif body[1] == request.function:
            start = len(request.head)
            if len(body) == start + request.data_bytes and body.startswith(request.head):
                self._give(Answer(body[start:], at))
            else:
                self._fail(faults.wrong_length(request.data_bytes, len(body) - start))
        elif body[1] == request.function | 0x80:
            self._fail(faults.Refused(body[2]))
        else:
            self._fail(faults.wrong_function(request.function, body[1]))


class _RtuStream(_Stream):
    torn = False  # bytes without a frame are dropped at the next request; the line has been silent before it

    @property
    def restless(self) -> bool:
        """Bytes came that nobody asked for."""
        return bool(self._buffer)

    def _packet(self, request: Request) -> bytes:
        if self._buffer:
            self._counters.late += 1
            self._buffer = b""
        self._refusal = bytes((request.unit, request.function | 0x80))
        return request.rtu

    def data_received(self, data: bytes) -> None:
        at = self._clock.now()
        self.last_byte = self._loop.time()
        self._buffer = (self._buffer + data)[-MAX_RTU_BUFFER:]
        if self._request is not None:
            self._hunt(self._request, at)

    def _hunt(self, request: Request, at: Instant) -> None:
        """The open request's answer, wherever in the buffer it starts; noise, echo, other answers are passed over."""
        buffer = self._buffer
        normal = request.head
        for head, size in ((normal, len(normal) + request.data_bytes + 2), (self._refusal, 5)):
            start = buffer.find(head)
            while 0 <= start <= len(buffer) - size:
                frame = buffer[start:start + size]
                if FramerRTU.compute_CRC(frame[:-2]) == int.from_bytes(frame[-2:], "big"):
                    self._buffer = b""
                    if head is normal:
                        self._give(Answer(frame[len(head):-2], at))
                    else:
                        self._fail(faults.Refused(frame[2]))
                    return
                start = buffer.find(head, start + 1)


@dataclass(slots=True)
class _Dialling:
    """When the endpoint may be dialled again, and why it could not be reached."""

    failures: int = 0
    not_before: float = 0.0
    reason: faults.LinkDown | None = None


class Line:
    """One endpoint, the one master of its bus. Devices that share it are served one request at a time, in the order
    they ask (asyncio.Lock is fair), so a silent device costs the others one time-out per attempt and no more."""

    def __init__(self, source: ModbusSource, clock: Clock):
        self._source = source
        self._clock = clock
        self.rtu = source.transport != "tcp"
        self._serial = source.transport == "rtu"
        self._second_per_byte = 11 / source.baudrate if self._serial else 0.0
        self._silence = max(RTU_QUIET_S, 3.5 * self._second_per_byte)
        self._redial_ceiling = min(device.backoff_ceiling for device in source.devices)
        self._lock = asyncio.Lock()
        self._stream: _TcpStream | _RtuStream | None = None
        self._dialling = _Dialling()
        self._free_at = 0.0  # loop time before which the line must stay quiet
        self._quarantined: dict[int, float] = {}  # RTU: unit -> loop time before which it is not asked
        self.counters = LineCounters()

    async def ask(self, request: Request, *, timeout: float, pause: float = 0.0, quarantine: float = 0.0) -> Answer:
        """Ask once. Raises faults.ReadFailed. `pause`: silence kept afterwards. `quarantine`: see config.Device."""
        loop = asyncio.get_running_loop()
        while True:
            if self._quarantined:  # waited out without holding the line: others are served meanwhile
                await _until(loop, self._quarantined.get(request.unit, 0.0))
            async with self._lock:
                if self._quarantined.get(request.unit, 0.0) <= loop.time():
                    return await self._exchange(loop, request, timeout, pause, quarantine)

    async def _exchange(self, loop: asyncio.AbstractEventLoop, request: Request, timeout: float, pause: float,
                        quarantine: float) -> Answer:
        stream = self._stream
        if stream is None or not stream.open:
            stream = self._stream = await self._dial(loop)
        if self._free_at:
            await _until(loop, self._free_at)
        if stream.restless:
            await self._fall_silent(loop, stream)
        if self._serial:
            timeout += (request.data_bytes + 13) * self._second_per_byte
        try:
            return await stream.ask(request, timeout)
        except faults.NoAnswer:
            if self.rtu:
                self._quarantined[request.unit] = loop.time() + quarantine
            if not self._serial and (stream.torn or stream.unanswered >= UNANSWERED_LIMIT):
                stream.close()
            raise
        finally:
            if pause:
                self._free_at = loop.time() + pause

    async def _fall_silent(self, loop: asyncio.AbstractEventLoop, stream: _TcpStream | _RtuStream) -> None:
        """Wait until the line has been quiet for a while. A line that babbles on is given up after fifty of them."""
        limit = loop.time() + 50 * self._silence
        while stream.open and loop.time() < limit:
            for _ in range(2):  # bytes that came while the loop was busy elsewhere are read before time is judged
                await asyncio.sleep(0)
            quiet_at = stream.last_byte + self._silence
            if loop.time() >= quiet_at:
                return
            await _until(loop, quiet_at)

    async def _dial(self, loop: asyncio.AbstractEventLoop) -> _TcpStream | _RtuStream:
        dialling = self._dialling
        if dialling.reason is not None and loop.time() < dialling.not_before:
            raise faults.LinkDown(dialling.reason.what)
        try:
            async with asyncio.timeout(self._source.connect_timeout):
                stream = await self._open(loop)
        except OSError as error:  # covers TimeoutError and serial.SerialException
            wait = min(self._redial_ceiling, FIRST_REDIAL_S * 2 ** min(dialling.failures, 16))
            self._dialling = _Dialling(dialling.failures + 1, loop.time() + jittered(wait),
                                       faults.unreachable(self._source.endpoint, error))
            raise self._dialling.reason from error
        self._dialling = _Dialling()
        self.counters.connects += 1
        return stream

    async def _open(self, loop: asyncio.AbstractEventLoop) -> _TcpStream | _RtuStream:
        source = self._source
        kind: Callable[[Clock, LineCounters], _Stream] = _RtuStream if self.rtu else _TcpStream
        if self._serial:
            transport, stream = await create_serial_connection(
                loop, lambda: kind(self._clock, self.counters), source.serial_port, baudrate=source.baudrate,
                bytesize=8, parity=source.parity, stopbits=source.stopbits, timeout=0)
            stream.transport = transport  # connection_made comes a turn of the loop later
            return stream
        _, stream = await loop.create_connection(lambda: kind(self._clock, self.counters), source.host, source.port)
        return stream

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None


def timing(device: Device, line: Line) -> dict[str, float]:
    """How `Line.ask` treats this device."""
    return {
        "timeout": device.timeout,
        "pause": device.pause if device.pause is not None else RTU_PAUSE_S if line.rtu else 0.0,
        "quarantine": device.quarantine if device.quarantine is not None else QUARANTINE_TIMEOUTS * device.timeout,
    }


def jittered(seconds: float) -> float:
    """Three quarters to all of it, so that many do not come back in step."""
    return seconds * random.uniform(0.75, 1.0)


async def _until(loop: asyncio.AbstractEventLoop, moment: float) -> None:
    wait = moment - loop.time()
    if wait > 0:
        await asyncio.sleep(wait)

"""A small MQTT 3.1.1 publisher (QoS 0) that reconnects by itself and can lose its connection on command.

Our own, because what a simulator needs is what clients on the shelf take pains to avoid: to vanish without a
DISCONNECT, so that the broker publishes the last will.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from simulators.mqtt_device import Publisher, Sent

KEEPALIVE = 10  # s
RETRY = 1.0  # s between attempts to connect
MOST_UNSENT = 1 << 20  # bytes waiting for a slow broker before messages are dropped


class MqttClient:
    """`run()` keeps the connection; `send()` drops (and counts) what can not be sent.

    told(publisher, connected, reason) hears of every change, and of the first failure.
    """

    def __init__(self, publisher: Publisher, host: str, port: int, told: Callable[[str, bool, str], None]):
        self.publisher = publisher
        self._host, self._port, self._told = host, port, told
        self._writer: asyncio.StreamWriter | None = None
        self._connected: bool | None = None
        self.tried = asyncio.Event()  # the first attempt is over, one way or the other
        self.sent = self.dropped = 0

    @property
    def connected(self) -> bool:
        return self._writer is not None

    def send(self, message: Sent) -> None:
        writer = self._writer
        if writer is None or writer.transport.get_write_buffer_size() > MOST_UNSENT:
            self.dropped += 1
            return
        writer.write(_publish(message))
        self.sent += 1

    def follow_loss(self) -> None:
        """Break the connection when the publisher is to lose it."""
        if self.publisher.lost and self._writer is not None:
            self._writer.transport.abort()

    async def run(self) -> None:
        """Until cancelled; then says goodbye: offline, DISCONNECT."""
        while True:
            try:
                await self._session()
            except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
                self._tell(False, str(error) if isinstance(error, OSError) else "")
            finally:
                self._writer = None
            await asyncio.sleep(RETRY)

    def _tell(self, connected: bool, reason: str = "") -> None:
        self.tried.set()
        if connected is not self._connected:
            self._connected = connected
            self._told(self.publisher.id, connected, reason)

    async def _session(self) -> None:
        if self.publisher.lost:
            return
        reader, writer = await asyncio.wait_for(asyncio.open_connection(self._host, self._port), KEEPALIVE)
        try:
            writer.write(_connect(self.publisher.id, self.publisher.will))
            connack = await asyncio.wait_for(reader.readexactly(4), KEEPALIVE)
            if connack[0] != 0x20 or connack[3] != 0:
                raise ConnectionRefusedError(f"MQTT CONNACK {connack.hex()}")
            self._writer = writer
            self.publisher.repeat_all()
            self.send(self.publisher.birth)
            self._tell(True)
            while True:  # only PINGRESP comes back
                writer.write(b"\xc0\x00")
                await asyncio.wait_for(reader.readexactly(2), KEEPALIVE)
                await self._quiet(reader)
        except asyncio.CancelledError:
            with contextlib.suppress(OSError):
                writer.write(_publish(self.publisher.will) + b"\xe0\x00")
                await writer.drain()
            raise
        finally:
            writer.close()

    async def _quiet(self, reader: asyncio.StreamReader) -> None:
        """Half a keep-alive passes; ends early, with an error, when the connection does."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(reader.readexactly(1), KEEPALIVE / 2)
            raise ConnectionResetError("unexpected packet")


def _connect(client: str, will: Sent) -> bytes:
    flags = 0x02 | 0x04 | 0x08 | 0x20  # clean session, will, will QoS 1, will retain
    body = _text(b"MQTT") + bytes((4, flags)) + KEEPALIVE.to_bytes(2, "big")
    return _packet(0x10, body + _text(f"sim-{client}".encode()) + _text(will.topic.encode()) + _text(will.payload))


def _publish(message: Sent) -> bytes:
    return _packet(0x31 if message.retain else 0x30, _text(message.topic.encode()) + message.payload)


def _text(data: bytes) -> bytes:
    return len(data).to_bytes(2, "big") + data


def _packet(kind: int, body: bytes) -> bytes:
    length, left = bytearray(), len(body)
    while True:
        left, digit = divmod(left, 128)
        length.append(digit | (0x80 if left else 0))
        if not left:
            return bytes((kind,)) + bytes(length) + body

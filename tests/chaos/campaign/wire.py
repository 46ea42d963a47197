"""The witness on the line between the broker and the gateway: a TCP proxy that reads MQTT as it passes.

What counts as acknowledged is what is seen here: a PUBLISH of qos 1 to the gateway, then the gateway's PUBACK for it.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from contextlib import suppress

PUBLISH, PUBACK = 3, 4


class Wire:
    """acknowledged: called with the number in the payload and the time of its PUBACK."""

    def __init__(self, broker: tuple[str, int], acknowledged: Callable[[int], None]):
        self._broker, self._acknowledged = broker, acknowledged
        self._toward: set[asyncio.StreamWriter] = set()  # to the gateway, while a connection stands

    async def serve(self, host: str, port: int) -> None:
        await asyncio.start_server(self._pass_on, host, port)

    def disturb(self, chance: random.Random) -> None:
        """Bytes that are no MQTT, in the middle of what the broker says."""
        for writer in tuple(self._toward):
            with suppress(OSError):
                writer.write(chance.randbytes(chance.randint(1, 400)))

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        under_way: dict[int, int] = {}
        try:
            from_broker, to_broker = await asyncio.open_connection(*self._broker)
        except OSError:
            writer.close()
            return
        self._toward.add(writer)

        def to_gateway(packet: bytes, body: bytes) -> None:
            if packet[0] >> 4 == PUBLISH and packet[0] & 0x06:
                topic = int.from_bytes(body[:2], "big")
                number = int.from_bytes(body[2 + topic:4 + topic], "big")
                with suppress(ValueError, KeyError, TypeError):
                    under_way[number] = json.loads(body[4 + topic:])["n"]

        def from_gateway(packet: bytes, body: bytes) -> None:
            if packet[0] >> 4 == PUBACK and (n := under_way.pop(int.from_bytes(body[:2], "big"), None)) is not None:
                self._acknowledged(n)

        ways = [asyncio.create_task(self._copy(from_broker, writer, to_gateway)),
                asyncio.create_task(self._copy(reader, to_broker, from_gateway))]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        self._toward.discard(writer)
        for end in (writer, to_broker):
            end.close()

    @staticmethod
    async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter,
                    look: Callable[[bytes, bytes], None]) -> None:
        """Packet by packet: what is noted was passed on whole."""
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readexactly(2)
                length, shift = head[1] & 0x7F, 7
                while head[-1] & 0x80:
                    head += await reader.readexactly(1)
                    length |= (head[-1] & 0x7F) << shift
                    shift += 7
                body = await reader.readexactly(length)
                writer.write(head + body)
                await writer.drain()
                look(head, body)

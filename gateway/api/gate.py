"""The listening socket of the page, which no crowd can stop: not 2,000 connections, not those that never finish asking.

A connection waits until its request is complete, and again after the answer. Those that wait too long (a slow loris, a
TLS handshake that does not come) are ended; where too many are open, the one that waits longest makes room for the new
one. Who is being answered is never cut off for a newcomer, and who comes when all are being answered is turned away. So
a person gets through a crowd, at worst at the second try, and the rest of the gateway keeps its file descriptors.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections import Counter
from contextlib import suppress

from uvicorn.protocols.http.h11_impl import H11Protocol

OPEN, OPEN_PER_ADDRESS = 256, 96  # systemd gives a service 1,024 descriptors by default
PATIENCE_S = 10.0


class Visitor(socket.socket):
    """An accepted connection, known to its gate until it is closed."""

    gate: Gate
    address: str

    def close(self) -> None:
        self.gate.leaves(self)
        super().close()


class Gate(socket.socket):
    """Listens like a socket; `accept` gives Visitors. `waiting`: since when, oldest first."""

    def __init__(self, family: int):
        super().__init__(family, socket.SOCK_STREAM)
        self._open: dict[int, Visitor] = {}
        self._crowd: Counter[str] = Counter()
        self._waiting: dict[int, float] = {}
        self.turned_away = self.ended = 0

    def accept(self) -> tuple[socket.socket, tuple]:
        handle, peer = self._accept()
        visitor = Visitor(self.family, self.type, self.proto, fileno=handle)
        visitor.gate, visitor.address = self, peer[0]
        self._open[visitor.fileno()] = visitor
        self._crowd[visitor.address] += 1
        if not self._room_for(visitor):
            self.turned_away += 1
            visitor.close()
            raise BlockingIOError("turned away")  # asyncio goes on with the next one
        self._waiting[visitor.fileno()] = time.monotonic()
        return visitor, peer

    def leaves(self, visitor: Visitor) -> None:
        if self._open.get(handle := visitor.fileno()) is visitor:
            del self._open[handle]
            self._waiting.pop(handle, None)
            self._crowd[visitor.address] -= 1
            if not self._crowd[visitor.address]:
                del self._crowd[visitor.address]

    def asked(self, handle: int) -> None:
        """Its request is complete: it is being answered."""
        self._waiting.pop(handle, None)

    def answered(self, handle: int) -> None:
        """It waits again."""
        if handle in self._open:
            self._waiting[handle] = time.monotonic()

    async def watch(self) -> None:
        """End those that wait too long, until cancelled."""
        while True:
            before = time.monotonic() - PATIENCE_S
            for handle in [handle for handle, since in self._waiting.items() if since < before]:
                self._end(handle)
            await asyncio.sleep(PATIENCE_S / 10)

    def _room_for(self, visitor: Visitor) -> bool:
        if self._crowd[visitor.address] > OPEN_PER_ADDRESS and not self._end_one(visitor.address):
            return False
        return len(self._open) <= OPEN or self._end_one(None)

    def _end_one(self, address: str | None) -> bool:
        """The one that waits longest; address: among those from there."""
        for handle in self._waiting:
            if address is None or self._open[handle].address == address:
                self._end(handle)
                return True
        return False

    def _end(self, handle: int) -> None:
        """The kernel ends it at once; the one who reads from it finds that out and closes it."""
        self.ended += 1
        del self._waiting[handle]
        visitor = self._open[handle]
        with suppress(OSError):  # it is gone already
            visitor.shutdown(socket.SHUT_RDWR)


class Asking(H11Protocol):
    """HTTP on a Visitor: tells its gate (`gate` of the server's Config) when a request is there, and
    when it is answered."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self._handle, self._gate = transport.get_extra_info("socket").fileno(), self.config.gate

    def handle_events(self) -> None:
        super().handle_events()
        if self.cycle is not None and not self.cycle.response_complete and not self.cycle.more_body:
            self._gate.asked(self._handle)  # with its body; from here it may take its time, as an event stream does

    def on_response_complete(self) -> None:
        cycle = self.cycle
        super().on_response_complete()
        if self.cycle is cycle and not self.transport.is_closing():  # else the next request was there already
            self._gate.answered(self._handle)

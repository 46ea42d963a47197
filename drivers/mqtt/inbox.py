"""Messages that were received and not yet handed on: bounded in number and bytes."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass

from drivers.mqtt.decode import Arrival
from drivers.mqtt.session import Receipts
from gateway.model.clock import Instant


@dataclass(frozen=True, slots=True)
class Opened:
    """Stands between the messages: from here on they came over a new connection."""

    receipts: Receipts


@dataclass(frozen=True, slots=True)
class Lost:
    """Stands between the messages: here the connection to the broker was lost."""

    at: Instant


class Inbox:
    """What is sent at qos 1 is always taken, but its sender must be stopped while the inbox is `full`. What is sent at
    qos 0 is dropped from half full on, so that a flood of it can not crowd out what must not be lost."""

    def __init__(self, capacity: int, max_bytes: int):
        self._capacity, self._max_bytes = capacity, max_bytes
        self._events: deque[Arrival | Opened | Lost] = deque()
        self._bytes = 0
        self._filled = asyncio.Event()

    def __len__(self) -> int:
        return len(self._events)

    @property
    def full(self) -> bool:
        return len(self._events) >= self._capacity or self._bytes >= self._max_bytes

    @property
    def half_full(self) -> bool:
        return 2 * len(self._events) >= self._capacity or 2 * self._bytes >= self._max_bytes

    def offer(self, arrival: Arrival) -> bool:
        """False when it was dropped."""
        if arrival.qos == 0 and self.half_full:
            return False
        self._bytes += len(arrival.payload)
        self._append(arrival)
        return True

    def mark(self, event: Opened | Lost) -> None:
        """Always taken: a few for each connection."""
        self._append(event)

    async def take(self, most: int, most_bytes: int) -> list[Arrival] | Opened | Lost:
        """Waits. One mark, or messages that all came over one connection."""
        await self._filled.wait()
        taken: list[Arrival] = []
        size = 0
        mark: Opened | Lost | None = None
        while self._events and len(taken) < most and size < most_bytes:
            event = self._events[0]
            if not isinstance(event, Arrival):
                mark = None if taken else self._events.popleft()  # type: ignore[assignment]
                break
            taken.append(event)
            size += len(event.payload)
            self._events.popleft()
        self._bytes -= size
        if not self._events:
            self._filled.clear()
        return mark or taken

    def _append(self, event: Arrival | Opened | Lost) -> None:
        self._events.append(event)
        self._filled.set()

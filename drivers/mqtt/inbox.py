"""Messages that were received and not yet handed on: bounded in number and bytes."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from enum import Enum, auto

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


class Entry(Enum):
    TAKEN = auto()
    DROPPED = auto()  # qos 0: the broker will not repeat it
    REFUSED = auto()  # qos 1: not acknowledged, so the broker still has it


class Inbox:
    """Full for qos 0 at half of its size, so that a flood of it can not crowd out what must not be lost."""

    def __init__(self, capacity: int, max_bytes: int):
        self._capacity, self._max_bytes = capacity, max_bytes
        self._events: deque[Arrival | Opened | Lost] = deque()
        self._bytes = 0
        self._filled, self._drained = asyncio.Event(), asyncio.Event()
        self._drained.set()

    def __len__(self) -> int:
        return len(self._events)

    def offer(self, arrival: Arrival) -> Entry:
        share = 1 if arrival.qos else 2
        size = self._bytes + len(arrival.payload)
        if len(self._events) >= self._capacity // share or size > self._max_bytes // share:
            return Entry.REFUSED if arrival.qos else Entry.DROPPED
        self._bytes = size
        self._append(arrival)
        return Entry.TAKEN

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
            self._drained.set()
        return mark or taken

    async def drained(self) -> None:
        await self._drained.wait()

    def _append(self, event: Arrival | Opened | Lost) -> None:
        self._events.append(event)
        self._filled.set()
        self._drained.clear()

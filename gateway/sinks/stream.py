"""What a sink sends: streams, each with a durable cursor of its own. What is not done comes again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from gateway.model.ports import Reader
from gateway.model.site import Site
from gateway.sinks.config import InfluxSettings
from gateway.sinks.line_protocol import Encoder
from gateway.sinks.schema import RAW, Retention


@dataclass(frozen=True, slots=True)
class Parcel:
    """Whole lines. done: to be called when all of them are taken or set aside."""

    lines: bytes
    done: Callable[[], None]


class Stream(Protocol):
    """Lines of one class of retention."""

    retention: Retention

    async def take(self) -> Parcel:
        """Wait for something to send. Without `done` in between the same comes again, or more."""
        ...


class Samples:
    """Single samples out of the telemetry store, the newest first after an outage."""

    retention = RAW

    def __init__(self, settings: InfluxSettings, site: Site, reader: Reader):
        self._settings, self._reader = settings, reader
        self._encoder = Encoder(site.id, site.signals)
        self._due = 0.0  # loop time before which the next request would be too small

    async def take(self) -> Parcel:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(max(0.0, min(self._due - loop.time(), self._reader.backlog_due_s)))
        batch = await self._reader.take(self._settings.batch)
        few = len(batch.frame) < self._settings.batch and not batch.historic
        self._due = loop.time() + self._settings.flush_interval if few else 0.0
        return Parcel(await asyncio.to_thread(self._encoder.encode, batch.frame),
                      partial(self._reader.done, batch.position))

    @property
    def lag(self) -> int:
        """Samples that wait."""
        return self._reader.lag_samples

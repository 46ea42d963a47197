"""The inner parts of a gateway with a historian, on a clock that jumps."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from pathlib import Path

from alerting.journal import reader as journal
from alerting.ledger import AlarmLedger
from alerting.service import AlarmService, AlarmSettings
from gateway.core.bank import Bank
from gateway.historian.historian import Historian
from gateway.historian.streams import streams
from gateway.model.clock import NS, ManualClock
from gateway.model.frame import Frame
from gateway.model.site import Site
from gateway.pipeline import Pipeline
from gateway.sinks.config import InfluxSettings
from gateway.sinks.influx import InfluxSink
from gateway.sinks.stream import Samples
from gateway.store import StoreSettings, TelemetryStore
from gateway.store.archive import Archive

START = 1_789_999_200  # a full hour
OWN = {"version": "1", "config": "a", "uptime_s": 1.0, "cpu_s": 1.0, "rss_bytes": 1, "disk_free_bytes": None,
       "store_bytes": 1, "bytes_written": 1, "samples": 1, "waiting": 0, "lag_samples": 0, "evicted": 0, "dropped": 0,
       "refused": 0, "restarts": 0, "faults": 0, "hung": False, "clock_untrusted": False, "clock_steps": 0}


class House:
    def __init__(self, site: Site, folder: Path, clock: ManualClock, settings: AlarmSettings | None = None):
        self.site, self.folder, self.clock = site, folder, clock
        self.store = TelemetryStore(folder / "telemetry", site.signals, StoreSettings(commit_interval_s=0.001), clock)
        self.bank = Bank(site)
        self.ledger = AlarmLedger(folder / "alarms.db")
        self.alarms = AlarmService(site.alarms, site, self.ledger, [], clock, settings)
        self.pipeline = Pipeline(self.bank, self.store, self.alarms.apply, clock)
        self.archive = Archive(folder / "minutes.db", site.signals)
        self.historian = Historian(site, self.archive, self.store, self.bank, self.alarms, clock, lambda now: OWN)
        self.pipeline.on_step.append(self.historian.look)

    async def poll(self, *values: float, wall_s: float | None = None, **more) -> None:
        """One poll of the first signals, one second later. wall_s: the sender's own stamp, since the start."""
        now = self.clock.advance(1)
        stamp = None if wall_s is None else (START * NS + round(wall_s * NS))
        await self.pipeline.put(Frame.of(range(len(values)), values, now, wall_ns=stamp, **more))
        self.pipeline.step()

    async def quiet(self, seconds: int) -> None:
        """Nothing comes; the loop runs."""
        for _ in range(seconds):
            self.clock.advance(1)
            self.pipeline.step()

    async def keep(self) -> None:
        """One pass of the historian over all that is durable."""
        async with asyncio.timeout(30):
            while self.store.durable_position < self.store.position:
                await asyncio.sleep(0.005)
        await self.historian.keep()

    async def journalled(self, rows: int) -> None:
        async with asyncio.timeout(30):
            while journal.head(self.folder / "alarms.db") < rows:
                await asyncio.sleep(0.01)

    @asynccontextmanager
    async def sending(self, url: str, **more):
        settings = InfluxSettings(type="influx", url=url, database="davylamp", flush_interval=0.0, max_backoff=0.2,
                                  **more)
        kept = streams("influx", self.archive, self.site, self.folder / "alarms.db", 10_000)
        sink = InfluxSink(settings, Samples(settings, self.site, self.store.reader("influx")), kept, self.folder)
        self.historian.wake = tuple(stream.wake for stream in kept)
        task = asyncio.create_task(sink.run())
        try:
            yield sink
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def living(site: Site, folder: Path, clock: ManualClock | None = None, *, killed: bool = False,
                 settings: AlarmSettings | None = None):
    """killed: nothing is closed in order; what is on disk is all that the next life finds."""
    house = House(site, folder, clock or ManualClock(wall_ns=START * NS), settings)
    house.store.open()
    await house.alarms.start()
    house.pipeline.replay()
    try:
        yield house
    finally:
        if not killed:
            await house.historian.close()
        await house.alarms.close()
        await house.store.close()

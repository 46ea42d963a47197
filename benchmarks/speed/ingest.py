"""Sustained ingest: the gateway's store and sink into a real InfluxDB 1.x on this machine, and who pays for it.

A store holds an hour of 1,000 signals at 1 Hz; the sink sends it in its ordinary batches (10,000 samples, no gzip,
which is for networks), decoding included. A field is a value or a quality: two for each sample. CPU is user and system
time of both processes in the same stretch; compactions that the database does later are not in it.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
import urllib.parse
import urllib.request
from pathlib import Path

import numpy as np

from benchmarks.stage import cpu_seconds, until
from gateway.model.clock import NS, ManualClock
from gateway.model.frame import Frame
from gateway.model.signal import SignalTable
from gateway.sinks.config import InfluxSettings
from gateway.sinks.influx import InfluxSink
from gateway.sinks.stream import Samples
from gateway.store import StoreSettings, TelemetryStore
from tests.servers import influxdb1
from tests.sites import gas, site

SIGNALS, POLLS = 1_000, 3_600
AT_ONCE = 20  # polls joined in one frame: the store is filled quickly


def run(quick: bool = False) -> list[dict]:
    with tempfile.TemporaryDirectory() as folder, influxdb1(Path(folder)) as server:
        urllib.request.urlopen(f"{server.url}/query?{urllib.parse.urlencode({'q': 'CREATE DATABASE bench'})}", b"")
        took_s, client_s, server_s, samples = asyncio.run(_send(
            Path(folder), server.url, server.process.pid, POLLS // 10 if quick else POLLS))
    fields = 2 * samples
    share = client_s / (client_s + server_s)
    note = (f"{samples:,} samples; gateway {1e6 * client_s / samples:.2f} us of CPU time for each, "
            f"influxd {1e6 * server_s / samples:.2f} us")
    return [{"name": "ingest into InfluxDB 1.x, sustained", "value": fields / took_s, "unit": "fields/s",
             "target": ">= 200000", "note": note},
            {"name": "ingest into InfluxDB 1.x: share of the gateway in the CPU time of both", "value": 100 * share,
             "unit": "%", "target": "<= 20"}]


async def _send(folder: Path, url: str, pid: int, polls: int) -> tuple[float, float, float, int]:
    place = site(*(gas(f"GD-{n:04}") for n in range(SIGNALS)))
    clock = ManualClock(wall_ns=1_790_000_000 * NS)
    store = TelemetryStore(folder / "telemetry", place.signals, StoreSettings(recent_samples=1), clock)
    store.open()
    try:
        await _fill(store, place.signals, clock, polls)
        samples = store.position
        settings = InfluxSettings(type="influx", url=url, database="bench", gzip=False)
        stream = Samples(settings, place, store.reader(settings.id))
        sink = InfluxSink(settings, stream, (), folder)
        before, started = (_own_s(), cpu_seconds(pid)), time.monotonic()
        task = asyncio.create_task(sink.run())
        try:
            async with asyncio.timeout(600):
                while stream.lag:
                    await asyncio.sleep(0.1)  # looking costs the gateway's process time, too
            took = time.monotonic() - started
            client, server = _own_s() - before[0], cpu_seconds(pid) - before[1]
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        if (counters := sink.status().counters)["written"] != samples:
            raise RuntimeError(f"not all of {samples} samples were taken: {counters}")
        return took, client, server, samples
    finally:
        await store.close()


async def _fill(store: TelemetryStore, signals: SignalTable, clock: ManualClock, polls: int) -> None:
    """Readings with one decimal place, as 16-bit registers give them."""
    rng = np.random.default_rng(1)
    for _ in range(polls // AT_ONCE):
        frames = [Frame.of(np.arange(len(signals)), np.round(rng.normal(20, 5, len(signals)), 1), clock.advance(1))
                  for _ in range(AT_ONCE)]
        store.append(Frame.concat(frames))
        await until(lambda: store.durable_position == store.position, "the disk has the samples")


def _own_s() -> float:
    times = os.times()
    return times.user + times.system

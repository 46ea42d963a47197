"""An hour without a database: the real store in front of the real sink, and a real InfluxDB that comes back."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from gateway.model.clock import ManualClock
from gateway.model.frame import Frame
from gateway.model.ports import Batch, Reader
from gateway.model.text import Text
from gateway.store import StoreSettings, TelemetryStore
from tests import servers
from tests.sinks.stage import SITE, query, sending, until

HOUR = 3601  # polls: the one that fails, and an hour of them
DETECTORS = 3


class Diary:
    """The store's own reader, and the batches it has handed out."""

    def __init__(self, reader: Reader):
        self.reader, self.batches = reader, list[Batch]()

    async def take(self, max_samples: int) -> Batch:
        self.batches.append(await self.reader.take(max_samples))
        return self.batches[-1]

    def done(self, position: int) -> None:
        self.reader.done(position)

    @property
    def lag_samples(self) -> int:
        return self.reader.lag_samples

    @property
    def backlog_due_s(self) -> float:
        return self.reader.backlog_due_s


def poll(second: int, clock: ManualClock) -> Frame:
    """Each value is its own second and detector."""
    return Frame.of(range(DETECTORS), [second + detector / 10 for detector in range(DETECTORS)], clock.advance(1))


async def durable(store: TelemetryStore, *frames: Frame) -> None:
    done = asyncio.Event()
    for frame in frames[:-1]:
        store.append(frame)
    store.append(frames[-1], done.set)
    async with asyncio.timeout(30):
        await done.wait()


@pytest.mark.survives(
    "InfluxDB down for an hour (3,601 polls on a clock that jumps; real 1.x)",
    then="kept on disk; when it is back the newest goes first, the rest follows oldest first; nothing is missing",
    says=Text("http://127.0.0.1:… does not answer (…): data is kept on disk and sent later",
              "http://127.0.0.1:… 无应答（…）：数据保留在本地磁盘，稍后补发"))
async def test_an_hour_without_a_database_loses_nothing_and_the_newest_comes_first(tmp_path, says):
    clock, port = ManualClock(), servers.free_port()
    start_ns = clock.now().wall_ns
    store = TelemetryStore(tmp_path / "telemetry", SITE.signals, StoreSettings(commit_interval_s=0.01), clock)
    store.open()
    diary = Diary(store.reader("influx"))
    try:
        async with sending(diary, tmp_path, url=f"http://127.0.0.1:{port}", batch=2000) as sink:
            await durable(store, poll(1, clock))
            await until(lambda: sink.status().counters["retries"] >= 2)
            for minute in range(60):
                await durable(store, *(poll(second, clock) for second in range(60 * minute + 2, 60 * minute + 62)))
            assert says(sink.status().reason) and not sink.status().online
            assert diary.lag_samples == store.position == HOUR * DETECTORS

            with servers.influxdb1(tmp_path, port=port) as server:
                query(server.url, "CREATE DATABASE davylamp")
                await until(lambda: diary.lag_samples == 0)
                held, newest, *backlog = diary.batches
                assert held.frame.value[0] == 1.0, "the one that was on its way when the database went"
                assert newest.frame.value[-1] == HOUR + (DETECTORS - 1) / 10 and not newest.historic
                assert all(batch.historic for batch in backlog)
                older = np.concatenate([batch.frame.value for batch in backlog])
                assert (np.diff(older) > 0).all() and older[-1] < newest.frame.value[0]
                for detector in range(DETECTORS):
                    (series,) = query(server.url, "SELECT value FROM telemetry WHERE signal = "
                                                  f"'{SITE.signals[detector].id}'")
                    assert series["values"] == [[start_ns + second * 10**9, second + detector / 10]
                                                for second in range(1, HOUR + 1)]
                assert sink.status().online and sink.status().counters["refused"] == 0
    finally:
        await store.close()

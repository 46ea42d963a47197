"""Speed and size of the telemetry store, beside SQLite in the same run on the same disk.

Workload: 1,000 signals of ten devices, as a site has them (16-bit registers in tenths, 32-bit floats of meters,
switches), one frame per device and second. SQLite gets the same frames in WAL mode with synchronous=FULL, one
transaction per round of ten frames: once with a row per sample, once with the store's own encoded blocks as blobs, so
that only the way to the disk differs.
"""

from __future__ import annotations

import asyncio
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gateway.model.clock import NS, Instant, ManualClock
from gateway.model.frame import Frame
from gateway.model.signal import Signal, SignalTable
from gateway.model.text import Text
from gateway.store import StoreSettings, TelemetryStore
from gateway.store.block import Block, encode

DEVICES, PER_DEVICE = 10, 100
SIGNALS = DEVICES * PER_DEVICE
ROUNDS = 600
START = 1_790_000_000 * NS
MAX_WAITING = 100  # rounds on their way to the disk


def rounds(count: int) -> Iterator[tuple[int, list[Frame]]]:
    """Per second: ten frames, 20 ms apart. Six devices of registers, three meters, one of switches."""
    chance = np.random.default_rng(7)
    level = chance.integers(0, 1000, SIGNALS).astype(np.float64)
    for second in range(count):
        level += chance.integers(-3, 4, SIGNALS)
        value = level * 0.1
        value[600:900] = (230 + chance.normal(0, 2, 300)).astype(np.float32)
        value[900:] = level[900:] > 500
        frames = []
        for device in range(DEVICES):
            first, at = device * PER_DEVICE, second * NS + device * 20_000_000
            frames.append(Frame.of(np.arange(first, first + PER_DEVICE), value[first:first + PER_DEVICE],
                                   Instant(at, START + at + device)))
        yield second, frames


def site() -> SignalTable:
    return SignalTable([Signal(f"S-{number:04d}", Text.same(""), "generic", "", "yard") for number in range(SIGNALS)])


@dataclass(frozen=True)
class Cost:
    samples_per_s: float
    cpu_us_per_frame: float
    written_per_sample: float  # bytes given to the disk, as the kernel counts them
    kept_per_sample: float


def _disk_bytes() -> int:
    lines = Path("/proc/self/io").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("write_bytes")).split()[1])


class _Meter:
    def __enter__(self) -> _Meter:
        self._wall, self._cpu, self._bytes = time.perf_counter(), time.process_time(), _disk_bytes()
        return self

    def __exit__(self, *_: object) -> None:
        self.wall, self.cpu = time.perf_counter() - self._wall, time.process_time() - self._cpu
        self.bytes = _disk_bytes() - self._bytes

    def cost(self, folder: Path) -> Cost:
        samples = ROUNDS * SIGNALS
        kept = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        return Cost(samples / self.wall, self.cpu / (ROUNDS * DEVICES) * 1e6, self.bytes / samples, kept / samples)


async def _fill(folder: Path, prepared: list[list[Frame]], clock: ManualClock) -> tuple[TelemetryStore, list[float]]:
    """Everything appended and durable; also the time of each append in us."""
    store = TelemetryStore(folder, site(), StoreSettings(), clock)
    store.open()
    appends, waiting = [], asyncio.Semaphore(MAX_WAITING)
    for frames in prepared:
        await waiting.acquire()
        for frame in frames[:-1]:
            began = time.perf_counter()
            store.append(frame)
            appends.append((time.perf_counter() - began) * 1e6)
        store.append(frames[-1], waiting.release)
    for _ in range(MAX_WAITING):
        await waiting.acquire()
    return store, appends


async def _segments(folder: Path, prepared: list[list[Frame]]) -> tuple[Cost, list[float], list[float]]:
    with _Meter() as meter:
        store, appends = await _fill(folder, prepared, ManualClock())
        await store.close()
    cost = meter.cost(folder)
    clock = ManualClock()
    began = time.perf_counter()
    store = TelemetryStore(folder, site(), StoreSettings(), clock)
    store.open()
    opened = time.perf_counter() - began
    began = time.perf_counter()
    store.history([42], START, START + ROUNDS * NS, 500)
    one = time.perf_counter() - began
    began = time.perf_counter()
    replayed = sum(len(frame) for _, frame in store.frames())
    replay = replayed / (time.perf_counter() - began)
    await store.close()
    return cost, appends, [opened * 1e3, one * 1e3, replay]


async def _paced(folder: Path, prepared: list[list[Frame]], seconds: int,
                 interval_s: float) -> tuple[float, float, float]:
    """In real time, each device at its own moment: bytes kept and bytes written per sample, syncs per second."""
    store = TelemetryStore(folder, site(), StoreSettings(commit_interval_s=interval_s), ManualClock())
    store.open()
    before = _disk_bytes()
    began = time.perf_counter()
    for second, frames in enumerate(prepared[:seconds]):
        for device, frame in enumerate(frames):
            await asyncio.sleep(max(0.0, began + second + device * 0.1 - time.perf_counter()))
            store.append(frame)
    await store.close()
    samples, stats = seconds * SIGNALS, store.stats()
    return stats.size_bytes / samples, (_disk_bytes() - before) / samples, stats.syncs / seconds


def _sqlite(folder: Path, prepared: list[list[Frame]], blobs: bool) -> Cost:
    path = folder / "telemetry.sqlite"
    with _Meter() as meter:
        base = sqlite3.connect(path, isolation_level=None)
        base.execute("pragma journal_mode=wal")
        base.execute("pragma synchronous=full")
        base.execute("create table block (position integer primary key, data blob)" if blobs else
                     "create table sample (signal integer, wall_ns integer, line_ns integer, value real, "
                     "quality integer)")
        position = 0
        for frames in prepared:
            base.execute("begin immediate")
            if blobs:
                block = Block.of(position, frames, Instant(0, START))
                base.execute("insert into block values (?, ?)", (position, encode(block)))
                position = block.end
            else:
                for frame in frames:
                    base.executemany("insert into sample values (?, ?, ?, ?, ?)", zip(
                        frame.signal.tolist(), frame.wall_ns.tolist(), frame.line_ns.tolist(), frame.value.tolist(),
                        frame.quality.tolist(), strict=True))
            base.execute("commit")
        base.close()
    return meter.cost(folder)


def run(quick: bool) -> list[dict]:
    """Ratio: value / what it is held against."""
    paced_s = 3 if quick else 10
    prepared = [frames for _, frames in rounds(ROUNDS)]
    folders = [tempfile.TemporaryDirectory(prefix="davylamp-bench-") for _ in range(5)]
    try:
        ours, rows, blobs, paced, slow = (Path(folder.name) for folder in folders)
        segments, appends, (opened, trend, replay) = asyncio.run(_segments(ours, prepared))
        row_cost, blob_cost = _sqlite(rows, prepared, blobs=False), _sqlite(blobs, prepared, blobs=True)
        kept, written, syncs = asyncio.run(_paced(paced, prepared, paced_s, 0.05))
        slow_kept, slow_written, slow_syncs = asyncio.run(_paced(slow, prepared, paced_s, 1.0))
    finally:
        for folder in folders:
            folder.cleanup()
    appends.sort()

    def result(name: str, value: float, unit: str, target: str = "", against: str = "",
               rival: float | None = None) -> dict:
        return {"name": name, "value": round(value, 3), "unit": unit, "target": target, "against": against,
                "ratio": None if rival is None else round(value / rival, 3)}

    day = kept * SIGNALS * 86_400 / 1e9
    return [
        result("stored durably, 1,000 signals, as fast as it goes", segments.samples_per_s, "samples/s", "",
               "SQLite FULL, same blocks as blobs", blob_cost.samples_per_s),
        result("stored durably, 1,000 signals, beside rows in SQLite", segments.samples_per_s, "samples/s", "",
               "SQLite FULL, a row per sample", row_cost.samples_per_s),
        result("CPU per stored frame of 100 samples", segments.cpu_us_per_frame, "us", "",
               "SQLite FULL, same blocks as blobs", blob_cost.cpu_us_per_frame),
        result("bytes written per sample, as fast as it goes", segments.written_per_sample, "B", "",
               "SQLite FULL, same blocks as blobs", blob_cost.written_per_sample),
        result("bytes kept per sample, as fast as it goes", segments.kept_per_sample, "B", "",
               "SQLite FULL, a row per sample", row_cost.kept_per_sample),
        result("bytes kept per sample at 1 Hz, devices 100 ms apart", kept, "B", "<= 11"),
        result("bytes written per sample at 1 Hz, devices 100 ms apart", written, "B"),
        result("disk used per day by 1,000 signals at 1 Hz", day, "GB", "<= 1"),
        result("syncs per second at 1 Hz, devices 100 ms apart", syncs, "1/s", "<= 20"),
        result("bytes kept per sample, commit_interval 1 s", slow_kept, "B", "<= 11"),
        result("bytes written per sample, commit_interval 1 s", slow_written, "B"),
        result("syncs per second, commit_interval 1 s", slow_syncs, "1/s", "<= 1.5"),
        result("append on the event loop, median", statistics.median(appends), "us", "<= 50"),
        result("append on the event loop, 99th percentile", appends[int(len(appends) * 0.99)], "us", "<= 50"),
        result("open after a clean stop", opened, "ms"),
        result("trend of 1 of 1,000 signals over 10 minutes, from disk", trend, "ms"),
        result("replay from disk", replay, "samples/s"),
    ]

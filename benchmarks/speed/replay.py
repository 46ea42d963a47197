"""Replay of few signals over a long time: a day of 30 signals of the depot at 1 s through the whole bank.

The data folder holds frames of ten samples, as devices answer; the CSV file a row a second. Normal operation, so that
the figure is that of looking through quiet weeks; one process, one core.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from gateway.app import load
from gateway.model.clock import ManualClock
from gateway.model.site import Site
from gateway.replay.run import run as evaluate
from gateway.replay.table import CsvRecording
from gateway.store import Recording, StoreSettings, TelemetryStore
from tests.replay import story

DEPOT = Path(__file__).parent.parent.parent / "deploy" / "sites" / "depot.toml"
SIGNALS, PER_FRAME = 30, 10
START_S = 1_790_000_000
TARGET = ">= 3000000"  # of an evaluation by blocks of time


def _table(path: Path, site: Site, seconds: int) -> CsvRecording:
    ids = site.signals.ids[:SIGNALS]
    rows = [",".join(row[1:]) for row in story.rows(ids, 19)[6:]]  # before the leak
    with path.open("w", encoding="utf-8") as file:
        file.write(f"time,{','.join(ids)}\n")
        file.writelines(f"{START_S + second},{rows[second % len(rows)]}\n" for second in range(seconds))
    return CsvRecording(path, ids)


async def _stored(folder: Path, site: Site, table: CsvRecording) -> None:
    store = TelemetryStore(folder, site.signals, StoreSettings(keep_free=0, queue_size=1 << 30), ManualClock())
    store.open()
    for _, frame in table.frames(site.signals):
        for first in range(0, len(frame), PER_FRAME):
            store.append(frame.take(slice(first, first + PER_FRAME)))
        await asyncio.sleep(0)
    await store.close()


def _rate(work: Callable[[], int]) -> float:
    """Samples per second."""
    began = time.perf_counter()
    return work() / (time.perf_counter() - began)


def run(quick: bool) -> list[dict]:
    loaded = load(DEPOT).site_file
    assert loaded is not None
    site = loaded.site
    with tempfile.TemporaryDirectory(prefix="davylamp-bench-") as folder:
        table = _table(Path(folder) / "day.csv", site, 3600 if quick else 86_400)
        asyncio.run(_stored(Path(folder) / "telemetry", site, table))
        recording = Recording(Path(folder) / "telemetry")
        rates = {
            "replay of 30 signals at 1 s, from a data folder": _rate(lambda: evaluate(site, recording).samples),
            "replay of 30 signals at 1 s, from CSV": _rate(lambda: evaluate(site, table).samples),
            "reading alone, from a data folder": _rate(lambda: sum(len(f) for _, f in recording.frames(site.signals))),
            "reading alone, from CSV": _rate(lambda: sum(len(f) for _, f in table.frames(site.signals))),
        }
    return [{"name": name, "value": round(rate), "unit": "samples/s",
             "target": TARGET if name.startswith("replay") else ""} for name, rate in rates.items()]

"""The archive of minutes: what a day of 1,000 signals at 1 Hz costs in bytes written to the card, in size and in CPU
time, and how soon a trend of it is there. Simulated hours, real files with real syncs; tidied every hour as live.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.stage import written_bytes
from gateway.model.clock import NS, Instant
from gateway.model.frame import Frame
from gateway.model.signal import SignalTable
from gateway.store.archive import SPAN, Archive
from gateway.store.minutes import MINUTE_NS, Minutes
from tests.sites import gas

SIGNALS, DAY = 1_000, 1_440
FIRST = 29_833_333 // SPAN * SPAN  # a minute, the first of a span


def run(quick: bool = False) -> list[dict]:
    count = DAY // 4 if quick else DAY
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        archive = Archive(Path(folder) / "minutes.db", SignalTable([gas(f"GD-{n:04}") for n in range(SIGNALS)]))
        archive.open()
        before, spent_s, tidied_s = written_bytes(os.getpid()), 0.0, []
        for minute, frame in _minutes(count):
            started = time.process_time()
            archive.add(Minutes.of(frame), minute)
            spent_s += time.process_time() - started
            if minute % 60 == 59:
                started = time.process_time()
                archive.tidy(FIRST + minute, 730, 10**12)
                tidied_s.append(time.process_time() - started)
        archive.close()
        written, size = written_bytes(os.getpid()) - before, archive.path.stat().st_size
        archive.open()
        started = time.perf_counter()
        archive.trend([5], FIRST * MINUTE_NS, (FIRST + count) * MINUTE_NS, 500)
        trend_s = time.perf_counter() - started
        archive.close()
    days = count / DAY
    return [{"name": "minutes of 1,000 signals: written to the medium", "value": written / days / 1e6,
             "unit": "MB a day", "note": "whole pages, with the write-ahead log"},
            {"name": "minutes of 1,000 signals: size", "value": size / days / 1e6, "unit": "MB a day"},
            {"name": "minutes of 1,000 signals: CPU time", "value": 1e3 * (spent_s + sum(tidied_s)) / count,
             "unit": "ms a minute", "note": f"the longest tidying took {max(tidied_s):.2f} s, off the event loop"},
            {"name": "minutes: trend of one signal over a day", "value": 1e3 * trend_s / days, "unit": "ms"}]


def _minutes(count: int):
    """Readings with one decimal place that wander and tremble."""
    rng = np.random.default_rng(1)
    level, signals = rng.normal(20, 5, SIGNALS), np.tile(np.arange(SIGNALS), 60)
    for minute in range(count):
        level += rng.normal(0, 0.05, SIGNALS)
        stamp = np.repeat((FIRST + minute) * MINUTE_NS + np.arange(60) * NS, SIGNALS)
        yield minute, Frame.of(signals, np.round(np.tile(level, 60) + rng.normal(0, 0.3, stamp.size), 1), Instant(0, 0),
                               wall_ns=stamp)

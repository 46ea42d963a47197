"""What an SD card has to take: `davylamp run` with 1,000 signals at 1 Hz on an ext4 file system of its own (blocks of
4 KiB, a loop device with direct I/O), for ten minutes. Counted are the sectors that reached the block device: data,
write-ahead log, journal of the file system. Beside it what the kernel charges to the process.

Every value is a noisy float32, which deflates badly: a real site writes less. Needs root.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from benchmarks import sites, stage
from benchmarks.speed.footprint import davylamp, metrics
from tests.chaos.power import Power, power_supply

SIGNALS, DEVICES = 1000, 4
MB = 10**6
DAY_S = 86_400
SETTLE_S = 20


def run(quick: bool, signals: int = SIGNALS, seconds: int | None = None) -> list[dict]:
    seconds = seconds or (30 if quick else 600)
    with tempfile.TemporaryDirectory() as name, power_supply(Path(name), 1024) as power, \
            stage.simulator(signals, DEVICES, "float32") as plant:
        site = sites.modbus_site(Path(name), plant.ports, signals, "float32")
        with davylamp(site, power.disk / "data") as (pid, url):
            time.sleep(SETTLE_S)
            before, began = _look(power, pid, url), time.monotonic()
            time.sleep(seconds)
            after, took = _look(power, pid, url), time.monotonic() - began
    device, process, store, samples, syncs = ((new - old) / took for new, old in zip(after, before, strict=True))
    if samples < 0.9 * signals:
        raise RuntimeError(f"only {samples:.0f} samples a second were measured")
    ran = f"{signals} signals at 1 Hz over Modbus TCP for {seconds} s, the default commit_interval, no database"
    return [{"name": "written to the block device per day", "value": device * DAY_S / MB, "unit": "MB/day",
             "target": "<= 1000", "note": f"{ran}; extrapolated"},
            {"name": "written by the process per day", "value": process * DAY_S / MB, "unit": "MB/day",
             "note": "davylamp_written_bytes_total; without the journal of the file system"},
            {"name": "of that: telemetry store", "value": store * DAY_S / MB, "unit": "MB/day"},
            {"name": "commits of the telemetry store", "value": syncs, "unit": "1/s"}]


def _look(power: Power, pid: int, url: str) -> tuple[float, ...]:
    told = metrics(url)
    return (power.written_bytes(), stage.written_bytes(pid), told["davylamp_store_written_bytes_total"],
            told["davylamp_samples_total"], told["davylamp_store_syncs_total"])

"""What an SD card has to take: `davylamp run` with 1,000 signals at 1 Hz on an ext4 file system of its own (blocks of
4 KiB, a loop device with direct I/O), for ten minutes each over Modbus and over MQTT. Counted are the sectors that
reached the block device: data, write-ahead log, journal of the file system. Beside it what the kernel charges to the
process. With MQTT the broker keeps what it must survive on the same card, with the limits of deploy/mosquitto.conf, and
every value is a message of its own.

Every value is noisy, which deflates badly: a real site writes less. Needs root.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import sites, stage
from benchmarks.publisher import Job
from benchmarks.speed.footprint import davylamp, metrics
from benchmarks.speed.mqtt import publisher, start
from tests.chaos.power import Power, power_supply
from tests.servers import free_port, mosquitto

SIGNALS, DEVICES = 1000, 4
MB = 10**6
DAY_S = 86_400
SETTLE_S = 20
VARIETY = 60  # messages of one sender until they come again


def run(quick: bool, signals: int = SIGNALS, seconds: int | None = None) -> list[dict]:
    seconds = seconds or (30 if quick else 600)
    return [*_over("Modbus TCP", _modbus, signals, seconds),
            *({**row, "name": f"{row['name']}, over MQTT"} for row in _over("MQTT", _mqtt, signals, seconds))]


def _over(way: str, plant: Callable, signals: int, seconds: int) -> list[dict]:
    with tempfile.TemporaryDirectory() as name, power_supply(Path(name), 1024) as power, \
            plant(Path(name), power.disk, signals) as (site, begin), davylamp(site, power.disk / "data") as (pid, url):
        begin()
        time.sleep(SETTLE_S)
        before, began = _look(power, pid, url), time.monotonic()
        time.sleep(seconds)
        after, took = _look(power, pid, url), time.monotonic() - began
    device, process, store, samples, syncs = ((new - old) / took for new, old in zip(after, before, strict=True))
    if samples < 0.9 * signals:
        raise RuntimeError(f"only {samples:.0f} samples a second were measured")
    ran = f"{signals} signals at 1 Hz over {way} for {seconds} s, the default commit_interval, no database"
    return [{"name": "written to the block device per day", "value": device * DAY_S / MB, "unit": "MB/day",
             "target": "<= 1000", "note": f"{ran}; extrapolated"},
            {"name": "written by the process per day", "value": process * DAY_S / MB, "unit": "MB/day",
             "note": "davylamp_written_bytes_total; without the journal of the file system"},
            {"name": "of that: telemetry store", "value": store * DAY_S / MB, "unit": "MB/day"},
            {"name": "commits of the telemetry store", "value": syncs, "unit": "1/s"}]


@contextmanager
def _modbus(folder: Path, disk: Path, signals: int) -> Iterator[tuple[Path, Callable[[], None]]]:
    """The site file of a running plant, and what makes it begin."""
    with stage.simulator(signals, DEVICES, "float32") as plant:
        yield sites.modbus_site(folder, plant.ports, signals, "float32"), lambda: None


@contextmanager
def _mqtt(folder: Path, disk: Path, signals: int) -> Iterator[tuple[Path, Callable[[], None]]]:
    kept = disk / "mosquitto"
    kept.mkdir()
    kept.chmod(0o777)  # mosquitto started by root runs as a user of its own
    limits = [line for line in (stage.ROOT / "deploy/mosquitto.conf").read_text().splitlines()
              if line.startswith(("max_", "persistence ", "autosave_"))]
    port = free_port()
    job = Job(port, "batch/b{n}", signals, 10**9, values=1, rate=signals, variety=VARIETY)
    with mosquitto(folder, port=port, extra="\n".join([*limits, f"persistence_location {kept}/"])), \
            publisher(job) as process:
        yield sites.batches_site(folder, port, signals, 1), lambda: start(process)


def _look(power: Power, pid: int, url: str) -> tuple[float, ...]:
    told = metrics(url)
    return (power.written_bytes(), stage.written_bytes(pid), told["davylamp_store_written_bytes_total"],
            told["davylamp_samples_total"], told["davylamp_store_syncs_total"])

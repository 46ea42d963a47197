from __future__ import annotations

import asyncio
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.model.clock import ManualClock
from gateway.store import StoreSettings, TelemetryStore
from tests.store.makers import QUICK, signals


class Site:
    """One data folder and the gateways that are started on it, one after the other."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.clock = ManualClock()
        self.running: list[TelemetryStore] = []

    def start(self, settings: StoreSettings = QUICK, ids=None, disk=None) -> TelemetryStore:
        store = TelemetryStore(self.folder, ids or signals(10), settings, self.clock, disk)
        store.open()
        self.running.append(store)
        return store

    async def stop(self, store: TelemetryStore) -> None:
        self.running.remove(store)
        await store.close()


@pytest.fixture
async def site(tmp_path):
    site = Site(tmp_path / "data")
    yield site
    for store in tuple(site.running):
        await site.stop(store)


async def durable(store: TelemetryStore, *frames) -> None:
    """Append and wait until the last one is on disk."""
    done = asyncio.Event()
    for one in frames[:-1]:
        store.append(one)
    store.append(frames[-1], done.set)
    await asyncio.wait_for(done.wait(), 20)


async def until(condition) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.002)


class SmallDisk:
    """A real file system of a few MB that can be filled, emptied and made read-only."""

    def __init__(self, path: Path):
        self.path = path

    def fill(self) -> None:
        with (self.path / "foreign").open("ab", buffering=0) as file:
            for size in (1 << 16, 1 << 12, 1):
                try:
                    while True:
                        file.write(b"x" * size)
                except OSError:
                    continue

    def clear(self) -> None:
        (self.path / "foreign").unlink()

    def remount(self, mode: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{mode}", str(self.path)], check=True)


@contextmanager
def mounted(path: Path, size: str):
    path.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(path)], capture_output=True,
                          text=True)
    if made.returncode:
        pytest.skip(f"a small file system can not be mounted here: {made.stderr.strip()}")
    try:
        yield SmallDisk(path)
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)


@pytest.fixture
def small_disk(tmp_path):
    with mounted(tmp_path / "disk", "2m") as disk:
        yield disk


@pytest.fixture
async def small_site(small_disk):
    site = Site(small_disk.path / "data")
    yield site
    for store in tuple(site.running):
        await site.stop(store)

"""What a benchmark sets up around itself: a simulator in its own process, a gateway in this one, and its clock of CPU.

CLOCK_MONOTONIC is one clock for all processes of a Linux machine, so stamps of two of them can be compared.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from gateway.app import Gateway, load

ROOT = Path(__file__).parent.parent
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Simulator:
    """A running `python -m simulators --signals`: the ports of its devices, and its control port."""

    pid: int
    ports: tuple[int, ...]
    control: int


@contextmanager
def simulator(signals: int, devices: int, kind: str) -> Iterator[Simulator]:
    process = subprocess.Popen(
        [sys.executable, "-m", "simulators", "--story-json", "--modbus-port", "0", "--control", "0",
         "--signals", str(signals), "--devices", str(devices), "--type", kind, "--until-stdin-closes"],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        told = json.loads(process.stdout.readline())
        if told["event"] != "ready":
            raise RuntimeError(f"the simulator did not start: {told}")
        yield Simulator(process.pid, tuple(row["port"] for row in told["modbus_tcp"]), told["control"]["port"])
    finally:
        process.communicate()  # closes its standard input, which ends it
        process.wait(10)


@asynccontextmanager
async def gateway(site: Path, folder: Path) -> AsyncIterator[Gateway]:
    """The whole gateway of a site file on this event loop, its page served. An error of its own ends the benchmark."""
    loaded = load(site)
    if loaded.site_file is None:
        raise RuntimeError(f"{site}: {loaded.problems[0]}")
    served = asyncio.Event()
    running = Gateway(loaded.site_file, folder, ready=lambda url: served.set())
    task = asyncio.create_task(running.run())
    try:
        waiting = asyncio.create_task(served.wait())
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            waiting.cancel()
            await task
        yield running
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(done, what: str, timeout_s: float = 60.0) -> None:
    """Wait for a condition that others bring about; RuntimeError when they do not."""
    deadline = time.monotonic() + timeout_s
    while not done():
        if time.monotonic() > deadline:
            raise RuntimeError(f"not within {timeout_s:g} s: {what}")
        await asyncio.sleep(0.005)


def cpu_seconds(pid: int) -> float:
    """User and system time of a process with all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * _TICK_S


def resident_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE


def written_bytes(pid: int) -> int:
    """What the process has caused to be written to the medium, whole pages."""
    lines = dict(line.split(": ") for line in Path(f"/proc/{pid}/io").read_text().splitlines())
    return int(lines["write_bytes"])

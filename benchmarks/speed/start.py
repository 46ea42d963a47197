"""From the start of the process to the first poll: `davylamp run` with 1,000 signals, whose Modbus device is a bare
socket here. What is timed is the first byte of the first request that arrives at it; the gateway has no part in it.

Started ten times on the same data folder: the first time it is empty, later the gateway was killed (SIGKILL) and takes
up what it had.
"""

from __future__ import annotations

import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import sites, stage

SIGNALS = 1000


def run(quick: bool, signals: int = SIGNALS) -> list[dict]:
    wall, cpu = [], []
    with tempfile.TemporaryDirectory() as name, socket.socket() as device:
        device.bind(("127.0.0.1", 0))
        device.listen()
        site = sites.modbus_site(Path(name), [device.getsockname()[1]], signals, "float32")
        for _ in range(2 if quick else 10):
            took, spent = _start(site, Path(name) / "data", device)
            wall.append(took)
            cpu.append(spent)
    ran = f"{signals} signals; of {len(wall)} starts"
    return [{"name": "start to first poll, median", "value": statistics.median(wall), "unit": "s", "target": "<= 3",
             "note": ran},
            {"name": "start to first poll, slowest", "value": max(wall), "unit": "s", "note": ran},
            {"name": "CPU until the first poll, median", "value": statistics.median(cpu), "unit": "s",
             "note": "user and system time of the process"}]


def _start(site: Path, data: Path, device: socket.socket) -> tuple[float, float]:
    began = time.monotonic()
    process = subprocess.Popen([sys.executable, "-m", "gateway", "run", str(site), "--data", str(data), "--port", "0"],
                               cwd=stage.ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        device.settimeout(60)
        line, _ = device.accept()
        with line:
            line.recv(1)
            return time.monotonic() - began, stage.cpu_seconds(process.pid)
    finally:
        process.kill()
        process.wait()

"""What `davylamp run` costs while it does its daily work: 1,000 signals at 1 Hz, limits and deadman on every one, a
page open, no database. The gateway is the command itself in a process of its own; the figures are the kernel's.

In the full run the page is a real headless Chromium where there is one on PATH, beside an event stream that is read
all the time; a quick run (and a machine without Chromium) has the stream and the page's first requests only.
"""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np

from benchmarks import sites, stage
from tests.api.browser import Browser

SIGNALS, DEVICES = 1000, 4
MB = 10**6
GIVEN = "polling alone on this kind of machine, given, not measured in this run"
MEMORY_PEERS = f"thingsboard-gateway 3.8.5 65 MB, Node-RED 4.1 98 MB ({GIVEN})"
CPU_PEERS = f"thingsboard-gateway 3.8.5 11-23 %, Node-RED 4.1 3.4 % ({GIVEN})"
_FIRST_REQUESTS = ("/", "/api/v1/site", "/api/v1/signals", "/api/v1/alarms", "/api/v1/health", "/metrics")


@dataclass
class _Course:
    """One reading per second, from the moment the page was open."""

    seconds: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)
    resident: list[int] = field(default_factory=list)
    written: list[int] = field(default_factory=list)

    def look(self, pid: int) -> None:
        self.seconds.append(time.monotonic())
        self.cpu_s.append(stage.cpu_seconds(pid))
        self.resident.append(stage.resident_bytes(pid))
        self.written.append(stage.written_bytes(pid))

    def rate(self, column: list, start: int) -> float:
        """Per second, from reading `start` on."""
        return (column[-1] - column[start]) / (self.seconds[-1] - self.seconds[start])


def run(quick: bool, signals: int = SIGNALS, seconds: int | None = None) -> list[dict]:
    seconds = seconds or (20 if quick else 600)
    settled = min(120, seconds // 4)  # seconds from which on the memory is to stay flat
    chromium = not quick and shutil.which("chromium") is not None
    with tempfile.TemporaryDirectory() as name, stage.simulator(signals, DEVICES, "float32") as plant:
        folder = Path(name)
        site = sites.modbus_site(folder, plant.ports, signals, "float32")
        with davylamp(site, folder / "data") as (pid, url), _viewer(url) as viewed, \
                (_browser(folder, url) if chromium else nullcontext()):
            before = metrics(url)
            course = _watch(pid, seconds)
            frames, after = len(viewed), metrics(url)
    grown = {name: after[name] - before[name] for name in ("davylamp_samples_total", "davylamp_store_bytes")}
    if frames < 0.9 * seconds or grown["davylamp_samples_total"] < 0.9 * signals * seconds:
        raise RuntimeError(f"too little has happened in {seconds} s: {frames} frames of the event stream, {grown}")
    ran = f"{signals} signals at 1 Hz over Modbus TCP for {seconds} s, page open in " + (
        "Chromium and an event stream" if chromium else "an event stream (no browser)")
    resident = np.array(course.resident)
    early, late = (float(np.median(part)) for part in (resident[settled:settled + 10], resident[-10:]))
    return [{"name": "resident memory with the page open", "value": float(resident.max()) / MB, "unit": "MB",
             "target": "<= 120", "against": MEMORY_PEERS, "note": ran},
            {"name": f"growth of resident memory from second {settled} to the end", "value": (late - early) / MB,
             "unit": "MB", "target": "<= 5", "note": ran},
            {"name": "share of one core with the page open", "value": 100 * course.rate(course.cpu_s, 0), "unit": "%",
             "target": "<= 5", "against": CPU_PEERS, "note": ran},
            {"name": "written to the medium per day", "value": course.rate(course.written, 0) * 86_400 / MB,
             "unit": "MB/day", "note": "extrapolated from this run; whole pages, as the kernel counts them"},
            {"name": "telemetry kept on disk per day", "value": grown["davylamp_store_bytes"] / seconds * 86_400 / MB,
             "unit": "MB/day", "note": "extrapolated from this run; every value is noisy, which deflates badly"}]


def _watch(pid: int, seconds: int) -> _Course:
    course, began = _Course(), time.monotonic()
    for second in range(seconds + 1):
        time.sleep(max(0.0, began + second - time.monotonic()))
        course.look(pid)
    return course


@contextmanager
def davylamp(site: Path, data: Path) -> Iterator[tuple[int, str]]:
    """The process and the page's address, once the page is there."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = (site.parent / "davylamp.log").open("wb")
    process = subprocess.Popen([sys.executable, "-m", "gateway", "run", str(site), "--data", str(data),
                                "--port", str(port)], cwd=stage.ROOT, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"{url}/healthz", timeout=5).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"davylamp run: {Path(log.name).read_text()[-2000:]}") from None
                time.sleep(0.1)
        yield process.pid, url
    finally:
        process.terminate()
        process.wait(30)
        log.close()


@contextmanager
def _viewer(url: str) -> Iterator[list[int]]:
    """What a page does at first, and then its event stream, read in a thread: sizes of the frames so far."""
    for path in _FIRST_REQUESTS:
        urllib.request.urlopen(url + path, timeout=30).read()
    sizes: list[int] = []
    place = urlsplit(url)
    connection = socket.create_connection((place.hostname, place.port))
    connection.sendall(f"GET /api/v1/events HTTP/1.1\r\nHost: {place.netloc}\r\nAccept: text/event-stream\r\n\r\n"
                       .encode())

    def read() -> None:
        rest = b""
        with suppress(OSError):
            while data := connection.recv(1 << 20):
                *frames, rest = (rest + data).split(b"\n\n")
                sizes.extend(len(frame) for frame in frames if b"data: " in frame)

    reader = threading.Thread(target=read, name="viewer")
    reader.start()
    try:
        yield sizes
    finally:
        connection.shutdown(socket.SHUT_RDWR)
        reader.join()
        connection.close()


@contextmanager
def _browser(folder: Path, url: str) -> Iterator[Browser]:
    browser = Browser(folder)
    try:
        browser.open(url)
        browser.until("document.body.innerText.toLowerCase().includes('area 0')")
        yield browser
    finally:
        browser.close()


def metrics(url: str) -> dict[str, float]:
    text = urllib.request.urlopen(f"{url}/metrics", timeout=30).read().decode()
    return {name: float(value) for name, value in re.findall(r"^(\w+) (\S+)$", text, re.MULTILINE)}

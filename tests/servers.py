"""Real servers for tests and benchmarks, each on a free loopback port, each stopped by the one who started it.

A server that is not on PATH skips the test; with DAVYLAMP_REQUIRE_SERVERS=1 (set by .ci/run) it fails instead.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

_SBIN = ("/usr/sbin", "/usr/local/sbin", "/sbin")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def program(*names: str) -> str:
    """The first of the programs that is installed; skips (or fails, see above) when none is."""
    path = os.pathsep.join((os.environ.get("PATH", ""), *_SBIN))
    for name in names:
        if found := shutil.which(name, path=path):
            return found
    message = f"{' or '.join(names)} is not installed (apt-get install the package of that name)"
    if os.environ.get("DAVYLAMP_REQUIRE_SERVERS") == "1":
        pytest.fail(message)
    pytest.skip(message)


@dataclass
class Server:
    host: str
    port: int
    process: subprocess.Popen
    folder: Path

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


@contextmanager
def running(command: list[str], port: int, folder: Path, ready=None) -> Iterator[Server]:
    """Start `command`, wait until `port` answers (and `ready(url)` if given), stop it at the end."""
    log = (folder / f"server-{port}.log").open("wb")
    process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=folder)
    server = Server("127.0.0.1", port, process, folder)
    try:
        deadline = time.monotonic() + 30
        while not (_listening(port) and (ready is None or ready(server.url))):
            if server.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{command[0]} did not start: {Path(log.name).read_text(errors='replace')[-2000:]}")
            time.sleep(0.05)
        yield server
    finally:
        server.stop()
        log.close()


def _listening(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _answers(path: str):
    def ready(url: str) -> bool:
        try:
            return urllib.request.urlopen(url + path, timeout=1).status < 300
        except (urllib.error.URLError, OSError):
            return False
    return ready


@contextmanager
def mosquitto(folder: Path, *, port: int | None = None, extra: str = "") -> Iterator[Server]:
    """A real broker, anonymous, with queue limits that do not drop a burst. `extra`: more lines of mosquitto.conf."""
    port = port or free_port()
    conf = folder / f"mosquitto-{port}.conf"
    conf.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n"
                    f"max_inflight_messages 200\nset_tcp_nodelay true\n{extra}\n")
    with running([program("mosquitto"), "-c", str(conf)], port, folder) as server:
        yield server


@contextmanager
def influxdb1(folder: Path, *, port: int | None = None, extra: str = "") -> Iterator[Server]:
    """A real InfluxDB 1.x. `extra`: more lines for its [http] section."""
    port, rpc = port or free_port(), free_port()
    conf = folder / f"influxdb-{port}.conf"
    data = folder / "influxdb"
    conf.write_text(f'reporting-disabled = true\nbind-address = "127.0.0.1:{rpc}"\n'
                    f'[meta]\ndir = "{data}/meta"\n[data]\ndir = "{data}/data"\nwal-dir = "{data}/wal"\n'
                    f'query-log-enabled = false\n[http]\nbind-address = "127.0.0.1:{port}"\nlog-enabled = false\n'
                    f"{extra}\n[monitor]\nstore-enabled = false\n")
    with running([program("influxd"), "-config", str(conf)], port, folder, _answers("/ping")) as server:
        yield server


@contextmanager
def victoria_metrics(folder: Path, *, port: int | None = None) -> Iterator[Server]:
    port = port or free_port()
    command = [program("victoria-metrics"), f"-httpListenAddr=127.0.0.1:{port}", f"-storageDataPath={folder}/vm",
               "-retentionPeriod=100y"]
    with running(command, port, folder, _answers("/health")) as server:
        yield server

"""What the campaign stands on: namespaces, a disk, the processes, and a supervisor that does what systemd would do."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.campaign.lamp import FORM
from tests.chaos.campaign.witness import BEHIND, BROKER, DATABASE, HEADS, MODBUS, RECEIVER, TOPIC
from tests.chaos.power import Power, run

ROOT = Path(__file__).parents[3]
HERE, THERE = "10.77.0.1", "10.77.0.2"  # this end and the field's end of a cable that exists in our namespaces only
PAGE = 8080
WATCHDOG_S = 30.0  # as in deploy/davylamp.service
RESTART_S = 2.0  # RestartSec there
DISK_MB = 256

SITE = """[site]
id = "chaos"
name = "Chaos"
timezone = "Asia/Shanghai"

[kinds.gas]
name = "gas"
unit = "%LEL"
on_delay = "0s"
off_delay = "0s"
deadband = 1
deadman = "20s"
[kinds.gas.limits]
HH = { value = 40, priority = "P1" }

[kinds.count]
name = "count"
unit = ""

""" + "".join(f"""[[signals]]
id = "GAS-{head}"
kind = "gas"
low = 0
high = 100
""" for head in range(HEADS)) + f"""
[[signals]]
id = "COUNT"
kind = "count"
limits = "none"

[[sources]]
id = "field"
type = "modbus"
host = "{THERE}"
port = {MODBUS}
[[sources.devices]]
id = "heads"
unit = 1
period = "200ms"
timeout = "300ms"
points = [
{",".join(f'{{ signal = "GAS-{head}", table = "holding", address = {head}, scale = 0.1 }}' for head in range(HEADS))}
]

[[sources]]
id = "broker"
type = "mqtt"
host = "{THERE}"
port = {BROKER}
client_id = "lamp"
[[sources.topics]]
topic = "{TOPIC}"
values = {{ COUNT = "n" }}

[[sinks]]
id = "influx"
type = "influx"
url = "http://{THERE}:{DATABASE}"
database = "chaos"
gzip = false
timeout = "2s"
max_backoff = "2s"

[[notifiers]]
id = "receiver"
type = "webhook"
url = "http://{THERE}:{RECEIVER}/"

[api]
port = {PAGE}
"""


@dataclass
class Life:
    """One run of the gateway. ready_s: from its start to READY=1. ended: None while it lives."""

    began: float
    ready_s: float | None = None
    ended: str | None = None


@dataclass
class Lamp:
    """The gateway under a supervisor: started again when it dies, killed when it does not feed its watchdog."""

    folder: Path
    data: Path
    lives: list[Life] = field(default_factory=list)
    unplanned: list[str] = field(default_factory=list)
    process: subprocess.Popen | None = None
    fed: float = 0.0
    wanted: bool = False

    def __post_init__(self) -> None:
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notify.bind(str(self.folder / "notify"))
        self._notify.setblocking(False)
        self.clock = self.folder / "clock"
        self._ready = asyncio.Event()
        self.set_clock(0.0, synchronised=True)

    def set_clock(self, offset_s: float, *, synchronised: bool) -> None:
        new = self.folder / "clock.new"
        new.write_bytes(FORM.pack(round(offset_s * 1e9), synchronised))
        if self.clock.exists():
            with self.clock.open("r+b") as file:
                file.write(new.read_bytes())
        else:
            new.rename(self.clock)

    def start(self) -> None:
        self._ready.clear()
        self.lives.append(Life(time.monotonic()))
        self.fed = time.monotonic()
        environment = os.environ | {"NOTIFY_SOCKET": str(self.folder / "notify"), "PYTHONFAULTHANDLER": "1",
                                    "WATCHDOG_USEC": str(int(WATCHDOG_S * 1e6)), "OPENBLAS_NUM_THREADS": "1"}
        with (self.folder / "lamp.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.chaos.campaign.lamp", str(self.clock), "run",
                 str(self.folder / "site.toml"), "--data", str(self.data)], cwd=ROOT, env=environment, stdout=log,
                stderr=log, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024)))
        self.wanted = True

    def gone(self, how: str) -> None:
        """We have ended it ourselves."""
        self.wanted = False
        self.lives[-1].ended = how

    async def ready(self) -> float:
        """Until it says so; the seconds from its start."""
        await asyncio.wait_for(self._ready.wait(), 120)
        return self.lives[-1].ready_s or 0.0

    async def supervise(self) -> None:
        while True:
            await asyncio.sleep(0.05)
            try:
                while True:
                    self._hear(self._notify.recv(4096).decode())
            except BlockingIOError:
                pass
            if not self.wanted:
                continue
            if self.process.poll() is not None:
                await self._again(f"exit {self.process.returncode}")
            elif self.lives[-1].ready_s is not None and time.monotonic() - self.fed > WATCHDOG_S:
                self.process.send_signal(signal.SIGABRT)
                self.process.wait()
                await self._again("watchdog")

    async def _again(self, why: str) -> None:
        self.unplanned.append(why)
        self.gone(why)
        await asyncio.sleep(RESTART_S)
        self.start()

    def _hear(self, told: str) -> None:
        if "WATCHDOG=1" in told:
            self.fed = time.monotonic()
        if "READY=1" in told and self.lives[-1].ready_s is None:
            self.lives[-1].ready_s = time.monotonic() - self.lives[-1].began
            self.fed = time.monotonic()
            self._ready.set()


class Stage:
    """Set up by `open`, taken down by `close`. Must run in network and mount namespaces of its own (`alone`)."""

    def __init__(self, folder: Path, seed: int):
        self.folder, self.seed = folder, seed
        self.power = Power(folder, DISK_MB, "errors=remount-ro")
        (folder / "site.toml").write_text(SITE)
        self.lamp = Lamp(folder, self.power.disk / "data")
        self.disk_bad: list[tuple[float, float]] = []  # when the disk took nothing, as it was arranged
        self.broker: subprocess.Popen | None = None
        self.witness: subprocess.Popen | None = None

    async def open(self) -> None:
        run("ip", "link", "set", "lo", "up")
        self.witness = subprocess.Popen(
            ["unshare", "--net", sys.executable, "-m", "tests.chaos.campaign.witness", str(self.folder), THERE,
             str(self.seed)], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        for _ in range(100):  # until it stands in a namespace of its own
            if os.readlink(f"/proc/{self.witness.pid}/ns/net") != os.readlink("/proc/self/ns/net"):
                break
            await asyncio.sleep(0.02)
        run("ip", "link", "add", "lamp0", "type", "veth", "peer", "name", "field0", "netns", self.witness.pid)
        run("ip", "addr", "add", f"{HERE}/24", "dev", "lamp0")
        run("ip", "link", "set", "lamp0", "up")
        for command in (("addr", "add", f"{THERE}/24", "dev", "field0"), ("link", "set", "field0", "up"),
                        ("link", "set", "lo", "up")):
            self._in_field("ip", *command)
        (self.folder / "broker").mkdir()
        (self.folder / "broker.conf").write_text(
            f"listener {BEHIND} {THERE}\nallow_anonymous true\npersistence true\nautosave_interval 1\n"
            f"persistence_location {self.folder}/broker/\nmax_inflight_messages 2000\nmax_queued_messages 0\n"
            "user root\n")
        self.start_broker()
        assert self.witness.stdout.readline() == b"ready\n"

    def _in_field(self, *command: str) -> None:
        run("nsenter", "-t", self.witness.pid, "-n", *command)

    def start_broker(self) -> None:
        program = shutil.which("mosquitto", path=os.environ["PATH"] + ":/usr/sbin")
        with (self.folder / "broker.log").open("ab") as log:
            self.broker = subprocess.Popen(["nsenter", "-t", str(self.witness.pid), "-n", program, "-c",
                                            str(self.folder / "broker.conf")], stdout=log, stderr=log)

    async def ask(self, **what) -> dict:
        reader, writer = await asyncio.open_unix_connection(self.folder / "witness.sock")
        writer.write(json.dumps(what).encode() + b"\n")
        answer = json.loads(await reader.readline())
        writer.close()
        return answer

    def cable(self, plugged: bool) -> None:
        run("ip", "link", "set", "lamp0", "up" if plugged else "down")

    def close(self) -> None:
        self.lamp.wanted = False
        for process in (self.lamp.process, self.broker, self.witness):
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()
        self.power.off()


def alone() -> None:
    """Go on in network and mount namespaces of our own; what we do there is seen nowhere else."""
    if os.environ.get("DAVYLAMP_CHAOS") != "alone":
        environment = os.environ | {"DAVYLAMP_CHAOS": "alone"}
        command = ["unshare", "--net", "--mount", "--propagation", "private", sys.executable, *sys.orig_argv[1:]]
        os.execvpe(command[0], command, environment)

"""The same storm for a Prometheus Alertmanager: its own API in, a webhook out."""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
import urllib.request
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.storm import story
from tests.servers import free_port, program

_CONFIG = """
route:
  receiver: phone
  group_by: ['{group_by}']
  {group_wait}
receivers:
- name: phone
  webhook_configs:
  - url: {url}
    send_resolved: true
"""


class Alertmanager:
    """One process. group_by: a label, or "..." for every alarm by itself. group_wait: None leaves it as Alertmanager
    has it (30 s); group_interval is left (5 min) always."""

    def __init__(self, folder: Path, url: str, group_by: str, group_wait: str | None):
        self._folder, self._port = folder, free_port()
        (folder / "config.yml").write_text(_CONFIG.format(
            url=url, group_by=group_by, group_wait="" if group_wait is None else f"group_wait: {group_wait}"))
        self.process = self._start()

    def _start(self) -> subprocess.Popen:
        process = subprocess.Popen(
            [program("prometheus-alertmanager"), f"--config.file={self._folder}/config.yml",
             f"--storage.path={self._folder}/data", f"--web.listen-address=127.0.0.1:{self._port}",
             "--cluster.listen-address=", "--log.level=error"], stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{self._port}/-/ready", timeout=1).close()
                return process
            time.sleep(0.05)
        process.kill()
        raise RuntimeError("Alertmanager does not start")

    def kill_and_start_again(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process = self._start()

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()

    def known(self) -> int:
        """Alarms that it holds as active."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/api/v2/alerts?active=true", timeout=10) as answer:
            return len(json.load(answer))

    async def storm(self, alarms: int, seconds: float) -> tuple[int, dict[str, int]]:
        """Post it tick by tick over one connection. (when it began, first raise of each P1), monotonic ns."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        loop, raised = asyncio.get_running_loop(), {}
        start, began = loop.time(), time.monotonic_ns()
        since: dict[int, datetime] = {}
        for due, moves in story.ticks(story.moves(alarms, seconds)):
            await asyncio.sleep(max(0.0, start + due - loop.time()))
            now = datetime.now(UTC)
            alerts = []
            for move in moves:
                since[move.alarm] = now if move.active else since[move.alarm]
                ends = now + timedelta(hours=1) if move.active else now
                alerts.append({"labels": {"alertname": "high", "alarm": story.id_of(move.alarm),
                                          "area": f"area-{move.alarm % story.AREAS}",
                                          "priority": story.priority(move.alarm).name},
                               "startsAt": since[move.alarm].isoformat(), "endsAt": ends.isoformat()})
                if move.active and story.priority(move.alarm) == 1:
                    raised.setdefault(story.id_of(move.alarm), time.monotonic_ns())
            body = json.dumps(alerts).encode()
            writer.write(b"POST /api/v2/alerts HTTP/1.1\r\nHost: am\r\nContent-Type: application/json\r\n"
                         + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
            await writer.drain()
            head = await reader.readuntil(b"\r\n\r\n")
            if b" 200 " not in head.split(b"\r\n")[0]:
                raise RuntimeError(head.decode("latin-1"))
        writer.close()
        return began, raised

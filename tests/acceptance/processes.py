"""The product as its users start it: processes on free ports, read through their output and the HTTP API."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.model.text import LANGUAGES, Text
from tests.servers import free_port

ROOT = Path(__file__).parent.parent.parent
DAVYLAMP = [sys.executable, "-m", "gateway"]
ENGLISH = os.environ | {"LC_ALL": "C.UTF-8", "PYTHONUNBUFFERED": "1"}


class Program:
    """A running command; its lines of stdout as they come."""

    def __init__(self, command: list[str]):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, cwd=ROOT,
                                        env=ENGLISH)
        self.lines: list[str] = []
        self.errors: list[str] = []
        self._fresh: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        threading.Thread(target=lambda: self.errors.extend(self.process.stderr), daemon=True).start()

    def _read(self) -> None:
        for line in self.process.stdout:
            self._fresh.put(line.rstrip())
        self._fresh.put(None)

    def wait_for(self, text: str, seconds: float = 60) -> str:
        """The next line that holds `text`."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            try:
                line = self._fresh.get(timeout=left)
            except queue.Empty:
                break
            if line is None:
                break
            self.lines.append(line)
            if text in line:
                return line
        raise AssertionError(f"{text!r} did not come. Output:\n" + "\n".join(self.lines[-40:] + self.errors[-20:]))

    def stop(self, number: int = signal.SIGINT) -> int:
        self.process.send_signal(number)
        status = self.process.wait(30)
        while (line := self._fresh.get(timeout=5)) is not None:
            self.lines.append(line)
        return status


@contextmanager
def program(*command: str) -> Iterator[Program]:
    running = Program(list(command))
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.process.kill()
            running.process.wait()


def davylamp(*arguments: str, seconds: float = 60) -> subprocess.CompletedProcess:
    return subprocess.run([*DAVYLAMP, *arguments], capture_output=True, text=True, timeout=seconds, cwd=ROOT,
                          env=ENGLISH, check=False)


def refusal(*arguments: str) -> Text:
    """What a command that must be refused (exit status 1) says on stderr, in both languages."""
    done = [davylamp(*arguments, "--lang", language) for language in LANGUAGES]
    assert [each.returncode for each in done] == [1, 1], done
    assert not any("Traceback" in each.stderr for each in done)
    return Text(*(each.stderr for each in done))


def get(port: int, path: str):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as reply:
        return json.load(reply)


def eventually(look: Callable[[], object], what: str, seconds: float = 60):
    """The first truthy answer of `look`. Refused connections count as not yet."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if answer := look():
                return answer
        except (urllib.error.URLError, ConnectionError):
            pass
        time.sleep(0.1)
    raise AssertionError(f"{what}: not within {seconds} s")


def free_ports(count: int) -> int:
    """The first of `count` free neighbouring ports."""
    import socket
    while True:
        first = free_port()
        try:
            for port in range(first, first + count):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
            return first
        except (OSError, OverflowError):
            continue

"""Simulated worlds for the tests: in this process and headless, or as the real command."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from simulators import layout, scenario
from simulators.world import Event, World

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs" / "how-to" / "simulate-a-site.md"


@pytest.fixture
def world() -> World:
    """The depot, nothing happening."""
    return World(layout.load())


def hit(world: World, **step) -> None:
    """A line of a scenario, at once."""
    world.carry_out(scenario.read_step(step, world.known, "test"))


def let_pass(world: World, seconds: float) -> list[Event]:
    return [event for _ in range(round(seconds / world.step)) for event in world.advance()]


class Command:
    """`python -m simulators --story-json ...`, and the events it prints."""

    def __init__(self, *arguments: str, stdin=subprocess.DEVNULL):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "simulators", "--story-json", *arguments],
            cwd=ROOT, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self._events: queue.SimpleQueue = queue.SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        for line in self.process.stdout:
            self._events.put(json.loads(line))
        self._events.put(None)

    def wait_for(self, kind: str, **having) -> dict:
        """The next event of this kind with these fields; what comes before it is skipped."""
        while event := self._events.get(timeout=60):
            if event["event"] == kind and all(event.get(key) == value for key, value in having.items()):
                return event
        raise AssertionError(f"ended without {kind} {having}: {self.process.stderr.read()}")

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(30)


@pytest.fixture
def simulators():
    """Start commands with `simulators("--option", ...)`; all are stopped at the end."""
    started: list[Command] = []

    def start(*arguments: str, **settings) -> Command:
        started.append(Command(*arguments, **settings))
        return started[-1]

    yield start
    for command in started:
        command.stop()

"""10,000 transitions in 10 s: Davylamp's alarm service and, on the same storm, a Prometheus Alertmanager.

2,000 alarms of the recommended split (5 % P1, 15 % P2, 80 % P3) in ten areas, each up, down, up, down, up. Both tell a
webhook (an HTTP server in a process of its own). Then both are killed (SIGKILL) and asked what they still know: 2,000
alarms are active. Beside it the engine alone, and a start with 100,000 rows in the journal.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from alerting.engine import AlarmEngine
from alerting.ledger import AlarmLedger, Work, transition_record
from alerting.service import AlarmService
from benchmarks import stage
from benchmarks.storm import story
from benchmarks.storm.alertmanager import Alertmanager
from gateway.model.clock import NS, TimeLine
from gateway.model.verdict import Edge, Verdicts

ROWS = 100_000


@dataclass(frozen=True)
class _Rival:
    """Alertmanager as it is set up, and how long it is watched after the storm."""

    name: str
    group_by: str
    group_wait: str | None
    after_s: float


RIVALS = (_Rival("by area, group_wait 0s", "area", "0s", 10.0), _Rival("by area, default", "area", None, 45.0),
          _Rival("ungrouped, group_wait 0s", "...", "0s", 10.0))


def run(quick: bool) -> list[dict]:
    alarms, seconds = (200, 2.0) if quick else (story.ALARMS, story.SECONDS)
    rows = [*_lamp(alarms, seconds), *_single(alarms, seconds), _engine(20_000 if quick else 200_000),
            *_restart(5_000 if quick else ROWS)]
    try:
        for rival in RIVALS[:1] if quick else RIVALS:
            rows += _alertmanager(alarms, seconds, rival, 1.0 if quick else rival.after_s)
    except pytest.skip.Exception as missing:
        print(f"         Alertmanager SKIPPED: {missing}")
    return rows


def _row(name: str, value: float, unit: str, target: str = "", note: str = "") -> dict:
    return {"name": name, "value": round(float(value), 3), "unit": unit, "target": target or None, "note": note or None}


@dataclass
class _Channel:
    """The receiver: what came, and when (monotonic ns)."""

    url: str
    came: list[tuple[int, list[str]]] = field(default_factory=list)


@contextmanager
def _channel() -> Iterator[_Channel]:
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.storm.receiver"], cwd=stage.ROOT, text=True,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    here = _Channel(f"http://127.0.0.1:{int(process.stdout.readline())}/")
    listening = threading.Thread(target=lambda: here.came.extend(map(_said, process.stdout)))
    listening.start()
    try:
        yield here
    finally:
        process.stdin.close()
        process.wait(10)
        listening.join()


def _said(line: str) -> tuple[int, list[str]]:
    at, about = json.loads(line)
    return at, about


class _Lamp:
    """One life of benchmarks.storm.lamp."""

    def __init__(self, folder: Path, url: str, alarms: int, seconds: float, how: str = "bundle"):
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.storm.lamp", str(folder), url, str(alarms), str(seconds),
             how],
            cwd=stage.ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    @property
    def pid(self) -> int:
        return self._process.pid

    def heard(self, what: str):
        return json.loads(self._process.stdout.readline())[what]

    def go(self) -> None:
        self._process.stdin.write("go\n")
        self._process.stdin.flush()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


def _lamp(alarms: int, seconds: float) -> list[dict]:
    with tempfile.TemporaryDirectory(prefix="davylamp-bench-") as name, _channel() as channel:
        folder = Path(name)
        lamp = _Lamp(folder, channel.url, alarms, seconds)
        lamp.heard("ready")
        lamp.go()
        found = lamp.heard("stormed")
        memory = _peak_bytes(lamp.pid)
        drained = lamp.heard("drained")
        lamp.kill()
        again = _Lamp(folder, channel.url, alarms, seconds)
        known = again.heard("known")
        again.kill()
        journalled = sum(row.alarm.startswith("S-") for row in AlarmLedger(folder / "alarms.db").history(
            10**6, kind="transition"))
        AlarmLedger(folder / "alarms.db").verify()
    p1 = np.array(found["p1_ms"])
    first_ms = (channel.came[0][0] - found["first_ns"]) / 1e6
    keys = {key for _, about in channel.came for key in about}
    note = (f"{found['transitions']:,} transitions of {alarms:,} alarms in {seconds:g} s, one webhook that bundles, "
            "alarm file with synchronous=FULL")
    return [
        _row("transitions not journalled", found["transitions"] - journalled, "", "<= 0", note),
        _row("notices lost", found["counters"]["notices"] - len(keys) + found["given_up"], "", "<= 0"),
        _row("P1 raised -> notice handed to the channel, p50", np.percentile(p1, 50), "ms"),
        _row("P1 raised -> notice handed to the channel, p99", np.percentile(p1, 99), "ms", "<= 250"),
        _row("P1 raised -> notice handed to the channel, slowest", p1.max(), "ms"),
        _row("first notification", first_ms, "ms"),
        _row("messages received", len(channel.came), "", note=f"{len(keys):,} notices, P1 each by itself"),
        _row("all notices delivered, after the storm", drained["after_s"] - seconds, "s"),
        _row("CPU during the storm", 100 * found["cpu_s"] / seconds, "% of a core"),
        _row("memory, peak", memory / 1e6, "MB"),
        _row("active alarms known after kill -9", known["active"], "", f">= {alarms}"),
    ]


def _alertmanager(alarms: int, seconds: float, setting: _Rival, after_s: float) -> list[dict]:
    with tempfile.TemporaryDirectory(prefix="davylamp-bench-") as folder, _channel() as channel:
        rival = Alertmanager(Path(folder), channel.url, setting.group_by, setting.group_wait)
        try:
            began, raised = asyncio.run(rival.storm(alarms, seconds))
            time.sleep(after_s)
            before, memory = rival.known(), _peak_bytes(rival.process.pid)
            came = list(channel.came)
            rival.kill_and_start_again()
            after = rival.known()
        finally:
            rival.stop()
    told: dict[str, int] = {}
    for at, about in came:
        for alarm in about:
            told.setdefault(alarm, at)
    first = min((at for at, _ in came), default=None)
    p1 = np.array([(told[alarm] - at) / 1e6 for alarm, at in raised.items() if alarm in told] or [np.nan])
    what = f"Alertmanager, {setting.name}"
    rows = [] if first is None else [_row(f"{what}: first notification", (first - began) / 1e6, "ms")]
    if np.isfinite(p1).all():
        rows += [_row(f"{what}: P1 raised -> first named to the channel, p{share}", np.percentile(p1, share), "ms")
                 for share in (50, 99)]
    note = ("Alertmanager 0.25, group_interval as it comes (5 min): a group that has told what it holds tells what "
            "came later after that")
    return [*rows,
            _row(f"{what}: P1 alarms not named until {after_s:g} s after the storm",
                 len(raised) - sum(alarm in told for alarm in raised), f"of {len(raised)}", note=note),
            _row(f"{what}: notifications received", len(came), ""),
            _row(f"{what}: memory, peak", memory / 1e6, "MB"),
            _row(f"{what}: active alarms known before kill -9", before, ""),
            _row(f"{what}: active alarms known after kill -9", after, "")]


def _single(alarms: int, seconds: float) -> list[dict]:
    """The same storm to a webhook as it comes: every notice is a message."""
    with tempfile.TemporaryDirectory(prefix="davylamp-bench-") as name, _channel() as channel:
        lamp = _Lamp(Path(name), channel.url, alarms, seconds, "single")
        lamp.heard("ready")
        lamp.go()
        found = lamp.heard("stormed")
        drained = lamp.heard("drained")
        lamp.kill()
    keys = {key for _, about in channel.came for key in about}
    told = {key for key in keys if not key.startswith("more:")}
    notices = found["counters"]["notices"]
    return [
        _row("webhook that does not bundle: notices lost in silence", notices - len(told) - drained["given_up"], "",
             "<= 0", "neither received nor journalled as given up and told as a number"),
        _row("webhook that does not bundle: notices given up, P3 only", drained["given_up"], f"of {notices:,}"),
        _row("webhook that does not bundle: messages that tell how many", len(keys) - len(told), ""),
        _row("webhook that does not bundle: P1 raised -> handed to the channel, p99", np.percentile(
            found["p1_ms"], 99), "ms", "<= 250"),
        _row("webhook that does not bundle: all delivered, after the storm", drained["after_s"] - seconds, "s")]


def _engine(events: int) -> dict:
    """Raise and clear in turn, ten edges at a time, no file and no notice."""
    site = story.site(1_000)
    number = [site.alarms.index(story.id_of(alarm)) for alarm in range(1_000)]
    batches = [Verdicts.from_edges([
        Edge(number[(first + step) % 1_000], first // 1_000 % 2 == 0, 1.0, first + step + 1, first + step + 1)
        for step in range(10)]) for first in range(0, events, 10)]
    seconds = []
    for _ in range(3):
        engine = AlarmEngine(site.alarms)
        began = time.process_time()
        moved = sum(len(engine.apply(verdicts).transitions) for verdicts in batches)
        seconds.append(time.process_time() - began)
        if moved != events:
            raise RuntimeError(f"{moved} of {events} edges were transitions")
    return _row("engine alone", events / min(seconds), "events/s", ">= 100000", "engine: CPU time, best of three")


def _restart(rows: int) -> list[dict]:
    with tempfile.TemporaryDirectory(prefix="davylamp-bench-") as name:
        path = Path(name) / "alarms.db"
        _fill(path, rows)
        started, counted = asyncio.run(_started(path))
    note = "restart: file in the cache of the system; the figures are read while the service works"
    return [_row("restart with 100,000 journal records: alarms work", started, "s", "<= 2", note),
            _row("restart with 100,000 journal records: figures too", counted, "s", "<= 2")]


def _fill(path: Path, rows: int) -> None:
    site, clock = story.site(1_000), TimeLine()
    engine, ledger, now = AlarmEngine(site.alarms), AlarmLedger(path), clock.now()
    ledger.open()
    for first in range(0, rows, 1_000):
        changes = engine.apply(Verdicts.from_edges([
            Edge(site.alarms.index(story.id_of(alarm)), first // 1_000 % 2 == 0, 1.0, now.line_ns - rows * NS // 10
                 + first * NS // 10, now.wall_ns - rows * NS // 10 + first * NS // 10) for alarm in range(1_000)]))
        ledger.commit(Work({state.alarm: state for state in changes.states},
                           [transition_record(transition) for transition in changes.transitions]))
    ledger.close()


async def _started(path: Path) -> tuple[float, float]:
    """From a service that is made to one that knows what stands, and to one that counts what was."""
    site = story.site(1_000)
    began = time.perf_counter()
    service = AlarmService(site.alarms, site, AlarmLedger(path), [], TimeLine())
    await service.start()
    started = time.perf_counter() - began
    await service.figures_known()
    counted = time.perf_counter() - began
    await service.close()
    return started, counted


def _peak_bytes(pid: int) -> int:
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(lines["VmHWM"].split()[0]) * 1024

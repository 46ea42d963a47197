"""From the register to the recorded alarm: 1,000 signals at 1 Hz, real sockets, real files.

The simulator (a process of its own) is told to put one register over its limit, at a random moment of the poll cycle;
it says when it did. The gateway polls, decides, and commits the alarm to its SQLite file (synchronous = FULL).

    simulator writes the register ... the gateway asks ... bytes on the socket ... alarm transition committed
    |<------------------------------- whole -------------------------------------------------------------->|
                                                           |<------------- own share ---------------------->|
"""

from __future__ import annotations

import asyncio
import json
import random
import tempfile
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from alerting.engine import Transition
from benchmarks import sites, stage
from gateway.app import Gateway

DEVICES = 4
OVER = sites.HIGH + 100  # above H, below HH: one alarm for each event
PERIOD_S = 1.0
PER_S = 20.0  # events; each of them is two alarm transitions, up and down again


def run(quick: bool, signals: int = 1000, events: int | None = None) -> list[dict]:
    events = events or (60 if quick else 1200)
    with tempfile.TemporaryDirectory() as name, stage.simulator(signals, DEVICES, "float32") as plant:
        site = sites.modbus_site(Path(name), plant.ports, signals, "float32")
        seen = asyncio.run(_measure(site, Path(name) / "data", plant.control, events, signals))
    own, whole = (np.sort(np.array(column)) / 1e6 for column in (seen.own_ns, seen.whole_ns))
    note = (f"{events} events over {signals} signals in {DEVICES} devices polled every {PERIOD_S:g} s, "
            f"{PER_S:g} a second up and as many down again, no notifier; alarm file SQLite WAL, synchronous=FULL")
    return [{"name": f"{name}, p{share:g}", "value": float(np.percentile(values, share)), "unit": "ms",
             "target": f"<= {target}" if target and share == 99 else None, "note": note}
            for name, values, target in (("bytes received -> alarm committed", own, 20),
                                         ("register written -> alarm committed", whole, None))
            for share in (50, 99, 99.9)]


@dataclass
class _Seen:
    own_ns: list[int] = field(default_factory=list)  # bytes received -> committed
    whole_ns: list[int] = field(default_factory=list)  # register written -> committed


class _Hand:
    """The hand on the simulated registers."""

    def __init__(self, gateway: Gateway, signals: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self._reader, self._writer = reader, writer
        self._line = asyncio.Lock()
        # On a fresh data folder the time line is the monotonic clock moved by a constant.
        self._offset_ns = gateway.parts.chain.clock.now().line_ns - time.monotonic_ns()
        self._share = signals // DEVICES
        self._free = deque(random.sample(range(signals), signals))
        self._expected: dict[str, asyncio.Future[tuple[int, int]]] = {}  # alarm -> (bytes received, committed)
        self.seen = _Seen()
        gateway.parts.chain.alarms.on_commit.append(self._committed)

    async def event(self) -> None:
        """One signal goes up, the alarm is recorded; it goes down, that is recorded, and it may go up again."""
        signal = self._free.popleft()
        device, row = divmod(signal, self._share)
        point, alarm = f"dev-{device} holding {row * sites.WORDS['float32']}", f"sim-{signal}/H"
        recorded = self._expect(alarm)
        written = await self._tell(f"set {point} {OVER}")
        received, committed = await recorded
        self.seen.own_ns.append(committed - received)
        self.seen.whole_ns.append(committed - written)
        ended = self._expect(alarm)
        await self._tell(f"free {point}")
        await ended
        self._free.append(signal)

    def _expect(self, alarm: str) -> asyncio.Future[tuple[int, int]]:
        self._expected[alarm] = future = asyncio.get_running_loop().create_future()
        return future

    def _committed(self, transitions: tuple[Transition, ...], monotonic_ns: int) -> None:
        for transition in transitions:
            if (future := self._expected.pop(transition.alarm, None)) is not None:
                future.set_result((transition.line_ns - self._offset_ns, monotonic_ns))

    async def _tell(self, command: str) -> int:
        """Returns when (monotonic ns) the simulator changed the register."""
        async with self._line:
            self._writer.write(f"{command}\n".encode())
            answer = json.loads(await self._reader.readline())
        if not answer["ok"]:
            raise RuntimeError(f"{command}: {answer['error']['en']}")
        return answer["monotonic_ns"]


async def _measure(site: Path, folder: Path, control: int, events: int, signals: int) -> _Seen:
    async with stage.gateway(site, folder) as gateway:
        await stage.until(lambda: gateway.parts.chain.pipeline.samples >= 2 * signals, "two polls of every signal")
        reader, writer = await asyncio.open_connection("127.0.0.1", control)
        hand = _Hand(gateway, signals, reader, writer)
        async with asyncio.timeout(10 * events / PER_S + 60), asyncio.TaskGroup() as tasks:
            for _ in range(events):
                await asyncio.sleep(random.expovariate(PER_S))
                tasks.create_task(hand.event())
        writer.close()
    return hand.seen

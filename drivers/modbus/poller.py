"""One device: what to ask, when to ask it, and what a fault costs.

A *turn* asks every block once.

    no connection           all points of the device are bad; the line redials at growing intervals
    a block not answered    its own points are bad and it backs off, as long as the device answers anything else
    nothing answered        all points are bad and the device counts as silent: one request per turn, at growing
                            intervals, until it answers; then the turn goes on at once with all blocks
    exception answer        the block's points are bad; an illegal address or value splits the block until only what
                            the device refuses is left out. Once in RELEARN_S the planned blocks are tried again
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from drivers.modbus import faults
from drivers.modbus.config import BIT_TABLES, FUNCTION, Device
from drivers.modbus.decode import Decoder, Field
from drivers.modbus.plan import Block, Span, halves, plan
from drivers.modbus.wire import Answer, Line, Request, jittered, reading, timing
from gateway.model.clock import Clock
from gateway.model.frame import Frame
from gateway.model.ports import DeviceStatus
from gateway.model.pulse import HANG_S, Pulse
from gateway.model.quality import Quality
from gateway.model.signal import SignalTable
from gateway.model.text import Text

log = logging.getLogger(__name__)

SPLITS_PER_TURN = 16  # a device that refuses everything must not be asked hundreds of times at once
RELEARN_S = 600.0
OWN_FAULT_PAUSE_S = 5.0

_PLACE = Text("{device}, {place}: {why}", "{device}，{place}：{why}")
_WHOLE = Text("{device}: {why}", "{device}：{why}")


@dataclass(slots=True, eq=False)
class Read:
    """One planned request and what became of it lately."""

    block: Block
    table: str
    request: Request
    decode: Decoder
    signals: np.ndarray
    place: str  # "holding 40..47 (GD-01, GD-02 +6)"
    failures: int = 0
    not_before: float = 0.0  # loop time
    fault: Text | None = None


@dataclass(slots=True)
class Counters:
    requests: int = 0
    answers: int = 0
    timeouts: int = 0
    rejected: int = 0  # answers that were not what was asked for
    exceptions: int = 0
    missed_cycles: int = 0
    errors: int = 0  # of our own


class Poller:
    def __init__(self, source: str, device: Device, signals: SignalTable, line: Line,
                 give: Callable[[Frame], Awaitable[None]], clock: Clock):
        """`give` takes the frames; it waits while the pipeline is behind."""
        self.device = device.id
        self.pulse = Pulse(f"{source}/{device.id}", clock)
        self._source = source
        self._device = device
        self._signals = signals
        self._line = line
        self._give = give
        self._clock = clock
        self._timing = timing(device, line)
        self._spans = [Span(device.wire_address(point), point.width) for point in device.points]
        self._planned = self._plan()
        self._reads = self._planned
        self._planned_at = 0.0
        self._silent = 0  # turns in a row without any answer
        self._online = False
        self._outage: Text | None = None  # why nothing can be read
        self._last_contact_ns = 0
        self._counters = Counters()

    # what to ask

    def _plan(self) -> tuple[Read, ...]:
        device = self._device
        reads = []
        for table in FUNCTION:
            numbers = [number for number, point in enumerate(device.points) if point.table == table]
            bits = table in BIT_TABLES
            avoid = [range(zone.first - device.address_base, zone.last - device.address_base + 1)
                     for zone in device.do_not_read if zone.table == table]
            for block in plan([self._spans[number] for number in numbers], avoid=avoid,
                              max_size=device.max_bits if bits else device.max_registers,
                              hole_limit=device.hole_limit * 16 if bits else device.hole_limit):
                members = tuple(numbers[member] for member in block.members)
                reads.append(self._read(table, Block(block.first, block.size, members)))
        return tuple(reads)

    def _read(self, table: str, block: Block) -> Read:
        device = self._device
        points = [device.points[member] for member in block.members]
        fields = [Field(number := self._signals.index(point.signal), device.wire_address(point) - block.first, point,
                        point.order or device.order, self._signals[number].scaling(point.scale, point.offset))
                  for point in points]
        first = block.first + device.address_base
        addresses = f"{first}" if block.size == 1 else f"{first}..{first + block.size - 1}"
        names = ", ".join(point.signal for point in points[:2]) + (f" +{len(points) - 2}" if len(points) > 2 else "")
        return Read(block, table, reading(FUNCTION[table], device.unit, block.first, block.size), Decoder(fields),
                    np.array([field.signal for field in fields], np.int32), f"{table} {addresses} ({names})")

    def _split(self, read: Read) -> list[Read]:
        """The read in two halves, which from now on take its place."""
        parts = [self._read(read.table, half) for half in halves(read.block, self._spans)]
        place = self._reads.index(read)
        self._reads = (*self._reads[:place], *parts, *self._reads[place + 1:])
        return parts

    # when to ask

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        due = self._planned_at = loop.time()
        while True:
            self.pulse.beat()
            try:
                await self.turn()
            except (Exception, asyncio.CancelledError) as error:
                # last line of defence: an error of ours must not end the polling of a device. Neither must a
                # cancellation that was not for this task: a task group takes it for its orderly end, in silence
                if isinstance(error, asyncio.CancelledError) and asyncio.current_task().cancelling():
                    raise
                self._counters.errors += 1
                log.exception("%s/%s: error in a polling cycle, next try in %g s", self._source, self._device.id,
                              OWN_FAULT_PAUSE_S)
                await self._lose_all(Quality.BAD, Text("internal error, see the log", "内部错误，请查看日志"))
                await asyncio.sleep(OWN_FAULT_PAUSE_S)
            due = self._next(due, loop.time())
            self.pulse.beat(max(0.0, due - loop.time()) + HANG_S)
            await asyncio.sleep(max(0.0, due - loop.time()))

    def _next(self, due: float, now: float) -> float:
        """The next point of the grid. Cycles that could not start in time are counted; those of a back-off are not."""
        period = self._device.period
        if self._silent:
            steps = max(1, round((now + self._backoff(self._silent) - due) / period))
            return due + steps * period
        missed = max(0, int((now - due) / period) - 1)
        self._counters.missed_cycles += missed
        return due + (1 + missed) * period

    def _backoff(self, failures: int) -> float:
        return jittered(min(self._device.backoff_ceiling, self._device.period * 2 ** min(failures - 1, 16)))

    # one turn

    async def turn(self) -> None:
        """Ask every block once, now. `run` does so once in a period."""
        loop = asyncio.get_running_loop()
        if self._reads is not self._planned and loop.time() - self._planned_at > RELEARN_S:
            self._reads, self._planned_at = self._planned, loop.time()
        probing = self._silent > 0
        queue = deque(self._reads)
        queue.rotate(-self._silent)  # another block at each probe: the device may be deaf to one and answer the rest
        heard, splits = False, 0
        lost: list[tuple[Read, faults.ReadFailed]] = []  # before anything was heard
        while queue and not (lost and (probing or len(lost) > 1) and not heard):
            read = queue.popleft()
            if read.not_before > loop.time() and not probing:
                continue
            try:
                answer = await self._ask(read, 0 if lost or (probing and not heard) else self._device.retries)
            except faults.LinkDown as fault:
                self._silent = 0  # of the device nothing is known
                await self._lose_all(fault.quality, fault.what)
                return
            except faults.ReadFailed as fault:
                refused = isinstance(fault, faults.Refused)
                if refused and not fault.unreachable:
                    heard = True
                    self._hear(self._clock.now().wall_ns)
                if refused and fault.splits and len(read.block.members) > 1 and splits < SPLITS_PER_TURN:
                    splits += 1
                    queue.extendleft(reversed(self._split(read)))
                elif heard:
                    await self._lose(read, fault)
                else:
                    lost.append((read, fault))
            else:
                heard = True
                self._hear(answer.at.wall_ns)
                read.failures, read.not_before, read.fault = 0, 0.0, None
                await self._give(read.decode(answer.payload, answer.at))
        if lost and not heard:
            self._silent += 1
            await self._lose_all(lost[-1][1].quality, lost[-1][1].what)
        else:
            for read, fault in lost:
                await self._lose(read, fault)

    async def _ask(self, read: Read, retries: int) -> Answer:
        counters = self._counters
        while True:
            self.pulse.beat()
            counters.requests += 1
            try:
                answer = await self._line.ask(read.request, **self._timing)
            except faults.LinkDown:
                raise
            except faults.ReadFailed as fault:
                if isinstance(fault, faults.Refused):
                    counters.exceptions += 1
                elif isinstance(fault, faults.WrongAnswer):
                    counters.rejected += 1
                else:
                    counters.timeouts += 1
                if retries <= 0 or not fault.retryable:
                    raise
                retries -= 1
            else:
                counters.answers += 1
                return answer

    # what a fault costs

    async def _lose(self, read: Read, fault: faults.ReadFailed) -> None:
        """The points of one request are bad; it backs off by itself."""
        read.failures += 1
        read.not_before = asyncio.get_running_loop().time() + self._backoff(read.failures)
        reason = _PLACE.format(device=self._device.id, place=read.place, why=fault.what)
        if reason != read.fault:
            log.warning("%s: %s", self._source, reason)
        read.fault = reason
        await self._give(Frame.of(read.signals, np.nan, self._clock.now(), fault.quality))

    async def _lose_all(self, quality: Quality, why: Text) -> None:
        """All points of the device are bad."""
        reason = _WHOLE.format(device=self._device.id, why=why)
        if reason != self._outage:
            log.warning("%s: %s", self._source, reason)
        self._outage, self._online = reason, False
        signals = np.concatenate([read.signals for read in self._reads])
        await self._give(Frame.of(signals, np.nan, self._clock.now(), quality))

    def _hear(self, wall_ns: int) -> None:
        """The device said something. After an outage every block deserves a try at once."""
        self._last_contact_ns = wall_ns
        self._silent, self._online = 0, True
        if self._outage is not None:
            self._outage = None
            log.info("%s: %s answers again", self._source, self.device)
            for read in self._reads:
                read.not_before = 0.0

    def status(self) -> DeviceStatus:
        faulty: Sequence[Text] = [read.fault for read in self._reads if read.fault is not None]
        reason = self._outage or next(iter(faulty), Text("", ""))
        return DeviceStatus(self._source, self.device, self._online, reason, self._last_contact_ns,
                            asdict(self._counters))

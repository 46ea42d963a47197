"""The Modbus source: one line, one task per device, one queue out."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from drivers.modbus.config import ModbusSource
from drivers.modbus.output import ModbusOutput
from drivers.modbus.poller import Poller
from drivers.modbus.wire import Line
from gateway.model.clock import Clock
from gateway.model.frame import Frame
from gateway.model.ports import DeviceStatus, Intake
from gateway.model.pulse import Pulse
from gateway.model.signal import SignalTable

HOLD_S = 0.002  # blocks that arrive within this time travel as one frame
HANDOVER_LIMIT = 256  # frames waiting while the pipeline is behind; when full, the devices wait and count missed cycles


class Handover:
    """The queue between the devices of one source and the intake.

    Blocks answered in quick succession leave as one frame, because what follows costs per frame more than per sample.
    """

    def __init__(self, intake: Intake, pulse: Pulse):
        self._intake, self._pulse = intake, pulse
        self._held: list[Frame] = []
        self._filled = asyncio.Event()
        self._room = asyncio.Event()

    async def give(self, frame: Frame) -> None:
        while len(self._held) >= HANDOVER_LIMIT:
            self._room.clear()
            await self._room.wait()
        self._held.append(frame)
        self._filled.set()

    async def run(self) -> None:
        while True:
            self._pulse.rest()
            await self._filled.wait()
            self._pulse.beat()
            await asyncio.sleep(HOLD_S)
            await self.pass_on()

    async def pass_on(self) -> None:
        """What is held, as one frame; waits while the pipeline is behind."""
        self._filled.clear()
        frames, self._held = self._held, []
        self._room.set()
        await self._intake.put(Frame.concat(frames))


class ModbusDriver:
    """A gateway.model.ports.Source. `run` works until it is cancelled. Whoever has a clock of its own instead lets each
    of the `pollers` take its turn and the `handover` pass on what they read."""

    def __init__(self, config: ModbusSource, signals: SignalTable, intake: Intake, clock: Clock):
        self.id = config.id
        self._line = Line(config, clock)
        self._handed_over = Pulse(f"{config.id} handover", clock)
        self.handover = Handover(intake, self._handed_over)
        self.pollers = [Poller(config.id, device, signals, self._line, self.handover.give, clock)
                         for device in config.devices]
        self.outputs = [ModbusOutput(device, contact, self._line)
                        for device in config.devices for contact in device.outputs]

    async def run(self) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.handover.run(), name=f"{self.id} handover")
                for poller in self.pollers:
                    tasks.create_task(poller.run(), name=f"{self.id} {poller.device}")
        finally:
            self.close()

    def close(self) -> None:
        """Hang up."""
        self._line.close()

    def pulses(self) -> Sequence[Pulse]:
        return (self._handed_over, *(poller.pulse for poller in self.pollers))

    def devices(self) -> Sequence[DeviceStatus]:
        """One per device. `connects` and `late` (answers that came when nobody waited for them) are the line's."""
        shared = {"connects": self._line.counters.connects, "late": self._line.counters.late}
        return [replace(status, counters=status.counters | shared)
                for status in (poller.status() for poller in self.pollers)]

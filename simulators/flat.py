"""A flat world for benchmarks: `signals` numbers in `devices` Modbus devices, all changing once a second."""

from __future__ import annotations

import numpy as np

from simulators.layout import DeviceMap, Point
from simulators.modbus_device import Device
from simulators.world import Event

WORDS = {"float32": 2, "uint16": 1}


class FlatWorld:
    """Signal k is `sim-k` in holding registers of device `dev-d`, without gaps from address 0.

    The values are slow sines between 0 and 1000 with phases of their own, plus noise of up to 10.
    """

    step = 1.0

    def __init__(self, signals: int, devices: int, kind: str = "float32", seed: int = 1):
        names = [f"sim-{number}" for number in range(signals)]
        index = {name: number for number, name in enumerate(names)}
        self._rng = np.random.default_rng(seed)
        self._phase = self._rng.uniform(0, 2 * np.pi, signals)
        self._period = self._rng.uniform(30, 300, signals)
        self.elapsed = 0.0
        self.publishers: dict = {}
        self.devices: dict[str, Device] = {}
        for number, share in enumerate(np.array_split(np.array(names, object), devices)):
            point = Point("holding", 0, kind, tuple(share), stride=WORDS[kind])
            described = DeviceMap(f"dev-{number}", number, (point,), {"holding": len(share) * WORDS[kind]},
                                  serial_unit=number % 247 + 1)
            self.devices[described.id] = Device(described, index)
        self._update()

    def advance(self) -> list[Event]:
        self.elapsed += self.step
        self._update()
        return []

    def _update(self) -> None:
        wave = np.sin(2 * np.pi * self.elapsed / self._period + self._phase)
        reading = 500 + 490 * wave + self._rng.uniform(-10, 10, len(wave))
        for device in self.devices.values():
            device.update(reading)

"""A world with its sockets open, moving in real time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from simulators.control import Control
from simulators.modbus_device import Device
from simulators.modbus_server import LOOPBACK, Pty, RtuOverTcp, SerialBus, TcpEndpoint
from simulators.mqtt_client import MqttClient
from simulators.mqtt_device import Publisher
from simulators.text import SimulatorError
from simulators.world import Event

_FAR_BEHIND = 1.0  # s; after a longer stall (a suspended machine) the plant goes on from now and catches nothing up


class Moving(Protocol):
    """What a station needs of its world; World and FlatWorld are two."""

    step: float
    devices: Mapping[str, Device]
    publishers: Mapping[str, Publisher]

    @property
    def elapsed(self) -> float: ...

    def advance(self) -> list[Event]: ...


@dataclass(frozen=True, slots=True)
class Settings:
    """Ports: 0 takes a free one, None opens none. modbus_port is the first of one per device."""

    modbus_port: int = 5020
    serial: Path | None = None
    rtu_tcp: int | None = None
    mqtt: tuple[str, int] | None = None
    control: int | None = None
    speed: float = 1.0
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Told:
    """For the one who listens: an event of the world, or one of the station ("ready", "mqtt", "summary")."""

    kind: str
    elapsed: float
    detail: Mapping[str, Any] = field(default_factory=dict)
    event: Event | None = None


class Station:
    """`run()` until cancelled. `tell` hears everything that happens; it is called on the event loop."""

    def __init__(self, world: Moving, settings: Settings, tell: Callable[[Told], None]):
        self._world, self._settings, self._tell = world, settings, tell
        rng = np.random.default_rng(settings.seed + 1)  # its own: the plant must not depend on who asks how often
        self._tcp = [TcpEndpoint([device], settings.modbus_port and settings.modbus_port + device.map.port, rng,
                                 f"--modbus-port {settings.modbus_port}") for device in world.devices.values()]
        bus = SerialBus(world.devices.values(), rng)
        self._pty = Pty(bus, settings.serial) if settings.serial else None
        self._rtu_tcp = RtuOverTcp(bus, settings.rtu_tcp) if settings.rtu_tcp is not None else None
        self._control = Control(world, settings.control) if settings.control is not None else None
        self._lines = [line for line in (self._pty, self._rtu_tcp, self._control) if line is not None]
        self._clients = [MqttClient(publisher, *settings.mqtt, self._mqtt_changed)
                         for publisher in world.publishers.values()] if settings.mqtt else []

    async def run(self) -> None:
        """Raises SimulatorError when a port or link can not be had; nothing stays open then."""
        ready = False
        try:
            for line in (*self._tcp, *self._lines):
                await line.open()
            async with asyncio.TaskGroup() as tasks:
                for client in self._clients:
                    tasks.create_task(client.run(), name=f"mqtt {client.publisher.id}")
                for client in self._clients:
                    await client.tried.wait()
                self._tell(Told("ready", 0.0, self.places()))
                ready = True
                await self._move()
        except ExceptionGroup as group:
            if ours := group.subgroup(SimulatorError):
                raise ours.exceptions[0] from group
            raise
        finally:
            for line in (*self._tcp, *self._lines):
                await line.close()
            if ready:
                self._tell(Told("summary", round(self._world.elapsed, 1), self.counts()))

    def places(self) -> dict[str, Any]:
        """Where everything is."""
        settings = self._settings
        return {
            "modbus_tcp": [{"device": device.id, "host": LOOPBACK, "port": endpoint.port, "unit": unit}
                           for endpoint in self._tcp for unit, device in endpoint.devices.items()],
            "serial": None if self._pty is None else {"link": str(self._pty.link), "units": self._units()},
            "rtu_tcp": None if self._rtu_tcp is None
            else {"host": LOOPBACK, "port": self._rtu_tcp.port, "units": self._units()},
            "mqtt": None if settings.mqtt is None
            else {"host": settings.mqtt[0], "port": settings.mqtt[1], "publishers": list(self._world.publishers)},
            "control": None if self._control is None else {"host": LOOPBACK, "port": self._control.port},
        }

    def counts(self) -> dict[str, int]:
        """What was asked of the devices. writes_refused is 0 for a reader that only reads."""
        counters = [device.counters for device in self._world.devices.values()]
        return {"requests": sum(counter.requests for counter in counters),
                "exceptions": sum(counter.exceptions for counter in counters),
                "writes_refused": sum(counter.writes_refused for counter in counters),
                "mqtt_sent": sum(client.sent for client in self._clients),
                "mqtt_dropped": sum(client.dropped for client in self._clients)}

    def _units(self) -> dict[int, str]:
        return {device.map.serial_unit: device.id for device in self._world.devices.values()}

    def _mqtt_changed(self, publisher: str, connected: bool, reason: str) -> None:
        self._tell(Told("mqtt", round(self._world.elapsed, 1),
                        {"publisher": publisher, "connected": connected, "reason": reason}))

    async def _move(self) -> None:
        loop = asyncio.get_running_loop()
        world, pause = self._world, self._world.step / self._settings.speed
        due = loop.time()
        while True:
            for event in world.advance():
                self._tell(Told(event.kind, event.elapsed, event=event))
            for endpoint in self._tcp:
                await endpoint.follow_plug()
            for client in self._clients:
                client.follow_loss()
                if client.connected:
                    for message in client.publisher.due(world.plant):
                        client.send(message)
            due += pause
            if loop.time() - due > _FAR_BEHIND:
                due = loop.time()
            await asyncio.sleep(max(0.0, due - loop.time()))

"""Stage props of the driver's stories: a driver running against a device, and what came out of it."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from drivers.modbus.config import ModbusSource
from drivers.modbus.driver import ModbusDriver
from gateway.model.clock import TimeLine
from gateway.model.frame import Frame
from gateway.model.ports import DeviceStatus
from gateway.model.quality import Quality, code
from gateway.model.signal import Signal, SignalTable
from gateway.model.text import Text

PATIENCE_S = 20.0  # only to fail


class Collector:
    """An Intake that keeps everything and lets a story wait for what it expects."""

    def __init__(self, table: SignalTable):
        self._table = table
        self.frames: list[Frame] = []
        self.samples: dict[str, list[tuple[float, Quality]]] = {signal.id: [] for signal in table}
        self._news = asyncio.Event()

    async def put(self, frame: Frame, on_durable: Callable[[], None] | None = None) -> None:
        self.frames.append(frame)
        for number, value, quality in zip(frame.signal, frame.value, frame.quality, strict=True):
            self.samples[self._table[int(number)].id].append((float(value), code(int(quality))))
        self._news.set()

    def hasten(self) -> None:
        pass

    def good(self, signal: str) -> list[float]:
        return [value for value, quality in self.samples[signal] if quality == Quality.GOOD]

    def qualities(self, signal: str) -> list[Quality]:
        return [quality for _, quality in self.samples[signal]]

    def last(self, signal: str) -> tuple[float, Quality] | None:
        return self.samples[signal][-1] if self.samples[signal] else None

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                self._news.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait(), 0.05)


class Running:
    def __init__(self, driver: ModbusDriver, seen: Collector):
        self.driver = driver
        self.seen = seen

    def status(self, device: str) -> DeviceStatus:
        return next(status for status in self.driver.devices() if status.device == device)

    def counter(self, device: str, name: str) -> int:
        return self.status(device).counters[name]

    async def until(self, condition: Callable[[], bool]) -> None:
        await self.seen.until(condition)


def source(**section) -> ModbusSource:
    config = ModbusSource.model_validate({"id": "bus", "type": "modbus"} | section)
    assert [finding for finding in config.findings() if finding[3] == "error"] == []
    return config


def device(*points: dict, name: str = "probe", **settings) -> dict:
    """A device that is polled briskly. Its time-out is long, so that a busy test machine does not look like a fault."""
    return {"id": name, "period": "20ms", "timeout": "5s", "retries": 0, "backoff_ceiling": "50ms",
            "points": list(points)} | settings


def hasty(*points: dict, **settings) -> dict:
    """A device that is given up quickly: for stories in which it does not answer."""
    return device(*points, **({"timeout": "150ms"} | settings))


def holding(signal: str, address: int, **settings) -> dict:
    return {"signal": signal, "table": "holding", "address": address} | settings


def table_of(config: ModbusSource) -> SignalTable:
    return SignalTable([Signal(signal, Text.same(signal), "", "", "") for signal, _ in config.bindings()])


@asynccontextmanager
async def running(**section) -> AsyncIterator[Running]:
    config = source(**section)
    table = table_of(config)
    seen = Collector(table)
    driver = ModbusDriver(config, table, seen, TimeLine())
    task = asyncio.create_task(driver.run())
    try:
        yield Running(driver, seen)
        assert not task.done(), "the driver must outlive every fault of the field"
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def is_nan(value: float) -> bool:
    return math.isnan(value)

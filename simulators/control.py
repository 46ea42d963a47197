"""A line on loopback to put hands on a running simulator, for benchmarks and tests. One command, one JSON answer.

    set DEVICE TABLE ADDRESS VALUE   the point at this address reads VALUE from now on; answers when it was changed
    free DEVICE TABLE ADDRESS        the plant decides again
    do {"do": "leak", "near": ...}   a step of a scenario as JSON, at once
    counts                           requests, exceptions and refused writes per device

    {"ok": true, "monotonic_ns": 81235123123, "wall_ns": 1790000000123123123}        or
    {"ok": false, "error": {"en": "...", "zh": "..."}}
"""

from __future__ import annotations

import asyncio
import dataclasses
import time
from typing import Any

import orjson

from simulators.modbus_server import LOOPBACK, not_opened
from simulators.scenario import read_step
from simulators.text import SimulatorError, Text, unknown

_LONGEST_LINE = 4096
_USAGE = Text("set DEVICE TABLE ADDRESS VALUE | free DEVICE TABLE ADDRESS | do JSON | counts",
              "set 设备 表 地址 值 | free 设备 表 地址 | do JSON | counts")


class Control:
    """world: World, or FlatWorld (which knows no `do`)."""

    def __init__(self, world: Any, port: int):
        self._world, self.port = world, port
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def open(self) -> None:
        try:
            self._server = await asyncio.start_server(self._serve, LOOPBACK, self.port, limit=_LONGEST_LINE)
        except OSError as error:
            raise not_opened(error, self.port, "--control") from error
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in tuple(self._writers):
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while line := await reader.readline():
                writer.write(orjson.dumps(self.command(line.decode(errors="replace"))) + b"\n")
                await writer.drain()
        except (ConnectionError, ValueError):  # gone, or a line longer than the limit
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    def command(self, line: str) -> dict[str, Any]:
        """Carries out one line. The time is taken right after the change, before anyone can have read it."""
        try:
            answer = self._carry_out(line)
        except SimulatorError as error:
            return {"ok": False, "error": {"en": error.message("en"), "zh": error.message("zh")}}
        return {"ok": True, "monotonic_ns": time.monotonic_ns(), "wall_ns": time.time_ns(), **answer}

    def _carry_out(self, line: str) -> dict[str, Any]:
        word, _, rest = line.strip().partition(" ")
        try:
            match word, rest.split():
                case "set", [device, table, address, value]:
                    self._device(device).pin(table, int(address, 0), float(value))
                case "free", [device, table, address]:
                    self._device(device).pin(table, int(address, 0), None)
                case "do", [_, *_] if hasattr(self._world, "carry_out"):
                    self._world.carry_out(read_step(orjson.loads(rest), self._world.known, "do"))
                case "counts", []:
                    return {"devices": {name: dataclasses.asdict(device.counters)
                                        for name, device in self._world.devices.items()}}
                case _:
                    raise ValueError(line)
        except (ValueError, TypeError) as error:  # orjson's decode error is a ValueError
            raise SimulatorError(Text("is not a command.", "不是有效命令。"), repr(line.strip()), _USAGE) from error
        return {}

    def _device(self, name: str):
        devices = self._world.devices
        if name not in devices:
            raise unknown(Text("device", "设备"), name, devices, "control")
        return devices[name]

"""What is done to the gateway. Each fault is a coroutine over the stage; a lane does its faults one after another, and
the lanes run beside each other, so that a power cut may meet a dead broker and a clock that jumps."""

from __future__ import annotations

import asyncio
import random
import signal
import socket
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from tests.chaos.campaign.stage import PAGE, Stage

Fault = Callable[[Stage, random.Random], Awaitable[str]]  # returns what is worth noting
HOUR, YEAR = 3600.0, 365 * 86_400.0


@dataclass(frozen=True)
class Kind:
    """share: of all faults, in parts of 1,000."""

    name: str
    lane: str
    share: int
    do: Fault


async def kill(stage: Stage, chance: random.Random) -> str:
    stage.lamp.gone("kill -9")
    stage.lamp.process.send_signal(signal.SIGKILL)
    stage.lamp.process.wait()
    return await _start(stage)


async def power_cut(stage: Stage, chance: random.Random) -> str:
    stage.lamp.gone("power cut")
    await asyncio.to_thread(stage.power.cut, stage.lamp.process)
    return await _start(stage)


async def _start(stage: Stage) -> str:
    """Some of the time the next fault of the lane comes before it is ready."""
    stage.lamp.start()
    seconds = await stage.lamp.ready()
    return f"ready after {seconds:.1f} s"


async def disk_full(stage: Stage, chance: random.Random) -> str:
    filler = stage.power.disk / "filler"
    began = time.monotonic()
    with suppress(OSError):
        await asyncio.to_thread(_fill, filler)
    await asyncio.sleep(chance.uniform(1, 5))
    filler.unlink()
    stage.disk_bad.append((began, time.monotonic() + 5))
    return ""


def _fill(path) -> None:
    with path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(1 << 20))


async def read_only(stage: Stage, chance: random.Random) -> str:
    """And after a while somebody repairs the card, for which the gateway is stopped in good order."""
    began = time.monotonic()
    stage.power.wears_out()
    await asyncio.sleep(chance.uniform(1, 5))
    stage.lamp.gone("repair")
    stage.lamp.process.send_signal(signal.SIGTERM)
    try:
        await asyncio.to_thread(stage.lamp.process.wait, 25)
        how = ""
    except Exception:
        stage.lamp.process.kill()
        stage.lamp.process.wait()
        how = "had to be killed; "
    await asyncio.to_thread(stage.power.repaired)
    stage.disk_bad.append((began, time.monotonic()))
    return how + await _start(stage)


async def clock_step(stage: Stage, chance: random.Random) -> str:
    size = chance.choice([1.0, 30.0, HOUR, 8 * HOUR, YEAR, 30 * YEAR])
    offset = chance.choice([-1, 1]) * size * chance.uniform(0.5, 1.0)
    synchronised = chance.random() < 0.5
    stage.lamp.set_clock(offset, synchronised=synchronised)
    await asyncio.sleep(chance.uniform(0.5, 4))
    stage.lamp.set_clock(0.0, synchronised=True)
    return f"{offset:+.0f} s"


async def broker_restart(stage: Stage, chance: random.Random) -> str:
    stage.broker.send_signal(chance.choice([signal.SIGTERM, signal.SIGKILL]))
    stage.broker.wait()
    await asyncio.sleep(chance.uniform(0.2, 4))
    stage.start_broker()
    return ""


async def database(stage: Stage, chance: random.Random) -> str:
    return await _moody(stage, chance, "database", ["500", "503", "429", "401", "404", "hang", "reset", "nonsense"])


async def receiver(stage: Stage, chance: random.Random) -> str:
    return await _moody(stage, chance, "receiver", ["500", "503", "429", "hang", "reset", "nonsense"])


async def modbus(stage: Stage, chance: random.Random) -> str:
    return await _moody(stage, chance, "modbus", ["malformed"])


async def _moody(stage: Stage, chance: random.Random, who: str, moods: list[str]) -> str:
    mood = chance.choice(moods)
    await stage.ask(mood={who: mood})
    await asyncio.sleep(chance.uniform(1, 5))
    await stage.ask(mood={who: "well"})
    return mood


async def broken_mqtt(stage: Stage, chance: random.Random) -> str:
    await stage.ask(disturb=True)
    await asyncio.sleep(chance.uniform(0.2, 2))
    return ""


async def network_loss(stage: Stage, chance: random.Random) -> str:
    stage.cable(False)
    await asyncio.sleep(chance.uniform(0.5, 8))
    stage.cable(True)
    return ""


async def flapping(stage: Stage, chance: random.Random) -> str:
    times = chance.randint(4, 10)
    for _ in range(times):
        stage.cable(False)
        await asyncio.sleep(chance.uniform(0.02, 0.4))
        stage.cable(True)
        await asyncio.sleep(chance.uniform(0.02, 0.4))
    return f"{times} times"


async def slow_loris(stage: Stage, chance: random.Random) -> str:
    begun = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: "
    ends = await _connect(100)
    for end in ends:
        with suppress(OSError):
            end.send(begun)
    for _ in range(chance.randint(5, 20)):
        await asyncio.sleep(0.2)
        for end in ends:
            with suppress(OSError):
                end.send(b"b")
    for end in ends:
        end.close()
    return f"{len(ends)} held open"


async def crowd(stage: Stage, chance: random.Random) -> str:
    ends = await _connect(2000)
    await asyncio.sleep(chance.uniform(1, 3))
    for end in ends:
        end.close()
    return f"{len(ends)} connections"


async def _connect(count: int) -> list[socket.socket]:
    """As many as get in; the gateway may be away just now."""
    ends = []
    for number in range(count):
        end = socket.socket()
        end.setblocking(False)
        with suppress(BlockingIOError):
            end.connect(("127.0.0.1", PAGE))
        ends.append(end)
        if number % 50 == 49:
            await asyncio.sleep(0.01)
    return ends


async def broken_http(stage: Stage, chance: random.Random) -> str:
    """Twenty requests that are none, or nearly."""
    sound = b"GET /api/v1/alarms HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n"
    for _ in range(20):
        kind = chance.randrange(4)
        data = chance.randbytes(chance.randint(1, 3000)) if kind == 0 else bytearray(sound)
        if kind == 1:
            for _ in range(chance.randint(1, 8)):
                data[chance.randrange(len(data))] = chance.randrange(256)
        elif kind == 2:
            data = (b"POST /api/v1/alarms/GAS-0%2FHH/ack HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n"
                    b"Content-Type: application/json\r\nContent-Length: 40\r\n\r\n" + chance.randbytes(40))
        elif kind == 3:
            data = b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n"
        with suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", PAGE)
            writer.write(bytes(data))
            with suppress(TimeoutError):
                await asyncio.wait_for(reader.read(1000), 0.3)
            writer.close()
    return ""


KINDS = (
    Kind("kill -9", "disk", 100, kill), Kind("power cut", "disk", 200, power_cut),
    Kind("disk full", "disk", 40, disk_full), Kind("disk read-only", "disk", 20, read_only),
    Kind("clock step", "clock", 140, clock_step), Kind("broker restart", "broker", 90, broker_restart),
    Kind("malformed MQTT", "broker", 80, broken_mqtt), Kind("database errors", "database", 90, database),
    Kind("receiver errors", "receiver", 50, receiver), Kind("network loss", "network", 40, network_loss),
    Kind("network flapping", "network", 40, flapping), Kind("malformed Modbus", "modbus", 50, modbus),
    Kind("slow-loris", "page", 20, slow_loris), Kind("2,000 connections", "page", 20, crowd),
    Kind("malformed HTTP", "page", 20, broken_http))

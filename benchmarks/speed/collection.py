"""Reading blocks of 125 registers from one Modbus TCP device as fast as they come, in turn:

    bare     pymodbus's own async client in a loop: read_holding_registers(count=125), the answer thrown away
    ours     driver -> decode -> pipeline -> detectors with two limits and a deadman per signal -> store on disk

Same server process, same registers, same run. The device has BLOCKS blocks of 125 uint16 registers, each register one
signal; a period shorter than a cycle makes the driver poll back to back. What is counted, for ours, is what is on disk
in the end: when the disk stalls for longer than the store's memory lasts at this rate, the oldest is dropped, and the
note says how much.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path

import numpy as np
from pymodbus.client import AsyncModbusTcpClient

from benchmarks import sites, stage

REGISTERS, BLOCKS = 125, 16


def run(quick: bool, blocks: int = BLOCKS, rounds: int | None = None, seconds: float | None = None) -> list[dict]:
    rounds, seconds = rounds or (2 if quick else 5), seconds or (1.0 if quick else 4.0)
    bare, ours, busy, dropped = [], [], [], []
    with tempfile.TemporaryDirectory() as name, stage.simulator(REGISTERS * blocks, 1, "uint16") as plant:
        site = sites.modbus_site(Path(name), plant.ports, REGISTERS * blocks, "uint16", period="1ms")
        for number in range(rounds):
            for rates, work in ((bare, _bare(plant.ports[0], blocks, seconds)),
                                (ours, _ours(site, Path(name) / f"data-{number}", blocks, seconds, dropped))):
                cpu, began = stage.cpu_seconds(plant.pid), time.monotonic()
                rates.append(asyncio.run(work))
                busy.append((stage.cpu_seconds(plant.pid) - cpu) / (time.monotonic() - began))
    ratio = float(np.median([mine / theirs for mine, theirs in zip(ours, bare, strict=True)]))
    note = (f"one device of {blocks} blocks, {rounds} rounds of {seconds:g} s each in turn; "
            f"the server was {100 * np.median(busy[::2]):.0f} % busy with the bare loop and "
            f"{100 * np.median(busy[1::2]):.0f} % with ours; {sum(dropped)} samples dropped before they were stored")
    return [{"name": "block reads with decoding, detection and store", "value": float(np.median(ours)),
             "unit": "blocks/s", "note": note},
            {"name": "samples collected, judged and stored", "value": float(np.median(ours)) * REGISTERS,
             "unit": "samples/s"},
            {"name": "block-read rate against a bare pymodbus loop", "value": ratio, "unit": "times",
             "target": ">= 0.8", "against": f"pymodbus async client, {np.median(bare):.0f} blocks/s", "ratio": ratio,
             "note": note}]


async def _bare(port: int, blocks: int, seconds: float) -> float:
    client = AsyncModbusTcpClient("127.0.0.1", port=port)
    await client.connect()
    count, began = 0, time.monotonic()
    while time.monotonic() - began < seconds:
        for block in range(blocks):
            answer = await client.read_holding_registers(block * REGISTERS, count=REGISTERS)
            if answer.isError() or len(answer.registers) != REGISTERS:
                raise RuntimeError(f"block {block}: {answer}")
            count += 1
    rate = count / (time.monotonic() - began)
    client.close()
    return rate


async def _ours(site: Path, folder: Path, blocks: int, seconds: float, dropped: list[int]) -> float:
    async with stage.gateway(site, folder) as gateway:
        await stage.until(lambda: gateway.parts.chain.pipeline.samples >= REGISTERS * blocks, "the first cycle")
        first, began = gateway.parts.chain.pipeline.samples, time.monotonic()
        await asyncio.sleep(seconds)
        samples, spent = gateway.parts.chain.pipeline.samples - first, time.monotonic() - began
        (source,) = gateway.parts.field.sources
        (device,) = source.devices()
    stats, unanswered = gateway.parts.chain.store.stats(), device.counters["requests"] - device.counters["answers"]
    if unanswered > 1 or stats.durable_position < stats.position:  # one may be on its way
        raise RuntimeError(f"not everything was answered or stored: {device}, {stats}")
    dropped.append(stats.dropped_samples)
    return (samples - stats.dropped_samples) / REGISTERS / spent

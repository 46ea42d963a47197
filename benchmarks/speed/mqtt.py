"""MQTT at QoS 1 from a real mosquitto, in turn:

    bare     an aiomqtt consumer that counts messages and does nothing else; MQTT 3.1.1, its default and its faster one
    ours     driver -> JSON -> pipeline -> detectors with two limits per signal -> store on disk -> PUBACK;
             MQTT 3.1.1, our default too, for the ratio; and 5 (paho makes an object of properties for every message)

A publisher in a process of its own sends as fast as the broker takes it; the broker queues without limit. The clock
runs from the first message sent to the last one counted (bare) or durable (ours); broker and publisher share the
machine with the consumer. A round in which a message is lost, refused or repeated is an error.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import aiomqtt
import numpy as np

from benchmarks import sites, stage
from benchmarks.publisher import Job
from gateway.model.clock import NS
from tests.servers import free_port, mosquitto

DEVICES = 500
BATCH_SENDERS, BATCH_VALUES = 4, 1000


def run(quick: bool, pairs: int | None = None, batches: int | None = None) -> list[dict]:
    rounds = 1 if quick else 3
    pairs = pairs or (10_000 if quick else 60_000)
    batches = batches or (300 if quick else 3_000)
    port = free_port()
    single = Job(port, "plant/d{n}/climate", DEVICES, pairs)
    batch = Job(port, "batch/b{n}", BATCH_SENDERS, batches, BATCH_VALUES, window=20)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        singles, batched = folder / "singles", folder / "batches"
        for each in (singles, batched):
            each.mkdir()
        bare, ours, ours_5 = [], [], []
        for _ in range(rounds):
            bare.append(_round(folder, single, _bare(single)))
            for rates, protocol in ((ours, "3.1.1"), (ours_5, "5")):
                site = sites.pairs_site(singles, port, DEVICES, protocol)
                rates.append(_round(folder, single, _ours(site, single, 2)))
        site = sites.batches_site(batched, port, BATCH_SENDERS, BATCH_VALUES)
        wide = [_round(folder, batch, _ours(site, batch, BATCH_VALUES)) for _ in range(rounds)]
    ratio = float(np.median([mine / theirs for mine, theirs in zip(ours, bare, strict=True)]))
    note = (f"{pairs} messages of 2 values in JSON from {DEVICES} topics, QoS 1, mosquitto; {rounds} rounds in turn, "
            "nothing lost; acknowledged after the group commit")
    return [{"name": "2-value JSON messages judged, stored and acknowledged, MQTT 5", "value": float(np.median(ours_5)),
             "unit": "messages/s", "target": ">= 10000", "note": note},
            {"name": "2-value JSON messages judged, stored and acknowledged, MQTT 3.1.1",
             "value": float(np.median(ours)), "unit": "messages/s", "target": ">= 10000", "note": note},
            {"name": "message rate against a bare counting aiomqtt consumer", "value": ratio, "unit": "times",
             "target": ">= 0.6", "against": f"aiomqtt consumer, {np.median(bare):.0f} messages/s", "ratio": ratio,
             "note": f"both MQTT 3.1.1; {note}"},
            {"name": f"values in batches of {BATCH_VALUES}, judged, stored and acknowledged",
             "value": float(np.median(wide)) * BATCH_VALUES, "unit": "values/s", "target": ">= 1000000",
             "note": f"{batches} messages of {BATCH_VALUES} numbers from {BATCH_SENDERS} topics, nothing lost"}]


def _round(folder: Path, job: Job, consumer) -> float:
    """Messages per second. Every round has a fresh broker."""
    with mosquitto(folder, port=job.port):
        return asyncio.run(consumer)


@contextmanager
def publisher(job: Job) -> Iterator[subprocess.Popen]:
    """Connected, waiting for the word."""
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.publisher"], cwd=stage.ROOT, text=True,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        process.stdin.write(json.dumps(asdict(job)) + "\n")
        process.stdin.flush()
        if not json.loads(process.stdout.readline())["ready"]:
            raise RuntimeError("the publisher did not start")
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def start(process: subprocess.Popen) -> None:
    process.stdin.write("go\n")
    process.stdin.flush()


async def _timed(job: Job, process: subprocess.Popen, counted) -> float:
    """Messages per second until `counted()` has reached them all."""
    start(process)
    await stage.until(lambda: counted() >= job.messages, f"{job.messages} messages", timeout_s=120)
    ended_ns = time.monotonic_ns()
    told = json.loads(await asyncio.to_thread(process.stdout.readline))
    if told["acknowledged"] != job.messages or counted() != job.messages:
        raise RuntimeError(f"{counted()} of {job.messages} messages, {told['acknowledged']} taken by the broker")
    return job.messages / (ended_ns - told["started_ns"]) * NS


async def _bare(job: Job) -> float:
    count = 0
    with publisher(job) as process:
        async with aiomqtt.Client("127.0.0.1", job.port) as client:
            await client.subscribe("plant/+/climate", qos=1)

            async def consume() -> None:
                nonlocal count
                async for _ in client.messages:
                    count += 1

            consumer = asyncio.create_task(consume())
            rate = await _timed(job, process, lambda: count)
            consumer.cancel()
            await asyncio.wait({consumer})
    return rate


async def _ours(site: Path, job: Job, values: int) -> float:
    with publisher(job) as process, tempfile.TemporaryDirectory() as folder:
        async with stage.gateway(site, Path(folder)) as gateway:
            (source,) = gateway.parts.field.sources
            await stage.until(lambda: source.devices()[0].online, "connected to the broker")
            rate = await _timed(job, process, lambda: gateway.parts.chain.store.durable_position // values)
            counters = source.devices()[0].counters
        wrong = {name: counters[name] for name in ("rejected", "unmapped", "dropped", "redelivered",
                                                   "acknowledged_undurable") if counters[name]}
        samples = gateway.parts.chain.pipeline.samples
        if wrong or counters["messages"] != job.messages or samples != job.messages * values:
            raise RuntimeError(f"not every message became {values} samples: {counters}")
    return rate

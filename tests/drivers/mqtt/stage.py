"""What the MQTT tests share: a site file section in TOML, a pipeline that remembers, a publisher."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from paho.mqtt import client as paho

from drivers.mqtt.config import MqttSource
from drivers.mqtt.driver import DURABLE_WITHIN_S, MqttDriver
from drivers.mqtt.window import LONGEST_NS
from gateway.model import quality
from gateway.model.clock import NS, Clock, ManualClock, TimeLine
from gateway.model.frame import Frame
from gateway.model.quality import Quality
from gateway.model.signal import Signal, SignalTable
from gateway.model.text import Text

OWN_FILES = "user root\n"  # mosquitto, started by root, would otherwise not read or write in the test's folder
PATIENCE_S = 20.0  # only to fail by, never to pass by


def section(text: str, **broker: object) -> MqttSource:
    """An mqtt section as the site file would have it; host and identity may be left out."""
    raw = {"id": "mqtt", "type": "mqtt", "host": "127.0.0.1", "client_id": "davylamp-test", **broker}
    return MqttSource.model_validate(raw | tomllib.loads(text))


def table(config: MqttSource, **deadmen: float) -> SignalTable:
    """All signals that the section sets. Deadmen by signal id, `-` and `.` written as `_`."""
    ids = dict.fromkeys(signal for signal, _ in config.bindings())
    return SignalTable([Signal(each, Text.same(each), "test", "", "here",
                               deadman_s=deadmen.get(each.replace("-", "_").replace(".", "_"))) for each in ids])


@dataclass
class Pipe:
    """Stands for the pipeline: keeps every frame; `durable` says whether the disk is done with a frame at once."""

    signals: SignalTable
    durable: bool = True
    frames: list[Frame] = field(default_factory=list)
    waiting: list[Callable[[], None]] = field(default_factory=list)
    hurries: int = 0  # how often the disk was asked to hurry
    open: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.open.set()

    async def put(self, frame: Frame, on_durable: Callable[[], None] | None = None) -> None:
        await self.open.wait()
        self.frames.append(frame)
        if on_durable is not None:
            asyncio.get_running_loop().call_soon(on_durable) if self.durable else self.waiting.append(on_durable)

    def hasten(self) -> None:
        self.hurries += 1

    def rows(self, signal: str) -> list[tuple[float, Quality]]:
        """Every sample of a signal so far: (value, quality)."""
        number = self.signals.index(signal)
        return [(float(value), quality.code(code)) for frame in self.frames
                for index, value, code in zip(frame.signal, frame.value, frame.quality, strict=True) if index == number]

    def good(self, signal: str) -> list[float]:
        return [value for value, code in self.rows(signal) if code == Quality.GOOD]

    def qualities(self, signal: str) -> list[Quality]:
        return [code for _, code in self.rows(signal)]


async def until(condition: Callable[[], object]) -> None:
    """Waits for what must come."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.01)


@dataclass
class Run:
    driver: MqttDriver
    pipe: Pipe

    def status(self, device: str | None = None):
        return next(status for status in self.driver.devices() if device is None or status.device == device)

    def count(self, name: str) -> int:
        return self.status().counters[name]

    async def online(self) -> None:
        await until(lambda: self.status().online)


@asynccontextmanager
async def driving(config: MqttSource, pipe: Pipe, clock: Clock | None = None) -> AsyncIterator[Run]:
    """The driver at work on a real broker until the block ends."""
    driver = MqttDriver(config, pipe.signals, pipe, clock or TimeLine())
    task = asyncio.create_task(driver.run())
    try:
        yield Run(driver, pipe)
    finally:
        task.cancel()
        await asyncio.wait({task})
        if not task.cancelled():
            task.result()


async def patience_ends(pipe: Pipe, clock: ManualClock) -> None:
    """Nothing more comes, the disk is asked to hurry, and does not."""
    asked = pipe.hurries
    clock.advance(LONGEST_NS / NS)
    await until(lambda: pipe.hurries > asked)
    clock.advance(DURABLE_WITHIN_S + 0.1)


async def publish(port: int, messages: Iterable[tuple[str, bytes]], *, qos: int = 1, retain: bool = False) -> None:
    """Publishes in order; returns when the broker has acknowledged everything."""
    def work() -> None:
        client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        client.max_inflight_messages_set(1000)
        client.max_queued_messages_set(0)
        client.connect("127.0.0.1", port)
        client.loop_start()
        sent = [client.publish(topic, payload, qos, retain) for topic, payload in messages]
        for each in sent:
            each.wait_for_publish(PATIENCE_S)
        client.disconnect()
        client.loop_stop()
    await asyncio.to_thread(work)

"""A site in seconds of a clock that jumps: its simulated plant behind real sockets and a real broker, and its gateway,
whose duties the story does by hand, second by second."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from alerting.journal import reader as journal
from drivers.modbus.config import ModbusSource
from drivers.modbus.driver import ModbusDriver
from drivers.mqtt.config import MqttSource
from drivers.mqtt.driver import MqttDriver
from drivers.mqtt.topics import Pattern
from gateway.app import Gateway
from gateway.config import SiteFile
from gateway.data_folder import ALARM_FILE
from gateway.model.clock import NS, Instant
from gateway.parts.parts import Parts
from gateway.sinks.config import InfluxSettings
from gateway.sinks.schema import GATEWAY
from gateway.store.archive import Row
from simulators import scenario
from simulators.modbus_server import TcpEndpoint
from simulators.mqtt_client import MqttClient
from simulators.mqtt_device import Publisher
from simulators.plant import Plant
from simulators.text import SimulatorError
from simulators.world import World
from tests.sinks.stage import until
from tests.test_timekeeping import Machine


class Post:
    """What the MQTT devices of a plant say, to a real broker and through it to the driver."""

    def __init__(self, source: MqttSource, driver: MqttDriver, publishers: Iterable[Publisher]):
        self._driver = driver
        self._asked = [Pattern(text) for text in (*(feed.subscription for feed in source.feeds),
                                                  *(presence.topic for presence in source.presences))]
        self._clients = [MqttClient(publisher, source.host, source.broker_port, _must_connect)
                         for publisher in publishers]
        self._sent = 0

    @asynccontextmanager
    async def open(self):
        async with AsyncExitStack() as parts:
            await parts.enter_async_context(_running(self._driver.run()))
            await until(lambda: self._driver.devices()[0].online)
            for client in self._clients:
                await parts.enter_async_context(_running(client.run()))
                await client.tried.wait()
            await self._heard(client.publisher.described.availability for client in self._clients)
            yield

    async def deliver(self, plant: Plant, now: Instant) -> frozenset[str]:
        """All that is due. Topics that were sent."""
        stamp, topics = datetime.fromtimestamp(now.wall_ns / NS, UTC), []
        for client in self._clients:
            for message in client.publisher.due(plant, stamp):
                client.send(message)
                topics.append(message.topic)
        await self._heard(topics)
        return frozenset(topics)

    async def _heard(self, topics: Iterable[str]) -> None:
        """The gateway has taken what was sent in these, as far as its site file asks for it."""
        self._sent += sum(any(pattern.matches(topic) for pattern in self._asked) for topic in topics)
        await until(lambda: self._driver.devices()[0].counters["messages"] == self._sent)


class Field:
    """`said[signal]`: what the plant gave in each second since the beginning, NaN where it gave nothing; by the plant's
    own word and as exactly as its registers and messages tell it, not by what was read of them.

    means   signal -> quantity of the plant that it is, and scale; of the same name and 1 where it is left out
    """

    def __init__(self, parts: Parts, machine: Machine, world: World, post: Post | None,
                 means: Mapping[str, tuple[str, float]]):
        self.parts, self.machine, self.world, self._post = parts, machine, world, post
        self.site, self.alarms, self.drills = parts.site, parts.chain.alarms, parts.vigil.drills
        self._modbus = [source for source in parts.field.sources if isinstance(source, ModbusDriver)]
        plant = world.plant
        self._means = {signal.id: means.get(signal.id, (signal.id, 1.0)) for signal in self.site.signals
                       if means.get(signal.id, (signal.id,))[0] in plant.index}
        messages = [message for publisher in world.publishers.values() for message in publisher.described.messages]
        self._sent_in = {name: message.topic for message in messages for name in _quantities(message)}
        self._steps = {name: (0.1**message.decimals, -np.inf) for message in messages for name in _quantities(message)}
        for device in world.devices.values():
            for point in device.map.points:
                if point.type in ("int16", "uint16"):
                    low, high = point.loop or (0.0, 1600 * point.scale)
                    step = (high - low) / 1600
                    self._steps |= dict.fromkeys(point.of, (step, 0.0 if point.type == "uint16" else -np.inf))
        self._pinned: dict[str, float | None] = {}
        self.second = 0
        self.own: Sequence[Row] = ()  # what the gateway wrote down of itself, when all was sent
        self.raised: dict[str, int] = {}  # alarm -> second in which it came first
        self.said: dict[str, list[float]] = {signal: [] for signal in self._means}

    async def live(self, seconds: int) -> None:
        """What the gateway's duties do in this time."""
        for _ in range(seconds):
            self.machine.wait(1)
            await self.second_passes()

    async def second_passes(self) -> None:
        """Of the machine's clocks, just now."""
        pipeline, vigil, now = self.parts.chain.pipeline, self.parts.vigil, self.parts.chain.clock.now()
        self.second += 1
        for _ in range(round(1 / self.world.step)):
            self.world.advance()
        for driver in self._modbus:
            for poller in driver.pollers:
                await poller.turn()
            await driver.handover.pass_on()
        self._remember(await self._post.deliver(self.world.plant, now) if self._post is not None else frozenset())
        pipeline.step()
        vigil.look()
        for view in self.alarms.views():
            if view.active:
                self.raised.setdefault(view.definition.id, self.second)
        if self.second % 5 == 0:
            await self._durable()
        if self.second % 60 == 0:
            await vigil.look_at_proof_tests()
            await self.keep()

    async def keep(self) -> None:
        """One pass of the historian over all that is durable."""
        await self._durable()
        await self.parts.databases.historian.keep()

    async def _durable(self) -> None:
        """The disk lives in real time: ten seconds of the story without it would be a disk that does not answer."""
        store = self.parts.chain.store
        await until(lambda: store.durable_position == store.position)

    async def sent(self) -> None:
        """The database has everything."""
        archive, (sink,) = self.parts.databases.historian.archive, self.parts.databases.sinks
        names = [f"{sink.id}/{stream}" for stream in ("minutes", "rows", "journal")]

        def all_of_it() -> bool:
            minutes, rows, written = map(archive.cursor, names)
            return (sink.status().counters["lag"] == 0 and archive.changed(minutes, 1)[1] == minutes
                    and not archive.rows_after(rows, 1) and journal.head(self.parts.folder / ALARM_FILE) == written)
        await until(all_of_it)
        self.own = archive.rows(GATEWAY.name, 0, self.machine.true_ns + 1)

    def _remember(self, topics: frozenset[str]) -> None:
        plant = self.world.plant
        deaf = {name for device in self.world.devices.values() if device.wire.dead for name in device.quantities}
        for signal, (quantity, scale) in self._means.items():
            topic = self._sent_in.get(quantity)
            known = quantity not in deaf and (topic is None or topic in topics)
            value = self._pinned.get(signal)
            value = plant[quantity] if value is None else value
            self.said[signal].append(self._rounded(quantity, value) * scale if known else np.nan)

    def _rounded(self, quantity: str, value: float) -> float:
        """As far as its register or message can say it."""
        step, least = self._steps.get(quantity, (0.0, -np.inf))
        return max(least, round(value / step) * step) if step and np.isfinite(value) else value

    def hit(self, **step) -> None:
        """A line of a scenario, at once."""
        self.world.carry_out(scenario.read_step(step, self.world.known, "test"))

    def pin(self, device: str, table: str, address: int, signal: str, value: float | None) -> None:
        """A register reads this, whatever the plant does; None: the plant again."""
        self.world.devices[device].pin(table, address, value)
        self._pinned[signal] = value

    def minutes(self, function, signal: str) -> dict[int, float]:
        """What minutes must say of a signal, by minutes before the look: a minute after the story's full hour."""
        values = np.array(self.said[signal])  # the first is of second 1
        last = self.second // 60
        minutes = {last - minute: values[max(0, 60 * minute - 1):60 * minute + 59] for minute in range(last)}
        return {before: float(function(part)) for before, part in minutes.items() if np.isfinite(part).any()}

    def first(self, signal: str, least: float) -> int:
        """The second in which it first gave so much."""
        return int(np.argmax(np.array(self.said[signal]) >= least)) + 1


def _quantities(message) -> list[str]:
    found, waiting = [], [message.of if message.json is None else message.json]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            waiting += part.values()
        elif isinstance(part, str):
            found.append(part)
    return found


@asynccontextmanager
async def field(site_file: SiteFile, folder: Path, url: str, machine: Machine, world: World,
                means: Mapping[str, tuple[str, float]]):
    """The site at work: its database is at `url`. Where its sources are is as the plant's sockets are; only a source of
    MQTT keeps its port."""
    async with AsyncExitStack() as closing:
        devices, sources = iter(world.devices.values()), []
        for source in site_file.sources:
            if isinstance(source, ModbusSource):
                endpoint = TcpEndpoint([next(devices)], 0, np.random.default_rng(1))
                await endpoint.open()
                closing.push_async_callback(endpoint.close)
                source = source.model_copy(update={"port": endpoint.port})
            sources.append(source)
        database = InfluxSettings(type="influx", url=url, database="davylamp", raw_database="davylamp_raw",
                                  flush_interval=0, max_backoff=0.2)
        store = site_file.store.model_copy(update={"commit_interval": 0.001})
        gateway = Gateway(replace(site_file, sources=tuple(sources), sinks=(database,), store=store), folder)
        parts, post = await gateway.begin(closing), None
        for sink in parts.databases.sinks:
            await closing.enter_async_context(_running(sink.run()))
        for source, driver in zip(sources, parts.field.sources, strict=True):
            if isinstance(driver, ModbusDriver):
                closing.callback(driver.close)
            else:
                post = Post(source, driver, world.publishers.values())
                await closing.enter_async_context(post.open())
        await parts.vigil.look_at_proof_tests()
        await parts.chain.alarms.figures_known()
        found = Field(parts, machine, world, post, means)
        await found.keep()
        yield found


def _must_connect(publisher: str, connected: bool, reason: str) -> None:
    if not connected:
        raise SimulatorError(f"{publisher}: {reason}", "mqtt")


@asynccontextmanager
async def _running(work):
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

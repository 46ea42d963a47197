"""`davylamp watch`: a small second process that runs anywhere and pages when a gateway is silent.

It is made of the gateway's own parts: a silent gateway is an alarm of the same service, so it is told once, kept over a
restart, acknowledged, journalled, delivered at least once through the same notifiers, and its end is told, too.

    health API asked, heartbeats heard (MQTT, HTTP) --> Peers --> AlarmService --> notifiers
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection, Sequence
from functools import partial
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from alerting import ledger
from alerting.ledger import JournalRow
from alerting.realarm import ReAlarm
from alerting.service import AlarmService, AlarmSettings
from alerting.views import AlarmView
from gateway import __version__, plugins
from gateway.api.answer import Json
from gateway.api.room import House
from gateway.api.rooms import alarms, journal, vigil
from gateway.api.routes import application
from gateway.api.server import serve_app
from gateway.config.watch_file import WatchedSection, WatchFile
from gateway.data_folder import ALARM_FILE, made_folder
from gateway.model.alarm import Priority, Risk
from gateway.model.clock import Instant, TimeLine
from gateway.model.errors import DavylampError
from gateway.model.ports import Notifier
from gateway.model.pulse import Pulse, hung, no_progress
from gateway.model.signal import SignalTable
from gateway.model.site import Site
from gateway.model.text import Text
from gateway.supervision import keep_running
from gateway.vigil import http, systemd
from gateway.vigil.broker import HeartbeatBroker
from gateway.vigil.heartbeat import complaint, hear
from gateway.vigil.peers import Peers, PeerStatus

LOOK_S = 1.0
SHARED = ("/api/v1/alarms", "/api/v1/alarms/{alarm:path}/ack", "/api/v1/heartbeats", "/api/v1/heartbeats/{peer:path}",
          "/api/v1/journal")  # doors of the gateway's API that a watcher has, too


class Watcher:
    """`run` works until cancelled. ready: called with the address of its API. watch: with every standing alarm after
    each change."""

    def __init__(self, file: WatchFile, *, ready: Callable[[str], None] = lambda url: None,
                 watch: Callable[[Sequence[AlarmView]], None] = lambda alarms: None):
        own = file.watch
        self.file = file
        self.site = Site(own.id, own.name, own.timezone, own.language, (), SignalTable(()),
                         peers=tuple(gateway.peer for gateway in file.gateways))
        self._ready, self._watch = ready, watch
        self.clock: TimeLine
        self.service: AlarmService
        self.notifiers: list[Notifier]
        self.peers: Peers

    async def run(self) -> None:
        path = made_folder(Path(self.file.watch.folder)) / ALARM_FILE
        self.clock = TimeLine.resume(ledger.last_instant(path))
        self.notifiers = plugins.notifiers(self.file.notifiers)
        link = self.file.watch.base_url or ""
        self.service = AlarmService(self.site.alarms, self.site, ledger.AlarmLedger(path), self.notifiers, self.clock,
                                    AlarmSettings(
                                        link=link, channels=plugins.channels(self.file.notifiers, None, ""),
                                        re_alarm=ReAlarm(dict.fromkeys(Priority, self.file.watch.repeat))))
        self.peers = Peers(self.site.peers, self.site.alarms, self.clock.now())
        self._judges = Pulse("judge", self.clock)
        self.service.on_restored = self._adopt
        await self.service.start()
        try:
            self._adopt()
            self.service.subscribe(lambda: self._watch(self.service.views()))
            supervisor = systemd.Systemd()
            supervisor.tell("READY=1")
            async with asyncio.TaskGroup() as tasks:
                for name, run in self._tasks().items():
                    tasks.create_task(keep_running(name, run))
                tasks.create_task(systemd.feed(supervisor, self._hung, self._status))
        finally:
            await self.service.close()

    def _tasks(self) -> dict[str, Callable[[], Awaitable[None]]]:
        tasks: dict[str, Callable[[], Awaitable[None]]] = {"judge": self._judge, "page": lambda: serve_app(
            self._application(), self.file.api.host, self.file.api.port, ready=self._ready)}
        tasks |= {notifier.id: notifier.run for notifier in plugins.connected(self.notifiers)}
        tasks |= {gateway.id: partial(self._ask, gateway) for gateway in self.file.gateways
                  if gateway.health is not None}
        if self.file.broker is not None:
            topics = {gateway.topic: gateway.id for gateway in self.file.gateways if gateway.topic is not None}
            tasks["broker"] = HeartbeatBroker(
                self.file.broker, f"watch-{self.site.id}", hears=topics,
                heard=lambda topic, payload: hear(self.peers, topics[topic], payload, self.clock)).run
        return tasks

    def _hung(self) -> Text:
        return no_progress(hung((self._judges,)))

    def _adopt(self) -> None:
        self.peers.adopt({view.definition.id for view in self.service.views() if view.state.condition})

    async def _judge(self) -> None:
        while True:
            self._judges.beat()
            self.clock.judge()
            self.service.apply(self.peers.judge(self.clock.now()))
            await asyncio.sleep(LOOK_S)

    async def _ask(self, gateway: WatchedSection) -> None:
        """Its health, again and again. A gateway that answers and does not work shows no sign of life."""
        assert gateway.health is not None
        while True:
            try:
                answer = await http.ask("GET", gateway.health.rstrip("/") + "/healthz")
                if answer.status == 200:
                    self.peers.heard(gateway.id, "HTTP", self.clock.now())
                else:
                    self.peers.complains(gateway.id, complaint(_json(answer.body)))
            except DavylampError as error:
                self.peers.complains(gateway.id, Text(error.message("en"), error.message("zh")))
            await asyncio.sleep(gateway.every)

    def _status(self) -> str:
        silent = [status.peer.id for status in self.peers.status(self.clock.now()) if status.silent]
        return f"silent: {', '.join(silent)}" if silent else f"{len(self.file.gateways)} gateways live"

    def _application(self) -> Starlette:
        house = House(WatcherView(self))

        async def healthz(_: Request) -> Response:
            return Json({"working": True, "reason": Text("", ""), "version": __version__})

        shared = (door.route(house) for room in (alarms, vigil, journal) for door in room.ROOM.doors
                  if door.path in SHARED)
        return application([*shared, Route("/healthz", healthz)], self.site.id)


class WatcherView:
    """The part of gateway.api.view.GatewayView that a watcher has."""

    def __init__(self, watcher: Watcher):
        self._watcher = watcher
        self.site = watcher.site

    def now(self) -> Instant:
        return self._watcher.clock.now()

    def alarms(self) -> Sequence[AlarmView]:
        return self._watcher.service.views()

    def risk_level(self) -> Risk:
        return self._watcher.service.risk_level()

    def bypasses(self) -> tuple:
        return ()

    async def acknowledge(self, alarm: str, who: str, comment: str) -> AlarmView:
        return await self._watcher.service.acknowledge(alarm, who, comment)

    async def journal(self, limit: int, before: int | None, alarms: Collection[str]) -> Sequence[JournalRow]:
        return await self._watcher.service.history(limit, before, alarms)

    def heartbeats(self) -> Sequence[PeerStatus]:
        return self._watcher.peers.status(self.now())

    def hear(self, peer: str) -> bool:
        if known := peer in self._watcher.peers:
            self._watcher.peers.heard(peer, "HTTP", self.now())
        return known


def _json(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None

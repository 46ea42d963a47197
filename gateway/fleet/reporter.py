"""Reports to the centre, through the broker of this machine. Nothing here is in the way of an alarm."""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from collections.abc import Awaitable, Callable

from gateway.config.centre import CentreSection
from gateway.fleet.report import BIRTH, BRIDGE, OFFLINE, ONLINE, REPORT, STATE, STOPPED, Report, Speaker
from gateway.model.clock import Clock
from gateway.model.text import Text
from gateway.vigil.broker import HeartbeatBroker

log = logging.getLogger(__name__)

LOOK_S = 1.0
LEAST_S = 5.0  # between two reports: what changes all the time is told that often and no oftener
RARER = 15  # while the line to the centre is down: each report waits on the SD card, and the file is written whole
ECHO_S = 5.0  # what the broker has taken it passes on to us as well

_WELL = Text("", "")
_LINE_DOWN = Text("the line to the centre is down; reports wait at the broker of this machine",
                  "到中心的链路中断，上报数据在本机消息服务器中等待")
_NOT_TAKEN = Text("the broker does not pass on {topic}; its access list must let us write and read it",
                  "消息服务器没有转发 {topic}，请在其访问控制列表中允许读写该主题")
_TWIN = Text('another gateway reports as "{site}" too; give one of them another [site] id',
             '另有网关也以 "{site}" 上报，请为其中一台更换 [site] id')


class Pace:
    """When a report is due: regularly, and soon after something has changed. Times in s, of any monotonic clock."""

    def __init__(self, every_s: float):
        self._every_s = every_s
        self._told: tuple[object, ...] | None = None
        self._at_s = 0.0

    def due(self, news: tuple[object, ...], at_s: float, *, line_up: bool) -> bool:
        waited_s = at_s - self._at_s
        if self._told is None or (waited_s >= LEAST_S and news != self._told):
            return True
        return waited_s >= self._every_s * (1 if line_up else RARER)

    def sent(self, news: tuple[object, ...], at_s: float) -> None:
        self._told, self._at_s = news, at_s

    def begin_anew(self) -> None:
        """The next look finds a report due."""
        self._told = None


class Reporter:
    def __init__(self, settings: CentreSection, site: str, clock: Clock):
        self._settings, self._clock = settings, clock
        self._speaker = Speaker(site, uuid.uuid4().hex[:12])
        prefix = f"{settings.prefix}/{site}"
        self._birth, self._whole, self._state, self._bridge = (
            f"{prefix}/{kind}" for kind in (BIRTH, REPORT, STATE, BRIDGE))
        self._pace, self._sequence = Pace(settings.every), 0
        self._line_up, self._twin = True, False
        self._greeted = 0  # the connection on which we have said that we are there
        self._said_at: float | None = None  # that, and it has not come back yet
        self._broker = HeartbeatBroker(
            settings, f"centre-{site}", self._state, self._word(OFFLINE), (self._state, self._bridge), self._heard,
            farewell=lambda: self._word(STOPPED), retained=True)

    @property
    def trouble(self) -> Text:
        """Why the centre may not hear us; empty while all is well."""
        if self._broker.trouble.en:
            return self._broker.trouble
        if self._said_at is not None and asyncio.get_running_loop().time() - self._said_at > ECHO_S:
            return _NOT_TAKEN.format(topic=self._state)
        if self._twin:
            return _TWIN.format(site=self._speaker.site)
        return _WELL if self._line_up else _LINE_DOWN

    async def run(self, report: Callable[[], Awaitable[Report]]) -> None:
        """Until cancelled. report: how the gateway is now."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._broker.run())
            tasks.create_task(self._tell(report))

    async def _tell(self, report: Callable[[], Awaitable[Report]]) -> None:
        loop, told = asyncio.get_running_loop(), _WELL
        while True:
            if not self._broker.trouble.en:
                found = await report()
                if self._greeted != self._broker.connections:
                    await self._greet(found)
                if self._pace.due(found.news(), loop.time(), line_up=self._line_up):
                    self._pace.sent(found.news(), loop.time())
                    self._sequence += 1
                    await self._broker.say(self._speaker.report(
                        found, self._clock.now(), self._sequence, self._settings.every), self._whole)
                if self.trouble.en and self.trouble != told:
                    log.warning("reports to the centre: %s", self.trouble.en)
                told = self.trouble
            await asyncio.sleep(LOOK_S)

    async def _greet(self, found: Report) -> None:
        """On each connection: a broker that was killed may have forgotten what it was told last."""
        self._greeted, self._twin, self._said_at = self._broker.connections, False, asyncio.get_running_loop().time()
        self._pace.begin_anew()
        await self._broker.say(self._word(ONLINE))
        await self._broker.say(self._speaker.birth(found, self._clock.now()), self._birth)

    def _heard(self, topic: str, payload: bytes) -> None:
        if topic == self._bridge:
            up = payload.strip() != b"0"
            if up and not self._line_up:
                self._pace.begin_anew()
            self._line_up = up
            return
        run, word = _from(payload)
        if self._greeted != self._broker.connections:  # what was kept, before we have said anything
            return
        if word != ONLINE:  # a will that comes late, or somebody else's: it is not so
            self._greeted = 0
        elif run == self._speaker.run:
            self._said_at = None
        elif self._said_at is None:
            self._twin = True

    def _word(self, word: str) -> bytes:
        return self._speaker.state(word, self._clock.now())


def _from(payload: bytes) -> tuple[object, object]:
    """Which start of which gateway says which word."""
    try:
        said = json.loads(payload)
    except (ValueError, RecursionError):
        said = None
    return (said.get("run"), said.get("state")) if isinstance(said, dict) else (None, None)

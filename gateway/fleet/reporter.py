"""Reports to the centre, through the broker of this machine. Nothing here is in the way of an alarm."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from gateway.config.centre import CentreSection
from gateway.fleet.report import BIRTH, OFFLINE, ONLINE, REPORT, STATE, STOPPED, Report, state
from gateway.model.clock import Clock
from gateway.model.text import Text
from gateway.vigil.broker import HeartbeatBroker

LOOK_S = 1.0


class Reporter:
    """report: how the gateway is now."""

    def __init__(self, settings: CentreSection, site: str, clock: Clock, report: Callable[[], Awaitable[Report]]):
        self._settings, self._site, self._clock, self._report = settings, site, clock, report
        self._prefix = f"{settings.prefix}/{site}"
        self._sequence = 0
        self._broker = HeartbeatBroker(settings, f"centre-{site}", f"{self._prefix}/{STATE}", self._word(OFFLINE),
                                       farewell=lambda: self._word(STOPPED))

    @property
    def trouble(self) -> Text:
        return self._broker.trouble

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._broker.run())
            tasks.create_task(self._tell())

    async def _tell(self) -> None:
        """At once when there is a connection (again), then regularly."""
        loop, due, born, connected = asyncio.get_running_loop(), 0.0, False, False
        while True:
            again, connected = connected, not self._broker.trouble.en
            if connected and (not again or loop.time() >= due):
                due = loop.time() + self._settings.every
                found = await self._report()
                now = self._clock.now().wall_ns
                await self._broker.say(self._word(ONLINE))
                if not born:
                    await self._broker.say(found.birth(self._site, now), f"{self._prefix}/{BIRTH}")
                    born = True
                self._sequence += 1
                await self._broker.say(found.whole(self._site, now, self._sequence, self._settings.every),
                                       f"{self._prefix}/{REPORT}")
            await asyncio.sleep(LOOK_S)

    def _word(self, word: str) -> bytes:
        return state(self._site, self._clock.now().wall_ns, word)

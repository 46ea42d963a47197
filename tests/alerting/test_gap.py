"""A record that lacks its end: what stood in it may have ended and begun again, and no P1 stays untold."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import asynccontextmanager, closing
from dataclasses import replace

import pytest

from alerting.ledger import AlarmLedger
from alerting.notifiers.config import WebhookSettings
from alerting.notifiers.webhook import WebhookNotifier
from alerting.oncall.routing import Routing
from alerting.refuge import Refuge
from alerting.service import AlarmService
from gateway.model.clock import ManualClock
from tests.alerting.oncall.people import ROUTING
from tests.alerting.receiver import receiver, until
from tests.alerting.sites import START_NS, verdicts
from tests.alerting.test_service import QUICK, SITE, say

survives = pytest.mark.survives


class Gateway:
    """One alarm file, one phone, one time line through all lives."""

    def __init__(self, folder, phone, routing: Routing | None = None):
        self.path, self.phone, self.routing = folder / "data" / "alarms.db", phone, routing
        self.path.parent.mkdir()
        self.settings = QUICK
        self.clock = ManualClock(wall_ns=START_NS)
        self.service: AlarmService

    @asynccontextmanager
    async def life(self, away_s: float = 5.0):
        """away_s: how long nothing was measured before it."""
        self.clock.advance(away_s)
        self.service = AlarmService(SITE.alarms, SITE, AlarmLedger(self.path), [
            WebhookNotifier(WebhookSettings(id="phone", url=self.phone.url, timeout=5))], self.clock, self.settings,
            self.routing)
        await self.service.start(away_s)
        try:
            yield
        finally:
            await self.quiet()
            await self.service.close()

    def is_now(self, alarm: str, active: bool, after_s: float = 1.0) -> None:
        self.clock.advance(after_s)
        say(self.service, (alarm, active, self.clock.now().line_ns / 1e9))

    async def told(self, after_s: float = 0.0) -> list[tuple[str, str]]:
        """(alarm, event) since the last look, in order; time passes before."""
        for _ in range(round(after_s)):
            self.clock.advance(1)
            self.service.apply(verdicts())
        await self.quiet()
        events = self.phone.events
        self.phone.calls.clear()
        return events

    async def quiet(self) -> None:
        """All is recorded that can be, and handed over."""
        await until(lambda: not self.service.status().uncommitted or self.service.status().ledger is not None)
        await self.delivered()

    async def delivered(self) -> None:
        await until(lambda: all(one.pending == 0 for one in self.service.status().notifiers))

    async def takes_nothing_from_here(self) -> None:
        """What the disk holds at this moment is all that the next life will find."""
        with closing(sqlite3.connect(self.path)) as now, closing(sqlite3.connect(f"{self.path}.then")) as then:
            await until(lambda: now.execute("SELECT count(*) FROM outbox").fetchone() == (0,))
            now.backup(then)

    def is_started_on_the_repaired_disk(self) -> None:
        for rest in ("-wal", "-shm"):
            self.path.with_name(self.path.name + rest).unlink(missing_ok=True)
        os.replace(f"{self.path}.then", self.path)


@pytest.fixture(params=["every notifier", "people on call"])
def gateway(tmp_path, request):
    with receiver() as phone:
        yield Gateway(tmp_path, phone, ROUTING if request.param == "people on call" else None)


@survives("while the disk takes nothing an alarm ends and begins again, and then the gateway is killed",
          then="a P1 that stands is told again ten seconds after the start, once, on call or not")
@pytest.mark.parametrize("acknowledged", [False, True])
async def test_ended_and_begun_again_in_the_hole(gateway, acknowledged):
    async with gateway.life():
        gateway.is_now("tank_farm/blind", True)
        gateway.is_now("GD-02/H", True)
        if acknowledged:
            await gateway.service.acknowledge("tank_farm/blind", "li")
        await gateway.told()
        await gateway.takes_nothing_from_here()
        gateway.is_now("tank_farm/blind", False)
        assert ("tank_farm/blind", "return") in await gateway.told(), "people believe that it is over"
    gateway.is_started_on_the_repaired_disk()
    async with gateway.life():
        gateway.is_now("tank_farm/blind", True)
        assert await gateway.told(after_s=8) == [], "for the file it is the old one"
        assert await gateway.told(after_s=2) == [("tank_farm/blind", "recall")]
        assert await gateway.told(after_s=100) == [], "once; the P2 waits for its reminder"


async def test_what_ends_after_the_start_is_not_told_again(gateway):
    async with gateway.life():
        gateway.is_now("tank_farm/blind", True)
        await gateway.told()
        await gateway.takes_nothing_from_here()
    gateway.is_started_on_the_repaired_disk()
    async with gateway.life():
        gateway.is_now("tank_farm/blind", False)
        assert await gateway.told(after_s=20) == [("tank_farm/blind", "return")]


async def test_an_ordinary_restart_tells_nobody(gateway):
    """An update, `systemctl restart`: all that was known is on disk, and the last row says so."""
    async with gateway.life():
        gateway.is_now("tank_farm/blind", True)
        await gateway.told()
    async with gateway.life():
        assert await gateway.told(after_s=60) == []
    (last,) = AlarmLedger(gateway.path).history(1)
    assert (last.kind, last.body["act"]) == ("run", "stopped")
    AlarmLedger(gateway.path).verify()


async def test_a_start_on_a_disk_that_took_nothing_in_between(gateway):
    """The life between wrote not a single row: its length says that there was one."""
    async with gateway.life():
        gateway.is_now("tank_farm/blind", True)
        await gateway.service.acknowledge("tank_farm/blind", "li")
        await gateway.told()
    async with gateway.life(away_s=900):
        assert [alarm for alarm, event in await gateway.told(after_s=11) if event == "recall"] == ["tank_farm/blind"]


@survives("an alarm is raised while the disk takes nothing, the gateway is restarted, and it ends",
          then="its end is told, also when the disk takes nothing still; it is recorded when the disk takes it again")
@pytest.mark.parametrize("repaired", [False, True])
async def test_the_end_of_what_was_never_recorded(gateway, tmp_path, repaired):
    """/run outlives the process."""
    (tmp_path / "run").mkdir()
    gateway.settings = replace(QUICK, refuge=tmp_path / "run", ledger_retry_s=0.05)
    folder, gone = gateway.path.parent, tmp_path / "gone"
    folder.rename(gone)
    async with gateway.life():
        gateway.is_now("GD-02/H", True)
        await until(lambda: ("GD-02/H", "raise") in gateway.phone.events)
        await gateway.delivered()
    if repaired:
        gone.rename(folder)
    async with gateway.life():
        assert {view.definition.id for view in gateway.service.views()} >= {"GD-02/H"}, "it is known"
        gateway.phone.calls.clear()
        gateway.is_now("GD-02/H", False)
        await until(lambda: ("GD-02/H", "return") in gateway.phone.events)
        if not repaired:
            gone.rename(folder)
        await until(lambda: gateway.service.view("GD-02/H").recorded)
        await until(lambda: not list((tmp_path / "run").iterdir()), lambda: "nothing was left to be kept")
    (state,) = [one for one in AlarmLedger(gateway.path).open().states if one.alarm == "GD-02/H"]
    assert not state.state.condition


async def test_what_is_told_in_one_turn_is_kept_in_one_write(gateway, tmp_path, monkeypatch):
    """A write of all for each of a thousand reminders would hold up the alarm that comes next."""
    (tmp_path / "run").mkdir()
    gateway.settings = replace(QUICK, refuge=tmp_path / "run", ledger_retry_s=60)
    folder, gone, kept, keep = gateway.path.parent, tmp_path / "gone", [], Refuge.keep
    folder.rename(gone)
    async with gateway.life():
        await until(lambda: gateway.service.status().ledger is not None)
        monkeypatch.setattr(Refuge, "keep", lambda self, states: keep(self, kept.append(all := list(states)) or all))
        alarms = ["GD-01/H", "GD-02/H", "tank_farm/blind"]
        for alarm in alarms:
            gateway.is_now(alarm, True)
        await asyncio.sleep(0)
        assert [set(alarms) <= {state.alarm for state in states} for states in kept] == [True]

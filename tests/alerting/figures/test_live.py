"""The figures of a running service: rows in the journal, and the same figures after a restart."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import asynccontextmanager

import pytest

from alerting.figures import past
from alerting.figures.report import report
from alerting.ledger import AlarmLedger
from alerting.service import AlarmService
from gateway.model.clock import NS, ManualClock
from gateway.model.ports import Notice
from gateway.model.verdict import Verdicts
from tests.alerting.sites import START_NS, depot, edge, verdicts

SITE = depot()


class Phone:
    id = "phone"

    def __init__(self):
        self.heard: list[str] = []

    async def send(self, notice: Notice) -> None:
        self.heard.append(notice.alarm)


@asynccontextmanager
async def running(path, clock, *notifiers):
    service = AlarmService(SITE.alarms, SITE, AlarmLedger(path), notifiers, clock)
    await service.start()
    await service.figures_known()
    try:
        yield service
    finally:
        await service.close()


async def until(done) -> None:
    async with asyncio.timeout(10):
        while not done():
            await asyncio.sleep(0.002)


def up_and_down(service, clock, alarm: str, times: int, step_s: float = 20.0) -> None:
    for _ in range(times):
        for active in (True, False):
            now = clock.advance(step_s / 2)
            service.apply(verdicts(edge(SITE, alarm, active, now.line_ns / NS)))


def burst_rows(path) -> list[tuple[str, str, str]]:
    return [(row.kind, row.alarm, row.body["act"]) for row in reversed(AlarmLedger(path).history(1000))
            if row.kind in ("flood", "chatter")]


async def test_a_flood_is_journalled_and_takes_no_p1_away(tmp_path):
    path, clock, phone = tmp_path / "alarms.db", ManualClock(START_NS), Phone()
    async with running(path, clock, phone) as service:
        up_and_down(service, clock, "GD-01/H", 12)
        assert service.figures.now(clock.now().line_ns).flood is not None
        now = clock.advance(1)
        service.apply(verdicts(edge(SITE, "GD-02/HH", True, now.line_ns / NS)))
        await until(lambda: "GD-02/HH" in phone.heard)
        clock.advance(3600)
        service.apply(Verdicts.none())
        assert service.figures.now(clock.now().line_ns).flood is None
    assert burst_rows(path) == [("chatter", "GD-01/H", "begin"), ("flood", "", "begin"), ("flood", "", "end"),
                                ("chatter", "GD-01/H", "end")]
    assert AlarmLedger(path).verify() > 12


async def test_figures_are_the_same_after_a_restart(tmp_path):
    path, clock = tmp_path / "alarms.db", ManualClock(START_NS)
    async with running(path, clock) as service:
        up_and_down(service, clock, "GD-01/H", 4, 120)
        await service.acknowledge("GD-01/H", "Li")
        before = report(service.figures, START_NS, clock.now().wall_ns)
    async with running(path, clock) as service:
        assert report(service.figures, START_NS, clock.now().wall_ns) == before
        assert before.alarms == 4 and before.answers.count == 1
    asked = past.of_stretch(path, SITE.alarms, 1, START_NS, clock.now().wall_ns)
    assert report(asked, START_NS, clock.now().wall_ns) == before, "a stretch that is asked for is counted alike"


async def test_a_flood_that_ended_while_nobody_looked_gets_its_end(tmp_path):
    path, clock = tmp_path / "alarms.db", ManualClock(START_NS)
    async with running(path, clock) as service:
        up_and_down(service, clock, "GD-01/H", 12)
    assert burst_rows(path) == [("chatter", "GD-01/H", "begin"), ("flood", "", "begin")]
    clock.advance(7200)
    async with running(path, clock):
        pass
    assert sorted(burst_rows(path)[2:]) == [("chatter", "GD-01/H", "end"), ("flood", "", "end")]
    async with running(path, clock):
        pass
    assert len(burst_rows(path)) == 4, "once"


async def test_a_flood_that_still_stands_is_not_begun_again(tmp_path):
    path, clock = tmp_path / "alarms.db", ManualClock(START_NS)
    async with running(path, clock) as service:
        up_and_down(service, clock, "GD-01/H", 12)
    async with running(path, clock) as service:
        assert service.figures.now(clock.now().line_ns).flood.alarms == 12
    assert len(burst_rows(path)) == 2


async def test_only_so_many_rows_are_read(tmp_path, monkeypatch):
    path, clock = tmp_path / "alarms.db", ManualClock(START_NS)
    async with running(path, clock) as service:
        up_and_down(service, clock, "GD-01/H", 20, 300)
    monkeypatch.setattr(past, "ROWS_READ", 10)
    async with running(path, clock) as service:
        found = report(service.figures, START_NS, clock.now().wall_ns)
        assert found.alarms == 4 and found.start_wall_ns > START_NS, "it says since when it counts"


@pytest.mark.survives("a journal row that is no JSON, at the start",
                      then="the figures count from the start; alarms go on")
async def test_a_row_that_can_not_be_read(tmp_path):
    path, clock = tmp_path / "alarms.db", ManualClock(START_NS)
    async with running(path, clock) as service:
        up_and_down(service, clock, "GD-01/H", 3)
    with sqlite3.connect(path) as other:
        other.execute("DROP TRIGGER journal_keeps_text")
        other.execute("UPDATE journal SET body = 'nonsense' WHERE position = 2")
    phone = Phone()
    async with running(path, clock, phone) as service:
        up_and_down(service, clock, "GD-02/HH", 1)
        await until(lambda: "GD-02/HH" in phone.heard)
        assert report(service.figures, START_NS, clock.now().wall_ns).alarms == 1

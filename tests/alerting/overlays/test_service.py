"""Bypasses through the whole service: real file, real receiver. Who is called, who is not, and what the record says."""

from __future__ import annotations

import sqlite3
from contextlib import asynccontextmanager, closing

import pytest

from alerting.ledger import AlarmLedger
from alerting.lifecycle import State
from alerting.notifiers.config import WebhookSettings
from alerting.notifiers.webhook import WebhookNotifier
from alerting.overlays.hold import Kind
from alerting.overlays.overlays import Ask
from alerting.service import AlarmService
from gateway.model.clock import ManualClock
from gateway.model.errors import CommandError, LedgerError
from gateway.model.text import Text
from tests.alerting.receiver import Receiver, until
from tests.alerting.test_service import QUICK, SITE, say

HOUR = 3600.0


@asynccontextmanager
async def alarms(path, clock: ManualClock, phone: Receiver | None = None):
    notifiers = [WebhookNotifier(WebhookSettings(id="phone", url=phone.url, timeout=5))] if phone else []
    service = AlarmService(SITE.alarms, SITE, AlarmLedger(path), notifiers, clock, QUICK)
    await service.start()
    try:
        yield service
    finally:
        await service.close()


async def delivered(service: AlarmService, count: int) -> None:
    await until(lambda: service.status().notifiers[0].counters["delivered"] == count)


async def test_under_a_bypass_the_state_lives_on_and_only_notices_are_withheld(path, clock, phone):
    async with alarms(path, clock, phone) as service:
        bypass, recorded = await service.hold(Kind.BYPASS, Ask("GD-01/H", "王工", "calibration", HOUR))
        assert recorded and service.holds(Kind.BYPASS) == (bypass,)
        await delivered(service, 1)  # P2: those who would be called are told
        clock.advance(5)
        say(service, ("GD-01/H", True, 5), ("GD-02/H", True, 6))
        await delivered(service, 2)
        view = service.view("GD-01/H")
        assert (view.state, view.withheld) == (State.UNACKNOWLEDGED, (bypass,))
        assert service.risk_level("tank_farm") == "orange", "it counts as before"
        await service.acknowledge("GD-01/H", "Li")
        say(service, ("GD-01/H", False, 8))
        assert service.view("GD-01/H").state is State.NORMAL
        assert service.status().counters["notices_withheld"] == 3
        say(service, ("GD-02/H", False, 9))
        await delivered(service, 3)
    assert phone.events == [("GD-01/H", "bypass"), ("GD-02/H", "raise"), ("GD-02/H", "return")]
    rows = [row for row in AlarmLedger(path).history(20)[::-1] if row.kind not in ("delivery", "run")]
    told = [(row.kind, row.alarm, row.body.get("event") or row.body["act"], row.body.get("withheld")) for row in rows]
    why = "bypass of GD-01/H by 王工: calibration"
    assert told == [("bypass", "GD-01/H", "begin", None), ("transition", "GD-01/H", "raise", why),
                    ("transition", "GD-02/H", "raise", None), ("transition", "GD-01/H", "acknowledge", why),
                    ("transition", "GD-01/H", "clear", why), ("transition", "GD-02/H", "clear", None)]


async def test_what_is_still_active_when_the_bypass_expires_is_paged_then(path, clock, phone):
    async with alarms(path, clock, phone) as service:
        await service.hold(Kind.BYPASS, Ask("GD-01", "Li", "bump test", HOUR, "Wang"))
        await delivered(service, 1)
        clock.advance(10)
        say(service, ("GD-01/ROC+", True, 9), ("GD-01/H", True, 10), ("GD-01/HH", True, 10))
        say(service, ("GD-01/ROC+", False, 11))
        await service.acknowledge("GD-01/H", "Li", "during the bypass")
        clock.advance(HOUR - 10.5)
        say(service)
        assert phone.events == [("GD-01", "bypass")] and service.holds(Kind.BYPASS)
        clock.advance(0.5)
        say(service)  # nothing new: the passing of time is enough
        assert service.holds(Kind.BYPASS) == ()
        await delivered(service, 4)
    assert sorted(phone.events[1:]) == [("GD-01", "bypass expired"), ("GD-01/H", "recall"), ("GD-01/HH", "recall")], \
        "what is over stays on the page; what was taken under the bypass, but told to nobody, is told"
    call = next(call.payload for call in phone.calls if call.payload["alarm"] == "GD-01/HH")
    assert call["title"]["en"] == "STILL ACTIVE P1 GD-01 high-high 42.0 %LEL, Tank farm"
    assert call["title"]["zh"].startswith("仍在报警 P1 GD-01") and "旁路、搁置或抑制已结束" in call["text"]["zh"]
    assert call["raised"] < call["time"] and call["key"].endswith(f":recall@{clock.now().wall_ns}")
    bypass = phone.calls[0].payload
    assert bypass["title"] == {"en": "BYPASSED P1 GD-01, Tank farm", "zh": "已旁路 P1 GD-01，储罐区"}
    assert "Approved by Wang (name not verified)" in bypass["text"]["en"]
    kinds = [(row.kind, row.alarm) for row in AlarmLedger(path).history(20)[::-1]
             if row.kind not in ("delivery", "run")]
    assert kinds[-3:] == [("bypass", "GD-01"), ("recall", "GD-01/HH"), ("recall", "GD-01/H")]


async def test_who_was_called_before_the_bypass_hears_the_rest(path, clock, phone):
    async with alarms(path, clock, phone) as service:
        say(service, ("GD-01/H", True, 0))
        clock.advance(5)
        await service.hold(Kind.BYPASS, Ask("GD-01/H", "Li", "calibration", HOUR))
        await service.acknowledge("GD-01/H", "Li")
        say(service, ("GD-01/H", False, 7))
        await delivered(service, 4)
    assert {event for _, event in phone.events} == {"raise", "bypass", "acknowledge", "return"}


async def test_a_person_ends_it_and_what_is_active_calls(path, clock, phone):
    async with alarms(path, clock, phone) as service:
        await service.hold(Kind.BYPASS, Ask("GD-01/ROC+", "Li", "calibration", HOUR))
        say(service, ("GD-01/ROC+", True, 1))
        ended, recorded = await service.end_hold(Kind.BYPASS, "GD-01/ROC+", "Wang", "done early")
        assert recorded and ended.who == "Li"
        await delivered(service, 1)
        with pytest.raises(CommandError, match="is not bypassed"):
            await service.end_hold(Kind.BYPASS, "GD-01/ROC+", "Wang")
    assert phone.events == [("GD-01/ROC+", "recall")], "of a bypass of P3 alone nobody is told"
    row = next(row for row in AlarmLedger(path).history(5) if row.kind == "bypass")
    assert (row.body["act"], row.body["who"], row.body["owner"], row.body["why"]) == ("end", "Wang", "Li", "done early")


async def test_a_bypass_survives_a_restart_and_so_does_its_end(path, clock, phone):
    async with alarms(path, clock) as service:
        bypass, _ = await service.hold(Kind.BYPASS, Ask("GD-01/H", "Li", "calibration", HOUR))
        clock.advance(1)
        say(service, ("GD-01/H", True, 1))
    clock.advance(600)
    async with alarms(path, clock, phone) as service:
        assert service.holds(Kind.BYPASS) == (bypass,) and service.view("GD-01/H").withheld == (bypass,)
        say(service)
        assert service.status().counters["notices"] == 0
    clock.advance(HOUR)
    async with alarms(path, clock, phone) as service:
        assert service.holds(Kind.BYPASS) == ()
        await delivered(service, 2)
    assert phone.events == [("GD-01/H", "bypass expired"), ("GD-01/H", "recall")]
    assert AlarmLedger(path).open().holds == ()


async def test_a_clock_set_back_while_the_gateway_was_off_ends_it(path, clock):
    async with alarms(path, clock) as service:
        await service.hold(Kind.BYPASS, Ask("GD-01/H", "Li", "calibration", HOUR))
    clock.advance(1800)
    clock.step_wall(-1500)
    async with alarms(path, clock) as service:
        assert service.holds(Kind.BYPASS) == ()


async def test_a_bypass_is_told_to_whoever_must_hold_something_meanwhile(path, clock):
    told = []
    async with alarms(path, clock) as service:
        service.on_holds = lambda standing: told.append([bypass.target for bypass in standing])
        await service.hold(Kind.BYPASS, Ask("GD-01/H", "Li", "calibration", 60))
        await service.hold(Kind.BYPASS, Ask("GD-02/H", "Li", "calibration", HOUR))
        clock.advance(60)
        say(service)
        await service.end_hold(Kind.BYPASS, "GD-02/H", "Li")
    assert told == [["GD-01/H"], ["GD-01/H", "GD-02/H"], ["GD-02/H"], []]


@pytest.mark.survives("bypass asked for while the alarm file can not be written",
                      then="refused: there is none without a record. Ending one works",
                      says=Text("nothing was done: …alarms.db: the alarm file can not be used",
                                "未执行：…alarms.db: 告警文件无法使用"))
async def test_no_bypass_without_a_record(path, clock, says):
    async with alarms(path, clock) as service:
        await service.hold(Kind.BYPASS, Ask("GD-01/H", "Li", "calibration", HOUR))
        with closing(sqlite3.connect(path)) as other:
            other.execute("DROP TABLE journal")
        say(service, ("GD-02/H", True, 1))
        await until(lambda: service.status().ledger)
        with pytest.raises(LedgerError) as caught:
            await service.hold(Kind.BYPASS, Ask("GD-02/H", "Li", "calibration", HOUR))
        assert says(caught.value.what)
        _, recorded = await service.end_hold(Kind.BYPASS, "GD-01/H", "Li")
        assert not recorded and service.holds(Kind.BYPASS) == ()

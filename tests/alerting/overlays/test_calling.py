"""Shelving, out of service, suppression by design and re-alarm through the whole service: who is called, and when."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace

from alerting.ledger import AlarmLedger
from alerting.lifecycle import State
from alerting.notifiers.config import WebhookSettings
from alerting.notifiers.webhook import WebhookNotifier
from alerting.overlays.hold import Kind
from alerting.overlays.overlays import Ask
from alerting.realarm import ReAlarm
from alerting.service import AlarmService
from gateway.model.alarm import Priority
from gateway.model.clock import ManualClock
from gateway.model.rules import Test
from gateway.model.signal import Device
from gateway.model.suppression import Suppression
from gateway.model.text import Text
from tests.alerting.receiver import Receiver, until
from tests.alerting.sites import depot, edge, verdicts
from tests.alerting.test_service import QUICK

STOPPED = Suppression("stopped", Text("the pump is stopped", "泵已停"), ("GD-03",), Test.parse("P-101.run == 0"))
SITE = replace(depot(), devices=(Device("bus/7", ("GD-01", "GD-02")),), suppressions=(STOPPED,))
HOUR = 3600.0


class Plant:
    is_stopped = False

    def true(self, test, now):
        return self.is_stopped


@asynccontextmanager
async def alarms(path, clock: ManualClock, phone: Receiver, **settings):
    notifiers = [WebhookNotifier(WebhookSettings(id="phone", url=phone.url, timeout=5))]
    service = AlarmService(SITE.alarms, SITE, AlarmLedger(path), notifiers, clock, replace(QUICK, **settings))
    await service.start()
    try:
        yield service
    finally:
        await service.close()


def say(service: AlarmService, *edges: tuple[str, bool, float]) -> None:
    service.apply(verdicts(*(edge(SITE, alarm, active, second) for alarm, active, second in edges)))


async def heard(service: AlarmService, phone: Receiver, *events: tuple[str, str]) -> None:
    """These and no others, in any order; and forget them."""
    await until(lambda: len(phone.events) >= len(events) and not service.status().uncommitted)
    assert sorted(phone.events) == sorted(events)
    phone.calls.clear()


def about(path, kind: str) -> list[dict]:
    return [row.body | {"alarm": row.alarm} for row in AlarmLedger(path).history(100)[::-1] if row.kind == kind]


async def test_shelved_once_it_is_quiet_until_it_is_back_to_normal(path, clock, phone):
    async with alarms(path, clock, phone) as service:
        say(service, ("GD-01/H", True, 1))
        await heard(service, phone, ("GD-01/H", "raise"))
        clock.advance(5)
        hold, recorded = await service.hold(Kind.SHELF, Ask("GD-01/H", "Li", "known, crew on site", HOUR, once=True))
        assert recorded and service.view("GD-01/H").withheld == (hold,)
        await heard(service, phone, ("GD-01/H", "shelve"))
        clock.advance(HOUR / 2)
        say(service)
        assert phone.events == [], "no re-alarm of what is shelved"
        say(service, ("GD-01/H", False, 1806))
        await heard(service, phone, ("GD-01/H", "return"), ("GD-01/H", "shelve ended"))
        say(service, ("GD-01/H", True, 1807))
        await heard(service, phone, ("GD-01/H", "raise"))
    assert [row["act"] for row in about(path, "shelve")] == ["begin_once", "normal"]


async def test_under_two_overlays_people_are_called_when_the_last_one_ends_and_only_once(path, clock, phone):
    async with alarms(path, clock, phone) as service:
        await service.hold(Kind.OUT_OF_SERVICE, Ask("GD-01/H", "Li", "overhaul", 2 * HOUR, "Wang"))
        await service.hold(Kind.SHELF, Ask("GD-01/H", "Li", "nuisance", HOUR))
        await heard(service, phone, ("GD-01/H", "out of service"), ("GD-01/H", "shelve"))
        clock.advance(5)
        say(service, ("GD-01/H", True, 4))
        assert [hold.kind for hold in service.view("GD-01/H").withheld] == [Kind.OUT_OF_SERVICE, Kind.SHELF]
        await service.acknowledge("GD-01/H", "Li")
        clock.advance(HOUR)
        say(service)
        await heard(service, phone, ("GD-01/H", "shelve expired"))
        await service.end_hold(Kind.OUT_OF_SERVICE, "GD-01/H", "Wang", "calibrated")
        await heard(service, phone, ("GD-01/H", "out of service ended"), ("GD-01/H", "recall"))
        assert service.view("GD-01/H").state is State.ACKNOWLEDGED, "nobody had been called; the state is as it was"
    assert about(path, "recall") == [{"alarm": "GD-01/H", "occurrence": 1, "out of service": "GD-01/H"}]


async def test_a_device_that_falls_silent_is_one_call_and_a_limit_alarm_is_another(path, clock, phone):
    """In one step, the alarms of the signals before that of the device, as the deadman says them."""
    async with alarms(path, clock, phone) as service:
        clock.advance(10)
        say(service, ("GD-01/deadman", True, 10), ("GD-02/deadman", True, 10), ("bus/7/deadman", True, 10))
        await heard(service, phone, ("bus/7/deadman", "raise"))
        say(service, ("tank_farm/blind", True, 10), ("GD-01/H", True, 10))
        await heard(service, phone, ("tank_farm/blind", "raise"), ("GD-01/H", "raise"))
        assert service.view("GD-01/deadman").withheld and service.risk_level() == "orange", "it counts as before"
        clock.advance(5)
        say(service, ("bus/7/deadman", False, 15), ("GD-02/deadman", False, 15))
        await heard(service, phone, ("bus/7/deadman", "return"))
        clock.advance(10)
        say(service)
        await heard(service, phone, ("GD-01/deadman", "recall"))
    withheld = [row["withheld"] for row in about(path, "transition") if "withheld" in row]
    assert withheld == 3 * ["suppression bus/7/deadman: device bus/7 gives no data"]


async def test_a_plant_state_holds_its_alarms_and_its_end_calls_for_what_is_left(path, clock, phone):
    plant = Plant()
    async with alarms(path, clock, phone) as service:
        service.connect(plant)
        plant.is_stopped = True
        say(service, ("GD-03/deadman", True, 1), ("GD-03/H", True, 1))
        await heard(service, phone, ("GD-03/H", "raise"))
        clock.advance(60)
        say(service)
        plant.is_stopped = False
        clock.advance(10)
        say(service)
        await heard(service, phone, ("GD-03/deadman", "recall"))
    assert [row["act"] for row in about(path, "suppression")] == ["begin", "end"]


async def test_a_suppression_goes_on_over_a_restart(path, clock, phone):
    plant = Plant()
    plant.is_stopped = True
    async with alarms(path, clock, phone) as service:
        service.connect(plant)
        say(service, ("GD-03/deadman", True, 1))
    clock.advance(60)
    async with alarms(path, clock, phone) as service:
        say(service)  # before anybody knows the plant
        service.connect(plant)
        say(service)
        assert service.view("GD-03/deadman").withheld
        clock.advance(86400)
        say(service)
        await heard(service, phone, ("GD-03/deadman", "recall"))
        assert not service.view("GD-03/deadman").withheld


async def test_what_stands_and_nobody_has_taken_calls_again_and_again(path, clock, phone):
    async with alarms(path, clock, phone) as service:
        say(service, ("GD-01/HH", True, 1), ("GD-01/H", True, 1), ("GD-01/ROC+", True, 1), ("GD-02/H", True, 1))
        say(service, ("GD-02/H", False, 2))  # it has ended: it waits, and calls nobody again
        await heard(service, phone, ("GD-01/HH", "raise"), ("GD-01/H", "raise"), ("GD-01/ROC+", "raise"),
                    ("GD-02/H", "raise"), ("GD-02/H", "return"))
        await service.acknowledge("GD-01/H", "Li")
        await heard(service, phone, ("GD-01/H", "acknowledge"))
        for _ in range(3):
            clock.advance(300)
            say(service)
            say(service)
            await heard(service, phone, ("GD-01/HH", "re-alarm"))
        say(service, ("GD-01/HH", False, 901))
        await heard(service, phone, ("GD-01/HH", "return"))
        clock.advance(300)
        say(service)
        await heard(service, phone, ("GD-01/HH", "re-alarm"))  # latched: it counts as active
        await service.acknowledge("GD-01/HH", "Li")
        await heard(service, phone, ("GD-01/HH", "acknowledge"))
        clock.advance(8 * HOUR)
        say(service)
        await heard(service, phone, ("GD-01/ROC+", "re-alarm"))
    assert len({row["wall_ns"] if "wall_ns" in row else row["line_ns"] for row in about(path, "transition")
                if row["event"] == "remind"}) == 5


async def test_a_reminder_that_was_due_while_the_gateway_was_off_comes_with_its_age(path, clock, phone):
    async with alarms(path, clock, phone) as service:
        say(service, ("GD-01/HH", True, 1))
        await heard(service, phone, ("GD-01/HH", "raise"))
    clock.advance(HOUR)
    async with alarms(path, clock, phone) as service:
        say(service)
        await until(lambda: phone.calls)
        told = phone.calls[0].payload
        assert (told["event"], told["title"]["en"][:15]) == ("re-alarm", "STILL ACTIVE P1")
        assert "Raised 2026-09-21" in told["text"]["en"] and told["raised"] < told["time"]
        clock.advance(10)
        say(service)
        assert len(phone.calls) == 1
    async with alarms(path, clock, phone) as service:  # and not again with every restart
        say(service)
        assert service.status().counters["notices"] == 0


async def test_an_acknowledged_alarm_is_told_again_only_where_the_site_asks_for_it(path, clock, phone):
    async with alarms(path, clock, phone, re_alarm=ReAlarm(acknowledged={Priority.P2: HOUR})) as service:
        say(service, ("GD-01/H", True, 1))
        await service.acknowledge("GD-01/H", "Li")
        await heard(service, phone, ("GD-01/H", "raise"), ("GD-01/H", "acknowledge"))
        clock.advance(HOUR)
        say(service)
        await heard(service, phone, ("GD-01/H", "re-alarm"))
        assert service.view("GD-01/H").state is State.ACKNOWLEDGED


async def test_first_out_is_judged_under_the_overlays_as_without_them(path, clock, phone):
    async with alarms(path, clock, phone) as service:
        await service.hold(Kind.SHELF, Ask("GD-01/H", "Li", "nuisance", HOUR))
        clock.advance(5)
        say(service, ("GD-01/H", True, 4), ("GD-02/H", True, 5))
        assert [service.view(f"GD-0{n}/H").first_out for n in (1, 2)] == [True, False], "it was the first, told or not"
        clock.advance(HOUR)
        say(service)
        await until(lambda: ("GD-01/H", "recall") in phone.events)
        assert next(call.payload for call in phone.calls if call.payload["event"] == "recall")["first_out"]

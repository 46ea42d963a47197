"""Suppression by design: only what says nothing new, only by good evidence, never a P1, and not for ever."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time
from zoneinfo import ZoneInfo

import pytest

from alerting.engine import AlarmEngine
from alerting.overlays.hold import Kind
from alerting.overlays.suppression import Suppressions
from alerting.overlays.tables import Act
from gateway.model.alarm import Priority
from gateway.model.clock import ManualClock
from gateway.model.rules import Test
from gateway.model.signal import Device
from gateway.model.suppression import Suppression, Window
from gateway.model.text import Text
from tests.alerting.sites import START_NS, depot, edge, verdicts

DAY = 86400.0
STOPPED = Suppression("stopped", Text("the pump is stopped", "泵已停"), ("GD-01", "esd-north"),
                      Test.parse("P-101.run == 0"))
SITE = replace(depot(), devices=(Device("bus/7", ("GD-01", "GD-02")),), suppressions=(STOPPED,))
SILENT = "bus/7/deadman"


class Plant:
    is_stopped = False

    def true(self, test, now):
        assert str(test) == "P-101.run == 0"
        return self.is_stopped


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(wall_ns=START_NS)


@pytest.fixture
def plant() -> Plant:
    return Plant()


@pytest.fixture
def engine() -> AlarmEngine:
    return AlarmEngine(SITE.alarms)


@pytest.fixture
def suppressions(engine, plant) -> Suppressions:
    return Suppressions(SITE, engine.state, plant=plant)


def covered(suppressions: Suppressions) -> set[str]:
    return {alarm.id for alarm in SITE.alarms if suppressions.over(alarm) is not None}


def say(engine: AlarmEngine, clock: ManualClock, alarm: str, active: bool) -> None:
    engine.apply(verdicts(edge(SITE, alarm, active, clock.now().line_ns / 1e9)))


def test_a_silent_device_speaks_for_what_says_the_same_and_for_no_limit(suppressions, engine, clock):
    assert suppressions.judge(clock.now()) == () and covered(suppressions) == set()
    say(engine, clock, SILENT, True)
    (step,) = suppressions.judge(clock.now())
    assert (step.act, step.hold.kind, step.hold.target) == (Act.BEGIN, Kind.SUPPRESSION, SILENT)
    assert covered(suppressions) == {"GD-01/deadman", "GD-01/invalid", "GD-02/deadman", "GD-02/invalid"}
    assert suppressions.judge(clock.advance(60)) == ()


def test_when_the_device_is_back_its_signals_have_some_seconds(suppressions, engine, clock):
    say(engine, clock, SILENT, True)
    suppressions.judge(clock.now())
    suppressions.judge(clock.advance(5))
    say(engine, clock, SILENT, False)
    assert suppressions.judge(clock.advance(9)) == () and covered(suppressions)
    (step,) = suppressions.judge(clock.advance(1))
    assert (step.act, {alarm.origin for alarm in step.alarms}) == (Act.END, {"GD-01", "GD-02"})
    assert covered(suppressions) == set() and suppressions.everything() == ()


def test_a_device_that_a_person_has_put_aside_speaks_for_nobody(engine, clock):
    aside = set()
    suppressions = Suppressions(SITE, engine.state, lambda alarm: alarm.id in aside)
    say(engine, clock, SILENT, True)
    suppressions.judge(clock.now())
    aside.add(SILENT)
    assert [step.act for step in suppressions.judge(clock.advance(10))] == [Act.END]
    assert covered(suppressions) == set()


def test_a_site_can_do_without(engine, clock):
    suppressions = Suppressions(replace(SITE, suppress_offline=False), engine.state)
    say(engine, clock, SILENT, True)
    assert suppressions.judge(clock.now()) == ()


def test_a_device_whose_own_alarm_is_milder_does_not_speak_for_more_urgent_ones(engine, clock):
    signals = type(SITE.signals)(tuple(replace(signal, fault_priority=Priority.P1) if signal.id == "GD-01" else signal
                                       for signal in SITE.signals))
    site = replace(SITE, signals=signals)
    suppressions = Suppressions(site, engine.state)
    say(engine, clock, SILENT, True)
    suppressions.judge(clock.now())
    found = [alarm for alarm in site.alarms if suppressions.over(alarm) is not None]
    assert {alarm.id for alarm in found} == {"GD-02/deadman", "GD-02/invalid"}
    assert all(alarm.priority is not Priority.P1 for alarm in found), "P1 is never suppressed"


def test_a_plant_state_suppresses_what_it_names_but_no_p1_and_no_limit_of_a_gas_detector(suppressions, plant, clock):
    plant.is_stopped = True
    (step,) = suppressions.judge(clock.now())
    assert step.hold.reason == "suppression stopped: the pump is stopped"
    assert covered(suppressions) == {"GD-01/deadman", "GD-01/invalid"}
    plant.is_stopped = False
    assert suppressions.judge(clock.advance(5)) == ()
    plant.is_stopped = True
    assert suppressions.judge(clock.advance(5)) == (), "it has not ended"
    plant.is_stopped = False
    assert [step.act for step in suppressions.judge(clock.advance(10))] == [Act.END]


def test_without_anybody_who_knows_the_plant_nothing_is_suppressed(engine, clock):
    assert Suppressions(SITE, engine.state).judge(clock.now()) == ()


def test_nothing_is_suppressed_for_ever(suppressions, plant, clock):
    plant.is_stopped = True
    suppressions.judge(clock.now())
    (step,) = suppressions.judge(clock.advance(DAY))
    assert step.act is Act.EXPIRE and len(step.alarms) == 2 and covered(suppressions) == set()
    assert suppressions.standing() == () and len(suppressions.everything()) == 1, "remembered"
    assert suppressions.judge(clock.advance(DAY)) == (), "it does not begin anew while its condition holds"
    plant.is_stopped = False
    (step,) = suppressions.judge(clock.advance(10))
    assert (step.act, step.alarms) == (Act.END, ()), "nobody was kept from anything since"
    plant.is_stopped = True
    assert [step.act for step in suppressions.judge(clock.advance(1))] == [Act.BEGIN]


def test_over_a_restart_it_goes_on_and_its_time_does_not_begin_anew(suppressions, engine, plant, clock):
    plant.is_stopped = True
    suppressions.judge(clock.now())
    clock.advance(DAY / 2)
    after = Suppressions(SITE, engine.state, plant=plant)
    assert after.restore(suppressions.everything(), clock.now()) == ()
    assert after.judge(clock.now()) == () and after.standing() == suppressions.standing()
    assert [step.act for step in after.judge(clock.advance(DAY / 2))] == [Act.EXPIRE]
    once_more = Suppressions(SITE, engine.state, plant=plant)
    once_more.restore(after.everything(), clock.now())
    assert once_more.standing() == () and once_more.judge(clock.now()) == ()


def test_what_has_overrun_is_not_called_for_again_by_each_restart(suppressions, engine, plant, clock):
    plant.is_stopped = True
    suppressions.judge(clock.now())
    assert [step.act for step in suppressions.judge(clock.advance(DAY))] == [Act.EXPIRE]
    before = suppressions
    for _ in range(3):
        after = Suppressions(SITE, engine.state, plant=plant)
        assert after.restore(before.everything(), clock.advance(60)) == () and after.judge(clock.now()) == ()
        assert after.standing() == () and after.everything() == before.everything()
        before = after
    plant.is_stopped = False
    assert [step.act for step in before.judge(clock.advance(60))] == [Act.END]


def test_what_overran_in_doubt_is_called_for_once(suppressions, engine, plant, clock):
    plant.is_stopped = True
    suppressions.judge(clock.now())
    clock.trust(False)
    after = Suppressions(SITE, engine.state, plant=plant)
    assert [step.act for step in after.restore(suppressions.everything(), clock.advance(5))] == [Act.EXPIRE]
    once_more = Suppressions(SITE, engine.state, plant=plant)
    assert once_more.restore(after.everything(), clock.advance(5)) == () and once_more.standing() == ()


def test_a_condition_that_can_not_be_judged_holds_up_no_other(suppressions, engine, plant, clock, monkeypatch):
    plant.is_stopped = True
    say(engine, clock, SILENT, True)
    assert len(suppressions.judge(clock.now())) == 2

    def broken(*_: object) -> bool:
        raise ZeroDivisionError("injected")

    monkeypatch.setattr(type(plant), "true", broken)
    assert suppressions.judge(clock.advance(5)) == ()
    (step,) = suppressions.judge(clock.advance(60))
    assert (step.act, step.hold.target) == (Act.END, "stopped"), "in doubt it does not hold"


def test_in_doubt_after_a_restart_people_are_called(suppressions, engine, plant, clock):
    plant.is_stopped = True
    suppressions.judge(clock.now())
    clock.trust(False)
    after = Suppressions(SITE, engine.state, plant=plant)
    (step,) = after.restore(suppressions.everything(), clock.advance(5))
    assert step.act is Act.EXPIRE and after.standing() == ()


def test_what_the_site_no_longer_has_is_forgotten_after_a_restart(suppressions, engine, plant, clock):
    plant.is_stopped = True
    suppressions.judge(clock.now())
    after = Suppressions(replace(SITE, suppressions=()), engine.state)
    (step,) = after.restore(suppressions.everything(), clock.now())
    assert (step.act, step.alarms) == (Act.END, ()) and after.everything() == ()


ZONE = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize("days, hours, inside, outside", [
    (("sat",), ("08:00", "12:00"), ["2026-11-21T08:00", "2026-11-21T11:59"],
     ["2026-11-21T07:59", "2026-11-21T12:00", "2026-11-22T09:00"]),
    (("fri", "2026-12-01"), ("22:00", "06:00"), ["2026-11-20T23:00", "2026-11-21T05:59", "2026-12-02T00:00"],
     ["2026-11-20T05:00", "2026-11-21T22:00", "2026-12-01T05:00", "2026-11-21T06:00"]),
    (("sun",), ("00:00", "00:00"), ["2026-11-22T00:00", "2026-11-22T23:59"], ["2026-11-21T23:59", "2026-11-23T00:00"]),
], ids=["a morning", "over midnight", "a whole day"])
def test_a_window_has_days_and_hours(days, hours, inside, outside):
    window = Window(days, *(time.fromisoformat(hour) for hour in hours))
    for text, is_in in ((text, text in inside) for text in (*inside, *outside)):
        assert (datetime.fromisoformat(text).replace(tzinfo=ZONE) in window) == is_in, text


def test_a_maintenance_window_is_in_the_site_s_zone_and_needs_a_clock_that_can_be_trusted(engine, clock):
    """It is 22:13 on Monday at the site, 14:13 in UTC."""
    window = Suppression("cleaning", Text("cleaning", "清洗"), ("GD-01",),
                         window=Window(("mon",), time(22), time(23)))
    suppressions = Suppressions(replace(SITE, suppressions=(window,)), engine.state)
    clock.trust(False)
    assert suppressions.judge(clock.now()) == ()
    clock.trust(True)
    assert [step.act for step in suppressions.judge(clock.now())] == [Act.BEGIN]
    assert [step.act for step in suppressions.judge(clock.advance(47 * 60))] == [Act.END]

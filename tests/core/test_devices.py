"""Devices that fall silent as a whole, and the share of those that do not."""

from __future__ import annotations

from dataclasses import replace

from gateway.model.quality import Quality
from gateway.model.signal import Device
from tests.core.plant import Plant, instant, signal, site

PLC, METER, FAN = Device("plc/1", ("A", "B", "C")), Device("line/meter", ("M", "N")), Device("broker/fan", ("F",))


def plant(**settings):
    signals = [signal(name, deadman_s=None if name == "C" else 5.0) for name in "ABCMNF"]
    built = Plant(replace(site(*signals), devices=(PLC, METER, FAN), **settings))
    built.at(0, dict.fromkeys("ABCMNF", 1.0))
    return built


def devices(told):
    return [edge for edge in told if edge[0].count("/") > 1 or edge[0].startswith("depot")]


def test_a_device_is_silent_when_all_its_watched_signals_are():
    one = plant()
    one.at(3, {"A": 1.0, "F": 1.0, "M": 1.0, "N": 1.0})
    assert ("B/deadman", "begins", 5) in one.wait(6)
    assert "plc/1/deadman" not in one.standing()
    told = one.at(7, {"C": 1.0, "M": 1.0, "N": 1.0, "F": 1.0}) + one.wait(8)
    assert devices(told) == [("plc/1/deadman", "begins", 8)], "C is not watched"
    assert {"A/deadman", "B/deadman"} <= one.standing(), "its signals keep their own alarms"
    assert one.trace() == ["plc/1: no data from any of its 2 watched signals"]
    assert devices(one.at(9, {"B": 1.0})) == [("plc/1/deadman", "ends", 9)]


def test_what_is_not_good_is_no_sign_of_life():
    one = plant()
    one.at(4, {"A": 1.0, "B": 1.0}, Quality.BAD_DEVICE)
    assert ("plc/1/deadman", "begins", 5) in one.wait(5)
    assert devices(one.at(6, {"A": 1.0}, Quality.UNCERTAIN_STALE)) == []


def test_a_device_with_one_signal_has_that_signals_alarm_only():
    assert {alarm.id for alarm in plant().site.alarms if alarm.id.endswith("deadman")} == {
        "A/deadman", "B/deadman", "M/deadman", "N/deadman", "F/deadman", "plc/1/deadman", "line/meter/deadman"}


def test_the_share_of_devices_online():
    one = plant()
    assert (one.bank.online.online, one.bank.online.devices, one.bank.online.ratio) == (3, 3, 1.0)
    one.at(4, {"M": 1.0})
    one.wait(6)
    assert (one.bank.online.online, one.bank.online.devices) == (1, 3), "also the one with one signal"


def test_too_few_devices_online():
    one = plant(online_below=50.0)
    one.at(4, {"M": 1.0, "F": 1.0})
    assert devices(one.wait(6)) == [("plc/1/deadman", "begins", 5)]
    assert devices(one.wait(9)) == [("line/meter/deadman", "begins", 9), ("depot/online", "begins", 9)]
    assert one.trace() == ["depot: 0 of 3 devices give data; silent: plc/1, line/meter, broker/fan"]
    assert devices(one.at(10, {"F": 1.0})) == []
    assert devices(one.at(11, {"N": 1.0})) == [("line/meter/deadman", "ends", 11), ("depot/online", "ends", 11)]


def test_without_a_bound_the_share_raises_nothing():
    one = plant()
    assert "depot/online" not in one.site.alarms
    one.wait(100)
    assert one.bank.online.ratio == 0.0


def test_a_restart_keeps_what_is_silent():
    one = plant(online_below=50.0)
    one.wait(6)
    again = one.after_restart()
    again.bank.begin(instant(20))
    assert again.bank.online == one.bank.online
    assert devices(again.at(21, {"A": 1.0, "F": 1.0})) == [("plc/1/deadman", "ends", 21), ("depot/online", "ends", 21)]


def test_lost_state_is_ended_by_the_first_good_sample():
    built = plant().site
    one = Plant(built)
    one.bank.adopt(["plc/1/deadman"])
    assert devices(one.at(1, {"B": 1.0})) == [("plc/1/deadman", "ends", 1)]

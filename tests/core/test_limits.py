"""Limits: when they begin, when they end, and what may never end them."""

from __future__ import annotations

import pytest

from gateway.model.alarm import Priority
from gateway.model.frame import Frame
from gateway.model.quality import Quality
from tests.core.plant import Plant, gas, instant, limit, signal, site


def test_high_begins_at_the_set_point_and_ends_when_back_by_the_deadband():
    plant = Plant(site(signal("T", limit("H", 20.0, deadband=2.0))))
    assert plant.at(1, {"T": 19.9}) == []
    assert plant.at(2, {"T": 20.0}) == [("T/H", "begins", 2)]
    assert plant.at(3, {"T": 18.1}) == []
    assert plant.at(4, {"T": 18.0}) == [("T/H", "ends", 4)]


def test_low_mirrors_high():
    plant = Plant(site(signal("P", limit("L", 5.0, deadband=1.0), limit("LL", 2.0))))
    assert plant.at(1, {"P": 5.0}) == [("P/L", "begins", 1)]
    assert plant.at(2, {"P": 1.9}) == [("P/LL", "begins", 2)]
    assert plant.at(3, {"P": 5.9}) == [("P/LL", "ends", 3)]
    assert plant.at(4, {"P": 6.0}) == [("P/L", "ends", 4)]


def test_the_edge_carries_what_was_read():
    plant = Plant(site(signal("P", limit("L", 5.0, on_delay_s=3))))
    plant.at(1, {"P": 4.5})
    assert plant.wait(10) == [("P/L", "begins", 4)]
    assert next(iter(plant.verdicts)).value == 4.5


def test_an_excursion_shorter_than_the_on_delay_is_not_announced():
    plant = Plant(site(signal("T", limit("H", 20.0, on_delay_s=5.0, deadband=1.0))))
    plant.at(1, {"T": 25})
    assert plant.at(5, {"T": 18}) == []
    assert plant.wait(60) == []


def test_the_on_delay_runs_on_while_nothing_comes_and_its_edge_is_the_deadline():
    plant = Plant(site(signal("T", limit("H", 20.0, on_delay_s=5.0))))
    plant.at(1, {"T": 25})
    assert plant.bank.next_deadline_ns == 6_000_000_000
    assert plant.wait(5.9) == []
    assert plant.wait(9) == [("T/H", "begins", 6)]
    assert plant.wait(1000) == [], "time alone ends nothing"


def test_a_sample_after_the_deadline_comes_after_it():
    plant = Plant(site(signal("T", limit("H", 20.0, on_delay_s=5.0))))
    plant.at(1, {"T": 25})
    assert plant.at(9, {"T": 10}) == [("T/H", "begins", 6), ("T/H", "ends", 9)]


def test_the_off_delay_wants_good_evidence_without_a_break():
    plant = Plant(site(signal("T", limit("H", 20.0, deadband=2.0, off_delay_s=10.0))))
    plant.at(0, {"T": 25})
    plant.at(1, {"T": 15})
    plant.at(8, {"T": 19})  # above the deadband: not back
    plant.at(9, {"T": 15})
    plant.at(15, {"T": 15}, Quality.BAD_COMM_LOST)
    assert plant.at(20, {"T": 15}) == [], "the bad sample started it anew"
    assert plant.at(29, {"T": 15}) == []
    assert plant.wait(100) == []
    assert plant.at(101, {"T": 15}) == [("T/H", "ends", 101)]


def test_delays_that_ran_out_unwatched_start_again():
    plant = Plant(site(signal("T", limit("H", 20.0, off_delay_s=10.0)), signal("U", limit("H", 20.0, on_delay_s=10.0))))
    plant.at(0, {"T": 25})
    plant.at(1, {"T": 15, "U": 25})
    plant = plant.after_restart()
    plant.bank.begin(instant(3600))
    assert plant.at(3601, {"T": 15}) == []
    assert plant.wait(3609) == []
    assert plant.at(3611, {"T": 15}) == [("U/H", "begins", 3610), ("T/H", "ends", 3611)]


@pytest.mark.parametrize("quality", [q for q in Quality if q >= Quality.BAD])
def test_a_bad_value_neither_begins_nor_ends(quality):
    plant = Plant(site(signal("T", limit("H", 20.0))))
    assert plant.at(1, {"T": 99}, quality) == []
    plant.at(2, {"T": 25})
    assert plant.at(3, {"T": 1}, quality) == []
    assert plant.standing() == {"T/H"}


@pytest.mark.parametrize("quality", [q for q in Quality if Quality.UNCERTAIN <= q < Quality.BAD])
def test_an_uncertain_value_may_begin_and_never_ends(quality):
    plant = Plant(site(signal("T", limit("H", 20.0))))
    assert plant.at(1, {"T": 25}, quality) == [("T/H", "begins", 1)]
    assert plant.at(2, {"T": 1}, quality) == []
    assert plant.at(3, {"T": 1}) == [("T/H", "ends", 3)]


def test_a_stale_value_starts_the_on_delay_and_time_completes_it():
    plant = Plant(site(signal("T", limit("H", 20.0, on_delay_s=5))))
    plant.at(1, {"T": 25}, Quality.UNCERTAIN_STALE)
    assert plant.at(3, {"T": 1}, Quality.UNCERTAIN_STALE) == []
    assert plant.wait(7) == [("T/H", "begins", 6)]


def test_several_samples_of_one_signal_in_one_frame_are_all_seen():
    plant = Plant(site(signal("T", limit("H", 20.0)), signal("U", limit("H", 20.0))))
    edges = [(edge.alarm, edge.active, edge.line_ns) for edge in plant.bank.step(
        Frame.of([0, 1, 0, 0], [25, 1, 30, 10], instant(1)))]
    assert edges == [(0, True, 1_000_000_000), (0, False, 1_000_000_001)], "two edges, and the later one is later"


def test_a_sample_older_than_the_newest_is_not_evaluated():
    plant = Plant(site(signal("T", limit("H", 20.0)), signal("U", limit("H", 20.0))))
    plant.at(5, {"T": 25})
    assert plant.at(4, {"T": 1, "U": 30}) == [("U/H", "begins", 4)]
    assert plant.bank.late_samples == 1
    assert plant.bank.latest.value[0] == 25


def test_over_range_gas_is_danger_and_holds():
    plant = Plant(site(gas("GD", limit("H", 20.0), limit("HH", 40.0, off_delay_s=5.0, latch=True))))
    plant.at(1, {"GD": 3})
    assert {alarm for alarm, what, _ in plant.at(2, {"GD": 104.0}) if what == "begins"} == {
        "GD/H", "GD/HH", "GD/invalid", "tank_farm/blind"}
    assert plant.bank.latest.quality[0] == Quality.BAD_RANGE
    plant.at(3, {"GD": 50.0})  # falling again: too rich to burn in the head
    assert plant.standing() == {"GD/H", "GD/HH"}
    plant.at(4, {"GD": 5.0})
    assert plant.standing() == {"GD/HH"}, "the hold of level 2 is its off-delay and latch"


@pytest.mark.parametrize("limits", [(limit("H", 20.0),), (limit("H", 20.0), limit("HH", 40.0)), ()])
def test_over_range_gas_without_a_latching_level_2_has_an_alarm_that_waits_for_a_person(limits):
    depot = site(gas("GD", *limits))
    plant = Plant(depot)
    plant.at(1, {"GD": 3})
    assert ("GD/over-range", "begins", 2) in plant.at(2, {"GD": 104.0})
    assert plant.at(2.5, {"GD": float("nan")}, Quality.BAD_COMM_LOST) == []
    assert ("GD/over-range", "ends", 3) in plant.at(3, {"GD": 5.0}), "the condition; the alarm latches"
    alarm = depot.alarms.get("GD/over-range")
    assert alarm.latch and alarm.priority == Priority.P1 and alarm.limit == 100.0

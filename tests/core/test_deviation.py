"""Deviation limits: from a set point, from another signal, from the median of the peers."""

from __future__ import annotations

import pytest

from gateway.model.quality import Quality
from gateway.model.signal import Reference
from tests.core.plant import Plant, instant, limit, signal, site

NOT_GOOD = [q for q in Quality if q >= Quality.UNCERTAIN]


def dev(condition, value, *signals, fixed=None, **settings):
    return limit(condition, value, reference=Reference(fixed, signals), **settings)


def pair(**settings):
    return Plant(site(signal("T", dev("DEV+", 5.0, "SP", **settings), dev("DEV-", 4.0, "SP", **settings)),
                      signal("SP", deadman_s=10.0)))


def test_too_far_from_a_set_point_in_either_direction():
    plant = Plant(site(signal("T", dev("DEV+", 5.0, fixed=20.0, deadband=1.0), dev("DEV-", 4.0, fixed=20.0))))
    assert plant.at(1, {"T": 24.9}) == []
    assert plant.at(2, {"T": 25.0}) == [("T/DEV+", "begins", 2)]
    assert plant.trace() == ["T: 5.0 u above its reference of 20.0 u"]
    assert plant.at(3, {"T": 24.1}) == []
    assert plant.at(4, {"T": 24.0}) == [("T/DEV+", "ends", 4)]
    assert plant.at(5, {"T": 16.0}) == [("T/DEV-", "begins", 5)]
    assert next(iter(plant.verdicts)).value == -4.0, "signed, as with a falling rate"


def test_it_is_compared_whenever_one_of_the_two_comes():
    plant = pair()
    assert plant.at(1, {"T": 30.0}) == [], "nothing to compare with yet"
    assert plant.at(2, {"SP": 25.0}) == [("T/DEV+", "begins", 2)]
    assert plant.at(3, {"SP": 29.0}) == [("T/DEV+", "ends", 3)]
    assert plant.at(4, {"T": 25.0}) == [("T/DEV-", "begins", 4)]
    assert plant.trace() == ["T: 4.0 u below its reference of 29.0 u", "SP: compared with"]
    assert [line.note["zh"] for line in next(iter(plant.verdicts)).evidence] == [
        "低于参考值 29.0 u，相差 4.0 u", "用于比较"]


def test_two_that_move_together_in_one_instant_do_not_deviate():
    plant = pair()
    plant.at(1, {"T": 20.0, "SP": 20.0})
    assert plant.at(2, {"SP": 40.0, "T": 40.0}) == []


@pytest.mark.parametrize("quality", NOT_GOOD)
def test_a_reference_that_is_not_good_begins_nothing_and_ends_nothing(quality):
    plant = pair()
    plant.at(1, {"T": 30.0})
    assert plant.at(2, {"SP": 20.0}, quality) == []
    assert plant.at(3, {"SP": 20.0}) == [("T/DEV+", "begins", 3)]
    assert plant.at(4, {"SP": 30.0}, quality) == []
    assert plant.at(5, {"T": 20.0}) == [], "compared with nothing"
    assert plant.at(6, {"SP": 20.0}) == [("T/DEV+", "ends", 6)]


def test_a_reference_older_than_its_deadman_is_none():
    plant = pair()
    plant.at(1, {"SP": 20.0})
    assert plant.at(10.9, {"T": 20.0}) == []
    assert ("SP/deadman", "begins", 11) in plant.at(11, {"T": 99.0})
    assert plant.standing() == {"SP/deadman"}
    assert plant.at(12, {"SP": 20.0}) == [("T/DEV+", "begins", 12), ("SP/deadman", "ends", 12)]


def test_a_value_that_is_not_good_may_begin_and_never_ends():
    plant = pair()
    plant.at(1, {"SP": 20.0})
    assert plant.at(2, {"T": 30.0}, Quality.UNCERTAIN_STALE) == [("T/DEV+", "begins", 2)]
    assert plant.at(3, {"T": 20.0}, Quality.UNCERTAIN_STALE) == []
    assert plant.at(4, {"SP": 20.0}) == [], "a good reference does not make the value good"
    assert plant.at(5, {"T": 20.0}) == [("T/DEV+", "ends", 5)]


def test_the_on_delay_gives_the_process_time_to_follow_its_set_point():
    plant = pair(on_delay_s=30.0)
    plant.at(0, {"T": 20.0, "SP": 20.0})
    plant.at(1, {"SP": 40.0})
    assert plant.at(20, {"T": 38.0, "SP": 40.0}) == [("SP/deadman", "begins", 11), ("SP/deadman", "ends", 20)]
    plant.at(25, {"SP": 60.0, "T": 38.0})
    assert ("T/DEV-", "begins", 55) in plant.wait(60)


def bearings():
    peers = [signal(f"B{n}", deadman_s=10.0) for n in range(1, 5)]
    return Plant(site(signal("B0", dev("DEV+", 10.0, "B1", "B2", "B3", "B4")), *peers))


def test_one_wild_peer_does_not_move_the_median():
    plant = bearings()
    assert plant.at(1, {"B0": 55.0, "B1": 50.0, "B2": 51.0, "B3": -200.0, "B4": 52.0}) == []
    assert plant.at(2, {"B0": 60.5}) == [("B0/DEV+", "begins", 2)]
    assert plant.trace()[0] == "B0: 10.0 u above its reference of 50.5 u"


def test_more_than_half_of_the_peers_must_be_good():
    plant = bearings()
    plant.at(1, {"B1": 50.0, "B2": 51.0, "B3": 49.0})
    plant.at(1, {"B4": 0.0}, Quality.BAD_SENSOR)
    assert plant.at(2, {"B0": 60.0}) == [("B0/DEV+", "begins", 2)]
    assert plant.trace()[-1] == "B4: no good data: not compared with"
    plant.at(3, {"B3": 49.0}, Quality.BAD_SENSOR)
    assert plant.at(4, {"B0": 50.0}) == [], "two of four are no majority"
    assert plant.at(5, {"B3": 49.0}) == [("B0/DEV+", "ends", 5)]


def test_a_restart_changes_nothing():
    plant = pair(on_delay_s=5.0)
    plant.at(1, {"T": 30.0, "SP": 20.0})
    plant = plant.after_restart()
    plant.bank.begin(instant(3))
    assert plant.wait(7) == [("T/DEV+", "begins", 6)]
    assert plant.after_restart().at(8, {"T": 20.0}) == [("T/DEV+", "ends", 8)]

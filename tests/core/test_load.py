"""Stopped, in maintenance, running: by what a machine draws, and what rules make of it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gateway.model.expression import Expression
from gateway.model.learnt import LoadState
from gateway.model.quality import Quality
from gateway.model.rules import Interlock, Side, Test
from gateway.model.text import Text
from tests.core.plant import Plant, signal, site

SET = LoadState("P", levels=(3.0, 83.0))
LEARNT = LoadState("P", every_s=60.0, learn_s=3600.0)


def mill(state: LoadState, *more, rules=()) -> Plant:
    return Plant(site(signal("P", deadman_s=30.0), signal("M", derived=state, deadman_s=30.0), *more, rules=rules))


def reads(plant: Plant) -> tuple[float, int]:
    """The state as it is known now: value and quality."""
    number = plant.site.signals.index("M")
    return float(plant.bank.latest.value[number]), int(plant.bank.latest.quality[number])


def work(plant: Plant, start: int, seconds: int, low: float, high: float) -> None:
    """A sample each 10 s: ten minutes low, then ten minutes high."""
    for second in range(start, start + seconds, 10):
        plant.at(second, {"P": (low if second // 600 % 2 else high) + 0.1 * (second // 10 % 3)})


@pytest.mark.parametrize(("load", "state"), [(-1.0, 0), (3.0, 0), (15.0, 0), (16.0, 1), (34.0, 1), (35.0, 2),
                                             (200.0, 2)])
def test_the_bands_of_given_levels(load, state):
    plant = mill(SET)
    plant.at(1, {"P": load})
    assert reads(plant) == (state, Quality.GOOD)


def test_a_state_is_left_later_than_it_is_entered():
    plant, seen = mill(SET), []
    for second, load in enumerate([3, 16, 20, 34, 36, 32, 30, 16, 14, 18], 1):
        plant.at(second, {"P": float(load)})
        seen.append(reads(plant)[0])
    assert seen == [0, 0, 1, 1, 2, 2, 1, 1, 0, 0]


def test_what_is_not_good_is_passed_on_and_not_remembered():
    plant = mill(SET)
    plant.at(1, {"P": 36.0})
    plant.at(2, {"P": 3.0}, Quality.UNCERTAIN)
    assert reads(plant) == (0.0, Quality.UNCERTAIN)
    plant.at(3, {"P": 32.0})
    assert reads(plant) == (2.0, Quality.GOOD), "it had been running, by all good evidence"
    plant.at(4, {"P": 3.0}, Quality.BAD_SENSOR)
    assert math.isnan(reads(plant)[0]) and reads(plant)[1] == Quality.BAD_SENSOR


def test_no_state_is_known_before_the_load_was_seen_both_idle_and_full():
    plant = mill(LEARNT)
    work(plant, 0, 3000, 3.0, 80.0)
    assert reads(plant)[1] == Quality.BAD_WAITING
    work(plant, 3000, 1200, 3.0, 80.0)
    assert reads(plant) == (2.0, Quality.GOOD)


@pytest.mark.parametrize(("low", "high"), [(80.0, 83.0), (3.0, 3.4)], ids=["never stopped", "never ran"])
def test_a_machine_that_was_always_the_same_has_no_state(low, high):
    plant = mill(LEARNT)
    work(plant, 0, 9000, low, high)
    assert reads(plant)[1] == Quality.BAD_WAITING
    assert plant.bank.learning.lessons().progress[0] == 0.99
    assert "M/deadman" in plant.standing(), "a state that is not known is announced"


def test_learnt_levels_survive_a_long_stop_and_a_restart():
    plant = mill(LEARNT)
    work(plant, 0, 86400, 3.0, 80.0)
    for second in range(86400, 10 * 86400, 600):
        plant.at(second, {"P": 3.0})
    again = plant.after_restart()
    again.at(864100, {"P": 60.0})
    assert reads(again) == (2.0, Quality.GOOD)


STOP_ORDER = Interlock("stop-order", Text.same("stop-order"), "tank_farm", Side((Test.parse("M >= 2"),)),
                       Side((Test.parse("STATUS == 1"),)), on_delay_s=60.0)


def test_a_stop_order_is_violated_by_a_load_that_runs():
    plant = mill(SET, signal("STATUS", deadman_s=600.0), rules=[STOP_ORDER])
    plant.at(1, {"STATUS": 1.0, "P": 60.0})
    plant.at(10, {"STATUS": 0.0})
    assert [told for second in range(20, 100, 10) for told in plant.at(second, {"P": 60.0, "STATUS": 0.0})] == [
        ("stop-order", "begins", 70.0)]
    told = [told for second in range(100, 130, 10) for told in plant.at(second, {"P": 3.0, "STATUS": 0.0})]
    assert told == [("stop-order", "ends", 110.0)]


def test_a_status_that_is_lost_hides_no_violation():
    plant = mill(SET, signal("STATUS", deadman_s=20.0), rules=[STOP_ORDER])
    plant.at(1, {"STATUS": 1.0, "P": 60.0})
    told = [told[:2] for second in range(10, 200, 10) for told in plant.at(second, {"P": 60.0})]
    assert told == [("STATUS/deadman", "begins"), ("stop-order", "begins")]


def test_a_load_of_several_meters_has_a_state_too():
    meters = [signal(name, deadman_s=30.0) for name in ("A", "B")]
    total = signal("P", derived=Expression.parse("[A] + [B]"))
    plant = Plant(site(*meters, total, signal("M", derived=SET)))
    plant.at(1, {"A": 30.0, "B": 30.0})
    assert reads(plant) == (2.0, Quality.GOOD)


def test_levels_can_be_looked_at_and_forgotten():
    plant = mill(LEARNT)
    work(plant, 0, 7200, 3.0, 80.0)
    (picture,) = plant.bank.learning.pictures(0)
    assert picture.progress == 1.0 and picture.figures[0].value < 10 < 60 < picture.figures[1].value
    plant.bank.learning.reset(np.array([0]), 0)
    plant.at(7300, {"P": 60.0})
    assert reads(plant)[1] == Quality.BAD_WAITING


@pytest.mark.parametrize("wrong", [{"levels": (5.0, 5.0)}, {"stopped": 0.5}, {"band": 0.2}])
def test_levels_and_bands_that_can_not_be_meant_are_refused(wrong):
    with pytest.raises(ValueError, match=r"level|overlap"):
        LoadState("P", **wrong)

"""Unusual behaviour: learnt from means, said once, in words, and never as danger."""

from __future__ import annotations

import re

import numpy as np
import pytest

from gateway.model.alarm import Priority, Risk
from gateway.model.learnt import Baseline
from gateway.model.quality import Quality
from tests.core.plant import Plant, signal, site

QUICK = Baseline(every_s=10.0, learn_s=3000.0, hold_s=600.0)


def follow(plant: Plant, values, start: float, quality: Quality = Quality.GOOD) -> list:
    """A value every 5 s; what begins and ends."""
    return [told for place, value in enumerate(values)
            for told in plant.at(start + 5 * place, {"S": float(value)}, quality)]


@pytest.fixture
def plant() -> Plant:
    """One signal that has been at 20 +- 0.3 for 6,000 s, more than it needed to learn."""
    plant = Plant(site(signal("S", baseline=QUICK)))
    assert follow(plant, np.random.default_rng(1).uniform(19.7, 20.3, 1200), 0) == []
    return plant


def test_a_jump_is_said_once_with_the_first_whole_mean_and_ends_when_it_is_usual(plant):
    told = follow(plant, np.random.default_rng(2).uniform(23.7, 24.3, 4000), 6000)
    assert told[0] == ("S/anomaly", "begins", 6010.0)
    assert [edge for _, edge, _ in told[:2]] == ["begins", "ends"]
    assert told[1][2] - told[0][2] >= QUICK.hold_s


def test_the_evidence_names_scale_and_size_in_both_languages(plant):
    follow(plant, [24.0, 24.0, 24.0], 6000)
    edge = next(edge for edge in plant.verdicts if edge.active)
    (line,) = edge.evidence
    assert (line.signal, line.value, edge.value) == ("S", 24.0, 24.0)
    assert re.match(r"beyond every value seen so far, over 10 s \(\d+\.\d times the bound of the usual\); ",
                    line.note.en)
    assert "away from the usual level, over 10 s" in line.note.en
    assert "10 秒均值超出以往出现过的范围（为正常界限的" in line.note.zh


@pytest.mark.parametrize("quality", [Quality.UNCERTAIN, Quality.UNCERTAIN_STALE, Quality.BAD_SENSOR])
def test_what_is_not_good_is_neither_judged_nor_learnt(plant, quality):
    before = plant.bank.snapshot()
    assert follow(plant, [90.0] * 50, 6000, quality) == []
    told = follow(plant, [20.0] * 50, 6300)
    assert told == []
    assert before != plant.bank.snapshot(), "the good ones were learnt"


def test_nothing_is_said_while_learning():
    plant = Plant(site(signal("S", baseline=QUICK)))
    assert follow(plant, [20.0, 21.0] * 200 + [500.0] * 100, 0) == []


def test_a_restart_forgets_nothing(plant):
    again = plant.after_restart()
    assert follow(again, [24.0] * 4, 6000)[0] == ("S/anomaly", "begins", 6010.0)


def test_an_alarm_of_which_the_bank_knows_nothing_ends_with_a_usual_mean(plant):
    plant.bank.adopt(["S/anomaly"])
    assert follow(plant, [20.0] * 4, 6000) == [("S/anomaly", "ends", 6000.0)]


def test_it_is_never_above_yellow_nor_urgent():
    definition = site(signal("S", baseline=QUICK)).alarms[0]
    assert (definition.priority, definition.risk) == (Priority.P4, Risk.BLUE)
    assert definition.group == "", "it takes the first-out of its area from no real alarm"
    for wrong in ({"risk": Risk.ORANGE}, {"risk": Risk.RED}, {"priority": Priority.P2}):
        with pytest.raises(ValueError, match="never above yellow"):
            Baseline(**wrong)

"""What may be learnt and what not, and what a person does about it: learning, freezing, forgetting, bypassing."""

from __future__ import annotations

import numpy as np
import pytest

from gateway.core.learning import STATISTICAL, LearningState
from gateway.model.clock import NS
from gateway.model.condition import Condition
from gateway.model.learnt import Baseline
from gateway.model.quality import Quality
from tests.core.plant import Plant, limit, signal, site

QUICK = Baseline(every_s=10.0, learn_s=3000.0, hold_s=600.0)
S = np.array([0])
NOISE = np.random.default_rng(1).uniform(19.7, 20.3, 1200)


def follow(plant: Plant, values, start: float, quality: Quality = Quality.GOOD) -> list:
    """A value every 5 s; what begins and ends."""
    return [told for place, value in enumerate(values)
            for told in plant.at(start + 5 * place, {"S": float(value)}, quality)]


def learnt(plant: Plant) -> dict[str, float]:
    (picture,) = plant.bank.learning.pictures(0)
    return {figure.name.en: figure.value for figure in picture.figures}


@pytest.fixture
def plant() -> Plant:
    """One signal with a limit that has been at 20 +- 0.3 for 6,000 s, more than it needed to learn."""
    plant = Plant(site(signal("S", limit("H", 50), deadman_s=30.0, baseline=QUICK)))
    assert follow(plant, NOISE, 0) == []
    return plant


def ns(second: float) -> int:
    return round(second * NS)


def state(plant: Plant) -> LearningState | None:
    return plant.bank.learning.lessons().state(0)


def test_learning_is_seen_to_go_on_and_to_be_over():
    plant = Plant(site(signal("S", baseline=QUICK), signal("T")))
    lessons = plant.bank.learning.lessons()
    assert (lessons.progress[0], np.isnan(lessons.progress[1]), lessons.state(1)) == (0.0, True, None)
    follow(plant, NOISE[:302], 0)  # 150 whole means of the 300 that it needs
    assert plant.bank.learning.lessons().progress[0] == 0.5 and state(plant) is LearningState.LEARNING
    follow(plant, NOISE[302:602], 1510)
    assert state(plant) is LearningState.LEARNT


def test_a_limit_that_stands_is_not_learnt(plant):
    before = learnt(plant)
    told = follow(plant, [60.0] * 400, 6000)
    assert ("S/H", "begins", 6000.0) in told
    after = learnt(plant)
    assert after["means learnt"] == before["means learnt"], "the mean before the alarm is suspect, those in it are held"
    assert after == before
    assert follow(plant, NOISE[:200], 8000)[0] == ("S/H", "ends", 8000.0)
    assert learnt(plant)["means learnt"] > before["means learnt"], "learning goes on by itself"
    assert learnt(plant)["highest"] < 21.0


def test_the_same_hump_below_the_limit_does_become_usual(plant):
    follow(plant, [45.0] * 400, 6000)
    assert learnt(plant)["highest"] > 40.0, "its own alarm does not hold it, or a false one would hold for ever"


@pytest.mark.parametrize("quality", [Quality.UNCERTAIN, Quality.UNCERTAIN_STALE, Quality.BAD_SENSOR])
def test_bad_quality_is_not_learnt(plant, quality):
    before = learnt(plant)
    follow(plant, [45.0] * 400, 6000, quality)
    assert learnt(plant) == before


def test_the_time_around_a_silence_is_not_learnt(plant):
    before = learnt(plant)
    plant.wait(6100)
    assert plant.standing() == {"S/deadman"}
    plant.at(6200, {"S": 20.0})
    assert learnt(plant) == before, "the last mean before the silence is dropped too"


def test_frozen_is_judged_and_not_learnt_and_survives_a_restart(plant):
    before = learnt(plant)
    plant.bank.learning.freeze(S)
    assert state(plant) is LearningState.FROZEN
    again = plant.after_restart()
    assert state(again) is LearningState.FROZEN
    told = follow(again, [24.0] * 4000, 6000)
    assert told == [("S/anomaly", "begins", 6010.0)], "what lasts does not become usual"
    assert learnt(again) == before
    again.bank.learning.thaw(S, ns(26000))
    assert ("S/anomaly", "ends") in [told[:2] for told in follow(again, [24.0] * 4000, 26000)]


def test_the_span_in_which_it_was_thawed_is_not_learnt(plant):
    plant.bank.learning.freeze(S)
    before = learnt(plant)
    follow(plant, [20.0, 20.0], 6000)
    plant.bank.learning.thaw(S, ns(6009))
    follow(plant, [20.0, 20.0], 6010)
    assert learnt(plant) == before
    follow(plant, [20.0], 6020)
    assert learnt(plant)["means learnt"] == before["means learnt"] + 1


def test_bypassed_time_is_not_learnt(plant):
    before = learnt(plant)
    plant.bank.learning.holds.bypass(S, ns(6000))
    follow(plant, [30.0] * 100, 6000)
    assert learnt(plant) == before
    plant.bank.learning.holds.bypass(S[:0], ns(6500))
    follow(plant, [20.0] * 5, 6500)
    assert learnt(plant)["means learnt"] == before["means learnt"] + 1


def test_reset_learns_anew_and_says_nothing_meanwhile(plant):
    plant.bank.learning.freeze(S)
    plant.bank.learning.reset(S, ns(6000))
    assert state(plant) is LearningState.LEARNING and np.isnan(learnt(plant)["usual level"])
    assert follow(plant, [24.0, 23.8] * 290, 6000) == []
    assert learnt(plant)["usual level"] == pytest.approx(23.9)


def test_a_reset_while_its_alarm_stands_leaves_it_to_the_next_evidence_to_end_it(plant):
    assert follow(plant, [24.0] * 4, 6000)[0][1] == "begins"
    plant.bank.learning.reset(S, ns(6020))
    assert plant.standing() == {"S/anomaly"}
    assert follow(plant, [24.0] * 4, 6020) == [("S/anomaly", "ends", 6030.0)]


def test_after_a_restart_a_standing_limit_still_holds(plant):
    follow(plant, [60.0] * 4, 6000)
    again, before = plant.after_restart(), learnt(plant)
    follow(again, [60.0] * 100, 6020)
    assert learnt(again) == before


def test_what_is_learnt_never_holds_learning():
    """Else two learners could hold each other for ever."""
    plant = Plant(site(signal("S", limit("H", 50), baseline=QUICK)))
    follow(plant, NOISE, 0)
    follow(plant, [30.0] * 4, 6000)
    assert plant.standing() == {"S/anomaly"} and not plant.bank.learning.lessons().held[0]
    assert {Condition.ANOMALY, Condition.TREND} <= STATISTICAL
    assert not STATISTICAL & {Condition.HIGH_HIGH, Condition.STUCK, Condition.INVALID, Condition.INHIBIT}


def test_a_signal_that_is_new_in_the_site_begins_to_learn_and_the_others_go_on(plant):
    wider = site(signal("N", baseline=QUICK), signal("S", limit("H", 50), deadman_s=30.0, baseline=QUICK))
    lessons = plant.after_restart(wider).bank.learning.lessons()
    assert [lessons.state(0), lessons.state(1)] == [LearningState.LEARNING, LearningState.LEARNT]

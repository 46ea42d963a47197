"""What a load takes of another: learnt while that one runs, and said when it drifts."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gateway.model.alarm import Risk
from gateway.model.learnt import Share
from gateway.model.quality import Quality
from tests.core.plant import Plant, signal, site

SHARE = Share("MAIN", every_s=60.0, learn_s=3600.0)


class Works:
    """A plant that runs for ten minutes and rests for ten; the fan takes a share of what it draws."""

    def __init__(self):
        self.plant = Plant(site(signal("FAN", share=SHARE), signal("MAIN")))
        self.now = 0

    def run(self, minutes: int, share: float, quality: Quality = Quality.GOOD, rest: float = 0.5) -> list:
        """rest: the share while the plant rests."""
        told = []
        for second in range(self.now, self.now + 60 * minutes, 10):
            works = second // 600 % 2 == 0
            main = (80.0 if works else 3.0) + 2 * math.sin(second)
            fan = main * (share if works else rest) * (1 + 0.02 * math.sin(second * 0.7))
            told += self.plant.at(second + 1, {"FAN": fan, "MAIN": main}, quality)
        self.now += 60 * minutes
        return told


@pytest.fixture
def works() -> Works:
    works = Works()
    assert works.run(200, 0.1) == []
    return works


def test_a_share_that_stays_is_no_news_whatever_it_is_while_nothing_runs(works):
    assert works.run(200, 0.1, rest=3.0) == []


@pytest.mark.parametrize("share", [0.06, 0.15])
def test_a_drift_is_said_with_the_first_whole_pair_and_ends_when_it_is_back(works, share):
    assert works.run(20, share) == [("FAN/load", "begins", 12061.0)]
    assert works.run(20, 0.1) == [("FAN/load", "ends", 13261.0)]


def test_a_small_drift_is_none(works):
    assert works.run(60, 0.08) == []


def test_the_evidence_has_both_loads_and_the_numbers(works):
    works.run(2, 0.05)
    takes, of = works.plant.verdicts.evidence[0]
    assert (takes.signal, of.signal) == ("FAN", "MAIN")
    assert takes.note.en.startswith("takes 5.0 % of MAIN; usual is 10.0 %, give or take 0.")
    assert takes.note.zh.startswith("占 MAIN 的 5.0%；平常为 10.0%，平均波动 0.")


def test_nothing_is_said_while_learning():
    works = Works()
    assert works.run(20, 0.1) + works.run(20, 0.3) == []


def test_a_rest_ends_nothing(works):
    works.run(10, 0.05)
    assert works.run(10, 0.1) == [], "ten minutes of rest: no ratio"
    assert works.plant.standing() == {"FAN/load"}


@pytest.mark.parametrize("quality", [Quality.UNCERTAIN, Quality.BAD_SENSOR])
def test_what_is_not_good_is_neither_judged_nor_learnt(works, quality):
    before = works.plant.bank.learning.pictures(0)
    assert works.run(40, 0.5, quality) == []
    assert works.plant.bank.learning.pictures(0) == before


def test_a_restart_forgets_nothing(works):
    works.plant = works.plant.after_restart()
    assert works.run(10, 0.05) == [("FAN/load", "begins", 12061.0)]


def test_what_was_learnt_can_be_looked_at_and_forgotten(works):
    (picture,) = works.plant.bank.learning.pictures(0)
    assert picture.progress == 1.0 and picture.figures[0].value == pytest.approx(10.0, abs=0.2)
    works.plant.bank.learning.reset(np.array([0]), 0)
    assert works.run(20, 0.3) == []


def test_it_is_never_above_yellow():
    with pytest.raises(ValueError, match="never above yellow"):
        Share("MAIN", risk=Risk.ORANGE)

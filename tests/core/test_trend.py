"""Trend: at this pace the limit will be reached, and by when."""

from __future__ import annotations

import doctest
import re

import numpy as np
import pytest

from gateway.core.detectors import trend
from gateway.core.detectors.trend import forecast
from gateway.model.condition import Condition
from gateway.model.quality import Quality
from gateway.model.signal import Trend
from tests.core.plant import Plant, gas, limit, signal, site

H = Condition.HIGH


def watched(to: Condition = H, value: float = 20.0, *more, horizon_s: float = 600.0, **settings) -> Plant:
    """One signal with a window of 5 min: a point every 25 s."""
    return Plant(site(signal("S", limit(to, value), *more, trend=Trend(to, horizon_s, 300.0), **settings)))


def follow(plant: Plant, values, start: float = 0.0, quality: Quality = Quality.GOOD) -> list:
    """A value each second; what begins and ends."""
    return [told for second, value in enumerate(values, int(start))
            for told in plant.at(second, {"S": float(value)}, quality)]


def noise(seconds: int, sigma: float, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.0, sigma, seconds)


def leak(per_second: float, onset: int = 600, until: int = 1800) -> np.ndarray:
    return np.maximum(np.arange(until) - onset, 0) * per_second


def test_a_leak_is_announced_before_the_limit():
    plant = watched()
    (alarm, edge, at), *later = follow(plant, leak(0.02) + noise(1800, 0.3))
    assert (alarm, edge) == ("S/trend", "begins")
    assert later[0][:2] == ("S/H", "begins")
    assert later[0][2] - at > 300


def test_the_forecast_is_told_in_both_languages_and_is_right():
    plant, rise = watched(), leak(0.02)
    begun = next(second for second, value in enumerate(rise) if plant.at(second, {"S": value}))
    evidence = list(plant.verdicts)[-1].evidence[0]
    assert (evidence.signal, evidence.value) == ("S", pytest.approx(rise[begun]))
    first, last = map(int, re.search(r"reaches H = 20 u in (\d+)-(\d+) min", evidence.note.en).groups())
    assert first * 60 <= 1600 - begun <= last * 60, "without noise H comes at second 1600"
    assert f"将在 {first}-{last} 分钟后达到 H = 20 u" in evidence.note.zh


def test_noise_at_the_limit_is_no_trend():
    assert follow(watched(value=4.0), noise(7200, 1.0)) == []


def test_a_head_that_reads_in_whole_steps_at_rest_is_no_trend():
    assert follow(watched(value=4.0), np.maximum(np.round(0.3 + noise(7200, 0.6)), 0)) == []


def test_a_step_is_no_trend():
    values = np.where(np.arange(3600) > 1800, 15.0, 0.0) + noise(3600, 0.3)
    assert follow(watched(), values) == []


def test_a_wild_sample_now_and_then_neither_makes_a_trend_nor_hides_one():
    wild = np.zeros(1800)
    wild[[200, 410, 640]] = 80.0
    told = follow(watched(), wild)
    assert {alarm for alarm, *_ in told} == {"S/H"}, "the limit speaks of them"
    told = follow(watched(value=90.0), leak(0.09) + wild)
    assert "S/trend" in {alarm for alarm, *_ in told}


def test_a_rise_that_takes_longer_than_the_horizon_is_not_announced_yet():
    told = follow(watched(value=20.0), leak(0.005, until=2400))
    assert told == [], "at second 2400 it is at 9, the limit 2200 s away"


def test_a_tank_that_runs_empty():
    (alarm, edge, _), *_ = follow(watched(Condition.LOW, 2.0), 12.0 - leak(0.01))
    assert (alarm, edge) == ("S/trend", "begins")


def test_it_ends_when_the_rise_has_stopped_and_does_not_chatter():
    told = follow(watched(), np.minimum(leak(0.02, until=5400), 14.0) + noise(5400, 0.3))
    assert [edge for _, edge, _ in told] == ["begins", "ends"]


def test_it_stands_while_the_value_goes_on_beyond_the_limit():
    told = follow(watched(), leak(0.02, until=2400))
    assert [(alarm, edge) for alarm, edge, _ in told] == [("S/trend", "begins"), ("S/H", "begins")]


def test_beyond_the_limit_there_is_nothing_left_to_foretell():
    assert {alarm for alarm, *_ in follow(watched(), 25.0 + leak(0.05))} == {"S/H"}


def test_only_good_samples_count():
    for quality in (Quality.UNCERTAIN, Quality.UNCERTAIN_STALE, Quality.BAD_COMM_LOST):
        plant = watched()
        follow(plant, np.zeros(600))
        told = follow(plant, leak(0.02, 0, 900), 600, quality)
        assert [row for row in told if row[0] == "S/trend"] == []


def test_a_short_silence_is_bridged_and_a_long_one_starts_anew():
    def begins(pause: int) -> float | None:
        plant, rise = watched(horizon_s=1200.0), leak(0.02, 0, 1800)
        told = follow(plant, rise[:200])
        for second in range(200 + pause, 1000):
            told += plant.at(second, {"S": rise[second]})
        return next((at for alarm, _, at in told if alarm == "S/trend"), None)

    assert begins(0) == 300, "twelve points"
    assert begins(100) == 400, "the same twelve points"
    assert begins(301) == 501 + 300, "all twelve are needed again"


def test_a_restart_in_the_middle_of_a_window_loses_nothing():
    plant, rise = watched(), leak(0.02)
    follow(plant, rise[:700])
    assert follow(plant.after_restart(), rise[700:], 700) == follow(plant, rise[700:], 700)


def test_a_trend_that_stands_in_the_alarm_list_only_ends_by_evidence():
    plant = watched()
    plant.bank.adopt(["S/trend"])
    assert plant.standing() == {"S/trend"}
    assert follow(plant, np.zeros(300)) == []
    assert [(alarm, edge) for alarm, edge, _ in follow(plant, np.zeros(300), 300)] == [("S/trend", "ends")]


def test_a_signal_without_a_trend_beside_one():
    plant = Plant(site(gas("A", limit("H", 20)), signal("S", limit("H", 20), trend=Trend(H, 600.0, 300.0))))
    told = []
    for second, value in enumerate(leak(0.02)):
        told += plant.at(second, {"A": value, "S": value})
    assert [alarm for alarm, *_ in told] == ["S/trend", "A/H", "S/H"]


def test_a_trend_needs_its_limit():
    with pytest.raises(ValueError, match="no such limit"):
        signal("S", limit("H", 20), trend=Trend(Condition.LOW, 600.0, 300.0))


def test_the_slope_survives_three_wild_points_of_twelve():
    ago = np.arange(120.0, 0.0, -10.0)[:, None]
    value = 80.0 - 0.5 * ago
    value[[1, 5, 8]] = [[900.0], [-900.0], [400.0]]
    assert forecast(value, ago).likeliest[0] == pytest.approx(0.5)


def test_the_examples_in_its_paper_are_right():
    done = doctest.testmod(trend)
    assert done.attempted > 8 and done.failed == 0


@pytest.mark.filterwarnings("error")
def test_a_huge_value_is_no_reason_to_fail():
    plant = watched()
    told = follow(plant, np.where(np.arange(900) % 2, 1e308, -1e308))
    assert plant.bank.failures == () and {alarm for alarm, *_ in told} <= {"S/H"}

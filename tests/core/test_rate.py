"""Rate of change: a leak is seen early, a spike is not."""

from __future__ import annotations

import numpy as np
import pytest

from gateway.core.detectors.rate import DIRECTIONS, Rate
from gateway.core.edges import Edges
from gateway.core.rows import Intake
from gateway.model.clock import NS, Instant
from gateway.model.condition import Condition
from gateway.model.frame import Frame
from gateway.model.quality import Quality
from tests.core.plant import Plant, gas, limit, signal, site

LEAK = limit("ROC+", 0.5, window_s=10.0, deadband=0.1)


def run(plant, values, start=0, period=1.0, quality=Quality.GOOD):
    return [edge for n, value in enumerate(values) for edge in plant.at(start + n * period, {"GD": value}, quality)]


def test_a_leak_is_seen_seconds_after_it_began():
    plant = Plant(site(gas("GD", LEAK)))
    run(plant, [2.0] * 20)
    edges = run(plant, [2.0 + 1.0 * n for n in range(1, 12)], start=20)
    (alarm, what, second), = edges
    assert (alarm, what) == ("GD/ROC+", "begins")
    assert second <= 19 + 10 * 0.5 / 1.0 + 1, "window * limit / rise, and one sample for the median"


def test_the_rate_is_that_of_the_ramp():
    plant = Plant(site(gas("GD", limit("ROC+", 0.49, window_s=10.0))))
    run(plant, [0.5 * n for n in range(30)])
    edge, = plant.bank.standing()
    assert edge.value == pytest.approx(0.5)


def test_falling_is_watched_on_its_own():
    plant = Plant(site(signal("P", limit("ROC-", 0.5, window_s=10.0), limit("ROC+", 0.5, window_s=60.0))))
    edges = [edge for n in range(20) for edge in plant.at(n, {"P": 50.0 - n})]
    assert [edge[:2] for edge in edges] == [("P/ROC-", "begins")]
    assert next(iter(plant.bank.standing())).value == pytest.approx(-1.0), "a fall reads as a negative rate"


@pytest.mark.parametrize("position", range(0, 25))
def test_one_wild_sample_never_counts(position):
    values = [2.0] * 40
    values[position] = 90.0
    plant = Plant(site(signal("GD", LEAK, limit("ROC-", 0.5, window_s=10.0))))
    assert run(plant, values) == []


def test_a_slow_poll_still_gives_a_rate():
    plant = Plant(site(signal("L", limit("ROC+", 0.5, window_s=10.0))))
    edges = [edge for n in range(6) for edge in plant.at(60 * n, {"L": 60.0 * n})]
    assert [edge[:2] for edge in edges] == [("L/ROC+", "begins")]


def test_a_leak_right_after_a_gap_is_not_averaged_away():
    plant = Plant(site(gas("GD", LEAK)))
    run(plant, [2.0] * 20)
    edges = run(plant, [2.0 + n for n in range(12)], start=300)
    assert ("GD/ROC+", "begins") in [edge[:2] for edge in edges]


def test_it_ends_when_the_rise_is_over():
    plant = Plant(site(gas("GD", LEAK)))
    run(plant, [2.0] * 10 + [2.0 + n for n in range(10)])
    assert run(plant, [11.0] * 20, start=20)[-1][:2] == ("GD/ROC+", "ends")


def test_a_stale_rise_is_no_rise():
    plant = Plant(site(gas("GD", LEAK)))
    run(plant, [2.0] * 20)
    edges = run(plant, [2.0 + 5 * n for n in range(10)], start=20, quality=Quality.UNCERTAIN_STALE)
    assert [edge for edge in edges if "ROC" in edge[0]] == []


def test_noise_has_the_spread_that_the_docstring_says():
    """White noise of sigma = 1: the standard deviation of the rate stays below 1.9 * sigma / window."""
    signals = [signal(f"S{n}", limit("ROC+", 1e9, window_s=10.0)) for n in range(2000)]
    rate = Rate(site(*signals), (Condition.RATE_UP,))
    every, random = np.arange(2000), np.random.default_rng(7)
    spread = []
    for second in range(60):
        value, line = random.normal(0, 1, 2000), np.full(2000, second * NS)
        spread.append(rate._follow(every, every, value).std())
        rate._keep(every, value, line, second * NS)
    assert 0.9 / 10.0 < min(spread[9:]) < max(spread[9:]) < 1.05 * 1.9 / 10.0


class Thorough(Rate):
    """Judges every sample."""

    def _bound(self, *arguments) -> None:
        pass


def test_what_is_calm_would_have_turned_nothing():
    """Noise whose rates reach the limits now and then, at irregular times, with gaps and bad samples."""
    random = np.random.default_rng(3)
    signals = [signal(f"S{n}", limit("ROC+", 0.5, window_s=8.0, deadband=0.1, on_delay_s=n % 3),
                      limit("ROC-", 0.6, window_s=8.0, off_delay_s=n % 4)) for n in range(40)]
    sites = site(*signals)
    both, now, begun = [Rate(sites, DIRECTIONS), Thorough(sites, DIRECTIONS)], 0, 0
    level = 1e6 * random.integers(0, 2, 40)
    intake = Intake(np.full(40, -np.inf), np.full(40, np.inf))
    for turn in range(1500):
        now += int(random.choice([1, 1, 1, 2, 9])) * NS // 2
        here = np.flatnonzero(random.random(40) < 0.9) if turn % 7 == 0 else np.arange(40)
        value = level[here] + random.normal(0, 1.2, here.size) + 4.0 * (random.random(here.size) < 0.02)
        quality = np.where(random.random(here.size) < (0.05 if turn % 5 == 0 else 0), Quality.BAD, Quality.GOOD)
        frame, index = intake.one_round(Frame.of(here, value, Instant(now, now, True), quality))
        told = []
        for detector in both:
            edges = Edges()
            detector.step(intake.rows(frame, index), edges)
            detector.tick(now, edges)
            told.append(sorted(edge for part in edges.parts
                               for edge in zip(*(column.tolist() for column in part), strict=True)))
        assert told[0] == told[1]
        begun += len(told[0])
    assert begun > 100
    for name, array in both[0].state().items():
        np.testing.assert_array_equal(array, both[1].state()[name], err_msg=name)

"""The adaptive baseline: what becomes usual, what does not, and that nothing can break it."""

from __future__ import annotations

import numpy as np
import pytest

from gateway.core.baseline import Baseline, Recipe
from tests.laws.plain_baseline import PlainBaseline

SMALL = Recipe(memory=60, level_scales=(1, 5, 20), motion_scales=(5, 20), level_limits=(3.0, 2.6, 2.0),
               motion_limits=(2.5, 2.0), outside_limit=0.5, warm_up=40, rest=15)


def plant(seed: int, rows: int, count: int) -> np.ndarray:
    """Signals of several tempers: noise, a daily rhythm, steps, spikes, rests, and one that never moves."""
    random = np.random.default_rng(seed)
    time = np.arange(rows)[:, None]
    value = 50 + random.normal(0, 1, (rows, count)) + 10 * np.sin(time * 2 * np.pi / 240) * (np.arange(count) % 2)
    value += np.cumsum(random.random((rows, count)) < 0.004, axis=0) * random.normal(0, 8, count)
    value += (random.random((rows, count)) < 0.01) * random.normal(0, 30, (rows, count))
    value[:, 0] = 7.0
    return value


def feed(baseline: Baseline, values: np.ndarray, hour: np.ndarray | None = None):
    """One column per signal. Rows of heights, beginnings and ends."""
    rows, count = values.shape
    signal, told = np.arange(count), []
    for row in range(rows):
        now = np.full(count, 0 if hour is None else hour[row])
        height = baseline.step(slice(0, count), signal, values[row], now)
        told.append((np.sqrt(np.sqrt(height)), *baseline.alarms(slice(0, count), height)))
    return (np.array(column) for column in zip(*told, strict=True))


@pytest.mark.parametrize("seed", range(3))
def test_lock_step_agrees_with_the_plain_twin(seed):
    """Random order and absence of signals, days of 240 samples, so that the profile of the day comes into use."""
    random, count, rows = np.random.default_rng(seed), 6, 900
    values, hours = plant(seed, rows, count), np.arange(rows) // 10 % 24
    fast, plain = Baseline(count, SMALL), [PlainBaseline(SMALL) for _ in range(count)]
    alarms = 0
    for row in range(rows):
        here = np.flatnonzero(random.random(count) < 0.9)
        if here.size in (0, count):
            here, index = np.arange(count), slice(0, count)
        else:
            index = here = random.permutation(here)
        height = fast.step(index, here, values[row, here], np.full(here.size, hours[row]))
        begins, ends = fast.alarms(index, height)
        told = [plain[number].sample(float(values[row, number]), int(hours[row])) for number in here]
        np.testing.assert_allclose(np.sqrt(np.sqrt(height)), [one[0] for one in told], rtol=1e-6, atol=1e-9)
        assert begins.tolist() == [one[1] for one in told]
        assert ends.tolist() == [one[2] for one in told]
        alarms += np.count_nonzero(begins)
    assert alarms > 10, "the streams give the alarms something to do"
    used = fast.state[10:13]  # what the twin can not have got right by silence: hours were folded
    assert used.any()


def test_a_step_is_unusual_once_and_becomes_usual():
    random = np.random.default_rng(1)
    values = random.normal(20, 0.5, (6000, 1))
    values[3000:] += 6
    heights, begins, ends = feed(Baseline(1), values)
    first = int(np.flatnonzero(begins[3000:, 0])[0])
    assert first == 0, "seen with its first sample"
    assert np.count_nonzero(begins[3000:3110]) == 1, "one alarm, not one per sample"
    assert np.count_nonzero(ends[3110:]) >= 1
    assert heights[-500:].max() < 1, "the new level is the usual one by now"


def test_a_slow_drift_shows_on_the_long_scale_before_the_short():
    random = np.random.default_rng(2)
    values = random.normal(20, 1, (4000, 1))
    values[3000:, 0] += np.arange(1000) * 0.01
    baseline, signal = Baseline(1), np.array([0])
    for row, value in enumerate(values):
        height = baseline.step(slice(0, 1), signal, value, np.array([0]))
        if row > 3000 and height[0] >= 1:
            break
    else:
        pytest.fail("the drift was not seen")
    assert row < 3500, "within 5 standard deviations of drift"
    assert int(np.argmax(baseline.sizes(0))) == 2, "the smoother over 200 samples saw it"


def test_a_rattle_is_seen_in_the_motion_though_the_mean_stays():
    random = np.random.default_rng(3)
    values = random.normal(20, 1, (3200, 1))
    values[3000:] = 20 + (values[3000:] - 20) * 2.5
    baseline, signal, seen = Baseline(1), np.array([0]), set()
    for row, value in enumerate(values):
        baseline.step(slice(0, 1), signal, value, np.array([0]))
        if row >= 3000:
            seen |= set(np.flatnonzero(baseline.sizes(0) >= 1).tolist())
    assert seen & {3, 4}, "one of the two motion scales"


def test_what_comes_every_day_is_usual_and_the_same_at_another_hour_is_not():
    """A load of 30 from 8 to 10 h on ten days; on the eleventh it comes at 3 h."""
    random = np.random.default_rng(4)
    per_hour, days = 12, 11
    hour = np.arange(days * 24 * per_hour) // per_hour % 24
    day = np.arange(hour.size) // (24 * per_hour)
    on = np.where(day < 10, (hour >= 8) & (hour < 10), (hour >= 3) & (hour < 5))
    values = (random.normal(5, 0.5, hour.size) + 30 * on)[:, None]
    heights, _, _ = feed(Baseline(1), values, hour)
    assert heights[(day >= 5) & (day < 10)].max() < 1
    assert heights[(day == 10) & on].max() >= 1


def test_nothing_is_judged_during_the_warm_up():
    values = np.random.default_rng(5).normal(0, 1, (200, 3))
    values[150:] += 1000
    heights, begins, _ = feed(Baseline(3), values)
    assert not heights.any()
    assert not begins.any()


def test_one_wild_value_makes_the_signal_neither_deaf_nor_lost():
    random = np.random.default_rng(6)
    values = random.normal(20, 1, (4000, 2))
    values[2500, 0] = 1e9  # a converter's wrong word; the second signal never has one
    values[3500:] += 15
    heights, _, _ = feed(Baseline(2), values)
    assert heights[2500, 0] >= 1
    assert (heights[3500] >= 1).all(), "the real step is seen with its first sample, as if that had never been"
    assert heights[2700:3500, 0].max() < 1.2, "and noise is not much more than usual at any time"


@pytest.mark.parametrize("wild", [0.0, 5e-324, 1e-200, -1e-200, 1e308, -1e308, 1e60, 2.0**53])
def test_absurd_values_leave_finite_state_and_no_warning(wild):
    random = np.random.default_rng(7)
    baseline, signal = Baseline(4), np.arange(4)
    with np.errstate(all="raise", under="ignore"):
        for row in range(400):
            value = random.normal(0, 1, 4)
            value[0] = wild
            value[1] = wild if row % 7 == 0 else value[1]
            value[2] = -wild if row % 2 else wild
            height = baseline.step(slice(0, 4), signal, value, np.full(4, row // 20 % 24))
            baseline.alarms(slice(0, 4), height)
            assert not np.isnan(height).any()
    assert np.isfinite(baseline.state).all()
    assert np.isfinite(baseline.profile).all()


def test_a_signal_that_never_moved_is_quiet_until_it_does():
    values = np.full((1000, 1), 0.1)  # not a binary fraction: rounding alone must not look like motion
    values[900:] = 0.3
    _, begins, _ = feed(Baseline(1), values)
    assert np.flatnonzero(begins).tolist() == [900]


def test_a_snapshot_in_the_middle_changes_nothing():
    values = plant(8, 800, 5)
    _, begins, _ = feed(Baseline(5, SMALL), values)
    first, second = Baseline(5, SMALL), Baseline(5, SMALL)
    _, one, _ = feed(first, values[:333])
    second.state[:], second.profile[:] = first.state, first.profile
    _, two, _ = feed(second, values[333:])
    np.testing.assert_array_equal(np.concatenate([one, two]), begins)


def test_memory_is_a_fixed_few_numbers_per_signal():
    baseline = Baseline(10)
    assert (baseline.state.size + baseline.profile.size) / 10 <= 80

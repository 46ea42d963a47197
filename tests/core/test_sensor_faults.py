"""Sensors that fail while they go on answering: covered, drifting, spiking, pinned, dropping out."""

from __future__ import annotations

import numpy as np
import pytest

from gateway.core import Bank
from gateway.model.condition import FAULT_KINDS, Condition
from gateway.model.learnt import Faults
from gateway.model.quality import Quality
from tests.core.plant import Plant, Told, gas, instant, signal, site

FAULTS = Faults(every_s=1.0, window_s=48.0, learn_s=400.0, hold_s=100.0, blunt=1.0)
NOISE = np.random.default_rng(4).normal(0, 1, (4000, 8))


def only(*kinds: str, **settings) -> Faults:
    asked = {"every_s": 1.0, "window_s": 48.0, "learn_s": 400.0, "hold_s": 100.0, "blunt": 1.0} | settings
    return Faults(frozenset(Condition(kind) for kind in kinds), **asked)


def walk(seconds: int, column: int = 0) -> np.ndarray:
    """A gas that wanders about 20 and comes back: motion of a process, one number a second."""
    level = np.zeros(seconds)
    for n in range(1, seconds):
        level[n] = 0.95 * level[n - 1] + NOISE[n, column]
    return 20 + level


def story(plant: Plant, start: int = 0, **columns) -> list[Told]:
    """One value of each signal a second."""
    told = []
    for n, values in enumerate(zip(*columns.values(), strict=True)):
        told += plant.at(start + n, dict(zip(columns, map(float, values), strict=True)))
    return told


def one(**settings) -> Plant:
    return Plant(site(signal("A", faults=settings.pop("faults", FAULTS), **settings)))


def relaxing(start: float, seconds: int, to: float = 17.0) -> np.ndarray:
    """The gas below the bag follows nothing any more, and what is left of it fades."""
    return to + (start - to) * np.exp(-np.arange(seconds) / 60) + 0.01 * NOISE[:seconds, 7]


class TestWrapped:
    def test_a_covered_probe_is_told_within_two_windows_and_free_when_it_moves_again(self):
        plant, honest = one(), walk(1200)
        assert story(plant, A=honest) == []
        told = story(plant, 1200, A=relaxing(honest[-1], 120))
        assert told[0][:2] == ("A/wrapped", "begins") and 1230 < told[0][2] < 1300
        assert plant.trace()[-1].startswith("A: ") and plant.trace()[-1].endswith("covered or blocked?")
        back = story(plant, 1320, A=walk(120, 1))
        assert [edge[:2] for edge in back if "wrapped" in edge[0]] == [("A/wrapped", "ends")]

    def test_it_stands_as_long_as_the_probe_is_covered(self):
        plant, honest = one(faults=only("wrapped")), walk(1200)
        story(plant, A=honest)
        assert story(plant, 1200, A=relaxing(honest[-1], 2500))[1:] == []
        assert plant.standing() == {"A/wrapped"}

    def test_a_night_that_is_quiet_for_all_is_no_fault(self):
        heads = [gas(name, low=-100.0, high=200.0, deadman_s=None, faults=only("wrapped")) for name in "ABC"]
        plant = Plant(site(*heads))
        story(plant, **{name: walk(1200, column) for column, name in enumerate("ABC")})
        quiet = {name: relaxing(20.0, 300) for name in "ABC"}
        assert [edge for edge in story(plant, 1200, **quiet) if "wrapped" in edge[0]] == []

    def test_one_that_is_quiet_among_peers_that_move_is_one(self):
        heads = [gas(name, low=-100.0, high=200.0, deadman_s=None, faults=only("wrapped")) for name in "ABC"]
        plant = Plant(site(*heads))
        walks = {name: walk(1500, column) for column, name in enumerate("ABC")}
        walks["B"][1200:] = relaxing(walks["B"][1199], 300)
        assert [edge[:2] for edge in story(plant, **walks)] == [("B/wrapped", "begins")]
        assert "its peers still move" in plant.trace()[-1]


class TestDrift:
    def test_a_level_that_creeps_away(self):
        plant, creeping = one(faults=only("drift", hold_s=2000.0)), walk(2400)
        creeping[1500:] += 0.05 * np.arange(900)
        told = story(plant, A=creeping)
        assert [edge[:2] for edge in told] == [("A/drift", "begins")] and told[0][2] > 1700
        assert plant.trace()[0].startswith("A: the level has moved the same way four times running, by +")

    def test_what_moves_all_peers_is_the_process(self):
        def heads():
            return Plant(site(*(signal(name, faults=only("drift")) for name in "ABC")))
        creep = np.r_[np.zeros(1500), 0.05 * np.arange(900)]
        walks = {name: walk(2400, column) for column, name in enumerate("ABC")}
        assert story(heads(), **{name: values + creep for name, values in walks.items()}) == []
        alone = walks | {"C": walks["C"] + creep}
        assert story(heads(), **alone)[0][:2] == ("C/drift", "begins")

    def test_a_jump_that_stays_while_the_motion_goes_on_is_an_offset(self):
        plant, shifted = one(faults=only("drift")), walk(880)
        shifted[800:] += 60.0
        assert story(plant, A=shifted) == [("A/drift", "begins", 805.0)]
        assert plant.trace()[0].endswith("an offset, not the process")

    def test_a_process_that_starts_to_move_is_no_offset(self):
        plant, busy = one(faults=only("drift")), walk(1000)
        busy[800:] += 60 + 40 * NOISE[:200, 3]
        assert story(plant, A=busy) == []

    def test_zero_below_zero_has_its_own_words(self):
        plant = Plant(site(gas("GD", faults=FAULTS)))
        told = story(plant, GD=[0, 0, -3, -3, -3, -3, -3, 0, 0, 0])
        assert [edge[:2] for edge in told] == [("GD/drift", "begins"), ("GD/drift", "ends")]
        told = story(plant, 10, GD=[-3, -3, -3, -3])
        assert plant.trace() == ["GD: zero has drifted below the range: -3 u, the lower end is 0 u"]


class TestSpike:
    def test_a_jump_that_comes_back(self):
        plant, jumping = one(faults=only("spike")), walk(1000)
        jumping[700] += 80.0
        assert story(plant, A=jumping) == [("A/spike", "begins", 701.0), ("A/spike", "ends", 801.0)]

    def test_noise_is_told_and_a_busy_process_is_not(self):
        noisy, busy = walk(1000), walk(1000)
        noisy[700:] += 15 * NOISE[:300, 2]
        busy[700:] += np.cumsum(1.5 * NOISE[:300, 2])
        assert ("A/spike", "begins") in [edge[:2] for edge in story(one(faults=only("spike")), A=noisy)]
        assert story(one(faults=only("spike")), A=busy) == []

    def test_nothing_is_judged_while_it_is_learnt(self):
        plant, jumping = one(faults=only("spike")), walk(390)
        jumping[300] += 80.0
        assert story(plant, A=jumping) == []
        assert plant.bank.learning.lessons().progress[0] < 1.0


class TestSaturated:
    def test_a_converter_at_its_stop(self):
        plant, pinned = one(faults=only("saturated")), walk(1000)
        pinned[700:720] = 150.0
        assert story(plant, A=pinned) == [("A/saturated", "begins", 703.0), ("A/saturated", "ends", 720.0)]

    def test_five_reads_at_the_top_of_the_range_need_no_learning(self):
        plant = one(faults=only("saturated"), low=0.0, high=100.0)
        told = story(plant, A=[50, 99.95, 100, 100, 100, 99.99, 100, 80])
        assert told == [("A/saturated", "begins", 5.0), ("A/saturated", "ends", 7.0)]


class TestDropout:
    def plant(self) -> Plant:
        return Plant(site(signal("A", deadman_s=5.0, faults=only("dropout"))))

    def test_one_outage_however_long_is_the_deadman_s_matter(self):
        plant = self.plant()
        told = [edge for n in range(300) for edge in plant.at(
            n, {"A": 1.0}, Quality.BAD_COMM_LOST if 50 <= n < 200 else Quality.GOOD)]
        assert told == [("A/deadman", "begins", 54.0), ("A/deadman", "ends", 200.0)]

    def test_again_and_again(self):
        plant = self.plant()
        told = [edge for n in range(40) for edge in plant.at(
            n, {"A": 1.0}, Quality.BAD_PAYLOAD if n % 8 > 4 else Quality.GOOD)]
        assert told == [("A/dropout", "begins", 31.0)]
        told = [edge for n in range(40, 200) for edge in plant.at(n, {"A": 1.0})]
        assert told == [("A/dropout", "ends", 139.0)]

    def test_silences_of_what_is_not_polled_count_too(self):
        plant = self.plant()
        told = [edge for n in range(0, 60, 10) for edge in (*plant.at(n, {"A": 1.0}), *plant.at(n + 1, {"A": 1.0}))]
        assert ("A/dropout", "begins", 40.0) in told


class TestFrozen:
    def test_twice_as_long_as_the_longest_honest_rest(self):
        plant = one(faults=only("stuck", learn_s=30.0))
        resting = np.repeat(np.arange(10.0), 10)
        assert story(plant, A=resting) == []
        told = story(plant, 100, A=[10.0] * 30 + [11.0])
        assert told == [("A/stuck", "begins", 119.0), ("A/stuck", "ends", 130.0)]

    def test_a_number_that_is_set_goes_before_what_is_learnt(self):
        plant = one(faults=FAULTS, stuck_reads=3)
        assert story(plant, A=[1, 2, 2, 2, 2]) == [("A/stuck", "begins", 3.0)]


@pytest.mark.parametrize("quality", [q for q in Quality if q is not Quality.GOOD])
def test_only_good_samples_are_learnt_from(quality):
    plant = one()
    for n in range(500):
        plant.at(n, {"A": float(NOISE[n, 0])}, quality)
    assert plant.bank.learning.lessons().progress[0] == 0.0


def test_forgetting_starts_anew():
    plant = one()
    story(plant, A=walk(600))
    learning = plant.bank.learning
    assert learning.lessons().progress[0] == 1.0 and len(learning.pictures(0)) == 2
    learning.reset(np.array([0]), instant(600).line_ns)
    assert learning.lessons().progress[0] == 0.0


def test_every_kind_of_fault_is_an_alarm_of_its_own():
    alarms = site(gas("GD", faults=Faults())).alarms
    assert {alarm.condition for alarm in alarms} > set(FAULT_KINDS)
    assert Bank(site(signal("A"))).learning.learners == ()

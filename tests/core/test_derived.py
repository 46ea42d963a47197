"""Signals that are calculated from others, as a plant engineer would try them."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from gateway.core import Bank
from gateway.model.clock import NS
from gateway.model.expression import Expression
from gateway.model.frame import Frame
from gateway.model.quality import Quality, code
from gateway.model.rules import Test, WorkWithoutVideo
from gateway.model.signal import SignalTable
from gateway.model.text import Text
from tests.core.plant import WALL, Plant, instant, limit, signal, site
from tests.laws.streams import SITES, frame, fresh, stream

BEGINS, ENDS = "begins", "ends"


def derived(name, expression, *limits, **settings):
    return signal(name, *limits, derived=Expression.parse(expression), **settings)


def read(plant, name="D"):
    """Value and quality of the newest sample."""
    latest, number = plant.bank.latest, plant.site.signals.index(name)
    return float(latest.value[number]), code(int(latest.quality[number]))


def result(expression, values, qualities=None):
    names = list(dict.fromkeys((*values, *Expression.parse(expression).inputs)))
    plant = Plant(site(*map(signal, names), derived("D", expression)))
    plant.bank.step(Frame.of([names.index(name) for name in values], list(values.values()), instant(1),
                             np.array([(qualities or {}).get(name, Quality.GOOD) for name in values], np.uint16)))
    return read(plant)


@pytest.mark.parametrize(("expression", "value"), [
    ("[a] * 78.5", 471), ("[a] - [b] / 2", 4), ("-[a] ** 2", -36), ("7 % [b]", 3), ("-7 % [b]", 1), ("abs(-[a])", 6),
    ("sqrt([b])", 2), ("log(exp([a]))", 6), ("clip([a], 0, 5)", 5), ("min([a], [b], 1)", 1), ("max([a], [b])", 6),
    ("mean([a], [b])", 5), ("median([a], [b], 100)", 6), ("sum([a], [b], 1)", 11), ("[a] > [b]", 1),
    ("5 < [a] <= 6", 1), ("5 < [a] < 6", 0), ("[a] == 6 and not [b] != 4", 1), ("[a] < 0 or 0", 0),
    ("[a] if [b] > 5 else [b]", 4), ("not 0 * [a]", 1)])
def test_it_is_calculated(expression, value):
    assert result(expression, {"a": 6.0, "b": 4.0}) == (pytest.approx(value), Quality.GOOD)


@pytest.mark.parametrize("expression", [
    "[a] / [z]", "[z] / [z]", "[a] % [z]", "sqrt(-[a])", "log([z])", "exp([a] * 999)", "[z] ** -1", "(-[a]) ** 0.5",
    "[a] / [z] > 1", "clip([a] / [z], 0, 1)", "0 * ([a] / [z])"])
def test_what_has_no_result_is_bad_and_nothing_hides_it(expression):
    value, quality = result(expression, {"a": 6.0, "z": 0.0})
    assert math.isnan(value) and quality is Quality.BAD_CALCULATION


LOST, UNSURE = Quality.BAD_COMM_LOST, Quality.UNCERTAIN


@pytest.mark.parametrize(("expression", "a", "b", "quality"), [
    ("[a] + [b]", Quality.GOOD, LOST, LOST), ("[a] + [b]", UNSURE, Quality.GOOD, UNSURE),
    ("[a] + [b]", UNSURE, LOST, LOST), ("max([a], [b])", Quality.GOOD, LOST, LOST),
    ("[a] if [a] > 0 else [b]", Quality.GOOD, LOST, Quality.GOOD),  # not used
    ("[b] if [a] > 0 else [a]", Quality.GOOD, LOST, LOST),
    ("[a] if [b] > 0 else [a]", Quality.GOOD, LOST, LOST),
    ("[a] > 0 or [b] > 0", Quality.GOOD, LOST, Quality.GOOD),  # decided by a
    ("[a] < 0 or [b] > 0", Quality.GOOD, LOST, LOST),
    ("[a] < 0 and [b] > 0", Quality.GOOD, LOST, Quality.GOOD),
    ("[a] > 0 and [b] > 0", Quality.GOOD, LOST, LOST),
    ("[a] > 0 or [b] > 0", UNSURE, Quality.GOOD, Quality.GOOD),
    ("not [b]", Quality.GOOD, LOST, LOST)])
def test_it_is_worth_what_the_worst_used_is_worth(expression, a, b, quality):
    assert result(expression, {"a": 1.0, "b": 1.0}, {"a": a, "b": b})[1] is quality


def test_before_every_input_has_come_there_is_no_data():
    assert result("[a] + [b]", {"a": 1.0})[1] is Quality.BAD_WAITING


def test_a_limit_on_it_works_like_any_other():
    plant = Plant(site(signal("T.level"), derived("T.volume", "[T.level] * 10", limit("H", 80, deadband=5))))
    assert plant.at(1, {"T.level": 7}) == []
    assert plant.at(2, {"T.level": 8}) == [("T.volume/H", BEGINS, 2)]
    assert plant.at(3, {"T.level": 7}, LOST) == [], "a bad value ends nothing"
    assert plant.at(4, {"T.level": 7.4}) == [("T.volume/H", ENDS, 4)]


def test_an_input_that_is_silent_may_raise_and_ends_nothing():
    plant = Plant(site(signal("a", deadman_s=5.0), signal("b"), derived("D", "[a] + [b]", limit("H", 10))))
    plant.at(1, {"a": 5, "b": 0})
    assert read(plant) == (5, Quality.GOOD)
    assert plant.at(6, {"b": 6}) == [("a/deadman", BEGINS, 6), ("D/H", BEGINS, 6)]
    assert read(plant) == (11, Quality.UNCERTAIN_STALE)
    assert plant.at(7, {"b": 0}) == []
    assert plant.at(8, {"a": 5}) == [("a/deadman", ENDS, 8), ("D/H", ENDS, 8)]


def test_stale_goes_through_to_what_is_made_of_it():
    plant = Plant(site(signal("a", deadman_s=5.0), signal("b"), derived("twice", "2 * [a]"),
                       derived("D", "[twice] + [b]")))
    plant.at(1, {"a": 1, "b": 1})
    plant.at(7, {"b": 2})
    assert read(plant, "twice") == (2, Quality.GOOD), "no input of it came"
    assert read(plant) == (4, Quality.UNCERTAIN_STALE)


def test_it_is_calculated_once_for_all_that_comes_at_one_instant():
    """Two devices that answer at one instant are one instant, level by level; else the sum would jump."""
    plant = Plant(site(signal("a"), signal("b"), derived("sum", "[a] + [b]"), derived("D", "[sum] - [a]")))
    plant.at(1, {"a": 1, "b": 1})
    plant.at(2, {"b": 5, "a": 3})
    made = plant.bank.made
    assert [(plant.site.signals.ids[row], value) for row, value in zip(made.signal, made.value, strict=True)] == [
        ("sum", 8), ("D", 5)]


def test_it_carries_the_stamp_of_its_newest_input():
    plant = Plant(site(signal("a"), signal("b"), derived("D", "[a] + [b]")))
    plant.at(1, {"a": 1, "b": 1})
    sent = Frame.of([0], [2.0], replace(instant(3), trusted=False), wall_ns=[WALL + 123])
    plant.bank.step(sent)
    assert (plant.bank.made.wall_ns.tolist(), plant.bank.made.line_ns.tolist()) == ([WALL + 123], [3 * NS])
    assert plant.bank.made.quality.tolist() == sent.quality.tolist(), "and what is known of its clock"


def test_what_comes_from_outside_in_its_name_is_not_used():
    plant = Plant(site(signal("a"), derived("D", "[a] + 1", limit("H", 50))))
    assert plant.at(1, {"a": 1, "D": 99}) == []
    assert plant.at(2, {"D": 99}) == []
    assert read(plant) == (2, Quality.GOOD)


def test_a_rule_on_it_sees_the_whole_instant():
    rule = WorkWithoutVideo("work", Text.same("work"), "tank_farm", (Test.parse("running > 0"),),
                            (Test.parse("fps >= 1"),), on_delay_s=0.0, off_delay_s=0.0)
    plant = Plant(site(signal("P-1"), signal("P-2"), signal("fps"), derived("running", "[P-1] > 2 or [P-2] > 2"),
                       rules=[rule]))
    plant.at(1, {"P-1": 0, "P-2": 0, "fps": 1})
    assert plant.at(2, {"P-2": 7, "fps": 1}) == []
    assert plant.at(3, {"P-2": 7, "fps": 0}) == [("work", BEGINS, 3)]
    assert plant.at(4, {"P-1": 0, "P-2": 0, "fps": 0}) == [("work", ENDS, 4)]


def test_a_changed_expression_takes_over_what_stands():
    before = site(signal("a"), derived("D", "[a] * 2", limit("H", 10)))
    plant = Plant(before)
    plant.at(1, {"a": 6})
    after = replace(before, signals=SignalTable([before.signals[0],
                                                 replace(before.signals[1], derived=Expression.parse("[a] * 3"))]))
    plant = plant.after_restart(after)
    assert plant.standing() == {"D/H"}
    assert plant.at(2, {"a": 3}) == [("D/H", ENDS, 2)]


def test_many_of_one_shape_are_one_calculation_and_each_has_its_own_numbers():
    tanks = [signal(f"T{n}") for n in range(30)]
    volumes = [derived(f"V{n}", f"[T{n}] * {n} + {n / 10}") for n in range(30)]
    plant = Plant(site(*tanks, *volumes))
    plant.at(1, {f"T{n}": 2.0 for n in range(30)})
    assert [read(plant, f"V{n}")[0] for n in range(30)] == pytest.approx([2 * n + n / 10 for n in range(30)])
    plant.at(2, {"T7": 3.0})
    assert len(plant.bank.made) == 1 and read(plant, "V7")[0] == pytest.approx(21.7)


@pytest.mark.parametrize("seed", range(3))
def test_a_long_frame_makes_the_same_samples_as_its_instants(seed):
    """Values, qualities and both stamps; the frame is long enough to be made at once."""
    here, moments = SITES["derived"], stream(SITES["derived"], seed)
    single, long = fresh(here), fresh(here)
    wall = np.random.default_rng(seed).integers(-10**9, 10**9, len(moments)).tolist()
    frames = [frame([moment], step) for moment, step in zip(moments, wall, strict=True)]
    for begun in range(2):  # from nothing, and from what the first half has left
        half = frames[begun * 80:begun * 80 + 80]
        one_by_one = []
        for part in half:
            single.step(part)
            one_by_one.append(single.made)
        long.step(Frame.concat(half))
        expected, found = Frame.concat(one_by_one), long.made
        assert len(found) > 400
        order = [np.lexsort((one.line_ns, one.signal)) for one in (expected, found)]
        for name in ("signal", "value", "quality", "wall_ns", "line_ns"):
            np.testing.assert_array_equal(getattr(found, name)[order[1]], getattr(expected, name)[order[0]], name)


def test_a_producer_that_fails_takes_nobody_along(monkeypatch):
    plant = Plant(site(signal("a", limit("H", 5)), derived("D", "[a] + 1")))
    monkeypatch.setattr("gateway.core.expressions.Formula.values", lambda *_: 1 / 0)
    assert plant.at(1, {"a": 6}) == [("a/H", BEGINS, 1)]
    assert [failure.detector for failure in plant.bank.failures] == ["derived"]


def test_a_site_without_derived_signals_makes_nothing():
    bank = Bank(site(signal("a")))
    bank.begin(instant(0))
    bank.step(Frame.of([0], [1.0], instant(1)))
    assert len(bank.made) == 0


def test_a_derived_gate_moves_within_a_long_frame_too():
    """What follows in the same frame is judged behind the gate as it then stands."""
    low = limit("L", 10, only_while=Test.parse("running > 0"))
    here = site(signal("P", deadman_s=5.0), signal("p", low), derived("running", "[P] > 2", deadman_s=5.0))
    frames = [Frame.of([0, 1], [7.0 * (second // 20 % 2), 20.0 - 15 * (second // 5 % 2)], instant(second))
              for second in range(1, 200)]
    single, long = Plant(here), Plant(here)
    expected = [edge for part in frames for edge in single._told(single.bank.step(part))]
    assert expected.count(("p/L", BEGINS, 25)) == 1 and len(expected) > 10
    assert long._told(long.bank.step(Frame.concat(frames))) == expected

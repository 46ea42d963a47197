"""Interlocks in general: any and all, what is not known, and what flaps."""

from __future__ import annotations

import pytest

from gateway.model.quality import Quality
from gateway.model.rules import Interlock, Side, Test
from gateway.model.text import Text
from tests.core.plant import Plant, gas, instant, signal, site

BEGINS, ENDS = "begins", "ends"


def side(*tests: str, every: bool = False) -> Side:
    return Side(tuple(map(Test.parse, tests)), every)


def fan(when: Side, requires: Side, deadman_s: float | None = None, **settings) -> Plant:
    rule = Interlock("fan", Text("fan", "风机"), "tank_farm", when, requires,
                     **{"on_delay_s": 10.0, "off_delay_s": 5.0} | settings)
    heads = (gas(name, deadman_s=1000.0) for name in ("GD-01", "GD-02"))
    return Plant(site(*heads, signal("FAN.run", deadman_s=deadman_s), signal("FAN.P"), rules=[rule]))


def gas_high_and_fan_off(**settings) -> Plant:
    plant = fan(side("GD-01 >= 10", "GD-02 >= 10"), side("FAN.run == 1", every=True), **settings)
    plant.at(0, {"GD-01": 2, "GD-02": 2, "FAN.run": 1})
    return plant


def told(edges):
    return [edge for edge in edges if edge[0] == "fan"]


def test_gas_rises_while_the_fan_is_off():
    plant = gas_high_and_fan_off()
    plant.at(1, {"FAN.run": 0})
    plant.at(5, {"GD-02": 12.5, "FAN.run": 0})
    plant.at(10, {"FAN.run": 0})
    assert told(plant.wait(15)) == [("fan", BEGINS, 15)]
    assert plant.trace() == ["GD-01: condition not met: reads 2 (GD-01 >= 10)",
                             "GD-02: condition met: reads 12.5 (GD-02 >= 10)",
                             "FAN.run: requirement not fulfilled: reads 0 (FAN.run == 1)"]
    assert [line.note["zh"] for line in list(plant.verdicts)[-1].evidence] == [
        "条件不成立：读数 2（GD-01 >= 10）", "条件成立：读数 12.5（GD-02 >= 10）", "要求未满足：读数 0（FAN.run == 1）"]
    plant.at(20, {"FAN.run": 1})
    assert told(plant.at(25, {"FAN.run": 1})) == [("fan", ENDS, 25)]


@pytest.mark.parametrize("quality", [Quality.UNCERTAIN_STALE, Quality.UNCERTAIN, Quality.BAD_COMM_LOST])
def test_a_requirement_that_is_not_good_is_not_fulfilled(quality):
    plant = gas_high_and_fan_off()
    plant.at(5, {"GD-01": 12, "FAN.run": 1})
    plant.at(6, {"FAN.run": 1}, quality)
    assert told(plant.wait(100)) == [("fan", BEGINS, 16)]


def test_a_requirement_that_falls_silent_is_not_fulfilled():
    plant = gas_high_and_fan_off(deadman_s=8.0)
    plant.at(5, {"GD-01": 12, "FAN.run": 1})
    assert plant.wait(100) == [("FAN.run/deadman", BEGINS, 13), ("fan", BEGINS, 23)]
    assert plant.trace()[2] == "FAN.run: requirement not fulfilled: no good data (FAN.run == 1)"


@pytest.mark.parametrize("quality", [Quality.BAD_COMM_LOST, Quality.BAD_SENSOR])
def test_a_when_that_is_bad_begins_nothing_and_ends_nothing(quality):
    plant = gas_high_and_fan_off()
    plant.at(1, {"GD-01": 50, "FAN.run": 0}, quality)
    assert told(plant.wait(50)) == []
    plant.at(51, {"GD-01": 50})
    assert told(plant.wait(61)) == [("fan", BEGINS, 61)]
    plant.at(62, {"GD-01": 0, "GD-02": 0}, quality)
    assert told(plant.at(100, {"GD-01": 0, "GD-02": 0}, quality)) == []
    assert "fan" in plant.standing()


def test_an_uncertain_when_begins_as_a_limit_does_and_ends_nothing():
    plant = gas_high_and_fan_off()
    plant.at(1, {"GD-01": 50, "FAN.run": 0}, Quality.UNCERTAIN)
    assert told(plant.wait(50)) == [("fan", BEGINS, 11)]
    plant.at(52, {"GD-01": 0, "GD-02": 0}, Quality.UNCERTAIN)
    assert told(plant.at(100, {"GD-01": 0, "GD-02": 0}, Quality.UNCERTAIN)) == []


def test_gas_beyond_its_range_is_high_though_the_value_is_bad():
    plant = gas_high_and_fan_off()
    plant.at(1, {"GD-01": 130, "FAN.run": 0})
    assert ("fan", BEGINS, 11) in plant.wait(11)


def test_all_of_a_side_must_be_true():
    plant = fan(side("GD-01 >= 10", "GD-02 >= 10", every=True), side("FAN.run == 1", "FAN.P > 1"))
    plant.at(0, {"GD-01": 20, "GD-02": 2, "FAN.run": 0, "FAN.P": 0})
    assert told(plant.wait(50)) == []
    plant.at(51, {"GD-02": 20, "FAN.P": 2})
    assert told(plant.wait(70)) == [], "any one of the two says that the fan runs"
    plant.at(71, {"FAN.P": 0, "FAN.run": 0})
    assert told(plant.wait(100)) == [("fan", BEGINS, 81)]


class TestFlapping:
    @pytest.mark.parametrize("restarts", [False, True])
    def test_a_requirement_that_comes_and_goes_does_not_put_the_alarm_off_for_ever(self, restarts):
        """Three seconds off, two on: off for 10 s in all after 18 s."""
        plant = gas_high_and_fan_off()
        plant.at(5, {"GD-01": 12})
        edges = []
        for start in range(10, 35, 5):
            plant.at(start, {"FAN.run": 0})
            plant = plant.after_restart() if restarts else plant
            edges += plant.at(start + 3, {"FAN.run": 1})
        assert told(edges) == [("fan", BEGINS, 26)]

    def test_a_short_interruption_long_after_another_is_forgiven(self):
        plant = gas_high_and_fan_off()
        plant.at(5, {"GD-01": 12})
        edges = []
        for start in (20, 38, 56, 74, 92):
            plant.at(start, {"FAN.run": 0})
            for later in (8, 12, 15):
                edges += plant.at(start + later, {"FAN.run": 1})
        assert told(edges) == []

    def test_a_restart_in_the_on_delay_changes_nothing(self):
        plant = gas_high_and_fan_off()
        plant.at(5, {"GD-01": 12, "FAN.run": 0})
        plant = plant.after_restart()
        plant.bank.begin(instant(8))
        assert ("fan", BEGINS, 15) in plant.wait(20)


def test_a_requirement_never_heard_of_gets_time_to_speak():
    plant = fan(side("GD-01 >= 10"), side("FAN.P > 1", every=True))
    plant.at(0, {"GD-01": 20})
    assert told(plant.wait(29)) == []
    assert told(plant.wait(40)) == [("fan", BEGINS, 30)]
    assert plant.trace()[1] == "FAN.P: requirement not fulfilled: no data yet (FAN.P > 1)"

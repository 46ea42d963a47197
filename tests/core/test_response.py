"""A bump test: test gas is put to a gas head, and it must be seen."""

from __future__ import annotations

from gateway.model.quality import Quality
from gateway.model.rules import ResponseTest, Test
from gateway.model.signal import StatusLink
from gateway.model.stroke import Outcome
from gateway.model.text import Text
from tests.core.plant import Plant, gas, limit, signal, site

BUMP = ResponseTest("bump-GD", Text("bump test", "通气测试"), "tank_farm", "GD", Test.parse("GD.status == 6"), by=20.0,
                    within_s=30.0)
SAYS = StatusLink("GD.status", normal=(0,), fault=(3,), out_of_service=(6,))
BEGINS, ENDS = "begins", "ends"


def head(rule=BUMP) -> Plant:
    plant = Plant(site(gas("GD", limit("H", 20.0), deadman_s=600.0, status=SAYS), signal("GD.status"), rules=[rule]))
    plant.at(0, {"GD": 0.5, "GD.status": 0})
    return plant


def rules(told):
    return [edge for edge in told if edge[0] == BUMP.id]


def outcomes(plant):
    return [stroke.outcome for stroke in plant.strokes]


def test_a_head_that_sees_its_gas_passes_and_raises_no_limit():
    plant = head()
    plant.at(10, {"GD.status": 6})
    plant.at(11, {"GD": 0.5})
    told = plant.at(15, {"GD": 9}) + plant.at(22, {"GD": 35}) + plant.at(60, {"GD": 0.5, "GD.status": 0})
    assert {alarm for alarm, *_ in told} <= {"GD/inhibit", "tank_farm/blind"}, "out of service, and nothing else"
    (stroke,) = plant.strokes
    assert (stroke.rule, stroke.outcome, stroke.test, stroke.line_ns) == ("bump-GD", Outcome.VERIFIED, True, 10 * 10**9)
    assert [(seen.test, seen.after_s, seen.moved) for seen in stroke.valves] == [("GD +20", 12.0, True)]


def test_a_covered_head_is_announced_and_stands_until_it_passes():
    plant = head()
    plant.at(10, {"GD.status": 6})
    plant.at(11, {"GD": 0.5})
    plant.at(39, {"GD": 6.5})
    assert rules(plant.wait(41)) == [("bump-GD", BEGINS, 40)]
    assert plant.trace() == ["GD.status: test began (GD.status == 6)",
                             "GD: moved by 6 from 0.5; 20 within 30 s is asked for"]
    told = plant.at(50, {"GD": 0.5, "GD.status": 0}) + plant.at(90, {"GD": 0.5})
    assert rules(told) == [], "to end the test is no cure"
    plant = plant.after_restart()
    plant.at(100, {"GD": 0.5, "GD.status": 6})
    assert rules(plant.at(110, {"GD": 30})) == [], "an instrument under calibration ends no alarm"
    assert rules(plant.at(130, {"GD": 0.5, "GD.status": 0})) == [("bump-GD", ENDS, 130)]
    assert outcomes(plant) == [Outcome.VERIFIED]


def test_too_late_is_not_passed():
    plant = head()
    plant.at(10, {"GD.status": 6})
    plant.at(11, {"GD": 0.5})
    plant.wait(41)
    assert rules(plant.at(45, {"GD": 40}) + plant.at(50, {"GD": 0, "GD.status": 0})) == []
    assert outcomes(plant) == [Outcome.FAILED, Outcome.LATE]
    assert "bump-GD" in plant.standing()


def test_a_test_that_is_broken_off_alarms_nobody_and_is_written_down():
    plant = head()
    plant.at(10, {"GD.status": 6})
    plant.at(11, {"GD": 0.5})
    assert rules(plant.at(20, {"GD.status": 0}) + plant.wait(100)) == []
    assert outcomes(plant) == [Outcome.BROKEN_OFF]


def test_a_lost_reading_is_no_response():
    plant = head()
    plant.at(10, {"GD.status": 6})
    plant.at(11, {"GD": 0.5})
    for second in range(11, 40):
        plant.at(second, {"GD": float("nan")}, Quality.BAD_COMM_LOST)
    assert rules(plant.wait(40)) == [("bump-GD", BEGINS, 40)]


def test_a_response_may_be_a_fall():
    flow = ResponseTest("stop", Text.same("stop"), "tank_farm", "FT", Test.parse("P.run == 0"), by=-5.0, within_s=10.0)
    plant = Plant(site(signal("P.run"), signal("FT"), rules=[flow]))
    plant.at(0, {"P.run": 1, "FT": 8})
    plant.at(5, {"P.run": 0, "FT": 8})
    assert plant.at(9, {"FT": 2.9}) == [] and outcomes(plant) == [Outcome.VERIFIED]
    plant.at(20, {"P.run": 1, "FT": 8})
    plant.at(30, {"P.run": 0, "FT": 8})
    assert plant.at(41, {"FT": 7.9}) == [("stop", BEGINS, 40)]


def test_a_restart_within_a_test_gives_it_the_rest_of_its_time():
    plant = head()
    plant.at(10, {"GD.status": 6})
    plant.at(11, {"GD": 0.5})
    plant = plant.after_restart()
    assert rules(plant.wait(41)) == [("bump-GD", BEGINS, 40)]

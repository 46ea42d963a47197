"""The risk of an area: several alarms of one kind are more than each of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alerting.engine import AlarmEngine
from alerting.lifecycle import Event
from gateway.core.learning import STATISTICAL
from gateway.model.alarm import Priority, Risk
from gateway.model.area import Escalation
from gateway.model.condition import RISK_CONDITIONS, Condition
from gateway.model.learnt import Baseline
from gateway.model.rules import Interlock, Side, Test, Vote
from gateway.model.signal import Limit
from gateway.model.text import Text
from tests.core.plant import Plant, signal, site

BEGINS, ENDS = "begins", "ends"
SAFE, BLUE, YELLOW, ORANGE, RED = 0, 10, 20, 30, 40  # readings
COLOURS = {BLUE: Risk.BLUE, YELLOW: Risk.YELLOW, ORANGE: Risk.ORANGE, RED: Risk.RED}


def point(name: str, *colours: int, kind: str = "gas", area: str = "pond", **settings):
    """Reads 0 .. 40; the limit of each colour is H or HH."""
    limits = [Limit(Condition.HIGH if place == 0 else Condition.HIGH_HIGH, colour, Priority.P2, COLOURS[colour])
              for place, colour in enumerate(colours)]
    return replace(signal(name, *limits, area=area, **settings), kind=kind)


def pond(*signals, escalation: Escalation | None = None, rules=()) -> Plant:
    plain = site(*signals, rules=rules)
    areas = tuple(replace(area, escalation=escalation or Escalation()) for area in plain.areas)
    plant = Plant(replace(plain, areas=areas))
    plant.at(0, {one.id: SAFE for one in signals})
    return plant


def risks(plant: Plant, second: float, values: dict[str, float]):
    """What becomes of the area, told at the latest with the next tick."""
    told = [*plant.at(second, values), *plant.wait(second + 0.5)]
    return [(alarm, what, round(line)) for alarm, what, line in told if "/risk-" in alarm]


def names(count: int) -> list[str]:
    return [f"P{number}" for number in range(1, count + 1)]


@pytest.mark.parametrize(("colour", "count", "level"), [(BLUE, 4, "yellow"), (YELLOW, 3, "orange"), (ORANGE, 2, "red")])
def test_so_many_of_one_kind_raise_the_level(colour, count, level):
    plant = pond(*(point(name, colour) for name in names(count)))
    for second, name in enumerate(names(count)[:-1], 1):
        assert risks(plant, second, {name: colour}) == []
    assert risks(plant, 10, {f"P{count}": colour}) == [(f"pond/risk-{level}", BEGINS, 10)]
    assert risks(plant, 20, {"P1": SAFE}) == [(f"pond/risk-{level}", ENDS, 20)]


def test_the_evidence_names_the_alarms():
    plant = pond(point("P1", ORANGE), point("P2", ORANGE))
    risks(plant, 1, {"P1": 33})
    risks(plant, 2, {"P2": 31})
    assert plant.trace() == ["pond: 2 points at orange or above, 2 of one kind make red",
                             "P1: orange: P1 pond: P1 high", "P2: orange: P2 pond: P2 high"]
    lines = list(plant.verdicts)[-1].evidence
    assert [line.value for line in lines] == [2, 33, 31]
    assert lines[0].note["zh"] == "2 个测点达到橙色及以上，同类 2 个即为红色"


def test_points_of_different_kinds_or_areas_are_not_added_up():
    plant = pond(point("P1", ORANGE), point("P2", ORANGE, kind="level"), point("P3", ORANGE, area="dam"))
    assert risks(plant, 1, {"P1": ORANGE, "P2": ORANGE, "P3": ORANGE}) == []


def test_a_point_counts_once_with_its_highest_level():
    plant = pond(point("P1", ORANGE, RED))
    assert risks(plant, 1, {"P1": RED}) == [], "two alarms of one point are one point"


def test_a_point_that_gets_worse_does_not_make_the_area_look_better():
    plant = pond(*(point(name, BLUE, YELLOW) for name in names(4)))
    assert risks(plant, 1, dict.fromkeys(names(4), BLUE)) == [("pond/risk-yellow", BEGINS, 1)]
    assert risks(plant, 2, {"P1": YELLOW}) == []
    assert "pond/risk-yellow" in plant.standing()


def test_a_rising_level_adds_an_alarm_and_a_jump_tells_the_highest_only():
    plant = pond(*(point(name, BLUE, ORANGE) for name in names(4)))
    assert risks(plant, 1, dict.fromkeys(names(4), BLUE)) == [("pond/risk-yellow", BEGINS, 1)]
    assert risks(plant, 2, {"P1": ORANGE, "P2": ORANGE}) == [("pond/risk-red", BEGINS, 2)]
    assert risks(plant, 3, {"P1": BLUE}) == [("pond/risk-red", ENDS, 3)]
    jump = pond(*(point(name, ORANGE) for name in names(4)))
    assert risks(jump, 1, dict.fromkeys(names(4), ORANGE)) == [("pond/risk-red", BEGINS, 1)]


def test_the_numbers_are_those_of_the_area():
    plant = pond(*(point(name, BLUE) for name in names(2)), escalation=Escalation(blue=2))
    assert risks(plant, 1, dict.fromkeys(names(2), BLUE)) == [("pond/risk-yellow", BEGINS, 1)]


def test_statistics_and_faults_never_count():
    """Two unusual yellow points beside two yellow limits, and points that are lost."""
    assert not RISK_CONDITIONS & STATISTICAL
    unusual = Baseline(risk=Risk.YELLOW, priority=Priority.P3)
    plant = pond(*(point(name, YELLOW, baseline=unusual, deadman_s=5.0) for name in names(4)))
    plant.bank.adopt([f"{name}/anomaly" for name in names(4)])
    assert risks(plant, 1, dict.fromkeys(names(2), YELLOW)) == []
    assert len([alarm for alarm in plant.standing() if alarm.endswith("/anomaly")]) == 4
    assert [edge for edge in plant.wait(60) if "risk" in edge[0]] == []
    assert {f"{name}/deadman" for name in names(4)} <= plant.standing()


def test_interlocks_count_and_are_a_kind_of_their_own():
    rules = [Interlock(f"lock-{n}", Text.same("lock"), "pond", Side((Test.parse(f"P{n} >= 30"),)),
                       Side((Test.parse("P3 == 1"),)), 0, 0) for n in (1, 2)]
    plant = pond(point("P1"), point("P2"), point("P3"), rules=rules)
    assert risks(plant, 1, {"P1": 30}) == []
    assert risks(plant, 2, {"P2": 30}) == [("pond/risk-red", BEGINS, 2)]


def test_a_restart_forgets_nothing_and_a_changed_area_is_looked_at_anew():
    plant = pond(*(point(name, BLUE) for name in names(4)))
    risks(plant, 1, dict.fromkeys(names(3), BLUE))
    plant = plant.after_restart()
    assert risks(plant, 2, {"P4": BLUE}) == [("pond/risk-yellow", BEGINS, 2)]
    assert risks(plant.after_restart(), 3, {"P4": BLUE}) == []
    laxer = replace(plant.site, areas=tuple(replace(area, escalation=Escalation(9)) for area in plant.site.areas))
    assert risks(plant.after_restart(laxer), 3, {"P4": BLUE}) == [("pond/risk-yellow", ENDS, 3)]


def test_votes_and_risk_do_not_take_the_first_out_from_the_real_cause():
    """They are raised at the same instant as the second head, or before the head's own on-delay is over."""
    slow = [replace(point(name, ORANGE), limits=tuple(replace(limit, on_delay_s=2.0) for limit in
                                                      point(name, ORANGE).limits)) for name in names(2)]
    vote = Vote("vote", Text.same("vote"), "pond", tuple(Test.parse(f"{name} >= 30") for name in names(2)), 2,
                on_delay_s=0, off_delay_s=0)
    plant = pond(*slow, rules=[vote])
    engine = AlarmEngine(plant.site.alarms)
    raised = []
    for values in ({"P1": 33, "P2": 31}, None):
        plant.at(1, values) if values else plant.wait(10)
        raised += [(one.alarm, one.first_out) for one in engine.apply(plant.verdicts).transitions
                   if one.event is Event.RAISE]
    plant.wait(11)
    assert raised == [("vote", False), ("P1/H", True), ("P2/H", False), ("pond/risk-red", False)]

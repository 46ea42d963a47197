"""Signals of one machine against its commissioning: what is said, when, of whom, and what a missing member does."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from gateway.core.group import PLANES, Ensemble, Recipe
from gateway.core.learning import LearningState
from gateway.model.alarm import Priority, Risk
from gateway.model.clock import NS
from gateway.model.group import Group
from gateway.model.quality import Quality
from gateway.model.text import Text
from tests.core.plant import Plant, limit, signal, site
from tests.laws.plain import Log
from tests.laws.plain_group import PlainGroup

PUMP = Group("pump", Text("Cooling pump", "冷却泵"), "tank_farm", ("flow", "shake", "lamp"), every_s=10.0,
             learn_s=1500.0, hold_s=60.0, after_s=3600.0)
SOUND = np.random.default_rng(1).normal([80.0, 5.0, 1.0], [1.0, 0.2, 0.0], (2000, 3))
BEGINS, ENDS = ("pump/group", "begins"), ("pump/group", "ends")


def make(group: Group = PUMP, *flow_limits) -> Plant:
    return Plant(replace(site(signal("flow", *flow_limits), signal("shake"), signal("lamp")),
                         groups=(group,)))


def follow(plant: Plant, values, start: float, leave_out: str = "", quality: Quality = Quality.GOOD) -> list:
    """Rows of (flow, shake, lamp), one every 5 s; what begins and ends."""
    told = []
    for place, row in enumerate(values):
        read = dict(zip(PUMP.signals, row.tolist(), strict=True))
        read.pop(leave_out, None)
        told += plant.at(start + 5 * place, read, quality)
    return told


def moved(rows: int, flow: float = 0.0, shake: float = 0.0) -> np.ndarray:
    return SOUND[:rows] + np.array([flow, shake, 0.0])


@pytest.fixture
def plant() -> Plant:
    """Commissioned: 400 samples, 200 spans, of which it needed 150. The lamp has burnt all the time."""
    plant = make()
    assert follow(plant, SOUND[:400], 0) == []
    return plant


def test_a_fault_stands_as_long_as_it_lasts_and_no_longer(plant):
    told = follow(plant, moved(800, flow=-6), 2000)
    assert [edge[:2] for edge in told] == [BEGINS]
    assert 2010 <= told[0][2] <= 2060
    told = follow(plant, moved(100), 6000)
    assert [edge[:2] for edge in told] == [ENDS]
    assert told[0][2] <= 6120


def test_the_evidence_names_the_contributors_and_who_was_left_out(plant):
    follow(plant, moved(40, flow=-6, shake=1), 2000)
    (edge,) = plant.verdicts
    assert [line.signal for line in edge.evidence] == ["flow", "shake", "lamp"]
    flow, shake, lamp = edge.evidence
    assert flow.note.en.startswith(f"{flow.value:.1f} u instead of 80.0 u at commissioning (")
    assert flow.note.zh.startswith(f"现为 {flow.value:.1f} u，投运学习期为 80.0 u（偏差为允许值的 ")
    assert flow.note.en.endswith(f"({edge.value:.1f} times the deviation allowed)") and edge.value >= 1
    assert shake.note.en.startswith(f"{shake.value:.1f} u instead of 5.0 u")
    assert math.isnan(lamp.value)
    assert lamp.note == Text("without it: it never moved during commissioning", "未参与判断（投运学习期内从未变化）")


def test_a_missing_member_is_named_and_the_others_judge_on(plant):
    told = follow(plant, moved(40, shake=2), 2000, leave_out="flow")
    assert [edge[:2] for edge in told] == [BEGINS]
    (edge,) = plant.verdicts
    assert [(line.signal, line.note.en) for line in edge.evidence[1:]] == [
        ("flow", "without it: no good value in this span"),
        ("lamp", "without it: it never moved during commissioning")]


@pytest.mark.parametrize("quality", [None, Quality.BAD_SENSOR, Quality.UNCERTAIN_STALE])
def test_a_member_that_goes_bad_ends_no_alarm(plant, quality):
    assert [edge[:2] for edge in follow(plant, moved(100, flow=-6), 2000)] == [BEGINS]
    for place, row in enumerate(moved(200)):
        assert ENDS not in [edge[:2] for edge in plant.at(2500 + 5 * place, {"shake": row[1], "lamp": 1.0})]
        if quality is not None:
            assert ENDS not in [edge[:2] for edge in plant.at(2501 + 5 * place, {"flow": 80.0}, quality)]
    assert ENDS in [edge[:2] for edge in follow(plant, moved(100), 3600)], "it is back, and good"


@pytest.mark.survives("a group with all members bad", then="nothing is judged, an alarm that stands goes on standing")
def test_with_all_members_bad_nothing_is_judged(plant):
    follow(plant, moved(100, flow=-6), 2000)
    told = follow(plant, SOUND[:300], 2500, quality=Quality.BAD_SENSOR)
    assert "pump/group" not in [alarm for alarm, *_ in told]
    assert "pump/group" in plant.bank.active and not plant.bank.failures


def test_nothing_is_said_and_nothing_held_is_learnt_during_commissioning():
    plant = make(PUMP, limit("H", 200))
    assert follow(plant, SOUND[:102], 0) == []
    lessons = plant.bank.learning.lessons()
    assert (lessons.progress[0], lessons.state(0)) == (50 / 150, LearningState.LEARNING)
    told = follow(plant, moved(100, flow=500), 510)
    assert [edge[:2] for edge in told] == [("flow/H", "begins")]
    assert plant.bank.learning.lessons().progress[1] == lessons.progress[1], "held while any member is"
    follow(plant, SOUND[102:202], 1010, leave_out="shake")
    assert plant.bank.learning.lessons().progress[0] == lessons.progress[0], "nor learnt while one is missing"
    follow(plant, SOUND[202:420], 1510)
    assert plant.bank.learning.lessons().state(0) is LearningState.LEARNT


def test_one_wild_span_is_no_alarm_and_two_are(plant):
    wild = moved(40)
    wild[10:12, 0] = 1e9
    assert follow(plant, wild, 2000) == []
    wild[12:14, 0] = 1e9
    assert [edge[:2] for edge in follow(plant, wild, 2200)] == [BEGINS, ENDS]


def test_one_wild_span_does_not_make_it_deaf():
    plant, wild = make(), SOUND[:400].copy()
    wild[200:202, 0] = 1e9
    assert follow(plant, wild, 0) == []
    assert [edge[:2] for edge in follow(plant, moved(100, flow=-12), 2000)] == [BEGINS]


def test_what_is_left_of_a_fault_is_borne_for_a_while_and_not_for_ever(plant):
    follow(plant, moved(100, flow=-60), 2000)
    assert [edge[:2] for edge in follow(plant, moved(100, flow=-6), 2500)] == [ENDS]
    told = [edge for start in range(3000, 9000, 1000) for edge in follow(plant, moved(200, flow=-6), start)]
    assert [edge[:2] for edge in told] == [BEGINS]
    assert 2500 + PUMP.after_s <= told[0][2] <= 2500 + PUMP.after_s + 200


def test_an_after_effect_hides_no_second_fault_of_that_kind(plant):
    follow(plant, moved(100, flow=-60), 2000)
    follow(plant, moved(100, flow=-6), 2500)
    assert [edge[:2] for edge in follow(plant, moved(100, flow=-50), 3000)] == [BEGINS]


def test_a_signal_that_wanders_is_trusted_less():
    random, learn = np.random.default_rng(4), 400
    walk = np.cumsum(random.normal(0, 1, learn))
    values = np.stack([random.permutation(walk), walk], axis=1)
    state = np.zeros((PLANES, 3))
    ensemble = Ensemble(state[:, :2], state[:, 2], Recipe(learn=learn, settle=0.0))
    for row in values:
        ensemble.learn(row, True)
    assert ensemble.learnt
    scattered, wandering = ensemble.allowed
    assert scattered == pytest.approx(1.5 * walk.std(), rel=0.3)
    assert wandering > 10 * scattered, "though both have the same mean and standard deviation"


def test_a_restart_forgets_nothing_and_a_changed_group_commissions_anew(plant):
    again = plant.after_restart()
    assert [edge[:2] for edge in follow(again, moved(40, flow=-6), 2000)] == [BEGINS]
    for other in (replace(PUMP, every_s=20.0), replace(PUMP, signals=("flow", "shake"))):
        progress = again.after_restart(replace(plant.site, groups=(other,))).bank.learning.lessons().progress
        assert progress[0] == 0.0
    blunter = replace(plant.site, groups=(replace(PUMP, id="pump", blunt=2.0), replace(PUMP, id="second")))
    later = again.after_restart(blunter)
    assert "pump/group" in later.bank.active, "what only judges may change"
    assert [edge[:2] for edge in follow(later, moved(100), 2200)] == [ENDS]


def test_a_reset_commissions_all_members_anew(plant):
    follow(plant, moved(40, flow=-6), 2000)
    plant.bank.learning.reset(np.array([plant.site.signals.index("shake")]), 2200 * NS)
    assert plant.bank.learning.lessons().progress[:2].tolist() == [0.0, 0.0]
    assert [edge[:2] for edge in follow(plant, moved(20, flow=-6), 2200)] == [ENDS], "there is nothing to judge it by"


def test_the_picture_has_the_numbers(plant):
    follow(plant, moved(1), 2000)
    (picture,) = plant.bank.learning.pictures(0)
    figures = {figure.name.en: figure.value for figure in picture.figures}
    assert figures["Cooling pump: at commissioning"] == pytest.approx(80.0, abs=0.3)
    assert figures["Cooling pump: deviation allowed"] == pytest.approx(1.5 / math.sqrt(2), rel=0.5)
    (lamp,) = plant.bank.learning.pictures(2)
    assert all(math.isnan(figure.value) for figure in lamp.figures), "left out"


def test_values_are_told_with_as_many_digits_as_tell_them_apart(plant):
    small = replace(PUMP, id="small")
    plant = Plant(replace(plant.site, groups=(small,)))
    follow(plant, SOUND[:400] / 1000, 0)
    follow(plant, moved(40, flow=-6) / 1000, 2000)
    (edge,) = plant.verdicts
    assert edge.evidence[0].note.en.startswith(f"{edge.evidence[0].value:.3f} u instead of 0.080 u at commissioning")


def test_it_is_never_above_yellow_nor_urgent():
    definition = make().site.alarms[make().site.alarms.index("pump/group")]
    assert (definition.priority, definition.risk, definition.group) == (Priority.P4, Risk.BLUE, "")
    assert definition.name == Text("tank_farm: Cooling pump not as at commissioning", "tank_farm：冷却泵偏离投运状态")
    for wrong in ({"risk": Risk.ORANGE}, {"priority": Priority.P2}):
        with pytest.raises(ValueError, match="never above yellow"):
            replace(PUMP, **wrong)
    for signals in (("flow",), ("flow", "flow")):
        with pytest.raises(ValueError, match="two signals or more"):
            replace(PUMP, signals=signals)


@pytest.mark.parametrize("seed", range(3))
def test_the_kernel_agrees_with_the_definition_on_long_streams(seed):
    """Longer than the laws' streams: wild values are tamed after 30 spans only."""
    random = np.random.default_rng(seed)
    group = replace(PUMP, signals=("a", "b"), every_s=1.0, learn_s=120.0, hold_s=3.0, after_s=40.0, blunt=0.4)
    log = Log({"pump/group"})
    plain, state = PlainGroup(log, group), np.zeros((PLANES, 3))
    ensemble = Ensemble(state[:, :2], state[:, 2], Recipe(learn=120, bound=1.5 * 0.4, hold=3, after=40))
    faults = np.repeat(random.choice([0.0, 0.0, 1.0, 2.0, 8.0], (50, 2)), 40, axis=0)
    faults[:240] = 0.0
    values = faults + random.normal(0, 1, (2000, 2))
    values[random.random(2000) < 0.01] *= 1000.0
    turns, last = [], None
    for span, row in enumerate(values):
        there = random.random(2) < 0.9
        if there.any():
            known = {id: (float(x), False) for id, x, here in zip("ab", row, there, strict=True) if here}
            plain.judge(span, span, known)
            if ensemble.learnt:
                if turn := ensemble.judge(row, there):
                    turns.append((span, "pump/group", turn > 0))
            elif there.all():
                ensemble.learn(row, last == span - 1)
                last = span
    assert turns == log.edges and len(turns) > 10

"""Votes: M of N, what a lost member counts for, and that nobody overlooks it."""

from __future__ import annotations

import pytest

from gateway.model.quality import Quality
from gateway.model.rules import Degraded, Test, Vote
from gateway.model.text import Text
from tests.core.plant import Plant, gas, instant, site

BEGINS, ENDS = "begins", "ends"
LOST = Quality.BAD_COMM_LOST


def heads(m: int, n: int, degraded: Degraded = Degraded.TRIP, **settings) -> Plant:
    """n heads that all read 2 at second 0. The vote: 2 s on-delay, 5 s off-delay, lost after 10 s."""
    names = [f"GD-{number}" for number in range(1, n + 1)]
    members = tuple(Test.parse(f"{name} >= 20") for name in names)
    rule = Vote("gas", Text("gas", "气体"), "tank_farm", members, m, degraded,
                **{"bad_after_s": 10.0, "on_delay_s": 2.0, "off_delay_s": 5.0} | settings)
    plant = Plant(site(*(gas(name, deadman_s=1000.0) for name in names), rules=[rule]))
    plant.at(0, dict.fromkeys(names, 2))
    return plant


def told(edges, *alarms):
    return [edge for edge in edges if edge[0] in (alarms or ("gas", "gas/degraded"))]


def test_two_of_three():
    plant = heads(2, 3)
    plant.at(1, {"GD-1": 25})
    assert told(plant.wait(60)) == [], "one alone is no vote"
    plant.at(61, {"GD-3": 32.5})
    assert told(plant.wait(70)) == [("gas", BEGINS, 63)]
    assert plant.trace() == ["gas: 2 of 3 vote, 2 needed (2oo3)", "GD-1: votes: reads 25 (GD-1 >= 20)",
                             "GD-2: does not vote: reads 2 (GD-2 >= 20)", "GD-3: votes: reads 32.5 (GD-3 >= 20)"]
    assert [line.note["zh"] for line in list(plant.verdicts)[-1].evidence][:2] == [
        "3 个中 2 个投票，需 2 个（2oo3）", "投票：读数 25（GD-1 >= 20）"]
    plant.at(71, {"GD-1": 2})
    assert told(plant.at(76, {"GD-2": 2})) == [("gas", ENDS, 76)]


def test_an_uncertain_member_that_is_true_votes():
    plant = heads(2, 3)
    plant.at(1, {"GD-1": 25})
    plant.at(2, {"GD-2": 25}, Quality.UNCERTAIN)
    assert told(plant.wait(20)) == [("gas", BEGINS, 4), ("gas/degraded", BEGINS, 12)]
    assert plant.trace() == ["gas: 1 of 3 members of the vote 2oo3 are not good: GD-2",
                             "GD-2: uncertain, reads 25"]


def test_a_member_beyond_its_range_votes():
    plant = heads(2, 3)
    plant.at(1, {"GD-1": 130, "GD-2": 130})
    assert ("gas", BEGINS, 3) in plant.wait(3)


@pytest.mark.parametrize("degraded", Degraded)
class TestLostMembers:
    def test_with_one_lost_two_of_three_is_one_of_two(self, degraded):
        plant = heads(2, 3, degraded)
        plant.at(1, {"GD-3": 2}, LOST)
        assert told(plant.wait(60)) == [("gas/degraded", BEGINS, 11)]
        assert plant.trace() == ["gas: 1 of 3 members of the vote 2oo3 are not good: GD-3", "GD-3: no good data"]
        plant.at(61, {"GD-1": 25})
        assert told(plant.wait(70)) == [("gas", BEGINS, 63)]
        assert plant.trace()[0] == "gas: 1 of 3 vote, 1 lost, 1 needed (2oo3)"
        assert plant.trace()[3] == {
            Degraded.TRIP: "GD-3: lost, counts as a vote: no good data (GD-3 >= 20)",
            Degraded.LOWER: "GD-3: lost, left out of the vote: no good data (GD-3 >= 20)"}[degraded]

    def test_one_lost_answer_is_no_gas(self, degraded):
        plant = heads(2, 3, degraded)
        plant.at(1, {"GD-1": 25})
        for second in range(2, 40, 2):
            assert told(plant.at(second, {"GD-3": 2}, LOST), "gas") == []
            assert told(plant.at(second + 1, {"GD-3": 2}), "gas") == []
        assert plant.standing() == {"gas/degraded"}, "but one that comes and goes is announced"

    def test_all_lost_is_an_alarm(self, degraded):
        plant = heads(2, 3, degraded)
        for second, name in ((1, "GD-1"), (2, "GD-2"), (3, "GD-3")):
            plant.at(second, {name: 2}, LOST)
        begun = told(plant.wait(60), "gas")
        assert begun == [("gas", BEGINS, 12 if degraded is Degraded.TRIP else 13)]
        assert {"gas", "gas/degraded"} <= plant.standing()

    def test_a_member_that_voted_and_is_lost_has_not_taken_it_back(self, degraded):
        plant = heads(2, 3, degraded)
        plant.at(1, {"GD-1": 25, "GD-2": 25})
        assert told(plant.wait(3)) == [("gas", BEGINS, 3)]
        plant.at(4, {"GD-2": 2}, LOST)
        for second in range(5, 30):
            assert told(plant.at(second, {"GD-3": 2}), "gas") == []
        assert "gas" in plant.standing()
        plant.at(31, {"GD-2": 2})
        assert told(plant.at(36, {"GD-2": 2}), "gas") == [("gas", ENDS, 36)]

    def test_members_never_heard_of_get_time_to_speak(self, degraded):
        names = ("A", "B")
        rule = Vote("gas", Text("gas", "气体"), "tank_farm", tuple(Test.parse(f"{name} > 1") for name in names), 2,
                    degraded, bad_after_s=1.0)
        plant = Plant(site(*(gas(name, deadman_s=1000.0) for name in names), rules=[rule]))
        plant.at(0, {"A": 0.5})
        assert told(plant.wait(29)) == []
        assert told(plant.wait(31)) == [("gas/degraded", BEGINS, 30)]
        plant.at(40, {"A": 5})
        assert told(plant.wait(50)) == [("gas", BEGINS, 42)]

    def test_a_restart_in_the_middle_changes_nothing(self, degraded):
        plant = heads(2, 3, degraded)
        plant.at(1, {"GD-1": 25})
        plant.at(2, {"GD-3": 2}, LOST)
        plant = plant.after_restart()
        plant.bank.begin(instant(6))
        assert told(plant.wait(60)) == [("gas", BEGINS, 12), ("gas/degraded", BEGINS, 12)]


def test_trip_and_lower_differ_when_no_vote_is_left_to_need():
    for degraded, expected in ((Degraded.TRIP, [("gas", BEGINS, 11)]), (Degraded.LOWER, [])):
        plant = heads(1, 2, degraded)
        plant.at(1, {"GD-2": 2}, LOST)
        assert told(plant.wait(60), "gas") == expected
        plant.at(61, {"GD-1": 25})
        plant.wait(70)
        assert "gas" in plant.standing()


def test_degradation_ends_when_all_are_good_again():
    plant = heads(2, 3)
    plant.at(1, {"GD-3": 2}, LOST)
    plant.wait(20)
    plant.at(21, {"GD-1": 2, "GD-3": 2})
    assert told(plant.at(26, {"GD-1": 2})) == [("gas/degraded", ENDS, 26)]
    assert plant.trace() == ["gas: all 3 members of the vote 2oo3 are good"]


def test_a_vote_that_can_not_be_is_refused():
    with pytest.raises(ValueError, match="3 of 2 members can not vote"):
        heads(3, 2)

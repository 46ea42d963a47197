"""Proof tests that are overdue raise an alarm, by the calendar and the log alone."""

from __future__ import annotations

from gateway.core import Bank
from gateway.model.clock import NS, Instant
from gateway.model.rules import ResponseTest, Test
from gateway.model.stroke import Outcome, Seen, Stroke
from gateway.model.text import Text
from gateway.overdue import Overdue
from tests.core.plant import WALL, gas, instant, signal, site

DAY = 86_400 * NS
BUMP = ResponseTest("bump", Text.same("bump"), "tank_farm", "GD", Test.parse("GD.test == 1"), by=20.0, within_s=30.0,
                    proof_test_interval_s=15 * 86_400.0)
SITE = site(gas("GD"), signal("GD.test"), rules=[BUMP])


def passed(day: float, outcome: Outcome = Outcome.VERIFIED, after_s: float | None = 12.0) -> Stroke:
    at = round(day * DAY)
    return Stroke("bump", outcome, True, WALL + at, at, WALL + at, at, (Seen(BUMP.response, after_s, True),))


def day(number: float, trusted: bool = True) -> Instant:
    at = round(number * DAY)
    return Instant(at, WALL + at, trusted)


def told(verdicts) -> list[tuple[str, bool]]:
    return [(SITE.alarms[edge.alarm].id, edge.active) for edge in verdicts]


def test_it_begins_when_the_interval_is_over_and_ends_with_a_passed_test():
    overdue = Overdue(SITE)
    assert told(overdue.judge([passed(0)], WALL, day(14.9))) == []
    late = overdue.judge([passed(0)], WALL, day(15.1))
    assert told(late) == [("bump/overdue", True)]
    (line,) = next(iter(late)).evidence
    assert line.wall_ns == WALL and "15 days" in line.note.en and "15 天" in line.note.zh
    assert told(overdue.judge([passed(0)], WALL, day(16))) == [], "said once"
    failed = passed(16, Outcome.FAILED, None)
    assert told(overdue.judge([failed, passed(0)], WALL, day(16))) == [], "a failed test proves nothing"
    assert told(overdue.judge([passed(16.5), failed, passed(0)], WALL, day(17))) == [("bump/overdue", False)]


def test_what_was_never_tested_counts_from_the_first_day_of_the_alarm_file():
    overdue = Overdue(SITE)
    assert told(overdue.judge([], None, day(0))) == [], "a new gateway"
    assert told(overdue.judge([], WALL, day(14.9))) == []
    assert told(overdue.judge([], WALL, day(15.1))) == [("bump/overdue", True)]


def test_a_clock_that_is_not_trusted_judges_nothing():
    overdue = Overdue(SITE)
    assert told(overdue.judge([passed(0)], WALL, day(4000, trusted=False))) == []


def test_after_a_restart_it_is_not_said_again():
    overdue = Overdue(SITE)
    overdue.adopt({"bump/overdue", "GD/deadman"})
    assert told(overdue.judge([passed(0)], WALL, day(16))) == []
    assert told(overdue.judge([passed(16)], WALL, day(16))) == [("bump/overdue", False)]


def test_the_bank_does_not_take_it_for_its_own():
    bank = Bank(SITE)
    bank.begin(instant(0))
    bank.adopt({"bump/overdue", "bump"})
    assert bank.active == {"bump"}

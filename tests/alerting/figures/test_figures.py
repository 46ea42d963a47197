"""The figures on a site where everything is known: what is counted, when a burst begins and ends."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from alerting.engine import AlarmEngine
from alerting.figures.bursts import Act, Kind
from alerting.figures.figures import KEPT_NS, Figures
from alerting.figures.report import HOUR_NS, metrics, report
from alerting.figures.tally import SLOT_NS, Tally
from gateway.model.alarm import Priority
from gateway.model.clock import NS, Instant
from tests.alerting.sites import START_NS, depot, edge, verdicts

SITE = depot()
SLOT_S = SLOT_NS // NS
AT_SLOT_S = SLOT_S - START_NS // NS % SLOT_S  # seconds of the line at which a slot of wall time begins


class Told:
    """An engine whose transitions go to the figures; `steps`: the bursts that these tell of."""

    def __init__(self, operators: int = 1):
        self.engine, self.figures, self.steps = AlarmEngine(SITE.alarms), Figures(SITE.alarms, operators), []

    def say(self, alarm: str, active: bool, second: float) -> None:
        for transition in self.engine.apply(verdicts(edge(SITE, alarm, active, second))).transitions:
            self.steps += self.figures.take(transition)

    def once(self, alarm: str, second: float, who: str = "Li") -> None:
        """Up, taken and down within a tenth of a second."""
        self.say(alarm, True, second)
        self.take(alarm, second + 0.05, who)
        self.say(alarm, False, second + 0.1)

    def take(self, alarm: str, second: float, who: str) -> None:
        for transition in self.engine.acknowledge(alarm, who, "", instant(second)).transitions:
            self.steps += self.figures.take(transition)

    def wait(self, second: float) -> None:
        self.steps += self.figures.pass_time(instant(second))

    @property
    def acts(self) -> list[tuple[Kind, Act, float]]:
        return [(step.kind, step.act, step.at.line_ns / NS) for step in self.steps]

    def report(self, end_s: float, start_s: float = 0):
        return report(self.figures, wall(start_s), wall(end_s))


def instant(second: float) -> Instant:
    return Instant(round(second * NS), wall(second))


def wall(second: float) -> int:
    return START_NS + round(second * NS)


def test_eleven_alarms_in_ten_minutes_are_a_flood_and_ten_are_not():
    told = Told()
    for number in range(10):
        told.once("GD-01/H", 1 + 59 * number)
    told.wait(700)
    told.once("GD-02/H", 1 + 59 * 10 + 600)
    assert told.acts == []
    told = Told()
    for number in range(11):
        told.once(("GD-01/H", "GD-02/H")[number % 2], 1 + 59 * number)
    assert told.acts == [(Kind.FLOOD, Act.BEGIN, 591)]
    assert told.figures.now(round(591 * NS)).flood.alarms == 11


@pytest.mark.parametrize("look_s", [882, 5000])
def test_a_flood_ends_when_fewer_than_five_are_left_whenever_one_looks(look_s):
    told = Told()
    for number in range(12):
        told.once("GD-01/H", 1 + 40 * number)
    told.wait(880)
    assert told.acts == [(Kind.FLOOD, Act.BEGIN, 401)]
    told.wait(look_s)
    fifth_last_s = 1 + 40 * 7
    assert told.acts[1:] == [(Kind.FLOOD, Act.END, fifth_last_s + 600)]
    span = next(told.figures.floods(wall(0), wall(9999)))
    assert (span.end.wall_ns - span.begun.wall_ns) / NS == 480 and span.alarms == 12


def test_three_times_in_a_minute_is_chattering_until_ten_minutes_of_silence():
    told = Told()
    for second in (1, 40, 60):
        told.once("GD-01/H", second)
    assert told.acts == [(Kind.CHATTER, Act.BEGIN, 60)] and told.steps[0].alarm == "GD-01/H"
    told.once("GD-01/H", 300)
    told.wait(890)
    assert len(told.acts) == 1 and set(told.figures.now(890 * NS).chattering) == {"GD-01/H"}
    told.wait(901)
    assert told.acts[1:] == [(Kind.CHATTER, Act.END, 900)] and told.steps[1].count == 4
    assert told.report(902).chattered == (("GD-01/H", 1),)


def test_three_alarms_of_different_signals_are_no_chattering():
    told = Told()
    for number in (1, 2, 3):
        told.once(f"GD-0{number}/H", number)
    told.once("GD-01/H", 64)
    assert told.acts == []


def test_two_operators_share_the_load():
    told = Told(operators=2)
    for number in range(21):
        told.once(("GD-01/H", "GD-02/H", "GD-03/H")[number % 3], AT_SLOT_S + 21 * number)
    assert [act for act in told.acts if act[0] is Kind.FLOOD] == [(Kind.FLOOD, Act.BEGIN, AT_SLOT_S + 21 * 20)]
    assert told.report(AT_SLOT_S + SLOT_S, AT_SLOT_S).average == told.report(AT_SLOT_S + SLOT_S).peak == 10.5


def test_rate_average_and_peak():
    """Four alarms across the border of two slots: the peak is of any ten minutes."""
    told = Told()
    for second in (-60, -30, 10, 20):
        told.once("GD-01/H", AT_SLOT_S + second)
    found = told.report(AT_SLOT_S + 3600, AT_SLOT_S - 600)
    assert (found.alarms, found.peak) == (4, 4)
    assert found.average == pytest.approx(4 * 600 / (3600 + 60))  # since the first transition that is known
    assert told.figures.now(round((AT_SLOT_S + 575) * NS)).rate == 2


def test_what_was_withheld_and_p4_call_nobody():
    told, silent = Told(), "gateway/clock"
    told.once(silent, 1)
    told.once("GD-01/H", 2)
    engine = AlarmEngine(SITE.alarms)
    for transition in engine.apply(verdicts(edge(SITE, "GD-02/HH", True, 3))).transitions:
        told.figures.take(replace(transition, notify=False, withheld="bypass of GD-02 by Li: calibration"))
    found = told.report(10)
    assert found.alarms == 1 and found.withheld == (("GD-02/HH", 1),)
    assert found.by_priority == {Priority.P1: 0, Priority.P2: 1, Priority.P3: 0, Priority.P4: 1}
    assert found.split == {Priority.P1: 0, Priority.P2: 1, Priority.P3: 0}


def test_the_ten_worst():
    told = Told()
    for _ in range(9):
        told.once("GD-01/HH", 100 * (_ + 1))
    told.once("GD-02/H", 5000)
    found = told.report(6000)
    assert found.worst == (("GD-01/HH", 9), ("GD-02/H", 1)) and found.worst_share == 1


def test_time_to_acknowledge_by_person():
    told = Told()
    for number, (who, seconds) in enumerate((("Li", 10), ("Li", 20), ("Li", 30), ("Wang", 600))):
        told.say("GD-01/H", True, 1000 * (number + 1))
        told.take("GD-01/H", 1000 * (number + 1) + seconds, who)
        told.say("GD-01/H", False, 1000 * (number + 1) + 700)
    found = told.report(6000)
    assert (found.answers.count, found.answers.median_s, found.answers.p90_s) == (4, 20, 600)
    assert {who: one.median_s for who, one in found.by_person.items()} == {"Li": 20, "Wang": 600}
    assert math.isnan(told.report(6000, 5900).answers.median_s)


def test_metrics_under_the_names_of_opc_ua():
    told = Told()
    told.say("GD-01/H", True, 100)
    told.say("GD-01/H", False, 400)
    told.take("GD-01/H", 1000, "Li")
    told.say("GD-02/H", True, 1100)
    found = metrics(told.figures, instant(1300))
    assert (found.AlarmCount, found.StartTime) == (2, wall(100))
    assert (found.MaximumActiveState, found.MaximumUnAck) == (300, 900)
    assert (found.CurrentAlarmRate, found.MaximumAlarmRate) == (1, 1)
    assert found.AverageAlarmRate == pytest.approx(2 * 600 / 1200)
    assert metrics(told.figures, instant(4000)).MaximumActiveState == 2900, "what stands counts as far as it is"


def test_share_of_the_time_in_flood():
    told = Told()
    for number in range(12):
        told.once("GD-01/H", 1 + 40 * number)
    told.wait(5000)
    found = report(told.figures, wall(0), wall(1) + 10 * HOUR_NS)
    assert found.flood_share == pytest.approx(480 / 36_000, rel=1e-3)


def test_a_month_is_kept_and_no_more():
    told = Told()
    for day in range(40):
        told.once("GD-01/H", 86_400 * (day + 1))
    assert told.report(86_400 * 41).alarms == 31
    assert len(told.figures._tallies) <= KEPT_NS // SLOT_NS


def test_a_day_that_was_added_up_takes_what_comes_late():
    told = Told()
    for day in range(4):
        told.once("GD-01/H", 86_400 * day + 60)
    assert told.report(86_400 * 4).alarms == 4
    told.once("GD-02/H", 86_400 + 120)
    assert told.report(86_400 * 4).alarms == 5


def test_a_month_that_is_asked_for_adds_up_few_sums_because_each_day_was_added_up_at_its_end(monkeypatch):
    told, added = Told(), []
    for slot in range(30 * 144):
        told.once("GD-01/H", AT_SLOT_S + slot * SLOT_S + 1)
    plain = Tally.sum

    def counted(tallies):
        found = list(tallies)
        added.append(len(found))
        return plain(found)

    monkeypatch.setattr(Tally, "sum", counted)
    found = told.report(AT_SLOT_S + 30 * 144 * SLOT_S)
    assert found.alarms == 30 * 144
    assert sum(added) < 29 + 2 * 144, "29 days, and the slots of the first and the last one"

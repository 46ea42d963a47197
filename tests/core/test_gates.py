"""Limits that count only while another signal says so."""

from __future__ import annotations

import pytest

from gateway.model.quality import Quality
from gateway.model.rules import Test
from tests.core.plant import Plant, instant, limit, signal, site

RUNS = Test.parse("RUN == 1")


def pump(**settings):
    """Its current is too low: dry, or the coupling is broken; but only while it runs."""
    return Plant(site(signal("I", limit("L", 5.0, deadband=1.0, only_while=RUNS, **settings), limit("H", 60.0)),
                      signal("RUN", deadman_s=10.0)))


def edges(told):
    return [edge for edge in told if edge[0] != "RUN/deadman"]


def test_while_the_gate_is_closed_nothing_begins():
    plant = pump()
    assert plant.at(1, {"I": 0.0, "RUN": 0}) == []
    assert plant.at(2, {"I": 70.0}) == [("I/H", "begins", 2)], "limits without a gate do not mind"


def test_it_opens_on_a_value_that_is_already_beyond():
    plant = pump()
    plant.at(1, {"I": 0.0, "RUN": 0})
    assert plant.at(5, {"RUN": 1}) == [("I/L", "begins", 5)]
    assert plant.trace() == ["RUN: counts only while RUN == 1, and so it is"]
    assert next(iter(plant.verdicts)).value == 0.0


def test_the_on_delay_runs_from_the_opening():
    plant = pump(on_delay_s=4.0)
    plant.at(1, {"I": 0.0, "RUN": 0})
    plant.at(5, {"RUN": 1})
    assert plant.at(7, {"I": 20.0}) == [] and plant.wait(10) == [], "the motor has started"
    plant.at(11, {"I": 3.0, "RUN": 1})
    assert plant.wait(15) == [("I/L", "begins", 15)]


def test_closing_breaks_off_a_running_on_delay():
    plant = pump(on_delay_s=4.0)
    plant.at(1, {"I": 3.0, "RUN": 1})
    assert plant.at(4, {"RUN": 0}) == []
    assert plant.wait(9) == []
    plant.at(10, {"RUN": 1})
    assert plant.wait(14) == [("I/L", "begins", 14)]


def test_what_was_due_before_it_closes_begins():
    plant = pump(on_delay_s=4.0)
    plant.at(1, {"I": 3.0, "RUN": 1})
    assert plant.at(5, {"RUN": 0}) == [("I/L", "begins", 5)]


def test_what_stands_ends_by_its_own_value():
    plant = pump()
    plant.at(1, {"I": 3.0, "RUN": 1})
    assert plant.at(2, {"RUN": 0}) == []
    assert plant.at(3, {"I": 5.5}) == [], "not back by the dead band"
    assert plant.at(4, {"I": 6.0}) == [("I/L", "ends", 4)]
    assert plant.at(5, {"I": 0.0}) == []


def test_gate_and_value_of_one_instant_belong_together():
    plant = pump()
    assert plant.at(1, {"I": 0.0, "RUN": 0}) == []
    assert plant.at(2, {"I": 20.0, "RUN": 1}) == []
    assert plant.at(3, {"I": 0.0, "RUN": 0}) == []


@pytest.mark.parametrize("quality", [q for q in Quality if q >= Quality.UNCERTAIN])
def test_a_gate_that_is_not_good_counts_as_open(quality):
    plant = pump()
    plant.at(1, {"I": 0.0, "RUN": 0})
    assert plant.at(2, {"RUN": 0}, quality) == [("I/L", "begins", 2)]
    assert plant.trace() == ["RUN: counts only while RUN == 1; that is not known now, so it counts"]
    assert next(iter(plant.verdicts)).evidence[0].note.zh == "仅在 RUN == 1 时有效；目前状态不明，按有效处理"


def test_a_gate_that_was_never_heard_of_is_open():
    assert pump().at(1, {"I": 0.0}) == [("I/L", "begins", 1)]


def test_a_gate_expires_with_its_deadman():
    plant = pump()
    plant.at(1, {"I": 0.0, "RUN": 0})
    assert plant.bank.next_deadline_ns <= 11_000_000_000
    assert edges(plant.wait(10.9)) == []
    assert edges(plant.wait(20)) == [("I/L", "begins", 11)]


def test_a_gate_without_a_deadman_expires_too():
    plant = Plant(site(signal("I", limit("L", 5.0, only_while=RUNS)), signal("RUN")))
    plant.at(1, {"I": 0.0, "RUN": 0})
    assert plant.wait(100) == [("I/L", "begins", 61)]


def test_the_dead_band_does_not_let_it_begin_inside_the_limit():
    plant = pump()
    plant.at(1, {"I": 3.0, "RUN": 0})
    plant.at(2, {"I": 5.5})
    assert plant.at(3, {"RUN": 1}) == [], "5.5 is within the dead band, but was never seen below 5 while it counted"


def test_a_restart_keeps_what_waits_behind_a_gate():
    plant = pump()
    plant.at(1, {"I": 0.0, "RUN": 0})
    plant = plant.after_restart()
    plant.bank.begin(instant(3))
    assert edges(plant.at(4, {"RUN": 1})) == [("I/L", "begins", 4)]


def test_a_gate_that_expired_while_the_gateway_was_away_opens_at_the_restart():
    plant = pump()
    plant.at(1, {"I": 0.0, "RUN": 0})
    plant = plant.after_restart()
    plant.bank.begin(instant(60))
    assert edges(plant.wait(61)) == [("I/L", "begins", 60)]


def test_a_gate_that_was_taken_out_of_the_site_holds_nothing():
    plant = pump()
    plant.at(1, {"I": 0.0, "RUN": 0})
    plant = plant.after_restart(site(signal("I", limit("L", 5.0)), signal("RUN")))
    assert plant.at(2, {"I": 0.0}) == [("I/L", "begins", 2)]

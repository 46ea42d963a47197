"""What the alarms of a run come to."""

from __future__ import annotations

import pytest

from gateway.model.clock import NS
from gateway.replay.count import LabelledEvent, counts, differences, floods, score
from gateway.replay.run import Occurrence, Outcome
from tests.sites import gas, site

SITE = site(gas("GD-01"), gas("GD-02"))


def occurred(start: float, end: float | None, alarm: str = "GD-01/H", called: bool = True) -> Occurrence:
    ended = None if end is None else round(end * NS)
    return Occurrence(alarm, round(start * NS), round(start * NS), ended, ended, 25.0, False, called)


def outcome(*occurrences: Occurrence, hours: float = 24.0) -> Outcome:
    last = round(hours * 3600 * NS)
    return Outcome(SITE, tuple(sorted(occurrences, key=lambda one: one.line_ns)), (), {}, 2, 1, 0, 0, last, last,
                   hours * 3600, 0, ())


def test_counts_and_times_of_an_alarm():
    found = counts(outcome(occurred(0, 10), occurred(100, 130), occurred(3590, None), occurred(5, 6, "GD-02/H"),
                           hours=1))
    high = found["GD-01/H"]
    assert (high.count, high.active_s, high.longest_s, high.standing) == (3, 50.0, 30.0, True)
    assert list(found) == ["GD-01/H", "GD-02/H"]


def test_ten_alarms_in_ten_minutes_are_no_flood_and_eleven_are():
    assert floods([occurred(n * 50, None) for n in range(10)]) == ()
    (flood,) = floods([occurred(n * 50, None) for n in range(11)])
    assert (flood.first_wall_ns, flood.last_wall_ns) == (0, 500 * NS)
    assert floods([occurred(n * 60.001, None) for n in range(100)]) == (), "ten in each ten minutes, for ever"


def test_a_flood_ends_when_fewer_than_five_come_in_ten_minutes():
    burst = [occurred(n, None) for n in range(20)]
    slow = [occurred(n, None) for n in range(300, 600, 100)]
    assert len(floods(burst + slow)) == 1
    again = [occurred(2000 + n, None, "GD-02/H") for n in range(20)]
    assert [flood.alarms for flood in floods(burst + slow + again)] == [("GD-01/H",), ("GD-02/H",)]


def test_alarms_that_call_nobody_make_no_flood():
    assert floods([occurred(n, None, called=False) for n in range(50)]) == ()


def test_events_are_caught_early_late_or_not():
    run = outcome(occurred(1000, 1100), occurred(1030, 1100, "GD-02/H"), occurred(5000, 5010), occurred(9000, 9001),
                  occurred(20_000, 20_001, called=False))
    found = score(run, [LabelledEvent("leak", 1041 * NS, 60.0), LabelledEvent("spill", 4990 * NS, 60.0),
                        LabelledEvent("fire", 20_000 * NS, 60.0)])
    assert [catch.lead_s for catch in found.catches] == [41.0, -10.0, None]
    assert found.catches[0].leads_s == {"GD-01/H": 41.0, "GD-02/H": 11.0}
    assert (found.caught, found.false_alarms, found.false_per_day) == (2, 1, pytest.approx(1.0))


def test_an_event_may_ask_for_one_alarm():
    run = outcome(occurred(1000, 1100))
    (catch,) = score(run, [LabelledEvent("leak", 1000 * NS, 60.0, "GD-02/H")]).catches
    assert not catch.caught and score(run, [catch.event]).false_alarms == 1


def test_two_runs_are_matched_where_their_alarms_overlap():
    before = outcome(occurred(100, 200), occurred(1000, 1100), occurred(3000, 3100))
    after = outcome(occurred(59, 200), occurred(500, 510), occurred(990, 1200), occurred(4000, None))
    (found,) = differences(before, after)
    assert (found.new, found.gone, found.earlier_s) == (2, 1, 25.5)
    assert found.before.count == 3 and found.after.count == 4 and found.changed


def test_one_long_alarm_for_many_short_ones_misses_none():
    before = outcome(*(occurred(n, n + 5) for n in range(100, 200, 10)))
    (found,) = differences(before, outcome(occurred(95, 300)))
    assert (found.new, found.gone) == (0, 0)
    (found,) = differences(outcome(occurred(95, 300)), before)
    assert (found.new, found.gone) == (0, 0)


def test_the_same_run_twice_has_not_changed():
    run = outcome(occurred(100, 200), occurred(1000, None))
    assert [one.changed for one in differences(run, run)] == [False]

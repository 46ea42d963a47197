"""Input that no plant should give and that comes nevertheless, through every detector."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gateway.model.clock import NS, Instant
from gateway.model.condition import Condition
from gateway.model.quality import Quality
from gateway.model.verdict import Verdicts
from tests.laws.plain import PlainSite
from tests.laws.streams import SITES, Moment, edges, frame, fresh, last, run, stream

survives = pytest.mark.survives
every_detector = pytest.mark.parametrize("name", SITES)
SEED = 1
WEEK_NS = 7 * 86_400 * NS


def told(name: str, moments: list[Moment]) -> list[tuple[int, str, bool]]:
    """What a fresh bank says of it, and that it got through."""
    site, bank = SITES[name], fresh(SITES[name])
    found = run(bank, site, moments)
    assert bank.failures == ()
    in_order(found)
    return found


def in_order(found: list[tuple[int, str, bool]]) -> None:
    """Edges of an alarm alternate, and their times increase."""
    before: dict[str, tuple[int, bool]] = {}
    for line, alarm, active in sorted(found):
        at, was = before.get(alarm, (-1, False))
        assert line > at and active is not was, alarm
        before[alarm] = (line, active)


def twin(name: str, moments: list[Moment]) -> list[tuple[int, str, bool]]:
    plain = PlainSite(SITES[name])
    for moment in moments:
        ids = [SITES[name].signals[number].id for number in moment.signal]
        plain.instant(moment.line_ns, list(zip(ids, moment.value, moment.quality, strict=True)))
    plain.pass_time(last(moments).line_ns)
    return plain.edges()


def with_values(moments: list[Moment], value) -> list[Moment]:
    """The same moments; value(random, row) instead of what was read, of good quality."""
    random = np.random.default_rng(5)
    return [replace(moment, value=tuple(value(random, number) for number in moment.signal),
                    quality=(0,) * len(moment.signal)) for moment in moments]


@pytest.mark.parametrize("lie", [
    pytest.param(np.nan, marks=survives("a value that is not a number and is called good", then="bad, everywhere")),
    pytest.param(np.inf, marks=survives("an infinite value that is called good", then="bad: it is above no limit")),
    pytest.param(-np.inf, marks=survives("minus infinity that is called good", then="bad: it is below no limit"))])
def test_what_is_no_number_is_as_bad_as_a_sample_that_says_so(lie):
    for name, site in SITES.items():
        random = np.random.default_rng(3)
        lied, honest = [], []
        for moment in stream(site, SEED):
            wild = random.random(len(moment.signal)) < 0.2
            values = np.where(wild, lie, moment.value)
            good, bad = np.where(wild, 0, moment.quality), np.where(wild, Quality.BAD_PAYLOAD, moment.quality)
            lied.append(replace(moment, value=tuple(values.tolist()), quality=tuple(good.tolist())))
            honest.append(replace(moment, value=tuple(values.tolist()), quality=tuple(bad.tolist())))
        assert told(name, lied) == told(name, honest), name


@survives("a signal that is zero from the first day", then="nothing is learnt as unusual, and it is not stuck")
def test_constant_zero_is_no_news():
    for name, site in SITES.items():
        found = told(name, with_values(stream(site, SEED), lambda random, number: 0.0))
        said = {site.alarms[site.alarms.index(alarm)].condition for _, alarm, active in found if active}
        assert not said & {Condition.ANOMALY, Condition.TREND, Condition.STUCK, Condition.RATE_UP, Condition.RATE_DOWN,
                           Condition.PROFILE}, name


@survives("denormal numbers", then="numbers near zero: nothing is learnt as unusual, nothing overflows")
def test_denormals_are_small_numbers():
    for name, site in SITES.items():
        found = told(name, with_values(stream(site, SEED), lambda random, number: 5e-324 * random.integers(-3, 4)))
        said = {site.alarms[site.alarms.index(alarm)].condition for _, alarm, active in found if active}
        assert not said & {Condition.TREND, Condition.RATE_UP, Condition.RATE_DOWN}, name


@pytest.mark.parametrize("size", [
    pytest.param(1e308, marks=survives("numbers at the end of what a float can hold",
                                       then="no detector fails; afterwards all of them work as before")),
    pytest.param(1e30, marks=survives("a broken converter: values of 1e30 between sound ones",
                                      then="no detector fails; afterwards all of them work as before"))])
def test_after_huge_values_limits_work_as_ever(size):
    for name, site in SITES.items():
        sound = stream(site, SEED)
        wild = [replace(moment, value=tuple(float(size) * (1 - 2 * (place % 2)) if turn % 7 == 3 else value
                                            for place, value in enumerate(moment.value)),
                        quality=(0,) * len(moment.signal)) for turn, moment in enumerate(sound)]
        later = sound[-1].line_ns + 60 * NS
        after = [replace(moment, line_ns=moment.line_ns + later) for moment in stream(site, SEED + 1)]
        limits = {alarm.id for alarm in site.alarms
                  if alarm.condition in (Condition.HIGH, Condition.HIGH_HIGH, Condition.LOW, Condition.LOW_LOW)}
        settled = after[len(after) // 2].line_ns
        found = [edge for edge in told(name, wild + after) if edge[0] > settled and edge[1] in limits]
        assert found == [edge for edge in told(name, sound + after) if edge[0] > settled and edge[1] in limits], name


@survives("time that runs backwards: samples older than the newest of their signal",
          then="counted and not evaluated; all else is as without them")
def test_late_samples_change_nothing():
    for name, site in SITES.items():
        moments = stream(site, SEED)
        bank, random = fresh(site), np.random.default_rng(2)
        verdicts: list[Verdicts] = []
        for turn, moment in enumerate(moments):
            verdicts.append(bank.step(frame([moment])))
            if turn and random.random() < 0.3:
                old = replace(moment, line_ns=moment.line_ns - 1, value=(99.0,) * len(moment.value),
                              quality=(0,) * len(moment.value))
                verdicts.append(bank.step(frame([old])))
        verdicts.append(bank.tick(last(moments)))
        assert bank.failures == () and bank.late_samples > 20
        assert edges(bank, site, verdicts) == told(name, moments), name


@survives("the same stamp on several samples of a signal", then="each is taken in the order in which it came")
def test_duplicate_stamps_are_taken_in_order():
    for name, site in SITES.items():
        bank, verdicts = fresh(site), []
        for moment in stream(site, SEED):
            twice = Moment(moment.line_ns, moment.signal * 2, moment.value + moment.value[::-1], moment.quality * 2)
            verdicts.append(bank.step(frame([twice])))
        verdicts.append(bank.tick(last(stream(site, SEED))))
        found = edges(bank, site, verdicts)
        in_order(found)
        assert bank.failures == () and any(active for _, _, active in found), name


@every_detector
def test_a_gap_of_a_week_ends_nothing_and_breaks_nothing(name):
    before, after = stream(SITES[name], SEED)[:80], stream(SITES[name], SEED + 1)[:80]
    gap = before + [replace(moment, line_ns=moment.line_ns + WEEK_NS) for moment in after]
    found = told(name, gap)
    assert found == twin(name, gap)
    begun = before[-1].line_ns + NS // 100  # edges of one instant stand 1 ns apart
    silent = [edge for edge in found if begun < edge[0] < after[0].line_ns + WEEK_NS]
    assert all(active for _, _, active in silent), "in a silence things begin, nothing ends"


@survives("a gap of a week in all signals", then="deadmen say so when they are due; nothing ends in it")
def test_in_a_gap_of_a_week_the_deadmen_speak():
    before = stream(SITES["deadman"], SEED)[:40]
    later = replace(before[0], line_ns=before[-1].line_ns + WEEK_NS)
    found = [edge for edge in told("deadman", [*before, later]) if edge[0] > before[-1].line_ns]
    assert {alarm for line, alarm, active in found if active and line < later.line_ns} <= {
        f"{signal.id}/deadman" for signal in SITES["deadman"].signals}
    silent = {alarm for line, alarm, active in told("deadman", [*before, later]) if line < later.line_ns and active}
    assert len(silent) == len(SITES["deadman"].signals)


@every_detector
def test_a_signal_that_never_arrives_does_not_hold_up_the_others(name):
    site = SITES[name]
    kept = []
    for moment in stream(site, SEED):
        rows = [row for row, number in enumerate(moment.signal) if number != 0]
        if rows:
            kept.append(Moment(moment.line_ns, *(tuple(column[row] for row in rows) for column in
                                                 (moment.signal, moment.value, moment.quality))))
    found = told(name, kept)
    assert found == twin(name, kept)
    assert any(active for _, _, active in found)


@survives("a signal that never arrives", then="its deadman says so; all others are judged as if it were not there")
def test_a_signal_that_never_arrives_is_announced():
    site, bank = SITES["deadman"], fresh(SITES["deadman"])
    verdicts = bank.tick(Instant(10 * NS, 10 * NS))
    assert {site.alarms[edge.alarm].id for edge in verdicts} == {f"{signal.id}/deadman" for signal in site.signals}

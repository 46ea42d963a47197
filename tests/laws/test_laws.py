"""Laws that hold for every detector. A new detector gets a site in streams.SITES, and all of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gateway.core import Bank
from gateway.model.clock import NS, Instant
from gateway.model.condition import Condition
from gateway.model.quality import Quality
from gateway.model.signal import SignalTable
from tests.laws.plain import PlainSite
from tests.laws.streams import SITES, Moment, edges, frame, fresh, last, run, stream

SEEDS = range(3)
every_detector = pytest.mark.parametrize("name", SITES)
every_seed = pytest.mark.parametrize("seed", SEEDS)


@pytest.fixture(scope="module")
def plainly():
    """What happens, moment by moment: the reference of every law."""
    known = {}

    def look(name, seed):
        if (name, seed) not in known:
            known[name, seed] = run(fresh(SITES[name]), SITES[name], stream(SITES[name], seed))
        return known[name, seed]
    return look


@every_detector
def test_the_streams_make_it_work(name, plainly):
    begun = sum(active for seed in SEEDS for _, _, active in plainly(name, seed))
    ended = sum(not active for seed in SEEDS for _, _, active in plainly(name, seed))
    assert begun >= 10 and ended >= 8, "a law about nothing proves nothing"


@every_detector
@every_seed
def test_the_plain_twin_agrees(name, seed, plainly):
    plain = PlainSite(SITES[name])
    moments = stream(SITES[name], seed)
    for moment in moments:
        names = [SITES[name].signals[number].id for number in moment.signal]
        plain.instant(moment.line_ns, list(zip(names, moment.value, moment.quality, strict=True)))
    plain.pass_time(last(moments).line_ns)
    assert plain.edges() == plainly(name, seed)


@every_detector
@every_seed
def test_how_often_time_is_told_changes_nothing(name, seed, plainly):
    site, bank = SITES[name], fresh(SITES[name])
    random = np.random.default_rng(seed)
    verdicts, now = [], 0
    for moment in stream(site, seed):
        told = np.sort(random.integers(now, moment.line_ns, random.integers(0, 6))).tolist()
        verdicts += [bank.tick(Instant(line, line)) for line in told]
        verdicts.append(bank.step(frame([moment])))
        now = moment.line_ns
    verdicts.append(bank.tick(last(stream(site, seed))))
    assert edges(bank, site, verdicts) == plainly(name, seed)


@every_detector
@every_seed
def test_ticking_at_each_deadline_changes_nothing(name, seed, plainly):
    site, bank = SITES[name], fresh(SITES[name])
    moments, verdicts = stream(site, seed), []
    for line, moment in [(moment.line_ns, moment) for moment in moments] + [(last(moments).line_ns, None)]:
        while (deadline := bank.next_deadline_ns) is not None and deadline <= line:
            verdicts.append(bank.tick(Instant(deadline, deadline)))
            assert bank.next_deadline_ns is None or bank.next_deadline_ns > deadline, "a tick gets on"
        if moment:
            told = bank.step(frame([moment]))
            verdicts.append(told)
            late = [edge.line_ns for edge in told if edge.line_ns < line]
            assert not late, "every deadline had been announced by next_deadline_ns"
    verdicts.append(bank.tick(last(moments)))
    assert edges(bank, site, verdicts) == plainly(name, seed)


@every_detector
@every_seed
def test_blocks_of_time_give_the_same_as_moments(name, seed, plainly):
    site, bank = SITES[name], fresh(SITES[name])
    random, moments, verdicts = np.random.default_rng(seed), stream(site, seed), []
    start = 0
    while start < len(moments):
        stop = start + int(random.integers(1, 30))
        verdicts.append(bank.step(frame(moments[start:stop])))
        start = stop
    verdicts.append(bank.tick(last(moments)))
    assert edges(bank, site, verdicts) == plainly(name, seed)


@every_seed
@pytest.mark.parametrize("name", ["shutdown", "shutdown with effect", "response"])
def test_the_proof_test_log_does_not_depend_on_how_it_is_watched(name, seed):
    def log(verdicts):
        """Rule by rule, each in its own order."""
        return sorted((stroke for one in verdicts for stroke in one.strokes), key=lambda stroke: stroke.rule)

    site, moments = SITES[name], stream(SITES[name], seed)
    single, block, ticked, bank = fresh(site), fresh(site), fresh(site), fresh(site)
    plainly = log([*(single.step(frame([moment])) for moment in moments), single.tick(last(moments))])
    assert len(plainly) >= 4 and len({stroke.outcome for stroke in plainly}) > 1
    assert log([block.step(frame(moments)), block.tick(last(moments))]) == plainly
    often = (verdicts for moment in moments for verdicts in (ticked.tick(Instant(moment.line_ns, moment.line_ns)),
                                                             ticked.step(frame([moment]))))
    assert log([*often, ticked.tick(last(moments))]) == plainly
    restored = []
    for moment in moments:
        restored.append(bank.step(frame([moment])))
        saved, bank = bank.snapshot(), Bank(site)
        bank.restore(saved)
    assert log([*restored, bank.tick(last(moments))]) == plainly


@every_detector
@every_seed
def test_one_row_at_a_time_gives_the_same_as_a_block(name, seed):
    """Every row at its own instant, so that the order between rows is the same in both."""
    site = SITES[name]
    rows = [Moment(moment.line_ns + place, (moment.signal[place],), (moment.value[place],), (moment.quality[place],))
            for moment in stream(site, seed) for place in range(len(moment.signal))]
    single, block = fresh(site), fresh(site)
    one_by_one = run(single, site, rows)
    at_once = edges(block, site, [block.step(frame(rows)), block.tick(last(rows))])
    assert at_once == one_by_one
    np.testing.assert_array_equal(single.latest.value, block.latest.value)
    np.testing.assert_array_equal(single.latest.quality, block.latest.quality)


@every_detector
@every_seed
def test_the_order_of_signals_in_a_frame_does_not_matter(name, seed, plainly):
    site = SITES[name]
    turned = [replace(moment, signal=moment.signal[::-1], value=moment.value[::-1], quality=moment.quality[::-1])
              for moment in stream(site, seed)]
    assert run(fresh(site), site, turned) == plainly(name, seed)


@every_detector
@every_seed
def test_the_order_of_signals_in_the_site_does_not_matter(name, seed, plainly):
    site = SITES[name]
    order = np.random.default_rng(seed).permutation(len(site.signals))
    other = replace(site, signals=SignalTable([site.signals[number] for number in order]))
    renumber = {int(number): place for place, number in enumerate(order)}
    moments = [replace(moment, signal=tuple(renumber[number] for number in moment.signal))
               for moment in stream(site, seed)]
    assert run(fresh(other), other, moments) == plainly(name, seed)


@every_detector
@every_seed
def test_a_snapshot_in_the_middle_changes_nothing(name, seed, plainly):
    site, moments = SITES[name], stream(SITES[name], seed)
    bank, told = fresh(site), []
    for start in range(0, len(moments), 23):
        told += run(bank, site, moments[start:start + 23], end=start + 23 >= len(moments))
        deadline = bank.next_deadline_ns
        restored = Bank(site)
        restored.restore(bank.snapshot())
        assert restored.next_deadline_ns is None or deadline <= restored.next_deadline_ns
        assert restored.zones == bank.zones
        np.testing.assert_array_equal(restored.latest.value, bank.latest.value)
        bank = restored
    assert sorted(told) == plainly(name, seed)


@every_detector
@every_seed
def test_steps_of_the_wall_clock_change_nothing(name, seed, plainly):
    site, bank = SITES[name], fresh(SITES[name])
    random, moments = np.random.default_rng(seed), stream(SITES[name], seed)
    verdicts = [bank.step(frame([moment], wall=int(random.integers(-10**18, 10**18)))) for moment in moments]
    end = last(moments)
    verdicts.append(bank.tick(Instant(end.line_ns, 0, trusted=False)))
    assert edges(bank, site, verdicts) == plainly(name, seed)


NOT_GOOD = {
    "bad": [quality for quality in Quality if quality >= Quality.BAD],
    "uncertain": [quality for quality in Quality if Quality.UNCERTAIN <= quality < Quality.BAD],
    "stale": [Quality.UNCERTAIN_STALE],
    "no number": [Quality.GOOD],
}


@every_detector
@every_seed
@pytest.mark.parametrize("kind", NOT_GOOD)
def test_nothing_but_good_evidence_ends_a_condition(name, seed, kind):
    """From some moment on nothing good comes any more, while every value is as harmless as can be."""
    site, moments = SITES[name], stream(SITES[name], seed)
    random = np.random.default_rng(seed)
    bank = fresh(site)
    run(bank, site, moments[:int(random.integers(40, 120))], end=False)
    standing, now = bank._conditions.active.copy(), int(bank.latest.line_ns.max())
    count = len(site.signals)
    for n in range(30):
        value = np.full(count, np.nan) if kind == "no number" else random.uniform(45, 55, count)
        quality = random.choice([int(q) for q in NOT_GOOD[kind]], count)
        moment = Moment(now + (n + 1) * NS, tuple(range(count)), tuple(value), tuple(quality))
        told = edges(bank, site, [bank.step(frame([moment]))])
        assert all(active for _, _, active in told), told
        assert not np.count_nonzero((bank.latest.quality & 0xC0) == 0)
    assert (bank._conditions.active >= standing).all()
    watched = [signal.id for signal in site.signals if signal.deadman_s is not None]
    names = {site.alarms[int(number)].id for number in np.flatnonzero(bank._conditions.active)}
    assert {f"{signal}/deadman" for signal in watched} <= names, "what is not good feeds no deadman"


@every_detector
@every_seed
def test_time_alone_ends_nothing(name, seed):
    site = SITES[name]
    bank = fresh(site)
    run(bank, site, stream(site, seed)[:70], end=False)
    now = int(bank.latest.line_ns.max())
    for n in range(20):
        told = edges(bank, site, [bank.tick(Instant(now + n * NS, 0))])
        assert all(active for _, _, active in told)


@every_detector
@every_seed
def test_edges_of_an_alarm_alternate_and_move_on(name, seed, plainly):
    before = {}
    for line, alarm, active in plainly(name, seed):
        assert before.get(alarm, (None, False))[1] is not active
        assert alarm not in before or line > before[alarm][0]
        before[alarm] = (line, active)


def test_every_kind_of_condition_has_a_site():
    raised = {site.alarms[number].condition for site in SITES.values() for number in range(len(site.alarms))}
    assert raised == set(Condition)

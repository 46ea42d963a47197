"""Many settings of a limit in one run: each does what a run of its own with that setting would have done."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gateway.model.clock import NS, Instant
from gateway.model.errors import CommandError
from gateway.model.expression import Expression
from gateway.model.frame import Frame
from gateway.model.signal import SignalTable
from gateway.model.text import Text
from gateway.replay.count import Count, LabelledEvent, counts
from gateway.replay.run import run
from gateway.replay.sweep import Copied, parse, results, swept
from tests.core.plant import limit, signal, site

survives = pytest.mark.survives

SITE = site(signal("P.1", limit("H", 60, deadband=2, on_delay_s=2), limit("L", 20), low=0.0, high=100.0),
            signal("P.1.H", limit("H", 60)))


class Walk:
    """Two signals at 1 s: a random walk between 0 and 100."""

    ids = frozenset(SITE.signals.ids)

    def frames(self, signals: SignalTable):
        random = np.random.default_rng(8)
        level = np.array([50.0, 50.0])
        for second in range(2_000):
            level = np.clip(level + random.normal(0, 4, 2), 0, 100)
            known = [place for place, id in enumerate(SITE.signals.ids) if id in signals]
            if known:
                yield False, Frame.of([signals.index(SITE.signals.ids[place]) for place in known], level[known],
                                      Instant(second * NS, second * NS))


def with_limit(**settings):
    own = SITE.signals[0]
    return replace(SITE, signals=SignalTable([
        replace(own, limits=(replace(own.limits[0], **settings), own.limits[1])), SITE.signals[1]]))


@pytest.mark.parametrize("text, field", [("P.1.H=50:70:2.5", "value"), ("P.1.H.on_delay=0:6:1", "on_delay_s"),
                                         ("P.1.H.deadband=0:8:4", "deadband"), ("P.1.H.value=55:55:1", "value")])
def test_every_setting_does_what_a_run_of_its_own_does(text, field):
    sweep = parse(text, SITE)
    assert sweep.alarm == "P.1/H" and sweep.present in sweep.settings
    found = results(run(swept(SITE, [sweep]), Copied(Walk(), SITE, [sweep])), sweep, None)
    for result in found:
        alone = counts(run(with_limit(**{field: result.setting}), Walk())).get("P.1/H", Count("P.1/H"))
        assert (result.count.count, result.count.active_s, result.count.longest_s) == (
            alone.count, alone.active_s, alone.longest_s)
    assert sum(result.count.count for result in found) > 10


def test_a_derived_signal_is_made_for_its_copies_too():
    whole = replace(SITE, signals=SignalTable([*SITE.signals, signal(
        "MEAN", limit("H", 60), derived=Expression.parse("([P.1] + [P.1.H]) / 2"))]))
    sweep = parse("MEAN.H=50:70:10", whole)
    found = results(run(swept(whole, [sweep]), Copied(Walk(), whole, [sweep])), sweep, None)
    now = next(result for result in found if result.setting == 60)
    assert now.count.count == counts(run(whole, Walk()))["MEAN/H"].count > 3
    assert found[0].count.active_s > now.count.active_s > found[2].count.active_s


def test_several_sweeps_go_in_one_run_and_a_dotted_name_means_the_longest_signal():
    sweeps = [parse("P.1.L=10:30:10", SITE), parse("P.1.H.H=50:70:10", SITE)]
    assert [sweep.signal for sweep in sweeps] == ["P.1", "P.1.H"]
    outcome = run(swept(SITE, sweeps), Copied(Walk(), SITE, sweeps))
    assert all(sum(result.count.count for result in results(outcome, sweep, None)) for sweep in sweeps)


def test_events_are_caught_by_some_settings_only():
    sweep = parse("P.1.H=60:140:80", SITE)
    raised = [one for one in run(SITE, Walk()).occurrences if one.alarm == "P.1/H"]
    events = [LabelledEvent("high", raised[0].wall_ns, 1.0, "P.1/H"), LabelledEvent("other", 0, 1.0, "P.1/L")]
    low, high = results(run(swept(SITE, [sweep]), Copied(Walk(), SITE, [sweep])), sweep, events)
    assert [len(one.score.catches) for one in (low, high)] == [1, 1], "the other event is about another alarm"
    assert (low.score.caught, high.score.caught) == (1, 0)
    assert low.score.false_alarms == len(raised) - 1 and high.score.false_alarms == 0


def wrong(text: str, en: str, zh: str):
    return pytest.param(text, id=text, marks=survives(f"sweep: `{text}`", then="refused before anything is run",
                                                      says=Text(en, zh)))


@pytest.mark.parametrize("text", [
    wrong("P.2.H=1:2:1", "no signal of the site; did you mean `P.1`?", "站点中没有此信号"),
    wrong("P.1.HH=1:2:1", "the signal has no such limit", "该信号没有此限值"),
    wrong("P.1.H.on_dely=1:2:1", "a limit has no setting `on_dely`; did you mean `on_delay`?",
          "限值没有设置项 `on_dely`"),
    wrong("P.1.H=1:2", "not a range of numbers", "不是数值范围"),
    wrong("P.1.H=1:2:0", "not a range of numbers", "不是数值范围"),
    wrong("P.1.H=nan:2:1", "not a range of numbers", "不是数值范围"),
    wrong("P.1.H=3:2:1", "the range is empty", "范围为空"),
    wrong("P.1.H=0:1:0.0001", "10001 settings; at most 1000 are tried at once", "共 10001 个设置，一次最多 1000 个"),
])
def test_a_sweep_that_can_not_be_says_why(text, says):
    with pytest.raises(CommandError) as refused:
        parse(text, SITE)
    assert says(refused.value.what) and refused.value.fix.zh

"""A law of the bank for `davylamp apply`: what is not changed does not notice that something else is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.core import Bank
from gateway.model.condition import Condition
from gateway.model.learnt import Baseline, Faults, Profile
from gateway.model.signal import SignalTable, Trend
from tests.core.plant import limit, signal
from tests.laws.streams import SITES, fresh, run, stream

NEWCOMERS = (
    signal("N0", limit("HH", 90), limit("L", 1), limit("ROC+", 1, window_s=60), limit("ROC-", 1, window_s=2),
           low=0.0, high=100.0, stuck_reads=50, area="elsewhere"),
    signal("N1", limit("H", 50), trend=Trend(Condition.HIGH, horizon_s=100.0, window_s=500.0), area="elsewhere"),
    signal("N2", baseline=Baseline(5.0, learn_s=90.0), faults=Faults(every_s=3.0, learn_s=90.0), area="elsewhere"),
    signal("N3", profile=Profile(3.0, learn_s=90.0), area="elsewhere"))


@pytest.mark.parametrize("name", SITES)
def test_a_change_of_the_site_in_the_middle_changes_nothing_for_what_is_not_changed(name):
    """Signals come with detectors and longer windows than there were, and all numbers move."""
    site, moments = SITES[name], stream(SITES[name], 2)
    signals = [one if one.area else replace(one, area="here") for one in site.signals]
    larger = replace(site, signals=SignalTable([*NEWCOMERS, *signals]))
    moved = [replace(moment, signal=tuple(number + len(NEWCOMERS) for number in moment.signal)) for moment in moments]
    bank, half = fresh(site), len(moments) // 2
    told = run(bank, site, moments[:half], end=False)
    changed = Bank(larger)
    changed.restore(bank.snapshot())
    told += run(changed, larger, moved[half:])
    assert sorted(edge for edge in told if not edge[1].startswith(("N0/", "N1/", "N2/", "N3/"))) == run(
        fresh(site), site, moments)

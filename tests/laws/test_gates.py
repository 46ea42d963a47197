"""A gate may hold back what is new, and nothing else; and only on good evidence that is current."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gateway.model.clock import NS
from gateway.model.quality import Quality
from gateway.model.signal import SignalTable
from tests.laws.streams import SITES, fresh, run, stream

SITE = SITES["gates"]
GATES = {SITE.signals.index("S4"), SITE.signals.index("S5")}
every_seed = pytest.mark.parametrize("seed", range(6))


def ungated():
    signals = [replace(signal, limits=tuple(replace(limit, only_while=None) for limit in signal.limits))
               for signal in SITE.signals]
    return replace(SITE, signals=SignalTable(signals))


def without_own_gate(site):
    """S3 is its own gate: it is not what these laws are about."""
    return replace(site, signals=SignalTable([replace(signal, limits=()) if signal.id == "S3" else signal
                                              for signal in site.signals]))


def of_limits(edges):
    return [edge for edge in edges if not edge[1].endswith(("deadman", "invalid"))]


@every_seed
@pytest.mark.parametrize("quality", [quality for quality in Quality if quality >= Quality.UNCERTAIN])
def test_a_gate_that_is_not_good_counts_as_enabled(seed, quality):
    moments = []
    for moment in stream(SITE, seed):
        said = tuple(int(quality) if signal in GATES else own
                     for signal, own in zip(moment.signal, moment.quality, strict=True))
        moments.append(replace(moment, quality=said))
    gated, free = without_own_gate(SITE), without_own_gate(ungated())
    assert of_limits(run(fresh(gated), gated, moments)) == of_limits(run(fresh(free), free, moments))


@every_seed
def test_a_gate_that_has_expired_counts_as_enabled(seed):
    """It says "closed" once, at the start, and then nothing any more."""
    first, *moments = stream(SITE, seed)
    first = replace(first, signal=(*GATES,), value=(50.0, 50.0), quality=(0, 0))
    moments = [replace(moment, **{name: tuple(np.array(getattr(moment, name))[[s not in GATES for s in moment.signal]])
                                  for name in ("signal", "value", "quality")})
               for moment in moments if moment.line_ns > first.line_ns + 60 * NS]
    moments = [moment for moment in moments if moment.signal]
    gated, free = without_own_gate(SITE), without_own_gate(ungated())
    moments = [first, *moments]
    assert of_limits(run(fresh(gated), gated, moments)) == of_limits(run(fresh(free), free, moments))


@every_seed
def test_what_stands_does_not_end_by_its_gate(seed):
    """Every end happens at a good sample of the signal itself."""
    good = {(moment.line_ns, SITE.signals.ids[signal]) for moment in stream(SITE, seed)
            for signal, quality in zip(moment.signal, moment.quality, strict=True) if quality < Quality.UNCERTAIN}
    for line, alarm, active in of_limits(run(fresh(SITE), SITE, stream(SITE, seed))):
        assert active or (line, alarm.split("/")[0]) in good or (line - 1, alarm.split("/")[0]) in good

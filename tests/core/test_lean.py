"""A quiet step allocates nothing that grows with the number of signals."""

from __future__ import annotations

import tracemalloc

from benchmarks.speed.chain import chain_site
from benchmarks.speed.detection import quiet_frames
from gateway.core import Bank
from gateway.model.clock import ManualClock

_VIEWS = 1_024  # bytes: what lives at a time are views and numbers


def peak_bytes(size: int) -> int:
    """The most that one of 12 steps holds at a time, those in which anchors of rates move and deadmen are looked at
    included."""
    clock, bank = ManualClock(), Bank(chain_site(size))
    bank.begin(clock.now())
    for frame in quiet_frames(size, clock, 20):
        bank.step(frame)
    frames = quiet_frames(size, clock, 12)
    peak = 0
    tracemalloc.start()
    try:
        for frame in frames:
            before, _ = tracemalloc.get_traced_memory()
            tracemalloc.reset_peak()
            bank.step(frame)
            peak = max(peak, tracemalloc.get_traced_memory()[1] - before)
    finally:
        tracemalloc.stop()
    assert not bank.failures
    return peak


def test_a_quiet_step_allocates_nothing_that_grows_with_the_number_of_signals():
    assert abs(peak_bytes(1_000) - peak_bytes(20_000)) < _VIEWS

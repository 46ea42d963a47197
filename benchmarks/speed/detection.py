"""The bank with every detector on every signal: quiet, shuffled and in an alarm storm, against the plain twin.

Quiet: all signals in one frame in order, noise within all limits. Shuffled: the same in random order (an MQTT batch).
Storm: in each step 12 % of the signals cross two limits, in or out. The twin is tests/laws/plain.py: the same detectors
for one signal and one sample at a time, in the same run. Figures are medians of CPU time of the thread, so that other
load on the machine counts less.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from gateway.core import Bank
from gateway.model.alarm import Priority, Risk
from gateway.model.area import Area
from gateway.model.clock import ManualClock
from gateway.model.condition import Condition
from gateway.model.frame import Frame
from gateway.model.rules import ShutdownVerification, Test
from gateway.model.signal import Limit, Signal, SignalTable
from gateway.model.site import Site
from gateway.model.text import Text
from tests.laws.plain import PlainSite

SIZES = (100, 1_000, 10_000)
TARGETS = {("quiet", 1_000): "<= 300 us", ("shuffled", 1_000): "<= 300 us", ("quiet", 10_000): "<= 1500 us",
           ("shuffled", 10_000): "<= 1500 us"}
STORM = 0.12


def run(quick: bool = False) -> list[dict]:
    rows = []
    for size in SIZES:
        steps = 40 if quick else 300
        clock = ManualClock()
        site = bench_site(size)
        plain = _plain_ns(site, clock, 3 if quick else max(6, 6000 // size))
        for weather, frames in (("quiet", quiet_frames), ("shuffled", _shuffled), ("storm", storm_frames)):
            bank = Bank(site)
            bank.begin(clock.now())
            for frame in quiet_frames(size, clock, 20):
                bank.step(frame)
            took = _median_us(bank.step, frames(size, clock, steps))
            assert not bank.failures
            rows.append({"name": f"bank, {weather}, {size} signals: one step", "value": took, "unit": "us",
                         "target": TARGETS.get((weather, size)), "against": "the plain twin, same detectors",
                         "ratio": plain * size / 1000 / took, "note": f"{took * 1000 / size:.0f} ns per sample, "
                         f"twin {plain:.0f} ns per sample"})
    return rows


def bench_site(size: int) -> Site:
    def limit(condition: Condition, value: float, **settings) -> Limit:
        return Limit(condition, value, Priority.P2, Risk.ORANGE, **settings)

    limits = (limit(Condition.HIGH_HIGH, 80, deadband=2, off_delay_s=0), limit(Condition.HIGH, 70, deadband=2),
              limit(Condition.LOW, 20, deadband=2), limit(Condition.LOW_LOW, 10, deadband=2, on_delay_s=2),
              limit(Condition.RATE_UP, 50, window_s=10, deadband=1), limit(Condition.RATE_DOWN, 50, window_s=10))
    signals = [Signal(f"S{number}", Text.same("s"), "any", "u", "area", 0.0, 100.0, deadman_s=5.0, stuck_reads=30,
                      gas=number % 50 == 0, limits=limits) for number in range(size)]
    rule = ShutdownVerification("esd", Text.same("esd"), "area", Test.parse("S1 > 95"), (Test.parse("S2 < 3"),), 8.0)
    areas = (Area("area", Text.same("area")),)
    return Site("bench", Text.same("bench"), "UTC", "en", areas, SignalTable(signals), (rule,))


def quiet_frames(size: int, clock: ManualClock, steps: int) -> list[Frame]:
    random = np.random.default_rng(1)
    return [Frame.of(np.arange(size), random.normal(50, 0.5, size), clock.advance(1)) for _ in range(steps)]


def _shuffled(size: int, clock: ManualClock, steps: int) -> list[Frame]:
    order = np.random.default_rng(2).permutation(size)
    return [frame.take(order) for frame in quiet_frames(size, clock, steps)]


def storm_frames(size: int, clock: ManualClock, steps: int) -> list[Frame]:
    """A signal that is in alarm comes back in the next step, so that 6 % go in and 6 % come out in each."""
    random = np.random.default_rng(3)
    frames = []
    for frame in quiet_frames(size, clock, steps):
        value = frame.value.copy()
        value[random.random(size) < STORM / 2] = 90.0
        frames.append(Frame.from_columns(frame.signal, value, frame.quality, frame.wall_ns, frame.line_ns))
    return frames


def _plain_ns(site: Site, clock: ManualClock, steps: int) -> float:
    """Nanoseconds per sample of the twin in quiet weather."""
    plain = PlainSite(site)
    signals = list(plain.signals.values())
    took = []
    for frame in quiet_frames(len(signals), clock, steps):
        line, values = int(frame.line_ns[0]), frame.value.tolist()
        for signal in signals:  # the pause between frames is not a silence
            signal.since = line
        start = time.thread_time_ns()
        for signal, value in zip(signals, values, strict=True):
            signal.sample(line, value, 0)
        took.append((time.thread_time_ns() - start) / len(signals))
    return float(np.median(took))


def _median_us(step: Callable[[Frame], object], frames: list[Frame]) -> float:
    took = []
    for frame in frames:
        start = time.thread_time_ns()
        step(frame)
        took.append(time.thread_time_ns() - start)
    return float(np.median(took)) / 1000

"""The reference chain by number of signals, on one core: quiet plant, alarm storm, a compiled loop and river beside.

The chain in the bank is validity, deadman, four limits with deadband and delays, both rates of change, stuck and the
adaptive baseline, on every signal. What stands for EWMA, z-score and CUSUM is the baseline: it does not look at single
samples but at means over spans (here 5 minutes), on several time scales, so that most steps cost one sum. The compiled
loop does EWMA, z and CUSUM on every sample. Where spans end is in the row of all detectors, which is a mean over time.

Figures are of CPU time of the thread: the median over stretches of ten steps, of their mean. So what is done every few
steps counts in full (the rates move their anchors every half window, here five steps), and a disturbance of the machine
does not. The plot in docs/images is drawn by a full run.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.speed.detection import STORM, bench_site, quiet_frames, storm_frames
from benchmarks.speed.yardstick import compiled, river_ns
from gateway.core import Bank
from gateway.model.clock import ManualClock
from gateway.model.condition import Condition
from gateway.model.frame import Frame
from gateway.model.learnt import Baseline, Faults, Profile
from gateway.model.signal import SignalTable, Trend
from gateway.model.site import Site

SIZES = (100, 300, 1_000, 3_000, 10_000, 30_000, 100_000)
TARGETS = {100: "<= 40", 1_000: "<= 60"}  # us
RATES = {10_000: ">= 50", 100_000: ">= 40"}  # million samples per second
STRETCH = 10  # steps
WHOLE = 4_096
PLOT = Path(__file__).parents[2] / "docs" / "images" / "cost-by-signals.svg"


def run(quick: bool = False) -> list[dict]:
    rows, points = [], []
    for size in SIZES:
        quiet = _steps_us(chain_site(size), quiet_frames, _count(size, quick))
        median = _typical(quiet)
        points.append((size, median))
        rows.append({"name": f"chain, quiet, {size} signals: one step", "value": median, "unit": "us",
                     "target": TARGETS.get(size), "note": f"{1000 * median / size:.0f} ns per sample"})
        if size in RATES:
            rows.append({"name": f"chain, quiet, {size} signals", "value": size / median, "unit": "million samples/s",
                         "target": RATES[size]})
        if size == 10_000:
            rows += _beside(size, median, quick)
    rows.append(_whole(quick))
    if not quick:
        PLOT.parent.mkdir(exist_ok=True)
        PLOT.write_text(plot(points), encoding="utf-8")
    return rows


def chain_site(size: int) -> Site:
    site = bench_site(size)
    signals = SignalTable([replace(signal, baseline=Baseline()) for signal in site.signals])
    return replace(site, signals=signals, rules=())


def _beside(size: int, quiet_us: float, quick: bool) -> list[dict]:
    storm = _typical(_steps_us(chain_site(size), storm_frames, _count(size, quick)))
    rows = [{"name": f"chain, alarm storm, {size} signals: times the quiet cost", "value": storm / quiet_us, "unit": "",
             "target": "<= 2.5", "note": f"storm: {100 * STORM:.0f} % of the flags of two limits turn in each step, "
             f"{1000 * storm / size:.0f} ns per sample"}]
    frames = quiet_frames(size, ManualClock(), _count(size, quick))
    loop = compiled(size)
    if loop is None:
        print("         against a compiled loop: SKIPPED, numba is not installed")
    else:
        loop(frames[0])
        took = _typical(_each_us(loop, frames))
        rows.append({"name": f"chain, quiet, {size} signals: share of the speed of a compiled loop",
                     "value": took / quiet_us, "unit": "", "target": ">= 0.6", "against": "numba, fused loop",
                     "ratio": took / quiet_us, "note": f"compiled loop {1000 * took / size:.1f} ns per sample"})
    one = river_ns(np.concatenate([frame.value for frame in frames])[:50_000])
    if one is None:
        print("         against river: SKIPPED, river is not installed")
    else:
        rows.append({"name": f"chain, quiet, {size} signals: times as fast as one z-score of river",
                     "value": one * size / 1000 / quiet_us, "unit": "", "target": ">= 25",
                     "against": "river EWMean, EWVar", "ratio": one * size / 1000 / quiet_us,
                     "note": f"river {one:.0f} ns per sample"})
    return rows


def _whole(quick: bool) -> dict:
    """Everything a signal can have, spans that end included: 10 minutes of samples, means over one minute."""
    site = bench_site(WHOLE)
    every = SignalTable([replace(signal, baseline=Baseline(every_s=60.0), faults=Faults(), profile=Profile(60.0),
                                 trend=Trend(Condition.HIGH, 600.0, 300.0)) for signal in site.signals])
    took = _steps_us(replace(site, signals=every), quiet_frames, 130 if quick else 600)
    return {"name": f"every detector on each of {WHOLE} signals, means of 1 min included",
            "value": WHOLE / float(np.mean(took)), "unit": "million samples/s", "target": ">= 3"}


def _steps_us(site: Site, weather: Callable[[int, ManualClock, int], list[Frame]], steps: int) -> list[float]:
    clock, bank, size = ManualClock(), Bank(site), len(site.signals)
    bank.begin(clock.now())
    for frame in quiet_frames(size, clock, 20):
        bank.step(frame)
    took = _each_us(bank.step, weather(size, clock, steps))
    assert not bank.failures
    return took


def _each_us(step: Callable[[Frame], object], frames: Sequence[Frame]) -> list[float]:
    took = []
    for frame in frames:
        start = time.thread_time_ns()
        step(frame)
        took.append((time.thread_time_ns() - start) / 1000)
    return took


def _typical(took: list[float]) -> float:
    whole = len(took) // STRETCH * STRETCH
    return float(np.median(np.mean(np.reshape(took[:whole], (-1, STRETCH)), axis=1)))


def _count(size: int, quick: bool) -> int:
    return 30 if quick else max(60, min(400, 2_000_000 // size))


def plot(points: Sequence[tuple[int, float]]) -> str:
    """Cost of a step against signals, both logarithmic, as SVG."""
    width, height, left, top = 640, 360, 70, 30

    def x(signals: float) -> float:
        return left + (math.log10(signals) - 2) / 3 * (width - left - 30)

    def y(us: float) -> float:
        return height - 50 - (math.log10(us) - 1) / 3 * (height - 50 - top)

    lines = [f'<line x1="{x(n):.0f}" y1="{top}" x2="{x(n):.0f}" y2="{height - 50}" stroke="#ddd"/>'
             f'<text x="{x(n):.0f}" y="{height - 30}" text-anchor="middle">{n:,}</text>'
             for n in (100, 1_000, 10_000, 100_000)]
    lines += [f'<line x1="{left}" y1="{y(us):.0f}" x2="{width - 30}" y2="{y(us):.0f}" stroke="#ddd"/>'
              f'<text x="{left - 8}" y="{y(us) + 4:.0f}" text-anchor="end">{us:,} us</text>'
              for us in (10, 100, 1_000, 10_000)]
    path = " ".join(f"{x(n):.1f},{y(us):.1f}" for n, us in points)
    dots = "".join(f'<circle cx="{x(n):.1f}" cy="{y(us):.1f}" r="3" fill="#b35900">'
                   f'<title>{n}: {us:.0f} us</title></circle>' for n, us in points)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
            f'font-size="12"><rect width="{width}" height="{height}" fill="white"/>{"".join(lines)}'
            f'<polyline points="{path}" fill="none" stroke="#b35900" stroke-width="2"/>{dots}'
            f'<text x="{width / 2:.0f}" y="{height - 8}" text-anchor="middle">signals</text>'
            f'<text x="{left}" y="18">one step of the reference chain, quiet plant, one core</text></svg>\n')

"""The trend detector through the whole bank: false alarms where there is nothing to foretell, how soon a leak is
announced, and what it costs. Window 5 min, horizon 10 min. Seeded streams, no data needed. About five minutes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.speed.detection import bench_site, quiet_frames
from gateway.core import Bank
from gateway.model.alarm import Priority, Risk
from gateway.model.area import Area
from gateway.model.clock import NS, Instant, ManualClock
from gateway.model.condition import Condition
from gateway.model.frame import Frame
from gateway.model.signal import Limit, Signal, SignalTable, Trend
from gateway.model.site import Site
from gateway.model.text import Text

Matrix = NDArray[np.float64]
Make = Callable[[np.random.Generator, Matrix, int], Matrix]  # (random, seconds[t, 1], signals) -> values[t, signals]
TREND = Trend(Condition.HIGH, 600.0, 300.0)
DAY, ONSET = 86400, 1200


def white(random: np.random.Generator, at: Matrix, count: int) -> Matrix:
    return random.normal(0, 1, (len(at), count))


def wandering(memory_s: float) -> Make:
    """Noise of standard deviation 1 that forgets in memory_s: autoregressive."""
    def make(random: np.random.Generator, at: Matrix, count: int) -> Matrix:
        keeps = np.exp(-(at[1, 0] - at[0, 0]) / memory_s)
        news = random.normal(0, np.sqrt(1 - keeps**2), (len(at), count))
        value = np.zeros_like(news)
        for row in range(1, len(at)):
            value[row] = keeps * value[row - 1] + news[row]
        return value
    return make


def _head(random, at, count):
    return np.round(np.maximum(2 + 0.5 * wandering(60)(random, at, count)
                               + (random.random((len(at), count)) < 1 / 3600) * 30, 0), 1)


def _leak(per_second: float) -> Make:
    return lambda random, at, count: np.maximum(at - ONSET, 0) * per_second + random.normal(0, 0.5, (len(at), count))


def _lagged(random, at, count):
    since = np.maximum(at - ONSET, 0)  # through a first-order lag with a T90 of 60 s
    return 0.02 * (since - 26 * (1 - np.exp(-since / 26))) + random.normal(0, 0.5, (len(at), count))


# name -> stream, signals, days, seconds between samples, limit
NOTHING: dict[str, tuple[Make, int, int, int, float]] = {
    "white noise, limit 3 sigma above, a sample each 15 s": (white, 100, 7, 15, 3.0),
    "white noise, limit 12 sigma above, a sample each 15 s": (white, 100, 7, 15, 12.0),
    **{f"noise with a memory of {memory} s, limit {gap} sigma above": (wandering(memory), 30, 1, 1, float(gap))
       for memory in (10, 60, 300) for gap in (3, 6)},
    "gas head at rest in whole steps, limit 4 above": (
        lambda random, at, count: np.maximum(np.round(random.normal(0.3, 0.6, (len(at), count))), 0), 20, 1, 1, 4.0),
    "gas head at 2 that breathes, a spike each hour, limit 20": (_head, 20, 1, 1, 20.0),
    "daily swing of 10 that ends 0.6 below the limit": (
        lambda random, at, count: 50 + 10 * np.sin(2 * np.pi * (at / DAY + random.random(count)))
        + random.normal(0, 0.3, (len(at), count)), 20, 1, 1, 60.6),
    "steps to 12 of 20 and back each hour": (
        lambda random, at, count: 12 * (((at + random.uniform(0, 3600, count)) // 3600) % 2)
        + random.normal(0, 0.5, (len(at), count)), 20, 1, 1, 20.0),
    "twelve spikes to 80 an hour, limit 20": (
        lambda random, at, count: random.normal(0, 0.5, (len(at), count))
        + 80 * (random.random((len(at), count)) < 1 / 300), 20, 1, 1, 20.0),
    "approach to 15 of 20 each hour, time constant 2 min": (
        lambda random, at, count: 15 * (1 - np.exp(-(at % 3600) / 120)) + random.normal(0, 0.3, (len(at), count)),
        10, 1, 1, 20.0),
}
LEAKS: dict[str, tuple[Make, int]] = {  # name -> stream, seconds
    "0.01 per second": (_leak(0.01), 3800), "0.02 per second": (_leak(0.02), 2800),
    "0.02 per second in whole steps": (
        lambda random, at, count: np.round(np.maximum(_leak(0.02)(random, at, count), 0)), 3600),
    "0.02 per second through a T90 of 60 s": (_lagged, 3600),
    "0.05 per second": (_leak(0.05), 2200), "0.1 per second": (_leak(0.1), 2000),
}


def run(quick: bool = False) -> list[dict]:
    rows = []
    for name, (make, count, days, period, bar) in NOTHING.items():
        count, span = (2, DAY // 24) if quick else (count, days * DAY)
        begun, _ = _watch(make, count, span, period, bar)
        alarms = sum(map(len, begun))
        rows.append({"name": f"trend, false alarms: {name}", "value": alarms * DAY / (count * span),
                     "unit": "per signal and day", "note": f"{alarms} in {count * span / DAY:g} signal-days"})
    for name, (make, span) in LEAKS.items():
        count = 3 if quick else 100
        begun, reached = _watch(make, count, span, 1, 20.0)
        delay = np.array([own[0] - ONSET if own else np.inf for own in begun])
        seen = np.isfinite(delay)
        lead = reached[seen] - ONSET - delay[seen]
        median, ahead = (float(np.median(part)) if part.size else np.nan for part in (delay[seen], lead))
        rows.append({"name": f"trend, leak of {name}: announced after", "value": median, "unit": "s", "note":
                     f"median; {lead.size} of {count}; {ahead:.0f} s before the first sample at the limit"})
    for size in (1_000, 10_000):
        without, added = _cost_us(size, 60 if quick else 600)
        rows.append({"name": f"trend on all of {size} signals at rest: added to one step", "value": added, "unit": "us",
                     "against": "the bank without it, in turn", "ratio": added / without,
                     "note": f"mean of CPU time; without it {without:.0f} us"})
    return rows


def _watch(make: Make, count: int, span: int, period: int, bar: float) -> tuple[list[list[float]], Matrix]:
    """Per signal: the seconds at which a trend began; the second of the first sample at the limit."""
    signals = [Signal(f"S{number}", Text.same("s"), "any", "u", "area", trend=TREND, limits=(
        Limit(Condition.HIGH, bar, Priority.P2, Risk.ORANGE),)) for number in range(count)]
    site = Site("bench", Text.same("bench"), "UTC", "en", (Area("area", Text.same("area")),), SignalTable(signals))
    at = np.arange(0.0, span, period)[:, None]
    values = make(np.random.default_rng(1), at, count)
    bank, index, begun = Bank(site), np.arange(count), [[] for _ in signals]
    bank.begin(Instant(0, 0))
    for second, row in zip(at[:, 0].tolist(), values, strict=True):
        line = round(second * NS) + 1
        for edge in bank.step(Frame.of(index, row, Instant(line, line))):
            alarm = site.alarms[edge.alarm]
            if edge.active and alarm.condition == Condition.TREND:
                begun[site.signals.index(alarm.origin)].append(second)
    assert not bank.failures
    return begun, at[np.argmax(values >= bar, axis=0), 0]


def _cost_us(size: int, steps: int) -> tuple[float, float]:
    """(mean CPU time of a step without, what a trend on each signal adds), after the points are full."""
    without = bench_site(size)
    signals = SignalTable([replace(signal, trend=TREND) for signal in without.signals])
    banks, clock = [Bank(without), Bank(replace(without, signals=signals))], ManualClock()
    for bank in banks:
        bank.begin(clock.now())
    took: list[list[int]] = [[], []]
    while len(took[0]) < 325 + steps:
        for frame in quiet_frames(size, clock, 37):  # a few at a time, for the memory's sake
            for bank, own in zip(banks, took, strict=True):
                start = time.thread_time_ns()
                bank.step(frame)
                own.append(time.thread_time_ns() - start)
    plain, watched = (float(np.mean(own[325:])) / 1000 for own in took)
    return plain, watched - plain

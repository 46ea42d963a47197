"""What the baseline and groups cost where nothing happens: false alarms on noise of some kinds, and time.

Noise: white, heavy-tailed (Student t with 4 degrees of freedom), slow and, for groups, very slow (autoregressive, 0.95
and 0.995). *Blunter by 1.5* means that all limits are 1.5 times as high.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.detection.data import Plane
from benchmarks.detection.detectors import baseline
from benchmarks.detection.nab import rested
from benchmarks.speed.detection import bench_site, quiet_frames
from gateway.core import Bank
from gateway.core.baseline import Baseline, Recipe
from gateway.core.group import PLANES, Ensemble
from gateway.core.group import Recipe as GroupRecipe
from gateway.model.clock import ManualClock
from gateway.model.group import Group
from gateway.model.text import Text

SIGNALS, ROWS, LEARNT = 150, 6000, 1500
BLUNT = (1.0, 1.5, 2.0)
MANY = 4096


def run(quick: bool = False) -> list[dict]:
    recipe, rows = Recipe(), []
    for kind, value in _noises(30 if quick else SIGNALS).items():
        count = value.shape[1]
        plane = Plane(value, np.zeros(value.shape, np.int64), tuple(slice(n, n + 1) for n in range(count)),
                      (ROWS,) * count)
        height = (baseline(plane, recipe)[0][LEARNT:] / np.array(recipe.limits)).max(axis=2)
        for blunt in BLUNT:
            alarms = sum(len(rested(np.flatnonzero(own >= blunt), recipe.rest)) for own in height.T)
            rows.append({"name": f"false alarms on {kind} noise, blunter by {blunt:g}", "unit": "per 10,000 samples",
                         "value": 1e4 * alarms / height.size})
    for order, index in (("in order", slice(0, MANY)), ("shuffled", np.random.default_rng(1).permutation(MANY))):
        rows.append({"name": f"{MANY} signals {order}", "unit": "million samples/s", "target": ">= 3",
                     "value": _rate(index, 60 if quick else 300) / 1e6, "note": "CPU time of one core, float64"})
    return rows + list(_groups(quick))


def _groups(quick: bool) -> Iterator[dict]:
    """Groups of four, alike and independent; the spans after commissioning."""
    groups, learn, spans = (2, 400, 2000) if quick else (25, 1440, 11440)
    random = np.random.default_rng(0)
    news = random.normal(size=(spans, groups * 4))
    noises = {"white": news, "heavy-tailed": random.standard_t(4, news.shape), "slow": _remembering(news, 0.95),
              "very slow": _remembering(news, 0.995)}
    took = 0
    for kind, value in noises.items():
        begun = standing = 0
        for members in np.split(value, groups, axis=1):
            state, there = np.zeros((PLANES, 5)), np.ones(4, np.bool_)
            ensemble = Ensemble(state[:, :4], state[:, 4], GroupRecipe(learn=learn))
            for row in members[:learn]:
                ensemble.learn(row, True)
            start = time.thread_time_ns()
            for row in members[learn:]:
                begun += ensemble.judge(row, there) > 0
                standing += ensemble.standing
            took += time.thread_time_ns() - start
        judged = groups * (spans - learn)
        yield {"name": f"group: false alarms on {kind} noise", "value": 1e4 * begun / judged,
               "unit": "per 10,000 spans of a group", "note": f"{begun} in {judged} spans of four signals each, "
               f"commissioning of {learn} spans; {100 * standing / judged:.2f} % of them in alarm"}
    yield {"name": "group: a span of four signals", "value": took / 1000 / (len(noises) * groups * (spans - learn)),
           "unit": "us", "note": "CPU time of the kernel"}
    without, added = _group_cost_us(60 if quick else 1200)
    yield {"name": "20 groups of 8 of 1000 signals read each second, means over a minute: added to a step",
           "value": added, "unit": "us", "against": "the bank without them, in turn", "ratio": added / without,
           "note": f"mean of CPU time; without them {without:.0f} us"}


def _group_cost_us(steps: int) -> tuple[float, float]:
    """(mean CPU time of a step without groups, what they add), while they are commissioned and after."""
    site = bench_site(1000)
    groups = tuple(Group(f"G{n}", Text.same("g"), "area", tuple(f"S{n * 50 + place}" for place in range(8)),
                         learn_s=60.0 * max(steps // 120, 1)) for n in range(20))
    clock, banks = ManualClock(), [Bank(site), Bank(replace(site, groups=groups))]
    for bank in banks:
        bank.begin(clock.now())
    took = np.zeros(2)
    for frame in quiet_frames(1000, clock, steps):
        for place, bank in enumerate(banks):
            start = time.thread_time_ns()
            bank.step(frame)
            took[place] += time.thread_time_ns() - start
    assert not banks[1].failures
    plain, watched = took / steps / 1000
    return plain, watched - plain


def _remembering(news: NDArray, keeps: float) -> NDArray:
    value = news.copy()
    for row in range(1, len(value)):
        value[row] += keeps * value[row - 1]
    return value


def _noises(count: int) -> dict[str, NDArray]:
    random = np.random.default_rng(0)
    slow = _remembering(random.normal(size=(ROWS, count)), 0.95)
    return {"white": 50 + random.normal(size=(ROWS, count)), "heavy-tailed": 50 + random.standard_t(4, (ROWS, count)),
            "slow": 50 + slow}


def _rate(index: slice | NDArray, steps: int) -> float:
    """Samples per second of CPU time; learning and alarms, after all signals have left their youth."""
    random = np.random.default_rng(2)
    kernel, signal, hour = Baseline(MANY), np.arange(MANY), np.zeros(MANY, np.int64)
    values = random.normal(50, 1, (64, MANY))
    signal = signal if isinstance(index, slice) else index
    took = 0
    for step in range(kernel.recipe.memory + steps):
        start = time.thread_time_ns()
        kernel.alarms(index, kernel.step(index, signal, values[step % 64], hour))
        took += (time.thread_time_ns() - start) * (step >= kernel.recipe.memory)
    return steps * MANY / took * 1e9

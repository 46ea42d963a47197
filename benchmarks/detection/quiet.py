"""What the baseline costs where nothing happens: false alarms on noise of three kinds, and time.

Noise: white, heavy-tailed (Student t with 4 degrees of freedom), and slow (autoregressive, 0.95). *Blunter by 1.5*
means that all limits are 1.5 times as high.
"""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from benchmarks.detection.data import Plane
from benchmarks.detection.detectors import baseline
from benchmarks.detection.nab import rested
from gateway.core.baseline import Baseline, Recipe

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
    return rows


def _noises(count: int) -> dict[str, NDArray]:
    random = np.random.default_rng(0)
    slow = random.normal(size=(ROWS, count))
    for row in range(1, ROWS):
        slow[row] += 0.95 * slow[row - 1]
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

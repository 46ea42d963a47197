"""What the bank is measured against: one fused compiled loop over the reference chain (numba), and river doing a single
z-score. Both are needed for this benchmark only; None where they are not installed.

The compiled loop is handed the arrays and does no more than the arithmetic: no frames, quality by number only, no
rounds, no edges in order, no snapshot, no ticks.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import numpy as np

from gateway.model.frame import Frame

_LIMITS = np.array([80.0, 70.0, -20.0, -10.0])  # on the value, and negated for the low ones
_DEADBAND = np.array([2.0, 2.0, 2.0, 0.0])
_DELAY = np.array([0, 0, 0, 2_000_000_000])


def compiled(size: int) -> Callable[[Frame], int] | None:
    """Validity, EWMA mean and variance, z, rate, stuck, four limits with deadband and delays, two-sided CUSUM, for each
    signal in turn. Returns the step: how many flags changed."""
    try:
        from numba import njit
    except ImportError:
        return None

    @njit
    def chain(value, quality, line, state, since, run, over, active, limits, deadband, delay):
        changed = 0
        for s in range(value.shape[0]):
            x = value[s]
            if quality[s] & 0xC0 or not math.isfinite(x) or x < -1.0 or x > 101.0:
                continue
            delta = x - state[0, s]
            z = delta / math.sqrt(state[1, s] + 1e-12)
            state[0, s] += 0.01 * delta
            state[1, s] = 0.99 * (state[1, s] + 0.01 * delta * delta)
            state[2, s] = max(0.0, state[2, s] + z - 0.5)
            state[3, s] = max(0.0, state[3, s] - z - 0.5)
            rate = (x - state[4, s]) * 1e9 / max(line[s] - since[0, s], 1)
            run[s] = run[s] + 1 if x == state[4, s] else 1
            state[4, s], since[0, s] = x, line[s]
            if abs(rate) > 50.0 or run[s] == 30 or state[2, s] > 50.0 or state[3, s] > 50.0 or abs(z) > 8.0:
                changed += 1
            for p in range(4):
                y = x if p < 2 else -x
                now = y >= limits[p] - (deadband[p] if over[p, s] else 0.0)
                if now != over[p, s]:
                    over[p, s] = now
                    since[1 + p, s] = line[s] + delay[p]
                    changed += 1
                if over[p, s] != active[p, s] and line[s] >= since[1 + p, s]:
                    active[p, s] = over[p, s]
        return changed

    state, since, run = np.zeros((5, size)), np.zeros((5, size), np.int64), np.zeros(size, np.int64)
    state[0], state[1] = 50.0, 1.0
    over, active = np.zeros((4, size), np.bool_), np.zeros((4, size), np.bool_)
    return lambda frame: chain(frame.value, frame.quality, frame.line_ns, state, since, run, over, active, _LIMITS,
                               _DEADBAND, _DELAY)


def river_ns(values: np.ndarray) -> float | None:
    """Nanoseconds of one z-score per value: exponentially weighted mean and variance, updated and asked."""
    try:
        from river import stats
    except ImportError:
        return None
    mean, variance = stats.EWMean(0.01), stats.EWVar(0.01)
    numbers, z = values.tolist(), 0.0
    start = time.thread_time_ns()
    for x in numbers:
        z = (x - mean.get()) / (math.sqrt(variance.get()) + 1e-12)
        mean.update(x)
        variance.update(x)
    assert math.isfinite(z)
    return (time.thread_time_ns() - start) / len(numbers)

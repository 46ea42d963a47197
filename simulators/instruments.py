"""Between the plant and the wire: every quantity is read by an instrument, and instruments have faults of their own."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]


class Instruments:
    """n instruments, one per quantity. A reading is NaN while the instrument gives no value.

    noise   standard deviation, in the unit of the quantity; none where `exact_zero` and there is nothing to measure
    drift   what has been added so far by a drifting instrument; it grows by `drift_rate` per second
    held    the value a stuck instrument shows; NaN for one that moves
    lost_*  no value from `lost_from` on, for `lost_for` s in every `lost_every` s
    """

    def __init__(self, noise: Vector, exact_zero: NDArray[np.bool_], rng: np.random.Generator):
        n = noise.shape[0]
        self._rng = rng
        self.noise, self._exact_zero = noise.copy(), exact_zero
        self.drift, self.drift_rate = np.zeros(n), np.zeros(n)
        self.held = np.full(n, np.nan)
        self.lost_from, self.lost_for, self.lost_every = np.full(n, np.inf), np.zeros(n), np.full(n, np.inf)

    def read(self, truth: Vector, elapsed: float, dt: float) -> Vector:
        """truth f8[n] -> readings f8[n]."""
        self.drift += self.drift_rate * dt
        noise = np.where(self._exact_zero & (truth == 0), 0.0, self.noise)
        reading = truth + self.drift + noise * self._rng.standard_normal(truth.shape[0])
        reading = np.where(np.isnan(self.held), reading, self.held)
        since = elapsed - self.lost_from
        lost = (since >= 0) & (np.mod(np.maximum(since, 0), self.lost_every) < self.lost_for)
        return np.where(lost, np.nan, reading)

"""The usual ratio of two loads, learnt while it runs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gateway.core.bands import MEMORY_NS

_GAIN = 4.0  # spreads that the median moves in two memories if it is always on the wrong side
RESTLESS = 3.0  # spreads that are no drift, whatever the bounds say

_COUNT, _MEDIAN, _SPREAD = range(3)


class Shares:
    """n ratios in lock-step. 3 numbers of state each.

    usual    the median, by stochastic approximation: a small step up for each ratio above it, down for each below, so
             that a wild ratio counts no more than any other. About 30 days are remembered
    spread   the running mean of the distance from it
    drift    distance from the usual ratio over what is allowed: `up` or `down` of it, and at least 3 spreads. 1 or more
             is a drift
    """

    def __init__(self, every_ns: NDArray[np.int64], up: NDArray[np.float64], down: NDArray[np.float64]):
        """int64[n], f8[n]: span of the means; how much more and how much less than usual is allowed, as shares of
        it."""
        self._rate, self._up, self._down = np.maximum(every_ns, 1) / MEMORY_NS, up, down
        self.state = np.zeros((3, every_ns.shape[0]))

    @property
    def count(self) -> NDArray[np.float64]:
        """f8[n]: ratios learnt from."""
        return self.state[_COUNT]

    def step(self, signal: NDArray[np.int64], ratio: NDArray[np.float64],
             held: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Take one finite ratio of each of k distinct signals: their drifts, f8[k], by what was learnt before it.
        held: bool[k], judged and not learnt from."""
        before = self.state[:, signal]
        count, usual, spread = before
        usual = np.where(count == 0.0, ratio, usual)
        far = ratio - usual
        side = np.where(far > 0.0, self._up[signal], self._down[signal])
        allowed = np.maximum(side * np.abs(usual), RESTLESS * spread)
        drift = np.abs(far) / np.where(allowed > 0.0, allowed, np.inf)
        rate = np.maximum(self._rate[signal], 1.0 / (count + 1.0))
        moved = usual + _GAIN * rate * spread * (0.5 - (ratio < usual))
        learnt = (count + 1.0, moved, spread + rate * (np.abs(far) - spread))
        self.state[:, signal] = np.where(held, before, learnt)
        return drift

    def usual(self, signal: int) -> tuple[float, float]:
        """(median, spread) of a signal; NaN before its first ratio."""
        count, usual, spread = self.state[:, signal].tolist()
        return (usual, spread) if count else (float("nan"), float("nan"))

    def forget(self, signals: NDArray[np.int64]) -> None:
        """As if these signals had never been seen."""
        self.state[:, signals] = 0.0

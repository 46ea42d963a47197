"""Between idle and full: where a load stands within the range in which it is usually found, learnt while it runs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gateway.model.clock import NS

LOW, HIGH = 0.1, 0.95  # the shares of its time that a load is below its idle and below its full level
MEMORY_NS = 30 * 86400 * NS
_GAIN = 4.0  # spreads that a level moves in one memory if it is always on the wrong side
_SURE_AFTER = 30  # means; from here on one mean can no longer widen the range at will
_BIG = 20.0  # spreads: no more of one mean counts
_MOST = 1.5  # of the range: no more is told

_COUNT, _IDLE, _FULL, _SPREAD = range(4)


class Bands:
    """n signals in lock-step, a mean of each at a time. 4 numbers of state per signal.

    idle, full   the 10 % and the 95 % quantile of the means, by stochastic approximation: each moves by a small step,
                 up where the mean is above it and down where it is below, so that it comes to rest where the shares of
                 time balance. The step is a share of the *spread*, the running mean of the distance from the middle
    share        (mean - idle) / (full - idle), held to 0..1.5

    One wild mean moves the levels by one step at most, and enters the spread with 20 spreads at most. A load that
    never moved has no range: its share is 0, and 1.5 with its first move up.
    """

    def __init__(self, every_ns: NDArray[np.int64]):
        """every_ns: int64[n], the span of the means."""
        self._rate = np.maximum(every_ns, 1) / MEMORY_NS
        self.state = np.zeros((4, every_ns.shape[0]))

    def step(self, signal: NDArray[np.int64], mean: NDArray[np.float64],
             held: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Take one finite mean of each of k distinct signals: their shares, f8[k], by what was learnt before it.
        held: bool[k], judged and not learnt from."""
        before = self.state[:, signal]
        count, idle, full, spread = before
        new = count == 0.0
        idle, full = np.where(new, mean, idle), np.where(new, mean, full)
        span = full - idle
        ranged = span > 0.0
        share = np.where(ranged, (mean - idle) / np.where(ranged, span, 1.0), np.where(mean > full, _MOST, 0.0))
        rate = np.maximum(self._rate[signal], 1.0 / (count + 1.0))
        far = np.abs(mean - (idle + full) / 2.0)
        far = np.where((count > _SURE_AFTER) & (spread > 0.0), np.minimum(far, _BIG * spread), far)
        spread = spread + rate * (far - spread)
        step = _GAIN * rate * spread
        idle = idle + step * (LOW - (mean < idle))
        full = full + step * (HIGH - (mean < full))
        self.state[:, signal] = np.where(held, before, (count + 1.0, idle, np.maximum(idle, full), spread))
        return np.clip(share, 0.0, _MOST)

    @property
    def count(self) -> NDArray[np.float64]:
        """f8[n]: means learnt from."""
        return self.state[_COUNT]

    def levels(self, signal: int | NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(idle, full) of a signal or of k signals, as learnt so far; NaN before the first mean."""
        count, idle, full, _ = self.state[:, signal]
        return np.where(count > 0.0, idle, np.nan), np.where(count > 0.0, full, np.nan)

    def forget(self, signals: NDArray[np.int64]) -> None:
        """As if these signals had never been seen."""
        self.state[:, signals] = 0.0

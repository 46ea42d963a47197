"""Jumps from one sample to the next that the signal has never made: spikes, pinned readings, offsets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.core.means import in_order

MEMORY = 1000  # spans: of the norm of the motion
LOCAL = 20  # spans: of the mean motion just now
FAR = 1.6  # norms: a jump is at least so much,
CLEAR = 16.0  # and so many times the mean motion just now
STEP = 4.0  # norms: a jump that stays is an offset from here on; and CLEAR times the mean motion after it
PINNED = 4  # equal reads after a jump
AFTER = 5  # reads after a jump tell what it was
BACK = 2  # reads: a spike is back within so many
STAYS = (0.6, 1.7)  # share of the jump that is left when it stays
_MOST = 5.6  # norms**4 = 1e3: no more of one step goes into the norm
_SURE_AFTER = 30  # spans: until then a step of any size goes into the norm
_HUGE = 1e30

SPIKE, SATURATED, OFFSET = range(3)


@dataclass(frozen=True, slots=True)
class Found:
    """What became of jumps. Arrays of k: row of this round, kind (SPIKE, SATURATED or OFFSET), the size of the jump
    in units of the signal, and the bar that it passed."""

    row: NDArray[np.int64]
    kind: NDArray[np.int64]
    jump: NDArray[np.float64]
    bar: NDArray[np.float64]


class Jumps:
    """n signals in lock-step, sample by sample; what is usual is learnt from spans (gateway.core.means).

    Per sample x: the step |x - last| is compared with the signal's bar, and summed. With the end of a span the means of
    |step| and of its fourth power go into `local` (an exponentially weighted mean over 20 spans) and into the norm (the
    fourth root of one over 1,000 spans), of one step at most 5.6 norms; and

        bar = max(1.6 norms, 16 local)

    A jump is a step of the bar or more. What it was, its next reads tell:

        spike      within two reads it goes back by the bar or more
        saturated  four reads in a row are the same number
        offset     the mean of five reads has kept 0.6 to 1.7 of the jump, which was 4 norms or more and 16 times the
                   mean step of these five: the motion goes on as before, on another level

    A process that starts to move jumps too, but goes on moving: that is what the motion *after* the jump is for. After
    a silence the first sample has no step.
    """

    def __init__(self, count: int, learn: NDArray[np.int64], blunt: NDArray[np.float64]):
        """learn: int64[n], spans before anything is judged; blunt: f8[n], what bars are multiplied with."""
        self._learn, self._blunt = learn, blunt
        self.last = np.full(count, np.nan)
        self.spans = np.zeros(count)
        self.norm = np.zeros(count)  # fourth power
        self.local = np.zeros(count)
        self.first, self.fourth = np.zeros(count), np.zeros(count)  # sums of this span
        self.wait = np.zeros(count, np.int64)  # reads until the jump is judged; 0: there was none
        self.base, self.jump, self.equal = np.zeros(count), np.zeros(count), np.zeros(count, np.int64)
        self.level, self.motion, self.passed = np.zeros(count), np.zeros(count), np.zeros(count)
        self._bar = np.full(count, np.inf)
        self._most = np.full(count, np.inf)
        self._waiting = 0
        self._fresh = count  # signals without a last sample
        self._line = np.empty((3, count))
        self._flags = np.empty(count, np.bool_)

    def step(self, index: slice | NDArray[np.int64], signal: NDArray[np.int64],
             value: NDArray[np.float64]) -> Found | None:
        """Take a finite sample of each of k distinct signals (index, signal as in Rows)."""
        k = value.shape[0]
        x, a, b = self._line[:, :k]
        flags = self._flags[:k]
        np.clip(value, -_HUGE, _HUGE, out=x)
        last = self.last[index]
        np.subtract(x, last, out=a)
        if self._fresh:
            a[np.isnan(a)] = 0.0
        np.abs(a, out=a)
        np.greater_equal(a, self._bar[index], out=flags)
        np.minimum(a, self._most[index], out=b)
        if isinstance(index, slice):
            self.first[index] += b
            b *= b
            b *= b
            self.fourth[index] += b
        else:
            self.first[index] = self.first[index] + b
            b *= b
            b *= b
            self.fourth[index] = self.fourth[index] + b
        found = self._follow(signal, x, last, a) if self._waiting else None
        if np.count_nonzero(flags):
            self._begin(np.flatnonzero(flags), signal, x, last)
        self.last[index] = x
        if self._fresh:
            self._fresh = np.count_nonzero(np.isnan(self.last))
        return found

    def pass_over(self, index: slice | NDArray[np.int64], signal: NDArray[np.int64],
                  value: NDArray[np.float64]) -> bool:
        """Take r finite samples of each of k signals at once, f8[r, k], if there is no jump in them and none to be
        judged; else take nothing and return False. No span ends in them."""
        if self._waiting and np.count_nonzero(self.wait[signal]):
            return False
        x = np.clip(value, -_HUGE, _HUGE)
        last = self.last[index]
        step = np.abs(np.diff(x, axis=0, prepend=np.where(np.isnan(last), x[0], last)[None]))
        if np.count_nonzero(step >= self._bar[index]):
            return False
        np.minimum(step, self._most[index], out=step)
        self.first[index] = in_order(self.first[index], step)
        step *= step
        step *= step
        self.fourth[index] = in_order(self.fourth[index], step)
        self.last[index] = x[-1]
        if self._fresh:
            self._fresh = np.count_nonzero(np.isnan(self.last))
        return True

    def end_spans(self, signal: NDArray[np.int64], samples: NDArray[np.int64], held: NDArray[np.bool_]) -> None:
        """A span of these signals, with so many samples in it, is over. held: the norm learns nothing from it."""
        age = self.spans[signal]
        own = 1.0 / (age + 1.0)
        norm, local = self.norm[signal], self.local[signal]
        local += np.maximum(1.0 / LOCAL, own) * (self.first[signal] / samples - local)
        norm += np.where(held, 0.0, np.maximum(1.0 / MEMORY, own)) * (self.fourth[signal] / samples - norm)
        self.first[signal] = self.fourth[signal] = 0.0
        self.local[signal], self.norm[signal], self.spans[signal] = local, norm, age + ~held
        self._set(signal)

    def forget(self, signals: NDArray[np.int64]) -> None:
        """All that is known of these signals is void."""
        for array in self.state().values():
            array[signals] = 0
        self.part(signals)
        self._set(signals)

    def part(self, signal: NDArray[np.int64]) -> None:
        """These signals were silent: nothing follows from the next sample's distance to the one before."""
        self.last[signal] = np.nan
        self.wait[signal] = 0
        self._waiting = np.count_nonzero(self.wait)
        self._fresh = np.count_nonzero(np.isnan(self.last))

    def bar(self, signal: int) -> float:
        """The bar of one signal; NaN while it is learnt."""
        bar = float(self._bar[signal])
        return bar if np.isfinite(bar) else float("nan")

    def state(self) -> dict[str, NDArray]:
        return {name: getattr(self, name) for name in ("last", "spans", "norm", "local", "first", "fourth", "wait",
                                                       "base", "jump", "equal", "level", "motion", "passed")}

    def restored(self) -> None:
        self._set(np.arange(self.last.shape[0]))
        self._waiting = np.count_nonzero(self.wait)
        self._fresh = np.count_nonzero(np.isnan(self.last))

    def _set(self, signal: NDArray[np.int64]) -> None:
        """Bar and cap follow from norm and local."""
        norm = np.sqrt(np.sqrt(self.norm[signal]))
        bar = self._blunt[signal] * np.maximum(FAR * norm, CLEAR * self.local[signal])
        self._bar[signal] = np.where((self.spans[signal] >= self._learn[signal]) & (bar > 0.0), bar, np.inf)
        self._most[signal] = np.where((self.spans[signal] < _SURE_AFTER) | (norm == 0.0), np.inf, _MOST * norm)

    def _begin(self, row: NDArray[np.int64], signal, x, last) -> None:
        """A jump, of a signal whose last jump is judged."""
        row = row[self.wait[signal[row]] == 0]
        own = signal[row]
        self.wait[own] = AFTER
        self.base[own], self.jump[own], self.passed[own] = last[row], x[row] - last[row], self._bar[own]
        self.equal[own], self.level[own], self.motion[own] = 1, 0.0, 0.0
        self._waiting = np.count_nonzero(self.wait)

    def _follow(self, signal, x, last, size) -> Found | None:
        """The reads after jumps. Every jump is told once, as what it is first seen to be."""
        row = np.flatnonzero(self.wait[signal] > 0)
        if not row.size:
            return None
        own, step = signal[row], size[row]
        self.wait[own] -= 1
        left, jump, bar = self.wait[own], self.jump[own], self.passed[own]
        self.equal[own] = np.where(step == 0.0, self.equal[own] + 1, 1)
        self.level[own] += (x[row] - self.base[own]) / AFTER
        self.motion[own] += step / AFTER
        back = (step >= bar) & ((x[row] - last[row]) * jump < 0.0) & (AFTER - left <= BACK)
        pinned = self.equal[own] >= PINNED
        share = self.level[own] / jump
        stays = (left == 0) & (share > STAYS[0]) & (share < STAYS[1])
        norm = np.sqrt(np.sqrt(self.norm[own]))
        stays &= np.abs(jump) >= self._blunt[own] * np.maximum(STEP * norm, CLEAR * self.motion[own])
        kind = np.select((back, pinned, stays), (SPIKE, SATURATED, OFFSET), -1)
        self.wait[own[kind >= 0]] = 0
        self._waiting = np.count_nonzero(self.wait)
        told = np.flatnonzero(kind >= 0)
        return Found(row[told], kind[told], jump[told], bar[told]) if told.size else None

"""What is usual for a signal, learnt while it runs: how far is the newest sample from it?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.core.learning import Figure, Profile
from gateway.core.rows import gather
from gateway.model.text import Text

HOURS = 24
_HUGE = 1e30  # beyond this a value counts as this much: the fourth power must stay finite
_STILL = 1e-9  # of the level: deviations are never measured in units finer than this
_TINY = 1e-180
_SURE_AFTER = 30  # samples; from here on one sample can no longer set the norms at will
_BIG_STEP = 20.0  # norms: no more of one sample goes into level and smoothers
_BIG_POWER = 1e5  # norms**4: no more of one sample goes into a norm (a deviation of 17.8 norms)
_HOUR_RATE = 0.1  # of one visit to an hour of the day
_HOURS_KNOWN = 48  # hours seen before the profile of the day is used
_WORTH = 0.8  # the profile of the day is used where it leaves at most this share of the mean deviation

(_COUNT, _LEVEL, _LAST, _MOTION, _MOTION_NORM, _LOW, _HIGH, _PLAIN, _SEASONAL, _HOUR, _HOUR_SUM, _HOUR_COUNT, _SEEN,
 _RESTING, _FIRST) = range(15)


@dataclass(frozen=True, slots=True)
class Recipe:
    """The settings of the baseline. All times in samples of the signal.

    memory         of the level, the mean motion and the norms
    level_scales   smoothers of the deviation from what is usual; the first is 1: the deviation itself
    motion_scales  smoothers of the motion from sample to sample
    level_limits, motion_limits   how many norms are unusual on each scale
    outside_limit  how many norms beyond the smallest and largest value ever seen are unusual
    warm_up        samples before anything is judged
    rest           samples that an alarm stands at least, and so the shortest distance of two alarms
    """

    memory: int = 1000
    level_scales: tuple[int, ...] = (1, 10, 200)
    motion_scales: tuple[int, ...] = (10, 100)
    level_limits: tuple[float, ...] = (4.2, 3.3, 2.0)
    motion_limits: tuple[float, ...] = (3.6, 2.7)
    outside_limit: float = 0.2
    warm_up: int = 200
    rest: int = 110

    @property
    def limits(self) -> tuple[float, ...]:
        """Of all features: the levels, the motions, outside."""
        return (*self.level_limits, *self.motion_limits, self.outside_limit)


class Baseline:
    """n signals in lock-step; a sample of each at a time. 25 numbers of state per signal, and 24 for the hours.

    Per sample x of a signal:

    1. Level: a running mean over `memory` samples (1/k for the k-th sample while young). d = x - level.
    2. Profile of the day: the mean d of each hour, moved by 0.1 when the hour ends. e = d - profile where 48 hours
       were seen and this leaves at most 80 % of the mean |d|; e = d elsewhere.
    3. Smoothers: running means of e over each level scale, and of the motion |x - last| over each motion scale, the
       latter less its mean over `memory`. A leak that creeps shows on the long scale, a bearing that begins to rattle
       shows in the motion.
    4. Size: every deviation is measured in its own *4-norm*, the fourth root of the running mean of its fourth power.
       The fourth power listens to the largest deviations: a signal with wild but regular peaks has a large norm, so
       that its peaks are usual, and no signal needs a set point. Distance outside the smallest and largest value ever
       seen is measured in the norm of e.
    5. Height: the largest of all sizes over their limits. Unusual is a height of 1 or more.

    One sample moves level, smoothers and range by at most 20 norms, and enters a norm with at most 17.8 norms, so that
    a wild value (1e9 from a broken converter) neither drags the level away nor makes the signal deaf for good.

    An alarm begins at a height of 1, stands `rest` samples at least, and ends with the first sample after that whose
    height is below 1. Learning goes on meanwhile: a new level becomes usual within about `memory` samples.

    The limits were set on the Numenta Anomaly Benchmark so that every feature alone raises equally many alarms
    (4 in 10,000 samples of that data). On plain noise that is about 6 false alarms in 10,000 samples: a signal read
    every second should be fed as means over minutes. See docs/explanation/baseline.md.
    """

    def __init__(self, count: int, recipe: Recipe | None = None, *, warm_up: NDArray | None = None,
                 rest: NDArray | None = None, blunt: NDArray | None = None):
        """warm_up, rest: int64[n], of each signal instead of the recipe's; blunt: f8[n], what the height is divided
        by."""
        self.recipe = recipe = recipe or Recipe()
        self._warm_up = np.full(count, recipe.warm_up) if warm_up is None else warm_up
        self._rest = np.full(count, recipe.rest) if rest is None else rest
        self._keen = None if blunt is None else 1.0 / blunt ** 4
        self._levels = len(recipe.level_scales)
        self._smoothers = self._levels + len(recipe.motion_scales)
        self._rate = 1.0 / np.array([*recipe.level_scales, *recipe.motion_scales])[:, None]
        self._allowed = 1.0 / np.array(recipe.limits)[:, None] ** 4
        last = _FIRST + self._smoothers
        self._smooth, self._norm = slice(_FIRST, last), slice(last, last + self._smoothers)
        self._learnt = np.array([plane for plane in range(last + self._smoothers)
                                 if plane not in (_LAST, _RESTING, *range(_FIRST, last))])
        self.state = np.zeros((last + self._smoothers, count))  # planes of numbers, one column per signal
        self.state[_HOUR] = -1
        self.profile = np.zeros((HOURS, count))  # mean deviation in each hour of the day
        self._feature = np.empty((self._smoothers + 1, count))
        self._entry = np.empty((self._smoothers, count))
        self._cap = np.empty((self._smoothers, count))
        self._line = np.empty((8, count))

    def step(self, index: slice | NDArray[np.int64], signal: NDArray[np.int64], value: NDArray[np.float64],
             hour: NDArray[np.int64], held: NDArray[np.bool_] | None = None) -> NDArray[np.float64]:
        """Take one finite sample of each of k distinct signals; the fourth power of each height, f8[k], valid until
        the next call. 0 during the warm-up. index, signal as in Rows; hour: int64[k], hour of the day, 0..23.
        held: bool[k], judged like any other (smoothers and motion follow it), and then forgotten."""
        k = value.shape[0]
        state = gather(self.state, index)
        holding = np.flatnonzero(held) if held is not None and np.count_nonzero(held) else None
        if holding is not None:
            kept = state[self._learnt[:, None], holding]
        count, level, last = state[_COUNT], state[_LEVEL], state[_LAST]
        motion, motion_norm = state[_MOTION], state[_MOTION_NORM]
        smooth, norm = state[self._smooth], state[self._norm]
        feature, entry, cap = self._feature[:, :k], self._entry[:, :k], self._cap[:, :k]
        x, big, near, d, moved, a, b, scale = self._line[:, :k]
        memory = self.recipe.memory
        np.clip(value, -_HUGE, _HUGE, out=x)
        young = np.count_nonzero(count < memory)
        if young:
            self._begin(state, x)
            own = 1.0 / (count + 1.0)
            rate, slow = np.maximum(self._rate, own), np.maximum(1.0 / memory, own)
        else:
            rate, slow = self._rate, 1.0 / memory

        _most(norm[0], big)  # level
        np.subtract(x, level, out=a)
        _hold(a, big)
        a *= slow
        level += a
        np.subtract(x, level, out=d)
        np.abs(level, out=scale)
        scale *= _STILL
        _fourth(scale)
        scale += _TINY

        if np.count_nonzero(state[_HOUR] != hour):  # profile of the day
            self._turn_hour(state, signal, hour, held)
        np.copyto(a, d)
        _hold(a, big)
        np.add(level, a, out=near)
        state[_HOUR_SUM] += a
        state[_HOUR_COUNT] += 1.0
        np.abs(a, out=a)
        _follow(state[_PLAIN], a, slow, b)
        np.subtract(d, self.profile[hour, signal], out=a)
        np.abs(a, out=b)
        np.minimum(b, big, out=b)
        _follow(state[_SEASONAL], b, slow, moved)
        np.multiply(state[_PLAIN], _WORTH, out=b)
        seasonal = state[_SEASONAL] < b
        seasonal &= state[_SEEN] >= _HOURS_KNOWN
        if np.count_nonzero(seasonal):
            np.copyto(d, a, where=seasonal)

        np.subtract(x, last, out=moved)  # motion
        np.abs(moved, out=moved)
        np.copyto(last, x)
        _most(motion_norm, a)
        np.minimum(moved, a, out=moved)
        np.copyto(a, moved)
        _fourth(a)
        _learn(motion_norm, a, slow, count, young, b)
        _follow(motion, moved, slow, a)

        entry[0] = d  # smoothers
        _hold(d, big)
        entry[1:self._levels] = d
        entry[self._levels:] = moved
        _follow(smooth, entry, rate, cap)

        np.abs(smooth[:self._levels], out=feature[:self._levels])  # features
        np.subtract(smooth[self._levels:], motion, out=feature[self._levels:-1])
        np.subtract(x, state[_HIGH], out=a)
        np.subtract(state[_LOW], x, out=b)
        np.maximum(a, b, out=feature[-1])
        np.maximum(feature[self._levels:], 0.0, out=feature[self._levels:])
        np.minimum(state[_LOW], near, out=state[_LOW])
        np.maximum(state[_HIGH], near, out=state[_HIGH])
        _fourth(feature)
        np.copyto(entry, feature[:-1])

        np.add(norm, scale, out=cap)  # sizes
        feature[-1] /= cap[0]
        feature[:-1] /= cap
        feature *= self._allowed
        _learn(norm, entry, slow, count, young, cap)
        count += 1.0
        height = np.max(feature, axis=0, out=a)
        if self._keen is not None:
            height *= self._keen[index]
        height[count <= self._warm_up[index]] = 0.0
        if holding is not None:
            state[self._learnt[:, None], holding] = kept
        if not isinstance(index, slice):
            self.state[:, index] = state
        return height

    def alarms(self, index: slice | NDArray[np.int64],
               height: NDArray[np.float64]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """What the heights that `step` gave mean: bool[k] alarm begins, bool[k] alarm ends."""
        resting = self.state[_RESTING, index]  # samples until the alarm may end; a copy unless index is a slice
        unusual = height >= 1.0
        standing = resting > 0.0
        if not np.count_nonzero(unusual) and not np.count_nonzero(standing):
            return unusual, standing
        left = np.maximum(resting - 1.0, unusual)
        begins = unusual & ~standing
        if np.count_nonzero(begins):
            left[begins] = self._rest[index][begins]
        self.state[_RESTING, index] = left
        return begins, standing & (left == 0.0)

    def stand(self, signal: NDArray[np.int64]) -> None:
        """Alarms of these signals stand, though the state does not know of it: the next usual sample may end them."""
        self.state[_RESTING, signal] = np.maximum(self.state[_RESTING, signal], 1.0)

    @property
    def progress(self) -> NDArray[np.float64]:
        """f8[n]: the share of the warm-up that is over."""
        return np.minimum(self.state[_COUNT] / self._warm_up, 1.0)

    def forget(self, signal: NDArray[np.int64]) -> None:
        """As if these signals had never been seen."""
        self.state[:, signal] = 0.0
        self.state[_HOUR, signal] = -1
        self.profile[:, signal] = 0.0

    def picture(self, signal: int, unit: str, span: Callable[[int], Text]) -> tuple[tuple[Figure, ...], Profile]:
        """What was learnt of one signal: level, range and norms, and the profile of the day (on the time line).
        span: what so many samples are called."""
        state, recipe = self.state[:, signal], self.recipe
        seen = state[_COUNT] > 0.0

        def figure(en: str, zh: str, value: float, own: str = unit) -> Figure:
            return Figure(Text(en, zh), float(value) if seen else np.nan, own)

        norms = np.sqrt(np.sqrt(state[self._norm]))
        figures = [figure("means learnt", "已学习的均值个数", state[_COUNT], ""),
                   figure("usual level", "正常水平", state[_LEVEL]), figure("lowest", "最低", state[_LOW]),
                   figure("highest", "最高", state[_HIGH]), figure("usual motion", "正常波动", state[_MOTION])]
        scales = [(Text("norm of the deviation over {span}", "{span}尺度的偏离范数"), scale)
                  for scale in recipe.level_scales]
        scales += [(Text("norm of the motion over {span}", "{span}尺度的波动范数"), scale)
                   for scale in recipe.motion_scales]
        for (name, scale), norm in zip(scales, norms, strict=True):
            told = name.format(span=span(scale))
            figures.append(figure(told.en, told.zh, norm))
        profile = self.profile[:, signal]
        visited = (profile != 0.0) | (state[_SEEN] >= HOURS)
        hours = np.where(visited, profile + state[_LEVEL], np.nan)
        return tuple(figures), Profile(Text("usual level by hour of the day", "一天各小时的正常水平"),
                                       tuple(hours.tolist()), unit, start_ns=0)

    def sizes(self, row: int | slice) -> NDArray[np.float64]:
        """f8[features, ...]: of these rows of the last step, each size over its limit: levels, motions, outside."""
        return np.sqrt(np.sqrt(self._feature[:, row]))

    @staticmethod
    def _begin(state: NDArray, x: NDArray[np.float64]) -> None:
        """Before its first sample a signal has no last value and has seen no range."""
        new = np.flatnonzero(state[_COUNT] == 0.0)
        if new.size:
            for plane in (_LAST, _LOW, _HIGH):
                state[plane, new] = x[new]

    def _turn_hour(self, state: NDArray, signal: NDArray[np.int64], hour: NDArray[np.int64],
                   held: NDArray[np.bool_] | None) -> None:
        """The hour that ended goes into the profile: whole on the first day, then as a mean of the days, then by a
        rate."""
        turned = state[_HOUR] != hour
        row = np.flatnonzero(turned if held is None else turned & ~held)
        done = row[state[_HOUR_COUNT, row] > 0.0]
        if done.size:
            days = np.floor(state[_SEEN, done] / HOURS) + 1.0
            place = state[_HOUR, done].astype(np.int64), signal[done]
            mean = state[_HOUR_SUM, done] / state[_HOUR_COUNT, done]
            self.profile[place] += np.maximum(_HOUR_RATE, 1.0 / days) * (mean - self.profile[place])
            state[_SEEN, done] += 1.0
        state[_HOUR_SUM, row] = state[_HOUR_COUNT, row] = 0.0
        state[_HOUR, row] = hour[row]


def _fourth(x: NDArray[np.float64]) -> None:
    """x**4, in place (a power by multiplication is 20 times as fast as np.power)."""
    x *= x
    x *= x


def _most(norm: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    """How much of one sample may be taken in: so many norms, anything while there is no norm. `norm` is a 4th power."""
    np.sqrt(norm, out=out)
    np.sqrt(out, out=out)
    out *= _BIG_STEP
    if np.count_nonzero(norm) < norm.size:
        out[norm == 0.0] = np.inf


def _hold(x: NDArray[np.float64], most: NDArray[np.float64]) -> None:
    """x within -most..most, in place."""
    np.minimum(x, most, out=x)
    np.negative(x, out=x)
    np.minimum(x, most, out=x)
    np.negative(x, out=x)


def _follow(mean: NDArray[np.float64], x: NDArray[np.float64], rate, work: NDArray[np.float64]) -> None:
    """mean += rate * (x - mean), in place."""
    np.subtract(x, mean, out=work)
    work *= rate
    mean += work


def _learn(norm, x, rate, count, young: int, work) -> None:
    """The running mean of a fourth power, in place; of one sample at most so much as the norm allows. x is changed."""
    np.multiply(norm, _BIG_POWER, out=work)
    if young:
        work[..., count <= _SURE_AFTER] = np.inf
    if np.count_nonzero(norm) < norm.size:
        work[norm == 0.0] = np.inf
    np.minimum(x, work, out=x)
    _follow(norm, x, rate, work)

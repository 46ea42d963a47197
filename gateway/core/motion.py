"""How a signal moves from mean to mean: too wildly, too smoothly, or always the same way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MEMORY = 1000  # means: of the norms and of what is typical
RESTLESS = 60  # means: the motion just now is taken over so many
WHITE = 1.6  # mean change of the step over mean step: 1.73 of white noise, about 1 of a process
PARTS = 6  # parts are a window: a probe that is covered is judged over one window, at the end of each part
ONE_WAY = 0.8  # net motion over the way that was gone: creeping to rest, not merely still
RELAXING = 1.5  # how much that adds to the evidence of a covered probe
RUNS = 10  # windows that are kept: four moves, each between means over two windows
KNOWN = 18  # windows before a creep is judged
WILD_LIMIT, CALM_LIMIT, CREEP_LIMIT = 2.4, 3.4, 2.5  # norms
_SURE_AFTER = 30
_MOST_STEP = 6.0  # norms: of a step so much goes into the level that is watched for creep
_NEAR, _HELD_BEND = 3.0, 2.0  # norms: of a bend so much goes into the restlessness, and into the window
_CAP, _CAP_CALM = 1e3, 1e2  # norms**4: no more of one value goes into a norm
_RESOLUTION = 0.003  # of the mean motion: a window is not called calmer than that,
_BLUR = 0.1  # and what is calmer than this share of the typical counts less and less
_LEAST = 0.3  # of the norm of all moves: moves in a row are measured in no less
_HUGE = 1e30
_TINY = 1e-150

(_AGE, _COUNT, _LAST, _STEP, _BEND_NORM, _NOISE, _NOISE_NORM, _BEND_NOW, _STEP_NOW, _USUAL, _AWAY, _AWAY_NORM, _LEVEL,
 _BENT, _GONE, _SUM, _HELD_PART, _HELD_WINDOW, _LEARNT_PARTS, _TYPICAL, _CALM_NORM, _WINDOWS, _MOVE_NORM,
 _ROW_NORM) = range(24)


@dataclass(frozen=True, slots=True)
class Heights:
    """Of k means. wild, calm, creep: f8[k], 1 or more is a sign; calm and creep only where `part` and `window` ended.

    bend    mean bend of the window that ended; usual: its typical value
    move    the smallest of four moves in a row
    """

    wild: NDArray[np.float64]
    calm: NDArray[np.float64]
    creep: NDArray[np.float64]
    part: NDArray[np.int64]
    window: NDArray[np.int64]
    bend: NDArray[np.float64]
    usual: NDArray[np.float64]
    one_way: NDArray[np.bool_]
    move: NDArray[np.float64]


class Motion:
    """n signals in lock-step; a mean of each at a time. 24 numbers of state per signal, and three rings (28 numbers).

    Per mean x: step = x - last, bend = step - last step. Sizes are measured in own 4-norms: the fourth root of the
    running mean of the fourth power over 1,000 means, one value entering with at most 5.6 norms.

    *Wild*: the running mean over 60 of |bend| (at most 3 norms each), over its own 4-norm; only while the mean |bend|
    is 1.6 times the mean |step| or more. White noise, as a loose contact or a failing amplifier makes it, has 1.73
    (the square root of 3); a process in motion has about 1: a busy plant is no fault.

    *Calm*: b, the mean |bend| over a window of six parts, judged at the end of each part; t, its typical value (the
    mean logarithm over 1,000 means); f = t / (b + t/10), over its own 4-norm. 1.5 times as much where the signal went
    one way only: a gas that is cut off relaxes to the ambient value along a smooth curve.

    *Creep*: a level that follows `away` but takes at most 6 norms of a step, in means over two windows; its moves from
    one such mean to the next. Four moves in a row the same way: the smallest of them, over the larger of its own 4-norm
    and 0.3 of the 4-norm of all moves.
    """

    def __init__(self, count: int, learn: NDArray[np.int64], part: NDArray[np.int64]):
        """learn: int64[n], means before anything is judged; part: int64[n], means in a part of the window."""
        self._learn, self._part = learn, part
        self.planes = np.zeros((24, count))
        self.bent = np.zeros((PARTS, count))  # sum of |bend| of the last parts,
        self.gone = np.zeros((PARTS, count))  # sum of |step|,
        self.place = np.zeros((PARTS, count))  # the value at their end
        self.level = np.zeros((RUNS, count))  # mean level of the last windows, newest first

    def step(self, signal: NDArray[np.int64], value: NDArray[np.float64], away: NDArray[np.float64],
             held: NDArray[np.bool_]) -> Heights:
        """Take a finite mean of each of k distinct signals.

        away  f8[k], what is watched for creep: the mean itself, or its distance from its peers; NaN: not known
        held  bool[k], judge but do not learn
        """
        s = self.planes.take(signal, axis=1)
        x = np.clip(value, -_HUGE, _HUGE)
        first = s[_COUNT] == 0.0
        s[_LAST, first] = x[first]
        s[_AWAY, first] = np.nan
        step = x - s[_LAST]
        bend = np.abs(step - s[_STEP])
        size = np.abs(step)
        s[_LAST], s[_STEP] = x, step
        age = s[_AGE]
        slow = np.where(held, 0.0, np.maximum(1.0 / MEMORY, 1.0 / (age + 1.0)))
        fast = np.maximum(1.0 / RESTLESS, 1.0 / (s[_COUNT] + 1.0))
        norm = _root(s[_BEND_NORM])
        s[_NOISE] += fast * (np.minimum(bend, _NEAR * norm) - s[_NOISE])
        s[_BEND_NOW] += fast * (bend - s[_BEND_NOW])
        s[_STEP_NOW] += fast * (size - s[_STEP_NOW])
        wild = s[_NOISE] / (_root(s[_NOISE_NORM]) * WILD_LIMIT + _TINY)
        wild[s[_BEND_NOW] < WHITE * s[_STEP_NOW]] = 0.0
        near = np.minimum(bend, _HELD_BEND * norm)
        _learn(s[_BEND_NORM], bend, slow, _CAP, age < _SURE_AFTER)
        _learn(s[_NOISE_NORM], s[_NOISE], slow, _CAP, age < 2 * _SURE_AFTER)
        s[_USUAL] += slow * (near - s[_USUAL])
        self._follow(s, np.clip(away, -_HUGE, _HUGE), slow)
        s[_BENT] += near
        s[_GONE] += size
        s[_SUM] += s[_LEVEL]
        s[_HELD_PART] += held
        s[_HELD_WINDOW] += held
        s[_COUNT] += 1.0
        s[_AGE] += ~held
        heights = self._ends(signal, s, wild)
        young = s[_AGE] <= self._learn[signal]
        for height in (heights.wild, heights.calm, heights.creep):
            height[young] = 0.0
        self.planes[:, signal] = s
        return heights

    @property
    def progress(self) -> NDArray[np.float64]:
        return np.minimum(self.planes[_AGE] / (self._learn + 1.0), 1.0)

    def forget(self, signals: NDArray[np.int64]) -> None:
        for array in self.state().values():
            array[..., signals] = 0.0

    def known(self, signal: int) -> tuple[float, float, float]:
        """Of one signal: typical bend over a window, norm of the bend, norm of the moves of the level."""
        own = self.planes[:, signal]
        return (float(np.exp(own[_TYPICAL])) if own[_LEARNT_PARTS] else float("nan"), float(own[_BEND_NORM] ** 0.25),
                float(own[_MOVE_NORM] ** 0.25) if own[_WINDOWS] >= RUNS else float("nan"))

    def state(self) -> dict[str, NDArray]:
        return {"planes": self.planes, "bent": self.bent, "gone": self.gone, "place": self.place, "level": self.level}

    @staticmethod
    def _follow(s: NDArray, away: NDArray[np.float64], slow: NDArray[np.float64]) -> None:
        """The level takes its steps from `away`; a distance that is not known, or was not, is no step."""
        step = away - s[_AWAY]
        step[np.isnan(step)] = 0.0
        s[_AWAY] = away
        most = _MOST_STEP * _root(s[_AWAY_NORM])
        s[_LEVEL] += np.clip(step, -most, most)
        _learn(s[_AWAY_NORM], np.abs(step), slow, _CAP, s[_AGE] < _SURE_AFTER)

    def _ends(self, signal: NDArray[np.int64], s: NDArray, wild: NDArray[np.float64]) -> Heights:
        """Parts and windows that are over with these means."""
        k = signal.shape[0]
        calm, creep, bend, usual, move = (np.zeros(k) for _ in range(5))
        one_way = np.zeros(k, np.bool_)
        length = self._part[signal]
        part = np.flatnonzero(s[_COUNT] % length == 0.0)
        window = part[s[_COUNT, part] % (length[part] * PARTS) == 0.0]
        if part.size:
            self._end_part(signal[part], s, part, calm, bend, usual, one_way)
        if window.size:
            self._end_window(signal[window], s, window, creep, move)
        return Heights(wild, calm, creep, part, window, bend, usual, one_way, move)

    def _end_part(self, signal, s, row, calm, bend, usual, one_way) -> None:
        length = self._part[signal]
        start = self.place[-1, signal]
        for ring, newest in ((self.bent, s[_BENT, row]), (self.gone, s[_GONE, row]), (self.place, s[_LAST, row])):
            ring[1:, signal] = ring[:-1, signal]
            ring[0, signal] = newest
        held = s[_HELD_PART, row] > 0.0
        s[_BENT, row] = s[_GONE, row] = s[_HELD_PART, row] = 0.0
        full = np.flatnonzero(s[_COUNT, row] > length * PARTS)
        row, signal, length, held = row[full], signal[full], length[full], held[full]
        b = self.bent[:, signal].sum(0) / (length * PARTS) + _RESOLUTION * s[_USUAL, row] + _TINY
        parts, typical, norm = s[_LEARNT_PARTS, row], s[_TYPICAL, row], s[_CALM_NORM, row]
        slow = np.where(held, 0.0, np.maximum(np.minimum(length / MEMORY, 1.0), 1.0 / (parts + 1.0)))
        typical = typical + slow * (np.log(b) - typical)
        mean = np.exp(typical)
        f = mean / (b + _BLUR * mean)
        one_way[row] = np.abs(self.place[0, signal] - start[full]) > ONE_WAY * self.gone[:, signal].sum(0)
        calm[row] = f * np.where(one_way[row], RELAXING, 1.0) / (_root(norm) * CALM_LIMIT + _TINY)
        calm[row[norm == 0.0]] = 0.0
        bend[row], usual[row] = b, mean
        _learn(norm, f, slow, _CAP_CALM, parts < 2.0)
        s[_TYPICAL, row], s[_CALM_NORM, row], s[_LEARNT_PARTS, row] = typical, norm, parts + ~held

    def _end_window(self, signal, s, row, creep, move) -> None:
        length = self._part[signal]
        level = self.level[:, signal]
        level[1:] = level[:-1]
        level[0] = s[_SUM, row] / (length * PARTS)
        self.level[:, signal] = level
        held = s[_HELD_WINDOW, row] > 0.0
        s[_SUM, row] = s[_HELD_WINDOW, row] = 0.0
        s[_WINDOWS, row] += 1.0
        windows = s[_WINDOWS, row]
        pair = (level[1:] + level[:-1]) / 2.0  # means over two windows
        moves = pair[:-2:2] - pair[2::2]
        moves[:, windows < RUNS] = 0.0
        same = (moves > 0.0).all(0) | (moves < 0.0).all(0)
        least = np.where(same, np.abs(moves).min(0), 0.0)
        every, own = s[_MOVE_NORM, row], s[_ROW_NORM, row]
        height = least / (np.maximum(_root(own), _LEAST * _root(every)) * CREEP_LIMIT + _TINY)
        height[windows <= KNOWN] = 0.0
        creep[row], move[row] = height, np.where(same, np.sign(moves[0]) * least, 0.0)
        slow = np.where(held, 0.0, np.maximum(np.minimum(length * PARTS / (2.0 * MEMORY), 1.0), 1.0 / windows))
        _learn(own, least, slow, _CAP, windows < RUNS + 2)
        _learn(every, np.abs(moves[0]), slow, _CAP, windows < RUNS + 2)
        s[_MOVE_NORM, row], s[_ROW_NORM, row] = every, own


def _root(fourth: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.sqrt(np.sqrt(fourth))


def _learn(norm: NDArray, x: NDArray, rate: NDArray, cap: float, young: NDArray[np.bool_]) -> None:
    """The running mean of a fourth power, in place; of one value at most so much as the norm allows."""
    fourth = x * x
    fourth *= fourth
    most = norm * cap
    most[young | (norm == 0.0)] = np.inf
    norm += rate * (np.minimum(fourth, most) - norm)

"""What is usual for the signals of one machine, learnt once at commissioning: how far are they from it now?"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEAST_SPANS = 100  # a shorter commissioning does not tell how a signal wanders
_SURE_AFTER = 30  # spans; from here on one span can no longer set what is usual at will
_WILD = 8.0  # standard deviations of what was learnt so far: no more of one span is learnt
_STILL = 1e-9  # of the value: what moves less than this never moved

# planes of a member; the first seven are also the numbers of the group itself, in a column of its own
(_FIRST, _SUM, _SQUARE, _PRODUCT, _PAIR, _LAST, _USUAL, _UNIT, _SMOOTH) = range(9)
(_SPANS, _PAIRS, _STANDING, _LEFT, _PEAK, _BAR, _AFTER) = range(7)
PLANES = 9


@dataclass(frozen=True, slots=True)
class Recipe:
    """The settings of an ensemble. All times in spans.

    learn    spans of commissioning
    settle   share of them that passes before anything is learnt: the machine runs up
    smooth   share of the newest span in the smoothed deviation
    bound    sizes from here on are unusual
    leap     how much a size may grow in one span: a single wild span is no alarm
    back     share of the bound below which an alarm ends
    residue  share of its largest size below which an alarm ends too: what is left is an after-effect
    hold     that an alarm stands at least
    after    that an after-effect is borne
    memory   largest correlation of neighbouring spans that is believed; 0: a signal that wanders counts as any other
    """

    learn: int = 133
    settle: float = 0.1
    smooth: float = 0.15
    bound: float = 1.5
    leap: float = 0.5
    back: float = 0.6
    residue: float = 0.3
    hold: int = 1
    after: int = 1200
    memory: float = 0.999


class Ensemble:
    """m signals of one machine. 9 numbers of state per signal and 7 for all of them.

    Commissioning. After a tenth of it, of every span in which all members have a mean: mean m and standard deviation s
    of each member, and the correlation r of its neighbouring spans. Its unit is

        u = s * (1 + r) / (1 - r)

    (1 + r) / (1 - r) is how many spans of such a signal count as one that is independent (Bartlett). A flow whose means
    scatter at random has u = s. A temperature that wanders, r = 0.95, has u = 39 s: what a short commissioning saw of
    it says little of how far it will go. This weighting is what makes the method work; with u = s it does not.
    One span counts for at most 8 of the standard deviations learnt until then, so that a wild value does not make the
    member deaf for good. A member that never moved has no unit and is left out.

    Watching. The deviation of each member from m is smoothed (exponentially weighted, 0.15 of the newest span); its
    size is the smoothed deviation in units over the bound of 1.5. A size grows by 0.5 per span at most: a single wild
    span begins no alarm, and hides none by a peak that nothing else comes near. It shrinks freely. The height is the
    largest size of all members: a fault shows where it shows, and a sum drowns it in what is sound.

    An alarm begins with a height of 1, of members that have a mean in this span. It ends with a height below 0.6, or
    below 0.3 of its peak, of *all* members: a member that went bad keeps the size it had, and can not end an alarm.
    What is then left at or above 1 is an after-effect (a warm motor after a locked rotor): until the height was below
    1, or `after` is over, only a height of 0.3 of that peak begins the next alarm.

    Nothing is learnt after commissioning: an alarm stands as long as its fault.
    """

    def __init__(self, members: NDArray[np.float64], group: NDArray[np.float64], recipe: Recipe):
        """members: f8[PLANES, m], group: f8[PLANES]; the state, zeros for a new one, changed in place."""
        self._member, self._group, self.recipe = members, group, recipe
        self._settle = math.floor(recipe.learn * recipe.settle)

    @property
    def progress(self) -> float:
        """Of the commissioning, 0..1."""
        return min(float(self._group[_SPANS]) / self.recipe.learn, 1.0)

    @property
    def learnt(self) -> bool:
        return bool(self._group[_SPANS] >= self.recipe.learn)

    @property
    def standing(self) -> bool:
        return bool(self._group[_STANDING])

    @property
    def judged(self) -> NDArray[np.bool_]:
        """bool[m]: members that have a unit. None before the end of the commissioning."""
        return self._member[_UNIT] > 0.0

    @property
    def usual(self) -> NDArray[np.float64]:
        """f8[m]: the mean of each member at commissioning."""
        return self._member[_FIRST] + self._member[_USUAL]

    @property
    def now(self) -> NDArray[np.float64]:
        """f8[m]: the newest mean of each member."""
        return self._member[_FIRST] + self._member[_LAST]

    @property
    def allowed(self) -> NDArray[np.float64]:
        """f8[m]: the smoothed deviation that has size 1."""
        return self._member[_UNIT] * self.recipe.bound

    @property
    def sizes(self) -> NDArray[np.float64]:
        """f8[m]: smoothed deviations over what is allowed; 0 where nothing is judged."""
        allowed = self.allowed
        return np.abs(self._member[_SMOOTH]) / np.where(allowed > 0.0, allowed, np.inf)

    def learn(self, value: NDArray[np.float64], follows: bool) -> None:
        """A span in which every member has a mean, f8[m]. follows: the span before was learnt too."""
        member, group = self._member, self._group
        group[_SPANS] += 1
        count = group[_SPANS] - self._settle
        if count < 1:
            return
        if count == 1:
            member[_FIRST] = value
        y = value - member[_FIRST]
        if count > _SURE_AFTER:
            mean, variance = self._moments(count - 1)
            most = np.where(variance > 0.0, _WILD * np.sqrt(variance), np.inf)
            y = np.clip(y, mean - most, mean + most)
        if count > 1 and follows:
            member[_PRODUCT] += y * member[_LAST]
            member[_PAIR] += y + member[_LAST]
            group[_PAIRS] += 1
        member[_SUM] += y
        member[_SQUARE] += y * y
        member[_LAST] = y
        if self.learnt:
            self._freeze(count)

    def judge(self, value: NDArray[np.float64], there: NDArray[np.bool_]) -> int:
        """A span, after the commissioning: f8[m], and which members have a mean. 1: an alarm begins, -1: ends, 0."""
        member, group, recipe = self._member, self._group, self.recipe
        there = there & self.judged
        if not np.count_nonzero(there):
            return 0
        member[_LAST, there] = (value - member[_FIRST])[there]
        before, most = np.abs(member[_SMOOTH]), recipe.leap * self.allowed
        smooth = member[_SMOOTH] + recipe.smooth * (value - self.usual - member[_SMOOTH])
        member[_SMOOTH, there] = np.clip(smooth, -before - most, before + most)[there]
        sizes = self.sizes
        height = float(sizes.max())
        if group[_STANDING]:
            group[_PEAK] = max(group[_PEAK], height)
            group[_LEFT] = max(group[_LEFT] - 1, 0)
            residue = recipe.residue * group[_PEAK]
            if group[_LEFT] or height >= max(recipe.back, residue):
                return 0
            group[_STANDING], group[_BAR], group[_AFTER] = 0, max(1.0, residue), recipe.after
            return -1
        group[_AFTER] = max(group[_AFTER] - 1, 0)
        if height < 1.0 or not group[_AFTER]:
            group[_BAR] = 1.0
        if float(sizes[there].max()) < group[_BAR]:
            return 0
        group[_STANDING], group[_PEAK], group[_LEFT] = 1, height, recipe.hold
        return 1

    def stand(self) -> None:
        """An alarm stands of which the state does not know."""
        if not self._group[_STANDING]:
            self._group[_STANDING], self._group[_PEAK], self._group[_LEFT] = 1, 1.0, 0

    def end(self) -> None:
        """It has ended: by a sound span of a new commissioning."""
        self._group[_STANDING] = 0

    def forget(self) -> None:
        self._member[:], self._group[:] = 0.0, 0.0

    def _moments(self, count: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Mean and variance of what was learnt; no variance where it is only rounding."""
        mean = self._member[_SUM] / count
        variance = self._member[_SQUARE] / count - mean * mean
        still = _STILL * (np.abs(self._member[_FIRST]) + np.abs(mean))
        return mean, np.where(variance > still * still, variance, 0.0)

    def _freeze(self, count: float) -> None:
        member, pairs = self._member, self._group[_PAIRS]
        mean, variance = self._moments(count)
        moved = variance > 0.0
        product = member[_PRODUCT] - mean * member[_PAIR] + pairs * mean * mean
        memory = np.clip(product / (max(pairs, 1.0) * np.where(moved, variance, 1.0)), 0.0, self.recipe.memory)
        member[_USUAL] = mean
        member[_UNIT] = np.where(moved, np.sqrt(variance) * (1.0 + memory) / (1.0 - memory), 0.0)

"""What detectors learn, when they must not, and how a person looks at it and puts a hand on it.

Detectors that learn what is usual are `Learner`s. They all ask one object, `Holds`, whether a stretch of time may be
learnt from, and one object, `Learning`, shows what was learnt, freezes it, and makes them forget.

*Held* is the time of a signal in which

- an alarm of its own stood that is a matter of fact: a limit, a sensor fault, an instrument out of service. What was
  itself learnt or forecast (`STATISTICAL`) does not hold: a false alarm of that kind would hold the very learning that
  ends it, and two of them could hold each other for ever. So a lasting oddity below every limit becomes usual, unless
  a person freezes. Alarms of rules, deviations and head-counts (`SETTLED`) do not hold either: they are settled at
  the end of a step, and what is learnt must not depend on how the stream was cut into steps;
- an alarm of it, or a rule that looks at it, was bypassed by a person;
- a person has frozen it.

Held time is judged like any other, and not learnt from. Bad quality needs no hold: it never reaches a learner.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from gateway.core.block import Block
from gateway.core.detectors.detector import Detector
from gateway.model.alarm import AlarmDefinition
from gateway.model.condition import Condition
from gateway.model.errors import CommandError
from gateway.model.site import Site
from gateway.model.text import Text

# Conditions that are learnt or forecast: they hold no learning.
STATISTICAL = frozenset({Condition.TREND, Condition.ANOMALY, Condition.PROFILE, Condition.LOAD, Condition.GROUP,
                         Condition.WRAPPED, Condition.DRIFT, Condition.SPIKE, Condition.SATURATED})
SETTLED = frozenset({Condition.DEVIATION_UP, Condition.DEVIATION_DOWN, Condition.HEADCOUNT, Condition.FULL,
                     Condition.MISMATCH})  # by gateway.core.related
_NEVER = -(2**62)


class LearningState(StrEnum):
    LEARNING = "learning"  # not enough seen: nothing is said yet
    LEARNT = "learnt"  # judges, and goes on learning
    FROZEN = "frozen"  # a person has stopped the learning; what was learnt is judged by


class LearningAct(StrEnum):
    """What a person does to what was learnt of a signal, by all its learners."""

    FREEZE = "freeze"
    THAW = "thaw"
    RESET = "reset"


STATE_NAMES = {LearningState.LEARNING: Text("learning", "学习中"), LearningState.LEARNT: Text("learnt", "已学成"),
               LearningState.FROZEN: Text("frozen", "已冻结")}


@dataclass(frozen=True, slots=True)
class Figure:
    """One number that was learnt. unit: "" for a bare number; NaN where it is not known yet."""

    name: Text
    value: float
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Profile:
    """Numbers that were learnt of a time that comes again: hours of the day or of the week.

    value     one per step, NaN where none was seen yet
    start_ns  line time (any, modulo the whole) at which the first step begins; None: steps are local time from
              00:00 (of Monday, for a week)
    """

    name: Text
    value: tuple[float, ...]
    unit: str = ""
    step_s: float = 3600.0
    start_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """What one learner has learnt of one signal, for a person. detector: `Detector.name`."""

    detector: str
    name: Text
    progress: float
    figures: tuple[Figure, ...]
    profiles: tuple[Profile, ...] = ()


class Holds:
    """Which signals must not be learnt from, and until when they were held last. O(1) per signal; costs nothing per
    sample: edges are taken when there are any, and learners ask when a span of theirs ends."""

    def __init__(self, site: Site):
        count, alarms = len(site.signals), site.alarms
        own = [(number, alarm) for number, alarm in enumerate(alarms)
               if alarm.origin in site.signals and alarm.id == f"{alarm.origin}/{alarm.condition}"
               and alarm.condition not in STATISTICAL | SETTLED and not self._learnt_stuck(site, alarm)]
        places = {condition: place for place, condition in enumerate(sorted({alarm.condition for _, alarm in own}))}
        self._signal = np.full(len(alarms) + 1, -1, np.int64)  # of each alarm that holds; last: -1 is no alarm
        self._standing = np.zeros((max(len(places), 1), count), np.bool_)
        self._cell = np.full(len(alarms) + 1, self._standing.size, np.int64)  # of each alarm that holds, in `_standing`
        for number, alarm in own:
            self._signal[number] = signal = site.signals.index(alarm.origin)
            self._cell[number] = places[alarm.condition] * count + signal
        self._count = np.zeros(count, np.int64)  # of the alarms that stand
        self._alarmed = np.zeros(count, np.bool_)
        self._until = np.full(count, _NEVER, np.int64)  # line time of the last moment known to be held
        self.bypassed = np.zeros(count, np.bool_)
        self.frozen = np.zeros(count, np.bool_)

    @staticmethod
    def _learnt_stuck(site: Site, alarm: AlarmDefinition) -> bool:
        """`stuck` of a signal without `stuck_reads` is learnt (gateway.core.detectors.frozen)."""
        return (alarm.condition is Condition.STUCK
                and site.signal(alarm.origin).stuck_reads is None)

    def held(self, signal: NDArray[np.int64], since_ns: NDArray[np.int64]) -> NDArray[np.bool_]:
        """bool[k]: learn nothing from the span of this signal that began at `since_ns` and is complete now. Also True
        for a span that an alarm followed before the first good sample of a later one: what came just before is
        suspect."""
        held = self._until[signal] >= since_ns
        held |= self.now[signal]
        return held

    @property
    def now(self) -> NDArray[np.bool_]:
        """bool[n]: held at this moment."""
        return self._alarmed | self.bypassed | self.frozen

    def take(self, parts: Iterable[tuple]) -> None:
        """Edges as they were found (gateway.core.edges.Edges.parts)."""
        standing = self._standing.reshape(-1)
        for alarm, active, _, line, _ in parts:
            cell = self._cell[alarm]
            if np.count_nonzero(cell == standing.size):
                holds = cell < standing.size
                alarm, active, line, cell = alarm[holds], active[holds], line[holds], cell[holds]
            news = standing[cell] != active
            if found := np.count_nonzero(news):
                signal = self._signal[alarm]
                if found < news.size:
                    signal, active, line, cell = signal[news], active[news], line[news], cell[news]
                standing[cell] = active
                np.add.at(self._count, signal, 2 * active.astype(np.int64) - 1)
                self._alarmed[signal] = self._count[signal] > 0
                np.maximum.at(self._until, signal, line)

    def turns(self, parts: Sequence[tuple], block: Block) -> list[tuple[int, list[tuple]]]:
        """The edges that were found in a block and hold or release a signal, by the round with which each was known, in
        order of time: learners see the rounds before it first."""
        found: dict[int, list[tuple]] = {}
        for part in parts:
            alarm, line = part[0], part[3]
            for own in np.flatnonzero(self._signal[alarm] >= 0).tolist():
                column = int(np.searchsorted(block.signal, self._signal[alarm[own]]))
                known = int(np.searchsorted(block.line[:, column], line[own]))
                found.setdefault(known, []).append(tuple(array[own:own + 1] for array in part))
        return sorted(found.items())

    def stand(self, alarms: NDArray[np.int64]) -> None:
        """These alarms are known to stand."""
        known = alarms[self._signal[alarms] >= 0]
        self._standing.reshape(-1)[self._cell[known]] = True
        np.sum(self._standing, axis=0, out=self._count)
        np.greater(self._count, 0, out=self._alarmed)

    def bypass(self, signals: NDArray[np.int64], line_ns: int) -> None:
        """From now on these signals, and no others, are held by bypasses."""
        bypassed = np.zeros_like(self.bypassed)
        bypassed[signals] = True
        self._until[self.bypassed | bypassed] = line_ns
        self.bypassed = bypassed

    def freeze(self, signals: NDArray[np.int64]) -> None:
        self.frozen[signals] = True

    def thaw(self, signals: NDArray[np.int64], line_ns: int) -> None:
        self._until[signals[self.frozen[signals]]] = line_ns
        self.frozen[signals] = False

    def state(self) -> dict[str, NDArray]:
        """Bypasses are told anew after a restart, alarms are known to the bank."""
        return {"until": self._until, "frozen": self.frozen}


class Learner(Detector):
    """A detector that learns what is usual.

    What it must do:

    - take `Holds` in its constructor and ask `holds.held(signal, since_ns)` whenever a span of a signal is complete
      (`means.Ended.signal`, `Ended.span_ns`): what is held is judged and not learnt from. The bank runs learners last
      in each round, so every other detector has said what it has to say of these samples. A detector that learns from
      several signals at once is held while any of them is. Nothing may be kept from held time that a later judgement
      leans on, other than short-term memory of the signal's own present (a smoother, a last value);
    - say how far it is, forget, and show what it knows: the three methods below. Freezing costs it nothing;
    - keep all it learnt in `state()`;
    - say nothing (begin no condition) before its progress is 1. `forget` starts it anew: a condition that stands is
      told again by `adopt`, to be ended by the next evidence.
    """

    @abstractmethod
    def progress(self) -> NDArray[np.float64]:
        """float64[n]: the share of the learning time that is over, 0..1; 1: learnt; NaN: not a signal of this learner.
        A new array or one that is not written to later."""

    @abstractmethod
    def forget(self, signals: NDArray[np.int64]) -> None:
        """All that was learnt of these signals is void, as if they had never been seen. Others, and signals that this
        learner does not watch, are left alone."""

    @abstractmethod
    def picture(self, signal: int) -> Picture | None:
        """What was learnt of this signal, as numbers with names; None where it is not a signal of this learner."""


@dataclass(frozen=True, slots=True, eq=False)
class Lessons:
    """How far the learning is, per signal: shape (n,), of all its learners together.

    progress  float64, of the one that is least far; NaN where nothing is learnt
    frozen    bool, by a person
    held      bool, not learnt from now: frozen, bypassed, or an alarm stands
    """

    progress: NDArray[np.float64]
    frozen: NDArray[np.bool_]
    held: NDArray[np.bool_]

    def state(self, signal: int) -> LearningState | None:
        """None where nothing is learnt."""
        progress = self.progress[signal]
        if np.isnan(progress):
            return None
        return (LearningState.FROZEN if self.frozen[signal] else
                LearningState.LEARNING if progress < 1.0 else LearningState.LEARNT)


class Learning:
    """All learners of a bank, and a person's hand on them. Calls belong between two steps of the bank."""

    def __init__(self, learners: Sequence[Learner], holds: Holds, active: NDArray[np.bool_]):
        """active: bool[alarms], the live array of conditions that stand."""
        self._learners, self.holds, self._active = tuple(learners), holds, active

    @property
    def learners(self) -> tuple[Learner, ...]:
        return self._learners

    def lessons(self) -> Lessons:
        held = self.holds.now
        progress = np.full(held.shape, np.nan)
        for learner in self._learners:
            progress = np.fmin(progress, learner.progress())
        return Lessons(progress, self.holds.frozen.copy(), held)

    def pictures(self, signal: int) -> tuple[Picture, ...]:
        return tuple(picture for learner in self._learners if (picture := learner.picture(signal)) is not None)

    def freeze(self, signals: NDArray[np.int64]) -> None:
        """Judge by what was learnt until now, and learn no more. Survives a restart (snapshot)."""
        self.holds.freeze(signals)

    def thaw(self, signals: NDArray[np.int64], line_ns: int) -> None:
        self.holds.thaw(signals, line_ns)

    def reset(self, signals: NDArray[np.int64], line_ns: int) -> None:
        """Learn anew from now. What was frozen is thawed: nothing would ever be learnt, nor judged."""
        self.holds.thaw(signals, line_ns)
        for learner in self._learners:
            learner.forget(signals)
            learner.adopt(np.flatnonzero(self._active))

    def check(self, act: LearningAct, signal: int, name: str) -> None:
        """CommandError: this act makes no sense for this signal (whose id is `name`) now."""
        pictures, frozen = self.pictures(signal), bool(self.holds.frozen[signal])
        if not pictures:
            raise CommandError(Text("nothing is learnt of this signal", "该信号没有任何学习内容"), where=name,
                               fix=Text("give it a `baseline` in the site file", "请在站点文件中为其配置 `baseline`"))
        if act is LearningAct.FREEZE and frozen:
            raise CommandError(Text("is frozen already", "已处于冻结状态"), where=name)
        if act is LearningAct.THAW and not frozen:
            raise CommandError(Text("is not frozen", "当前未冻结"), where=name)
        if act is LearningAct.FREEZE and (most := max(picture.progress for picture in pictures)) < 1.0:
            raise CommandError(Text(f"has not learnt enough yet ({most:.0%}): frozen now, it would never say anything",
                                    f"学习尚未完成（{most:.0%}）：此时冻结将永远不会给出提示"), where=name,
                               fix=Text("freeze it when the learning is over", "请在学习完成后再冻结"))

    def act(self, act: LearningAct, signals: NDArray[np.int64], line_ns: int) -> None:
        if act is LearningAct.FREEZE:
            self.freeze(signals)
        elif act is LearningAct.THAW:
            self.thaw(signals, line_ns)
        else:
            self.reset(signals, line_ns)

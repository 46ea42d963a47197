"""What a sensor does when it fails, though it goes on answering: covered, drifting, spiking, pinned."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from gateway.core.block import Block
from gateway.core.detectors.detector import alarm_numbers
from gateway.core.detectors.fault_words import note
from gateway.core.edges import Edges
from gateway.core.jumps import OFFSET, SATURATED, SPIKE, Jumps
from gateway.core.learning import Figure, Holds, Learner, Picture
from gateway.core.means import Ended, Means
from gateway.core.motion import PARTS, Heights, Motion
from gateway.core.peers import Peers
from gateway.core.rows import Rows
from gateway.model.clock import NS
from gateway.model.condition import Condition
from gateway.model.site import Site
from gateway.model.text import Text
from gateway.model.verdict import Evidence

ZERO = 0.02  # of span: the zero of a gas head that reads lower than this below its range has drifted
ZERO_MEANS = 3  # means in a row
TOP_READS = 5  # in a row at the top of the range
TOP = 0.001  # of span: nearer to it is at it
BACK = 0.5  # of the typical motion when it was covered: a probe that is free again moves so much
ODD = 2.0  # times as calm as the median of its peers
_SILENCE = 3  # spans without a good sample: the next step means nothing
LEARNT = (Condition.WRAPPED, Condition.DRIFT, Condition.SPIKE, Condition.SATURATED)


class SensorFaults(Learner):
    """Faults of the sensor itself, by what it does: `wrapped`, `drift`, `spike`, `saturated`.

    Formula. Samples are compared with the sample before (gateway.core.jumps), means over `every_s` of the time line
    with their predecessors (gateway.core.motion); each in its signal's own measure, which is learnt all the time, but
    not from held time. A sign is a height of `blunt` or more.

        wrapped    calm: the motion within `window_s` has all but gone. With two peers (same kind and area) or more it
                   must be so for two parts of the window, and at the first of them twice as calm as their median: a
                   quiet night is no fault
        drift      creep: four moves in a row the same way, of the mean, or of its distance from the median of its
                   peers; an offset: a jump that stays, while the motion goes on as before; of a gas head: three means
                   in a row more than 2 % of span below zero (beyond 5 % `invalid` speaks)
        spike      a jump that goes back within two reads; or noise: motion of the white kind, wilder than ever
        saturated  a jump after which four reads in a row are the same number; five reads in a row at the top of the
                   range

    `spike` and `drift` stand `hold_s` of means at least, and end with the first mean after that without a sign.
    `wrapped` ends when the motion is back at half of what was typical when it began. `saturated` ends with the first
    good read that differs.

    On a plant: a plastic bag over a gas head during painting, a blocked sinter disc; an ageing cell, a leaking
    reference; a loose terminal, a walkie-talkie beside the transmitter; a converter at its stop.

    Delay: a spike two reads, pinned four, an offset five; noise about 60 means; wrapped a window; a creep ten windows.
    False alarms: measured on labelled data in docs/explanation/sensor-faults.md; per mean, so the shorter `every_s`,
    the more a day. Nothing is judged before `learn_s` of good data, a creep not before 18 windows. Not for switches,
    counters and states; not where the process itself jumps and rests (a pump's current, a batch's level). What drifts
    slower than it learns becomes usual: no substitute for calibration.

    Not for: switches, counters and signals that rest for days; nor as proof that somebody covered a probe: it is a
    reason to go and look.
    """

    name = "faults"
    settles = True

    def __init__(self, site: Site, holds: Holds):
        self._signals, self._holds = site.signals, holds
        count = len(site.signals)
        self._alarm = {condition: alarm_numbers(site, condition) for condition in LEARNT}
        self._watched = np.array([signal.faults is not None and not signal.faults.kinds.isdisjoint(LEARNT)
                                  for signal in site.signals], np.bool_)
        self._every, self._hold, self._part, learn = (np.ones(count, np.int64) for _ in range(4))
        self._blunt, self._zero, self._top = np.ones(count), np.full(count, -np.inf), np.full(count, np.inf)
        for number, signal in enumerate(site.signals):
            if (asked := signal.faults) is not None:
                self._every[number] = max(round(asked.every_s * NS), 1)
                self._part[number] = max(round(asked.window_s / asked.every_s / PARTS), 1)
                self._hold[number] = max(math.ceil(asked.hold_s / asked.every_s), 1)
                learn[number] = max(math.ceil(asked.learn_s / asked.every_s), 1)
                self._blunt[number] = asked.blunt
                if signal.low is not None and signal.high is not None:
                    span = signal.high - signal.low
                    self._top[number] = signal.high - TOP * span if Condition.SATURATED in asked.kinds else np.inf
                    self._zero[number] = signal.low - ZERO * span if signal.gas else -np.inf
        self._means = Means(np.where(self._watched, self._every, 0))
        self._jumps = Jumps(count, learn, self._blunt)
        self._motion = Motion(count, learn, self._part)
        self._peers = Peers(site, self._watched, 2)
        self._left = {Condition.DRIFT: np.zeros(count, np.int64),  # means until the condition may end
                      Condition.SPIKE: np.zeros(count, np.int64)}
        self._wrapped, self._release = np.zeros(count, np.bool_), np.zeros(count)
        self._calm = np.zeros(count)  # height of the last window
        self._below = np.zeros(count, np.int64)  # means in a row below zero
        self._pinned, self._pin = np.zeros(count, np.bool_), np.full(count, np.nan)
        self._run = np.zeros(count, np.int64)  # reads in a row at the top of the range
        self._pinned_count = self._run_count = 0
        self._news: list[tuple] = []  # what happened in this step, to be judged in order of time

    def step(self, rows: Rows, edges: Edges) -> None:
        index, signal, value, line, wall = rows.index, rows.signal, rows.value, rows.line, rows.wall
        row = np.flatnonzero(rows.good & self._watched[index])
        if not row.size:
            return
        if row.size < len(rows):
            index = signal = signal[row]
            value, line, wall = value[row], line[row], wall[row]
        if (ended := self._means.take(rows)) is not None:
            self._end_spans(ended)
        self._watch_top(signal, value, line, wall, edges)
        found = self._jumps.step(index, signal, value)
        if found is None:
            return
        at = found.row
        pinned = at[(found.kind == SATURATED) & (self._alarm[Condition.SATURATED][signal[at]] >= 0)]
        if pinned.size:
            jump = found.jump[found.kind == SATURATED]
            self._pin_down(True, pinned, signal, value, line, wall, edges, jump)
        for kind, condition in ((SPIKE, Condition.SPIKE), (OFFSET, Condition.DRIFT)):
            for place in np.flatnonzero(found.kind == kind).tolist():
                own = int(at[place])
                self._news.append((int(line[own]), 1, condition, int(signal[own]), int(wall[own]), float(value[own]),
                                   float(found.jump[place]), float(found.bar[place])))

    def sweep(self, block: Block, edges: Edges) -> None:
        """What one signal shows is no matter of the others until all is in (`settle`)."""
        for part, _, _ in block.good_parts(self._watched):
            for start, stop in self._means.stretches(part):
                stretch = part.rounds(start, stop)
                if stop - start > 1 and self._is_quiet(stretch) and self._jumps.pass_over(
                        stretch.index, stretch.signal, stretch.value):
                    self._means.fill(stretch)
                else:
                    for rows in stretch.rows():
                        self.step(rows, edges)

    def settle(self, edges: Edges) -> None:
        """What happened in this step, in order of time: peers are compared as they were at each instant."""
        news, self._news = self._news, []
        for entry in sorted(news, key=lambda entry: entry[:2]):
            if entry[1]:
                line, _, condition, number, wall, value, jump, bar = entry
                self._sign(condition, np.array([number]), np.array([value]), np.array([line]), np.array([wall]),
                           [note("spike" if condition is Condition.SPIKE else "offset", self._signals[number].unit,
                                 jump=jump, bar=bar)], edges)
            else:
                self._judge(entry[2], entry[3], edges)

    def state(self) -> dict[str, NDArray]:
        own = {"drift": self._left[Condition.DRIFT], "spike": self._left[Condition.SPIKE], "wrapped": self._wrapped,
               "release": self._release, "calm": self._calm, "below": self._below, "pinned": self._pinned,
               "pin": self._pin, "top": self._run}
        return own | self._means.state() | self._peers.state() | {
            f"{name} {part}": array for name, kernel in (("jumps", self._jumps), ("motion", self._motion))
            for part, array in kernel.state().items()}

    def restored(self) -> None:
        self._jumps.restored()
        for condition, standing in (*self._left.items(), (Condition.WRAPPED, self._wrapped),
                                    (Condition.SATURATED, self._pinned)):
            standing[self._alarm[condition] < 0] = 0
        self._pinned_count, self._run_count = np.count_nonzero(self._pinned), np.count_nonzero(self._run)

    def adopt(self, alarms: NDArray[np.int64]) -> None:
        for condition, left in self._left.items():
            stands = self._stands(condition, alarms)
            left[stands] = np.maximum(left[stands], 1)
        lost = self._stands(Condition.WRAPPED, alarms) & ~self._wrapped
        self._wrapped[lost], self._release[lost] = True, 0.0
        lost = self._stands(Condition.SATURATED, alarms) & ~self._pinned
        self._pinned[lost], self._pin[lost] = True, np.nan
        self.restored()

    def progress(self) -> NDArray[np.float64]:
        return np.where(self._watched, self._motion.progress, np.nan)

    def forget(self, signals: NDArray[np.int64]) -> None:
        own = signals[self._watched[signals]]
        for kernel in (self._means, self._jumps, self._motion, self._peers):
            kernel.forget(own)
        for array in (*self._left.values(), self._wrapped, self._release, self._calm, self._below, self._pinned,
                      self._run):
            array[own] = 0
        self._pin[own] = np.nan
        self.restored()

    def picture(self, signal: int) -> Picture | None:
        if not self._watched[signal]:
            return None
        typical, bend, move = self._motion.known(signal)
        unit = self._signals[signal].unit
        return Picture(self.name, Text("behaviour of the sensor", "传感器行为特征"),
                       float(self._motion.progress[signal]), (
            Figure(Text("typical change of pace from mean to mean", "均值间变化的典型幅度"), typical, unit),
            Figure(Text("largest usual change of pace", "平时最大的变化幅度"), bend, unit),
            Figure(Text("largest usual move of the level over two windows", "两个时间窗内水平的最大常见移动"), move,
                   unit),
            Figure(Text("a step from read to read is a jump from here on", "相邻读数突变的判定界限"),
                   self._jumps.bar(signal), unit)))

    def _stands(self, condition: Condition, alarms: NDArray[np.int64]) -> NDArray[np.bool_]:
        return np.isin(self._alarm[condition], alarms) & (self._alarm[condition] >= 0)

    def _end_spans(self, ended: Ended) -> None:
        signal = ended.signal
        held = self._holds.held(signal, ended.span_ns) | self._pinned[signal]
        self._jumps.end_spans(signal, ended.samples, held)
        silent = ended.line - ended.span_ns > (_SILENCE + 1) * self._every[signal]
        if np.count_nonzero(silent):
            self._jumps.part(signal[silent])
        for line in np.unique(ended.line).tolist():
            row = np.flatnonzero(ended.line == line)
            self._news.append((line, 0, Ended(*(getattr(ended, name)[row] for name in Ended.__slots__)), held[row]))

    def _judge(self, ended: Ended, held: NDArray[np.bool_], edges: Edges) -> None:
        """Means that were completed at one instant. Edges carry the sample that completed them."""
        signal, mean, line, wall = ended.signal, ended.mean, ended.line, ended.wall
        peers, quiet = self._peers.middle(signal, line, line - _SILENCE * self._every[signal])
        away = np.where(self._peers.has[signal], mean - peers, mean)
        heights = self._motion.step(signal, mean, away, held)
        self._cover(heights, quiet, signal, mean, line, wall, edges)
        self._calm[signal[heights.part]] = heights.calm[heights.part]
        self._peers.tell(signal, line, mean, self._calm[signal])
        below = self._below[signal] = np.where(mean < self._zero[signal], self._below[signal] + 1, 0)
        blunt = self._blunt[signal]
        wild, creep, zero = heights.wild >= blunt, heights.creep >= blunt, below >= ZERO_MEANS
        for condition, signs in ((Condition.SPIKE, wild), (Condition.DRIFT, creep | zero)):
            left = self._left[condition]
            before = left[signal]
            left[signal] = np.where(signs, before, np.maximum(before - 1, 0))
            over = np.flatnonzero((before == 1) & ~signs)
            if over.size:
                edges.add(self._alarm[condition][signal[over]], False, mean[over], line[over], wall[over])
        for word, condition, signs in (("noise", Condition.SPIKE, wild), ("creep", Condition.DRIFT, creep),
                                       ("zero", Condition.DRIFT, zero)):
            for row in np.flatnonzero(signs).tolist():
                one, number = slice(row, row + 1), int(signal[row])
                said = note(word, self._signals[number].unit, height=float(heights.wild[row] / blunt[row]),
                            move=float(heights.move[row]), mean=float(mean[row]), low=self._signals[number].low or 0.0,
                            window_s=self._window_s(number), peers=bool(self._peers.has[number]))
                self._sign(condition, signal[one], mean[one], line[one], wall[one], [said], edges,
                           1 if word == "zero" else 0)

    def _sign(self, condition: Condition, signal, value, line, wall, notes, edges: Edges, least: int = 0) -> None:
        """A sign of a fault in one signal: the condition begins, or stands on. least: means that it stands, 0: hold."""
        alarm, left = self._alarm[condition][signal], self._left[condition]
        if alarm[0] < 0:
            return
        if not left[signal[0]]:
            edges.add(alarm, True, value, line, wall)
            edges.explain((Evidence(int(wall[0]), self._signals[int(signal[0])].id, float(value[0]), notes[0]),))
        left[signal] = np.maximum(left[signal], least or self._hold[signal])

    def _cover(self, heights: Heights, quiet, signal, mean, line, wall, edges: Edges) -> None:
        """`wrapped` begins and ends with the windows that ended now."""
        row = heights.part[heights.bend[heights.part] > 0.0]
        stands, alarm = self._wrapped[signal[row]], self._alarm[Condition.WRAPPED][signal]
        moves = row[stands & (heights.bend[row] >= self._release[signal[row]])]
        if moves.size:
            self._wrapped[signal[moves]] = False
            edges.add(alarm[moves], False, mean[moves], line[moves], wall[moves])
        before = self._calm[signal[row]]  # what peers are known to be now is as old, or newer
        odd = ~self._peers.has[signal[row]] | (before >= self._blunt[signal[row]])
        odd &= ~(before < ODD * quiet[row])  # NaN: no peer is known
        for at in row[~stands & odd & (heights.calm[row] >= self._blunt[signal[row]]) & (alarm[row] >= 0)].tolist():
            number = int(signal[at])
            self._wrapped[number], self._release[number] = True, BACK * heights.usual[at]
            edges.add(alarm[at], True, mean[at], line[at], wall[at])
            edges.explain((Evidence(int(wall[at]), self._signals[number].id, float(mean[at]), note(
                "relaxing" if heights.one_way[at] else "calm", self._signals[number].unit, bend=float(heights.bend[at]),
                usual=float(heights.usual[at]), window_s=self._window_s(number),
                peers=bool(np.isfinite(quiet[at])))),))

    def _pin_down(self, pinned: bool, row, signal, value, line, wall, edges: Edges, jump=None) -> None:
        if not row.size:
            return
        own = signal[row]
        self._pinned[own], self._pin[own] = pinned, value[row] if pinned else np.nan
        self._pinned_count = np.count_nonzero(self._pinned)
        for place, at in enumerate(row.tolist()):
            edges.add(self._alarm[Condition.SATURATED][signal[at]], pinned, value[at], line[at], wall[at])
            if pinned:
                signal_ = self._signals[int(signal[at])]
                said = (note("top", signal_.unit, reads=TOP_READS, mean=float(value[at])) if jump is None else
                        note("pinned", signal_.unit, jump=float(jump[place]), mean=float(value[at])))
                edges.explain((Evidence(int(wall[at]), signal_.id, float(value[at]), said),))

    def _watch_top(self, signal, value, line, wall, edges: Edges) -> None:
        """Reads at the top of the range; and who is pinned no more."""
        high = value >= self._top[signal]
        if self._run_count or np.count_nonzero(high):
            run = self._run[signal] = np.where(high, self._run[signal] + 1, 0)
            self._run_count = np.count_nonzero(self._run)
            reached = np.flatnonzero((run >= TOP_READS) & ~self._pinned[signal])
            self._pin_down(True, reached, signal, value, line, wall, edges)
        if self._pinned_count:
            freed = np.flatnonzero(self._pinned[signal] & (value != self._pin[signal]) & ~high)
            self._pin_down(False, freed, signal, value, line, wall, edges)

    def _is_quiet(self, block: Block) -> bool:
        """No reading at a stop, nor at one before."""
        signal = block.signal
        return not (np.count_nonzero(self._pinned[signal]) or np.count_nonzero(self._run[signal])
                    or np.count_nonzero(block.value >= self._top[signal]))

    def _window_s(self, number: int) -> float:
        return PARTS * int(self._part[number]) * int(self._every[number]) / NS

"""Share drift: a load takes more or less of another than it used to."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from gateway.core.bands import Bands
from gateway.core.block import Block
from gateway.core.detectors.detector import alarm_numbers
from gateway.core.edges import Edges
from gateway.core.learning import Figure, Holds, Learner, Picture
from gateway.core.means import Ended, Means
from gateway.core.rows import Rows
from gateway.core.shares import Shares
from gateway.model.clock import NS
from gateway.model.condition import Condition
from gateway.model.learnt import Share as Asked
from gateway.model.site import Site
from gateway.model.text import Text
from gateway.model.verdict import Evidence

_NEVER = -(2**62)
_BACK = 0.5  # of what is allowed: a drift is over


class ShareDrift(Learner):
    """The ratio of two loads (gateway.core.shares), fed with means.

    Formula: the good samples of the signal and of the load it is compared with, within the same `every_s` of the time
    line, are averaged; when both means are complete and the other load is above 0.3 (`above`) of its usual range
    (gateway.core.bands), their ratio is judged. The condition begins when it is `up` or `down` away from the usual one,
    and 3 of its usual deviations, and ends with the first ratio that is back by half of that.

    On a plant: a dust collector or a fan that takes less of the production's power than it used to is throttled, or its
    belt slips; a hoist that takes more of the mine's power than maintenance explains is producing. While the other load
    does not run a ratio means nothing: it is neither judged nor learnt, and ends nothing.

    Delay: until both means are complete, so up to every_s and a sample. False alarms: where the share follows the
    product or the season; wider bounds, or none. It learns all the time, so a lasting drift becomes usual within a
    month or two. Not for shares of almost nothing. Statistics: never above yellow (the site sees to that).

    Not for: shares of almost nothing, and loads whose ratio honestly depends on what is produced.
    """

    name = "share"
    settles = True

    def __init__(self, site: Site, holds: Holds):
        self._signals, self._holds = site.signals, holds
        asked = [signal.share or Asked("") for signal in site.signals]
        count = len(asked)
        self._alarm = alarm_numbers(site, Condition.LOAD)
        self._watched = self._alarm >= 0
        self._whole = np.array([site.signals.index(one.of) if one.of else -1 for one in asked], np.int64)
        every = np.array([max(round(one.every_s * NS), 1) for one in asked], np.int64)
        of_whole = np.zeros(count, np.int64)
        of_whole[self._whole[self._watched]] = every[self._watched]
        self._needed = np.array([max(math.ceil(one.learn_s / one.every_s), 1) for one in asked])
        self._above = np.array([one.above for one in asked])
        self._means = Means(np.where(self._watched, every, 0)), Means(of_whole)
        self._bands = Bands(of_whole)  # of the wholes
        self._shares = Shares(every, np.array([one.up for one in asked]), np.array([one.down for one in asked]))
        self._span = np.full((2, count), _NEVER, np.int64)  # of the newest mean, as a part and as a whole
        self._line, self._wall = np.zeros((2, count), np.int64), np.zeros((2, count), np.int64)  # when it was complete
        self._mean, self._held = np.zeros((2, count)), np.zeros((2, count), np.bool_)
        self._level = np.zeros(count)  # where the newest mean of a whole lies between idle and full
        self._judged = np.full(count, _NEVER, np.int64)  # span
        self._standing = np.zeros(count, np.bool_)
        self._news: list[tuple[int, Ended, NDArray[np.bool_]]] = []  # side, means, held; of this step

    def step(self, rows: Rows, edges: Edges) -> None:
        for side, means in enumerate(self._means):
            if (ended := means.take(rows)) is not None:
                self._note(side, ended)

    def sweep(self, block: Block, edges: Edges) -> None:
        for side, means in enumerate(self._means):
            for ended in means.sweep(block):
                self._note(side, ended)

    def settle(self, edges: Edges) -> None:
        """Means of this step, of parts and of wholes, in order of the samples that completed them."""
        news, self._news = self._news, []
        if not news:
            return
        for line in np.unique(np.concatenate([ended.line for _, ended, _ in news])):
            touched = np.zeros(self._watched.shape, np.bool_)
            for side, ended, held in news:
                row = np.flatnonzero(ended.line == line)
                if row.size:
                    self._keep(side, ended, held[row], row, touched)
            self._judge(np.flatnonzero(touched & (self._span[0] == self._span[1, self._whole])
                                       & (self._span[0] > self._judged)), edges)

    def state(self) -> dict[str, NDArray]:
        pairs = {"span": self._span, "line": self._line, "wall": self._wall, "mean": self._mean, "held": self._held}
        return {"shares": self._shares.state, "bands": self._bands.state, "level": self._level, "judged": self._judged,
                "standing": self._standing, **{f"pair {name}": array for name, array in pairs.items()},
                **{f"{kind} {name}": array for kind, means in zip(("part", "whole"), self._means, strict=True)
                   for name, array in means.state().items()}}

    def adopt(self, alarms: NDArray[np.int64]) -> None:
        self._standing |= np.isin(self._alarm, alarms) & self._watched

    def progress(self) -> NDArray[np.float64]:
        return np.where(self._watched, np.minimum(self._shares.count / self._needed, 1.0), np.nan)

    def forget(self, signals: NDArray[np.int64]) -> None:
        own = signals[self._watched[signals]]
        self._standing[own] = False
        self._span[0, own] = self._judged[own] = _NEVER
        self._shares.forget(own)
        self._means[0].forget(own)

    def picture(self, signal: int) -> Picture | None:
        if not self._watched[signal]:
            return None
        usual, spread = self._shares.usual(signal)
        whole = self._signals[int(self._whole[signal])].id
        return Picture(self.name, Text(f"share of {whole}", f"占 {whole} 的比例"), float(self.progress()[signal]),
                       (Figure(Text("usual share", "平常占比"), 100 * usual, "%"),
                        Figure(Text("its mean deviation", "平均波动"), 100 * spread, "%")))

    def _note(self, side: int, ended: Ended) -> None:
        self._news.append((side, ended, self._holds.held(ended.signal, ended.span_ns)))

    def _keep(self, side: int, ended: Ended, held: NDArray[np.bool_], row: NDArray[np.int64],
              touched: NDArray[np.bool_]) -> None:
        """Side 0: parts, 1: wholes. touched: bool[n], parts that may have a pair now."""
        own, mean = ended.signal[row], ended.mean[row]
        for array, column in ((self._span, ended.span_ns[row]), (self._line, ended.line[row]),
                              (self._wall, ended.wall[row]), (self._mean, mean), (self._held, held)):
            array[side, own] = column
        if side == 0:
            touched[own] = True
        else:
            self._level[own] = self._bands.step(own, mean, held)
            touched |= self._watched & np.isin(self._whole, own)

    def _judge(self, signal: NDArray[np.int64], edges: Edges) -> None:
        """Both means of these are complete. Edges carry the sample that completed the later one."""
        self._judged[signal] = self._span[0, signal]
        whole = self._whole[signal]
        runs = (self._level[whole] > self._above[signal]) & (self._mean[1, whole] > 0.0)
        signal, whole = signal[runs], whole[runs]
        if not signal.size:
            return
        ratio = self._mean[0, signal] / self._mean[1, whole]
        learnt, standing = self._shares.count[signal] >= self._needed[signal], self._standing[signal]
        usual = [self._shares.usual(number) for number in signal.tolist()]
        drift = self._shares.step(signal, ratio, self._held[0, signal] | self._held[1, whole])
        first = self._line[0, signal] >= self._line[1, whole]
        line = np.where(first, self._line[0, signal], self._line[1, whole])
        wall = np.where(first, self._wall[0, signal], self._wall[1, whole])
        begins, ends = (drift >= 1.0) & learnt & ~standing, standing & (drift <= _BACK)
        self._standing[signal] = standing & ~ends | begins
        for row in np.flatnonzero(begins | ends).tolist():
            number = int(signal[row])
            edges.add(self._alarm[number], bool(begins[row]), 100 * ratio[row], line[row], wall[row])
            edges.explain(self._trace(number, float(ratio[row]), usual[row], int(wall[row])))

    def _trace(self, number: int, ratio: float, usual: tuple[float, float],
               wall: int) -> tuple[Evidence, ...]:
        part, whole = self._signals[number], self._signals[int(self._whole[number])]
        means = float(self._mean[0, number]), float(self._mean[1, int(self._whole[number])])
        note = _TAKES.format(now=f"{100 * ratio:.1f}", usual=f"{100 * usual[0]:.1f}", spread=f"{100 * usual[1]:.1f}",
                            whole=whole.id)
        return (Evidence(wall, part.id, means[0], note),
                Evidence(wall, whole.id, means[1], Text("the load it is compared with", "对照负荷")))


_TAKES = Text("takes {now} % of {whole}; usual is {usual} %, give or take {spread} %",
              "占 {whole} 的 {now}%；平常为 {usual}%，平均波动 {spread}%")

"""Unusual behaviour: a signal does not do what was learnt of it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from gateway.core.baseline import HOURS, Baseline, Recipe
from gateway.core.block import Block
from gateway.core.detectors.detector import alarm_numbers
from gateway.core.edges import Edges
from gateway.core.learning import Holds, Learner, Picture
from gateway.core.means import Ended, Means
from gateway.core.rows import Rows
from gateway.model.clock import NS
from gateway.model.condition import Condition
from gateway.model.site import Site
from gateway.model.text import Text
from gateway.model.verdict import Evidence

_HOUR_NS = 3600 * NS
_MOST_TOLD = 99.0


class Anomaly(Learner):
    """The baseline (gateway.core.baseline), fed with means.

    Formula: the good samples of a signal within each `every_s` of the time line are averaged; with the first good
    sample of a later one the mean goes to the baseline. The condition begins when the height of the mean is `blunt` or
    more, stands for `hold_s` of means at least, and ends with the first mean after that whose height is less. The hour
    of the day is that of the time line: only that it comes again every 24 hours matters.

    On a plant: a hint to look. A pump whose current wanders, a flow at an hour at which there never was one, a leak
    below every limit. It does not learn while a limit, a sensor fault, a bypass or a person holds it (see
    gateway.core.learning); it does learn while only its own alarm stands, so a fault that lasts below every limit
    becomes usual. It is no substitute for a limit.

    Delay: until the mean is complete, so up to every_s and one sample; a creep needs as many means as its scale.
    False alarms: measured on noise in docs/explanation/baseline.md. Not for switches and counters: a signal that never
    moved is unusual with its first move, and what only ever grows is always beyond all seen.
    Only good samples are learnt from; silence adds nothing. Risk is never above yellow (the site sees to that).

    Not for: switches and counters, set points that people change by hand, signals that stand still for days.
    """

    name = "baseline"

    def __init__(self, site: Site, holds: Holds):
        self._signals, self._holds = site.signals, holds
        count = len(site.signals)
        self._alarm = alarm_numbers(site, Condition.ANOMALY)
        self._watched = self._alarm >= 0
        self._every = np.ones(count, np.int64)
        warm_up, rest, self._blunt = np.ones(count, np.int64), np.ones(count, np.int64), np.ones(count)
        for number, signal in enumerate(site.signals):
            if (asked := signal.baseline) is not None:
                self._every[number] = max(round(asked.every_s * NS), 1)
                warm_up[number] = max(math.ceil(asked.learn_s / asked.every_s), 1)
                rest[number] = max(math.ceil(asked.hold_s / asked.every_s), 1)
                self._blunt[number] = asked.blunt
        self._baseline = Baseline(count, Recipe(), warm_up=warm_up, rest=rest, blunt=self._blunt)
        self._means = Means(np.where(self._watched, self._every, 0))

    def step(self, rows: Rows, edges: Edges) -> None:
        if (ended := self._means.take(rows)) is not None:
            self._judge(ended, edges)

    def sweep(self, block: Block, edges: Edges) -> None:
        for ended in self._means.sweep(block):
            self._judge(ended, edges)

    def state(self) -> dict[str, NDArray]:
        return {"state": self._baseline.state, "profile": self._baseline.profile, **self._means.state()}

    def adopt(self, alarms: NDArray[np.int64]) -> None:
        self._baseline.stand(np.flatnonzero(np.isin(self._alarm, alarms) & self._watched))

    def progress(self) -> NDArray[np.float64]:
        return np.where(self._watched, self._baseline.progress, np.nan)

    def forget(self, signals: NDArray[np.int64]) -> None:
        own = signals[self._watched[signals]]
        self._baseline.forget(own)
        self._means.forget(own)

    def picture(self, signal: int) -> Picture | None:
        if not self._watched[signal]:
            return None
        every_s = self._every[signal] / NS
        figures, profile = self._baseline.picture(signal, self._signals[signal].unit,
                                                  lambda samples: _span(samples * every_s))
        return Picture(self.name, Text("adaptive baseline", "自适应基线"), float(self._baseline.progress[signal]),
                       figures, (profile,))

    def _judge(self, ended: Ended, edges: Edges) -> None:
        """Edges carry the sample that completed the mean."""
        signal, mean, line, wall = ended.signal, ended.mean, ended.line, ended.wall
        hour = ended.span_ns // _HOUR_NS % HOURS
        height = self._baseline.step(signal, signal, mean, hour, self._holds.held(signal, ended.span_ns))
        begins, ends = self._baseline.alarms(signal, height)
        if np.count_nonzero(ends):
            edges.add(self._alarm[signal[ends]], False, mean[ends], line[ends], wall[ends])
        for row in np.flatnonzero(begins).tolist():
            number = int(signal[row])
            edges.add(self._alarm[number], True, mean[row], line[row], wall[row])
            edges.explain((Evidence(int(wall[row]), self._signals[number].id, float(mean[row]),
                                    self._note(number, self._baseline.sizes(row) / self._blunt[number])),))

    def _note(self, number: int, sizes: NDArray[np.float64]) -> Text:
        recipe, every_s = self._baseline.recipe, self._every[number] / NS
        levels, motions = recipe.level_scales, recipe.motion_scales
        kinds = [_FAR] * len(levels) + [_RESTLESS] * len(motions) + [_OUTSIDE]
        told = [_SIZE.format(what=kinds[place].format(span=_span(every_s * (*levels, *motions, 1)[place])),
                             size=f"{min(float(sizes[place]), _MOST_TOLD):.1f}")
                for place in np.argsort(-sizes, kind="stable").tolist() if sizes[place] >= 1.0]
        return Text("; ".join(text.en for text in told), "；".join(text.zh for text in told))


_FAR = Text("away from the usual level, over {span}", "{span}均值偏离正常水平")
_RESTLESS = Text("more restless than usual, over {span}", "{span}内波动比平时剧烈")
_OUTSIDE = Text("beyond every value seen so far, over {span}", "{span}均值超出以往出现过的范围")
_SIZE = Text("{what} ({size} times the bound of the usual)", "{what}（为正常界限的 {size} 倍）")


def _span(seconds: float) -> Text:
    for unit, en, zh in ((86400.0, "d", "天"), (3600.0, "h", "小时"), (60.0, "min", "分钟")):
        if seconds >= unit:
            return Text(f"{seconds / unit:.3g} {en}", f"{seconds / unit:.3g} {zh}")
    return Text(f"{seconds:.3g} s", f"{seconds:.3g} 秒")

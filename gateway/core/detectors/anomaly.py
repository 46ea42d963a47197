"""Unusual behaviour: a signal does not do what was learnt of it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from gateway.core.baseline import HOURS, Baseline, Recipe
from gateway.core.detectors.detector import Detector, alarm_numbers
from gateway.core.edges import Edges
from gateway.core.rows import Rows
from gateway.model.clock import NS
from gateway.model.signal import Condition
from gateway.model.site import Site
from gateway.model.text import Text
from gateway.model.verdict import Evidence

_HOUR_NS = 3600 * NS
_NEVER = -(2**62)
_HUGE = 1e30  # as in the baseline; also keeps the sum of a mean finite
_MOST_TOLD = 99.0


class Anomaly(Detector):
    """The baseline (gateway.core.baseline), fed with means.

    Formula: the good samples of a signal within each `every_s` of the time line are averaged; with the first good
    sample of a later one the mean goes to the baseline. The condition begins when the height of the mean is `blunt` or
    more, stands for `hold_s` of means at least, and ends with the first mean after that whose height is less. The hour
    of the day is that of the time line: only that it comes again every 24 hours matters.

    On a plant: a hint to look. A pump whose current wanders, a flow at an hour at which there never was one, a leak
    below every limit. It learns all the time, so a fault that lasts becomes usual; it is no substitute for a limit.

    Delay: until the mean is complete, so up to every_s and one sample; a creep needs as many means as its scale.
    False alarms: measured on noise in docs/explanation/baseline.md. Not for switches and counters: a signal that never
    moved is unusual with its first move, and what only ever grows is always beyond all seen.
    Only good samples are learnt from; silence adds nothing. Risk is never above yellow (the site sees to that).
    """

    name = "baseline"

    def __init__(self, site: Site):
        self._signals = site.signals
        count = len(site.signals)
        self._alarm = alarm_numbers(site, Condition.ANOMALY)
        self._watched = self._alarm >= 0
        self._all_watched = bool(self._watched.all())
        self._every = np.ones(count, np.int64)
        warm_up, rest, self._blunt = np.zeros(count, np.int64), np.ones(count, np.int64), np.ones(count)
        for number, signal in enumerate(site.signals):
            if (asked := signal.baseline) is not None:
                self._every[number] = max(round(asked.every_s * NS), 1)
                warm_up[number] = math.ceil(asked.learn_s / asked.every_s)
                rest[number] = max(math.ceil(asked.hold_s / asked.every_s), 1)
                self._blunt[number] = asked.blunt
        self._baseline = Baseline(count, Recipe(), warm_up=warm_up, rest=rest, blunt=self._blunt)
        self._block = np.full(count, _NEVER, np.int64)  # number of the mean that is being filled
        self._sum = np.zeros(count)
        self._samples = np.zeros(count, np.int64)

    def step(self, rows: Rows, edges: Edges) -> None:
        index, signal, value, line, wall = rows.index, rows.signal, rows.value, rows.line, rows.wall
        if not (rows.all_good and self._all_watched):
            row = np.flatnonzero(rows.good & self._watched[index])
            if not row.size:
                return
            index = signal = signal[row]
            value, line, wall = value[row], line[row], wall[row]
        block = line // self._every[index]
        due = block != self._block[index]
        if np.count_nonzero(due):
            row = np.flatnonzero(due)
            filled = row[self._samples[signal[row]] > 0]
            if filled.size:
                self._judge(signal[filled], line[filled], wall[filled], edges)
            self._block[signal[row]] = block[row]
            self._sum[signal[row]], self._samples[signal[row]] = 0.0, 0
        value = np.clip(value, -_HUGE, _HUGE)
        if isinstance(index, slice):
            self._sum[index] += value
            self._samples[index] += 1
        else:
            self._sum[index] = self._sum[index] + value
            self._samples[index] = self._samples[index] + 1

    def state(self) -> dict[str, NDArray]:
        return {"state": self._baseline.state, "profile": self._baseline.profile, "block": self._block,
                "sum": self._sum, "samples": self._samples}

    def adopt(self, alarms: NDArray[np.int64]) -> None:
        self._baseline.stand(np.flatnonzero(np.isin(self._alarm, alarms) & self._watched))

    def _judge(self, signal, line, wall, edges: Edges) -> None:
        """The means of these signals are complete; edges carry the sample that completed them."""
        mean = self._sum[signal] / self._samples[signal]
        hour = self._block[signal] * self._every[signal] // _HOUR_NS % HOURS
        begins, ends = self._baseline.alarms(signal, self._baseline.step(signal, signal, mean, hour))
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

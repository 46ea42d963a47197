"""Off hours: a load or a flow begins to run at an hour of the week at which it hardly ever did."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from gateway.core.bands import Bands
from gateway.core.block import Block
from gateway.core.calendar import Calendar
from gateway.core.detectors.detector import alarm_numbers
from gateway.core.edges import Edges
from gateway.core.learning import Figure, Holds, Learner, Picture, Profile
from gateway.core.means import Ended, Means
from gateway.core.rows import Rows
from gateway.core.starts import BOUND, Starts
from gateway.model.clock import NS
from gateway.model.condition import Condition
from gateway.model.learnt import Profile as Asked
from gateway.model.site import Site
from gateway.model.text import Text
from gateway.model.verdict import Evidence


class OffHours(Learner):
    """The hours at which a load begins to run (gateway.core.starts), fed with means.

    Formula: the good samples of a signal within each `every_s` of the time line are averaged; with the first good
    sample of a later one the mean is placed between the idle and the full level (gateway.core.bands) and goes to the
    odds of its hour of the week, which is local time in the site's zone (gateway.core.calendar). The condition begins
    when the height is 1.5 times `blunt` or more, and ends when the load was seen idle for `idle_s` without a break.

    On a plant: production while the plant is shut down, at night, on a Sunday or on a holiday; water that begins to
    flow when nobody is there. It is the *beginning* that is judged, for work keeps hours: on labelled loads of a steel
    works this finds twice as much as the distance from a mean level per hour, at the same number of false alarms (see
    docs/explanation/load.md). A day on which work did not begin in the morning is watched like a Sunday, whatever the
    calendar says of it.

    Delay: a mean and a sample for a full load, up to three means for a small one. A load that simply goes on after the
    end of the shift did not begin, and is not reported. Where a declared plant status or a schedule is to be had, a
    rule on it says more, and may be red: this is statistics, and the site sees to it that it is never above yellow.
    Silence adds nothing; only good samples are learnt from, and a start that raised the alarm counts a tenth.
    False alarms: honest work at a new hour, for some weeks; measured in docs/explanation/load.md.

    Not for: loads that are never idle for two hours, switches, and shifts that change every week. Where hours are
    declared, a rule on the schedule is surer.
    """

    name = "profile"

    def __init__(self, site: Site, holds: Holds):
        self._signals, self._holds = site.signals, holds
        asked = [signal.profile or Asked() for signal in site.signals]
        self._alarm = alarm_numbers(site, Condition.PROFILE)
        self._watched = self._alarm >= 0
        every = np.array([max(round(one.every_s * NS), 1) for one in asked], np.int64)
        idle = np.array([round(one.idle_s * NS) for one in asked], np.int64)
        self._every = every
        self._means_needed = np.array([max(math.ceil(one.learn_s / one.every_s), 1) for one in asked])
        self._bound = BOUND * np.array([one.blunt for one in asked])
        self._means = Means(np.where(self._watched, every, 0))
        self._bands, self._calendar = Bands(every), Calendar(site.zone, len(asked))
        self._starts = Starts(every, idle, np.array([one.above for one in asked]))
        self._standing = np.zeros(len(asked), np.bool_)

    def step(self, rows: Rows, edges: Edges) -> None:
        if (ended := self._means.take(rows)) is not None:
            self._judge(ended, edges)

    def sweep(self, block: Block, edges: Edges) -> None:
        for ended in self._means.sweep(block):
            self._judge(ended, edges)

    def state(self) -> dict[str, NDArray]:
        return {"bands": self._bands.state, "standing": self._standing, **self._calendar.state(),
                **self._starts.state(), **self._means.state()}

    def adopt(self, alarms: NDArray[np.int64]) -> None:
        self._standing |= np.isin(self._alarm, alarms) & self._watched

    def progress(self) -> NDArray[np.float64]:
        return np.where(self._watched, np.minimum(self._bands.count / self._means_needed, 1.0), np.nan)

    def forget(self, signals: NDArray[np.int64]) -> None:
        own = signals[self._watched[signals]]
        self._standing[own] = False
        for part in (self._bands, self._starts, self._means):
            part.forget(own)

    def picture(self, signal: int) -> Picture | None:
        if not self._watched[signal]:
            return None
        idle, full = map(float, self._bands.levels(signal))
        unit = self._signals[signal].unit
        figures = (Figure(Text("idle level", "空载水平"), idle, unit),
                   Figure(Text("full level", "满载水平"), full, unit))
        chances = tuple((100.0 * self._starts.chances(signal)).tolist())
        return Picture(self.name, Text("hours at which it begins to run", "启动时段"), float(self.progress()[signal]),
                       figures, (Profile(Text("chance that it begins to run within the hour, while idle",
                                              "空载时该小时内启动的概率"), chances, "%"),))

    def _judge(self, ended: Ended, edges: Edges) -> None:
        """Edges carry the sample that completed the mean."""
        signal, mean, line, wall = ended.signal, ended.mean, ended.line, ended.wall
        held = self._holds.held(signal, ended.span_ns)
        hour = self._calendar.hour(signal, ended.span_ns + self._every[signal] // 2)
        self._calendar.look(signal, line, wall, ended.trusted)
        learnt = self._bands.count[signal] >= self._means_needed[signal]
        share = self._bands.step(signal, mean, held)
        height = self._starts.step(signal, share, ended.span_ns, hour, held)
        standing = self._standing[signal]
        begins = (height >= self._bound[signal]) & learnt & ~standing
        ends = standing & self._starts.idle(signal)
        if np.count_nonzero(ends):
            self._standing[signal[ends]] = False
            edges.add(self._alarm[signal[ends]], False, mean[ends], line[ends], wall[ends])
        if np.count_nonzero(begins):
            self._standing[signal[begins]] = True
            self._starts.doubt(signal[begins])
        for row in np.flatnonzero(begins).tolist():
            number = int(signal[row])
            edges.add(self._alarm[number], True, mean[row], line[row], wall[row])
            edges.explain((Evidence(int(wall[row]), self._signals[number].id, float(mean[row]), self._note(number)),))

    def _note(self, number: int) -> Text:
        hour = self._starts.began(number)
        odds, (idle, full) = self._starts.odds(number, hour), self._bands.levels(number)
        signal, of_day = self._signals[number], hour % 24
        return _NOTE.format(day=_DAYS[hour // 24], since=f"{of_day:02d}:00", until=f"{of_day + 1:02d}:00",
                            week=f"{odds.week_starts:.1f}", week_hours=f"{odds.week_hours:.0f}",
                            any=f"{odds.day_starts:.1f}", any_hours=f"{odds.day_hours:.0f}",
                            idle=f"{idle:.{signal.decimals}f}", full=f"{full:.{signal.decimals}f}", unit=signal.unit)


_DAYS = tuple(Text(en, zh) for en, zh in (
    ("Monday", "周一"), ("Tuesday", "周二"), ("Wednesday", "周三"), ("Thursday", "周四"), ("Friday", "周五"),
    ("Saturday", "周六"), ("Sunday", "周日")))
_NOTE = Text(
    "began to run on {day} between {since} and {until}; learnt: {week} starts in {week_hours} idle hours of this hour "
    "of the week, {any} in {any_hours} of this hour of any day; idle about {idle}, full about {full} {unit}",
    "{day} {since}-{until} 开始运行；已学习：每周此时段共空载 {week_hours} 小时，启动 {week} 次；"
    "每天此时段共空载 {any_hours} 小时，启动 {any} 次；空载约 {idle}，满载约 {full} {unit}")

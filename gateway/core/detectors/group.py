"""A machine that is not as it was at commissioning, seen in several of its signals together."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from gateway.core.assembly import NO_SPAN, NUMBERS, Assembly, Span
from gateway.core.block import Block
from gateway.core.edges import Edges
from gateway.core.group import PLANES, Ensemble, Recipe
from gateway.core.learning import Figure, Holds, Learner, Picture
from gateway.core.means import Ended, Means
from gateway.core.rows import Rows
from gateway.model.clock import NS
from gateway.model.condition import Condition
from gateway.model.group import Group
from gateway.model.signal import Signal
from gateway.model.site import Site
from gateway.model.text import Text
from gateway.model.verdict import Evidence

_LAST, _JUDGED = range(2)  # of a group: newest span that was learnt; line time at which the newest one was judged
_TOLD = 3  # contributors in the evidence, the largest first
_MOST_TOLD = 99.0


@dataclass(frozen=True, slots=True)
class MemberState:
    """A signal in its group. usual, now (its newest mean), allowed (deviation): in its unit; NaN before the end of the
    commissioning, and where it never moved during it. size: its smoothed deviation over what is allowed. there: it had
    a mean in the newest span that was judged."""

    signal: str
    usual: float
    now: float
    allowed: float
    size: float
    there: bool


@dataclass(frozen=True, slots=True)
class GroupState:
    """progress: of the commissioning, 0..1. judged_ns: line time at which the newest span was judged, None: none yet;
    while all members are bad or silent it stands still."""

    id: str
    progress: float
    judged_ns: int | None
    members: tuple[MemberState, ...]


class Groups(Learner):
    """Several signals of one machine: do they behave as at commissioning? (gateway.core.group)

    Formula: the good samples of each member within each `every_s` of the time line are averaged. A span is complete for
    a member with its first good sample in a later one. It is judged as soon as it is complete for all members, at the
    latest when any member is two spans ahead; a member without a complete mean by then is missing. Of the first
    `learn_s` of spans in which nobody is missing and nobody held, each member's mean and unit are learnt, then frozen.
    The condition begins when the smoothed deviation of a member reaches `blunt` times its bound, and ends as told in
    gateway.core.group.Ensemble; edges carry the sample that completed the span.

    On a plant: a pump whose flow is a little low for hours, a bearing that shakes, casting water that runs warmer than
    it ever did when the line was accepted. For machines that run in one state; a machine with several needs a
    commissioning that saw them all, and is then watched less closely. After an overhaul: reset, to commission anew.

    Quality: a span in which a member is missing teaches nothing, and is judged by the others; the missing member keeps
    the size it had, so it can neither begin an alarm nor end one. With all members missing nothing is judged: an alarm
    that stands goes on standing, and the members' own alarms say why.

    Delay: up to two spans until a mean is judged, and about ten spans until a deviation of 1.25 bounds is reached.
    False alarms: where commissioning did not see what is usual, it alarms with the first change of season. What it is
    worth on a test bed: docs/explanation/groups.md.

    Not for: quantities that follow a demand (a tank level), sets whose members are not of one machine, and machines
    that were not sound while they were commissioned.
    """

    name = "group"
    settles = True

    def __init__(self, site: Site, holds: Holds):
        self._site, self._holds, self._groups = site, holds, site.groups
        alarms = {alarm.id: number for number, alarm in enumerate(site.alarms)}
        self._alarm = [alarms[f"{group.id}/{Condition.GROUP}"] for group in site.groups]
        members = [(number, id) for number, group in enumerate(site.groups) for id in group.signals]
        width = len(members)
        self._of = np.array([number for number, _ in members], np.int64)
        self._signal = np.array([site.signals.index(id) for _, id in members], np.int64)
        self._every = np.array([max(round(group.every_s * NS), 1) for group in site.groups], np.int64)[self._of]
        self._means = Means(self._every)
        self._place = np.full(len(site.signals), -1, np.int64)  # row of each signal in a round; -1 between rounds

        # state: a column per member; what belongs to a group stands in that of its first member
        self._state = np.zeros((2 * PLANES, width))
        self._reached, self._mean = np.full(width, NO_SPAN, np.int64), np.full(width, np.nan)
        self._spans = np.zeros((NUMBERS + 2, width), np.int64)
        self._there = np.zeros(width, np.bool_)  # it had a mean in the newest span that was judged

        starts = np.searchsorted(self._of, np.arange(len(site.groups) + 1)).tolist()
        self._part = [slice(start, stop) for start, stop in pairwise(starts)]
        self._ensemble = [Ensemble(self._state[:PLANES, part], self._state[PLANES:, part.start], _recipe(group))
                          for group, part in zip(site.groups, self._part, strict=True)]
        self._assembly = [Assembly(self._reached[part], self._mean[part], self._spans[:NUMBERS, part.start])
                          for part in self._part]
        self._own = [self._spans[NUMBERS:, part.start] for part in self._part]  # _LAST, _JUDGED
        for assembly, own in zip(self._assembly, self._own, strict=True):
            assembly.forget()
            own[:] = NO_SPAN
        self._heard: list[tuple[Ended, NDArray[np.bool_]]] = []

    @property
    def columns(self) -> tuple[str, ...]:
        """A group that was changed has other columns, and so no state to take over: it commissions anew."""
        own = [f"{group.id} {_signature(group)}" for group in self._groups]
        return tuple(f"{own[of]} {self._site.signals[signal].id}"
                     for of, signal in zip(self._of.tolist(), self._signal.tolist(), strict=True))

    def step(self, rows: Rows, edges: Edges) -> None:
        """Spans are judged when all rounds of the step are in (`settle`)."""
        if isinstance(rows.index, slice):
            row = self._signal - rows.index.start
            here = (row >= 0) & (row < len(rows))
        else:
            self._place[rows.index] = np.arange(len(rows))
            row = self._place[self._signal]
            self._place[rows.index] = -1
            here = row >= 0
        index: slice | NDArray[np.int64] = slice(0, row.shape[0])
        member = np.arange(row.shape[0])
        if np.count_nonzero(here) < row.shape[0]:
            index = member = np.flatnonzero(here)
            row = row[member]
        if row.size:
            ended = self._means.take(Rows(
                index, member, rows.value[row], rows.quality[row], rows.line[row], rows.wall[row], rows.good[row],
                rows.alarming[row], rows.all_good, rows.first_ns, rows.last_ns, ordinary=rows.ordinary))
            self._hear(() if ended is None else (ended,))

    def sweep(self, block: Block, edges: Edges) -> None:
        column = np.searchsorted(block.signal, self._signal)
        member = np.flatnonzero(block.signal.take(column, mode="clip") == self._signal)
        if member.size:
            column = column[member]
            planes = (plane.take(column, axis=1) for plane in (block.value, block.quality, block.line, block.wall,
                                                               block.good, block.alarming))
            self._hear(self._means.sweep(Block(member, member, *planes, all_good=block.all_good)))

    def settle(self, edges: Edges) -> None:
        """Judge what was heard, group by group, in order of time."""
        if not self._heard:
            return
        heard, self._heard = self._heard, []
        member, mean, span_ns, line, wall = (np.concatenate([getattr(ended, name) for ended, _ in heard])
                                             for name in ("signal", "mean", "span_ns", "line", "wall"))
        held = np.concatenate([held for _, held in heard])
        group, every = self._of[member], self._every[member]
        span, reached = span_ns // every, line // every
        order = np.lexsort((line, group))
        ends = np.flatnonzero((np.diff(line[order]) != 0) | (np.diff(group[order]) != 0)) + 1
        for at in np.split(order, ends):
            number = int(group[at[0]])
            place = member[at] - self._part[number].start
            for known in self._assembly[number].take(place, span[at], mean[at], held[at], reached[at]):
                self._judge(number, known, int(line[at[0]]), int(wall[at].max()), edges)

    def state(self) -> dict[str, NDArray]:
        return {"state": self._state, "reached": self._reached, "mean": self._mean, "spans": self._spans,
                "there": self._there, **{f"means {name}": array for name, array in self._means.state().items()}}

    def adopt(self, alarms: NDArray[np.int64]) -> None:
        for alarm, ensemble in zip(self._alarm, self._ensemble, strict=True):
            if alarm in alarms:
                ensemble.stand()

    def progress(self) -> NDArray[np.float64]:
        progress = np.full(len(self._site.signals), np.nan)
        np.fmin.at(progress, self._signal, np.array([ensemble.progress for ensemble in self._ensemble])[self._of])
        return progress

    def forget(self, signals: NDArray[np.int64]) -> None:
        """A group of which one member is to be learnt anew commissions anew: the others are only known together."""
        for number in np.unique(self._of[np.isin(self._signal, signals)]).tolist():
            part = self._part[number]
            self._ensemble[number].forget()
            self._assembly[number].forget()
            self._means.forget(np.arange(part.start, part.stop))
            self._own[number][:], self._there[part] = NO_SPAN, False

    def states(self) -> tuple[GroupState, ...]:
        """Where every group and its members stand, for a person."""
        found = []
        for group, ensemble, part, own in zip(self._groups, self._ensemble, self._part, self._own, strict=True):
            known = ensemble.judged
            columns = [np.where(known, values, np.nan).tolist()
                       for values in (ensemble.usual, ensemble.now, ensemble.allowed, ensemble.sizes)]
            judged = int(own[_JUDGED])
            found.append(GroupState(group.id, ensemble.progress, None if judged == NO_SPAN else judged, tuple(
                MemberState(*member) for member in zip(group.signals, *columns, self._there[part].tolist(),
                                                       strict=True))))
        return tuple(found)

    def picture(self, signal: int) -> Picture | None:
        known = self._site.signals[signal]
        figures = [Figure(words.format(group=group.name), value, unit)
                   for group, state in zip(self._groups, self.states(), strict=True)
                   for member in state.members if member.signal == known.id
                   for words, value, unit in ((_USUAL, member.usual, known.unit), (_NOW, member.now, known.unit),
                                              (_ALLOWED, member.allowed, known.unit), (_SIZE, member.size, ""))]
        return Picture(self.name, Text("group", "信号组"), float(self.progress()[signal]),
                       tuple(figures)) if figures else None

    def _hear(self, found: Iterable[Ended]) -> None:
        self._heard += [(ended, self._holds.held(self._signal[ended.signal], ended.span_ns)) for ended in found]

    def _judge(self, number: int, span: Span, line: int, wall: int, edges: Edges) -> None:
        ensemble, alarm, own, there = (self._ensemble[number], self._alarm[number], self._own[number],
                                       np.isfinite(span.mean))
        if not ensemble.learnt:
            if span.held or not there.all():
                return
            ensemble.learn(span.mean, bool(own[_LAST] == span.number - 1))
            own[_LAST] = span.number
            if ensemble.standing:  # from before this commissioning
                ensemble.end()
                edges.add(alarm, False, np.nan, line, wall)
            return
        own[_JUDGED], self._there[self._part[number]] = line, there
        turn = ensemble.judge(span.mean, there)
        if turn:
            edges.add(alarm, turn > 0, float(_times(ensemble)[ensemble.sizes.argmax()]), line, wall)
        if turn > 0:
            edges.explain(tuple(self._evidence(number, there, wall)))

    def _evidence(self, number: int, there: NDArray[np.bool_], wall: int) -> Iterator[Evidence]:
        """The members that contribute most, then those that were left out."""
        ensemble, signals = self._ensemble[number], [self._site.signals[n] for n in self._signal[self._part[number]]]
        sizes, times, now, usual = ensemble.sizes, _times(ensemble), ensemble.now, ensemble.usual
        for place in np.argsort(-sizes, kind="stable")[:_TOLD].tolist():
            if sizes[place] >= sizes.max() / 2:
                was, became = _apart(signals[place], usual[place], now[place])
                yield Evidence(wall, signals[place].id, float(now[place]), _AWAY.format(
                    now=became, usual=was, times=f"{min(float(times[place]), _MOST_TOLD):.1f}"))
        for place, signal in enumerate(signals):
            if not ensemble.judged[place]:
                yield Evidence(wall, signal.id, math.nan, _NEVER_MOVED)
            elif not there[place]:
                yield Evidence(wall, signal.id, math.nan, _MISSING)


def _recipe(group: Group) -> Recipe:
    """Times in whole spans, at least one."""
    learn, hold, after = (max(math.ceil(time / group.every_s), 1)
                          for time in (group.learn_s, group.hold_s, group.after_s))
    return Recipe(learn=learn, bound=Recipe().bound * group.blunt, hold=hold, after=after)


def _signature(group: Group) -> str:
    """What a commissioning depends on."""
    said = repr((group.signals, group.every_s, group.learn_s))
    return blake2b(said.encode(), digest_size=8).hexdigest()


def _times(ensemble: Ensemble) -> NDArray[np.float64]:
    """f8[m]: deviations of the newest means over what is allowed; 0 where nothing is judged."""
    return np.abs(ensemble.now - ensemble.usual) / np.where(ensemble.judged, ensemble.allowed, np.inf)


def _apart(signal: Signal, one: float, other: float) -> tuple[str, str]:
    """Both values with so many digits that rounding hides little of their distance, three more than usual at most."""
    digits = signal.decimals
    while digits < signal.decimals + 3 and abs(one - other) < 5 * 10.0**-digits:
        digits += 1
    return f"{one:.{digits}f} {signal.unit}".rstrip(), f"{other:.{digits}f} {signal.unit}".rstrip()


_AWAY = Text("{now} instead of {usual} at commissioning ({times} times the deviation allowed)",
             "现为 {now}，投运学习期为 {usual}（偏差为允许值的 {times} 倍）")
_MISSING = Text("without it: no good value in this span", "未参与判断（本时段无有效值）")
_NEVER_MOVED = Text("without it: it never moved during commissioning", "未参与判断（投运学习期内从未变化）")
_USUAL = Text("{group}: at commissioning", "{group}：投运学习期均值")
_NOW = Text("{group}: newest mean", "{group}：最近均值")
_ALLOWED = Text("{group}: deviation allowed", "{group}：允许偏差")
_SIZE = Text("{group}: smoothed deviation over what is allowed", "{group}：平滑偏差与允许值之比")

"""Rows of a source become facts. Memory is bounded by one day of all signals, whatever the period."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from alerting import proof
from alerting.engine import Transition
from alerting.figures.figures import Figures
from alerting.figures.report import Report as Figured
from alerting.figures.report import report
from alerting.lifecycle import Event
from alerting.overlays.hold import Kind
from alerting.overlays.tables import Act as Overlaid
from gateway.model.alarm import DRILL, Risk
from gateway.model.clock import NS
from gateway.model.errors import CommandError
from gateway.model.signal import SELFTEST
from gateway.model.site import Site
from gateway.model.text import Text
from gateway.reporting.facts import SYSTEMS, Episode, Facts, Held, Presence, SignalFacts, SystemFacts
from gateway.reporting.period import Period
from gateway.reporting.source import Act, Source, Standing, Stretch
from gateway.reporting.words import stamp
from gateway.sinks.schema import GATEWAY, SITE
from gateway.store.minutes import MINUTE_NS
from gateway.timekeeping import COUNT_S

_CARRIED_NS: Final = 92 * 86_400 * NS  # so long before the period a hold may have begun
_SILENT: Final = 5  # minutes at the end without a row, before that is worth a remark
_COLOURS: Final = {risk: number for number, risk in enumerate(Risk)}

Progress = Callable[[Text], None]


def gather(site: Site, period: Period, source: Source, now_ns: int, operators: int, progress: Progress) -> Facts:
    """CommandError: there is nothing of this period. Other errors of the source take a part of the report with them."""
    until = min(period.end_ns, now_ns // MINUTE_NS * MINUTE_NS)
    since, last, missing = source.since(), source.last(), []
    start = period.start_ns if since is None else min(max(period.start_ns, since), until)
    progress(Text("alarms", "告警"))
    history = _History(site, source.standing(period.start_ns), until)
    figures = Figures(site.alarms, operators, period.end_ns - period.start_ns + 2 * 86_400 * NS)
    figures.since_wall_ns = start  # else the time before the first alarm would not count
    for step in source.steps(period.start_ns, until):
        history.take(step, figures)
    acts = source.acts(period.start_ns - _CARRIED_NS, until)
    without = since is None or last is None or last < period.start_ns or since >= until
    if without and not history.episodes and not acts:
        raise CommandError(Text("there is no data of this period ({start} to {end})",
                                "该周期（{start} 至 {end}）没有数据").format(
            start=stamp(site, period.start_ns), end=stamp(site, until)), where="--ending", fix=_have(site, since, last))
    if since is None:
        missing.append(Text("no minutes: sensor statistics, availability and completeness are not known",
                            "没有分钟数据：无法统计传感器、可用性和数据完整性"))
    elif since > period.start_ns:
        missing.append(Text("no minutes before {at}: the gateway kept none then",
                            "{at} 之前没有分钟数据：网关当时尚未保存").format(at=stamp(site, since)))
    if last is not None and until - last > _SILENT * MINUTE_NS:
        missing.append(Text("no minutes after {at}: the gateway stood still, or this copy was made then",
                            "{at} 之后没有分钟数据：网关停止运行，或数据副本截止于此").format(at=stamp(site, last)))
    if last is not None and _held_back(source, last):
        missing.append(Text("minutes of signals are held back until the clock is trusted, {hours} h after a start at "
                            "most: make the report again then",
                            "时钟未同步，信号分钟数据暂不统计（启动后最多 {hours} 小时）：请稍后重新生成报告"
                            ).format(hours=f"{COUNT_S / 3600:g}"))
    days = _Days(period, start, until)
    presence, systems = _site(source, days, progress) if since is not None else (
        Presence(0, 0, (), 0, math.nan, None, None, np.zeros(len(period.days), np.int64)), {})
    signals = _signals(site, source, days, progress) if since is not None else ()
    progress(Text("proof tests, journal", "验证测试、日志"))
    strokes = source.strokes(until)
    chain = source.chain()
    missing += source.notes()
    return Facts(
        site, period, source.name, start, until, _while_it_ran(report(figures, period.start_ns, until), presence),
        tuple(history.episodes),
        tuple(history.drills), history.per_day(period), signals, systems, presence,
        tuple(stroke for stroke in strokes if stroke.wall_ns >= period.start_ns),
        tuple(one for rule in site.proved for one in proof.proofs(rule, strokes, until)),
        _held(acts, period.start_ns), tuple(act for act in acts if act.wall_ns >= period.start_ns
                                            and act.kind not in set(Kind)), chain, tuple(missing))


def _while_it_ran(figures: Figured, presence: Presence) -> Figured:
    """The mean rate over the minutes in which the gateway ran: the others would flatter it."""
    if not presence.present:
        return figures
    return replace(figures, average=figures.alarms / max(presence.present / 10, 1) / figures.operators)


def _have(site: Site, since: int | None, last: int | None) -> Text:
    if since is None or last is None:
        return Text("check the data folder, or the id of the site", "请检查数据目录或站点编号")
    return Text("there is data from {since} to {last}", "现有数据：{since} 至 {last}").format(
        since=stamp(site, since), last=stamp(site, last))


@dataclass
class _History:
    """Steps of alarms become episodes."""

    site: Site
    standing: Iterable[Standing]
    until_ns: int
    episodes: list[Episode] = field(default_factory=list)
    drills: list[Episode] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._open: dict[str, tuple[list[Episode], int]] = {}
        for one in self.standing:
            if one.active:
                self._begin(one.alarm, one.raised_wall_ns, new=False)

    def take(self, step: Transition, figures: Figures) -> None:
        definition = self.site.alarms.get(step.alarm)
        if definition is None or not definition.exercise:
            figures.take(step)
        if step.event is Event.RAISE:
            self._begin(step.alarm, step.wall_ns, new=True)
        elif step.alarm not in self._open:
            if step.old.active:
                self._begin(step.alarm, step.raised_wall_ns, new=False)
            else:
                return
        ended = None if step.new.active else step.wall_ns
        kept, place = self._open[step.alarm]
        known = kept[place]
        kept[place] = Episode(known.alarm, known.begun_ns, ended if known.ended_ns is None else known.ended_ns,
                              step.wall_ns if step.event is Event.ACKNOWLEDGE and known.taken_ns is None
                              else known.taken_ns, known.new)

    def _begin(self, alarm: str, at_ns: int, *, new: bool) -> None:
        definition = self.site.alarms.get(alarm)
        exercise = "" if definition is None else definition.exercise
        if exercise and exercise != DRILL:
            kept: list[Episode] = []  # the self-test has a section of its own
        else:
            kept = self.drills if exercise else self.episodes
        kept.append(Episode(alarm, at_ns, None, None, new))
        self._open[alarm] = kept, len(kept) - 1

    def per_day(self, period: Period) -> np.ndarray:
        counts = np.zeros((len(period.days), len(_COLOURS)), np.int64)
        for one in self.episodes:
            if one.new and (alarm := self.site.alarms.get(one.alarm)) is not None:
                counts[np.searchsorted(period.edges, one.begun_ns, "right") - 1, _COLOURS[alarm.risk]] += 1
        return counts


def _held_back(source: Source, last_ns: int) -> bool:
    """As the gateway was when it wrote last. Rows of the site are marked only while nobody has told the clock the time;
    a clock that is still not trusted later holds nothing back."""
    unset = any(fields.get("clock_untrusted") for _, fields in source.rows(SITE.name, last_ns, last_ns + 1))
    return unset and any(fields["uptime_s"] < COUNT_S for _, fields in source.rows(GATEWAY.name, last_ns, last_ns + 1))


class _Days:
    """The part of a period that can be known, by day."""

    def __init__(self, period: Period, start_ns: int, until_ns: int):
        self.first, self.end = -(-start_ns // MINUTE_NS), until_ns // MINUTE_NS
        self.edges = np.clip(np.array(period.edges) // MINUTE_NS, self.first, self.end)
        self.number = len(period.days)
        self.expected = np.diff(self.edges)

    def parts(self) -> Iterable[tuple[int, int, int]]:
        """Day, start and end in ns; days of which nothing is known are left out."""
        for day, (start, end) in enumerate(zip(self.edges[:-1].tolist(), self.edges[1:].tolist(), strict=True)):
            if start < end:
                yield day, start * MINUTE_NS, end * MINUTE_NS


def _site(source: Source, days: _Days, progress: Progress) -> tuple[Presence, dict[str, SystemFacts]]:
    counts = {name: np.zeros((days.number, 3), np.int64) for name in SYSTEMS}
    present = np.zeros(days.number, np.int64)
    gaps, untrusted, online, rows, people, running, loads = _Gaps(days.first, 0), 0, 0.0, 0, None, 0, False
    for day, start, end in days.parts():
        progress(Text(f"site, day {day + 1} of {days.number}", f"站点，第 {day + 1}/{days.number} 天"))
        own = source.rows(GATEWAY.name, start, end)
        minutes = np.unique(np.array([at // MINUTE_NS for at, _ in own], np.int64))
        gaps.take(minutes)
        present[day] = len(minutes)
        untrusted += sum(bool(fields.get("clock_untrusted")) for _, fields in own)
        for _, fields in source.rows(SITE.name, start, end):
            rows += 1
            online += fields["online_ratio"]
            for name in SYSTEMS:
                if (state := fields.get(name)) is not None:
                    counts[name][day, 2 - state] += 1
            if (now := fields.get("people")) is not None:
                people = now if people is None else max(people, now)
            if (load := fields.get("load")) is not None:
                loads, running = True, running + (load == 2)
    gaps.take(np.array([], np.int64), days.end)
    expected = int(days.expected.sum())
    return Presence(expected, expected - gaps.missing, tuple(sorted(gaps.found)), untrusted,
                    online / rows if rows else math.nan, people, running if loads else None, present), {
        name: SystemFacts(found, days.expected) for name, found in counts.items() if found.any()}


def _signals(site: Site, source: Source, days: _Days, progress: Progress) -> tuple[SignalFacts, ...]:
    signals = _Signals(site, days)
    for day, start, end in days.parts():
        progress(Text(f"signals, day {day + 1} of {days.number}", f"信号，第 {day + 1}/{days.number} 天"))
        signals.take(day, start // MINUTE_NS, source.stretch(start, end))
    return signals.facts()


class _Signals:
    """All signals at once, day after day."""

    def __init__(self, site: Site, days: _Days):
        self._days, number = days, len(site.signals)
        self._watched = [signal.deadman_s is not None and signal.id != SELFTEST for signal in site.signals]
        self._allowed = np.array([int((signal.deadman_s or 0.0) // 60.0) for signal in site.signals], np.int64)
        self._since = np.full(number, days.first)  # the first minute that is missing, or the next that shall come
        self._missing, self._longest, self._at = (np.zeros(number, np.int64) for _ in range(3))
        self._count, self._bad = np.zeros(number, np.int64), np.zeros(number, np.int64)
        self._high, self._low = (np.full((number, days.number), np.nan) for _ in range(2))

    def take(self, day: int, first: int, stretch: Stretch) -> None:
        self._high[:, day], self._low[:, day] = stretch.high, stretch.low
        self._count += stretch.count
        self._bad += stretch.bad
        signals, minutes = stretch.present.shape
        edged = np.ones((signals, minutes + 2), np.int8)  # absent between two ones: every run begins and ends
        edged[:, 1:-1] = stretch.present
        change = np.diff(edged, axis=1)
        (signal, start), (_, end) = np.nonzero(change < 0), np.nonzero(change > 0)  # end: the first minute after
        begun = np.where(start == 0, self._since[signal], first + start)
        over = end < minutes
        self._gap(signal[over], begun[over], first + end[over])
        came = np.flatnonzero(stretch.present[:, 0])  # a gap that ended with the day before
        self._gap(came, self._since[came], np.full(len(came), first))
        self._since[:] = np.where(stretch.present[:, -1], first + minutes, self._since)
        self._since[signal[~over]] = begun[~over]

    def _gap(self, signal: np.ndarray, begun: np.ndarray, end: np.ndarray) -> None:
        minutes = end - begun
        counted = minutes > self._allowed[signal]
        signal, begun, minutes = signal[counted], begun[counted], minutes[counted]
        np.add.at(self._missing, signal, minutes)
        order = np.lexsort((-begun, minutes))  # of those that are as long, the first is written last
        longer = order[minutes[order] > self._longest[signal[order]]]
        self._longest[signal[longer]], self._at[signal[longer]] = minutes[longer], begun[longer]

    def facts(self) -> tuple[SignalFacts, ...]:
        every = np.arange(len(self._since))
        self._gap(every, self._since, np.full(len(every), self._days.end))
        expected = int(self._days.expected.sum())
        return tuple(SignalFacts(
            expected if watched else 0, max(expected - int(self._missing[n]), 0) if watched else 0,
            (int(self._at[n]) * MINUTE_NS, int(self._longest[n])) if watched and self._longest[n] else None,
            int(self._count[n]), int(self._bad[n]), self._high[n], self._low[n])
            for n, watched in enumerate(self._watched))


class _Gaps:
    """Minutes that are not there. allowed: so many in a row are none."""

    def __init__(self, first: int, allowed: int):
        self._next, self._allowed = first, allowed
        self.missing = 0
        self.found: deque[tuple[int, int]] = deque()  # (start ns, minutes), the 20 longest

    def take(self, minute: np.ndarray, end: int | None = None) -> None:
        """Minutes in order, each once. end: nothing comes after."""
        edges = np.concatenate(([self._next - 1], minute, [] if end is None else [end])).astype(np.int64)
        absent = np.diff(edges) - 1
        for place in np.flatnonzero(absent > self._allowed).tolist():
            self.missing += int(absent[place])
            self.found.append(((int(edges[place]) + 1) * MINUTE_NS, int(absent[place])))
        if len(self.found) > 40:
            self.found = deque(sorted(self.found, key=lambda gap: -gap[1])[:20])
        self._next = int(edges[-1]) + 1


def _held(acts: Sequence[Act], start_ns: int) -> tuple[Held, ...]:
    """Overlays that reach into the period, in order of their beginning."""
    found: list[Held] = []
    standing: dict[tuple[str, str], int] = {}
    for act in acts:
        if act.kind not in set(Kind):
            continue
        key = act.kind, act.subject
        if act.act in (Overlaid.BEGIN, Overlaid.BEGIN_ONCE):
            standing[key] = len(found)
            found.append(Held(act.kind, act.subject, act.who, act.why, act.wall_ns, None))
        elif key in standing:
            one = found[standing.pop(key)]
            found[found.index(one)] = Held(one.kind, one.target, one.who, one.why, one.begun_ns, act.wall_ns)
    return tuple(one for one in found if one.ended_ns is None or one.ended_ns > start_ns)



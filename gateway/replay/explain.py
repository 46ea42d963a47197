"""Why an alarm stood, or not, at one instant: the same bank over the samples before it, and what it then knew."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from gateway.model.alarm import AlarmDefinition
from gateway.model.clock import NS, Instant
from gateway.model.condition import Condition
from gateway.model.errors import CommandError
from gateway.model.frame import Frame
from gateway.model.site import Site
from gateway.model.text import Text
from gateway.replay.reasons import Known, Sample
from gateway.replay.run import Occurrence, Recorded, Replay, judged_by, needs, skew_ns
from gateway.replay.settings import settings

NEWEST, NEWEST_OF_MANY = 10, 3  # samples that are shown: of the signal itself, of each other one
PLOTTED = 600  # samples of the signal itself in the plot
_AT_ONCE_S = 2.0  # an alarm raised this soon after the first sample may be older than what was evaluated


@dataclass(frozen=True, slots=True)
class Explanation:
    """at_wall_ns: the instant that was judged: the one asked for, or the end of the recording before it. stands: the
    condition; last: the newest occurrence up to then, None: there was none since `first_wall_ns`. older: it may have
    begun before. settings, reasons: sentences. samples: by signal, oldest first; plotted: more of the signal itself."""

    site: Site
    alarm: AlarmDefinition
    asked_wall_ns: int
    at_wall_ns: int
    first_wall_ns: int
    stands: bool
    last: Occurrence | None
    older: bool
    settings: tuple[Text, ...]
    reasons: tuple[Text, ...]
    samples: dict[str, tuple[Sample, ...]]
    plotted: tuple[Sample, ...]


def explain(site: Site, alarm: AlarmDefinition, recorded: Recorded, at_wall_ns: int | None = None,
            progress: Callable[[Instant], None] = lambda at: None) -> Explanation:
    """At this instant, None: at the end of the recording. What `recorded` holds beyond tells whether the gateway was
    listening until then.

    CommandError when there is nothing to explain it from.
    """
    signals = _shown(site, alarm)
    newest: dict[str, deque[Sample]] = {
        id: deque(maxlen=NEWEST if id == alarm.origin else NEWEST_OF_MANY) for id in signals}
    plotted: deque[Sample] = deque(maxlen=PLOTTED)
    replay = Replay(site, recorded.ids)
    if missing := replay.not_judged.get(alarm.id):
        raise CommandError(Text("it needs signals that were not recorded: {missing}",
                                "所需信号没有记录：{missing}").format(missing=", ".join(missing)), where=alarm.id,
                           fix=Text("take a recording that has them", "请使用包含这些信号的记录"))
    if not needs(site, alarm):
        raise CommandError(Text("this alarm is about the gateway itself; measured data do not explain it",
                                "该告警针对网关自身，无法用测量数据解释"), where=alarm.id,
                           fix=Text("look at the health part of the page, and at the log",
                                    "请查看页面的健康信息和日志"))
    for begins, frame in _until(recorded.frames(site.signals), at_wall_ns):
        if isinstance(frame, Instant):
            replay.pass_time(frame)
            continue
        replay.feed(frame, begins)
        for id in signals:
            number = site.signals.index(id)
            part = replay.made if site.signals[number].derived else frame
            newest[id].extend(_newest(part, number, NEWEST))
            if id == alarm.origin:
                plotted.extend(_newest(part, number, PLOTTED))
        progress(replay.last)
    outcome = replay.outcome()
    if not outcome.samples:
        raise CommandError(Text("nothing was recorded before this time", "此时间之前没有记录"), where=alarm.id,
                           fix=Text("give another time with --at, or look further back with --from",
                                    "请用 --at 指定其他时间，或用 --from 向前多取数据"))
    if at_wall_ns is None:
        at_wall_ns = replay.last.wall_ns
    own = [one for one in outcome.occurrences if one.alarm == alarm.id]
    last = own[-1] if own else None
    stands = alarm.id in replay.bank.active
    at_once_ns = round((_AT_ONCE_S + _on_delay_s(site, alarm)) * NS)
    return Explanation(
        site, alarm, asked_wall_ns=at_wall_ns, at_wall_ns=min(replay.last.wall_ns, at_wall_ns),
        first_wall_ns=replay.first.wall_ns, stands=stands, last=last,
        older=bool(last and stands and last.line_ns - replay.first.line_ns < at_once_ns),
        settings=tuple(settings(site, alarm)), reasons=tuple(Known(site, alarm, replay, stands, newest).reasons()),
        samples={id: tuple(samples) for id, samples in newest.items()}, plotted=tuple(plotted))


def _shown(site: Site, alarm: AlarmDefinition) -> tuple[str, ...]:
    """The signals it is judged by, and what the instrument says of itself."""
    signals = dict.fromkeys((*judged_by(site, alarm), *needs(site, alarm)))
    links = (site.signal(id).status for id in signals)
    limit = alarm.origin in site.signals and site.signal(alarm.origin).limit(alarm.condition)
    gates = (limit.only_while.signal,) if limit and limit.only_while else ()
    gates += _beside(site, alarm)
    return tuple(dict.fromkeys((*signals, *gates, *(link.signal for link in links if link is not None))))


def _beside(site: Site, alarm: AlarmDefinition) -> tuple[str, ...]:
    """What else a count of people or a card is judged by."""
    signal = site.signal(alarm.origin) if alarm.origin in site.signals else None
    if signal is None:
        return ()
    if alarm.condition == Condition.STILL and signal.still and signal.still.only_while:
        return (signal.still.only_while.signal,)
    rule = signal.headcount
    if rule is None or alarm.condition not in (Condition.HEADCOUNT, Condition.FULL):
        return ()
    return tuple(filter(None, (rule.shift, *rule.exempt, rule.handover and rule.handover.signal)))


def _until(frames: Iterator[tuple[bool, Frame]], at_wall_ns: int | None) -> Iterator[tuple[bool, Frame | Instant]]:
    """The frames up to an instant by the gateway's clock, then that instant, if the gateway was listening there."""
    for begins, frame in frames:
        if at_wall_ns is None:
            yield begins, frame
            continue
        at_line_ns = at_wall_ns - skew_ns(frame)
        before = frame.line_ns <= at_line_ns
        if before.all():
            yield begins, frame
            continue
        if before.any():
            yield begins, frame.take(before)
        if before.any() or not begins:
            yield False, Instant(at_line_ns, at_wall_ns)
        return


def _on_delay_s(site: Site, alarm: AlarmDefinition) -> float:
    limit = alarm.origin in site.signals and site.signal(alarm.origin).limit(alarm.condition)
    return limit.on_delay_s if limit else 0.0


def _newest(frame: Frame, number: int, most: int) -> Iterator[Sample]:
    for row in np.flatnonzero(frame.signal == number)[-most:].tolist():
        yield Sample(int(frame.wall_ns[row]), float(frame.value[row]), int(frame.quality[row]))

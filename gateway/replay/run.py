"""One run of a site over recorded samples: what live feeds, replay feeds. No sleeping, no wall clock, no disk."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from alerting.engine import AlarmEngine, Transition
from alerting.lifecycle import Event
from gateway.core.bank import Bank
from gateway.model.alarm import AlarmDefinition
from gateway.model.clock import NS, Instant
from gateway.model.condition import RISK_CONDITIONS, Condition
from gateway.model.frame import Frame
from gateway.model.rules import ResponseTest
from gateway.model.signal import SignalTable
from gateway.model.site import Site
from gateway.model.stroke import Stroke
from gateway.model.verdict import Evidence, Verdicts

ACKNOWLEDGE_AFTER_S = 300.0  # nobody acknowledges in a replay; without it only the first alarm ever were a first-out


class Recorded(Protocol):
    """Samples of the past. `frames` may be asked for more than once, for different sites."""

    @property
    def ids(self) -> frozenset[str]:
        """The signals that were recorded."""
        ...

    def frames(self, signals: SignalTable) -> Iterator[tuple[bool, Frame]]:
        """Frames in order; True where nobody had been listening before this one."""
        ...


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One activation. The condition ended at `ended_*`; None: it stood at the end of the recording. Times in ns.

    called: people were told (P1 to P3).
    """

    alarm: str
    wall_ns: int
    line_ns: int
    ended_wall_ns: int | None
    ended_line_ns: int | None
    value: float
    first_out: bool
    called: bool
    evidence: tuple[Evidence, ...] = ()

    def active_s(self, until_line_ns: int) -> float:
        return ((until_line_ns if self.ended_line_ns is None else self.ended_line_ns) - self.line_ns) / NS


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it.

    occurrences  in the order in which they were raised; transitions  without the acknowledgements of the replay itself
    not_judged   alarm -> signals that it needs and that were not recorded
    late         samples older than the newest of their signal: not evaluated, as live
    strokes      shut-downs that were concluded, in order: what the proof-test log would hold
    watched_s    recorded time without the outages of the gateway; failures: detectors that raised
    """

    site: Site
    occurrences: tuple[Occurrence, ...]
    transitions: tuple[Transition, ...]
    not_judged: dict[str, tuple[str, ...]]
    recorded: int  # signals of the site that were recorded
    samples: int
    late: int
    first_wall_ns: int
    last_wall_ns: int
    last_line_ns: int
    watched_s: float
    outages: int
    failures: tuple[str, ...]
    strokes: tuple[Stroke, ...] = ()


class Replay:
    """`feed` every frame, then ask for `outcome`. `bank` is the live one and may be looked at at any time."""

    def __init__(self, site: Site, recorded: Iterable[str], acknowledge_after_s: float = ACKNOWLEDGE_AFTER_S):
        known = frozenset(recorded)
        self.not_judged = {alarm.id: missing for alarm in site.alarms if (missing := _missing(site, alarm, known))}
        self.site = site = without_unheard_status(site, known)
        self.bank = Bank(site)
        self.engine = AlarmEngine(site.alarms)
        self._muted = {site.alarms.index(alarm) for alarm in self.not_judged if alarm in site.alarms}
        self._recorded = sum(known.issuperset(site.signals.measured(id)) for id in site.signals.ids)
        self._after_ns = round(acknowledge_after_s * NS)
        self._to_acknowledge: deque[tuple[int, str, int]] = deque()  # due, alarm, occurrence
        self._open: dict[str, int] = {}  # alarm -> place in _occurrences
        self._occurrences: list[Occurrence] = []
        self._transitions: list[Transition] = []
        self._strokes: list[Stroke] = []
        self._samples = self._outages = 0
        self._watched_ns = 0
        self.made = Frame.empty()  # samples of derived signals, of the newest frame
        self.first = self.last = Instant(0, 0)  # the instants of the oldest and the newest sample

    def feed(self, frame: Frame, begins: bool = False) -> None:
        """`begins`: the gateway had not been listening before."""
        line_ns, first_ns = int(frame.line_ns.max()), int(frame.line_ns.min())
        skew = skew_ns(frame)
        if begins or not self._samples:
            begun = Instant(first_ns, first_ns + skew)
            self.bank.begin(begun)
            self._outages += bool(self._samples)
            self.first = self.first if self._samples else begun
        else:
            first_ns = self.last.line_ns
        self._tell(self.bank.step(frame))
        self.made = self.bank.made
        self.last = Instant(max(self.last.line_ns, line_ns), max(self.last.line_ns, line_ns) + skew)
        self._tell(self.bank.tick(self.last))
        self._watched_ns += self.last.line_ns - first_ns
        self._samples += len(frame)

    def pass_time(self, now: Instant) -> None:
        """Nothing came until `now`."""
        if now.line_ns > self.last.line_ns:
            self._tell(self.bank.tick(now))
            self._watched_ns += now.line_ns - self.last.line_ns
            self.last = now

    def outcome(self) -> Outcome:
        failures = tuple(f"{failure.detector}: {failure.text} ({failure.count})" for failure in self.bank.failures)
        return Outcome(
            self.site, occurrences=tuple(self._occurrences), transitions=tuple(self._transitions),
            not_judged=self.not_judged, recorded=self._recorded, samples=self._samples, late=self.bank.late_samples,
            first_wall_ns=self.first.wall_ns, last_wall_ns=self.last.wall_ns, last_line_ns=self.last.line_ns,
            watched_s=self._watched_ns / NS, outages=self._outages, failures=failures,
            strokes=tuple(self._strokes))

    def _tell(self, verdicts: Verdicts) -> None:
        self._strokes += verdicts.strokes
        if not len(verdicts):
            return
        for edge in verdicts:
            if edge.alarm in self._muted:
                continue
            self._acknowledge(edge.line_ns)
            for transition in self.engine.apply(Verdicts.from_edges([edge])).transitions:
                self._note(transition)

    def _note(self, transition: Transition) -> None:
        self._transitions.append(transition)
        if transition.event is Event.RAISE:
            self._open[transition.alarm] = len(self._occurrences)
            self._to_acknowledge.append((transition.line_ns + self._after_ns, transition.alarm, transition.occurrence))
            self._occurrences.append(Occurrence(
                transition.alarm, transition.wall_ns, transition.line_ns, None, None, transition.value,
                transition.first_out, transition.notify, transition.evidence))
        elif (place := self._open.pop(transition.alarm, None)) is not None:
            self._occurrences[place] = replace(self._occurrences[place], ended_wall_ns=transition.wall_ns,
                                               ended_line_ns=transition.line_ns)

    def _acknowledge(self, line_ns: int) -> None:
        """As a person would who always comes after the same time."""
        while self._to_acknowledge and self._to_acknowledge[0][0] <= line_ns:
            due, alarm, occurrence = self._to_acknowledge.popleft()
            state = self.engine.state(alarm)
            if state.occurrence == occurrence and state.state.waits:
                self.engine.acknowledge(alarm, "replay", "", Instant(due, due))


def run(site: Site, recorded: Recorded, acknowledge_after_s: float = ACKNOWLEDGE_AFTER_S,
        progress: Callable[[Instant], None] = lambda at: None) -> Outcome:
    replay = Replay(site, recorded.ids, acknowledge_after_s)
    for begins, frame in recorded.frames(site.signals):
        replay.feed(frame, begins)
        progress(replay.last)
    return replay.outcome()


def skew_ns(frame: Frame) -> int:
    """Wall minus line time of the gateway's clock: the median, for some senders stamp by clocks of their own."""
    skews = frame.wall_ns - frame.line_ns
    return int(np.partition(skews, len(skews) // 2)[len(skews) // 2])


def needs(site: Site, alarm: AlarmDefinition) -> tuple[str, ...]:
    """The measured signals that an alarm is judged by."""
    return tuple(dict.fromkeys(name for judged in judged_by(site, alarm) for name in site.signals.measured(judged)))


def judged_by(site: Site, alarm: AlarmDefinition) -> tuple[str, ...]:
    """The signals that an alarm is judged by, measured or derived."""
    if alarm.condition == Condition.GROUP:
        return next(group.signals for group in site.groups if group.id == alarm.origin)
    if alarm.origin in site.signals:
        signal = site.signal(alarm.origin)
        if alarm.condition in (Condition.INHIBIT, Condition.OVER_RANGE) and signal.status:
            return alarm.origin, signal.status.signal
        if alarm.condition == Condition.MISMATCH and signal.headcount and signal.headcount.faces:
            return alarm.origin, signal.headcount.faces
        limit = signal.limit(Condition(alarm.condition))
        return (alarm.origin, *(limit.reference.signals if limit and limit.reference else ()))
    if alarm.condition in (Condition.DEADMAN, Condition.ONLINE):
        return tuple(signal for device in site.devices for signal in device.signals
                     if alarm.condition == Condition.ONLINE or device.id == alarm.origin)
    if alarm.condition == Condition.BLIND:
        detectors = next(zone.detectors for zone in site.gas_zones if zone.id == alarm.id)
        return (*detectors, *dict.fromkeys(rule.stimulus.signal for rule in site.rules
                                           if isinstance(rule, ResponseTest) and rule.signal in detectors))
    if alarm.condition == Condition.RISK:
        counted = [other for other in site.alarms if other.area == alarm.area and other.condition in RISK_CONDITIONS]
        return tuple(dict.fromkeys(signal for other in counted for signal in judged_by(site, other)))
    return next((tuple(dict.fromkeys(test.signal for test in rule.tests)) for rule in site.rules
                 if rule.id == alarm.origin), ())


def without_unheard_status(site: Site, recorded: frozenset[str]) -> Site:
    """Readings are believed where the status beside them was not recorded; else every one of them were uncertain, and
    no alarm on it would ever end."""
    if all(signal.status is None or signal.status.signal in recorded for signal in site.signals):
        return site
    return replace(site, signals=SignalTable([
        signal if signal.status is None or signal.status.signal in recorded else replace(signal, status=None)
        for signal in site.signals]))


def _missing(site: Site, alarm: AlarmDefinition, recorded: frozenset[str]) -> tuple[str, ...]:
    """A gas zone, a device and the risk of an area are judged by those of their signals that were recorded."""
    needed = needs(site, alarm)
    if alarm.condition == Condition.BLIND:  # not by what stimulates the tests of its detectors
        needed = tuple(signal for signal in needed if site.signal(signal).gas)
    missing = tuple(signal for signal in needed if signal not in recorded)
    some = alarm.condition in (Condition.BLIND, Condition.DEADMAN, Condition.RISK)
    return () if some and len(missing) < len(needed) else missing

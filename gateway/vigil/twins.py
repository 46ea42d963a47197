"""What a drill acts on: twins of the site's signals, with alarms of their own, in a bank of their own.

Nothing that is injected ever reaches a real signal, a real detector, the store or a real alarm; so exactly the injected
events are marked, and a real excursion during a drill is what it always is (docs/decisions/drill-twins.md).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

import numpy as np

from gateway.core.bank import Bank
from gateway.model.alarm import DRILL, EXERCISES, AlarmDefinition
from gateway.model.alarm import DRILL_PREFIX as PREFIX
from gateway.model.clock import Instant
from gateway.model.condition import Condition
from gateway.model.frame import Frame
from gateway.model.signal import Signal, SignalTable
from gateway.model.site import Site
from gateway.model.text import Text
from gateway.model.verdict import Verdicts

_HIGH, _LOW = (Condition.HIGH, Condition.HIGH_HIGH), (Condition.LOW, Condition.LOW_LOW)


def drillable(signal: Signal) -> bool:
    """It has a limit on its value. What is judged by pace, by other signals or by what was learnt is not drilled."""
    return any(limit.condition in (*_HIGH, *_LOW) for limit in signal.limits)


def twin(signal: Signal) -> Signal:
    """The limits on the value with their delays, ungated: whether a pump runs is no matter in a drill."""
    limits = tuple(replace(limit, only_while=None) for limit in signal.limits
                   if limit.condition in (*_HIGH, *_LOW))
    return Signal(PREFIX + signal.id, signal.name, signal.kind, signal.unit, signal.area, decimals=signal.decimals,
                  limits=limits)


def calm(signal: Signal) -> float:
    """A value at which none of its limits on the value is reached, dead bands included."""
    tops = [limit.value - limit.deadband for limit in signal.limits if limit.condition in _HIGH]
    floors = [limit.value + limit.deadband for limit in signal.limits if limit.condition in _LOW]
    if tops and floors:
        return (min(tops) + max(floors)) / 2
    return min(tops) - max(1.0, abs(min(tops))) if tops else max(floors) + max(1.0, abs(max(floors)))


def worst(signal: Signal) -> float:
    """A value just beyond the limit that is passed last: the usual excursion of a drill."""
    limits = [limit for limit in signal.limits if limit.condition in (*_HIGH, *_LOW)]
    urgent = min(limits, key=lambda limit: (limit.priority, limit.condition in (Condition.HIGH, Condition.LOW)))
    step = max(abs(urgent.value) * 0.05, 0.1)
    return urgent.value + (step if urgent.condition in _HIGH else -step)


def _site(site: Site, signals: Iterable[Signal]) -> Site:
    return Site(site.id, site.name, site.timezone, site.language, site.areas,
                SignalTable([twin(signal) for signal in signals]), guidance=site.guidance, advice=site.advice)


def drill_alarms(site: Site) -> tuple[AlarmDefinition, ...]:
    """The alarms of all twins, marked. In first-out groups of their own: a drill takes the mark from no real alarm."""
    return tuple(replace(alarm, exercise=DRILL, group=PREFIX + alarm.group, name=Text(
        f"{EXERCISES[DRILL]} {alarm.name.en}", f"{EXERCISES[DRILL]} {alarm.name.zh}"))
        for alarm in _site(site, filter(drillable, site.signals)).alarms if alarm.id.startswith(PREFIX))


class Twins:
    """The bank of one drill. signals: ids of the real signals that take part. Pure: instants are arguments."""

    def __init__(self, site: Site, signals: Collection[str]):
        own = _site(site, [site.signal(signal) for signal in signals])
        self._bank = Bank(own)
        self._numbers = {number: site.alarms.index(alarm.id) for number, alarm in enumerate(own.alarms)
                         if alarm.id.startswith(PREFIX)}
        self._rows = {signal: own.signals.index(PREFIX + signal) for signal in signals}
        self._values = np.zeros(len(own.signals))
        for signal, row in self._rows.items():
            self._values[row] = calm(site.signal(signal))

    def begin(self, now: Instant) -> None:
        self._bank.begin(now)

    def set(self, values: Mapping[str, float]) -> None:
        for signal, value in values.items():
            self._values[self._rows[signal]] = value

    def step(self, now: Instant) -> Verdicts:
        """The twins are sampled: edges of their alarms, in the numbers of the site's alarms."""
        rows = np.arange(len(self._values), dtype=np.int32)
        found = Verdicts.concat([self._bank.step(Frame.of(rows, self._values.copy(), now)), self._bank.tick(now)])
        return Verdicts.from_edges([replace(edge, alarm=self._numbers[edge.alarm]) for edge in found
                                    if edge.alarm in self._numbers])

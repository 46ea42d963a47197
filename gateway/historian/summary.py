"""The site in one row: what a regulator sees of it. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Final, Protocol

import numpy as np

from alerting.engine import Transition
from alerting.views import AlarmView
from gateway.historian.minute import Worst
from gateway.historian.systems import Plant, Systems
from gateway.model.clock import NS, Instant
from gateway.model.condition import Condition
from gateway.model.learnt import LoadState
from gateway.model.quality import is_good
from gateway.model.signal import SELFTEST
from gateway.model.site import Site
from gateway.sinks import schema
from gateway.store.archive import Row
from gateway.store.minutes import MINUTE_NS

_OFTEN_NS: Final = NS // 50  # what no event tells of (a camera's frame rate) is looked at so often
_KEPT: Final = 1440  # minutes that wait for a disk


class Alarms(Protocol):
    """alerting.service.AlarmService."""

    on_steps: list[Callable[[Sequence[Transition]], None]]

    def views(self) -> tuple[AlarmView, ...]: ...


class Summary:
    """Of one site. `look` after every step of the pipeline: the row of a minute says what was worst in it, and how the
    rest was at its end. `over`: rows of minutes that are over and were not written yet."""

    def __init__(self, site: Site, plant: Plant, alarms: Alarms):
        self._site, self._plant, self._alarms = site, plant, alarms
        signals = site.signals
        self._real = np.array([signal.id != SELFTEST for signal in signals])
        self._silent_ns = np.array([np.iinfo(np.int64).max if signal.deadman_s is None else round(signal.deadman_s * NS)
                                    for signal in signals])
        self._loads = [number for number, signal in enumerate(signals)
                       if isinstance(signal.derived, LoadState) or signal.kind == "load_state"]
        again = {signal.headcount.faces for signal in signals if signal.headcount is not None}  # the same people
        self._counts = [number for number, signal in enumerate(signals) if signal.id not in again
                        and (signal.headcount is not None or signal.kind == "head_count")]
        self._systems, self._worst = Systems(site, plant), Worst(site.alarms)
        self._minute: int | None = None
        self._news: tuple[int, frozenset[str]] | None = None  # what the last look knew of
        self._due_ns = 0
        self.over: deque[Row] = deque(maxlen=_KEPT)
        alarms.on_steps.append(self._worst.take)

    def look(self, now: Instant) -> None:
        minute, news = now.wall_ns // MINUTE_NS, (self._plant.availability.changes, self._worst.failed_shutdowns)
        if minute == self._minute and news == self._news and now.line_ns < self._due_ns:
            return
        self._news, self._due_ns = news, now.line_ns + _OFTEN_NS
        if minute != self._minute:
            if self._minute is not None:
                self.over.append(self._row(now, self._minute))
            self._minute = minute
            self._worst.begin(alarm.definition for alarm in self._alarms.views() if alarm.active)
        self._worst.see(self._systems.look(now.line_ns, self._worst.failed_shutdowns), self._plant.online)

    def row(self, now: Instant) -> Row:
        """Of the minute that runs, so far."""
        self.look(now)
        return self._row(now, now.wall_ns // MINUTE_NS)

    def written(self, rows: Sequence[Row]) -> None:
        """These, the oldest of `over`, are on disk."""
        for row in rows:
            if self.over and self.over[0] is row:
                self.over.popleft()

    def _row(self, now: Instant, minute: int) -> Row:
        site, latest = self._site, self._plant.latest
        good = is_good(latest.quality) & (now.line_ns - latest.line_ns <= self._silent_ns)
        fields = self._worst.fields() | {
            "unacknowledged": sum(alarm.state.waits and not alarm.definition.exercise
                                  for alarm in self._alarms.views()),
            "signals": int(self._real.sum()), "signals_online": int((good & self._real).sum()),
            "load": max((int(latest.value[number]) for number in self._loads if good[number]), default=None),
            "people": sum(int(latest.value[number]) for number in self._counts if good[number])
            if any(good[number] for number in self._counts) else None,
            "name_en": site.name.en, "name_zh": site.name.zh, "latitude": site.latitude, "longitude": site.longitude,
            "contact": site.contact or None, "page": site.page or None}
        return Row(schema.SITE.name, minute * MINUTE_NS, {"site": site.id}, fields)


def signal_rows(site: Site, wall_ns: int) -> Iterator[Row]:
    """What each signal is called, and its set points."""
    for signal in site.signals:
        if signal.id != SELFTEST:
            area = site.area_name(signal.area)
            points = {name: None if (limit := signal.limit(condition)) is None else limit.value for name, condition in (
                ("hh", Condition.HIGH_HIGH), ("h", Condition.HIGH), ("l", Condition.LOW), ("ll", Condition.LOW_LOW))}
            yield Row(schema.SIGNAL.name, wall_ns, schema.tags(site.id, signal), {
                "name_en": signal.name.en, "name_zh": signal.name.zh, "area_name_en": area.en, "area_name_zh": area.zh,
                "unit": signal.unit, "low": signal.low, "high": signal.high, **points, "decimals": signal.decimals})

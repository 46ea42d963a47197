"""The worst of a minute: how low availability was, how many alarms stood at once. Pure.

An outage of seconds, or an alarm that came and went, falls between looks that are a minute apart. So it is looked after
every step of the pipeline, some milliseconds to a second apart, and every step of an alarm counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from alerting.engine import Transition
from alerting.views import risk_level
from gateway.core.detectors.devices import OnlineShare
from gateway.model.alarm import AlarmDefinition, AlarmTable, Risk
from gateway.model.condition import Condition

_RISKS = (Risk.BLUE, Risk.YELLOW, Risk.ORANGE, Risk.RED)  # 1, 2, 3, 4


class Worst:
    """Of one minute, from what stands at its beginning. Drills and tests count for nothing."""

    def __init__(self, alarms: AlarmTable):
        self._alarms = alarms
        self.begin(())

    def begin(self, standing: Iterable[AlarmDefinition]) -> None:
        """Another minute."""
        real = [alarm for alarm in standing if not alarm.exercise]
        self._standing = {alarm.id for alarm in real}
        self._stood = {alarm.id: alarm for alarm in real}  # at any time in it
        self._count = Counter(alarm.risk for alarm in real)
        self._most = self._count.copy()
        self._systems: dict[str, int] = {}
        self._online: OnlineShare | None = None
        self._judge()

    def take(self, steps: Sequence[Transition]) -> None:
        """Steps of alarms, in order."""
        for step in steps:
            alarm = self._alarms.get(step.alarm)
            if alarm is None or alarm.exercise or step.new.active == (alarm.id in self._standing):
                continue
            if step.new.active:
                self._standing.add(alarm.id)
                self._stood[alarm.id] = alarm
            else:
                self._standing.discard(alarm.id)
            self._count[alarm.risk] += 1 if step.new.active else -1
            self._most[alarm.risk] = max(self._most[alarm.risk], self._count[alarm.risk])
        self._judge()

    def see(self, systems: Mapping[str, int | None], online: OnlineShare) -> None:
        """What a look has found."""
        for name, state in systems.items():
            if state is not None:
                self._systems[name] = min(state, self._systems.get(name, state))
        if self._online is None or online.online < self._online.online:
            self._online = online

    @property
    def failed_shutdowns(self) -> frozenset[str]:
        """Rules whose shut-down was not verified: now, not at any time in the minute."""
        return self._failed

    def _judge(self) -> None:
        self._failed = frozenset(self._stood[alarm].origin for alarm in self._standing
                                 if self._stood[alarm].condition == Condition.SHUTDOWN)

    def fields(self) -> dict[str, Any]:
        """Of the row of the site."""
        stood, share = self._stood.values(), self._online or OnlineShare(0, 0)
        return {"risk": 1 + _RISKS.index(risk_level(stood)) if stood else 0,
                **{str(risk): self._most[risk] for risk in Risk},
                "devices": share.devices, "devices_online": share.online, "online_ratio": share.ratio, **self._systems}

"""Suppression by design: plant states and hours in which an alarm is expected and calls nobody, as the site declares
them (ISA-18.2 / IEC 62682). The machine is in alerting.overlays.suppression."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from gateway.model.rules import Test
from gateway.model.text import Text

AFTER_S = 10.0  # the signals of a device come back one after another, a process takes seconds to follow
LONGEST_S = 86400.0


@dataclass(frozen=True, slots=True)
class Window:
    """Hours in the site's zone. days: "mon".."sun", or dates such as "2026-12-01"; of each the hours from `start` to
    `end`. With `end` not after `start` it goes on past midnight; the day is that of the start.

    An hour that a change of summer time takes out or repeats is as long as the clock on the wall says.
    """

    days: tuple[str, ...]
    start: time
    end: time

    def __contains__(self, local: datetime) -> bool:
        clock = local.time()
        if self.start < self.end:
            return self.start <= clock < self.end and self._on(local)
        if clock >= self.start:
            return self._on(local)
        return clock < self.end and self._on(local - timedelta(days=1))

    def _on(self, day: datetime) -> bool:
        return f"{day:%a}".lower() in self.days or f"{day:%Y-%m-%d}" in self.days


@dataclass(frozen=True, slots=True)
class Suppression:
    """While `test` is true by good evidence, or within `window`, nobody is called for `alarms`.

    alarms     ids of alarms, or of signals and rules with all their alarms
    after_s    it goes on so long after its condition has ended: what ends with it is not told for seconds
    longest_s  then it is over, although its condition still holds; it begins anew only when that has ended
    """

    id: str
    why: Text
    alarms: tuple[str, ...]
    test: Test | None = None
    window: Window | None = None
    after_s: float = AFTER_S
    longest_s: float = LONGEST_S

    def __post_init__(self) -> None:
        if (self.test is None) is (self.window is None):
            raise ValueError(f"{self.id} has a test or a window")

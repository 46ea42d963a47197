"""What a report says, before it is put into words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alerting.figures.report import Report
from alerting.proof import Proof
from gateway.model.clock import NS
from gateway.model.site import Site
from gateway.model.stroke import Stroke
from gateway.model.text import Text
from gateway.reporting.period import Period
from gateway.reporting.source import Act, Chain

SYSTEMS = ("video", "gas", "shutoff")


@dataclass(frozen=True, slots=True)
class Episode:
    """One activation of one alarm. begun may lie before the period. ended, taken: None: not until its end. new: it
    began in the period."""

    alarm: str
    begun_ns: int
    ended_ns: int | None
    taken_ns: int | None
    new: bool

    def seconds(self, start_ns: int, end_ns: int) -> float:
        """Within a stretch."""
        end = end_ns if self.ended_ns is None else min(self.ended_ns, end_ns)
        return max(end - max(self.begun_ns, start_ns), 0) / NS


@dataclass(frozen=True, slots=True)
class Held:
    """One overlay. ended: None: it stands. who: "" of a suppression by design."""

    kind: str
    target: str
    who: str
    why: str
    begun_ns: int
    ended_ns: int | None


@dataclass(frozen=True, slots=True)
class SignalFacts:
    """Of one signal. expected, present: minutes; expected 0: it tells only of changes, and nothing can be missing.
    longest: (start ns, minutes) of its longest gap. high, low: by day, NaN: nothing usable."""

    expected: int
    present: int
    longest: tuple[int, int] | None
    count: int
    bad: int
    high: NDArray[np.float64]
    low: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SystemFacts:
    """Of one of the three systems: minutes whole, in part, down; by day, and how many were expected on that day."""

    minutes: NDArray[np.int64]
    expected: NDArray[np.int64]

    @property
    def share(self) -> float:
        """Minutes in which it was whole, of those in which the gateway ran; NaN: none."""
        known = self.minutes.sum()
        return float(self.minutes[:, 0].sum() / known) if known else float("nan")


@dataclass(frozen=True, slots=True)
class Presence:
    """Of the gateway itself, in minutes. by_day: in which it ran. gaps: (start ns, minutes) in which it did not.
    untrusted: without a synchronised clock. online: mean share of devices that gave data; NaN: not known."""

    expected: int
    present: int
    gaps: tuple[tuple[int, int], ...]
    untrusted: int
    online: float
    most_people: int | None
    running_minutes: int | None  # load at work; None: the site tells no load
    by_day: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Facts:
    """start: of what is known, at least the period's. until: the end of the period, or now where that is earlier.
    episodes: without drills and tests; drills: those of drills. per_day: alarms begun, days x
    colours (in the order of gateway.model.alarm.Risk). missing: what could not be had, and why."""

    site: Site
    period: Period
    source: Text
    start_ns: int
    until_ns: int
    figures: Report
    episodes: tuple[Episode, ...]
    drills: tuple[Episode, ...]
    per_day: NDArray[np.int64]
    signals: tuple[SignalFacts, ...]
    systems: dict[str, SystemFacts]
    presence: Presence
    strokes: tuple[Stroke, ...]  # of the period, newest first
    proofs: tuple[Proof, ...]
    held: tuple[Held, ...]
    acts: tuple[Act, ...]  # of the period, without overlays
    chain: Chain | None
    missing: tuple[Text, ...]

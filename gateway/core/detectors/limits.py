"""High and low limits: HH, H, L, LL."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gateway.core.block import Block
from gateway.core.detectors.detector import Detector, alarm_numbers
from gateway.core.edges import Edges
from gateway.core.rows import Rows
from gateway.core.setpoints import SetPoints
from gateway.model.condition import Condition
from gateway.model.site import Site

HIGH = (Condition.HIGH_HIGH, Condition.HIGH)
LOW = (Condition.LOW, Condition.LOW_LOW)


class Limits(Detector):
    """A value at or beyond its set point.

    Formula: `value >= limit` for on_delay_s begins HH or H, `value <= limit - deadband` on good samples for
    off_delay_s ends it; L and LL mirror that. The machine, with what each kind of row may do, is drawn in
    gateway.core.setpoints.

    On a plant: the last defence before the certified system acts. A value that reached the limit stays dangerous until
    something good says otherwise: while no (good) sample comes the on-delay goes on and the alarm is raised, and
    nothing ends it. A stale value may raise too: it is the last known state. An over-range gas reading counts as
    evidence for H and HH (see validity).

    Delay: that of the sample that crosses, plus on_delay_s. False alarms: one per excursion longer than on_delay_s;
    noise of less than the deadband around the limit gives one alarm, not many.

    Not for: counters and switches (a rule says more), and set points looser than those of the certified system.
    """

    name = "limits"

    def __init__(self, site: Site):
        used = {limit.condition for signal in site.signals for limit in signal.limits}
        self._planes = tuple(condition for condition in HIGH + LOW if condition in used)
        signs = np.array([1.0 if condition in HIGH else -1.0 for condition in self._planes])
        self._points = SetPoints(len(self._planes), len(site.signals), signs)
        for plane, condition in enumerate(self._planes):
            numbers = alarm_numbers(site, condition)
            for number, signal in enumerate(site.signals):
                for limit in signal.limits:
                    if limit.condition == condition:
                        self._points.set(plane, number, limit, int(numbers[number]),
                                         1 if condition in HIGH else -1)

    @property
    def deadline_ns(self) -> int:  # type: ignore[override]
        return self._points.deadline_ns

    def gated(self) -> tuple[SetPoints, ...]:
        return (self._points,)

    def step(self, rows: Rows, edges: Edges) -> None:
        self._points.look(rows.value, rows.index, rows.signal, rows.line, rows.wall, rows.last_ns, rows.good,
                          rows.alarming, rows.all_good, edges)

    def sweep(self, block: Block, edges: Edges) -> None:
        self._points.sweep(block.value, block, block.good, block.alarming, edges)

    def tick(self, line_ns: int, edges: Edges) -> None:
        self._points.tick(line_ns, edges)

    def begin(self, line_ns: int) -> None:
        self._points.begin(line_ns)

    def state(self) -> dict[str, NDArray]:
        return self._points.state(self._planes)

    def restored(self) -> None:
        self._points.restored()

    def adopt(self, alarms: NDArray[np.int64]) -> None:
        self._points.adopt(alarms)

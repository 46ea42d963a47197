"""Which detectors a site has use for."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.core.detectors.anomaly import Anomaly
from gateway.core.detectors.detector import Detector
from gateway.core.detectors.deviation import deviations
from gateway.core.detectors.dropout import Dropout
from gateway.core.detectors.faults import LEARNT, SensorFaults
from gateway.core.detectors.frozen import Frozen
from gateway.core.detectors.group import Groups
from gateway.core.detectors.headcount import HeadCounts
from gateway.core.detectors.limits import HIGH, LOW, Limits
from gateway.core.detectors.load import Loads
from gateway.core.detectors.overrange import OverRange
from gateway.core.detectors.profile import OffHours
from gateway.core.detectors.rate import rates
from gateway.core.detectors.share import ShareDrift
from gateway.core.detectors.still import Still
from gateway.core.detectors.stuck import Stuck
from gateway.core.detectors.trend import Trends
from gateway.core.learning import Holds
from gateway.model.condition import Condition
from gateway.model.learnt import LoadState
from gateway.model.site import Site


def chosen(site: Site, holds: Holds) -> Iterator[Detector]:
    """In the order in which they are asked. Validity and deadman are always there. holds: what learners must not
    learn."""
    limits = {limit.condition for signal in site.signals for limit in signal.limits}
    if limits & {*HIGH, *LOW}:
        yield Limits(site)
    if any(signal.holds_over_range for signal in site.signals):
        yield OverRange(site)
    yield from rates(site)
    yield from deviations(site)
    if any(signal.headcount is not None for signal in site.signals):
        yield HeadCounts(site)
    if any(signal.still is not None for signal in site.signals):
        yield Still(site)
    if any(signal.stuck_reads is not None for signal in site.signals):
        yield Stuck(site)
    if any(signal.trend is not None for signal in site.signals):
        yield Trends(site)
    kinds = {kind for signal in site.signals if signal.faults is not None for kind in signal.faults.kinds}
    if Condition.DROPOUT in kinds:
        yield Dropout(site)
    if not kinds.isdisjoint(LEARNT):
        yield SensorFaults(site, holds)
    if Condition.STUCK in kinds:
        yield Frozen(site, holds)
    if site.groups:
        yield Groups(site, holds)
    if any(signal.baseline is not None for signal in site.signals):
        yield Anomaly(site, holds)
    if any(signal.profile is not None for signal in site.signals):
        yield OffHours(site, holds)
    if any(isinstance(signal.derived, LoadState) for signal in site.signals):
        yield Loads(site, holds)
    if any(signal.share is not None for signal in site.signals):
        yield ShareDrift(site, holds)

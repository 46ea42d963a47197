"""The gateway about itself: its own faults as alarms, its figures as metrics.

`gateway/ledger` and `gateway/notify` are raised by the alarm service, which must work when nothing else does. The other
`gateway/...` alarms are judged here once a second from figures that every part keeps anyway; no part reports to us.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.core.bank import Bank
from gateway.model.alarm import AlarmTable
from gateway.model.clock import NS, Instant
from gateway.model.ports import Sink, Source
from gateway.model.site import GatewayFault
from gateway.model.verdict import Edge, Verdicts
from gateway.pipeline import Pipeline
from gateway.store import TelemetryStore

SETTLE_S = 300.0  # a clock may need this long after boot; and a passing event (a clock step, a drop) stays up this long
SINK_PATIENCE_S = 60.0


@dataclass
class _Fault:
    """One alarm about the gateway: raised when `is_true` has held for on_s, ended when it has not for off_s."""

    alarm: int
    is_true: Callable[[Instant], bool]
    on_s: float = 0.0
    off_s: float = 0.0
    active: bool = False
    since_line_ns: int | None = None  # when is_true last came to differ from `active`

    def judge(self, now: Instant) -> Edge | None:
        if self.is_true(now) == self.active:
            self.since_line_ns = None
            return None
        if self.since_line_ns is None:
            self.since_line_ns = now.line_ns
        if now.line_ns - self.since_line_ns < (self.off_s if self.active else self.on_s) * NS:
            return None
        self.active, self.since_line_ns = not self.active, None
        return Edge(self.alarm, self.active, float("nan"), now.line_ns, now.wall_ns)


class _Grown:
    """True when a counter has grown since the last look."""

    def __init__(self, counter: Callable[[], int]):
        self._counter, self._seen = counter, counter()

    def __call__(self, _: Instant) -> bool:
        seen, self._seen = self._seen, self._counter()
        return self._seen > seen


@dataclass(frozen=True, slots=True)
class Metric:
    """One family of Prometheus samples. kind: "counter" or "gauge"."""

    name: str
    kind: str
    help: str
    samples: Iterable[tuple[Mapping[str, str], float]]


@dataclass
class Health:
    """Judges and counts over the running parts."""

    alarms: AlarmTable
    pipeline: Pipeline
    bank: Bank
    store: TelemetryStore
    sources: Sequence[Source]
    sinks: Sequence[Sink]
    standing: frozenset[str] = frozenset()  # alarms that stood when the gateway started
    stopped: set[str] = field(default_factory=set)  # names of tasks of ours that have failed and wait for their restart
    restarts: int = 0

    def __post_init__(self) -> None:
        def fault(alarm: str, is_true: Callable[[Instant], bool], on_s: float = 0.0, off_s: float = 0.0) -> _Fault:
            return _Fault(self.alarms.index(alarm), is_true, on_s, off_s, alarm in self.standing)

        self._faults = (
            fault(GatewayFault.STORE, lambda _: self.store.stats().failing is not None, off_s=5),
            fault(GatewayFault.EVICTION, _Grown(lambda: self.store.stats().evicted_samples), off_s=SETTLE_S),
            fault(GatewayFault.DROPPED, _Grown(self._dropped), off_s=SETTLE_S),
            fault(GatewayFault.DETECTION, lambda _: any(one.standing for one in self.bank.failures), off_s=SETTLE_S),
            fault(GatewayFault.SINK, lambda _: any(not sink.status().online for sink in self.sinks), SINK_PATIENCE_S),
            fault(GatewayFault.TASK, lambda _: bool(self.stopped), off_s=SETTLE_S),
            fault(GatewayFault.CLOCK, lambda now: not now.trusted, on_s=SETTLE_S),
        )

    def judge(self, now: Instant) -> Verdicts:
        """Edges of the gateway's own alarms. Called about once a second."""
        return Verdicts.from_edges([edge for fault in self._faults if (edge := fault.judge(now)) is not None])

    def stalled(self, now: Instant) -> bool:
        """True when our own loop makes no progress. A field device or a database that is away does not count."""
        return now.line_ns - self.pipeline.last_step_line_ns > 10 * NS

    def _dropped(self) -> int:
        return (sum(device.counters.get("dropped", 0) for source in self.sources for device in source.devices())
                + self.store.stats().dropped_samples)

    def metrics(self) -> Iterator[Metric]:
        """Everything worth watching, as Prometheus families."""
        store = self.store.stats()
        for name, help_text, value in (
                ("samples_total", "Samples evaluated.", self.pipeline.samples),
                ("steps_total", "Detection steps.", self.pipeline.steps),
                ("store_written_bytes_total", "Bytes written to the telemetry store.", store.written_bytes),
                ("store_evicted_samples_total", "Samples deleted before every sink had them.", store.evicted_samples),
                ("store_dropped_samples_total", "Samples that the disk was too slow for.", store.dropped_samples),
                ("task_restarts_total", "Own tasks restarted after a failure.", self.restarts)):
            yield Metric(f"davylamp_{name}", "counter", help_text, [({}, value)])
        for name, help_text, value in (
                ("intake_waiting_samples", "Samples received and not yet evaluated.", self.pipeline.fill),
                ("store_bytes", "Size of the telemetry store on disk.", store.size_bytes),
                ("resident_memory_bytes", "Resident memory of the gateway.", resident_bytes())):
            yield Metric(f"davylamp_{name}", "gauge", help_text, [({}, value)])
        yield Metric("davylamp_device_online", "gauge", "1 while the device answers.", [
            ({"source": device.source, "device": device.device}, float(device.online))
            for source in self.sources for device in source.devices()])
        yield Metric("davylamp_device_events_total", "counter", "What happened on a device, by kind.", [
            ({"source": device.source, "device": device.device, "event": event}, count)
            for source in self.sources for device in source.devices() for event, count in device.counters.items()])
        yield Metric("davylamp_sink_online", "gauge", "1 while the database takes data.", [
            ({"sink": sink.id}, float(sink.status().online)) for sink in self.sinks])
        yield Metric("davylamp_sink_events_total", "counter", "What a sink did, by kind.", [
            ({"sink": sink.id, "event": event}, count)
            for sink in self.sinks for event, count in sink.status().counters.items() if event != "lag"])
        yield Metric("davylamp_sink_lag_samples", "gauge", "Stored samples that the sink has not sent.", [
            ({"sink": sink.id}, sink.status().counters.get("lag", 0)) for sink in self.sinks])


def resident_bytes() -> int:
    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

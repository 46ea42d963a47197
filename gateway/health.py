"""The gateway about itself: its own faults as alarms, its figures as metrics.

`gateway/ledger` and `gateway/notify` are raised by the alarm service, which must work when nothing else does. The other
`gateway/...` alarms are judged here once a second from figures that every part keeps anyway; no part reports to us.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.core.bank import Bank
from gateway.model.alarm import AlarmTable
from gateway.model.clock import NS, Instant
from gateway.model.gateway_fault import GatewayFault
from gateway.model.ports import Sink, Source
from gateway.model.pulse import Pulse, hung, no_progress
from gateway.model.text import Text
from gateway.model.verdict import Edge, Verdicts
from gateway.pipeline import Pipeline
from gateway.store import TelemetryStore

SETTLE_S = 300.0  # a clock may need this long after boot; and a passing event (a clock step, a drop) stays up this long
SINK_PATIENCE_S = 60.0
HANG_DETECTION_S = 10.0  # it steps at least once a second


Judgement = Callable[[Instant], bool]


@dataclass
class _Fault:
    """One alarm about the gateway: raised when `is_true`, ended when it has not been true for off_s."""

    alarm: int
    is_true: Judgement
    off_s: float = 0.0
    active: bool = False
    over_since_ns: int | None = None  # line time

    def judge(self, now: Instant) -> Edge | None:
        if self.is_true(now):
            self.over_since_ns = None
            return None if self.active else self._turn(now)
        if not self.active:
            return None
        if self.over_since_ns is None:
            self.over_since_ns = now.line_ns
        return self._turn(now) if now.line_ns - self.over_since_ns >= self.off_s * NS else None

    def _turn(self, now: Instant) -> Edge:
        self.active, self.over_since_ns = not self.active, None
        return Edge(self.alarm, self.active, float("nan"), now.line_ns, now.wall_ns)


class _Lasted:
    """True when something has been true for so many seconds without interruption."""

    def __init__(self, is_true: Judgement, seconds: float):
        self._is_true, self._ns = is_true, round(seconds * NS)
        self._since_ns: int | None = None

    def __call__(self, now: Instant) -> bool:
        if not self._is_true(now):
            self._since_ns = None
            return False
        if self._since_ns is None:
            self._since_ns = now.line_ns
        return now.line_ns - self._since_ns >= self._ns


class _Grown:
    """True when a counter has grown since the last look."""

    def __init__(self, counter: Callable[[], int]):
        self._counter, self._seen = counter, counter()

    def __call__(self, _: Instant) -> bool:
        seen, self._seen = self._seen, self._counter()
        return self._seen > seen


def _either(*judgements: Judgement) -> Judgement:
    """Each is asked every time: some of them remember."""
    def is_true(now: Instant) -> bool:
        answers = [judge(now) for judge in judgements]
        return any(answers)
    return is_true


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
    stopped: set[str] = field(default_factory=set)  # names of tasks of ours that have failed and wait for their restart
    restarts: int = 0
    clock_steps: int = 0  # times the wall clock was set
    archive_fails: Callable[[], bool] = lambda: False  # minutes can not be written
    certificate_ends: Judgement = lambda now: False  # that of the page
    taken_back: int = 0  # new configurations
    outputs_fail: Callable[[], bool] = lambda: False  # a siren or beacon that is armed can not be driven

    def __post_init__(self) -> None:
        def fault(alarm: str, is_true: Judgement, off_s: float = 0.0) -> _Fault:
            return _Fault(self.alarms.index(alarm), is_true, off_s)

        self._faults = (
            fault(GatewayFault.STORE, lambda _: self.store.stats().failing is not None or self.archive_fails(),
                  off_s=5),
            fault(GatewayFault.EVICTION, _Grown(lambda: self.store.stats().evicted_samples), off_s=SETTLE_S),
            fault(GatewayFault.DROPPED, _Grown(self._dropped), off_s=SETTLE_S),
            fault(GatewayFault.DETECTION, _either(_Grown(self._not_evaluated), lambda _: any(
                failure.standing for failure in self.bank.failures)), off_s=SETTLE_S),
            fault(GatewayFault.SINK, _Lasted(lambda _: any(not sink.status().online for sink in self.sinks),
                                             SINK_PATIENCE_S)),
            fault(GatewayFault.REFUSED, _Grown(self._refused), off_s=SETTLE_S),
            fault(GatewayFault.TASK, _either(_Grown(lambda: self.restarts), lambda _: bool(self.stopped)),
                  off_s=SETTLE_S),
            fault(GatewayFault.CONFIGURATION, _Grown(lambda: self.taken_back), off_s=SETTLE_S),
            fault(GatewayFault.OUTPUT, lambda _: self.outputs_fail(), off_s=5),
            fault(GatewayFault.CERTIFICATE, self.certificate_ends, off_s=5),
            fault(GatewayFault.CLOCK, _either(_Grown(lambda: self.clock_steps), _Lasted(
                lambda now: not now.trusted, SETTLE_S)), off_s=SETTLE_S),
        )

    def adopt(self, standing: Collection[str]) -> None:
        """These alarms stand in the alarm file: those that are ours are ended when they are over."""
        for fault in self._faults:
            fault.active |= self.alarms[fault.alarm].id in standing

    def judge(self, now: Instant) -> Verdicts:
        """Edges of the gateway's own alarms. Called about once a second."""
        return Verdicts.from_edges([edge for fault in self._faults if (edge := fault.judge(now)) is not None])

    def hung(self, now: Instant, others: Iterable[Pulse] = ()) -> Text:
        """Which of our own tasks make no progress, `others` too; empty when all do. A field device, a database or a
        receiver that is away does not count."""
        detection = now.line_ns - self.pipeline.last_step_line_ns > HANG_DETECTION_S * NS
        return no_progress([*((Text("detection", "检测"),) if detection else ()),
                            *hung(pulse for source in self.sources for pulse in source.pulses()), *hung(others)])

    def minute(self, now: Instant, free: int | None) -> dict[str, float | bool]:
        """Figures of the `gateway` row of the data contract (gateway.sinks.schema). free: bytes on the disk."""
        store = self.store.stats()
        return {
            "cpu_s": time.process_time(), "rss_bytes": resident_bytes(), "disk_free_bytes": free,
            "store_bytes": store.size_bytes, "bytes_written": written_bytes(), "samples": self.pipeline.samples,
            "waiting": self.pipeline.fill, "lag_samples": max(store.lag_samples.values(), default=0),
            "evicted": store.evicted_samples, "dropped": self._dropped(), "refused": self._refused(),
            "restarts": self.restarts, "clock_untrusted": not now.trusted, "clock_steps": self.clock_steps}

    def _not_evaluated(self) -> int:
        """Times that something which came in was not evaluated, or not in full."""
        return (sum(failure.count for failure in self.bank.failures) + self.bank.late_samples + self.pipeline.failures
                + self.pipeline.refused_samples)

    def _refused(self) -> int:
        return sum(sink.status().counters.get("refused", 0) for sink in self.sinks)

    def _dropped(self) -> int:
        return (sum(device.counters.get("dropped", 0) for source in self.sources for device in source.devices())
                + self.store.stats().dropped_samples)

    def metrics(self) -> Iterator[Metric]:
        """Everything worth watching, as Prometheus families."""
        store = self.store.stats()
        for name, help_text, value in (
                ("samples_total", "Samples evaluated.", self.pipeline.samples),
                ("steps_total", "Detection steps.", self.pipeline.steps),
                ("stalls_total", "Times that the whole gateway stood still for seconds.", self.pipeline.stalls),
                ("late_samples_total", "Samples older than the newest of their signal: stored, not evaluated.",
                 self.bank.late_samples),
                ("refused_samples_total", "Samples of broken frames.", self.pipeline.refused_samples),
                ("detection_failures_total", "Detector calls that failed.", sum(
                    failure.count for failure in self.bank.failures) + self.pipeline.failures),
                ("store_written_bytes_total", "Bytes written to the telemetry store.", store.written_bytes),
                ("store_syncs_total", "Times that the telemetry store was made durable.", store.syncs),
                ("written_bytes_total", "Bytes the gateway has written to the medium, whole pages.", written_bytes()),
                ("store_evicted_samples_total", "Samples deleted before every sink had them.", store.evicted_samples),
                ("store_dropped_samples_total", "Samples that the disk was too slow for.", store.dropped_samples),
                ("task_restarts_total", "Own tasks restarted after a failure.", self.restarts)):
            yield Metric(f"davylamp_{name}", "counter", help_text, [({}, value)])
        for name, help_text, value in (
                ("intake_waiting_samples", "Samples received and not yet evaluated.", self.pipeline.fill),
                ("store_bytes", "Size of the telemetry store on disk.", store.size_bytes),
                ("resident_memory_bytes", "Resident memory of the gateway.", resident_bytes())):
            yield Metric(f"davylamp_{name}", "gauge", help_text, [({}, value)])
        share = self.bank.online
        yield Metric("davylamp_devices_online_ratio", "gauge", "Share of the watched devices that give data.", [
            ({}, share.ratio)])
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


def written_bytes() -> int:
    """What this process has caused to be written to the medium since it started, whole pages, as the kernel counts; the
    file system's own journal comes on top."""
    with open("/proc/self/io", encoding="ascii") as io:
        return next(int(line.split()[1]) for line in io if line.startswith("write_bytes"))


def resident_bytes() -> int:
    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

"""The gateway's own faults become alarms, once, and end when they are over."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from gateway.core.detectors.devices import OnlineShare
from gateway.health import SETTLE_S, SINK_PATIENCE_S, Health
from gateway.model.clock import ManualClock
from gateway.model.gateway_fault import GatewayFault
from gateway.model.ports import DeviceStatus, SinkStatus
from gateway.model.text import Text
from tests.sites import gas, site

ALARMS = site(gas("GD-01")).alarms


class Parts:
    """Stand-ins with figures that can be set: real parts can't be made to fail one at a time on demand."""

    def __init__(self):
        self.clock = ManualClock()
        self.stats = SimpleNamespace(failing=None, evicted_samples=0, dropped_samples=0, written_bytes=0, size_bytes=0,
                                     syncs=0)
        self.device = DeviceStatus("gas", "controller", True, counters={"dropped": 0, "requests": 7})
        self.sink = SinkStatus("influx", True, counters={"written": 3, "lag": 2})
        self.bank = SimpleNamespace(failures=(), late_samples=0, online=OnlineShare(1, 2))
        self.pipeline = SimpleNamespace(last_step_line_ns=0, samples=0, steps=0, fill=0, failures=0, refused_samples=0,
                                        stalls=0)
        self.health = Health(
            ALARMS, self.pipeline, self.bank, SimpleNamespace(stats=lambda: self.stats),
            [SimpleNamespace(devices=lambda: [self.device])], [SimpleNamespace(id="influx", status=lambda: self.sink)])

    def after(self, seconds: float) -> list[str]:
        """Edges at that moment: "gateway/sink+" began, "gateway/sink-" ended."""
        verdicts = self.health.judge(self.clock.advance(seconds))
        return [f"{ALARMS[edge.alarm].id}{'+' if edge.active else '-'}" for edge in verdicts]


def test_all_is_well():
    parts = Parts()
    assert parts.after(1) == parts.after(1000) == []


def test_a_failing_store_is_told_at_once_and_ends_when_it_works_again():
    parts = Parts()
    parts.stats.failing = Text("disk full", "磁盘已满")
    assert parts.after(1) == [f"{GatewayFault.STORE}+"]
    assert parts.after(1) == []
    parts.stats.failing = None
    assert parts.after(1) == []
    assert parts.after(5) == [f"{GatewayFault.STORE}-"]


def test_evicted_and_dropped_samples_are_told_each_time_they_grow():
    parts = Parts()
    parts.stats.evicted_samples = 10
    assert parts.after(1) == [f"{GatewayFault.EVICTION}+"]
    parts.stats.evicted_samples = 20
    assert parts.after(SETTLE_S) == []
    parts.after(1)
    assert parts.after(SETTLE_S) == [f"{GatewayFault.EVICTION}-"]
    parts.device = DeviceStatus("gas", "controller", True, counters={"dropped": 1})
    assert parts.after(1) == [f"{GatewayFault.DROPPED}+"]


def test_a_database_may_be_away_for_a_minute():
    parts = Parts()
    parts.sink = SinkStatus("influx", False, Text("away", "离线"))
    assert parts.after(1) == parts.after(SINK_PATIENCE_S - 1) == []
    assert parts.after(1) == [f"{GatewayFault.SINK}+"]
    parts.sink = SinkStatus("influx", True)
    assert parts.after(1) == [f"{GatewayFault.SINK}-"]


def test_a_database_that_refuses_lines_is_told_while_they_grow():
    parts = Parts()
    parts.sink = SinkStatus("influx", True, counters={"refused": 4})
    assert parts.after(1) == [f"{GatewayFault.REFUSED}+"]
    parts.after(1)
    assert parts.after(SETTLE_S) == [f"{GatewayFault.REFUSED}-"]


def test_a_clock_gets_time_to_synchronise():
    parts = Parts()
    parts.clock.trust(False)
    assert parts.after(1) == []
    assert parts.after(SETTLE_S) == [f"{GatewayFault.CLOCK}+"]
    parts.clock.trust(True)
    assert parts.after(1) == parts.after(SETTLE_S - 1) == []
    assert parts.after(1) == [f"{GatewayFault.CLOCK}-"]


def test_a_clock_that_was_set_is_told_at_once():
    parts = Parts()
    parts.health.clock_steps += 1
    assert parts.after(1) == [f"{GatewayFault.CLOCK}+"]
    parts.after(1)
    assert parts.after(SETTLE_S) == [f"{GatewayFault.CLOCK}-"]


def test_a_failing_detector_and_a_failed_task_are_told_at_once():
    parts = Parts()
    parts.bank.failures = (SimpleNamespace(standing=True, count=1),)
    parts.health.stopped.add("gas")
    assert parts.after(1) == [f"{GatewayFault.DETECTION}+", f"{GatewayFault.TASK}+"]


def failed_once(parts: Parts) -> None:
    parts.bank.failures = (SimpleNamespace(standing=False, count=1),)


def sample_came_late(parts: Parts) -> None:
    parts.bank.late_samples += 1


def loop_caught_an_error(parts: Parts) -> None:
    parts.pipeline.failures += 1


def frame_was_refused(parts: Parts) -> None:
    parts.pipeline.refused_samples += 3


@pytest.mark.parametrize("happen", [failed_once, sample_came_late, loop_caught_an_error, frame_was_refused])
def test_data_that_was_not_evaluated_is_told_although_all_is_well_again(happen):
    parts = Parts()
    happen(parts)
    assert parts.after(1) == [f"{GatewayFault.DETECTION}+"]
    parts.after(1)
    assert parts.after(SETTLE_S) == [f"{GatewayFault.DETECTION}-"]


def test_a_task_that_was_restarted_between_two_looks_is_told():
    parts = Parts()
    parts.health.restarts += 1
    assert parts.after(1) == [f"{GatewayFault.TASK}+"]


def test_a_fault_that_stood_before_the_restart_is_ended_when_it_is_over():
    parts = Parts()
    parts.health.adopt({GatewayFault.SINK, "GD-01/H"})
    assert parts.after(1) == [f"{GatewayFault.SINK}-"]


def test_metrics_name_every_device_and_sink():
    families = {metric.name: list(metric.samples) for metric in Parts().health.metrics()}
    assert families["davylamp_devices_online_ratio"] == [({}, 0.5)]
    assert families["davylamp_device_online"] == [({"source": "gas", "device": "controller"}, 1.0)]
    assert ({"source": "gas", "device": "controller", "event": "requests"}, 7) in families[
        "davylamp_device_events_total"]
    assert families["davylamp_sink_lag_samples"] == [({"sink": "influx"}, 2)]

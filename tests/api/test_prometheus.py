"""The text that Prometheus reads."""

from __future__ import annotations

import math

import pytest

from gateway.api.kpi import gauges
from gateway.api.prometheus import exposition
from tests.api.depot import Counted


def test_labels_and_help_are_escaped():
    text = exposition([Counted("davylamp_device_up", "gauge", "One line\nwith \\ in it", (
        ({"device": 'the "big" one\\\n', "source": "储罐"}, 1.0),))])
    assert text == ('# HELP davylamp_device_up One line\\nwith \\\\ in it\n# TYPE davylamp_device_up gauge\n'
                    'davylamp_device_up{device="the \\"big\\" one\\\\\\n",source="储罐"} 1\n')


@pytest.mark.parametrize("value, shown", [(0.25, "0.25"), (3, "3"), (1e300, "1e+300"), (math.nan, "NaN"),
                                          (math.inf, "+Inf"), (-math.inf, "-Inf"), (2**53 - 1, "9007199254740991")])
def test_numbers_are_written_as_prometheus_reads_them(value, shown):
    assert exposition([Counted("a", "gauge", "", (({}, value),))]).endswith(f"a {shown}\n")


@pytest.mark.parametrize("metric", [Counted("a b", "gauge", "", ()), Counted("", "gauge", "", ()),
                                    Counted("a", "gauge", "", (({"0x": ""}, 1),)),
                                    Counted("a", "gauge", "", (({"__a": ""}, 1),))])
def test_a_name_prometheus_would_refuse_is_refused(metric):
    with pytest.raises(ValueError):
        exposition([metric])


def test_the_alarm_figures(gateway):
    """Eleven alarms of one signal: a flood, and it chatters."""
    for _ in range(11):
        gateway.raise_alarm("GD-03/HH", 41.9)
        gateway.clock.advance(1)
        gateway.end_alarm("GD-03/HH")
        gateway.clock.advance(1)
    told = exposition(gauges(gateway.figures(), gateway.alarms(), gateway.now()))
    for line in ('davylamp_alarm_metrics{name="AlarmCount"} 11', 'davylamp_alarm_metrics{name="CurrentAlarmRate"} 11',
                 "davylamp_alarm_flood 1", "davylamp_alarms_chattering 1", "davylamp_alarms_stale 0",
                 'davylamp_alarm_rate_peak{period="8h"} 11',
                 'davylamp_acknowledge_seconds{period="day",quantile="0.9"} NaN'):
        assert line in told.splitlines()

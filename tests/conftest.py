"""Fixtures shared by all tests: one real server each, started for the test and stopped by it."""

from __future__ import annotations

import pytest

from tests import servers


@pytest.fixture
def broker(tmp_path):
    """A running mosquitto: .host, .port."""
    with servers.mosquitto(tmp_path) as server:
        yield server


@pytest.fixture
def influxdb(tmp_path):
    """A running InfluxDB 1.x: .url."""
    with servers.influxdb1(tmp_path) as server:
        yield server


@pytest.fixture
def victoria(tmp_path):
    """A running VictoriaMetrics: .url. A throughput target and v2 endpoint, not an oracle of correctness."""
    with servers.victoria_metrics(tmp_path) as server:
        yield server

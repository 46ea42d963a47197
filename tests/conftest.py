"""Fixtures shared by all tests: one real server each, started for the test and stopped by it; and what a test promises
for the page of survived bad input (tests/bad_input.py)."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

from tests import servers
from tests.bad_input import Says, Survived

# tests/cleanroom/arm64.sh: one example under qemu takes as long as thirty
settings.register_profile("emulated", max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def pytest_configure(config):
    config.addinivalue_line("markers", "survives(case, then, says=None): a row of docs/reference/bad-input.md")


@pytest.fixture
def says(request) -> Says:
    """The message that the test's `survives` mark promises: `assert says(status.reason)`."""
    return Says(Survived.of(request.node).says)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """A test that has passed has also found what its mark promises."""
    result = yield
    survived = Survived.of(item)
    if survived is not None and survived.says is not None:
        assert "says" in item.funcargs, "the mark promises a message: take the fixture `says` and look for it"
        assert item.funcargs["says"].heard, f"promised, but never said: {survived.says!r}"
    return result


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

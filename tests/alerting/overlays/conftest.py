"""What the stories of this folder share: a fresh alarm file, a phone that listens, a clock that is set by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.model.clock import ManualClock
from tests.alerting.receiver import receiver
from tests.alerting.sites import START_NS


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "alarms.db"


@pytest.fixture
def phone():
    with receiver() as phone:
        yield phone


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(wall_ns=START_NS)

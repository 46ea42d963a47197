"""The alarm file on a real file system that loses its power again and again."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gateway.model.errors import LedgerError
from tests.alerting.witness import examine, lost_commits
from tests.chaos.power import Power, power_supply

pytestmark = [pytest.mark.power_cut, pytest.mark.timeout(600)]

ROOT = Path(__file__).parent.parent.parent
CUTS = 60


def life(power: Power, folder: Path, seconds: float, how: str = "until killed") -> list[str]:
    """A victim works on the disk until the power fails; its diary and what it says are somewhere safe."""
    said = folder / f"said-{power.cuts}"
    with said.open("wb") as output:
        victim = subprocess.Popen([sys.executable, "-m", "tests.alerting.victim", power.disk / "alarms.db",
                                   folder / "diary", how], cwd=ROOT, stdout=output)
        while not said.read_bytes().endswith(b"\n"):
            assert victim.poll() is None
            time.sleep(0.01)
        time.sleep(seconds)
        power.cut(victim)
    return said.read_text().splitlines()


def test_no_committed_alarm_and_no_notice_is_lost(tmp_path):
    said: list[str] = []
    with power_supply(tmp_path) as power:
        for _ in range(CUTS):
            said += life(power, tmp_path, random.uniform(0.0, 0.6))
            examine(power.disk / "alarms.db", tmp_path / "diary", said)
    commits = sum(line.startswith("committed ") for line in said)
    assert power.cuts == CUTS and commits > CUTS
    print(f"\n{CUTS} power cuts, {commits} transitions committed, none lost")


def test_the_same_cuts_find_a_file_that_does_not_sync(tmp_path):
    lost = 0
    with power_supply(tmp_path) as power:
        for _ in range(3):
            said = life(power, tmp_path, 0.5, "without sync")
            try:
                lost += len(lost_commits(power.disk / "alarms.db", said))
            except LedgerError:  # not even a file that opens, which is as lost as can be
                lost += 1
            (power.disk / "alarms.db").unlink(missing_ok=True)
    assert lost > 0

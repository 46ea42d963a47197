"""The telemetry store on a real file system that loses its power again and again."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gateway.model.clock import ManualClock
from gateway.store.disk import Disk
from gateway.store.journal import Journal
from gateway.store.segment import blocks
from tests.chaos.power import Power, power_supply
from tests.store.makers import QUICK, signals, values

pytestmark = [pytest.mark.power_cut, pytest.mark.timeout(600)]

ROOT = Path(__file__).parent.parent.parent
CUTS = 60


def writes_until_cut(power: Power, said: Path, life_s: float, *options: str) -> tuple[int, int]:
    """A writer works on the disk until the power fails. Returns the positions at its start and of its last promise."""
    with said.open("wb") as output:
        writer = subprocess.Popen([sys.executable, "-m", "tests.store.writer", power.disk / "data", *options],
                                  cwd=ROOT, stdout=output)
        while not said.read_bytes().endswith(b"\n"):
            assert writer.poll() is None
            time.sleep(0.01)
        time.sleep(life_s)
        power.cut(writer)
    lines = [line.split() for line in said.read_text().splitlines()]
    assert lines[0][0] == "open"
    return int(lines[0][1]), int(lines[-1][1])


def survivors(folder: Path) -> tuple[list[int], Journal]:
    store = Journal(folder, signals(40).ids, QUICK, ManualClock(), Disk())
    store.open()
    kept = [value for part, until in store.parts(0, store.position)
            for block in blocks(part, 0, until, store.complain) for value in values(block.frame)]
    store.close()
    return kept, store


def test_no_acknowledged_sample_is_lost(tmp_path):
    chance = random.Random()
    promises = 0
    with power_supply(tmp_path) as power:
        for number in range(CUTS):
            start, promised = writes_until_cut(power, tmp_path / f"said-{number}", chance.random() * 0.8)
            kept, store = survivors(power.disk / "data")
            assert set(range(start, promised)) <= set(kept), f"cut {number}: acknowledged data is lost"
            assert kept == sorted(set(kept)), f"cut {number}: data came back twice or out of order"
            assert not store.counts.damage, f"cut {number}"
            bank = store.load("bank")
            assert bank is None or int(bank) <= store.position
            promises += promised - start
    assert power.cuts == CUTS and promises > 0
    print(f"\n{CUTS} power cuts, {promises} samples acknowledged, none lost")


def test_the_same_cuts_find_a_store_that_does_not_sync(tmp_path):
    lost = 0
    with power_supply(tmp_path) as power:
        for number in range(3):
            start, promised = writes_until_cut(power, tmp_path / f"said-{number}", 0.5, "--without-sync")
            kept, _ = survivors(power.disk / "data")
            lost += not set(range(start, promised)) <= set(kept)
    assert lost > 0

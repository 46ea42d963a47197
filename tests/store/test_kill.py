"""kill -9 at a random moment, the same store opened each time: all that was acknowledged is there."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gateway.model.clock import ManualClock
from gateway.store.disk import Disk
from gateway.store.journal import Journal, last_instant
from gateway.store.segment import blocks
from tests.store.makers import QUICK, signals, values

ROOT = Path(__file__).parent.parent.parent
KILLS = 20


def killed(folder: Path, life_s: float) -> list[bytes]:
    """What a writer said before it was killed; it lives `life_s` after it has opened the store."""
    process = subprocess.Popen([sys.executable, "-m", "tests.store.writer", folder], cwd=ROOT, stdout=subprocess.PIPE)
    try:
        opened = process.stdout.readline()
        time.sleep(life_s)
    finally:
        process.kill()
    said = opened + process.communicate()[0]
    return said.splitlines()


@pytest.mark.survives("kill -9, twenty times", then="everything acknowledged is there, once and in order")
def test_twenty_kills_lose_nothing_acknowledged(tmp_path):
    chance = random.Random(1)
    folder = tmp_path / "data"
    written, line = 0, -1
    for _ in range(KILLS):
        said = killed(folder, chance.random() * 0.05)
        start, durable = int(said[0].split()[1]), [int(one.split()[1]) for one in said[1:]]
        assert start >= written, "positions ran backwards"
        assert durable == sorted(durable)
        if durable:  # the time line goes on from process to process
            assert last_instant(folder).line_ns > line
            line = last_instant(folder).line_ns

        store = Journal(folder, signals(40).ids, QUICK, ManualClock(), Disk())
        store.open()
        kept = [value for part, until in store.parts(0, store.position)
                for block in blocks(part, 0, until, store.complain) for value in values(block.frame)]
        written = max(written, durable[-1] if durable else 0)
        assert set(range(start, written)) <= set(kept), "acknowledged data is lost"
        assert kept == sorted(set(kept)), "data came back twice or out of order"
        assert not store.counts.damage
        store.close()
    assert written > 1000

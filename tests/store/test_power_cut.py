"""What was acknowledged survives a power cut at any moment, on a disk as unkind as it may be (see cuts.py).

The same is shown on a real file system and block device in tests/chaos.
"""

from __future__ import annotations

import asyncio
import random

import pytest

from gateway.model.clock import ManualClock
from gateway.store import TelemetryStore, last_instant
from gateway.store.block import Block
from gateway.store.disk import Disk
from gateway.store.journal import Journal
from gateway.store.segment import blocks
from tests.store.cuts import LyingDisk, RecordingDisk
from tests.store.makers import QUICK, frame, signals, values

CUTS = 30  # for each of the workloads below


def journal(folder, disk=None) -> Journal:
    one = Journal(folder, signals(40).ids, QUICK, ManualClock(), disk or Disk())
    one.open()
    return one


Promises = list[tuple[int, int]]  # (length of the record, position acknowledged by then)


def work(folder, disk: RecordingDisk, chance: random.Random) -> tuple[Promises, Promises]:
    """Commits, snapshots, rotations and restarts. What was promised of frames, and of snapshots."""
    acknowledged, snapshots = [(0, 0)], [(0, 0)]
    store = journal(folder, disk)
    for step in range(chance.randint(20, 60)):
        frames, position = [], store.position
        for _ in range(chance.choice((1, 1, 3, 60))):
            frames.append(frame(position, chance.randint(1, 40), ManualClock(line_ns=position).now()))
            position += len(frames[-1])
        store.commit([Block.of(store.position, frames, ManualClock(line_ns=position).now())])
        acknowledged.append((len(disk.record), position))
        if step % 5 == 4:
            store.save("bank", str(position).encode(), position)
            snapshots.append((len(disk.record), position))
        if step % 15 == 14:
            store.close()
            store = journal(folder, disk)
    store.close()
    return acknowledged, snapshots


def stored(store: Journal) -> list[int]:
    return [value for part, until in store.parts(0, store.position)
            for block in blocks(part, 0, until, store.complain) for value in values(block.frame)]


def promised(acknowledged: Promises, cut: int) -> int:
    return max(position for made, position in acknowledged if made <= cut)


@pytest.mark.survives("power cut at any moment (unsynced writes dropped)",
                      then="everything acknowledged is there, nothing that was never complete; opens without help")
@pytest.mark.parametrize("seed", range(10))
def test_every_acknowledged_sample_survives_any_cut(tmp_path, seed):
    chance = random.Random(seed)
    disk = RecordingDisk(tmp_path / "before")
    acknowledged, snapshots = work(tmp_path / "before", disk, chance)
    for number in range(CUTS):
        cut = chance.randint(0, len(disk.record))
        after = tmp_path / f"after-{number}"
        disk.image(cut, after, chance)
        store = journal(after)
        kept = stored(store)
        assert len(kept) >= promised(acknowledged, cut), "acknowledged data is lost"
        assert kept == list(range(len(kept))), "there is a hole, or data that was never complete came back"
        assert not store.counts.damage, "a cut is no damage"
        bank = int(store.load("bank") or 0)
        assert promised(snapshots, cut) <= bank <= len(kept), "a snapshot is lost, or ahead of the frames it has seen"
        store.commit([Block.of(store.position, [frame(store.position, 5)], ManualClock().now())])  # and it goes on
        store.close()
        assert last_instant(after) is not None


def test_the_same_cuts_do_find_a_disk_that_lies(tmp_path):
    chance = random.Random(0)
    disk = LyingDisk(tmp_path / "before")
    acknowledged, _ = work(tmp_path / "before", disk, chance)
    lost = 0
    for number in range(CUTS):
        cut = chance.randint(0, len(disk.record))
        disk.image(cut, tmp_path / f"after-{number}", chance)
        store = journal(tmp_path / f"after-{number}")
        lost += len(stored(store)) < promised(acknowledged, cut)
        store.close()
    assert lost > CUTS // 2


@pytest.mark.parametrize("seed", range(4))
async def test_on_durable_is_such_an_acknowledgement(tmp_path, seed):
    """The same through the whole store: threads, group commit, cursors."""
    chance = random.Random(seed)
    disk = RecordingDisk(tmp_path / "before")
    store = TelemetryStore(tmp_path / "before", signals(40), QUICK, ManualClock(), disk)
    store.open()
    reader = store.reader("database")
    acknowledged = [(0, 0)]
    for _ in range(150):
        position = store.position
        size = chance.randint(1, 40)
        store.append(frame(position, size),
                     lambda end=position + size: acknowledged.append((len(disk.record), end)))
        if chance.random() < 0.2:
            store.save("bank", str(store.position).encode())
        if chance.random() < 0.3:
            await asyncio.sleep(0.001)
        if chance.random() < 0.2 and reader.lag_samples:
            reader.done((await reader.take(500)).position)
    await store.close()
    assert len(acknowledged) == 151
    for number in range(CUTS):
        cut = chance.randint(0, len(disk.record))
        disk.image(cut, tmp_path / f"after-{number}", chance)
        again = journal(tmp_path / f"after-{number}")
        kept = stored(again)
        assert kept == list(range(len(kept)))
        assert len(kept) >= promised(acknowledged, cut)
        bank = again.load("bank")
        assert bank is None or int(bank) <= len(kept), "a snapshot is ahead of the frames it has seen"
        again.close()


def test_positions_never_run_backwards_below_what_a_snapshot_knows(tmp_path):
    """A snapshot that outlives the frames it has seen must not make later frames look as if it had seen them too."""
    store = journal(tmp_path)
    store.commit([Block.of(0, [frame(0, 40)], ManualClock().now())])
    store.save("bank", b"has seen 40 samples", 40)
    store.close()
    for path in (tmp_path / "telemetry").iterdir():
        path.unlink()
    assert journal(tmp_path).position == 40

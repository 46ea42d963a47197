"""A data folder read for looking back: without a lock, without a change to it, beside the gateway that writes it."""

from __future__ import annotations

import numpy as np
import pytest

from gateway.model.clock import NS, Instant
from gateway.model.errors import StoreError
from gateway.model.frame import Frame
from gateway.store import Recording
from tests.store.conftest import durable
from tests.store.makers import WALL, frame, signals, table, values

BIG = 10_000  # samples of one commit; two fill a segment


async def fill(store, commits: int, first: int = 0) -> None:
    """Samples that do not compress; the whole part of each is its position."""
    rng = np.random.default_rng(1)
    for start in range(first * BIG, (first + commits) * BIG, BIG):
        rows = np.arange(BIG)
        await durable(store, Frame.of(rows % 10, start + rows + rng.random(BIG), Instant(start, WALL + start)))


def read(recording: Recording, ids=None) -> list[int]:
    return values(*(part for _, part in recording.frames(ids or signals(10))))


def files(folder) -> dict:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


async def test_what_is_durable_is_read_while_the_gateway_writes(site):
    store = site.start()
    await fill(store, 7)
    assert store.stats().segments > 2
    before = files(site.folder)
    recording = Recording(site.folder)
    await fill(store, 1, first=7)
    assert read(recording) == list(range(7 * BIG)), "as it stood when it was opened"
    assert read(Recording(site.folder)) == list(range(8 * BIG))
    changed = {path for path, content in files(site.folder).items() if before.get(path) != content}
    assert len(changed) == 1, "the store has grown by its own frame, reading has changed nothing"


async def test_a_torn_end_is_left_out_and_left_alone(site):
    store = site.start()
    await durable(store, frame(0), frame(10))
    (segment,) = (site.folder / "telemetry").glob("*.seg")
    with segment.open("ab") as file:
        file.write(segment.read_bytes()[-40:-10])
    before = files(site.folder)
    recording = Recording(site.folder)
    assert read(recording) == list(range(20)) and recording.damage == []
    assert files(site.folder) == before


async def test_a_damaged_block_is_named_and_skipped(site):
    store = site.start()
    await fill(store, 6)
    first = min((site.folder / "telemetry").glob("*.seg"))
    content = bytearray(first.read_bytes())
    content[len(content) // 2] ^= 0xFF
    first.write_bytes(content)
    recording = Recording(site.folder)
    found = read(recording)
    assert 0 < len(found) < 6 * BIG and found == sorted(found) and found[-1] == 6 * BIG - 1
    assert len(recording.damage) == 1 and first.name in recording.damage[0]
    read(recording)
    assert len(recording.damage) == 1, "told once, however often it is read"


async def test_a_segment_that_retention_removes_meanwhile_is_passed_over(site):
    store = site.start()
    await fill(store, 6)
    recording = Recording(site.folder)
    min((site.folder / "telemetry").glob("*.seg")).unlink()
    found = read(recording)
    assert 0 < len(found) < 6 * BIG and found[-1] == 6 * BIG - 1 and recording.damage == []


async def test_bounds_and_another_signal_table(site):
    store = site.start()
    await durable(store, *(frame(start) for start in range(0, 1000, 10)))
    recording = Recording(site.folder, WALL + 500 * 1_000_000, WALL + 519 * 1_000_000)
    assert read(recording) == list(range(500, 520))
    assert read(recording, table("new", "S-0003")) == [503, 513]
    assert recording.ids == set(signals(10).ids) and recording.wall_high < WALL + NS


def test_a_folder_without_data_is_refused(tmp_path):
    with pytest.raises(StoreError, match="no measured data is stored here"):
        Recording(tmp_path / "nowhere")

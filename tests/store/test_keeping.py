"""What is told of people is kept for a shorter time than the rest; then nobody is told of it, it leaves the disk."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

from gateway.model.clock import NS, Instant
from gateway.model.frame import Frame
from gateway.model.signal import SignalTable
from gateway.store import Recording
from gateway.store.archive import SPAN, Archive
from gateway.store.minutes import MINUTE_NS, Minutes
from gateway.store.segment import blocks, load
from tests.store.conftest import durable, until
from tests.store.makers import WALL, table

DAY_S = 86400
MINED = SignalTable([one if one.id == "GAS" else replace(one, keep_s=DAY_S) for one in table("GAS", "PEOPLE")])
GAS, PEOPLE = 0, 1


async def polls(store, clock, days: float, step_s: int = 3600) -> None:
    """Every hour a gas value and a head-count; the count says which hour it was."""
    for _ in range(round(days * DAY_S / step_s)):
        now = clock.advance(step_s)
        await durable(store, Frame.of([GAS, PEOPLE], [1.5, 1000 + now.line_ns // (3600 * NS)], now))


def held(frames) -> dict[int, list[float]]:
    whole = Frame.concat([*frames])
    return {signal: whole.value[whole.signal == signal].tolist() for signal in (GAS, PEOPLE)}


def stored(folder) -> dict[int, list[float]]:
    """By the bytes of the files, whatever the table of today says."""
    parts = [block.frame for path in sorted((folder / "telemetry").glob("*.seg"))
             for block in blocks(load(path)[0], 0, 1 << 62, pytest.fail)]
    return held(parts)


async def test_what_is_over_is_told_to_nobody_and_leaves_the_files(site):
    store = site.start(ids=MINED)
    database = store.reader("database")
    await polls(store, site.clock, days=4)
    assert len(stored(site.folder)[PEOPLE]) == 96, "it is on disk until it is erased"
    before = held(frame for _, frame in store.frames())
    assert len(before[GAS]) == 96 and len(before[PEOPLE]) == 25, "but nobody is told: a day back, to the sample"

    assert await asyncio.to_thread(store.erase) > 5
    kept = stored(site.folder)
    assert len(kept[GAS]) == 96 and len(kept[PEOPLE]) < 25 + 4, "a segment spans at most a tenth of the time"
    assert kept[PEOPLE][-25:] == before[PEOPLE]
    assert held(frame for _, frame in store.frames()) == before
    assert held(frame for _, frame in Recording(site.folder).frames(MINED)) == before
    trend = store.history([GAS, PEOPLE], WALL - DAY_S * NS, site.clock.now().wall_ns + 1, 10)
    assert trend.count.sum(axis=1).tolist() == [96, 25]
    sent = []
    while database.lag_samples:
        batch = await database.take(1000)
        sent.append(batch.frame)
        database.done(batch.position)
    assert {signal: sorted(values) for signal, values in held(sent).items()} == before
    assert await asyncio.to_thread(store.erase) == 0, "what was erased is not read again"

    position = store.position
    await site.stop(store)
    again = site.start(ids=MINED)
    assert again.position == position and again.stats().damaged == 0
    assert held(frame for _, frame in again.frames()) == before


async def test_a_value_that_was_erased_is_nowhere_in_the_data_folder(site):
    """In the bytes: the value of a card that no other sample has."""
    store, secret = site.start(ids=MINED), 21.890117382
    await durable(store, Frame.of([GAS, PEOPLE], [1.5, secret], site.clock.advance(1)))
    await polls(store, site.clock, days=2)
    def traces() -> int:
        return sum(secret in block.frame.value for path in site.folder.rglob("*.seg") for block in
                   blocks(load(path)[0], 0, 1 << 62, pytest.fail))
    assert traces() == 1
    await asyncio.to_thread(store.erase)
    assert traces() == 0 and not [*(site.folder / "telemetry").glob("*/*")]


async def test_who_reads_while_a_segment_is_exchanged_reads_on(site):
    store = site.start(ids=MINED)
    await polls(store, site.clock, days=3)
    reading = store.frames()
    seen = [next(reading)[1]]
    await asyncio.to_thread(store.erase)
    seen += [frame for _, frame in reading]
    assert len(held(seen)[GAS]) == 72 and store.stats().damaged == 0


async def test_an_erasure_that_is_cut_off_leaves_the_old_segment_and_is_done_again(site):
    store = site.start(ids=MINED)
    await polls(store, site.clock, days=3)
    before = held(frame for _, frame in store.frames())
    erasing = site.folder / "telemetry" / "erasing"
    erasing.mkdir(exist_ok=True)
    (erasing / "00000000000000000000.seg").write_bytes(b"half of it")
    await site.stop(store)
    again = site.start(ids=MINED)
    await until(lambda: not [*erasing.glob("*")] and len(stored(site.folder)[PEOPLE]) < 29)  # by itself, at the start
    assert held(frame for _, frame in again.frames()) == before


async def test_without_such_signals_nothing_is_rotated_or_erased_by_time(site):
    store = site.start(ids=table("GAS", "PEOPLE"))
    await polls(store, site.clock, days=4)
    assert store.stats().segments == 1 and await asyncio.to_thread(store.erase) == 0


async def test_a_clock_that_jumps_ahead_erases_nothing(site):
    store = site.start(ids=MINED)
    await polls(store, site.clock, days=0.5)
    now = site.clock.advance(1)
    await durable(store, Frame.of([GAS, PEOPLE], [1.5, 7], Instant(now.line_ns, now.wall_ns + 400 * DAY_S * NS)))
    assert await asyncio.to_thread(store.erase) == 0
    assert len(held(frame for _, frame in store.frames())[PEOPLE]) == 13


def test_minutes_of_people_leave_the_archive_and_others_stay(tmp_path):
    """Whole spans of four hours; the bytes are gone from the file, not only the rows."""
    first = 29_833_333 // SPAN * SPAN
    minutes, now = first + np.arange(20 * SPAN), first + 20 * SPAN
    archive = Archive(tmp_path / "minutes.db", MINED)
    archive.open()
    for signal in (GAS, PEOPLE):
        archive.add(Minutes.of(Frame.of(np.full(len(minutes), signal), minutes % 7 + signal, Instant(0, 0),
                                        wall_ns=minutes * MINUTE_NS)), 1)

    def content() -> bytes:
        return b"".join(path.read_bytes() for path in tmp_path.glob("minutes.db*"))

    def left(signal: int) -> Minutes:
        return archive.minutes([signal], first * MINUTE_NS, now * MINUTE_NS)

    archive.tidy(now, float("inf"), 10**9)
    assert len(left(PEOPLE)) == 20 * SPAN, "nobody knows what time it is: nothing is deleted"
    with closing(sqlite3.connect(tmp_path / "minutes.db")) as other:
        (rows,) = other.execute("SELECT rows FROM span ORDER BY signal DESC, span LIMIT 1").fetchone()
    assert rows in content()
    archive.tidy(now, 730, 10**9)
    assert int(left(PEOPLE).minute[0]) == now - DAY_S // 60 and len(left(GAS)) == 20 * SPAN
    archive.close()
    assert rows not in content()



"""Readers: newest first, the backlog behind, every sample once, and at least once whatever happens."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace

import pytest

from tests.store.conftest import durable, until
from tests.store.makers import QUICK, frame, table, values


async def take(reader, most=1000):
    return await asyncio.wait_for(reader.take(most), 20)


async def drain(reader, most=1000) -> list:
    batches = []
    while reader.lag_samples:
        batches.append(await take(reader, most))
        reader.done(batches[-1].position)
    return batches


async def test_a_reader_waits_for_durable_data_and_follows_it(site):
    store = site.start()
    reader = store.reader("database")
    waiting = asyncio.create_task(take(reader))
    await asyncio.sleep(0)
    assert not waiting.done()
    await durable(store, frame(0), frame(10))
    batch = await waiting
    assert not batch.historic
    reader.done(batch.position)
    rest = await drain(reader)
    assert values(batch.frame, *(one.frame for one in rest)) == list(range(20))
    assert reader.lag_samples == 0


async def test_what_is_not_done_comes_again(site):
    store = site.start()
    await durable(store, frame(0), frame(10))
    reader = store.reader("database")
    first, again = await take(reader, 15), await take(reader, 15)
    assert values(first.frame) == values(again.frame) == list(range(15))
    reader.done(10)  # a part of it
    assert values((await take(reader)).frame) == list(range(10, 20))


async def test_only_what_was_taken_can_be_done(site):
    store = site.start()
    await durable(store, frame(0), frame(10))
    reader = store.reader("database")
    with pytest.raises(ValueError, match="database"):
        reader.done(5)
    await take(reader, 10)
    with pytest.raises(ValueError, match="not in the batch"):
        reader.done(11)


async def test_the_cursor_survives_a_restart(site):
    store = site.start()
    await durable(store, frame(0), frame(10))
    reader = store.reader("database")
    reader.done((await take(reader, 12)).position)
    await site.stop(store)
    store = site.start()
    assert values(*(one.frame for one in await drain(store.reader("database")))) == list(range(12, 20))
    assert values(*(one.frame for one in await drain(store.reader("another")))) == list(range(20))


async def test_a_backlog_is_sent_although_new_samples_never_cease(site):
    store = site.start()
    await durable(store, *(frame(10 * number) for number in range(10)))
    await site.stop(store)
    store = site.start()
    reader = store.reader("database")
    sent = []
    for number in range(10, 30):
        await durable(store, frame(10 * number))
        batch = await take(reader, 20)
        sent.append(batch.historic)
        reader.done(batch.position)
    assert sum(sent) >= 5 and reader.historic_samples == 0, "new data and backlog take turns"


async def test_a_cursor_is_saved_while_the_gateway_runs(site):
    """Killed, not closed: what was done before stays done."""
    store = site.start()
    await durable(store, frame(0))
    reader = store.reader("database")
    reader.done((await take(reader)).position)
    cursor = site.folder / "saved" / "cursor-database.saved"
    await until(lambda: cursor.exists() and b'"live": 10' in cursor.read_bytes())


async def test_after_an_outage_the_newest_comes_first_then_the_backlog_oldest_first(site):
    store = site.start()
    reader = store.reader("database")
    await durable(store, frame(0, 1))
    reader.done((await take(reader)).position)
    for number in range(1, 400):  # the database is away for 400 s
        await durable(store, frame(number, 1, site.clock.advance(1)))
    batches = [await take(reader, 50)]
    assert not batches[0].historic and values(batches[0].frame) == list(range(350, 400))
    reader.done(batches[0].position)
    assert reader.lag_samples == reader.historic_samples == 349

    await durable(store, frame(400, 1, site.clock.now()))  # new data goes before old
    batches.append(await take(reader, 50))
    assert values(batches[1].frame) == [400] and not batches[1].historic
    reader.done(batches[1].position)

    batches += await drain(reader, 50)
    assert all(batch.historic for batch in batches[2:])
    assert values(*(batch.frame for batch in batches[2:])) == list(range(1, 350))


async def test_the_backlog_is_sent_at_a_bounded_rate_and_new_data_is_not(site):
    store = site.start()
    await durable(store, *(frame(number * 10) for number in range(50)))
    await site.stop(store)
    store = site.start()
    reader = store.reader("database", backfill_per_s=0.001)
    first = await take(reader, 100)
    assert first.historic
    reader.done(first.position)
    for number in range(50, 60):  # for the next hours no backlog is due, only what is new
        await durable(store, frame(number * 10))
        batch = await take(reader, 100)
        assert not batch.historic and values(batch.frame) == list(range(number * 10, number * 10 + 10))
        reader.done(batch.position)
    waiting = asyncio.create_task(take(reader, 100))
    await asyncio.sleep(0.05)
    assert not waiting.done() and reader.historic_samples == 400
    waiting.cancel()


async def test_many_outages_leave_a_short_list_and_lose_nothing(site):
    store = site.start()
    reader = store.reader("database", backfill_per_s=0.000001)
    seen = set()
    for outage in range(40):
        first = outage * 100
        for start in range(first, first + 100, 10):
            await durable(store, frame(start, 10, site.clock.advance(10)))
        batch = await take(reader, 20)
        seen |= set(values(batch.frame))
        reader.done(batch.position)
    assert len(reader.cursor()) < 400
    await site.stop(store)
    for batch in await drain(site.start().reader("database")):
        seen |= set(values(batch.frame))
    assert seen == set(range(4000))


async def test_deleted_before_it_was_sent_is_counted(site):
    settings = replace(QUICK, max_size=1 << 18)
    store = site.start(settings)
    database, local = store.reader("database"), store.reader("local")
    for number in range(400):
        await durable(store, frame(number * 1000, 1000 if number % 2 else 999))
        if number % 10 == 0:
            await drain(local, 20_000)
    await drain(local, 20_000)
    stats = store.stats()
    assert stats.size_bytes <= (1 << 18) + (1 << 16)
    oldest = next(iter(store.frames()))[0]
    assert local.evicted_samples == 0
    assert database.evicted_samples == stats.evicted_samples > 0
    assert database.evicted_samples + database.lag_samples == store.position
    assert oldest >= database.evicted_samples
    batch = await take(database, 5)
    assert batch.position > database.evicted_samples


async def test_age_is_judged_on_the_time_line_not_on_a_clock_that_jumps(site):
    settings = replace(QUICK, max_age_s=3600)
    store = site.start(settings)
    for number in range(60):
        await durable(store, frame(number * 3000, 3000, site.clock.now()))
    segments = store.stats().segments
    assert segments > 1
    site.clock.step_wall(10 * 365 * 86400)
    await durable(store, frame(180_000))
    assert next(iter(store.frames()))[0] == 3000
    site.clock.advance(3601)
    await durable(store, frame(180_010))
    assert store.stats().segments < segments
    assert next(iter(store.frames()))[0] > 3000


async def test_signals_that_the_site_no_longer_has_are_passed_over(site):
    store = site.start(ids=table("A", "B"))
    await durable(store, frame(0, 2), frame(2, 1), frame(3, 1))
    await site.stop(store)
    store = site.start(ids=table("B", "C"))
    reader = store.reader("database")
    [batch] = await drain(reader)
    assert batch.frame.signal.tolist() == [0] and values(batch.frame) == [1]
    assert reader.lag_samples == 0


@pytest.mark.parametrize("seed", range(8))
async def test_any_course_of_events_delivers_everything(site, seed):
    """Appends, outages, restarts and takes in any order: all is delivered, and nothing twice without a reason."""
    chance = random.Random(seed)
    settings = replace(QUICK, recent_samples=300)
    store = site.start(settings)
    reader = store.reader("database")
    delivered: list[int] = []
    for _ in range(60):
        match chance.choice(("append", "append", "outage", "take", "take", "failed", "restart")):
            case "append":
                await durable(store, frame(store.position, chance.randint(1, 50), site.clock.advance(1)))
            case "outage":
                for _ in range(8):
                    await durable(store, frame(store.position, 20, site.clock.advance(20)))
            case "take" if reader.lag_samples:
                batch = await take(reader, chance.randint(1, 120))
                delivered += values(batch.frame)
                reader.done(batch.position)
            case "failed" if reader.lag_samples:
                await take(reader, chance.randint(1, 120))
            case "restart":
                await site.stop(store)
                store = site.start(settings)
                reader = store.reader("database")
    for batch in await drain(reader, 200):
        delivered += values(batch.frame)
    assert sorted(set(delivered)) == list(range(store.position))
    assert len(delivered) == store.position

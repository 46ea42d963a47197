"""TelemetryStore: a durable promise to those who append, a durable place for those who read."""

from __future__ import annotations

import asyncio
import os

import numpy as np
import pytest

from gateway.model.errors import StoreInUse
from gateway.model.text import Text
from gateway.store import StoreSettings, TelemetryStore, last_instant
from tests.store.conftest import durable
from tests.store.makers import QUICK, frame, signals, table, values


async def test_what_was_stored_is_there_after_a_restart_in_the_same_frames(site):
    store = site.start()
    await durable(store, frame(0, 10), frame(10, 3), frame(13, 7))
    await site.stop(store)

    again = site.start()
    assert [position for position, _ in again.frames()] == [10, 13, 20]
    assert values(*(one for _, one in again.frames())) == list(range(20))
    assert [position for position, _ in again.frames(after=10)] == [13, 20]
    assert again.position == again.durable_position == 20


async def test_durable_callbacks_come_in_order_once_each_and_with_few_syncs(site):
    store = site.start(StoreSettings(commit_interval_s=0.05, keep_free=0))
    order = []
    finished = asyncio.Event()
    for number in range(200):
        store.append(frame(number * 10), lambda number=number: order.append(number))
    store.append(frame(2000), finished.set)
    await asyncio.wait_for(finished.wait(), 20)
    assert order == list(range(200))
    assert store.stats().syncs < 20


async def test_an_idle_store_does_not_touch_the_disk(site):
    store = site.start()
    await durable(store, frame(0))
    before = store.stats().syncs
    await asyncio.sleep(0.2)
    assert store.stats().syncs == before


async def test_an_empty_frame_is_durable_at_once_and_takes_no_place(site):
    store = site.start()
    await durable(store, frame(0).take([]))
    assert store.durable_position == 0


@pytest.mark.survives("second gateway on the same data folder", then="the second one is refused, the first goes on",
                      says=Text("another gateway (process …) has this data folder open",
                                "该数据文件夹已被另一个网关（进程 …）打开"))
async def test_a_second_gateway_on_the_folder_is_refused_with_pid_and_cure(site, says):
    first = site.start()
    with pytest.raises(StoreInUse) as refused:
        TelemetryStore(site.folder, signals(1), QUICK, site.clock).open()
    assert says(refused.value.what) and refused.value.fix.en and refused.value.fix.zh
    for language in ("en", "zh"):
        assert str(os.getpid()) in refused.value.message(language)
        assert str(site.folder) in refused.value.message(language)
    await durable(first, frame(0))


async def test_old_data_is_read_with_a_changed_site_file(site):
    store = site.start(ids=table("A", "B", "C"))
    await durable(store, frame(0, 3))
    await site.stop(store)

    again = site.start(ids=table("C", "X", "A"))  # B is gone, X is new, the order has changed
    [(position, old)] = again.frames()
    assert position == 3
    assert dict(zip(old.signal.tolist(), old.value.tolist(), strict=True)) == {0: 2.0, 2: 0.0}


async def test_a_snapshot_is_replaced_whole(site):
    store = site.start()
    assert store.load("bank") is None
    store.save("bank", b"first")
    store.save("bank", b"second")
    assert store.load("bank") == b"second"  # also before it is written
    await site.stop(store)
    assert site.start().load("bank") == b"second"


async def test_a_snapshot_may_have_any_name(site):
    store = site.start()
    store.save("../数据库", b"here")
    await site.stop(store)
    assert site.start().load("../数据库") == b"here"
    assert not list(site.folder.parent.glob("*.saved"))


async def test_a_damaged_snapshot_reads_as_none(site):
    store = site.start()
    store.save("bank", b"snapshot")
    await site.stop(store)
    path = site.folder / "saved" / "bank.saved"
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    assert site.start().load("bank") is None


async def test_the_time_line_goes_on_after_the_newest_instant(site):
    assert last_instant(site.folder) is None
    store = site.start()
    await durable(store, frame(0))
    site.clock.advance(5)
    await durable(store, frame(10))
    newest = site.clock.now()
    assert last_instant(site.folder) == newest  # while it runs, from a file without a seal
    site.clock.advance(5)
    store.save("bank", b"no frame for a while, but time went on")
    await site.stop(store)
    assert last_instant(site.folder) == newest.later(5)


async def test_history_keeps_every_peak_and_shows_gaps(site):
    store = site.start()
    start = site.clock.now().wall_ns
    for second in range(100):
        if not 40 <= second < 60:
            now = site.clock.now()
            await durable(store, frame(0, 2, now))  # S-0000 reads 0, S-0001 reads 1
            if second == 77:
                store.append(frame(500, 1, now))  # one sample of S-0000 is a peak
        site.clock.advance(1)
    await durable(store, frame(0, 1, site.clock.now()))
    for where in ("in memory", "on disk"):
        trend = store.history([1, 0], start, start + 100 * 10**9, max_points=10)
        assert trend.count[0].tolist() == [10, 10, 10, 10, 0, 0, 10, 10, 10, 10], where
        assert trend.high[1].tolist()[7] == 500 and trend.low[1].tolist()[7] == 0
        assert np.isnan(trend.mean[:, 4:6]).all()
        assert trend.mean[0, 0] == 1
        await site.stop(store)
        store = site.start()

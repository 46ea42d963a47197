"""A full, read-only, failing, silent or damaged disk: the store says what is wrong and goes on, detection unaware."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import threading
import zlib
from dataclasses import replace

import numpy as np
import pytest

from gateway.model.clock import Instant
from gateway.model.frame import Frame
from gateway.model.text import Text
from gateway.store.disk import Disk
from tests.store.conftest import durable, until
from tests.store.makers import QUICK, WALL, frame, values

survives = pytest.mark.survives


class FailingDisk(Disk):
    """Syncs fail `failures` times, as a worn card does. The real thing can not be made to on demand."""

    def __init__(self, failures: int, error: int = errno.EIO):
        self.failures, self.error = failures, error

    def sync(self, file):
        if self.failures:
            self.failures -= 1
            raise OSError(self.error, os.strerror(self.error))
        super().sync(file)


class SilentDisk(Disk):
    """The first sync does not return before it is allowed to."""

    def __init__(self):
        self.allowed, self.asked = threading.Event(), threading.Event()

    def sync(self, file):
        self.asked.set()
        self.allowed.wait(20)
        super().sync(file)


def noise(position: int, count: int = 1000) -> Frame:
    """Values that do not compress, the first of which is the position."""
    value = np.random.default_rng(position).normal(size=count)
    value[0] = position
    return Frame.of(np.arange(count) % 10, value, Instant(position, WALL + position))


@survives("disk reports write errors (worn SD card)",
          then="kept in memory and written again; nothing acknowledged before, nothing lost or doubled", says=Text(
              "the disk of … reports a fault (…): measured data can not be stored. Fix: check the kernel log (dmesg)",
              "… 所在磁盘报错（…）：测量数据无法存储。处理：查看内核日志（dmesg）"))
async def test_a_failed_sync_loses_and_doubles_nothing(site, says):
    store = site.start(disk=FailingDisk(3))
    finished, order = asyncio.Event(), []
    for number in range(20):
        store.append(frame(number * 10), lambda number=number: order.append(number))
    store.append(frame(200), finished.set)
    await until(lambda: store.stats().failing)
    failing = store.stats().failing
    assert says(failing) and str(site.folder) in failing.en and str(site.folder) in failing.zh
    await asyncio.wait_for(finished.wait(), 20)
    await until(lambda: store.stats().failing is None)
    assert order == list(range(20))
    assert values(*(one for _, one in store.frames())) == list(range(210))
    await site.stop(store)
    assert values(*(one for _, one in site.start().frames())) == list(range(210))


async def test_what_a_failed_sync_left_behind_is_void(site):
    """The write reached the file but its sync failed, and the card took no truncation: those samples are written again
    to the next segment and must not be read twice."""

    class Stubborn(FailingDisk):
        def truncate(self, file, size):
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    disk = Stubborn(0)
    store = site.start(disk=disk)
    await durable(store, frame(0))
    disk.failures = 1
    await durable(store, frame(10))
    await durable(store, frame(20))
    await site.stop(store)
    assert store.stats().segments == 2
    assert values(*(one for _, one in site.start().frames())) == list(range(30))


@survives("disk does not answer",
          then="kept in memory; when that is full the oldest is dropped, counted and never acknowledged", says=Text(
              "the disk of … has not answered for … s: measured data is kept in memory only",
              "… 所在磁盘已 … 秒无响应：测量数据暂存于内存"))
async def test_memory_is_bounded_the_oldest_is_dropped_and_never_acknowledged(site, says):
    disk = SilentDisk()
    store = site.start(replace(QUICK, queue_size=20_000), disk=disk)
    acknowledged = []
    store.append(frame(0), lambda: acknowledged.append(0))
    await until(disk.asked.is_set)
    for number in range(1, 100):
        store.append(frame(number * 10), lambda number=number: acknowledged.append(number))
    stats = store.stats()
    assert stats.dropped_samples > 0
    assert stats.queued_samples + stats.dropped_samples == 1000
    assert stats.queue_fill <= 1.0
    assert stats.failing is None
    site.clock.advance(11)
    assert says(store.stats().failing) and "11 s" in store.stats().failing.en
    disk.allowed.set()
    await site.stop(store)
    kept = stats.queued_samples // 10 - 1
    assert acknowledged == [0, *range(100 - kept, 100)]  # the first was in the writer's hands
    again = site.start()
    assert values(*(one for _, one in again.frames())) == [*range(10), *range(1000 - 10 * kept, 1000)]
    assert [position for position, _ in again.frames()] == [10, *range(1010 - 10 * kept, 1001, 10)]


async def test_a_snapshot_is_never_ahead_of_the_frames_it_has_seen(site, tmp_path):
    """Taken while the writer is busy with older frames, it waits for those that came in between."""

    class Witness(SilentDisk):
        def replace(self, source, target):
            super().replace(source, target)
            shutil.copytree(site.folder, tmp_path / "witnessed")

    disk = Witness()
    store = site.start(disk=disk)
    store.append(frame(0))
    await until(disk.asked.is_set)
    store.append(frame(10))
    store.save("bank", b"has seen 20 samples")
    disk.allowed.set()
    await site.stop(store)
    site.folder = tmp_path / "witnessed"
    witnessed = site.start()
    assert witnessed.load("bank") == b"has seen 20 samples"
    assert values(*(one for _, one in witnessed.frames())) == list(range(20))


async def test_a_frame_that_can_not_be_encoded_does_not_end_all_storing(site):
    store = site.start()
    acknowledged = []
    good = frame(0)
    store.append(Frame(good.signal, good.value[:3], good.quality, good.wall_ns, good.line_ns),
                 lambda: acknowledged.append("broken"))
    await until(lambda: store.stats().dropped_samples == 10)
    assert "dropped" in store.stats().failing["en"] and "丢弃" in store.stats().failing["zh"]
    await durable(store, frame(10))
    assert acknowledged == []
    assert values(*(one for _, one in store.frames())) == list(range(10, 20))


@survives("our own data fills the disk", then="the oldest telemetry is deleted; storing goes on without a fault")
async def test_a_full_disk_deletes_the_oldest(small_site):
    store = small_site.start(replace(QUICK, max_size=None))
    for number in range(400):  # 3 MB into 2 MB
        await durable(store, noise(number * 1000))
    kept = [position for position, _ in store.frames()]
    assert kept[0] > 100_000 and kept == list(range(kept[0], 400_001, 1000))
    assert store.stats().failing is None


@survives("disk full",
          then="what has no place is not acknowledged; kept in memory and written, in order, when there is room",
          says=Text("the disk is full: measured data in … can not be stored. Fix: free space on this disk",
                    "磁盘已满：… 无法存储测量数据。处理：清理该磁盘空间"))
async def test_a_disk_that_others_have_filled_is_reported_until_there_is_room(small_site, small_disk, says):
    store = small_site.start()
    await durable(store, frame(0))
    small_disk.fill()
    acknowledged = []
    for number in range(10):
        store.append(noise(10 + 1000 * number), lambda number=number: acknowledged.append(number))
    await until(lambda: store.stats().failing)
    assert says(store.stats().failing)
    room = len(acknowledged)  # the segment had reserved place for some
    assert acknowledged == list(range(room)) and room < 10
    assert values(*(one for _, one in store.frames()))[:10] == list(range(10))
    assert store.durable_position == 10 + 1000 * room

    small_disk.clear()
    await until(lambda: store.stats().failing is None)
    assert acknowledged == list(range(10))
    assert store.stats().dropped_samples == 0
    await small_site.stop(store)
    assert [position for position, _ in small_site.start().frames()] == [10, *range(1010, 10_011, 1000)]


async def test_telemetry_leaves_room_for_the_alarm_file(small_site, small_disk):
    store = small_site.start(replace(QUICK, max_size=None, keep_free=1 << 20))
    for number in range(150):
        await durable(store, noise(number * 1000))
    assert Disk().free(small_disk.path) > (1 << 20) - 2 * (1 << 16)
    assert next(iter(store.frames()))[0] > 1000


@survives("disk read-only", then="the gateway starts all the same; stored data can be read, new data waits in memory",
          says=Text("the disk of … is read-only: measured data can not be stored. Fix: an SD card that has become "
                    "read-only is worn out, replace it",
                    "… 所在磁盘为只读：测量数据无法存储。处理：SD 卡变为只读通常表示已损坏，请更换"))
async def test_a_disk_that_becomes_read_only(small_site, small_disk, says):
    store = small_site.start()
    await durable(store, frame(0))
    await small_site.stop(store)

    small_disk.remount("ro")
    store = small_site.start()  # no refusal: detection must start
    assert says(store.stats().failing)
    assert values(*(one for _, one in store.frames())) == list(range(10))
    acknowledged = asyncio.Event()
    assert store.append(frame(10), acknowledged.set) == 20
    await asyncio.sleep(0.05)
    assert not acknowledged.is_set()

    small_disk.remount("rw")
    await asyncio.wait_for(acknowledged.wait(), 20)
    await until(lambda: store.stats().failing is None)
    assert values(*(one for _, one in store.frames())) == list(range(20))


async def test_close_does_not_wait_for_a_disk_that_fails(site):
    store = site.start(replace(QUICK, retry_s=1000), disk=FailingDisk(1000, errno.EROFS))
    store.append(frame(0))
    await until(lambda: store.stats().failing)
    await asyncio.wait_for(site.stop(store), 5)


async def filled(site) -> list:
    """Several sealed segments of 64 KiB; returns their paths."""
    store = site.start()
    for number in range(60):
        await durable(store, noise(number * 1000))
    await site.stop(store)
    paths = sorted((site.folder / "telemetry").glob("*.seg"))
    assert len(paths) > 4
    return paths


def firsts(store) -> list[int]:
    return [int(one.value[0]) for _, one in store.frames()]


@survives("a file of stored data is damaged", then="costs at most that file; counted; storing goes on")
@pytest.mark.parametrize("place", ["head", "a block", "index", "seal"])
async def test_a_damaged_segment_costs_only_itself(site, place):
    path = (await filled(site))[2]
    base, following = int(path.stem), int(sorted(path.parent.glob("*.seg"))[3].stem)
    content = bytearray(path.read_bytes())
    spot = {"head": 30, "a block": len(content) // 2, "index": len(content) - 100, "seal": len(content) - 10}[place]
    content[spot] ^= 0xFF
    path.write_bytes(content)

    store = site.start()
    kept = firsts(store)
    lost = [one for one in range(0, 60_000, 1000) if one not in kept]
    assert all(base <= one < following for one in lost)
    if place in ("head", "a block"):
        assert lost and store.stats().damaged == 1
    else:
        assert not lost  # the blocks are whole: the file is scanned
    await durable(store, noise(60_000))
    assert firsts(store)[-1] == 60_000


async def test_a_reader_goes_past_damage(site):
    paths = await filled(site)
    content = bytearray(paths[1].read_bytes())
    content[len(content) // 2] ^= 0xFF
    paths[1].write_bytes(content)
    store = site.start()
    reader, seen = store.reader("database"), 0
    while reader.lag_samples:
        batch = await asyncio.wait_for(reader.take(5000), 20)
        seen += len(batch.frame)
        reader.done(batch.position)
    assert 50_000 < seen < 60_000
    assert store.stats().damaged == 1


async def test_a_segment_of_a_newer_version_is_left_alone(site):
    path = (await filled(site))[0]
    content = bytearray(path.read_bytes())
    content[12] = 99
    table = int.from_bytes(content[16:20], "little")
    head = 48 + table
    content[8:12] = zlib.crc32(bytes(content[12:head])).to_bytes(4, "little")
    path.write_bytes(content)
    store = site.start()
    assert store.stats().damaged == 1 and path.exists()
    assert firsts(store)[-1] == 59_000

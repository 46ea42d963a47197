"""One stream for all: what viewers get, and what becomes of those who are too many or too slow."""

from __future__ import annotations

import asyncio
import math

import orjson
import pytest

from gateway.api.stream import Broadcast
from gateway.core.learning import LearningAct
from gateway.model.quality import Quality
from tests.api.depot import MemoryGateway


@pytest.fixture
async def broadcast(gateway):
    stream = Broadcast(gateway, period_s=0.02, limit=3, backlog=4)
    yield stream
    stream.close()


async def frame(viewer) -> dict:
    return orjson.loads((await viewer.next()).removeprefix(b"data: "))


async def frame_with(viewer, part: str) -> dict:
    while part not in (found := await frame(viewer)):
        pass
    return found


async def test_the_first_frame_holds_everything(broadcast, gateway):
    gateway.feed("GD-03", 42.17)
    gateway.raise_alarm("GD-03/HH", 42.17)
    first = await frame(broadcast.join())
    assert first["hello"] and set(first) == {"t_ms", "time", "trusted", "hello", "signals", "learning", "alarms",
                                             "status"}
    assert first["signals"]["i"] == list(range(len(gateway.site.signals)))
    assert first["signals"]["v"][2] == 42.2, "rounded to the decimals of the signal"
    assert first["alarms"]["alarms"][0]["id"] == "GD-03/HH"


async def test_later_frames_hold_only_what_has_changed_and_keep_coming(broadcast, gateway):
    viewer = broadcast.join()
    await frame(viewer)
    await frame(viewer)  # against the very first state, everything is new
    assert (await frame(viewer))["signals"]["i"] == []
    gateway.clock.advance(1)
    gateway.feed("GD-02", 1.0)
    gateway.feed("GD-06", math.nan, Quality.BAD_COMM_LOST)
    changed = None
    while not changed:
        changed = (await frame(viewer))["signals"]["i"]
    assert changed == [1, 5]
    assert (await frame(viewer))["signals"]["i"] == [], "a NaN that stays NaN has not changed"


async def test_learning_is_told_when_it_gets_on_and_what_a_person_does_to_it(broadcast, gateway):
    viewer, row = broadcast.join(), gateway.site.signals.index("VAP.T")
    first = (await frame(viewer))["learning"]
    assert first["i"] == list(range(len(gateway.site.signals)))
    assert [code for code in first["c"] if code >= 0] == [0], "one signal learns, the others have nothing to learn"
    gateway.learn("VAP.T", 510)
    while (told := (await frame_with(viewer, "learning"))["learning"]) == {"i": [row], "c": [0]}:
        pass
    assert told == {"i": [row], "c": [51]}
    gateway.learn("VAP.T", 500)
    assert (await frame_with(viewer, "learning"))["learning"] == {"i": [row], "c": [100]}
    await gateway.teach("VAP.T", LearningAct.FREEZE, "Li", "commissioned")
    assert (await frame_with(viewer, "learning"))["learning"] == {"i": [row], "c": [1100]}


async def test_a_value_that_repeats_is_a_new_sample(broadcast, gateway):
    viewer = broadcast.join()
    gateway.feed("GD-02", 1.0)
    for _ in range(3):
        await frame(viewer)
    gateway.clock.advance(1)
    gateway.feed("GD-02", 1.0)
    changed = [(await frame(viewer))["signals"] for _ in range(3)]
    assert sum(1 in signals["i"] for signals in changed) == 1


async def test_an_alarm_is_told_before_the_next_beat(gateway):
    broadcast = Broadcast(gateway, period_s=3600)
    viewer = broadcast.join()
    await frame(viewer)
    await frame(viewer)
    gateway.raise_alarm("esd-north")
    told = await frame(viewer)
    assert [alarm["id"] for alarm in told["alarms"]["alarms"]] == ["esd-north"]
    assert "signals" not in told
    broadcast.close()


async def test_a_flood_of_alarms_is_told_in_few_frames(gateway):
    broadcast = Broadcast(gateway, period_s=3600)
    viewer = broadcast.join()
    await frame(viewer)
    await frame(viewer)
    for alarm in gateway.site.alarms:
        gateway.raise_alarm(alarm.id)
    assert (await frame(viewer))["alarms"]["total"] == len(gateway.site.alarms)
    assert broadcast.counters["frames"] == 2
    broadcast.close()


async def test_all_viewers_get_the_same_bytes(broadcast):
    viewers = [broadcast.join(), broadcast.join(), broadcast.join()]
    hello = [await viewer.next() for viewer in viewers]
    beat = [await viewer.next() for viewer in viewers]
    assert hello[0] is hello[1] is hello[2]
    assert beat[0] is beat[1] is beat[2]


async def test_nothing_is_rendered_while_nobody_looks(gateway):
    class Counting(MemoryGateway):
        looked = 0

        def devices(self):
            self.looked += 1
            return super().devices()

    counting = Counting()
    broadcast = Broadcast(counting, period_s=0.005)
    await asyncio.sleep(0.05)
    assert (counting.looked, counting.watchers) == (0, [])
    viewer = broadcast.join()
    for _ in range(3):
        await frame(viewer)
    broadcast.leave(viewer)
    while counting.watchers:  # the stream ends by itself
        await asyncio.sleep(0.005)
    asked = counting.looked
    await asyncio.sleep(0.05)
    assert counting.looked == asked
    assert (await frame(broadcast.join()))["hello"], "and begins again"
    broadcast.close()


async def test_one_viewer_too_many_is_refused_and_counted(broadcast):
    assert all(broadcast.join() for _ in range(3))
    assert broadcast.join() is None
    assert (broadcast.viewers, broadcast.counters["refused"]) == (3, 1)


async def test_a_viewer_that_takes_nothing_is_let_go_and_does_not_hold_up_the_others(broadcast):
    slow, quick = broadcast.join(), broadcast.join()
    taken = 0
    while not slow.over.is_set():
        await frame(quick)
        taken += 1
    assert slow.slow and not quick.slow and taken >= 4
    assert (broadcast.viewers, broadcast.counters["dropped"]) == (1, 1)
    await frame(quick)


async def test_a_stream_that_can_not_be_rendered_ends_for_all_so_that_no_page_looks_live(broadcast, gateway, caplog):
    viewers = [broadcast.join(), broadcast.join()]
    gateway.devices = None  # a bug
    for viewer in viewers:
        await asyncio.wait_for(viewer.over.wait(), 10)
    assert broadcast.counters["failures"] == 1 and "event stream failed" in caplog.text
    assert gateway.watchers == []


async def test_closing_ends_every_viewer_and_lets_nobody_in(broadcast):
    viewer = broadcast.join()
    broadcast.close()
    assert viewer.over.is_set() and not viewer.slow
    assert broadcast.join() is None

"""What the row of a site says of a minute: its worst, however short; and nothing that is not known yet."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from gateway.model.clock import NS
from gateway.model.quality import Quality
from gateway.model.rules import ShutdownVerification, Test
from gateway.model.signal import Device
from gateway.model.text import Text
from tests.historian.stage import START, House, living
from tests.sites import gas, site

_PLAIN = {"gas": False, "limits": (), "low": None, "high": None}
PLACE = replace(site(
    gas("GD-01"), gas("GD-02"), *(replace(gas(id, **_PLAIN, deadman_s=silent_s), kind=kind) for id, kind, silent_s in (
        ("CMD", "switch", 5.0), ("XV-1", "switch", 5.0), ("XV-2", "switch", None), ("CAM", "video_fps", 5.0))),
    rules=(ShutdownVerification("esd", Text.same("ESD"), "tank_farm", Test("CMD", "==", 1),
                                (Test("XV-1", "==", 1), Test("XV-2", "==", 1)), 10.0),)),
    devices=(Device("heads", ("GD-01", "GD-02")), Device("valves", ("CMD", "XV-1"))))
WELL = (1.0, 1.0, 0, 0, 0, 25.0)
SYSTEMS = ("video", "gas", "shutoff")


@asynccontextmanager
async def watched(folder):
    async with living(PLACE, folder) as house:
        await house.keep()
        yield house


async def poll(house: House, seconds: int, *values: float, **more) -> None:
    for _ in range(seconds):
        await house.poll(*(values or WELL), **more)


def rows(house: House) -> dict[int, dict]:
    """By minute since the start."""
    return {(row.wall_ns // NS - START) // 60: row.fields for row in house.archive.rows("site", 0, 2**62)}


def told(fields: dict, *names: str) -> list:
    return [fields.get(name) for name in names or SYSTEMS]


@pytest.mark.survives("a first start: nothing has spoken yet",
                      then="video, gas detection and shut-off are left out of the site's row until their instruments "
                      "have spoken or should have; one that never speaks is down then")
async def test_what_has_not_spoken_yet_is_not_down_and_what_never_speaks_is(tmp_path):
    async with watched(tmp_path) as house:
        assert told(rows(house)[0]) == [None, None, None]
        await poll(house, 4, 1.0, 1.0, 0)  # no valve, no camera
        await house.keep()
        assert told(rows(house)[0]) == [None, 2, None]
        await house.quiet(2)  # their deadman has run out, but XV-2 has none
        await house.keep()
        assert told(rows(house)[0]) == [0, 2, 1]
        await poll(house, 56, 1.0, 1.0, 0)
        await house.keep()
        assert told(rows(house)[1]) == [0, 2, 0]


async def test_what_is_known_from_before_a_restart_is_not_forgotten(tmp_path):
    async with watched(tmp_path) as house:
        await poll(house, 3)
    async with living(PLACE, tmp_path, house.clock) as house:
        await house.keep()
        assert told(rows(house)[0]) == [2, 2, 2]


@pytest.mark.parametrize(("index", "value", "quality", "fields"), [
    (5, 0.0, Quality.GOOD, {"video": 0}), (1, 1.0, Quality.BAD_SENSOR, {"gas": 1}),
    (4, 0, Quality.BAD_DEVICE, {"shutoff": 1}), (3, 0, Quality.BAD_SENSOR, {"shutoff": 1})])
async def test_an_outage_of_a_second_is_in_the_row_of_its_minute_and_in_no_other(tmp_path, index, value, quality,
                                                                                   fields):
    async with watched(tmp_path) as house:
        await poll(house, 80)
        await house.keep()
        now = list(WELL)
        now[index] = value
        await poll(house, 1, *now, quality=[quality if n == index else Quality.GOOD for n in range(len(WELL))])
        await poll(house, 70)
        await house.keep()
        whole = dict.fromkeys(SYSTEMS, 2)
        assert [dict(zip(SYSTEMS, told(rows(house)[minute]), strict=True)) for minute in range(3)] == [
            whole, whole | fields, whole]


async def test_devices_that_were_silent_for_seconds_and_a_valve_that_did_not_shut(tmp_path):
    async with watched(tmp_path) as house:
        await poll(house, 10)
        await poll(house, 6, 1.0, 1.0)  # the valves are silent: one device of two, and XV-1 fails after 5 s
        await poll(house, 50)
        await poll(house, 12, 1.0, 1.0, 1, 0, 0, 25.0)  # commanded, and nothing moves
        await poll(house, 2, 1.0, 1.0, 1, 1, 1, 25.0)
        await poll(house, 50)
        await house.keep()
        found = rows(house)
        assert told(found[0], "devices", "devices_online", "online_ratio", "shutoff") == [2, 1, 0.5, 1]
        assert told(found[1], "devices_online", "online_ratio", "shutoff") == [2, 1, 0]
        assert told(found[2], "shutoff") == [2]


async def test_one_lost_request_is_no_outage(tmp_path):
    async with watched(tmp_path) as house:
        await poll(house, 10)
        await poll(house, 1, *[float("nan")] * len(WELL), quality=Quality.BAD_COMM_LOST)
        await poll(house, 50)
        await house.keep()
        assert told(rows(house)[0]) == [2, 2, 2]


async def test_an_alarm_that_came_and_went_is_in_the_row_of_its_minute(tmp_path):
    """Two red alarms that never stood at once; as the worst of one moment, so many alarms as stood at once."""
    async with watched(tmp_path) as house:
        await poll(house, 10)
        await poll(house, 1, 45.0, *WELL[1:])
        await poll(house, 3)
        await poll(house, 1, 1.0, 45.0, *WELL[2:])
        await poll(house, 46)
        await house.keep()
        await house.quiet(60)
        await house.keep()
        minute, after = rows(house)[0], rows(house)[1]
        assert told(minute, "risk", "red", "orange", "yellow", "blue", "unacknowledged") == [4, 1, 1, 0, 0, 4]
        assert told(after, "red") == [0]


async def test_a_running_minute_says_how_it_is_and_a_standing_alarm_stays(tmp_path):
    async with watched(tmp_path) as house:
        await poll(house, 30)
        await poll(house, 31, 45.0, *WELL[1:])
        await house.keep()
        found = rows(house)
        assert [told(found[minute], "risk", "red") for minute in (0, 1)] == [[4, 1], [4, 1]]


async def test_rows_that_a_disk_did_not_take_come_when_it_does(tmp_path):
    async with living(PLACE, tmp_path) as house:
        (tmp_path / "minutes.db").mkdir()
        for _ in range(3):
            await poll(house, 60)
            await house.historian.keep()
        assert house.historian.trouble is not None
        (tmp_path / "minutes.db").rmdir()
        await house.keep()
        await house.keep()
        assert sorted(rows(house)) == [0, 1, 2, 3]

"""From samples and alarms to rows in a real database: what is counted, when, and that nothing counts twice."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

from alerting.journal import chain
from alerting.journal.times import Stretch, Times
from alerting.ledger import AlarmLedger, Record, Work
from alerting.overlays.hold import Kind
from alerting.overlays.overlays import Ask
from gateway.historian.journal import lines
from gateway.historian.streams import streams
from gateway.model.clock import NS, Instant, ManualClock
from gateway.model.frame import Frame
from gateway.model.quality import Quality
from gateway.model.rules import ShutdownVerification, Test
from gateway.model.signal import HeadCount
from gateway.model.text import Text
from gateway.sinks.line_protocol import MinuteEncoder
from gateway.store.archive import Row
from gateway.store.minutes import MINUTE_NS, Minutes
from tests.historian.stage import START, House, living
from tests.sinks.stage import query, until
from tests.sites import gas, site

SITE = site(gas("GD-01"), gas("GD-02"), gas("GD-03", deadman_s=3600.0))
MINUTE = START * NS // MINUTE_NS


def counted(house: House) -> dict[tuple[int, str], tuple]:
    """(minute since the start, signal) -> count, bad, lowest, highest."""
    minutes = house.archive.minutes(range(3), 0, 2**62)
    return {(int(minutes.minute[n]) - MINUTE, SITE.signals[int(minutes.signal[n])].id): (
        int(minutes.count[n]), int(minutes.bad[n]), float(minutes.low[n]), float(minutes.high[n]))
        for n in range(len(minutes))}


def values(url: str, text: str) -> list:
    """Of the only series; nothing where there is none yet."""
    return next((series["values"] for series in query(url, text)), [])


async def test_a_minute_is_counted_when_it_is_over(tmp_path):
    async with living(SITE, tmp_path) as house:
        for second in range(1, 63):
            await house.poll(second)
        await house.keep()  # two polls of the second minute have come, and wait
        assert counted(house) == {(0, "GD-01"): (59, 0, 1.0, 59.0)}
        await house.quiet(58)
        await house.keep()
        assert counted(house)[1, "GD-01"] == (3, 0, 60.0, 62.0)


async def test_what_was_counted_when_the_process_was_killed_is_not_counted_again(tmp_path):
    clock = ManualClock(wall_ns=START * NS)
    async with living(SITE, tmp_path, clock, killed=True) as house:
        for second in range(1, 100):
            await house.poll(second, quality=Quality.BAD_DEVICE if second % 10 == 0 else Quality.GOOD)
        await house.keep()
    async with living(SITE, tmp_path, clock, killed=True) as house:
        await house.keep()
        for second in range(100, 130):
            await house.poll(second)
        await house.keep()
    async with living(SITE, tmp_path, clock) as house:
        await house.quiet(60)
        await house.keep()
        assert counted(house) == {(0, "GD-01"): (54, 5, 1.0, 59.0), (1, "GD-01"): (56, 4, 61.0, 119.0),
                                  (2, "GD-01"): (10, 0, 120.0, 129.0)}


@pytest.mark.survives("a sender whose clock is two hours slow (MQTT, own stamps)",
                      then="its samples count in the minutes that they were stamped with; those rows are written anew")
async def test_late_samples_rewrite_their_minute_in_the_database(influxdb, tmp_path):
    query(influxdb.url, "CREATE DATABASE davylamp")
    text = "SELECT mean, min, max, last, count, bad, quality FROM telemetry_1m WHERE signal = 'GD-01'"
    async with living(SITE, tmp_path) as house, house.sending(influxdb.url):
        await house.poll(10.0)
        await house.poll(20.0)
        await house.quiet(60)
        await house.keep()
        await until(lambda: query(influxdb.url, text))
        (series,) = query(influxdb.url, text)
        assert series["values"] == [[START * NS, 15.0, 10.0, 20.0, 20.0, 2, 0, 0]]
        await house.poll(3.0, wall_s=1.5)
        await house.poll(float("nan"), wall_s=40, quality=Quality.BAD_SENSOR)
        await house.poll(7.0, wall_s=-7200)
        await house.quiet(60)
        await house.keep()
        await until(lambda: len(values(influxdb.url, text)) == 2)
        (series,) = query(influxdb.url, text)
        assert series["values"] == [[(START - 7200) * NS, 7.0, 7.0, 7.0, 7.0, 1, 0, 0],
                                    [START * NS, 11.0, 3.0, 20.0, 20.0, 3, 1, Quality.BAD_SENSOR]]


async def test_alarms_and_what_people_do_arrive_as_rows(influxdb, tmp_path):
    """Raised, acknowledged, over; a detector silent; a bypass. In the database as in the journal, each once."""
    query(influxdb.url, "CREATE DATABASE davylamp")
    async with living(SITE, tmp_path) as house, house.sending(influxdb.url):
        await house.poll(1.0, 1.0, 1.0)
        await house.poll(25.0, 1.0, 1.0)
        await house.keep()
        await house.quiet(1)
        await house.alarms.acknowledge("GD-01/H", "Li Lei, 班长", "seen")
        await house.poll(1.0, 1.0, 1.0)
        await house.alarms.hold(Kind.BYPASS, Ask("GD-03/H", "Wang", "new head,\nsee order 7", 600.0))
        await house.quiet(6)  # GD-01 and GD-02 are silent
        await house.journalled(6)
        await house.keep()
        await until(lambda: len(values(influxdb.url, "SELECT state FROM alarm")) == 5)
        (rows,) = query(influxdb.url, "SELECT event, state, active, acknowledged, value, setpoint, person, text_zh, "
                                      "occurrence FROM alarm WHERE alarm = 'GD-01/H'")
        assert [row[1:] for row in rows["values"]] == [
            ["raise", "unacknowledged", True, False, 25.0, 20.0, None, "tank_farmGD-01：可燃气体高限", "GD-01/H#1"],
            ["acknowledge", "acknowledged", True, True, 25.0, 20.0, "Li Lei, 班长", "tank_farmGD-01：可燃气体高限",
             "GD-01/H#1"],
            ["clear", "normal", False, True, 1.0, 20.0, None, "tank_farmGD-01：可燃气体高限", "GD-01/H#1"]]
        (verdicts,) = query(influxdb.url, "SELECT condition, signal, active FROM verdict")
        assert sorted(row[1:] for row in verdicts["values"]) == [["deadman", "GD-01", True], ["deadman", "GD-02", True]]
        (marks,) = query(influxdb.url, "SELECT kind, text_en, text_zh, person, why FROM audit WHERE kind = 'bypass'")
        assert [row[1:] for row in marks["values"]] == [
            ["bypass", "Bypass GD-03/H begins", "旁路 GD-03/H 开始", "Wang", "new head, see order 7"]]
        (open_red,) = query(influxdb.url, "SELECT count(state) FROM alarm WHERE colour = 'orange' AND event = 'raise'")
        assert open_red["values"][0][1] == 3


async def test_the_site_in_one_row(influxdb, tmp_path):
    """One of three detectors silent, two alarms, a valve whose feedback is bad, two people inside."""
    query(influxdb.url, "CREATE DATABASE davylamp")
    plain = {"gas": False, "limits": (), "low": None, "high": None, "deadman_s": None}
    esd = ShutdownVerification("esd", Text.same("ESD"), "tank_farm", Test("CMD", "==", 1), (
        Test("XV-1", "==", 1), Test("XV-2", "==", 1)), 10.0)
    place = replace(site(
        gas("GD-01"), gas("GD-02"), gas("GD-03"), replace(gas("CMD", **plain), kind="switch"),
        replace(gas("XV-1", **plain), kind="switch"), replace(gas("XV-2", **plain), kind="switch"),
        replace(gas("PEOPLE", **plain), kind="head_count", headcount=HeadCount(9)),
        replace(gas("CAM", **plain), kind="video_fps"), rules=(esd,)),
        latitude=39.9, longitude=116.4, contact="值班 12345")
    quality = [Quality.GOOD] * 5 + [Quality.BAD_DEVICE] + [Quality.GOOD] * 2
    async with living(place, tmp_path) as house, house.sending(influxdb.url):
        await house.poll(1.0, 45.0, 1.0, 0, 0, 0, 2, 25, quality=quality)
        for _ in range(6):
            await house.poll(1.0, 45.0)
        await house.keep()
        await until(lambda: query(influxdb.url, "SELECT * FROM site"))
        (series,) = query(influxdb.url, "SELECT * FROM site")
        found = dict(zip(series["columns"], series["values"][0], strict=True))
        standing = [view.definition.risk for view in house.alarms.views() if view.active]
        assert found == {
            "time": START * NS, "site": "depot-01", "risk": 4, "red": 1, "orange": standing.count("orange"),
            "yellow": standing.count("yellow"), "blue": standing.count("blue"), "unacknowledged": len(standing),
            "signals": 8, "signals_online": 6, "devices": 0, "devices_online": 0, "online_ratio": 1, "video": 2,
            "gas": 1, "shutoff": 1, "people": 2, "name_en": "North depot", "name_zh": "北油库", "latitude": 39.9,
            "longitude": 116.4, "contact": "值班 12345"}
        assert standing.count("orange") >= 2  # GD-02/H, GD-03 silent
        (names,) = query(influxdb.url, "SELECT name_zh, unit, hh, h FROM signal WHERE signal = 'GD-02'")
        assert names["values"][0][1:] == ["可燃气体", "%LEL", 40, 20]
        (own,) = query(influxdb.url, "SELECT version, hung FROM gateway")
        assert own["values"][0][1:] == ["1", False]


async def test_each_hour_has_its_figures_and_one_in_which_the_gateway_was_off_has_none(tmp_path):
    """On for an hour and a moment, then off for two hours."""
    clock = ManualClock(wall_ns=START * NS)
    async with living(SITE, tmp_path, clock) as house:
        await house.keep()
        await house.poll(25.0, 1.0, 1.0)
        await house.journalled(1)
        await house.alarms.acknowledge("GD-01/H", "Li")
        await house.quiet(1800)
        await house.keep()  # GD-01 and GD-02 are silent by now
        standing = sum(view.active for view in house.alarms.views())
        await house.quiet(1800)
        await house.keep()
        await house.journalled(4)
    clock.advance(2 * 3600)
    async with living(SITE, tmp_path, clock) as house:
        await house.alarms.figures_known()
        await house.keep()
        await house.keep()
        rows = house.archive.rows("kpi", 0, 2**62)
    assert [row.wall_ns // NS - START for row in rows] == [0, 3600]
    first = rows[0].fields
    assert first["alarms"] == standing == first["standing"] and first["answered"] == 1 and first["bypassed"] == 0
    assert first["unacknowledged"] == standing - 1
    assert first["minutes"] == 60 and first["average"] == pytest.approx(standing / 6)
    assert first["online_ratio"] == pytest.approx(1)
    assert "standing" not in rows[1].fields  # nobody looked at its end
    assert rows[1].fields["minutes"] == 1


@pytest.mark.survives("the disk of the archive of minutes can not be written",
                      then="gateway/store stands; nothing is counted, nothing is lost, and all is counted afterwards",
                      says=Text("the archive of minutes can not be used: …", "分钟数据文件无法使用：…"))
async def test_a_disk_that_refuses_minutes_gets_them_later(tmp_path, says):
    async with living(SITE, tmp_path) as house:
        (tmp_path / "minutes.db").mkdir()  # nothing can be opened there
        await house.poll(5.0)
        await house.quiet(60)
        await house.keep()
        assert house.historian.trouble is not None
        assert says(house.historian.trouble)
        (tmp_path / "minutes.db").rmdir()
        await house.keep()
        assert house.historian.trouble is None and counted(house) == {(0, "GD-01"): (1, 0, 5.0, 5.0)}


async def test_a_new_journal_is_sent_from_its_beginning(tmp_path):
    """The alarm file was damaged and set aside: its positions begin anew."""
    async with living(SITE, tmp_path) as house:
        await house.poll(25.0)
        await house.journalled(1)
        await house.keep()
        stream, *_ = streams("influx", house.archive, house.site, tmp_path / "alarms.db", 1000)
        house.archive.advance("influx/journal", 900)
        parcel = await asyncio.wait_for(stream.take(), 10)
        assert parcel.lines.startswith(b"alarm,alarm=GD-01/H")
        parcel.done()
        assert house.archive.cursor("influx/journal") == 1


async def test_a_row_that_was_tampered_with_is_a_mark_and_ends_nothing(tmp_path):
    for body in ("{", "[]", json.dumps({"event": "raise"}), "\udcff"):
        told = lines(SITE, chain.Row(7, "transition", "GD-01/H", START * NS, body, b""))
        assert told.startswith(b"audit,kind=unreadable,site=depot-01 ") and b"position=7i" in told


@pytest.mark.parametrize("body", ["{", "[]", '{"act": "unset"}', '{"act": "arrived", "stretches": [1]}'])
def test_a_row_about_the_clock_that_was_tampered_with_ends_nothing(tmp_path, body):
    ledger, path = AlarmLedger(tmp_path / "alarms.db"), tmp_path / "alarms.db"
    ledger.open()
    ledger.commit(Work(records=[Record("clock", "", START * NS, {"act": "unset", "line_ns": 0})]))
    ledger.close()
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("INSERT INTO journal VALUES (2, 'clock', '', 0, ?, x'00')", (body,))
    times = Times(path)
    assert times.read() == times.read() == (Stretch(1, None, 0),)


def test_who_was_let_in_is_a_mark_in_both_languages():
    body = json.dumps({"act": "account added", "by": "root"})
    told = lines(SITE, chain.Row(8, "access", "li.wei", START * NS, body, b"")).decode()
    assert 'text_en="Access li.wei account added"' in told and 'text_zh="访问控制 li.wei 添加账户"' in told
    assert 'person="root"' in told


@pytest.mark.parametrize("act", ["logged in", "logged out", "log-in refused", "log-in held back", "token refused",
                                 "account removed", "role changed", "password changed", "token made", "token revoked"])
def test_no_act_of_access_is_english_in_chinese(act):
    told = lines(SITE, chain.Row(8, "access", "li", START * NS, json.dumps({"act": act}), b"")).decode()
    assert act not in told.partition("text_zh=")[2]


def test_minutes_are_encoded_as_they_are():
    frame = Frame.of([0, 0, 1], [0.1, 0.2, np.nan], Instant(0, START * NS), [0, 0x41, Quality.BAD_SENSOR])
    assert MinuteEncoder("depot", SITE.signals).encode(Minutes.of(frame)).decode().splitlines() == [
        "telemetry_1m,area=tank_farm,kind=combustible_gas,signal=GD-01,site=depot "
        f"mean={(0.1 + 0.2) / 2!r},min=0.1,max=0.2,last=0.2,count=2i,bad=0i,quality=65i {START * NS}",
        "telemetry_1m,area=tank_farm,kind=combustible_gas,signal=GD-02,site=depot "
        f"count=0i,bad=1i,quality=131i {START * NS}"]


async def test_passes_at_once_count_once(tmp_path):
    async with living(SITE, tmp_path) as house:
        for second in range(1, 31):
            await house.poll(second)
        await house.quiet(60)
        await house.keep()
        await house.poll(99.0, wall_s=5)
        await house.quiet(60)
        await asyncio.gather(*(house.keep() for _ in range(4)))
        assert counted(house) == {(0, "GD-01"): (31, 0, 1.0, 99.0)}


@pytest.mark.survives("a gateway whose clock was never set is years ahead",
                      then="no minute is deleted for its age while the clock is not trusted")
async def test_a_clock_that_is_not_trusted_deletes_nothing(tmp_path):
    clock = ManualClock(wall_ns=START * NS)
    async with living(SITE, tmp_path, clock) as house:
        await house.poll(5.0)
        await house.quiet(60)
        await house.keep()
    ahead = ManualClock(wall_ns=(START + 20 * 365 * 86_400) * NS, line_ns=clock.now().line_ns, trusted=False)
    async with living(SITE, tmp_path, ahead) as house:
        await house.keep()
        assert counted(house)[0, "GD-01"] == (1, 0, 5.0, 5.0)
        ahead.trust(True)
        house.clock.advance(3600)
        await house.keep()
        assert not counted(house)


async def test_a_row_of_another_version_does_not_stop_those_behind_it(tmp_path):
    async with living(SITE, tmp_path) as house:
        await house.keep()
        house.archive.add(Minutes.empty(), 0, [Row("site", START * NS, {"site": "a"}, {"was": 1}),
                                               Row("kpi", START * NS, {"site": "a"}, {"gone": 1})])
        await house.keep()
        _, rows, _ = streams("influx", house.archive, house.site, tmp_path / "alarms.db", 1000)
        parcel = await asyncio.wait_for(rows.take(), 10)
        told = [line.partition(b",")[0] for line in parcel.lines.splitlines()]
        assert told.count(b"site") == 1 and told.count(b"gateway") == 1 and b"kpi" not in told
        parcel.done()
        assert house.archive.cursor("influx/rows") == house.archive.newest()[1]

"""The panels over a whole story of the simulated depot, as the gateway itself wrote it: alarms, strokes, findings,
marks and figures of an hour, too. What is expected follows from what the instruments said and from the site file."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from gateway.model.clock import NS
from gateway.model.quality import Quality
from grafana.boards.catalogue import BOARDS
from tests import servers
from tests.grafana import story
from tests.grafana.field import Field
from tests.grafana.shift import BEGINS, told
from tests.grafana.shown import Office, Shown, boards
from tests.test_timekeeping import Machine

SITE = "depot"
DRAWN = boards("en")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """The database after the story, and what the instruments said in it."""
    folder = tmp_path_factory.mktemp("shift")
    with servers.influxdb1(folder) as server, servers.mosquitto(folder) as broker:
        story.create(server.url)
        story.put(server.url, [f"gateway,site=x uptime_s=1 {BEGINS - story.DAY}"])  # until the policy is known
        with pytest.MonkeyPatch.context() as patch:
            shift = asyncio.run(_told(folder, server.url, broker.port, Machine(patch)))
        yield server, shift


async def _told(folder, url: str, broker: int, machine: Machine) -> Field:
    async with told(folder, url, broker, machine) as shift:
        await shift.sent()
    return shift


@pytest.fixture
def see(place):
    """A panel as the office sees it a minute after the full hour, or `later` seconds."""
    def look(board: str, key: str, later: int = 0, **chosen: str):
        chosen = {"site": ".*" if board in ("overview", "fleet") else SITE, "signal": ".*", "zone": "Asia/Shanghai",
                  "raw": "davylamp_raw"} | chosen
        number = [panel.key for one in BOARDS if one.name == board for panel in one.panels].index(key)
        return Shown(DRAWN[board]["panels"][number], DRAWN[board]["time"]["from"]).see(
            Office(place[0].url, story.END + 60 + later, chosen))
    return look


@pytest.fixture
def shift(place) -> Field:
    return place[1]


def near(expected: dict[str, dict[int, float]]):
    return {name: pytest.approx(points) for name, points in expected.items()}


def test_the_story(shift):
    """What the expected numbers below are worked from."""
    raised = shift.raised
    assert set(raised) == {
        "GD-03/ROC+", "GD-03/H", "GD-03/HH", "esd-north", "work-without-video-pump", "GD-06/deadman",
        "loading_bay/blind", "stop-order", "GD-01/invalid", "GD-01/deadman", "tank-farm-gas/degraded"}
    assert raised["GD-03/HH"] == shift.first("GD-03", 40) < shift.first("ESD.cmd", 1) == raised["esd-north"] - 8
    assert max(raised.values()) == raised["tank-farm-gas/degraded"] < 180


def test_overview(see):
    """Of eleven alarms one is acknowledged; GD-01 can not be believed; three orange ones and a blue one stand."""
    assert see("overview", "need") == [
        (3 * 10_000 + 10 * 100, SITE, "North depot", "Wang 12345", 3, 0, 3, 10, 100, 2, 1, 2, "https://10.1.2.3")]
    assert see("overview", "open") == [0, 3, 0, 1]
    assert see("overview", "silent") == [0]
    assert see("overview", "sites") == see("overview", "urgent") == [1]
    assert see("overview", "contact") == [(0, SITE, "North depot", "Wang 12345")]
    assert see("overview", "loudest") == [(SITE, 11)]
    assert list(see("overview", "days")["alarms"].values()) == [11]
    assert [(row["latitude"], row["longitude"], row["risk"]) for row in see("overview", "map")] == [(39.9, 116.4, 3)]


def test_a_site_that_stops_reporting(see):
    (row,) = see("overview", "need", later=360)
    assert row[:5] == (1_000_000_000, SITE, "North depot", "Wang 12345", None)
    assert see("overview", "silent", later=360) == [1]
    assert see("overview", "online", later=360) == [0]
    assert see("fleet", "reporting", later=360) == []


def test_site(see, shift):
    assert see("site", "systems") == [2, 1, 2]
    assert see("site", "risk") == [3]
    assert see("site", "wait") == [10]
    assert see("site", "people") == [2]
    assert see("site", "load") == [2]
    alarms = see("site", "alarms")  # all but the one that was acknowledged and is over
    assert {(row[0], row[6]) for row in alarms if row[4]} == {
        ("P2", "GD-01"), ("P2", "stop-order"), ("P3", "tank-farm-gas")}
    assert len(alarms) == 10 and not any(row[5] for row in alarms)
    work = see("site", "work")
    assert work["people"] == {6: 2, 5: 0, 4: 2, 3: 2, 2: 2, 1: 2, 0: 2}  # nobody from 95 to 145 s
    assert work["load"] == {6: 2, 5: 0, 4: 2, 3: 2, 2: 2, 1: 2, 0: 2}  # the pump stood from 95 to 140 s


def test_gas(see, shift):
    assert see("gas", "raised") == [3]  # of GD-03: its pace, level 1, level 2
    assert see("gas", "combustible") == near(
        {name: shift.minutes(np.nanmax, name) for name in (f"GD-{n:02}" for n in range(1, 7))}
        | {"H": dict.fromkeys(range(7), 20), "HH": dict.fromkeys(range(7), 40)})
    read = np.array(shift.said["GD-03"][:359])
    assert see("gas", "highest")[0] == ("GD-03", "Detector bund drain", pytest.approx(read.max()),
                                        pytest.approx(read.min()), "%LEL", 20, 40, 100)
    assert [row[1:3] for row in see("gas", "faults")] == [("GD-01", "invalid"), ("GD-01", "deadman")]


def test_valves(see, shift):
    """XV-102 takes 22 s where 8 are allowed."""
    took = shift.first("XV-102.closed", 1) - shift.first("ESD.cmd", 1)
    assert 8 < took < 30
    assert see("valves", "failed") == [1]
    assert see("valves", "strokes") == [1]
    assert see("valves", "slowest") == [took]
    assert see("valves", "log") == see("valves", "proofs") == [(5, "esd-north", "late", False, took, False)]
    assert see("valves", "positions") == near(
        {name: shift.minutes(np.nanmin, name) for name in ("XV-101.pos", "XV-102.pos")})
    assert [row[1:4] for row in see("valves", "alarms")] == [
        ("P1", "North shut-down: valves not seen to close", "esd-north")]


def test_work(see, shift):
    assert see("work", "violations") == [1] and see("work", "interlocks") == []
    assert see("work", "most") == [2]
    assert see("work", "frames") == near(
        {name: shift.minutes(np.nanmin, name) for name in ("CAM-pump.fps", "CAM-tank.fps")})
    assert see("work", "frames")["CAM-pump.fps"][5] == 0
    assert see("work", "people")["PUMP.persons"] == shift.minutes(np.nanmax, "PUMP.persons")
    assert [row[:4:3] for row in see("work", "alarms")] == [(3, "stop-order"), (4, "work-without-video-pump")]


def test_switches(see, shift):
    switches = [signal.id for signal in shift.site.signals if signal.kind == "switch"]
    assert see("site", "switches") == see("valves", "switches") == near(
        {name: shift.minutes(np.nanmax, name) for name in switches})


def test_load(see, shift):
    assert see("load", "violations") == [1]  # the stop order; not the work without video
    assert see("load", "states") == {"P-101.state": dict.fromkeys(range(1, 7), 2)}
    assert see("load", "power")["P-101.P"] == pytest.approx(shift.minutes(np.nanmean, "P-101.P"))
    assert see("load", "current") == near({"P-101.I": shift.minutes(np.nanmax, "P-101.I"),
                                           "H": dict.fromkeys(range(7), 60)})
    assert see("load", "alarms")[0][2] == "P-101 runs against the stop order"


def test_sensors(see):
    """GD-01 has no sensor from 161 s on, the device of GD-06 is dead from 75 to 95 s."""
    assert see("sensors", "silent") == [2]
    assert see("sensors", "worst")[:3] == [
        ("GD-01", "Detector T-101 north", 199, pytest.approx(160 * 100 / 359)),
        ("GD-06", "Detector loading bay", 20, pytest.approx(339 * 100 / 359)),
        ("GD-06.status", "Detector GD-06 status", 20, pytest.approx(339 * 100 / 359))]
    assert see("sensors", "quality")["GD-01"] == {6: 0, 5: 0} | dict.fromkeys(range(1, 5), Quality.BAD_SENSOR)
    assert sorted(row[:4] for row in see("sensors", "log")) == [
        (3, "GD-01", "deadman", True), (3, "GD-01", "invalid", True),
        (4, "GD-06", "deadman", False), (4, "GD-06", "deadman", True)]


def test_alarm_performance(see, shift):
    """The hour of which the gateway saw five minutes."""
    assert see("alarms", "count") == [11]
    assert see("alarms", "hours") == {"alarms": {61: 11}}
    assert see("alarms", "average") == [11]  # no time is shorter than ten minutes
    assert see("alarms", "priorities") == [3, 6, 2, 0]
    assert see("alarms", "peak") == [11]
    assert see("alarms", "answer") == [30]
    assert see("alarms", "flood") == [pytest.approx((300 - shift.raised["tank-farm-gas/degraded"]) / 60)]
    assert see("alarms", "now") == [4, 10, 0, 0, 1, 0, 0, 0]
    assert {row[0] for row in see("alarms", "actors")} == set(shift.raised)


def test_signal(see, shift):
    curve = see("signal", "curve", signal="GD-03")
    assert curve == near({name: shift.minutes(function, "GD-03") for name, function in (
        ("mean", np.nanmean), ("lowest", np.nanmin), ("highest", np.nanmax))}
        | {"H": dict.fromkeys(range(7), 20), "HH": dict.fromkeys(range(7), 40)})
    samples = see("signal", "samples", signal="GD-03")["value"]
    assert samples == pytest.approx(shift.minutes(np.nanmean, "GD-03") | {0: shift.said["GD-03"][-1]})
    read, raised = shift.said["GD-03"], shift.raised
    assert [(row[1], row[4]) for row in see("signal", "alarms", signal="GD-03")[:2]] == [
        ("P1", read[raised["GD-03/HH"] - 1]), ("P2", read[raised["GD-03/H"] - 1])]


def test_fleet(see, shift):
    """What the gateway wrote down of itself."""
    own = {6 - (row.wall_ns // NS - BEGINS) // 60: row.fields for row in shift.own}

    def told(field: str) -> dict[int, float]:
        return {before: fields[field] for before, fields in own.items()}

    def pace(field: str, per: float) -> dict[int, float]:
        """Since the minute before."""
        return {before: (own[before][field] - own[before + 1][field]) / 60 * per for before in own if before + 1 in own}

    assert see("fleet", "reporting") == [1]
    assert see("fleet", "clock") == see("fleet", "faults") == see("fleet", "hung") == see("fleet", "full") == []
    assert [(row[1], *row[5:10], row[12]) for row in see("fleet", "list")] == [(SITE, False, 0, 0, 0, 0, 0)]
    assert see("fleet", "list")[0][4] == pytest.approx(360)  # runs for
    assert see("fleet", "lag") == {SITE: told("lag_samples")}
    assert see("fleet", "waiting") == {SITE: told("waiting")}
    assert see("fleet", "disk") == {SITE: told("disk_free_bytes")}
    assert see("fleet", "memory") == {SITE: told("rss_bytes")}
    assert see("fleet", "cpu") == near({SITE: pace("cpu_s", 100)})
    assert see("fleet", "wear") == near({SITE: pace("bytes_written", 1)})


def test_marks(place, shift):
    """On curves: what was set anew since the last start, and the bypass."""
    (mark,) = (one for one in DRAWN["gas"]["annotations"]["list"] if one["name"] == "Bypasses, settings, drills")
    (marks,) = Office(place[0].url, story.END + 60, {"site": SITE}).ask(mark["target"]["query"], 3600)
    at = marks["columns"].index(mark["target"]["textColumn"])
    assert [(values[0] - BEGINS, values[at]) for values in marks["values"]] == [
        (0, "Site file changed first start"), (0, "Gateway stopped in good order"),
        (0, "Site file changed P-101.I/H"), (160, "Bypass GD-05/H begins"),
        (shift.raised["tank-farm-gas/degraded"], "Alarm flood begins")]  # the eleventh

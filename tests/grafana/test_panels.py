"""Every query of every panel asks a real InfluxDB that holds the story, and must give the numbers that follow."""

from __future__ import annotations

import re
import time
from contextlib import contextmanager
from dataclasses import replace

import pytest

from grafana.boards.catalogue import BOARDS
from tests import servers
from tests.grafana import filled, story
from tests.grafana.expected import EXPECTED
from tests.grafana.shown import Office, Shown, boards

survives = pytest.mark.survives
PANELS = [(board.name, number, panel.key) for board in BOARDS for number, panel in enumerate(board.panels)]
ENGLISH, CHINESE = boards("en"), boards("zh")


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    with servers.influxdb1(tmp_path_factory.mktemp("influxdb")) as server:
        story.tell(server.url)
        yield server


def office(database, board: str) -> Office:
    return Office(
        database.url,
        story.END,
        {
            "site": ".*" if board == "fleet" else story.DEPOT,
            "zone": "Asia/Shanghai",
            "raw": "davylamp_raw",
            "signal": "GD-01" if board == "signal" else ".*",
        },
    )


def see(office: Office, found: dict[str, dict], board: str, number: int):
    shown = Shown(found[board]["panels"][number], found[board]["time"]["from"])
    seen = shown.see(office, "1m" if board == "fleet" else "10m")
    if shown.panel["type"] == "geomap":
        return {(row["site"], row["latitude"], row["longitude"], row["risk"]) for row in seen}
    return seen


def near(expected):
    """Equal, but for the last digits of floats."""
    if isinstance(expected, dict):
        return {key: near(value) for key, value in expected.items()}
    if isinstance(expected, list):
        return [near(value) for value in expected]
    if isinstance(expected, tuple):
        return tuple(near(value) for value in expected)
    return pytest.approx(expected) if isinstance(expected, float) else expected


@pytest.mark.parametrize(("board", "number", "key"), PANELS, ids=lambda value: str(value))
def test_a_panel_shows_what_happened(database, board, number, key):
    assert see(office(database, board), ENGLISH, board, number) == near(EXPECTED[board][key])


def test_every_panel_has_an_expected_answer():
    assert {(board, key) for board, _, key in PANELS} == {
        (board, key) for board, keys in EXPECTED.items() for key in keys
    }


def test_every_panel_is_proved_by_the_rows_of_a_gateway_or_it_is_said_why_not():
    assert set(filled.PANELS) == filled.DEPOT | {*filled.WORKS, *filled.CONTRACT}
    assert not filled.CONTRACT.keys() & (filled.DEPOT | {*filled.WORKS})
    assert filled.PARTLY.keys() <= filled.DEPOT


def test_the_chinese_dashboards_ask_the_same_questions_of_the_chinese_columns(database):
    for board, number, _ in PANELS:
        english, chinese = (found[board]["panels"][number] for found in (ENGLISH, CHINESE))
        asked = [re.sub(r"(name|text)_en", r"\1_zh", target["query"]) for target in english["targets"]]
        assert [target["query"] for target in chinese["targets"]] == asked
    at = [panel.key for panel in BOARDS[0].panels].index("need")
    rows = see(office(database, "overview"), CHINESE, "overview", at)
    assert [row[2] for row in rows] == ["静默站", "北站油库", "北厂"]


def test_lists_of_choices_are_those_of_the_site(database):
    def values(board: str, name: str, **chosen) -> list[str]:
        (variable,) = (one for one in ENGLISH[board]["templating"]["list"] if one["name"] == name)
        here = Office(database.url, story.END, chosen)
        return [value for series in here.ask(variable["query"], 60) for _, value in series["values"]]

    assert values("site", "site") == [story.DEPOT, story.MUTE, story.ODD]
    assert values("fleet", "site") == [story.DEPOT, story.ODD]
    assert set(values("gas", "signal", site=story.DEPOT)) == {"GD-01", "GD-02", "TX-01", "CO-01", "O2-01", "CH4-01"}
    assert set(values("signal", "signal", site=story.DEPOT)) == {*story.SIGNALS, "P-101.E"}


@survives(
    "tag values with spaces, commas, equals signs, emoji and Chinese in a dashboard's variable",
    then="exactly that site and that signal are shown",
)
def test_a_site_with_an_odd_name_is_found_by_it(database):
    here = replace(
        office(database, "gas"),
        chosen={"site": story.ODD, "signal": "罐 1, a=b", "zone": "Asia/Shanghai", "raw": "davylamp_raw"},
    )
    at = [panel.key for panel in BOARDS[2].panels].index("combustible")
    assert see(here, ENGLISH, "gas", at) == {"罐 1, a=b": {10: 70}}


def test_alarms_and_acts_are_marked_on_curves(database):
    def marks(board: str, name: str) -> list[tuple]:
        (mark,) = (one for one in ENGLISH[board]["annotations"]["list"] if one["name"] == name)
        target = mark["target"]
        return [
            ((story.END - values[0]) // 60, dict(zip(series["columns"], values, strict=True))[target["textColumn"]])
            for series in office(database, board).ask(target["query"], 6 * 3600)
            for values in series["values"]
        ]

    urgent = [
        (100, "GD-02/H alarm"),
        (90, "esd-north alarm"),
        (35, "no-video alarm"),
        (31, "no-video alarm"),
        (12, "GD-01/H alarm"),
        (10, "GD-01/HH alarm"),
    ]  # no drill
    assert marks("site", "Red and orange alarms") == urgent
    assert marks("site", "Yellow and blue alarms") == [
        (110, "esd-north/overdue alarm"),
        (19, "PUMP.persons/full alarm"),
    ]
    assert marks("signal", "Red and orange alarms") == [(12, "GD-01/H alarm"), (10, "GD-01/HH alarm")]
    assert marks("gas", "Bypasses, settings, drills") == [(80, "GD-02 bypassed")]


@survives(
    "a site that stops reporting",
    then="5 minutes later it is first in the overview as SILENT, with whom to call; its last figures are not shown as "
    "if they were of now, and its devices count as offline",
)
def test_a_site_that_stops_reporting_is_first(database):
    later = replace(office(database, "overview"), end=story.END + 6 * 60)
    keys = [panel.key for panel in BOARDS[0].panels]
    rows = see(later, ENGLISH, "overview", keys.index("need"))
    assert [row[0] for row in rows] == [1_000_000_000] * 3 and {row[4] for row in rows} == {None}
    assert see(later, ENGLISH, "overview", keys.index("silent")) == [3]
    assert see(later, ENGLISH, "overview", keys.index("online")) == [0]
    assert see(later, ENGLISH, "overview", keys.index("open")) == []


@contextmanager
def server_with(tmp_path, lines: list[str]):
    """An InfluxDB that holds these rows and no others."""
    with servers.influxdb1(tmp_path) as server:
        story.create(server.url)
        story.put(server.url, lines)
        yield server


def minute_by_minute(site: str, end: int) -> list[str]:
    return [
        line
        for second in range(end - 3 * 3600, end, 60)
        for line in (
            f'site,site={site} risk=0i,devices=1i,devices_online=1i,red=0i,name_en="{site}",contact="Li" {second}',
            f"gateway,site={site} uptime_s=1 {second}",
        )
    ]


@survives(
    "a gateway whose clock is two hours slow",
    then="it stands first in the overview as SILENT: what it says is not of now",
)
def test_a_slow_clock_is_not_taken_for_now(tmp_path):
    lines = minute_by_minute("right", story.END) + minute_by_minute("slow", story.END - 7200)
    with server_with(tmp_path, lines) as server:
        keys = [panel.key for panel in BOARDS[0].panels]
        assert see(office(server, "overview"), ENGLISH, "overview", keys.index("contact"))[0][:2] == (121, "slow")
        assert see(office(server, "overview"), ENGLISH, "overview", keys.index("silent")) == [1]


@survives(
    "a gateway whose clock is two hours fast",
    then="fleet health counts its clock as ahead, and Grafana's own alert rule says so",
)
def test_a_fast_clock_is_counted(tmp_path):
    now = int(time.time())
    with server_with(tmp_path, minute_by_minute("right", now) + minute_by_minute("fast", now + 7200)) as server:
        keys = [panel.key for panel in BOARDS[8].panels]
        assert see(office(server, "fleet"), ENGLISH, "fleet", keys.index("ahead")) == [1]

"""The panels over a day of the second site, as its gateway wrote it."""

from __future__ import annotations

import asyncio

import pytest

from grafana.boards.catalogue import BOARDS
from tests import servers
from tests.grafana import story
from tests.grafana.shown import Office, Shown, boards
from tests.grafana.works.day import lived
from tests.test_timekeeping import Machine

DRAWN = boards("en")


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    folder = tmp_path_factory.mktemp("works")
    with servers.influxdb1(folder) as server:
        story.create(server.url)
        story.put(server.url, [f"gateway,site=x uptime_s=1 {story.END - story.DAY}"])
        with pytest.MonkeyPatch.context() as patch:
            asyncio.run(_lived(folder, server.url, Machine(patch)))
        yield server


async def _lived(folder, url: str, machine: Machine) -> None:
    async with lived(folder, url, machine) as (_, today):
        await today.sent()


def see(database, board: str, key: str):
    number = [panel.key for one in BOARDS if one.name == board for panel in one.panels].index(key)
    office = Office(database.url, story.END + 60,
                    {"site": "works", "signal": ".*", "zone": "Asia/Shanghai", "raw": "davylamp_raw"})
    return Shown(DRAWN[board]["panels"][number], DRAWN[board]["time"]["from"]).see(office)


def test_a_bump_test_of_a_gas_head_is_no_stroke_of_a_valve(database):
    assert see(database, "valves", "strokes") == see(database, "valves", "slowest") == []
    assert see(database, "valves", "log") == see(database, "valves", "proofs") == see(database, "site", "proofs") == []


def test_the_current_of_a_mill_is_no_gas(database):
    assert [row[6] for row in see(database, "gas", "alarms")] == ["TX-01", "O2-01", "CH4-01"]


def test_six_people_where_four_may_be_are_one_crowd(database):
    """Not two, for as many as the limit is announced with them."""
    assert see(database, "work", "crowds") == [1]

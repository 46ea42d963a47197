"""The panels over a day of the second site, as its gateway wrote it: toxic gas, oxygen, methane, leaking current, head-
counts, instruments that fail, shelving, suppression, a drill."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from grafana.boards.catalogue import BOARDS
from tests import servers
from tests.grafana import story
from tests.grafana.filled import WORKS
from tests.grafana.shown import Office, Shown, boards
from tests.grafana.works.answers import expected
from tests.grafana.works.day import lived
from tests.test_timekeeping import Machine

DRAWN = boards("en")


@pytest.fixture(scope="module")
def day(tmp_path_factory):
    """The database, the day, and what every panel must show of it."""
    folder = tmp_path_factory.mktemp("works")
    with servers.influxdb1(folder) as server:
        story.create(server.url)
        story.put(server.url, [f"gateway,site=x uptime_s=1 {story.END - story.DAY}"])
        with pytest.MonkeyPatch.context() as patch:
            yesterday, today, rows = asyncio.run(_lived(folder / "data", server.url, Machine(patch)))
        yield server, today, expected(yesterday, today, rows)


async def _lived(folder, url: str, machine: Machine):
    async with lived(folder, url, machine) as (yesterday, today):
        await today.sent()
        return yesterday, today, (await today.alarms.history(5000))[::-1]


def near(value):
    """Rows in any order; registers hold 32 bits."""
    if isinstance(value, dict):
        return {name: pytest.approx(points, rel=1e-5, abs=1e-6) for name, points in value.items()}
    return [pytest.approx(row, rel=1e-5, abs=1e-6) if isinstance(row, int | float) else
            tuple(pytest.approx(cell, rel=1e-5, abs=1e-6) if isinstance(cell, float) else cell for cell in row)
            for row in sorted(value, key=repr)]


@pytest.mark.parametrize(("board", "key"), WORKS)
def test_a_panel_shows_what_happened(day, board, key):
    server, _, must = day
    number = [panel.key for one in BOARDS if one.name == board for panel in one.panels].index(key)
    chosen = {"site": "works", "signal": "GD-21" if board == "signal" else ".*", "zone": "Asia/Shanghai",
              "raw": "davylamp_raw"}
    seen = Shown(DRAWN[board]["panels"][number], DRAWN[board]["time"]["from"]).see(
        Office(server.url, story.END + 60, chosen))
    assert (seen if isinstance(seen, dict) else sorted(seen, key=repr)) == near(must[board][key])


def test_the_day(day):
    """When each alarm had to come, by what the plant gave: the numbers of the panels are worked from these."""
    _, today, _ = day
    o2, co, ch4 = (np.array(today.said[name]) for name in ("O2-01", "CO-01", "CH4-01"))
    below = co < -6  # 2 % of its range; three means in a row, of which the last is over with the next reading
    assert {alarm: second for alarm, second in today.raised.items()
            if alarm != "GD-21/wrapped" and not alarm.startswith("drill/")} == {
        "TX-01/H": 1, "bump-GD-21/overdue": 1, "bump-GD-22/overdue": 1,  # since yesterday, and since half a day
        "GD-22/inhibit": 21, "O2-01/L": int(np.argmax(o2 <= 19.5)) + 1,
        "HALL.persons/headcount": 161 + 5, "HALL.persons/full": 161 + 5, "CH4-01/H": today.first("CH4-01", 1.0),
        "CH4-01/stuck": next(at for at in range(30, 720) if len({*ch4[at - 30:at]}) == 1),
        "CO-01/drift": int(np.argmax(below[:-2] & below[1:-1] & below[2:])) + 1 + 3,
        "RC-01/H": 331 + 3, "GD-21/inhibit": 341, "bump-GD-21": 341 + 15, "RC-01/spike": 382,  # back after one read
        "RC-01/dropout": today.raised["RC-01/dropout"], "P-201.I/L": 441 + 5}
    assert 418 < today.raised["RC-01/dropout"] <= 421, "in the fourth outage: three lost reads each, less what drained"
    assert 250 + 40 < today.raised["GD-21/wrapped"] <= 250 + 2 * 48, "within two windows"

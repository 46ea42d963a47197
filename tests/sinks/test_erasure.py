"""What is kept for a shorter time than a database keeps it: the database is asked to delete it."""

from __future__ import annotations

import json
import urllib.request
from dataclasses import replace

import pytest

from gateway.model.clock import NS, ManualClock
from gateway.model.text import Text
from gateway.sinks.erasure import Erasure
from gateway.sinks.line_protocol import escape_tag
from tests import servers
from tests.sinks.stage import SITE, START, Script, query, scripted, sending, until
from tests.sites import site

DAY_S = 86400
PEOPLE = "PEOPLE 'O\"N"  # an id can not be this; a database must not be told more than it names all the same
MINED = site(*(replace(one, id=PEOPLE, keep_s=DAY_S) if one.id == "GD-02" else one for one in SITE.signals))
NOW = ManualClock(wall_ns=START.wall_ns)
UNABLE = Text("http://127.0.0.1:… does not delete (…): samples and minutes of people stay there for longer than their "
              "`keep`. Give it a shorter retention, or the user the right to write",
              "http://127.0.0.1:… 无法删除数据（…）：人员相关样本和分钟数据的保留时间超过 `keep`。"
              "请缩短该库的保留期，或授予该用户写入权限")


def rows(url: str) -> dict[tuple[str, str, str], list[int]]:
    """Ages in days of what is there, by measurement, site and signal."""
    return {(one["name"], one["tags"]["site"], one["tags"]["signal"]):
            [round((NOW.now().wall_ns - row[0]) / NS / DAY_S, 2) for row in one["values"]]
            for one in query(url, 'SELECT value, mean FROM telemetry, telemetry_1m GROUP BY site, signal')}


@pytest.fixture
def influxdb(tmp_path):
    with servers.influxdb1(tmp_path) as server:
        query(server.url, "CREATE DATABASE davylamp")
        query(server.url, "CREATE DATABASE davylamp_raw")
        yield server


async def test_a_real_influxdb_deletes_what_is_over_and_nothing_else(influxdb, tmp_path):
    lines = "".join(
        f"{measurement},area=a,kind=k,signal={escape_tag(signal)},site={site} {field}=1 "
        f"{NOW.now().wall_ns - round(age * DAY_S) * NS}\n"
        for measurement, field in (("telemetry", "value"), ("telemetry_1m", "mean"))
        for site in (MINED.id, "other") for signal in ("GD-01", PEOPLE) for age in (3, 1.5, 0.5))
    for database in ("davylamp", "davylamp_raw"):
        urllib.request.urlopen(f"{influxdb.url}/write?db={database}", lines.encode())
    before = rows(influxdb.url)
    assert len(before) == 8 and all(ages == [3, 1.5, 0.5] for ages in before.values())
    asked = Script()
    async with sending(asked, tmp_path, erasure=Erasure(MINED, NOW), url=influxdb.url) as sink:
        await until(lambda: sum(map(len, rows(influxdb.url).values())) == 20)
        assert sink.status().online and not sink.status().reason.en
    left = rows(influxdb.url)
    assert {key: ages for key, ages in left.items() if ages != [3, 1.5, 0.5]} == {
        ("telemetry", MINED.id, PEOPLE): [0.5], ("telemetry_1m", MINED.id, PEOPLE): [0.5]}


async def test_a_v2_endpoint_is_asked_as_documented(tmp_path, monkeypatch):
    monkeypatch.setenv("TOKEN", "secret")
    with scripted(lambda lines: (204, {}, b"")) as (url, taken):
        async with sending(Script(), tmp_path, erasure=Erasure(MINED, NOW), url=url, api="v2", org="o", bucket="b",
                           token_env="TOKEN"):
            await until(lambda: len(taken) == 2)
    asked = [json.loads(body) for body in taken]
    assert {one["stop"] for one in asked} == {"2026-09-20T14:13:20Z"} and all(
        one["start"] == "1970-01-01T00:00:00Z" for one in asked)
    assert [one["predicate"] for one in asked] == [
        f'_measurement="{name}" AND site="{MINED.id}" AND signal="PEOPLE \'O\\"N"' for name in (
            "telemetry", "telemetry_1m")]


@pytest.mark.survives("a database can not delete what is kept for a shorter time (VictoriaMetrics as 1.x)",
                      then="its status says so and what to do; everything else is sent on", says=UNABLE)
async def test_a_database_that_can_not_delete_is_named(tmp_path, says):
    with servers.victoria_metrics(tmp_path) as victoria:
        async with sending(Script(), tmp_path, erasure=Erasure(MINED, NOW), url=victoria.url) as sink:
            await until(lambda: sink.status().reason.en)
            assert sink.status().online and says(sink.status().reason)


def test_a_clock_that_nobody_trusts_deletes_nothing():
    clock = ManualClock(wall_ns=START.wall_ns)
    clock.trust(False)
    assert not Erasure(MINED, clock).due()
    clock.trust(True)
    assert len(Erasure(MINED, clock).due()) == 2
    assert not Erasure(SITE, clock).asked_for

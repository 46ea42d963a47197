"""A database whose gateway hears the time late, for real: what it got marked, and what it has in the end."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest

from gateway.historian.historian import Historian
from gateway.historian.streams import streams
from gateway.model.clock import NS
from gateway.sinks.config import InfluxSettings
from gateway.sinks.influx import InfluxSink
from gateway.sinks.stream import Parcel, Samples
from gateway.store.archive import STAMPED, Archive
from gateway.timekeeping import COUNT_S, HOLD_S
from tests.historian.stage import OWN
from tests.servers import free_port
from tests.sinks.stage import query, until
from tests.test_timekeeping import HOUR, SITE, START, House, Machine, living

MINUTE_NS = 60 * NS


@asynccontextmanager
async def sending(house: House, url: str):
    """The historian and the sink of this house."""
    archive = Archive(house.folder / "minutes.db", SITE.signals)
    kept = streams("influx", archive, SITE, house.folder / "alarms.db", 10_000, lambda: house.time.holds_back)
    historian = Historian(SITE, archive, house.store, house.bank, house.alarms, house.clock, lambda now: OWN,
                          wake=tuple(stream.wake for stream in kept), told=house.time.told)
    house.pipeline.on_step.append(historian.look)
    settings = InfluxSettings(type="influx", url=url, database="davylamp", flush_interval=0.0, max_backoff=0.2)
    sink = InfluxSink(settings, Samples(settings, SITE, house.store.reader("influx")), kept, house.folder)
    task = asyncio.create_task(sink.run())

    async def keep() -> None:
        await house.durable()
        await until(lambda: not house.alarms.status().uncommitted)
        await historian.keep()

    try:
        yield SimpleNamespace(keep=keep, archive=archive)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await historian.close()


def told(url: str, measurement: str, marked: str) -> list[int]:
    """Times of its rows. marked: "true", "false"; "": all."""
    where = f" WHERE clock_untrusted = {marked}" if marked else ""
    return [row[0] for series in query(url, f"SELECT * FROM {measurement}{where}") for row in series["values"]]


@pytest.mark.survives("the time arrives after a database has got samples, alarms and rows about the site, marked (real "
                      "1.x)",
                      then="it gets all of them again where they belong, with `clock_untrusted = false`; minutes and "
                           "figures have waited, and are only where they belong")
async def test_a_database_that_was_told_the_wrong_time(influxdb, tmp_path, monkeypatch):
    query(influxdb.url, "CREATE DATABASE davylamp")
    machine = Machine(monkeypatch, off_s=-HOUR, synchronised=False)
    async with living(tmp_path, machine) as house, sending(house, influxdb.url) as database:
        await house.poll(25, 70)
        raised_ns = house.alarms.views()[0].raised_wall_ns + round(HOUR * NS)
        await database.keep()
        await asyncio.sleep(0.2)
        url = influxdb.url
        assert not told(url, "telemetry", "") + told(url, "alarm", "") + told(url, "site", "")
        machine.wait(HOLD_S)
        await house.poll(25, 2)
        await database.keep()
        await until(lambda: len(told(url, "telemetry", "true")) == 72 and told(url, "alarm", "true")
                    and len(told(url, "site", "true")) >= 2 and told(url, "audit", "true"))
        sites = told(url, "site", "true")
        assert not told(url, "telemetry_1m", "") + told(url, "kpi", "")
        machine.time_arrives()
        await house.poll(25, 70)
        await database.keep()
        await until(lambda: len(told(url, "telemetry", "false")) == 72 + 1 and raised_ns in told(url, "alarm", "false")
                    and {one + round(HOUR * NS) for one in sites} <= set(told(url, "site", ""))
                    and told(url, "site", "false") and told(url, "audit", "false"))
        true_ns = [START + n * NS for n in range(1, 71)]
        assert told(url, "telemetry", "false")[:70] == true_ns
        assert max(told(url, "site", "")) < machine.true_ns, "every minute of them, and no other"
        await until(lambda: told(url, "telemetry_1m", ""))
        assert min(told(url, "telemetry_1m", "")) == true_ns[0] // MINUTE_NS * MINUTE_NS
        ((count,),) = [[row[1] for row in series["values"]] for series in query(
            url, "SELECT sum(count) FROM telemetry_1m")]
        assert count >= 72, "each sample is counted once"
        assert not [time for time in told(url, "alarm", "true") if time in told(url, "alarm", "false")]


@pytest.mark.survives("the gateway is restarted before the time arrives",
                      then="what the life before wrote about the site gets its true time, too")
async def test_a_restart_before_the_time_arrives(tmp_path, monkeypatch):
    machine = Machine(monkeypatch, off_s=-HOUR, synchronised=False)
    away = f"http://127.0.0.1:{free_port()}"
    for _ in range(2):
        async with living(tmp_path, machine) as house, sending(house, away) as database:
            await house.poll(5, 70)
            await database.keep()
    async with living(tmp_path, machine) as house, sending(house, away) as database:
        machine.time_arrives()
        await house.poll(5, 2)
        await database.keep()
        rows = database.archive.rows_after(0, 100)
        assert len([row for row in rows if row.fields.get("clock_untrusted") is False]) >= 4
        assert not [row for row in rows if STAMPED in row.tags]


async def test_a_minute_that_is_over_before_the_others_are_put_right(tmp_path, monkeypatch):
    machine = Machine(monkeypatch, off_s=-HOUR - 30, synchronised=False)
    async with living(tmp_path, machine) as house, sending(house, f"http://127.0.0.1:{free_port()}") as database:
        await house.poll(5, 15)
        await database.keep()
        await house.poll(5, 5)
        machine.time_arrives()
        await house.poll(5, 25)
        await database.keep()
        begun = START // MINUTE_NS * MINUTE_NS
        assert machine.true_ns > begun + MINUTE_NS, "a minute has ended by the right clock"
        sites = {row.wall_ns for row in database.archive.rows("site", 0, 2**62)}
        assert {begun, begun + MINUTE_NS} <= sites and max(sites) < machine.true_ns


@pytest.mark.survives("the gateway is restarted while a database that was told the wrong time is away",
                      then="the database gets the journal again, right, when it is back")
async def test_a_restart_before_a_database_is_put_right(tmp_path, monkeypatch):
    machine = Machine(monkeypatch, off_s=-HOUR, synchronised=False)

    async def journalled(house: House, database: SimpleNamespace) -> Parcel:
        await database.keep()
        stream, *_ = streams("copy", database.archive, SITE, tmp_path / "alarms.db", 10_000)
        async with asyncio.timeout(20):
            return await stream.take()

    away = f"http://127.0.0.1:{free_port()}"
    async with living(tmp_path, machine) as house, sending(house, away) as database:
        await house.poll(25, 20)
        parcel = await journalled(house, database)
        assert b"event=raise" in parcel.lines and b"clock_untrusted=true" in parcel.lines
        parcel.done()
        machine.time_arrives()
        await house.poll(25, 2)
        assert b"clock_untrusted=false" in (await journalled(house, database)).lines  # and is not done
    async with living(tmp_path, machine) as house, sending(house, away) as database:
        raised = [line for line in (await journalled(house, database)).lines.splitlines() if b"event=raise" in line]
        assert raised and all(b"clock_untrusted=false" in line for line in raised)


async def test_minutes_do_not_wait_for_ever(influxdb, tmp_path, monkeypatch):
    query(influxdb.url, "CREATE DATABASE davylamp")
    machine = Machine(monkeypatch, off_s=-HOUR, synchronised=False)
    async with living(tmp_path, machine) as house, sending(house, influxdb.url) as database:
        await house.poll(5, 10)
        for wait_s in (HOLD_S, COUNT_S):
            machine.wait(wait_s)
            await house.poll(5, 2)
            await database.keep()
        await until(lambda: told(influxdb.url, "telemetry_1m", ""))

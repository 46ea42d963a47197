"""Whatever arrives by MQTT, the number of series is that of the site file: the whole gateway, a real broker, a real
InfluxDB."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress

import pytest

from gateway.app import Gateway, load
from gateway.model import clock
from tests.drivers.mqtt.stage import publish
from tests.sinks.stage import query, until

SITE = """
[site]
id = "north"
name = "North"
timezone = "Asia/Shanghai"

[[signals]]
id = "T-1.level"
kind = "level"
deadman = "none"

[[signals]]
id = "GD-1"
kind = "combustible_gas"
low = 0
high = 100

[[sources]]
id = "broker"
type = "mqtt"
host = "127.0.0.1"
port = {port}
topics = [
    { topic = "plant/{tank}/level", names.tank = ["T-1"], signal = "{tank}.level" },
    { topic = "batch/{head}", names.head = ["all"], names.id = ["GD-1"], signal = "{id}", samples = {} },
]

[[sinks]]
type = "influx"
url = "{url}"
database = "davylamp"
flush_interval = "0s"

[api]
port = 0
"""
TOPICS = ("T 1", "T,1", "T=1", "罐-1", "😀", "T-1\\", '"', "x" * 500, "T-1 ", "site=b,signal=c value=1 1")
WILD = (*TOPICS, "a\nb", "\u2028", "\x00", "")  # these, the broker takes in no topic


@pytest.mark.survives(
    "MQTT topics, sample ids and values with spaces, commas, equals signs, emoji, Chinese, line breaks, 500 letters",
    then="none of them becomes a tag: the series in the database are those of the site file (real 1.x)")
async def test_no_message_makes_a_series(broker, influxdb, tmp_path, monkeypatch):
    monkeypatch.setattr(clock, "kernel_clock_synchronised", lambda: True)  # or databases wait for the time
    query(influxdb.url, "CREATE DATABASE davylamp")
    file = tmp_path / "site.toml"
    file.write_text(SITE.replace("{port}", str(broker.port)).replace("{url}", influxdb.url))
    loaded = load(file)
    assert loaded.site_file is not None, loaded.problems
    served = asyncio.Event()
    gateway = Gateway(loaded.site_file, tmp_path / "data", ready=lambda url: served.set())
    task = asyncio.create_task(gateway.run())
    try:
        async with asyncio.timeout(60):
            await served.wait()
        await until(lambda: all(device.online for device in gateway.parts.field.devices()))
        await publish(broker.port, [
            *((f"plant/{wild}/level", b"3") for wild in TOPICS),
            *(("plant/T-1/level", wild.encode()) for wild in WILD),
            ("batch/all", json.dumps([{"id": wild, "v": 1.0} for wild in WILD]).encode()),
            ("batch/all", json.dumps([{"id": "GD-1", "v": wild} for wild in WILD]).encode()),
            ("plant/T-1/level", b"4.5"), ("batch/all", b'[{"id": "GD-1", "v": 7.5}]')])
        last = "SELECT last(value) FROM telemetry GROUP BY signal"
        await until(lambda: sorted(series["values"][0][1] for series in query(influxdb.url, last)) == [4.5, 7.5])
        await until(lambda: query(influxdb.url, "SELECT * FROM site"))
        for measurement in ("telemetry", "signal"):
            (series,) = query(influxdb.url, f"SHOW SERIES FROM {measurement}")
            assert sorted(row[0] for row in series["values"]) == [
                f"{measurement},area=site,kind=combustible_gas,signal=GD-1,site=north",
                f"{measurement},area=site,kind=level,signal=T-1.level,site=north"]
        await until(lambda: len(query(influxdb.url, "SHOW TAG VALUES WITH KEY = site")) > 4)
        sites = query(influxdb.url, "SHOW TAG VALUES WITH KEY = site")
        assert all(series["values"] == [["site", "north"]] for series in sites)
        known = {alarm.id for alarm in gateway.parts.site.alarms}
        alarms = query(influxdb.url, "SHOW TAG VALUES FROM alarm WITH KEY = alarm")
        assert {row[1] for series in alarms for row in series["values"]} <= known
        ((total,),) = (series["values"][0] for series in query(influxdb.url, "SHOW SERIES CARDINALITY"))
        assert 0 < total <= 3 * 2 + 5 * len(known)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

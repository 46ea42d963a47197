"""`davylamp report` as a process, for a year of 1,000 signals out of the data folder: how long it takes and how much
memory it needs, in a time zone whose days begin with a whole hour and in one whose days do not. The folder is made in
the same run (benchmarks.year): some ten gigabytes. And from InfluxDB 1.x, where it is installed, for a day.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import urllib3

from benchmarks import sites, stage, year
from gateway.data_folder import ARCHIVE_FILE
from gateway.replay import asked
from gateway.store.minutes import MINUTE_NS
from tests import servers
from tests.sinks.stage import query

LAST = "2026-09-30"  # the last day of the report
DATABASE_DAYS = 2
ZONES = {"Asia/Shanghai": "", "Asia/Kolkata": ", days that begin at half past"}


def run(quick: bool = False) -> list[dict]:
    days, period = (7, "week") if quick else (365, "year")
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="davylamp-year-") as name:
        folder = Path(name)
        path = sites.modbus_site(folder, [1502], 1_000, "float32")
        end = round(datetime(2026, 10, 1, tzinfo=UTC).timestamp()) * 10**9 // MINUTE_NS
        began = time.perf_counter()
        year.fill(folder, asked.site_file(path).site, end, days + 1)  # a day more: days begin at other times elsewhere
        made_s, size = time.perf_counter() - began, (folder / ARCHIVE_FILE).stat().st_size
        note = (f"{days} days, {size / 1e9:.1f} GB of archive, {2 * 50 * days:,} transitions of alarms; "
                f"the folder was made in {made_s / 60:.0f} min")
        rows = []
        for zone, which in ZONES.items():
            path.write_text(path.read_text().replace('timezone = "UTC"', f'timezone = "{zone}"'))
            seconds, cpu, peak = _report(path, folder, period)
            path.write_text(path.read_text().replace(f'timezone = "{zone}"', 'timezone = "UTC"'))
            limits = ("<= 120", "<= 500") if not which else (None, None)
            what = f"report of a {period}, 1,000 signals{which}"
            rows += [{"name": f"{what}: time", "value": seconds, "unit": "s", "target": limits[0], "note": note},
                     {"name": f"{what}: CPU time", "value": cpu, "unit": "s"},
                     {"name": f"{what}: memory, peak", "value": peak / 1e6, "unit": "MB", "target": limits[1],
                      "note": note}]
        rows += _from_influx(path, folder, end, 1 if quick else DATABASE_DAYS)
    return rows


def _from_influx(path: Path, folder: Path, end: int, days: int) -> list[dict]:
    """Fewer days: to write a year of minutes into a database takes hours."""
    site = asked.site_file(path).site
    with servers.influxdb1(folder) as server:
        query(server.url, "CREATE DATABASE davylamp")
        pool = urllib3.PoolManager()
        for lines in year.lines(site, end - days * 1440, end):
            reply = pool.request("POST", f"{server.url}/write?db=davylamp", body=lines)
            if reply.status != 204:
                raise RuntimeError(f"{reply.status}: {reply.data[:200]}")
        path.write_text(f'{path.read_text()}\n[[sinks]]\ntype = "influx"\nid = "influx"\nurl = "{server.url}"\n'
                        'api = "v1"\ndatabase = "davylamp"\n')
        seconds, cpu, peak = _report(path, folder, "week", "--from", "influx")
    note = f"InfluxDB 1.x on the same machine, {days} days of 1,000 signals"
    what = "report from InfluxDB, 1,000 signals"
    return [{"name": f"{what}: time for a day of data", "value": seconds / days, "unit": "s", "note": note},
            {"name": f"{what}: CPU time for a day of data", "value": cpu / days, "unit": "s", "note": note},
            {"name": f"{what}: memory, peak", "value": peak / 1e6, "unit": "MB", "note": note}]


def _report(site: Path, folder: Path, period: str, *more: str) -> tuple[float, float, int]:
    """Seconds, seconds of CPU, bytes at most."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "gateway", "report", site, "--data", folder, "--period", period, "--ending", LAST,
         "--out", folder / "report.html", *more], cwd=stage.ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    if status or not (folder / "report.html").stat().st_size:
        raise RuntimeError(f"davylamp report ended with {os.waitstatus_to_exitcode(status)}")
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024

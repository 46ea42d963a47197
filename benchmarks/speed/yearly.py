"""`davylamp report` as a process, for a year of 1,000 signals out of the data folder: how long it takes and how much
memory it needs, in a time zone whose days begin with a whole hour and in one whose days do not. The folder is made in
the same run (benchmarks.year): some ten gigabytes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import sites, stage, year
from gateway.app import ARCHIVE_FILE
from gateway.replay import asked
from gateway.store.minutes import MINUTE_NS

LAST = "2026-09-30"  # the last day of the report
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
            seconds, peak = _report(path, folder, period)
            path.write_text(path.read_text().replace(f'timezone = "{zone}"', 'timezone = "UTC"'))
            limits = ("<= 120", "<= 500") if not which else (None, None)
            what = f"report of a {period}, 1,000 signals{which}"
            rows += [{"name": f"{what}: time", "value": seconds, "unit": "s", "target": limits[0], "note": note},
                     {"name": f"{what}: memory, peak", "value": peak / 1e6, "unit": "MB", "target": limits[1],
                      "note": note}]
    return rows


def _report(site: Path, folder: Path, period: str) -> tuple[float, int]:
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "gateway", "report", site, "--data", folder, "--period", period, "--ending", LAST,
         "--out", folder / "report.html"], cwd=stage.ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    if status or not (folder / "report.html").stat().st_size:
        raise RuntimeError(f"davylamp report ended with {os.waitstatus_to_exitcode(status)}")
    return seconds, usage.ru_maxrss * 1024

"""The region overview over a month of a thousand sites: how long each of its queries takes on InfluxDB 1.x.

The dashboard's own range is the last 24 hours; the same queries over all 30 days are for somebody who picks that range.
To load 43 million rows takes half an hour and more: with DAVYLAMP_REGION=http://host:port of a database that `fill`
has filled before, only the queries run.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.region import rows
from grafana.boards.catalogue import BOARDS
from tests import servers
from tests.grafana import story
from tests.grafana.shown import Office, Shown, boards

DAY = 86_400
END = 1_795_381_200  # s; rows stop here, queries look back from here
REPEATS = 5


def run(quick: bool) -> list[dict]:
    sites, days = (50, 1) if quick else (1000, 30)
    with _filled(sites, days) as url:
        office = Office(url, END, {"zone": "Asia/Shanghai"})
        return [
            {
                "name": f"region overview, {sites} sites, {name}: {key}",
                "value": _seconds(office, panel, span),
                "unit": "s",
                "target": "<= 1",
            }
            for span, name in ((DAY, "24 hours"), (days * DAY, f"{days} days"))
            for key, panel in _queries()
        ]


def _queries() -> Iterator[tuple[str, dict]]:
    """Each query of the overview alone, as a panel of its own."""
    for panel, drawn in zip(BOARDS[0].panels, boards("en")["overview"]["panels"], strict=True):
        for target in drawn["targets"]:
            yield f"{panel.key} {target['refId']}", {**drawn, "targets": [target]}


def _seconds(office: Office, panel: dict, span: int) -> float:
    """The median of some; the first, which fills the caches of the machine, does not count."""
    shown, times = Shown(panel, f"now-{span // DAY}d"), []
    (target,) = panel["targets"]
    for _ in range(REPEATS + 1):
        started = time.perf_counter()
        office.ask(target["query"], shown.span_s, "1m" if span <= DAY else "1h")
        times.append(time.perf_counter() - started)
    return sorted(times[1:])[REPEATS // 2]


@contextmanager
def _filled(sites: int, days: int) -> Iterator[str]:
    if url := os.environ.get("DAVYLAMP_REGION"):
        yield url
        return
    with tempfile.TemporaryDirectory() as folder, servers.influxdb1(Path(folder)) as server:
        story.create(server.url)
        fill(server.url, sites, days)
        yield server.url


def fill(url: str, sites: int, days: int, end: int = END) -> int:
    """Rows written. Day by day, so that a broken load can be taken up again."""
    written = rows.write(url, rows.hours(sites, end - days * DAY, end), sites)
    for day in range(days, 0, -1):
        written += rows.write(url, rows.minutes(sites, end - day * DAY, end - (day - 1) * DAY, day), sites)
    return written

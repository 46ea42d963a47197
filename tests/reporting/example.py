"""The report of the demo story in both languages, docs/examples/report-depot.html: `python -m tests.reporting.example`.

The story is that of tests.grafana.shift: the gateway of deploy/sites/depot.toml and the simulated depot, in seconds.
"""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from gateway.config.site_file import SiteFile
from gateway.model.clock import NS
from gateway.reporting.folder import Folder
from gateway.reporting.gather import gather
from gateway.reporting.page import BOTH, render
from gateway.reporting.period import period
from tests import servers
from tests.grafana import shift, story

PAGE = Path(__file__).parents[2] / "docs/examples/report-depot.html"
CONTACT = "Duty room · 值班室 010-5555-0100, Wang Lei · 王磊"
NOW = (story.END + 60) * NS


def made(folder: Path, file: SiteFile) -> str:
    """Of a data folder in which the story was told."""
    site = replace(file.site, contact=CONTACT)
    week = period("week", datetime.fromtimestamp(story.END, site.zone).date(), site.zone)
    return render(gather(site, week, Folder(site, folder), NOW, file.alarms.operators, lambda text: None), BOTH, NOW)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with servers.influxdb1(folder) as server, servers.mosquitto(folder) as broker:
            story.create(server.url)

            async def tell() -> None:
                async with shift.told(folder, server.url, broker.port):
                    PAGE.parent.mkdir(exist_ok=True)
                    PAGE.write_text(made(folder, shift.written(folder, broker.port)), encoding="utf-8")

            asyncio.run(tell())


if __name__ == "__main__":
    main()

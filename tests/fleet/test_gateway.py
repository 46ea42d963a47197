"""A real gateway with `[centre]` is on the list."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from gateway import __version__
from gateway.config.centre import CentreSection
from gateway.fleet.asking import call
from gateway.fleet.roll import Line, roll
from tests.servers import mosquitto
from tests.test_app import Yard, running


async def test_a_gateway_reports_what_it_is(tmp_path):
    with mosquitto(tmp_path) as broker:
        centre = CentreSection(host="127.0.0.1", port=broker.port)
        more = f'\n[centre]\nhost = "127.0.0.1"\nport = {broker.port}\n'
        async with running(Yard(tmp_path, more=more)) as yard:
            await yard.until_stands("site/blind")
            async with asyncio.timeout(60):
                lines: list[Line] = []
                while not any(line.contact for line in lines):
                    lines = roll(await call(centre), "davylamp", datetime.now(UTC)).lines
            (line,) = lines
            assert (line.site, line.state) == ("yard", "online")
            report = line.report
            assert (report["version"], report["signals"], report["working"]) == (__version__, 2, True)
            assert report["digest"] == yard.site_file.origin()["sha256"]
            assert set(report["alarms"]) == {"P1", "P2", "P3", "P4"}
        (line,) = roll(await call(centre), "davylamp", datetime.now(UTC)).lines
        assert line.state == "stopped"

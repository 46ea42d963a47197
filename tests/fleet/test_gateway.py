"""A real gateway with `[centre]` is on the list."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from gateway import __version__
from gateway.config.centre import CentreSection
from gateway.fleet.asking import call
from gateway.fleet.roll import Line, roll
from tests.servers import mosquitto
from tests.test_app import Yard, running


async def reported(centre: CentreSection, look: Callable[[Mapping[str, Any]], object]) -> Line:
    """The only gateway there, as soon as its report is as it should be."""
    async with asyncio.timeout(60):
        while True:
            for line in roll(await call(centre), "davylamp", datetime.now(UTC)).lines:
                if line.contact and look(line.report):
                    return line


async def test_a_gateway_reports_what_it_is(tmp_path):
    with mosquitto(tmp_path) as broker:
        centre = CentreSection(host="127.0.0.1", port=broker.port)
        more = f'\n[centre]\nhost = "127.0.0.1"\nport = {broker.port}\nevery = "1h"\n'
        async with running(Yard(tmp_path, more=more)) as yard:
            line = await reported(centre, lambda report: True)
            assert (line.site, line.state) == ("yard", "online")
            report = line.report
            assert (report["version"], report["signals"], report["working"]) == (__version__, 2, True)
            assert report["digest"] == yard.site_file.origin()["sha256"]
            assert set(report["alarms"]) == {"P1", "P2", "P3", "P4"}
            # Within an hour nothing would be sent, but for what has changed.
            line = await reported(centre, lambda report: report["areas"] and report["unwell"])
            assert [area["id"] for area in line.report["areas"]] == ["site"]
            assert sum(line.report["alarms"].values()) == sum(line.report["colours"].values()) > 0
            assert all(set(one["name"]) == {"en", "zh"} for one in line.report["unwell"])
            await yard.until_stands("site/blind")
            blind = await reported(centre, lambda report: report["risk"] == "orange")
            await yard.gateway.parts.chain.alarms.acknowledge("site/blind", "Li", "")
            line = await reported(centre, lambda report: report["unacknowledged"] < blind.report["unacknowledged"])
            assert line.report["sequence"] > blind.report["sequence"]
        (line,) = roll(await call(centre), "davylamp", datetime.now(UTC)).lines
        assert line.state == "stopped"

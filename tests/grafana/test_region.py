"""Many sites: the rows of the benchmark, on a small scale, through the panels of the overview. How long it takes for a
thousand sites and a month is measured by `python -m benchmarks region`."""

from __future__ import annotations

from benchmarks.region import rows
from benchmarks.speed.region import DAY, fill
from grafana.boards.catalogue import BOARDS
from tests.grafana import story
from tests.grafana.shown import Office, Shown, boards

SITES = 50


def test_the_overview_of_fifty_sites_adds_up(influxdb):
    story.create(influxdb.url)
    story.put(influxdb.url, [f"gateway,site=x uptime_s=1 {story.END}"])  # until the policy is known to the writer
    assert fill(influxdb.url, SITES, 1, story.END) == SITES * (1440 + 24)
    last = b"".join(rows.minutes(SITES, story.END - DAY, story.END, 1)).splitlines()[-SITES:]
    standing = {colour: sum(b",%s=1i" % colour in line for line in last) for colour in (b"orange", b"red", b"yellow")}
    away = sum(b"devices_online=7i" in line for line in last)

    office = Office(influxdb.url, story.END, {"zone": "Asia/Shanghai"})
    seen = {
        panel.key: Shown(drawn, "now-24h").see(office)
        for panel, drawn in zip(BOARDS[0].panels, boards("en")["overview"]["panels"], strict=True)
    }
    assert seen["sites"] == [SITES] and seen["silent"] == [0]
    assert seen["open"][:3] == [standing[b"red"], standing[b"orange"], standing[b"yellow"]]
    assert seen["online"] == [100 * (SITES * 8 - away) / (SITES * 8)]
    assert len(seen["need"]) == len(seen["map"]) == len(seen["contact"]) == SITES
    assert [row[0] for row in seen["need"]] == sorted((row[0] for row in seen["need"]), reverse=True)
    assert sum(alarms for _, alarms in seen["loudest"]) == sum(seen["days"]["alarms"].values()) > 0

"""The panels over what the gateway itself writes: samples in, through bank, alarms, store, historian and sink, into a
database that `davylamp influx setup` makes, and out of the dashboards."""

from __future__ import annotations

from dataclasses import replace

from gateway.model.clock import NS, ManualClock
from gateway.model.quality import Quality
from grafana.boards.catalogue import BOARDS
from tests.grafana import story
from tests.grafana.shown import Office, Shown, boards
from tests.historian.stage import living
from tests.sinks.stage import until
from tests.sites import gas, site

PLACE = replace(
    site(gas("GD-01"), gas("GD-02"), gas("GD-03", deadman_s=3600.0)),
    latitude=39.9,
    longitude=116.4,
    contact="值班 12345",
)
BOARD = {board.name: board for board in BOARDS}


async def test_the_gateway_fills_the_panels(influxdb, tmp_path, monkeypatch):
    """A minute in which GD-02 rises to 45 %LEL, GD-03 gives a bad value; then two quiet minutes."""
    story.create(influxdb.url)
    story.put(influxdb.url, [f"gateway,site=x uptime_s=1 {story.END}"])
    started = story.END - 3600
    monkeypatch.setattr("tests.historian.stage.START", started)
    async with (
        living(PLACE, tmp_path, ManualClock(wall_ns=started * NS)) as house,
        house.sending(influxdb.url, raw_database="davylamp_raw"),
    ):
        await house.poll(1.0, 2.0, 3.0)
        await house.poll(1.0, 45.0, 3.0, quality=[Quality.GOOD, Quality.GOOD, Quality.BAD_DEVICE])
        for _ in range(118):
            await house.poll(1.0, 2.0, 3.0)
        await house.keep()
        office = Office(
            influxdb.url,
            started + 120,
            {"site": PLACE.id, "signal": ".*", "zone": "Asia/Shanghai", "raw": "davylamp_raw"},
        )

        def see(board: str, key: str, **chosen: str):
            number = [panel.key for panel in BOARD[board].panels].index(key)
            drawn = boards("zh")[board]
            here = replace(office, chosen={**office.chosen, **chosen})
            return Shown(drawn["panels"][number], drawn["time"]["from"]).see(here)

        await until(
            lambda: (
                see("overview", "sites") == [1]
                and len(see("site", "alarms")) >= 2
                and len(see("gas", "combustible")) == 5
            )
        )
        assert see("gas", "combustible") == {
            "GD-01": {2: 1, 1: 1},
            "GD-02": {2: 45, 1: 2},
            "GD-03": {2: 3, 1: 3},
            "H": {0: 20},
            "HH": {0: 40},
        }
        assert see("signal", "samples", signal="GD-02")["读数"].keys() == {2, 1, 0}
        alarms = {(row[2], row[4], row[5], row[6], row[7]) for row in see("site", "alarms")}
        assert ("tank_farmGD-02：可燃气体高高限", False, False, "GD-02", 2.0) in alarms
        assert see("overview", "need")[0][1:4] == (PLACE.id, "北油库", "值班 12345")
        assert see("site", "who") == [("北油库", "值班 12345", 0, None)]
        assert see("sensors", "worst")[0][:3] == ("GD-03", "可燃气体", 1)
        assert see("fleet", "reporting") == [1]

"""Which signals go silent together, as the sources say it."""

from __future__ import annotations

import pytest

from gateway.model.signal import Device
from gateway.model.text import Text
from tests.config.plugins import REAL, said, site

SIGNALS = "".join(f'[[signals]]\nid = "{id}"\nkind = "power"\ndeadman = "10s"\n' for id in ("A", "B", "C", "D", "E"))
SOURCES = """
[[sources]]
type = "modbus"
id = "line"
host = "127.0.0.1"

[[sources.devices]]
id = "meter"
points = [{ signal = "A", table = "input", address = 0 }, { signal = "B", table = "input", address = 1 }]

[[sources]]
type = "mqtt"
id = "broker"
host = "127.0.0.1"
topics = [{ topic = "own/e", signal = "E" }]

[[sources.devices]]
id = "fan"
topics = [{ topic = "fan/c", signal = "C" }, { topic = "fan/d", signal = "D" }]
"""


def test_devices_are_what_the_sources_read_together(tmp_path):
    loaded = site(tmp_path, SIGNALS + SOURCES, plugins=REAL)
    assert loaded.site_file is not None, said(loaded)
    built = loaded.site_file.site
    assert built.devices == (Device("line/meter", ("A", "B")), Device("broker/fan", ("C", "D")))
    assert {"line/meter/deadman", "broker/fan/deadman"} <= {alarm.id for alarm in built.alarms}
    assert (built.latitude, built.longitude, built.contact) == (None, None, "")
    assert (built.online_target, built.online_below) == (99.5, None)


def test_the_bound_of_the_share_is_a_percentage(tmp_path):
    loaded = site(tmp_path, 'online_below = 120\n' + SIGNALS)
    assert said(loaded) == ["site | online_below | 120 is too large"]


PLACE = 'latitude = 39.9\nlongitude = 116.4\ncontact = "Li, 010-1234"\n'


def test_a_site_may_say_where_it_is_and_whom_to_call(tmp_path):
    built = site(tmp_path, PLACE + SIGNALS).site_file.site
    assert (built.latitude, built.longitude, built.contact) == (39.9, 116.4, "Li, 010-1234")


@pytest.mark.survives("a site whose place on the map is no place, or half of one", then="refused", says=Text(
    "…a place on the map needs `latitude` and `longitude`…", "…地图位置需同时给出 `latitude` 和 `longitude`…"))
def test_a_place_that_is_none_is_refused(tmp_path, says):
    half = site(tmp_path, "longitude = 116.4\n" + SIGNALS)
    assert half.site_file is None
    assert says(half.problems[0].what)
    assert said(site(tmp_path, PLACE.replace("39.9", "116.4") + SIGNALS)) == [
        "site | latitude | 116.4 is too large"], "they were exchanged"

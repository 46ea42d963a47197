"""The mqtt section of a site file: what it says, what it refuses, what it warns of."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from pydantic import ValidationError

import drivers.mqtt
from drivers.mqtt.config import MqttSource
from drivers.mqtt.profile import profile, profile_names
from gateway.model.text import Text
from tests.drivers.mqtt.stage import section

SAMPLE = Path(drivers.mqtt.__file__).parent / "sample.toml"
DEPOT = """
[[devices]]
id = "frigate"
profile = "frigate"
[devices.signals]
"PUMP.persons" = "pump_house/person"
"TANK.persons" = "tank_farm/person"
"CAM-pump.fps" = "pump_house_cam/camera_fps"
"CAM-tank.fps" = "tank_farm_cam/camera_fps"
"CAM-pump.detect" = "pump_house_cam/detect"
[[devices]]
id = "fan-01"
profile = "tasmota"
topic = "fan-01"
period = "10s"
signals = { "FAN-01.P" = "power" }
[[devices]]
id = "shelly-p102"
profile = "shelly-gen2"
topic = "shelly-p102"
signals = { "P-102.P" = { value = "total_act_power", scale = 0.001 } }
"""


def routes(config: MqttSource) -> dict[str, list[tuple]]:
    """topic -> (signal, path)"""
    found: dict[str, list[tuple]] = {}
    for feed in config.feeds:
        found.setdefault(feed.topic.text, []).extend((point.signal, point.path) for point in feed.points)
    return found


def test_the_sample_is_valid_and_nothing_in_it_is_suspicious():
    (raw,) = tomllib.loads(SAMPLE.read_text(encoding="utf-8"))["sources"]
    config = MqttSource.model_validate(raw)
    assert list(config.findings()) == []
    signals = [signal for signal, _ in config.bindings()]
    assert len(signals) == len(set(signals))


def test_the_depot_is_written_naturally():
    config = section(DEPOT)
    assert routes(config) == {
        "frigate/pump_house/person": [("PUMP.persons", ())],
        "frigate/tank_farm/person": [("TANK.persons", ())],
        "frigate/pump_house_cam/detect/state": [("CAM-pump.detect", ())],
        "frigate/stats": [("CAM-pump.fps", ("cameras", "pump_house_cam", "camera_fps")),
                          ("CAM-tank.fps", ("cameras", "tank_farm_cam", "camera_fps"))],
        "tele/fan-01/SENSOR": [("FAN-01.P", ("ENERGY", "Power"))],
        "shelly-p102/status/em:0": [("P-102.P", ("total_act_power",))]}
    assert [presence.topic for presence in config.presences] == ["frigate/available", "tele/fan-01/LWT",
                                                                 "shelly-p102/online"]
    assert config.periods() == {"FAN-01.P": 10.0}
    assert list(config.findings()) == []


def test_every_binding_says_where_the_section_names_it():
    config = section(DEPOT + """
[[topics]]
topic = "plant/{tank}/level"
signal = "{tank}.level"
names.tank = ["T-1", "T-2"]
[[topics]]
topic = "x"
values = { V = "v", W = { path = "w" } }
[[topics]]
topic = "y"
order = ["O1", "O2"]
""")
    places = dict(config.bindings())
    assert places["T-2.level"] == ("topics", 0, "signal")
    assert places["W"] == ("topics", 1, "values", "W")
    assert places["O2"] == ("topics", 2, "order", 1)
    assert places["FAN-01.P"] == ("devices", 1, "signals", "FAN-01.P")


def test_names_stand_for_topic_levels_json_keys_and_sample_ids():
    config = section("""
[[topics]]
topic = "site/{area}/stats"
values = { "{area}-{cam}.fps" = "cameras.{cam}.fps" }
names.area = { n = "NORTH", s = "SOUTH" }
names.cam = ["c1", "c.2"]
[[topics]]
topic = "samples"
signal = "S{id}"
samples = {}
names.id = ["1", "2"]
""")
    assert routes(config) == {
        "site/n/stats": [("NORTH-c1.fps", ("cameras", "c1", "fps")), ("NORTH-c.2.fps", ("cameras", "c.2", "fps"))],
        "site/s/stats": [("SOUTH-c1.fps", ("cameras", "c1", "fps")), ("SOUTH-c.2.fps", ("cameras", "c.2", "fps"))],
        "samples": [("S1", ("1",)), ("S2", ("2",))]}
    assert {feed.subscription for feed in config.feeds} == {"site/+/stats", "samples"}


REFUSED = {
    "unknown-key": '[[topics]]\ntopic = "a"\nsignal = "A"\nsignall = "B"',
    "no-kind": '[[topics]]\ntopic = "a"',
    "two-kinds": '[[topics]]\ntopic = "a"\nsignal = "A"\norder = ["B"]',
    "bad-filter": '[[topics]]\ntopic = "a+/b"\nsignal = "A"',
    "bad-path": '[[topics]]\ntopic = "a"\nvalues = { A = "a..b" }',
    "bad-index": '[[topics]]\ntopic = "a"\nvalues = { A = "a[x]" }',
    "name-without-values": '[[topics]]\ntopic = "a/{tank}"\nsignal = "{tank}"',
    "misspelt-name": '[[topics]]\ntopic = "a/{tank}"\nsignal = "{tnak}"\nnames.tank = ["T"]',
    "samples-without-id": '[[topics]]\ntopic = "a"\nsignal = "A"\nsamples = {}',
    "qos-2": 'qos = 2',
    "unknown-zone": '[[topics]]\ntopic = "a"\nvalues = { A = "a" }\ntime = "t"\ntime_zone = "Asia/Peking"',
    "unknown-profile": '[[devices]]\nid = "d"\nprofile = "tasmotta"',
    "unknown-value": '[[devices]]\nid = "d"\nprofile = "tasmota"\ntopic = "d"\nsignals = { A = "powr" }',
    "value-needs-item": '[[devices]]\nid = "d"\nprofile = "frigate"\nsignals = { A = "person" }',
    "value-has-no-item": '[[devices]]\nid = "d"\nprofile = "tasmota"\ntopic = "d"\nsignals = { A = "x/power" }',
    "profile-without-topic": '[[devices]]\nid = "d"\nprofile = "tasmota"\nsignals = { A = "power" }',
    "signals-without-profile": '[[devices]]\nid = "d"\nsignals = { A = "power" }',
    "wildcard-availability": '[[devices]]\nid = "d"\navailability = { topic = "a/+" }',
    "names-of-numbers": '[[topics]]\ntopic = "a/{n}"\nsignal = "{n}"\nnames.n = [1, 2]',
    "too-many-combinations": '[[topics]]\ntopic = "{a}/{b}"\nsignal = "{a}{b}"\nnames.a = [%s]\nnames.b = [%s]' % (
        (", ".join(f'"{n}"' for n in range(200)),) * 2),
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_a_wrong_section_is_refused(text):
    with pytest.raises(ValidationError) as refused:
        section(text)
    for error in refused.value.errors():
        if (cause := error.get("ctx", {}).get("error")) is not None:  # words of our own: both languages, and the fix
            what, fix = cause.args
            assert isinstance(what, Text) and isinstance(fix, Text) and what.zh and fix.zh


def test_a_misspelt_value_of_a_profile_is_guessed():
    with pytest.raises(ValidationError, match='did you mean "power"'):
        section(REFUSED["unknown-value"])


WARNED = {
    "subscribed to twice": ('[[topics]]\ntopic = "a/#"\nvalues = { A = "a" }\n[[topics]]\ntopic = "a/b"\nsignal = "B"',
                            "twice", "warning"),
    "qos 0": ('[[topics]]\ntopic = "a"\nsignal = "A"\nqos = 0', "qos 0", "warning"),
    "device twice": ('[[devices]]\nid = "d"\ntopics = [{ topic = "a", signal = "A" }]\n'
                     '[[devices]]\nid = "d"\ntopics = [{ topic = "b", signal = "B" }]', "twice", "error"),
    "device without signals": ('[[devices]]\nid = "d"\nprofile = "frigate"', "no signal", "warning"),
    "nothing subscribed": ("", "nothing", "warning"),
    "password without name": ('password_env = "P"\ntopics = [{ topic = "a", signal = "A" }]', "user name", "error"),
    "two passwords": ('username = "u"\npassword_env = "P"\npassword_file = "f"\n'
                      'topics = [{ topic = "a", signal = "A" }]', "both", "error"),
    "certificate without key": ('tls = { cert = "c" }\ntopics = [{ topic = "a", signal = "A" }]', "belong", "error"),
    "plain password abroad": ('host = "10.0.0.5"\nusername = "u"\npassword_env = "P"\n'
                              'topics = [{ topic = "a", signal = "A" }]', "unencrypted", "warning"),
}


@pytest.mark.parametrize(("text", "word", "severity"), WARNED.values(), ids=WARNED)
def test_what_is_suspicious_is_said(text, word, severity):
    ((_, what, fix, found),) = section(text).findings()
    assert word in what.en and what.zh and fix.en and fix.zh and found == severity


@pytest.mark.parametrize("name", profile_names())
def test_a_shipped_profile_offers_only_what_it_can_deliver(name):
    shipped = profile(name)
    assert shipped.title.zh and shipped.presence is not None
    for offer in shipped.offers.values():
        wish = f"thing/{offer.name}" if offer.needs_item else offer.name
        config = section(f'[[devices]]\nid = "d"\nprofile = "{name}"\ntopic = "dev"\nsignals = {{ A = "{wish}" }}')
        (feed,) = config.feeds
        assert feed.topic.exact and not feed.topic.text.startswith("cmnd/") and offer.title.zh

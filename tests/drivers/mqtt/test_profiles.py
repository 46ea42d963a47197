"""Messages as Frigate, Tasmota and Shelly send them, through the shipped mappings of the depot."""

from __future__ import annotations

import math

import pytest

from drivers.mqtt.decode import Arrival
from drivers.mqtt.reception import Reception
from gateway.model import quality
from gateway.model.clock import ManualClock
from gateway.model.quality import Quality
from tests.drivers.mqtt.stage import section, table
from tests.drivers.mqtt.test_config import DEPOT

STATS = b"""{"cameras": {"pump_house_cam": {"camera_fps": 5.1, "process_fps": 5.1, "skipped_fps": 0.0,
"detection_fps": 0.4,
"detection_enabled": true, "pid": 321, "capture_pid": 325, "ffmpeg_pid": 333}, "tank_farm_cam": {"camera_fps": 0.0}},
"detectors": {"coral": {"inference_speed": 8.9, "detection_start": 0.0, "pid": 300}}, "service": {"uptime": 4711}}"""
SENSOR = b"""{"Time":"2026-11-22T12:20:00","ENERGY":{"TotalStartTime":"2026-01-01T00:00:00","Total":812.345,
"Yesterday":1.2,"Today":0.7,"Period":3,"Power":742,"ApparentPower":810,"ReactivePower":325,"Factor":0.92,
"Voltage":229,"Current":3.537}}"""
EM = b"""{"id":0,"a_current":4.029,"a_voltage":236.1,"a_act_power":951.2,"a_aprt_power":951.9,"a_pf":1,"a_freq":50,
"b_current":4.027,"b_voltage":236.201,"b_act_power":-951.1,"b_aprt_power":951.8,"b_pf":1,"b_freq":50,
"c_current":3.03,"c_voltage":236.402,"c_act_power":715.4,"c_aprt_power":716.2,"c_pf":1,"c_freq":50,
"n_current":null,"total_current":11.083,"total_act_power":2484.782,"total_aprt_power":2486.7}"""


class Depot:
    """The reception of the depot's devices, message by message."""

    def __init__(self):
        config = section(DEPOT)
        self.signals = table(config)
        self.reception = Reception(config, self.signals)
        self.clock = ManualClock()

    def hears(self, topic: str, payload: bytes, retained: bool = False) -> dict[str, tuple[float | None, Quality]]:
        frame = self.reception.frame([Arrival(topic, payload, 1, 1, retained, False, self.clock.now())])
        return {self.signals[signal].id: (None if math.isnan(value) else float(value), quality.code(code))
                for signal, value, code in zip(frame.signal, frame.value, frame.quality, strict=True)}

    def online(self, device: str) -> bool:
        return self.reception.devices[device].online


@pytest.mark.parametrize(("topic", "payload", "expected"), [
    ("frigate/pump_house/person", b"2", {"PUMP.persons": 2.0}),
    ("frigate/tank_farm/person", b"0", {"TANK.persons": 0.0}),
    ("frigate/pump_house_cam/detect/state", b"ON", {"CAM-pump.detect": 1.0}),
    ("frigate/stats", STATS, {"CAM-pump.fps": 5.1, "CAM-tank.fps": 0.0}),
    ("tele/fan-01/SENSOR", SENSOR, {"FAN-01.P": 742.0}),
    ("shelly-p102/status/em:0", EM, {"P-102.P": 2.484782})])
def test_a_live_message_gives_good_values(topic, payload, expected):
    assert Depot().hears(topic, payload) == {signal: (pytest.approx(value), Quality.GOOD)
                                             for signal, value in expected.items()}


def test_a_camera_that_is_missing_from_the_statistics_is_bad_the_other_good():
    assert Depot().hears("frigate/stats", b'{"cameras": {"pump_house_cam": {"camera_fps": 5}}}') == {
        "CAM-pump.fps": (5.0, Quality.GOOD), "CAM-tank.fps": (None, Quality.BAD_PAYLOAD)}


@pytest.mark.parametrize(("device", "topic", "on", "off", "signals"), [
    ("frigate", "frigate/available", b"online", b"offline",
     {"PUMP.persons", "TANK.persons", "CAM-pump.fps", "CAM-tank.fps", "CAM-pump.detect"}),
    ("fan-01", "tele/fan-01/LWT", b"Online", b"Offline", {"FAN-01.P"}),
    ("shelly-p102", "shelly-p102/online", b"true", b"false", {"P-102.P"})])
def test_offline_makes_the_devices_signals_bad_at_once_and_online_makes_none_good(device, topic, on, off, signals):
    depot = Depot()
    assert depot.hears(topic, off, retained=True) == dict.fromkeys(signals, (None, Quality.BAD_COMM_LOST))
    assert not depot.online(device) and depot.reception.devices[device].reason.zh
    assert depot.hears(topic, on) == {}
    assert depot.online(device)


def test_a_device_that_is_heard_is_there_whatever_its_last_will_said():
    """A takeover of the device's own connection can deliver the old will after the new `Online`."""
    depot = Depot()
    depot.hears("tele/fan-01/LWT", b"Offline")
    depot.hears("tele/fan-01/SENSOR", SENSOR, retained=True)
    assert not depot.online("fan-01")  # a kept message proves nothing
    depot.hears("tele/fan-01/SENSOR", SENSOR)
    assert depot.online("fan-01")


def test_an_unknown_word_on_the_availability_topic_is_refused_and_changes_nothing():
    depot = Depot()
    depot.hears("tele/fan-01/LWT", b"Online")
    assert depot.hears("tele/fan-01/LWT", b"maybe") == {}
    assert depot.online("fan-01") and depot.reception.devices["fan-01"].refusals == {"unknown_word": 1}

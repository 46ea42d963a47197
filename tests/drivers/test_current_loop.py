"""A 4-20 mA signal comes out of either driver in engineering units, whatever unit the device sends its current in."""

from __future__ import annotations

from drivers.modbus.config import Point as ModbusPoint
from drivers.modbus.decode import Decoder, Field
from drivers.mqtt.columns import Columns
from drivers.mqtt.decode import Arrival, decoder
from drivers.mqtt.feed import Feed, Point
from drivers.mqtt.payload import Conversion
from drivers.mqtt.topics import Pattern
from gateway.model.clock import Instant
from gateway.model.signal import Signal, SignalTable
from gateway.model.text import Text

LEVEL = Signal("T-101", Text("level", "液位"), "level", "m", "tank_farm", low=0.0, high=12.0, loop_ma=True)
PRESSURE = Signal("P-1", Text("pressure", "压力"), "pressure", "MPa", "tank_farm", low=-0.1, high=1.5, loop_ma=True)


def test_the_scaling_of_a_loop_takes_milliampere():
    for milliampere, metres in ((4, 0), (12, 6), (20, 12), (3.6, -0.3), (21, 12.75)):
        scale, offset = LEVEL.scaling(0.01, 0.0)
        assert abs(milliampere * 100 * scale + offset - metres) < 1e-9
    scale, offset = PRESSURE.scaling(1.0, 0.0)
    assert abs(12 * scale + offset - 0.7) < 1e-9


def test_no_loop_no_change():
    plain = Signal("T", Text("t", "t"), "temperature", "degC", "a", low=0.0, high=12.0)
    assert plain.scaling(0.1, -5.0) == (0.1, -5.0)


def test_modbus_registers():
    point = ModbusPoint(signal="T-101", table="input", address=2, type="uint16", scale=0.01)
    frame = Decoder([Field(0, 0, point, "ABCD", LEVEL.scaling(point.scale, point.offset))])(
        (1200).to_bytes(2, "big"), Instant(0, 0))
    assert abs(frame.value[0] - 6.0) < 1e-9


def test_mqtt_messages():
    signals = SignalTable([LEVEL])
    feed = Feed(Pattern("level"), "level", "scalar", (Point("T-101", Conversion(1.0, 0.0)),))
    columns = Columns()
    decoder(feed, signals, 1.0).decode(Arrival("level", b"12.0", 1, 1, False, False, Instant(0, 0)), columns)
    assert columns.frame().value.tolist() == [6.0]

"""The Modbus section: what it accepts, and what `check` says about it."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from pydantic import ValidationError

import drivers.modbus
from drivers.modbus.config import ModbusSource, Point


def section(*points: dict, transport: str = "tcp", **device) -> ModbusSource:
    where = {"host": "10.0.0.5"} if transport != "rtu" else {"serial_port": "/dev/ttyUSB0"}
    return ModbusSource.model_validate({"id": "plc", "type": "modbus", "transport": transport, **where, "devices": [
        {"id": "dev", "points": list(points) or [{"signal": "a", "table": "holding", "address": 0}]} | device]})


def point(signal: str = "a", address: int = 0, table: str = "holding", **more) -> dict:
    return {"signal": signal, "table": table, "address": address} | more


def said(config: ModbusSource) -> list[tuple[tuple, str, str]]:
    """(place, what, severity); every finding must exist in both languages."""
    found = []
    for place, what, fix, severity in config.findings():
        assert what.en and what.zh and what.en != what.zh and fix.en and fix.zh
        found.append((place, what.en, severity))
    return found


def test_a_sound_section_has_no_findings_and_knows_its_bindings_and_periods():
    config = section(point("a", 0), point("b", 1), period="2s")
    assert said(config) == []
    assert list(config.bindings()) == [("a", ("devices", 0, "points", 0, "signal")),
                                       ("b", ("devices", 0, "points", 1, "signal"))]
    assert config.periods() == {"a": 2.0, "b": 2.0}


def test_cells_of_a_spreadsheet_are_understood():
    row = Point.model_validate({"signal": "s", "table": "input", "address": "0x0156", "scale": "0.1",
                                "fault_values": "0x8000; 65535", "map": "0=0; 0x03=1; 7=2.5"})
    assert (row.address, row.scale, row.fault_values) == (0x156, 0.1, (32768.0, 65535.0))
    assert row.map == {"0": 0.0, "0x03": 1.0, "7": 2.5}


@pytest.mark.parametrize(("points", "place", "what"), [
    ([point(table="coil", type="int16")], "type", "can not hold a int16"),
    ([point(type="bool")], "type", "can not hold a bool"),
    ([point(type="bit")], "bit", "belong together"),
    ([point(bit=3)], "bit", "belong together"),
    ([point(type="string", map={"A": 1})], "length", "belong together"),
    ([point(type="string", length=4)], "map", "needs a map"),
    ([point(type="float32", map={"1": 1})], "map", "can not have a map"),
    ([point(map={"1": 1}, scale=2)], "map", "exclude each other"),
    ([point(map={"RUN": 1})], "map", "RUN can not occur in a uint16"),
    ([point(map={"70000": 1})], "map", "70000 can not occur in a uint16"),
    ([point(fault_values=[65536])], "fault_values", "65536 can not occur in a uint16"),
    ([point(fault_values=[-1])], "fault_values", "-1 can not occur"),
    ([point(scale=0)], "scale", "same"),
    ([point(address=65535, type="int32")], "address", "outside the table"),
])
def test_a_point_that_can_not_work_is_an_error(points, place, what):
    (where, text, severity), = said(section(*points))
    assert where == ("devices", 0, "points", 0, place) and what in text and severity == "error"


def test_address_base_1_has_no_address_0():
    (where, text, severity), = said(section(point(address=0), address_base=1))
    assert where[-1] == "address" and "outside" in text and severity == "error"
    assert said(section(point(address=65536), address_base=1)) == []


def test_the_no_value_pattern_of_a_signed_type_is_accepted():
    assert said(section(point(type="int16", fault_values=[0x8000, -1]))) == []


@pytest.mark.parametrize(("first", "second", "severity"), [
    (point("a", 0, type="float32"), point("b", 1, type="float32"), "error"),
    (point("a", 0, type="float32"), point("b", 1), "error"),
    (point("a", 0, type="int16"), point("b", 0), "warning"),
    (point("a", 0), point("b", 0, type="bit", bit=3), None),
    (point("a", 0), point("b", 0, table="input"), None),
    (point("a", 0), point("b", 1), None),
    (point("a", 3, table="coil"), point("b", 3, table="coil"), "warning"),
])
def test_overlaps(first, second, severity):
    assert [(where, level) for where, _, level in said(section(first, second))] == (
        [(("devices", 0, "points", 1, "address"), severity)] if severity else [])


def test_an_overlap_under_a_wider_neighbour_is_still_seen():
    findings = said(section(point("a", 0, type="float64"), point("b", 1), point("c", 3)))
    assert [where[3] for where, _, _ in findings] == [1, 2]


def test_the_same_signal_twice_is_an_error():
    (where, text, severity), = said(section(point("a", 0), point("a", 9)))
    assert where == ("devices", 0, "points", 1, "signal") and "read twice" in text and severity == "error"


def test_forty_thousand_and_some_is_probably_a_reference_number():
    (_, text, severity), = said(section(point(address=40011)))
    assert "reference number" in text and severity == "warning"


def test_ranges_not_to_be_read():
    zone = {"table": "holding", "first": 10, "last": 20}
    assert said(section(point(address=9), point("b", 21), do_not_read=[zone])) == []
    (where, _, severity), = said(section(point(address=9, type="int32"), do_not_read=[zone]))
    assert where[-1] == "address" and severity == "error"
    (where, _, _), = said(section(do_not_read=[zone | {"last": 3}]))
    assert where == ("devices", 0, "do_not_read", 0, "last")


def test_devices_and_endpoints():
    for transport, wanted in (("tcp", "transport tcp needs a host"), ("rtu", "transport rtu needs a serial port")):
        nowhere = ModbusSource.model_validate({"id": "x", "type": "modbus", "transport": transport,
                                               "devices": [{"id": "d", "points": [point()]}]})
        assert [what for _, what, _ in said(nowhere)] == [wanted]
    twice = ModbusSource.model_validate({"id": "x", "type": "modbus", "host": "h", "devices": [
        {"id": "d", "points": [point()]}, {"id": "d", "points": [point("b")]}]})
    assert [(place, severity) for place, _, severity in said(twice)] == [(("devices", 1, "id"), "error")]
    assert said(section(transport="rtu", unit=0))[0][2] == "error"
    assert said(section(transport="tcp", unit=0)) == [] and said(section(transport="tcp", unit=255)) == []


def test_timing_that_is_probably_not_meant_is_a_warning():
    assert [level for _, _, level in said(section(period="100ms", timeout="1s"))] == ["warning"]
    assert [level for _, _, level in said(section(backoff_ceiling="5min"))] == ["warning"]


def test_a_serial_line_that_can_not_carry_its_points_is_a_warning():
    points = [point(f"s{n}", n) for n in range(500)]
    (where, text, severity), = said(section(*points, transport="rtu"))
    assert where == ("baudrate",) and "% of the time at 9600 baud" in text and severity == "warning"
    assert said(section(*points, transport="rtu", period="5s")) == []


@pytest.mark.parametrize("wrong", [{"max_registers": 126}, {"unit": 256}, {"timeout": "soon"}, {"retries": -1},
                                   {"period": 0}, {"colour": "red"}])
def test_values_outside_their_limits_are_refused(wrong):
    with pytest.raises(ValidationError) as refused:
        section(**wrong)
    assert refused.value.errors()[0]["loc"][:2] == ("devices", 0)


def test_the_shipped_sample_is_sound():
    sample = tomllib.loads((Path(drivers.modbus.__file__).parent / "sample.toml").read_text(encoding="utf-8"))
    for table in sample["sources"]:
        assert said(ModbusSource.model_validate(table)) == []

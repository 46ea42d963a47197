"""Decoding against a slow, plain twin that knows only `struct`."""

from __future__ import annotations

import math
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.modbus.config import Point
from drivers.modbus.decode import Decoder, Field
from gateway.model.clock import ManualClock
from gateway.model.quality import Flag, Quality

AT = ManualClock().now()
FORMATS = {"int16": "h", "uint16": "H", "int32": "i", "uint32": "I", "float32": "f", "int64": "q", "uint64": "Q",
           "float64": "d"}
ORDERS = ("ABCD", "CDAB", "BADC", "DCBA")


def point(**fields) -> Point:
    return Point.model_validate({"signal": "s", "table": "holding", "address": 0} | fields)


def twin(payload: bytes, field: Field) -> float:
    """One point, the way one would do it by hand. NaN: bad."""
    spec = field.point
    data = payload[2 * field.at:2 * (field.at + spec.width)]
    words = [data[start:start + 2] for start in range(0, len(data), 2)]
    if field.order in ("BADC", "DCBA"):
        words = [word[::-1] for word in words]
    if field.order in ("CDAB", "DCBA") and spec.kind != "string":
        words = words[::-1]
    data = b"".join(words)
    if spec.kind == "string":
        text = data.decode("latin-1").rstrip("\0 ")
        return spec.map.get(text, math.nan)
    if spec.kind == "bit":
        raw = struct.unpack(">H", data)[0] >> spec.bit & 1
    else:
        raw = struct.unpack(">" + FORMATS[spec.kind], data)[0]
    bits = 16 * spec.width
    for code in spec.fault_values:
        if spec.kind.startswith("int") and code >= 2 ** (bits - 1):
            code -= 2**bits
        if spec.kind == "float32":
            code = struct.unpack("f", struct.pack("f", code))[0]
        if float(raw) == code:
            return math.nan
    if spec.map is not None and spec.kind != "bit":
        found = [number for key, number in spec.map.items()
                 if int(key, 0) in (raw, raw + 2**bits if raw < 0 else raw)]
        return found[0] if found else math.nan
    value = float(raw) * spec.scale + spec.offset
    return value if math.isfinite(value) else math.nan


scales = st.sampled_from([1.0, 0.1, -2.5, 1e300])
offsets = st.sampled_from([0.0, -3.0, 1e3])
numbers = st.builds(lambda kind, order, scale, offset, faults: (
                        {"type": kind, "scale": scale, "offset": offset, "fault_values": faults}, order),
                    st.sampled_from(sorted(FORMATS)), st.sampled_from(ORDERS), scales, offsets,
                    st.lists(st.sampled_from([0, 1, 0x7FFF, 0x8000, 0xFFFF]), max_size=3))
bits = st.builds(lambda bit: ({"type": "bit", "bit": bit}, "ABCD"), st.integers(0, 15))
maps = st.builds(lambda kind, order: ({"type": kind, "map": {"0": 5, "0x8000": 7, "255": -1}}, order),
                 st.sampled_from(["int16", "uint16", "int32", "uint32"]), st.sampled_from(ORDERS))
texts = st.builds(lambda order: ({"type": "string", "length": 4, "map": {"RUN": 1, "STOP": 2}}, order),
                  st.sampled_from(ORDERS))
registers = st.sampled_from([b"\0\0", b"\0\1", b"\xff\xff", b"\x80\0", b"\0\x80", b"\x7f\x80", b"\x7f\xa0", b"\xff\0",
                             b"\0\xff", b"RU", b"N\0", b"UR", b"\0N", b"ST", b"OP", b"\x41\x20"])
payloads = st.lists(st.one_of(registers, st.binary(min_size=2, max_size=2)), min_size=40, max_size=40).map(b"".join)


@given(st.lists(st.one_of(numbers, bits, maps, texts), min_size=1, max_size=12), payloads, st.data())
@settings(max_examples=300, deadline=None)
def test_every_mix_of_points_reads_as_the_twin_reads_it(specs, payload, data):
    fields = []
    for signal, (spec, order) in enumerate(specs):
        made = point(**spec)
        fields.append(Field(signal, data.draw(st.integers(0, 40 - made.width)), made, order))
    frame = Decoder(fields)(payload, AT)
    got = dict(zip(frame.signal.tolist(), frame.value.tolist(), strict=True))
    for field in fields:
        wanted = twin(payload, field)
        assert got[field.signal] == pytest.approx(wanted, nan_ok=True, rel=1e-15), field
    bad = np.isnan(frame.value)
    assert (frame.quality[bad] == Quality.BAD_SENSOR).all() and (frame.quality[~bad] == Quality.GOOD).all()


@given(st.binary(min_size=5, max_size=5), st.lists(st.integers(0, 39), min_size=1, max_size=40, unique=True))
def test_bits_come_lowest_first_as_the_standard_says(payload, places):
    fields = [Field(signal, place, point(table="coil"), "ABCD") for signal, place in enumerate(places)]
    frame = Decoder(fields)(payload, AT)
    got = dict(zip(frame.signal.tolist(), frame.value.tolist(), strict=True))
    assert got == {signal: payload[place // 8] >> place % 8 & 1 for signal, place in enumerate(places)}


@pytest.mark.parametrize(("order", "wire"), [("ABCD", "4048f5c3"), ("CDAB", "f5c34048"), ("BADC", "4840c3f5"),
                                             ("DCBA", "c3f54840")])
def test_a_float_in_each_order(order, wire):
    frame = Decoder([Field(0, 0, point(type="float32"), order)])(bytes.fromhex(wire), AT)
    assert frame.value[0] == pytest.approx(3.14, abs=1e-6)


@pytest.mark.parametrize(("order", "wire"), [("ABCD", "0102030405060708"), ("CDAB", "0708050603040102"),
                                             ("BADC", "0201040306050807"), ("DCBA", "0807060504030201")])
def test_the_orders_of_64_bits(order, wire):
    frame = Decoder([Field(0, 0, point(type="uint64"), order)])(bytes.fromhex(wire), AT)
    assert frame.value[0] == float(0x0102030405060708)


def test_the_no_value_code_of_a_signed_channel_is_bad_and_not_minus_3276():
    frame = Decoder([Field(0, 0, point(type="int16", scale=0.1, fault_values=[0x8000]), "ABCD")])(b"\x80\x00", AT)
    assert math.isnan(frame.value[0]) and frame.quality[0] == Quality.BAD_SENSOR


def test_an_untrusted_clock_is_flagged_on_every_sample_good_or_bad():
    clock = ManualClock(trusted=False)
    fields = [Field(0, 0, point(type="float32"), "ABCD"), Field(1, 2, point(), "ABCD")]
    frame = Decoder(fields)(bytes.fromhex("7fc00000") + b"\0\1", clock.now())
    assert frame.quality.tolist() == [Flag.CLOCK_NOT_TRUSTED | Quality.BAD_SENSOR, Flag.CLOCK_NOT_TRUSTED]


def test_one_frame_does_not_change_when_the_next_is_decoded():
    decode = Decoder([Field(0, 0, point(), "ABCD"), Field(1, 1, point(), "ABCD")])
    first, second = decode(b"\0\1\0\2", AT), decode(b"\0\3\0\4", AT)
    assert first.value.tolist() == [1, 2] and second.value.tolist() == [3, 4]
    assert not any(column.flags.writeable for column in (first.signal, first.value, first.quality, first.wall_ns))

"""The encoder against influxdb-client's Point objects: another author's idea of line protocol."""

from __future__ import annotations

import re

import numpy as np
import pytest
from influxdb_client import Point, WritePrecision

from gateway.model.clock import Instant
from gateway.model.frame import Frame
from gateway.model.quality import Flag, Quality, is_bad
from gateway.model.signal import SignalTable
from gateway.sinks import schema
from gateway.sinks.line_protocol import Encoder, escape_tag, row
from tests.sites import gas

SIGNALS = SignalTable([gas("GD-01"), gas("GD 02,east=1"), gas("罐区-03"), gas("GD-04")])
# Of InfluxQL, by its documents.
KEYWORDS = frozenset(re.findall(r"\w+", """
all alter any as asc begin by create continuous database databases default delete desc destinations diagnostics
distinct drop duration end every explain field for from grant grants group groups in inf insert into key keys
kill limit show measurement measurements name offset on order password policy policies privileges queries query
read replication resample retention revoke select series set shard shards slimit soffset stats subscription
subscriptions tag to user users values where with write"""))
NOW = Instant(5, 1_790_000_000_123_456_789)


def by_points(frame: Frame) -> list[str]:
    lines = []
    for signal, value, quality, wall in zip(frame.signal, frame.value, frame.quality, frame.wall_ns, strict=True):
        point = Point(schema.TELEMETRY.name)
        for key, tag in schema.tags("depot-01", SIGNALS[int(signal)]).items():
            point.tag(key, tag)
        if not is_bad(quality):
            point.field("value", float(value))
        point.field("quality", int(quality) & 0xFF)
        if quality & Flag.CLOCK_NOT_TRUSTED:
            point.field("clock_untrusted", True)
        lines.append(point.time(int(wall), WritePrecision.NS).to_line_protocol())
    return lines


def number(part: str) -> str:
    return f"value={float(part[6:])!r}" if part.startswith("value=") else part


def same(ours: bytes, points: list[str]) -> None:
    lines = ours.decode().splitlines()
    assert ours.endswith(b"\n") and len(lines) == len(points)
    for mine, theirs in zip(lines, points, strict=True):
        a, b = (line.replace("\\ ", "␣").split(" ") for line in (mine, theirs))
        assert (a[0], a[2]) == (b[0], b[2])
        assert {number(part) for part in a[1].split(",")} == {number(part) for part in b[1].split(",")}


def test_a_poll_reads_like_points():
    frame = Frame.of([0, 1, 2, 3], [0.1, -3.0, 1e-9, 20.125], NOW)
    same(Encoder("depot-01", SIGNALS).encode(frame), by_points(frame))


def test_random_frames_with_bad_values_flags_and_many_times():
    rng = np.random.default_rng(4)
    encoder = Encoder("depot-01", SIGNALS)
    for n in (1, 2, 7, 400):
        quality = rng.choice([Quality.GOOD, Quality.BAD_COMM_LOST, Quality.UNCERTAIN_STALE,
                              Quality.GOOD | Flag.CLOCK_NOT_TRUSTED, Quality.BAD_SENSOR], n)
        value = np.where(rng.random(n) < 0.2, np.nan, rng.normal(0, 10.0 ** rng.integers(-12, 12, n), n))
        frame = Frame.of(rng.integers(0, 4, n), value, NOW, quality,
                         wall_ns=NOW.wall_ns + rng.integers(0, 3, n))
        same(encoder.encode(frame), by_points(frame))


def test_a_bad_sample_has_no_value():
    frame = Frame.of([0], [12.5], NOW, Quality.BAD_COMM_LOST)
    assert encode_one(frame) == "quality=129i"


def test_a_value_keeps_every_digit():
    for value in (0.1 + 0.2, 1 / 3, 2.0 ** 53 + 2, 5e-324, 1.7976931348623157e308, -0.0):
        text = encode_one(Frame.of([0], [value], NOW)).split(",")[0].removeprefix("value=")
        assert float(text) == value


def test_an_empty_frame_is_no_text():
    assert Encoder("depot-01", SIGNALS).encode(Frame.empty()) == b""


def encode_one(frame: Frame) -> str:
    return Encoder("depot-01", SIGNALS).encode(frame).decode().split(" ")[1]


def test_a_row_is_what_another_author_makes_of_it():
    fields = {"outcome": 'late "again", 二号阀 \\', "passed": False, "test": True, "seconds": 12.5}
    point = Point("stroke").tag("rule", "esd north").tag("site", "罐区,1").time(NOW.wall_ns, WritePrecision.NS)
    for name, value in fields.items():
        point.field(name, value)
    ours = row(schema.STROKE, {"site": "罐区,1", "rule": "esd north"}, fields, NOW.wall_ns).decode()
    assert sorted(ours.split(" ", 2)[2]) == sorted(point.to_line_protocol().split(" ", 2)[2] + "\n")
    assert ours.startswith("stroke,rule=esd\\ north,site=罐区\\,1 ")


def test_what_is_not_known_is_left_out_and_what_must_be_known_is_asked_for():
    text = row(schema.STROKE, {"site": "a", "rule": "b"}, {
        "outcome": "two\nlines", "passed": True, "test": False, "seconds": float("nan")}, 7).decode()
    assert text == 'stroke,rule=b,site=a outcome="two lines",passed=true,test=false 7\n'
    with pytest.raises(ValueError, match="stroke lacks outcome, test"):
        row(schema.STROKE, {"site": "a", "rule": "b"}, {"passed": True}, 7)
    with pytest.raises(KeyError, match="area"):
        row(schema.STROKE, {"site": "a", "area": "b"}, {"passed": True}, 7)
    with pytest.raises(KeyError, match="colour"):
        row(schema.STROKE, {"site": "a"}, {"outcome": "late", "passed": True, "test": True, "colour": "red"}, 7)


def test_a_tag_that_is_nothing_but_a_line_break_is_no_tag():
    assert escape_tag("\r\n\u2028") == "" and escape_tag("a\nb\\") == "a\\ b"
    assert row(schema.STROKE, {"site": "\n", "rule": "b"}, {"outcome": "", "passed": True, "test": True}, 7).startswith(
        b"stroke,rule=b outcome")


def test_the_contract_says_what_it_must():
    for one in schema.CONTRACT.values():
        assert [tag.name for tag in one.tags] == sorted(tag.name for tag in one.tags)
        assert not ({tag.name for tag in one.tags} | one.fields.keys()) & KEYWORDS, "would have to be quoted everywhere"
        assert not {tag.name for tag in one.tags} & one.fields.keys(), "InfluxDB can not tell them apart in a query"
    assert schema.kept_days(["switch"]) == {schema.RAW: 30, schema.LONG: 730}
    assert schema.kept_days(["switch", "methane", "lightning"]) == {schema.RAW: 92, schema.LONG: 1096}

"""Frames as InfluxDB line protocol, encoded by column: no object and no format call per sample.

The text of a line has three parts: `telemetry,area=...,signal=GD-03,site=... value=` is known per signal, the number
comes from one orjson call over the whole column, and `,quality=0i 1790000000000000000` is the same for all samples of
a poll and is made once for each run of equal (quality, time). The three columns are interleaved by slices and joined.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Protocol

import numpy as np
import orjson
from numpy.typing import NDArray

from gateway.model.clock import NS
from gateway.model.frame import Frame
from gateway.model.quality import Flag
from gateway.model.signal import SignalTable
from gateway.sinks import schema
from gateway.sinks.schema import Measurement, Type

Value = float | int | bool | str | None
_MINUTE = 60 * NS
_CODE = np.uint16(0xFF)
_BAD = np.uint16(0x80)


def escape_tag(text: str) -> str:
    """Tag keys, tag values and field keys: comma, equals sign and space are escaped; line breaks, and a
    backslash at the end, can not be."""
    text = " ".join(text.split()).rstrip("\\")
    for mark in ",= ":
        text = text.replace(mark, "\\" + mark)
    return text


def row(measurement: Measurement, tags: Mapping[str, str], fields: Mapping[str, Value], wall_ns: int) -> bytes:
    """One row of what is not measured every second. None and NaN are left out. KeyError: the contract has no such tag
    or field. ValueError: a field is missing that is not optional."""
    if not tags.keys() <= {tag.name for tag in measurement.tags}:
        raise KeyError(f"{measurement.name} has no such tags: {', '.join(tags)}")
    said = {name: value for name, value in fields.items()
            if value is not None and not (isinstance(value, float) and math.isnan(value))}
    if missing := [field.name for field in measurement.fields.values()
                   if not field.optional and field.name not in said]:
        raise ValueError(f"{measurement.name} lacks {', '.join(missing)}")
    texts = ",".join(f"{name}={_FIELD[measurement.fields[name].type](value)}" for name, value in said.items())
    return f"{measurement.name},{_tag_set(sorted(tags.items()))} {texts} {wall_ns}\n".encode("utf-8", "replace")


def _string(value: Value) -> str:
    """A line break is data here, but ends the line for too many readers of the protocol."""
    text = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{" ".join(text.splitlines())}"'


_FIELD = {Type.FLOAT: lambda value: repr(float(value)), Type.INTEGER: lambda value: f"{int(value)}i",
          Type.BOOLEAN: lambda value: "true" if value else "false", Type.STRING: _string}


class Encoder:
    """Line protocol for the signals of one site."""

    def __init__(self, site: str, signals: SignalTable):
        series = [f"{schema.TELEMETRY.name},{_tag_set(schema.tags(site, signal).items())} " for signal in signals]
        self._with_value = np.array([f"{line}{schema.VALUE}=".encode() for line in series], object)
        self._without = np.array([line.encode() for line in series], object)

    def encode(self, frame: Frame) -> bytes:
        """One line per sample, each ended by a line break, in the order of the frame. A sample whose quality is bad
        has no value field: a bad value can never be plotted as a normal one."""
        if not len(frame):
            return b""
        usable = (frame.quality & _BAD) == 0
        tails = _tails(frame)
        if usable.all():
            series, numbers = self._with_value[frame.signal], _numbers(frame.value)
        else:
            series = np.where(usable, self._with_value[frame.signal], self._without[frame.signal])
            numbers = _numbers(np.where(usable, frame.value, 0.0))
            for row in np.flatnonzero(~usable).tolist():
                numbers[row], tails[row] = b"", tails[row][1:]  # quality is then the first field: no comma
        parts: list[bytes] = [b""] * (3 * len(frame))
        parts[0::3], parts[1::3], parts[2::3] = series.tolist(), numbers, tails
        return b"".join(parts)


class Counted(Protocol):
    """Minutes of signals: gateway.store.minutes.Minutes."""

    minute: NDArray[np.int64]  # since 1970
    signal: NDArray[np.int32]
    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    last: NDArray[np.float64]
    count: NDArray[np.int64]
    bad: NDArray[np.int64]
    quality: NDArray[np.uint16]


class MinuteEncoder:
    """Line protocol of minutes, by column."""

    def __init__(self, site: str, signals: SignalTable):
        self._series = np.array([f"{schema.MINUTE.name},{_tag_set(schema.tags(site, signal).items())} ".encode()
                                 for signal in signals], object)

    def encode(self, minutes: Counted) -> bytes:
        """One line for each row. Where no sample was usable there is a count of 0 and no value."""
        if not len(minutes.minute):
            return b""
        some = minutes.count > 0
        values = (_numbers(np.where(some, column, 0.0)) for column in (
            minutes.mean, minutes.low, minutes.high, minutes.last))
        counts = map(_numbers, (minutes.count, minutes.bad, minutes.quality.astype(np.int64), minutes.minute * _MINUTE))
        return b"".join([
            b"%b%bcount=%bi,bad=%bi,quality=%bi %b\n" % (
                series, b"mean=%b,min=%b,max=%b,last=%b," % told if known else b"", *counted)
            for series, known, told, counted in zip(
                self._series[minutes.signal].tolist(), some.tolist(), zip(*values, strict=True),
                zip(*counts, strict=True), strict=True)])


def _tag_set(tags: Iterable[tuple[str, str]]) -> str:
    """InfluxDB has no empty tag values: an empty one is left out."""
    return ",".join(f"{escape_tag(key)}={text}" for key, value in tags if (text := escape_tag(value)))


def _numbers(values: NDArray) -> list[bytes]:
    """Shortest text that reads back as the same number, by one call. orjson wants a contiguous native array."""
    return orjson.dumps(np.ascontiguousarray(values), option=orjson.OPT_SERIALIZE_NUMPY)[1:-1].split(b",")


def _tails(frame: Frame) -> list[bytes]:
    """`,quality=<code>i[,clock_untrusted=<said>] <wall_ns>\\n` of every row, each distinct one made once."""
    quality, wall = frame.quality, frame.wall_ns
    if (quality == quality[0]).all() and (wall == wall[0]).all():
        return [_tail(int(quality[0]), int(wall[0]))] * len(frame)
    key = np.stack([wall, quality.astype(np.int64)], axis=1)
    changes = np.flatnonzero(np.r_[True, (key[1:] != key[:-1]).any(axis=1)])  # runs: neighbours mostly share a poll
    tails: list[bytes] = []
    for row, length in zip(changes.tolist(), np.diff(np.r_[changes, len(frame)]).tolist(), strict=True):
        tails += [_tail(int(quality[row]), int(wall[row]))] * length
    return tails


def _tail(quality: int, wall_ns: int) -> bytes:
    said = "true" if quality & Flag.CLOCK_NOT_TRUSTED else "false" if quality & Flag.CLOCK_CORRECTED else ""
    untrusted = f",{schema.CLOCK_UNTRUSTED}={said}" if said else ""
    return f",{schema.QUALITY}={quality & int(_CODE)}i{untrusted} {wall_ns}\n".encode()

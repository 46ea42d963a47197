"""Bytes of one block -> Frame, by tables made once. No per-sample Python (texts excepted: one dict look-up each).

The bytes of every number are gathered into native order in one `take`; after that a number is a view:

    payload --frombuffer--> uint8[bytes] --take--> uint8[...] --view per type--> value[n] --faults, map, scale--> Frame
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from drivers.modbus.config import Order, Point
from gateway.model.clock import Instant
from gateway.model.frame import Frame
from gateway.model.quality import Flag, Quality

_DTYPE = {"int16": "<i2", "uint16": "<u2", "bit": "<u2", "int32": "<i4", "uint32": "<u4", "float32": "<f4",
          "int64": "<i8", "uint64": "<u8", "float64": "<f8"}
# Widest first: every view is then aligned. Texts last, their lengths are arbitrary.
_RANK = {kind: rank for rank, kind in enumerate(
    ("int64", "uint64", "float64", "int32", "uint32", "float32", "int16", "uint16", "bit", "bool", "string"))}
_FLAGGED = np.uint16(Flag.CLOCK_NOT_TRUSTED)


class Field(NamedTuple):
    """A point in a block: the signal it becomes, its first register (or bit) counted from the start of the block.

    scaling: scale and offset to engineering units, where they are not the point's own (a current loop).
    """

    signal: int
    at: int
    point: Point
    order: Order
    scaling: tuple[float, float] | None = None

    @property
    def scale(self) -> float:
        return self.point.scale if self.scaling is None else self.scaling[0]

    @property
    def offset(self) -> float:
        return self.point.offset if self.scaling is None else self.scaling[1]


class Decoder:
    """Decodes one block. The payload must have the length that was asked for (the line has made sure of that).

    A value that is NaN, infinite, one of the point's fault values, or not in its map is NaN with BAD_SENSOR.
    64-bit integers lose what float64 can not hold (beyond 2**53).
    """

    def __init__(self, fields: Sequence[Field]):
        fields = sorted(fields, key=lambda field: (_RANK[field.point.kind], field.at))
        points = [field.point for field in fields]
        size = len(fields)
        self._size = size
        self._signal = np.array([field.signal for field in fields], np.int32)
        self._good = np.zeros(size, np.uint16)
        self._flagged = np.full(size, _FLAGGED)
        self._bits = bool(points) and points[0].kind == "bool"
        if self._bits:
            self._gather = np.array([field.at for field in fields], np.intp)
        else:
            self._gather = np.array([byte for field in fields for byte in _native_bytes(field)], np.intp)
            self._bytes = np.empty(self._gather.shape[0], np.uint8)
            self._lay_out(points)
        self._scale = _column([field.scale for field in fields], neutral=1.0)
        self._offset = _column([field.offset for field in fields], neutral=0.0)
        self._faults = _fault_columns(points)
        self._map_rows, self._map_keys, self._map_values = _map_table(points)
        self._certain = all(map(_always_finite, points))

    def _lay_out(self, points: Sequence[Point]) -> None:
        """Where in the gathered bytes each type lies."""
        self._views: list[tuple[slice, NDArray]] = []
        self._texts: list[tuple[int, slice, dict[bytes, float]]] = []
        self._bit_rows, self._bit_shift = slice(0, 0), np.empty(0, np.uint16)
        self._bit_words = self._bytes[:0].view("<u2")
        row = start = 0
        while row < len(points):
            kind = points[row].kind
            if kind == "string":
                end = start + points[row].width * 2
                table = {text.encode(): number for text, number in (points[row].map or {}).items()}
                self._texts.append((row, slice(start, end), table))
                row, start = row + 1, end
                continue
            count = sum(point.kind == kind for point in points)
            end = start + count * np.dtype(_DTYPE[kind]).itemsize
            view = self._bytes[start:end].view(_DTYPE[kind])
            if kind == "bit":
                self._bit_rows, self._bit_words = slice(row, row + count), view
                self._bit_shift = np.array([point.bit for point in points[row:row + count]], np.uint16)
            else:
                self._views.append((slice(row, row + count), view))
            row, start = row + count, end

    def __call__(self, payload: bytes, at: Instant) -> Frame:
        quality = self._good if at.trusted else self._flagged
        if self._certain:
            value = self._values(payload)
        else:
            with np.errstate(invalid="ignore", over="ignore"):  # signalling NaN and overflow are data here
                value = self._values(payload)
            finite = np.isfinite(value)
            if not finite.all():
                value[~finite] = np.nan
                quality = np.where(finite, quality, quality | np.uint16(Quality.BAD_SENSOR))
        wall, line = np.empty(self._size, np.int64), np.empty(self._size, np.int64)
        wall.fill(at.wall_ns)
        line.fill(at.line_ns)
        return Frame.from_columns(self._signal, value, quality, wall, line)

    def _values(self, payload: bytes) -> NDArray[np.float64]:
        """Engineering values, shape (n,); not finite where there is none."""
        raw = np.frombuffer(payload, np.uint8)
        value = np.empty(self._size)
        if self._bits:
            value[:] = np.unpackbits(raw, bitorder="little")[self._gather]
        else:
            self._read_registers(raw, value)
        for codes in self._faults:
            value[value == codes] = np.nan
        if self._map_rows.shape[0]:
            self._look_up(value)
        if self._scale is not None:
            value *= self._scale
        if self._offset is not None:
            value += self._offset
        return value

    def _read_registers(self, raw: NDArray[np.uint8], value: NDArray[np.float64]) -> None:
        raw.take(self._gather, out=self._bytes, mode="clip")  # "raise" would copy `out`; the length is known
        for rows, view in self._views:
            value[rows] = view
        if self._bit_shift.shape[0]:
            value[self._bit_rows] = (self._bit_words >> self._bit_shift) & 1
        for row, place, table in self._texts:
            value[row] = table.get(self._bytes[place].tobytes().rstrip(b"\0 "), np.nan)

    def _look_up(self, value: NDArray[np.float64]) -> None:
        """Raw -> mapped for all mapped points at once: one sorted table of (point, raw) pairs."""
        raw = value[self._map_rows]
        known = np.isfinite(raw)  # a fault value is NaN by now
        keys = (np.arange(raw.shape[0]) << 33) + np.where(known, raw, 0).astype(np.int64)
        place = np.minimum(np.searchsorted(self._map_keys, keys), self._map_keys.shape[0] - 1)
        hit = known & (self._map_keys[place] == keys)
        value[self._map_rows] = np.where(hit, self._map_values[place], np.nan)


def _native_bytes(field: Field) -> list[int]:
    """Byte numbers in the payload, least significant first (text: in reading order)."""
    registers = [[2 * word, 2 * word + 1] for word in range(field.at, field.at + field.point.width)]
    if field.order in ("BADC", "DCBA"):
        registers = [pair[::-1] for pair in registers]
    text = field.point.kind == "string"  # its registers always come in reading order; only bytes may be swapped
    if field.order in ("CDAB", "DCBA") and not text:
        registers.reverse()
    ordered = [byte for pair in registers for byte in pair]
    return ordered if text else ordered[::-1]


def _column(numbers: Sequence[float], neutral: float) -> NDArray[np.float64] | None:
    return None if all(number == neutral for number in numbers) else np.array(numbers, np.float64)


def _as_raw(kind: str, code: float) -> float:
    """A fault value as decoding shows it: 0x8000 of an int16 reads -32768; of a float32 the nearest float32."""
    if kind in ("int16", "int32", "int64"):
        bits = int(kind[3:])
        return code - 2.0**bits if code >= 2.0 ** (bits - 1) else code
    return float(np.float32(code)) if kind == "float32" else code


def _always_finite(point: Point) -> bool:
    """Integers without fault values or map, scaled within reason, can not come out as anything but a number."""
    integer = point.kind not in ("float32", "float64", "string")
    return integer and not point.fault_values and not point.map and max(abs(point.scale), abs(point.offset)) < 1e200


def _fault_columns(points: Sequence[Point]) -> list[NDArray[np.float64]]:
    """The first fault value of every row, the second, ...; NaN, which equals nothing, where a row has no more."""
    codes = [[_as_raw(point.kind, code) for code in point.fault_values] for point in points]
    return [np.array([own[nth] if nth < len(own) else np.nan for own in codes])
            for nth in range(max(map(len, codes), default=0))]


def _map_table(points: Sequence[Point]) -> tuple[NDArray[np.intp], NDArray[np.int64], NDArray[np.float64]]:
    """Rows that have a map of numbers, and all their pairs under one key: number of the row << 33 | raw."""
    rows = [row for row, point in enumerate(points) if point.map and point.kind != "string"]
    pairs = sorted(((line << 33) + int(_as_raw(points[row].kind, int(raw, 0))), number)
                   for line, row in enumerate(rows) for raw, number in (points[row].map or {}).items())
    return (np.array(rows, np.intp), np.array([key for key, _ in pairs], np.int64),
            np.array([number for _, number in pairs], np.float64))

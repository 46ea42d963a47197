"""Columns of numbers as few bytes, exactly. Pure code, no I/O.

Integers are kept as first value + steps: a constant or a contiguous range costs 17 bytes, anything else one small step
per row. Values are kept exactly: as scaled integers where every one of them is a decimal with up to three places
(that is what 16-bit registers give), as float32 where that loses nothing, else as float64; byte planes are
deflated where it pays.
"""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

# -- pieces: a length, whose top bit says "deflated", and bytes ----------------------------------------------------

_LENGTH = struct.Struct("<I")
_DEFLATED = 1 << 31


def _piece(data: bytes) -> bytes:
    """Noise (the low bytes of measured floats) is not worth the attempt: 256 random bytes show about 160 values."""
    if len(data) >= 64 and len(set(data[:256])) < 112:
        packed = zlib.compress(data, 1)
        if len(packed) < len(data):
            return _LENGTH.pack(len(packed) | _DEFLATED) + packed
    return _LENGTH.pack(len(data)) + data


class Pieces:
    def __init__(self, data: memoryview, offset: int):
        self._data, self._offset = data, offset

    def raw(self, size: int) -> memoryview:
        self._offset += size
        return self._data[self._offset - size:self._offset]

    def next(self) -> bytes | memoryview:
        (length,) = _LENGTH.unpack_from(self._data, self._offset)
        start = self._offset + _LENGTH.size
        self._offset = start + (length & ~_DEFLATED)
        piece = self._data[start:self._offset]
        return zlib.decompress(piece) if length & _DEFLATED else piece


# -- integer columns -----------------------------------------------------------------------------------------------

_EVEN = struct.Struct("<Bqq")  # 0, first, step
_UNEVEN = struct.Struct("<Bq")  # width of a step in bytes, first
_WIDTHS = {1: np.dtype("<i1"), 2: np.dtype("<i2"), 4: np.dtype("<i4"), 8: np.dtype("<i8")}


def _lowest(width: int) -> int:
    return -(1 << 8 * width - 1)


def _narrowest(low: int, high: int) -> int:
    """Bytes that hold low..high with the lowest number of the type to spare."""
    return next((width for width in (1, 2, 4) if _lowest(width) < low and high < -_lowest(width)), 8)


def pack_integers(column: NDArray) -> bytes:
    first = int(column[0])
    if column.strides == (0,) or len(column) == 1:  # one value spread over all rows
        return _piece(_EVEN.pack(0, first, 0))
    steps = np.diff(column.astype(np.int64))  # differences and sums wrap alike, so this is exact for any int64
    low, high = int(steps.min()), int(steps.max())
    if low == high:
        return _piece(_EVEN.pack(0, first, low))
    width = _narrowest(low, high)
    return _piece(_UNEVEN.pack(width, first) + steps.astype(_WIDTHS[width]).tobytes())


def unpack_integers(pieces: Pieces, count: int, dtype: type) -> NDArray:
    data = pieces.next()
    if data[0] == 0:
        _, first, step = _EVEN.unpack_from(data)
        if step == 0:
            return np.full(count, first, dtype)
        return (first + step * np.arange(count)).astype(dtype)
    width, first = _UNEVEN.unpack_from(data)
    column = np.empty(count, np.int64)
    column[0] = first
    column[1:] = np.frombuffer(data, _WIDTHS[width], offset=_UNEVEN.size)
    return np.cumsum(column).astype(dtype, copy=False)


# -- values --------------------------------------------------------------------------------------------------------

# How a decimal came about matters to its last bit: raw / 10 and raw * 0.1 differ. Code = index into this table.
_DECIMALS = ((np.multiply, 1.0, 1.0), (np.divide, 10.0, 10.0), (np.divide, 100.0, 100.0), (np.divide, 1000.0, 1000.0),
             (np.multiply, 0.1, 10.0), (np.multiply, 0.01, 100.0), (np.multiply, 0.001, 1000.0))
_SAME, _FLOAT32, _FLOAT64 = 16, 17, 18
_VALUES = struct.Struct("<BB")  # code, width in bytes
_NAN = np.array(np.nan).view(np.int64)
_PROBE = 32  # rows that are tried before the whole column is


def pack_values(column: NDArray[np.float64]) -> bytes:
    if column.strides == (0,):
        return _VALUES.pack(_SAME, 8) + _planes(column[:1].copy())
    values = np.ascontiguousarray(column, "<f8")
    bits = values.view(np.int64)
    if (bits == bits[0]).all():
        return _VALUES.pack(_SAME, 8) + _planes(values[:1].copy())
    for code in range(len(_DECIMALS)):
        if _as_decimals(values[:_PROBE], code) is not None and (whole := _as_decimals(values, code)) is not None:
            return _VALUES.pack(code, whole.dtype.itemsize) + _planes(whole)
    with np.errstate(over="ignore", invalid="ignore"):
        single = values.astype("<f4")
    if (single.astype(np.float64).view(np.int64) == bits).all():
        return _VALUES.pack(_FLOAT32, 4) + _planes(single)
    return _VALUES.pack(_FLOAT64, 8) + _planes(values)


def _as_decimals(values: NDArray[np.float64], code: int) -> NDArray | None:
    """Integers from which this code gives back every bit of `values`, or None. The lowest integer stands for NaN."""
    operation, factor, inverse = _DECIMALS[code]
    bits = values.view(np.int64)
    missing = bits == _NAN
    with np.errstate(over="ignore", invalid="ignore"):
        integers = np.rint(np.where(missing, 0.0, values) * inverse).astype(np.int64)
    low, high = int(integers.min()), int(integers.max())
    width = _narrowest(low, high)
    if width == 8 or not ((operation(integers, factor).view(np.int64) == bits) | missing).all():
        return None
    return np.where(missing, _lowest(width), integers).astype(_WIDTHS[width])


def _planes(column: NDArray) -> bytes:
    """First all lowest bytes, then all second bytes ...: what varies little stands together and deflates well."""
    width = column.dtype.itemsize
    return b"".join(_piece(plane.tobytes()) for plane in column.view(np.uint8).reshape(-1, width).T)


def unpack_values(pieces: Pieces, count: int) -> NDArray[np.float64]:
    code, width = _VALUES.unpack(pieces.raw(_VALUES.size))
    rows = 1 if code == _SAME else count
    column = np.empty((rows, width), np.uint8)
    for plane in range(width):
        column[:, plane] = np.frombuffer(pieces.next(), np.uint8)
    if code == _SAME:
        return np.full(count, column.view("<f8")[0, 0])
    if code == _FLOAT32:
        return column.view("<f4")[:, 0].astype(np.float64)
    if code == _FLOAT64:
        return column.view("<f8")[:, 0]
    integers = column.view(_WIDTHS[width])[:, 0]
    operation, factor, _ = _DECIMALS[code]
    values = operation(integers.astype(np.float64), factor)
    values[integers == _lowest(width)] = np.nan
    return values

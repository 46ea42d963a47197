"""A Modbus device: its register image, its answers, and what can go wrong with it on the wire. No sockets here."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from simulators.instruments import Vector
from simulators.layout import DeviceMap, Point
from simulators.text import Text, unknown

TABLES = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}  # table -> function code that reads it
ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE = 1, 2, 3
WRITES = frozenset((5, 6, 15, 16, 21, 22, 23))
WRITE_COIL = 5
MOST_BITS = 2000
_READ = struct.Struct(">BHH")
_SATURATED = (380.0, 2050.0)  # where the output of a 4-20 mA transmitter ends (NAMUR NE 43), 0.01 mA


@dataclass
class Wire:
    """What is wrong between this device and its reader. As made: nothing.

    share: of the answers, 0 to 1. delay: s. exception: code, 0 for none.
    """

    dead: bool = False  # takes requests, never answers
    unplugged: bool = False  # no listener, open connections are reset
    rebooting: bool = False  # unplugged, by another cause
    garbled: float = 0.0
    delay: float = 0.0
    exception: int = 0
    short: bool = False  # one register too few, in a frame that is otherwise correct
    wrong_unit: bool = False
    wrong_transaction: bool = False  # TCP only
    torn: bool = False  # half an answer, then the connection is closed (serial: half an answer)

    @property
    def gone(self) -> bool:
        return self.unplugged or self.rebooting


SOUND = Wire()


@dataclass
class Counters:
    requests: int = 0
    exceptions: int = 0
    writes_refused: int = 0  # a read-only client keeps both at 0
    writes_taken: int = 0


@dataclass(eq=False)
class _Group:
    """Points of one table, type and word order, encoded together. register = reading * gain + bias."""

    table: int
    type: str
    order: str
    address: list[int] = field(default_factory=list)
    source: list[int] = field(default_factory=list)
    gain: list[float] = field(default_factory=list)
    bias: list[float] = field(default_factory=list)
    none: list[int] = field(default_factory=list)
    bounds: list[tuple[float, float]] = field(default_factory=list)
    pinned: dict[int, float] = field(default_factory=dict)
    encode: Callable[[Vector], None] = field(default=lambda values: None)


class Device:
    """The image is rewritten by `update(readings)`, read by `answer(pdu)`. A write is refused, but to a relay coil."""

    def __init__(self, layout: DeviceMap, index: dict[str, int]):
        self.id, self.map = layout.id, layout
        self.wire, self.counters = Wire(), Counters()
        self.jammed: set[int] = set()  # relay coils that take a command and do not do it
        self.quantities = tuple(name for point in layout.points for name in point.of)
        self._words = {TABLES[table]: np.zeros(size, ">u2") for table, size in layout.size.items() if TABLES[table] > 2}
        self._bits = {TABLES[table]: np.zeros(size, bool) for table, size in layout.size.items() if TABLES[table] <= 2}
        self._groups: dict[tuple, _Group] = {}
        self._points: dict[tuple[int, int], tuple[_Group, int]] = {}
        self._reading: Vector = np.zeros(len(index))
        for point in layout.points:
            if point.const is None:
                self._add(point, index)
            else:
                self._fix(point)
        for group in self._groups.values():
            group.encode = self._encoder(group)

    def update(self, reading: Vector) -> None:
        self._reading = reading
        for group in self._groups.values():
            group.encode(self._values(group))

    def pin(self, table: str, address: int, value: float | None) -> None:
        """The point at this address reads `value`, in its own unit, whatever the plant does; None lets go."""
        if (TABLES.get(table), address) not in self._points:
            places = (f"{name}:{place}" for code, place in self._points for name in TABLES if TABLES[name] == code)
            raise unknown(Text("point of this device", "该设备的点位"), f"{table}:{address}", places, self.id)
        group, row = self._points[TABLES[table], address]
        if value is None:
            group.pinned.pop(row, None)
        else:
            group.pinned[row] = value
        group.encode(self._values(group))

    def answer(self, pdu: bytes) -> bytes:
        """Answer PDU to a request PDU (function code and data)."""
        self.counters.requests += 1
        code = pdu[0]
        if self.wire.exception:
            return self._refuse(code, self.wire.exception)
        words = self._words.get(code)
        if words is None:
            return self._answer_bits(pdu)
        if len(pdu) != _READ.size:
            return self._refuse(code, ILLEGAL_VALUE)
        _, first, count = _READ.unpack(pdu)
        if not 1 <= count <= self.map.max_registers:
            return self._refuse(code, ILLEGAL_VALUE)
        if first + count > words.shape[0]:
            return self._refuse(code, ILLEGAL_ADDRESS)
        return bytes((code, 2 * count)) + words[first:first + count].tobytes()

    def _answer_bits(self, pdu: bytes) -> bytes:
        code, bits = pdu[0], self._bits.get(pdu[0])
        if code == WRITE_COIL and len(pdu) == _READ.size and _READ.unpack(pdu)[1] in self.map.relays:
            return self._switch(pdu)
        if bits is None:
            self.counters.writes_refused += code in WRITES
            return self._refuse(code, ILLEGAL_FUNCTION)
        if len(pdu) != _READ.size:
            return self._refuse(code, ILLEGAL_VALUE)
        _, first, count = _READ.unpack(pdu)
        if not 1 <= count <= MOST_BITS:
            return self._refuse(code, ILLEGAL_VALUE)
        if first + count > bits.shape[0]:
            return self._refuse(code, ILLEGAL_ADDRESS)
        packed = np.packbits(bits[first:first + count], bitorder="little").tobytes()
        return bytes((code, len(packed))) + packed

    def _switch(self, pdu: bytes) -> bytes:
        """A relay coil. The answer is the echo."""
        code, address, content = _READ.unpack(pdu)
        if content not in (0x0000, 0xFF00):
            return self._refuse(code, ILLEGAL_VALUE)
        self.counters.writes_taken += 1
        if address not in self.jammed:
            self._bits[TABLES["coil"]][address] = content != 0
        return pdu

    def relay(self, address: int) -> bool:
        """What this coil holds."""
        return bool(self._bits[TABLES["coil"]][address])

    def _refuse(self, code: int, exception: int) -> bytes:
        self.counters.exceptions += 1
        return bytes((code & 0x7F | 0x80, exception))

    def _values(self, group: _Group) -> Vector:
        values = self._reading[group.source]
        for row, value in group.pinned.items():
            values[row] = value
        return values

    def _add(self, point: Point, index: dict[str, int]) -> None:
        group = self._groups.setdefault((point.table, point.type, point.order),
                                        _Group(TABLES[point.table], point.type, point.order))
        for number, name in enumerate(point.of):
            if name not in index:
                raise unknown(Text("quantity", "测量量"), name, index, f"{self.id} {point.table} {point.address}")
            address = point.address + number * point.stride
            self._points[group.table, address] = group, len(group.address)
            group.address.append(address)
            group.source.append(index[name])
            if point.loop:
                low, high = point.loop
                gain = 1600 / (high - low)
                bounds = _SATURATED
            else:
                low, gain = 0.0, 1 / point.scale
                bounds = (-32768.0, 32767.0) if point.type == "int16" else (0.0, 65535.0)
            group.gain.append(gain)
            group.bias.append((400.0 if point.loop else 0.0) - low * gain)
            group.none.append(point.none)
            group.bounds.append(bounds)

    def _fix(self, point: Point) -> None:
        content = round((point.const or 0) / point.scale) & 0xFFFF
        addresses = range(point.address, point.address + point.count * point.stride, point.stride)
        self._words[TABLES[point.table]][list(addresses)] = content

    def _encoder(self, group: _Group) -> Callable[[Vector], None]:
        """A function values f8[k] -> None that writes the image."""
        gain, bias, none = np.array(group.gain), np.array(group.bias), np.array(group.none)
        address, bounds = np.array(group.address), np.array(group.bounds)

        def bits(values: Vector) -> None:
            self._bits[group.table][address] = values >= 0.5

        def words(values: Vector) -> None:
            raw = np.rint(np.clip(values * gain + bias, bounds[:, 0], bounds[:, 1]))
            self._words[group.table][address] = np.where(np.isnan(raw), none, raw).astype(np.int64) & 0xFFFF

        def floats(values: Vector) -> None:
            pair = (values * gain + bias).astype(">f4").view(">u2").reshape(-1, 2)
            self._words[group.table][address[:, None] + (0, 1)] = pair if group.order == "ABCD" else pair[:, ::-1]

        kinds = {"bit": bits, "int16": words, "uint16": words, "float32": floats}
        if group.type not in kinds:
            raise unknown(Text("type", "类型"), group.type, kinds, self.id)
        return kinds[group.type]


def shape(answer: bytes, wire: Wire) -> bytes:
    """The answer PDU with one register too few, when the wire says so."""
    if wire.short and answer[0] < 0x80 and answer[1] >= 2:
        return bytes((answer[0], answer[1] - 2)) + answer[2:-2]
    return answer


"""The `modbus` section of a site file: one endpoint (one TCP connection or one serial line) and its devices."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from drivers.modbus.findings import findings
from gateway.model.text import Text
from gateway.model.units import parse_duration

Duration = Annotated[float, BeforeValidator(parse_duration)]
PositiveDuration = Annotated[float, BeforeValidator(parse_duration), Field(gt=0)]

Table = Literal["coil", "discrete", "input", "holding"]
Order = Literal["ABCD", "CDAB", "BADC", "DCBA"]
Type = Literal["bool", "bit", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64", "string"]

FUNCTION: dict[str, int] = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}
BIT_TABLES = ("coil", "discrete")
WIDTH: dict[str, int] = {"bool": 1, "bit": 1, "int16": 1, "uint16": 1, "int32": 2, "uint32": 2, "float32": 2,
                         "int64": 4, "uint64": 4, "float64": 4}  # in registers (bool: bits)


def _integer(value: Any) -> Any:
    """Spreadsheets give text, manuals give hexadecimal: "0x0156" and "342" are both fine."""
    return int(value, 0) if isinstance(value, str) and value.strip() else value


def _number(text: str) -> float:
    try:
        return float(int(text, 0))
    except ValueError:
        return float(text)


def _numbers(value: Any) -> Any:
    """[0x8000, 32767] or, from a spreadsheet, "0x8000; 32767"."""
    if isinstance(value, str):
        return tuple(_number(part.strip()) for part in value.replace(",", ";").split(";") if part.strip())
    return (value,) if isinstance(value, (int, float)) else value


def _mapping(value: Any) -> Any:
    """{ "0" = 0, "RUN" = 1 } or, from a spreadsheet, "0=0; RUN=1"."""
    if isinstance(value, str):
        pairs = (part.split("=", 1) for part in value.split(";") if part.strip())
        try:
            return {raw.strip(): _number(number.strip()) for raw, number in pairs}
        except ValueError:
            raise ValueError(f'expected pairs such as "0=0; 1=1; RUN=2", got {value!r}') from None
    return {str(raw): number for raw, number in value.items()} if isinstance(value, dict) else value


Integer = Annotated[int, BeforeValidator(_integer)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Point(_Section):
    """One number in the device and the signal it becomes: signal = scale * raw + offset.

    address       as printed in the manual; `address_base` of the device says whether counting starts at 0 or 1
    type          default: bool for coil and discrete, uint16 for registers. `bit` is one bit of a register (with `bit`)
    order         which byte comes first on the wire, A being the most significant. 64 bit: CDAB = words reversed,
                  BADC = bytes swapped in each word, DCBA = both. Default: the device's
    map           raw value (or text) -> number. A raw value that is not in the map is bad (sensor fault)
    fault_values  raw values that mean "no valid reading", e.g. 0x8000. For signed types also as bit pattern
    length        characters of a string, two to a register
    """

    signal: str
    table: Table
    address: Annotated[Integer, Field(ge=0)]
    type: Type | None = None
    bit: Annotated[Integer, Field(ge=0, le=15)] | None = None
    length: Annotated[Integer, Field(ge=1, le=250)] | None = None
    order: Order | None = None
    scale: Finite = 1.0
    offset: Finite = 0.0
    map: Annotated[dict[str, Finite], BeforeValidator(_mapping)] | None = None
    fault_values: Annotated[tuple[Finite, ...], BeforeValidator(_numbers)] = ()

    @property
    def function(self) -> int:
        return FUNCTION[self.table]

    @property
    def kind(self) -> Type:
        """The type, with the table's default filled in."""
        return self.type or ("bool" if self.table in BIT_TABLES else "uint16")

    @property
    def width(self) -> int:
        """Registers (or bits) that the point takes."""
        return ((self.length or 1) + 1) // 2 if self.kind == "string" else WIDTH[self.kind]


class Forbidden(_Section):
    """Addresses that must not be read (reading them resets a counter, locks up the device ...): first to last."""

    table: Table
    first: Annotated[Integer, Field(ge=0)]
    last: Annotated[Integer, Field(ge=0)]


class Contact(_Section):
    """One contact of a relay that the gateway may drive, once a person has armed it: for a siren or a beacon. Nothing
    else is ever written.

    id      what an annunciator refers to
    table   coil (function 5) or holding (function 6)
    on, off contents of a holding register that mean driven and released
    """

    id: Annotated[str, Field(min_length=1)]
    table: Literal["coil", "holding"] = "coil"
    address: Annotated[Integer, Field(ge=0)]
    on: Annotated[Integer, Field(ge=0, le=65535)] = 1
    off: Annotated[Integer, Field(ge=0, le=65535)] = 0

    def content(self, on: bool) -> int:
        return self.on if on else self.off


class Device(_Section):
    """One slave, and how it likes to be asked.

    period           between the starts of two cycles, on a fixed grid
    timeout          for the device to answer; on a serial line the time the bytes need is added
    retries          further attempts at a request that was not answered
    pause            silence after each answer before the next request. Default: 0 on TCP, 10 ms on RTU
    backoff_ceiling  a silent device is asked at growing intervals, never longer than this
    quarantine       RTU only: a device that missed its time-out is left alone this long, so that its late answer
                     can not be taken for the answer to the next request. Default: twice the time-out
    max_registers, max_bits   one request asks for at most so many
    hole_limit       so many unused registers (16 times as many bits) are read along to save a request
    """

    id: str
    unit: Annotated[Integer, Field(ge=0, le=255)] = 1
    period: PositiveDuration = 1.0
    timeout: PositiveDuration = 0.5
    retries: Annotated[Integer, Field(ge=0, le=10)] = 1
    pause: Duration | None = None
    backoff_ceiling: PositiveDuration = 5.0
    quarantine: Duration | None = None
    max_registers: Annotated[Integer, Field(ge=1, le=125)] = 125
    max_bits: Annotated[Integer, Field(ge=1, le=2000)] = 2000
    hole_limit: Annotated[Integer, Field(ge=0, le=124)] = 8
    do_not_read: tuple[Forbidden, ...] = ()
    address_base: Literal[0, 1] = 0
    order: Order = "ABCD"
    points: tuple[Point, ...] = ()
    points_csv: str | None = None  # already read into `points` by gateway.config
    outputs: tuple[Contact, ...] = ()

    def wire_address(self, point: Point | Contact) -> int:
        return point.address - self.address_base


class ModbusSource(_Section):
    """One endpoint. Devices of one source share its line and take turns; sources never wait for each other."""

    id: str
    type: Literal["modbus"]
    transport: Literal["tcp", "rtu", "rtu_over_tcp"] = "tcp"
    host: str | None = None
    port: Annotated[Integer, Field(ge=1, le=65535)] = 502
    serial_port: str | None = None
    baudrate: Annotated[Integer, Field(ge=300, le=4_000_000)] = 9600
    parity: Literal["N", "E", "O"] = "N"
    stopbits: Literal[1, 2] = 1
    connect_timeout: PositiveDuration = 3.0
    devices: Annotated[tuple[Device, ...], Field(min_length=1)]

    @property
    def endpoint(self) -> str:
        return self.serial_port or "" if self.transport == "rtu" else f"{self.host}:{self.port}"

    def bindings(self) -> Iterable[tuple[str, tuple]]:
        """Every signal id bound here, with its place in this section."""
        for row, device in enumerate(self.devices):
            for number, point in enumerate(device.points):
                yield point.signal, ("devices", row, "points", number, "signal")

    def wired(self) -> dict[str, list[str]]:
        """Device -> the signals that it gives."""
        return {device.id: [point.signal for point in device.points] for device in self.devices}

    def contacts(self) -> Iterable[tuple[str, tuple]]:
        """Every output id, with its place in this section."""
        for row, device in enumerate(self.devices):
            for number, contact in enumerate(device.outputs):
                yield contact.id, ("devices", row, "outputs", number, "id")

    def periods(self) -> dict[str, float]:
        """Signal id -> seconds between samples."""
        return {point.signal: device.period for device in self.devices for point in device.points}

    def findings(self) -> Iterable[tuple[tuple, Text, Text, str]]:
        """What can not work, or probably is not meant: (place in this section, what, fix, "error" or "warning")."""
        return findings(self)

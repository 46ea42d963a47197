"""What stands where on the simulated site: read from a TOML file, see sites/depot.toml for a commented one."""

from __future__ import annotations

import dataclasses
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from simulators.text import SimulatorError, Text, unknown

SITES = Path(__file__).parent / "sites"


@dataclass(frozen=True, slots=True)
class Area:
    """volume in m3; 0 is open air. air_changes per hour without a fan, and with `fan` running."""

    id: str
    name: Text
    volume: float = 0.0
    air_changes: float = 4.0
    fan: str = ""
    fan_air_changes: float = 40.0


@dataclass(frozen=True, slots=True)
class Detector:
    """A combustible gas detector. x, y in m; t90 in s; the rest in %LEL."""

    id: str
    area: str
    x: float
    y: float
    t90: float = 12.0
    range: float = 100.0
    low_alarm: float = 20.0
    high_alarm: float = 40.0
    background: float = 1.0
    noise: float = 0.15


@dataclass(frozen=True, slots=True)
class CertifiedSystem:
    """A *simulated* certified system: commands ESD when any gas reading holds `trip` %LEL for `hold` s, until reset."""

    command: str
    trip: float
    hold: float


@dataclass(frozen=True, slots=True)
class Valve:
    """stroke: s from open to closed. Open while ESD is not commanded."""

    id: str
    stroke: float


@dataclass(frozen=True, slots=True)
class Machine:
    """A pump or a fan with its electrical load. power in W at full load."""

    id: str
    power: float
    phases: int = 3
    voltage: float = 230.0
    factor: float = 0.86
    running: bool = True
    energy: float = 0.0  # kWh on the meter at the start


@dataclass(frozen=True, slots=True)
class Transfer:
    """The line from the tank through the valves: `pump` empties the tank by `flow` m3/s when all valves are open."""

    pump: str
    level: str
    pressure: str
    temperature: str
    flow: float = 0.05
    section: float = 60.0  # of the tank, m2
    height: float = 12.0
    filled: float = 8.2
    pumped: float = 0.62  # MPa with the pump running and the line open


@dataclass(frozen=True, slots=True)
class Camera:
    id: str
    fps: float = 5.0


@dataclass(frozen=True, slots=True)
class Persons:
    """How many people `camera` counts. The count stands still while the camera is lost."""

    id: str
    camera: str
    count: int = 0


@dataclass(frozen=True, slots=True)
class Point:
    """Where a quantity is found in a device, or several at a regular `stride`.

    table   coil, discrete, holding or input. address: zero-based
    of      the quantity or quantities; `const` instead of it for fixed contents, `count` times
    scale   register = quantity / scale. loop = [low, high]: 4-20 mA in 0.01 mA instead
    none    register content while the instrument gives no value
    order   of the two words of a float32: ABCD or CDAB
    """

    table: str
    address: int
    type: str = "uint16"
    of: tuple[str, ...] = ()
    const: float | None = None
    count: int = 1
    stride: int = 1
    scale: float = 1.0
    loop: tuple[float, float] | None = None
    none: int = 0
    order: str = "ABCD"


@dataclass(frozen=True, slots=True)
class DeviceMap:
    """A Modbus device: its own TCP port (base + `port`) at unit id `unit`, and unit `serial_unit` on a serial bus.

    size: registers or bits per table that can be read. max_registers: the most in one request.
    relays: coils that can be written (function 5), such as those of sirens; all else refuses to be written.
    """

    id: str
    port: int
    points: tuple[Point, ...]
    size: dict[str, int]
    unit: int = 1
    serial_unit: int = 1
    max_registers: int = 125
    relays: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """One topic. Sent every `every` s, and when its payload changes if `on_change`.

    of    a plain number, or with `words = [when 0, when 1]` one of two words
    json  an object; a string that names a quantity stands for its value, "$time" for the device's clock (UTC)
    """

    topic: str
    every: float = 0.0
    on_change: bool = False
    retain: bool = False
    of: str = ""
    words: tuple[str, str] | None = None
    decimals: int = 0
    json: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Publisher:
    """An MQTT client: retained availability, set by the broker to `offline` when the client is lost (last will)."""

    id: str
    availability: str
    online: str
    offline: str
    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    name: Text
    areas: tuple[Area, ...] = ()
    detectors: tuple[Detector, ...] = ()
    valves: tuple[Valve, ...] = ()
    machines: tuple[Machine, ...] = ()
    cameras: tuple[Camera, ...] = ()
    persons: tuple[Persons, ...] = ()
    certified_system: CertifiedSystem | None = None
    transfer: Transfer | None = None
    wind_speed: float = 2.0  # m/s
    wind_towards: float = 0.0  # degrees, 0 is along +x
    devices: tuple[DeviceMap, ...] = ()
    publishers: tuple[Publisher, ...] = ()


_PARTS: dict[str, type] = {
    "areas": Area, "detectors": Detector, "valves": Valve, "machines": Machine, "cameras": Camera, "persons": Persons,
    "certified_system": CertifiedSystem, "transfer": Transfer, "devices": DeviceMap, "points": Point,
    "publishers": Publisher, "messages": Message,
}
T = TypeVar("T")


def load(path: Path = SITES / "depot.toml") -> Layout:
    """Raises SimulatorError for a file that can not be read, and for keys that are unknown or missing."""
    return _build(Layout, read_toml(path), str(path.name))


def read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SimulatorError(Text(f"can not be read ({error.strerror}).", f"无法读取（{error.strerror}）。"), str(path),
                             Text("check the path", "请检查路径")) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SimulatorError(Text(f"is not valid TOML in UTF-8: {error}.", f"不是有效的 UTF-8 TOML 文件：{error}。"),
                             str(path), Text("correct the line named", "请修改上述位置")) from error


def read_text(value: object, where: str) -> Text:
    """{ en = "...", zh = "..." } -> Text."""
    if not (isinstance(value, dict) and set(value) == {"en", "zh"} and all(isinstance(v, str) for v in value.values())):
        raise SimulatorError(Text("needs a sentence in both languages.", "需要中英文两种语句。"), where,
                             Text('write { en = "...", zh = "..." }', '写成 { en = "...", zh = "..." }'))
    return Text(value["en"], value["zh"])


def _build(kind: type[T], table: dict[str, Any], where: str) -> T:
    fields = {entry.name: entry for entry in dataclasses.fields(kind)}  # type: ignore[arg-type]
    values = {}
    for key, value in table.items():
        if key not in fields:
            raise unknown(Text("key", "键"), key, fields, where)
        if key == "name":
            value = read_text(value, f"{where} name")
        elif key in _PARTS and isinstance(value, list):
            value = tuple(_build(_PARTS[key], row, f"{where} {key}[{row.get('id', number)}]")
                          for number, row in enumerate(value))
        elif key in _PARTS:
            value = _build(_PARTS[key], value, f"{where} {key}")
        elif key == "of" and kind is Point and isinstance(value, str):
            value = (value,)
        elif isinstance(value, list):
            value = tuple(value)
        values[key] = value
    needed = {name for name, entry in fields.items()
              if entry.default is dataclasses.MISSING and entry.default_factory is dataclasses.MISSING}
    if missing := sorted(needed - values.keys()):
        raise SimulatorError(Text(f"key missing: {', '.join(missing)}.", f"缺少键：{', '.join(missing)}。"), where,
                             Text("add it", "请补上"))
    return kind(**values)

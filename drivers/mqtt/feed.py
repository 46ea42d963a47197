"""What a site file says about one topic, after profiles and names are filled in: plain data, no pydantic, no I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Literal

from drivers.mqtt.payload import Conversion, Path
from drivers.mqtt.topics import Pattern

Shape = Literal["scalar", "document", "array", "samples"]


@dataclass(frozen=True, slots=True)
class Point:
    """One signal and where it stands in the message.

    path      document: the way to the value. samples: (the id that the sender uses,). scalar, array: empty
    location  where the site file names the signal, for error messages
    """

    signal: str
    conversion: Conversion = field(default_factory=Conversion)
    path: Path = ()
    location: tuple[str | int, ...] = ()


@dataclass(frozen=True, slots=True)
class Stamp:
    """The sender's own time. unit: "iso", "s", "ms", "us" or "ns". zone: of an ISO time that names none."""

    path: Path
    unit: str = "iso"
    zone: tzinfo = UTC


@dataclass(frozen=True, slots=True)
class SampleKeys:
    """Names of the keys of one sample; `good` and `uncertain` are the quality marks the sender uses."""

    id: str = "id"
    value: str = "v"
    quality: str | None = None
    good: tuple[int | str, ...] = (0, "good", "Good", "GOOD")
    uncertain: tuple[int | str, ...] = ("uncertain", "Uncertain", "UNCERTAIN")


@dataclass(frozen=True, slots=True)
class Feed:
    """The messages of one topic (or of one filter with anonymous wildcards) and the signals they carry.

    shape    scalar: the message is the value. document: JSON, a path for each value. array: a JSON array in the order
             of `points`. samples: a JSON array of objects with id, value and perhaps time and quality
    at       array, samples: where the array stands; empty: the message is the array
    stamp    None: samples get the time of arrival
    partial  document: a value that is not in the message is no fault
    """

    topic: Pattern
    subscription: str
    shape: Shape
    points: tuple[Point, ...]
    device: str | None = None
    qos: int = 1
    at: Path = ()
    stamp: Stamp | None = None
    partial: bool = False
    keys: SampleKeys = field(default_factory=SampleKeys)
    period_s: float | None = None


@dataclass(frozen=True, slots=True)
class Presence:
    """The topic on which a device (by its last will) says whether it is there.

    path  None: the message is the word itself, else JSON
    """

    device: str
    topic: str
    online: tuple[str, ...] = ("online",)
    offline: tuple[str, ...] = ("offline",)
    path: Path | None = None

"""Gas zones: what watches an area for one kind of gas."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gateway.model.condition import Condition
from gateway.model.signal import Signal
from gateway.model.text import Text


@dataclass(frozen=True, slots=True)
class GasZone:
    """The detectors of one kind of gas in one area. One of another gas is no substitute: who measures oxygen does not
    see a leak.

    id         of its alarm: "tank_farm/blind", or "tank_farm/blind-oxygen" where the area is watched for several kinds
    gas        name of the kind
    detectors  ids of signals
    """

    id: str
    area: str
    kind: str
    gas: Text
    detectors: tuple[str, ...]


def gas_zones(signals: Iterable[Signal], names: Mapping[str, Text]) -> tuple[GasZone, ...]:
    """Areas in order of their first detector, kinds of an area likewise. names: of kinds."""
    found: dict[str, dict[str, list[str]]] = {}
    for signal in signals:
        if signal.gas:
            found.setdefault(signal.area, {}).setdefault(signal.kind, []).append(signal.id)
    return tuple(
        GasZone(f"{area}/{Condition.BLIND}" + (f"-{kind}" if len(kinds) > 1 else ""), area, kind,
                names.get(kind, Text.same(kind)), tuple(detectors))
        for area, kinds in found.items() for kind, detectors in kinds.items())

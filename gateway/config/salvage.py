"""What is left of a table when the parts that are not valid are taken out, so that the rest can still be checked."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from gateway.config.document import Location, holds


def _real(data: Any, location: Location) -> Location:
    """`location` without the tags of unions and without a key that is missing."""
    path: list[str | int] = []
    for part in location:
        if holds(data, part):
            path.append(part)
            data = data[part]
    return tuple(path)


def salvaged(data: object, refused: Iterable[tuple[str, Location]]) -> tuple[object, Callable[[Location], Location]]:
    """`data` without the places in `refused` (pydantic's error type and location), and a function that turns a location
    in the rest into one in `data`. Of a table that lacks a required key nothing is left."""
    bad: set[Location] = set()
    for kind, location in refused:
        path = _real(data, location)
        if kind == "too_short" and any(path == other[: len(path)] for other in bad):
            continue  # elements that were refused are not counted
        bad.add(path)
    kept: dict[Location, list[int]] = {}

    def rest(node: Any, old: Location, new: Location) -> Any:
        if isinstance(node, dict):
            return {key: rest(child, (*old, key), (*new, key)) for key, child in node.items() if (*old, key) not in bad}
        if isinstance(node, list):
            kept[new] = [number for number in range(len(node)) if (*old, number) not in bad]
            return [rest(node[was], (*old, was), (*new, now)) for now, was in enumerate(kept[new])]
        return node

    def original(location: Location) -> Location:
        return tuple(kept[location[:end]][part] if location[:end] in kept and isinstance(part, int) else part
                     for end, part in enumerate(location))

    return rest(data, (), ()), original

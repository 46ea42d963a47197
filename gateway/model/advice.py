"""What to do about an alarm where nobody has written anything better: the catalogue of alarms, `advice.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final

from gateway.model.guidance import PARTS, Guidance
from gateway.model.text import Text

PEER: Final = "gateway/peer"
VIDEO: Final = "video"  # of the interlock "no video, no work"
ALL: Final = "all"  # what a site says of every alarm
_OF_GAS: Final = "gas"


@cache
def catalogue() -> Mapping[str, Guidance]:
    """By condition ("HH"), by condition of a gas detector ("HH.gas"), and by id of an alarm of the gateway."""
    tables = tomllib.loads(files("gateway.model").joinpath("advice.toml").read_text(encoding="utf-8"))
    found = {}
    for name, table in tables.items():
        found[name] = _guidance(table)
        if _OF_GAS in table:
            found[f"{name}.{_OF_GAS}"] = _guidance(table[_OF_GAS]).over(found[name])
    return found


def advised(written: Text, names: tuple[str, ...], gas: bool, own: Mapping[str, Text]) -> Guidance:
    """What was written for one alarm, completed part by part: from what the site says under one of `names` (own), the
    one that says most first, from the catalogue likewise, and from what the site says of every alarm."""
    guidance = Guidance.of(written)
    for name in names:
        guidance = guidance.over(own.get(name, _NOTHING))
    for name in (f"{name}{suffix}" for name in names for suffix in ([f".{_OF_GAS}", ""] if gas else [""])):
        guidance = guidance.over(catalogue().get(name, _NOTHING))
    return guidance.over(own.get(ALL, _NOTHING))


_NOTHING: Final = Text("", "")


def _guidance(table: Mapping[str, Mapping[str, str]]) -> Guidance:
    return Guidance.from_parts({part: Text(**table[part]) for part in PARTS if part in table})

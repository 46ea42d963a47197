"""Durations and sizes as people write them in a site file."""

from __future__ import annotations

import math
import re

_DURATION = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "": 1.0}
_SIZE = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "": 1}
_NUMBER = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*")


def parse_duration(value: object) -> float:
    """"500ms", "5s", "2min", "1h", "30d" or a number of seconds -> seconds. ValueError says what is accepted."""
    return _parse(value, _DURATION, 'a duration such as "500ms", "5s", "2min", "1h" or "30d"')


def parse_size(value: object) -> int:
    """"200MB", "1.5GiB" or a number of bytes -> bytes."""
    return int(_parse(value, _SIZE, 'a size such as "200MB" or "2GiB"'))


def _parse(value: object, units: dict[str, float], wanted: str) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if math.isfinite(value) and value >= 0:
            return value
    elif isinstance(value, str) and (match := _NUMBER.fullmatch(value)) and match[2] in units:
        return float(match[1]) * units[match[2]]
    raise ValueError(f"expected {wanted}, got {value!r}")

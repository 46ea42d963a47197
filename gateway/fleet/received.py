"""What came to the centre, understood or not: nobody who sends nonsense hides the others, and each topic with nonsense
is named. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from gateway.fleet.report import BIRTH, BRIDGE, LARGEST, REPORT, STATE
from gateway.model.text import Text

KINDS: Final = (BIRTH, REPORT, STATE, BRIDGE)
_NUMBER: Final = (int, float)
# What is read of a message. A key that is not here is somebody else's, or of a later version.
_TYPES: Final[Mapping[str, type | tuple[type, ...]]] = {
    "time": str, "run": str, "line_ms": int, "state": str, "sequence": int, "every_s": _NUMBER, "version": str,
    "started": str, "number": int, "digest": str, "hand": bool, "working": bool, "reason": dict,
    "clock_trusted": bool, "risk": str, "alarms": dict, "colours": dict, "unacknowledged": int, "areas": list,
    "areas_with_alarms": int, "unwell": list, "unwell_count": int, "signals_good": int, "signals": int,
    "devices_online": int, "devices": int}


@dataclass(frozen=True, slots=True)
class Message:
    """at: when it came to us. live: it was sent while we listened; else the broker had retained it."""

    topic: str
    payload: bytes
    at: datetime
    live: bool = False


@dataclass(frozen=True, slots=True)
class Malformed:
    topic: str
    why: Text


@dataclass
class Said:
    """By those who call themselves `site`: the newest of each kind. bridge: its line stands; None: it has none. lag_s:
    what the newest live report was late by, when it came. runs: of the live reports in their order."""

    site: str
    birth: Mapping[str, Any] = field(default_factory=dict)
    report: Mapping[str, Any] = field(default_factory=dict)
    state: Mapping[str, Any] = field(default_factory=dict)
    bridge: bool | None = None
    lag_s: float | None = None
    runs: list[str] = field(default_factory=list)


def understood(messages: Iterable[Message], prefix: str) -> tuple[list[Said], list[Malformed]]:
    """messages: in the order in which they came."""
    known: dict[str, Said] = {}
    malformed: dict[str, Malformed] = {}
    for message in messages:
        site, _, kind = message.topic.removeprefix(f"{prefix}/").rpartition("/")
        if not message.payload or not site or "/" in site or kind not in KINDS:  # empty: somebody has cleared the topic
            continue
        said = known.setdefault(site, Said(site))
        if kind == BRIDGE:
            said.bridge = message.payload.strip() == b"1"
            if message.payload.strip() not in (b"0", b"1"):
                malformed[message.topic] = Malformed(message.topic, Text("neither 0 nor 1", "既不是 0 也不是 1"))
            continue
        document, why = _document(message.payload)
        if why is not None:
            malformed[message.topic] = Malformed(message.topic, why)
        if kind == REPORT and message.live and document:
            said.lag_s = _lag_s(document, message.at)
            said.runs.append(str(document.get("run", "")))
        if is_newer(document, getattr(said, kind)):
            setattr(said, kind, document)
    return [known[site] for site in sorted(known)], [malformed[topic] for topic in sorted(malformed)]


def is_newer(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Than the other, which came first. One that waited somewhere and comes late is not."""
    return not other or one.get("run") != other.get("run") or one.get("line_ms", 0) >= other.get("line_ms", 0)


def instant(document: Mapping[str, Any], key: str = "time") -> datetime | None:
    try:
        found = datetime.fromisoformat(document.get(key, ""))
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def _lag_s(document: Mapping[str, Any], at: datetime) -> float | None:
    made = instant(document)
    return None if made is None else (at - made).total_seconds()


def _document(payload: bytes) -> tuple[dict[str, Any], Text | None]:
    """What can be used of it, and what is wrong with it."""
    if len(payload) > LARGEST:
        return {}, Text(f"larger than {LARGEST} bytes", f"超过 {LARGEST} 字节")
    try:
        found = json.loads(payload, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return {}, Text("not JSON", "不是 JSON")
    if not isinstance(found, dict):
        return {}, Text("not a JSON object", "不是 JSON 对象")
    wrong = [key for key, wanted in _TYPES.items() if key in found and not _fits(found[key], wanted)]
    good = {key: found[key] for key in _TYPES if key in found and key not in wrong}
    if "time" in good and instant(good) is None:
        wrong.append("time")
        del good["time"]
    if "time" not in found:
        wrong.append("time")
    listed = ", ".join(wrong)
    return good, Text(f"missing or of a wrong type: {listed}", f"缺少或类型错误：{listed}") if wrong else None


def _fits(value: object, wanted: type | tuple[type, ...]) -> bool:
    return isinstance(value, wanted) and (wanted is bool or not isinstance(value, bool))


def _no_number(name: str) -> None:
    raise ValueError(name)

"""What the site file says of alarms and signals, and what of it has changed since the last start. Pure.

An *item* is an alarm, a signal or a rule, by its id; its settings are JSON-ready. Names, guidance and the like are left
out: they change no alarm. So are the twins of a drill: they follow the alarms that they stand for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from typing import Any, Final

from alerting.ledger import Record, Settings
from gateway.model.alarm import DRILL, DRILL_PREFIX
from gateway.model.condition import Condition
from gateway.model.signal import Signal
from gateway.model.site import Site
from gateway.model.text import Text

KIND: Final = "configuration"
SINGLE: Final = 1_000  # changes that get a row each; a row after that names many, so that all fit in what memory keeps
TOGETHER: Final = 200
_WORDS: Final = frozenset({"id", "name", "guidance", "labels", "decimals", "limits", "group", "lost"})


@dataclass(frozen=True, slots=True)
class Change:
    """old, new: only what differs; None: the item was not there, or is no longer."""

    item: str
    old: Settings | None
    new: Settings | None


def settings(site: Site) -> dict[str, Settings]:
    """Every item of a site, in the order of its file: signals with their range and deadman, alarms with set point,
    delays, priority, rules with all that they compare."""
    found: dict[str, dict[str, Any]] = {signal.id: _plain_fields(signal) for signal in site.signals}
    signals = {signal.id: signal for signal in site.signals}
    for area in site.areas:
        found.setdefault(area.id, {}).update(_plain_fields(area))
    for rule in site.rules:
        found.setdefault(rule.id, {}).update(_plain_fields(rule))
    for alarm in site.alarms:
        if alarm.exercise == DRILL:
            continue
        limit = _limit(signals.get(alarm.origin), alarm.condition)
        found.setdefault(alarm.id, {}).update(_plain_fields(alarm) | limit)
    return found


def changes(before: Mapping[str, Settings], now: Mapping[str, Settings]) -> Iterator[Change]:
    """In the order of the items, those that are gone last."""
    for item, new in now.items():
        old = before.get(item)
        if old is None:
            yield Change(item, None, new)
        elif old != new:
            differ = [key for key in (old | new) if old.get(key) != new.get(key)]
            yield Change(item, {key: old.get(key) for key in differ}, {key: new.get(key) for key in differ})
    for item, old in before.items():
        if item not in now:
            yield Change(item, old, None)


def recorded(before: Mapping[str, Settings], site: Site, origin: Mapping[str, Any],
             wall_ns: int) -> tuple[list[Record], dict[str, Settings | None]]:
    """Rows of the journal, and the items to keep, for a start with this site. before: kept at the last start; empty:
    there was none. origin: where the settings come from, as far as it is known (file, when it was changed,
    whose it is)."""
    now = settings(site)
    before = {item: kept for item, kept in before.items() if not item.startswith(DRILL_PREFIX)}
    found = list(changes(before, now))
    kept = {change.item: now.get(change.item) for change in found}
    if not before:
        return [Record(KIND, "", wall_ns, {"act": "first", "items": len(now), **origin})], kept
    rows = [Record(KIND, change.item, wall_ns, {**_both(change), **origin}) for change in found[:SINGLE]]
    rows += [Record(KIND, "", wall_ns, {"changes": {change.item: _both(change) for change in part}, **origin})
             for part in (found[at:at + TOGETHER] for at in range(SINGLE, len(found), TOGETHER))]
    return rows, kept


def _both(change: Change) -> dict[str, Any]:
    return {"old": change.old, "new": change.new}


def _limit(signal: Signal | None, condition: str) -> dict[str, Any]:
    limit = signal.limit(Condition(condition)) if signal is not None else None
    return {} if limit is None else _plain_fields(limit)


def _plain_fields(one: Any) -> dict[str, Any]:
    """What is not set is left out: a newer program that knows more settings has changed nothing by that."""
    found = {field.name: _plain(getattr(one, field.name)) for field in fields(one) if field.name not in _WORDS}
    return {name: value for name, value in found.items() if value is not None and value is not False
            and value not in ("", [], {})}


def _plain(value: Any) -> Any:
    """JSON-ready, and the same in every process: sets are sorted."""
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, Text):
        return value.en
    if isinstance(value, frozenset | set):
        return sorted(map(_plain, value))
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    if isinstance(value, Mapping):
        return {str(_plain(key)): _plain(one) for key, one in value.items()}
    if is_dataclass(value) and type(value).__str__ is object.__str__:
        return _plain_fields(value)
    return str(value)

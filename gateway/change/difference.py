"""What a new site file changes, in words, and whether it makes the watch laxer. Pure.

What is watched is compared by its effect (alarms, signals, rules as the site has them, whether they are written in the
site file, a kind or a spreadsheet); how it is wired and who is told, by what is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from alerting.journal import configuration
from gateway.change import words
from gateway.model.alarm import AlarmDefinition, Risk
from gateway.model.condition import Condition
from gateway.model.site import Site
from gateway.model.text import Text


class Direction(StrEnum):
    LAXER = "laxer"  # alarms come later, seldom, or to fewer people
    STRICTER = "stricter"
    UNCLEAR = "unclear"  # a person has to judge
    NEUTRAL = "neutral"  # no alarm comes otherwise by it


@dataclass(frozen=True, slots=True)
class Difference:
    """One line of what a change does. item: id of what it is about."""

    item: str
    text: Text
    direction: Direction

    @property
    def line(self) -> Text:
        """With its direction."""
        return Text("{text}{direction}", "{text}{direction}").format(
            text=self.text, direction=words.DIRECTIONS.get(self.direction, Text("", "")))


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two configurations. tables: as written."""

    site: Site
    tables: Mapping[str, Any]


def differences(old: Side, new: Side) -> list[Difference]:
    """In the order of the site file: what is watched, how it is wired, who is told, the rest."""
    return [*_watched(old.site, new.site), *_written(old.tables, new.tables)]


def needs_reason(found: list[Difference]) -> bool:
    return any(one.direction in (Direction.LAXER, Direction.UNCLEAR) for one in found)


# -- what is watched

_LARGER_IS_LAXER: Final = frozenset({
    "on_delay_s", "deadman_s", "priority", "fault_priority", "stroke_time_s", "effect_time_s", "within_s",
    "proof_test_interval_s", "stuck_reads", "m", "bad_after_s"})
_LOW: Final = frozenset({Condition.LOW, Condition.LOW_LOW})
_RISKS: Final = [str(risk.value) for risk in (Risk.RED, Risk.ORANGE, Risk.YELLOW, Risk.BLUE)]
_AS_VALUE: Final = "limit"  # of an alarm: says the same as `value`


def _watched(old: Site, new: Site) -> Iterator[Difference]:
    was, now = configuration.settings(old), configuration.settings(new)
    for change in configuration.changes(was, now):
        if change.old is None:
            if _owner(new, change.item) not in now or _owner(new, change.item) in was:
                yield Difference(change.item, words.added(_named(new, change.item), _belonging(new, change.item)),
                                 Direction.STRICTER)
        elif change.new is None:
            if _owner(old, change.item) not in was or _owner(old, change.item) in now:
                yield Difference(change.item, words.gone(_named(old, change.item), _belonging(old, change.item)),
                                 Direction.LAXER)
        else:
            yield from _settings(new, change)


def _owner(site: Site, item: str) -> str:
    """The signal or rule whose coming and going speaks for its alarm; "" of what is no alarm of another."""
    alarm = site.alarms.get(item)
    return alarm.origin if alarm is not None and alarm.origin != item else ""


def _belonging(site: Site, item: str) -> list[AlarmDefinition]:
    return [alarm for alarm in site.alarms if alarm.origin == item and alarm.id != item]


def _named(site: Site, item: str) -> Text:
    alarm = site.alarms.get(item)
    if alarm is not None and alarm.origin != item:
        return words.condition_of(alarm.condition, alarm.origin)
    if item in site.signals:
        return Text(f"signal {item}", f"信号 {item}")
    if any(rule.id == item for rule in site.rules):
        return Text(f"rule {item}", f"规则 {item}")
    return Text(f"area {item}", f"区域 {item}") if any(area.id == item for area in site.areas) else Text.same(item)


def _settings(site: Site, change: configuration.Change) -> Iterator[Difference]:
    alarm = site.alarms.get(change.item)
    condition = alarm.condition if alarm is not None else ""
    for key in change.new or {}:
        old, new = (change.old or {}).get(key), (change.new or {}).get(key)
        if key == _AS_VALUE and "value" in (change.new or {}):
            continue
        unit = alarm.unit if alarm is not None and key in ("value", "deadband", _AS_VALUE) else ""
        yield Difference(change.item, words.setting(_named(site, change.item), key, old, new, unit),
                         _direction(condition, key, old, new))


def _direction(condition: str, key: str, old: Any, new: Any) -> Direction:
    if key == "latch":
        return Direction.STRICTER if new else Direction.LAXER
    if key == "risk" and old in _RISKS and new in _RISKS:
        return _by(_RISKS.index(new) - _RISKS.index(old))
    if key == "deadman_s" and (old is None or new is None):
        return Direction.LAXER if new is None else Direction.STRICTER
    if not (_is_number(old) and _is_number(new)):
        return Direction.UNCLEAR
    if key == "value":
        return _by((old - new) if condition in _LOW else (new - old))
    return _by(new - old) if key in _LARGER_IS_LAXER else Direction.UNCLEAR


def _by(step: float) -> Direction:
    return Direction.LAXER if step > 0 else Direction.STRICTER


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


# -- what is written

_TOLD: Final = frozenset({"notifiers", "oncall", "alarms", "annunciators", "suppressions", "heartbeat", "selftest"})
_WIRED: Final = frozenset({"sources"})
_WATCHED: Final = frozenset({"signals", "kinds", "rules", "areas", "groups"})  # compared by effect, above
_WORDS: Final = frozenset({"name", "guidance", "labels", "language", "duty", "points_csv"})


def _written(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Difference]:
    for table in dict.fromkeys((*old, *new)):
        if table not in _WATCHED:
            said = table in _TOLD or table in _WIRED
            yield from _tables((table,), old.get(table), new.get(table), said)


def _tables(path: tuple[str, ...], old: Any, new: Any, matters: bool) -> Iterator[Difference]:
    """path: titles of the tables that lead here. matters: an alarm could come otherwise, or to somebody else."""
    if old == new:
        return
    if (was := _elements(old)) is not None and (now := _elements(new)) is not None and (was or now):
        for id in dict.fromkeys((*now, *was)):
            yield from _tables((*path, id), was.get(id), now.get(id), matters)
    elif isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys((*new, *old)):
            yield from _tables((*path, key), old.get(key), new.get(key), matters and key not in _WORDS)
    elif isinstance(old, dict) or isinstance(new, dict):
        place = words.place(path)
        yield (Difference(path[-1], words.added(place), Direction.NEUTRAL) if old is None else
               Difference(path[-1], words.gone(place), Direction.LAXER if matters else Direction.NEUTRAL)
               if new is None else Difference(path[-1], words.written(place, old, new), _weight(matters)))
    else:
        yield Difference(path[-1], words.written(words.place(path), old, new), _weight(matters))


def _weight(matters: bool) -> Direction:
    return Direction.UNCLEAR if matters else Direction.NEUTRAL


def _elements(node: Any) -> dict[str, Any] | None:
    """A list of tables by their ids; nothing is an empty list. None: it is no such list."""
    if node is None:
        return {}
    if not isinstance(node, list) or not all(isinstance(one, dict) for one in node):
        return None
    named = {str(one.get("id", one.get("signal", one.get("name", number)))): one for number, one in enumerate(node)}
    return named if len(named) == len(node) else None

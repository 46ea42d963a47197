"""The data contract with every database, dashboard and report: measurements, tags, fields, units, how many series there
can be, and how long rows are kept. It stands in `contract.toml`: encoders check against it, `davylamp influx setup`
creates what it asks for, docs/reference/data-contract.md is written from it.

A row is named by its time and tags: writing it again overwrites it, so sending twice does no harm and late data counts.
What other people wrote (topics, messages, what a person typed) is never a tag: the number of series is bounded by the
site file, whatever arrives.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from typing import Final

from gateway.model.signal import Signal
from gateway.model.text import Text


class Type(StrEnum):
    """Of a field, as InfluxDB knows it. The first row that is written fixes it."""

    FLOAT = "float"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    STRING = "string"


@dataclass(frozen=True, slots=True)
class Retention:
    """A class of rows that are kept equally long. days: default, which a site may lengthen."""

    name: str
    days: int
    meaning: Text


@dataclass(frozen=True, slots=True)
class Tag:
    """values: where its values come from, which bounds them."""

    name: str
    values: Text


@dataclass(frozen=True, slots=True)
class Field:
    """optional: absent in rows where it has no meaning, or is not known."""

    name: str
    type: Type
    meaning: Text
    unit: str
    optional: bool


@dataclass(frozen=True, slots=True)
class Measurement:
    """written: when a row is written, and what its time is. tags: in the order in which they are written (by name, as
    InfluxDB likes them). series: how many there can be."""

    name: str
    meaning: Text
    written: Text
    tags: tuple[Tag, ...]
    fields: Mapping[str, Field]
    series: Text
    retention: Retention


def _read() -> tuple[dict[str, Retention], dict[str, Measurement], dict[str, dict[str, int]]]:
    tables = tomllib.loads(files("gateway.sinks").joinpath("contract.toml").read_text(encoding="utf-8"))
    retentions = {name: Retention(name, table["days"], _text(table)) for name, table in tables["retentions"].items()}
    tags = {name: Tag(name, _text(table)) for name, table in tables["tags"].items()}
    measurements = {name: Measurement(
        name, Text(**table["meaning"]), Text(**table["written"]), tuple(tags[tag] for tag in table["tags"]),
        {field: Field(field, Type(said["type"]), _text(said), said.get("unit", ""), said.get("optional", False))
         for field, said in table["fields"].items()},
        Text(**table["series"]), retentions[table["retention"]]) for name, table in tables["measurements"].items()}
    return retentions, measurements, tables["longer"]


def _text(table: Mapping[str, str]) -> Text:
    return Text(table["en"], table["zh"])


RETENTIONS, CONTRACT, LONGER = _read()  # by name; LONGER: kind of signal -> retention -> days
RAW: Final = RETENTIONS["raw"]
LONG: Final = RETENTIONS["long"]

TELEMETRY: Final = CONTRACT["telemetry"]
MINUTE: Final = CONTRACT["telemetry_1m"]
SIGNAL: Final = CONTRACT["signal"]
ALARM: Final = CONTRACT["alarm"]
VERDICT: Final = CONTRACT["verdict"]
STROKE: Final = CONTRACT["stroke"]
AUDIT: Final = CONTRACT["audit"]
KPI: Final = CONTRACT["kpi"]
SITE: Final = CONTRACT["site"]
GATEWAY: Final = CONTRACT["gateway"]
CENTRE: Final = CONTRACT["centre"]

VALUE, QUALITY, CLOCK_UNTRUSTED = "value", "quality", "clock_untrusted"


def tags(site: str, signal: Signal) -> dict[str, str]:
    """The tags of one signal, in the order in which they are written."""
    return {"area": signal.area, "kind": signal.kind, "signal": signal.id, "site": site}


def kept_days(kinds: Iterable[str]) -> dict[Retention, int]:
    """For how many days the rows of each class are kept on a site with signals of these kinds."""
    asked = [LONGER[kind] for kind in kinds if kind in LONGER]
    return {retention: max([retention.days, *(days.get(retention.name, 0) for days in asked)])
            for retention in RETENTIONS.values()}

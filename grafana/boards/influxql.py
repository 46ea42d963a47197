"""InfluxQL queries over the data contract, checked as they are made: a measurement, tag or field that the contract does
not have is an error here, not an empty panel in an office far away. (The dashboard SDK has no builder for InfluxDB.)

`{language}` in the name of a field becomes the language of the dashboard. What Grafana fills in before it asks: `$timeFilter` (the panel's time range), `$__interval`, `${__from}` and `${__to}` (ms),
and the variables of the dashboard.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gateway.sinks.schema import RAW, Measurement

_NAME = re.compile(r'"([^"]+)"')

RANGE = "$timeFilter"
NOW = "time > ${__to}ms - 5m AND time <= ${__to}ms"  # the state at the end of the range; older: the gateway is silent
EVER = "time > ${__to}ms - 730d AND time <= ${__to}ms"  # as far back as minute rows are kept
SET_POINTS = "time > ${__from}ms - 2h AND time <= ${__to}ms"  # they are written every hour
AHEAD = "time > now() + 5m"  # of the database's clock, whatever range is looked at
INTERVAL = "$__interval"


@dataclass(frozen=True, slots=True)
class Column:
    """expression: InfluxQL with every field in double quotes. name: what the column is called."""

    expression: str
    name: str

    def __str__(self) -> str:
        return self.expression if self.expression == f'"{self.name}"' else f'{self.expression} AS "{self.name}"'


def column(field: str, name: str = "") -> Column:
    return Column(f'"{field}"', name or field)


def columns(*fields: str) -> tuple[Column, ...]:
    return tuple(column(field) for field in fields)


def call(function: str, field: str, name: str = "") -> Column:
    return Column(f'{function}("{field}")', name or field)


def last(*fields: str) -> tuple[Column, ...]:
    return tuple(call("last", field) for field in fields)


def chosen(tag: str, variable: str = "") -> str:
    """Condition: one of the values that were chosen in the dashboard's variable of the same name."""
    return f'"{tag}" =~ /^${{{variable or tag}:regex}}$/'


def one_of(tag: str, *values: str) -> str:
    return f'"{tag}" =~ /^({"|".join(re.escape(value).replace("/", chr(92) + "/") for value in values)})$/'


def place(measurement: Measurement) -> str:
    """Single samples are in a database of their own, kept for a month; the variable `raw` has its name. All else is in the
    database of the data source."""
    return f'"$raw".."{measurement.name}"' if measurement.retention is RAW else f'"{measurement.name}"'


SITE = chosen("site")
REAL = '"exercise" = false'


@dataclass(frozen=True, slots=True)
class Query:
    """One SELECT. Every call around inner queries runs them anew (measured on 1.6.7: eleven calls, eleven times as long), and
    columns that only some of several inner queries have must be floats, or they come out empty.

    source  a measurement, or queries whose columns are read together
    when    condition on time; None: that of the sources
    by      tags; then one row set each
    every   interval of time, or ""
    newest  only so many rows, the latest first
    days    intervals begin at midnight of the dashboard's variable `zone`
    """

    source: Measurement | tuple[Query, ...]
    select: tuple[Column, ...]
    where: tuple[str, ...] = ()
    when: str | None = RANGE
    by: tuple[str, ...] = ()
    every: str = ""
    fill: str = "none"
    newest: int = 0
    days: bool = False

    def __post_init__(self) -> None:
        known = self._known()
        asked = [name for part in (*(one.expression for one in self.select), *self.where) for name in _NAME.findall(part)]
        for name in (asked_for.replace("{language}", "en") for asked_for in (*asked, *self.by)):
            if name not in known:
                raise ValueError(f"{self._named()} has no {name!r}; there is {', '.join(sorted(known))}")
        if not self.select:
            raise ValueError(f"nothing is selected from {self._named()}")

    @property
    def measurements(self) -> frozenset[str]:
        if isinstance(self.source, Measurement):
            return frozenset({self.source.name})
        return frozenset().union(*(query.measurements for query in self.source))

    def _known(self) -> set[str]:
        if isinstance(self.source, Measurement):
            return {*self.source.fields, *(tag.name for tag in self.source.tags)}
        return {name.replace("{language}", "en") for query in self.source
                for name in (*(one.name for one in query.select), *query.by)}

    def _named(self) -> str:
        return self.source.name if isinstance(self.source, Measurement) else "the inner query"

    def __str__(self) -> str:
        if isinstance(self.source, Measurement):
            source, when = place(self.source), self.when
        else:  # the sources have their own times; every point of theirs counts
            source, when = ", ".join(f"({query})" for query in self.source), self.when if self.every else None
        groups = [*(f'"{tag}"' for tag in self.by), *([f"time({self.every})"] if self.every else [])]
        return " ".join(filter(None, (
            "SELECT", ", ".join(map(str, self.select)), "FROM", source,
            (conditions := [*([when] if when else []), *self.where]) and "WHERE " + " AND ".join(conditions),
            groups and "GROUP BY " + ", ".join(groups), self.every and f"fill({self.fill})",
            self.newest and f"ORDER BY time DESC LIMIT {self.newest}", self.days and "tz('$zone')")))

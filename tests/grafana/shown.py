"""What a person sees in a panel: its queries as Grafana asks them, and the answer as Grafana shows it.

No Grafana server is at hand, so this follows its sources: pkg/tsdb/influxdb (which variables are filled in, how rows
become frames: tags as columns in tables, one series per column on curves) and its transformations, of which only those
are here that the dashboards use.
"""

from __future__ import annotations

import json
import re
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from grafana.boards.__main__ import FOLDER

SPAN = re.compile(r"now-(\d+)([mhd])|(\d+)([mhd])")
SECONDS = {"m": 60, "h": 3600, "d": 86_400}
ESCAPED = re.compile(r"([\\^$*+?.()|\[\]{}/])")


def boards(language: str) -> dict[str, dict]:
    """The committed dashboards, by name."""
    return {
        path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted((FOLDER / language).glob("*.json"))
    }


def seconds(span: str) -> int:
    match = SPAN.fullmatch(span)
    assert match, span
    return int(match[1] or match[3]) * SECONDS[match[2] or match[4]]


def regex(values: str | list[str]) -> str:
    """Grafana's format ${name:regex}."""
    if isinstance(values, str):
        return ESCAPED.sub(r"\\\1", values)
    return "(" + "|".join(ESCAPED.sub(r"\\\1", value) for value in values) + ")"


@dataclass(frozen=True)
class Office:
    """Somebody who looks: at a database, at a moment (s), with variables chosen."""

    url: str
    end: int
    chosen: Mapping[str, str | list[str]]
    database: str = "davylamp"

    def ask(self, query: str, span_s: int, interval: str = "1m") -> list[dict]:
        """The series. AssertionError: the database refuses, or something was not filled in."""
        first, final = (self.end - span_s) * 1000, self.end * 1000
        text = (
            query.replace("$timeFilter", f"time >= {first}ms and time <= {final}ms")
            .replace("$__interval", interval)
            .replace("${__from}", str(first))
            .replace("${__to}", str(final))
        )
        for name, value in self.chosen.items():
            text = text.replace(f"${{{name}:regex}}", value if value == ".*" else regex(value))
            text = text.replace(f"${name}", str(value))
        assert "$" not in text.replace("$/", "").replace("\\$", ""), f"not filled in: {text}"
        parameters = urllib.parse.urlencode({"db": self.database, "q": text, "epoch": "s"})
        with urllib.request.urlopen(f"{self.url}/query?{parameters}") as reply:
            (result,) = json.load(reply)["results"]
        assert "error" not in result, f"{result.get('error')}: {text}"
        return result.get("series", [])


@dataclass(frozen=True)
class Shown:
    """One panel of one dashboard."""

    panel: dict
    span: str

    @cached_property
    def span_s(self) -> int:
        return seconds(self.panel.get("timeFrom") or self.span)

    def see(self, office: Office, interval: str = "1m"):
        """stat: the numbers. curve: {series: {minutes before the end: value}}. table: rows, as columns are shown."""
        answers = [(target, office.ask(target["query"], self.span_s, interval)) for target in self.panel["targets"]]
        if answers[0][0]["resultFormat"] == "table":
            frames = [_table(series) for _, series in answers if series]
            return self._rows(frames, office)
        series = [one for target, found in answers for one in _series(target, found)]
        if self.panel["type"] == "stat":
            return [values for _, points in series if (values := _last(points)) is not None]
        return {
            name: {(office.end - second) // 60: value for second, value in points if value is not None}
            for name, points in series
        }

    def _rows(self, frames: list[list[dict]], office: Office) -> list[tuple]:
        rows, shown = (frames[0] if frames else []), None
        for step in self.panel.get("transformations", []):
            said = step["options"]
            match step["id"]:
                case "joinByField":
                    rows = _joined(frames, said["byField"])
                case "calculateField":
                    parts = said["reduce"]["include"]
                    for row in rows:
                        row[said["alias"]] = sum(row[part] for part in parts if row.get(part) is not None)
                case "filterFieldsByName":
                    shown = said["include"]["names"]
                case "organize":
                    assert shown is not None and set(said["indexByName"]) == set(said["renameByName"]) == set(shown)
                    shown, titles = sorted(shown, key=said["indexByName"].__getitem__), said["renameByName"]
                case "sortBy":
                    ((field, down),) = ((sort["field"], sort["desc"]) for sort in said["sort"])
                    name = next(name for name, title in titles.items() if title == field)
                    rows.sort(key=lambda row: row[name], reverse=down)
                case other:
                    raise AssertionError(f"an unknown transformation: {other}")
        if shown is None:
            return rows
        for row in rows:
            if "Time" in row:
                row["Time"] = (office.end - row["Time"]) // 60
        return [tuple(row.get(name) for name in shown) for row in rows]


def _table(series: list[dict]) -> list[dict]:
    return [
        {
            **{("Time" if name == "time" else name): value for name, value in zip(one["columns"], values, strict=True)},
            **one.get("tags", {}),
        }
        for one in series
        for values in one["values"]
    ]


def _joined(frames: list[list[dict]], field: str) -> list[dict]:
    found: dict[str, dict] = {}
    for frame in frames:
        for row in frame:
            found.setdefault(row[field], {}).update({name: value for name, value in row.items() if name != "Time"})
    every = {name for row in found.values() for name in row}
    return [dict.fromkeys(every) | row for row in found.values()]


def _series(target: dict, found: list[dict]):
    for one in found:
        for at, column in enumerate(one["columns"][1:], 1):
            name = target.get("alias") or f"{one['name']}.{column}"
            for tag, value in one.get("tags", {}).items():
                name = name.replace(f"$tag_{tag}", value)
            yield name, [(values[0], values[at]) for values in one["values"]]


def _last(points: list[tuple]):
    return next((value for _, value in reversed(points) if value is not None), None)

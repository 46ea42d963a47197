"""Rows of the journal as CSV or JSON, so that a person can read them and a program can check every one of them.

The first columns are for people: site-local time, who, what, why. The last ones are the row as it is stored, with the
hash of the row before it, so that each row can be checked by itself, also where rows between were not asked for.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any, Final

from alerting.journal.chain import Row, link
from gateway.model.clock import NS

COLUMNS: Final = ("time_local", "time_utc", "kind", "alarm", "event", "old", "new", "who", "why", "value",
                  "position", "wall_ns", "body", "previous_hash", "hash")
_TYPED: Final = ("who", "why")  # what somebody typed: a spreadsheet must not run it as a formula
_FORMULA: Final = ("=", "+", "-", "@")


def described(previous: bytes, row: Row, zone: tzinfo) -> dict[str, Any]:
    """One row, with COLUMNS as keys."""
    body = _body(row.body)
    return {
        "time_local": stamp(row.wall_ns, zone), "time_utc": stamp(row.wall_ns, UTC), "kind": row.kind,
        "alarm": row.alarm, "event": body.get("event", body.get("act", "")), "old": body.get("old", ""),
        "new": body.get("new", ""), "who": body.get("who", ""),
        "why": body.get("why") or body.get("comment") or body.get("withheld") or "", "value": body.get("value"),
        "position": row.position, "wall_ns": row.wall_ns, "body": row.body, "previous_hash": previous.hex(),
        "hash": row.hash.hex()}


def stamp(wall_ns: int, zone: tzinfo) -> str:
    """ISO 8601 with its zone, to the millisecond."""
    seconds, rest = divmod(wall_ns, NS)
    return datetime.fromtimestamp(seconds, zone).replace(microsecond=rest // 1000).isoformat(timespec="milliseconds")


def write(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """CSV (with a mark that tells a spreadsheet that it is UTF-8) or, where the name ends so, a JSON array."""
    if path.suffix == ".json":
        with path.open("w", encoding="utf-8", errors="surrogateescape") as file:
            file.write("[")
            for number, row in enumerate(rows):
                file.write(f"{',' if number else ''}\n{json.dumps(row, ensure_ascii=False)}")
            file.write("\n]\n")
        return
    with path.open("w", encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        writer = None
        for row in rows:
            if writer is None:
                writer = csv.writer(file)
                writer.writerow(row)
            writer.writerow([_cell(title, value) for title, value in row.items()])


def read(path: Path) -> Iterator[tuple[bytes, Row]]:
    """The rows of an exported journal as they were stored. ValueError, KeyError: this is no such file."""
    if path.suffix == ".json":
        rows: Iterable[dict[str, Any]] = json.loads(path.read_text("utf-8", "surrogateescape"))
    else:
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            rows = list(csv.DictReader(file))
    for row in rows:
        yield bytes.fromhex(row["previous_hash"]), Row(int(row["position"]), row["kind"], row["alarm"],
                                                       int(row["wall_ns"]), row["body"], bytes.fromhex(row["hash"]))


def wrong(rows: Iterable[tuple[bytes, Row]]) -> Iterator[Row]:
    """Rows that do not fit their hash, or not the row before them where that is there too."""
    last: Row | None = None
    for previous, row in rows:
        follows = last is None or last.position + 1 != row.position or last.hash == previous
        if not follows or link(previous, *row[:5]) != row.hash:
            yield row
        last = row


def _cell(title: str, value: Any) -> Any:
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return f"'{value}" if title in _TYPED and str(value).startswith(_FORMULA) else value


def _body(text: str) -> dict[str, Any]:
    """A row that was tampered with may hold anything; it is exported all the same."""
    try:
        body = json.loads(text)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}

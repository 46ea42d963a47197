"""A stand-in for InfluxDB 2.x, written from its published API (api/v2: orgs, buckets, dbrps; /ping): no server of it
can be installed where these tests run. It knows one token, one organisation, buckets and mappings, and answers as
documented."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.stub import answering

TOKEN, ORG = "right-token", "county"


@dataclass
class Influx2:
    url: str = ""
    buckets: list[dict[str, Any]] = field(default_factory=list)
    mappings: list[dict[str, Any]] = field(default_factory=list)
    fails_at: str = ""  # "POST /api/v2/dbrps": answered with 500
    changes: int = 0
    written: list[tuple[str, str]] = field(default_factory=list)  # database, lines: by the API of 1.x
    fields: dict[str, list[list[str]]] = field(default_factory=dict)  # measurement -> field, type; of each database

    def answer(self, method: str, target: str, token: str, body: Any) -> tuple[int, Any]:
        path, query = urlsplit(target).path, {name: values[0] for name, values in
                                              parse_qs(urlsplit(target).query).items()}
        if path == "/ping":
            return 204, None
        if token != f"Token {TOKEN}":
            return 401, {"code": "unauthorized", "message": "unauthorized access"}
        if f"{method} {path}" == self.fails_at:
            return 500, {"code": "internal error", "message": "disk full"}
        if path == "/write":
            self.written.append((query["db"], body))
            return 204, None
        if path == "/query":
            assert query["q"] == "SHOW FIELD KEYS"
            if query["db"] not in {one["database"] for one in self.mappings}:
                return 404, {"code": "not found", "message": "no dbrp mapping found"}
            return 200, {"results": [{"statement_id": 0, "series": [
                {"name": name, "columns": ["fieldKey", "fieldType"], "values": found}
                for name, found in self.fields.items()]}]}
        if method != "GET":
            self.changes += 1
        if path == "/api/v2/orgs":
            if query.get("org") != ORG:
                return 404, {"code": "not found", "message": f"organization name \"{query.get('org')}\" not found"}
            return 200, {"orgs": [{"id": "0a", "name": ORG}]}
        if path == "/api/v2/buckets" and method == "GET":
            assert query["orgID"] == "0a"
            return 200, {"buckets": [one for one in self.buckets if one["name"] == query["name"]]}
        if path == "/api/v2/buckets":
            made = {"id": f"b{len(self.buckets)}", **body}
            self.buckets.append(made)
            return 201, made
        if path.startswith("/api/v2/buckets/"):
            found = next(one for one in self.buckets if one["id"] == path.rpartition("/")[2])
            found |= body
            return 200, found
        if path == "/api/v2/dbrps" and method == "GET":
            return 200, {"content": [one for one in self.mappings if one["database"] == query["db"]]}
        if path == "/api/v2/dbrps":
            assert {"bucketID", "database", "retention_policy", "orgID"} <= body.keys()
            self.mappings.append(body)
            return 201, body
        return 404, {"code": "not found", "message": "path not found"}


@contextmanager
def influx2() -> Iterator[Influx2]:
    stub = Influx2()

    def answer(method: str, path: str, token: str, body: bytes) -> tuple[int, Any]:
        lines = path.startswith("/write")
        return stub.answer(method, path, token, body.decode() if lines else json.loads(body) if body else None)

    with answering(answer, {"X-Influxdb-Version": "v2.7.11"}) as stub.url:
        yield stub

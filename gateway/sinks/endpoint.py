"""The two write endpoints of the InfluxDB family. They post bytes, ask for deletions and answer with a status; they
decide nothing."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol
from urllib.parse import urlencode

import urllib3

from gateway.model.clock import NS
from gateway.model.discreet import covered
from gateway.model.secret import read_secret
from gateway.sinks.config import InfluxSettings
from gateway.sinks.erasure import Over


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said. status 0: no answer at all (refused, time-out, reset). retry_after_s: as asked, or None."""

    status: int
    reason: str = ""
    retry_after_s: float | None = None

    @property
    def taken(self) -> bool:
        return 200 <= self.status < 300


class Endpoint(Protocol):
    def write(self, lines: bytes) -> Answer:
        """Post line protocol with ns stamps. Blocking: call it off the event loop. Never raises for the network."""
        ...

    def delete(self, over: Over) -> Answer:
        """Ask to delete these rows; as `write`."""
        ...

    def close(self) -> None: ...


def endpoint(settings: InfluxSettings, place: str) -> Endpoint:
    """place: the database, or bucket."""
    return WriteV1(settings, place) if settings.api == "v1" else WriteV2(settings, place)


class WriteV1:
    """POST /write?db=...: InfluxDB 1.x and VictoriaMetrics."""

    def __init__(self, settings: InfluxSettings, database: str):
        self._database = database
        query = {"db": database, "precision": "ns"}
        if settings.retention_policy:
            query["rp"] = settings.retention_policy
        self._url = f"{settings.url.rstrip('/')}/write?{urlencode(query)}"
        self._ask_url = f"{settings.url.rstrip('/')}/query"
        self._headers = {"Content-Type": "text/plain; charset=utf-8"}
        if settings.username:
            password = read_secret(file=settings.password_file, env=settings.password_env,
                                   where=f"sink {settings.id}") or ""
            self._headers |= urllib3.make_headers(basic_auth=f"{settings.username}:{password}")
        self._gzip = settings.gzip
        self._pool = urllib3.PoolManager(maxsize=1, ca_certs=settings.ca, retries=False,
                                         timeout=urllib3.Timeout(connect=settings.timeout, read=settings.timeout))

    def write(self, lines: bytes) -> Answer:
        headers = self._headers
        if self._gzip:
            lines, headers = gzip.compress(lines, 1), headers | {"Content-Encoding": "gzip"}
        try:
            reply = self._pool.request("POST", self._url, body=lines, headers=headers)
        except urllib3.exceptions.HTTPError as error:
            return Answer(0, covered(str(error)))
        return Answer(reply.status, covered(reply.data.decode("utf-8", "replace").strip()), _seconds(reply.headers))

    def delete(self, over: Over) -> Answer:
        """Of all retention policies of the database: InfluxQL knows no other way."""
        named = " AND ".join(f'"{key}" = {_literal(value)}' for key, value in over.tags.items())
        text = f'DELETE FROM "{over.measurement.name}" WHERE {named} AND time < {over.before_wall_ns}'
        try:
            reply = self._pool.request("POST", self._ask_url, fields={"db": self._database, "q": text},
                                       headers={key: value for key, value in self._headers.items()
                                                if key != "Content-Type"}, encode_multipart=False)
        except urllib3.exceptions.HTTPError as error:
            return Answer(0, covered(str(error)))
        said = covered(reply.data.decode("utf-8", "replace").strip())
        other = reply.status == 200 and ('"error"' in said or '"series"' in said)  # of VictoriaMetrics
        return Answer(422 if other else reply.status, said)

    def close(self) -> None:
        self._pool.clear()


class WriteV2:
    """POST /api/v2/write through influxdb-client's synchronous write API: InfluxDB 2.x, and 3.x by its documents.

    Raw bytes go in; its batching, which loses data in memory, and its retries are not used.
    """

    def __init__(self, settings: InfluxSettings, bucket: str):
        # Imported here: the client costs 0.5 s and 30 MB, and a 1.x site never needs it.
        from influxdb_client import InfluxDBClient
        from influxdb_client.client.write_api import SYNCHRONOUS
        from influxdb_client.rest import ApiException

        token = read_secret(file=settings.token_file, env=settings.token_env, where=f"sink {settings.id}")
        self._refused = ApiException
        self._client = InfluxDBClient(settings.url, token, timeout=round(settings.timeout * 1000), org=settings.org,
                                      enable_gzip=settings.gzip, ssl_ca_cert=settings.ca, retries=False)
        self._write = self._client.write_api(write_options=SYNCHRONOUS)
        self._bucket = bucket

    def write(self, lines: bytes) -> Answer:
        return self._answered(lambda: self._write.write(self._bucket, record=lines))

    def _answered(self, ask: Callable[[], None]) -> Answer:
        try:
            ask()
        except self._refused as error:
            body = error.body.decode("utf-8", "replace") if isinstance(error.body, bytes) else str(error.body or "")
            return Answer(error.status or 0, covered(body.strip() or str(error.reason)), _seconds(error.headers or {}))
        except urllib3.exceptions.HTTPError as error:
            return Answer(0, covered(str(error)))
        return Answer(204)

    def delete(self, over: Over) -> Answer:
        named = " AND ".join(f"{key}={_in_quotes(value)}" for key, value in over.tags.items())
        return self._answered(lambda: self._client.delete_api().delete(
            "1970-01-01T00:00:00Z", f"{datetime.fromtimestamp(over.before_wall_ns // NS, UTC):%Y-%m-%dT%H:%M:%SZ}",
            f"_measurement={_in_quotes(over.measurement.name)} AND {named}", self._bucket))

    def close(self) -> None:
        self._client.close()


def _literal(text: str) -> str:
    """A string of InfluxQL."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _in_quotes(text: str) -> str:
    """A string of a delete predicate."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _seconds(headers) -> float | None:
    """Retry-After in seconds; the date form is rare and then our own back-off applies."""
    value = str(headers.get("Retry-After", ""))
    return float(value) if value.replace(".", "", 1).isdigit() else None

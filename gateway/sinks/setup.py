"""What a database must hold before the gateway writes: looked at, told as steps, done one by one.

Idempotent: what is there is left as it is, and a set-up that broke off is taken up again. Nothing is ever deleted, and
no retention is shortened: that would delete.

1.x by InfluxQL (measured on 1.6.7); 2.x by its HTTP API (/api/v2/orgs, buckets, dbrps) as InfluxData documents it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

import urllib3

from gateway.model.errors import SinkError
from gateway.model.secret import read_secret
from gateway.model.text import Text
from gateway.sinks.config import InfluxSettings
from gateway.sinks.field_types import conflicts
from gateway.sinks.schema import Retention

DAY_S: Final = 86_400
_WEEK_S: Final = 7 * DAY_S  # of one shard: as InfluxDB chooses for long retentions
_PART: Final = re.compile(r"(\d+)([a-z]+)")
_UNITS: Final = {"h": 3600, "m": 60, "s": 1}


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that is as it must be (`do` is None), or that has to be done. wrong: a person must do it."""

    text: Text
    do: Callable[[], None] | None = None
    wrong: bool = False


def steps(settings: InfluxSettings, days: Mapping[Retention, int]) -> Iterator[Step]:
    """Looks at the server. days: for how long the rows of each class are kept. SinkError: what a person must do."""
    kept: dict[str, int] = {}
    for retention, count in days.items():
        place = settings.place(retention)
        kept[place] = max(kept.get(place, 0), count)
    server = _Server(settings)
    version = server.version()
    yield Step(Text("InfluxDB {version} at {url}", "{url} 上的 InfluxDB 版本为 {version}").format(
        version=version, url=settings.url))
    for place, count in kept.items():
        yield from (_in_1 if settings.api == "v1" else _in_2)(server, place, count)
    for place in kept:
        for text in conflicts(place, server.fields(place), [one for one in days if settings.place(one) == place],
                              settings.api):
            yield Step(text, wrong=True)


def _in_1(server: _Server, database: str, days: int) -> Iterator[Step]:
    if database not in {name for name, in server.ask("SHOW DATABASES")}:
        yield Step(_create(Text("database", "数据库"), database, days), lambda: server.tell(
            f"CREATE DATABASE {_quoted(database)} WITH DURATION {days}d REPLICATION 1 NAME \"autogen\""))
        return
    policies = {name: (duration, default) for name, duration, _, _, default in server.ask(
        f"SHOW RETENTION POLICIES ON {_quoted(database)}")}
    for name, (duration, default) in policies.items():
        if default:
            now = sum(int(count) * _UNITS[unit] for count, unit in _PART.findall(duration)) // DAY_S
            yield _keeping(Text("database", "数据库"), database, now, days, lambda name=name: server.tell(
                f"ALTER RETENTION POLICY {_quoted(name)} ON {_quoted(database)} DURATION {days}d"))


def _in_2(server: _Server, bucket: str, days: int) -> Iterator[Step]:
    kind = Text("bucket", "存储桶")
    found = server.bucket(bucket)
    if found is None:
        yield Step(_create(kind, bucket, days), lambda: server.create(bucket, days))
    else:
        every = next((rule["everySeconds"] for rule in found.get("retentionRules", [])), 0)
        yield _keeping(kind, bucket, every // DAY_S, days, lambda: server.lengthen(found["id"], days))
    mapped = server.mapping(bucket)
    if mapped is None:
        yield Step(Text("map database {name} to bucket {name} (DBRP): InfluxQL queries of dashboards need it",
                        "将数据库 {name} 映射到存储桶 {name}（DBRP），看板的 InfluxQL 查询需要它").format(name=bucket),
                   lambda: server.map(bucket))
    elif found is not None and mapped["bucketID"] != found["id"]:
        raise _error(server, Text(f"database {bucket} is mapped (DBRP) to another bucket, {mapped['bucketID']}",
                                  f"数据库 {bucket} 已映射（DBRP）到其他存储桶 {mapped['bucketID']}"), Text(
            "delete that mapping (influx v1 dbrp delete), or give the sink another bucket",
            "删除该映射（influx v1 dbrp delete），或为该输出指定其他存储桶"))
    else:
        yield Step(Text("database {name} is mapped to bucket {name}", "数据库 {name} 已映射到存储桶 {name}").format(
            name=bucket))


def _create(kind: Text, name: str, days: int) -> Text:
    return Text("create {kind} {name}, which keeps rows for {days} days",
                "创建{kind} {name}，数据保存 {days} 天").format(kind=kind, name=name, days=days)


def _keeping(kind: Text, name: str, now: int, days: int, lengthen: Callable[[], None]) -> Step:
    """now: days; 0: for ever."""
    if 0 < now < days:
        return Step(Text("{kind} {name} keeps rows for {now} days: make it {days}",
                         "{kind} {name} 的数据保存 {now} 天：延长到 {days} 天").format(
            kind=kind, name=name, now=now, days=days), lengthen)
    long = Text("for ever", "永久") if not now else Text(f"for {now} days", f"{now} 天")
    left = Text("", "") if now == days else Text(
        " ({days} would do; it is left, to shorten it would delete)",
        "（{days} 天即可；缩短会删除数据，保持不变）").format(days=days)
    return Step(Text("{kind} {name} is there and keeps rows {long}{left}",
                     "{kind} {name} 已存在，数据保存 {long}{left}").format(kind=kind, name=name, long=long, left=left))


def _quoted(name: str) -> str:
    text = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def _error(server: _Server, what: Text, fix: Text) -> SinkError:
    return SinkError(what, where=server.url, fix=fix)


class _Server:
    """The requests, and what their refusals mean."""

    def __init__(self, settings: InfluxSettings):
        self.url = settings.url.rstrip("/")
        self._settings = settings
        self._pool = urllib3.PoolManager(maxsize=1, ca_certs=settings.ca, retries=False,
                                         timeout=urllib3.Timeout(settings.timeout))
        self._headers: dict[str, str] = {}
        where = f"sink {settings.id}"
        if settings.api == "v2":
            token = read_secret(file=settings.token_file, env=settings.token_env, where=where)
            self._headers = {"Authorization": f"Token {token}", "Content-Type": "application/json"}
        elif settings.username:
            password = read_secret(file=settings.password_file, env=settings.password_env, where=where) or ""
            self._headers = dict(urllib3.make_headers(basic_auth=f"{settings.username}:{password}"))
        self._organisation: str | None = None

    def version(self) -> str:
        """SinkError where it does not speak the API that the settings ask for."""
        reply = self._request("GET", "/ping")
        version = str(reply.headers.get("X-Influxdb-Version", "?")).removeprefix("v")
        wanted, major = self._settings.api, version.partition(".")[0]
        if (wanted, major) in (("v1", "2"), ("v2", "1")):
            right = "v2" if wanted == "v1" else "v1"
            raise _error(self, Text(f'this is InfluxDB {version}, and the sink speaks api = "{wanted}"',
                                    f'该服务器为 InfluxDB {version}，而输出配置为 api = "{wanted}"'),
                         Text(f'write api = "{right}"', f'改为 api = "{right}"'))
        if major == "3":
            raise _error(self, Text(f"InfluxDB {version} makes a database at the first write: nothing to set up",
                                    f"InfluxDB {version} 首次写入时自动建库，无需设置"),
                         Text("start the gateway", "直接启动网关即可"))
        return version

    # -- 1.x

    def ask(self, sentence: str) -> list[list[Any]]:
        found = self._json(self._request("POST", f"/query?{urlencode({'q': sentence})}"))["results"][0]
        if "error" in found:
            raise _error(self, Text(f"{sentence}: {found['error']}", f"{sentence}：{found['error']}"),
                         Text("correct it there by hand, then run this again", "请在服务器上手动处理后重新运行"))
        return [row for series in found.get("series", []) for row in series.get("values", [])]

    def fields(self, place: str) -> dict[str, list[tuple[str, str]]]:
        """Measurement -> its fields and their types. Of a place that is not there yet (a dry run): none."""
        found = self._json(self._request("POST", f"/query?{urlencode({'db': place, 'q': 'SHOW FIELD KEYS'})}",
                                         missing_is_none=True))
        return {series["name"]: [(name, has) for name, has in series["values"]]
                for result in (found or {}).get("results", []) for series in result.get("series", [])}

    def tell(self, sentence: str) -> None:
        self.ask(sentence)

    # -- 2.x

    def bucket(self, name: str) -> dict[str, Any] | None:
        query = urlencode({"name": name, "orgID": self._org()})
        found = self._json(self._request("GET", f"/api/v2/buckets?{query}", missing_is_none=True))
        return next((one for one in (found or {}).get("buckets", []) if one["name"] == name), None)

    def create(self, name: str, days: int) -> None:
        self._request("POST", "/api/v2/buckets", {"orgID": self._org(), "name": name, "retentionRules": _rules(days)})

    def lengthen(self, bucket: str, days: int) -> None:
        self._request("PATCH", f"/api/v2/buckets/{bucket}", {"retentionRules": _rules(days)})

    def mapping(self, database: str) -> dict[str, Any] | None:
        query = urlencode({"orgID": self._org(), "db": database})
        found = self._json(self._request("GET", f"/api/v2/dbrps?{query}"))
        return next((one for one in found.get("content", [])
                     if one["database"] == database and one.get("default")), None)

    def map(self, name: str) -> None:
        bucket = self.bucket(name)
        assert bucket is not None, "it was found or created a moment ago"
        self._request("POST", "/api/v2/dbrps", {"orgID": self._org(), "bucketID": bucket["id"], "database": name,
                                                "retention_policy": "autogen", "default": True})

    def _org(self) -> str:
        if self._organisation is None:
            name = self._settings.org
            reply = self._request("GET", f"/api/v2/orgs?{urlencode({'org': name})}", missing_is_none=True)
            found = next((one for one in (self._json(reply) or {}).get("orgs", []) if one["name"] == name), None)
            if found is None:
                raise _error(self, Text(f"there is no organisation {name}, or the token does not see it",
                                        f"没有组织 {name}，或该令牌无权查看"),
                             Text("correct `org`, or use a token of that organisation",
                                  "更正 `org`，或改用该组织的令牌"))
            self._organisation = found["id"]
        return self._organisation

    # -- HTTP

    def _request(self, method: str, path: str, body: Any = None, *, missing_is_none: bool = False):
        try:
            reply = self._pool.request(method, self.url + path, headers=self._headers,
                                       body=None if body is None else json.dumps(body))
        except urllib3.exceptions.HTTPError as error:
            raise _error(self, Text(f"no answer ({error})"[:200], f"无应答（{error}）"[:200]), Text(
                "check address, port and network; is the database running?",
                "检查地址、端口和网络，并确认数据库已运行")) from error
        if reply.status < 300 or (missing_is_none and reply.status == 404):
            return reply
        said = reply.data.decode("utf-8", "replace").strip()[:200]
        if reply.status in (401, 403):
            raise _error(self, Text(f"the credentials are refused, or may not do this ({reply.status}: {said})",
                                    f"凭据被拒绝或权限不足（{reply.status}：{said}）"),
                         Text("use an administrator of the database (1.x), or a token that may read and write buckets, "
                              "organisations and DBRP mappings (2.x)",
                              "使用数据库管理员账号（1.x），或可读写存储桶、组织和 DBRP 映射的令牌（2.x）"))
        raise _error(self, Text(f"{method} {path.partition('?')[0]} is answered with {reply.status}: {said}",
                                f"{method} {path.partition('?')[0]} 返回 {reply.status}：{said}"),
                     Text("correct it there, then run this again: what is done stays done",
                          "请在服务器上处理后重新运行，已完成的步骤不会重复"))

    @staticmethod
    def _json(reply) -> Any:
        return None if reply.status == 404 else json.loads(reply.data)


def _rules(days: int) -> list[dict[str, Any]]:
    return [{"type": "expire", "everySeconds": days * DAY_S,
             "shardGroupDurationSeconds": DAY_S if days < 180 else _WEEK_S}]

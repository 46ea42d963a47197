"""`davylamp grafana provision`: look, say what differs, do it. Run again, it does what is left."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from gateway.model.errors import CommandError
from gateway.model.secret import read_secret
from gateway.model.text import LANGUAGES, Text
from grafana.provision.client import GrafanaServer
from grafana.provision.plan import Act, Step, Wanted, plan
from grafana.provision.server import HOPELESS, Grafana, Refused, explained

ROOT = Path(__file__).parent.parent
TITLES = {"en": "Davylamp", "zh": "Davylamp 中文"}

_DONE = {
    Act.CREATE: Text("created", "已创建"),
    Act.UPDATE: Text("updated", "已更新"),
    Act.SAME: Text("as it should be", "无变化"),
    Act.KEEP: Text("KEPT", "保留"),
}
_WOULD = _DONE | {Act.CREATE: Text("would be created", "将创建"), Act.UPDATE: Text("would be updated", "将更新")}


def run(options: argparse.Namespace, language: str) -> int:
    wanted = wanted_of(options)
    token = read_secret(
        file=options.token_file, env=None if options.token_file else "DAVYLAMP_GRAFANA_TOKEN", where="--token-file"
    )
    if urlsplit(options.url).scheme not in ("http", "https"):
        raise CommandError(
            Text("is not the address of a server", "不是有效的服务器地址"),
            where=options.url,
            fix=Text("such as https://grafana.example.org", "例如 https://grafana.example.org"),
        )
    return provision(GrafanaServer(options.url, token or "", options.ca), wanted, options.dry_run, language, print)


def provision(server: Grafana, wanted: Wanted, dry_run: bool, language: str, say: Callable[[str], None]) -> int:
    """0: all is as it should be. 1: something was refused, or needs a person; all else is done."""
    left = 0
    try:
        known = {uid for board in wanted.dashboards.values() for uid in (one["uid"] for one in board)}
        if unknown := wanted.overwrite - known:
            raise CommandError(
                Text("no such dashboard of ours", "没有这个看板"),
                where=f"--overwrite {', '.join(sorted(unknown))}",
                fix=Text.same(", ".join(sorted(known))),
            )
        for step in plan(server, wanted):
            try:
                if not dry_run and step.body is not None:
                    server.tell(step.method, step.path, dict(step.body))
            except Refused as refused:
                if refused.status in HOPELESS:
                    raise
                say(explained(refused, f"{step.kind[language]} {step.name}").message(language))
                left += 1
                continue
            say(_line(step, dry_run, language))
            left += step.act is Act.KEEP
    except Refused as refused:
        error = explained(refused, server.url)
        say(error.message(language))
        say(
            Text(
                "Stopped here. Run it again: what is done is found and left alone.",
                "到此停止。处理后重新运行，已完成的部分不会重复。",
            )[language]
        )
        return 1
    if left:
        say(Text("{left} left for a person.", "{left} 项需要人工处理。").format(left=left)[language])
    return 1 if left else 0


def _line(step: Step, dry_run: bool, language: str) -> str:
    act = (_WOULD if dry_run else _DONE)[step.act][language]
    why = f" ({step.why[language]})" if step.why[language] else ""
    return f"{step.kind[language]} {step.name}: {act}{why}"


def wanted_of(options: argparse.Namespace) -> Wanted:
    """What is to be on the server: the committed dashboards and rules, and the data source that was asked for."""
    alerting = json.loads((ROOT / "provisioning/alerting/davylamp.json").read_text(encoding="utf-8"))
    ((group,), (contact,), (timing,)) = alerting["groups"], alerting["contactPoints"], alerting["muteTimes"]
    (receiver,) = contact["receivers"]
    dashboards = {
        f"davylamp-{language}": [
            json.loads(path.read_text(encoding="utf-8"))
            for path in sorted((ROOT / "dashboards" / language).glob("*.json"))
        ]
        for language in LANGUAGES
    }
    return Wanted(
        {f"davylamp-{language}": TITLES[language] for language in LANGUAGES},
        dashboards,
        tuple(group["rules"]),
        "davylamp-en",
        group["name"],
        {"name": contact["name"], **receiver},
        {key: value for key, value in timing.items() if key != "orgId"},
        _source(options),
        options.email or "",
        frozenset(options.overwrite or ()),
    )


def _source(options: argparse.Namespace) -> dict | None:
    if not options.influx_url:
        return None
    if not options.database:
        raise CommandError(
            Text("needs --database", "还需要 --database"),
            where="--influx-url",
            fix=Text(
                "the database, or what the DBRP mapping of the buckets calls it (davylamp)",
                "数据库名，或存储桶 DBRP 映射使用的数据库名（davylamp）",
            ),
        )
    data = {"dbName": options.database, "httpMethod": "POST", "version": "InfluxQL", "timeInterval": "60s"}
    secrets = {}
    if options.influx_token_file:
        data["httpHeaderName1"] = "Authorization"
        token = read_secret(file=options.influx_token_file, env=None, where="--influx-token-file")
        secrets["httpHeaderValue1"] = f"Token {token}"
    if options.influx_password_file:
        secrets["password"] = read_secret(file=options.influx_password_file, env=None, where="--influx-password-file")
    return {
        "uid": "davylamp",
        "name": "Davylamp",
        "type": "influxdb",
        "access": "proxy",
        "url": options.influx_url,
        "user": options.influx_user or "",
        "jsonData": data,
        "secureJsonData": secrets,
    }

"""The list of all gateways, made of what the broker of the centre has retained. Pure but for `call`."""

from __future__ import annotations

import asyncio
import json
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import aiomqtt

from alerting.engine import clean
from drivers.mqtt.connection import explain, tls_context
from gateway.config.centre import CentreSection
from gateway.fleet.report import BIRTH, BRIDGE, LARGEST, OFFLINE, REPORT, STATE, STOPPED
from gateway.model.errors import DavylampError
from gateway.model.secret import read_secret
from gateway.model.text import Text

QUIET_S, LONGEST_S = 0.7, 10.0  # what is retained comes at once
PATIENCE = 3  # so many reports may be missing before a gateway is called silent


@dataclass(frozen=True, slots=True)
class Line:
    """One gateway. state: "online", "silent", "offline", "stopped", "cut off" (its bridge is down), "unknown". contact:
    of the newest report. differs: what is not as with most others or not right, in words."""

    site: str
    state: str
    contact: datetime | None
    report: Mapping[str, Any]
    differs: tuple[Text, ...]


def roll(messages: Mapping[str, bytes], prefix: str, now: datetime) -> list[Line]:
    """messages: newest of each topic. What can not be understood is as if it had never come."""
    known: dict[str, dict[str, Any]] = {}
    for topic, payload in messages.items():
        site, _, kind = topic.removeprefix(f"{prefix}/").rpartition("/")
        if site and "/" not in site and kind in (BIRTH, REPORT, STATE, BRIDGE):
            known.setdefault(site, {})[kind] = payload.strip() == b"1" if kind == BRIDGE else _document(payload)
    reports = {site: (said.get(BIRTH) or {}) | (said.get(REPORT) or {}) for site, said in known.items()}
    usual = Counter(str(report["version"]) for report in reports.values() if "version" in report).most_common(1)
    return [_line(site, said, reports[site], usual[0][0] if usual else "", now) for site, said in sorted(known.items())]


def _line(site: str, said: Mapping[str, Any], report: Mapping[str, Any], usual: str, now: datetime) -> Line:
    contact = _time(report.get("time"))
    word = str((said.get(STATE) or {}).get("state", "unknown"))
    every = report.get("every_s", 60)
    patience_s = PATIENCE * (every if isinstance(every, int | float) else 60)
    if word == "online" and said.get(BRIDGE) is False:
        word = "cut off"
    elif word == "online" and (contact is None or (now - contact).total_seconds() > patience_s):
        word = "silent"
    ahead_s = 0.0 if contact is None else (contact - now).total_seconds()
    clock = (_ahead(ahead_s),) if ahead_s > patience_s else ()  # who is ahead would never be silent
    return Line(site, word, contact, report, (*_differences(report, usual), *clock))


def _ahead(seconds: float) -> Text:
    minutes = round(seconds / 60)
    return Text(f"its clock is {minutes} min ahead of this one", f"时钟比本机快 {minutes} 分钟")


def _differences(report: Mapping[str, Any], usual: str) -> Iterable[Text]:
    version = str(report.get("version", usual))
    if version != usual:
        yield Text(f"version {version}, most have {usual}", f"版本 {version}，多数为 {usual}")
    if report.get("hand"):
        yield Text("configuration changed by hand", "配置被手动修改")
    if report.get("working") is False:
        reason = report.get("reason")
        en, zh = (str(reason.get(one, ""))[:120] if isinstance(reason, dict) else "" for one in ("en", "zh"))
        yield Text(f"does not work: {en}", f"工作异常：{zh}")
    if report.get("clock_trusted") is False:
        yield Text("clock not synchronised", "时钟未同步")


def _document(payload: bytes) -> dict[str, Any]:
    try:
        found = json.loads(payload) if len(payload) <= LARGEST else {}
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _time(written: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(written))
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


# -- asking the broker

async def call(settings: CentreSection) -> dict[str, bytes]:
    """What the broker has retained. DavylampError: it does not answer or refuses."""
    where = "{}:{}".format(*settings.address)
    found: dict[str, bytes] = {}
    try:
        password = read_secret(file=settings.password_file, env=settings.password_env, where="broker")
        context = None if settings.tls is None else await asyncio.to_thread(
            tls_context, settings.tls.ca, settings.tls.cert, settings.tls.key, "broker")
        host, port = settings.address
        async with aiomqtt.Client(host, port, username=settings.username, password=password, timeout=LONGEST_S,
                                  tls_context=context) as client:
            await client.subscribe(f"{settings.prefix}/+/+", qos=1)
            async with asyncio.timeout(LONGEST_S):
                await _take(client, found)
    except TimeoutError:
        pass  # a busy broker: what has come is shown
    except (aiomqtt.MqttError, OSError, UnicodeError) as error:
        raise DavylampError(explain(error, where), where=where) from error
    return found


async def _take(client: aiomqtt.Client, found: dict[str, bytes]) -> None:
    messages = aiter(client.messages)
    while True:
        try:
            async with asyncio.timeout(QUIET_S):
                message = await anext(messages)
        except TimeoutError:
            return
        if isinstance(message.payload, bytes):
            found[str(message.topic)] = message.payload


# -- showing it

_STATES = {"online": Text("online", "在线"), "silent": Text("SILENT", "失联"), OFFLINE: Text("OFFLINE", "离线"),
           STOPPED: Text("stopped", "已停止"), "cut off": Text("CUT OFF", "链路中断"), "unknown": Text("?", "？")}


def table(lines: Sequence[Line], now: datetime, language: str) -> list[str]:
    """A line per gateway and one for each difference."""
    if not lines:
        return [Text("No gateway has reported.", "尚无网关上报。")[language]]
    head = [text[language] for text in (
        Text("site", "站点"), Text("state", "状态"), Text("last contact", "最近上报"), Text("version", "版本"),
        Text("configuration", "配置"), Text("devices", "设备"), Text("P1 P2 P3 P4", "P1 P2 P3 P4"),
        Text("not acknowledged", "未确认"))]
    rows = [head, *(_cells(line, now, language) for line in lines)]
    widths = [max(_width(row[column]) for row in rows) for column in range(len(head))]
    told: list[str] = []
    for row, line in zip(rows, (None, *lines), strict=True):
        cells = (cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True))
        told.append("  ".join(cells).rstrip())
        told += [f"    ! {clean(text[language], 240)}" for text in (line.differs if line is not None else ())]
    return told


def _cells(line: Line, now: datetime, language: str) -> list[str]:
    """What a gateway sent is cleaned: it commands no terminal."""
    report = line.report

    def said(key: str) -> str:
        return clean(str(report.get(key, "?")), 24)

    alarms = report.get("alarms")
    counts = alarms if isinstance(alarms, dict) else {}
    digest = clean(str(report.get("digest", "")), 8)
    return [clean(line.site, 60), _STATES.get(line.state, Text.same(clean(line.state, 24)))[language],
            "-" if line.contact is None else _ago(now - line.contact, language), said("version"),
            f"{said('number')} {digest}".strip(), f"{said('devices_online')}/{said('devices')}",
            " ".join(f"{clean(str(counts.get(name, '?')), 6):>2}" for name in ("P1", "P2", "P3", "P4")),
            said("unacknowledged")]


def _ago(age: timedelta, language: str) -> str:
    seconds = max(int(age.total_seconds()), 0)
    for size, en, zh in ((86_400, "d", "天"), (3_600, "h", "小时"), (60, "min", "分钟")):
        if seconds >= 2 * size:
            return Text(f"{seconds // size} {en} ago", f"{seconds // size} {zh}前")[language]
    return Text(f"{seconds} s ago", f"{seconds} 秒前")[language]


def _width(text: str) -> int:
    """Columns of a terminal: Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text)


def as_json(lines: Sequence[Line]) -> list[dict[str, Any]]:
    return [{"site": line.site, "state": line.state, "contact": line.contact and line.contact.isoformat(),
             "report": dict(line.report), "differs": [text.both for text in line.differs]} for line in lines]



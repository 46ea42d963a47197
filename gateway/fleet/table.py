"""The list of all gateways as a person reads it, and for programs. What a gateway sent is cleaned: it commands no
terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from alerting.engine import clean
from gateway.fleet.report import OFFLINE, ONLINE, STOPPED
from gateway.fleet.roll import CUT_OFF, NEVER, SILENT, UNKNOWN, Line, Roll, lasting, risk
from gateway.model.text import Text

_STATES = {ONLINE: Text("online", "在线"), SILENT: Text("SILENT", "失联"), OFFLINE: Text("OFFLINE", "离线"),
           STOPPED: Text("stopped", "已停止"), CUT_OFF: Text("CUT OFF", "链路中断"), UNKNOWN: Text("?", "？"),
           NEVER: Text("NEVER HEARD", "从未上报")}
_HEAD = (Text("site", "站点"), Text("state", "状态"), Text("last report", "最近上报"), Text("risk", "风险"),
         Text("P1 P2 P3 P4", "P1 P2 P3 P4"), Text("not acknowledged", "未确认"), Text("devices", "设备"),
         Text("version", "版本"), Text("configuration", "配置"))
_NOBODY = Text("No gateway has reported, or this name may not read what they report.",
               "尚无网关上报，或所用账户无权读取上报主题。")


def table(roll: Roll, now: datetime, language: str) -> list[str]:
    """A line per gateway; below it `!` what is not as it should be, `-` what it says of its parts and areas."""
    told = [*_rows(roll.lines, now, language)] if roll.lines else [_NOBODY[language]]
    return told + [f"! {clean(one.topic, 120)}: {clean(one.why[language], 240)}" for one in roll.malformed]


def _rows(lines: Sequence[Line], now: datetime, language: str) -> Iterable[str]:
    rows = [[text[language] for text in _HEAD], *(_cells(line, now, language) for line in lines)]
    widths = [max(_width(row[column]) for row in rows) for column in range(len(_HEAD))]
    for row, line in zip(rows, (None, *lines), strict=True):
        cells = (cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()
        if line is not None:
            yield from (f"    ! {clean(text[language], 240)}" for text in line.differs)
            yield from (f"    - {clean(text[language], 240)}" for text in (*line.areas, *line.unwell))


def _cells(line: Line, now: datetime, language: str) -> list[str]:
    report = line.report

    def said(key: str) -> str:
        return clean(str(report.get(key, "?")), 24)

    counts = report.get("alarms", {})
    return [clean(line.site, 60), _STATES[line.state][language],
            "-" if line.contact is None else Text("{age} ago", "{age}前").format(
                age=lasting(now - line.contact))[language],
            risk(report.get("risk"))[language],
            " ".join(f"{clean(str(counts.get(name, '?')), 6):>2}" for name in ("P1", "P2", "P3", "P4")),
            said("unacknowledged"), f"{said('devices_online')}/{said('devices')}", said("version"),
            f"{said('number')} {clean(report.get('digest', ''), 8)}".strip()]


def _width(text: str) -> int:
    """Columns of a terminal: Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text)


def as_json(roll: Roll, now: datetime) -> dict[str, Any]:
    return {"time": now.isoformat(), "newest_version": roll.newest, "as_it_should_be": roll.as_it_should_be,
            "gateways": [{
                "site": line.site, "state": line.state, "contact": line.contact and line.contact.isoformat(),
                "differs": [text.both for text in line.differs], "unwell": [text.both for text in line.unwell],
                "areas": [text.both for text in line.areas], "report": dict(line.report)} for line in roll.lines],
            "malformed": [{"topic": one.topic, "why": one.why.both} for one in roll.malformed]}

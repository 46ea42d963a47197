"""What a gateway tells the centre, and where. Every message says when it was made and by which start: one that waited
in a queue is old when it arrives, and is treated so.

    PREFIX/SITE/birth    retained  at each connection: version, configuration, start
    PREFIX/SITE/report   retained  every minute, and at once when something has changed: how the gateway is
    PREFIX/SITE/state    retained  "online"; "stopped" in good order; "offline" by the broker (will) when it is gone
    PREFIX/SITE/bridge   retained  1 or 0, by the bridge of the gateway's broker (mosquitto): the line to the centre

`time` is wall time and may be wrong; `line_ms` is the gateway's own time line, which never goes back, over restarts
either (gateway.model.clock): of two messages of one gateway the one with the larger is the newer. `run` names the
start, so that two gateways that call themselves the same are told apart.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from gateway.model.clock import NS, Instant
from gateway.model.text import Text

BIRTH, REPORT, STATE, BRIDGE = "birth", "report", "state", "bridge"
ONLINE, STOPPED, OFFLINE = "online", "stopped", "offline"
LARGEST: Final = 32_768  # bytes of one message; larger ones are not looked at
MOST_AREAS: Final = 24  # the worst are told; a report stays below LARGEST
MOST_UNWELL: Final = 16
_LONGEST: Final = 100  # characters of one text
_MS = NS // 1000


@dataclass(frozen=True, slots=True)
class AreaReport:
    """risk: of the area. alarms: that stand in it."""

    id: str
    name: Text
    risk: str
    alarms: int


@dataclass(frozen=True, slots=True)
class Unwell:
    """Something that does not work. id: "part/store", "device/SOURCE/DEVICE", "sink/ID", "channel/ID"."""

    id: str
    name: Text
    detail: Text


@dataclass(frozen=True, slots=True)
class Report:
    """started_wall_ns: of the process. number, digest: of the configuration in force. hand: it was changed by hand, not
    by `davylamp apply`. alarms: that stand, by priority ("P1"); colours: the same, by risk. areas: those with alarms,
    the worst first."""

    version: str
    started_wall_ns: int
    number: int
    digest: str
    hand: bool
    working: bool
    reason: Text
    clock_trusted: bool
    risk: str
    alarms: Mapping[str, int]
    colours: Mapping[str, int]
    unacknowledged: int
    areas: Sequence[AreaReport]
    unwell: Sequence[Unwell]
    signals_good: int
    signals: int
    devices_online: int
    devices: int

    def news(self) -> tuple[object, ...]:
        """What is told at once when it has changed. Not the wording of a fault, which may count its seconds; not how
        many signals are good, which changes all the time."""
        return (self.number, self.digest, self.working, self.clock_trusted, self.risk, tuple(self.alarms.items()),
                tuple(self.colours.items()), self.unacknowledged,
                tuple((area.id, area.risk, area.alarms) for area in self.areas),
                tuple(one.id for one in self.unwell))


@dataclass(frozen=True, slots=True)
class Speaker:
    """Makes the messages of one start of one gateway. run: names this start."""

    site: str
    run: str

    def birth(self, report: Report, now: Instant) -> bytes:
        return self._encoded(now, _born(report))

    def report(self, report: Report, now: Instant, sequence: int, every_s: float) -> bytes:
        """sequence: counts the reports of this start; one that is missing was lost."""
        return self._encoded(now, {"sequence": sequence, "every_s": every_s, **_born(report), **_whole(report)})

    def state(self, word: str, now: Instant) -> bytes:
        """For `offline`, which the broker sends later, the time is that of the start."""
        return self._encoded(now, {"state": word})

    def _encoded(self, now: Instant, told: Mapping[str, Any]) -> bytes:
        head = {"site": self.site, "run": self.run, "time": _iso(now.wall_ns), "line_ms": now.line_ns // _MS}
        return json.dumps(head | dict(told), ensure_ascii=False, separators=(",", ":")).encode()


def _born(report: Report) -> dict[str, Any]:
    return {"version": report.version, "started": _iso(report.started_wall_ns), "number": report.number,
            "digest": report.digest, "hand": report.hand}


def _whole(report: Report) -> dict[str, Any]:
    return {
        "working": report.working, "reason": _both(report.reason), "clock_trusted": report.clock_trusted,
        "risk": report.risk, "alarms": dict(report.alarms), "colours": dict(report.colours),
        "unacknowledged": report.unacknowledged,
        "areas": [{"id": area.id, "name": _both(area.name), "risk": area.risk, "alarms": area.alarms}
                  for area in report.areas[:MOST_AREAS]], "areas_with_alarms": len(report.areas),
        "unwell": [{"id": one.id, "name": _both(one.name), "detail": _both(one.detail)}
                   for one in report.unwell[:MOST_UNWELL]], "unwell_count": len(report.unwell),
        "signals_good": report.signals_good, "signals": report.signals,
        "devices_online": report.devices_online, "devices": report.devices}


def _both(text: Text) -> dict[str, str]:
    return {language: said[:_LONGEST] for language, said in text.both.items()}


def _iso(wall_ns: int) -> str:
    return datetime.fromtimestamp(wall_ns // NS, UTC).isoformat()

"""What a gateway tells the centre, and where. Every message says when it was made: one that waited in a queue is old
when it arrives, and is treated so.

    PREFIX/SITE/birth    retained  at each start: version, configuration, start
    PREFIX/SITE/report   retained  every minute: the same, health, counts of alarms
    PREFIX/SITE/state    retained  "online"; "stopped" in good order; "offline" by the broker (will) when it is gone
    PREFIX/SITE/bridge   retained  1 or 0, by the bridge of the gateway's broker (mosquitto): the line to the centre
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final

from gateway.model.clock import NS
from gateway.model.text import Text

BIRTH, REPORT, STATE, BRIDGE = "birth", "report", "state", "bridge"
ONLINE, STOPPED, OFFLINE = "online", "stopped", "offline"
LARGEST: Final = 16_384  # bytes of one message; larger ones are not looked at


@dataclass(frozen=True, slots=True)
class Report:
    """started: wall time, which also names the boot. digest, number: of the configuration in force. alarms: that stand,
    by priority ("P1"). hand: the configuration was changed by hand, not by `davylamp apply`."""

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
    unacknowledged: int
    signals_good: int
    signals: int
    devices_online: int
    devices: int

    def birth(self, site: str, wall_ns: int) -> bytes:
        return _encoded(site, wall_ns, {key: value for key, value in self._told().items() if key in (
            "version", "started", "number", "digest", "hand")})

    def whole(self, site: str, wall_ns: int, sequence: int, every_s: float) -> bytes:
        """sequence: counts the reports of this start."""
        return _encoded(site, wall_ns, self._told() | {"sequence": sequence, "every_s": every_s})

    def _told(self) -> dict[str, Any]:
        told = asdict(self)
        del told["started_wall_ns"]
        return told | {"started": _iso(self.started_wall_ns)}


def state(site: str, wall_ns: int, word: str) -> bytes:
    """For `offline`, which the broker sends later, the time is that of the connection it is about."""
    return _encoded(site, wall_ns, {"state": word})


def _encoded(site: str, wall_ns: int, told: Mapping[str, Any]) -> bytes:
    return json.dumps({"site": site, "time": _iso(wall_ns), **told}, ensure_ascii=False).encode()


def _iso(wall_ns: int) -> str:
    return datetime.fromtimestamp(wall_ns // NS, UTC).isoformat()

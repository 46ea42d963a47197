"""What the gateway tells of itself: a row for databases, a report for the centre, a line for systemd."""

from __future__ import annotations

import asyncio
import shutil

from gateway import __version__
from gateway.change.history import Act
from gateway.fleet.report import Report
from gateway.model.clock import NS, Instant
from gateway.model.quality import is_good
from gateway.model.signal import Condition
from gateway.parts.parts import Parts


def own_row(parts: Parts, now: Instant) -> dict[str, object]:
    """Fields of its row in the databases, `gateway` in the data contract."""
    digest = str(parts.site_file.origin().get("sha256", ""))[:12]
    chain, vigil = parts.chain, parts.vigil
    faults = sum(view.active and view.definition.condition == Condition.GATEWAY for view in chain.alarms.views())
    try:
        free = shutil.disk_usage(parts.folder).free
    except OSError:
        free = None
    return {"version": __version__, "config": digest or None, "uptime_s": (now.line_ns - chain.began.line_ns) / NS,
            "faults": faults, "hung": bool(vigil.hung().en), **vigil.health.minute(now, free)}


async def centre_report(parts: Parts) -> Report:
    known = await asyncio.to_thread(parts.desk.history.in_force) if parts.desk is not None else None
    chain, hung = parts.chain, parts.vigil.hung()
    views, share = chain.alarms.views(), chain.bank.online
    return Report(
        version=__version__, started_wall_ns=chain.began.wall_ns, number=known.number if known else 0,
        digest=known.digest if known else str(parts.site_file.origin().get("sha256", "")),
        hand=known is not None and known.number > 1 and known.act is Act.FOUND, working=not hung.en, reason=hung,
        clock_trusted=chain.clock.now().trusted, risk=chain.alarms.risk_level().value,
        alarms={f"P{number}": sum(view.active and view.definition.priority == number for view in views)
                for number in range(1, 5)},
        unacknowledged=sum(view.state.waits for view in views),
        signals_good=int(is_good(chain.bank.latest.quality).sum()), signals=len(parts.site.signals),
        devices_online=share.online, devices=share.devices)


def status_line(parts: Parts) -> str:
    """What `systemctl status` shows."""
    return f"{len(parts.site.signals)} signals, {len(parts.chain.alarms.views())} alarms standing"

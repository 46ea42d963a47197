"""What the gateway tells of itself: a row for databases, a report for the centre, a line for systemd."""

from __future__ import annotations

import asyncio
import shutil

from gateway import __version__
from gateway.change.history import Act
from gateway.fleet import gather
from gateway.fleet.report import Report
from gateway.model.clock import NS, Instant
from gateway.model.condition import Condition
from gateway.model.quality import is_good
from gateway.parts.own_health import own_health
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
    chain, health = parts.chain, own_health(parts)
    views, share = chain.alarms.views(), chain.bank.online
    standing = gather.real(views)
    return Report(
        version=__version__, started_wall_ns=chain.began.wall_ns, number=known.number if known else 0,
        digest=known.digest if known else str(parts.site_file.origin().get("sha256", "")),
        hand=known is not None and known.number > 1 and known.act is Act.FOUND,
        working=health.working, reason=health.reason, clock_trusted=health.clock_trusted,
        risk=chain.alarms.risk_level().value, alarms=gather.by_priority(standing), colours=gather.by_colour(standing),
        unacknowledged=sum(view.state.waits for view in views), areas=gather.areas(parts.site, standing),
        unwell=gather.unwell(health.parts, (sink.status() for sink in parts.databases.sinks),
                             chain.alarms.status().notifiers, parts.field.devices()),
        signals_good=int(is_good(chain.bank.latest.quality).sum()), signals=len(parts.site.signals),
        devices_online=share.online, devices=share.devices)


def status_line(parts: Parts) -> str:
    """What `systemctl status` shows."""
    return f"{len(parts.site.signals)} signals, {len(parts.chain.alarms.views())} alarms standing"

"""How the gateway itself is: each of its parts, for the page and for a centre."""

from __future__ import annotations

from gateway import __version__
from gateway.api.view import Health, Part
from gateway.health import written_bytes
from gateway.model.text import Text
from gateway.parts.parts import Parts

_WELL = Text("", "")


def own_health(parts: Parts) -> Health:
    chain, vigil, now = parts.chain, parts.vigil, parts.chain.clock.now()
    store, alarms, hung = chain.store.stats(), chain.alarms.status(), vigil.hung()
    heartbeat, stopped = vigil.heartbeat.trouble, sorted(vigil.health.stopped)
    failures = [failure for failure in chain.bank.failures if failure.standing]
    found = [
        Part("detection", Text("Detection", "检测"), not failures,
             Text.same("; ".join(f"{failure.detector}: {failure.text}" for failure in failures)),
             {"samples": chain.pipeline.samples, "waiting": chain.pipeline.fill}),
        Part("store", Text("Local store", "本地存储"), store.failing is None, store.failing or _WELL,
             {"bytes": store.size_bytes, "written_bytes": written_bytes(), "evicted": store.evicted_samples,
              "dropped": store.dropped_samples}),
        Part("ledger", Text("Alarm file", "告警文件"), alarms.ledger is None, alarms.ledger or _WELL, alarms.counters),
        Part("clock", Text("Clock", "时钟"), now.trusted, _WELL if now.trusted else Text("not synchronised", "未同步")),
        parts.entrance.part(now),
        Part("heartbeat", Text("Heartbeat", "心跳"), not heartbeat.en, heartbeat),
        Part("tasks", Text("Tasks", "任务"), not stopped and not hung.en,
             hung if hung.en else Text(", ".join(stopped), "、".join(stopped)))]
    if vigil.reporter is not None:
        trouble = vigil.reporter.trouble
        found.append(Part("centre", Text("Line to the centre", "到中心的链路"), not trouble.en, trouble))
    return Health(__version__, chain.began.wall_ns, not hung.en, now.trusted, hung, tuple(found))

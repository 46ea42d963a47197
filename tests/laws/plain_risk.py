"""The plain twin of the risk of areas: made of nothing but the edges that the other twins gave."""

from __future__ import annotations

from itertools import groupby

LEVELS = ["blue", "yellow", "orange", "red"]


def plain_risk(site, edges, log):
    """`edges`: (line_ns, alarm, active) in order of time. Puts what areas make of them into the log."""
    standing = set()
    for t, at_once in groupby(edges, key=lambda edge: edge[0]):
        for _, alarm, active in at_once:
            (standing.add if active else standing.discard)(alarm)
        for area in site.areas:
            if area.escalation is not None:
                look(site, area, standing, t + 1, log)  # when all that happened at t is known


def look(site, area, standing, t, log):
    points = {}  # (kind, origin) -> highest level
    for alarm in map(site.alarms.get, standing):
        if alarm.area == area.id and counts(alarm.condition):
            signal = next((signal for signal in site.signals if signal.id == alarm.origin), None)
            point = (signal.kind if signal else alarm.condition, alarm.origin)
            points[point] = max(points.get(point, 0), LEVELS.index(alarm.risk))
    reached = []
    for step, (_, needed, level) in enumerate(area.escalation.steps):
        kinds = [kind for (kind, _), highest in points.items() if highest >= step]
        if any(kinds.count(kind) >= needed for kind in kinds):
            reached.append(f"{area.id}/risk-{level}")
        else:
            log.add(f"{area.id}/risk-{level}", False, t)
    if reached:
        log.add(reached[-1], True, t)


def counts(condition):
    return condition in ("HH", "H", "L", "LL", "ROC+", "ROC-", "DEV+", "DEV-", "over-range", "interlock", "shutdown")

"""A report out of what the parts of a running gateway say of themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from alerting.outbox import NotifierStatus
from alerting.views import AlarmView, risk_level
from gateway.fleet.report import AreaReport, Unwell
from gateway.model.alarm import Priority, Risk
from gateway.model.ports import DeviceStatus, SinkStatus
from gateway.model.site import Site
from gateway.model.text import Text

_WORST_FIRST = tuple(Risk)
_DEVICE = Text("Device {id}", "设备 {id}")
_SINK = Text("Database {id}", "数据库 {id}")
_CHANNEL = Text("Message channel {id}", "通知渠道 {id}")


class PartOfIt(Protocol):
    """As gateway.api.view.Part."""

    id: str
    name: Text
    ok: bool
    detail: Text


def real(views: Iterable[AlarmView]) -> list[AlarmView]:
    """The alarms that stand; a drill or a self-test counts for nothing."""
    return [view for view in views if view.active and not view.definition.exercise]


def by_priority(standing: Iterable[AlarmView]) -> Mapping[str, int]:
    count = Counter(view.definition.priority for view in standing)
    return {f"P{priority.value}": count[priority] for priority in Priority}


def by_colour(standing: Iterable[AlarmView]) -> Mapping[str, int]:
    count = Counter(view.definition.risk for view in standing)
    return {risk.value: count[risk] for risk in Risk}


def areas(site: Site, standing: Sequence[AlarmView]) -> list[AreaReport]:
    """Those of the site with alarms; what is about the gateway itself is in no area."""
    found = []
    for area in site.areas:
        own = [view.definition for view in standing if view.definition.area == area.id]
        if own:
            found.append(AreaReport(area.id, area.name, risk_level(own).value, len(own)))
    return sorted(found, key=lambda area: (_WORST_FIRST.index(Risk(area.risk)), -area.alarms))


def unwell(parts: Iterable[PartOfIt], sinks: Iterable[SinkStatus], channels: Iterable[NotifierStatus],
           devices: Iterable[DeviceStatus]) -> list[Unwell]:
    """What does not work: the gateway's own parts first, then the ways to people, the databases, the field."""
    return [*(Unwell(f"part/{part.id}", part.name, part.detail) for part in parts if not part.ok),
            *(Unwell(f"channel/{one.notifier}", _CHANNEL.format(id=one.notifier), one.failing)
              for one in channels if one.failing is not None),
            *(Unwell(f"sink/{sink.sink}", _SINK.format(id=sink.sink), sink.reason)
              for sink in sinks if not sink.online),
            *_silent(devices)]


def _silent(devices: Iterable[DeviceStatus]) -> Iterator[Unwell]:
    for device in devices:
        if not device.online:
            name = f"{device.source}/{device.device}"
            yield Unwell(f"device/{name}", _DEVICE.format(id=name), device.reason)

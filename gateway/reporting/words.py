"""Times, spans, shares and names as a report writes them."""

from __future__ import annotations

import math
from typing import Final

from alerting.message import local_time
from gateway.model.condition import CONDITION_NAMES, Condition
from gateway.model.site import Site
from gateway.model.text import Text

NONE: Final = Text.same("-")
_CARD: Final = Text("{area}: a card ({condition})", "{area}：人员卡（{condition}）")


def stamp(site: Site, wall_ns: int) -> str:
    return f"{local_time(site, wall_ns):%Y-%m-%d %H:%M}"


def span(seconds: float) -> Text:
    if math.isnan(seconds):
        return NONE
    for unit, en, zh in ((86_400, "d", "天"), (3600, "h", "小时"), (60, "min", "分钟")):
        if seconds >= 2 * unit:
            return Text(f"{seconds / unit:.1f} {en}", f"{seconds / unit:.1f} {zh}")
    return Text(f"{seconds:.0f} s", f"{seconds:.0f} 秒")


def percent(share: float, decimals: int = 2) -> Text:
    """Never rounded up to 100 %: what was short by a minute in a year was not whole."""
    if math.isnan(share):
        return NONE
    step = 10 ** (decimals + 2)
    return Text.same(f"{math.floor(share * step + 1e-9) / step * 100:.{decimals}f} %")


def name(site: Site, alarm: str) -> Text:
    """Of an alarm. Whose card it is, is nobody's business."""
    found = site.alarms.get(alarm)
    if found is None:
        return Text.same(alarm)
    if found.condition == Condition.STILL or personal(site, found.subject):
        return _CARD.format(area=site.area_name(found.area), condition=CONDITION_NAMES[Condition(found.condition)])
    return found.name


def target(site: Site, id: str) -> Text:
    """What somebody bypassed, changed or drilled: an alarm, a signal or a rule."""
    if site.alarms.get(id) is not None and id not in site.signals:
        return name(site, id)
    if personal(site, id):
        return Text("a card", "人员卡")
    if id not in site.signals:
        return Text.same(id or "-")
    return Text("{id} {name}", "{id} {name}").format(id=id, name=site.signal(id).name)


def personal(site: Site, signal: str) -> bool:
    """A signal of one person: a card that shall move."""
    return signal in site.signals and site.signal(signal).still is not None

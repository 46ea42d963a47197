"""What a violated interlock is about, for those who count them: work that was not allowed is not work without video."""

from __future__ import annotations

from enum import StrEnum

from gateway.model.learnt import LoadState
from gateway.model.rules import Interlock, Rule, WorkWithoutVideo
from gateway.model.site import Site


class Breach(StrEnum):
    RUN = "run"  # a load works where a rule forbids it: a stop order, a permit that is not there
    VIDEO = "video"  # work goes on that no camera sees
    INTERLOCK = "interlock"  # any other


def breach(site: Site, rule: str) -> Breach | None:
    """None: it is no interlock."""
    return next((_of(site, one) for one in site.rules if one.id == rule), None)


def stop_orders(site: Site) -> list[Rule]:
    """Interlocks that allow a load to work only where something is so: a stop order, a permit."""
    return [rule for rule in site.rules if _of(site, rule) is Breach.RUN]


def without_video(site: Site) -> list[Rule]:
    return [rule for rule in site.rules if _of(site, rule) is Breach.VIDEO]


def _of(site: Site, rule: Rule) -> Breach | None:
    if isinstance(rule, WorkWithoutVideo):
        return Breach.VIDEO
    if not isinstance(rule, Interlock):
        return None
    tested = [site.signal(test.signal) for test in rule.when.tests]
    runs = any(isinstance(signal.derived, LoadState) or signal.kind == "load_state" for signal in tested)
    return Breach.RUN if runs else Breach.INTERLOCK

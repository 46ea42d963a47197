"""Proof tests that are overdue: an alarm for each rule with a `proof_test_interval`, by the log and the calendar."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from alerting.proof import Proof, proofs
from gateway.model.clock import NS, Instant
from gateway.model.site import Site
from gateway.model.site_alarms import overdue_alarm
from gateway.model.stroke import Stroke
from gateway.model.text import Text
from gateway.model.verdict import Edge, Evidence, Verdicts

_DAY_S = 86_400


class Overdue:
    """A rule is overdue while any valve, or the instrument, of it was not proved within its interval; what was never
    proved counts from the day on which the alarm file began. By wall time: an interval in days is one of the calendar,
    and goes on while the gateway is off. Nothing begins or ends while the clock is not trusted."""

    def __init__(self, site: Site):
        self._rules = {site.alarms.index(overdue_alarm(rule.id)): rule for rule in site.proved
                       if rule.proof_test_interval_s is not None}
        self._alarms = site.alarms
        self._standing: set[int] = set()

    def __bool__(self) -> bool:
        """Is there anything to judge?"""
        return bool(self._rules)

    def adopt(self, standing: Collection[str]) -> None:
        """These alarms stand in the alarm file."""
        self._standing |= {alarm for alarm in self._rules if self._alarms[alarm].id in standing}

    def judge(self, log: Sequence[Stroke], begun_wall_ns: int | None, now: Instant) -> Verdicts:
        """log: newest first. begun_wall_ns: first row of the journal; None: it has none yet."""
        if not now.trusted:
            return Verdicts.none()
        edges = []
        for alarm, rule in self._rules.items():
            interval = round((rule.proof_test_interval_s or 0.0) * NS)
            begun = now.wall_ns if begun_wall_ns is None else begun_wall_ns
            late = [one for one in proofs(rule, log, now.wall_ns)
                    if one.overdue and now.wall_ns >= (one.due_wall_ns or begun + interval)]
            if bool(late) is (alarm in self._standing):
                continue
            self._standing ^= {alarm}
            edges.append(Edge(alarm, bool(late), float(len(late)), now.line_ns, now.wall_ns,
                              tuple(_evidence(one, begun) for one in late)))
        return Verdicts.from_edges(edges)


def _evidence(one: Proof, begun_wall_ns: int) -> Evidence:
    interval = (one.rule.proof_test_interval_s or 0.0) / _DAY_S
    if one.last is None:
        return Evidence(begun_wall_ns, one.rule.id, float("nan"), Text(
            "{test}: no passed test since; every {days:g} days is asked for",
            "{test}：此后没有通过的测试；要求每 {days:g} 天一次").format(test=one.test, days=interval))
    return Evidence(one.last.wall_ns, one.rule.id, one.after_s or 0.0, Text(
        "{test}: last passed test; every {days:g} days is asked for",
        "{test}：最近一次通过的测试；要求每 {days:g} 天一次").format(test=one.test, days=interval))

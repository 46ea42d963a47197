"""Watches the tests of all rules and tells each rule's machine what happened, in order of time.

In the quiet case a round costs one sweep over all tests (`Tests.truth`), whatever the number of rules. Only a rule of
which a test changed, or that is attentive, gets its samples one by one. A rule sees all that happened at one instant
at once, so the order of signals within a frame does not matter.
"""

from __future__ import annotations

import numpy as np

from gateway.core.detectors.deadman import Deadman
from gateway.core.edges import Edges, Outage, Outages
from gateway.core.latest import Latest
from gateway.core.rows import NEVER, Rows
from gateway.core.rules.interlock import Interlock
from gateway.core.rules.machine import Known, Machine
from gateway.core.rules.shutdown import Verification
from gateway.core.rules.truth import Tests, Truth
from gateway.model.rules import Rule, WorkWithoutVideo
from gateway.model.site import Site


class Watch:
    """The rules of a site. Per step: `observe` after each round, then `settle` each rule (see Bank.step)."""

    name = "rules"

    def __init__(self, site: Site, latest: Latest, deadman: Deadman, outages: Outages):
        self.rules = tuple(Watched(rule, site) for rule in site.rules)
        self._latest, self._outages = latest, outages
        self._tests = Tests([test for rule in site.rules for test in rule.tests], site.signals, latest, deadman.silent)
        self._used = np.zeros(len(site.signals), np.bool_)
        self._used[self._tests.signal] = True
        self._truth = self._tests.truth()
        self._line = latest.line_ns[self._tests.signal]
        self._log: list[tuple] = []
        start = 0
        for rule in self.rules:
            rule.place = slice(start, start + len(rule.known))
            start += len(rule.known)

    @property
    def deadline_ns(self) -> int:
        return min((rule.machine.due_ns for rule in self.rules), default=NEVER)

    def due(self, line_ns: int) -> list[Watched]:
        return [rule for rule in self.rules if rule.machine.due_ns <= line_ns]

    def observe(self, rows: Rows) -> None:
        """A round has gone into `latest` and the deadman."""
        if not np.count_nonzero(self._used[rows.index]):
            return
        truth, signal = self._tests.truth(), self._tests.signal
        line, changed = self._latest.line_ns[signal], truth != self._truth
        if self._log or self._outages.rows or np.count_nonzero(changed) or any(rule.attentive for rule in self.rules):
            self._log.append((truth, changed, changed | (line != self._line), line, self._latest.wall_ns[signal],
                              self._latest.value[signal]))
        self._truth, self._line = truth, line

    def news(self, outages: list[Outage]) -> list[Watched]:
        """The rules that have something to look at, each with its queue filled."""
        log, self._log = self._log, []
        silences = [(signal, line) for line, _, signal, cause, began in outages
                    if cause == Outages.SILENT and began and self._used[signal]]
        if not log and not silences:
            return []
        if silences:
            self._truth = self._tests.truth()
        return [rule for rule in self.rules if rule.gather(log, silences, self._latest)]

    def state(self) -> dict[str, dict]:
        """State of every rule by id, JSON-ready."""
        return {rule.id: {"signature": rule.signature, "state": rule.machine.state()} for rule in self.rules}

    def restore(self, state: dict[str, dict]) -> None:
        """Take over the state of rules that have not changed."""
        for rule in self.rules:
            saved = state.get(rule.id)
            if saved and saved["signature"] == rule.signature:
                rule.machine.restore(saved["state"])

    def restored(self) -> None:
        """`latest` and the deadman were written from outside."""
        self._truth = self._tests.truth()
        self._line = self._latest.line_ns[self._tests.signal]
        self._log = []
        for rule in self.rules:
            rule.recall(self._truth, self._latest)


class Watched:
    """One rule with its machine, what is known of its tests, and what has happened since it last looked."""

    def __init__(self, rule: Rule, site: Site):
        self.id = rule.id
        self.signature = repr(rule.tests)  # a rule that was changed does not take over the state of the old one
        kind = Interlock if isinstance(rule, WorkWithoutVideo) else Verification
        self.machine: Machine = kind(rule, site.alarms.index(rule.id))
        self.known = [Known(test, Truth.WAITING, float("nan"), 0, 0) for test in rule.tests]
        self.place = slice(0, 0)  # among all tests
        self._signals = [site.signals.index(test.signal) for test in rule.tests]
        self._looked = False
        self._queue: list[tuple[int, bool, int, tuple]] = []  # line, is a sample, test, (truth, value, wall)

    @property
    def attentive(self) -> bool:
        return not self._looked or self.machine.active

    def gather(self, log: list[tuple], silences: list[tuple[int, int]], latest: Latest) -> bool:
        """Queue what concerns this rule; False when there is nothing to look at."""
        mine = [(line, test) for signal, line in silences for test, own in enumerate(self._signals) if own == signal]
        if not (mine or self.attentive or any(changed[self.place].any() for _, changed, *_ in log)):
            return False
        queue = [(line, False, test, (Truth.UNKNOWN, None, None)) for line, test in mine]
        for truth, _, news, line, wall, value in log:
            for test in np.flatnonzero(news[self.place]).tolist():
                at = self.place.start + test
                queue.append((int(line[at]), True, test, (Truth(int(truth[at])), float(value[at]), int(wall[at]))))
        self._queue = sorted(queue, key=lambda event: event[:2])
        self.refresh(latest, {test for _, sample, test, _ in queue if sample})
        return bool(queue)

    def settle(self, edges: Edges) -> None:
        """Work off the queue: per instant what was due, then all that happened in it, then one look."""
        queue, self._queue = self._queue, []
        fresh = False
        for position, (line, sample, test, (truth, value, wall)) in enumerate(queue):
            self.fire(line, edges)
            known = self.known[test]
            known.truth = truth
            if sample:
                known.value, known.line_ns, known.wall_ns = value, line, wall
                fresh |= truth in (Truth.TRUE, Truth.FALSE)
            if position + 1 == len(queue) or queue[position + 1][:2] != (line, sample):
                self.machine.look(line, self.known, fresh, edges)
                self._looked, fresh = True, False

    def fire(self, line_ns: int, edges: Edges) -> None:
        if self.machine.due_ns <= line_ns:
            self.machine.fire(self.known, edges)

    def refresh(self, latest: Latest, queued: set[int] = frozenset()) -> None:
        """Newest readings for the trace, of tests that have nothing in the queue."""
        for test, signal in enumerate(self._signals):
            if test not in queued:
                known = self.known[test]
                known.value, known.wall_ns = float(latest.value[signal]), int(latest.wall_ns[signal])
                known.line_ns = int(latest.line_ns[signal])

    def recall(self, truth: np.ndarray, latest: Latest) -> None:
        """The readings were written from outside; look again at the next sample."""
        for known, level in zip(self.known, truth[self.place].tolist(), strict=True):
            known.truth = Truth(level)
        self.refresh(latest)
        self._looked, self._queue = False, []

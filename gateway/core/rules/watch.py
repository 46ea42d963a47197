"""Watches the tests of all rules and tells each rule's machine what happened, in order of time.

In the quiet case a round costs one sweep over all tests (`Tests.truth`), whatever the number of rules. Only a rule of
which a test changed, or that is attentive, gets its samples one by one. A rule sees all that happened at one instant
at once, so the order of signals within a frame does not matter.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from gateway.core.block import Block
from gateway.core.detectors.deadman import Deadman
from gateway.core.edges import Edges, Outage, Outages
from gateway.core.latest import Latest
from gateway.core.rows import NEVER, Rows
from gateway.core.rules.interlock import Interlocked
from gateway.core.rules.machine import Known, Machine
from gateway.core.rules.response import Response
from gateway.core.rules.shutdown import Verification
from gateway.core.rules.truth import TRUTHS, Tests, Truth
from gateway.core.rules.vote import Degradation, Voting
from gateway.model.condition import Condition
from gateway.model.rules import ResponseTest, Rule, ShutdownVerification, Vote
from gateway.model.site import Site


class Watch:
    """The rules of a site. Per step: `observe` after each round, then `settle` each rule (see Bank.step)."""

    name = "rules"

    def __init__(self, site: Site, latest: Latest, deadman: Deadman, outages: Outages):
        self.rules = tuple(Watched(rule, site, alarm, machine) for rule in site.rules
                           for alarm, machine in _machines(rule, site))
        self._latest, self._outages = latest, outages
        self._tests = Tests([test for rule in self.rules for test in rule.tests], site.signals, latest, deadman.silent)
        self._used = np.zeros(len(site.signals), np.bool_)
        self._used[self._tests.signal] = True
        self._truth = self._tests.truth()
        self._log: list[tuple] = []  # of this step: (truth, line, wall, value), (rounds, tests) each
        self._before: tuple = ()  # the same of all tests, before it
        self._stirred = False  # a truth has changed in it
        self._remember()
        self._owner = np.repeat(np.arange(len(self.rules)), [len(rule.tests) for rule in self.rules])  # of each test
        start = 0
        for rule in self.rules:
            rule.place = slice(start, start + len(rule.tests))
            start += len(rule.tests)
        self.settled()

    def settled(self) -> None:
        """Rules have moved: what waits, and who looks at every sample?"""
        self.deadline_ns = min((rule.machine.due_ns for rule in self.rules), default=NEVER)
        self._attentive = [number for number, rule in enumerate(self.rules) if rule.attentive]

    def due(self, line_ns: int) -> list[Watched]:
        if self.deadline_ns > line_ns:
            return []
        return [rule for rule in self.rules if rule.machine.due_ns <= line_ns]

    def observe(self, rows: Rows) -> None:
        """A round has gone into `latest` and the deadman."""
        if np.count_nonzero(self._used[rows.index]):
            latest, signal = self._latest, self._tests.signal
            self._note(self._tests.truth()[None], latest.line_ns[signal][None], latest.wall_ns[signal][None],
                       latest.value[signal][None])

    def sweep(self, block: Block) -> None:
        """`observe`, for a block."""
        if np.count_nonzero(self._used[block.index]):
            self._note(*self._tests.over(block))

    def news(self, outages: list[Outage], line_ns: int) -> list[Watched]:
        """The rules that have something to look at until `line_ns`, each with its queue filled."""
        silences = [(signal, line) for line, _, signal, cause, began in outages
                    if cause == Outages.SILENT and began and self._used[signal]]
        log, before, stirred = self._log, self._before, self._stirred
        if silences:
            self._truth = self._tests.truth()
        if log or silences:
            self._log, self._stirred = [], False
            self._before = (self._truth, *(array[-1] for array in log[-1][1:])) if log else (self._truth, *before[1:])
        if not (stirred or silences or self._attentive or self.deadline_ns <= line_ns):
            return []
        log = list(_with_news(log, before))
        concerned = np.zeros(len(self.rules), np.bool_)
        concerned[self._attentive] = True
        concerned[[number for number, rule in enumerate(self.rules) if rule.machine.due_ns <= line_ns]
                  if self.deadline_ns <= line_ns else []] = True
        for _, changed, *_ in log:
            if np.count_nonzero(changed):
                concerned[self._owner[changed.any(axis=0)]] = True
        for signal, _ in silences:
            concerned[self._owner[self._tests.signal == signal]] = True
        return [self.rules[number] for number in np.flatnonzero(concerned).tolist()
                if self.rules[number].gather(log, silences, before)]

    def begin(self, line_ns: int) -> None:
        """Watching (again) starts now."""
        for rule in self.rules:
            rule.machine.begin(line_ns)
        self.settled()

    def adopt(self, alarms: NDArray[np.int64], line_ns: int) -> None:
        """These alarms are known to stand, though the state is lost."""
        for rule in self.rules:
            if rule.machine.alarm in alarms and not rule.machine.active:
                rule.machine.adopt(line_ns)
        self.settled()

    def state(self) -> dict[str, dict]:
        """State of every rule by the id of its alarm, JSON-ready."""
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
        self._remember()
        for rule in self.rules:
            rule.recall(self._truth, self._latest)
        self.settled()

    def _note(self, truth: NDArray, line: NDArray, wall: NDArray, value: NDArray) -> None:
        self._log.append((truth, line, wall, value))
        if not self._stirred:
            self._stirred = bool(np.count_nonzero(truth != self._truth))
        self._truth = truth[-1]

    def _remember(self) -> None:
        latest, signal = self._latest, self._tests.signal
        self._log, self._stirred = [], False
        self._before = self._truth, latest.line_ns[signal], latest.wall_ns[signal], latest.value[signal]


def _with_news(log: list[tuple], before: tuple) -> Iterator[tuple]:
    """Each entry as (truth, changed, news, line, wall, value), shape (rounds, tests). changed: the truth is another, by
    a sample; news: there was a sample."""
    truth_before, line_before = before[:2]
    for truth, line, wall, value in log:
        changed, moved = np.empty(truth.shape, np.bool_), np.empty(truth.shape, np.bool_)
        for now, last, differs in ((truth, truth_before, changed), (line, line_before, moved)):
            np.not_equal(now[0], last, out=differs[0])
            np.not_equal(now[1:], now[:-1], out=differs[1:])
        changed &= moved | (truth != Truth.UNKNOWN)  # else by a silence, which is told at its own time
        yield truth, changed, changed | moved, line, wall, value
        truth_before, line_before = truth[-1], line[-1]


class Watched:
    """One alarm of a rule with its machine, what is known of its tests, and what has happened since it last looked."""

    def __init__(self, rule: Rule, site: Site, alarm: str, machine: Machine):
        self.id, self.tests, self.machine = alarm, rule.tests, machine
        # A rule that was changed does not take over the state of the old one.
        self.signature = f"{type(machine).__name__} {rule.tests}"
        self.known = [Known(test, Truth.WAITING, float("nan"), 0, 0) for test in rule.tests]
        self.place = slice(0, 0)  # among all tests
        self._signals = [site.signals.index(test.signal) for test in rule.tests]
        self._looked = False
        self._queue: list[tuple[int, bool, int, tuple]] = []  # line, is a sample, test, (truth, value, wall)

    @property
    def attentive(self) -> bool:
        return not self._looked or self.machine.attentive

    def gather(self, log: list[tuple], silences: list[tuple[int, int]], before: tuple) -> bool:
        """Queue what concerns this rule; False when there is nothing to look at. before: truth, line, wall and value
        of all tests before all that."""
        mine = [(line, test) for signal, line in silences for test, own in enumerate(self._signals) if own == signal]
        queue = [(line, False, test, (Truth.UNKNOWN, None, None)) for line, test in mine]
        for truth, _, news, line, wall, value in log:
            at, test = np.nonzero(news[:, self.place])
            own = at, test + self.place.start
            queue += ((when, True, which, (TRUTHS[level], number, stamp)) for when, which, level, number, stamp in zip(
                line[own].tolist(), test.tolist(), truth[own].tolist(), value[own].tolist(), wall[own].tolist(),
                strict=True))
        self._queue = sorted(queue, key=lambda event: event[:2])
        for known, line, wall, value in zip(
                self.known, *(array[self.place].tolist() for array in before[1:]), strict=True):
            known.line_ns, known.wall_ns, known.value = line, wall, value
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

    def refresh(self, latest: Latest) -> None:
        """Newest readings, for the trace."""
        for known, signal in zip(self.known, self._signals, strict=True):
            known.value, known.wall_ns = float(latest.value[signal]), int(latest.wall_ns[signal])
            known.line_ns = int(latest.line_ns[signal])

    def recall(self, truth: np.ndarray, latest: Latest) -> None:
        """The readings were written from outside; look again at the next sample."""
        for known, level in zip(self.known, truth[self.place].tolist(), strict=True):
            known.truth = TRUTHS[level]
        self.refresh(latest)
        self._looked, self._queue = False, []


def _machines(rule: Rule, site: Site) -> Iterator[tuple[str, Machine]]:
    """Every alarm of a rule with the machine that tells it."""
    alarm = site.alarms.index(rule.id)
    if isinstance(rule, Vote):
        yield rule.id, Voting(rule, alarm)
        degraded = f"{rule.id}/{Condition.DEGRADED}"
        yield degraded, Degradation(rule, site.alarms.index(degraded))
    elif isinstance(rule, ShutdownVerification):
        yield rule.id, Verification(rule, alarm)
    elif isinstance(rule, ResponseTest):
        yield rule.id, Response(rule, alarm)
    else:
        yield rule.id, Interlocked(rule, alarm)

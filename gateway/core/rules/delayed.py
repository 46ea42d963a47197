"""The life of a rule's alarm between two delays, whatever the rule judges."""

from __future__ import annotations

from abc import abstractmethod
from enum import IntEnum

from gateway.core.edges import Edges
from gateway.core.rows import NEVER
from gateway.core.rules.machine import LONG_AGO, Known, Machine
from gateway.model.clock import NS
from gateway.model.verdict import Evidence

FIRST_DATA_NS = 30 * NS  # how long after the start a signal that was never heard of is waited for


class Judgement(IntEnum):
    REFUTED = 0  # good evidence that it is not so
    OPEN = 1  # not known well enough: nothing begins and nothing ends; a running on-delay goes on
    HOLDS = 2


class Delayed(Machine):
    """A condition that must hold for the on-delay, and be refuted for the off-delay.

        idle --holds--> pending (on-delay) --not refuted--> active --refuted--> leaving (off-delay) --> idle

    Only what is refuted without interruption for the off-delay, the last time by a good sample, ends the alarm.

    *Flapping.* What has run of an on-delay is not lost when the condition is refuted for a moment: it is forgotten only
    after a whole on-delay in order without interruption. Else a contact that bounces, or a camera that comes and goes,
    would put the alarm off for ever.
    """

    def __init__(self, alarm: int, on_delay_s: float, off_delay_s: float):
        self.alarm = alarm
        self._on, self._off = round(on_delay_s * NS), round(off_delay_s * NS)
        self._since_ns = self._clear_ns = NEVER  # holds since, while pending; will have been refuted for long enough
        self._ran_ns, self._broken_ns = 0, LONG_AGO  # of an on-delay that was broken off, and when
        self._begun_ns = 0

    @abstractmethod
    def judge(self, known: list[Known]) -> Judgement: ...

    @abstractmethod
    def trace(self, known: list[Known]) -> tuple[Evidence, ...]: ...

    def earliest(self, known: list[Known]) -> int:
        """Line time before which what holds now may not begin."""
        return LONG_AGO

    def value(self, known: list[Known]) -> float:
        return float("nan")

    @property
    def _waited(self) -> bool:
        """Pending, and not for the on-delay but for what `earliest` said."""
        return self.due_ns > self._since_ns + self._on - self._ran_ns

    def look(self, line_ns: int, known: list[Known], fresh: bool, edges: Edges) -> None:
        judgement = self.judge(known)
        if judgement is Judgement.HOLDS:
            self._hold(line_ns, known, edges)
        elif judgement is Judgement.REFUTED:
            self._refute(line_ns, known, fresh, edges)
        else:
            self._clear_ns = NEVER  # the evidence for an end is interrupted

    def fire(self, known: list[Known], edges: Edges) -> None:
        self._turn(True, self.due_ns, known, edges)

    def begin(self, line_ns: int) -> None:
        self._begun_ns = line_ns
        self._clear_ns = NEVER
        if self.due_ns <= line_ns:
            self._since_ns, self._ran_ns, self.due_ns = line_ns, 0, line_ns + self._on

    def adopt(self, line_ns: int) -> None:
        self.active, self.due_ns, self._since_ns, self._clear_ns = True, NEVER, NEVER, NEVER

    def state(self) -> dict:
        return {"active": self.active, "due": self.due_ns, "since": self._since_ns, "clear": self._clear_ns,
                "ran": self._ran_ns, "broken": self._broken_ns, "begun": self._begun_ns}

    def restore(self, state: dict) -> None:
        self.active, self.due_ns, self._since_ns = bool(state["active"]), int(state["due"]), int(state["since"])
        self._clear_ns, self._ran_ns = int(state["clear"]), int(state["ran"])
        self._broken_ns, self._begun_ns = int(state["broken"]), int(state["begun"])

    def _hold(self, line_ns: int, known: list[Known], edges: Edges) -> None:
        self._clear_ns = NEVER
        if self.active:
            return
        earliest = self.earliest(known)
        if self._since_ns == NEVER:
            self._since_ns = line_ns
            if line_ns - self._broken_ns >= self._on:
                self._ran_ns = 0
        elif self._waited and earliest <= line_ns:  # from here the on-delay runs, unless the waiting is over before
            self._since_ns, self._ran_ns = min(self.due_ns - self._on, line_ns), 0
        self.due_ns = max(self._since_ns + self._on - self._ran_ns, earliest)
        if self.due_ns <= line_ns:
            self._turn(True, line_ns, known, edges)

    def _refute(self, line_ns: int, known: list[Known], fresh: bool, edges: Edges) -> None:
        if self._since_ns != NEVER:
            self._ran_ns = 0 if self._waited else self._ran_ns + line_ns - self._since_ns
            self._broken_ns = line_ns
            self._since_ns = self.due_ns = NEVER
        if not self.active:
            return
        if self._clear_ns == NEVER:
            self._clear_ns = line_ns + self._off
        if fresh and self._clear_ns <= line_ns:
            self._turn(False, line_ns, known, edges)

    def _turn(self, active: bool, line_ns: int, known: list[Known], edges: Edges) -> None:
        self.active, self._ran_ns, self._broken_ns = active, 0, LONG_AGO
        self.due_ns = self._since_ns = self._clear_ns = NEVER
        edges.add(self.alarm, active, self.value(known), line_ns)
        edges.explain(self.trace(known))

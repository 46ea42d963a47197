"""A known stimulus that is not answered: the bump test of a gas head, and every other functional check."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

from gateway.core.edges import Edges
from gateway.core.rows import NEVER
from gateway.core.rules.machine import Known, Machine
from gateway.core.rules.truth import Truth
from gateway.model.clock import NS
from gateway.model.rules import ResponseTest
from gateway.model.stroke import Outcome, Seen, Stroke
from gateway.model.text import Text
from gateway.model.verdict import Evidence

_USABLE = (Truth.TRUE, Truth.LIKELY)


class Phase(StrEnum):
    IDLE = "idle"  # no stimulus
    AWAITED = "awaited"  # the stimulus is there, the time runs
    MISSED = "missed"  # it is over: what comes now is late
    ANSWERED = "answered"  # the signal has responded to this stimulus


class Response(Machine):
    """A signal must move by `by` within `within` of a stimulus.

    stimulus    the test is true, good or uncertain; withdrawn: good and false. Bad or silent changes nothing
    base        the first reading that may be used under the stimulus, and every one since that is further back
    answered    a reading is `by` away from the base. It may be uncertain, as that of an instrument that says that it is
                being calibrated: it is its motion that counts

        idle      --stimulus-->         awaited    the time runs from here, also if it was there at the start
        awaited   --answered-->         answered   the test is passed
        awaited   --time over-->        missed     the alarm begins, at that instant
        missed    --answered-->         answered   too late: that is told to the log, and the alarm stands
        any       --withdrawn-->        idle       the alarm, if it stands, goes on standing

    The alarm ends with the first good reading at or after a test that is passed, of this stimulus or a later one: a
    head that did not see its gas is not to be trusted until it does. Every test that was passed, missed, answered late
    or withdrawn before its time is a row of the proof-test log (`Stroke`). A restart within a test changes nothing; if
    the time ran out meanwhile, a whole one is given again.

    On a plant: test gas on a gas head under a bag, paint, mud or a filter that is clogged; a poisoned catalytic head; a
    flow that does not fall when the pump stops. What reads zero all year gives no other sign.

    Delay: `within`. False alarms: an empty gas bottle, a cup that leaks, a time below the T90 of the head with its
    tubing. A test that is broken off early alarms nobody; but it proves nothing, and the next one falls due.

    Not for: calibration. A head that answers may still read wrong by as much as `by` allows.
    """

    def __init__(self, rule: ResponseTest, alarm: int):
        self._rule, self.alarm = rule, alarm
        self._within = round(rule.within_s * NS)
        self._sign = 1.0 if rule.by > 0 else -1.0
        self._phase = Phase.IDLE
        self._passed = False  # since the alarm began
        self._began_ns = self._began_wall = 0
        self._base: float | None = None
        self._moved = 0.0  # the farthest from the base

    @property
    def attentive(self) -> bool:
        return self.active or self._phase in (Phase.AWAITED, Phase.MISSED)

    def look(self, line_ns: int, known: list[Known], fresh: bool, edges: Edges) -> None:
        stimulus, reading = known
        if stimulus.truth is Truth.FALSE and self._phase is not Phase.IDLE:
            if self._phase is Phase.AWAITED:
                self._tell(Outcome.BROKEN_OFF, line_ns, None, edges)
            self._phase, self.due_ns = Phase.IDLE, NEVER
        elif stimulus.truth in _USABLE and self._phase is Phase.IDLE:
            self._start(line_ns, stimulus.wall_ns)
        if self._phase in (Phase.AWAITED, Phase.MISSED) and reading.truth in _USABLE:
            self._follow(line_ns, reading.value, edges)
        if self.active and self._passed and reading.truth is Truth.TRUE:
            self.active = self._passed = False
            edges.add(self.alarm, False, self._moved, line_ns)
            edges.explain(self._trace(known))

    def fire(self, known: list[Known], edges: Edges) -> None:
        due, self.due_ns = self.due_ns, NEVER
        self._phase, self._passed = Phase.MISSED, False
        self._tell(Outcome.FAILED, due, None, edges)
        if not self.active:
            self.active = True
            edges.add(self.alarm, True, self._moved, due)
            edges.explain(self._trace(known))

    def begin(self, line_ns: int) -> None:
        if self.due_ns <= line_ns:
            self.due_ns = line_ns + self._within

    def adopt(self, line_ns: int) -> None:
        self.active = True

    def state(self) -> dict:
        return {"phase": self._phase, "active": self.active, "passed": self._passed, "due": self.due_ns,
                "began": self._began_ns, "began_wall": self._began_wall, "base": self._base, "moved": self._moved}

    def restore(self, state: dict) -> None:
        self._phase, self.active, self._passed = Phase(state["phase"]), bool(state["active"]), bool(state["passed"])
        self.due_ns, self._began_ns, self._began_wall = (int(state[key]) for key in ("due", "began", "began_wall"))
        self._base, self._moved = state["base"], float(state["moved"])

    def _start(self, line_ns: int, wall_ns: int) -> None:
        self._phase, self.due_ns = Phase.AWAITED, line_ns + self._within
        self._began_ns, self._began_wall, self._base, self._moved = line_ns, wall_ns, None, 0.0

    def _follow(self, line_ns: int, value: float, edges: Edges) -> None:
        sign = self._sign
        if self._base is None or sign * value < sign * self._base:
            self._base = value
        self._moved = max(self._moved, sign * (value - self._base))
        if self._moved >= abs(self._rule.by):
            outcome = Outcome.VERIFIED if self._phase is Phase.AWAITED else Outcome.LATE
            self._passed |= outcome is Outcome.VERIFIED
            self._phase, self.due_ns = Phase.ANSWERED, NEVER
            self._tell(outcome, line_ns, (line_ns - self._began_ns) / NS, edges)

    def _tell(self, outcome: Outcome, line_ns: int, after_s: float | None, edges: Edges) -> None:
        edges.strokes.append(Stroke(
            self._rule.id, outcome, True, self._began_wall, self._began_ns, line_ns + edges.skew_ns, line_ns,
            (Seen(self._rule.response, after_s, True),)))

    def _trace(self, known: list[Known]) -> tuple[Evidence, ...]:
        stimulus, reading = known
        began = stimulus.evidence(Text("test began ({test})", "测试开始（{test}）").format(test=stimulus.test))
        return (replace(began, wall_ns=self._began_wall or began.wall_ns), reading.evidence(
            Text("moved by {moved:g} from {base}; {by:g} within {s:g} s is asked for",
                 "自 {base} 变化 {moved:g}；要求 {s:g} 秒内变化 {by:g}").format(
                moved=self._sign * self._moved, by=self._rule.by, s=self._rule.within_s,
                base=Text("no reading", "无读数") if self._base is None else Text.same(f"{self._base:g}"))))

"""Shut-down not verified: a command, and the valves that must be seen to follow it."""

from __future__ import annotations

from enum import StrEnum

from gateway.core.edges import Edges
from gateway.core.rows import NEVER
from gateway.core.rules.machine import LONG_AGO, Known, Machine, said
from gateway.core.rules.truth import Truth
from gateway.model.clock import NS
from gateway.model.rules import ShutdownVerification
from gateway.model.text import Text


class Phase(StrEnum):
    IDLE = "idle"  # no command
    STROKE = "stroke"  # commanded, the stroke time runs
    FAILED = "failed"  # not verified in time: the alarm stands
    VERIFIED = "verified"  # every feedback was seen good and true at the same time


class Verification(Machine):
    """The valves must be seen to follow the command.

    commanded   the command test is true, good or uncertain: the last known state of a command is taken seriously
    withdrawn   the command test is good and false. A bad or silent command changes nothing
    verified    every feedback test is good and true at one instant

        idle      --commanded-->             stroke    the stroke time runs from the first sight of the command, also if
                                                       it was already set when the gateway started
        stroke    --verified-->              verified  at once if the valves were shut before
        stroke    --stroke time over-->      failed    the alarm begins, at that instant
        failed    --verified-->              verified  the alarm ends: it was late
        verified  --a feedback good and false--> stroke  a valve has opened again under the command
        any       --withdrawn-->             idle      the alarm, if it stood, ends

    A command that is withdrawn within its stroke and comes again within a stroke time goes on with what was left of it:
    else a contact that bounces would for ever hide a valve that does not move.

    A feedback that is bad, stale or silent when the time is over counts as missing. A restart of the gateway within a
    stroke changes nothing; if the time ran out meanwhile, a whole stroke time is given again from the first look.
    """

    def __init__(self, rule: ShutdownVerification, alarm: int):
        self._rule, self.alarm = rule, alarm
        self._stroke = round(rule.stroke_time_s * NS)
        self._phase = Phase.IDLE
        self._reopened = False
        self._commanded_ns = self._commanded_wall = 0
        self._left_ns, self._withdrawn_ns = self._stroke, LONG_AGO  # of a stroke that was broken off, and when
        self._came: dict[str, int] = {}  # test -> line time at which it was last seen to become true

    @property
    def active(self) -> bool:  # type: ignore[override]
        return self._phase is Phase.FAILED

    def look(self, line_ns: int, known: list[Known], fresh: bool, edges: Edges) -> None:
        command, feedback = known[0], known[1:]
        if command.truth is Truth.FALSE:
            self._withdraw(line_ns, known, edges)
            return
        if self._phase is Phase.IDLE:
            if command.truth not in (Truth.TRUE, Truth.LIKELY):
                return
            self._start(line_ns, command.wall_ns, reopened=False)
        for test in feedback:
            if test.truth is Truth.TRUE:
                self._came.setdefault(str(test.test), line_ns)
            elif test.truth is Truth.FALSE:
                self._came.pop(str(test.test), None)
        if all(test.truth is Truth.TRUE for test in feedback):
            self._verify(line_ns, known, edges)
        elif self._phase is Phase.VERIFIED and any(test.truth is Truth.FALSE for test in feedback):
            self._start(line_ns, max(test.wall_ns for test in feedback), reopened=True)

    def fire(self, known: list[Known], edges: Edges) -> None:
        due, self.due_ns = self.due_ns, NEVER
        self._phase = Phase.FAILED
        edges.add(self.alarm, True, float(sum(test.truth is not Truth.TRUE for test in known[1:])), due)
        edges.explain(self._trace(known))

    def begin(self, line_ns: int) -> None:
        if self.due_ns <= line_ns:
            self.due_ns = line_ns + self._stroke

    def adopt(self, line_ns: int) -> None:
        self._start(line_ns, 0, reopened=False)
        self._phase, self.due_ns = Phase.FAILED, NEVER

    def state(self) -> dict:
        return {"phase": self._phase, "due": self.due_ns, "reopened": self._reopened, "commanded": self._commanded_ns,
                "commanded_wall": self._commanded_wall, "left": self._left_ns, "withdrawn": self._withdrawn_ns,
                "came": self._came}

    def restore(self, state: dict) -> None:
        self._phase, self.due_ns, self._reopened = Phase(state["phase"]), int(state["due"]), bool(state["reopened"])
        self._commanded_ns, self._commanded_wall = int(state["commanded"]), int(state["commanded_wall"])
        self._left_ns, self._withdrawn_ns = int(state.get("left", self._stroke)), int(state.get("withdrawn", LONG_AGO))
        self._came = {str(test): int(line) for test, line in state["came"].items()}

    def _start(self, line_ns: int, wall_ns: int, *, reopened: bool) -> None:
        self._phase, self._reopened = Phase.STROKE, reopened
        self._commanded_ns, self._commanded_wall = line_ns, wall_ns
        goes_on = not reopened and line_ns - self._withdrawn_ns < self._stroke
        self.due_ns = line_ns + (self._left_ns if goes_on else self._stroke)
        if not reopened:
            self._came = {}

    def _verify(self, line_ns: int, known: list[Known], edges: Edges) -> None:
        failed = self._phase is Phase.FAILED
        self._phase, self.due_ns = Phase.VERIFIED, NEVER
        if failed:
            self._end(line_ns, known, self._trace(known), edges)

    def _withdraw(self, line_ns: int, known: list[Known], edges: Edges) -> None:
        if self._phase is not Phase.IDLE:
            broken_off = self._phase is Phase.STROKE and not self._reopened
            self._left_ns, self._withdrawn_ns = (self.due_ns - line_ns, line_ns) if broken_off else (
                self._stroke, LONG_AGO)
        failed = self._phase is Phase.FAILED
        trace = (*self._trace(known), known[0].evidence(Text("command withdrawn", "切断指令已撤销"))) if failed else ()
        self._phase, self.due_ns, self._came = Phase.IDLE, NEVER, {}
        if failed:
            self._end(line_ns, known, trace, edges)

    def _end(self, line_ns: int, known: list[Known], trace: tuple, edges: Edges) -> None:
        edges.add(self.alarm, False, float(sum(test.truth is not Truth.TRUE for test in known[1:])), line_ns)
        edges.explain(trace)

    def _trace(self, known: list[Known]) -> tuple:
        command = known[0]
        what = (Text("no longer confirmed under the command ({test})", "切断指令下反馈丢失（{test}）") if self._reopened
                else Text("shut-down commanded ({test})", "切断指令已发出（{test}）"))
        first = command.evidence(what.format(test=command.test))
        if self._commanded_wall:
            first = type(first)(self._commanded_wall, first.signal, first.value, first.note)
        return (first, *(test.evidence(self._note(test)) for test in known[1:]))

    def _note(self, test: Known) -> Text:
        if test.truth is Truth.TRUE:
            after = (self._came.get(str(test.test), test.line_ns) - self._commanded_ns) / NS
            if after <= 0:
                return Text("{test}: already so before the command", "{test}：指令发出前已满足").format(test=test.test)
            return Text("{test}: confirmed after {s:.1f} s", "{test}：{s:.1f} 秒后确认").format(test=test.test, s=after)
        return Text("{test}: not confirmed within {s:g} s, {said}", "{test}：{s:g} 秒内未确认，{said}").format(
            test=test.test, s=self._rule.stroke_time_s, said=said(test))

"""Shut-down not verified: a command, the valves that must be seen to follow it, and what that must bring about."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

from gateway.core.edges import Edges
from gateway.core.rows import NEVER
from gateway.core.rules.machine import LONG_AGO, Known, Machine, said
from gateway.core.rules.truth import Truth
from gateway.model.clock import NS
from gateway.model.rules import ShutdownVerification
from gateway.model.stroke import Outcome, Seen, Stroke
from gateway.model.text import Text


class Phase(StrEnum):
    IDLE = "idle"  # no command
    STROKE = "stroke"  # commanded, the stroke time runs
    EFFECT = "effect"  # every valve is seen to be shut, the effect is awaited
    FAILED = "failed"  # not verified in time: the alarm stands
    VERIFIED = "verified"  # every feedback and effect was seen good and true at the same time


class Verification(Machine):
    """The valves must be seen to follow the command, and the process to follow the valves.

    commanded   the command test is true, good or uncertain: the last known state of a command is taken seriously
    withdrawn   the command test is good and false. A bad or silent command changes nothing
    shut        every feedback test is good and true at one instant
    verified    shut, and every effect test is good and true at the same instant

        idle      --commanded-->             stroke    the stroke time runs from the first sight of the command, also if
                                                       it was already set when the gateway started
        stroke    --verified-->              verified  at once if the valves were shut before
        stroke    --shut-->                  effect    the effect time runs from the first time in this shut-down
        stroke    --stroke time over-->      failed    the alarm begins, at that instant
        effect    --verified-->              verified
        effect    --a feedback good and false--> stroke  another stroke time, but not beyond the effect time
        effect    --effect time over-->      failed    a limit switch may lie, or the line has another feed
        failed    --verified-->              verified  the alarm ends: it was late
        verified  --a feedback good and false--> stroke  a valve has opened again under the command
        verified  --an effect good and false-->  effect  it flows again though the valves are seen to be shut
        any       --withdrawn-->             idle      the alarm, if it stood, ends

    A command that is withdrawn within its stroke and comes again within a stroke time goes on with what was left of it
    (and of the effect time): else a contact that bounces would for ever hide a valve that does not move.

    A feedback or effect that is bad, stale or silent when the time is over counts as missing. A restart of the gateway
    within a stroke changes nothing; if the time ran out meanwhile, a whole one is given again from the first look.

    Every shut-down is told to the proof-test log (`Stroke`) when it fails, or is verified or withdrawn and a valve was
    seen to move.

    On a plant: a limit switch that lies, a valve that jams half way, an actuator without air: found in the stroke that
    mattered, or in the test before it.

    Delay: stroke_time, then effect_time. False alarms: one where the stroke time is set shorter than the slowest honest
    stroke, cold and with old air; take it from the proof-test log.

    Not for: commanding a valve. The command is that of the certified system, and is only read.
    """

    def __init__(self, rule: ShutdownVerification, alarm: int):
        self._rule, self.alarm = rule, alarm
        self._stroke, self._effect = round(rule.stroke_time_s * NS), round(rule.effect_time_s * NS)
        self._feedback = slice(1, 1 + len(rule.feedback))
        self._awaited = slice(1, 1 + len(rule.feedback) + len(rule.effect))  # feedbacks and effects
        self._phase = Phase.IDLE
        self._reopened = self._is_test = False
        self._commanded_ns = self._commanded_wall = 0
        self._effect_due_ns = NEVER
        self._left_ns, self._effect_left_ns = self._stroke, self._effect  # of a shut-down that was broken off
        self._withdrawn_ns = LONG_AGO  # and when it was
        self._came: dict[str, int] = {}  # test -> line time at which it was last seen to become true
        self._away: set[str] = set()  # tests that were seen not to be so before or under this command

    @property
    def active(self) -> bool:  # type: ignore[override]
        return self._phase is Phase.FAILED

    def look(self, line_ns: int, known: list[Known], fresh: bool, edges: Edges) -> None:
        command, awaited = known[0], known[self._awaited]
        if command.truth is Truth.FALSE:
            self._withdraw(line_ns, known, edges)
        self._away |= {str(test.test) for test in awaited if test.truth is Truth.FALSE}
        if self._phase is Phase.IDLE:
            if command.truth not in (Truth.TRUE, Truth.LIKELY):
                self._away -= {str(test.test) for test in awaited if test.truth is Truth.TRUE}
                return
            self._start(line_ns, command.wall_ns)
        self._is_test |= self._rule.test is not None and known[-1].truth is Truth.TRUE
        for test in awaited:
            if test.truth is Truth.TRUE:
                self._came.setdefault(str(test.test), line_ns)
            elif test.truth is Truth.FALSE:
                self._came.pop(str(test.test), None)
        shut = all(test.truth is Truth.TRUE for test in known[self._feedback])
        open_again = [test for test in known[self._feedback] if test.truth is Truth.FALSE]
        if shut and all(test.truth is Truth.TRUE for test in awaited):
            self._verify(line_ns, known, edges)
        elif self._phase is Phase.STROKE and shut:
            self._await_effect(line_ns)
        elif self._phase is Phase.EFFECT and open_again:
            self._phase, self.due_ns = Phase.STROKE, min(line_ns + self._stroke, self._effect_due_ns)
        elif self._phase is Phase.VERIFIED and any(test.truth is Truth.FALSE for test in awaited):
            gone = open_again or [test for test in awaited if test.truth is Truth.FALSE]
            self._start_again(line_ns, max(test.wall_ns for test in gone), shut)

    def fire(self, known: list[Known], edges: Edges) -> None:
        due, self.due_ns = self.due_ns, NEVER
        self._phase = Phase.FAILED
        self._tell(Outcome.FAILED, due, known, edges)
        edges.add(self.alarm, True, self._missing(known), due)
        edges.explain(self._trace(known))

    def begin(self, line_ns: int) -> None:
        if self.due_ns <= line_ns:
            self.due_ns = line_ns + (self._effect if self._phase is Phase.EFFECT else self._stroke)
            if self._phase is Phase.EFFECT:
                self._effect_due_ns = self.due_ns

    def adopt(self, line_ns: int) -> None:
        self._start(line_ns, 0)
        self._phase, self.due_ns = Phase.FAILED, NEVER

    def state(self) -> dict:
        return {"phase": self._phase, "due": self.due_ns, "reopened": self._reopened, "commanded": self._commanded_ns,
                "commanded_wall": self._commanded_wall, "left": self._left_ns, "withdrawn": self._withdrawn_ns,
                "came": self._came, "effect_due": self._effect_due_ns, "effect_left": self._effect_left_ns,
                "away": sorted(self._away), "test": self._is_test}

    def restore(self, state: dict) -> None:
        self._phase, self.due_ns, self._reopened = Phase(state["phase"]), int(state["due"]), bool(state["reopened"])
        self._commanded_ns, self._commanded_wall = int(state["commanded"]), int(state["commanded_wall"])
        self._left_ns, self._withdrawn_ns = int(state.get("left", self._stroke)), int(state.get("withdrawn", LONG_AGO))
        self._came = {str(test): int(line) for test, line in state["came"].items()}
        self._effect_due_ns = int(state.get("effect_due", NEVER))
        self._effect_left_ns = int(state.get("effect_left", self._effect))
        self._away, self._is_test = set(state.get("away", ())), bool(state.get("test", False))

    def _start(self, line_ns: int, wall_ns: int) -> None:
        self._phase, self._reopened, self._is_test = Phase.STROKE, False, False
        self._commanded_ns, self._commanded_wall = line_ns, wall_ns
        if line_ns - self._withdrawn_ns >= self._stroke:
            self._left_ns, self._effect_left_ns = self._stroke, self._effect
        self.due_ns, self._effect_due_ns = line_ns + self._left_ns, NEVER
        self._came = {}

    def _start_again(self, line_ns: int, wall_ns: int, shut: bool) -> None:
        """What was verified is so no longer, under the same command."""
        self._phase, self._reopened, self._effect_due_ns = Phase.STROKE, True, NEVER
        self._commanded_ns, self._commanded_wall = line_ns, wall_ns
        self._left_ns, self._effect_left_ns = self._stroke, self._effect
        self.due_ns = line_ns + self._stroke
        if shut:
            self._await_effect(line_ns)

    def _await_effect(self, line_ns: int) -> None:
        self._phase = Phase.EFFECT
        if self._effect_due_ns == NEVER:
            self._effect_due_ns = line_ns + self._effect_left_ns
        self.due_ns = self._effect_due_ns

    def _verify(self, line_ns: int, known: list[Known], edges: Edges) -> None:
        before, self._phase, self.due_ns = self._phase, Phase.VERIFIED, NEVER
        if before is Phase.FAILED:
            self._tell(Outcome.LATE, line_ns, known, edges)
            self._end(line_ns, known, self._trace(known), edges)
        elif before is not Phase.VERIFIED:
            self._tell(Outcome.VERIFIED, line_ns, known, edges)

    def _withdraw(self, line_ns: int, known: list[Known], edges: Edges) -> None:
        before = self._phase
        if before is Phase.IDLE:
            return
        self._left_ns, self._effect_left_ns, self._withdrawn_ns = self._stroke, self._effect, LONG_AGO
        if before in (Phase.STROKE, Phase.EFFECT):
            self._tell(Outcome.BROKEN_OFF, line_ns, known, edges)
            if not self._reopened:
                self._withdrawn_ns = line_ns
                self._left_ns = self.due_ns - line_ns if before is Phase.STROKE else self._stroke
                if self._effect_due_ns != NEVER:
                    self._effect_left_ns = self._effect_due_ns - line_ns
        trace = (*self._trace(known), known[0].evidence(Text("command withdrawn", "切断指令已撤销")))
        self._phase, self.due_ns, self._came = Phase.IDLE, NEVER, {}
        if before is Phase.FAILED:
            self._end(line_ns, known, trace, edges)

    def _end(self, line_ns: int, known: list[Known], trace: tuple, edges: Edges) -> None:
        edges.add(self.alarm, False, self._missing(known), line_ns)
        edges.explain(trace)

    def _missing(self, known: list[Known]) -> float:
        return float(sum(test.truth is not Truth.TRUE for test in known[self._awaited]))

    def _tell(self, outcome: Outcome, line_ns: int, known: list[Known], edges: Edges) -> None:
        """To the proof-test log. No stroke of the valves: what happens later under the same command, a contact that
        bounces, a command to valves that were shut before."""
        if self._reopened or not self._commanded_wall:
            return
        seen = tuple(self._seen(test) for test in known[self._awaited])
        valves = len(self._rule.feedback)
        failed = outcome in (Outcome.FAILED, Outcome.LATE)
        if not failed and not any(one.moved and one.after_s is not None for one in seen[:valves]):
            return
        edges.strokes.append(Stroke(
            self._rule.id, outcome, self._is_test, self._commanded_wall, self._commanded_ns, line_ns + edges.skew_ns,
            line_ns, seen[:valves], seen[valves:]))

    def _seen(self, known: Known) -> Seen:
        test = str(known.test)
        after = (self._came.get(test, known.line_ns) - self._commanded_ns) / NS
        return Seen(test, max(after, 0.0) if known.truth is Truth.TRUE else None, test in self._away)

    def _trace(self, known: list[Known]) -> tuple:
        command = known[0]
        what = (Text("no longer confirmed under the command ({test})", "切断指令下反馈丢失（{test}）") if self._reopened
                else Text("shut-down commanded ({test})", "切断指令已发出（{test}）"))
        first = command.evidence(what.format(test=command.test))
        if self._commanded_wall:
            first = replace(first, wall_ns=self._commanded_wall)
        mode = (known[-1].evidence(Text("this is a test ({test})", "本次为测试（{test}）").format(
            test=known[-1].test)),) if self._is_test else ()
        effects = known[self._feedback.stop:self._awaited.stop]
        return (first, *mode, *(test.evidence(self._note(test)) for test in known[self._feedback]),
                *(test.evidence(self._effect_note(test)) for test in effects))

    def _note(self, test: Known) -> Text:
        if test.truth is Truth.TRUE:
            return self._when(test)
        return Text("{test}: not confirmed within {s:g} s, {said}", "{test}：{s:g} 秒内未确认，{said}").format(
            test=test.test, s=self._rule.stroke_time_s, said=said(test))

    def _effect_note(self, test: Known) -> Text:
        if test.truth is Truth.TRUE:
            return Text("effect {when}", "效果 {when}").format(when=self._when(test))
        if self._effect_due_ns == NEVER:
            return Text("effect {test}: not seen, {said}", "效果 {test}：未出现，{said}").format(
                test=test.test, said=said(test))
        return Text("effect {test}: not seen within {s:g} s of the valves being shut, {said}",
                    "效果 {test}：阀门关到位后 {s:g} 秒内未出现，{said}").format(
            test=test.test, s=self._rule.effect_time_s, said=said(test))

    def _when(self, test: Known) -> Text:
        after = (self._came.get(str(test.test), test.line_ns) - self._commanded_ns) / NS
        if after <= 0 and str(test.test) not in self._away:
            return Text("{test}: already so before the command", "{test}：指令发出前已满足").format(test=test.test)
        return Text("{test}: confirmed after {s:.1f} s", "{test}：{s:.1f} 秒后确认").format(
            test=test.test, s=max(after, 0.0))

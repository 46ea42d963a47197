"""Work without video: two things that must not be true together."""

from __future__ import annotations

from gateway.core.edges import Edges
from gateway.core.rows import NEVER
from gateway.core.rules.machine import Known, Machine, said
from gateway.core.rules.truth import Truth
from gateway.model.clock import NS
from gateway.model.rules import WorkWithoutVideo
from gateway.model.text import Text

FIRST_DATA_S = 30.0  # how long after the start a camera that was never heard of is waited for


class Interlock(Machine):
    """Work goes on (any work test good and true) while there is no video (any video test not good and true).

    refuted  every work test is good and false, or every video test is good and true
    violated a work test is good and true, and a video test is false, bad, stale, silent or was never heard of
    neither  not known well enough: nothing begins and nothing ends; a running on-delay goes on

    idle --violated--> pending (on-delay) --still not refuted--> active --refuted--> leaving (off-delay, ended by a
    sample) --> idle. Only what is refuted without interruption for off_delay_s by good samples ends the alarm.

    A camera that was never heard of since the start of the gateway may still be on its way: its alarm does not come
    before FIRST_DATA_S after the start, unless it does come and shows nothing.
    """

    def __init__(self, rule: WorkWithoutVideo, alarm: int):
        self._rule, self.alarm = rule, alarm
        self._on, self._off = round(rule.on_delay_s * NS), round(rule.off_delay_s * NS)
        self._clear_ns = NEVER
        self._begun_ns = 0

    def look(self, line_ns: int, known: list[Known], fresh: bool, edges: Edges) -> None:
        work, video = self._parts(known)
        seen = all(test.truth is Truth.TRUE for test in video)
        if seen or all(test.truth is Truth.FALSE for test in work):
            self._refuted(line_ns, known, fresh, edges)
        elif any(test.truth is Truth.TRUE for test in work):
            self._violated(line_ns, known, edges)
        else:
            self._clear_ns = NEVER  # the evidence for an end is interrupted

    def fire(self, known: list[Known], edges: Edges) -> None:
        self._raise(self.due_ns, known, edges)

    def begin(self, line_ns: int) -> None:
        self._begun_ns = line_ns
        self._clear_ns = NEVER
        if self.due_ns <= line_ns:
            self.due_ns = line_ns + self._on

    def adopt(self, line_ns: int) -> None:
        self.active, self.due_ns, self._clear_ns = True, NEVER, NEVER

    def state(self) -> dict:
        return {"active": self.active, "due": self.due_ns, "clear": self._clear_ns, "begun": self._begun_ns}

    def restore(self, state: dict) -> None:
        self.active, self.due_ns = bool(state["active"]), int(state["due"])
        self._clear_ns, self._begun_ns = int(state["clear"]), int(state["begun"])

    def _violated(self, line_ns: int, known: list[Known], edges: Edges) -> None:
        self._clear_ns = NEVER
        if self.active:
            return
        video = [test.truth for test in self._parts(known)[1]]
        due = line_ns + self._on
        if self.due_ns != NEVER:  # runs already; but a camera that has come and shows nothing is not waited for
            due = min(due, self.due_ns) if Truth.FALSE in video else self.due_ns
        elif Truth.WAITING in video:
            due = max(due, self._begun_ns + round(FIRST_DATA_S * NS))
        if due > line_ns:
            self.due_ns = due
        else:
            self._raise(line_ns, known, edges)

    def _refuted(self, line_ns: int, known: list[Known], fresh: bool, edges: Edges) -> None:
        self.due_ns = NEVER
        if not self.active:
            return
        if self._clear_ns == NEVER:
            self._clear_ns = line_ns + self._off
        if fresh and self._clear_ns <= line_ns:
            self.active, self._clear_ns = False, NEVER
            edges.add(self.alarm, False, float("nan"), line_ns)
            edges.explain(self._trace(known))

    def _raise(self, line_ns: int, known: list[Known], edges: Edges) -> None:
        self.active, self.due_ns = True, NEVER
        edges.add(self.alarm, True, float("nan"), line_ns)
        edges.explain(self._trace(known))

    def _parts(self, known: list[Known]) -> tuple[list[Known], list[Known]]:
        return known[:len(self._rule.work)], known[len(self._rule.work):]

    def _trace(self, known: list[Known]) -> tuple:
        work, video = self._parts(known)
        return (*(test.evidence(Text("work {state}: {said} ({test})", "作业{state}：{said}（{test}）").format(
                    state=_WORK[test.truth], said=said(test), test=test.test)) for test in work),
                *(test.evidence(Text("video {state}: {said} ({test})", "视频{state}：{said}（{test}）").format(
                    state=_VIDEO[test.truth is Truth.TRUE], said=said(test), test=test.test)) for test in video))


_WORK = {Truth.TRUE: Text("goes on", "正在进行"), Truth.FALSE: Text("does not go on", "未进行")}
_WORK |= {truth: Text("not known", "状态不明") for truth in (Truth.WAITING, Truth.UNKNOWN, Truth.LIKELY)}
_VIDEO = {True: Text("present", "正常"), False: Text("missing", "缺失")}

"""Interlocks: while one thing is so, another must be so too."""

from __future__ import annotations

from gateway.core.rules.delayed import FIRST_DATA_NS, Delayed, Judgement
from gateway.core.rules.machine import LONG_AGO, Known, said
from gateway.core.rules.truth import Truth
from gateway.model.rules import Interlock, Side, WorkWithoutVideo
from gateway.model.text import Text
from gateway.model.verdict import Evidence

_MAYBE = (Truth.TRUE, Truth.LIKELY)


class Interlocked(Delayed):
    """Work without video, gas high and fan off, load while stopped, hot work without a permit.

        holds    `when` is true, by good or uncertain evidence, and `requires` is not fulfilled: a required test that is
                 false, uncertain, bad, silent or was never heard of is not fulfilled
        refuted  `when` is good and false, or `requires` is good and true
        open     neither: `when` is bad, silent or was never heard of. Nothing begins and nothing ends

    A `when` that stays bad is announced by the deadman and the validity of its signal, not here: an alarm "pump runs
    without permit" on the word of a dead meter would be a guess. What began before goes on standing.

    A requirement that was never heard of since the gateway began to watch may still be on its way: it counts for
    nothing before FIRST_DATA_NS, unless it does come and is not fulfilled.

    Delay: on_delay. False alarms: one per true contradiction that outlasts it; where the two sides are polled from
    different devices, an on-delay of some periods bridges the time between.

    On a plant: two things that must not be true together: work without video, gas and no fan, a load that runs under a
    stop order, hot work without a permit.

    Delay: on_delay. False alarms: one for every time a required signal is lost for longer than on_delay while the work
    goes on, on purpose.

    Not for: stopping anything. It announces; the certified system acts.
    """

    def __init__(self, rule: Interlock | WorkWithoutVideo, alarm: int):
        super().__init__(alarm, rule.on_delay_s, rule.off_delay_s)
        self._rule = rule
        self._words = _VIDEO if isinstance(rule, WorkWithoutVideo) else _GENERAL

    def judge(self, known: list[Known]) -> Judgement:
        when, requires = self._sides(known)
        truths = [test.truth for test in when]
        if _combined(self._rule.requires, [test.truth is Truth.TRUE for test in requires]):
            return Judgement.REFUTED
        if _combined(self._rule.when, [truth in _MAYBE for truth in truths]):
            return Judgement.HOLDS
        possible = _combined(self._rule.when, [truth is not Truth.FALSE for truth in truths])
        return Judgement.OPEN if possible else Judgement.REFUTED

    def earliest(self, known: list[Known]) -> int:
        heard = [test.truth in (Truth.TRUE, Truth.WAITING) for test in self._sides(known)[1]]
        return self._begun_ns + FIRST_DATA_NS if _combined(self._rule.requires, heard) else LONG_AGO

    def trace(self, known: list[Known]) -> tuple[Evidence, ...]:
        when, requires = self._sides(known)
        goes_on, unknown, not_so, fulfilled, missing = self._words
        return (*(test.evidence((goes_on if test.truth in _MAYBE else not_so if test.truth is Truth.FALSE else unknown)
                                .format(said=said(test), test=test.test)) for test in when),
                *(test.evidence((fulfilled if test.truth is Truth.TRUE else missing)
                                .format(said=said(test), test=test.test)) for test in requires))

    def _sides(self, known: list[Known]) -> tuple[list[Known], list[Known]]:
        middle = len(self._rule.when.tests)
        return known[:middle], known[middle:]


def _combined(side: Side, parts: list[bool]) -> bool:
    return all(parts) if side.every else any(parts)


# when: true, not known, false; requires: fulfilled, not
_GENERAL = (Text("condition met: {said} ({test})", "条件成立：{said}（{test}）"),
            Text("condition not known: {said} ({test})", "条件状态不明：{said}（{test}）"),
            Text("condition not met: {said} ({test})", "条件不成立：{said}（{test}）"),
            Text("requirement fulfilled: {said} ({test})", "要求已满足：{said}（{test}）"),
            Text("requirement not fulfilled: {said} ({test})", "要求未满足：{said}（{test}）"))
_VIDEO = (Text("work goes on: {said} ({test})", "作业正在进行：{said}（{test}）"),
          Text("work not known: {said} ({test})", "作业状态不明：{said}（{test}）"),
          Text("work does not go on: {said} ({test})", "作业未进行：{said}（{test}）"),
          Text("video present: {said} ({test})", "视频正常：{said}（{test}）"),
          Text("video missing: {said} ({test})", "视频缺失：{said}（{test}）"))

"""Votes: so many of several detectors say the same; and the announcement that not all of them can."""

from __future__ import annotations

from gateway.core.edges import Edges
from gateway.core.rows import NEVER
from gateway.core.rules.delayed import FIRST_DATA_NS, Delayed, Judgement
from gateway.core.rules.machine import LONG_AGO, Known, said
from gateway.core.rules.truth import Truth
from gateway.model.clock import NS
from gateway.model.rules import Degraded, Vote
from gateway.model.text import Text
from gateway.model.verdict import Evidence

_LOST = (Truth.UNKNOWN, Truth.WAITING)


class Voting(Delayed):
    """M of N members are true: the gas is where several detectors say it is, and not a fault of one of them.

    vote     a member that is true, by good or uncertain evidence, or over range; also one that is lost and had voted
             when it was last heard (it is not known to have taken it back)
    lost     bad, silent, uncertain and not true, or never heard of
    holds    votes >= M, where each other lost member lowers M by one:
             `trip`   down to nothing: 2oo3 with two lost stands as voted
             `lower`  down to one while any member is good: 2oo3, 1oo2, 1oo1
             with every member lost it holds in either case
    refuted  anything else. As for every rule, only a good sample ends the alarm

    A member that is lost never counts as "no". But one lost answer is no gas: the alarm waits until the members without
    whose loss it would not stand have been lost for bad_after; those that were never heard of get FIRST_DATA_NS
    from the start. Members' own limit alarms come from other detectors and wait for nothing of this.

    On a plant: a vote is for what costs much when it is wrong (a shut-down, an evacuation). `trip` is the safe choice
    and the default; `lower` where a spoiled head must not call everybody out of bed.

    Delay: on_delay, or bad_after where lost members decide. False alarms: with `trip`, the loss of M members is one.

    Not for: withholding the alarm of a single head, which stands beside the vote; nor for members that see different
    places.
    """

    def __init__(self, rule: Vote, alarm: int):
        super().__init__(alarm, rule.on_delay_s, rule.off_delay_s)
        self._rule, self._bad_after = rule, round(rule.bad_after_s * NS)
        self._voted = [False] * len(rule.members)  # when last heard
        self._lost_ns = [NEVER] * len(rule.members)  # since

    def look(self, line_ns: int, known: list[Known], fresh: bool, edges: Edges) -> None:
        for member, test in enumerate(known):
            if test.truth not in _LOST:
                self._voted[member], self._lost_ns[member] = test.truth is not Truth.FALSE, NEVER
            elif self._lost_ns[member] == NEVER:
                self._lost_ns[member] = line_ns
        super().look(line_ns, known, fresh, edges)

    def judge(self, known: list[Known]) -> Judgement:
        return Judgement.HOLDS if self._holds(len(self._silent(known)), known) else Judgement.REFUTED

    def earliest(self, known: list[Known]) -> int:
        """When so many have been lost for long enough that it holds without the others being lost."""
        since = sorted(self._begun_ns + FIRST_DATA_NS if known[member].truth is Truth.WAITING
                       else self._lost_ns[member] + self._bad_after for member in self._silent(known))
        needed = next(count for count in range(len(since) + 1) if self._holds(count, known))
        return since[needed - 1] if needed else LONG_AGO

    def value(self, known: list[Known]) -> float:
        return float(self._votes(known))

    def trace(self, known: list[Known]) -> tuple[Evidence, ...]:
        lost = len(self._silent(known))
        words = Text("{votes} of {n} vote, {m} needed ({scheme})", "{n} 个中 {votes} 个投票，需 {m} 个（{scheme}）")
        if lost == len(known):
            words = Text("none of the {n} members is good ({scheme})", "{n} 个成员均失效（{scheme}）")
        elif lost:
            words = Text("{votes} of {n} vote, {lost} lost, {m} needed ({scheme})",
                         "{n} 个中 {votes} 个投票，{lost} 个失效，需 {m} 个（{scheme}）")
        first = Evidence(max(test.wall_ns for test in known), self._rule.id, float(self._votes(known)), words.format(
            votes=self._votes(known), n=len(known), lost=lost, m=max(self._needed(lost), 0), scheme=self._rule.scheme))
        return (first, *(test.evidence(self._note(member, test)) for member, test in enumerate(known)))

    def state(self) -> dict:
        return super().state() | {"voted": self._voted, "lost": self._lost_ns}

    def restore(self, state: dict) -> None:
        super().restore(state)
        self._voted, self._lost_ns = [bool(one) for one in state["voted"]], [int(one) for one in state["lost"]]

    def _holds(self, lost: int, known: list[Known]) -> bool:
        """If `lost` of the members that are lost and did not vote counted as lost, the others as "no"."""
        return self._votes(known) >= self._needed(lost) or lost == len(known)

    def _needed(self, lost: int) -> int:
        return max(self._rule.m - lost, 1 if self._rule.degraded is Degraded.LOWER else 0)

    def _votes(self, known: list[Known]) -> int:
        return sum(voted and test.truth is not Truth.FALSE for voted, test in zip(self._voted, known, strict=True))

    def _silent(self, known: list[Known]) -> list[int]:
        return [member for member, test in enumerate(known) if test.truth in _LOST and not self._voted[member]]

    def _note(self, member: int, test: Known) -> Text:
        if test.truth is Truth.FALSE:
            words = Text("does not vote: {said} ({test})", "未投票：{said}（{test}）")
        elif test.truth not in _LOST:
            words = Text("votes: {said} ({test})", "投票：{said}（{test}）")
        elif self._voted[member]:
            words = Text("lost, its last vote stands: {said} ({test})", "失效，保留其最后一次投票：{said}（{test}）")
        elif self._rule.degraded is Degraded.TRIP:
            words = Text("lost, counts as a vote: {said} ({test})", "失效，按投票计：{said}（{test}）")
        else:
            words = Text("lost, left out of the vote: {said} ({test})", "失效，退出表决：{said}（{test}）")
        return words.format(said=said(test), test=test.test)


class Degradation(Delayed):
    """A member of a vote has not been good for bad_after: the vote is not the one that was designed.

        holds    any member is bad, uncertain, silent or was never heard of
        refuted  all are good

    On a plant: a 2oo3 with a dead head is a 2oo2 or a 1oo2 until somebody mends it; people must know which.

    Delay: bad_after. False alarms: one per loss longer than that.

    Not for: single detectors, which have their own deadman.
    """

    def __init__(self, rule: Vote, alarm: int):
        super().__init__(alarm, rule.bad_after_s, rule.off_delay_s)
        self._rule = rule

    def judge(self, known: list[Known]) -> Judgement:
        return Judgement.HOLDS if self._lost(known) else Judgement.REFUTED

    def earliest(self, known: list[Known]) -> int:
        waiting = all(test.truth is Truth.WAITING for test in self._lost(known))
        return self._begun_ns + FIRST_DATA_NS if waiting else LONG_AGO

    def value(self, known: list[Known]) -> float:
        return float(len(self._lost(known)))

    def trace(self, known: list[Known]) -> tuple[Evidence, ...]:
        lost = self._lost(known)
        words = (Text("{lost} of {n} members of the vote {scheme} are not good: {names}",
                      "表决 {scheme} 的 {n} 个成员中有 {lost} 个异常：{names}") if lost
                 else Text("all {n} members of the vote {scheme} are good", "表决 {scheme} 的 {n} 个成员均正常"))
        first = Evidence(max(test.wall_ns for test in known), self._rule.id, float(len(lost)), words.format(
            lost=len(lost), n=len(known), scheme=self._rule.scheme,
            names=Text(*(mark.join(test.test.signal for test in lost) for mark in (", ", "、")))))
        return (first, *(test.evidence(_UNCERTAIN.format(value=test.value) if test.truth is Truth.LIKELY
                                       else said(test)) for test in lost))

    def _lost(self, known: list[Known]) -> list[Known]:
        return [test for test in known if test.truth not in (Truth.TRUE, Truth.FALSE)]


_UNCERTAIN = Text("uncertain, reads {value:g}", "数据存疑，读数 {value:g}")

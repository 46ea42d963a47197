"""Rules of the site file: their tests, what can not be meant, and the words of `gateway.model.rules` for them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise

from gateway.config.build import SignalPlan
from gateway.config.document import Location
from gateway.config.draft import Draft, Written
from gateway.config.rule_sections import (
    InterlockSection,
    ResponseTestSection,
    RuleSection,
    ShutdownVerificationSection,
    SideSection,
    VoteSection,
    WorkWithoutVideoSection,
)
from gateway.model.alarm import Priority, Risk
from gateway.model.errors import Problem
from gateway.model.rules import (
    OPERATORS,
    Degraded,
    Interlock,
    ResponseTest,
    Rule,
    ShutdownVerification,
    Side,
    Test,
    Vote,
    WorkWithoutVideo,
)
from gateway.model.text import Text

_OPPOSITE = {">": "<=", "<=": ">", "<": ">=", ">=": "<", "==": "!=", "!=": "=="}
_MAY_BE_SILENT = ("work", "when", "test", "stimulus")  # a signal that only begins the rule: silent, it begins nothing


def sides(section: RuleSection) -> Iterator[tuple[str, Side]]:
    """(key, its tests and how they are joined) for every key of a rule that holds tests."""
    for key, every in (("when", False), ("work", False), ("requires", True), ("video", True), ("members", False),
                       ("command", True), ("stimulus", True), ("feedback", True), ("effect", True), ("test", True)):
        said = getattr(section, key, None)
        if isinstance(said, SideSection):
            yield key, Side(said.tests, said.every)
        elif said is not None:
            yield key, Side(said if isinstance(said, tuple) else (said,), every)


def first_signal(section: RuleSection) -> str:
    """In whose area the rule is, unless it says so."""
    if isinstance(section, ResponseTestSection):
        return section.signal
    return next(side.tests[0].signal for _, side in sides(section))


def rule_problems(draft: Draft, rule: Written, plans: Mapping[str, SignalPlan]) -> Iterator[Problem]:
    section = rule.section
    for key, side in sides(section):
        for number, test in enumerate(side.tests):
            yield from _test_problems(draft, rule, plans, key, test, _place(section, key, number))
        if key != "members":
            yield from _side_problems(rule, key, side)
    by_key = dict(sides(section))
    when = by_key.get("when") or by_key.get("work")
    requires = by_key.get("requires") or by_key.get("video")
    if when and requires:
        yield from _interlock_problems(rule, when, requires)
    if isinstance(section, ShutdownVerificationSection):
        yield from _effect_problems(rule)
    if isinstance(section, ResponseTestSection):
        yield from _response_problems(draft, rule, plans)
    if isinstance(section, VoteSection) and section.m > len(section.members) and rule.whole:
        yield rule.spot(("m",)).problem(
            Text(f"{section.m} of {len(section.members)} members can never vote",
                 f"{len(section.members)} 个成员不可能有 {section.m} 个投票"),
            Text(f"write 1 to {len(section.members)}, or add members",
                 f"填写 1 至 {len(section.members)}，或增加成员"))


def _test_problems(draft: Draft, rule: Written, plans: Mapping[str, SignalPlan], key: str, test: Test,
                   place: Location) -> Iterator[Problem]:
    if test.signal not in draft.named["signals"]:
        yield rule.spot(place).problem(*draft.unknown_signal(test.signal))
        return
    if (plan := plans.get(test.signal)) is None:
        return
    low = -math.inf if plan.section.low is None else plan.section.low
    high = math.inf if plan.section.high is None else plan.section.high
    never, always = not possible([test], low, high), not possible([_not(test)], low, high)
    if low < high and (never or always):
        yield rule.spot(place).problem(
            Text("{test} is {ever} true: {signal} reads {low:g} to {high:g}",
                 "{test} {ever}成立：{signal} 的量程为 {low:g} 至 {high:g}").format(
                test=test, ever=Text("never", "永不") if never else Text("always", "始终"), signal=test.signal, low=low,
                high=high),
            Text("correct the number, or the measuring range of the signal", "更正数值，或更正信号的量程"))
    if key not in _MAY_BE_SILENT and plan.deadman_s is None:
        yield rule.spot(place).problem(
            Text(f"{test.signal} has no deadman: if it falls silent, the rule goes on believing its last value",
                 f"{test.signal} 没有数据中断时限：信号中断后，规则仍会采信其最后数值"),
            Text("set deadman for this signal", "为该信号设置 deadman"), "warning")
    if (state := plan.section.load_state) is not None and state.idle is None:
        yield rule.spot(place).problem(
            Text(f"{test.signal} is learnt: it is not known for {state.learn / 86400:g} days, nor before {state.load} "
                 "was seen both idle and full",
                 f"{test.signal} 由学习得出：{state.learn / 86400:g} 天内、以及 {state.load} 的空载和满载均出现之前，"
                 "状态未知"),
            Text("give idle and full of load_state, if the rule must count from the first day",
                 "如需规则从第一天起生效，请在 load_state 中填写 idle 和 full"), "warning")


def _side_problems(rule: Written, key: str, side: Side) -> Iterator[Problem]:
    """Numbers that contradict each other: all of them, or none of them, can not be."""
    for signal in dict.fromkeys(test.signal for test in side.tests):
        own = [test for test in side.tests if test.signal == signal]
        if len(own) < 2:
            continue
        tests = ", ".join(map(str, own))
        if side.every and not possible(own):
            yield rule.spot((key,)).problem(
                Text(f"these can never be true together: {tests}", f"以下条件不可能同时成立：{tests}"),
                Text("correct the numbers, or write { any = [...] }", "更正数值，或写成 { any = [...] }"))
        elif not side.every and not possible([_not(test) for test in own]):
            yield rule.spot((key,)).problem(
                Text(f"one of these is always true: {tests}", f"以下条件总有一个成立：{tests}"),
                Text("correct the numbers, or write { all = [...] }", "更正数值，或写成 { all = [...] }"))


def _interlock_problems(rule: Written, when: Side, requires: Side) -> Iterator[Problem]:
    section = rule.section
    key = "requires" if isinstance(section, InterlockSection) else "video"
    for number, test in enumerate(requires.tests):
        if test in when.tests:
            yield rule.spot(_place(section, key, number)).problem(
                Text(f"{test} stands on both sides of the rule", f"{test} 同时出现在规则的两侧"),
                Text("what is required must be something else than what makes the rule count: correct one of them",
                     "要求的内容必须不同于触发规则的条件：更正其中一个"))
            return
    both = (*when.tests, *map(_not, requires.tests))
    if len(both) == 2 and both[0].signal == both[1].signal and not possible(both):
        yield rule.spot((key,)).problem(
            Text("can never alarm: while {when} is true, {requires} is true too",
                 "该规则永远不会告警：{when} 成立时 {requires} 必然成立").format(when=when, requires=requires),
            Text("correct the numbers", "更正数值"))


def _effect_problems(rule: Written) -> Iterator[Problem]:
    """An effect and its time go together."""
    section: ShutdownVerificationSection = rule.section
    if rule.whole and (section.effect is None) != (section.effect_time is None):
        missing, there = ("effect", "effect_time") if section.effect is None else ("effect_time", "effect")
        yield rule.spot((there,)).problem(
            Text(f"{there} without {missing}", f"有 {there}，但没有 {missing}"),
            Text('add effect = such as "FT-101.flow < 1", and effect_time = such as "30s"',
                 '补上 effect（例如 "FT-101.flow < 1"）和 effect_time（例如 "30s"）'))


def _place(section: RuleSection, key: str, number: int) -> Location:
    said = getattr(section, key)
    if isinstance(said, SideSection):
        return (key, "all" if said.every else "any", number)
    return (key, number) if isinstance(said, tuple) else (key,)


def _not(test: Test) -> Test:
    return Test(test.signal, _OPPOSITE[test.op], test.value)


def _response_problems(draft: Draft, rule: Written, plans: Mapping[str, SignalPlan]) -> Iterator[Problem]:
    section = rule.section
    if section.signal not in draft.named["signals"]:
        yield rule.spot(("signal",)).problem(*draft.unknown_signal(section.signal))
    elif (plan := plans.get(section.signal)) is not None and plan.span is not None and abs(section.by) > plan.span:
        yield rule.spot(("by",)).problem(
            Text(f"{section.signal} can never move by {section.by:g}: its measuring range spans {plan.span:g}",
                 f"{section.signal} 不可能变化 {section.by:g}：其量程跨度为 {plan.span:g}"),
            Text("correct the number, or the measuring range of the signal", "更正数值，或更正信号的量程"))


def possible(tests: Iterable[Test], low: float = -math.inf, high: float = math.inf) -> bool:
    """Is there a value from low to high for which all these tests of one signal are true?"""
    tests = list(tests)
    marks = sorted({low, high, *(test.value for test in tests)} - {-math.inf, math.inf})
    between = [(left + right) / 2 for left, right in pairwise(marks)]
    return any(all(OPERATORS[test.op](value, test.value) for test in tests)
               for value in (marks[0] - 1, *marks, *between, marks[-1] + 1) if low <= value <= high)


def rule(section: RuleSection, area: str, area_name: Text) -> Rule:
    """The rule that a section without problems means."""
    name = section.name or _NAMES[type(section)].format(area=area_name)
    urgent = isinstance(section, (VoteSection, ShutdownVerificationSection))
    priority = section.priority or (Priority.P1 if urgent else Priority.P2)
    risk = section.risk or (Risk.RED if urgent else Risk.ORANGE)
    match section:
        case InterlockSection():
            when, requires = (Side(side.tests, side.every) for side in (section.when, section.requires))
            return Interlock(section.id, name, area, when, requires, section.on_delay, section.off_delay, priority,
                             risk, section.guidance)
        case WorkWithoutVideoSection():
            return WorkWithoutVideo(section.id, name, area, section.work, section.video, section.on_delay,
                                    section.off_delay, priority, risk, section.guidance)
        case VoteSection():
            return Vote(section.id, name, area, section.members, section.m, Degraded(section.degraded),
                        section.bad_after, section.on_delay, section.off_delay, priority, risk, section.guidance)
        case ShutdownVerificationSection():
            return ShutdownVerification(section.id, name, area, section.command, section.feedback,
                                        section.stroke_time, priority, risk, section.guidance, section.effect or (),
                                        section.effect_time or 0.0, section.test, section.proof_test_interval)
        case ResponseTestSection():
            return ResponseTest(section.id, name, area, section.signal, section.stimulus, section.by, section.within,
                                priority, risk, section.guidance, section.proof_test_interval)
    raise TypeError(section)


_NAMES: dict[type[RuleSection], Text] = {
    InterlockSection: Text("{area}: interlock violated", "{area}：违反联锁条件"),
    WorkWithoutVideoSection: Text("{area}: work goes on without video", "{area}：无视频仍在作业"),
    VoteSection: Text("{area}: several detectors agree", "{area}：多个探测器一致报警"),
    ResponseTestSection: Text("{area}: no response to a test", "{area}：测试无响应"),
    ShutdownVerificationSection: Text("{area}: shut-down not verified", "{area}：切断动作未得到确认"),
}

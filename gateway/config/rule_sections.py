"""The rules of the site file. The text under a key is its entry in the reference."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from gateway.config.section import Section
from gateway.config.values import (
    Advice,
    Condition,
    Conditions,
    Duration,
    Id,
    Name,
    PositiveDuration,
    Urgency,
    Whole,
    all_of,
    any_of,
)
from gateway.model.alarm import Risk
from gateway.model.rules import Test
from gateway.model.text import Text


class RuleSection(Section):
    id: Id
    """Id of the rule and of its alarm."""
    name: Name | None = None
    """Title of the alarm. Default: by the type of the rule, with the name of the area."""
    area: str | None = None
    """Default: the area of the first signal in the rule."""
    priority: Urgency | None = None
    """Default: `P2` for an interlock and for work without video, `P1` for a vote and for shut-down verification."""
    risk: Risk | None = None
    """Default: `orange` for an interlock and for work without video, `red` for a vote and for shut-down
    verification."""
    guidance: Advice = Text("", "")
    """What to do; shown with the alarm. Or a table, as in a kind."""


def _voters(members: tuple[Test, ...]) -> tuple[Test, ...]:
    if len(members) < 2:
        raise ValueError(Text("a vote with a single member", "表决只有一个成员"),
                         Text("add members; for one detector alone its limits are enough",
                              "增加成员；仅一个探测器时，使用其限值即可"))
    signals = [test.signal for test in members]
    if twice := ", ".join(signal for signal, count in Counter(signals).items() if count > 1):
        raise ValueError(Text(f"members listed twice: {twice}", f"重复列出的成员：{twice}"),
                         Text("one detector has one vote: delete one of them", "一个探测器只有一票：删除其中一个"))
    return members


class SideSection(Section):
    any: Conditions | None = None
    """One of these must be true."""
    all: Conditions | None = None
    """All of these must be true."""

    @model_validator(mode="after")
    def _one_of_both(self) -> SideSection:
        if (self.any is None) is (self.all is None):
            raise ValueError(Text("expected either any or all", "应填写 any 或 all 之一"),
                             Text("write { any = [...] } or { all = [...] }; a rule that needs both is two rules",
                                  "写成 { any = [...] } 或 { all = [...] }；两者都需要时请写成两条规则"))
        return self

    @property
    def tests(self) -> tuple[Test, ...]:
        return self.any or self.all or ()

    @property
    def every(self) -> bool:
        return self.all is not None


class InterlockSection(RuleSection):
    type: Literal["interlock"]
    """While one thing is so, another must be so too: gas high and fan on, load and "running", hot work and a permit."""
    when: Annotated[SideSection, BeforeValidator(any_of)]
    """True, by good or uncertain evidence, it makes the rule count. A list or a single test means any of them."""
    requires: Annotated[SideSection, BeforeValidator(all_of)]
    """Must then be true with good quality; bad, stale or silent is not fulfilled. A list means all of them."""
    on_delay: Duration = 5.0
    """So long not fulfilled before the alarm; interruptions shorter than this do not start it anew."""
    off_delay: Duration = 5.0
    """So long in order again before it ends."""


class VoteSection(RuleSection):
    type: Literal["vote"]
    """So many of several detectors say the same. Comes on top of the detectors' own alarms."""
    members: Annotated[Conditions, AfterValidator(_voters)]
    """One test for each detector, such as `"GD-01 >= 20"`."""
    m: Annotated[Whole, Field(ge=1)]
    """So many of them must be true."""
    degraded: Literal["trip", "lower"] = "trip"
    """What a bad, uncertain or silent member counts for. `trip`: as a vote. `lower`: it leaves the vote, and `m` sinks
    with it: 2oo3 becomes 1oo2, then 1oo1. With all members bad the vote alarms in either case."""
    bad_after: Duration = 10.0
    """So long bad before `vote degraded` is announced, and before the vote alarms for members being bad."""
    on_delay: Duration = 2.0
    """So long agreed before the alarm."""
    off_delay: Duration = 30.0
    """So long not agreed before it ends."""


class WorkWithoutVideoSection(RuleSection):
    type: Literal["work_without_video"]
    """Work goes on in an area whose camera does not see it."""
    work: Conditions
    """Any of these true, with good quality, means that work goes on."""
    video: Conditions
    """All of these must be true, with good quality, or there is no video."""
    on_delay: Duration = 60.0
    """So long without video before the alarm."""
    off_delay: Duration = 5.0
    """So long in order again before it ends."""


class ShutdownVerificationSection(RuleSection):
    type: Literal["shutdown_verification"]
    """A commanded shut-down must be seen to happen."""
    command: Condition
    """True: the certified system has commanded the shut-down."""
    feedback: Conditions
    """One for each valve; true, with good quality, means that this valve is seen to be shut."""
    stroke_time: PositiveDuration
    """Longest time from command to feedback."""
    effect: Conditions | None = None
    """What the shut valves must bring about in the process, such as `"FT-101.flow < 1"`; all of them, with good
    quality. A limit switch may lie, the process does not. Needs `effect_time`."""
    effect_time: PositiveDuration | None = None
    """Longest time from the last feedback to the effect."""
    test: Condition | None = None
    """True while the valves are being tested. A test is judged like a real shut-down, and told apart in the log of
    `davylamp proof-tests`."""
    proof_test_interval: PositiveDuration | None = None
    """Every valve should be seen to close in time at least this often, such as `"180d"`; what is overdue raises an
    alarm, and `davylamp proof-tests` lists it."""


def _some(value: float) -> float:
    if not value:
        raise ValueError(Text("a response of 0 is none", "响应幅度不能为 0"),
                         Text("write how far the reading must rise, or a negative number if it must fall",
                              "填写读数应上升的幅度；应下降时填负数"))
    return value


class ResponseTestSection(RuleSection):
    type: Literal["response_test"]
    """A known stimulus must be answered: the bump test of a gas detector, the functional check of any instrument."""
    signal: str
    """The signal that must respond."""
    stimulus: Condition
    """True while the stimulus is there: `"GD-01.status == 6"` where the instrument says that it is being calibrated, or
    a switch of the calibrator, or a marker sent over MQTT."""
    by: Annotated[float, AfterValidator(_some)]
    """So far the reading must move from where it was, in the unit of the signal; negative: it must fall."""
    within: PositiveDuration
    """Longest time from the stimulus to that. For a gas detector its T90, and the time that the gas needs to get
    there."""
    proof_test_interval: PositiveDuration | None = None
    """It should be seen to respond at least this often, such as `"15d"`; what is overdue raises an alarm."""


RULES: dict[str, type[RuleSection]] = {
    "interlock": InterlockSection, "work_without_video": WorkWithoutVideoSection, "vote": VoteSection,
    "shutdown_verification": ShutdownVerificationSection, "response_test": ResponseTestSection}

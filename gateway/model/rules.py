"""Relations between signals, as typed rules. The detectors that evaluate them live in gateway.core.rules."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from gateway.model.alarm import Priority, Risk
from gateway.model.text import Text

OPERATORS: dict[str, Callable] = {">=": operator.ge, "<=": operator.le, "==": operator.eq, "!=": operator.ne,
                                  ">": operator.gt, "<": operator.lt}
_TEST = re.compile(r"\s*(?P<signal>\S+)\s*(?P<op>>=|<=|==|!=|>|<)\s*(?P<value>[-+]?[0-9.]+(?:[eE][-+]?\d+)?)\s*")


@dataclass(frozen=True, slots=True)
class Test:
    """A comparison of one signal with a number, written `SIGNAL > 2.0` in the site file."""

    __test__ = False  # not a pytest class

    signal: str
    op: str
    value: float

    @classmethod
    def parse(cls, text: str) -> Test:
        match = _TEST.fullmatch(text)
        if match is None:
            raise ValueError(f"expected SIGNAL OPERATOR NUMBER with one of {' '.join(OPERATORS)}, got {text!r}")
        return cls(match["signal"], match["op"], float(match["value"]))

    def __str__(self) -> str:
        return f"{self.signal} {self.op} {self.value:g}"


@dataclass(frozen=True, slots=True)
class Side:
    """One side of an interlock: tests of which all must be true, or any one. At least one test."""

    tests: tuple[Test, ...]
    every: bool = False

    def __str__(self) -> str:
        return (" and " if self.every else " or ").join(map(str, self.tests))


@dataclass(frozen=True, slots=True)
class Interlock:
    """While one thing is so, another must be so too: gas high and fan on, load and "running", hot work and a permit.

    when      holds on good or uncertain evidence; what is bad, silent or never heard of begins and ends nothing
    requires  must be good and true; bad, stale or silent counts as not fulfilled
    """

    id: str
    name: Text
    area: str
    when: Side
    requires: Side
    on_delay_s: float = 5.0
    off_delay_s: float = 5.0
    priority: Priority = Priority.P2
    risk: Risk = Risk.ORANGE
    guidance: Text = Text("", "")

    @property
    def tests(self) -> tuple[Test, ...]:
        return (*self.when.tests, *self.requires.tests)


@dataclass(frozen=True, slots=True)
class WorkWithoutVideo:
    """Work goes on in an area whose camera does not see it: the founding interlock, "no video, no work".

    work    any true means work goes on
    video   all must be true with good quality, else there is no video (a bad or stale camera signal counts as none)
    """

    id: str
    name: Text
    area: str
    work: tuple[Test, ...]
    video: tuple[Test, ...]
    on_delay_s: float = 60.0
    off_delay_s: float = 5.0
    priority: Priority = Priority.P2
    risk: Risk = Risk.ORANGE
    guidance: Text = Text("", "")

    @property
    def when(self) -> Side:
        return Side(self.work)

    @property
    def requires(self) -> Side:
        return Side(self.video, every=True)

    @property
    def tests(self) -> tuple[Test, ...]:
        return (*self.work, *self.video)


@dataclass(frozen=True, slots=True)
class ShutdownVerification:
    """A commanded shut-down must be seen to happen: command, then feedback of every valve within the stroke time, then
    what the shut valves must bring about.

    command       true: the (certified) system has commanded the shut-down
    feedback      one test per valve; true with good quality means that valve is seen to be shut
    stroke_time_s longest time from command to feedback
    effect        tests of the process itself (no flow, pressure gone): a limit switch can lie, the process can not
    effect_time_s longest time from the last feedback to the effect
    test          true: the stroke is a test. It is judged like a real one, and told apart in the proof-test log
    proof_test_interval_s  every valve should be seen to close at least this often. None: no due date
    The alarm begins when a time is over and anything is missing (or is not good); its evidence lists command, every
    feedback and every effect with its time. It ends when all have come or the command is withdrawn.
    """

    id: str
    name: Text
    area: str
    command: Test
    feedback: tuple[Test, ...]
    stroke_time_s: float
    priority: Priority = Priority.P1
    risk: Risk = Risk.RED
    guidance: Text = Text("", "")
    effect: tuple[Test, ...] = ()
    effect_time_s: float = 0.0
    test: Test | None = None
    proof_test_interval_s: float | None = None

    @property
    def tests(self) -> tuple[Test, ...]:
        return (self.command, *self.feedback, *self.effect, *((self.test,) if self.test else ()))

    @property
    def proved(self) -> tuple[str, ...]:
        """What its strokes prove, each for itself."""
        return tuple(map(str, self.feedback))

    @property
    def allowed_s(self) -> float:
        return self.stroke_time_s


@dataclass(frozen=True, slots=True)
class ResponseTest:
    """A known stimulus must be answered: test gas on a gas head (bump test), a fan that is stopped.

    signal      id of the signal that must respond
    stimulus    true: the stimulus is there. A switch of the calibrator, a marker that a person sets, or the status of
                the instrument
    by          so far it must move from where it was, in its unit; negative: downwards
    within_s    longest time from the stimulus to that
    proof_test_interval_s  it should be seen to respond at least this often. None: no due date
    The alarm begins when the time is over. It ends with a good reading after a test that is passed.
    """

    id: str
    name: Text
    area: str
    signal: str
    stimulus: Test
    by: float
    within_s: float
    priority: Priority = Priority.P2
    risk: Risk = Risk.ORANGE
    guidance: Text = Text("", "")
    proof_test_interval_s: float | None = None

    def __post_init__(self) -> None:
        if not self.by:
            raise ValueError(f"{self.id}: a response of 0 is none")

    @property
    def tests(self) -> tuple[Test, ...]:
        """The second holds of every reading that is one."""
        return self.stimulus, Test(self.signal, ">=", -math.inf)

    @property
    def response(self) -> str:
        """"GD-01 +20"."""
        return f"{self.signal} {self.by:+g}"

    @property
    def proved(self) -> tuple[str, ...]:
        return (self.response,)

    @property
    def allowed_s(self) -> float:
        return self.within_s


class Degraded(StrEnum):
    """What a member of a vote counts for while it is bad, uncertain and not true, or silent."""

    TRIP = "trip"  # as a vote
    LOWER = "lower"  # it leaves the vote: 2oo3 becomes 1oo2, then 1oo1. A vote that it had given stands


@dataclass(frozen=True, slots=True)
class Vote:
    """M of N say the same. It comes on top of the members' own alarms and takes none of them away.

    members      one test each, on different signals
    m            so many of them must be true
    bad_after_s  a member must be bad for this long before an alarm is based on it being so
    It has two alarms: the vote itself, and `ID/degraded` while any member is not good.
    """

    id: str
    name: Text
    area: str
    members: tuple[Test, ...]
    m: int
    degraded: Degraded = Degraded.TRIP
    bad_after_s: float = 10.0
    on_delay_s: float = 2.0
    off_delay_s: float = 30.0
    priority: Priority = Priority.P1
    risk: Risk = Risk.RED
    guidance: Text = Text("", "")

    def __post_init__(self) -> None:
        if not 1 <= self.m <= len(self.members):
            raise ValueError(f"{self.id}: {self.m} of {len(self.members)} members can not vote")

    @property
    def tests(self) -> tuple[Test, ...]:
        return self.members

    @property
    def scheme(self) -> str:
        """"2oo3"."""
        return f"{self.m}oo{len(self.members)}"


Proved = ShutdownVerification | ResponseTest  # rules that keep a proof-test log
Rule = Interlock | WorkWithoutVideo | Vote | Proved

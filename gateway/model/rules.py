"""Relations between signals, as typed rules. The detectors that evaluate them live in gateway.core.rules."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass

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
class WorkWithoutVideo:
    """Work goes on in an area whose camera does not see it: interlock, founding rule "no video, no work".

    work    any true with good quality means work goes on
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
    def tests(self) -> tuple[Test, ...]:
        return (*self.work, *self.video)


@dataclass(frozen=True, slots=True)
class ShutdownVerification:
    """A commanded shut-down must be seen to happen: command, then feedback of every valve within the stroke time.

    command       true: the (certified) system has commanded the shut-down
    feedback      one test per valve; true with good quality means that valve is seen to be shut
    stroke_time_s longest time from command to feedback
    The alarm begins when the time is over and any feedback is missing (or is not good); its evidence lists command and
    every feedback with its time. It ends when all feedbacks have come or the command is withdrawn.
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

    @property
    def tests(self) -> tuple[Test, ...]:
        return (self.command, *self.feedback)


Rule = WorkWithoutVideo | ShutdownVerification

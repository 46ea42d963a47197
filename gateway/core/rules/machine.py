"""What the state machine of one rule is given and must answer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from gateway.core.edges import Edges
from gateway.core.rows import NEVER
from gateway.core.rules.truth import Truth
from gateway.model.rules import Test
from gateway.model.text import Text
from gateway.model.verdict import Evidence

LONG_AGO = -(2**61)  # line time


@dataclass(slots=True)
class Known:
    """What is known of one test of the rule, now."""

    test: Test
    truth: Truth
    value: float
    line_ns: int
    wall_ns: int

    def evidence(self, note: Text) -> Evidence:
        return Evidence(self.wall_ns, self.test.signal, self.value, note)


class Machine(ABC):
    """One rule. `look` is called at every instant at which a test changed, and at every sample while `attentive`."""

    alarm: int
    active: bool = False
    due_ns: int = NEVER

    @property
    def attentive(self) -> bool:
        """It wants to see every new sample."""
        return self.active

    @abstractmethod
    def look(self, line_ns: int, known: list[Known], fresh: bool, edges: Edges) -> None:
        """known: all tests of the rule in the rule's own order. fresh: there was a good sample."""

    @abstractmethod
    def fire(self, known: list[Known], edges: Edges) -> None:
        """Time has reached `due_ns`."""

    @abstractmethod
    def begin(self, line_ns: int) -> None:
        """Watching (again) starts now."""

    @abstractmethod
    def adopt(self, line_ns: int) -> None:
        """The alarm is known to stand, though the state is lost."""

    @abstractmethod
    def state(self) -> dict:
        """JSON-ready."""

    @abstractmethod
    def restore(self, state: dict) -> None: ...


def said(known: Known) -> Text:
    """What the test reads, in words."""
    if known.truth is Truth.WAITING:
        return Text("no data yet", "尚无数据")
    if known.truth is Truth.UNKNOWN:
        return Text("no good data", "无有效数据")
    number = f"{known.value:g}"
    return Text(f"reads {number}", f"读数 {number}")

"""What a detector is: state over all signals in lock-step, samples in, edges out, and a deadline."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gateway.core.block import Block
from gateway.core.edges import Edges
from gateway.core.rows import NEVER, Rows
from gateway.model.condition import Condition
from gateway.model.rules import Test
from gateway.model.site import Site


class Gated(Protocol):
    """Comparisons of which some count only while a test on a signal holds (gateway.core.gates)."""

    gates: list[Gate]

    def gate(self, plane: NDArray[np.int64], signal: NDArray[np.int64], closed: bool, line: NDArray[np.int64],
             wall: NDArray[np.int64] | None, edges: Edges) -> None:
        """The gates of these close, or open, at these instants. What was due by then comes first."""

    def recall(self, plane: NDArray[np.int64], signal: NDArray[np.int64], closed: NDArray[np.bool_]) -> None:
        """How these gates stand, after state was written from outside; `restored` follows."""


@dataclass(frozen=True, slots=True)
class Gate:
    """A comparison that counts only while `test` holds. alarm: its number."""

    plane: int
    signal: int
    alarm: int
    test: Test


class Detector(ABC):
    """One kind of warning, evaluated on all signals at once.

    Laws (tests/laws): a NaN or bad value never counts as good; nothing but good evidence ends a condition; snapshot
    and restore in the middle change nothing; neither do the order of signals, the cut of the stream into frames, how
    often `tick` is called, or the wall clock.
    """

    name: str
    formerly: Sequence[str] = ()  # other names under which a snapshot of a changed site may hold the state
    columns: Sequence[str] | None = None  # ids of the last axis of `state`; None: the signals of the site
    deadline_ns: int = NEVER  # never later than the next instant at which time alone changes something
    settles = False  # compares signals with each other: `settle` is called once all rounds of a step are in

    @abstractmethod
    def step(self, rows: Rows, edges: Edges) -> None:
        """Take one round of samples. What was due for these signals up to their own line time comes first."""

    def sweep(self, block: Block, edges: Edges) -> None:
        """Take a block of time: the same edges and the same state as `step` round by round, which it is here. Edges
        may come in any order, but for those of one alarm. What is due up to the last line time of a signal is told."""
        for rows in block.rows():
            self.step(rows, edges)

    def gated(self) -> Sequence[Gated]:
        """Its comparisons that may have gates."""
        return ()

    def settle(self, edges: Edges) -> None:  # noqa: B027
        """All rows of the step have been taken: judge them in order of time, each instant with all that came in it."""

    def tick(self, line_ns: int, edges: Edges) -> None:  # noqa: B027 - most detectors do not wait for anything
        """Time has reached `line_ns`: say what was due, at its own instant; move `deadline_ns` beyond."""

    def begin(self, line_ns: int) -> None:  # noqa: B027
        """Watching (again) starts now: time before this instant was not watched and counts against nobody."""

    def state(self) -> dict[str, NDArray]:
        """The live state arrays, last axis = signals (or `columns`). A snapshot copies from them, a restore writes
        into them."""
        return {}

    def restored(self) -> None:  # noqa: B027
        """State arrays were written from outside: make what is derived from them right again."""

    @abstractmethod
    def adopt(self, alarms: NDArray[np.int64]) -> None:
        """These alarms are known to stand, though the state is lost: end them on the first good evidence."""


def alarm_numbers(site: Site, condition: Condition) -> NDArray[np.int32]:
    """int32[n]: number of each signal's alarm of this condition, -1 where the site has none."""
    numbers = {alarm.id: number for number, alarm in enumerate(site.alarms)}
    return np.array([numbers.get(f"{signal}/{condition}", -1) for signal in site.signals.ids], np.int32)

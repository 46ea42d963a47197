"""One shut-down that was commanded, or one test of an instrument, and what was seen of it: a line of the proof-test
log."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gateway.model.text import Text


class Outcome(StrEnum):
    """What became of it."""

    VERIFIED = "verified"  # every feedback and effect was seen in time
    FAILED = "failed"  # something was not seen in time: the alarm stands
    LATE = "late"  # seen after all, when the alarm stood already
    BROKEN_OFF = "broken off"  # the command, or the stimulus, was withdrawn before that


OUTCOME_NAMES: dict[Outcome, Text] = {
    Outcome.VERIFIED: Text("verified", "已确认"),
    Outcome.FAILED: Text("NOT VERIFIED", "未确认"),
    Outcome.LATE: Text("verified too late", "超时后确认"),
    Outcome.BROKEN_OFF: Text("broken off before that", "确认前已中止"),
}


@dataclass(frozen=True, slots=True)
class Seen:
    """One feedback, effect or response.

    test     as in the site file, "XV-101.closed == 1"; "GD-01 +20": the reading has risen by so much
    after_s  from the command to the first sight of it; None: not seen
    moved    it was seen not to be so before: only then does the stroke prove that the valve can move
    """

    test: str
    after_s: float | None
    moved: bool


@dataclass(frozen=True, slots=True)
class Stroke:
    """One shut-down, or test of an instrument, of one rule, with all that was known when it was concluded. A failed one
    that is verified late is told twice, under the same `key`; the later one says more.

    test          the rule's test signal said that this is a test; always of an instrument
    wall_ns, line_ns                      of the command, or the stimulus
    concluded_wall_ns, concluded_line_ns  when the outcome was known
    """

    rule: str
    outcome: Outcome
    test: bool
    wall_ns: int
    line_ns: int
    concluded_wall_ns: int
    concluded_line_ns: int
    valves: tuple[Seen, ...]
    effects: tuple[Seen, ...] = ()

    @property
    def key(self) -> tuple[str, int]:
        return self.rule, self.line_ns

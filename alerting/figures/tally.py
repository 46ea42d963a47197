"""What happened in ten minutes of wall time, in numbers that can be added up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from gateway.model.clock import NS

SLOT_NS: Final = 600 * NS


@dataclass(slots=True)
class Tally:
    """calls: alarms that called a person (P1 to P3, nothing withheld), by id. others: P4, by id. withheld: raised, but
    nobody was called, by id. by_priority: of calls and others; index 0 is P1. peak: most calls in any ten minutes that
    end in this slot. answers: (who, seconds from raise to acknowledgement). chattered: bursts that began, by id.
    longest_*_s: of what ended here."""

    calls: Counter[str] = field(default_factory=Counter)
    others: Counter[str] = field(default_factory=Counter)
    withheld: Counter[str] = field(default_factory=Counter)
    by_priority: list[int] = field(default_factory=lambda: [0] * 4)
    peak: int = 0
    answers: list[tuple[str, float]] = field(default_factory=list)
    chattered: Counter[str] = field(default_factory=Counter)
    longest_active_s: float = 0.0
    longest_unacknowledged_s: float = 0.0
    most_repeats: int = 0

    @classmethod
    def sum(cls, tallies: Iterable[Tally]) -> Tally:
        whole = cls()
        for one in tallies:
            whole.calls.update(one.calls)
            whole.others.update(one.others)
            whole.withheld.update(one.withheld)
            whole.chattered.update(one.chattered)
            whole.by_priority = [sum(pair) for pair in zip(whole.by_priority, one.by_priority, strict=True)]
            whole.peak = max(whole.peak, one.peak)
            whole.answers += one.answers
            whole.longest_active_s = max(whole.longest_active_s, one.longest_active_s)
            whole.longest_unacknowledged_s = max(whole.longest_unacknowledged_s, one.longest_unacknowledged_s)
            whole.most_repeats = max(whole.most_repeats, one.most_repeats)
        return whole

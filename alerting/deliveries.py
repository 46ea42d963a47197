"""How long messages take to their reader, and readers to answer: per way out and person, since the start. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from gateway.model.clock import NS

KEPT: Final = 200  # times of which the figures are made
CALLS: Final = frozenset(("raise", "recall", "escalation"))  # events that call a person


@dataclass(frozen=True, slots=True)
class Figures:
    """Seconds. person: id, "" for what is not for one person. None: nothing yet."""

    person: str
    delivered: int
    delivery_median_s: float | None
    delivery_longest_s: float | None
    acknowledged: int
    acknowledge_median_s: float | None


@dataclass(slots=True)
class _Tally:
    delivered: int = 0
    acknowledged: int = 0
    delivery: deque[float] = field(default_factory=lambda: deque(maxlen=KEPT))
    answer: deque[float] = field(default_factory=lambda: deque(maxlen=KEPT))


class Deliveries:
    def __init__(self) -> None:
        self._tallies: dict[tuple[str, str], _Tally] = {}
        self._called: dict[str, dict[tuple[str, str], int]] = {}  # alarm -> who has been called when, on the time line

    def delivered(self, notifier: str, payload: dict, made_line_ns: int, now_line_ns: int) -> None:
        person = payload.get("person", {}).get("id", "")
        tally = self._tallies.setdefault((notifier, person), _Tally())
        tally.delivered += 1
        tally.delivery.append(max(now_line_ns - made_line_ns, 0) / NS)
        if payload.get("event") in CALLS:
            self._called.setdefault(payload["alarm"], {}).setdefault((notifier, person), now_line_ns)

    def acknowledged(self, alarm: str, person: str, now_line_ns: int) -> dict[str, float]:
        """Seconds from the first message that reached this person, by way out; forgets who was called for the alarm."""
        took = {}
        for (notifier, called), since in self._called.pop(alarm, {}).items():
            if called == person:
                tally = self._tallies[notifier, called]
                tally.acknowledged += 1
                took[notifier] = max(now_line_ns - since, 0) / NS
                tally.answer.append(took[notifier])
        return took

    def of(self, notifier: str) -> tuple[Figures, ...]:
        return tuple(Figures(person, tally.delivered, _middle(tally.delivery), max(tally.delivery, default=None),
                             tally.acknowledged, _middle(tally.answer))
                     for (channel, person), tally in sorted(self._tallies.items()) if channel == notifier)


def _middle(times: deque[float]) -> float | None:
    return median(times) if times else None

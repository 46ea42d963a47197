"""The storm: which alarm moves when. 2,000 alarms in ten areas, five transitions each, up at the end."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from gateway.model.alarm import Priority, Risk
from gateway.model.area import Area
from gateway.model.clock import NS
from gateway.model.condition import Condition
from gateway.model.signal import Limit, Signal, SignalTable
from gateway.model.site import Site
from gateway.model.text import Text

ALARMS, MOVES, AREAS, SECONDS = 2_000, 5, 10, 10.0
TICK_S = 0.01  # what arrives within one tick arrives together, as from a pipeline


@dataclass(frozen=True, slots=True)
class Move:
    at_s: float
    alarm: int
    active: bool


def priority(alarm: int) -> Priority:
    """The recommended split: 5 % P1, 15 % P2, 80 % P3."""
    return Priority.P1 if alarm % 20 == 0 else Priority.P2 if alarm % 20 < 4 else Priority.P3


def site(alarms: int = ALARMS) -> Site:
    name = Text.same("Storm")
    signals = [Signal(f"S-{number:04d}", name, "level", "m", f"area-{number % AREAS}", limits=(
        Limit(Condition.HIGH, 1.0, priority(number), Risk.YELLOW),)) for number in range(alarms)]
    return Site("storm", name, "UTC", "en", tuple(Area(f"area-{n}", Text.same(f"Area {n}")) for n in range(AREAS)),
                SignalTable(signals))


def id_of(alarm: int) -> str:
    return f"S-{alarm:04d}/H"


def moves(alarms: int = ALARMS, seconds: float = SECONDS) -> list[Move]:
    """In order of time; the same in every run."""
    chance = random.Random(1815)
    found = [Move(at_s, alarm, number % 2 == 0) for alarm in range(alarms)
             for number, at_s in enumerate(sorted(chance.uniform(0, seconds) for _ in range(MOVES)))]
    return sorted(found, key=lambda move: move.at_s)


def ticks(story: list[Move]) -> Iterator[tuple[float, list[Move]]]:
    """(when, what arrives then)."""
    waiting: list[Move] = []
    due = TICK_S
    for move in story:
        while move.at_s > due:
            if waiting:
                yield due, waiting
                waiting = []
            due += TICK_S
        waiting.append(move)
    if waiting:
        yield due, waiting


def line_ns(at_s: float) -> int:
    return round(at_s * NS)

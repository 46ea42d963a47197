"""A report as a reader meets it: sections of notes, tables and pictures, in both languages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from markupsafe import Markup

from gateway.model.text import Text

Cell = Text | str


class Weight(StrEnum):
    """How much something matters. Shown by a word and a mark, never by colour alone."""

    WRONG = "wrong"
    WATCH = "watch"
    GOOD = "good"


WEIGHTS = {Weight.WRONG: Text("ACT", "需处理"), Weight.WATCH: Text("WATCH", "需关注"),
           Weight.GOOD: Text("IN ORDER", "正常")}


@dataclass(frozen=True, slots=True)
class Note:
    text: Text


@dataclass(frozen=True, slots=True)
class Table:
    """numbers: columns that are set to the right. left: rows that were left out."""

    title: Text
    head: Sequence[Text]
    rows: Sequence[Sequence[Cell]]
    numbers: frozenset[int] = frozenset()
    left: int = 0


@dataclass(frozen=True, slots=True)
class Picture:
    """draw: language -> SVG."""

    title: Text
    draw: Callable[[str], Markup]


@dataclass(frozen=True, slots=True)
class Section:
    title: Text
    parts: Sequence[Note | Table | Picture]


@dataclass(frozen=True, slots=True)
class Finding:
    """weight: how much. what: what was found, in a sentence."""

    weight: Weight
    what: Text

"""Figures from the journal: after a restart, and of any stretch that a person asks for."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import orjson

from alerting.engine import Transition
from alerting.figures.bursts import Act, Kind
from alerting.figures.figures import KEPT_NS, Figures
from alerting.journal.chain import Row
from alerting.journal.reader import newest, stretch
from alerting.ledger import transition_of
from gateway.model.alarm import AlarmTable
from gateway.model.clock import NS

ROWS_READ: Final = 100_000  # of the journal at a start: it stays bounded, and the figures say since when they count
_CARRIED_NS: Final = 86_400 * NS  # before a stretch: what stood and which bursts ran when it began
_TRANSITION: Final = "transition"

Open = dict[tuple[Kind, str], int]  # bursts journalled as begun and not as ended -> wall ns of their beginning


def resumed(path: Path, alarms: AlarmTable, operators: int, head: int, now_wall_ns: int) -> tuple[Figures, Open]:
    """What a gateway knew when it stopped. LedgerError when the file can not be read."""
    figures, found = Figures(alarms, operators), {}
    for row in newest(path, (_TRANSITION, *Kind), now_wall_ns - KEPT_NS, head, ROWS_READ):
        if row.kind == _TRANSITION:
            figures.take(_transition(row))
        else:
            _note(row, found)
    return figures, found


def of_stretch(path: Path, alarms: AlarmTable, operators: int, start_wall_ns: int, end_wall_ns: int) -> Figures:
    """Whatever a stretch needs. LedgerError when the file can not be read."""
    kept_ns = max(end_wall_ns - start_wall_ns, 0) + 2 * _CARRIED_NS
    return _fed(Figures(alarms, operators, kept_ns), (row for _, row in stretch(
        path, start_wall_ns - _CARRIED_NS, end_wall_ns)))


def _note(row: Row, found: Open) -> None:
    key = Kind(row.kind), row.alarm
    if orjson.loads(row.body)["act"] == Act.BEGIN:
        found[key] = row.wall_ns
    else:
        found.pop(key, None)


def _fed(figures: Figures, rows: Iterable[Row]) -> Figures:
    for row in rows:
        if row.kind == _TRANSITION:
            figures.take(_transition(row))
    return figures


def _transition(row: Row) -> Transition:
    return transition_of(row.alarm, row.wall_ns, orjson.loads(row.body))

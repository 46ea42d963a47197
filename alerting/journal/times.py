"""What the journal says of its own times. Rows of kind "clock" tell from where on the time was not known ("unset") and
when it arrived, with the correction ("arrived"); no row is ever rewritten, so the chain holds.

A row between the two has the true time that its place on the line gives; one that carries no such place is moved along
when its stamp was made by the clock of that stretch.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Final

import orjson

from alerting.journal import reader
from gateway.model.clock import Correction
from gateway.model.correction import corrected_wall

log = logging.getLogger(__name__)

KIND: Final = "clock"


@dataclass(frozen=True, slots=True)
class Stretch:
    """Rows from one position to before another (None: to the end) were stamped before the time was known. corrections:
    () while it has not arrived, and for good where the machine lost its power before."""

    begin: int
    end: int | None
    line_ns: int
    corrections: tuple[Correction, ...] = ()


class Times:
    """Of the journal at a path. `read` from any thread, off the event loop."""

    def __init__(self, path: Path):
        self._path, self._seen, self._lock = path, 0, Lock()
        self._stretches: tuple[Stretch, ...] = ()

    def read(self) -> tuple[Stretch, ...]:
        """Every stretch, oldest first. LedgerError when the file can not be read."""
        with self._lock:
            head = reader.head(self._path)
            if head < self._seen:  # a new journal
                self._seen, self._stretches = 0, ()
            for row in reader.of_kind_after(self._path, KIND, self._seen, head):
                try:
                    self._stretches = _with(self._stretches, row.position, orjson.loads(row.body))
                except (ValueError, KeyError, TypeError, AttributeError) as error:  # somebody has tampered with it
                    log.error("row %d of the journal says nothing of the time: %s", row.position, error)
            self._seen = head
            return self._stretches


def true_time(stretches: tuple[Stretch, ...], position: int, wall_ns: int, body: Mapping[str, Any],
              ) -> tuple[int, bool | None]:
    """Of one row: the best that is known, and whether it was stamped without the time: None: no; False: that has been
    put right; True: it is what the clock showed."""
    stretch = next((one for one in stretches
                    if one.begin <= position and (one.end is None or position < one.end)), None)
    if stretch is None:
        return wall_ns, None
    line_ns = body.get("line_ns")
    for one in stretch.corrections:
        if line_ns is not None and one.covers(line_ns, line_ns):
            return corrected_wall((one,), line_ns, wall_ns), False
        if line_ns is None and one.covers(wall_ns - one.raw_ns, wall_ns - one.raw_ns):
            return wall_ns + one.moved_ns, False
    return wall_ns, not stretch.corrections


def _with(known: tuple[Stretch, ...], position: int, body: Mapping[str, Any]) -> tuple[Stretch, ...]:
    stands = known[-1] if known and known[-1].end is None else None
    before = known[:-1] if stands else known
    act = body.get("act")
    if act == "unset":
        if stands and stands.line_ns == body["line_ns"]:  # the gateway was restarted, the machine was not
            return known
        return (*before, *((_ended(stands, position),) if stands else ()), Stretch(position, None, body["line_ns"]))
    if stands is None:
        return known
    return (*before, _ended(stands, position, tuple(Correction(*one) for one in body.get("stretches", ()))))


def _ended(stretch: Stretch, position: int, corrections: tuple[Correction, ...] = ()) -> Stretch:
    return Stretch(stretch.begin, position, stretch.line_ns, corrections)

"""Where a report gets its rows from. Both sources give the same rows, so that the same figures come of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from alerting.engine import Transition
from alerting.journal.chain import Examination
from gateway.model.stroke import Stroke
from gateway.model.text import Text


@dataclass(frozen=True, slots=True)
class Act:
    """What somebody did, or the gateway noted: a row of the journal that is no alarm. passed: of a self-test; None: not
    told. detail: of a change of the site file, old and new values."""

    kind: str
    subject: str
    act: str
    wall_ns: int
    who: str = ""
    why: str = ""
    passed: bool | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """An alarm as it was left before the period began."""

    alarm: str
    occurrence: int
    raised_wall_ns: int
    active: bool


@dataclass(frozen=True, slots=True)
class Stretch:
    """What the signals of the site did in some minutes. present: signals x minutes in which something came; of a signal
    that tells only of changes it may be said of every minute. The others: one for each signal; high, low: NaN where no
    sample was usable."""

    present: NDArray[np.bool_]
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    count: NDArray[np.int64]
    bad: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Chain:
    """The journal, row for row. first, last: position and hash (hex); None: it has no row."""

    examination: Examination
    first: tuple[int, str] | None
    last: tuple[int, str] | None


class Source(Protocol):
    """Wall times are UTC ns; a start belongs to a stretch, its end does not. DavylampError: it can not be read."""

    name: Text

    def since(self) -> int | None:
        """When the gateway's own minutes begin; None: there are none."""

    def last(self) -> int | None:
        """When they end."""

    def standing(self, start_ns: int) -> list[Standing]: ...

    def steps(self, start_ns: int, end_ns: int) -> Iterator[Transition]:
        """Of all alarms, in order of time."""

    def strokes(self, end_ns: int) -> list[Stroke]:
        """The proof-test log, newest first."""

    def acts(self, start_ns: int, end_ns: int) -> list[Act]: ...

    def rows(self, measurement: str, start_ns: int, end_ns: int) -> list[tuple[int, dict[str, Any]]]:
        """`site` or `gateway`: start of the minute and fields."""

    def stretch(self, start_ns: int, end_ns: int) -> Stretch:
        """All signals in these minutes: a day, or less."""

    def chain(self) -> Chain | None:
        """None: this source does not have the journal itself."""

    def notes(self) -> list[Text]:
        """What it could not give, and why."""

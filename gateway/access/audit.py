"""What of log-ins goes into the journal, at a bounded rate: the first of each kind at once, the rest as a count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

WINDOW_S: Final = 600.0
KINDS: Final = 30  # different ones in a window; more are counted together


@dataclass(frozen=True, slots=True)
class Entry:
    """act: "logged in", "logged out", "log-in refused", "log-in held back", "token refused", "approval given",
    "approved", "approval refused", "approval held back". account: as it was typed,
    cut; not known to exist. count: so many of them since the entry before."""

    act: str
    account: str
    address: str
    count: int = 1


class Audit:
    def __init__(self) -> None:
        self._began_s = float("-inf")
        self._counts: dict[Entry, int] = {}

    def take(self, entry: Entry, now_s: float) -> tuple[Entry, ...]:
        """What is to be written now."""
        due = self.due(now_s)
        known = entry if entry in self._counts or len(self._counts) < KINDS else Entry(entry.act, "", "")
        first = known not in self._counts
        self._counts[known] = 0 if first else self._counts[known] + 1
        return (*due, known) if first else due

    def due(self, now_s: float) -> tuple[Entry, ...]:
        """The counts of a window that is over."""
        if now_s - self._began_s < WINDOW_S:
            return ()
        told = tuple(Entry(one.act, one.account, one.address, count) for one, count in self._counts.items() if count)
        self._began_s, self._counts = now_s, {}
        return told

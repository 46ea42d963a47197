"""What people were told and the alarm file could not take, for the next start of the gateway: a small file in memory
(`/run`), which outlives the process and not the machine.

A gateway that is restarted while its disk takes nothing would otherwise come back with the alarms as they stood before
the trouble, and tell nobody of the end of one that it has never heard of. It holds the newest state of each alarm that
is not recorded, and goes when all is on disk.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from alerting.engine import AlarmState
from alerting.ledger import state_from_row, state_row

log = logging.getLogger(__name__)

NAME: Final = "unrecorded.json"


class Refuge:
    """folder: one in memory, for this gateway alone. None: there is none, nothing is kept."""

    def __init__(self, folder: Path | None):
        self._path = None if folder is None else folder / NAME
        self._kept: list[Sequence[object]] | None = None  # what the file holds; None: not known yet

    def keep(self, states: Iterable[AlarmState]) -> None:
        """These, and no others. Never raises: it is the second net."""
        rows = [state_row(state) for state in states]
        if self._path is None or rows == (self._kept or []):
            return
        try:
            if rows:
                new = self._path.with_suffix(".new")
                new.touch(0o600)  # the folder may be open to all: names of people are in it
                new.write_text(json.dumps(rows), encoding="utf-8")
                os.replace(new, self._path)
            else:
                self._path.unlink(missing_ok=True)
        except OSError as error:
            log.warning("what is not recorded can not be kept in memory either: %s", error)
        else:
            self._kept = rows

    def take(self) -> tuple[AlarmState, ...]:
        """At the start: what the last life kept."""
        if self._path is None:
            return ()
        try:
            found = [state_from_row(row) for row in json.loads(self._path.read_text(encoding="utf-8"))]
        except FileNotFoundError:
            return ()
        except (OSError, ValueError, TypeError, KeyError) as error:
            log.warning("what was not recorded can not be read: %s", error)
            return ()
        self._kept = [state_row(state) for state in found]
        return tuple(found)

"""The data folder of a gateway: the names under which its large things lie there."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

log = logging.getLogger(__name__)

ALARM_FILE: Final = "alarms.db"  # alarms, journal, outbox: alerting.ledger
ARCHIVE_FILE: Final = "minutes.db"  # minutes and rows, for years: gateway.store.archive
TELEMETRY: Final = "telemetry"  # folder; every sample: gateway.store


def made_folder(folder: Path) -> Path:
    """The folder, which is there now if that can be: store and alarm file say so themselves, go on without it, and try
    again."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        log.error("the folder can not be made: %s", error)
    return folder

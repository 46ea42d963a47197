"""Corrections of wall time, kept in the store: for its own readers, and for who reads the folder without it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path

from gateway.model.clock import Correction
from gateway.store import saved

NAME = "corrections"
MOST = 64  # a machine without a clock of its own makes one or two at each start


def encode(corrections: Sequence[Correction]) -> bytes:
    return json.dumps([astuple(one) for one in corrections[-MOST:]]).encode()


def kept_corrections(folder: Path) -> tuple[Correction, ...]:
    """Those of a telemetry folder; () when there are none, or they can not be read."""
    found = saved.read(folder / "saved", NAME)
    try:
        return () if found is None else tuple(Correction(*one) for one in json.loads(found.data))
    except (ValueError, TypeError):
        return ()

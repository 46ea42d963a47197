"""The last line of defence on the way of an alarm: what is only beside it must not stop it.

Figures, listeners, rosters and texts are computed between the state of an alarm and the people who are told of it. An
error in one of them is a fault of ours; it goes to the log with its place, and the way goes on without it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")


def fenced(step: Callable[[], T], otherwise: Callable[[], T], what: str) -> T:
    """What `step` returns, or, where it fails, what `otherwise` returns. what: names the step in the log."""
    try:
        return step()
    except Exception:  # documented above
        log.exception("%s failed; alarms go on without it", what)
        return otherwise()

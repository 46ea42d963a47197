"""The last line of defence around each detector."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Failure:
    """A detector that raised. standing: its last call failed. count: failed calls since start."""

    detector: str
    count: int
    text: str
    standing: bool


class Guard:
    """A detector that raises must not stop the others. Its state is kept and it is tried again with the next frame;
    the gateway announces it (`failures`)."""

    def __init__(self) -> None:
        self._failures: dict[tuple[str, str], Failure] = {}  # by detector and method

    @property
    def failures(self) -> tuple[Failure, ...]:
        """Detectors that raised since the start."""
        return tuple(self._failures.values())

    def call(self, name: str, call: Callable, *arguments: Any) -> Any:
        """What the call returns; None when it raised. name: of the detector."""
        result = None
        try:
            result = call(*arguments)
        except Exception as error:
            failure = self._failures.setdefault((name, call.__name__), Failure(name, 0, "", False))
            if not failure.standing:
                log.exception("detector %s failed, the others go on", name)
            failure.count += 1
            failure.text, failure.standing = f"{type(error).__name__}: {error}", True
        else:
            if self._failures and (failure := self._failures.get((name, call.__name__))):
                failure.standing = False
        return result

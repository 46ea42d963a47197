"""The three systems that a regulator asks for: video, gas detection, emergency shut-off. How much of each works."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from gateway.core.availability import Availability
from gateway.core.detectors.devices import OnlineShare
from gateway.core.latest import Latest
from gateway.model.clock import NS
from gateway.model.quality import is_good
from gateway.model.rules import OPERATORS, ShutdownVerification, Test, WorkWithoutVideo
from gateway.model.site import Site

DOWN, PART, WHOLE = 0, 1, 2
VIDEO, GAS, SHUTOFF = SYSTEMS = "video", "gas", "shutoff"
_EVERY_NS: Final = NS  # what no event tells of is looked at so often


class Plant(Protocol):
    """What the detectors know of the site: gateway.core.bank.Bank."""

    latest: Latest
    availability: Availability

    @property
    def working_detectors(self) -> int: ...

    @property
    def online(self) -> OnlineShare: ...


class Systems:
    """A system is whole while all its parts work, down while none does. What was never heard is not known until it
    should have spoken (its deadman, 60 s where it has none), and neither is a system of which nothing failed but
    something is not known: it has no state then.

    video     each signal that shows whether there is video, and its last good value says so
    gas       each detector of each gas zone
    shut-off  each feedback of each shut-down; one of a shut-down that was not verified can not be relied on
    """

    def __init__(self, site: Site, plant: Plant):
        self._plant = plant
        cameras = _cameras(site)
        self._cameras = np.array(list(cameras), np.int64)
        self._tests = [(OPERATORS[op], np.array([test.op == op for test in cameras.values()]),
                        np.array([test.value for test in cameras.values()])) for op in OPERATORS
                       if any(test.op == op for test in cameras.values())]
        self._shows = np.ones(len(cameras), np.bool_)
        self._detectors = _numbers(site, [id for zone in site.gas_zones for id in zone.detectors])
        feedback = [(rule.id, test.signal) for rule in site.rules if isinstance(rule, ShutdownVerification)
                    for test in rule.feedback]
        self._rules = [rule for rule, _ in feedback]
        self._feedback = _numbers(site, [signal for _, signal in feedback])
        self._known: tuple[int, Collection[str]] | None = None  # events that the last look knows of
        self._due_ns = 0
        self._state: dict[str, int | None] = {}

    def look(self, line_ns: int, failed: Collection[str]) -> Mapping[str, int | None]:
        """State of each system now; None: it has none, or it is not known yet. failed: rules of shut-downs that were
        not verified."""
        known, shows = (self._plant.availability.changes, failed), self._look_at_video()
        if known != self._known or line_ns >= self._due_ns or shows:
            works, out = self._plant.availability.of(self._cameras, line_ns)
            self._state[VIDEO] = _level(works & self._shows, out | works & ~self._shows)
            works, out = self._plant.availability.of(self._detectors, line_ns)
            working, waiting = self._plant.working_detectors, int(np.count_nonzero(~works & ~out))
            self._state[GAS] = _state(works.size, working, works.size - working - waiting)
            works, out = self._plant.availability.of(self._feedback, line_ns)
            stuck = np.array([rule in failed for rule in self._rules], np.bool_)
            self._state[SHUTOFF] = _level(works & ~stuck, out | stuck)
            self._known, self._due_ns = known, line_ns + _EVERY_NS
        return self._state

    def _look_at_video(self) -> bool:
        """The last good value of each; True: one of them says something else now."""
        if not self._cameras.size:
            return False
        latest, shows = self._plant.latest, self._shows.copy()
        value = latest.value[self._cameras]
        for holds, where, limit in self._tests:
            shows[where] = holds(value, limit)[where]
        shows = np.where(is_good(latest.quality[self._cameras]), shows, self._shows)
        changed = bool(np.count_nonzero(shows != self._shows))
        self._shows = shows
        return changed


def _cameras(site: Site) -> dict[int, Test]:
    """Signals that say whether there is video -> what they must say; by default a frame rate above 0."""
    found = {number: Test(signal.id, ">", 0.0) for number, signal in enumerate(site.signals)
             if signal.kind == "video_fps"}
    for rule in site.rules:
        if isinstance(rule, WorkWithoutVideo):
            found |= {site.signals.index(test.signal): test for test in rule.video}
    return found


def _numbers(site: Site, signals: list[str]) -> NDArray[np.int64]:
    return np.array([site.signals.index(id) for id in signals], np.int64)


def _level(works: NDArray[np.bool_], failed: NDArray[np.bool_]) -> int | None:
    return _state(works.size, int(np.count_nonzero(works)), int(np.count_nonzero(failed)))


def _state(parts: int, working: int, failed: int) -> int | None:
    if not parts or (working < parts and not failed):  # there is none, or it is not known yet
        return None
    return WHOLE if working == parts else DOWN if failed == parts else PART

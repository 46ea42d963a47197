"""Loss of gas detection: an area in which no detector of a kind of gas works."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.core.edges import Edges, Outage, Outages
from gateway.model.rules import ResponseTest
from gateway.model.site import Site


@dataclass(frozen=True, slots=True)
class Zone:
    """One gas zone (gateway.model.zone), by the id of its alarm: how many detectors it has, how many work now."""

    id: str
    detectors: int
    working: int


class Blind:
    """A gas zone, all detectors of one kind of gas in one area, is blind while none of them works.

    Formula: a detector works from its first good sample until it is silent (deadman; 60 s where the signal has none),
    invalid or out of service, and again from its next good sample. One that did not answer its response test (a bump
    test) does not work until the alarm of that test ends. The condition begins when the last one fails, or when none
    was heard within its deadman from the start; it ends as soon as one works. The value of an edge is the number that
    work.

    On a plant: the zone is to be treated as dangerous, not as quiet. By kind of gas, because an oxygen head that works
    sees no leak: it must not hide that the only head for combustible gas is dead. One lost request does not make a zone
    blind: that is what the deadman is for. A declared sensor fault does, at once; so does an over-range reading of the
    only head; so does its calibration: meanwhile nothing watches the zone.

    Delay: that of the deadman, or none. False alarms: none of its own.

    It is told by the deadman, the validity detector and the response tests, not by samples, and looks once per instant
    after all that happened in it, so that the order of signals does not matter. Where the site file has changed what
    makes a zone, it looks at once: a zone whose remaining detectors had failed before is announced.

    Not for: deciding that a zone is safe, nor for gases that none of its detectors measures. A zone that is not blind
    has a detector that answers, and no more is known.
    """

    name = "blind"

    def __init__(self, site: Site):
        count = len(site.signals)
        self._ids = tuple(zone.id for zone in site.gas_zones)
        self._alarm = [site.alarms.index(id) for id in self._ids]
        self._members = [np.array([site.signals.index(signal) for signal in zone.detectors], np.int64)
                         for zone in site.gas_zones]
        self._zone = np.full(count, -1, np.int64)  # of each signal
        for zone, members in enumerate(self._members):
            self._zone[members] = zone
        self._tests = {site.alarms.index(rule.id): site.signals.index(rule.signal) for rule in site.rules
                       if isinstance(rule, ResponseTest) and site.signal(rule.signal).gas}  # alarm -> detector
        self._missed: set[int] = set()  # those of these alarms that stand
        self._heard = np.zeros(count, np.bool_)
        self._failed = np.zeros((Outages.CAUSES, count), np.bool_)  # by cause, see Outages
        self._blind = np.zeros(len(self._ids), np.bool_)
        self.unannounced = False  # what was restored may have zones that failed in another form

    def announce(self, line_ns: int, edges: Edges) -> None:
        """Zones that failed before the site file was changed to have them."""
        self.unannounced = False
        for zone in np.flatnonzero(~self._blind).tolist():
            self._look(zone, line_ns, edges)

    def hear_of_tests(self, parts: list[tuple], outages: Outages) -> None:
        """parts: of the edges of all rules in this step, in order of time per alarm."""
        for alarm, active, _, line, _ in parts:
            for place in np.flatnonzero(np.isin(alarm, list(self._tests))).tolist():
                number = int(alarm[place])
                if active[place]:
                    self._missed.add(number)
                else:
                    self._missed.discard(number)
                signal = self._tests[number]
                outages.unproven(signal, self._unproven(signal), int(line[place]))

    def settle(self, outages: list[Outage], edges: Edges) -> None:
        """Outages of one step, in order of time."""
        touched: set[int] = set()
        for position, (line, by_sample, signal, cause, began) in enumerate(outages):
            zone = int(self._zone[signal])
            if zone >= 0:
                self._failed[cause, signal] = began
                self._heard[signal] |= not began
                touched.add(zone)
            if position + 1 == len(outages) or outages[position + 1][:2] != (line, by_sample):
                for zone in sorted(touched):
                    self._look(zone, line, edges)
                touched.clear()

    def zones(self) -> tuple[Zone, ...]:
        return tuple(Zone(id, len(members), self._working(zone))
                     for zone, (id, members) in enumerate(zip(self._ids, self._members, strict=True)))

    @property
    def working(self) -> int:
        """Detectors of all zones that work."""
        return int(np.count_nonzero(self._heard & (self._zone >= 0) & ~self._failed.any(axis=0)))

    def state(self) -> dict[str, NDArray]:
        return {"heard": self._heard, "silent": self._failed[Outages.SILENT], "invalid": self._failed[Outages.INVALID],
                "inhibited": self._failed[Outages.INHIBITED]}

    def restored(self, active: NDArray[np.bool_]) -> None:
        """State was written from outside; `active` is the state of all alarms, by number."""
        self._blind[:] = active[self._alarm]
        self._adopt_tests(np.flatnonzero(active))
        self.unannounced = True

    def adopt(self, alarms: NDArray[np.int64]) -> NDArray[np.int64]:
        """These alarms are known to stand. Returns the signals of those zones: who of them is heard ends it."""
        self._adopt_tests(alarms)
        zones = [zone for zone, alarm in enumerate(self._alarm) if alarm in alarms]
        self._blind[zones] = True
        return np.concatenate([self._members[zone] for zone in zones]) if zones else np.empty(0, np.int64)

    def _adopt_tests(self, alarms: NDArray[np.int64]) -> None:
        self._missed |= self._tests.keys() & set(alarms.tolist())
        for signal in self._tests.values():
            self._failed[Outages.UNPROVEN, signal] = self._unproven(signal)

    def _unproven(self, signal: int) -> bool:
        return any(self._tests[alarm] == signal for alarm in self._missed)

    def _look(self, zone: int, line: int, edges: Edges) -> None:
        working = self._working(zone)
        failed = bool(self._failed[:, self._members[zone]].any(axis=0).all())
        if (working if self._blind[zone] else failed):
            self._blind[zone] = not self._blind[zone]
            edges.add(self._alarm[zone], bool(self._blind[zone]), float(working), line)

    def _working(self, zone: int) -> int:
        members = self._members[zone]
        return int(np.count_nonzero(self._heard[members] & ~self._failed[:, members].any(axis=0)))

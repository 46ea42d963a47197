"""The risk of an area: several alarms of one kind are more than each of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gateway.core.edges import Conditions, Edges
from gateway.core.rows import NEVER
from gateway.model.alarm import RISK_NAMES, Risk
from gateway.model.condition import RISK_CONDITIONS
from gateway.model.site import Site
from gateway.model.site_alarms import risk_alarm
from gateway.model.text import Text
from gateway.model.verdict import Evidence, Verdicts

_LEVELS = {Risk.BLUE: 1, Risk.YELLOW: 2, Risk.ORANGE: 3, Risk.RED: 4}
_LOWER = (1, 2, 3)  # level of the points of each step, as in gateway.model.area.Escalation


class Risks:
    """Escalation of areas that ask for it, in the manner of GB 39496 (which asks it of tailings ponds only).

    point    a signal, or a rule; its level is the highest risk of its alarms that stand now. Only what was measured
             against a limit or a rule counts (RISK_CONDITIONS): never statistics, never a fault of an instrument
    kind     points of one kind of signal in one area are counted together; so are rules of one type
    reached  a level is reached while so many points of one kind are at the level below it *or above*: a point that gets
             worse must not make the area look better
    begins   the highest level that is reached, if it does not stand. Lower ones that stand go on standing
    ends     when the level is not reached any more

    It looks at what leaves the bank, after all detectors: it adds alarms, and no other alarm knows of it. It looks once
    per instant at which an alarm that counts began or ended, 1 ns later, when all that happened in it is known.

    Delay: until the next step or tick. False alarms: one cause that moves several points is counted as several.
    """

    name = "risk"

    def __init__(self, site: Site):
        self._site = site
        areas = [area for area in site.areas if area.escalation is not None]
        row = {area.id: number for number, area in enumerate(areas)}
        counted = sorted((row[alarm.area], _kind(site, alarm.origin, alarm.condition), alarm.origin, number)
                         for number, alarm in enumerate(site.alarms)
                         if alarm.area in row and alarm.condition in RISK_CONDITIONS)
        points = list(dict.fromkeys(alarm[:3] for alarm in counted))
        kinds = list(dict.fromkeys(point[:2] for point in points))
        # Of each alarm that counts, neighbours being of one point:
        self._alarm = np.array([number for *_, number in counted], np.int64)
        self._level = np.array([_LEVELS[site.alarms[number].risk] for *_, number in counted], np.int8)
        self._point = np.array([points.index(alarm[:3]) for alarm in counted], np.int64)
        self._start = np.flatnonzero(np.diff(self._point, prepend=-1))  # of each point: its first alarm
        self._kind = np.array([kinds.index(point[:2]) for point in points], np.int64)  # of each point
        self._row = np.array([area for area, _ in kinds], np.int64)  # of each kind: its area
        # Of each area, by step: how many make which alarm.
        steps = [area.escalation.steps for area in areas if area.escalation is not None]
        self._needed = np.array([[count for _, count, _ in of_area] for of_area in steps])
        self._risk = np.array([[site.alarms.index(risk_alarm(area.id, level)) for _, _, level in of_area]
                               for area, of_area in zip(areas, steps, strict=True)], np.int64)
        self._counts = np.zeros(len(site.alarms), np.bool_)
        self._counts[self._alarm] = True
        self._active = np.zeros(len(site.alarms), np.bool_)  # as of the instant that is looked at
        self._wall, self._value = np.zeros(len(site.alarms), np.int64), np.full(len(site.alarms), np.nan)
        self.deadline_ns = NEVER

    def concerned(self, verdicts: Verdicts, line_ns: int) -> bool:
        """Is there anything to do?"""
        return bool(self._alarm.size) and (bool(verdicts) or self.deadline_ns <= line_ns)

    def restored(self, conditions: Conditions, line_ns: int) -> None:
        """What stands was written from outside; it is `line_ns` now."""
        np.copyto(self._active, conditions.active)
        np.copyto(self._wall, conditions.wall)
        np.copyto(self._value, conditions.value)
        if self._alarm.size and self._changes():
            self.deadline_ns = max(int(conditions.line[self._alarm].max()), line_ns) + 1

    def settle(self, verdicts: Verdicts, line_ns: int, edges: Edges) -> None:
        """Verdicts of one step, in order of time; it is `line_ns` now."""
        mine = np.flatnonzero(self._counts[verdicts.alarm])
        line = verdicts.line_ns[mine]
        for rows in np.split(mine, np.flatnonzero(line[1:] != line[:-1]) + 1) if mine.size else ():
            alarm, at = verdicts.alarm[rows], int(verdicts.line_ns[rows[0]])
            self._look_until(at, edges)
            self._active[alarm] = verdicts.active[rows]
            self._wall[alarm], self._value[alarm] = verdicts.wall_ns[rows], verdicts.value[rows]
            self.deadline_ns = at + 1
        self._look_until(line_ns, edges)

    def _look_until(self, line_ns: int, edges: Edges) -> None:
        if self.deadline_ns <= line_ns:
            due, self.deadline_ns = self.deadline_ns, NEVER
            self._look(due, edges)

    def _look(self, line_ns: int, edges: Edges) -> None:
        for area, step, begins in self._changes():
            alarm = self._risk[area, step]
            self._active[alarm] = begins
            edges.add(alarm, begins, float(self._count()[self._row == area, step].max()), line_ns)
            if begins:
                edges.explain(self._trace(area, step, line_ns + edges.skew_ns))

    def _points(self) -> NDArray[np.int8]:
        """int8[points]: the highest level of each that stands; 0: none."""
        return np.maximum.reduceat(np.where(self._active[self._alarm], self._level, 0), self._start)

    def _count(self) -> NDArray[np.int64]:
        """int64[kinds, steps]: points at the level that the step counts, or above."""
        level, kinds = self._points(), self._row.size
        return np.stack([np.bincount(self._kind[level >= lower], minlength=kinds) for lower in _LOWER], axis=1)

    def _changes(self) -> list[tuple[int, int, bool]]:
        """(area, step, begins) of every alarm that has to begin or end now."""
        reached = np.zeros(self._risk.shape, np.bool_)
        np.logical_or.at(reached, self._row, self._count() >= self._needed[self._row])
        higher = np.zeros_like(reached)  # than this step: is any reached?
        higher[:, :-1] = np.logical_or.accumulate(reached[:, :0:-1], axis=1)[:, ::-1]
        stands = self._active[self._risk]
        return [(area, step, not stands[area, step])
                for area, step in np.argwhere((reached & ~higher & ~stands) | (stands & ~reached)).tolist()]

    def _trace(self, area: int, step: int, wall_ns: int) -> tuple[Evidence, ...]:
        """Every alarm that counts, each with what it read."""
        site, lower = self._site, _LOWER[step]
        enough = (self._count()[:, step] >= self._needed[area, step]) & (self._row == area)  # by kind
        counted = enough[self._kind[self._point]] & self._active[self._alarm] & (self._level >= lower)
        alarms = self._alarm[counted].tolist()
        points = np.unique(self._point[counted]).size
        definition = site.alarms[int(self._risk[area, step])]
        name = next(risk for risk, number in _LEVELS.items() if number == lower)
        first = Evidence(wall_ns, definition.area, float(points), Text(
            "{n} points at {level} or above, {needed} of one kind make {risk}",
            "{n} 个测点达到{level}及以上，同类 {needed} 个即为{risk}").format(
            n=points, level=RISK_NAMES[name], needed=int(self._needed[area, step]), risk=RISK_NAMES[definition.risk]))
        return (first, *(Evidence(int(self._wall[alarm]), site.alarms[alarm].origin, float(self._value[alarm]), Text(
            "{risk}: {name}", "{risk}：{name}").format(risk=RISK_NAMES[site.alarms[alarm].risk],
                                                      name=site.alarms[alarm].name)) for alarm in alarms))


def _kind(site: Site, origin: str, condition: str) -> str:
    """Points that are counted together: signals of one kind, rules of one type."""
    return site.signal(origin).kind if origin in site.signals else f"/{condition}"

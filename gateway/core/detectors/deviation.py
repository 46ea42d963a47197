"""Deviation limits: too far from a set point, from another signal, or from the median of the peers."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from gateway.core.block import Block
from gateway.core.detectors.detector import Detector, alarm_numbers
from gateway.core.edges import Edges
from gateway.core.related import ALARMING, GOOD, Instant, Related
from gateway.core.rows import Rows
from gateway.core.setpoints import SetPoints
from gateway.model.condition import Condition
from gateway.model.signal import Limit
from gateway.model.site import Site
from gateway.model.text import Text
from gateway.model.verdict import Evidence

_MANY = 8  # instants: from here on those that are quiet all the time are looked for first
_TILE = 64  # limits that are looked at together
DIRECTIONS = (Condition.DEVIATION_UP, Condition.DEVIATION_DOWN)


class Deviation(Detector):
    """Too far above (DEV+) or below (DEV-) a reference; a detector for each direction.

    Formula: `value - reference >= limit` for on_delay_s begins DEV+, `value - reference <= limit - deadband` on good
    evidence for off_delay_s ends it; DEV- mirrors that. The machine is drawn in gateway.core.setpoints. The reference
    is

        a number           the set point
        a signal           its newest sample, if that is good and not older than the deadman of that signal
        several signals    the median of those of which that is true, if they are more than half of them

    and else there is none: then nothing begins and nothing ends, while a running on-delay goes on. The same is asked of
    the signal itself, but for one thing: an uncertain or stale value may begin, as with every limit. The two are
    compared whenever one of them comes, as they stood at that instant, in whatever frame and order they arrived.

    On a plant: a controller that does not hold its set point; one of two redundant transmitters that walks away; the
    bearing that is hotter than its neighbours, whatever the weather does to all of them. The median of three or more is
    not moved by one wild peer.

    Delay: that of the later of the two samples, plus on_delay_s. False alarms: signals that are read at different times
    differ by their rate of change times that difference: keep the limit above that, or give an on-delay. After a change
    of the set point the process needs its time: the on-delay must be longer.

    Not to be used where the reference may fail together with the signal: two of the same kind poisoned by the same
    silicone agree. And a reference that is lost takes the comparison with it: give it a deadman, which then speaks.

    Not for: two signals of which one follows the other late (the lag reads as a deviation; give an on-delay longer than
    it), nor in place of a limit: where both drift together nothing is seen.
    """

    settles = True

    def __init__(self, site: Site, direction: Condition):
        self.name = f"deviation {direction}"
        self._site, self._sign = site, 1 if direction is Condition.DEVIATION_UP else -1
        limits = [(number, limit) for number, signal in enumerate(site.signals)
                  if (limit := signal.limit(direction)) is not None]
        count, widest = len(site.signals), max(1, *(len(_reference(limit).signals) for _, limit in limits))
        self._number = np.array([number for number, _ in limits], np.int64)
        self._place = np.full(count, -1, np.int64)  # of a signal among the limits
        self._place[self._number] = np.arange(len(limits))
        self._fixed = np.array([math.nan if (value := _reference(limit).value) is None else value
                                for _, limit in limits])
        self._peers = np.tile(self._number[:, None], (1, widest))
        self._is_peer = np.zeros(self._peers.shape, np.bool_)
        for row, (_, limit) in enumerate(limits):
            peers = [site.signals.index(peer) for peer in _reference(limit).signals]
            self._peers[row, :len(peers)], self._is_peer[row, :len(peers)] = peers, True
        self._needed = self._is_peer.sum(axis=1) // 2 + 1
        self._known = Related(site, np.unique(np.r_[self._number, self._peers.reshape(-1)]))
        self._points = SetPoints(1, count)
        numbers = alarm_numbers(site, direction)
        for number, limit in limits:
            self._points.set(0, number, limit, int(numbers[number]), 1, show=self._sign)
        self._owner = {int(numbers[number]): row for row, (number, _) in enumerate(limits)}
        self._touched = np.zeros(count, np.bool_)

    @property
    def deadline_ns(self) -> int:  # type: ignore[override]
        return self._points.deadline_ns

    def gated(self) -> tuple[SetPoints, ...]:
        return (self._points,)

    def step(self, rows: Rows, edges: Edges) -> None:
        self._known.take(rows)

    def sweep(self, block: Block, edges: Edges) -> None:
        self._known.sweep(block)

    def settle(self, edges: Edges) -> None:
        instants = self._known.instants()
        quiet = len(instants) > _MANY and self._points.deadline_ns > instants[-1].line_ns
        stirring = self._stirring(instants) if quiet else None
        if stirring is not None and not stirring.any():
            self._known.skip(instants)
            return
        for at in instants:
            self.tick(at.line_ns, edges)
            self._known.move(at)
            self._look(at, edges, stirring)

    def tick(self, line_ns: int, edges: Edges) -> None:
        part, position = len(edges.parts), edges.count
        self._points.tick(line_ns, edges)
        self._explain(edges, part, position)

    def begin(self, line_ns: int) -> None:
        self._points.begin(line_ns)

    def state(self) -> dict[str, NDArray]:
        return self._points.state(("it",)) | self._known.state()

    def restored(self) -> None:
        self._points.restored()

    def adopt(self, alarms: NDArray[np.int64]) -> None:
        self._points.adopt(alarms)

    def _stirring(self, instants: list[Instant]) -> NDArray[np.bool_]:
        """bool[limits]: which of them is not quiet all the time."""
        stirs, limits = np.zeros(self._number.size, np.bool_), np.arange(self._number.size)
        for start in range(0, limits.size, _TILE):
            row = limits[start:start + _TILE]
            signal = np.unique(np.r_[self._number[row], self._peers[row].reshape(-1)])
            course = self._known.course(instants, signal)
            own, peers = np.searchsorted(signal, self._number[row]), np.searchsorted(signal, self._peers[row])
            usable = self._is_peer[row] & (course.evidence[:, peers] == GOOD)
            reference = self._median(row, course.value[:, peers], usable)
            with np.errstate(over="ignore", invalid="ignore"):
                x = self._sign * (course.value[:, own] - reference)
            grade = np.where(course.touched[:, own] | course.touched[:, peers].any(axis=2), course.evidence[:, own], 0)
            grade = np.where(np.isnan(reference), 0, grade)
            stirs[row] = self._points.stirs(self._number[row], x, grade == GOOD, grade >= ALARMING)
        return stirs

    def _look(self, at: Instant, edges: Edges, which: NDArray[np.bool_] | None) -> None:
        """Compare those (of `which`, where it is given) of whom something came at this instant."""
        self._touched[at.signal] = True
        touched = self._touched[self._number] | self._touched[self._peers].any(axis=1)
        row = np.flatnonzero(touched if which is None else touched & which)
        self._touched[at.signal] = False
        if not row.size:
            return
        signal, known = self._number[row], self._known
        reference = self._reference(row, at.line_ns)
        grade = np.where(np.isnan(reference), 0, known.evidence(signal, at.line_ns))
        with np.errstate(over="ignore", invalid="ignore"):
            x = self._sign * (known.value[signal] - reference)
        good = grade == GOOD
        part, position = len(edges.parts), edges.count
        self._points.step(x[None, :], signal, signal, np.full(row.size, at.line_ns), np.full(row.size, at.wall.max()),
                          at.line_ns, good, grade >= ALARMING, bool(good.all()), edges)
        self._explain(edges, part, position)

    def _reference(self, row: NDArray[np.int64], line_ns: int) -> NDArray[np.float64]:
        """float64[k]: NaN where there is none now."""
        peers = self._peers[row]
        usable = self._is_peer[row] & (self._known.evidence(peers, line_ns) == GOOD)
        return self._median(row, self._known.value[peers], usable)

    def _median(self, row: NDArray[np.int64], value: NDArray[np.float64], usable: NDArray[np.bool_]
                ) -> NDArray[np.float64]:
        """Over the last axis, (..., k, peers) -> (..., k); the fixed reference where there is one."""
        value = np.sort(np.where(usable, value, np.nan), axis=-1)  # NaN come last
        count = usable.sum(axis=-1)
        lower, upper = (np.take_along_axis(value, np.maximum(place, 0)[..., None], axis=-1)[..., 0]
                        for place in ((count - 1) // 2, np.minimum(count // 2, value.shape[-1] - 1)))
        median = np.where(count >= self._needed[row], lower / 2 + upper / 2, np.nan)
        return np.where(np.isnan(self._fixed[row]), median, self._fixed[row])

    def _explain(self, edges: Edges, part: int, position: int) -> None:
        for alarms, _, _, line, _ in edges.parts[part:]:
            for place, (alarm, at) in enumerate(zip(alarms.tolist(), line.tolist(), strict=True)):
                edges.evidence[position + place] = self._trace(self._owner[alarm], at)
            position += alarms.shape[0]

    def _trace(self, row: int, line_ns: int) -> tuple[Evidence, ...]:
        known, number = self._known, int(self._number[row])
        signal, value = self._site.signals[number], float(self._known.value[number])
        reference = float(self._reference(np.array([row]), line_ns)[0])
        away = value - reference
        note = Text("no reference now", "当前无参考值") if math.isnan(away) else Text(
            "{away:.{d}f} {unit} {way} its reference of {reference:.{d}f} {unit}",
            "{way}参考值 {reference:.{d}f} {unit}，相差 {away:.{d}f} {unit}").format(
            away=abs(away), d=signal.decimals, unit=signal.unit, reference=reference,
            way=Text("above", "高于") if away >= 0 else Text("below", "低于"))
        trace = [Evidence(int(known.wall[number]), signal.id, value, note)]
        for peer in self._peers[row][self._is_peer[row]].tolist():
            good = known.evidence(np.array(peer), line_ns) == GOOD
            trace.append(Evidence(int(known.wall[peer]), self._site.signals[peer].id, float(known.value[peer]),
                                  _REFERENCE if good else _NO_REFERENCE))
        return tuple(trace)


_REFERENCE = Text("compared with", "用于比较")
_NO_REFERENCE = Text("no good data: not compared with", "无有效数据，不参与比较")


def _reference(limit: Limit):
    assert limit.reference is not None, "checked before"
    return limit.reference


def deviations(site: Site) -> list[Deviation]:
    used = {limit.condition for signal in site.signals for limit in signal.limits}
    return [Deviation(site, direction) for direction in DIRECTIONS if direction in used]

"""Too many people at a place, by the kind of shift; and people without a card, or cards without people."""

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
from gateway.model.alarm import Priority, Risk
from gateway.model.clock import NS
from gateway.model.condition import Condition
from gateway.model.rules import OPERATORS
from gateway.model.signal import HeadCount, Limit
from gateway.model.site import Site
from gateway.model.text import Text
from gateway.model.verdict import Evidence

_COUNTED = (Condition.HEADCOUNT, Condition.FULL)
_NOT = -(2**62)  # no hand-over: line time
_SET_POINT = {Condition.HEADCOUNT: math.ulp(0.0), Condition.FULL: 0.0, Condition.MISMATCH: 1.0}  # of what is compared


class HeadCounts(Detector):
    """More people than allowed, as many as allowed, and two counts of the same people that differ.

    Formula: people = count - exempt, where exempt is the sum of the counts of those whom the rules do not count. With
    allowed = the limit of the present kind of shift,

        HEADCOUNT  people > allowed for on_delay_s     ends with a good count of no more than allowed
        FULL       people >= allowed for on_delay_s    ends with a good count of fewer
        MISMATCH   |count - faces| >= 1 for on_delay_s ends when both counts are good and agree

    What is not known makes it stricter, never laxer. A shift kind that is bad, uncertain, silent for its deadman or not
    listed: the strictest of all limits applies, and the evidence says so. An exempt count that is not good counts as 0.
    The hand-over of a shift (`handover`, good and true) holds HEADCOUNT and FULL back like a gate
    (gateway.core.setpoints), for handover_s at most, however long the signal stays on. An uncertain count may begin an
    alarm and ends none.

    On a plant: the number of people under ground at one face is limited because it is the number of people in one
    explosion. Who is counted is the matter of the location system: of the face with its intake and return roadways,
    distinct cards; visitors with limited stay (inspectors, leaders, patrols) come as an exempt count.

    Delay: on_delay_s, a minute by default: people pass each other at a shift change. False alarms: cards that are read
    at two stations at once; MISMATCH by people on their way between the camera and the card reader, so not with a short
    delay. Not to be used for access control: it tells, it holds nobody back.

    All counts are compared as they stood at one instant, in whatever frame and order they arrive.

    Not for: counting. It judges a count that others make; cards left outside and two on one person are beyond it, and
    only a second count (faces) shows a mismatch.
    """

    name = "headcount"
    settles = True

    def __init__(self, site: Site):
        self._site, count = site, len(site.signals)
        self._number = np.array([number for number, signal in enumerate(site.signals) if signal.headcount], np.int64)
        self._rules: list[HeadCount] = [site.signals[number].headcount for number in self._number.tolist()]
        find = site.signals.index
        self._shift = [None if rule.shift is None else find(rule.shift) for rule in self._rules]
        self._exempt = [[find(name) for name in rule.exempt] for rule in self._rules]
        self._faces = [None if rule.faces is None else find(rule.faces) for rule in self._rules]
        self._handover = [None if rule.handover is None else find(rule.handover.signal) for rule in self._rules]
        self._needs = np.zeros((self._number.size, count), np.bool_)
        for row, own in enumerate(self._number.tolist()):
            some = (own, self._shift[row], self._faces[row], self._handover[row], *self._exempt[row])
            self._needs[row, [signal for signal in some if signal is not None]] = True
        self._known = Related(site, np.flatnonzero(self._needs.any(axis=0)))
        self._counted, self._apart = SetPoints(len(_COUNTED), count), SetPoints(1, count)
        self._owner: dict[int, int] = {}
        for points, conditions in ((self._counted, _COUNTED), (self._apart, (Condition.MISMATCH,))):
            for plane, condition in enumerate(conditions):
                alarms = alarm_numbers(site, condition)
                for row, (number, rule) in enumerate(zip(self._number.tolist(), self._rules, strict=True)):
                    if alarms[number] >= 0:
                        points.set(plane, number, _limit(condition, rule), int(alarms[number]), 1)
                        self._owner[int(alarms[number])] = row
        self._since = np.full(count, _NOT, np.int64)  # by count: its hand-over runs since then
        self._held = np.zeros(count, np.bool_)  # by its hand-over
        self._allowed = np.full(count, np.nan)
        self._people = np.full(count, np.nan)

    @property
    def deadline_ns(self) -> int:  # type: ignore[override]
        return min(self._counted.deadline_ns, self._apart.deadline_ns)

    def step(self, rows: Rows, edges: Edges) -> None:
        self._known.take(rows)

    def sweep(self, block: Block, edges: Edges) -> None:
        self._known.sweep(block)

    def settle(self, edges: Edges) -> None:
        for at in self._known.instants():
            self.tick(at.line_ns, edges)
            self._known.move(at)
            for row in np.flatnonzero(self._needs[:, at.signal].any(axis=1)).tolist():
                self._look(row, at, edges)

    def tick(self, line_ns: int, edges: Edges) -> None:
        part, position = len(edges.parts), edges.count
        self._counted.tick(line_ns, edges)
        self._apart.tick(line_ns, edges)
        self._explain(edges, part, position)

    def begin(self, line_ns: int) -> None:
        self._counted.begin(line_ns)
        self._apart.begin(line_ns)

    def state(self) -> dict[str, NDArray]:
        return (self._counted.state(_COUNTED) | self._apart.state((Condition.MISMATCH,)) | self._known.state()
                | {"since": self._since, "held": self._held, "allowed": self._allowed, "people": self._people})

    def restored(self) -> None:
        handed = [handover is not None for handover in self._handover]
        self._held[np.setdiff1d(np.arange(self._held.size), self._number[handed])] = False
        for plane in range(len(_COUNTED)):
            self._counted.recall(np.full(self._number.size, plane), self._number, self._held[self._number])
        self._counted.restored()
        self._apart.restored()

    def adopt(self, alarms: NDArray[np.int64]) -> None:
        self._counted.adopt(alarms)
        self._apart.adopt(alarms)

    def _look(self, row: int, at: Instant, edges: Edges) -> None:
        known, number = self._known, int(self._number[row])
        part, position = len(edges.parts), edges.count
        count, grade = float(known.value[number]), self._grade(number, at.line_ns)
        allowed = self._limit_now(row, at.line_ns)
        people = count - sum(value for value in self._exempted(row, at.line_ns) if value > 0)
        if grade >= ALARMING:
            self._allowed[number], self._people[number] = allowed, people
        held = self._is_held(row, at.line_ns)
        wall = int(at.wall.max())
        if held and not self._held[number]:
            self._gate(number, True, at.line_ns, wall, edges)
        self._compare(self._counted, np.full((len(_COUNTED), 1), people - allowed), number, at.line_ns, wall, grade,
                      np.full((len(_COUNTED), 1), people), edges)
        if not held and self._held[number]:
            self._gate(number, False, at.line_ns, wall, edges)
        if (faces := self._faces[row]) is not None:
            apart = abs(count - float(known.value[faces]))
            both = GOOD if grade == GOOD and self._grade(faces, at.line_ns) == GOOD else 0
            self._compare(self._apart, np.array([[apart]]), number, at.line_ns, wall, both, None, edges)
        self._explain(edges, part, position)

    def _compare(self, points: SetPoints, x, number: int, line_ns: int, wall: int, grade: int, shown, edges) -> None:
        signal, good = np.array([number]), np.array([grade == GOOD])
        points.step(x, signal, signal, np.array([line_ns]), np.array([wall]), line_ns, good,
                    np.array([grade >= ALARMING]), grade == GOOD, edges, shown)

    def _gate(self, number: int, closed: bool, line_ns: int, wall: int, edges: Edges) -> None:
        self._held[number] = closed
        planes = np.arange(len(_COUNTED))
        self._counted.gate(planes, np.full(planes.size, number), closed, np.full(planes.size, line_ns),
                           np.full(planes.size, wall), edges)

    def _grade(self, signal: int, line_ns: int) -> int:
        return int(self._known.evidence(np.array(signal), line_ns))

    def _limit_now(self, row: int, line_ns: int) -> float:
        """The limit of the present kind of shift; where that is not known, the strictest."""
        rule, shift = self._rules[row], self._shift[row]
        if shift is None or self._grade(shift, line_ns) != GOOD:
            return rule.most
        return rule.by_shift.get(float(self._known.value[shift]), rule.most)

    def _exempted(self, row: int, line_ns: int) -> list[float]:
        return [float(self._known.value[signal]) for signal in self._exempt[row]
                if self._grade(signal, line_ns) == GOOD]

    def _is_held(self, row: int, line_ns: int) -> bool:
        """A hand-over goes on. Only good evidence that it is over starts its time anew."""
        test, handover, number = self._rules[row].handover, self._handover[row], int(self._number[row])
        if handover is None or test is None or self._grade(handover, line_ns) != GOOD:
            return False
        if not OPERATORS[test.op](float(self._known.value[handover]), test.value):
            self._since[number] = _NOT
            return False
        if self._since[number] == _NOT:
            self._since[number] = line_ns
        return line_ns - int(self._since[number]) < round(self._rules[row].handover_s * NS)

    def _explain(self, edges: Edges, part: int, position: int) -> None:
        for alarms, _, _, line, _ in edges.parts[part:]:
            for place, (alarm, at) in enumerate(zip(alarms.tolist(), line.tolist(), strict=True)):
                row = self._owner[alarm]
                edges.evidence[position + place] = tuple(
                    self._apart_trace(row) if self._site.alarms[alarm].condition == Condition.MISMATCH
                    else self._trace(row, at))
            position += alarms.shape[0]

    def _trace(self, row: int, line_ns: int):
        number, rule, shift = int(self._number[row]), self._rules[row], self._shift[row]
        allowed = f"{self._allowed[number]:g}"
        note = Text("{n:g} people count here, {allowed} are allowed", "计入 {n:g} 人，限 {allowed} 人").format(
            n=self._people[number], allowed=allowed)
        yield self._evidence(number, note)
        if shift is not None:
            kind = float(self._known.value[shift])
            if self._grade(shift, line_ns) == GOOD and kind in rule.by_shift:
                label = self._site.signals[shift].labels.get(kind) or Text("kind {k:g}", "类型 {k:g}").format(k=kind)
                note = Text("kind of shift: {label}", "班次类型：{label}").format(label=label)
            else:
                note = Text("kind of shift not known: the strictest limit applies",
                            "班次类型不明：按最严的限值")
            yield self._evidence(shift, note)
        for signal in self._exempt[row]:
            good = self._grade(signal, line_ns) == GOOD
            yield self._evidence(signal, Text("not counted in", "不计入") if good else Text(
                "no good data: nobody is exempt", "无有效数据，不予扣除"))

    def _apart_trace(self, row: int):
        number, faces = int(self._number[row]), self._faces[row]
        one, other = float(self._known.value[number]), float(self._known.value[faces])
        yield self._evidence(number, Text("{one:g} cards, {other:g} people seen",
                                          "{one:g} 张卡，识别到 {other:g} 人").format(one=one, other=other))
        yield self._evidence(faces, Text("compared with", "用于比较"))

    def _evidence(self, signal: int, note: Text) -> Evidence:
        return Evidence(int(self._known.wall[signal]), self._site.signals[signal].id, float(self._known.value[signal]),
                        note)


def _limit(condition: Condition, rule: HeadCount) -> Limit:
    return Limit(condition, _SET_POINT[condition], Priority.P2, Risk.ORANGE, on_delay_s=rule.on_delay_s,
                 off_delay_s=rule.off_delay_s)

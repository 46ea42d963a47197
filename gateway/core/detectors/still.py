"""A card that never moves: somebody lies there, or the card hangs on a nail."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gateway.core.detectors.detector import Detector, Gate, alarm_numbers
from gateway.core.edges import Edges
from gateway.core.rows import Rows
from gateway.model.clock import NS
from gateway.model.condition import Condition
from gateway.model.site import Site
from gateway.model.text import Text
from gateway.model.verdict import Evidence

_NEVER = -(2**62)


class Still(Detector):
    """A value that has not moved for too long, while it is present.

    Formula: the signal is a position, a zone or a count of moves; it has moved when a good sample is more than `by`
    away from where it last moved to. The condition begins with the first good sample `after_s` later that has not, and
    ends with the first good one that has; or when `only_while` is false by good and current evidence (handed in, above
    ground), from whose end the time starts anew. It also starts anew after a silence longer than after_s, and with the
    gateway: what nobody watched counts against nobody.

    On a plant: a miner who lies still; a card that hangs on a nail while its owner is elsewhere, so that the head-count
    is right and wrong at once. It is no man-down alarm: that needs a sensor on the body and seconds.

    Delay: after_s, plus one period of the signal. False alarms: a place of work where people sit (the control room, a
    winch): choose the time by place, and `by` above the noise of the positions. A signal that is 1 while its bearer
    moves wants a low limit with an on-delay instead.

    Samples that are not good say nothing: a silent card is the deadman's matter.

    Not for: finding a person in danger at once: it waits `after`, and a card on a hook looks the same.
    """

    name = "still"

    def __init__(self, site: Site):
        self._signals = site.signals
        count = len(site.signals)
        self._alarm = alarm_numbers(site, Condition.STILL)
        self._watched = self._alarm >= 0
        self._after, self._by = np.zeros(count, np.int64), np.zeros(count)
        self.gates: list[Gate] = []
        for number, signal in enumerate(site.signals):
            if (still := signal.still) is not None:
                self._after[number], self._by[number] = round(still.after_s * NS), still.by
                if still.only_while is not None:
                    self.gates.append(Gate(0, number, int(self._alarm[number]), still.only_while))
        self._place = np.full(count, np.nan)  # where it last moved to
        self._since = np.full(count, _NEVER, np.int64)  # still since then
        self._seen = np.full(count, _NEVER, np.int64)  # newest good sample
        self._active = np.zeros(count, np.bool_)
        self._closed = np.zeros(count, np.bool_)  # not present

    def gated(self) -> tuple[Still, ...]:
        return (self,)

    def step(self, rows: Rows, edges: Edges) -> None:
        row = np.flatnonzero(rows.good & self._watched[rows.index])
        if not row.size:
            return
        signal, value, line = rows.signal[row], rows.value[row], rows.line[row]
        with np.errstate(over="ignore"):
            moved = ~(np.abs(value - self._place[signal]) <= self._by[signal])  # NaN: seen for the first time
        anew = moved | self._closed[signal] | (line - self._seen[signal] > self._after[signal])
        self._seen[signal] = line
        if np.count_nonzero(moved):
            self._place[signal[moved]] = value[moved]
            ended = np.flatnonzero(moved & self._active[signal])
            self._end(signal[ended], value[ended], line[ended], rows.wall[row[ended]], edges)
        self._since[signal[anew]] = line[anew]
        still = line - self._since[signal] >= self._after[signal]
        still &= ~anew & ~self._active[signal]
        for place in np.flatnonzero(still).tolist():
            number, at = int(signal[place]), int(rows.wall[row[place]])
            self._active[number] = True
            edges.add(self._alarm[number], True, value[place], line[place], at)
            edges.explain((self._evidence(number, float(value[place]), int(line[place]), at),))

    def gate(self, plane: NDArray[np.int64], signal: NDArray[np.int64], closed: bool, line: NDArray[np.int64],
             wall: NDArray[np.int64] | None, edges: Edges) -> None:
        """See gateway.core.detectors.detector.Gated."""
        self._closed[signal] = closed
        self._since[signal] = line
        if closed:
            ended = np.flatnonzero(self._active[signal])
            self._end(signal[ended], self._place[signal[ended]], line[ended], None if wall is None else wall[ended],
                      edges)

    def recall(self, plane: NDArray[np.int64], signal: NDArray[np.int64], closed: NDArray[np.bool_]) -> None:
        self._closed[signal] = closed

    def begin(self, line_ns: int) -> None:
        np.maximum(self._since, line_ns, out=self._since)

    def state(self) -> dict[str, NDArray]:
        return {"place": self._place, "since": self._since, "seen": self._seen, "active": self._active}

    def restored(self) -> None:
        self._active &= self._watched

    def adopt(self, alarms: NDArray[np.int64]) -> None:
        self._active |= np.isin(self._alarm, alarms) & self._watched

    def _end(self, signal, value, line, wall, edges: Edges) -> None:
        if signal.size:
            self._active[signal] = False
            edges.add(self._alarm[signal], False, value, line, wall)

    def _evidence(self, number: int, value: float, line_ns: int, wall_ns: int) -> Evidence:
        minutes = (line_ns - int(self._since[number])) / (60 * NS)
        by = self._by[number]
        note = Text("has not moved for {m:.0f} min", "已 {m:.0f} 分钟未移动") if not by else Text(
            "has not moved by more than {by:g} {unit} for {m:.0f} min", "{m:.0f} 分钟内移动未超过 {by:g} {unit}")
        return Evidence(wall_ns, self._signals[number].id, value, note.format(
            m=minutes, by=by, unit=self._signals[number].unit))

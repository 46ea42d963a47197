"""Gates: limits that count only while another signal says so (`only_while = "P-101.run == 1"`)."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from gateway.core.block import Block
from gateway.core.detectors.deadman import longest_silence_ns
from gateway.core.detectors.detector import Detector, Gated
from gateway.core.edges import Edges
from gateway.core.latest import Latest
from gateway.core.rows import NEVER, SEVERITY, Rows
from gateway.core.rules.truth import Tests, Truth
from gateway.model.clock import NS
from gateway.model.frame import Frame
from gateway.model.signal import Signal
from gateway.model.site import Site
from gateway.model.text import Text
from gateway.model.verdict import Evidence

HOLD_S = 60.0  # how long a gate stays closed on one sample where its signal has no deadman


class _Said(IntEnum):
    """What the newest sample of its signal says of a gate."""

    TRUE = 0
    CLOSED = 1  # false, and good
    NOT_GOOD = 2  # or never heard of
    UNSURE = 3  # of a raw sample: only the detectors before can tell


class Gates(Detector):
    """A gate is closed while its test is false by good evidence that is current, and open at all other times.

    So a gate that was never heard of, whose newest sample is bad, uncertain or stale, or that has been silent for its
    deadman (60 s where it has none) is open: the alarm counts. It closes and opens at the instant of the sample (opens
    at that of the deadline), for all samples of that instant, in whatever frame and order they arrive; but for a gate
    on a derived signal, which is made when the others of its instant have been judged.

    While it is closed nothing new begins, and a running on-delay is broken off. What stands is not ended by it: an
    alarm that began in earnest ends by its own value, back inside by good evidence. When it opens on a value that is
    beyond the limit, the alarm begins as if the value had come at that instant. The machine is in
    gateway.core.setpoints.

    On a plant: a current below its limit means a dry pump only while the pump runs; a pressure is high at the stopped
    compressor, by design. Not for gas detectors: the configuration refuses that.

    It is a detector that never raises anything; it comes before all that it gates.
    """

    name = "gates"

    def __init__(self, site: Site, latest: Latest, gated: Sequence[Gated]):
        self._site, self._latest = site, latest
        gates = [(one, gate) for one in gated for gate in one.gates]
        self._all = sorted({gate.test for _, gate in gates},
                           key=lambda test: (site.signals.index(test.signal), str(test)))
        place = {test: row for row, test in enumerate(self._all)}
        self._row = {gate.alarm: place[gate.test] for _, gate in gates}
        self._gated = [(one, *(np.array([of(gate) for gate in one.gates], np.int64) for of in (
            lambda gate: place[gate.test], attrgetter("plane"), attrgetter("signal")))) for one in gated if one.gates]
        count = len(site.signals)
        self._tests = Tests(self._all, site.signals, latest, np.zeros(count, np.bool_))
        self._by = self._tests.signal  # of each test; ascending
        self._hold = np.array([_hold_ns(site.signals[by]) for by in self._by], np.int64)
        self._first, self._many = (np.zeros(count, np.int64) for _ in range(2))  # gates of a signal
        signals, self._first[signals], self._many[signals] = _runs(self._by)
        self._is_gate = self._many > 0
        self._low, self._high = (np.array([bound if end is None else end for end in ends]) for bound, ends in (
            (-np.inf, [signal.low for signal in site.signals]), (np.inf, [signal.high for signal in site.signals])))
        self._derived = any(site.signals[by].derived is not None for by in self._by)
        self._spoken_for = np.array([signal.status is not None for signal in site.signals], np.bool_)
        self.closed = np.zeros(len(self._all), np.bool_)
        self._until = np.full(len(self._all), NEVER, np.int64)  # a closed gate opens then
        self._opens = np.zeros(len(self._all), np.bool_)  # at this instant
        self._said = self._now_said()
        self._value, self._wall = latest.value[self._by], latest.wall_ns[self._by]  # of the sample that said it first
        self._used = np.zeros(count, np.bool_)
        self.deadline_ns = NEVER

    def __bool__(self) -> bool:
        return bool(self._all)

    def cut(self, frame: Frame) -> list[Frame]:
        """The frame in pieces in order of time; an instant at which a gate may change is a piece by itself."""
        line = frame.line_ns
        first, last = int(line.min()), int(line.max())
        if first == last or not (last >= self.deadline_ns or np.count_nonzero(self._is_gate.take(frame.signal))):
            return [frame]
        order = np.argsort(line, kind="stable")
        line = line[order]
        starts = None if self._derived else self._news(frame.take(order))
        if starts is None:
            starts = np.unique(line)  # a gate may expire in between: each instant by itself
        places = np.unique(np.r_[np.searchsorted(line, starts), np.searchsorted(line, starts, side="right")])
        return [frame.take(rows) for rows in np.split(order, places) if rows.size]

    def step(self, rows: Rows, edges: Edges) -> None:
        row = np.flatnonzero(self._is_gate[rows.index])
        if not row.size:
            return
        self._used[rows.signal[row]] = True
        gate = np.flatnonzero(self._used[self._by])
        self._used[rows.signal[row]] = False
        line, said = self._latest.line_ns[self._by[gate]], self._now_said()[gate]
        closed = said == _Said.CLOSED
        first = gate[said != self._said[gate]]
        self._said[gate] = said
        self._value[first] = self._latest.value[self._by[first]]
        self._wall[first] = self._latest.wall_ns[self._by[first]]
        self._until[gate] = np.where(closed, line + self._hold[gate], NEVER)
        self._opens[gate] = self.closed[gate] & ~closed
        news = closed & ~self.closed[gate]
        if np.count_nonzero(news):
            self._turn(gate[news], True, line[news], self._latest.wall_ns[self._by[gate[news]]], edges)
        self.deadline_ns = int(self._until.min())

    def sweep(self, block: Block, edges: Edges) -> None:
        for rows in block.rounds(len(block) - 1, len(block)).rows():  # `cut` saw to it that they all say the same
            self.step(rows, edges)

    def settle(self, edges: Edges) -> None:
        """The instant is complete: gates that opened in it open for what waits behind them."""
        gate = np.flatnonzero(self._opens)
        if gate.size:
            self._opens[gate] = False
            by = self._by[gate]
            self._turn(gate, False, self._latest.line_ns[by], self._latest.wall_ns[by], edges)

    def tick(self, line_ns: int, edges: Edges) -> None:
        if self.deadline_ns <= line_ns:
            gate = np.flatnonzero(self._until <= line_ns)
            at = self._until[gate]
            self._until[gate] = NEVER
            self._turn(gate, False, at, None, edges)
            self.deadline_ns = int(self._until.min())

    def begin(self, line_ns: int) -> None:
        """A gate that expired while nobody watched opens now."""
        self._until = np.maximum(self._until, line_ns)
        self.deadline_ns = int(self._until.min(initial=NEVER))

    def adopt(self, alarms: NDArray[np.int64]) -> None:
        """It has no alarm."""

    def recall(self, line_ns: int) -> None:
        """The newest samples were written from outside; it is `line_ns`. What is gated is told before it restores."""
        until = self._latest.line_ns[self._by] + self._hold
        self._said = self._now_said()
        self._value, self._wall = self._latest.value[self._by], self._latest.wall_ns[self._by]
        self.closed = (self._said == _Said.CLOSED) & (until > line_ns)
        self._until = np.where(self.closed, until, NEVER)
        self.deadline_ns = int(self._until.min(initial=NEVER))
        for one, test, plane, signal in self._gated:
            one.recall(plane, signal, self.closed[test])

    def explain(self, edges: Edges, part: int, position: int) -> None:
        """Say of every gated alarm that begins why it counts, from this part and position on."""
        for alarms, active, *_ in edges.parts[part:]:
            for place, (alarm, begins) in enumerate(zip(alarms.tolist(), active.tolist(), strict=True)):
                if begins and alarm in self._row:
                    trace = edges.evidence.get(position + place, ())
                    edges.evidence[position + place] = (*trace, self._trace(self._row[alarm]))
            position += alarms.shape[0]

    def _turn(self, gate: NDArray[np.int64], closed: bool, line: NDArray[np.int64], wall: NDArray[np.int64] | None,
              edges: Edges) -> None:
        self.closed[gate] = closed
        turned = np.full(len(self._all), -1, np.int64)
        turned[gate] = np.arange(gate.size)
        for one, test, plane, signal in self._gated:
            at = turned[test]
            own = np.flatnonzero(at >= 0)
            if own.size:
                one.gate(plane[own], signal[own], closed, line[at[own]], None if wall is None else wall[at[own]],
                         edges)

    def _news(self, frame: Frame) -> NDArray[np.int64] | None:
        """Instants at which a gate may change, ascending. None: one may expire within the frame. Rows in order of
        time."""
        row = np.flatnonzero(self._is_gate.take(frame.signal))
        signal, line, last = frame.signal[row], frame.line_ns[row], int(frame.line_ns[-1])
        if np.count_nonzero(self._until[~np.isin(self._by, signal)] <= last):
            return None
        many = self._many[signal]
        pair = np.repeat(np.arange(row.size), many)  # each row with each gate of its signal
        gate = np.repeat(self._first[signal] - np.cumsum(many) + many, many) + np.arange(pair.size)
        order = np.argsort(gate, kind="stable")
        pair, gate = pair[order], gate[order]
        line, said = line[pair], self._raw(frame, row[pair], gate)
        before = np.r_[_Said.TRUE, said[:-1]]
        since = np.r_[0, line[:-1]]
        _, start, _ = _runs(gate)
        before[start] = self._said[gate[start]]
        since[start] = self._latest.line_ns[self._by[gate[start]]]
        until = np.r_[line[1:], last + 1]
        until[start[1:] - 1] = last + 1
        hold = self._hold[gate]
        if np.count_nonzero(
                np.isin(said, (_Said.CLOSED, _Said.UNSURE)) & (until - line >= hold)) or np.count_nonzero(
                self.closed[gate[start]] & (line[start] - since[start] >= hold[start])):
            return None
        changes = (said != before) | (said == _Said.UNSURE)
        return np.unique(line[changes])

    def _now_said(self) -> NDArray[np.int8]:
        truth = self._tests.truth()
        return np.where(truth == Truth.TRUE, _Said.TRUE, np.where(truth == Truth.FALSE, _Said.CLOSED, _Said.NOT_GOOD)
                        ).astype(np.int8)

    def _raw(self, frame: Frame, row: NDArray[np.int64], gate: NDArray[np.int64]) -> NDArray[np.int8]:
        """int8[k] of _Said: what each of these rows makes of the gate beside it."""
        signal, value = frame.signal[row], frame.value[row]
        sound = ((frame.quality[row] & SEVERITY) == 0) & np.isfinite(value)
        plain = (value >= self._low[signal]) & (value <= self._high[signal]) & ~self._spoken_for[signal]
        said = np.where(self._tests.hold(gate, value), _Said.TRUE, _Said.CLOSED)
        return np.where(sound, np.where(plain, said, _Said.UNSURE), _Said.NOT_GOOD).astype(np.int8)

    def _trace(self, row: int) -> Evidence:
        test, said = self._all[row], _Said(int(self._said[row]))
        if said is _Said.CLOSED and self.closed[row]:
            note = Text("counts only while {test}; that has ended since", "仅在 {test} 时有效；此后条件已不成立")
        elif said is _Said.TRUE:
            note = Text("counts only while {test}, and so it is", "仅在 {test} 时有效，当前成立")
        else:
            note = Text("counts only while {test}; that is not known now, so it counts",
                        "仅在 {test} 时有效；目前状态不明，按有效处理")
        return Evidence(int(self._wall[row]), test.signal, float(self._value[row]), note.format(test=test))


def _hold_ns(signal: Signal) -> int:
    return longest_silence_ns(signal) if signal.deadman_s is not None or signal.gas else round(HOLD_S * NS)


def _runs(ascending: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Distinct values, where each begins, and how many there are of it."""
    return np.unique(ascending, return_index=True, return_counts=True)

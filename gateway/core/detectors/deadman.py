"""Silence: a signal that brings no new successful sample."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gateway.core.block import Block
from gateway.core.detectors.detector import Detector, alarm_numbers
from gateway.core.edges import Edges, Outages
from gateway.core.rows import NEVER, Rows
from gateway.model.clock import NS
from gateway.model.condition import Condition
from gateway.model.signal import Signal
from gateway.model.site import Site

GAS_SILENCE_S = 60.0  # a gas detector without a deadman of its own keeps its zone alive no longer than this
_UNWATCHED = 2**61  # ns, 73 years
_NOT_BEGUN = -(2**61)


def longest_silence_ns(signal: Signal) -> int:
    """How long it may bring nothing; 73 years where it is not watched."""
    if signal.deadman_s is not None:
        return round(signal.deadman_s * NS)
    return round(GAS_SILENCE_S * NS) if signal.gas else _UNWATCHED


def is_watched(signal: Signal) -> bool:
    return longest_silence_ns(signal) < _UNWATCHED


class Deadman(Detector):
    """No new successful sample for deadman_s.

    Formula: `now - since >= deadman_s`, where `since` is the line time of the newest *good* sample, or the start of
    watching. The condition begins at the instant `since + deadman_s` (a deadline at t comes before a sample of t), and
    ends with the next good sample.

    On a plant: a dead detector looks exactly like a quiet one. Bad, uncertain and stale samples are traffic, not
    success: a device that answers with rubbish, and a retained message that a broker hands out for ever, both run into
    the deadman. A good sample of an instrument that says of itself that it does not work (rows.answered: `invalid` or
    `inhibit` says so at once) is success: it starts the time anew, but ends nothing. A restart of the gateway starts
    all running deadmen anew (`begin`): the gateway did not look.

    Delay: deadman_s. False alarms: one per interruption longer than that; choose at least three poll periods.

    Not for: signals that are sent on change only; give those a heartbeat first. A deadman shorter than two poll periods
    alarms at every lost answer.
    """

    name = "deadman"

    def __init__(self, site: Site, outages: Outages):
        self._alarm = alarm_numbers(site, Condition.DEADMAN)
        self._period = np.array([longest_silence_ns(signal) for signal in site.signals], np.int64)
        count = len(site.signals)
        self.since = np.full(count, _NOT_BEGUN, np.int64)
        self.silent = np.zeros(count, np.bool_)  # now out of service for silence
        self.waiting = np.ones(count, np.bool_)  # never heard a good sample
        self._silent_count = 0
        self._waiting_count = count
        self._outages = outages
        self._newest_ns = _NOT_BEGUN  # of all `since`
        self._due = np.empty(count, np.int64)
        self.deadline_ns = NEVER

    def step(self, rows: Rows, edges: Edges) -> None:
        index, line = rows.index, rows.line
        if self.deadline_ns <= rows.last_ns:
            self._find_deadline()  # in most cases it has moved on
            if self.deadline_ns <= rows.last_ns:
                since = self.since[index]
                self._expire(rows.signal[~self.silent[index] & (since + self._period[index] <= line)], edges)
        if rows.all_good:
            signal, value, wall = rows.signal, rows.value, rows.wall
        else:
            if rows.answered is not None:
                answered = rows.signal[rows.answered]
                self.since[answered] = np.maximum(self.since[answered], line[rows.answered])
            good = np.flatnonzero(rows.good)
            if not good.size:
                return
            signal = index = rows.signal[good]
            line, value, wall = line[good], rows.value[good], rows.wall[good]
        self.since[index] = line if rows.first_ns >= self._newest_ns else np.maximum(self.since[index], line)
        self._newest_ns = max(self._newest_ns, rows.last_ns)
        if self._silent_count or self._waiting_count:
            self._hear(signal, value, line, wall, edges)

    def sweep(self, block: Block, edges: Edges) -> None:
        """The deadman stands after a round if it ran out since the newest good sample, which ends what stood before."""
        if block.answered is not None and np.count_nonzero(answered := block.answered.any(axis=0)):
            self._sweep_answered(block, answered, edges)
            return
        signal, line = block.signal, block.line
        silent, since, period = self.silent[signal], self.since[signal], self._period[signal]
        waiting = self.waiting[signal]
        if block.all_good and not np.count_nonzero(silent) and not np.count_nonzero(waiting) and bool(
                (line[0] - since < period).all() and (np.diff(line, axis=0) < period).all()):
            self.since[signal] = np.maximum(since, line[-1])
            self._newest_ns = max(self._newest_ns, block.last_ns)
            self._find_deadline()
            return
        heard = np.maximum.accumulate(np.concatenate([since[None], np.where(block.good, line, _NOT_BEGUN)]), axis=0)
        due = heard[:-1] + period
        after_good = np.concatenate([np.ones_like(silent)[None], block.good[:-1]])
        at_first = np.cumsum(after_good, axis=0) == 1  # no good sample yet
        over = (due <= line) & ~(at_first & silent)
        begins = over & (after_good | ~np.concatenate([np.zeros_like(silent)[None], over[:-1]]))
        ends = block.good & (over | at_first & (silent | waiting))
        at, end, column = np.nonzero(np.stack([begins, ends], axis=1))  # what begins and ends in one round begins first
        if at.size:
            own, end = signal[column], end == 1
            told = np.where(end, line[at, column], due[at, column])
            edges.add(self._alarm[own], ~end, np.where(end, block.value[at, column], np.nan), told,
                      np.where(end, block.wall[at, column], told + edges.skew_ns))
            self._outages.add(own, Outages.SILENT, ~end, told)
        self.since[signal] = heard[-1]
        stands = ~block.good & (over | at_first & silent)
        self.silent[signal] = stands[-1]
        self.waiting[signal] &= ~block.good.any(axis=0)
        block.silent = stands
        self.restored()

    def tick(self, line_ns: int, edges: Edges) -> None:
        if self.deadline_ns <= line_ns:
            self._find_deadline()
            if self.deadline_ns <= line_ns:
                self._expire(np.flatnonzero(~self.silent & (self.since + self._period <= line_ns)), edges)
                self._find_deadline()

    def begin(self, line_ns: int) -> None:
        np.maximum(self.since, line_ns, out=self.since)
        self._newest_ns = max(self._newest_ns, line_ns)
        self._find_deadline()

    def start(self, line_ns: int) -> None:
        """Signals that are not watched yet are watched from here."""
        self.since[self.since == _NOT_BEGUN] = line_ns
        self._newest_ns = max(self._newest_ns, line_ns)
        self._find_deadline()

    def await_news(self, signal: NDArray[np.int64]) -> None:
        """Report the next good sample of these signals, as if they had never been heard."""
        self.waiting[signal] = True
        self._waiting_count = np.count_nonzero(self.waiting)

    def state(self) -> dict[str, NDArray]:
        return {"since": self.since, "silent": self.silent, "waiting": self.waiting}

    def restored(self) -> None:
        self._silent_count = np.count_nonzero(self.silent)
        self._waiting_count = np.count_nonzero(self.waiting)
        self._newest_ns = int(self.since.max(initial=_NOT_BEGUN))
        self._find_deadline()

    def adopt(self, alarms: NDArray[np.int64]) -> None:
        self.silent |= np.isin(self._alarm, alarms) & (self._alarm >= 0)
        self.restored()

    def _sweep_answered(self, block: Block, answered: NDArray[np.bool_], edges: Edges) -> None:
        """Columns with answered rows go round by round, the others at once."""
        block.silent = np.zeros(block.value.shape, np.bool_)
        part = block.columns(answered)
        for at, rows in enumerate(part.rows()):
            self.step(rows, edges)
            block.silent[at, answered] = self.silent[part.signal]
        if not answered.all():
            part = block.columns(~answered)
            part.answered = None
            self.sweep(part, edges)
            if part.silent is not None:
                block.silent[:, ~answered] = part.silent

    def _expire(self, signal: NDArray[np.int64], edges: Edges) -> None:
        if signal.size:
            at = self.since[signal] + self._period[signal]
            self.silent[signal] = True
            self._silent_count += signal.size
            edges.add(self._alarm[signal], True, np.nan, at)
            self._outages.add(signal, Outages.SILENT, True, at)

    def _hear(self, signal, value, line, wall, edges: Edges) -> None:
        """Good samples of signals that were silent, or never heard before."""
        news = np.flatnonzero(self.silent[signal] | self.waiting[signal])
        if news.size:
            signal, line = signal[news], line[news]
            edges.add(self._alarm[signal], False, value[news], line, wall[news])
            self._outages.add(signal, Outages.SILENT, False, line)
            self.silent[signal] = self.waiting[signal] = False
            self._silent_count = np.count_nonzero(self.silent)
            self._waiting_count = np.count_nonzero(self.waiting)
            self.deadline_ns = min(self.deadline_ns, int((self.since[signal] + self._period[signal]).min()))

    def _find_deadline(self) -> None:
        due = np.add(self.since, self._period, out=self._due)
        if self._silent_count:
            due[self.silent] = NEVER
        self.deadline_ns = int(due.min(initial=NEVER))
        if self.deadline_ns <= 0:  # not all have begun
            self.deadline_ns = int(due[due > 0].min(initial=NEVER))
        if self.deadline_ns >= _UNWATCHED:
            self.deadline_ns = NEVER

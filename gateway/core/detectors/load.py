"""Load states: is a machine stopped, in maintenance or running, by what it draws?"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from gateway.core.bands import Bands
from gateway.core.block import Block
from gateway.core.edges import Edges
from gateway.core.learning import Figure, Holds, Learner, Picture
from gateway.core.means import Ended, Means
from gateway.core.rows import BAD, Rows
from gateway.model.clock import NS
from gateway.model.learnt import MAINTENANCE, RUNNING, STOPPED, LoadState
from gateway.model.quality import Quality
from gateway.model.site import Site
from gateway.model.text import Text

CONTRAST = 2.5  # a load whose full level is not this many times its idle level has not been seen both idle and full
_UNKNOWN = -1.0


class Loads(Learner):
    """What the states of machines are judged by: the idle and the full level of their loads.

    Formula: share = (load - idle) / (full - idle). `stopped` (0) up to 0.15, `running` (2) from 0.40 on, `maintenance`
    (1) between; a state is left only when the share is 0.05 beyond its bound. All of it can be set. Levels that are not
    set are learnt from means of the good samples over `every_s` (gateway.core.bands), and known when `learn_s` of them
    have been learnt and the full level is 2.5 times the idle one: a machine that never stopped, or never ran, gives no
    measure of the other. Until then the state is BAD_WAITING, not a guess: a rule neither begins nor ends by it.

    On a plant: the state is a signal of the site (gateway.core.derived makes its samples, one for each sample of the
    load), and rules use it like any other: running while the plant is ordered to stop, running while the fan is not.
    Where such a rule matters from the first day, set both levels; learnt ones are for plants that work as usual first.

    Delay: none; the rule's own on-delay bridges short peaks. A bad load gives a bad state, an uncertain one an
    uncertain one. False alarms: it raises no alarm of its own.

    Not for: a load that shares its meter with others of its own size, one whose idle level is above 40 % of its full
    one, and standby units that start by turns.
    """

    name = "load"

    def __init__(self, site: Site, holds: Holds):
        self._holds, self._signals = holds, site.signals
        count = len(site.signals)
        self._watched, self._set = np.zeros(count, np.bool_), np.zeros(count, np.bool_)
        every, self._needed = np.zeros(count, np.int64), np.ones(count)
        self._idle, self._full = np.zeros(count), np.ones(count)
        self._stopped, self._running, self._band = np.zeros(count), np.ones(count), np.zeros(count)
        for signal in site.signals:
            if isinstance(asked := signal.derived, LoadState):
                number = site.signals.index(asked.load)
                self._stopped[number], self._running[number] = asked.stopped, asked.running
                self._band[number] = asked.band
                if asked.levels is not None:
                    self._set[number] = True
                    self._idle[number], self._full[number] = asked.levels
                else:
                    self._watched[number] = True
                    every[number] = max(round(asked.every_s * NS), 1)
                    self._needed[number] = max(math.ceil(asked.learn_s / asked.every_s), 1)
        self._means, self._bands = Means(every), Bands(every)
        self._state = np.full(count, _UNKNOWN)  # of each load, by the newest good sample

    def step(self, rows: Rows, edges: Edges) -> None:
        if (ended := self._means.take(rows)) is not None:
            self._learn(ended)

    def sweep(self, block: Block, edges: Edges) -> None:
        for ended in self._means.sweep(block):
            self._learn(ended)

    def states(self, load: NDArray[np.int64], due: NDArray[np.bool_], value: NDArray[np.float64],
               code: NDArray[np.uint16]) -> tuple[NDArray[np.float64], NDArray[np.uint16]]:
        """The states by the newest samples of these loads, with their quality; NaN where it is bad. due: the sample is
        new, and remembered."""
        idle, full = self._levels(load)
        known, before = self._known(load), self._state[load]
        share = (value - idle) / np.where(known, full - idle, 1.0)
        leave_stopped = self._stopped[load] + np.where(before == STOPPED, self._band[load], 0.0)
        leave_running = self._running[load] - np.where(before == RUNNING, self._band[load], 0.0)
        state = np.where(share >= leave_running, RUNNING, np.where(share > leave_stopped, MAINTENANCE, STOPPED))
        remembered = due & known & (code < Quality.UNCERTAIN)
        self._state[load[remembered]] = state[remembered]
        bad = code >= BAD
        return (np.where(known & ~bad, state, np.nan),
                np.where(known | bad, code, np.uint16(Quality.BAD_WAITING)).astype(np.uint16))

    def state(self) -> dict[str, NDArray]:
        return {"bands": self._bands.state, "state": self._state, **self._means.state()}

    def adopt(self, alarms: NDArray[np.int64]) -> None:
        """It has no alarms."""

    def progress(self) -> NDArray[np.float64]:
        share = np.minimum(self._bands.count / self._needed, 1.0)
        told = self._known(np.arange(share.shape[0]))
        return np.where(self._watched, np.where(told, share, np.minimum(share, 0.99)), np.nan)

    def forget(self, signals: NDArray[np.int64]) -> None:
        own = signals[self._watched[signals]]
        self._state[own] = _UNKNOWN
        self._bands.forget(own)
        self._means.forget(own)

    def picture(self, signal: int) -> Picture | None:
        if not self._watched[signal]:
            return None
        idle, full = map(float, self._bands.levels(signal))
        unit = self._signals[signal].unit
        return Picture(self.name, Text("levels of the load", "负荷水平"), float(self.progress()[signal]),
                       (Figure(Text("idle level", "空载水平"), idle, unit),
                        Figure(Text("full level", "满载水平"), full, unit)))

    def _learn(self, ended: Ended) -> None:
        self._bands.step(ended.signal, ended.mean, self._holds.held(ended.signal, ended.span_ns))

    def _levels(self, load: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        learnt_idle, learnt_full = self._bands.levels(load)
        given = self._set[load]
        return np.where(given, self._idle[load], learnt_idle), np.where(given, self._full[load], learnt_full)

    def _known(self, load: NDArray[np.int64]) -> NDArray[np.bool_]:
        idle, full = self._levels(load)
        contrast = (full > CONTRAST * idle) & (full > idle)
        return self._set[load] | (self._bands.count[load] >= self._needed[load]) & contrast

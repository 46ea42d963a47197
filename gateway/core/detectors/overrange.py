"""Gas beyond the range of its detector: an alarm that stays until a person has seen it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gateway.core.block import Block, held
from gateway.core.detectors.detector import Detector, alarm_numbers
from gateway.core.edges import Edges
from gateway.core.rows import BAD, Rows
from gateway.model.condition import Condition
from gateway.model.site import Site


class OverRange(Detector):
    """A gas reading above the top of its range, where no HH holds it.

    Formula: the condition begins with a reading beyond the range that the validity detector counts as danger (not one
    of a head that says that it is out of service or failed) and ends with the first good reading. The alarm latches: it
    stays until somebody acknowledges it. Only a gas signal without an HH that latches has it: there the HH does the
    same.

    On a plant: a catalytic head in a mixture that gets too rich to burn reads less and less: at 60 % of gas it may show
    20 %LEL, and at last nothing. Whoever then sees a low number without this alarm walks into it.

    Delay: none. False alarms: one per test gas beyond the range, and per fault of a head that drives it to its top.

    Not for: readings within the range; those have their limits. A head that answers nothing: the deadman.
    """

    name = "over range"

    def __init__(self, site: Site):
        self._alarm = alarm_numbers(site, Condition.OVER_RANGE)
        self._watched = self._alarm >= 0
        self._active = np.zeros(len(site.signals), np.bool_)
        self._active_count = 0

    def step(self, rows: Rows, edges: Edges) -> None:
        if rows.all_good and not self._active_count:
            return
        index = rows.index
        watched, active = self._watched[index], self._active[index]
        self._turn(True, np.flatnonzero(_beyond(rows) & watched & ~active), rows, edges)
        self._turn(False, np.flatnonzero(rows.good & active), rows, edges)

    def sweep(self, block: Block, edges: Edges) -> None:
        if block.all_good and not self._active_count:
            return
        s, before = block.signal, self._active[block.signal]
        after = held(_beyond(block) & self._watched[s], block.good, before)
        at, column = np.nonzero(after != np.concatenate([before[None], after[:-1]]))
        if at.size:
            edges.add(self._alarm[s[column]], after[at, column], block.value[at, column], block.line[at, column],
                      block.wall[at, column])
        self._active[s] = after[-1]
        self._active_count = np.count_nonzero(self._active)

    def state(self) -> dict[str, NDArray]:
        return {"active": self._active}

    def restored(self) -> None:
        self._active &= self._watched
        self._active_count = np.count_nonzero(self._active)

    def adopt(self, alarms: NDArray[np.int64]) -> None:
        self._active |= np.isin(self._alarm, alarms) & self._watched
        self.restored()

    def _turn(self, active: bool, row: NDArray[np.int64], rows: Rows, edges: Edges) -> None:
        if row.size:
            signal = rows.signal[row]
            self._active[signal] = active
            self._active_count = np.count_nonzero(self._active)
            edges.add(self._alarm[signal], active, rows.value[row], rows.line[row], rows.wall[row])


def _beyond(rows: Rows | Block) -> NDArray[np.bool_]:
    """Bad and yet alarming: that is what a gas reading beyond its range is, and nothing else."""
    return rows.alarming & ((rows.quality & BAD) != 0)

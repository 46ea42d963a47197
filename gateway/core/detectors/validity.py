"""Readings that can not be: outside the measuring range, a broken 4-20 mA loop, a device that reports itself failed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gateway.core.detectors.detector import Detector, alarm_numbers
from gateway.core.edges import Edges, Outages
from gateway.core.rows import BAD, CODE, FLAGS, SEVERITY, Rows
from gateway.model.quality import Quality
from gateway.model.signal import Condition, Signal
from gateway.model.site import Site

# NAMUR NE 43, in mA: a sound transmitter signals measured values within 3.8 .. 20.5, a failed one goes beyond 3.6 / 21.
LOOP_FAULT_LOW, LOOP_VALID_LOW, LOOP_VALID_HIGH, LOOP_FAULT_HIGH = 3.6, 3.8, 20.5, 21.0
GAS_DRIFT = 0.05  # of span: a gas head that reads lower than this below its range has drifted
TOLERANCE = 0.01  # of span: how far beyond its range any other reading may be before it is a fault


class Validity(Detector):
    """Judges every sample before anyone else sees it, and raises `invalid`.

    A reading becomes invalid outside [fault low, fault high] and valid again inside [valid low, valid high]:

        kind of signal      fault low        valid low        valid high     fault high     quality becomes
        4-20 mA loop        3.6 mA           3.8 mA           20.5 mA        21 mA          BAD_SENSOR
        gas                 low - 5 % span   low - 5 % span   high           high           BAD_RANGE
        any other           low - 1 % span   low              high           high + 1 % span  BAD_RANGE

    (the current of a loop follows from its scaling onto low..high; a range with one end only has no tolerance). The
    condition begins with such a sample, or with one that the source itself marks BAD_SENSOR, BAD_RANGE or BAD_DEVICE,
    and ends with the next good one. Lost communication is not this detector's matter but the deadman's.

    On a plant: an open loop reads -25 % of range and would hide a high level; a poisoned gas head drifts below zero.
    **Over-range gas is danger**: a catalytic head above 100 %LEL is past its range, and falls again as the mixture gets
    too rich. A gas reading above the top of its range is therefore invalid *and* counts as evidence for every high
    limit of that signal (rows.alarming); such a row ends nothing. The hold is the limit's off-delay and latch.

    Delay: none. False alarms: one per excursion; the gap between fault and valid keeps a reading that hugs the end of
    its range from chattering.
    """

    name = "validity"

    def __init__(self, site: Site, outages: Outages):
        bounds = np.array([_bounds(signal) for signal in site.signals]).reshape(-1, 4).T
        self._fault_low, self._valid_low, self._valid_high, self._fault_high = np.ascontiguousarray(bounds)
        self._low, self._high = self._fault_low.copy(), self._fault_high.copy()  # in force now
        self._alarm = alarm_numbers(site, Condition.INVALID)
        self._gas = np.array([signal.gas for signal in site.signals], np.bool_)
        self._code = np.array([Quality.BAD_SENSOR if _loop(signal) else Quality.BAD_RANGE for signal in site.signals],
                              np.uint16)
        self.invalid = np.zeros(len(site.signals), np.bool_)
        self._invalid_count = 0
        self._outages = outages
        self._flags = np.empty((2, len(site.signals)), np.bool_)

    def step(self, rows: Rows, edges: Edges) -> None:
        index, value = rows.index, rows.value
        outside, above = self._flags[0, :len(rows)], self._flags[1, :len(rows)]
        np.less(value, self._low[index], out=outside)
        np.greater(value, self._high[index], out=above)
        np.logical_or(outside, above, out=outside)
        if rows.all_good and not self._invalid_count and not np.count_nonzero(outside):
            return
        self._judge(rows, outside, above)
        faulty = _is_fault(rows.quality & CODE)
        invalid = self.invalid[index]
        self._turn(True, np.flatnonzero(faulty & ~invalid), rows, edges)
        self._turn(False, np.flatnonzero(rows.good & invalid), rows, edges)

    def state(self) -> dict[str, NDArray]:
        return {"invalid": self.invalid}

    def restored(self) -> None:
        np.copyto(self._low, np.where(self.invalid, self._valid_low, self._fault_low))
        np.copyto(self._high, np.where(self.invalid, self._valid_high, self._fault_high))
        self._invalid_count = np.count_nonzero(self.invalid)

    def adopt(self, alarms: NDArray[np.int64]) -> None:
        self.invalid |= np.isin(self._alarm, alarms) & (self._alarm >= 0)
        self.restored()

    def _judge(self, rows: Rows, outside: NDArray[np.bool_], above: NDArray[np.bool_]) -> None:
        """Put the effective quality into the rows, and which of them are evidence of what."""
        usable = (rows.quality & SEVERITY) < BAD
        quality = np.where(outside & usable, rows.quality & FLAGS | self._code[rows.index], rows.quality)
        trusted_side = usable | ((rows.quality & CODE) == Quality.BAD_RANGE)
        over_range = self._gas[rows.index] & above & trusted_side
        rows.quality = quality
        rows.good = (quality & SEVERITY) == 0
        rows.alarming = ((quality & SEVERITY) < BAD) | over_range
        rows.all_good = bool(rows.good.all())

    def _turn(self, invalid: bool, row: NDArray[np.int64], rows: Rows, edges: Edges) -> None:
        if row.size:
            signal, line = rows.signal[row], rows.line[row]
            self.invalid[signal] = invalid
            self._low[signal] = (self._valid_low if invalid else self._fault_low)[signal]
            self._high[signal] = (self._valid_high if invalid else self._fault_high)[signal]
            self._invalid_count = np.count_nonzero(self.invalid)
            edges.add(self._alarm[signal], invalid, rows.value[row], line, rows.wall[row])
            self._outages.add(signal, Outages.INVALID, invalid, line)


def _is_fault(code: NDArray[np.uint16]) -> NDArray[np.bool_]:
    return (code == Quality.BAD_SENSOR) | (code == Quality.BAD_RANGE) | (code == Quality.BAD_DEVICE)


def _loop(signal: Signal) -> bool:
    return signal.loop_ma and signal.low is not None and signal.high is not None


def _bounds(signal: Signal) -> tuple[float, float, float, float]:
    """(fault low, valid low, valid high, fault high) in engineering units."""
    low, high = signal.low, signal.high
    if low is None or high is None:
        low, high = -np.inf if low is None else low, np.inf if high is None else high
        return low, low, high, high
    span = high - low
    if _loop(signal):
        return tuple(low + (current - 4.0) / 16.0 * span  # type: ignore[return-value]
                     for current in (LOOP_FAULT_LOW, LOOP_VALID_LOW, LOOP_VALID_HIGH, LOOP_FAULT_HIGH))
    if signal.gas:
        return low - GAS_DRIFT * span, low - GAS_DRIFT * span, high, high
    return low - TOLERANCE * span, low, high, high + TOLERANCE * span

"""Readings that are not to be believed: outside the measuring range, a broken 4-20 mA loop, an instrument that says
of itself that it has failed or is out of service."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gateway.core.block import Block, held
from gateway.core.detectors.detector import Detector, alarm_numbers
from gateway.core.detectors.limits import HIGH
from gateway.core.edges import Edges, Outages
from gateway.core.instruments import Instruments, Service
from gateway.core.rows import BAD, CODE, FLAGS, SEVERITY, Rows
from gateway.model.condition import Condition
from gateway.model.quality import Quality
from gateway.model.signal import Signal
from gateway.model.site import Site

# NAMUR NE 43, in mA: a sound transmitter signals measured values within 3.8 .. 20.5, a failed one goes beyond 3.6 / 21.
LOOP_FAULT_LOW, LOOP_VALID_LOW, LOOP_VALID_HIGH, LOOP_FAULT_HIGH = 3.6, 3.8, 20.5, 21.0
GAS_DRIFT = 0.05  # of span: a gas head that reads lower than this below its range has drifted
TOLERANCE = 0.01  # of span: how far beyond its range any other reading may be before it is a fault

_AS_IT_WAS = 0xFFFF
# What an instrument's service makes of the quality of its reading, by severity of that: good, uncertain, bad, bad.
_SAID = np.array([{
    Service.NORMAL: 4 * [_AS_IT_WAS],
    Service.UNKNOWN: [Quality.UNCERTAIN, *3 * [_AS_IT_WAS]],
    Service.OUT_OF_SERVICE: [*2 * [Quality.UNCERTAIN_SENSOR], *2 * [_AS_IT_WAS]],
    Service.UNLISTED: [Quality.UNCERTAIN, *3 * [_AS_IT_WAS]],
    Service.FAULT: 4 * [Quality.BAD_SENSOR],
    Service.OVER_RANGE: 4 * [Quality.BAD_RANGE],
}[service] for service in Service], np.uint16)
_HOLDS_BACK = np.isin([*Service], (Service.OUT_OF_SERVICE, Service.FAULT, Service.OVER_RANGE))  # no limit begins
_ANNOUNCED = np.array([service > Service.UNKNOWN for service in Service])  # by `invalid` or `inhibit`, at once


class Validity(Detector):
    """Judges every sample before anyone else sees it, and raises `invalid` and `inhibit`.

    A reading becomes invalid outside [fault low, fault high] and valid again inside [valid low, valid high]:

        kind of signal      fault low        valid low        valid high     fault high     quality becomes
        4-20 mA loop        3.6 mA           3.8 mA           20.5 mA        21 mA          BAD_SENSOR
        gas                 low - 5 % span   low - 5 % span   high           high           BAD_RANGE
        any other           low - 1 % span   low              high           high + 1 % span  BAD_RANGE

    (the current of a loop follows from its scaling onto low..high; a range with one end only has no tolerance). The
    condition `invalid` begins with such a sample, or with one that the source itself marks BAD_SENSOR, BAD_RANGE or
    BAD_DEVICE, and ends with the next good one. Lost communication is not this detector's matter but the deadman's.

    Where the instrument gives a status (gateway.core.instruments), its word goes before the number it sends:

        its status says      quality becomes    condition    limits
        normal               (as it was)
        out of service       UNCERTAIN_SENSOR   inhibit      none begins
        fault                BAD_SENSOR         invalid      none begins
        over range           BAD_RANGE          invalid      gas: the reading is at least the top of the range, HH and H
                                                             begin
        an unlisted number   UNCERTAIN          invalid      may begin
        unknown              UNCERTAIN                       may begin; the deadman runs

    In none of these a limit ends. Out of service leaves a bad quality as it was; an unlisted or unknown status lowers a
    good one only. `inhibit` ends, like `invalid`, with the next good sample.

    On a plant: an open loop reads -25 % of range and would hide a high level; a poisoned gas head drifts below zero.
    **Over-range gas is danger**: a catalytic head above 100 %LEL is past its range, and falls again as the mixture gets
    too rich. A gas reading above the top of its range is therefore invalid *and* counts as evidence for every high
    limit of that signal (rows.alarming); such a row ends nothing. The hold is the latch of HH, else `over-range`.

    **A head on calibration gas** reads what would be danger in the process. While a good and current status says so,
    its limits raise nothing new, and `inhibit` stands in their place: seen, recorded, counted as not working by its
    zone. What stood stays, a running on-delay goes on, and without a good status nothing is held back
    (docs/decisions/instrument-status.md).

    Delay: none. False alarms: one per excursion; the gap between fault and valid keeps a reading that hugs the end of
    its range from chattering.

    Not for: readings that are wrong within their range; those are the matter of drift, wrapped and deviation.
    """

    name = "validity"

    def __init__(self, site: Site, outages: Outages, instruments: Instruments):
        bounds = np.array([_bounds(signal) for signal in site.signals]).reshape(-1, 4).T
        self._fault_low, self._valid_low, self._valid_high, self._fault_high = np.ascontiguousarray(bounds)
        self._low, self._high = self._fault_low.copy(), self._fault_high.copy()  # in force now
        self._alarm = alarm_numbers(site, Condition.INVALID)
        self._inhibit = alarm_numbers(site, Condition.INHIBIT)
        self._top = np.array([_top(signal) for signal in site.signals])
        self._gas = np.array([signal.gas for signal in site.signals], np.bool_)
        self._code = np.array([Quality.BAD_SENSOR if _loop(signal) else Quality.BAD_RANGE for signal in site.signals],
                              np.uint16)
        self.invalid = np.zeros(len(site.signals), np.bool_)
        self.inhibited = np.zeros(len(site.signals), np.bool_)
        self._out = np.zeros(len(site.signals), np.bool_)  # invalid or inhibited
        self._out_count = 0
        self._outages, self._instruments = outages, instruments
        self._flags = np.empty((2, len(site.signals)), np.bool_)

    @property
    def range(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Lowest and highest value that is not out of range, of each signal."""
        return self._fault_low, self._fault_high

    def step(self, rows: Rows, edges: Edges) -> None:
        index, value = rows.index, rows.value
        service = self._instruments.of(rows)
        if rows.ordinary and service is None and not (self._out_count and np.count_nonzero(self._out[index])):
            return
        rows.ordinary = False
        outside, above = self._flags[0, :len(rows)], self._flags[1, :len(rows)]
        np.less(value, self._low[index], out=outside)
        np.greater(value, self._high[index], out=above)
        np.logical_or(outside, above, out=outside)
        self._judge(rows, outside, above)
        if service is not None:
            said = np.flatnonzero(service)
            self._heed(rows, said, service[said])
            out = said[service[said] == Service.OUT_OF_SERVICE]
            self._turn_inhibited(True, out[~self.inhibited[rows.signal[out]]], rows, edges)
        invalid, faulty = self.invalid[index], _is_fault(rows.quality & CODE)
        if service is not None:
            faulty[said[service[said] == Service.UNLISTED]] = True
        self._turn(True, np.flatnonzero(faulty & ~invalid), rows, edges)
        self._turn(False, np.flatnonzero(rows.good & invalid), rows, edges)
        self._turn_inhibited(False, np.flatnonzero(rows.good & self.inhibited[index]), rows, edges)

    def sweep(self, block: Block, edges: Edges) -> None:
        """The machine of `invalid` forgets: a fault sets it, a good sample resets it, whatever it was. So its state is
        said by the newest of the two, and only columns with a status that matters go round by round."""
        index, value = block.index, block.value
        outside = (value < self._low[index]) | (value > self._high[index])
        service = self._instruments.over(block)
        if block.all_good and service is None and not self._out_count and not np.count_nonzero(outside):
            return
        told = self.inhibited[block.signal] if service is None else self.inhibited[block.signal] | service
        odd = outside.any(axis=0) | ~block.good.all(axis=0) | self.invalid[block.signal] | told
        for array in ("quality", "good", "alarming"):
            setattr(block, array, getattr(block, array).copy())
        plain, told = np.flatnonzero(odd & ~told), np.flatnonzero(told)
        if plain.size:
            part = block.columns(plain)
            self._sweep_plain(part, edges)
            _put(part, block, plain)
        if told.size:
            part = block.columns(told)
            part.answered = np.zeros(part.value.shape, np.bool_)
            for at, rows in enumerate(part.rows()):
                self.step(rows, edges)
                part.value[at], part.quality[at] = rows.value, rows.quality
                part.good[at], part.alarming[at] = rows.good, rows.alarming
                if rows.answered is not None:
                    part.answered[at, rows.answered] = True
            block.value, block.answered = block.value.copy(), np.zeros(block.value.shape, np.bool_)
            _put(part, block, told)
            block.value[:, told], block.answered[:, told] = part.value, part.answered
        block.all_good = bool(block.good.all())

    def state(self) -> dict[str, NDArray]:
        return {"invalid": self.invalid, "inhibited": self.inhibited}

    def restored(self) -> None:
        self.inhibited &= self._inhibit >= 0
        np.copyto(self._low, np.where(self.invalid, self._valid_low, self._fault_low))
        np.copyto(self._high, np.where(self.invalid, self._valid_high, self._fault_high))
        self._count_out()

    def adopt(self, alarms: NDArray[np.int64]) -> None:
        self.invalid |= np.isin(self._alarm, alarms) & (self._alarm >= 0)
        self.inhibited |= np.isin(self._inhibit, alarms) & (self._inhibit >= 0)
        self.restored()

    def _judge(self, rows: Rows, outside: NDArray[np.bool_], above: NDArray[np.bool_]) -> None:
        """Put the effective quality into the rows, and which of them are evidence of what."""
        self._believe(rows, outside, above, (rows.quality & SEVERITY) < BAD)

    def _believe(self, rows: Rows | Block, outside: NDArray[np.bool_], above: NDArray[np.bool_],
                 usable: NDArray[np.bool_]) -> None:
        quality = np.where(outside & usable, rows.quality & FLAGS | self._code[rows.index], rows.quality)
        trusted_side = usable | ((rows.quality & CODE) == Quality.BAD_RANGE)
        over_range = self._gas[rows.index] & above & trusted_side
        rows.quality = quality
        rows.good = (quality & SEVERITY) == 0
        rows.alarming = ((quality & SEVERITY) < BAD) | over_range
        rows.all_good = bool(rows.good.all())

    def _sweep_plain(self, block: Block, edges: Edges) -> None:
        """Judge columns of which no instrument says anything, and turn `invalid`."""
        s, value = block.signal, block.value
        usable = (block.quality & SEVERITY) < BAD
        above, above_valid = value > self._fault_high[s], value > self._valid_high[s]
        outside = above | (value < self._fault_low[s])
        outside_valid = above_valid | (value < self._valid_low[s])
        faulty = outside & usable | _is_fault(block.quality & CODE)
        sound = ((block.quality & SEVERITY) == 0) & ~outside_valid
        after = held(faulty, sound, self.invalid[s])
        before = np.concatenate([self.invalid[s][None], after[:-1]])
        outside, above = np.where(before, outside_valid, outside), np.where(before, above_valid, above)
        self._believe(block, outside, above, usable)
        at, column = np.nonzero(after != before)
        signal, line, invalid = s[column], block.line[at, column], after[at, column]
        if signal.size:
            edges.add(self._alarm[signal], invalid, value[at, column], line, block.wall[at, column])
            self._outages.add(signal, Outages.INVALID, invalid, line)
        self.invalid[s] = after[-1]
        self._low[s] = np.where(after[-1], self._valid_low[s], self._fault_low[s])
        self._high[s] = np.where(after[-1], self._valid_high[s], self._fault_high[s])
        self._count_out()

    def _heed(self, rows: Rows, row: NDArray[np.int64], service: NDArray[np.uint8]) -> None:
        """Overrule that in these rows by what their instruments say of themselves."""
        quality, signal = rows.quality[row], rows.signal[row]
        rows.answered = row[rows.good[row] & _ANNOUNCED[service]]
        said = _SAID[service, (quality & SEVERITY) >> 6]
        quality = rows.quality[row] = np.where(said == _AS_IT_WAS, quality, quality & FLAGS | said)
        rows.good[row] = (quality & SEVERITY) == 0
        over_range = (service == Service.OVER_RANGE) & self._gas[signal]
        rows.alarming[row] = (rows.alarming[row] & ~_HOLDS_BACK[service]) | over_range
        if np.count_nonzero(over_range):
            rows.value = rows.value.copy()
            rows.value[row[over_range]] = np.fmax(rows.value[row], self._top[signal])[over_range]
        rows.all_good = bool(rows.good.all())

    def _turn(self, invalid: bool, row: NDArray[np.int64], rows: Rows, edges: Edges) -> None:
        if row.size:
            signal, line = rows.signal[row], rows.line[row]
            self.invalid[signal] = invalid
            self._low[signal] = (self._valid_low if invalid else self._fault_low)[signal]
            self._high[signal] = (self._valid_high if invalid else self._fault_high)[signal]
            self._count_out()
            edges.add(self._alarm[signal], invalid, rows.value[row], line, rows.wall[row])
            self._outages.add(signal, Outages.INVALID, invalid, line)

    def _turn_inhibited(self, inhibited: bool, row: NDArray[np.int64], rows: Rows, edges: Edges) -> None:
        if row.size:
            signal, line = rows.signal[row], rows.line[row]
            self.inhibited[signal] = inhibited
            self._count_out()
            edges.add(self._inhibit[signal], inhibited, rows.value[row], line, rows.wall[row])
            self._outages.add(signal, Outages.INHIBITED, inhibited, line)

    def _count_out(self) -> None:
        np.logical_or(self.invalid, self.inhibited, out=self._out)
        self._out_count = np.count_nonzero(self._out)


def _put(part: Block, block: Block, column: NDArray[np.int64]) -> None:
    """What was found out about some columns of a block into it."""
    for name in ("quality", "good", "alarming"):
        getattr(block, name)[:, column] = getattr(part, name)


def _is_fault(code: NDArray[np.uint16]) -> NDArray[np.bool_]:
    return (code == Quality.BAD_SENSOR) | (code == Quality.BAD_RANGE) | (code == Quality.BAD_DEVICE)


def _top(signal: Signal) -> float:
    """The least that an instrument that is over range stands for: reaches every high limit. NaN: not known."""
    if signal.high is not None:
        return signal.high
    return max((limit.value for limit in signal.limits if limit.condition in HIGH), default=np.nan)


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

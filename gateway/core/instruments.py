"""What instruments say of themselves: the status beside a reading, and so what the reading is worth."""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from gateway.core.block import Block
from gateway.core.edges import Edges
from gateway.core.latest import Latest
from gateway.core.rows import BAD, NEVER, SEVERITY, Rows
from gateway.model.clock import NS
from gateway.model.frame import Frame
from gateway.model.quality import Quality
from gateway.model.signal import Signal, StatusLink
from gateway.model.site import Site
from gateway.model.text import Text
from gateway.model.verdict import Evidence

HOLD_S = 60.0  # how long a good status is believed where neither it nor its reading has a deadman


class Service(IntEnum):
    """How an instrument is, by its own word."""

    NORMAL = 0
    UNKNOWN = 1  # no good status yet, or none for too long
    OUT_OF_SERVICE = 2
    UNLISTED = 3  # a number that nobody has explained
    FAULT = 4
    OVER_RANGE = 5


_NOTES = {
    Service.UNKNOWN: Text("no good status: the reading is uncertain", "无有效状态：读数存疑"),
    Service.OUT_OF_SERVICE: Text("{label}: the instrument is out of service", "{label}：仪表已退出工作"),
    Service.UNLISTED: Text("{label}: not among the listed status numbers", "{label}：不在已列出的状态值之中"),
    Service.FAULT: Text("{label}: the instrument calls itself failed", "{label}：仪表自报故障"),
    Service.OVER_RANGE: Text("{label}: more than the instrument can measure", "{label}：超过仪表量程"),
}


class Instruments:
    """The status links of a site (`gateway.model.signal.StatusLink`).

    The newest *good* status holds for every reading of the signals it is linked to, from its own instant on, in
    whatever frame and order the two arrive. It is believed for the deadman of the status signal (where it has none: the
    shortest deadman of its readings; else 60 s); after that, and before the first one, the status is unknown. A bad
    status sample changes nothing until then. One that is uncertain or stale proves nothing: if it says something else
    than what is known, the status is unknown.

    What each service does to a reading is in `gateway.core.detectors.validity`. A reading is judged when it comes; and,
    because it may not come for long, or never, also when its instrument disowns it: `take` puts a bad row for it in
    front.
    """

    name = "status"

    def __init__(self, site: Site, latest: Latest):
        signals, count = site.signals, len(site.signals)
        links = [(number, signals.index(signal.status.signal), signal) for number, signal in enumerate(signals)
                 if signal.status is not None]
        self._site, self._latest = site, latest
        self._readings = {status: [(number, _meanings(signal.status)) for number, own, signal in links if own == status]
                          for status in sorted({status for _, status, _ in links})}
        self._statuses = np.array([*self._readings], np.int64)
        self._is_status = np.zeros(count, np.bool_)
        self._is_status[self._statuses] = True
        self._status_of = np.full(count, -1, np.int64)
        for number, status, _ in links:
            self._status_of[number] = status
        self._hold = np.full(count, NEVER, np.int64)  # of each status signal
        for status, readings in self._readings.items():
            self._hold[status] = round(_hold_s(signals[status], [signals[number] for number, _ in readings]) * NS)
        self._seen = np.full(count, np.nan)  # of each status signal: what is known of it, NaN: nothing
        self._since = np.zeros(count, np.int64)  # line time of its newest good sample
        self._wall = np.zeros(count, np.int64)  # wall time of the sample that said it first
        self._service = np.zeros(count, np.uint8)  # of each reading, while its status is believed
        self._subject = np.full(len(site.alarms) + 1, -1, np.int64)  # of each alarm: the linked reading it is about
        for number, _, signal in links:
            self._subject[[place for place, alarm in enumerate(site.alarms) if alarm.origin == signal.id]] = number
        self.restored()

    @property
    def linked(self) -> bool:
        return bool(self._readings)

    def of(self, rows: Rows) -> NDArray[np.uint8] | None:
        """Service of each row's instrument, read-only; None: all are normal (or have no status)."""
        if not self._troubled and rows.last_ns < self._expires:
            return None
        service = self._service[rows.index]
        if rows.last_ns >= self._expires:
            status = self._status_of[rows.index]
            old = (status >= 0) & (rows.line - self._since[status] >= self._hold[status])
            service = np.where(old, np.uint8(Service.UNKNOWN), service)
        return service if np.count_nonzero(service) else None

    def over(self, block: Block) -> NDArray[np.bool_] | None:
        """bool[k]: the instrument is not normal at some time in the block; None: all always are (or have no status)."""
        if not self._troubled and block.last_ns < self._expires:
            return None
        status = self._status_of[block.index]
        troubled = (self._service[block.index] != Service.NORMAL) | (
            (status >= 0) & (block.line[-1] - self._since[status] >= self._hold[status]))
        return troubled if np.count_nonzero(troubled) else None

    def cut(self, frame: Frame) -> list[Frame] | None:
        """The frame in pieces in order of time: each begins with the status samples of one instant that say something
        new, or speak again after too long, and holds no later ones. None: there are none, so that the order within the
        frame does not matter."""
        row = np.flatnonzero(self._is_status.take(frame.signal))
        signal, line = frame.signal[row], frame.line_ns[row]
        last = int(frame.line_ns.max())
        changed = (np.count_nonzero(frame.value[row] != self._seen[signal])
                   or np.count_nonzero(frame.quality[row] & SEVERITY))
        news = self._news(frame, row) if changed or last >= self._expires else row[:0]
        if not news.size:
            self._since[signal] = np.maximum(self._since[signal], line)
            if last >= self._expires:
                self._expires = self._next_expiry()
            if last < self._expires:
                return None
        order = np.argsort(frame.line_ns, kind="stable")
        starts = np.searchsorted(frame.line_ns[order], np.unique(frame.line_ns[news]))
        return [frame.take(rows) for rows in np.split(order, starts) if rows.size]

    def take(self, piece: Frame) -> Frame:
        """Take in the status samples of a piece. Returns it, led by a bad row for every reading that is disowned."""
        first_ns = int(piece.line_ns[0])
        self._forget(first_ns)
        disowned: list[tuple[int, int]] = []
        usable = self._usable(piece)
        news = piece.line_ns[usable] == first_ns
        for at in usable[news].tolist():
            signal, value, good = int(piece.signal[at]), float(piece.value[at]), not piece.quality[at] & SEVERITY
            if good:
                self._since[signal] = piece.line_ns[at]
            if value != self._seen[signal]:
                self._wall[signal] = piece.wall_ns[at]
                disowned += ((reading, at) for reading in self._learn(signal, value if good else math.nan))
        again = usable[~news]
        self._since[piece.signal[again]] = piece.line_ns[again]
        self._expires = self._next_expiry()
        if not disowned:
            return piece
        reading, at = np.array(disowned, np.int64).T
        waiting = self._latest.quality[reading] == Quality.BAD_WAITING
        return Frame.concat([Frame.from_columns(
            reading.astype(np.int32), np.full(reading.shape, np.nan),
            np.where(waiting, np.uint16(Quality.BAD_WAITING), np.uint16(Quality.BAD)), piece.wall_ns[at],
            np.maximum(piece.line_ns[at], self._latest.line_ns[reading])), piece])

    def explain(self, edges: Edges, part: int, position: int) -> None:
        """Give what the instrument says as evidence to the edges about its reading, from this part and position on."""
        for alarm, _, _, line, wall in edges.parts[part:]:
            for place in np.flatnonzero(self._subject[alarm] >= 0).tolist():
                if trace := self._trace(int(self._subject[alarm[place]]), int(line[place]), int(wall[place])):
                    edges.evidence[position + place] = (trace,)
            position += alarm.shape[0]

    def state(self) -> dict[str, NDArray]:
        return {"seen": self._seen, "since": self._since, "wall": self._wall}

    def restored(self) -> None:
        """State was written from outside: what it means is said by the links of this site."""
        self._service.fill(Service.NORMAL)
        for status, value in zip(self._statuses.tolist(), self._seen[self._statuses].tolist(), strict=True):
            self._learn(status, value)
        self._troubled = np.count_nonzero(self._service)
        self._expires = self._next_expiry()

    def _news(self, frame: Frame, row: NDArray[np.int64]) -> NDArray[np.int64]:
        """Which of these rows of status samples say more than that all is as it was."""
        found = [row[:0]]
        for status in np.unique(frame.signal[row]).tolist():
            own = row[frame.signal[row] == status]
            value, good = frame.value[own], (frame.quality[own] & SEVERITY) == 0
            found.append(own[(value != np.r_[self._seen[status], value[:-1]]) | ~good | ~np.r_[True, good[:-1]]
                             | (np.diff(frame.line_ns[own], prepend=self._since[status]) >= self._hold[status])])
        return np.concatenate(found)

    def _usable(self, frame: Frame) -> NDArray[np.int64]:
        """Rows of status samples that say something and are not late."""
        row = np.flatnonzero(self._is_status.take(frame.signal))
        return row[((frame.quality[row] & SEVERITY) < BAD) & np.isfinite(frame.value[row])
                   & (frame.line_ns[row] >= self._latest.line_ns[frame.signal[row]])]

    def _learn(self, status: int, value: float) -> list[int]:
        """Returns the readings that this disowns."""
        self._seen[status] = value
        disowned = []
        for reading, meanings in self._readings[status]:
            service = Service.UNKNOWN if math.isnan(value) else meanings.get(value, Service.UNLISTED)
            if service > Service.UNKNOWN and service != self._service[reading]:
                disowned.append(reading)
            self._service[reading] = service
        self._troubled = np.count_nonzero(self._service)
        return disowned

    def _forget(self, line_ns: int) -> None:
        """What was not confirmed for too long is not known any more."""
        statuses = self._statuses
        for status in statuses[line_ns - self._since[statuses] >= self._hold[statuses]].tolist():
            self._learn(status, math.nan)

    def _next_expiry(self) -> int:
        known = self._statuses[~np.isnan(self._seen[self._statuses])]
        return int((self._since[known] + self._hold[known]).min(initial=NEVER))

    def _trace(self, reading: int, line_ns: int, wall_ns: int) -> Evidence | None:
        status = int(self._status_of[reading])
        old = line_ns - self._since[status] >= self._hold[status]
        service = Service.UNKNOWN if old else Service(int(self._service[reading]))
        if service is Service.NORMAL:
            return None
        signal, value = self._site.signals[status], float(self._seen[status])
        if service is Service.UNKNOWN:
            return Evidence(wall_ns, signal.id, math.nan, _NOTES[service])
        label = signal.labels.get(value) or Text("status {v:g}", "状态 {v:g}").format(v=value)
        return Evidence(int(self._wall[status]), signal.id, value, _NOTES[service].format(label=label))


def _meanings(link: StatusLink) -> Mapping[float, Service]:
    return {value: service for values, service in ((link.normal, Service.NORMAL), (link.fault, Service.FAULT),
                                                   (link.out_of_service, Service.OUT_OF_SERVICE),
                                                   (link.over_range, Service.OVER_RANGE)) for value in values}


def _hold_s(status: Signal, readings: list[Signal]) -> float:
    if status.deadman_s is not None:
        return status.deadman_s
    return min((reading.deadman_s for reading in readings if reading.deadman_s is not None), default=HOLD_S)

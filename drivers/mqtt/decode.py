"""One message into samples, by table: one decoder for each shape of message. Pure: no I/O, no clock of its own.

A malformed message, or a malformed value in it, becomes a BAD_PAYLOAD sample of the signals concerned, and the reason
is returned. Age is judged here too: see `freshness`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from operator import itemgetter
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from drivers.mqtt.columns import Columns
from drivers.mqtt.feed import Feed, Point
from drivers.mqtt.payload import (
    ABSENT,
    Malformed,
    Path,
    Reason,
    document,
    find,
    numbers,
    scalar,
    stamp_ns,
    stamps_ns,
)
from gateway.model.clock import NS, Instant
from gateway.model.quality import Quality, QualityArray
from gateway.model.signal import SignalTable

_MANY = 32  # from so many values on numpy is cheaper than a loop
_NO_DEADMAN = np.iinfo(np.int64).max // 4
_YEAR_2000 = 946_684_800 * NS
_GOOD, _STALE, _BAD = int(Quality.GOOD), int(Quality.UNCERTAIN_STALE), int(Quality.BAD_PAYLOAD)
_FAULT = int(Quality.BAD_DEVICE)


class Arrival(NamedTuple):
    """One message as it came in. retained: the broker kept it. backlog: it was waiting while we were away."""

    topic: str
    payload: bytes
    qos: int
    mid: int
    retained: bool
    backlog: bool
    at: Instant

    @property
    def old(self) -> bool:
        """Nothing is known of its age but that it is not from now."""
        return self.retained or self.backlog


class Decoder(Protocol):
    signals: NDArray[np.int32]

    def decode(self, arrival: Arrival, columns: Columns) -> Sequence[Reason]:
        """Append the samples of the message; return why any of them (or the whole message) was not taken as it came."""
        ...


def freshness(own_ns: NDArray[np.int64], deadman_ns: NDArray[np.int64], arrival: Arrival,
              tolerance_ns: int) -> tuple[QualityArray, NDArray[np.int64], list[Reason]]:
    """Quality and wall time of samples that carry the sender's stamps, shape (k,) each.

    Stale: retained; or older than the signal's deadman; or from the backlog and without a deadman to judge by; or the
    sender's clock was never set. A stamp from the future is replaced by the time of arrival and the sample uncertain.
    While our own clock is not trusted, ages can not be judged: then only retained and backlog count.
    """
    at = arrival.at
    quality = np.full(own_ns.shape, _STALE if arrival.retained else _GOOD, np.uint16)
    unset = own_ns < _YEAR_2000
    future = own_ns > at.wall_ns + tolerance_ns if at.trusted else np.zeros(own_ns.shape, np.bool_)
    quality[future & (quality == _GOOD)] = Quality.UNCERTAIN
    quality[unset] = _STALE
    if at.trusted:
        quality[own_ns < at.wall_ns - deadman_ns] = _STALE
    if arrival.backlog:
        quality[(deadman_ns == _NO_DEADMAN) | (not at.trusted)] = _STALE
    reasons = ([Reason.CLOCK_NOT_SET] if unset.any() else []) + ([Reason.FUTURE_STAMP] if future.any() else [])
    return quality, np.where(unset | future, at.wall_ns, own_ns), reasons


class _Table:
    """The points of a feed in columns: signal numbers, deadmen, conversions."""

    def __init__(self, feed: Feed, signals: SignalTable, tolerance_ns: int):
        self.feed = feed
        self.tolerance_ns = tolerance_ns
        numbers_ = [signals.index(point.signal) for point in feed.points]
        deadmen = [signals[number].deadman_s for number in numbers_]
        self.signals = np.array(numbers_, np.int32)
        self.deadman_ns = np.array([_NO_DEADMAN if seconds is None else round(seconds * NS) for seconds in deadmen],
                                   np.int64)
        self.row = tuple(numbers_)
        self.good, self.stale = (_GOOD,) * len(self.row), (_STALE,) * len(self.row)
        self.conversions = tuple(point.conversion for point in feed.points)
        self.uniform = len(self.row) > 0 and all(each == self.conversions[0] for each in self.conversions)

    def refuse(self, reason: Reason, arrival: Arrival, columns: Columns) -> Sequence[Reason]:
        """The whole message is of no use: all its signals are bad."""
        columns.many(self.signals, np.full(self.signals.shape, np.nan), _BAD, arrival.at)
        return (reason,)

    def emit(self, places: NDArray[np.intp] | slice, values: NDArray[np.float64], quality: QualityArray,
             own_ns: NDArray[np.int64] | None, arrival: Arrival, columns: Columns) -> list[Reason]:
        """Samples in arrays. `quality` is of the value alone; age is judged here and the worse of the two holds."""
        signals = self.signals[places]
        if own_ns is None:
            age = np.uint16(_STALE if arrival.old else _GOOD)
            columns.many(signals, values, np.maximum(quality, age), arrival.at)
            return []
        age, wall_ns, reasons = freshness(own_ns, self.deadman_ns[places], arrival, self.tolerance_ns)
        columns.many(signals, values, np.maximum(quality, age), arrival.at, wall_ns)
        return reasons


class ScalarDecoder:
    """The message is the value."""

    def __init__(self, feed: Feed, signals: SignalTable, tolerance_ns: int):
        self._table = _Table(feed, signals, tolerance_ns)
        self.signals = self._table.signals

    def decode(self, arrival: Arrival, columns: Columns) -> Sequence[Reason]:
        table = self._table
        try:
            value = scalar(arrival.payload, table.conversions[0])
        except Malformed as error:
            return table.refuse(error.reason, arrival, columns)
        columns.few(table.row, (value,), table.stale if arrival.old else table.good, arrival.at)
        return ()


class _JsonDecoder:
    """JSON in which every point has its item: `_items` says where."""

    def __init__(self, feed: Feed, signals: SignalTable, tolerance_ns: int):
        self._table = _Table(feed, signals, tolerance_ns)
        self._stamp = feed.stamp
        self.signals = self._table.signals

    def _items(self, message: object) -> Sequence[object]:
        """One raw item for each point, ABSENT where there is none."""
        raise NotImplementedError

    def decode(self, arrival: Arrival, columns: Columns) -> Sequence[Reason]:
        table = self._table
        try:
            message = document(arrival.payload)
            items = self._items(message)
            own_ns = None if self._stamp is None else stamp_ns(find(message, self._stamp.path), self._stamp.unit,
                                                               self._stamp.zone)
        except Malformed as error:
            return table.refuse(error.reason, arrival, columns)
        if own_ns is None and len(items) < _MANY:
            try:
                values = [convert(item) for convert, item in zip(table.conversions, items, strict=True)]
            except Malformed:
                return self._one_by_one(items, own_ns, arrival, columns)
            columns.few(table.row, values, table.stale if arrival.old else table.good, arrival.at)
            return ()
        if not table.uniform:
            return self._one_by_one(items, own_ns, arrival, columns)
        values, refused = numbers(items, table.conversions[0])
        if refused:
            return self._one_by_one(items, own_ns, arrival, columns)
        return table.emit(slice(None), values, np.zeros(len(values), np.uint16), _spread(own_ns, len(values)), arrival,
                          columns)

    def _one_by_one(self, items: Sequence[object], own_ns: int | None, arrival: Arrival,
                    columns: Columns) -> Sequence[Reason]:
        """The careful way: each item on its own, some bad or absent."""
        table, reasons = self._table, []
        places, values, quality = [], [], []
        for place, (convert, item) in enumerate(zip(table.conversions, items, strict=True)):
            if item is ABSENT and table.feed.partial:
                continue
            try:
                value, code = convert(item), _GOOD
            except Malformed as error:
                value, code = np.nan, _BAD
                reasons.append(error.reason)
            places.append(place)
            values.append(value)
            quality.append(code)
        return reasons + table.emit(np.array(places, np.intp), np.array(values, np.float64),
                                    np.array(quality, np.uint16), _spread(own_ns, len(places)), arrival, columns)


class DocumentDecoder(_JsonDecoder):
    """A path for each point. Points with the same parent are picked from it in one go."""

    def __init__(self, feed: Feed, signals: SignalTable, tolerance_ns: int):
        parents: dict[Path, list] = {}
        for point in feed.points:
            parents.setdefault(point.path[:-1], []).append(point)
        grouped = tuple(point for points in parents.values() for point in points)
        super().__init__(replace(feed, points=grouped), signals, tolerance_ns)
        self._whole = [point for point in grouped if not point.path]
        self._paths = tuple(point.path for point in grouped)
        self._groups = tuple((parent, len(points), itemgetter(*(point.path[-1] for point in points)))
                             for parent, points in parents.items()) if not self._whole else ()

    def _items(self, message: object) -> Sequence[object]:
        if not isinstance(message, (dict, list)) and not self._whole:
            raise Malformed(Reason.WRONG_SHAPE)
        items: list[object] = []
        try:
            for parent, count, pick in self._groups:
                picked = pick(find(message, parent))
                items.extend(picked) if count > 1 else items.append(picked)
        except (Malformed, KeyError, IndexError, TypeError):
            items = []
        return items or [_item(message, path) for path in self._paths]


class ArrayDecoder(_JsonDecoder):
    """A JSON array in the configured order."""

    def _items(self, message: object) -> Sequence[object]:
        items = find(message, self._table.feed.at)
        if not isinstance(items, list):
            raise Malformed(Reason.WRONG_SHAPE)
        if len(items) != len(self._table.row):
            raise Malformed(Reason.WRONG_COUNT)
        return items


class SamplesDecoder:
    """A JSON array of samples, each with id, value and perhaps its own time and quality."""

    def __init__(self, feed: Feed, signals: SignalTable, tolerance_ns: int):
        self._table = _Table(feed, signals, tolerance_ns)
        self.signals = self._table.signals
        self._places: dict[object, int] = {}
        for place, point in enumerate(feed.points):
            (sender_id,) = point.path
            self._places[sender_id] = place
            if isinstance(sender_id, str) and sender_id.isdecimal():
                self._places[int(sender_id)] = place  # devices number their channels
        keys = feed.keys
        self._marks = {**dict.fromkeys(keys.uncertain, int(Quality.UNCERTAIN)), **dict.fromkeys(keys.good, _GOOD)}
        self._keys = [keys.id, keys.value]
        if feed.stamp:
            self._keys.append(feed.stamp.path[-1])
        if keys.quality:
            self._keys.append(keys.quality)
        self._pick = itemgetter(*self._keys)

    def decode(self, arrival: Arrival, columns: Columns) -> Sequence[Reason]:
        table, feed = self._table, self._table.feed
        try:
            rows = find(document(arrival.payload), feed.at)
            if not isinstance(rows, list):
                raise Malformed(Reason.WRONG_SHAPE)
        except Malformed as error:
            return table.refuse(error.reason, arrival, columns)
        picked, reasons = self._picked(rows)
        if not picked:
            return reasons
        ids, items, *rest = zip(*picked, strict=True)
        places = np.fromiter(map(self._place, ids), np.intp, len(ids))
        if unknown := int(np.count_nonzero(places < 0)):
            reasons.extend([Reason.UNKNOWN_ID] * unknown)
        values, refused = numbers(items, table.conversions[0])
        quality = np.zeros(len(ids), np.uint16)
        if feed.keys.quality:
            quality[:] = [self._mark(mark) for mark in rest[-1]]
        if refused:
            quality[[row for row, _ in refused]] = _BAD
            reasons.extend(reason for _, reason in refused)
        own_ns = None
        if feed.stamp:
            own_ns, readable = stamps_ns(rest[0], feed.stamp.unit, feed.stamp.zone)
            if not readable.all():
                own_ns[~readable] = arrival.at.wall_ns
                quality[~readable] = _BAD
                reasons.extend([Reason.BAD_STAMP] * int(np.count_nonzero(~readable)))
        order = _known_oldest_first(places, own_ns)
        return reasons + table.emit(places[order], values[order], quality[order],
                                    None if own_ns is None else own_ns[order], arrival, columns)

    def _picked(self, rows: list) -> tuple[list, list[Reason]]:
        try:
            return list(map(self._pick, rows)), []
        except (KeyError, TypeError, IndexError):
            objects = [row for row in rows if isinstance(row, dict)]
            return ([tuple(row.get(key, ABSENT) for key in self._keys) for row in objects],
                    [Reason.WRONG_SHAPE] * (len(rows) - len(objects)))

    def _place(self, sender_id: object) -> int:
        return self._places.get(sender_id, -1) if isinstance(sender_id, (str, int)) else -1

    def _mark(self, mark: object) -> int:
        """Quality of a sender's mark. What is not known to be good is a fault that the device reports."""
        return self._marks.get(mark, _FAULT) if isinstance(mark, (str, int)) else _FAULT


DECODERS = {"scalar": ScalarDecoder, "document": DocumentDecoder, "array": ArrayDecoder, "samples": SamplesDecoder}


def decoder(feed: Feed, signals: SignalTable, tolerance_s: float) -> Decoder:
    """The decoder of a feed. KeyError when a signal is not in the table. tolerance_s: how far a stamp may be ahead."""
    points = tuple(_in_engineering_units(point, signals) for point in feed.points)
    return DECODERS[feed.shape](replace(feed, points=points), signals, round(tolerance_s * NS))


def _in_engineering_units(point: Point, signals: SignalTable) -> Point:
    conversion = point.conversion
    scale, offset = signals[signals.index(point.signal)].scaling(conversion.scale, conversion.offset)
    return replace(point, conversion=replace(conversion, scale=scale, offset=offset))


def _spread(own_ns: int | None, count: int) -> NDArray[np.int64] | None:
    return None if own_ns is None else np.full(count, own_ns, np.int64)


def _item(message: object, path: Path) -> object:
    try:
        return find(message, path)
    except Malformed:
        return ABSENT


def _known_oldest_first(places: NDArray[np.intp], own_ns: NDArray[np.int64] | None) -> NDArray[np.intp]:
    known = np.flatnonzero(places >= 0)
    return known if own_ns is None else known[np.argsort(own_ns[known], kind="stable")]

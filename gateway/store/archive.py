"""The archive: minutes of all signals and rows about the site, kept for years in one SQLite file.

    minute  what was made or changed lately, one blob of columns for each minute; right where a span says otherwise
    span    older minutes, one blob for each signal and four hours: a year of one signal is read in a moment
    hours   the hours of all signals in one span, one blob: a year of all of them is read in a moment. Where it is not
            there (an older archive, a span changed by an older program) the minutes tell the same
    change  which minute was written when: each database reads this list with a cursor of its own
    row     rows that are no samples (gateway.sinks.schema), in the order in which they were made
    cursor  how far the raw samples are counted, and how far each database is; with the minutes, in one transaction, so
            that no sample is counted twice or left out, whenever the process is killed

Once a minute one transaction is synced. Readers have connections of their own, beside the one that writes.
"""

from __future__ import annotations

import json
import math
import os
import sqlite3
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any, Final

import numpy as np

from gateway.model.errors import StoreError
from gateway.model.readonly import connect
from gateway.model.signal import SignalTable
from gateway.model.text import Text
from gateway.store.history import Trend
from gateway.store.hours import HOUR, Hours
from gateway.store.minutes import MINUTE_NS, Minutes, trend

SPAN: Final = 240  # minutes of one span
_LATE: Final = 15  # minutes after its end in which a span waits for late samples
_COUNTED: Final = "counted"  # cursor: position in the telemetry store
STAMPED: Final = "stamped"  # tag of a row whose wall time was not known: its exact place on the line, and its stamp
_SETTLED: Final = "settled"  # cursor: the last row before those that may have this tag
_COMPACT: Final = "compact"  # cursor: first minute that is in no span yet
_VERSION: Final = 1
_TABLES: Final = """
CREATE TABLE signal (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE minute (minute INTEGER PRIMARY KEY, rows BLOB NOT NULL) STRICT;
CREATE TABLE span (signal INTEGER, span INTEGER, rows BLOB NOT NULL, PRIMARY KEY (signal, span)) STRICT, WITHOUT ROWID;
CREATE TABLE change (position INTEGER PRIMARY KEY, minute INTEGER NOT NULL) STRICT;
CREATE TABLE row (position INTEGER PRIMARY KEY, measurement TEXT NOT NULL, wall_ns INTEGER NOT NULL,
                  tags TEXT NOT NULL, fields BLOB NOT NULL) STRICT;
CREATE INDEX row_in_time ON row (measurement, wall_ns);
CREATE TABLE cursor (name TEXT PRIMARY KEY, position INTEGER NOT NULL) STRICT, WITHOUT ROWID;
PRAGMA application_id = 0x4C414D4D; -- "LAMM"
PRAGMA user_version = 1;
"""
_HOURS: Final = """
CREATE TABLE IF NOT EXISTS hours (span INTEGER PRIMARY KEY, rows BLOB NOT NULL) STRICT;
CREATE TRIGGER IF NOT EXISTS hours_anew AFTER INSERT ON span BEGIN DELETE FROM hours WHERE span = new.span; END;
CREATE TRIGGER IF NOT EXISTS hours_gone AFTER DELETE ON span BEGIN DELETE FROM hours WHERE span = old.span; END;
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a measurement that is not measured. position: in the archive, 0 before it is there."""

    measurement: str
    wall_ns: int
    tags: Mapping[str, str]
    fields: Mapping[str, Any]
    position: int = 0


class Archive:
    """`open`, `add`, `tidy` and `close` belong to one thread at a time; any thread may read. All of them but `cursor`
    and `advance` touch the disk: call them off the event loop. StoreError: the file can not be used."""

    def __init__(self, path: Path, signals: SignalTable):
        self.path = path
        self._signals = signals
        self._connection: sqlite3.Connection | None = None
        self._lock = threading.Lock()  # of the writing connection
        self._cursors: dict[str, int] = {}
        self._mine = np.empty(0, np.int32)  # archive's number of each signal of the site
        self._theirs = np.empty(0, np.int32)  # number in the site of each signal of the archive, -1: gone

    def open(self) -> None:
        """Open or create. A damaged file is set aside: what the telemetry store holds is counted anew."""
        with self._errors(), self._lock:
            try:
                self._open()
            except sqlite3.DatabaseError as error:
                if getattr(error, "sqlite_errorcode", 0) & 0xFF not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
                    raise
                self._set_aside()
                self._open()

    def look(self) -> None:
        """Only to read, beside the gateway that writes or in a copy: nothing is created. StoreError as everywhere."""
        with self._reading() as connection:
            self._number(dict(connection.execute("SELECT id, number FROM signal")))

    @property
    def opened(self) -> bool:
        return self._connection is not None

    def close(self) -> None:
        with self._errors(), self._lock:
            if self._connection is not None:
                with self._transaction():
                    self._save_cursors()
                self._connection.close()
                self._connection = None

    # -- in

    @property
    def counted(self) -> int:
        """Position in the telemetry store up to which samples are counted."""
        return self._cursors.get(_COUNTED, 0)

    def add(self, minutes: Minutes, counted: int, rows: Sequence[Row] = ()) -> None:
        """Samples up to the position `counted`, and rows. All of it, or nothing."""
        with self._errors(), self._lock, self._transaction():
            own = minutes.renumbered(self._mine)
            for part in own.parts(own.minute):
                self._put(int(part.minute[0]), part)
            for row in rows:
                self._write(row)
            self._save_cursors({_COUNTED: counted})
        self._cursors[_COUNTED] = counted

    def _write(self, row: Row) -> None:
        """It takes the place of one that was made before, with a position after those that were sent."""
        execute, place = self._connection.execute, (row.measurement, row.wall_ns, _json(row.tags))
        made = execute("INSERT INTO row (measurement, wall_ns, tags, fields) VALUES (?, ?, ?, ?)",
                       (*place, zlib.compress(_json(row.fields).encode(), 6))).lastrowid
        execute("DELETE FROM row WHERE measurement = ? AND wall_ns = ? AND tags = ? AND position < ?", (*place, made))

    def correct(self, true: Callable[[int, int], int]) -> int:
        """Rows whose wall time was not known get their true one, and a new place in the order, so that databases hear
        of them again. true(line_ns, wall_ns): the same wall time where nothing more is known. Returns how many."""
        with self._errors(), self._lock, self._transaction():
            execute = self._connection.execute
            found = [_row(one) for one in execute(
                "SELECT * FROM row WHERE position > ? AND tags LIKE ? ORDER BY position",
                (self._cursors.get(_SETTLED, 0), f'%"{STAMPED}"%'))]
            (newest,) = execute("SELECT coalesce(max(position), 0) FROM row").fetchone()
            moved = [(row.position, right) for row in found if (right := _corrected(row, true)) is not None]
            for old, right in moved:
                self._write(right)  # first: a position that was given is not given again
                execute("DELETE FROM row WHERE position = ?", (old,))
            self._save_cursors({_SETTLED: newest})
        self._cursors[_SETTLED] = newest
        return len(moved)

    def _put(self, minute: int, new: Minutes) -> None:
        known = self._connection.execute("SELECT rows FROM minute WHERE minute = ?", (minute,)).fetchone()
        parts = [] if known is None else [Minutes.unpack(known[0])]
        if minute < self._cursors.get(_COMPACT, 0):
            there = np.isin(new.signal, parts[0].signal) if parts else np.zeros(len(new), np.bool_)
            older = list(_spans(self._connection, new.signal[~there].tolist(), minute, minute + 1))
            parts += [old.take(old.minute == minute) for old in older]
        self._connection.execute("INSERT OR REPLACE INTO minute VALUES (?, ?)",
                                 (minute, Minutes.combine([*parts, new]).pack()))
        self._connection.execute("INSERT INTO change (minute) VALUES (?)", (minute,))

    def tidy(self, now_minute: int, max_age_days: float, max_size: int) -> None:
        """Put whole old minutes into spans, delete what is too old or too much, oldest first. max_age_days: infinite
        while nobody knows what time it is."""
        with self._errors(), self._lock:
            whole = (now_minute - _LATE) // SPAN * SPAN
            found = self._connection.execute("SELECT DISTINCT minute / ? FROM minute WHERE minute < ?",
                                             (SPAN, whole)).fetchall()
            for (span,) in found:
                with self._transaction():
                    self._compact(span)
            oldest = 0 if math.isinf(max_age_days) else now_minute - round(max_age_days * 1440)
            while True:
                with self._transaction():
                    self._delete_before(oldest)
                (first,) = self._connection.execute("SELECT min(span) FROM span").fetchone()
                if self._size() <= max_size or first is None:
                    break
                oldest = max(oldest, first * SPAN) + SPAN
            if math.isfinite(max_age_days):
                self._erase(now_minute)
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def _compact(self, span: int) -> None:
        first, end = span * SPAN, (span + 1) * SPAN
        late = Minutes.newest([Minutes.unpack(rows) for (rows,) in self._connection.execute(
            "SELECT rows FROM minute WHERE minute >= ? AND minute < ? ORDER BY minute", (first, end))])
        late = late.take(np.lexsort((late.minute, late.signal)))
        parts = [self._untouched(span, late)]
        for new in late.parts(late.signal):
            signal = int(new.signal[0])
            whole = Minutes.newest([*_spans(self._connection, [signal], first, end), new])
            self._connection.execute("INSERT OR REPLACE INTO span VALUES (?, ?, ?)", (signal, span, whole.pack()))
            parts.append(Hours.of(whole))
        self._connection.execute("INSERT OR REPLACE INTO hours VALUES (?, ?)", (span, Hours.joined(parts).pack()))
        self._connection.execute("DELETE FROM minute WHERE minute >= ? AND minute < ?", (first, end))
        compact = max(self._cursors.get(_COMPACT, 0), end)
        self._save_cursors({_COMPACT: compact})
        self._cursors[_COMPACT] = compact

    def _untouched(self, span: int, late: Minutes) -> Hours:
        """Of a span, the hours of signals of which nothing came late."""
        if (known := _hours(self._connection, span)) is not None:
            return known.take(~np.isin(known.signal, late.signal))
        numbers = [number for (number,) in self._connection.execute("SELECT number FROM signal")]
        others = np.setdiff1d(numbers, late.signal).tolist()
        return Hours.of(Minutes.newest(list(_spans(self._connection, others, span * SPAN, (span + 1) * SPAN))))

    def _delete_before(self, minute: int) -> None:
        execute = self._connection.execute
        execute("DELETE FROM span WHERE span < ?", (minute // SPAN,))
        for table, column, oldest in (("minute", "minute", minute), ("change", "minute", minute),
                                      ("row", "wall_ns", minute * MINUTE_NS)):
            execute(f"DELETE FROM {table} WHERE {column} < ?", (oldest,))

    def _erase(self, now_minute: int) -> None:
        """Minutes of signals that are kept for a shorter time; their bytes are overwritten."""
        self._connection.execute("PRAGMA secure_delete = ON")
        with self._transaction():
            for own, signal in zip(self._mine.tolist(), self._signals, strict=True):
                if signal.keep_s is not None:
                    oldest = now_minute - round(signal.keep_s / 60)
                    self._connection.execute("DELETE FROM span WHERE signal = ? AND span < ?", (own, oldest // SPAN))
        self._connection.execute("PRAGMA secure_delete = FAST")

    def _size(self) -> int:
        """Bytes in use: what was deleted is used again."""
        pages, free, size = (self._connection.execute(f"PRAGMA {name}").fetchone()[0]
                             for name in ("page_count", "freelist_count", "page_size"))
        return (pages - free) * size

    # -- cursors of the databases: in memory, saved with the next `add`

    def cursor(self, name: str) -> int:
        return self._cursors.get(name, 0)

    def advance(self, name: str, position: int) -> None:
        self._cursors[name] = position

    def newest(self) -> tuple[int, int]:
        """The last position of changes, and of rows."""
        with self._reading() as connection:
            return tuple(connection.execute(f"SELECT coalesce(max(position), 0) FROM {table}").fetchone()[0]
                         for table in ("change", "row"))

    # -- out

    def changed(self, after: int, most: int) -> tuple[Minutes, int]:
        """Minutes that were written after this position, as they are now, about `most` rows of them, and the position
        after. None: the position is the same."""
        with self._reading() as connection:
            found = connection.execute(
                "SELECT position, minute FROM change WHERE position > ? ORDER BY position LIMIT ?",
                (after, max(1, min(SPAN, most // max(len(self._mine), 1))))).fetchall()
            found = list(takewhile(lambda row: row[1] // SPAN == found[0][1] // SPAN, found))
            if not found:
                return Minutes.empty(), after
            minutes = [minute for _, minute in found]
            whole = self._between(connection, None, min(minutes), max(minutes) + 1)
        return whole.take(np.isin(whole.minute, minutes)), found[-1][0]

    def minutes(self, signals: Sequence[int], start_wall_ns: int, end_wall_ns: int) -> Minutes:
        """Of these signals (numbers of the site), minutes that begin in this stretch of time."""
        with self._reading() as connection:
            return self._between(connection, signals, -(-start_wall_ns // MINUTE_NS), -(-end_wall_ns // MINUTE_NS))

    def hours(self, start_wall_ns: int, end_wall_ns: int) -> Hours:
        """Of all signals of the site. An hour that is cut by an end of this stretch has only what lies within."""
        first, end = -(-start_wall_ns // MINUTE_NS), -(-end_wall_ns // MINUTE_NS)
        parts = [Hours.of(Minutes.empty())]
        with self._reading() as connection:
            kept = bool(connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'hours'").fetchone())
            changed = {span for (span,) in connection.execute(
                "SELECT DISTINCT minute / ? FROM minute WHERE minute >= ? AND minute < ?", (SPAN, first, end))}
            for span in range(first // SPAN, -(-end // SPAN)):
                low, high = max(first, span * SPAN), min(end, (span + 1) * SPAN)
                known = None
                if kept and span not in changed and low % HOUR == high % HOUR == 0:
                    known = _hours(connection, span)
                if known is None:
                    parts.append(Hours.of(self._between(connection, None, low, high)))
                else:
                    known = known.renumbered(self._theirs)
                    parts.append(known.take((known.hour * HOUR >= low) & (known.hour * HOUR < high)))
        return Hours.joined(parts)

    def trend(self, signals: Sequence[int], start_wall_ns: int, end_wall_ns: int, max_points: int = 500) -> Trend:
        """As TelemetryStore.history, over years. Steps are whole minutes."""
        return trend(self.minutes(signals, start_wall_ns, end_wall_ns), signals, start_wall_ns, end_wall_ns, max_points)

    def rows(self, measurement: str, start_wall_ns: int, end_wall_ns: int) -> list[Row]:
        """In order of time; where one was made twice, the newer."""
        with self._reading() as connection:
            found = {(wall_ns, tags): (position, measurement, wall_ns, tags, fields)
                     for position, measurement, wall_ns, tags, fields in connection.execute(
                "SELECT * FROM row WHERE measurement = ? AND wall_ns >= ? AND wall_ns < ? ORDER BY position",
                (measurement, start_wall_ns, end_wall_ns))}
        return sorted(map(_row, found.values()), key=lambda row: row.wall_ns)

    def first(self, measurement: str) -> int | None:
        """Wall time of the oldest row."""
        return self._outermost("min", measurement)

    def last(self, measurement: str) -> int | None:
        """Wall time of the latest row."""
        return self._outermost("max", measurement)

    def _outermost(self, which: str, measurement: str) -> int | None:
        with self._reading() as connection:
            return connection.execute(f"SELECT {which}(wall_ns) FROM row WHERE measurement = ?",
                                      (measurement,)).fetchone()[0]

    def rows_after(self, position: int, most: int) -> list[Row]:
        """In the order in which they were made."""
        with self._reading() as connection:
            return [_row(found) for found in connection.execute(
                "SELECT * FROM row WHERE position > ? ORDER BY position LIMIT ?", (position, most))]

    def _between(self, connection: sqlite3.Connection, signals: Sequence[int] | None, first: int,
                 end: int) -> Minutes:
        own = self._mine if signals is None else self._mine[np.asarray(signals, np.int64)]
        parts = list(_spans(connection, own.tolist(), first, end)) if first < self._compacted(connection) else []
        parts += [Minutes.unpack(rows) for (rows,) in connection.execute(
            "SELECT rows FROM minute WHERE minute >= ? AND minute < ? ORDER BY minute", (first, end))]
        whole = Minutes.newest(parts)
        wanted = (whole.minute >= first) & (whole.minute < end) & np.isin(whole.signal, own)
        return whole.take(wanted).renumbered(self._theirs)

    def _compacted(self, connection: sqlite3.Connection) -> int:
        found = connection.execute("SELECT position FROM cursor WHERE name = ?", (_COMPACT,)).fetchone()
        return 0 if found is None else found[0]

    # -- inside

    def _open(self) -> None:
        connection = sqlite3.connect(self.path, timeout=2.0, isolation_level=None, check_same_thread=False)
        try:
            if connection.execute("PRAGMA user_version").fetchone()[0] not in (0, _VERSION):
                raise sqlite3.NotSupportedError("it was written by a newer version")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA journal_size_limit = 4194304")
            if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
                connection.executescript(f"BEGIN IMMEDIATE; {_TABLES} COMMIT;")
            connection.executescript(f"BEGIN IMMEDIATE; {_HOURS} COMMIT;")
            connection.executemany("INSERT OR IGNORE INTO signal (id) VALUES (?)", [(id,) for id in self._signals.ids])
            known = dict(connection.execute("SELECT id, number FROM signal"))
            cursors = dict(connection.execute("SELECT name, position FROM cursor"))
        except BaseException:
            connection.close()
            raise
        self._connection, self._cursors = connection, cursors
        self._number(known)

    def _number(self, known: Mapping[str, int]) -> None:
        """known: signals of the archive; of one that it does not have (only where it is looked at) nothing is found."""
        self._mine = np.array([known.get(id, -1) for id in self._signals.ids], np.int32)
        self._theirs = np.full(max(known.values(), default=0) + 1, -1, np.int32)
        self._theirs[self._mine[self._mine >= 0]] = np.flatnonzero(self._mine >= 0)

    def _save_cursors(self, more: Mapping[str, int] | None = None) -> None:
        self._connection.executemany("INSERT OR REPLACE INTO cursor VALUES (?, ?)",
                                     (self._cursors | dict(more or {})).items())

    def _set_aside(self) -> None:
        aside = self.path.with_name(f"{self.path.name}.damaged-{time.time_ns()}")
        for suffix in ("-wal", "-shm", ""):
            source = self.path.with_name(self.path.name + suffix)
            if source.exists():
                os.replace(source, aside.with_name(aside.name + suffix))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._errors(), closing(connect(self.path)) as connection:
            yield connection

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise StoreError(
                Text(f"the archive of minutes can not be used: {error}", f"分钟数据文件无法使用：{error}"),
                where=str(self.path), fix=Text("check free space, permissions and the state of the disk or SD card",
                                               "检查剩余空间、权限以及磁盘或存储卡状态")) from error


def _spans(connection: sqlite3.Connection, signals: Sequence[int], first: int, end: int) -> Iterator[Minutes]:
    for signal in signals:
        for (rows,) in connection.execute("SELECT rows FROM span WHERE signal = ? AND span >= ? AND span < ? "
                                          "ORDER BY span", (signal, first // SPAN, -(-end // SPAN))):
            yield Minutes.unpack(rows)


def _hours(connection: sqlite3.Connection, span: int) -> Hours | None:
    found = connection.execute("SELECT rows FROM hours WHERE span = ?", (span,)).fetchone()
    return None if found is None else Hours.unpack(found[0])


def _corrected(row: Row, true: Callable[[int, int], int]) -> Row | None:
    line_ns, wall_ns = map(int, row.tags[STAMPED].split("/"))
    moved_ns = true(line_ns, wall_ns) - wall_ns
    if not moved_ns:
        return None
    return Row(row.measurement, (row.wall_ns + moved_ns) // MINUTE_NS * MINUTE_NS,
               {name: value for name, value in row.tags.items() if name != STAMPED},
               {**row.fields, "clock_untrusted": False})


def _row(found: tuple) -> Row:
    position, measurement, wall_ns, tags, packed = found
    return Row(measurement, wall_ns, json.loads(tags), json.loads(zlib.decompress(packed)), position)


def _json(table: Mapping[str, Any]) -> str:
    return json.dumps(table, ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False)

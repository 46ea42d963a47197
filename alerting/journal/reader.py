"""Reading the journal of an alarm file from outside: no lock, no write, while a gateway runs or long after.

Text that is no longer UTF-8 (a changed byte) is read all the same: it must be named, not stumbled over.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from alerting.journal.chain import FIRST_HASH, Examination, Row, follow
from gateway.model.errors import LedgerError
from gateway.model.readonly import connect
from gateway.model.text import Text

_ROWS: Final = "SELECT position, kind, alarm, wall_ns, body, hash FROM journal"


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that can not write. LedgerError names the file."""
    try:
        connection = connect(path)
    except sqlite3.Error as error:
        raise _unusable(path, error) from error
    try:
        connection.text_factory = lambda stored: stored.decode("utf-8", "surrogateescape")
        yield connection
    except sqlite3.Error as error:
        raise _unusable(path, error) from error
    finally:
        connection.close()


def examine(path: Path) -> Examination:
    """Follow the chain from the first row to the last. LedgerError where SQLite itself can not read on."""
    with reading(path) as connection:
        return follow(map(Row._make, connection.execute(f"{_ROWS} ORDER BY position")))


def stretch(path: Path, start_wall_ns: int, end_wall_ns: int,
            about: Collection[str] | None = None) -> Iterator[tuple[bytes, Row]]:
    """Rows whose stamp is in this stretch (both ends belong to it), in the order of the journal, each with the hash of
    the row before it. about: only rows of these alarms, signals or rules; None: all."""
    with reading(path) as connection:
        previous = connection.cursor()
        for row in map(Row._make, connection.execute(f"{_ROWS} WHERE wall_ns BETWEEN ? AND ? ORDER BY position",
                                                     (start_wall_ns, end_wall_ns))):
            if about is None or row.alarm in about:
                before = previous.execute("SELECT hash FROM journal WHERE position = ?", (row.position - 1,)).fetchone()
                yield FIRST_HASH if before is None else before[0], row


def newest(path: Path, kinds: Collection[str], start_wall_ns: int, up_to: int, most: int) -> Iterator[Row]:
    """Of the `most` rows up to a position those of these kinds that are not older than a wall time, oldest first. Only
    `most` rows are read, however long the journal is."""
    marks = ",".join("?" * len(kinds))
    with reading(path) as connection:
        yield from map(Row._make, connection.execute(
            f"{_ROWS} WHERE position BETWEEN ? AND ? AND kind IN ({marks}) AND wall_ns >= ? ORDER BY position",
            (up_to - most + 1, up_to, *kinds, start_wall_ns)))


def between(path: Path, start_wall_ns: int, end_wall_ns: int) -> Iterator[Row]:
    """Rows whose stamp is in this stretch (its end does not belong to it), in the order of the journal."""
    with reading(path) as connection:
        yield from map(Row._make, connection.execute(f"{_ROWS} WHERE wall_ns >= ? AND wall_ns < ? ORDER BY position",
                                                     (start_wall_ns, end_wall_ns)))


def of_kind(path: Path, kind: str, start_wall_ns: int, end_wall_ns: int) -> Iterator[Row]:
    """As `between`, of one kind."""
    with reading(path) as connection:
        yield from map(Row._make, connection.execute(
            f"{_ROWS} WHERE kind = ? AND wall_ns >= ? AND wall_ns < ? ORDER BY position",
            (kind, start_wall_ns, end_wall_ns)))


def of_kind_after(path: Path, kind: str, position: int, up_to: int) -> Iterator[Row]:
    """Rows of one kind after a position, up to another, oldest first."""
    with reading(path) as connection:
        yield from map(Row._make, connection.execute(
            f"{_ROWS} WHERE position > ? AND position <= ? AND kind = ? ORDER BY position", (position, up_to, kind)))


def last_before(path: Path, kind: str, wall_ns: int) -> Iterator[Row]:
    """Of each alarm the last row of this kind that is older."""
    with reading(path) as connection:
        yield from map(Row._make, connection.execute(
            f"{_ROWS} WHERE position IN (SELECT max(position) FROM journal WHERE kind = ? AND wall_ns < ? "
            "GROUP BY alarm) ORDER BY position", (kind, wall_ns)))


def after(path: Path, position: int, most: int) -> list[Row]:
    """The first `most` rows after a position, in the order of the journal."""
    with reading(path) as connection:
        return list(map(Row._make, connection.execute(f"{_ROWS} WHERE position > ? ORDER BY position LIMIT ?",
                                                      (position, most))))


def head(path: Path) -> int:
    """The position of the last row; 0: there is none."""
    with reading(path) as connection:
        return connection.execute("SELECT coalesce(max(position), 0) FROM journal").fetchone()[0]


def hash_at(path: Path, position: int) -> bytes | None:
    """The stored hash of one row; None: there is no such row."""
    with reading(path) as connection:
        row = connection.execute("SELECT hash FROM journal WHERE position = ?", (position,)).fetchone()
    return None if row is None else row[0]


def _unusable(path: Path, error: sqlite3.Error) -> LedgerError:
    return LedgerError(
        Text(f"the alarm file can not be read: {error}", f"告警文件无法读取：{error}"), where=str(path),
        fix=Text("check that it is the alarm file (alarms.db) of a gateway, and the rights to read it; keep a damaged "
                 "file as evidence", "请确认这是网关的告警文件（alarms.db）且有读取权限；损坏的文件请作为证据保留"),
        retryable=False)

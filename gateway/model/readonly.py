"""An SQLite file that is only looked at: beside the program that writes it, or a copy that nobody can write to."""

from __future__ import annotations

import sqlite3
from pathlib import Path


def connect(path: Path) -> sqlite3.Connection:
    """sqlite3.Error: it can not be read. A file whose folder can not be written to is read as it lies there, unless a
    write-ahead log beside it says that this would not be all."""
    try:
        return _open(path, "mode=ro")
    except sqlite3.OperationalError as error:
        if not path.exists():
            raise
        log = path.with_name(path.name + "-wal")
        if log.exists() and log.stat().st_size:
            raise sqlite3.OperationalError(f"{error}; a part of it is in {log.name}: copy the folder to a disk "
                                           "that can be written to, and take the copy") from error
        return _open(path, "mode=ro&immutable=1")


def _open(path: Path, how: str) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True, timeout=2.0)
    try:
        connection.execute("SELECT 1 FROM sqlite_master").fetchone()  # the first statement opens the file
    except BaseException:
        connection.close()
        raise
    return connection

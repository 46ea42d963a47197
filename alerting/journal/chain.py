"""The chain of the journal: how one row hangs on the one before, and which rows were tampered with.

    hash(n) = SHA-256( hash(n-1) + UTF-8 of the JSON array [position, kind, alarm, wall_ns, body] )
    hash(0) = 32 zero bytes

`body` is the very text that is stored; the array has no blanks, non-ASCII stays as it is. A changed, removed or
inserted row breaks the chain. A removed *tail* does not: only a copy elsewhere (an export) shows that.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from gateway.model.text import Text

FIRST_HASH: Final = bytes(32)
MOST_FAULTS: Final = 100  # are named; all are counted


class Row(NamedTuple):
    """One row as it is stored."""

    position: int
    kind: str
    alarm: str
    wall_ns: int
    body: str
    hash: bytes


class Damage(StrEnum):
    CHANGED = "changed"  # its text or its stamp is not the one that was written
    HASH = "hash"  # its text is, its hash is not
    MISSING = "missing"  # it is gone, perhaps with more rows after it
    UNREADABLE = "unreadable"  # the columns do not hold what is written there


DAMAGE_NAMES: Final = {
    Damage.CHANGED: Text("its content was changed", "内容被修改"),
    Damage.HASH: Text("its hash was changed", "校验值被修改"),
    Damage.MISSING: Text("it was removed", "该行被删除"),
    Damage.UNREADABLE: Text("it can not be read as a journal row", "无法按日志行读取"),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One row that is not as it was written. wall_ns, kind, alarm: as they stand now, and may be what was changed; of
    the next row that is left, where it is missing."""

    position: int
    wall_ns: int
    kind: str
    alarm: str
    damage: Damage


@dataclass(frozen=True, slots=True)
class Examination:
    """rows: how many there are. head: position and hash of the last one. faults: the first MOST_FAULTS of `wrong`."""

    rows: int
    head: tuple[int, bytes]
    wrong: int
    faults: tuple[Fault, ...]

    @property
    def sound(self) -> bool:
        return not self.wrong


def link(previous: bytes, position: int, kind: str, alarm: str, wall_ns: int, body: str) -> bytes:
    """The hash of a row that stands after the row with the hash `previous`."""
    columns = text([position, kind, alarm, wall_ns, body])
    return hashlib.sha256(previous + columns.encode("utf-8", "surrogateescape")).digest()


def text(value: object) -> str:
    """JSON as the journal stores it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def follow(rows: Iterable[Row]) -> Examination:
    """Every row, from the first. After a wrong one it goes on with the hash that the next row was made with, so that
    each is named once."""
    count, wrong, faults = 0, 0, []
    position, before, head = 0, FIRST_HASH, (0, FIRST_HASH)
    for row, after in _pairs(rows):
        count += 1
        damage = _judge(position, before, row, after)
        if damage is not None:
            wrong += 1
            if len(faults) < MOST_FAULTS:
                faults.append(_fault(position + 1 if damage is Damage.MISSING else row.position, row, damage))
        if _readable(row):
            head = row.position, row.hash
            before = link(before, *row[:5]) if damage is Damage.HASH else row.hash
            position = row.position
    return Examination(count, head, wrong, tuple(faults))


def _judge(position: int, previous: bytes, row: Row, after: Row | None) -> Damage | None:
    """position, previous: number and true hash of the row before."""
    if not _readable(row):
        return Damage.UNREADABLE
    if row.position != position + 1:
        return Damage.MISSING
    expected = link(previous, *row[:5])
    if expected == row.hash:
        return None
    # The next row was made with the true hash of this one: that tells which of the two was changed.
    hash_was_changed = after is not None and _readable(after) and link(expected, *after[:5]) == after.hash
    return Damage.HASH if hash_was_changed else Damage.CHANGED


def _readable(row: Row) -> bool:
    return (all(isinstance(number, int) for number in (row.position, row.wall_ns)) and isinstance(row.hash, bytes)
            and all(isinstance(words, str) for words in (row.kind, row.alarm, row.body)))


def _fault(position: int, row: Row, damage: Damage) -> Fault:
    return Fault(position, row.wall_ns if isinstance(row.wall_ns, int) else 0, str(row.kind), str(row.alarm), damage)


def _pairs(rows: Iterable[Row]) -> Iterator[tuple[Row, Row | None]]:
    held: Row | None = None
    for row in rows:
        if held is not None:
            yield held, row
        held = row
    if held is not None:
        yield held, None

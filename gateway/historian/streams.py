"""What a database is sent beside raw samples: minutes, rows about the site, and the journal. Cursors are kept in the
archive, one for each stream and database."""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import Final

from alerting.journal import reader as journal
from alerting.journal.times import Times
from gateway.historian.journal import lines
from gateway.model.errors import LedgerError, StoreError
from gateway.model.site import Site
from gateway.sinks import schema
from gateway.sinks.line_protocol import MinuteEncoder, row
from gateway.sinks.schema import LONG
from gateway.sinks.stream import Parcel
from gateway.store.archive import STAMPED, Archive, Row

log = logging.getLogger(__name__)

_ROWS: Final = 500  # of the journal, or about the site, in one request
_AGAIN_S: Final = 5.0  # after a file could not be read


class Kept(ABC):
    """Waits for news, and keeps its place in the archive."""

    retention = LONG

    def __init__(self, name: str, archive: Archive):
        self._name, self._archive = name, archive
        self._news = asyncio.Event()

    def wake(self) -> None:
        """There may be something new."""
        self._news.set()

    async def take(self) -> Parcel:
        while True:
            self._news.clear()
            if not self._archive.opened:  # where it stood is not known yet
                await self._news.wait()
                continue
            position = self._archive.cursor(self._name)
            try:
                found, reached = await asyncio.to_thread(self._read, position)
            except (StoreError, LedgerError) as error:
                log.warning("%s: %s", self._name, error)
                await asyncio.sleep(_AGAIN_S)
                continue
            if reached == position:
                await self._news.wait()
            elif found:
                return Parcel(found, partial(self._archive.advance, self._name, reached))
            else:
                self._archive.advance(self._name, reached)

    @abstractmethod
    def _read(self, position: int) -> tuple[bytes, int]:
        """Lines of what follows this position, and the position after them. Off the event loop."""


class MinuteStream(Kept):
    def __init__(self, sink: str, archive: Archive, site: Site, most: int):
        super().__init__(f"{sink}/minutes", archive)
        self._encoder, self._most = MinuteEncoder(site.id, site.signals), most

    def _read(self, position: int) -> tuple[bytes, int]:
        minutes, reached = self._archive.changed(position, self._most)
        return self._encoder.encode(minutes), reached


class RowStream(Kept):
    """The site and the gateway as they were, minute by minute; figures of each hour; names and set points."""

    def __init__(self, sink: str, archive: Archive, held: Callable[[], bool]):
        super().__init__(f"{sink}/rows", archive)
        self._held = held

    def _read(self, position: int) -> tuple[bytes, int]:
        found = self._archive.rows_after(position, _ROWS)
        if self._held():
            found = list(takewhile(lambda row: STAMPED not in row.tags, found))
        return b"".join(map(_line, found)), found[-1].position if found else position


def _line(one: Row) -> bytes:
    """A row that another version wrote, with what the contract no longer has, must not keep all others from going."""
    tags = {name: value for name, value in one.tags.items() if name != STAMPED}
    try:
        return row(schema.CONTRACT[one.measurement], tags, one.fields, one.wall_ns)
    except (KeyError, ValueError) as error:
        log.error("row %d of the archive is not in the contract and is not sent: %s", one.position, error)
        return b""


class JournalStream(Kept):
    """A journal that is shorter than what was sent of it is a new one (the old was damaged): from its beginning. What
    was sent before its time was known is sent again when the time has arrived."""

    def __init__(self, sink: str, archive: Archive, site: Site, path: Path, held: Callable[[], bool]):
        super().__init__(f"{sink}/journal", archive)
        self._site, self._path, self._held, self._times = site, path, held, Times(path)
        self._again = f"{sink}/journal again"  # cursor: the last arrival of the time that the database knows of

    def _read(self, position: int) -> tuple[bytes, int]:
        if not self._path.exists():
            return b"", position
        stretches = self._times.read()
        for one in stretches:
            if one.corrections and one.end > self._archive.cursor(self._again):
                position = min(position, one.begin - 1)
                self._archive.advance(self._name, position)  # first: who is killed here sends twice, not never
                self._archive.advance(self._again, one.end)
        found = journal.after(self._path, position, _ROWS)
        if not found and position > (head := journal.head(self._path)):
            log.warning("the journal is a new one: %d rows, %d were sent", head, position)
            self._archive.advance(self._again, 0)
            found = journal.after(self._path, position := 0, _ROWS)
        if self._held() and stretches and stretches[-1].end is None:
            found = [one for one in found if one.position < stretches[-1].begin]
        return b"".join(lines(self._site, one, stretches) for one in found), found[-1].position if found else position


def streams(sink: str, archive: Archive, site: Site, ledger: Path, most: int,
            held: Callable[[], bool] = lambda: False) -> Sequence[Kept]:
    """For one database, the most urgent first. held: databases wait for the time."""
    return (JournalStream(sink, archive, site, ledger, held), RowStream(sink, archive, held),
            MinuteStream(sink, archive, site, most))

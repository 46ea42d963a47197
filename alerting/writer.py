"""The one thread that writes the alarm file. It takes all work that has piled up and commits it as one transaction.

Nothing here waits for the disk but this thread. Work that could not be written is kept, merged with what comes, and
tried again; the file is opened anew before each retry. The pile is bounded: there is one state per alarm, the outbox
bounds its own rows, and of the journal rows the newest give way when `journal_limit` are kept (the beginning of an
incident says more than its tenth hour); a row "gap" then says how many are missing.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable

from alerting.ledger import AlarmLedger, Contents, Pending, Record, Work
from gateway.model.errors import LedgerError
from gateway.model.text import Text

log = logging.getLogger(__name__)


class LedgerWriter:
    """opened(contents), committed(ticket, monotonic_ns) and failed(error) are called on the loop that `start` ran on.

    `put` returns a ticket, counted up; `committed(n)` covers every ticket up to n. `soon=False`: this work may wait for
    the next commit, but no longer than `idle_s`; each commit costs the medium an fsync.
    """

    def __init__(self, ledger: AlarmLedger, *, opened: Callable[[Contents], None],
                 committed: Callable[[int, int], None], failed: Callable[[LedgerError], None],
                 journal_limit: int = 10_000, retry_s: float = 2.0, idle_s: float = 1.0):
        self._ledger = ledger
        self._opened, self._committed, self._failed = opened, committed, failed
        self._journal_limit, self._retry_s, self._idle_s = journal_limit, retry_s, idle_s
        self._wake = threading.Condition()
        self._pile = Work()
        self._ticket = 0
        self._urgent = False
        self._gap = 0  # journal rows that gave way since the last commit
        self._stopping = False
        self._untidy = False
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.commits = self.failures = self.journal_rows_lost = 0  # counters: transactions, failed attempts, rows

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="alarm-ledger", daemon=True)
        self._thread.start()

    def put(self, work: Work, *, soon: bool = True) -> int:
        with self._wake:
            self._pour(work)
            self._ticket += 1
            self._urgent |= soon
            self._wake.notify()
            return self._ticket

    async def close(self, timeout_s: float = 10.0) -> None:
        """Write what is left (one attempt) and close the file."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join, timeout_s)

    def _run(self) -> None:
        is_open = False
        while True:
            if not is_open:
                is_open = self._attempt(self._open)
            if is_open:
                self._rest()
                work, ticket = self._take()
                if work:
                    is_open = self._attempt(lambda work=work, ticket=ticket: self._commit(work, ticket))
                    if not is_open:
                        self._put_back(work)
                elif self._untidy:
                    self._untidy = False
                    is_open = self._attempt(self._ledger.tidy)
            with self._wake:
                if self._stopping and (not self._pile or not is_open):
                    break
                if not is_open:
                    self._wake.wait_for(lambda: self._stopping, self._retry_s)
        self._attempt(self._ledger.close)

    def _open(self) -> None:
        self._tell(self._opened, self._ledger.open())

    def _commit(self, work: Work, ticket: int) -> None:
        self._ledger.commit(work)
        self.commits += 1
        self._untidy = True
        self._tell(self._committed, ticket, time.monotonic_ns())

    def _attempt(self, step: Callable[[], None]) -> bool:
        try:
            step()
            return True
        except LedgerError as error:
            reason = error
        except Exception as error:  # last line of defence: whatever it is, alarms must be told as "not recorded"
            log.exception("the alarm file could not be written")
            reason = LedgerError(Text(f"unexpected error: {error!r}", f"意外错误：{error!r}"),
                                 where=str(self._ledger.path))
        self.failures += 1
        self._tell(self._failed, reason)
        return False

    def _tell(self, callback: Callable, *values: object) -> None:
        try:
            self._loop.call_soon_threadsafe(callback, *values)
        except RuntimeError:  # the loop has ended before this thread: nobody is left to be told
            log.warning("the event loop ended before the alarm file was closed")

    def _take(self) -> tuple[Work, int]:
        with self._wake:
            work, self._pile, self._urgent = self._pile, Work(), False
            if self._gap:
                work.records.append(Record("gap", "", time.time_ns(), {"rows_lost": self._gap}))
            self._gap = 0
            return work, self._ticket

    def _put_back(self, failed: Work) -> None:
        with self._wake:
            if failed.records and failed.records[-1].kind == "gap":
                self._gap += failed.records.pop().body["rows_lost"]
            newer, self._pile, self._urgent = self._pile, failed, True
            self._pour(newer)

    def _pour(self, work: Work) -> None:
        """Merge newer work into the pile."""
        pile = self._pile
        pile.states |= work.states
        pile.holds |= work.holds
        pile.ladders |= work.ladders
        pile.configuration |= work.configuration
        room = max(self._journal_limit - len(pile.records), 0)
        pile.records += work.records[:room]
        lost = len(work.records) - min(room, len(work.records))
        self._gap += lost
        self.journal_rows_lost += lost
        for key, pending in work.outbox.items():
            if pending is None and isinstance(pile.outbox.get(key), Pending):
                del pile.outbox[key]  # made and delivered before it was ever written
            else:
                pile.outbox[key] = pending

    def _rest(self) -> None:
        """Wait for work: at once if it is urgent, else for company. Nothing at all to do: for ever."""
        with self._wake:
            if not self._untidy:
                self._wake.wait_for(lambda: self._pile or self._stopping)
            self._wake.wait_for(lambda: self._urgent or self._stopping, self._idle_s)

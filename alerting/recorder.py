"""The way of a change from memory to disk, and of its calls to people.

    enter --> writer thread --> commit --> outbox

A call normally waits for the commit of its change (milliseconds). It does not wait longer than `commit_bound_s`, and
not at all while the alarm file is known to be in trouble: then it goes out marked "not recorded", and the writer keeps
the work and tries again. The trouble is over when the file has taken everything; that is said when it has lasted for
`settle_s`, so that a slow card does not flicker.

All methods belong to the event loop that `start` ran on.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from alerting.calls import Call
from alerting.engine import Transition
from alerting.fence import fenced
from alerting.ledger import AlarmLedger, Contents, Pending, Work
from alerting.outbox import Outbox
from alerting.writer import LedgerWriter
from gateway.model.errors import LedgerError
from gateway.model.ports import Notice
from gateway.model.text import Text

log = logging.getLogger(__name__)

Committed = Callable[[tuple[Transition, ...], int], None]


@dataclass(frozen=True, slots=True)
class RecorderSettings:
    """Times in seconds. journal_limit: journal rows kept while the alarm file can not be written."""

    commit_bound_s: float = 2.0
    open_bound_s: float = 5.0  # a large write-ahead log on a slow card takes its time, once
    settle_s: float = 10.0
    ledger_retry_s: float = 2.0
    journal_limit: int = 10_000


class Memory(Protocol):
    """What is recorded here, as the one who knows it sees it."""

    def restore(self, contents: Contents) -> None:
        """The file has opened for the first time; before anything else that it holds is used."""

    def everything(self) -> Work:
        """All that stands, for a new file in the place of a damaged one."""

    def ledger_fault(self, active: bool, reason: Text) -> None:
        """The alarm file is in trouble, or well again."""

    def ledger_faulty(self) -> bool:
        """Does the alarm of that trouble stand?"""

    def not_recorded(self, keys: Collection[str]) -> None:
        """Of these, people know what the alarm file in trouble does not; (): of nothing any more."""

    def changed(self) -> None:
        """Something that a page could show is different now."""


@dataclass(slots=True)
class _Waiting:
    """A change that was handed to the writer and is not on disk yet. handed_s: loop time."""

    ticket: int
    transitions: tuple[Transition, ...]
    calls: list[tuple[Call, Notice]]
    handed_s: float
    released: bool


class Recorder:
    """`on_commit`: each is called with (transitions, monotonic_ns) for every committed change, in order:
    time.monotonic_ns() of the moment its commit returned in the writer thread."""

    def __init__(self, ledger: AlarmLedger, outbox: Outbox, memory: Memory, settings: RecorderSettings):
        self._outbox, self._memory, self._settings = outbox, memory, settings
        self._writer = LedgerWriter(ledger, opened=self._opened, committed=self._committed, failed=self._failed,
                                    journal_limit=settings.journal_limit, retry_s=settings.ledger_retry_s)
        self.on_commit: list[Committed] = []
        self.trouble: Text | None = None  # why the alarm file does not take everything
        self._waiting: deque[_Waiting] = deque()  # at most journal_limit: see _make_room
        self._unrecorded: dict[str, int] = {}  # key of what has changed -> ticket of its latest change not on disk
        self._news = asyncio.Event()
        self._released = self._not_recorded = 0  # calls that went out, and those of them that were not on disk
        self._overdue: asyncio.TimerHandle | None = None
        self._settling: asyncio.TimerHandle | None = None
        self._keeping: asyncio.Handle | None = None
        self._restored = False
        self._first_word = asyncio.Event()  # the writer has opened the file, or failed to

    async def start(self) -> None:
        """Open the alarm file and take up what it holds. A file that can not be used, or does not open in time, is not
        an error here: alarms work without it, and say so."""
        self._writer.start()
        try:
            async with asyncio.timeout(self._settings.open_bound_s):
                await self._first_word.wait()
        except TimeoutError:
            self._in_trouble(Text("the alarm file does not open in time", "告警文件未能及时打开"))

    async def close(self) -> None:
        """Write what is left."""
        await self._writer.close()
        await asyncio.sleep(0)  # let the writer's last words be heard
        for timer in (self._overdue, self._settling):
            if timer is not None:
                timer.cancel()

    def note(self, work: Work, *, soon: bool = True) -> None:
        """To the file; nobody waits for it. soon: see LedgerWriter.put."""
        self._writer.put(work, soon=soon)

    def enter(self, work: Work, calls: Sequence[Call] = (), transitions: tuple[Transition, ...] = (),
              keys: Sequence[str] = ()) -> None:
        """To the file, and to people when it is on disk. keys: of what is not recorded until then."""
        self._make_room()
        told = [(call, call.compose(True)) for call in calls]
        work.outbox |= {(notice.key, notifier): Pending.of(notice, notifier, call.priority, call.line_ns)
                        for call, notice in told for notifier in call.through}
        ticket = self._writer.put(work)
        waiting = _Waiting(ticket, transitions, told, asyncio.get_running_loop().time(), released=False)
        self._unrecorded |= dict.fromkeys(keys, ticket)
        self._waiting.append(waiting)
        if self.trouble is not None:
            self._release(waiting, recorded=False)
            self._keep_soon()
        self._watch_oldest()
        if keys:
            self._memory.changed()

    def need_ledger(self, where: str) -> None:
        """LedgerError while the alarm file is in trouble: what a person does must be recorded."""
        if self.trouble is not None:
            what = Text("nothing was done: {reason}", "未执行：{reason}").format(reason=self.trouble)
            raise LedgerError(what, where=where,
                              fix=Text("what a person does must be recorded; try again when the alarm file works",
                                       "人工操作必须留有记录；请在告警文件恢复后重试"))

    def recorded(self, key: str) -> bool:
        return key not in self._unrecorded

    async def until_recorded(self, key: str) -> bool:
        """Wait for the disk, but not for ever."""
        try:
            async with asyncio.timeout(self._settings.commit_bound_s):
                while not self.recorded(key) and self.trouble is None:
                    await self._news.wait()
        except TimeoutError:
            pass  # it is told as not recorded
        return self.recorded(key)

    def waiting(self) -> tuple[int, float]:
        """Changes that are not on disk yet, and for how many seconds the oldest has been waiting."""
        if not self._waiting:
            return 0, 0.0
        return len(self._waiting), asyncio.get_running_loop().time() - self._waiting[0].handed_s

    def counters(self) -> dict[str, int]:
        """They only grow."""
        return {"notices": self._released, "notices_not_recorded": self._not_recorded, "commits": self._writer.commits,
                "ledger_failures": self._writer.failures, "journal_rows_lost": self._writer.journal_rows_lost}

    # -- from memory to disk to people

    def _make_room(self) -> None:
        """Full: nothing waits for the disk any longer; the oldest change is forgotten here, the writer still has it."""
        if len(self._waiting) >= self._settings.journal_limit:
            if self.trouble is None:
                self._in_trouble(Text("too many changes wait for the alarm file", "等待写入告警文件的变更过多"))
            self._waiting.popleft()

    def _release(self, waiting: _Waiting, *, recorded: bool) -> None:
        waiting.released = True
        for call, notice in waiting.calls:
            if not recorded:
                notice = call.compose(False)
                self._not_recorded += 1
            self._released += 1
            self._outbox.release(notice, call.priority, line_ns=call.line_ns, through=call.through)

    def _keep_soon(self) -> None:
        """Once for all that happens in this turn of the loop: it costs some ms, and a thousand may be told at once."""
        if self._keeping is None:
            self._keeping = asyncio.get_running_loop().call_soon(self._keep)

    def _keep(self) -> None:
        self._keeping = None
        if self.trouble is not None:
            self._memory.not_recorded(self._unrecorded)

    def _committed(self, ticket: int, monotonic_ns: int) -> None:
        """The writer: everything up to this ticket is on disk."""
        while self._waiting and self._waiting[0].ticket <= ticket:
            waiting = self._waiting.popleft()
            for committed in self.on_commit:
                fenced(partial(committed, waiting.transitions, monotonic_ns), lambda: None,
                       "who listens to commits")
            if waiting.released:
                for _, notice in waiting.calls:
                    self._outbox.revise(notice)
            else:
                self._release(waiting, recorded=True)
        self._unrecorded = {key: latest for key, latest in self._unrecorded.items() if latest > ticket}
        self._watch_oldest()
        if not self._waiting:
            self.trouble = None
            self._memory.not_recorded(())
            self._settle()
        self._tell()

    def _tell(self) -> None:
        self._news.set()  # wakes who waits now
        self._news.clear()
        self._memory.changed()

    # -- the alarm file in trouble and well again

    def _opened(self, contents: Contents) -> None:
        """The writer: the file is open. The first time, take up what it holds; later memory knows better."""
        if not self._restored:
            self._restored = True
            self._memory.restore(contents)
        if contents.set_aside is not None:
            self._in_trouble(Text(f"the alarm file was damaged and set aside as {contents.set_aside.name}",
                                  f"告警文件已损坏，另存为 {contents.set_aside.name}"))
            self._writer.put(self._memory.everything())
        self._first_word.set()
        self._settle()
        self._tell()

    def _failed(self, error: LedgerError) -> None:
        """The writer: an attempt failed, it keeps the work and will try again."""
        self._first_word.set()
        self._in_trouble(Text(error.message("en"), error.message("zh")))

    def _in_trouble(self, reason: Text) -> None:
        if self._settling is not None:
            self._settling.cancel()
            self._settling = None
        if self.trouble is None:
            log.error("alarms are not recorded: %s", reason.en)
        self.trouble = reason
        for waiting in tuple(self._waiting):  # what is released may fill an outbox, and that alarm is entered here
            if not waiting.released:
                self._release(waiting, recorded=False)
        self._memory.not_recorded(self._unrecorded)
        self._memory.ledger_fault(True, reason)
        self._tell()

    def _settle(self) -> None:
        """All is on disk. Say so once that has lasted for a while."""
        if self._memory.ledger_faulty() and self._settling is None and not self._waiting:
            self._settling = asyncio.get_running_loop().call_later(self._settings.settle_s, self._recovered)

    def _recovered(self) -> None:
        self._settling = None
        if not self._waiting:  # else the next commit begins to settle anew
            self._memory.ledger_fault(False, Text("the alarm file takes everything again", "告警文件已恢复写入"))

    def _watch_oldest(self) -> None:
        """See to it that nobody waits longer for the disk than the bound."""
        if self._overdue is not None:
            self._overdue.cancel()
            self._overdue = None
        if self._waiting and self.trouble is None:
            self._overdue = asyncio.get_running_loop().call_at(
                self._waiting[0].handed_s + self._settings.commit_bound_s, self._is_overdue)

    def _is_overdue(self) -> None:
        self._overdue = None
        bound = f"{self._settings.commit_bound_s:g}"
        self._in_trouble(Text(f"the alarm file took longer than {bound} s", f"告警文件写入超过 {bound} 秒"))

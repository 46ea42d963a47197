"""The alarm service: the asyncio shell around engine, alarm file and outbox.

    apply/acknowledge --> engine (memory; the page sees it at once) --> writer thread --> commit --> outbox --> notifier

A notice normally waits for the commit of its transition (milliseconds). It does not wait longer than `commit_bound_s`,
and not at all while the alarm file is known to be in trouble: then it goes out marked "not recorded", the P1 alarm
`gateway/ledger` is raised, and the writer keeps the work and tries again. The trouble is over when the file has taken
everything; `gateway/ledger` ends when that has lasted for `settle_s`, so that a slow card does not flicker.

All methods belong to the event loop that `start` ran on.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from alerting import message
from alerting.engine import AlarmEngine, Changes, Transition
from alerting.ledger import AlarmLedger, Contents, JournalRow, Pending, Record, Work, transition_record
from alerting.outbox import DeliverySettings, NotifierStatus, Outbox
from alerting.views import AlarmView, in_order, risk_level
from alerting.writer import LedgerWriter
from gateway.model.alarm import AlarmTable, Priority, Risk
from gateway.model.clock import Clock
from gateway.model.errors import CommandError, LedgerError
from gateway.model.ports import Notice, Notifier
from gateway.model.site import GatewayFault, Site
from gateway.model.text import Text
from gateway.model.verdict import Edge, Evidence, Verdicts

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AlarmSettings:
    """Times in seconds. journal_limit: journal rows kept while the alarm file can not be written. link: see message."""

    commit_bound_s: float = 2.0
    open_bound_s: float = 5.0  # a large write-ahead log on a slow card takes its time, once
    settle_s: float = 10.0
    ledger_retry_s: float = 2.0
    journal_limit: int = 10_000
    link: str = ""
    delivery: DeliverySettings = field(default_factory=DeliverySettings)


@dataclass(slots=True)
class _Waiting:
    """Changes that were handed to the writer and are not on disk yet. handed_s: loop time."""

    ticket: int
    transitions: tuple[Transition, ...]
    notices: list[tuple[Transition, Notice]]
    handed_s: float
    released: bool


@dataclass(frozen=True, slots=True)
class AlarmStatus:
    """For health and metrics. ledger: why the alarm file is in trouble, None while it is well. Counters only grow."""

    ledger: Text | None
    uncommitted: int  # changes not on disk yet
    oldest_uncommitted_s: float
    notifiers: tuple[NotifierStatus, ...]
    counters: dict[str, int]


class AlarmService:
    """`on_commit(transitions, monotonic_ns)`, when set, is called for every committed change: time.monotonic_ns() of
    the moment its commit returned in the writer thread. `on_restored()`, when set, is called when an alarm file that
    did not open at the start has opened after all, and what stood in it stands again."""

    def __init__(self, alarms: AlarmTable, site: Site, ledger: AlarmLedger, notifiers: Sequence[Notifier],
                 clock: Clock, settings: AlarmSettings | None = None):
        self._alarms, self._site, self._ledger, self._clock = alarms, site, ledger, clock
        self._settings = settings = settings or AlarmSettings()
        self._engine = AlarmEngine(alarms)
        self._outbox = Outbox(notifiers, clock, settings.delivery, delivered=self._delivered, given_up=self._given_up,
                              trouble=self._judge_notifiers)
        self._writer = LedgerWriter(ledger, opened=self._opened, committed=self._committed, failed=self._failed,
                                    journal_limit=settings.journal_limit, retry_s=settings.ledger_retry_s)
        self.on_commit: Callable[[tuple[Transition, ...], int], None] | None = None
        self.on_restored: Callable[[], None] | None = None
        self._watchers: list[Callable[[], None]] = []
        self._waiting: deque[_Waiting] = deque()  # at most journal_limit: see _make_room
        self._unrecorded: dict[str, int] = {}  # alarm -> ticket of its latest change that is not on disk
        self._ledger_trouble: Text | None = None
        self._overdue: asyncio.TimerHandle | None = None
        self._settling: asyncio.TimerHandle | None = None
        self._restored = False
        self._first_word = asyncio.Event()  # the writer has opened the file, or failed to
        self._counters = {"transitions": 0, "notices": 0, "notices_not_recorded": 0}

    async def start(self) -> None:
        """Open the alarm file, take up what it holds, send what was pending. A file that can not be used, or does not
        open in time, is not an error here: alarms work without it, and say so."""
        self._writer.start()
        self._outbox.start()
        try:
            async with asyncio.timeout(self._settings.open_bound_s):
                await self._first_word.wait()
        except TimeoutError:
            self._trouble(Text("the alarm file does not open in time", "告警文件未能及时打开"))

    async def close(self) -> None:
        """Stop sending, write what is left."""
        await self._outbox.close()
        await self._writer.close()
        await asyncio.sleep(0)  # let the writer's last words be heard
        for timer in (self._overdue, self._settling):
            if timer is not None:
                timer.cancel()

    def apply(self, verdicts: Verdicts) -> None:
        """Take in what the detectors say. In memory at once, on disk soon; never waits, never raises for a disk."""
        self._remember(self._engine.apply(verdicts))

    async def acknowledge(self, alarm: str, who: str, comment: str = "") -> AlarmView:
        """Returns when it is on disk, or with `recorded` False after `commit_bound_s`. Errors: see AlarmEngine."""
        self._remember(self._engine.acknowledge(alarm, who, comment, self._clock.now()))
        changed = asyncio.Event()
        unsubscribe = self.subscribe(changed.set)
        try:
            async with asyncio.timeout(self._settings.commit_bound_s):
                while alarm in self._unrecorded and self._ledger_trouble is None:
                    changed.clear()
                    await changed.wait()
        except TimeoutError:
            pass  # the view says that it is not recorded
        finally:
            unsubscribe()
        return self.view(alarm)

    def view(self, alarm: str) -> AlarmView:
        """One alarm, whatever its state. CommandError when unknown."""
        definition = self._alarms.get(alarm)
        if definition is None:
            raise CommandError(Text("there is no alarm with this id", "没有此编号的告警"), where=alarm)
        return AlarmView.of(definition, self._engine.state(alarm), recorded=alarm not in self._unrecorded)

    def views(self) -> tuple[AlarmView, ...]:
        """Every alarm that is not normal, in the order to look at them."""
        return in_order(self.view(state.alarm) for state in self._engine.standing())

    def risk_level(self, area: str | None = None) -> Risk:
        """Of the site, or of one area. See alerting.views.risk_level."""
        standing = (self._alarms.get(state.alarm) for state in self._engine.standing())
        return risk_level(definition for definition in standing if area is None or definition.area == area)

    async def history(self, limit: int = 100, before: int | None = None) -> list[JournalRow]:
        """Journal rows, newest first; `before`: position to go on from. LedgerError when the file can not be read."""
        return await asyncio.to_thread(self._ledger.history, limit, before)

    def subscribe(self, changed: Callable[[], None]) -> Callable[[], None]:
        """`changed` is called after every change that a page could show; look at `views` then. It must not wait and
        must not raise. Returns what ends the subscription."""
        self._watchers.append(changed)
        return lambda: self._watchers.remove(changed)

    def status(self) -> AlarmStatus:
        now = asyncio.get_running_loop().time()
        oldest = now - self._waiting[0].handed_s if self._waiting else 0.0
        counters = self._counters | {"commits": self._writer.commits, "ledger_failures": self._writer.failures,
                                     "journal_rows_lost": self._writer.journal_rows_lost}
        return AlarmStatus(self._ledger_trouble, len(self._waiting), oldest, self._outbox.status(), counters)

    # -- a change on its way to the disk and to people

    def _remember(self, changes: Changes) -> None:
        if not changes:
            return
        self._make_room()
        told = [(transition, self._compose(transition))
                for transition in changes.transitions if transition.notify]
        outbox = {(notice.key, notifier): self._pending(transition, notice, notifier)
                  for transition, notice in told for notifier in self._outbox.notifiers}
        ticket = self._writer.put(Work({state.alarm: state for state in changes.states},
                                       [transition_record(transition) for transition in changes.transitions], outbox))
        waiting = _Waiting(ticket, changes.transitions, told, asyncio.get_running_loop().time(), released=False)
        self._unrecorded |= dict.fromkeys((transition.alarm for transition in changes.transitions), ticket)
        self._counters["transitions"] += len(changes.transitions)
        self._waiting.append(waiting)
        if self._ledger_trouble is not None:
            self._release(waiting, recorded=False)
        self._watch_oldest()
        if changes.transitions:
            self._tell_pages()

    def _compose(self, transition: Transition, *, recorded: bool = True) -> Notice:
        return message.compose(self._site, self._alarms.get(transition.alarm), transition, recorded=recorded,
                               link=self._settings.link)

    def _make_room(self) -> None:
        """Full: nothing waits for the disk any longer; the oldest change is forgotten here, the writer still has it."""
        if len(self._waiting) >= self._settings.journal_limit:
            if self._ledger_trouble is None:
                self._trouble(Text("too many changes wait for the alarm file", "等待写入告警文件的变更过多"))
            self._waiting.popleft()

    def _pending(self, transition: Transition, notice: Notice, notifier: str) -> Pending:
        return Pending(notice.key, notifier, notice.alarm, self._alarms.get(notice.alarm).priority, transition.line_ns,
                       notice.payload)

    def _release(self, waiting: _Waiting, *, recorded: bool) -> None:
        waiting.released = True
        for transition, notice in waiting.notices:
            definition = self._alarms.get(notice.alarm)
            if not recorded:
                notice = self._compose(transition, recorded=False)
                self._counters["notices_not_recorded"] += 1
            self._counters["notices"] += 1
            self._outbox.release(notice, definition.priority, line_ns=transition.line_ns)

    def _committed(self, ticket: int, monotonic_ns: int) -> None:
        """The writer: everything up to this ticket is on disk."""
        while self._waiting and self._waiting[0].ticket <= ticket:
            waiting = self._waiting.popleft()
            if self.on_commit is not None:
                self.on_commit(waiting.transitions, monotonic_ns)
            if waiting.released:
                for _, notice in waiting.notices:
                    self._outbox.revise(notice)
            else:
                self._release(waiting, recorded=True)
        self._unrecorded = {alarm: latest for alarm, latest in self._unrecorded.items() if latest > ticket}
        self._watch_oldest()
        if not self._waiting:
            self._ledger_trouble = None
            self._settle()
        self._tell_pages()

    # -- the alarm file in trouble and well again

    def _opened(self, contents: Contents) -> None:
        """The writer: the file is open. The first time, take up what it holds; later memory knows better."""
        now = self._clock.now()
        if not self._restored:
            self._restored = True
            orphans = self._engine.restore(contents.states, now.line_ns)
            if orphans:
                log.warning("the site no longer has these alarms, which stood: %s", ", ".join(orphans))
            self._resend(contents.outbox)
            if self.on_restored is not None:
                self.on_restored()
        if contents.set_aside is not None:
            self._trouble(Text(f"the alarm file was damaged and set aside as {contents.set_aside.name}",
                               f"告警文件已损坏，另存为 {contents.set_aside.name}"))
            self._writer.put(Work({state.alarm: state for state in self._engine.states()}))
        self._first_word.set()
        self._settle()
        self._judge_notifiers()
        self._tell_pages()

    def _failed(self, error: LedgerError) -> None:
        """The writer: an attempt failed, it keeps the work and will try again."""
        self._first_word.set()
        self._trouble(Text(error.message("en"), error.message("zh")))

    def _trouble(self, reason: Text) -> None:
        if self._settling is not None:
            self._settling.cancel()
            self._settling = None
        if self._ledger_trouble is None:
            log.error("alarms are not recorded: %s", reason.en)
        self._ledger_trouble = reason
        for waiting in self._waiting:
            if not waiting.released:
                self._release(waiting, recorded=False)
        self._fault(GatewayFault.LEDGER, True, reason, str(self._ledger.path))

    def _settle(self) -> None:
        """All is on disk. Say so once that has lasted for a while."""
        standing = self._engine.state(GatewayFault.LEDGER).state.condition
        if standing and self._settling is None and not self._waiting:
            self._settling = asyncio.get_running_loop().call_later(self._settings.settle_s, self._recovered)

    def _recovered(self) -> None:
        self._settling = None
        if self._waiting:
            return  # the next commit begins to settle anew
        self._fault(GatewayFault.LEDGER, False, Text("the alarm file takes everything again", "告警文件已恢复写入"),
                    str(self._ledger.path))

    def _watch_oldest(self) -> None:
        """See to it that nobody waits longer for the disk than the bound."""
        if self._overdue is not None:
            self._overdue.cancel()
            self._overdue = None
        if self._waiting and self._ledger_trouble is None:
            self._overdue = asyncio.get_running_loop().call_at(
                self._waiting[0].handed_s + self._settings.commit_bound_s, self._is_overdue)

    def _is_overdue(self) -> None:
        self._overdue = None
        bound = f"{self._settings.commit_bound_s:g}"
        self._trouble(Text(f"the alarm file took longer than {bound} s", f"告警文件写入超过 {bound} 秒"))

    # -- the outbox

    def _resend(self, pending: Sequence[Pending]) -> None:
        """Notices that were not handed over before the last stop, under their old keys."""
        gone = {}
        for row in pending:
            if row.notifier in self._outbox.notifiers:
                self._outbox.release(Notice(row.key, row.alarm, row.payload), Priority(row.priority),
                                     line_ns=row.line_ns, only=row.notifier)
            else:
                gone[row.key, row.notifier] = None
        if gone:
            log.warning("%d notices wait for notifiers that the site no longer has; they are dropped", len(gone))
            self._writer.put(Work(outbox=gone))

    def _delivered(self, key: str, notifier: str) -> None:
        self._writer.put(Work(outbox={(key, notifier): None}), soon=False)
        self._judge_notifiers()

    def _given_up(self, notice: Notice, notifier: str, reason: Text) -> None:
        self._writer.put(Work(
            records=[Record("given up", notice.alarm, time.time_ns(),
                            {"key": notice.key, "notifier": notifier, "reason": {"en": reason.en, "zh": reason.zh}})],
            outbox={(notice.key, notifier): None}))

    def _judge_notifiers(self) -> None:
        failing = self._outbox.failing
        if failing:
            notifier, reason = next(iter(failing.items()))
            self._fault(GatewayFault.NOTIFY, True, reason, notifier)
        elif self._engine.state(GatewayFault.NOTIFY).state.condition and not self._outbox.pending:
            self._fault(GatewayFault.NOTIFY, False, Text("all notices are handed over", "通知均已送达"), "")

    def _fault(self, fault: str, active: bool, reason: Text, where: str) -> None:
        """An alarm of the gateway about itself, through the same door as all others."""
        if self._engine.state(fault).state.condition == active:
            return
        now = self._clock.now()
        line_ns = max(now.line_ns, self._engine.state(fault).edge_line_ns + 1)  # two faults of one instant both count
        evidence = (Evidence(now.wall_ns, where, math.nan, reason),)
        edge = Edge(self._alarms.index(fault), active, math.nan, line_ns, now.wall_ns, evidence)
        self.apply(Verdicts.from_edges([edge]))

    def _tell_pages(self) -> None:
        for changed in tuple(self._watchers):
            changed()

"""The alarm service: the asyncio shell around engine, alarm file and outbox.

    apply/acknowledge --> engine (memory; the page sees it at once) --> writer thread --> commit --> outbox --> notifier

A notice normally waits for the commit of its transition (milliseconds). It does not wait longer than `commit_bound_s`,
and not at all while the alarm file is known to be in trouble: then it goes out marked "not recorded", the P1 alarm
`gateway/ledger` is raised, and the writer keeps the work and tries again. The trouble is over when the file has taken
everything; `gateway/ledger` ends when that has lasted for `settle_s`, so that a slow card does not flicker.

A bypass (alerting.bypass) withholds notices between engine and outbox, with the reason in the journal; its time is
looked at with every `apply`, which the pipeline calls at least once a second, and before anything that it might hide.

All methods belong to the event loop that `start` ran on.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from alerting import bypass, message, proof
from alerting.bypass import Act, Bypass, Bypasses, Step
from alerting.calls import Call, Calls, raised_again
from alerting.engine import TOLD, AlarmEngine, Changes, Transition
from alerting.ledger import AlarmLedger, Contents, JournalRow, Pending, Record, Work, bypass_record, transition_record
from alerting.lifecycle import Effect
from alerting.outbox import DeliverySettings, NotifierStatus, Outbox
from alerting.views import AlarmView, in_order, risk_level
from alerting.writer import LedgerWriter
from gateway.model.alarm import AlarmDefinition, AlarmTable, Priority, Risk
from gateway.model.clock import Clock
from gateway.model.errors import CommandError, LedgerError
from gateway.model.ports import Notice, Notifier
from gateway.model.site import GatewayFault, Site
from gateway.model.stroke import Stroke
from gateway.model.text import Text
from gateway.model.verdict import Edge, Evidence, Verdicts

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AlarmSettings:
    """Times in seconds. journal_limit: journal rows kept while the alarm file can not be written. link: see message.
    bypass_*: see alerting.bypass."""

    commit_bound_s: float = 2.0
    open_bound_s: float = 5.0  # a large write-ahead log on a slow card takes its time, once
    settle_s: float = 10.0
    ledger_retry_s: float = 2.0
    journal_limit: int = 10_000
    link: str = ""
    bypass_longest_s: float = bypass.LONGEST_S
    bypass_longest_p1_s: float = bypass.LONGEST_P1_S
    delivery: DeliverySettings = field(default_factory=DeliverySettings)


@dataclass(slots=True)
class _Waiting:
    """Changes that were handed to the writer and are not on disk yet. handed_s: loop time."""

    ticket: int
    transitions: tuple[Transition, ...]
    calls: list[tuple[Call, Notice]]
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
    did not open at the start has opened after all, and what stood in it stands again. `on_bypass(standing)`, when set,
    is called whenever a bypass has begun or ended."""

    def __init__(self, alarms: AlarmTable, site: Site, ledger: AlarmLedger, notifiers: Sequence[Notifier],
                 clock: Clock, settings: AlarmSettings | None = None):
        self._alarms, self._ledger, self._clock = alarms, ledger, clock
        self._settings = settings = settings or AlarmSettings()
        self._calls = Calls(alarms, site, settings.link)
        self._engine = AlarmEngine(alarms)
        self._bypasses = Bypasses(alarms, settings.bypass_longest_s, settings.bypass_longest_p1_s)
        self._outbox = Outbox(notifiers, clock, settings.delivery, delivered=self._delivered, given_up=self._given_up,
                              trouble=self._judge_notifiers)
        self._writer = LedgerWriter(ledger, opened=self._opened, committed=self._committed, failed=self._failed,
                                    journal_limit=settings.journal_limit, retry_s=settings.ledger_retry_s)
        self.on_commit: Callable[[tuple[Transition, ...], int], None] | None = None
        self.on_restored: Callable[[], None] | None = None
        self.on_bypass: Callable[[tuple[Bypass, ...]], None] | None = None
        self._watchers: list[Callable[[], None]] = []
        self._waiting: deque[_Waiting] = deque()  # at most journal_limit: see _make_room
        self._unrecorded: dict[str, int] = {}  # alarm, target or act -> ticket of its latest change not on disk
        self._ledger_trouble: Text | None = None
        self._overdue: asyncio.TimerHandle | None = None
        self._settling: asyncio.TimerHandle | None = None
        self._restored = False
        self._first_word = asyncio.Event()  # the writer has opened the file, or failed to
        self._counters = {"transitions": 0, "notices": 0, "notices_not_recorded": 0, "notices_withheld": 0}

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
        self._take_steps(self._bypasses.expire(self._clock.now()))
        self._remember(self._engine.apply(verdicts))
        if verdicts.strokes:
            self._writer.put(Work(records=[proof.record(stroke) for stroke in verdicts.strokes]))

    async def acknowledge(self, alarm: str, who: str, comment: str = "") -> AlarmView:
        """Returns when it is on disk, or with `recorded` False after `commit_bound_s`. Errors: see AlarmEngine."""
        self._remember(self._engine.acknowledge(alarm, who, comment, self._clock.now()))
        await self._until_recorded(alarm)
        return self.view(alarm)

    async def bypass(self, target: str, who: str, why: str, for_s: float, approved: str = "") -> tuple[Bypass, bool]:
        """Call nobody for the alarms of `target` for so long; see alerting.bypass. Returns whether it is on disk.
        CommandError: not allowed. LedgerError: the alarm file is in trouble; there is no bypass without a record."""
        self._need_ledger(target)
        step = self._bypasses.begin(target, who, why, for_s, approved, self._clock.now())
        self._take_steps((step,))
        return step.bypass, await self._until_recorded(_bypass_key(target))

    async def end_bypass(self, target: str, who: str, why: str = "") -> tuple[Bypass, bool]:
        """End it before its time: people are called for what is still active. Works without the alarm file, too."""
        step = self._bypasses.end(target, who, why, self._clock.now())
        self._take_steps((step,))
        return step.bypass, await self._until_recorded(_bypass_key(target))

    def bypasses(self) -> tuple[Bypass, ...]:
        """Those that stand; the one that ends first comes first."""
        return self._bypasses.standing()

    async def record(self, record: Record) -> bool:
        """Write what a person does to something else than an alarm, before it is done. True when it is on disk.
        LedgerError: the alarm file is in trouble."""
        self._need_ledger(record.alarm)
        key = f"act {record.kind} {record.alarm}"
        self._unrecorded[key] = self._writer.put(Work(records=[record]))
        return await self._until_recorded(key)

    def view(self, alarm: str) -> AlarmView:
        """One alarm, whatever its state. CommandError when unknown."""
        definition = self._alarms.get(alarm)
        if definition is None:
            raise CommandError(Text("there is no alarm with this id", "没有此编号的告警"), where=alarm)
        return AlarmView.of(definition, self._engine.state(alarm), recorded=alarm not in self._unrecorded,
                            bypass=self._bypasses.over(definition))

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

    async def strokes(self) -> list[Stroke]:
        """The proof-test log, newest first. LedgerError when the file can not be read."""
        return proof.strokes(await asyncio.to_thread(self._ledger.history, proof.NEWEST, None, proof.KIND))

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
        if changes:
            transitions = tuple(self._judged(transition) for transition in changes.transitions)
            self._hand_over(Work({state.alarm: state for state in changes.states},
                                 [transition_record(transition) for transition in transitions]),
                            [self._calls.of(transition) for transition in transitions if transition.notify],
                            transitions, [transition.alarm for transition in transitions])

    def _judged(self, transition: Transition) -> Transition:
        """Under a bypass nobody is told. What was raised before it is told to its end."""
        if not transition.notify:
            return transition
        over = self._bypasses.over(self._alarms.get(transition.alarm))
        if over is None or self._engine.state(transition.alarm).raised_line_ns < over.begun_line_ns:
            return transition
        self._counters["notices_withheld"] += 1
        return replace(transition, notify=False, withheld=message.withheld(over))

    def _take_steps(self, steps: Sequence[Step]) -> None:
        """Bypasses that began or ended."""
        for step in steps:
            alarms = self._covered(step)
            begun, target = step.act is Act.BEGIN, step.bypass.target
            calls = self._calls.of_bypass(step, alarms)
            records = [bypass_record(step)]
            if not begun:
                again = [raised_again(self._engine.state(alarm.id), step.at) for alarm in alarms
                         if self._calls_again(alarm, step.bypass)]
                calls += [self._calls.of(transition, recall=True) for transition in again]
                records += [Record("recall", transition.alarm, step.at.wall_ns, {
                    "occurrence": transition.occurrence, "bypass": target}) for transition in again]
            self._hand_over(Work(records=records, bypasses={target: step.bypass if begun else None}), calls, (),
                            [_bypass_key(target)])
        if steps and self.on_bypass is not None:
            self.on_bypass(self._bypasses.standing())

    def _covered(self, step: Step) -> tuple[AlarmDefinition, ...]:
        """What it covers, most urgent first; nothing where the site no longer has its target."""
        try:
            return self._bypasses.covered(step.bypass.target)
        except CommandError:
            return ()

    def _calls_again(self, alarm: AlarmDefinition, ended: Bypass) -> bool:
        """A bypass of this alarm is over: is it active, and has nobody taken it or nobody been told of it, and is it
        not under another one?"""
        known = self._engine.state(alarm.id)
        open_still = known.state.waits or known.raised_line_ns >= ended.begun_line_ns
        return (known.state.active and open_still and alarm.priority <= TOLD[Effect.ANNUNCIATE]
                and self._bypasses.over(alarm) is None)

    def _hand_over(self, work: Work, calls: Sequence[Call], transitions: tuple[Transition, ...],
                   changed: Sequence[str]) -> None:
        """To the writer, and to people when it is on disk. changed: keys of what is not recorded until then."""
        self._make_room()
        told = [(call, call.compose(True)) for call in calls]
        work.outbox = {(notice.key, notifier): Pending(notice.key, notifier, notice.alarm, call.priority, call.line_ns,
                                                       notice.payload)
                       for call, notice in told for notifier in self._outbox.notifiers}
        ticket = self._writer.put(work)
        waiting = _Waiting(ticket, transitions, told, asyncio.get_running_loop().time(), released=False)
        self._unrecorded |= dict.fromkeys(changed, ticket)
        self._counters["transitions"] += len(transitions)
        self._waiting.append(waiting)
        if self._ledger_trouble is not None:
            self._release(waiting, recorded=False)
        self._watch_oldest()
        if changed:
            self._tell_pages()

    def _need_ledger(self, where: str) -> None:
        if self._ledger_trouble is not None:
            what = Text("nothing was done: {reason}", "未执行：{reason}").format(reason=self._ledger_trouble)
            raise LedgerError(what, where=where,
                              fix=Text("what a person does must be recorded; try again when the alarm file works",
                                       "人工操作必须留有记录；请在告警文件恢复后重试"))

    async def _until_recorded(self, key: str) -> bool:
        """Wait for the disk, but not for ever."""
        changed = asyncio.Event()
        unsubscribe = self.subscribe(changed.set)
        try:
            async with asyncio.timeout(self._settings.commit_bound_s):
                while key in self._unrecorded and self._ledger_trouble is None:
                    changed.clear()
                    await changed.wait()
        except TimeoutError:
            pass  # it is told as not recorded
        finally:
            unsubscribe()
        return key not in self._unrecorded

    def _make_room(self) -> None:
        """Full: nothing waits for the disk any longer; the oldest change is forgotten here, the writer still has it."""
        if len(self._waiting) >= self._settings.journal_limit:
            if self._ledger_trouble is None:
                self._trouble(Text("too many changes wait for the alarm file", "等待写入告警文件的变更过多"))
            self._waiting.popleft()

    def _release(self, waiting: _Waiting, *, recorded: bool) -> None:
        waiting.released = True
        for call, notice in waiting.calls:
            if not recorded:
                notice = call.compose(False)
                self._counters["notices_not_recorded"] += 1
            self._counters["notices"] += 1
            self._outbox.release(notice, call.priority, line_ns=call.line_ns)

    def _committed(self, ticket: int, monotonic_ns: int) -> None:
        """The writer: everything up to this ticket is on disk."""
        while self._waiting and self._waiting[0].ticket <= ticket:
            waiting = self._waiting.popleft()
            if self.on_commit is not None:
                self.on_commit(waiting.transitions, monotonic_ns)
            if waiting.released:
                for _, notice in waiting.calls:
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
            self._take_steps(self._bypasses.restore(contents.bypasses, now))
            if self._bypasses.standing() and self.on_bypass is not None:
                self.on_bypass(self._bypasses.standing())
            if self.on_restored is not None:
                self.on_restored()
        if contents.set_aside is not None:
            self._trouble(Text(f"the alarm file was damaged and set aside as {contents.set_aside.name}",
                               f"告警文件已损坏，另存为 {contents.set_aside.name}"))
            self._writer.put(Work({state.alarm: state for state in self._engine.states()},
                                  bypasses={bypass.target: bypass for bypass in self._bypasses.standing()}))
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


def _bypass_key(target: str) -> str:
    return f"bypass {target}"

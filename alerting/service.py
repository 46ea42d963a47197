"""The alarm service: the asyncio shell around engine, overlays, alarm file and outbox.

    apply/acknowledge --> engine (memory; the page sees it at once) --> recorder: disk, then outbox --> notifier

Trouble with the alarm file (alerting.recorder) and with notifiers are alarms like all others.

A bypass (alerting.bypass) withholds notices between engine and outbox, with the reason in the journal; its time is
looked at with every `apply`, which the pipeline calls at least once a second, and before anything that it might hide.

All methods belong to the event loop that `start` ran on.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from alerting import bypass, despatch, message, proof
from alerting.bypass import Act, Bypass, Bypasses, Step
from alerting.callout import CallOut
from alerting.calls import Calls
from alerting.channel import ChannelRules, DeliverySettings
from alerting.engine import TOLD, AlarmEngine, Changes, Transition
from alerting.figures.figures import Figures
from alerting.figures.live import LiveFigures
from alerting.journal import configuration
from alerting.ledger import AlarmLedger, Contents, JournalRow, Pending, Record, Work, bypass_record, transition_record
from alerting.lifecycle import Effect
from alerting.oncall.escalation import Escalations, Ladder
from alerting.oncall.routing import Routing
from alerting.outbox import NotifierStatus, Outbox
from alerting.recorder import Recorder, RecorderSettings
from alerting.views import AlarmView, in_order, risk_level
from gateway.model.alarm import AlarmDefinition, AlarmTable, Risk
from gateway.model.clock import Clock
from gateway.model.errors import CommandError, LedgerError
from gateway.model.ports import Notifier
from gateway.model.pulse import Pulse
from gateway.model.site import GatewayFault, Site
from gateway.model.stroke import Stroke
from gateway.model.text import Text
from gateway.model.verdict import Edge, Evidence, Verdicts

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AlarmSettings(RecorderSettings):
    """link: see message. bypass_*: see alerting.bypass. operators: see alerting.figures.
    origin: of the site file, see alerting.journal.configuration.recorded; None: its changes are not journalled."""

    link: str = ""
    bypass_longest_s: float = bypass.LONGEST_S
    bypass_longest_p1_s: float = bypass.LONGEST_P1_S
    operators: int = 1
    origin: Mapping[str, object] | None = None
    delivery: DeliverySettings = field(default_factory=DeliverySettings)
    channels: Mapping[str, ChannelRules] = field(default_factory=dict)  # by notifier


@dataclass(frozen=True, slots=True)
class AlarmStatus:
    """For health and metrics. ledger: why the alarm file is in trouble, None while it is well. Counters only grow."""

    ledger: Text | None
    uncommitted: int  # changes not on disk yet
    oldest_uncommitted_s: float
    notifiers: tuple[NotifierStatus, ...]
    counters: dict[str, int]


class AlarmService:
    """routing: who is called; None: every notifier for everything. `on_commit`: see alerting.recorder.
    `on_restored()`, when set, is called when an alarm file that did not open at the start has opened after all, and
    what stood in it stands again. `on_bypass(standing)`, when set, is called whenever a bypass has begun or ended."""

    def __init__(self, alarms: AlarmTable, site: Site, ledger: AlarmLedger, notifiers: Sequence[Notifier],
                 clock: Clock, settings: AlarmSettings | None = None, routing: Routing | None = None):
        self._alarms, self._ledger, self._clock, self._site = alarms, ledger, clock, site
        settings = settings or AlarmSettings()
        self._origin = settings.origin
        self._engine = AlarmEngine(alarms)
        self._bypasses = Bypasses(alarms, settings.bypass_longest_s, settings.bypass_longest_p1_s)
        sender = despatch.Despatch(lambda work, soon: self._recorder.note(work, soon=soon), self._stands,
                                   self._judge_notifiers)
        self._outbox = Outbox(notifiers, clock, settings.delivery, sender, settings.channels)
        climbed = routing is not None and routing.escalates
        self._callout = CallOut(Calls(alarms, site, settings.link, self._outbox.notifiers), alarms,
                                Escalations(routing, alarms, self._engine.state) if climbed else None)
        self._recorder = Recorder(ledger, self._outbox, self, settings)
        self._figures = LiveFigures(alarms, settings.operators, clock, self._note)
        self.on_commit = self._recorder.on_commit
        self.on_restored: Callable[[], None] | None = None
        self.on_bypass: Callable[[tuple[Bypass, ...]], None] | None = None
        self._away_s = 0.0
        self._watchers: list[Callable[[], None]] = []
        self._counters = {"transitions": 0, "notices_withheld": 0}

    async def start(self, away_s: float = 0.0) -> None:
        """Open the alarm file, take up what it holds, send what was pending. A file that can not be used, or does not
        open in time, is not an error here: alarms work without it, and say so. away_s: for how long the gateway did not
        run, infinite where nobody knows."""
        self._away_s = away_s
        self._outbox.start()
        await self._recorder.start()

    async def close(self) -> None:
        """Stop sending, write what is left."""
        await self._outbox.close()
        await self._figures.close()
        await self._recorder.close()

    def apply(self, verdicts: Verdicts) -> None:
        """Take in what the detectors say. In memory at once, on disk soon; never waits, never raises for a disk."""
        now = self._clock.now()
        self._take_steps(self._bypasses.expire(now))
        self._remember(self._engine.apply(verdicts))
        for work, calls in tuple(self._callout.due(now, self._engine.state)):
            self._recorder.enter(work, calls)
        if not len(verdicts):  # edges bring their own time, which is long ago while stored frames are evaluated again
            self._note(self._figures.pass_time(now))
        if verdicts.strokes:
            self._recorder.note(Work(records=[proof.record(stroke) for stroke in verdicts.strokes]))

    async def acknowledge(self, alarm: str, who: str, comment: str = "", *, person: str = "",
                          via: str = "page") -> AlarmView:
        """Returns when it is on disk, or with `recorded` False after `commit_bound_s`. Errors: see AlarmEngine. person:
        id of the one whose message it was answered with; via: "page", "link", "code" or "mqtt"."""
        self._remember(self._engine.acknowledge(alarm, who, comment, self._clock.now()))
        took = self._outbox.acknowledged(alarm, person)
        if took or via != "page":
            self._recorder.note(Work(records=[despatch.record(alarm, "acknowledged", {
                "person": person, "via": via, "seconds": took})]))
        await self._recorder.until_recorded(alarm)
        return self.view(alarm)

    async def test_notifier(self, notifier: str) -> Text | None:
        """Send a message that is marked as a test, now and once. None when it was taken, else why not. CommandError:
        there is no such notifier."""
        if notifier not in self._outbox.notifiers:
            raise CommandError(Text("there is no notifier with this id", "没有此编号的通知渠道"), where=notifier,
                               fix=Text("there are: {ids}", "可选：{ids}").format(
                                   ids=", ".join(self._outbox.notifiers)))
        reason = await self._outbox.test(notifier, message.compose_test(self._site, notifier, self._clock.now()))
        self._recorder.note(Work(records=[despatch.record("", "test", {
            "notifier": notifier, "taken": reason is None, "reason": reason and {"en": reason.en, "zh": reason.zh}})]))
        return reason

    async def bypass(self, target: str, who: str, why: str, for_s: float, approved: str = "") -> tuple[Bypass, bool]:
        """Call nobody for the alarms of `target` for so long; see alerting.bypass. Returns whether it is on disk.
        CommandError: not allowed. LedgerError: the alarm file is in trouble; there is no bypass without a record."""
        self._recorder.need_ledger(target)
        step = self._bypasses.begin(target, who, why, for_s, approved, self._clock.now())
        self._take_steps((step,))
        return step.bypass, await self._recorder.until_recorded(_bypass_key(target))

    async def end_bypass(self, target: str, who: str, why: str = "") -> tuple[Bypass, bool]:
        """End it before its time: people are called for what is still active. Works without the alarm file, too."""
        step = self._bypasses.end(target, who, why, self._clock.now())
        self._take_steps((step,))
        return step.bypass, await self._recorder.until_recorded(_bypass_key(target))

    def bypasses(self) -> tuple[Bypass, ...]:
        """Those that stand; the one that ends first comes first."""
        return self._bypasses.standing()

    def ladders(self) -> tuple[Ladder, ...]:
        """How far each alarm that stands has been told; none without `[oncall]`."""
        return self._callout.ladders()

    async def record(self, record: Record) -> None:
        """Write what a person does to something else than an alarm, before it is done. Returns when it is on disk.
        LedgerError: it is not, or not in time, and must not be done."""
        self._recorder.need_ledger(record.alarm)
        key = f"act {record.kind} {record.alarm}"
        self._recorder.enter(Work(records=[record]), keys=[key])
        if not await self._recorder.until_recorded(key):
            raise LedgerError(Text("nothing was done: the alarm file does not take the record in time",
                                   "未执行：告警文件未能及时写入记录"), where=record.alarm,
                              fix=Text("look at the journal and try again", "请查看日志后重试"))

    def view(self, alarm: str) -> AlarmView:
        """One alarm, whatever its state. CommandError when unknown."""
        definition = self._alarms.get(alarm)
        if definition is None:
            raise CommandError(Text("there is no alarm with this id", "没有此编号的告警"), where=alarm)
        return AlarmView.of(definition, self._engine.state(alarm), recorded=self._recorder.recorded(alarm),
                            bypass=self._bypasses.over(definition))

    def known(self) -> tuple[AlarmView, ...]:
        """Every alarm that was ever raised."""
        return tuple(self.view(state.alarm) for state in self._engine.states() if state.alarm in self._alarms)

    def views(self) -> tuple[AlarmView, ...]:
        """Every alarm that is not normal, in the order to look at them."""
        return in_order(self.view(state.alarm) for state in self._engine.standing())

    def risk_level(self, area: str | None = None) -> Risk:
        """Of the site, or of one area. See alerting.views.risk_level."""
        standing = (self._alarms.get(state.alarm) for state in self._engine.standing())
        return risk_level(definition for definition in standing if area is None or definition.area == area)

    async def history(self, limit: int = 100, before: int | None = None,
                      alarms: Collection[str] = ()) -> list[JournalRow]:
        """Journal rows, newest first; `before`: position to go on from; `alarms`: only rows about one of them.
        LedgerError when the file can not be read."""
        return await asyncio.to_thread(self._ledger.history, limit, before, None, alarms)

    async def strokes(self) -> list[Stroke]:
        """The proof-test log, newest first. LedgerError when the file can not be read."""
        return proof.strokes(await asyncio.to_thread(self._ledger.history, proof.NEWEST, None, proof.KIND))

    @property
    def figures(self) -> Figures:
        """Rates, floods, chattering, times to acknowledge: see alerting.figures."""
        return self._figures.figures

    async def figures_known(self) -> None:
        """Returns when the figures of the time before this start are read, or can not be."""
        await self._figures.known()

    def subscribe(self, changed: Callable[[], None]) -> Callable[[], None]:
        """`changed` is called after every change that a page could show; look at `views` then. It must not wait and
        must not raise. Returns what ends the subscription."""
        self._watchers.append(changed)
        return lambda: self._watchers.remove(changed)

    def status(self) -> AlarmStatus:
        uncommitted, oldest_s = self._recorder.waiting()
        return AlarmStatus(self._recorder.trouble, uncommitted, oldest_s, self._outbox.status(),
                           self._counters | self._recorder.counters())

    # -- a change on its way to the disk and to people

    def _remember(self, changes: Changes) -> None:
        if changes:
            transitions = tuple(self._judged(transition) for transition in changes.transitions)
            work = Work({state.alarm: state for state in changes.states},
                        [transition_record(transition) for transition in transitions]
                        + self._figures.take(tuple(transition for transition in transitions
                                                   if not self._alarms.get(transition.alarm).exercise)))
            now = self._clock.now()
            calls = [call for transition in transitions for call in self._callout.of(transition, work, now)]
            self._counters["transitions"] += len(transitions)
            self._recorder.enter(work, calls, transitions, [transition.alarm for transition in transitions])

    def _note(self, records: Sequence[Record]) -> None:
        if records:
            self._recorder.note(Work(records=list(records)))

    def _judged(self, transition: Transition) -> Transition:
        """With the reason why people are not told who otherwise would be, if there is one."""
        reason = self._withheld(transition.alarm) if transition.notify else ""
        if not reason:
            return transition
        self._counters["notices_withheld"] += 1
        return replace(transition, notify=False, withheld=reason)

    def _withheld(self, alarm: str) -> str:
        """The one place that judges whether effects of an alarm are withheld: why, "" when they are not. What was
        raised before a bypass is told to its end."""
        over = self._bypasses.over(self._alarms.get(alarm))
        if over is None or self._engine.state(alarm).raised_line_ns < over.begun_line_ns:
            return ""
        return message.withheld(over)

    def _take_steps(self, steps: Sequence[Step]) -> None:
        """Bypasses that began or ended."""
        for step in steps:
            alarms = self._covered(step)
            begun, target = step.act is Act.BEGIN, step.bypass.target
            work = Work(records=[bypass_record(step)], bypasses={target: step.bypass if begun else None})
            calls = self._callout.of_bypass(step, alarms, work)
            for alarm in () if begun else alarms:
                if self._calls_again(alarm, step.bypass):
                    state = self._engine.state(alarm.id)
                    work.records.append(Record("recall", alarm.id, step.at.wall_ns, {
                        "occurrence": state.occurrence, "bypass": target}))
                    calls += self._callout.again(state, message.BYPASS_OVER, work, step.at)
            self._recorder.enter(work, calls, keys=[_bypass_key(target)])
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

    # -- what the recorder asks and tells (alerting.recorder.Memory)

    def restore(self, contents: Contents) -> None:
        now = self._clock.now()
        orphans = self._engine.restore(contents.states, now.line_ns)
        if orphans:
            log.warning("the site no longer has these alarms, which stood: %s", ", ".join(orphans))
        self._resend(contents.outbox)
        self._take_steps(self._bypasses.restore(contents.bypasses, now))
        if self._bypasses.standing() and self.on_bypass is not None:
            self.on_bypass(self._bypasses.standing())
        work = Work()
        calls = self._callout.restore(contents.ladders, [
            state for state in self._engine.standing() if self._bypasses.over(self._alarms.get(state.alarm)) is None],
            self._away_s, work, now)
        if work:
            self._recorder.enter(work, calls)
        if self.on_restored is not None:
            self.on_restored()
        self._judge_notifiers()
        self._figures.read(self._ledger.path, contents.head)
        if self._origin is not None:
            records, kept = configuration.recorded(contents.configuration, self._site, self._origin, now.wall_ns)
            if kept:
                self._recorder.note(Work(records=records, configuration=kept))

    def everything(self) -> Work:
        return Work({state.alarm: state for state in self._engine.states()},
                    configuration=dict(configuration.settings(self._site)) if self._origin is not None else {},
                    bypasses={bypass.target: bypass for bypass in self._bypasses.standing()},
                    ladders={ladder.alarm: ladder for ladder in self._callout.ladders()})

    def ledger_fault(self, active: bool, reason: Text) -> None:
        self._fault(GatewayFault.LEDGER, active, reason, str(self._ledger.path))

    def ledger_faulty(self) -> bool:
        return self._engine.state(GatewayFault.LEDGER).state.condition

    def changed(self) -> None:
        for watcher in tuple(self._watchers):
            watcher()

    # -- the outbox

    def _resend(self, pending: Sequence[Pending]) -> None:
        """Notices that were not handed over before the last stop, under their old keys."""
        gone = despatch.resend(self._outbox, pending)
        if gone:
            log.warning("%d notices wait for notifiers that the site no longer has; they are dropped", len(gone.outbox))
            self._recorder.note(gone)

    def _stands(self, alarm: str, occurrence: int) -> bool:
        known = self._engine.state(alarm)
        return known.occurrence == occurrence and (known.state.active or known.state.waits)

    def pulses(self) -> tuple[Pulse, ...]:
        """Of the tasks that deliver."""
        return self._outbox.pulses()

    def note(self, record: Record) -> None:
        """To the journal soon; nobody waits for it."""
        self._note([record])

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


def _bypass_key(target: str) -> str:
    return f"bypass {target}"

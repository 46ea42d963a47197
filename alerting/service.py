"""The alarm service: the asyncio shell around engine, overlays, alarm file and outbox.

    apply/acknowledge --> engine (memory; the page sees it at once) --> recorder: disk, then outbox --> notifier

Trouble with the alarm file (alerting.recorder) and with notifiers are alarms like all others.

Overlays (alerting.overlays) withhold notices between engine and outbox, with the reason in the journal; their time is
looked at with every `apply`, which the pipeline calls at least once a second, and before anything that they might hide.

All methods belong to the event loop that `start` ran on.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from alerting import despatch, message, proof
from alerting import gap as record_gap
from alerting.callout import OUTAGE_S, CallOut
from alerting.calls import Calls
from alerting.channel_rules import ChannelRules, DeliverySettings
from alerting.engine import NEVER, AlarmEngine, Changes, Transition, unknown
from alerting.fence import fenced
from alerting.figures.figures import Figures
from alerting.figures.live import LiveFigures
from alerting.forwarding import Forwarding
from alerting.gap import Gap
from alerting.journal import configuration
from alerting.ledger import AlarmLedger, Contents, JournalRow, Pending, Record, Work, hold_record, transition_record
from alerting.lifecycle import Event
from alerting.oncall.escalation import Escalations, Ladder, wall
from alerting.oncall.routing import Routing
from alerting.outbox import NotifierStatus, Outbox
from alerting.overlays.hold import Hold, Kind, Rules, Step
from alerting.overlays.overlays import RULES, Ask, Overlays
from alerting.overlays.suppression import Plant
from alerting.realarm import ReAlarm
from alerting.recorder import Recorder, RecorderSettings
from alerting.refuge import Refuge
from alerting.views import AlarmView, in_order, risk_level
from gateway.model.alarm import AlarmDefinition, AlarmTable, Risk
from gateway.model.clock import NS, Clock, Instant
from gateway.model.correction import Told
from gateway.model.errors import CommandError, LedgerError
from gateway.model.gateway_fault import GatewayFault
from gateway.model.ports import Notifier
from gateway.model.pulse import Pulse
from gateway.model.site import Site
from gateway.model.stroke import Stroke
from gateway.model.text import Text
from gateway.model.verdict import Edge, Evidence, Verdicts

log = logging.getLogger(__name__)

_REMIND_EVERY_NS = 1 * NS  # reminders are due after minutes; looking at what stands costs time


@dataclass(frozen=True, slots=True)
class AlarmSettings(RecorderSettings):
    """link: see message. overlays: see alerting.overlays.hold. operators: see alerting.figures.
    origin: of the site file, see alerting.journal.configuration.recorded; None: its changes are not journalled.
    refuge: see alerting.refuge."""

    link: str = ""
    overlays: Mapping[Kind, Rules] = field(default_factory=lambda: RULES)
    operators: int = 1
    origin: Mapping[str, object] | None = None
    re_alarm: ReAlarm = field(default_factory=ReAlarm)
    delivery: DeliverySettings = field(default_factory=DeliverySettings)
    channels: Mapping[str, ChannelRules] = field(default_factory=dict)  # by notifier
    refuge: Path | None = None


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
    what stood in it stands again. `on_steps`: each is called with the steps of alarms as they happen, recorded or not;
    it must not wait. `on_holds(standing)`, when set, is called whenever a person has put alarms
    aside, or that is over. `told(line_ns, wall_ns)`, when set, gives a time as people are told it: our own stamp is
    wrong while nobody has told the clock the time."""

    def __init__(self, alarms: AlarmTable, site: Site, ledger: AlarmLedger, notifiers: Sequence[Notifier],
                 clock: Clock, settings: AlarmSettings | None = None, routing: Routing | None = None):
        self._alarms, self._ledger, self._clock, self._site = alarms, ledger, clock, site
        settings = settings or AlarmSettings()
        self._origin = settings.origin
        self._engine = AlarmEngine(alarms)
        self._overlays = Overlays(site, self._engine.state, settings.overlays)
        self._re_alarm, self._reminded_line_ns = settings.re_alarm, NEVER
        sender = despatch.Despatch(lambda work, soon: self._recorder.note(work, soon=soon), self._stands,
                                   self._judge_notifiers)
        self._outbox = Outbox(notifiers, clock, settings.delivery, sender, settings.channels)
        climbed = routing is not None and routing.escalates
        self._callout = CallOut(Calls(alarms, site, settings.link, self._outbox.notifiers, self._engine.state,
                                     lambda line_ns, wall_ns: self.told(line_ns, wall_ns)), alarms,
                                Escalations(routing, alarms, self._engine.state) if climbed else None)
        self._forwarding = Forwarding(routing if climbed else None, self._outbox.notifiers, alarms, self._stands)
        self._recorder = Recorder(ledger, self._outbox, self, settings)
        self._figures = LiveFigures(alarms, settings.operators, clock, self._note)
        self.on_commit = self._recorder.on_commit
        self.on_steps: list[Callable[[Sequence[Transition]], None]] = []
        self.told: Callable[[int, int], Told] = lambda line_ns, wall_ns: Told(wall_ns)
        self.on_restored: Callable[[], None] | None = None
        self.on_holds: Callable[[tuple[Hold, ...]], None] | None = None
        self._refuge = Refuge(settings.refuge)
        self._away_s, self._gap = 0.0, Gap(alarms, self._engine.state)
        self._watchers: list[Callable[[], None]] = []
        self._counters = {"transitions": 0, "notices_withheld": 0}

    async def start(self, away_s: float = 0.0) -> None:
        """Open the alarm file, take up what it holds, send what was pending. A file that can not be used, or does not
        open in time, is not an error here: alarms work without it, and say so. away_s: for how long the gateway did not
        run, infinite where nobody knows."""
        self._away_s = away_s
        self._outbox.start()
        fenced(self._take_refuge, lambda: None, "what was told and not recorded")
        await self._recorder.start()

    async def close(self) -> None:
        """Stop sending, write what is left."""
        await self._outbox.close()
        await self._figures.close()
        self.note(record_gap.stopped(self._clock.now()))
        await self._recorder.close()

    def apply(self, verdicts: Verdicts) -> None:
        """Take in what the detectors say. In memory at once, on disk soon; never waits, never raises for a disk."""
        now = self._clock.now()
        self._put_aside(lambda: self._overlays.judge(now))
        changes = self._engine.apply(verdicts)
        if changes:
            self._put_aside(lambda: self._overlays.judge(now))  # a silent device speaks for its signals at once
            self._remember(changes)
        self._put_aside(lambda: self._overlays.normal(now))
        for work, calls in fenced(lambda: tuple(self._callout.due(now, self._engine.state, self._is_withheld)), tuple,
                                  "escalations"):
            if calls:
                work.states = {alarm: self._engine.called(alarm, now.line_ns) for alarm in work.ladders}
            self._recorder.enter(work, calls)
        self._remind(now)
        fenced(lambda: self._recall(now), lambda: None, "what stood before the start")
        if not len(verdicts):  # edges bring their own time, which is long ago while stored frames are evaluated again
            self._note(fenced(lambda: self._figures.pass_time(now), list, "alarm figures"))
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

    def connect(self, plant: Plant) -> None:
        """What judges the plant states of suppressions by design."""
        self._overlays.connect(plant)

    async def hold(self, kind: Kind, ask: Ask) -> tuple[Hold, bool]:
        """Call nobody for the alarms of a target for a while; see alerting.overlays. Returns whether it is on disk.
        CommandError: not allowed. LedgerError: the alarm file is in trouble; there is none without a record."""
        self._recorder.need_ledger(ask.target)
        step = self._overlays.begin(kind, ask, self._clock.now())
        self._take_step(step)
        self._tell_holds()
        return step.hold, await self._recorder.until_recorded(_key(step.hold))

    async def end_hold(self, kind: Kind, target: str, who: str, why: str = "") -> tuple[Hold, bool]:
        """End it before its time: people are called for what is still active. Works without the alarm file, too."""
        step = self._overlays.end(kind, target, who, why, self._clock.now())
        self._take_step(step)
        self._tell_holds()
        return step.hold, await self._recorder.until_recorded(_key(step.hold))

    def holds(self, kind: Kind) -> tuple[Hold, ...]:
        """Those that stand; the one that ends first comes first."""
        return self._overlays.standing(kind)

    def covered(self, hold: Hold) -> tuple[AlarmDefinition, ...]:
        """The alarms of a hold, most urgent first."""
        return self._overlays.covered(hold)

    def over(self, alarm: AlarmDefinition) -> tuple[Hold, ...]:
        """What withholds the effects of this alarm, and why; nothing: people are told."""
        return self._overlays.over(alarm)

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
            raise unknown(alarm, self._alarms)
        return AlarmView.of(definition, self._engine.state(alarm), recorded=self._recorder.recorded(alarm),
                            withheld=self._overlays.over(definition))

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
            for told in self.on_steps:
                fenced(partial(told, transitions), lambda: None, "who listens to steps")
            real = tuple(step for step in transitions if not self._alarms.get(step.alarm).exercise)
            work = Work({state.alarm: self._engine.state(state.alarm) for state in changes.states},
                        [transition_record(transition) for transition in transitions]
                        + fenced(lambda: self._figures.take(real), list, "alarm figures"))
            now = self._clock.now()
            calls = [call for transition in transitions for call in self._callout.of(transition, work, now)]
            self._counters["transitions"] += len(transitions)
            self._recorder.enter(work, calls, transitions, [transition.alarm for transition in transitions])

    def _note(self, records: Sequence[Record]) -> None:
        if records:
            self._recorder.note(Work(records=list(records)))

    def _judged(self, transition: Transition) -> Transition:
        """With the reason why people are not told who otherwise would be, if there is one."""
        if not transition.notify:
            return transition
        reason = fenced(lambda: self._withheld(transition), str, "overlays")
        if not reason:
            if transition.event is Event.RAISE:
                self._engine.called(transition.alarm, self._clock.now().line_ns)
            return transition
        self._counters["notices_withheld"] += 1
        return replace(transition, notify=False, withheld=reason)

    def _withheld(self, transition: Transition) -> str:
        """The one place that judges whether effects of an alarm are withheld: why, "" when they are not. Who was called
        for an alarm hears the rest."""
        over = self._overlays.over(self._alarms.get(transition.alarm))
        told = transition.event is not Event.RAISE and self._engine.state(transition.alarm).called_line_ns != NEVER
        return over[0].reason if over and not told else ""

    def _remind(self, now: Instant) -> None:
        """Call again for what stands, unless something withholds it, or an escalation will call by itself."""
        if now.line_ns < self._reminded_line_ns + _REMIND_EVERY_NS:
            return
        self._reminded_line_ns = now.line_ns
        for known in tuple(self._engine.standing()):
            alarm = self._alarms.get(known.alarm)
            if (self._re_alarm.is_due(alarm, known, now.line_ns) and not self._callout.climbs(alarm.id)
                    and not self._is_withheld(alarm.id)):
                self._remember(self._engine.remind(known.alarm, now))

    def _recall(self, now: Instant) -> None:
        for known in self._gap.due(now):
            if not self._is_withheld(known.alarm):
                work = Work({known.alarm: self._engine.called(known.alarm, now.line_ns)}, [Record(
                    "recall", known.alarm, now.wall_ns, {"occurrence": known.occurrence, "line_ns": now.line_ns})])
                self._recorder.enter(work, self._callout.again(known, record_gap.again(known, now), work, now))

    def _put_aside(self, judge: Callable[[], Sequence[Step]]) -> None:
        """Beside the way of the alarms: a fault here stops none."""
        fenced(lambda: self._take_steps(judge()), lambda: None, "overlays")

    def _take_steps(self, steps: Sequence[Step]) -> None:
        """Overlays that began or ended."""
        for step in steps:
            fenced(partial(self._take_step, step), lambda: None, "what an overlay means for people")
        if any(step.hold.kind is not Kind.SUPPRESSION for step in steps):
            self._tell_holds()

    def _take_step(self, step: Step) -> None:
        hold = step.hold
        work = Work(records=[hold_record(step)], holds={(hold.kind, hold.target): self._overlays.kept(hold)})
        calls = fenced(lambda: self._callout.of_hold(step, work), list, "word of an overlay")
        for alarm in () if step.begins else step.alarms:
            if self._overlays.calls_again(alarm):
                state = work.states[alarm.id] = self._engine.called(alarm.id, step.at.line_ns)
                work.records.append(Record("recall", alarm.id, step.at.wall_ns, {
                    "occurrence": state.occurrence, hold.kind: hold.target}))
                calls += self._callout.again(state, message.OVERLAY_OVER, work, step.at)
        self._recorder.enter(work, calls, keys=[_key(hold)])

    def _tell_holds(self) -> None:
        if self.on_holds is not None:
            fenced(lambda: self.on_holds(self._overlays.commanded()), lambda: None, "who listens to overlays")

    def _is_withheld(self, alarm: str) -> bool:
        return fenced(lambda: bool(self._overlays.over(self._alarms.get(alarm))), lambda: False, "overlays")

    # -- what the recorder asks and tells (alerting.recorder.Memory)

    def restore(self, contents: Contents) -> None:
        now = self._clock.now()
        orphans = self._engine.restore(contents.states, now.line_ns)
        if orphans:
            log.warning("the site no longer has these alarms, which stood: %s", ", ".join(orphans))
        self._resend(contents.outbox, now)
        self._put_aside(lambda: self._overlays.restore(contents.holds, now))
        self._tell_holds()
        work = Work()
        calls = fenced(lambda: self._callout.restore(contents.ladders, [
            state for state in self._engine.standing() if not self._is_withheld(state.alarm)],
            self._away_s, work, now), list, "what stood before the restart")
        if work or calls:
            self._recorder.enter(work, calls)
        if not contents.orderly or OUTAGE_S <= self._away_s < math.inf:
            told = [alarm for alarm, ladder in work.ladders.items() if ladder is not None]
            self._gap.begin(tuple(self._engine.standing()), told, now)
        if self.on_restored is not None:
            fenced(self.on_restored, lambda: None, "who listens to the alarm file")
        self._judge_notifiers()
        fenced(lambda: self._figures.read(self._ledger.path, contents.head), lambda: None, "alarm figures")
        fenced(lambda: self._note_configuration(contents, now), lambda: None, "changes of the site file")

    def _note_configuration(self, contents: Contents, now: Instant) -> None:
        if self._origin is not None:
            records, kept = configuration.recorded(contents.configuration, self._site, self._origin, now.wall_ns)
            if kept:
                self._recorder.note(Work(records=records, configuration=kept))

    def everything(self) -> Work:
        return Work({state.alarm: state for state in self._engine.states()},
                    configuration=dict(configuration.settings(self._site)) if self._origin is not None else {},
                    holds={(hold.kind, hold.target): hold for hold in self._overlays.everything()},
                    ladders={ladder.alarm: ladder for ladder in self._callout.ladders()})

    def ledger_fault(self, active: bool, reason: Text) -> None:
        self._fault(GatewayFault.LEDGER, active, reason, str(self._ledger.path))

    def ledger_faulty(self) -> bool:
        return self._engine.state(GatewayFault.LEDGER).state.condition

    def _take_refuge(self) -> None:
        """What people know and no file does: it goes on, and is recorded now."""
        self._engine.restore(self._refuge.take(), self._clock.now().line_ns)
        if states := {state.alarm: state for state in self._engine.states()}:
            self._recorder.enter(Work(states), keys=list(states))

    def not_recorded(self, keys: Collection[str]) -> None:
        fenced(lambda: self._refuge.keep(self._engine.state(key) for key in keys if key in self._alarms), lambda: None,
               "what is told and not recorded")

    def changed(self) -> None:
        for watcher in tuple(self._watchers):
            fenced(watcher, lambda: None, "who watches the alarms")

    # -- the outbox

    def _resend(self, pending: Sequence[Pending], now: Instant) -> None:
        """Notices that were not handed over before the last stop, each where it goes by the site file of today."""
        work = despatch.resend(self._outbox, pending, self._forwarding, wall(now))
        if work:
            log.warning("%d notices that wait were addressed to who or what the site no longer has: see the journal",
                        len(work.records))
            self._recorder.note(work)

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
            self._fault(GatewayFault.NOTIFY, False, Text("no notice waits any more", "已无待发送的通知"), "")

    def _fault(self, fault: str, active: bool, reason: Text, where: str) -> None:
        """An alarm of the gateway about itself, through the same door as all others."""
        if self._engine.state(fault).state.condition == active:
            return
        now = self._clock.now()
        line_ns = max(now.line_ns, self._engine.state(fault).edge_line_ns + 1)  # two faults of one instant both count
        evidence = (Evidence(now.wall_ns, where, math.nan, reason),)
        edge = Edge(self._alarms.index(fault), active, math.nan, line_ns, now.wall_ns, evidence)
        self.apply(Verdicts.from_edges([edge]))


def _key(hold: Hold) -> str:
    return f"{hold.kind} {hold.target}"

"""The composition root: the only module that knows every plugin, and how the parts of a gateway hang together."""

from __future__ import annotations

import asyncio
import gc
import logging
import math
import os
import shutil
import signal
import threading
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Protocol
from urllib.parse import urlsplit

from pydantic import BaseModel

from alerting import ledger
from alerting.answers import Answers
from alerting.channel_rules import ChannelRules
from alerting.figures.figures import Figures
from alerting.ledger import JournalRow, Record
from alerting.notifiers.alertmanager import AlertmanagerNotifier
from alerting.notifiers.apprise import AppriseNotifier
from alerting.notifiers.config import (
    AlertmanagerSettings,
    AppriseSettings,
    MqttNotifierSettings,
    SmtpSettings,
    WebhookSettings,
)
from alerting.notifiers.mqtt import MqttNotifier
from alerting.notifiers.smtp import SmtpNotifier
from alerting.notifiers.webhook import WebhookNotifier
from alerting.oncall.config import OnCallSection
from alerting.oncall.escalation import Ladder
from alerting.oncall.routing import Routing
from alerting.outbox import NotifierStatus
from alerting.overlays.hold import Hold, Kind
from alerting.overlays.overlays import RULES, Ask
from alerting.realarm import ReAlarm
from alerting.service import AlarmService, AlarmSettings
from alerting.slips import Seal, load_key
from alerting.views import AlarmView
from drivers.modbus.config import ModbusSource
from drivers.modbus.driver import ModbusDriver
from drivers.mqtt.config import MqttSource
from drivers.mqtt.driver import MqttDriver
from gateway import __version__, config
from gateway.annunciation import Annunciation, AnnunciatorAct, AnnunciatorStatus
from gateway.api import view as api
from gateway.api.entrance import Entrance
from gateway.api.entrance import problems as certificate_problems
from gateway.api.guard import hostname
from gateway.api.kpi import gauges
from gateway.change.desk import Desk
from gateway.change.history import Act
from gateway.config import Loaded, Plugins, SiteFile
from gateway.core.bank import Bank
from gateway.core.detectors.devices import OnlineShare
from gateway.core.detectors.group import GroupState
from gateway.core.learning import LearningAct, Lessons, Picture
from gateway.core.plant import Plant
from gateway.explaining import Explainer
from gateway.fleet.report import Report as CentreReport
from gateway.fleet.reporter import Reporter
from gateway.health import Health, Metric, written_bytes
from gateway.historian.historian import Historian, Limits
from gateway.historian.streams import streams
from gateway.logs import LogLevel
from gateway.model.alarm import DRILL_PREFIX, AlarmDefinition, Priority, Risk
from gateway.model.clock import NS, Instant, TimeLine
from gateway.model.errors import DavylampError, LedgerError
from gateway.model.person import verified
from gateway.model.ports import DeviceStatus, Notifier, SinkStatus
from gateway.model.quality import is_good
from gateway.model.signal import Condition
from gateway.model.stroke import Stroke
from gateway.model.text import Text
from gateway.overdue import Overdue
from gateway.pipeline import Pipeline
from gateway.sinks.config import InfluxSettings
from gateway.sinks.influx import InfluxSink
from gateway.sinks.stream import Samples
from gateway.store import StoreSettings, TelemetryStore, Trend, kept, last_instant
from gateway.store.archive import Archive
from gateway.teaching import Teaching
from gateway.timekeeping import KEPT, Timekeeping
from gateway.vigil import systemd
from gateway.vigil.drill import Drill, Drills
from gateway.vigil.heartbeat import Heartbeat
from gateway.vigil.peers import Peers, PeerStatus
from gateway.vigil.selftest import Report, SelfTest
from gateway.vigil.sheet import sheet
from gateway.vigil.twins import drill_alarms

log = logging.getLogger(__name__)

PLUGINS = Plugins(sources={"modbus": ModbusSource, "mqtt": MqttSource}, sinks={"influx": InfluxSettings},
                  notifiers={"webhook": WebhookSettings, "smtp": SmtpSettings, "apprise": AppriseSettings,
                             "mqtt": MqttNotifierSettings, "alertmanager": AlertmanagerSettings},
                  oncall=OnCallSection)
DRIVERS = {ModbusSource: ModbusDriver, MqttSource: MqttDriver}
NOTIFIERS = {WebhookSettings: WebhookNotifier, SmtpSettings: SmtpNotifier, AppriseSettings: AppriseNotifier,
             MqttNotifierSettings: MqttNotifier, AlertmanagerSettings: AlertmanagerNotifier}

ALARM_FILE, ARCHIVE_FILE = "alarms.db", "minutes.db"
DAY_S = 86_400
SNAPSHOT_EVERY_S = 300.0
RESTART_PAUSE_S = (1.0, 30.0)  # first and longest pause before a failed task of ours is started again
LEAVE_WITHIN_S = 2.0
PROOF_TESTS_S = 60.0  # the proof-test log is looked through so often


def load(path: Path | str, overrides: Mapping[str, object] = MappingProxyType({}), home: Path | None = None) -> Loaded:
    """A site file with every plugin there is. home: of a copy, see config.load."""
    loaded = config.load(path, PLUGINS, overrides, home)
    if loaded.site_file is None:
        return loaded
    found = certificate_problems(str(path), loaded.site_file.api, time.time_ns())
    return replace(loaded, problems=(*loaded.problems, *found))


def notifiers(sections: Iterable[BaseModel]) -> list[Notifier]:
    """The ways out that these sections describe."""
    return [NOTIFIERS[type(section)](section) for section in sections]


def routing(site_file: SiteFile) -> Routing:
    """Who is called for what."""
    zone, channels = site_file.site.zone, [settings.id for settings in site_file.notifiers]
    if site_file.oncall is None:
        return Routing(zone, tuple(channels), escalates=False)
    return site_file.oncall.routing(zone, channels)


def connected(ways_out: Iterable[Notifier]) -> list[MqttNotifier]:
    """Those that keep a connection, by a task of their own."""
    return [notifier for notifier in ways_out if isinstance(notifier, MqttNotifier)]


def channels(sections: Iterable[BaseModel], seal: Seal | None, link: str) -> dict[str, ChannelRules]:
    """How each of them words and sends. seal: signs slips; None: messages offer none. link: address of the page."""
    return {section.id: section.rules(seal, link) for section in sections}


class Gateway:
    """One running site. `run` works until cancelled; everything it opened is closed then.

    folder: data folder; default: the one of the site file.
    ready: called with the page's address once it is served.
    watch: called with every standing alarm after each change.
    desk: where a change of the configuration is asked for; None: it can not be changed while the gateway runs.
    news: of the configuration, for the journal; see gateway.changeover.
    """

    def __init__(self, site_file: SiteFile, folder: Path | None = None, *,
                 ready: Callable[[str], None] = lambda url: None,
                 watch: Callable[[Sequence[AlarmView]], None] | None = None, desk: Desk | None = None,
                 news: Sequence[Record] = ()):
        self.site_file = site_file
        self.site = replace(site_file.site, exercises=drill_alarms(site_file.site))
        self.folder = folder or Path(site_file.store.folder)
        self._ready, self._watch, self._news = ready, watch, news
        self.desk = desk
        self.farewell = ("STOPPING=1",)  # to systemd
        self._started_wall_ns = time.time_ns()
        self.logs = LogLevel()
        self.clock: TimeLine
        self.bank: Bank
        self.store: TelemetryStore
        self.routing: Routing
        self.alarms: AlarmService
        self.notifiers: Sequence[Notifier]
        self.answers: Answers
        self.timekeeping: Timekeeping
        self.pipeline: Pipeline
        self.health: Health
        self.historian: Historian
        self.teaching: Teaching
        self.overdue: Overdue
        self.annunciation: Annunciation
        self.peers: Peers
        self.heartbeat: Heartbeat
        self.entrance: Entrance
        self.drills: Drills
        self.selftest: SelfTest

    async def run(self) -> None:
        async with AsyncExitStack() as parts:
            await self._open(parts)
            _spare_the_collector(parts)
            supervisor = systemd.Systemd()
            supervisor.tell("READY=1")
            parts.callback(lambda: supervisor.tell(*self.farewell))
            async with asyncio.TaskGroup() as tasks:
                def start(name: str, run: Callable[[], Awaitable[None]]) -> None:
                    tasks.create_task(keep_running(name, run, self._task_stopped, self.health.stopped.discard),
                                      name=name)

                start("pipeline", self.pipeline.run)
                start("health", self._judge)
                start("historian", self.historian.run)
                start("watchdog", lambda: systemd.feed(supervisor, self._hung, self._status))
                start("heartbeat", self.heartbeat.run)
                start("drills", self.drills.run)
                start("selftest", self.selftest.run)
                start("snapshots", self._save_snapshots)
                if self.overdue:
                    start("proof tests", self._judge_proof_tests)
                for part in (*self.health.sources, *self.health.sinks, *connected(self.notifiers)):
                    start(part.id, part.run)
                if self.site_file.centre is not None:
                    start("centre", Reporter(self.site_file.centre, self.site.id, self.clock, self._report).run)
                if self.site_file.annunciators:
                    start("annunciation", self.annunciation.run)
                start("access", self.entrance.access.run)
                start("page", self._serve)

    async def _open(self, parts: AsyncExitStack) -> None:
        """Bring the parts up in the order in which they need each other; evaluate what was stored and not evaluated."""
        telemetry, section = made_folder(self.folder) / "telemetry", self.site_file.store
        heard = last_instant(telemetry)
        known = [instant for instant in (heard, ledger.last_instant(self.folder / ALARM_FILE)) if instant is not None]
        clock = kept(telemetry, KEPT)
        self.clock = TimeLine.resume(max(known, key=lambda instant: instant.line_ns, default=None),
                                     None if clock is None else clock.data)
        self._started_ns = self.clock.now().line_ns
        away_s = _away_s(heard, self.clock.now()) if known else 0.0
        self.store = TelemetryStore(telemetry, self.site.signals, StoreSettings(
            commit_interval_s=section.commit_interval, max_size=section.max_size, max_age_s=section.max_age),
            self.clock)
        self.store.open()
        parts.push_async_callback(self.store.close)
        self.bank = Bank(self.site)
        seal = Seal(load_key(self.folder), self.site.id)
        self.notifiers = notifiers(self.site_file.notifiers)
        self.routing = routing(self.site_file)
        self.alarms = AlarmService(self.site.alarms, self.site, ledger.AlarmLedger(self.folder / ALARM_FILE),
                                   self.notifiers, self.clock, _alarm_settings(self.site_file, seal), self.routing)
        people = [] if self.site_file.oncall is None else [person.id for person in self.site_file.oncall.people]
        self.answers = Answers(seal, self.alarms, people, self.site.zone, self.clock, self._vouched)
        for notifier in connected(self.notifiers):
            notifier.listen(self.site.id, self.answers.command)
        self.teaching = Teaching(self.site, self.bank, self.alarms, self.clock)
        self.alarms.on_holds = self.teaching.hold
        self.alarms.connect(Plant(self.site.signals, self.bank.latest))
        await self.alarms.start(away_s)
        parts.push_async_callback(self.alarms.close)
        self.timekeeping = Timekeeping(self.clock, self.store, self.alarms.note)
        self.pipeline = Pipeline(self.bank, self.store, self.alarms.apply, self.clock)
        replayed = self.pipeline.replay(self._standing)
        if self._watch is not None:
            self.alarms.subscribe(lambda: self._watch(self.alarms.views()))
        parts.callback(self.pipeline.close)
        sources = [DRIVERS[type(settings)](settings, self.site.signals, self.pipeline, self.clock)
                   for settings in self.site_file.sources]
        archive = Archive(self.folder / ARCHIVE_FILE, self.site.signals)
        sent = {settings.id: streams(settings.id, archive, self.site, self.folder / ALARM_FILE, settings.batch)
                for settings in self.site_file.sinks}
        sinks = [InfluxSink(settings, Samples(settings, self.site, self.store.reader(
            settings.id, settings.backfill_rate)), sent[settings.id], self.folder)
            for settings in self.site_file.sinks]
        outputs = {output.id: output for source in sources if isinstance(source, ModbusDriver)
                   for output in source.outputs}
        self.entrance = Entrance(self.site_file.api, self.folder, self.clock, self._journal_access)
        parts.callback(self.entrance.access.close)
        self.annunciation = Annunciation(self.site_file.annunciators, outputs, self.alarms, self.clock, self.folder)
        self.health = Health(self.site.alarms, self.pipeline, self.bank, self.store, sources, sinks,
                             archive_fails=lambda: self.historian.trouble is not None,
                             certificate_ends=self.entrance.ends, outputs_fail=lambda: self.annunciation.failing)
        self.historian = Historian(
            self.site, archive, self.store, self.bank, self.alarms, self.clock, self._own,
            Limits(section.minutes_max_age / DAY_S, section.minutes_max_size), section.commit_interval + 1,
            tuple(stream.wake for one in sent.values() for stream in one))
        parts.push_async_callback(self.historian.close)
        self.alarms.on_commit.append(lambda *_: [stream.wake() for stream, *_ in sent.values()])
        self.peers = Peers(self.site.peers, self.site.alarms, self.clock.now())
        self.drills = Drills(self.site, self.alarms, self.clock)
        self.selftest = SelfTest(self.site_file.selftest, self.site, self.pipeline, self.alarms, self.clock,
                                 bool(self.notifiers))
        self.heartbeat = Heartbeat(self.site_file.heartbeat, self.site.id, self.clock, self._hung, self.peers)
        self.health.adopt(self._standing())
        self.peers.adopt(self._standing())
        self.overdue = Overdue(self.site)
        self.overdue.adopt(self._standing())
        self.alarms.on_restored = self._alarm_file_came_late
        for record in self._news:
            self.alarms.note(record)
        self.health.taken_back = sum(record.body["act"] == "taken back" for record in self._news)
        log.info("%s: %d signals, %d alarms, %d stored samples evaluated", self.site.id, len(self.site.signals),
                 len(self.site.alarms), replayed)

    def _standing(self) -> frozenset[str]:
        """Ids of the alarms whose condition stands for the alarm service."""
        return frozenset(view.definition.id for view in self.alarms.views() if view.state.condition)

    def _alarm_file_came_late(self) -> None:
        """It could not be opened at the start (locked, a slow disk): what stands in it is still to be ended by us."""
        standing = self._standing()
        self.bank.adopt(alarm for alarm in standing if not alarm.startswith(("gateway/", DRILL_PREFIX)))
        self.health.adopt(standing)
        self.peers.adopt(standing)
        self.overdue.adopt(standing)

    def _task_stopped(self, name: str) -> None:
        """It becomes the alarm `gateway/task`."""
        self.health.stopped.add(name)
        self.health.restarts += 1

    async def _judge(self) -> None:
        while True:
            if self.timekeeping.judge() is not None:
                self.health.clock_steps += 1
            self.alarms.apply(self.health.judge(self.clock.now()))
            self.alarms.apply(self.peers.judge(self.clock.now()))
            self.logs.judge()
            await asyncio.sleep(1)

    def _own(self, now: Instant) -> dict[str, object]:
        """The gateway itself, for its row in the databases."""
        digest = str(self.site_file.origin().get("sha256", ""))[:12]
        faults = sum(view.active and view.definition.condition == Condition.GATEWAY for view in self.alarms.views())
        try:
            free = shutil.disk_usage(self.folder).free
        except OSError:
            free = None
        return {"version": __version__, "config": digest or None, "uptime_s": (now.line_ns - self._started_ns) / NS,
                "faults": faults, "hung": bool(self._hung().en), **self.health.minute(now, free)}

    async def _report(self) -> CentreReport:
        """For the centre."""
        known = await asyncio.to_thread(self.desk.history.in_force) if self.desk is not None else None
        views, share, hung = self.alarms.views(), self.bank.online, self._hung()
        return CentreReport(
            version=__version__, started_wall_ns=self._started_wall_ns, number=known.number if known else 0,
            digest=known.digest if known else str(self.site_file.origin().get("sha256", "")),
            hand=known is not None and known.number > 1 and known.act is Act.FOUND, working=not hung.en, reason=hung,
            clock_trusted=self.clock.now().trusted, risk=self.alarms.risk_level().value,
            alarms={f"P{number}": sum(view.active and view.definition.priority == number for view in views)
                    for number in range(1, 5)},
            unacknowledged=sum(view.state.waits for view in views),
            signals_good=int(is_good(self.bank.latest.quality).sum()), signals=len(self.site.signals),
            devices_online=share.online, devices=share.devices)

    def unwell(self) -> Text:
        """What of our own does not work; empty: nothing. A device or a database that is away does not count."""
        failing = [failure.detector for failure in self.bank.failures if failure.standing]
        reasons = (self._hung(), Text(", ".join(sorted(self.health.stopped)), "、".join(sorted(self.health.stopped))),
                   Text.same(", ".join(failing)))
        return next((reason for reason in reasons if reason.en), Text("", ""))

    def online(self) -> frozenset[str]:
        """The devices that answer, as SOURCE/DEVICE."""
        return self._devices(online=True)

    def offline(self) -> frozenset[str]:
        """Those that do not."""
        return self._devices(online=False)

    def _devices(self, *, online: bool) -> frozenset[str]:
        return frozenset(f"{device.source}/{device.device}" for source in self.health.sources
                         for device in source.devices() if device.online is online)

    def _hung(self) -> Text:
        return self.health.hung(self.clock.now(), self.alarms.pulses())

    async def _judge_proof_tests(self) -> None:
        while True:
            try:
                tests, first = await self.alarms.strokes(), await self.alarms.history(1, before=2)
            except LedgerError as error:  # which has an alarm of its own
                log.warning("proof tests can not be judged: %s", error)
            else:
                self.alarms.apply(self.overdue.judge(tests, first[0].wall_ns if first else None, self.clock.now()))
            await asyncio.sleep(PROOF_TESTS_S)

    def _status(self) -> str:
        return f"{len(self.site.signals)} signals, {len(self.alarms.views())} alarms standing"

    async def _save_snapshots(self) -> None:
        while True:
            await asyncio.sleep(SNAPSHOT_EVERY_S)
            self.pipeline.snapshot()

    async def _serve(self) -> None:
        await self.entrance.serve(View(self), self._ready)

    def _journal_access(self, about: str, body: dict) -> None:
        self.alarms.note(ledger.Record("access", about, self.clock.now().wall_ns, body))

    def _vouched(self, person: str) -> str:
        """The name under which a slip that was made for this person acts."""
        if self.entrance.access.open or self.site_file.oncall is None:
            return ""
        name = next(one.name for one in self.site_file.oncall.people if one.id == person)
        return verified(name[self.site.language], person)


def _away_s(heard: Instant | None, now: Instant) -> float:
    """For how long nothing was measured. Infinite where a wall clock that was not synchronised has to say it."""
    if heard is None or not (heard.trusted and now.trusted):
        return math.inf
    return max(now.wall_ns - heard.wall_ns, 0) / NS


def _alarm_settings(site_file: SiteFile, seal: Seal) -> AlarmSettings:
    asked = site_file.alarms
    longest = {Kind.BYPASS: (asked.bypass_max, asked.bypass_p1_max),
               Kind.SHELF: (asked.shelve_max, asked.shelve_p1_max),
               Kind.OUT_OF_SERVICE: (asked.out_of_service_max, asked.out_of_service_p1_max)}
    return AlarmSettings(
        link=asked.base_url or "", operators=asked.operators, origin=site_file.origin(),
        channels=channels(site_file.notifiers, seal, asked.base_url or ""),
        overlays={kind: replace(RULES[kind], longest_s=most, longest_p1_s=p1) for kind, (most, p1) in longest.items()},
        re_alarm=ReAlarm(*({Priority[name]: every for name, every in said.model_dump().items() if every is not None}
                           for said in (asked.re_alarm, asked.re_alarm_acknowledged))))


def _spare_the_collector(parts: AsyncExitStack) -> None:
    """What is alive now lives as long as the gateway: the garbage collector need not look through it again and again.
    One full collection with 1,000 signals was measured to stop everything, alarms too, for 58 ms."""
    gc.collect()
    gc.freeze()
    parts.callback(gc.unfreeze)


def made_folder(folder: Path) -> Path:
    """The folder, which is there now if that can be: store and alarm file say so themselves, go on without it, and try
    again."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        log.error("the folder can not be made: %s", error)
    return folder


async def keep_running(name: str, run: Callable[[], Awaitable[None]],
                       stopped: Callable[[str], None] = lambda name: None,
                       again: Callable[[str], None] = lambda name: None) -> None:
    """The last line of defence: a task of ours that fails, or ends by itself, is logged and started again after a
    pause. stopped, again: called with its name when the pause begins and when it is over."""
    pause = RESTART_PAUSE_S[0]
    while True:
        started = time.monotonic()
        try:
            await run()
            log.error("%s has ended by itself", name)
        except DavylampError as error:
            log.error("%s: %s", name, error)
        except asyncio.CancelledError:
            if asyncio.current_task().cancelling():
                raise
            log.exception("%s was ended by a cancellation that was not for it", name)
        except Exception:
            log.exception("%s has failed", name)
        if time.monotonic() - started > RESTART_PAUSE_S[1]:
            pause = RESTART_PAUSE_S[0]
        stopped(name)
        await asyncio.sleep(pause)
        pause = min(pause * 2, RESTART_PAUSE_S[1])
        again(name)


class View:
    """What the page and the API see of a running gateway: gateway.api.view.GatewayView over the real parts."""

    def __init__(self, gateway: Gateway):
        self._gateway = gateway
        self.site = gateway.site
        self.latest = gateway.bank.latest
        self.logs = gateway.logs
        self._started_wall_ns = time.time_ns()
        self._explainer = Explainer(gateway.site, gateway.folder)
        self.desk = gateway.desk
        self.public_host = hostname(urlsplit(gateway.site_file.alarms.base_url or "").netloc)

    def now(self) -> Instant:
        return self._gateway.clock.now()

    def alarms(self) -> Sequence[AlarmView]:
        return [self._gateway.timekeeping.view(alarm) for alarm in self._gateway.alarms.views()]

    def risk_level(self) -> Risk:
        return self._gateway.alarms.risk_level()

    def watch_alarms(self, changed: Callable[[], None]) -> Callable[[], None]:
        return self._gateway.alarms.subscribe(changed)

    async def acknowledge(self, alarm: str, who: str, comment: str) -> AlarmView:
        return await self._gateway.alarms.acknowledge(alarm, who, comment)

    def look(self, token: str) -> AlarmView:
        return self._gateway.answers.look(token)[1]

    async def answer(self, who: str, comment: str, token: str, code: str) -> AlarmView:
        return await self._gateway.answers.acknowledge(who, comment, token=token, code=code)

    def notifiers(self) -> Sequence[NotifierStatus]:
        return self._gateway.alarms.status().notifiers

    async def test_notifier(self, notifier: str) -> Text | None:
        return await self._gateway.alarms.test_notifier(notifier)

    def lessons(self) -> Lessons:
        return self._gateway.bank.learning.lessons()

    def pictures(self, signal: int) -> Sequence[Picture]:
        return self._gateway.bank.learning.pictures(signal)

    async def teach(self, signal: str, act: LearningAct, who: str, why: str) -> bool:
        return await self._gateway.teaching.act(self._gateway.pipeline, signal, act, who, why)

    def holds(self, kind: Kind) -> Sequence[Hold]:
        return self._gateway.alarms.holds(kind)

    def covered(self, hold: Hold) -> Sequence[AlarmDefinition]:
        return self._gateway.alarms.covered(hold)

    async def hold(self, kind: Kind, ask: Ask) -> tuple[Hold, bool]:
        return await self._gateway.alarms.hold(kind, ask)

    async def end_hold(self, kind: Kind, target: str, who: str, why: str) -> tuple[Hold, bool]:
        return await self._gateway.alarms.end_hold(kind, target, who, why)

    def selftest(self) -> tuple[bool, Report | None]:
        return self._gateway.selftest.running, self._gateway.selftest.last

    def ask_selftest(self, who: str) -> None:
        self._gateway.selftest.ask(who)

    def drill(self) -> Drill | None:
        return self._gateway.drills.standing

    async def drill_sheet(self) -> dict | None:
        return sheet(self.site, await self._gateway.drills.rows(),
                     {person.id: person.name for person in self.routing().people.values()})

    async def begin_drill(self, signals: Collection[str], who: str, why: str, for_s: float, target_s: float) -> None:
        await self._gateway.drills.begin(signals, who, why, for_s, target_s)

    async def inject(self, signal: str, value: float | None, for_s: float | None, who: str) -> float:
        return await self._gateway.drills.inject(signal, value, for_s, who)

    async def end_drill(self, who: str, why: str) -> None:
        await self._gateway.drills.end(who, why)

    def heartbeats(self) -> Sequence[PeerStatus]:
        return self._gateway.peers.status(self.now())

    def hear(self, peer: str) -> bool:
        if known := peer in self._gateway.peers:
            self._gateway.peers.heard(peer, "HTTP", self.now())
        return known

    def routing(self) -> Routing:
        return self._gateway.routing

    def ladders(self) -> Sequence[Ladder]:
        return self._gateway.alarms.ladders()

    async def journal(self, limit: int, before: int | None, alarms: Collection[str]) -> Sequence[JournalRow]:
        rows = await self._gateway.alarms.history(limit, before, alarms)
        return [self._gateway.timekeeping.row(row) for row in rows]

    async def explain(self, alarm: str, at_wall_ns: int | None, look_back_s: float) -> dict:
        return await self._explainer.explain(alarm, at_wall_ns, look_back_s)

    def groups(self) -> Sequence[GroupState]:
        return self._gateway.bank.groups

    def figures(self) -> Figures:
        return self._gateway.alarms.figures

    def annunciators(self) -> Sequence[AnnunciatorStatus]:
        return self._gateway.annunciation.status()

    async def annunciate(self, annunciator: str, act: AnnunciatorAct, who: str, why: str) -> None:
        await self._gateway.annunciation.act(annunciator, act, who, why)

    async def strokes(self) -> Sequence[Stroke]:
        return await self._gateway.alarms.strokes()

    async def history(self, signals: Sequence[int], start_wall_ns: int, end_wall_ns: int,
                      max_points: int) -> Trend:
        store, archive = self._gateway.store, self._gateway.historian.archive
        deleted = store.oldest_position > 0 and start_wall_ns < store.stats().oldest_wall_ns
        if deleted and archive.opened:  # single samples do not reach back so far
            return await asyncio.to_thread(archive.trend, signals, start_wall_ns, end_wall_ns, max_points)
        return await asyncio.to_thread(store.history, signals, start_wall_ns, end_wall_ns, max_points)

    def devices(self) -> Sequence[DeviceStatus]:
        return [device for source in self._gateway.health.sources for device in source.devices()]

    def online(self) -> OnlineShare:
        return self._gateway.bank.online

    def sinks(self) -> Sequence[SinkStatus]:
        return [sink.status() for sink in self._gateway.health.sinks]

    def health(self) -> api.Health:
        gateway, now = self._gateway, self.now()
        store, alarms = gateway.store.stats(), gateway.alarms.status()
        heartbeat = gateway.heartbeat.trouble
        hung, stopped = gateway._hung(), gateway.health.stopped
        failures = [failure for failure in gateway.bank.failures if failure.standing]
        parts = (
            api.Part("detection", Text("Detection", "检测"), not failures,
                     Text.same("; ".join(f"{failure.detector}: {failure.text}" for failure in failures)),
                     {"samples": gateway.pipeline.samples, "waiting": gateway.pipeline.fill}),
            api.Part("store", Text("Local store", "本地存储"), store.failing is None, store.failing or Text("", ""),
                     {"bytes": store.size_bytes, "written_bytes": written_bytes(), "evicted": store.evicted_samples,
                      "dropped": store.dropped_samples}),
            api.Part("ledger", Text("Alarm file", "告警文件"), alarms.ledger is None, alarms.ledger or Text("", ""),
                     alarms.counters),
            api.Part("clock", Text("Clock", "时钟"), now.trusted,
                     Text("", "") if now.trusted else Text("not synchronised", "未同步")),
            gateway.entrance.part(now),
            api.Part("heartbeat", Text("Heartbeat", "心跳"), not heartbeat.en, heartbeat),
            api.Part("tasks", Text("Tasks", "任务"), not stopped and not hung.en, hung if hung.en else Text(
                ", ".join(sorted(stopped)), "、".join(sorted(stopped)))),
        )
        return api.Health(__version__, self._started_wall_ns, not hung.en, now.trusted, hung, parts)

    def metrics(self) -> Iterable[Metric]:
        yield from self._gateway.health.metrics()
        views = self._gateway.alarms.views()
        yield Metric("davylamp_alarms_standing", "gauge", "Alarms that are not normal, by priority.", [
            ({"priority": f"P{number}"}, sum(view.definition.priority == number for view in views))
            for number in range(1, 5)])
        yield from gauges(self.figures(), views, self.now())
        latest = self.latest
        yield Metric("davylamp_signals_good", "gauge", "Signals whose newest value is good.",
                     [({}, int(is_good(latest.quality).sum()))])
        status = self._gateway.alarms.status()
        yield Metric("davylamp_alarm_events_total", "counter", "What the alarm service did, by kind.", [
            ({"event": event}, count) for event, count in status.counters.items()])


class Runs(Protocol):
    async def run(self) -> None: ...


async def run_until_signalled(gateway: Runs) -> None:
    """Until SIGINT or SIGTERM, then close in good order; a second signal does not cut that short. The process ends
    soon after this returns."""
    task = asyncio.ensure_future(gateway.run())
    loop = asyncio.get_running_loop()
    stopping = False

    def stop() -> None:
        nonlocal stopping
        if not stopping:
            stopping = True
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    with suppress(asyncio.CancelledError):
        await task
        return
    _leave_soon()


def _leave_soon() -> None:
    """Everything is closed and on disk. Threads that still wait for a receiver, a database or a name server do not hold
    up the end: a supervisor would wait for them, and so would the next start."""
    end = threading.Timer(LEAVE_WITHIN_S, os._exit, (0,))
    end.daemon = True
    end.start()

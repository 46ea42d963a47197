"""What the page and the API see of a running gateway."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from urllib.parse import urlsplit

from alerting.figures.figures import Figures
from alerting.journal.times import Times
from alerting.ledger import JournalRow
from alerting.oncall.escalation import Ladder
from alerting.oncall.routing import Routing
from alerting.outbox import NotifierStatus
from alerting.overlays.hold import Hold, Kind
from alerting.overlays.overlays import Ask
from alerting.views import AlarmView
from gateway.annunciation import AnnunciatorAct, AnnunciatorStatus
from gateway.api import view as api
from gateway.api.guard import hostname
from gateway.api.kpi import gauges
from gateway.core.detectors.devices import OnlineShare
from gateway.core.detectors.group import GroupState
from gateway.core.learning import LearningAct, Lessons, Picture
from gateway.data_folder import ALARM_FILE
from gateway.explaining import Explainer
from gateway.health import Metric
from gateway.model.alarm import AlarmDefinition, Risk
from gateway.model.clock import Instant
from gateway.model.ports import DeviceStatus, SinkStatus
from gateway.model.quality import is_good
from gateway.model.stroke import Stroke
from gateway.model.text import Text
from gateway.parts.own_health import own_health
from gateway.parts.parts import Parts
from gateway.store import Trend
from gateway.timekeeping import dated
from gateway.vigil.drill import Drill
from gateway.vigil.peers import PeerStatus
from gateway.vigil.selftest import Report
from gateway.vigil.sheet import sheet


class View:
    """gateway.api.view.GatewayView over the real parts."""

    def __init__(self, parts: Parts):
        self._parts, self._chain, self._vigil = parts, parts.chain, parts.vigil
        self.site, self.desk = parts.site, parts.desk
        self.latest, self.logs = parts.chain.bank.latest, parts.vigil.logs
        self.public_host = hostname(urlsplit(parts.site_file.alarms.base_url or "").netloc)
        self._times = Times(parts.folder / ALARM_FILE)
        self._explainer = Explainer(parts.site, parts.folder)

    def now(self) -> Instant:
        return self._chain.clock.now()

    def alarms(self) -> Sequence[AlarmView]:
        return [self._chain.timekeeping.view(alarm) for alarm in self._chain.alarms.views()]

    def risk_level(self) -> Risk:
        return self._chain.alarms.risk_level()

    def watch_alarms(self, changed: Callable[[], None]) -> Callable[[], None]:
        return self._chain.alarms.subscribe(changed)

    async def acknowledge(self, alarm: str, who: str, comment: str) -> AlarmView:
        return self._chain.timekeeping.view(await self._chain.alarms.acknowledge(alarm, who, comment))

    def look(self, token: str) -> AlarmView:
        return self._chain.timekeeping.view(self._parts.answers.look(token)[1])

    async def answer(self, who: str, comment: str, token: str, code: str) -> AlarmView:
        return self._chain.timekeeping.view(
            await self._parts.answers.acknowledge(who, comment, token=token, code=code))

    def notifiers(self) -> Sequence[NotifierStatus]:
        return self._chain.alarms.status().notifiers

    async def test_notifier(self, notifier: str) -> Text | None:
        return await self._chain.alarms.test_notifier(notifier)

    def lessons(self) -> Lessons:
        return self._chain.bank.learning.lessons()

    def pictures(self, signal: int) -> Sequence[Picture]:
        return self._chain.bank.learning.pictures(signal)

    async def teach(self, signal: str, act: LearningAct, who: str, why: str) -> bool:
        return await self._chain.teaching.act(self._chain.pipeline, signal, act, who, why)

    def holds(self, kind: Kind) -> Sequence[Hold]:
        return self._chain.alarms.holds(kind)

    def covered(self, hold: Hold) -> Sequence[AlarmDefinition]:
        return self._chain.alarms.covered(hold)

    async def hold(self, kind: Kind, ask: Ask) -> tuple[Hold, bool]:
        return await self._chain.alarms.hold(kind, ask)

    async def end_hold(self, kind: Kind, target: str, who: str, why: str) -> tuple[Hold, bool]:
        return await self._chain.alarms.end_hold(kind, target, who, why)

    def selftest(self) -> tuple[bool, Report | None]:
        return self._vigil.selftest.running, self._vigil.selftest.last

    def ask_selftest(self, who: str) -> None:
        self._vigil.selftest.ask(who)

    def drill(self) -> Drill | None:
        return self._vigil.drills.standing

    async def drill_sheet(self) -> dict | None:
        return sheet(self.site, await self._vigil.drills.rows(),
                     {person.id: person.name for person in self.routing().people.values()})

    async def begin_drill(self, signals: Collection[str], who: str, why: str, for_s: float, target_s: float) -> None:
        await self._vigil.drills.begin(signals, who, why, for_s, target_s)

    async def inject(self, signal: str, value: float | None, for_s: float | None, who: str) -> float:
        return await self._vigil.drills.inject(signal, value, for_s, who)

    async def end_drill(self, who: str, why: str) -> None:
        await self._vigil.drills.end(who, why)

    def heartbeats(self) -> Sequence[PeerStatus]:
        return self._vigil.peers.status(self.now())

    def hear(self, peer: str) -> bool:
        if known := peer in self._vigil.peers:
            self._vigil.peers.heard(peer, "HTTP", self.now())
        return known

    def routing(self) -> Routing:
        return self._parts.people.routing

    def ladders(self) -> Sequence[Ladder]:
        return self._chain.alarms.ladders()

    async def journal(self, limit: int, before: int | None, alarms: Collection[str]) -> Sequence[JournalRow]:
        rows = await self._chain.alarms.history(limit, before, alarms)
        return dated(rows, await asyncio.to_thread(self._times.read))

    async def explain(self, alarm: str, at_wall_ns: int | None, look_back_s: float) -> dict:
        return await self._explainer.explain(alarm, at_wall_ns, look_back_s)

    def groups(self) -> Sequence[GroupState]:
        return self._chain.bank.groups

    def figures(self) -> Figures:
        return self._chain.alarms.figures

    def annunciators(self) -> Sequence[AnnunciatorStatus]:
        return self._parts.field.annunciation.status()

    async def annunciate(self, annunciator: str, act: AnnunciatorAct, who: str, why: str) -> None:
        await self._parts.field.annunciation.act(annunciator, act, who, why)

    async def strokes(self) -> Sequence[Stroke]:
        return await self._chain.alarms.strokes()

    async def history(self, signals: Sequence[int], start_wall_ns: int, end_wall_ns: int,
                      max_points: int) -> Trend:
        store, archive = self._chain.store, self._parts.databases.historian.archive
        deleted = store.oldest_position > 0 and start_wall_ns < store.stats().oldest_wall_ns
        if deleted and archive.opened:  # single samples do not reach back so far
            return await asyncio.to_thread(archive.trend, signals, start_wall_ns, end_wall_ns, max_points)
        return await asyncio.to_thread(store.history, signals, start_wall_ns, end_wall_ns, max_points)

    def devices(self) -> Sequence[DeviceStatus]:
        return self._parts.field.devices()

    def online(self) -> OnlineShare:
        return self._chain.bank.online

    def sinks(self) -> Sequence[SinkStatus]:
        return [sink.status() for sink in self._parts.databases.sinks]

    def health(self) -> api.Health:
        return own_health(self._parts)

    def metrics(self) -> Iterable[Metric]:
        yield from self._vigil.health.metrics()
        views = self._chain.alarms.views()
        yield Metric("davylamp_alarms_standing", "gauge", "Alarms that are not normal, by priority.", [
            ({"priority": f"P{number}"}, sum(view.definition.priority == number for view in views))
            for number in range(1, 5)])
        yield from gauges(self.figures(), views, self.now())
        latest = self.latest
        yield Metric("davylamp_signals_good", "gauge", "Signals whose newest value is good.",
                     [({}, int(is_good(latest.quality).sum()))])
        status = self._chain.alarms.status()
        yield Metric("davylamp_alarm_events_total", "counter", "What the alarm service did, by kind.", [
            ({"event": event}, count) for event, count in status.counters.items()])

"""The composition root: what a gateway consists of, in which order that begins and ends, and what it does all day."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from alerting.ledger import Record
from alerting.views import AlarmView
from gateway import config, plugins
from gateway.api.entrance import Entrance
from gateway.api.entrance import problems as certificate_problems
from gateway.change.desk import Desk
from gateway.config import Loaded, SiteFile
from gateway.data_folder import made_folder
from gateway.model.text import Text
from gateway.parts import self_report
from gateway.parts.chain import begin_chain
from gateway.parts.databases import build_databases
from gateway.parts.field import build_field
from gateway.parts.page import View
from gateway.parts.parts import Parts
from gateway.parts.people import build_answers, build_people
from gateway.parts.vigil import build_vigil
from gateway.supervision import Duty, collector_spared, keep_running
from gateway.vigil import systemd
from gateway.vigil.twins import drill_alarms


def load(path: Path | str, overrides: Mapping[str, object] = MappingProxyType({}), home: Path | None = None) -> Loaded:
    """A site file with every plugin there is. home: of a copy, see config.load."""
    loaded = config.load(path, plugins.PLUGINS, overrides, home)
    if loaded.site_file is None:
        return loaded
    found = certificate_problems(str(path), loaded.site_file.api, time.time_ns())
    return replace(loaded, problems=(*loaded.problems, *found))


class Gateway:
    """One running site. `run` works until cancelled; everything it opened is closed then.

    folder: data folder; default: the one of the site file.
    ready: called with the page's address once it is served.
    watch: called with every standing alarm after each change.
    desk: where a change of the configuration is asked for; None: it can not be changed while the gateway runs.
    news: of the configuration, for the journal; see gateway.changeover.
    """

    parts: Parts  # once it has begun

    def __init__(self, site_file: SiteFile, folder: Path | None = None, *,
                 ready: Callable[[str], None] = lambda url: None,
                 watch: Callable[[Sequence[AlarmView]], None] | None = None, desk: Desk | None = None,
                 news: Sequence[Record] = ()):
        self.site_file = site_file
        self.folder = folder or Path(site_file.store.folder)
        self.desk = desk
        self.farewell = ("STOPPING=1",)  # to systemd
        self._ready, self._watch, self._news = ready, watch, news

    async def run(self) -> None:
        async with AsyncExitStack() as closing:
            parts = await self.begin(closing)
            closing.enter_context(collector_spared())
            supervisor = systemd.Systemd()
            supervisor.tell("READY=1")
            closing.callback(lambda: supervisor.tell(*self.farewell))
            async with asyncio.TaskGroup() as tasks:
                for name, duty in self._duties(parts, supervisor):
                    tasks.create_task(keep_running(name, duty, parts.vigil.task_stopped, parts.vigil.task_again),
                                      name=name)

    async def begin(self, closing: AsyncExitStack) -> Parts:
        """The parts in the order in which they need each other; what was stored and not evaluated is evaluated. They
        stand still until their duties run."""
        site_file, folder = self.site_file, made_folder(self.folder)
        site = replace(site_file.site, exercises=drill_alarms(site_file.site))
        people = build_people(site_file, folder)
        chain = await begin_chain(site_file, site, folder, people, closing)
        if self._watch is not None:
            chain.alarms.subscribe(lambda: self._watch(chain.alarms.views()))
        entrance = Entrance(site_file.api, folder, chain.clock, lambda about, body: chain.alarms.note(
            Record("access", about, chain.clock.now().wall_ns, body)))
        closing.callback(entrance.access.close)
        answers = build_answers(site_file, people, chain.alarms, entrance, chain.clock)
        field = build_field(site_file, site, folder, chain)
        databases = build_databases(site_file, site, folder, chain,
                                    lambda now: self_report.own_row(self.parts, now), closing)
        vigil = build_vigil(site_file, site, chain, entrance, field, databases)

        def alarm_file_came_late() -> None:
            """It could not be opened at the start (locked, a slow disk): what stands in it is still ours to end."""
            standing = chain.standing()
            chain.adopt(standing)
            vigil.adopt(standing)

        chain.alarms.on_restored = alarm_file_came_late
        for record in self._news:
            chain.alarms.note(record)
        vigil.health.taken_back = sum(record.body["act"] == "taken back" for record in self._news)
        self.parts = Parts(site_file, site, folder, self.desk, people, chain, entrance, answers, field, databases,
                           vigil)
        return self.parts

    def _duties(self, parts: Parts, supervisor: systemd.Systemd) -> Iterator[tuple[str, Duty]]:
        """What is done all day, each by a task of its own that is started again when it fails."""
        site_file, chain, vigil = parts.site_file, parts.chain, parts.vigil
        yield "pipeline", chain.pipeline.run
        yield "health", vigil.judge
        yield "historian", parts.databases.historian.run
        yield "watchdog", lambda: systemd.feed(supervisor, vigil.hung, lambda: self_report.status_line(parts))
        yield "heartbeat", vigil.heartbeat.run
        yield "drills", vigil.drills.run
        yield "selftest", vigil.selftest.run
        yield "snapshots", chain.save_snapshots
        if vigil.overdue:
            yield "proof tests", vigil.judge_proof_tests
        for part in (*parts.field.sources, *parts.databases.sinks, *plugins.connected(parts.people.notifiers)):
            yield part.id, part.run
        if (reporter := vigil.reporter) is not None:
            yield "centre", lambda: reporter.run(lambda: self_report.centre_report(parts))
        if site_file.annunciators:
            yield "annunciation", parts.field.annunciation.run
        yield "access", parts.entrance.access.run
        yield "page", lambda: parts.entrance.serve(View(parts), self._ready)

    def unwell(self) -> Text:
        """What of our own does not work; empty: nothing. A device or a database that is away does not count."""
        return self.parts.vigil.unwell()

    def online(self) -> frozenset[str]:
        """The devices that answer, as SOURCE/DEVICE."""
        return self.parts.field.online()

    def offline(self) -> frozenset[str]:
        """Those that do not."""
        return self.parts.field.offline()

"""Changes the running gateway over to another configuration: stop in good order, start the new one on trial, go back
when it does not prove itself. One process; what the gateway knows is carried by the data folder, exactly as over a
restart: the bank's snapshot by the ids of signals and alarms, the alarm file, the stored frames.

    old gateway -- asked --> files replaced -- old stops, new starts on trial --+-- well for SETTLED_S --> in force
                                                                                +-- else --> old files, old gateway

The way back does not depend on the new gateway, nor on this event loop: a thread stands by that starts the process
anew when the loop hangs, and the note beside the site file (gateway.change.trial) lets any next start put the old files
back.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from alerting.journal.configuration import KIND
from alerting.ledger import Record
from gateway.app import Gateway
from gateway.change import files, trial
from gateway.change.desk import Desk, Load
from gateway.change.history import Act, Entry, History, Outcome
from gateway.change.trial import Phase, Trial
from gateway.config import Loaded, SiteFile
from gateway.model.errors import ConfigError, DavylampError
from gateway.model.text import Text

log = logging.getLogger(__name__)

SETTLED_S = 15.0  # a task that hangs is known after 10 s
WITHIN_S = 60.0  # the new gateway is well by then, or it is taken back
STOP_S = 20.0  # for the old one, and for one that is taken back; as TimeoutStopSec of the unit
LOOK_S = 0.25

Build = Callable[[SiteFile, Callable[[str], None], Desk, Sequence[Record]], Gateway]


@dataclass(frozen=True, slots=True)
class _Pending:
    """A configuration on trial. old: what to go back to; online: the devices that answered before."""

    entry: Entry
    old: SiteFile
    online: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Running:
    gateway: Gateway
    task: asyncio.Task[None]
    served: asyncio.Future[None]


class Changeover:
    """`run` works until cancelled. site: the site file; folder: data folder, None: the one it names; load: reads it;
    build: makes a gateway of it, given what to call with its address, where changes are asked for, and news for its
    journal."""

    def __init__(self, site: Path, folder: Path | None, load: Load, build: Build, *,
                 settled_s: float = SETTLED_S, within_s: float = WITHIN_S):
        self._site, self._folder, self._load, self._build = site, folder, load, build
        self._settled_s, self._within_s = settled_s, within_s
        self._asked: asyncio.Future[Entry]
        self._loop: asyncio.AbstractEventLoop
        self._stand_by: threading.Timer | None = None

    async def run(self) -> None:
        self._loop = asyncio.get_running_loop()
        try:
            await self._run()
        finally:
            self._relieve()  # who stops us does not want us back

    async def _run(self) -> None:
        change, news = recover(self._site)
        loaded = self._load(self._site)
        if loaded.site_file is None and change is not None:  # this version of ours refuses what another has checked
            history = History(Path(change.data))
            change, news = None, (_take_back(self._site, history, history.entry(change.number), _REFUSED),)
            loaded = self._load(self._site)
        if loaded.site_file is None:
            raise ConfigError(tuple(problem for problem in loaded.problems if problem.severity == "error"))
        site_file = loaded.site_file
        desk = Desk(self._site, self._folder or Path(site_file.store.folder), self._load, self._ask)
        pending = self._first(desk, loaded, change)
        if pending is not None:
            news = (_record(pending.entry, "applied"),)
            self._watch_over()
        while True:
            reason: Text | None = None
            async with self._running(site_file, desk, news) as running:
                if pending is not None:
                    reason = await self._prove(running, pending.online)
                    if reason is None:
                        await asyncio.to_thread(_in_force, self._site, desk.history, pending.entry)
                        pending = None
                if reason is None:
                    await asyncio.wait({running.task, running.served}, return_when=asyncio.FIRST_COMPLETED)
                    self._relieve()
                    await asyncio.wait({running.task, self._asked}, return_when=asyncio.FIRST_COMPLETED)
                    if running.task.done():
                        return running.task.result()
                    pending = _Pending(self._asked.result(), site_file, running.gateway.online())
                    self._watch_over()
                    site_file = (await asyncio.to_thread(self._load, self._site)).site_file or site_file
                    news = (_record(pending.entry, "applied"),)
                running.gateway.farewell = ("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")
            if reason is not None and pending is not None:
                news = (await asyncio.to_thread(_take_back, self._site, desk.history, pending.entry, reason),)
                site_file, pending = pending.old, None

    def _first(self, desk: Desk, loaded: Loaded, change: Trial | None) -> _Pending | None:
        """What this start has to prove, if it is one: files that were put there while no gateway ran."""
        try:
            for entry in desk.history.entries():
                if entry.outcome in _UNSETTLED and (change is None or entry.number != change.number):
                    desk.history.settle(entry.number, Outcome.TAKEN_BACK, _CUT_SHORT)
            if change is None:
                desk.found(loaded)
                return None
            change.at(Phase.TRYING).write(self._site)
            old = self._load(desk.history.site(change.back)).site_file
            return old and _Pending(desk.history.entry(change.number), old, frozenset())
        except (OSError, ValueError, KeyError) as error:
            log.error("the history of configurations can not be kept: %s", error)
            return None

    @asynccontextmanager
    async def _running(self, site_file: SiteFile, desk: Desk, news: Sequence[Record]) -> AsyncIterator[_Running]:
        """A gateway that runs inside, and has stopped after."""
        self._asked, served = self._loop.create_future(), self._loop.create_future()
        gateway = self._build(site_file, lambda url: served.done() or served.set_result(None), desk, news)
        task = asyncio.create_task(gateway.run(), name="gateway")
        try:
            yield _Running(gateway, task, served)
        finally:
            task.cancel()
            await asyncio.wait({task})

    def _ask(self, entry: Entry) -> None:
        """From any thread."""
        def ask() -> None:
            if not self._asked.done():
                self._asked.set_result(entry)
        self._loop.call_soon_threadsafe(ask)

    async def _prove(self, running: _Running, online: frozenset[str]) -> Text | None:
        """Why the configuration has to be taken back; None: it works."""
        end = time.monotonic() + self._within_s
        well_since: float | None = None
        while True:
            await asyncio.wait({running.task}, timeout=LOOK_S)
            now = time.monotonic()
            trouble = _trouble(running, online)
            if not trouble.en:
                well_since = now if well_since is None else well_since
                if now - well_since >= self._settled_s:
                    return None
            else:
                well_since = None
            if running.task.done() or (now >= end and trouble.en):
                return trouble

    def _watch_over(self) -> None:
        """From here on something must come of it, whatever the event loop does."""
        self._relieve()
        self._stand_by = threading.Timer(STOP_S + self._within_s + self._settled_s + STOP_S, start_anew)
        self._stand_by.daemon = True
        self._stand_by.start()

    def _relieve(self) -> None:
        if self._stand_by is not None:
            self._stand_by.cancel()
            self._stand_by = None


def recover(site: Path) -> tuple[Trial | None, Sequence[Record]]:
    """What a start finds of a change that was not finished: a change that this start has to try, or none and what is to
    be told of one that was taken back."""
    change = trial.find(site)
    if change is None or change.phase is Phase.WAITING:
        return change, ()
    reason = _CUT_SHORT if change.phase is Phase.REPLACING else _DIED
    try:
        history = History(Path(change.data))
        return None, (_take_back(site, history, history.entry(change.number), reason, change.back),)
    except (OSError, ValueError, KeyError) as error:
        log.critical("the configuration before %d can not be put back: %s", change.number, error)
        return None, ()


def start_anew() -> None:
    """The last line of defence, from a thread of its own: this process becomes a new one, which puts the old files
    back."""
    log.critical("the event loop does not come back from a change of the configuration: the gateway starts anew")
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


_UNSETTLED = (Outcome.WAITING, Outcome.TRIAL)
_REFUSED = Text("this version of the gateway refuses it", "本版本网关拒绝该配置")
_CUT_SHORT = Text("the gateway was stopped while the files were replaced", "替换文件时网关停止")
_DIED = Text("the gateway ended or hung before it had proved itself", "网关在试运行期间退出或卡死")


def _trouble(running: _Running, online: frozenset[str]) -> Text:
    if running.task.done():
        error = None if running.task.cancelled() else running.task.exception()
        return (Text(error.message("en"), error.message("zh")) if isinstance(error, DavylampError)
                else Text(f"the gateway ended: {error!r}", f"网关退出：{error!r}"))
    if not running.served.done():
        return Text("the page is not served", "页面未启动")
    if (unwell := running.gateway.unwell()).en:
        return unwell
    lost = online & running.gateway.offline()
    if not lost:
        return Text("", "")
    return Text(f"no longer answer: {', '.join(sorted(lost))}", f"不再应答：{'、'.join(sorted(lost))}")


def _in_force(site: Path, history: History, entry: Entry) -> None:
    try:
        history.settle(entry.number, Outcome.IN_FORCE)
        trial.end(site)
    except OSError as error:  # the next start would take it back: better than one that nobody can take back
        log.error("configuration %d works, but that can not be written: %s", entry.number, error)
    log.warning("configuration %d is in force", entry.number)


def _take_back(site: Path, history: History, entry: Entry, reason: Text, back: int | None = None) -> Record:
    """Put the files of before in force again. The record tells it."""
    log.error("configuration %d is taken back: %s", entry.number, reason)
    try:
        if back is None:
            change = trial.find(site)
            back = change.back if change is not None else None
        if back is not None:
            files.put(site, history.read(back))
        history.settle(entry.number, Outcome.TAKEN_BACK, reason)
        trial.end(site)
    except OSError as error:  # the note stays: the next start tries again
        log.critical("the files of before can not be put back: %s", error)
    return _record(entry, "taken back", reason)


def _record(entry: Entry, act: str, reason: Text | None = None) -> Record:
    told = {"reason": reason.both} if reason is not None else {}
    return Record(KIND, "", time.time_ns(), {
        "act": act, "number": entry.number, "who": entry.who, "why": entry.why,
        "digest": entry.digest, "changes": [text.both for text in entry.changes], **told,
        **({"back_to": entry.back_to} if entry.act is Act.BACK else {})})

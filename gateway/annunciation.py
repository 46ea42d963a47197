"""Sirens and beacons on relays: the one thing in the field that the gateway drives, and only what a person has armed.

    alarms that stand --> wanted? --> Output.drive, read back --> confirmed, or `gateway/output` is raised

Nothing is written to an output that was never armed. Armed, it is driven as soon as an alarm stands, and told again
every `REFRESH_S`: a relay that was switched off and on again finds its state, one with a watchdog of its own keeps it,
and a contact that no longer obeys is noticed before it is needed. It is released when its alarms say so
(gateway.model.annunciator), when it is disarmed, and when the gateway stops in good order. A gateway that is killed can
not release anything: that is what the relay's own watchdog is for.

Arming, disarming and tests are recorded in the journal before they are done. What is armed stands in a small file of
its own: a broken alarm file must not silence a siren.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path

from alerting.ledger import Record
from alerting.service import AlarmService
from alerting.views import AlarmView
from gateway.config.values import did_you_mean
from gateway.model.annunciator import Annunciator, Until
from gateway.model.clock import NS, Clock, Instant
from gateway.model.errors import CommandError, SourceError
from gateway.model.person import is_verified
from gateway.model.ports import Output
from gateway.model.text import Text

log = logging.getLogger(__name__)

FILE = "armed.json"
REFRESH_S = 5.0
RETRY_S = 1.0
TEST_S = 3.0
RELEASE_S, RELEASE_PAUSE_S = 2.0, 0.05  # at the stop, for all of them; between two tries
FAILURES = 2  # in a row, before it is told


class AnnunciatorAct(StrEnum):
    """What a person does to a siren or beacon."""

    ARM = "arm"
    DISARM = "disarm"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Armed:
    """By whom, why, when. `on` False: disarmed, and not yet seen to be released."""

    who: str
    why: str
    wall_ns: int
    on: bool = True


@dataclass(frozen=True, slots=True)
class AnnunciatorStatus:
    """driven: as it was last read back, None: not known. trouble: why it can not be driven."""

    annunciator: Annunciator
    armed: Armed | None
    driven: bool | None
    trouble: Text | None
    testing: bool


def wanted(annunciator: Annunciator, standing: Sequence[AlarmView], now: Instant) -> bool:
    """Whether these alarms drive it now."""
    def drives(view: AlarmView) -> bool:
        stands = view.state.waits if annunciator.until is Until.ACKNOWLEDGED else view.state.active
        return (stands and not view.withheld and not view.definition.exercise and annunciator.hears(view.definition)
                and view.age_s(now) < annunciator.longest_s)
    return any(drives(view) for view in standing)


@dataclass(slots=True)
class _Siren:
    annunciator: Annunciator
    output: Output
    armed: Armed | None = None
    driven: bool | None = None
    failures: int = 0
    trouble: Text | None = None
    test_until_ns: int = 0  # line time
    news: asyncio.Event = field(default_factory=asyncio.Event)


class Annunciation:
    """outputs: by id; every annunciator has one. folder: where what is armed is kept."""

    def __init__(self, annunciators: Sequence[Annunciator], outputs: Mapping[str, Output], alarms: AlarmService,
                 clock: Clock, folder: Path):
        self._alarms, self._clock, self._path = alarms, clock, folder / FILE
        self._sirens = {one.id: _Siren(one, outputs[one.output]) for one in annunciators}
        self._unreadable: Text | None = None
        self._restore()

    async def run(self) -> None:
        unsubscribe = self._alarms.subscribe(self._look)
        try:
            async with asyncio.TaskGroup() as tasks:  # one each: a dead bus holds up its own sirens only
                for siren in self._sirens.values():
                    tasks.create_task(self._keep(siren), name=f"annunciator {siren.annunciator.id}")
        finally:
            unsubscribe()
            await self._release()

    @property
    def failing(self) -> bool:
        return self._unreadable is not None or any(siren.failures >= FAILURES for siren in self._sirens.values())

    def status(self) -> tuple[AnnunciatorStatus, ...]:
        now = self._clock.now().line_ns
        return tuple(AnnunciatorStatus(siren.annunciator, siren.armed if siren.armed and siren.armed.on else None,
                                       siren.driven, siren.trouble or self._unreadable, siren.test_until_ns > now)
                     for siren in self._sirens.values())

    async def act(self, annunciator: str, act: AnnunciatorAct, who: str, why: str) -> None:
        """Arm: from now on alarms drive it. Disarm: it is released, and nothing is written to it any more. Test: it is
        driven for `TEST_S`; an alarm that comes meanwhile drives it on. CommandError: not known, or it makes no sense
        now. LedgerError: it can not be recorded, and was not done."""
        siren = self._sirens.get(annunciator)
        if siren is None:
            hint = did_you_mean(annunciator, self._sirens)
            raise CommandError(Text("there is no siren or beacon with this id{hint}",
                                    "没有此编号的声光报警器{hint}").format(hint=hint), where=annunciator,
                               fix=Text("`davylamp annunciator` lists them", "用 `davylamp annunciator` 查看编号"))
        self._check(siren, act)
        now = self._clock.now()
        await self._alarms.record(Record("output", annunciator, now.wall_ns, {
            "act": act, "who": who, "why": why, "verified": is_verified(who), "line_ns": now.line_ns}))
        self._check(siren, act)  # somebody may have been faster while it was recorded
        if act is AnnunciatorAct.TEST:
            siren.test_until_ns = self._clock.now().line_ns + round(TEST_S * NS)
        else:
            siren.armed, siren.test_until_ns = Armed(who, why, now.wall_ns, act is AnnunciatorAct.ARM), 0
            self._save()
        siren.news.set()

    @staticmethod
    def _check(siren: _Siren, act: AnnunciatorAct) -> None:
        on = siren.armed is not None and siren.armed.on
        if on and act is AnnunciatorAct.ARM:
            raise CommandError(Text("it is armed already", "已处于启用状态"), where=siren.annunciator.id)
        if not on and act is not AnnunciatorAct.ARM:
            raise CommandError(Text("it is not armed: nothing is written to it", "未启用：不会向其写入任何命令"),
                               where=siren.annunciator.id, fix=Text("arm it first", "请先启用"))

    # -- one of them

    async def _keep(self, siren: _Siren) -> None:
        while True:
            siren.news.clear()
            if siren.armed is not None:
                await self._drive(siren)
            now = self._clock.now().line_ns
            testing_s = (siren.test_until_ns - now) / NS
            wait = RETRY_S if siren.failures else min(REFRESH_S, testing_s) if testing_s > 0 else REFRESH_S
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await siren.news.wait()

    async def _drive(self, siren: _Siren) -> None:
        now, armed = self._clock.now(), siren.armed
        on = armed.on and (siren.test_until_ns > now.line_ns
                                 or wanted(siren.annunciator, self._alarms.views(), now))
        if siren.driven is not on:
            siren.driven = None  # a stop between the command and its reading back must release it all the same
        try:
            await siren.output.drive(on)
        except SourceError as error:
            siren.failures, siren.trouble, siren.driven = siren.failures + 1, error.what, None
            if siren.failures == FAILURES:
                log.error("%s can not be driven: %s", siren.annunciator.id, error)
            return
        siren.driven, siren.failures, siren.trouble = on, 0, None
        if not armed.on and siren.armed is armed:  # who disarmed it while it was driven waits for the next command
            siren.armed = None
            self._save()

    def _look(self) -> None:
        for siren in self._sirens.values():
            siren.news.set()

    async def _release(self) -> None:
        """The gateway stops. The line may be closing under us, so each is tried while there is time; and twice, for a
        command that was on its way over the old connection may reach the relay after the first release."""
        async def release(siren: _Siren) -> None:
            released = 0
            while released < 2:
                with suppress(SourceError):
                    await siren.output.drive(False)
                    released += 1
                await asyncio.sleep(RELEASE_PAUSE_S)
        with suppress(TimeoutError):
            async with asyncio.timeout(RELEASE_S):
                await asyncio.gather(*(release(siren) for siren in self._sirens.values()
                                       if siren.armed is not None and siren.driven is not False))

    # -- what is armed

    def _restore(self) -> None:
        try:
            stored = json.loads(self._path.read_text(encoding="utf-8"))
            armed = {name: Armed(**one) for name, one in stored.items()}
        except FileNotFoundError:
            return
        except (OSError, ValueError, TypeError, AttributeError) as error:
            self._unreadable = Text(f"what is armed can not be read ({self._path.name}): {error}. Arm it again",
                                    f"启用状态无法读取（{self._path.name}）：{error}。请重新启用")
            log.error("%s", self._unreadable.en)
            return
        for name, one in armed.items():
            if name in self._sirens:
                self._sirens[name].armed = one
            elif one.on:
                log.warning("%s is armed, but the site no longer has it", name)

    def _save(self) -> None:
        """Whole or not at all."""
        stored = {name: asdict(siren.armed) for name, siren in self._sirens.items() if siren.armed is not None}
        new = self._path.with_suffix(".new")
        try:
            with new.open("w", encoding="utf-8") as file:
                json.dump(stored, file, ensure_ascii=False)
                file.flush()
                os.fsync(file.fileno())
            os.replace(new, self._path)
            self._unreadable = None
        except OSError as error:
            self._unreadable = Text(f"what is armed can not be saved: {error}", f"启用状态无法保存：{error}")
            log.error("%s", self._unreadable.en)

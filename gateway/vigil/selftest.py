"""The whole chain, tested from end to end: a sample of a reserved signal enters where a driver's samples enter, and is
followed through store, detection, alarm file and notifier to the acknowledgement and back to normal.

The signal `selftest` exists where the site file has [selftest]; nothing else is touched. What people receive begins
with TEST / 测试. A station that is not passed in time raises `gateway/selftest`, which ends with the next good test.
A report is in the journal (kind "selftest").
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from alerting.ledger import Record
from alerting.lifecycle import State
from alerting.service import AlarmService
from gateway.config.vigil import SelfTestSection
from gateway.model.clock import NS, Clock, Instant
from gateway.model.condition import Condition
from gateway.model.errors import CommandError, LedgerError
from gateway.model.frame import Frame
from gateway.model.gateway_fault import GatewayFault
from gateway.model.ports import Intake
from gateway.model.signal import SELFTEST
from gateway.model.site import Site
from gateway.model.text import Text
from gateway.model.verdict import Edge, Evidence, Verdicts

log = logging.getLogger(__name__)

ALARM = f"{SELFTEST}/{Condition.HIGH}"
LOOK_S = 0.05
STATIONS = {
    "stored": Text("stored on disk", "数据已写入磁盘"), "raised": Text("detected, alarm raised", "检测并产生告警"),
    "recorded": Text("in the alarm file", "告警已写入文件"), "delivered": Text("taken by a notifier", "通知已送达"),
    "acknowledged": Text("acknowledged", "告警已确认"), "ended": Text("back to normal", "恢复正常")}


@dataclass(frozen=True, slots=True)
class Station:
    """after_s: since the sample was injected; None: not passed."""

    id: str
    after_s: float | None


@dataclass(frozen=True, slots=True)
class Report:
    """failed: the first station that was not passed, "" when all were."""

    begun_wall_ns: int
    asked_by: str
    stations: tuple[Station, ...]
    failed: str


class SelfTest:
    """settings None: the site has no test signal. notifies: there is anybody to deliver to."""

    def __init__(self, settings: SelfTestSection | None, site: Site, intake: Intake, alarms: AlarmService, clock: Clock,
                 notifies: bool):
        self._settings, self._site, self._intake, self._alarms = settings, site, intake, alarms
        self._clock, self._notifies = clock, notifies
        self._asked: str | None = None
        self._wake = asyncio.Event()
        self.running = False
        self.last: Report | None = None

    def ask(self, who: str) -> None:
        """Begin one now. CommandError: there is no test signal, or a test is under way."""
        if self._settings is None:
            raise CommandError(Text("the site has no test signal", "站点未配置自检信号"), where="selftest",
                               fix=Text("add the table [selftest] to the site file", "在站点文件中增加 [selftest] 表"))
        if self.running or self._asked is not None:
            raise CommandError(Text("a self-test is under way", "自检正在进行"), where="selftest",
                               fix=Text("wait for its report", "请等待结果"))
        self._asked = who
        self._wake.set()

    async def run(self) -> None:
        """Until cancelled: a test when asked, and every so often."""
        if self._settings is None:
            await asyncio.Event().wait()
        await self._put(0.0)  # what a test that was cut off has left
        while True:
            try:
                async with asyncio.timeout(self._settings.every):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()
            asked_by, self._asked = self._asked or "", None
            self.running = True
            try:
                self.last = await self._test(asked_by)
            finally:
                self.running = False
            self._tell(self.last)

    async def _test(self, asked_by: str) -> Report:
        begun, occurrence = self._clock.now(), self._alarms.view(ALARM).occurrence + 1
        await self._finish("davylamp")  # of a test before that was never acknowledged
        durable = asyncio.Event()
        await self._put(1.0, durable.set)

        async def delivered() -> bool:
            rows = await self._alarms.history(20, None, [ALARM])
            return any(row.kind == "delivery" and row.body["act"] == "delivered"
                       and f"#{occurrence}@" in row.body["key"] for row in rows)

        async def taken() -> bool:
            view = self._alarms.view(ALARM)
            if view.state.waits and self._settings.acknowledge == "gateway":
                await self._alarms.acknowledge(ALARM, "davylamp", "self-test / 自检")
            return not self._alarms.view(ALARM).state.waits

        async def ended() -> bool:
            return self._alarms.view(ALARM).state is State.NORMAL

        async def raised() -> bool:
            return self._alarms.view(ALARM).occurrence == occurrence

        async def recorded() -> bool:
            return self._alarms.view(ALARM).recorded

        async def stored() -> bool:
            return durable.is_set()

        passed: dict[str, float | None] = dict.fromkeys(STATIONS)
        failed = ""
        for name, reached in (("stored", stored), ("raised", raised), ("recorded", recorded),
                              ("delivered", delivered), ("acknowledged", taken), ("ended", ended)):
            if name == "delivered" and not self._notifies:
                del passed[name]
                continue
            if name == "ended":
                await self._put(0.0)
            patience = self._settings.within_person if name == "acknowledged" else self._settings.within
            if not await self._reached(reached, patience):
                failed = name
                break
            passed[name] = round((self._clock.now().line_ns - begun.line_ns) / NS, 3)
        await self._put(0.0)
        await self._finish("davylamp")
        stations = tuple(Station(name, after_s) for name, after_s in passed.items())
        return Report(begun.wall_ns, asked_by, stations, failed)

    async def _reached(self, reached: Callable[[], Awaitable[bool]], patience_s: float) -> bool:
        try:
            async with asyncio.timeout(patience_s):
                while True:
                    if await reached():
                        return True
                    await asyncio.sleep(LOOK_S)
        except (TimeoutError, LedgerError):
            return False

    async def _finish(self, who: str) -> None:
        if self._alarms.view(ALARM).state.waits:
            await self._alarms.acknowledge(ALARM, who, "self-test over / 自检结束")

    async def _put(self, value: float, durable: Callable[[], None] | None = None) -> None:
        await self._intake.put(Frame.of(self._site.signals.index(SELFTEST), value, self._clock.now()), durable)

    def _tell(self, report: Report) -> None:
        now = self._clock.now()
        self._alarms.note(Record("selftest", SELFTEST, now.wall_ns, {
            "begun_wall_ns": report.begun_wall_ns, "asked_by": report.asked_by, "failed": report.failed,
            "stations": {station.id: station.after_s for station in report.stations}}))
        stands = self._alarms.view(GatewayFault.SELFTEST).state.condition
        if stands != bool(report.failed):
            self._alarms.apply(Verdicts.from_edges([self._edge(report, now)]))
        log.log(logging.ERROR if report.failed else logging.INFO, "self-test: %s", report.failed or "passed")

    def _edge(self, report: Report, now: Instant) -> Edge:
        note = (Text("not passed: {station}", "未通过：{station}").format(station=STATIONS[report.failed])
                if report.failed else Text("passed", "已通过"))
        return Edge(self._site.alarms.index(GatewayFault.SELFTEST), bool(report.failed), math.nan, now.line_ns,
                    now.wall_ns, (Evidence(now.wall_ns, SELFTEST, math.nan, note),))

"""The API over the real bank, alarm service and store: a leak from the first sample to the acknowledgement."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence

import httpx
import pytest

from alerting.ledger import AlarmLedger, JournalRow
from alerting.service import AlarmService
from alerting.views import AlarmView
from gateway.api.routes import create_app
from gateway.api.stream import Broadcast
from gateway.core.bank import Bank
from gateway.explaining import Explainer
from gateway.model.alarm import Risk
from gateway.model.clock import ManualClock
from gateway.model.frame import Frame
from gateway.model.quality import Quality
from gateway.store import StoreSettings, TelemetryStore, Trend
from tests.api.depot import MemoryGateway


class Parts(MemoryGateway):
    """What a signal reads, which alarms stand and what was stored comes from the real parts."""

    def __init__(self, folder):
        super().__init__(clock=ManualClock(line_ns=10**9))
        self.explainer = Explainer(self.site, folder)
        self.bank = Bank(self.site)
        self.latest = self.bank.latest
        self.store = TelemetryStore(folder / "telemetry", self.site.signals, StoreSettings(), self.clock)
        self.service = AlarmService(self.site.alarms, self.site, AlarmLedger(folder / "alarms.db"), [], self.clock)

    def second(self, readings: dict[str, float], quality: Quality = Quality.GOOD) -> None:
        """One second passes and these readings arrive."""
        now = self.clock.advance(1)
        index = [self.site.signals.index(signal) for signal in readings]
        frame = Frame.of(index, [*readings.values()], now, quality)
        self.service.apply(self.bank.step(frame))
        self.service.apply(self.bank.tick(now))
        self.store.append(frame)

    def alarms(self) -> Sequence[AlarmView]:
        return self.service.views()

    def risk_level(self) -> Risk:
        return self.service.risk_level()

    def watch_alarms(self, changed: Callable[[], None]) -> Callable[[], None]:
        return self.service.subscribe(changed)

    async def acknowledge(self, alarm: str, who: str, comment: str) -> AlarmView:
        return await self.service.acknowledge(alarm, who, comment)

    async def journal(self, limit: int, before: int | None, alarms: Collection[str]) -> Sequence[JournalRow]:
        return await self.service.history(limit, before, alarms)

    async def explain(self, alarm: str, at_wall_ns: int | None, look_back_s: float) -> dict:
        return await self.explainer.explain(alarm, at_wall_ns, look_back_s)

    async def history(self, signals: Sequence[int], start_wall_ns: int, end_wall_ns: int, max_points: int) -> Trend:
        return await asyncio.to_thread(self.store.history, signals, start_wall_ns, end_wall_ns, max_points)


@pytest.fixture
async def parts(tmp_path):
    running = Parts(tmp_path)
    running.store.open()
    await running.service.start()
    running.bank.begin(running.now())
    yield running
    await running.service.close()
    await running.store.close()


@pytest.fixture
async def client(parts):
    transport = httpx.ASGITransport(create_app(parts))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as asking:
        yield asking


QUIET = {f"GD-0{number}": 0.5 for number in range(1, 7)} | {"P-101.P": 0.0, "GD.status": 0.0}


async def test_a_leak_is_shown_acknowledged_and_kept(parts, client):
    for _ in range(20):
        parts.second(QUIET)
    assert (await client.get("/api/v1/alarms")).json()["alarms"] == []
    for level in range(2, 52, 2):
        parts.second(QUIET | {"GD-03": float(level)})

    found = (await client.get("/api/v1/alarms")).json()
    assert [alarm["id"] for alarm in found["alarms"]] == ["GD-03/HH", "GD-03/H", "GD-03/ROC+"]
    assert [alarm["first_out"] for alarm in found["alarms"]] == [False, False, True]
    assert (found["risk"], found["unacknowledged"], found["alarms"][0]["value"]) == ("red", 3, 40.0)

    answer = (await client.post("/api/v1/alarms/GD-03%2FHH/ack", json={"name": "李伟", "comment": "on my way"})).json()
    assert answer == {"alarm": "GD-03/HH", "state": "acknowledged", "name": "李伟", "verified": False,
                      "recorded": True}
    newest = (await client.get("/api/v1/journal?limit=1")).json()["rows"][0]
    assert (newest["alarm"], newest["body"]["who"]) == ("GD-03/HH", "李伟")

    while parts.store.durable_position < parts.store.position:
        await asyncio.sleep(0.01)
    trend = (await client.get("/api/v1/signals/GD-03/history?minutes=2&points=10")).json()
    assert max(trend["high"]) == 50.0 and min(trend["low"]) == 0.5
    about = (await client.get("/api/v1/journal?alarm=GD-03/H")).json()["rows"]
    assert [(row["alarm"], row["body"]["event"]) for row in about] == [("GD-03/H", "raise")]


async def test_an_alarm_is_explained_from_the_store_beside_the_gateway(parts, client):
    refused = (await client.get("/api/v1/alarms/GD-03/H/explain")).json()["error"]
    assert refused["what"]["zh"] == "此处没有已存储的测量数据"
    for level in range(0, 32, 2):
        parts.second(QUIET | {"GD-03": float(level)})
    while parts.store.durable_position < parts.store.position:
        await asyncio.sleep(0.01)
    told = (await client.get("/api/v1/alarms/GD-03/H/explain")).json()
    assert (told["stands"], told["last"]["value"], told["plot"]["value"][-1]) == (True, 20.0, 30.0)
    refused = (await client.get("/api/v1/alarms/gateway/ledger/explain")).json()["error"]
    assert refused["where"] == "gateway/ledger" and refused["what"]["zh"].startswith("该告警针对网关自身")


async def test_silence_makes_the_zone_blind_and_the_stream_says_so(parts, client):
    parts.second(QUIET)
    broadcast = Broadcast(parts, period_s=3600)
    viewer = broadcast.join()
    await viewer.next()
    await viewer.next()
    for _ in range(10):
        parts.second({signal: level for signal, level in QUIET.items() if signal != "GD-06"})
    told = (await viewer.next()).decode()
    assert '"GD-06/deadman"' in told and '"loading_bay/blind"' in told
    broadcast.close()
    zones = {zone["area"]: zone["state"] for zone in (await client.get("/api/v1/health")).json()["zones"]}
    assert zones == {"tank_farm": "ok", "pump_house": "ok", "loading_bay": "blind"}


async def test_page_and_bank_count_the_same_working_detectors(parts, client):
    parts.second(QUIET)
    for _ in range(10):
        parts.second({"GD-01": float("nan")}, Quality.BAD_SENSOR)
        zones = (await client.get("/api/v1/health")).json()["zones"]
        assert [zone["working"] for zone in zones] == [zone.working for zone in parts.bank.zones]


async def test_detectors_that_are_inhibited_are_announced_and_not_counted(parts, client):
    parts.second(QUIET)
    for _ in range(8):
        parts.second(QUIET | {"GD-03": 50.0, "GD.status": 4.0})
    found = (await client.get("/api/v1/alarms")).json()["alarms"]
    assert {alarm["id"] for alarm in found} == {*(f"GD-0{number}/inhibit" for number in range(1, 7)), "tank_farm/blind",
                                                "pump_house/blind", "loading_bay/blind"}
    said = next(alarm for alarm in found if alarm["id"] == "GD-03/inhibit")
    assert [line["note"] for line in said["evidence"]] == [
        {"en": "inhibited: the instrument is out of service", "zh": "屏蔽：仪表已退出工作"}]
    zones = (await client.get("/api/v1/health")).json()["zones"]
    assert [zone["working"] for zone in zones] == [zone.working for zone in parts.bank.zones] == [0, 0, 0]
    parts.second(QUIET)
    zones = (await client.get("/api/v1/health")).json()["zones"]
    assert [zone["working"] for zone in zones] == [3, 2, 1]

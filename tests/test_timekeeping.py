"""A wall clock that is told the time late, or set while the gateway runs: stories on a clock of the test's own."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import datetime

import pytest

from alerting.journal.times import Times
from alerting.ledger import AlarmLedger, Record
from alerting.notifiers.config import WebhookSettings
from alerting.notifiers.webhook import WebhookNotifier
from alerting.service import AlarmService
from gateway.core.bank import Bank
from gateway.model import clock
from gateway.model.alarm import Priority, Risk
from gateway.model.clock import NS, TimeLine
from gateway.model.condition import Condition
from gateway.model.frame import Frame
from gateway.model.quality import Flag
from gateway.model.signal import Limit
from gateway.model.text import Text
from gateway.pipeline import Pipeline
from gateway.store import Recording, StoreSettings, TelemetryStore, kept, saved
from gateway.store.disk import Disk
from gateway.timekeeping import HOLD_S, KEPT, Timekeeping, dated
from tests.alerting.receiver import Receiver, receiver
from tests.sites import gas, site

survives = pytest.mark.survives
HOUR, YEAR = 3600.0, 365 * 86_400.0
START = 1_790_000_000 * NS


class Machine:
    """Its two clocks and what it says of them. True time is `START` + what has gone by."""

    def __init__(self, monkeypatch, *, off_s: float = 0.0, synchronised: bool | None = True, boot: str = "first"):
        self.gone_ns, self.off_ns, self.synchronised, self.boot = 0, round(off_s * NS), synchronised, boot
        self.chip = False
        monkeypatch.setattr(clock.time, "monotonic_ns", lambda: 1000 * NS + self.gone_ns)
        monkeypatch.setattr(clock.time, "time_ns", lambda: START + self.gone_ns + self.off_ns)
        monkeypatch.setattr(clock, "kernel_clock_synchronised", lambda: self.synchronised)
        monkeypatch.setattr(clock, "has_clock_chip", lambda: self.chip)
        monkeypatch.setattr(clock, "_boot", lambda: self.boot)

    @property
    def true_ns(self) -> int:
        return START + self.gone_ns

    def wait(self, seconds: float) -> None:
        self.gone_ns += round(seconds * NS)

    def wait_until(self, second: float) -> None:
        """True time, s since 1970."""
        self.gone_ns = round(second * NS) - START

    def time_arrives(self) -> None:
        self.off_ns, self.synchronised = 0, True


SLOW = Limit(Condition.HIGH, 20.0, Priority.P2, Risk.ORANGE, deadband=2.0, on_delay_s=10.0, off_delay_s=10.0)
SITE = site(gas("GD-01", limits=(SLOW,)))


class House:
    """The inner parts of a gateway on the machine's clocks."""

    def __init__(self, folder, machine: Machine, kept_otherwise: bool, phone: Receiver | None):
        self.machine, self.folder = machine, folder
        saved = kept(folder / "telemetry", KEPT)
        known = kept(folder / "telemetry", "bank")
        self.clock = TimeLine.resume(known and known.at, saved and saved.data, kept=kept_otherwise)
        self.store = TelemetryStore(folder / "telemetry", SITE.signals,
                                    StoreSettings(commit_interval_s=0.0, keep_free=0), self.clock)
        self.store.open()
        self.bank = Bank(SITE)
        self.alarms = AlarmService(SITE.alarms, SITE, AlarmLedger(folder / "alarms.db"), [] if phone is None else [
            WebhookNotifier(WebhookSettings(id="phone", url=phone.url))], self.clock)
        self.pipeline = Pipeline(self.bank, self.store, self.alarms.apply, self.clock)
        self.records: list[Record] = []
        self.time = Timekeeping(self.clock, self.store, self.note)
        self.alarms.told = self.time.told

    def note(self, record: Record) -> None:
        self.records.append(record)
        self.alarms.note(record)

    async def poll(self, value: float, seconds: int = 1) -> list[str]:
        """Once a second; which alarms stand after it."""
        for _ in range(seconds):
            self.machine.wait(1)
            await self.pipeline.put(Frame.of([0], [value], self.clock.now()))
            self.pipeline.step()
            self.time.judge()
        return [view.definition.id for view in self.alarms.views() if view.active]

    async def durable(self) -> None:
        async with asyncio.timeout(20):
            while self.store.durable_position < self.store.position:
                await asyncio.sleep(0.001)

    async def sent(self, reader) -> Frame:
        async with asyncio.timeout(20):
            batch = await reader.take(1000)
        reader.done(batch.position)
        return batch.frame


@asynccontextmanager
async def living(folder, machine: Machine, kept_otherwise: bool = False, phone: Receiver | None = None):
    house = House(folder, machine, kept_otherwise, phone)
    await house.alarms.start()
    house.pipeline.replay()
    try:
        yield house
    finally:
        house.pipeline.close()
        await house.alarms.close()
        await house.store.close()


@survives("the wall clock is set by seconds, hours or years, forward or back, while delays run",
          then="nothing begins, ends or is swallowed: delays and deadmen run on the time line")
@pytest.mark.parametrize("step_s", [3.0, -3.0, HOUR, -HOUR, 30 * YEAR, -30 * YEAR])
async def test_steps_of_the_wall_clock(tmp_path, monkeypatch, step_s):
    machine = Machine(monkeypatch)
    async with living(tmp_path, machine) as house:
        assert await house.poll(25, 5) == []
        machine.off_ns += round(step_s * NS)
        assert await house.poll(25, 5) == [], "neither earlier, nor for silence"
        assert await house.poll(25, 2) == ["GD-01/H"], "nor later"
        machine.off_ns -= round(2 * step_s * NS)
        assert await house.poll(5, 9) == ["GD-01/H"], "the end waits for its delay, too"
        assert await house.poll(5, 3) == []
        machine.off_ns += round(step_s * NS)
        machine.wait(3)
        house.pipeline.step()
        assert not [view for view in house.alarms.views() if view.active], "silent for less than the deadman"
        machine.wait(2.9)
        house.pipeline.step()
        assert "GD-01/deadman" in [view.definition.id for view in house.alarms.views() if view.active]


@survives("start without a clock of its own: 55 years off until the time arrives",
          then="samples are judged and stored at once, and wait for their true time before a database gets them")
async def test_what_was_measured_before_the_time_arrived(tmp_path, monkeypatch):
    machine = Machine(monkeypatch, off_s=-55 * YEAR, synchronised=False)
    async with living(tmp_path, machine) as house:
        reader = house.store.reader("database")
        first_true_ns = machine.true_ns + NS
        assert await house.poll(25, 12) == ["GD-01/H"], "alarms need no clock"
        raised_true_ns = machine.true_ns - 1 * NS
        await house.durable()
        waiting = asyncio.create_task(house.sent(reader))
        await asyncio.sleep(0.05)
        assert not waiting.done() and reader.lag_samples == 12
        machine.time_arrives()
        await house.poll(25)
        frame = await waiting
        assert frame.wall_ns.tolist() == [first_true_ns + n * NS for n in range(len(frame))]
        assert not (frame.quality & Flag.CLOCK_NOT_TRUSTED).any()
        unset, record = house.records
        assert (unset.kind, unset.body["act"]) == ("clock", "unset")
        assert (record.kind, round(record.body["moved_s"])) == ("clock", round(55 * YEAR))
        alarm = house.time.view(house.alarms.views()[0])
        assert abs(alarm.raised_wall_ns - raised_true_ns) < 2 * NS and alarm.since_wall_ns == alarm.raised_wall_ns
        await house.durable()
        trend = await asyncio.to_thread(house.store.history, [0], first_true_ns, first_true_ns + 13 * NS, 13)
        assert trend.count[0].tolist() == [1] * 13, "the page shows them where they belong"
    recording = Recording(tmp_path / "telemetry", first_true_ns, first_true_ns + 20 * NS)
    assert sum(len(frame) for _, frame in recording.frames(SITE.signals)) == 13, "so does everything that looks back"


async def test_the_gateway_is_restarted_before_the_time_arrives(tmp_path, monkeypatch):
    """kill -9, but the machine runs on: the line is the same line, and the earlier samples get their true time, too."""
    machine = Machine(monkeypatch, off_s=-YEAR, synchronised=False)
    async with living(tmp_path, machine) as house:
        await house.poll(5, 3)
        line_ns = house.clock.now().line_ns
        await house.durable()
    machine.wait(60)
    async with living(tmp_path, machine) as house:
        assert house.clock.now().line_ns - line_ns == 60 * NS
        reader = house.store.reader("database")
        machine.time_arrives()
        await house.poll(5, 2)
        await house.durable()
        walls = []
        while len(walls) < 5:
            walls += (await house.sent(reader)).wall_ns.tolist()
        assert sorted(walls) == [START + n * NS for n in (1, 2, 3, 64, 65)]


async def test_another_boot_keeps_the_mark(tmp_path, monkeypatch):
    """The machine lost its power before the time arrived: nobody knows how long it was off."""
    machine = Machine(monkeypatch, off_s=-YEAR, synchronised=False)
    async with living(tmp_path, machine) as house:
        await house.poll(5, 2)
        await house.durable()
    machine.boot = "second"
    machine.time_arrives()
    async with living(tmp_path, machine) as house:
        await house.poll(5)
        await house.durable()
        reader, marks = house.store.reader("database"), []
        while len(marks) < 3:
            marks += (await house.sent(reader)).quality.tolist()
        assert sorted(marks) == [0, Flag.CLOCK_NOT_TRUSTED, Flag.CLOCK_NOT_TRUSTED]


@survives("a site that never hears the time", then="its database gets the samples after ten minutes, marked")
async def test_the_time_never_arrives(tmp_path, monkeypatch):
    machine = Machine(monkeypatch, off_s=-HOUR, synchronised=False)
    async with living(tmp_path, machine) as house:
        await house.poll(5, 3)
        await house.durable()
        assert house.store.readable_position == 0
        machine.wait(HOLD_S)
        await house.poll(5)
        await house.durable()
        frame = await house.sent(house.store.reader("database"))
        assert (frame.quality & Flag.CLOCK_NOT_TRUSTED).all()
        assert frame.wall_ns[0] == START + NS - HOUR * NS


async def test_a_stamp_of_the_sender_s_own_clock_is_kept(tmp_path, monkeypatch):
    machine = Machine(monkeypatch, off_s=-YEAR, synchronised=False)
    async with living(tmp_path, machine) as house:
        own_ns = machine.true_ns + 7
        await house.pipeline.put(Frame.of([0], [5], house.clock.now(), wall_ns=own_ns))
        house.pipeline.step()
        machine.time_arrives()
        house.time.judge()
        await house.durable()
        frame = await house.sent(house.store.reader("database"))
        assert frame.wall_ns.tolist() == [own_ns]


@survives("the kernel can not be asked whether its clock is synchronised, and there is no clock chip",
          then="the clock is not trusted: samples are marked, databases wait ten minutes; `clock = \"kept\"` trusts it")
async def test_a_clock_of_which_nobody_knows(tmp_path, monkeypatch):
    machine = Machine(monkeypatch, synchronised=None)
    async with living(tmp_path, machine) as house:
        assert not house.clock.now().trusted and house.store.holds_back
    machine.chip = True
    async with living(tmp_path, machine) as house:
        assert house.clock.now().trusted, "a chip that says what can be"
    machine.off_ns = -2 * round(YEAR * NS)
    async with living(tmp_path, machine) as house:
        assert not house.clock.now().trusted, "it is older than this program: its battery is empty"


async def test_a_site_that_keeps_its_clock_by_hand(tmp_path, monkeypatch):
    machine = Machine(monkeypatch, synchronised=False)
    async with living(tmp_path, machine, kept_otherwise=True) as house:
        assert house.clock.now().trusted and not house.store.holds_back
        await house.poll(5, 2)
        await house.durable()
    machine.boot, machine.off_ns = "second", -round(HOUR * NS)
    async with living(tmp_path, machine, kept_otherwise=True) as house:
        assert not house.clock.now().trusted, "but not when it is behind what was stored"


@survives("a clock that is behind what was stored (a clock chip with an empty battery, a time server that is wrong), "
          "and a kernel that calls it synchronised",
          then="it is not trusted: samples are marked; corrected when it is right, believed after a day")
@pytest.mark.parametrize("starts", [1, 2])
async def test_a_clock_that_went_back_while_the_power_was_off(tmp_path, monkeypatch, starts):
    machine = Machine(monkeypatch)
    async with living(tmp_path, machine) as house:
        await house.poll(5, 3)
        assert house.clock.now().trusted
    machine.wait(30)
    machine.off_ns = -round(HOUR * NS)
    for number in range(starts):  # also at the second start, when the newest stamps are those of the first
        machine.boot = f"after {number}"
        async with living(tmp_path, machine) as house:
            await house.poll(5, 3)
            assert not house.clock.now().trusted
            assert not house.store.holds_back, "somebody calls it right: there is no other time to wait for"
            if number == starts - 1:
                machine.time_arrives()
                await house.poll(5)
                assert house.clock.now().trusted and not house.store.holds_back
                assert round(house.records[-1].body["moved_s"]) == HOUR
            await house.durable()


async def test_a_clock_that_is_put_back_while_the_gateway_runs(tmp_path, monkeypatch):
    """Also the samples between two looks at it, and before it is right again."""
    machine = Machine(monkeypatch)
    async with living(tmp_path, machine) as house:
        reader = house.store.reader("database")
        await house.poll(5, 2)
        machine.off_ns -= round(HOUR * NS)
        machine.wait(0.3)
        await house.pipeline.put(Frame.of([0], [5], house.clock.now()))
        await house.poll(5, 3)
        machine.time_arrives()
        machine.wait(0.3)
        await house.pipeline.put(Frame.of([0], [5], house.clock.now()))
        await house.poll(5)
        await house.durable()
        found = await house.sent(reader)
        while len(found) < 8:
            found = Frame.concat([found, await house.sent(reader)])
        assert sorted(found.wall_ns.tolist()) == [
            START + round(at * NS) for at in (1, 2, 2.3, 3.3, 4.3, 5.3, 5.6, 6.6)]
        assert not (found.quality & Flag.CLOCK_NOT_TRUSTED).any()


async def test_after_a_day_a_synchronised_clock_is_believed(tmp_path, monkeypatch):
    """What was stored must have been wrong: a time server that was a year ahead, once."""
    machine = Machine(monkeypatch, off_s=YEAR)
    async with living(tmp_path, machine) as house:
        await house.poll(5)
        machine.off_ns = 0
        await house.poll(5)
        assert not house.clock.now().trusted
        machine.wait(86_400)
        await house.poll(5, 2)
        assert house.clock.now().trusted and house.records[-1].body["moved_s"] == 0.0


async def test_a_clock_that_was_a_little_fast_is_put_back(tmp_path, monkeypatch):
    machine = Machine(monkeypatch)
    async with living(tmp_path, machine) as house:
        await house.poll(5, 2)
        machine.off_ns -= 20 * NS
        await house.poll(5, 2)
        assert house.clock.now().trusted and not house.records


@survives("alarms are told, acknowledged and end before the time arrives, and after it",
          then="a message says in words that its time is not known, and how long after the start it was; later ones, "
               "the page and the journal say when it really was, and the chain of the journal holds",
          says=Text("P2 GD-01 high 25.0 %LEL, … (clock not synchronised)", "P2 GD-01 高限 25.0 %LEL，…（时钟未同步）"))
async def test_what_people_are_told_before_the_time_arrives(tmp_path, monkeypatch, says):
    machine = Machine(monkeypatch, off_s=-HOUR, synchronised=False)
    with receiver() as phone:
        async with living(tmp_path, machine, phone=phone) as house:
            await house.poll(5, 150)
            await house.poll(25, 12)
            raised_ns = house.alarms.views()[0].raised_wall_ns + round(HOUR * NS)
            assert house.time.view(house.alarms.views()[0]).after_s == pytest.approx(161, abs=1)
            await phone.until(lambda got: len(got.taken) == 1)
            await house.alarms.acknowledge("GD-01/H", "Li")
            machine.time_arrives()
            await house.poll(25, 2)
            view = house.time.view(house.alarms.view("GD-01/H"))
            assert (view.raised_wall_ns, view.after_s) == (raised_ns, None)
            assert raised_ns < view.since_wall_ns <= machine.true_ns, "when it was acknowledged"
            await house.poll(5, 12)
            await phone.until(lambda got: len(got.taken) == 3)
            rows = dated(await house.alarms.history(), Times(tmp_path / "alarms.db").read())
            (row,) = [row for row in rows if row.body.get("event") == "raise"]
            assert row.wall_ns == raised_ns and round(row.body["moved_s"]) == HOUR
            delivered = [row for row in rows if row.kind == "delivery"]
            assert delivered, "rows without a place on the line"
    raised, acknowledged, ended = (call.payload for call in phone.taken)
    assert says(Text(**raised["title"]))
    assert "clock not synchronised: 2 min after the start (it shows 2026-09-21 " in raised["text"]["en"]
    assert "时钟未同步：启动后 2 分钟（时钟显示 2026-09-21 " in raised["text"]["zh"]
    assert raised["after_start_s"] == pytest.approx(161, abs=1)
    assert "Raised 2 min after the start" in acknowledged["text"]["en"]
    assert "synchronised" not in ended["title"]["en"] + ended["text"]["en"] and "after_start_s" not in ended
    true = datetime.fromtimestamp(raised_ns / NS, SITE.zone)
    assert f"Raised {true:%Y-%m-%d %H:%M:%S}" in ended["text"]["en"]
    assert ended["raised"][:19] == f"{true:%Y-%m-%dT%H:%M:%S}"
    assert ended["key"].split(":")[0] == raised["key"].split(":")[0], "the key is that of the stamp"
    AlarmLedger(tmp_path / "alarms.db").verify()


@survives("the time arrives after databases have got what was measured, marked",
          then="they get it again with its true time and `clock_untrusted = false`: nothing is left out, also when the "
               "gateway is killed in between, or a batch was under way")
async def test_what_was_sent_marked_is_sent_again(tmp_path, monkeypatch):
    machine = Machine(monkeypatch, off_s=-HOUR, synchronised=False)
    async with living(tmp_path, machine) as house:
        reader = house.store.reader("database")
        await house.poll(5, 3)
        machine.wait(HOLD_S)
        await house.poll(5, 2)
        await house.durable()
        sent = await house.sent(reader)
        assert (sent.quality & Flag.CLOCK_NOT_TRUSTED).all() and len(sent) == 5
        await house.poll(5, 2)
        await house.durable()
        under_way = await reader.take(1000)
        cursor = reader.cursor()
        machine.time_arrives()
        await house.poll(5)
        reader.done(under_way.position)
        await house.durable()
        right = Frame.concat([await house.sent(reader) for _ in range(2)])
        true = [START + round(at * NS) for at in (1, 2, 3, HOLD_S + 4, HOLD_S + 5, HOLD_S + 6, HOLD_S + 7, HOLD_S + 8)]
        assert sorted(right.wall_ns.tolist()) == true and reader.lag_samples == 0
        assert (right.quality & Flag.CLOCK_CORRECTED)[right.wall_ns < true[-1]].all()
    saved.write(Disk(), tmp_path / "telemetry" / "saved", "cursor-database", saved.Saved(cursor, 0, house.clock.now()))
    async with living(tmp_path, machine) as house:  # killed before the cursor was saved
        reader, walls = house.store.reader("database"), []
        while len(walls) < len(true):
            walls += (await house.sent(reader)).wall_ns.tolist()
        assert sorted(walls) == true

"""Frames through the real bank, store and alarm service."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import asynccontextmanager
from dataclasses import replace

import numpy as np
import pytest

from alerting.ledger import AlarmLedger
from alerting.service import AlarmService
from gateway.core.bank import Bank
from gateway.model.clock import ManualClock
from gateway.model.frame import Frame
from gateway.model.verdict import Verdicts
from gateway.pipeline import Pipeline
from gateway.store import StoreSettings, TelemetryStore
from tests.sites import gas, site

SITE = site(gas("GD-01"), gas("GD-02"), gas("GD-03"))


class House:
    """One life of the gateway's inner parts on a data folder, with a clock that jumps."""

    def __init__(self, folder, clock: ManualClock, **settings):
        self.clock = clock
        self.store = TelemetryStore(folder / "telemetry", SITE.signals, StoreSettings(), clock)
        self.bank = Bank(SITE)
        self.alarms = AlarmService(SITE.alarms, SITE, AlarmLedger(folder / "alarms.db"), [], clock)
        self.pipeline = Pipeline(self.bank, self.store, self.alarms.apply, clock, **settings)
        self.replayed = 0

    def standing(self) -> dict[str, str]:
        return {view.definition.id: str(view.state) for view in self.alarms.views()}

    def conditions(self) -> list[str]:
        return [view.definition.id for view in self.alarms.views() if view.state.condition]

    def wait(self, seconds: int) -> None:
        """The loop steps, no frame comes."""
        for _ in range(seconds):
            self.clock.advance(1)
            self.pipeline.step()

    async def poll(self, *values: float, **more) -> None:
        """One poll of all detectors, one second later."""
        await self.pipeline.put(Frame.of(range(3), values, self.clock.advance(1)), **more)
        self.pipeline.step()


@asynccontextmanager
async def living(folder, clock, *, snapshot: bool = True, **settings):
    house = House(folder, clock, **settings)
    house.store.open()
    await house.alarms.start()
    house.replayed = house.pipeline.replay(house.conditions)
    try:
        yield house
    finally:
        if snapshot:
            house.pipeline.snapshot()
        await house.alarms.close()
        await house.store.close()


async def test_a_leak_becomes_an_alarm_and_is_stored(tmp_path):
    durable = asyncio.Event()
    async with living(tmp_path, ManualClock()) as house:
        await house.poll(1, 1, 1)
        await house.poll(1, 1, 21, on_durable=durable.set)
        assert house.standing() == {"GD-03/H": "unacknowledged"}
        async with asyncio.timeout(20):
            await durable.wait()
        assert [value for _, frame in house.store.frames() for value in frame.value.tolist()] == [1, 1, 1, 1, 1, 21]


async def test_deadmen_fire_without_any_frame(tmp_path):
    async with living(tmp_path, ManualClock()) as house:
        await house.poll(1, 1, 1)
        house.wait(6)
        assert set(house.standing()) == {"GD-01/deadman", "GD-02/deadman", "GD-03/deadman", "tank_farm/blind"}


async def test_a_restart_forgets_nothing_and_repeats_nothing(tmp_path):
    clock = ManualClock()
    async with living(tmp_path, clock) as house:
        await house.poll(1, 21, 1)
        await house.alarms.acknowledge("GD-02/H", "Li", "seen")
        before = house.alarms.view("GD-02/H")
    clock.advance(3600)
    async with living(tmp_path, clock) as house:
        after = house.alarms.view("GD-02/H")
        assert (after.state, after.occurrence, after.who) == (before.state, 1, "Li")
        assert set(house.standing()) == {"GD-02/H"}, "an hour off is no reason to page for missing data"
        await house.poll(1, 22, 1)
        assert house.alarms.view("GD-02/H").occurrence == 1
        await house.poll(1, 10, 1)
        assert house.standing() == {}


async def test_what_was_stored_after_the_last_snapshot_is_evaluated(tmp_path):
    """A crash between storing and evaluating: the frame is on disk, snapshot and alarm file know nothing of it."""
    clock = ManualClock()
    async with living(tmp_path, clock) as house:
        await house.poll(1, 1, 1)
    async with living(tmp_path, clock, snapshot=False) as house:
        stored = asyncio.Event()
        house.store.append(Frame.of(range(3), [1, 1, 45], clock.advance(1)), stored.set)
        async with asyncio.timeout(20):
            await stored.wait()
    async with living(tmp_path, clock) as house:
        assert house.replayed == 3
        assert set(house.standing()) == {"GD-03/H", "GD-03/HH"}


async def test_a_lost_alarm_file_is_filled_again_from_what_stands(tmp_path):
    clock = ManualClock()
    async with living(tmp_path, clock) as house:
        await house.poll(1, 1, 45)
    for file in tmp_path.glob("alarms.db*"):
        file.unlink()
    async with living(tmp_path, clock) as house:
        assert set(house.standing()) == {"GD-03/H", "GD-03/HH"}


async def test_a_lost_snapshot_does_not_leave_an_alarm_standing_for_ever(tmp_path):
    clock = ManualClock()
    async with living(tmp_path, clock) as house:
        await house.poll(1, 1, 45)
    for file in (tmp_path / "telemetry").iterdir():
        if file.is_file():
            file.unlink()
    async with living(tmp_path, clock) as house:
        assert set(house.standing()) == {"GD-03/H", "GD-03/HH"}
        await house.poll(1, 1, 1)
        assert set(house.standing().values()) == {"returned"}


async def test_a_full_intake_makes_the_source_wait_and_drops_nothing(tmp_path):
    clock = ManualClock()
    async with living(tmp_path, clock, capacity=6) as house:
        frames = [Frame.of(range(3), [n, n, n], clock.advance(1)) for n in range(4)]

        async def source():
            for frame in frames:
                await house.pipeline.put(frame)

        sending = asyncio.create_task(source())
        for _ in range(5):
            await asyncio.sleep(0)
        assert house.pipeline.fill == 6 and not sending.done()
        house.pipeline.step()
        await sending
        house.pipeline.step()
        assert house.pipeline.samples == 12 and house.pipeline.fill == 0


async def test_detection_goes_on_when_the_store_fails(tmp_path):
    """The data folder is a file: nothing can be stored."""
    (tmp_path / "telemetry").write_text("in the way")
    clock = ManualClock()
    house = House(tmp_path, clock)
    verdicts: list[Verdicts] = []
    house.pipeline = Pipeline(house.bank, house.store, verdicts.append, clock)
    house.store.open()
    try:
        await house.poll(1, 1, 45)
        assert house.store.stats().failing is not None
        assert sum(len(verdict) for verdict in verdicts) == 2
    finally:
        await house.store.close()


async def test_an_old_snapshot_does_not_hide_an_alarm_that_begins_again(tmp_path):
    """The disk takes alarms but no data any more: the snapshot knows that the alarm began, only the alarm file that it
    ended. A bank that believed its snapshot would not say so when it begins again."""
    clock = ManualClock()
    async with living(tmp_path, clock) as house:
        await house.poll(1, 1, 30)
    shutil.copytree(tmp_path / "telemetry", tmp_path / "as-it-was")
    async with living(tmp_path, clock) as house:
        await house.poll(1, 1, 1)
        await house.alarms.acknowledge("GD-03/H", "Li", "")
    shutil.rmtree(tmp_path / "telemetry")
    (tmp_path / "as-it-was").rename(tmp_path / "telemetry")
    async with living(tmp_path, clock) as house:
        assert house.standing() == {}
        await house.poll(1, 1, 30)
        assert house.standing() == {"GD-03/H": "unacknowledged"}


async def test_an_outage_of_the_gateway_is_not_taken_for_silence_of_the_signals(tmp_path):
    """No snapshot (a new version does not read the old one): frames from before and after an outage are evaluated."""
    clock = ManualClock()
    for _ in range(2):
        async with living(tmp_path, clock) as house:
            await house.poll(1, 1, 1)
        clock.advance(3600)
    shutil.rmtree(tmp_path / "telemetry" / "saved")
    async with living(tmp_path, clock) as house:
        assert house.replayed == 6
        assert house.standing() == {}


@pytest.mark.parametrize("broken", [
    lambda at: Frame.of([99], 50, at),
    lambda at: Frame.of([-1], 50, at),
    lambda at: replace(Frame.of([1], 50, at), value=np.array([50.0, 50.0])),
], ids=["unknown signal", "negative signal", "columns of two lengths"])
async def test_a_broken_frame_is_refused_and_takes_nothing_along(tmp_path, broken):
    async with living(tmp_path, ManualClock()) as house:
        at = house.clock.advance(1)
        await house.pipeline.put(Frame.of([0], 50, at))
        await house.pipeline.put(broken(at))
        house.pipeline.step()
        assert set(house.standing()) == {"GD-01/H", "GD-01/HH"}
        assert (house.pipeline.refused_samples, house.pipeline.failures) == (1, 0)


async def test_the_loop_outlives_what_is_raised_behind_it_and_tells_the_alarm_all_the_same(tmp_path):
    async with living(tmp_path, ManualClock()) as house:
        answers = iter([RuntimeError("full"), RuntimeError("full")])

        def act(verdicts: Verdicts) -> None:
            if len(verdicts) and (error := next(answers, None)):
                raise error
            house.alarms.apply(verdicts)

        house.pipeline = Pipeline(house.bank, house.store, act, house.clock)
        await house.poll(1, 1, 30)
        assert house.standing() == {} and house.pipeline.failures == 1
        house.wait(1)
        assert house.standing() == {} and house.pipeline.failures == 2
        house.wait(1)
        assert house.standing() == {"GD-03/H": "unacknowledged"}


async def test_a_bank_that_raises_does_not_end_the_loop_nor_lose_the_data(tmp_path, monkeypatch):
    async with living(tmp_path, ManualClock()) as house:
        with monkeypatch.context() as fault:
            fault.setattr(house.bank, "step", lambda frame: 1 / 0)
            await house.poll(1, 1, 1)
        assert house.pipeline.failures == 1
        await house.poll(1, 1, 30)
        assert house.standing() == {"GD-03/H": "unacknowledged"}
        assert house.store.position == 6


async def test_when_the_gateway_stood_still_the_signals_are_not_called_silent(tmp_path):
    """The whole process was paused for longer than the deadman: what was sent meanwhile waits in the sockets."""
    async with living(tmp_path, ManualClock()) as house:
        await house.poll(1, 1, 1)
        house.clock.advance(20)
        house.pipeline.step()
        assert house.standing() == {} and house.pipeline.stalls == 1
        house.wait(4)
        assert house.standing() == {}
        house.wait(1)
        assert "GD-01/deadman" in house.standing(), "who is silent after that is silent"


async def test_a_gateway_that_stands_still_all_the_time_does_call_silence_silence(tmp_path):
    async with living(tmp_path, ManualClock()) as house:
        await house.poll(1, 1, 1)
        for _ in range(3):
            house.clock.advance(4)
            house.pipeline.step()
        assert "GD-01/deadman" in house.standing()


async def test_what_was_accepted_before_the_stop_is_evaluated_and_stored(tmp_path):
    clock = ManualClock()
    async with living(tmp_path, clock, snapshot=False) as house:
        await house.pipeline.put(Frame.of(range(3), [1, 1, 30], clock.advance(1)))
        house.pipeline.close()
    async with living(tmp_path, clock) as house:
        assert house.replayed == 0
        assert house.standing() == {"GD-03/H": "unacknowledged"}
        assert house.store.position == 3

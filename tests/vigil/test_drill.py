"""Drills through the real gateway and a real receiver: what is injected is marked, what is real never is, nothing of it
is left."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerting.engine import AlarmEngine
from alerting.message import UNSET
from alerting.notifiers.config import WebhookSettings
from gateway.core.bank import Bank
from gateway.model.clock import ManualClock
from gateway.model.errors import CommandError
from gateway.model.frame import Frame
from gateway.model.text import Text
from gateway.vigil.sheet import markdown, sheet
from gateway.vigil.twins import Twins, calm, drill_alarms, worst
from tests.alerting.receiver import receiver, until
from tests.drivers.modbus.witness import Slave, TcpDevice
from tests.sites import gas, site
from tests.test_app import Yard, running

survives = pytest.mark.survives
PLAIN = site(gas("GD-01"), gas("GD-02"))
HERE = replace(PLAIN, exercises=drill_alarms(PLAIN))
MARK = "DRILL / 演练 "


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([0.0, 15.0, 25.0, 50.0]), st.sampled_from([None, 0.0, 30.0, 60.0])),
                min_size=1, max_size=30))
def test_law_a_drill_changes_nothing_of_what_is_real(story):
    """The same real readings with and without a drill of the same signals: real alarms move alike, at the same
    instants; and only twins move besides."""
    def lived(drilled: bool) -> tuple[list, list]:
        clock, bank, engine = ManualClock(), Bank(HERE), AlarmEngine(HERE.alarms)
        twins = Twins(HERE, ("GD-01", "GD-02"))
        bank.begin(clock.now())
        twins.begin(clock.now())
        real, drills = [], []
        for value, injected in story:
            now = clock.advance(1)
            if drilled:
                if injected is not None:
                    twins.set({"GD-01": injected})
                drills += engine.apply(twins.step(now)).transitions
            real += engine.apply(bank.step(Frame.of(np.array([0, 1]), [value, 0.0], now))).transitions
            real += engine.apply(bank.tick(now)).transitions
        return real, drills

    real, drills = lived(True)
    assert real == lived(False)[0]
    assert all(HERE.alarms.get(each.alarm).exercise == "drill" for each in drills)
    assert not any(HERE.alarms.get(each.alarm).exercise for each in real)


def test_calm_is_calm_and_worst_is_worst():
    signal = PLAIN.signals[0]
    assert calm(signal) < 18 and worst(signal) > 40


@asynccontextmanager
async def drilled(tmp_path, slave, phone):
    async with TcpDevice(slave) as device:
        yard = Yard(tmp_path, modbus=device.port)
        yard.gateway.site_file = replace(yard.site_file, notifiers=(WebhookSettings(
            type="webhook", id="phone", url=phone.url),))
        async with running(yard):
            await yard.until(lambda: yard.parts.chain.bank.latest.wall_ns[0], "no sample")
            yield yard


def titles(phone, alarm: str) -> list[str]:
    return [call.payload["title"]["en"] for call in phone.taken if call.payload["alarm"] == alarm]


async def test_a_real_excursion_of_the_same_signal_during_a_drill_is_a_real_unmarked_alarm(tmp_path):
    slave = Slave()
    with receiver() as phone:
        async with drilled(tmp_path, slave, phone) as yard:
            drills, alarms = yard.parts.vigil.drills, yard.alarms
            await drills.begin(["GAS-1"], "Li", "half-yearly", 600, 300)
            await drills.inject("GAS-1", None, None, "Li")
            await until(lambda: titles(phone, "drill/GAS-1/HH"))
            assert titles(phone, "drill/GAS-1/HH")[0].startswith(MARK + "P1 GAS-1 high-high")
            assert all(call.payload["exercise"] == "drill" and call.payload["title"]["zh"].startswith(MARK)
                       for call in phone.taken if call.payload["alarm"].startswith("drill/"))
            assert alarms.risk_level() == "blue" or "CAM-1/deadman" in yard.conditions()
            assert "GAS-1/HH" not in yard.conditions()
            slave.registers[3][0] = 45
            await until(lambda: titles(phone, "GAS-1/HH"))
            (title,) = titles(phone, "GAS-1/HH")  # the machine's own clock may not be synchronised: the title says so
            assert title.removesuffix(UNSET.en) == "P1 GAS-1 high-high 45.0 %LEL, Yard"
            assert any(view.first_out and not view.definition.exercise for view in alarms.views()), \
                "a drill took the place of the first real one"
            await alarms.acknowledge("drill/GAS-1/HH", "Wang")
            while not any(row.kind == "delivery" and row.alarm == "drill/GAS-1/HH" for row in await drills.rows()):
                await asyncio.sleep(0.05)
            await drills.end("Li")
            assert not [view for view in alarms.views() if view.definition.exercise]
            assert {"GAS-1/H", "GAS-1/HH"} <= yard.conditions(), "the end of a drill ends nothing real"
            found = sheet(yard.parts.site, await drills.rows())
            assert found["ended"] and found["in_time"] == 1
            hh, h = sorted(found["alarms"], key=lambda event: event["priority"])
            assert hh["acknowledged"]["who"] == "Wang" and hh["told"][0]["through"] == "phone" and hh["in_time"]
            assert h["acknowledged"] is None and not h["in_time"], "what the gateway closed is nobody's answer"
            for language, answer in (("en", "Wang after "), ("zh", "Wang（")):
                assert answer in markdown(Text("Yard", "料场"), found, language)


async def test_a_drill_ends_by_itself_and_is_over_after_a_restart(tmp_path):
    slave = Slave()
    with receiver() as phone:
        async with drilled(tmp_path, slave, phone) as yard:
            drills = yard.parts.vigil.drills
            await drills.begin(["GAS-1"], "Li", "short", 1.5, 1)
            await drills.inject("GAS-1", 25, None, "Li")
            await yard.until(lambda: drills.standing is None, "the drill goes on")
            await yard.until(lambda: not any(view.definition.exercise for view in yard.alarms.views()),
                             "something is left")
            await drills.begin(["GAS-1"], "Li", "long", 600, 1)
            await drills.inject("GAS-1", 25, None, "Li")
            await yard.until_stands("drill/GAS-1/H")
        async with drilled(tmp_path, slave, phone) as yard:
            drills = yard.parts.vigil.drills
            assert drills.standing is None
            await yard.until(lambda: not any(view.definition.exercise for view in yard.alarms.views()),
                             "something is left")
            await asyncio.sleep(0.2)
            rows = await drills.rows()
            assert rows[0].body["why"] == "long"
            assert [row.body["why"] for row in rows if row.body.get("act") == "end"] == ["restart"]


@survives("a drill of a signal that the site does not have, that has no limit, without a name, for ever, or twice; a "
          "value that is no number", then="refused with the reason; nothing is injected",
          says=Text("a drill is going on already", "已有演练正在进行"))
async def test_what_makes_no_sense_is_refused(tmp_path, says):
    with receiver() as phone:
        async with drilled(tmp_path, Slave(), phone) as yard:
            drills = yard.parts.vigil.drills
            for asked, what in (
                    ((["NONE"], "Li", "x", 60, 60), "no such signal"), ((["CAM-1"], "Li", "x", 60, 60), "no limit"),
                    (([], "Li", "x", 60, 60), "needs signals"), ((["GAS-1"], " ", "x", 60, 60), "a name"),
                    ((["GAS-1"], "Li", "x", float("nan"), 60), "1 s to 8 h"),
                    ((["GAS-1"], "Li", "x", 1e9, 60), "1 s to 8 h")):
                with pytest.raises(CommandError, match=what):
                    await drills.begin(*asked)
            with pytest.raises(CommandError, match="no drill"):
                await drills.inject("GAS-1", 30, None, "Li")
            await drills.begin(["GAS-1"], "Li", "x", 60, 60)
            with pytest.raises(CommandError) as caught:
                await drills.begin(["GAS-1"], "Li", "x", 60, 60)
            assert says(caught.value.what)
            with pytest.raises(CommandError, match="no number"):
                await drills.inject("GAS-1", float("inf"), None, "Li")
            with pytest.raises(CommandError, match="does not take part"):
                await drills.inject("CAM-1", 1, None, "Li")
            assert not any(view.definition.exercise for view in yard.alarms.views())

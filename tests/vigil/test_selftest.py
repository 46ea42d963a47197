"""The self-test through the real gateway, a real device and a real receiver: every station, and each that fails."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace

import numpy as np
import pytest

from alerting.message import UNSET
from alerting.notifiers.config import WebhookSettings
from gateway.config.vigil import SelfTestSection
from gateway.core.bank import Bank
from gateway.model import clock
from gateway.model.clock import ManualClock
from gateway.model.errors import CommandError
from gateway.model.frame import Frame
from gateway.model.gateway_fault import GatewayFault
from gateway.model.signal import SELFTEST, SignalTable
from gateway.model.text import Text
from gateway.vigil.selftest import ALARM, STATIONS
from tests.alerting.receiver import receiver
from tests.config.plugins import said, site
from tests.drivers.modbus.witness import Slave, TcpDevice
from tests.sites import gas
from tests.sites import site as small_site
from tests.test_app import Yard, running

survives = pytest.mark.survives


@asynccontextmanager
async def chain(tmp_path, phone, **settings):
    async with TcpDevice(Slave()) as device:
        yard = Yard(tmp_path, modbus=device.port)
        section = SelfTestSection(**settings)
        whole = replace(yard.site_file.site, signals=SignalTable((*yard.site_file.site.signals, section.signal)))
        site_file = replace(yard.site_file, site=whole, selftest=section, notifiers=(
            WebhookSettings(type="webhook", id="phone", url=phone.url),))
        yard.gateway.__init__(site_file, tmp_path / "data")
        async with running(yard):
            yield yard


async def report(yard, before=None):
    yard.parts.vigil.selftest.ask("Li")
    await yard.until(lambda: yard.parts.vigil.selftest.last is not before, "no report")
    return yard.parts.vigil.selftest.last


@pytest.mark.parametrize("synchronised", [True, False])
async def test_a_sample_goes_from_the_driver_to_the_acknowledgement_and_back(tmp_path, monkeypatch, synchronised):
    monkeypatch.setattr(clock, "kernel_clock_synchronised", lambda: synchronised)
    with receiver() as phone:
        async with chain(tmp_path, phone) as yard:
            first = await report(yard)
            assert first.failed == "" and [station.id for station in first.stations] == [*STATIONS]
            times = [station.after_s for station in first.stations]
            assert times == sorted(times)
            title = next(call.payload["title"] for call in phone.taken if call.payload["alarm"] == ALARM)
            unset = Text("", "") if synchronised else UNSET
            assert title == {"en": f"TEST / 测试 P3 Self-test of the whole chain{unset.en}",
                             "zh": f"TEST / 测试 P3 全链路自检{unset.zh}"}
            second = await report(yard, first)
            assert second.failed == ""
            rows = await yard.alarms.history(50, None, [SELFTEST])
            assert [row.kind for row in rows] == ["selftest"] * len(rows) and rows
            assert GatewayFault.SELFTEST not in yard.conditions()
            assert not [view for view in yard.alarms.views() if view.definition.exercise]


async def test_a_receiver_that_refuses_fails_the_test_and_the_next_good_one_ends_the_alarm(tmp_path):
    with receiver() as phone:
        phone.status = 503
        async with chain(tmp_path, phone, within=2) as yard:
            failed = await report(yard)
            assert failed.failed == "delivered"
            await yard.until_stands(GatewayFault.SELFTEST)
            phone.status = 200
            await report(yard, failed)
            while yard.parts.vigil.selftest.last.failed:  # the channel may still be resting
                await report(yard, yard.parts.vigil.selftest.last)
            await yard.until(lambda: GatewayFault.SELFTEST not in yard.conditions(), "the alarm did not end")


async def test_a_person_who_does_not_answer_fails_it(tmp_path):
    with receiver() as phone:
        async with chain(tmp_path, phone, acknowledge="person", within_person=1) as yard:
            failed = await report(yard)
            assert failed.failed == "acknowledged"
            yard.parts.vigil.selftest.ask("Li")
            await yard.until(lambda: yard.alarms.view(ALARM).state.waits, "no test alarm")


def test_law_the_test_signal_changes_nothing_of_what_is_real():
    section = SelfTestSection()
    plain = small_site(gas("GD-01"))
    whole = replace(plain, signals=SignalTable((*plain.signals, section.signal)))

    def edges(here, tested: bool) -> list:
        clock, bank, seen = ManualClock(), Bank(here), []
        bank.begin(clock.now())
        for value in (0, 25, 25, 50, 0, 0, 0):
            now = clock.advance(2)
            rows, values = ([0, 1], [value, float(value == 25)]) if tested else ([0], [value])
            for found in (bank.step(Frame.of(np.array(rows), values, now)), bank.tick(now)):
                seen += [(here.alarms[edge.alarm].id, edge.active, edge.line_ns) for edge in found]
        return seen

    tested = edges(whole, True)
    assert [edge for edge in tested if edge[0] != ALARM] == edges(plain, False)
    assert any(edge[0] == ALARM for edge in tested)


def test_a_site_has_the_signal_where_it_asks_for_it(tmp_path):
    assert SELFTEST not in site(tmp_path, "").site_file.site.signals
    assert SELFTEST in site(tmp_path, "[selftest]\n").site_file.site.signals
    assert any("too small" in line for line in said(site(tmp_path, '[selftest]\nevery = "1s"\n')))


@survives("a self-test of a site without a test signal, or while one is under way", then="refused with the reason",
          says=Text("the site has no test signal", "站点未配置自检信号"))
async def test_without_a_test_signal_it_is_refused(tmp_path, says):
    async with running(Yard(tmp_path)) as yard:
        with pytest.raises(CommandError) as caught:
            yard.parts.vigil.selftest.ask("Li")
        assert says(caught.value.what)

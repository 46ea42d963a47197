"""Every step between the state of an alarm and the people may fail; they are told all the same. Faults are injected."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from alerting import message
from alerting.callout import CallOut
from alerting.figures.figures import Figures
from alerting.ledger import AlarmLedger
from alerting.lifecycle import State
from alerting.outbox import Outbox
from alerting.overlays.hold import Kind
from alerting.overlays.overlays import Ask, Overlays
from alerting.overlays.suppression import Suppressions
from gateway.model.clock import ManualClock
from gateway.model.gateway_fault import GatewayFault
from gateway.model.verdict import Verdicts
from tests.alerting.receiver import receiver, until
from tests.alerting.sites import START_NS
from tests.alerting.test_service import QUICK, alarms, path, say, standing  # noqa: F401  (path is a fixture)


def broken(*_: object, **__: object) -> None:
    raise ZeroDivisionError("injected")


@pytest.mark.parametrize(("owner", "name"), [
    (Figures, "take"), (Figures, "pass_time"), (Overlays, "judge"), (Overlays, "normal"),
    (Overlays, "over"), (message, "body"),
    (message, "title"), (message, "local_time")], ids=lambda value: getattr(value, "__name__", value))
async def test_a_fault_on_the_way_stops_no_alarm(path, monkeypatch, caplog, owner, name):  # noqa: F811
    with receiver() as phone:
        async with alarms(path, phone) as service:
            with monkeypatch.context() as patch:
                patch.setattr(owner, name, broken)
                say(service, ("GD-01/HH", True, 1))
                service.apply(Verdicts.from_edges([]))
                await until(lambda: service.status().notifiers[0].counters["delivered"] == 1)
            assert standing(service) == {"GD-01/HH": State.UNACKNOWLEDGED}
        call = phone.calls[0].payload
        assert (call["alarm"], call["event"], call["priority"]) == ("GD-01/HH", "raise", "P1")
        assert call["key"].endswith(":raise") and call["title"]["en"].startswith("P1 ")
    assert "injected" in caplog.text


@pytest.mark.parametrize(("owner", "name"), [(Suppressions, "judge"), (CallOut, "of_hold")],
                         ids=lambda value: getattr(value, "__name__", value))
async def test_a_fault_beside_the_end_of_a_hold_does_not_lose_its_call(path, monkeypatch, owner, name):  # noqa: F811
    clock = ManualClock(wall_ns=START_NS)
    with receiver() as phone:
        async with alarms(path, phone, clock=clock) as service:
            await service.hold(Kind.BYPASS, Ask("GD-03/H", "Wang", "calibration", 600.0, "Li"))
            say(service, ("GD-03/H", True, 1))
            monkeypatch.setattr(owner, name, broken, raising=False)
            clock.advance(601)
            service.apply(Verdicts.from_edges([]))
            await until(lambda: ("GD-03/H", "recall") in phone.events)


async def test_a_listener_that_fails_stops_no_alarm(path, caplog):  # noqa: F811
    with receiver() as phone:
        async with alarms(path, phone) as service:
            service.on_commit.append(broken)
            service.on_holds = broken
            service.subscribe(broken)
            seen: list[int] = []
            service.subscribe(lambda: seen.append(1))
            await service.hold(Kind.BYPASS, Ask("GD-02", "Wang", "calibration", 60.0, "Li"))
            say(service, ("GD-01/HH", True, 1))
            say(service, ("GD-03/HH", True, 2))
            wanted = {("GD-01/HH", "raise"), ("GD-03/HH", "raise")}
            await until(lambda: wanted <= set(phone.events))
            assert seen
    assert "injected" in caplog.text


async def test_an_outbox_that_overflows_while_the_alarm_file_is_in_trouble_loses_no_p1(path, monkeypatch):  # noqa: F811
    """What is released then fills the outbox, which raises an alarm, which is entered among what is being released."""
    works = threading.Event()
    settings = replace(QUICK, commit_bound_s=0.2, delivery=replace(QUICK.delivery, capacity=3))
    released: list[str] = []
    add: Callable = Outbox.release

    def release(self, notice, *rest, **named):
        released.append(notice.alarm)
        add(self, notice, *rest, **named)

    monkeypatch.setattr(Outbox, "release", release)

    class Slow(AlarmLedger):
        def commit(self, work):
            works.wait()
            super().commit(work)

    async with alarms(path, settings=settings, ledger=Slow(path), url="http://127.0.0.1:9/") as service:
        wanted = [f"GD-0{number}/{limit}" for number in (1, 2, 3) for limit in ("ROC+", "H", "HH")]
        for second, alarm in enumerate(wanted):
            say(service, (alarm, True, second))
        await until(lambda: GatewayFault.LEDGER in released)
        works.set()
    assert set(wanted) <= set(released)

"""A message that hangs does not hold up a P1: real sockets that take a request and never answer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alerting.channel import SLOTS
from alerting.channel_rules import ChannelRules, DeliverySettings
from gateway.model.alarm import Priority
from gateway.model.clock import ManualClock
from gateway.model.ports import Notice
from tests.alerting.receiver import receiver, until
from tests.alerting.test_outbox import desk

HASTY = DeliverySettings(first_retry_s=0.01, longest_retry_s=0.05, rest_s=0.005, send_timeout_s=10, beside_s=0.01)
FALLS_BACK = {"phone": ChannelRules(fallback="mail", fallback_after=3)}


@pytest.mark.survives("a message hangs at its receiver and a P1 comes",
                      then="the P1 is sent beside it, whatever hangs; the rest waits as ever")
@pytest.mark.parametrize("hanging", [Priority.P1, Priority.P2])
async def test_a_p1_goes_beside_a_message_that_hangs(hanging):
    with receiver() as phone:
        phone.hangs = {"hangs"}
        async with desk(HASTY, phone=phone.url) as here:
            here.outbox.start()
            here.release("hangs", priority=hanging)
            await until(lambda: phone.asked == 1)
            here.release("waits")
            here.release("fire", "gas", priority=Priority.P1)
            await until(lambda: len(here.delivered) == 2)
            assert [call.key for call in phone.taken] == ["fire", "gas"] and here.outbox.pending == 2
            phone.over.set()
            await until(lambda: len(here.delivered) == 4)
        assert here.given_up == []


async def test_a_drill_does_not_go_beside_anything():
    with receiver() as phone:
        phone.hangs = {"hangs"}
        async with desk(HASTY, phone=phone.url) as here:
            here.outbox.start()
            here.release("hangs")
            await until(lambda: phone.asked == 1)
            here.outbox.release(Notice("drill", "drill", {"key": "drill", "exercise": "drill"}), Priority.P1)
            here.release("fire", priority=Priority.P1)
            await until(lambda: here.delivered)
            assert [call.key for call in phone.taken] == ["fire"]
            phone.over.set()
            await until(lambda: len(here.delivered) == 3)


async def test_only_so_many_hang_at_once():
    with receiver() as phone:
        phone.hold.clear()
        async with desk(HASTY, phone=phone.url) as here:
            here.outbox.start()
            here.release(*(f"fire-{number}" for number in range(3 * SLOTS)), priority=Priority.P1)
            await until(lambda: phone.asked == SLOTS)
            phone.hold.set()
            await until(lambda: len(here.delivered) == 3 * SLOTS)
        assert phone.asked == 3 * SLOTS, "each once"


@pytest.mark.survives("a channel with a fall-back hangs",
                      then="a P1 asks the other channel after the first time-out, tried or not")
async def test_a_p1_falls_back_after_the_first_time_out():
    clock, settings = ManualClock(), replace(HASTY, send_timeout_s=0.3)
    with receiver() as phone, receiver() as mail:
        phone.hold.clear()
        async with desk(settings, clock=clock, rules=FALLS_BACK, phone=phone.url, mail=mail.url) as here:
            here.outbox.start()
            fires = [f"fire-{number}" for number in range(2 * SLOTS)]
            for key, priority in [(key, Priority.P1) for key in fires] + [("calm", Priority.P2)]:
                here.outbox.release(Notice(key, key, {"key": key}), priority, through=("phone",))
            await until(lambda: phone.asked == SLOTS)
            clock.advance(settings.p1_fallback_s)
            await until(lambda: len(mail.taken) >= len(fires))
            assert {call.key for call in mail.taken[:len(fires)]} == set(fires)
            assert here.fell_back[:len(fires)] == [(key, "phone", "mail") for key in fires], "at one failure, in order"
            phone.hold.set()
            await until(lambda: not here.outbox.pending)


async def test_a_young_p1_waits_for_the_failures_like_all_others():
    with receiver() as phone, receiver() as mail:
        phone.answers = [500, 500]
        async with desk(HASTY, rules=FALLS_BACK, phone=phone.url, mail=mail.url) as here:
            here.outbox.start()
            here.outbox.release(Notice("fire", "fire", {"key": "fire"}), Priority.P1, through=("phone",))
            await until(lambda: here.delivered)
            assert here.delivered == [("fire", "phone")] and mail.calls == []


async def test_what_the_other_channel_has_is_not_put_into_its_place():
    """The row of a personal notice must not be replaced by that of a channel as a whole."""
    with receiver() as phone, receiver() as mail:
        phone.status = 500
        async with desk(HASTY, rules=FALLS_BACK, phone=phone.url, mail=mail.url) as here:
            here.outbox.start()
            here.release("fire", priority=Priority.P1)
            await phone.until(lambda phone: len(phone.calls) >= 5)
            await until(lambda: here.delivered == [("fire", "mail")])
        assert here.fell_back == []


async def test_a_fault_of_ours_after_a_failure_loses_no_letter(monkeypatch):
    with receiver() as phone, receiver() as mail:
        phone.answers = [500] * 3
        async with desk(HASTY, rules=FALLS_BACK, phone=phone.url, mail=mail.url) as here:
            broken = [True]

            def fell_back(*_: object) -> None:
                if broken:
                    broken.pop()
                    raise ZeroDivisionError("injected")

            monkeypatch.setattr(here.outbox._sender, "fell_back", fell_back)
            here.outbox.start()
            here.outbox.release(Notice("fire", "fire", {"key": "fire"}), Priority.P1, through=("phone",))
            await until(lambda: ("fire", "phone") in here.delivered)
        assert not broken

"""Delivery: order, keys and counts, against real HTTP receivers."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from alerting.channel_rules import ChannelRules, DeliverySettings
from alerting.notifiers.config import WebhookSettings
from alerting.notifiers.webhook import WebhookNotifier
from alerting.outbox import Delivery, Outbox
from gateway.model.alarm import Priority
from gateway.model.clock import ManualClock
from gateway.model.ports import Notice
from gateway.model.text import Text
from tests.alerting.receiver import receiver, until

QUICK = DeliverySettings(first_retry_s=0.01, longest_retry_s=0.05, rest_s=0.005, send_timeout_s=10)


class Desk:
    """An outbox with its diary. open: alarms that are still active or unacknowledged."""

    def __init__(self, urls: dict[str, str], settings: DeliverySettings, clock: ManualClock,
                 rules: dict[str, ChannelRules] | None = None):
        self.delivered: list[tuple[str, str]] = []
        self.given_up: list[tuple[str, str, str]] = []
        self.troubles: list[tuple[str, ...]] = []
        notifiers = [WebhookNotifier(WebhookSettings(id=name, url=url, timeout=5)) for name, url in urls.items()]
        self.fell_back: list[tuple[str, str, str]] = []
        self.open: set[str] = set()
        self.outbox = Outbox(notifiers, clock, settings, Diary(self), rules)

    def release(self, *keys: str, priority: Priority = Priority.P2) -> None:
        for key in keys:
            self.outbox.release(Notice(key, key, {"key": key}), priority)


@dataclass
class Diary:
    """alerting.outbox.Sender."""

    desk: Desk

    def stands(self, alarm: str, occurrence: int) -> bool:
        return alarm in self.desk.open

    def delivered(self, delivery: Delivery) -> None:
        self.desk.delivered.append((delivery.notice.key, delivery.notifier))

    def given_up(self, notice: Notice, notifier: str, reason: Text) -> None:
        self.desk.given_up.append((notice.key, notifier, reason.zh))

    def fell_back(self, notice: Notice, priority: Priority, line_ns: int, notifier: str, other: str) -> None:
        self.desk.fell_back.append((notice.key, notifier, other))

    def trouble(self) -> None:
        self.desk.troubles.append(tuple(self.desk.outbox.failing))


@asynccontextmanager
async def desk(settings: DeliverySettings = QUICK, clock: ManualClock | None = None,
               rules: dict[str, ChannelRules] | None = None, **urls: str):
    here = Desk(urls, settings, clock or ManualClock(), rules)
    yield here
    await here.outbox.close()


async def test_most_urgent_first_then_oldest():
    with receiver() as phone:
        async with desk(phone=phone.url) as here:
            here.release("old P3", "newer P3", priority=Priority.P3)
            here.release("P1", priority=Priority.P1)
            here.release("P2")
            here.outbox.start()
            await until(lambda: len(here.delivered) == 4)
        assert [call.key for call in phone.calls] == ["P1", "P2", "old%20P3", "newer%20P3"]
        assert here.delivered == [("P1", "phone"), ("P2", "phone"), ("old P3", "phone"), ("newer P3", "phone")]


async def test_the_last_messages_that_were_taken_can_be_looked_at():
    with receiver() as phone:
        phone.answers = [500]
        async with desk(phone=phone.url) as here:
            here.outbox.start()
            for number in range(7):
                title = {"en": f"P2 GD-0{number}"}
                here.outbox.release(Notice(str(number), "GD", {"key": str(number), "title": title}), Priority.P2)
            await until(lambda: len(here.delivered) == 7)
        sent = [json.loads(call.body)["title"]["en"] for call in phone.calls if call.status == 204]
        [status] = here.outbox.status()
        assert [message.title for message in status.latest] == sent[:-6:-1], "newest first, no more than five"


@pytest.mark.survives("receiver answers 500, 503, 404, 429",
                      then="the same notice again under the same key until taken")
async def test_a_notice_is_repeated_under_the_same_key_until_it_is_taken():
    with receiver() as phone:
        phone.answers = [500, 503, 404, 429]
        async with desk(phone=phone.url) as here:
            here.outbox.start()
            here.release("a")
            await phone.until(lambda phone: phone.taken)
            await until(lambda: here.delivered)
        assert [(call.key, call.status) for call in phone.calls] == [("a", code) for code in (500, 503, 404, 429, 204)]
        assert here.troubles == [("phone",), ()], "failing after three failures, well again after the success"


@pytest.mark.survives("one receiver hangs", then="the others get their notices")
async def test_one_notifier_that_hangs_does_not_hold_up_another():
    with receiver() as dead, receiver() as phone:
        dead.hold.clear()
        async with desk(dead=dead.url, phone=phone.url) as here:
            here.outbox.start()
            here.release(*"abc")
            await phone.until(lambda phone: len(phone.taken) == 3)
            assert dead.calls == []
            dead.hold.set()
            await dead.until(lambda dead: len(dead.taken) == 3)


async def test_a_fresh_p1_does_not_wait_for_the_rest_of_a_dead_channel():
    settings = DeliverySettings(first_retry_s=1000, longest_retry_s=1000, rest_s=1000)
    with receiver() as phone:
        phone.answers = [500]
        async with desk(settings, phone=phone.url) as here:
            here.outbox.start()
            here.release("a")
            await phone.until(lambda phone: len(phone.calls) == 1)
            here.release("b")
            here.release("fire", priority=Priority.P1)
            await phone.until(lambda phone: phone.taken)
            assert [call.key for call in phone.calls][:2] == ["a", "fire"]
            await phone.until(lambda phone: len(phone.calls) >= 3)
            assert phone.calls[2].key == "b", "the channel took one, so it rests no longer"


async def test_when_a_channel_is_back_everything_that_waited_is_due():
    settings = DeliverySettings(first_retry_s=0.02, longest_retry_s=1000, rest_s=0.001)
    with receiver() as phone:
        phone.status = 500
        async with desk(settings, phone=phone.url) as here:
            here.outbox.start()
            here.release(*"abcdef")
            await phone.until(lambda phone: len(phone.calls) >= 20)
            phone.status = 204
            await phone.until(lambda phone: len(phone.taken) == 6)


async def test_a_refused_notice_is_given_up_and_the_rest_goes_on():
    with receiver() as phone:
        phone.answers = [400]
        async with desk(phone=phone.url) as here:
            here.release("poison", "good")
            here.outbox.start()
            await until(lambda: here.delivered)
        assert [call.key for call in phone.calls] == ["poison", "good"]
        assert [(key, name) for key, name, _ in here.given_up] == [("poison", "phone")]
        assert "接收方返回 400" in here.given_up[0][2]
        assert here.troubles == [("phone",), ()]


@pytest.mark.survives("receiver refuses a P1 again and again",
                      then="it is never given up, and the others do not wait for it")
async def test_a_p1_is_never_given_up_and_does_not_starve_the_others():
    with receiver() as phone:
        phone.refuses = {"fire"}
        settings = DeliverySettings(first_retry_s=0.01, longest_retry_s=0.01, rest_s=0.001, give_up_s=0)
        async with desk(settings, phone=phone.url) as here:
            here.release("fire", priority=Priority.P1)
            here.release(*"abc")
            here.outbox.start()
            await phone.until(lambda phone: len(phone.taken) == 3)
            await phone.until(lambda phone: [call.key for call in phone.calls].count("fire") >= 5)
            phone.refuses = set()
            await phone.until(lambda phone: len(phone.taken) == 4)
        assert here.given_up == []


async def test_what_is_older_than_a_day_is_given_up_on_the_time_line_not_on_the_wall_clock():
    clock = ManualClock()
    with receiver() as phone:
        phone.status = 503
        async with desk(clock=clock, phone=phone.url) as here:
            here.outbox.start()
            here.release("a")
            clock.step_wall(10 * 365 * 86400)
            await phone.until(lambda phone: len(phone.calls) >= 4)
            assert here.given_up == []
            clock.advance(86_401)
            await until(lambda: here.given_up)
        assert here.outbox.pending == 0


async def test_a_full_outbox_gives_up_the_least_urgent_then_the_oldest():
    async with desk(DeliverySettings(capacity=3), phone="http://127.0.0.1:9/") as here:  # not started: nothing leaves
        here.release("p1", priority=Priority.P1)
        here.release("old", "new", priority=Priority.P3)
        here.release("p2")
        here.release("another p1", priority=Priority.P1)
        here.release("late p3", priority=Priority.P3)
        assert [key for key, _, _ in here.given_up] == ["old", "new", "late p3"]
        assert here.outbox.status()[0].counters["given_up"] == 3
        here.release(*(f"p1 {number}" for number in range(5)), priority=Priority.P1)
        assert [key for key, _, _ in here.given_up] == ["old", "new", "late p3", "p2"], "a P1 never gives way"


@pytest.mark.survives("more notices than the outbox holds", then="P1 all go, then the newest of the rest; one message "
                      "for each reader and priority says how many were given up", says=Text(
                          "11 more P3 messages were not sent", "另有 11 条 P3 通知未发送"))
async def test_what_a_full_outbox_gave_up_is_told_as_a_number_after_the_rest(says):
    def notices(count: int, to: str) -> list[Notice]:
        return [Notice(f"{to}-{number}", "GD-01/H", {"key": f"{to}-{number}"}, to=to) for number in range(count)]

    with receiver() as phone:
        phone.status = 503
        async with desk(DeliverySettings(capacity=10, rest_s=0.001, first_retry_s=0.01), phone=phone.url) as here:
            for notice in notices(15, "wang") + notices(2, "li"):
                here.outbox.release(notice, Priority.P3)
            here.release(*(f"fire {number}" for number in range(4)), priority=Priority.P1)
            here.outbox.start()
            await phone.until(lambda phone: len(phone.calls) > 20)
            phone.status = 204
            await until(lambda: here.outbox.pending == 0)
            for notice in notices(21, "zhao")[2:]:
                here.outbox.release(notice, Priority.P2)
            await until(lambda: here.outbox.pending == 0)
        told = [call.payload for call in phone.taken if call.payload.get("event") == "left_out"]
        assert [(one["to"], one["left_out"], one["priority"]) for one in told if one["to"] == "wang"] == [
            ("wang", 11, "P3")]
        assert says(told[0]["title"])
        assert len(here.given_up) + len({key for key, _ in here.delivered if not key.startswith("more:")}) == 40
        assert sum(one["left_out"] for one in told) == len(here.given_up), "each is told or counted, none is both"
        assert {f"fire {number}" for number in range(4)} <= {key for key, _ in here.delivered}


async def test_a_count_that_waits_is_kept_apart_for_each_priority_and_does_not_grow_in_number():
    async with desk(DeliverySettings(capacity=10), phone="http://127.0.0.1:9/") as here:  # not started: nothing leaves
        here.release(*(f"p3 {number}" for number in range(5_000)), priority=Priority.P3)
        here.release(*(f"p2 {number}" for number in range(5_000)))
        assert here.outbox.pending == 12, "ten and a count of each priority"
        assert len(here.given_up) == 9_990


async def test_a_key_that_waits_is_not_added_twice_and_can_be_revised():
    with receiver() as phone:
        async with desk(phone=phone.url) as here:
            here.release("a")
            here.release("a")
            here.outbox.revise(Notice("a", "a", {"key": "a", "recorded": True}))
            here.outbox.revise(Notice("never released", "b", {}))
            here.outbox.start()
            await until(lambda: here.delivered)
            here.release("z")
            await phone.until(lambda phone: len(phone.taken) == 2)
        assert [call.payload for call in phone.calls] == [{"key": "a", "recorded": True}, {"key": "z"}]


async def test_a_notifier_with_a_bug_is_tried_again_like_any_other():
    class Buggy:
        id = "buggy"
        calls = 0

        async def send(self, notice: Notice) -> None:
            self.calls += 1
            if self.calls < 3:
                raise ZeroDivisionError("a plugin's own mistake")

    here = Desk({}, QUICK, ManualClock())
    here.outbox = outbox = Outbox([Buggy()], ManualClock(), QUICK, Diary(here))
    outbox.start()
    outbox.release(Notice("a", "a", {}), Priority.P2)
    await until(lambda: here.delivered == [("a", "buggy")])
    counters = outbox.status()[0].counters
    assert (counters["delivered"], counters["failed"], counters["given_up"]) == (1, 2, 0)
    await outbox.close()


async def test_a_drill_gives_way_to_everything_real():
    async with desk(DeliverySettings(capacity=1), phone="http://127.0.0.1:9/") as here:  # not started: nothing leaves
        here.outbox.release(Notice("drill", "drill", {"key": "drill", "exercise": "drill"}), Priority.P1)
        here.release("real P4", priority=Priority.P4)
        assert [key for key, *_ in here.given_up] == ["drill"]


@pytest.mark.parametrize("capacity", [1, 3])
async def test_two_full_outboxes_that_fall_back_to_each_other_do_not_push_letters_round_without_end(capacity):
    rules = {"phone": ChannelRules(fallback="mail"), "mail": ChannelRules(fallback="phone")}
    async with desk(DeliverySettings(capacity=capacity), rules=rules, phone="http://127.0.0.1:9/",
                    mail="http://127.0.0.1:9/") as here:  # not started: nothing leaves
        for number in range(300):
            here.outbox.release(Notice(f"to phone {number}", "a", {}), Priority.P2, through=["phone"])
            here.outbox.release(Notice(f"to mail {number}", "a", {}), Priority.P2, through=["mail"])
        assert [status.pending for status in here.outbox.status()] == [capacity + 1] * 2  # and one that tells how many
        assert {key for key, *_ in here.given_up} >= {f"to {one} {number}" for one in ("phone", "mail")
                                                      for number in range(290)}


async def test_a_letter_that_can_not_be_handled_does_not_end_the_way_out_of_the_others(caplog):
    with receiver() as phone:
        async with desk(rules={"phone": ChannelRules(bundles=True)}, phone=phone.url) as here:
            here.release("unfit for a bundle", "so is this")  # neither has a title nor a time
            here.outbox.start()
            await until(lambda: "failed unexpectedly" in caplog.text)
            here.release("P1", priority=Priority.P1)
            await until(lambda: len(here.delivered) == 3)
        assert {key for key, _ in here.delivered} == {"P1", "unfit for a bundle", "so is this"}, "each by itself"
    assert here.troubles == [("phone",), ()]

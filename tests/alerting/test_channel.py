"""Rates, bundles, fall-backs and outages, with real receivers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alerting.channel_rules import ChannelRules
from alerting.outbox import Outbox
from alerting.wording import Wording
from gateway.model.alarm import Priority
from gateway.model.clock import ManualClock
from gateway.model.ports import Notice
from gateway.model.text import Text
from tests.alerting.notifiers.notices import RAISED
from tests.alerting.receiver import receiver, until
from tests.alerting.test_outbox import QUICK, Desk, Diary, desk


def notice(number: int, event: str = "raise", priority: Priority = Priority.P2) -> Notice:
    key, alarm = f"depot/GD-{number}/H#1@5:{event}", f"GD-{number}/H"
    title = {"en": f"{priority.name} GD-{number} high, Tank farm", "zh": f"{priority.name} GD-{number} 高限，罐区"}
    return replace(RAISED, key=key, alarm=alarm, payload=RAISED.payload | {
        "key": key, "alarm": alarm, "event": event, "priority": priority.name, "title": title, "text": title,
        "occurrence": 1})


def release(here, *notices: Notice) -> None:
    for each in notices:
        here.outbox.release(each, Priority[each.payload["priority"]])


async def test_a_rate_limit_holds_everything_back_but_p1():
    with receiver() as phone:
        async with desk(rules={"phone": ChannelRules(rate=2)}, phone=phone.url) as here:
            here.outbox.start()
            release(here, *(notice(number) for number in range(4)))
            await until(lambda: len(here.delivered) == 2)
            release(here, *(notice(number, priority=Priority.P1) for number in range(10, 15)))
            await until(lambda: len(here.delivered) == 7)
            assert here.outbox.status()[0].pending == 2
        assert [call.payload["priority"] for call in phone.calls] == ["P2", "P2", *["P1"] * 5]


async def test_what_is_due_together_goes_as_one_message_but_p1_by_itself():
    with receiver() as phone:
        async with desk(rules={"phone": ChannelRules(bundles=True)}, phone=phone.url) as here:
            here.open = {f"GD-{number}/H" for number in range(9)}
            release(here, notice(1), notice(2), notice(3, priority=Priority.P3), notice(4, priority=Priority.P1),
                    notice(5, priority=Priority.P1))
            here.outbox.start()
            await until(lambda: len(here.delivered) == 5)
        first, second, bundle = (call.payload for call in phone.calls)
        assert (first["alarm"], second["alarm"]) == ("GD-4/H", "GD-5/H"), "P1 first, each by itself"
        assert [line["alarm"] for line in bundle["alarms"]] == ["GD-1/H", "GD-2/H", "GD-3/H"]
        assert bundle["title"] == {"en": "P2 GD-1 high, Tank farm (+2)", "zh": "P2 GD-1 高限，罐区（另有 2 条）"}
        assert bundle["text"]["en"].startswith("3 messages: P2 × 2, P3 × 1\n")


async def test_messages_for_different_people_are_not_mixed():
    with receiver() as phone:
        async with desk(rules={"phone": ChannelRules(bundles=True)}, phone=phone.url) as here:
            release(here, *(replace(notice(number), to="wang" if number % 2 else "li") for number in range(4)))
            here.outbox.start()
            await until(lambda: len(here.delivered) == 4)
        assert [(call.payload["to"], len(call.payload["alarms"])) for call in phone.calls] == [("li", 2), ("wang", 2)]


async def test_a_notice_waits_for_company_and_p1_does_not():
    rules = {"phone": ChannelRules(group_s=0.2, bundles=True)}
    with receiver() as phone:
        async with desk(rules=rules, phone=phone.url) as here:
            here.outbox.start()
            release(here, notice(1))
            release(here, notice(2), notice(3, priority=Priority.P1))
            await until(lambda: len(here.delivered) == 3)
        assert [len(call.payload.get("alarms", "x")) for call in phone.calls] == [1, 2]


@pytest.mark.survives("500 messages queued while offline",
                      then="P1 first, each by itself; then every alarm that is still open, with its age, 20 to a "
                           "message; what is over by now as history in one message; none lost, none twice")
async def test_five_hundred_messages_queued_while_offline():
    clock = ManualClock()
    open_still = [*range(100), *range(400, 405)]  # of 250 alarms with raise and return, 5 of them P1
    with receiver() as phone:
        phone.status = 503
        async with desk(clock=clock, rules={"phone": ChannelRules(bundles=True)}, phone=phone.url) as here:
            here.open = {f"GD-{number}/H" for number in open_still}
            release(here, *(notice(number) for number in range(245)),
                    *(notice(number, priority=Priority.P1) for number in range(400, 405)),
                    *(notice(number, "return") for number in range(245)),
                    *(notice(number, "return", Priority.P1) for number in range(400, 405)))
            assert here.outbox.pending == 500
            here.outbox.start()
            await phone.until(lambda phone: len(phone.calls) >= 5)
            clock.advance(3 * 3600 + 20 * 60)
            phone.status = 204
            await until(lambda: len(here.delivered) == 500)
        taken = [call.payload for call in phone.taken]
        alone = [payload for payload in taken if payload["event"] != "bundle"]
        assert len(alone) == 10 and all(payload["priority"] == "P1" for payload in alone)
        bundles = [payload for payload in taken if payload["event"] == "bundle"]
        assert [payload["history"] for payload in bundles] == [False] * 10 + [True]
        assert [len(payload["alarms"]) for payload in bundles] == [20] * 10 + [290]
        assert sum(len(payload["alarms"]) for payload in bundles) + len(alone) == 500
        assert len(set(here.delivered)) == 500 and here.given_up == []
        row = bundles[1]["text"]["en"].splitlines()[1]
        assert "GD-20 high" in row and "3 h 20 min" in row, "with its age"
        assert "3 h 20 min" in bundles[-1]["text"]["en"] and "现已结束" in bundles[-1]["text"]["zh"]
        assert bundles[-1]["title"]["en"].startswith("OVER P2")


async def test_a_refused_bundle_is_taken_apart_and_only_the_bad_one_is_given_up():
    with receiver() as phone:
        bad = notice(2)
        phone.refuses = {bad.key}
        phone.answers = [400]
        async with desk(rules={"phone": ChannelRules(bundles=True)}, phone=phone.url) as here:
            release(here, notice(1), bad, notice(3))
            here.outbox.start()
            await until(lambda: len(here.delivered) == 2 and here.given_up)
        assert here.given_up[0][0] == bad.key
        assert sorted(key for key, _ in here.delivered) == [notice(1).key, notice(3).key]


async def test_another_way_out_is_asked_after_failures_and_gets_each_notice_once():
    rules = {"mail": ChannelRules(fallback="sms", fallback_after=2)}
    with receiver() as mail, receiver() as sms:
        mail.status = 500
        async with desk(rules=rules, mail=mail.url, sms=sms.url) as here:
            here.outbox.start()
            for each in (notice(1), notice(2, priority=Priority.P1)):
                here.outbox.release(replace(each, to="wang@example.org"), Priority.P2, through=("mail",))
            await until(lambda: len(sms.taken) == 2)
            assert all("to" not in call.payload for call in sms.taken), "a mail address is no phone number"
            here.outbox.release(notice(3), Priority.P2, through=("mail", "sms"))
            await until(lambda: len(sms.taken) == 3)
            mail.status = 204
            await until(lambda: len(mail.taken) == 3)
        assert len(sms.calls) == 3, "what it was told by itself is not repeated by the fall-back"
        assert [(name, other) for _, name, other in here.fell_back][:2] == [("mail", "sms")] * 2


@pytest.mark.survives("template fails while an alarm is sent", then="the message goes out in plain words; "
                      "`gateway/notify` until a template works again",
                      says=Text("a template fails", "模板出错"))
async def test_a_template_error_costs_the_wording_never_the_message(says):
    wording = Wording(text={"en": "{{ 1 / (limit - 40) }}", "zh": "{{ 1 / (limit - 40) }}"})
    with receiver() as phone:
        async with desk(rules={"phone": ChannelRules(wording)}, phone=phone.url) as here:
            here.outbox.start()
            release(here, notice(1))
            await until(lambda: here.delivered and here.troubles)
            assert says(here.outbox.failing["phone"])
            good = notice(2)
            release(here, replace(good, payload=good.payload | {"limit": 50.0}))
            await until(lambda: len(here.delivered) == 2 and here.troubles[-1] == ())
            assert here.outbox.failing == {}
        assert len(phone.taken) == 2


async def test_what_comes_late_says_how_late():
    clock = ManualClock()
    said = []

    class Reader:
        id = "reader"

        async def send(self, notice: Notice) -> None:
            said.append(notice)

    here = Desk({}, QUICK, clock)
    here.outbox = Outbox([Reader()], clock, QUICK, Diary(here))
    release(here, notice(1, priority=Priority.P1))
    clock.advance(2 * 86_400 + 5 * 3600)
    here.outbox.start()
    await until(lambda: said)
    await here.outbox.close()
    assert said[0].title == "P1 GD-1 high, Tank farm (2 d 5 h ago)"
    assert said[0].text.startswith("This message is 2 d 5 h late")


async def test_delivery_and_answer_times_are_kept_per_person():
    clock = ManualClock()
    with receiver() as phone:
        async with desk(clock=clock, phone=phone.url) as here:
            mine = replace(notice(1), payload=notice(1).payload | {"person": {"id": "wang"}})
            release(here, mine, notice(2))
            clock.advance(4)
            here.outbox.start()
            await until(lambda: len(here.delivered) == 2)
            clock.advance(30)
            assert here.outbox.acknowledged("GD-1/H", "li") == {}
            release(here, replace(mine, key="again"))
            await until(lambda: len(here.delivered) == 3)
            clock.advance(10)
            assert here.outbox.acknowledged("GD-1/H", "wang") == {"phone": 10.0}
            assert here.outbox.acknowledged("GD-1/H", "wang") == {}
            everybody, wang = here.outbox.status()[0].people
        assert (everybody.person, everybody.delivered, everybody.delivery_median_s) == ("", 1, 4.0)
        assert (wang.person, wang.delivered, wang.acknowledged, wang.acknowledge_median_s) == ("wang", 2, 1, 10.0)

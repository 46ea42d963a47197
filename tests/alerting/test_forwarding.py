"""What waits over a restart goes where the site file of today says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from alerting.ledger import AlarmLedger
from alerting.notifiers.config import WebhookSettings
from alerting.notifiers.webhook import WebhookNotifier
from alerting.oncall.routing import Address, Routing
from alerting.service import AlarmService
from gateway.model.clock import ManualClock
from tests.alerting.oncall.people import DUTY, PEOPLE, ROUTING
from tests.alerting.receiver import Receiver, receiver, until
from tests.alerting.sites import START_NS
from tests.alerting.test_service import QUICK, SITE, say

ALARM = "GD-01/HH"  # P1: li is on duty, by phone


class World:
    """One life of the gateway after the other, on the same file; nothing is taken before `opens`."""

    def __init__(self, path):
        self.path, self.clock = path, ManualClock(wall_ns=START_NS)

    @asynccontextmanager
    async def running(self, routing: Routing | None, **channels: Receiver) -> Iterator[AlarmService]:
        notifiers = [WebhookNotifier(WebhookSettings(id=id, url=each.url)) for id, each in channels.items()]
        service = AlarmService(SITE.alarms, SITE, AlarmLedger(self.path), notifiers, self.clock, QUICK, routing)
        await service.start()
        try:
            yield service
        finally:
            await service.close()

    async def raised_and_refused(self, routing: Routing | None, **channels: Receiver) -> None:
        for each in channels.values():
            each.status = 500
        async with self.running(routing, **channels) as service:
            say(service, (ALARM, True, 1))
            await until(lambda: service.view(ALARM).recorded and any(each.calls for each in channels.values()))
        for each in channels.values():
            each.status = 204
            each.calls.clear()

    def journalled(self, kind: str = "delivery", act: str = "forwarded") -> list[dict]:
        rows = AlarmLedger(self.path).history(100, kind=kind)
        return [row.body for row in rows if row.body.get("act", act) == act]


@pytest.fixture
def world(tmp_path):
    return World(tmp_path / "alarms.db")


def of_people(**changed) -> Routing:
    people = {id: person for id, person in (PEOPLE | changed).items() if person is not None}
    return replace(ROUTING, people=people, _known={})


async def none_waits(service: AlarmService) -> None:
    await until(lambda: all(one.pending == 0 for one in service.status().notifiers))


def got(channel: Receiver) -> list[tuple[str, str]]:
    return [(call.payload.get("person", {}).get("id", "-"), call.payload.get("to", "")) for call in channel.taken]


@pytest.mark.survives("a P1 waits for a wrong number, which is corrected in the site file",
                      then="after the restart it goes to the right one, and so does its end")
async def test_a_corrected_address_gets_what_waited_for_the_wrong_one(world):
    right = replace(PEOPLE["li"], addresses=(Address("phone", "139"),), language="zh")
    with receiver() as phone, receiver() as mail:
        await world.raised_and_refused(ROUTING, phone=phone, mail=mail)
        async with world.running(of_people(li=right), phone=phone, mail=mail) as service:
            await none_waits(service)
            assert got(phone) == [("li", "139")] and got(mail) == []
            assert phone.taken[0].payload["language"] == "zh"
            await service.acknowledge(ALARM, "li")
            await none_waits(service)
            assert got(phone) == [("li", "139")] * 2
    assert [row["reason"]["en"] for row in world.journalled()] == ["the address in the site file has changed"]
    assert "139" not in str(world.journalled()), "addresses stay out of the journal"
    assert AlarmLedger(world.path).open().outbox == ()


async def test_who_has_moved_to_another_channel_is_told_there(world):
    moved = replace(PEOPLE["li"], addresses=(Address("mail", "li@x"),))
    with receiver() as phone, receiver() as mail:
        await world.raised_and_refused(ROUTING, phone=phone, mail=mail)
        async with world.running(of_people(li=moved), phone=phone, mail=mail) as service:
            await none_waits(service)
            assert got(phone) == [] and got(mail) == [("li", "li@x")]
    assert AlarmLedger(world.path).open().outbox == ()


@pytest.mark.survives("a P1 waits for a person who has left",
                      then="after the restart whoever is on call now is told, else every channel; it is in the journal")
async def test_what_waited_for_who_has_left_goes_to_who_is_on_call(world):
    without_li = replace(DUTY, layers=(replace(DUTY.layers[0], people=("wang",)),))
    with receiver() as phone, receiver() as mail:
        await world.raised_and_refused(ROUTING, phone=phone, mail=mail)
        routing = replace(of_people(li=None), rosters={"duty": without_li})
        async with world.running(routing, phone=phone, mail=mail) as service:
            await none_waits(service)
            assert got(phone) == [("wang", "wang@phone")] and got(mail) == []
            assert phone.taken[0].key.endswith(":raise/wang")
    (row,) = world.journalled()
    assert (row["person"], row["to"]) == ("li", [{"notifier": "phone", "person": "wang"}])


@pytest.mark.parametrize("routing", [None, replace(ROUTING, people={}, rosters={}, policies=())])
async def test_without_anybody_on_call_every_channel_is_told(world, routing):
    with receiver() as phone, receiver() as mail:
        await world.raised_and_refused(ROUTING, phone=phone, mail=mail)
        async with world.running(routing, phone=phone, mail=mail) as service:
            await none_waits(service)
            assert [call.key for call in phone.taken] == [call.key for call in mail.taken]
            assert got(phone) == [("-", "")] and phone.taken[0].key.endswith(":raise")
    assert AlarmLedger(world.path).open().outbox == ()


async def test_what_waited_for_a_channel_that_is_gone_goes_to_the_others(world):
    with receiver() as phone, receiver() as mail:
        await world.raised_and_refused(None, phone=phone)
        async with world.running(None, mail=mail) as service:
            await none_waits(service)
            assert mail.events == [(ALARM, "raise")]
    assert [row["to"] for row in world.journalled()] == [[{"notifier": "mail", "person": ""}]]


async def test_what_is_over_is_given_up_with_its_channel(world):
    with receiver() as phone, receiver() as mail:
        phone.status = 500
        async with world.running(None, phone=phone) as service:
            say(service, ("GD-02/H", True, 1))
            await service.acknowledge("GD-02/H", "li")
            say(service, ("GD-02/H", False, 2))
            await until(lambda: service.view("GD-02/H").recorded and phone.calls)
        async with world.running(None, mail=mail) as service:
            await none_waits(service)
            assert mail.calls == []
    given_up = world.journalled("given up")
    assert given_up and all(row["notifier"] == "phone" for row in given_up)
    assert AlarmLedger(world.path).open().outbox == ()


async def test_a_fall_back_copy_reaches_the_persons_own_address_where_there_is_one(world):
    """It was asked of a channel as a whole; its row must not take the place of the person's own."""
    both = replace(PEOPLE["li"], addresses=(Address("phone", "139"), Address("mail", "li@x")))
    with receiver() as phone, receiver() as mail:
        await world.raised_and_refused(of_people(li=both), phone=phone, mail=mail)
        async with world.running(of_people(li=both), phone=phone, mail=mail) as service:
            await none_waits(service)
            assert (got(phone), set(got(mail))) == ([("li", "139")], {("li", "li@x")})  # at least once
    assert world.journalled() == [], "nothing was changed"

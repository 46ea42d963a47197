"""On-call through the whole service: real file, real receivers, and who is told when."""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace

import pytest

from alerting.ledger import AlarmLedger
from alerting.notifiers.config import WebhookSettings
from alerting.notifiers.webhook import WebhookNotifier
from alerting.oncall.escalation import Escalations
from alerting.oncall.roster import Roster
from alerting.oncall.routing import Routing
from alerting.overlays.hold import Kind
from alerting.overlays.overlays import Ask
from alerting.service import AlarmService
from gateway.model.alarm import AlarmTable
from gateway.model.clock import ManualClock
from gateway.model.gateway_fault import GatewayFault
from gateway.model.text import Text
from tests.alerting.oncall.people import NIGHT, ROUTING
from tests.alerting.receiver import Receiver, receiver, until
from tests.alerting.sites import START_NS, verdicts
from tests.alerting.test_service import QUICK, SITE, say

DAY = 86400.0


class World:
    """A site with two channels, and everything that its people have got, in the order of each channel."""

    def __init__(self, path, phone: Receiver, mail: Receiver):
        self.path, self.channels = path, {"phone": phone, "mail": mail}
        self.clock = ManualClock(wall_ns=START_NS)
        self.routing = ROUTING
        self.service: AlarmService

    @asynccontextmanager
    async def running(self, away_s: float = 0.0):
        notifiers = [WebhookNotifier(WebhookSettings(id=id, url=channel.url, timeout=5))
                     for id, channel in self.channels.items()]
        self.service = AlarmService(SITE.alarms, SITE, AlarmLedger(self.path), notifiers, self.clock, QUICK,
                                    self.routing)
        await self.service.start(away_s)
        try:
            yield self.service
        finally:
            await self.quiet()
            await self.service.close()

    def raised(self, alarm: str, active: bool = True) -> None:
        self.clock.advance(0.001)
        say(self.service, (alarm, active, self.clock.now().line_ns / 1e9))

    def later(self, seconds: float) -> None:
        """Time passes, and the detectors say nothing new."""
        self.clock.advance(seconds)
        self.service.apply(verdicts())

    async def quiet(self) -> None:
        """All that was to be told has been handed over."""
        await until(lambda: not self.service.status().uncommitted
                    and all(one.pending == 0 for one in self.service.status().notifiers))

    async def told(self) -> list[tuple[str, str, str]]:
        """(person, channel, event) since the last time this was asked."""
        await self.quiet()
        got = []
        for id, channel in self.channels.items():
            got += [(call.payload.get("person", {}).get("id", "-"), id, call.payload["event"])
                    for call in channel.taken]
            channel.calls.clear()
        return got

    def reasons(self) -> list[dict[str | None, str]]:
        """Of every routing decision, oldest first: person or channel -> "told" or why not."""
        rows = AlarmLedger(self.path).history(1000, None, "routing")[::-1]
        return [{one["person"] or one["channel"]: "told" if one["told"] else one["reason"]["en"]
                 for one in row.body["decisions"]} for row in rows]


@contextmanager
def receivers():
    with receiver() as phone, receiver() as mail:
        yield phone, mail


@pytest.fixture
def world(tmp_path):
    with receivers() as (phone, mail):
        yield World(tmp_path / "alarms.db", phone, mail)


LI, OFFICER = [("li", "phone", "raise")], [("officer", "phone", "escalation"), ("officer", "mail", "escalation")]


async def test_one_after_the_other_until_somebody_acknowledges(world):
    async with world.running() as service:
        world.raised("GD-01/HH")
        await world.quiet()
        first = world.channels["phone"].taken[0]
        assert await world.told() == LI
        assert first.key.endswith(":raise/li") and first.payload["key"] == first.key
        assert (first.payload["to"], first.payload["language"]) == ("li@phone", "en")
        world.later(299)
        assert await world.told() == []
        world.later(1)
        await world.quiet()
        second = world.channels["mail"].taken[0]
        assert await world.told() == OFFICER
        assert second.payload["title"]["en"].startswith("UNANSWERED P1 GD-01 high-high")
        assert "Nobody has acknowledged. Raised 5 min ago." in second.payload["text"]["en"]
        await service.acknowledge("GD-01/HH", "officer")
        assert await world.told() == [("li", "phone", "acknowledge"), ("officer", "phone", "acknowledge"),
                                      ("officer", "mail", "acknowledge")]
        world.later(DAY)
        assert await world.told() == []
        world.raised("GD-01/HH", False)
        assert [person for person, _, event in await world.told() if event == "return"] == ["li", "officer", "officer"]
    assert world.reasons()[0] == {"li": "told", "wang": "off duty until 2026-09-28 08:00"}
    assert AlarmLedger(world.path).open().ladders == ()
    AlarmLedger(world.path).verify()


async def test_a_p1_is_called_again_from_the_beginning_a_p2_ends_after_its_last_step(world):
    async with world.running():
        for alarm, people in (("GD-01/HH", ["li", "officer", "officer", "county", "li", "officer", "officer"]),
                              ("GD-03/H", ["li", "officer", "officer", "county"])):
            world.raised(alarm)
            called = await world.told()
            for wait in (300, 600, 900, 300):
                world.later(wait)
                called += await world.told()
            assert [person for person, *_ in called] == people
            if alarm == "GD-01/HH":
                await world.service.acknowledge(alarm, "li")
                await world.told()


async def test_what_has_returned_calls_on_only_if_it_is_p1(world):
    async with world.running():
        world.raised("esd-north")  # P1 that does not latch
        world.raised("GD-03/H")
        assert len(await world.told()) == 2
        for alarm in ("esd-north", "GD-03/H"):
            world.raised(alarm, False)
        assert await world.told() == [("li", "phone", "return")] * 2
        world.later(300)
        await world.quiet()
        assert "esd-north" in world.channels["phone"].taken[0].payload["alarm"]
        assert await world.told() == OFFICER
        world.raised("GD-03/H")
        assert await world.told() == [("li", "phone", "raise"), *OFFICER], "it goes on where it was held"


async def test_an_alarm_that_comes_and_goes_still_climbs(world):
    async with world.running():
        for _ in range(4):
            world.raised("GD-03/H")
            world.later(40)
            world.raised("GD-03/H", False)
            world.later(40)
        assert ("officer", "mail", "escalation") not in await world.told(), "it was due while the alarm was away"
        world.raised("GD-03/H")
        assert await world.told() == [("li", "phone", "raise"), *OFFICER]
        world.raised("GD-03/H", False)
        world.raised("GD-03/H")
        assert {person for person, _, event in await world.told() if event == "raise"} == {"li", "officer"}


async def test_a_mute_window_holds_a_p2_until_it_is_over_and_never_a_p1(world):
    world.routing = replace(ROUTING, mutes=(NIGHT,))
    async with world.running():
        world.raised("GD-01/HH")
        world.raised("GD-03/H")
        assert await world.told() == LI
        await world.service.acknowledge("GD-01/HH", "li")
        await world.told()
        world.later(3600)
        world.later(3600)
        assert await world.told() == []
        world.later(6 * 3600)
        await world.quiet()
        notice = world.channels["phone"].taken[0].payload
        assert await world.told() == [("li", "phone", "recall")]
        assert notice["title"]["en"].startswith("STILL ACTIVE P2 GD-03")
        assert "A mute window is over. Raised 8 h ago." in notice["text"]["en"]
        world.later(300)
        assert await world.told() == OFFICER
    assert world.reasons()[1] == {"phone": "muted: night", "mail": "muted: night"}
    assert len(world.reasons()) == 5, "that it is muted still is not written again and again"


async def test_a_restart_goes_on_where_it_was(world):
    async with world.running():
        world.raised("GD-01/HH")
        world.later(200)
        assert await world.told() == LI
    async with world.running():
        world.later(99)
        assert await world.told() == []
        world.later(1)
        assert await world.told() == OFFICER
    world.clock.advance(700)
    async with world.running():
        world.later(0)
        assert await world.told() == [("county", "mail", "escalation")], "what fell due meanwhile is done at once, once"


@pytest.mark.survives("a power cut of an hour with alarms that stand", then="each is told again with its age")
async def test_after_an_outage_everything_that_stands_is_told_now(world):
    async with world.running():
        for alarm in ("GD-01/HH", "GD-02/H", "GD-03/H", "GD-01/ROC+"):
            world.raised(alarm)
        world.raised("GD-03/H", False)
        await world.service.acknowledge("GD-02/H", "li")
        await world.service.acknowledge("GD-03/H", "li")
        await world.told()
    world.clock.advance(3600)
    async with world.running(away_s=3600):
        await world.quiet()
        calls = world.channels["phone"].taken
        assert {call.payload["alarm"] for call in calls} == {"GD-01/HH", "GD-02/H", "GD-01/ROC+"}
        assert {call.payload["event"] for call in calls} == {"recall"}
        assert "The gateway works again after 1 h. Raised 1 h ago." in calls[0].payload["text"]["en"]
        await world.told()
        world.later(300)
        assert [person for person, _, event in await world.told()] == ["officer", "officer"], "GD-02 has been taken"


@pytest.mark.survives("the wall clock is set by a week during an escalation",
                      then="the waits are not affected; whoever is on duty by the new time is called")
async def test_a_clock_step_during_an_escalation(world):
    async with world.running():
        world.raised("GD-01/HH")
        assert await world.told() == LI
        world.clock.step_wall(7 * DAY)
        world.later(299)
        assert await world.told() == []
        world.later(1)
        assert await world.told() == OFFICER
        world.later(600)
        assert await world.told() == [("county", "mail", "escalation")]
        world.later(900)
        assert await world.told() == [("wang", "phone", "escalation")]
        world.clock.step_wall(-7 * DAY)
        world.later(299)
        assert await world.told() == []
        world.later(1)
        assert await world.told() == OFFICER


async def test_an_overlay_holds_the_ladder_and_its_end_calls_from_the_first_step(world):
    async with world.running() as service:
        world.raised("GD-03/H")
        assert await world.told() == LI
        await service.hold(Kind.SHELF, Ask("GD-03/H", "Zhao", "crew on site", 3600))
        assert await world.told() == [("li", "phone", "shelve")]
        world.later(1800)
        assert await world.told() == []
        world.later(1800)
        assert await world.told() == [("li", "phone", "shelve expired"), ("li", "phone", "recall")]
        world.later(300)
        assert await world.told() == OFFICER


async def test_when_the_last_step_is_taken_who_was_told_is_reminded(world):
    """There is no further step of a P2: from here on it is the re-alarm that keeps it from falling silent."""
    async with world.running():
        world.raised("GD-03/H")
        for wait in (300, 600):
            await world.told()
            world.later(wait)
        await world.told()
        world.later(1790)
        assert await world.told() == []
        world.later(10)
        assert {(person, event) for person, _, event in await world.told()} == {
            ("li", "re-alarm"), ("officer", "re-alarm"), ("county", "re-alarm")}


async def test_a_bypass_is_told_to_those_on_duty_and_its_end_calls_from_the_first_step(world):
    async with world.running() as service:
        await service.hold(Kind.BYPASS, Ask("GD-03/H", "Zhao", "calibration", 3600))
        assert await world.told() == [("li", "phone", "bypass")]
        world.raised("GD-03/H")
        world.later(600)
        assert await world.told() == []
        await service.end_hold(Kind.BYPASS, "GD-03/H", "Zhao")
        assert await world.told() == [("li", "phone", "bypass ended"), ("li", "phone", "recall")]
        world.later(300)
        assert await world.told() == OFFICER


async def test_a_failing_notifier_is_told_through_all_of_them(world):
    async with world.running() as service:
        world.channels["mail"].status = 503
        world.raised("GD-01/HH")
        world.later(900)
        await until(lambda: service.view(GatewayFault.NOTIFY).active)
        await world.channels["phone"].until(lambda phone: ("gateway/notify", "raise") in phone.events)
        world.channels["mail"].status = 204
    everybody = [row for row in world.reasons() if set(row) == {"phone", "mail"}]
    assert everybody[0] == {"phone": "told", "mail": "told"}


@pytest.mark.survives("an alarm stands from before there was an [oncall] section, or its people have left",
                      then="it is told to every channel, or from the first step at the next start")
async def test_the_site_file_has_changed(world):
    world.routing = None
    async with world.running():
        world.raised("GD-01/HH")
        world.raised("GD-02/H")
        await world.service.acknowledge("GD-02/H", "li")
        assert len(await world.told()) == 6
    world.routing = ROUTING
    async with world.running():
        assert await world.told() == [("li", "phone", "recall")]
        world.raised("GD-02/H", False)
        assert await world.told() == [("-", "phone", "return"), ("-", "mail", "return")]
    world.routing = replace(ROUTING, people={}, rosters={}, policies=())
    async with world.running() as service:
        world.later(300)
        assert await world.told() == [("-", "phone", "escalation"), ("-", "mail", "escalation")]
        await service.acknowledge("GD-01/HH", "li")
        assert await world.told() == [("-", "phone", "acknowledge"), ("-", "mail", "acknowledge")], "li has left"


def test_the_alarms_of_the_stories_are_what_they_are_taken_for():
    alarms: AlarmTable = SITE.alarms
    assert [int(alarms.get(id).priority) for id in ("GD-01/HH", "GD-03/H", "esd-north", "GD-01/ROC+")] == [1, 2, 1, 3]
    assert not alarms.get("esd-north").latch and ROUTING.rosters["duty"].name == Text("site duty", "现场值班")


def broken(*_: object) -> None:
    raise ZeroDivisionError("injected")


@pytest.mark.parametrize(("owner", "name"), [(Roster, "on_duty"), (Routing, "policy"), (Escalations, "take")])
async def test_an_error_in_the_plan_of_on_call_tells_every_channel(world, monkeypatch, owner, name):
    world.routing = replace(ROUTING, _known={})  # nothing is known yet of who is on duty
    async with world.running():
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, broken)
            world.raised("GD-01/HH")
            assert await world.told() == [("-", "phone", "raise"), ("-", "mail", "raise")]


async def test_a_roster_that_fails_while_nobody_answers_tells_every_channel(world, monkeypatch):
    async with world.running():
        world.raised("GD-01/HH")
        assert await world.told() == LI
        monkeypatch.setattr(Routing, "decide", broken)
        world.later(300)
        assert await world.told() == [("-", "phone", "escalation"), ("-", "mail", "escalation")]
        world.later(DAY)
        assert {event for _, _, event in await world.told()} == {"escalation"}, "and on, until somebody answers"


EVERYBODY = [("-", "phone", "escalation"), ("-", "mail", "escalation")]


@pytest.mark.parametrize("name", ["wait_s", "decide", "address"])
async def test_a_step_that_can_not_be_taken_calls_every_channel_until_somebody_answers(world, monkeypatch, name):
    async with world.running():
        world.raised("GD-01/HH")
        assert await world.told() == LI
    monkeypatch.setattr(Routing, name, broken)
    async with world.running() as service:
        world.later(300)
        assert await world.told() == (OFFICER if name == "address" else EVERYBODY)
        if name != "address":
            world.later(900)
            assert await world.told() == EVERYBODY
        await service.acknowledge("GD-01/HH", "li")
        assert ("li", "phone", "acknowledge") in await world.told()
        world.later(3600)
        assert await world.told() == []


async def test_the_end_of_a_hold_calls_every_channel_when_the_plan_fails(world, monkeypatch):
    async with world.running() as service:
        await service.hold(Kind.BYPASS, Ask("GD-03/H", "Zhao", "calibration", 3600))
        world.raised("GD-03/H")
        await world.told()
        monkeypatch.setattr(Escalations, "begin", broken)
        world.later(3600)
        assert {("-", "phone", "recall"), ("-", "mail", "recall")} <= set(await world.told())


async def test_an_outage_is_told_of_also_when_the_plan_fails(world, monkeypatch):
    async with world.running():
        world.raised("GD-01/HH")
        await world.told()
    monkeypatch.setattr(Escalations, "begin", broken)
    world.clock.advance(3600)
    async with world.running(away_s=3600):
        assert set(await world.told()) == {("-", "phone", "recall"), ("-", "mail", "recall")}

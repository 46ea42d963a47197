"""Who would be told, over one round of the ladder: the same as what the running service does."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from alerting.oncall.forecast import forecast
from alerting.oncall.routing import Filter, Hours, Mute, Policy, Routing, Step
from gateway.model.alarm import Priority
from gateway.model.text import Text
from tests.alerting.oncall.people import NIGHT, ROUTING, ZONE
from tests.alerting.oncall.test_routing import alarm

NOON = datetime(2026, 9, 22, 12, tzinfo=ZONE)


def told(found) -> list[tuple[int, set]]:
    return [(planned.step, {one.person or one.channel for one in planned.decisions if one.sent})
            for planned in found.steps]


def test_every_step_with_its_time():
    found = forecast(ROUTING, alarm(Priority.P1), NOON)
    assert told(found) == [(0, {"li"}), (1, {"officer"}), (2, {"county"})]
    assert [planned.at - NOON for planned in found.steps] == [timedelta(seconds=s) for s in (0, 300, 900)]
    assert found.policy == "gas" and found.repeats is None
    assert forecast(ROUTING, alarm(Priority.P2), NOON).repeats == 1


def test_whoever_comes_on_duty_meanwhile_is_asked():
    late = Policy("late", Filter(), (Step(("duty",), 3600), Step(("duty",), 60)))
    found = forecast(replace(ROUTING, policies=(late,)), alarm(), datetime(2026, 9, 28, 7, 30, tzinfo=ZONE))
    assert told(found) == [(0, {"li"}), (1, {"wang"})], "hand-over on Monday at 08:00"


def test_what_a_mute_window_holds_is_told_when_it_is_over():
    night = datetime(2026, 9, 22, 23, tzinfo=ZONE)
    muted = replace(ROUTING, mutes=(NIGHT, Mute(Text.same("morning"), Filter(hours=_hours(5, 7)))))
    found = forecast(muted, alarm(Priority.P2), night)
    assert told(found)[:2] == [(0, set()), (0, {"li"})]
    assert found.steps[1].at == datetime(2026, 9, 23, 7, tzinfo=ZONE), "the second window takes over from the first"
    assert told(forecast(muted, alarm(Priority.P1), night))[0] == (0, {"li"})


def test_without_a_policy_and_without_on_call():
    bare = Routing(ZoneInfo("UTC"), ("phone", "mail"))
    assert told(forecast(bare, alarm(), NOON)) == [(0, {"phone", "mail"})]
    assert forecast(bare, alarm(Priority.P1), NOON).repeats is None
    without = replace(bare, escalates=False)
    assert forecast(without, alarm(Priority.P1), NOON).repeats == 1
    assert forecast(ROUTING, alarm(Priority.P4), NOON).steps == (), "P4 calls nobody"
    assert told(forecast(replace(bare, channels=()), alarm(), NOON)) == [(0, set())]


def _hours(begins: int, ends: int) -> Hours:
    return replace(NIGHT.applies.hours, begins=NIGHT.applies.hours.begins.replace(hour=begins),
                   ends=NIGHT.applies.hours.ends.replace(hour=ends))

"""Who is told of what, when, and the reason for it. P1 always reaches somebody."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from alerting.oncall.roster import Layer, Roster
from alerting.oncall.routing import Address, Filter, Hours, Mute, Person, Policy, Routing, Step
from gateway.model.alarm import AlarmDefinition, Priority, Risk
from gateway.model.condition import Condition
from gateway.model.text import Text

ZONE = ZoneInfo("Asia/Shanghai")
P1, P2, P3 = Priority.P1, Priority.P2, Priority.P3


def alarm(priority=P1, area="tank_farm", condition=Condition.HIGH) -> AlarmDefinition:
    return AlarmDefinition(f"GD-03/{condition}", condition, "GD-03", area, Text.same("gas"), priority, Risk.RED)


def person(id, *channels) -> Person:
    return Person(id, Text.same(id), tuple(Address(channel, f"{id}@{channel}") for channel in channels))


DUTY = Roster("duty", Text("site duty", "现场值班"), ZONE, (
    Layer(Text("days", "白班"), ("li", "wang"), date(2026, 11, 2), begins=time(8), ends=time(20)),))
LADDER = Policy("gas", Filter(frozenset({P1, P2})), (Step(("duty",), 300), Step(("officer", "duty"), 600),
                                                     Step(("county",), 900)), repeat=2)
ROUTING = Routing(ZONE, ("mail", "sms"), {one.id: one for one in (
    person("li", "sms"), person("wang", "sms"), person("officer", "mail", "sms"), person("county", "mail"))},
    {"duty": DUTY}, (LADDER,))
NOON, NIGHT = datetime(2026, 11, 3, 12, tzinfo=ZONE), datetime(2026, 11, 3, 23, tzinfo=ZONE)


def told(routing, step, at, what=None) -> set[tuple]:
    what = what or alarm()
    return {(one.person, one.channel) for one in routing.decide(what, routing.policy(what, at), step, at) if one.sent}


def test_the_ladder_is_climbed_until_somebody_answers():
    assert told(ROUTING, 0, NOON) == {("li", "sms")}
    assert told(ROUTING, 1, NOON) == {("officer", "mail"), ("officer", "sms"), ("li", "sms")}
    assert told(ROUTING, 2, NOON) == {("county", "mail")}
    assert told(ROUTING, 3, NOON) == {("li", "sms")}, "and from the beginning"
    assert [ROUTING.wait_s(alarm(P2), LADDER, done) for done in range(1, 7)] == [300, 600, 900, 300, 600, None]
    assert ROUTING.wait_s(alarm(P1), LADDER, 600) == 900, "P1 is called without end"


def test_those_who_are_not_told_are_listed_with_the_reason():
    found = {one.person: one for one in ROUTING.decide(alarm(), LADDER, 0, NOON)}
    assert not found["wang"].sent and found["wang"].reason == Text(
        "off duty until 2026-11-09 08:00", "不值班，至 2026-11-09 08:00")
    assert found["li"].sent and "on duty, site duty: days" in found["li"].reason.en
    assert found["li"].to == "li@sms"


def test_the_roster_is_asked_at_the_time_of_the_step():
    monday = datetime(2026, 11, 9, 9, tzinfo=ZONE)
    assert told(ROUTING, 3, monday) == {("wang", "sms")}


def test_a_gap_in_the_roster_wakes_everybody():
    assert told(ROUTING, 0, NIGHT) == {("li", "sms"), ("wang", "sms"), (None, "mail"), (None, "sms")}
    assert told(ROUTING, 1, NIGHT) == {("officer", "mail"), ("officer", "sms")}, "where somebody else is named, him"


def test_policies_fit_by_priority_area_condition_and_hour_and_the_first_counts():
    night = Policy("night", Filter(hours=Hours(time(20), time(8))), (Step(("county",), 60),))
    fault = Policy("fault", Filter(conditions=frozenset({Condition.DEADMAN}), areas=frozenset({"gate"})),
                   (Step(("officer",), 60),))
    routing = replace(ROUTING, policies=(fault, night, LADDER))
    assert routing.policy(alarm(), NOON) is LADDER and routing.policy(alarm(), NIGHT) is night
    assert routing.policy(alarm(area="gate", condition=Condition.DEADMAN), NIGHT) is fault
    assert routing.policy(alarm(P3), NOON) is None
    assert told(routing, 0, NOON, alarm(P3)) == {(None, "mail"), (None, "sms")}, "no policy: as before"
    assert routing.wait_s(alarm(P3), None, 1) is None and routing.wait_s(alarm(P1), None, 1) == 300


def test_hours_go_over_midnight_with_the_day_on_which_they_began():
    friday_night = Hours(time(22), time(6), frozenset({4}))
    covered = [friday_night.cover(datetime(2026, 11, day, hour, tzinfo=ZONE), ZONE)
               for day, hour in ((6, 5), (6, 23), (7, 5), (7, 7), (7, 23))]
    assert covered == [False, True, True, False, False]


def test_a_mute_window_keeps_calls_and_never_a_p1():
    muted = replace(ROUTING, mutes=(Mute(Text("loading", "装车"), Filter(areas=frozenset({"tank_farm"}))),))
    assert told(muted, 0, NOON, alarm(P2)) == set()
    assert {one.reason.en for one in muted.decide(alarm(P2), LADDER, 0, NOON)} == {"muted: loading"}
    assert told(muted, 0, NOON, alarm(P1)) == {("li", "sms")}
    assert told(muted, 0, NOON, alarm(P2, area="gate")) == {("li", "sms")}


HOURS = st.builds(time, st.integers(0, 23), st.sampled_from((0, 30)))
WINDOWS = st.builds(Hours, HOURS, HOURS, st.frozensets(st.integers(0, 6)))
FILTERS = st.builds(Filter, st.frozensets(st.sampled_from(Priority)),
                    st.frozensets(st.sampled_from(("tank_farm", "gate"))), hours=st.none() | WINDOWS)
PEOPLE = ("li", "wang", "officer", "county")


@st.composite
def routings(draw) -> Routing:
    people = {id: person(id, *draw(st.sets(st.sampled_from(("mail", "sms"))))) for id in PEOPLE}
    layers = draw(st.lists(st.builds(
        Layer, st.just(Text.same("layer")), st.lists(st.sampled_from(PEOPLE), min_size=1).map(tuple),
        st.dates(date(2026, 10, 1), date(2027, 3, 1)), st.integers(1, 9), HOURS, HOURS,
        st.frozensets(st.integers(0, 6)), st.sampled_from((None, True, False))), min_size=1, max_size=3))
    roster = Roster("duty", Text.same("duty"), draw(st.sampled_from((ZONE, ZoneInfo("Europe/Berlin")))), tuple(layers))
    steps = st.builds(Step, st.lists(st.sampled_from((*PEOPLE, "duty")), min_size=1).map(tuple), st.just(60.0))
    policies = draw(st.lists(st.builds(Policy, st.just("p"), FILTERS, st.lists(steps, max_size=3).map(tuple),
                                       st.integers(0, 2)), max_size=3))
    mutes = draw(st.lists(st.builds(Mute, st.just(Text.same("mute")), FILTERS), max_size=2))
    return Routing(ZONE, ("mail", "sms"), people, {"duty": roster}, tuple(policies), tuple(mutes))


@settings(max_examples=300, deadline=None)
@given(routings(), st.datetimes(datetime(2026, 10, 1), datetime(2027, 4, 1)), st.integers(0, 8))
def test_law_every_step_of_a_p1_reaches_somebody_and_another_one_follows(routing, at, step):
    at = at.replace(tzinfo=ZONE)
    policy = routing.policy(alarm(), at)
    assert any(one.sent for one in routing.decide(alarm(), policy, step, at))
    assert routing.wait_s(alarm(), policy, step + 1) is not None


def test_nobody_is_told_twice_by_one_step():
    twice = Policy("twice", Filter(), (Step(("li", "duty", "li"), 60),))
    found = ROUTING.decide(alarm(), twice, 0, NOON)
    assert [(one.person, one.channel) for one in found if one.sent] == [("li", "sms")]
    assert [one.person for one in found if not one.sent] == ["wang"]

"""Shelving and out of service, where they are not as the bypass is (see test_hold)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alerting.overlays import out_of_service, shelving
from alerting.overlays.hold import Holds
from alerting.overlays.tables import Act
from gateway.model.clock import ManualClock
from gateway.model.errors import CommandError
from gateway.model.text import Text
from tests.alerting.sites import depot

SITE = depot()
DAY = 86400.0
survives = pytest.mark.survives
REFUSED = "refused; the alarm goes on calling"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(line_ns=10**12)


@pytest.fixture
def shelf() -> Holds:
    return Holds(SITE.alarms, shelving.RULES)


@pytest.fixture
def maintenance() -> Holds:
    return Holds(SITE.alarms, out_of_service.RULES)


def test_a_timed_shelf_outlasts_the_alarm(shelf, clock):
    shelf.begin("GD-01/H", "Li", "nuisance", 600, "", clock.now())
    assert shelf.normal(lambda alarm: False, clock.advance(10)) == ()
    assert [step.act for step in shelf.expire(clock.advance(590))] == [Act.EXPIRE]


def test_a_one_shot_ends_when_its_alarms_are_back_to_normal_or_its_time_is_over(shelf, clock):
    active = {"GD-01/H", "GD-02/H"}
    shelf.begin("GD-01/H", "Li", "known", 600, "", clock.now(), once=True, active=active.__contains__)
    shelf.begin("GD-02/H", "Li", "known", 600, "", clock.now(), once=True, active=active.__contains__)
    assert shelf.normal(active.__contains__, clock.now()) == ()
    active.remove("GD-01/H")
    (step,) = shelf.normal(active.__contains__, clock.now())
    assert (step.act, step.hold.target, step.who) == (Act.NORMAL, "GD-01/H", "")
    assert shelf.over(SITE.alarms.get("GD-01/H")) is None
    assert [step.hold.target for step in shelf.expire(clock.advance(600))] == ["GD-02/H"]


def test_a_one_shot_of_a_signal_lasts_while_any_of_its_alarms_is_active(clock):
    shelf = Holds(SITE.alarms, replace(shelving.RULES, longest_p1_s=3600.0))
    shelf.begin("GD-01", "Li", "known", 600, "Wang", clock.now(), once=True, active={"GD-01/H"}.__contains__)
    assert shelf.normal({"GD-01/ROC+"}.__contains__, clock.now()) == ()
    assert len(shelf.normal(lambda alarm: False, clock.now())) == 1


@pytest.mark.parametrize("once", [False, True])
def test_one_shelf_is_not_turned_into_the_other(shelf, clock, once):
    shelf.begin("GD-01/H", "Li", "nuisance", 600, "", clock.now(), once=once)
    for again in (False, True):
        with pytest.raises(CommandError, match="is shelved already"):
            shelf.begin("GD-01/H", "Li", "nuisance", 900, "", clock.now(), once=again)
    assert [hold.once for hold in shelf.standing()] == [once]


@survives("an alarm that is not active shelved once", then=REFUSED,
          says=Text("is not active: shelving it once would be over at once", "当前未报警，单次搁置会立即结束"))
def test_what_is_not_active_is_not_shelved_once(shelf, clock, says):
    with pytest.raises(CommandError) as caught:
        shelf.begin("GD-01/H", "Li", "nuisance", 600, "", clock.now(), once=True, active=lambda alarm: False)
    assert says(caught.value.what) and shelf.standing() == ()


@survives("a P1 alarm shelved, on a site that does not say that it may be", then=REFUSED,
          says=Text("GD-01/HH is P1, and on this site no P1 alarm is shelved",
                    "GD-01/HH 为 P1 告警，本站点不允许搁置 P1 告警"))
def test_p1_is_not_shelved_unless_the_site_says_so(shelf, clock, says):
    with pytest.raises(CommandError) as caught:
        shelf.begin("GD-01/HH", "Li", "nuisance", 60, "Wang", clock.now())
    assert says(caught.value.what)
    Holds(SITE.alarms, replace(shelving.RULES, longest_p1_s=60.0)).begin("GD-01/HH", "Li", "why", 60, "Wang",
                                                                         clock.now())


@survives("an alarm taken out of service by one person alone", then=REFUSED,
          says=Text("removal from service needs the approval of a second person", "停用须经第二人批准"))
@pytest.mark.parametrize("approved", ["", "li "])
def test_out_of_service_needs_two_persons_whatever_the_priority(maintenance, clock, approved, says):
    with pytest.raises(CommandError) as caught:
        maintenance.begin("GD-01/ROC+", "Li", "overhaul", DAY, approved, clock.now())
    assert says(caught.value.what) and maintenance.standing() == ()
    assert maintenance.begin("GD-01/ROC+", "Li", "overhaul", DAY, "Wang", clock.now()).hold.approved == "Wang"


def test_returned_to_service_by_a_person_or_in_the_end_by_time(maintenance, clock):
    maintenance.begin("GD-01/H", "Li", "overhaul", 30 * DAY, "Wang", clock.now())
    maintenance.begin("GD-02/H", "Li", "overhaul", 30 * DAY, "Wang", clock.now())
    assert maintenance.end("GD-01/H", "Wang", "calibrated", clock.advance(DAY)).why == "calibrated"
    with pytest.raises(CommandError, match="is not out of service"):
        maintenance.end("GD-01/H", "Wang", "", clock.now())
    assert [step.act for step in maintenance.expire(clock.advance(29 * DAY))] == [Act.EXPIRE]


def test_p1_is_out_of_service_for_a_shorter_time(maintenance, clock):
    with pytest.raises(CommandError, match="lasts 1 s to 8 h"):
        maintenance.begin("GD-01/HH", "Li", "overhaul", 8 * 3600 + 1, "Wang", clock.now())
    maintenance.begin("GD-01/HH", "Li", "overhaul", 8 * 3600, "Wang", clock.now())
    with pytest.raises(CommandError, match="lasts 1 s to 30 d"):
        maintenance.begin("GD-02/H", "Li", "overhaul", 31 * DAY, "Wang", clock.now())

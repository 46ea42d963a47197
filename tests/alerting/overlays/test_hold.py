"""Holds, by the example of the bypass: total, limited, authorised where it matters, and over in case of doubt."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from alerting.overlays.bypass import RULES
from alerting.overlays.hold import Holds
from alerting.overlays.tables import Act
from gateway.model.alarm import Priority
from gateway.model.clock import Instant, ManualClock
from gateway.model.errors import CommandError
from gateway.model.text import Text
from tests.alerting.sites import depot

SITE = depot()
HOUR = 3600.0
survives = pytest.mark.survives
REFUSED = "nothing is bypassed; the answer says what is missing"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(line_ns=10**12)


@pytest.fixture
def bypasses() -> Holds:
    return Holds(SITE.alarms, RULES)


def alarm(name: str):
    return SITE.alarms.get(name)


@pytest.mark.parametrize("for_s", [1.0, 60.0, HOUR, RULES.longest_s])
def test_the_law_that_every_bypass_expires(bypasses, clock, for_s):
    bypasses.begin("GD-01/H", "Li", "calibration", for_s, "", clock.now())
    assert bypasses.expire(clock.advance(for_s - 0.5)) == ()
    (step,) = bypasses.expire(clock.advance(0.5))
    assert (step.act, step.hold.target, step.who) == (Act.EXPIRE, "GD-01/H", "")
    assert bypasses.standing() == () and bypasses.over(alarm("GD-01/H")) is None


def test_the_wall_clock_neither_ends_nor_prolongs_a_bypass_while_the_gateway_runs(bypasses, clock):
    bypasses.begin("GD-01/H", "Li", "calibration", HOUR, "", clock.now())
    clock.step_wall(10**6)
    assert bypasses.expire(clock.now()) == ()
    clock.step_wall(-10**8)
    assert len(bypasses.expire(clock.advance(HOUR))) == 1


def test_an_alarm_is_covered_by_its_own_bypass_and_by_that_of_its_signal(bypasses, clock):
    bypasses.begin("GD-01", "Li", "calibration", 600, "Wang", clock.now())
    bypasses.begin("GD-02/H", "Li", "calibration", 600, "", clock.now())
    assert bypasses.over(alarm("GD-01/ROC+")).target == bypasses.over(alarm("GD-01/HH")).target == "GD-01"
    assert bypasses.over(alarm("GD-02/H")).target == "GD-02/H"
    assert bypasses.over(alarm("GD-02/HH")) is None and bypasses.over(alarm("GD-03/H")) is None
    bypasses.begin("GD-01/ROC+", "Wang", "longer", HOUR, "", clock.now())
    assert bypasses.over(alarm("GD-01/ROC+")).target == "GD-01/ROC+", "the one that ends last"
    bypasses.end("GD-01/ROC+", "Li", "", clock.now())
    assert bypasses.over(alarm("GD-01/ROC+")).target == "GD-01"


def test_the_blind_zone_is_not_covered_by_anything(bypasses, clock):
    for detector in ("GD-01", "GD-02"):
        bypasses.begin(detector, "Li", "calibration", 600, "Wang", clock.now())
    assert bypasses.over(alarm("tank_farm/blind")) is None


def test_p1_is_bypassed_with_a_second_person_only_and_for_a_short_time(bypasses, clock):
    step = bypasses.begin("GD-01/HH", " Li\n", "bump test", HOUR, "Wang", clock.now())
    assert (step.hold.who, step.hold.approved) == ("Li", "Wang")
    assert alarm("GD-01/HH").priority is Priority.P1


REFUSALS = {
    "no name": (("GD-01/H", " ", "why", 60.0, ""), Text("a bypass needs a name", "旁路操作必须填写姓名")),
    "no reason": (("GD-01/H", "Li", "", 60.0, ""), Text("a bypass needs a reason", "旁路必须填写原因")),
    "an unknown target": (("GD-99/H", "Li", "why", 60.0, ""),
                          Text("there is no alarm, signal or rule with this id that could be bypassed",
                               "没有此编号的告警、信号或联锁规则可供旁路")),
    "longer than allowed": (("GD-01/H", "Li", "why", RULES.longest_s + 1, ""),
                            Text("a bypass lasts 1 s to 8 h", "旁路时长应为 1 秒至 8 小时")),
    "no time, or a NaN": (("GD-01/H", "Li", "why", math.nan, ""),
                          Text("a bypass lasts 1 s to 8 h", "旁路时长应为 1 秒至 8 小时")),
    "a P1 without a second person": (("GD-01/HH", "Li", "why", 60.0, ""),
                                     Text("GD-01/HH is P1: a bypass needs the approval of a second person",
                                          "GD-01/HH 为 P1 告警，旁路须经第二人批准")),
    "a P1 approved by its owner": (("esd-north", "Li", "why", 60.0, "li"),
                                   Text("esd-north is P1: a bypass needs the approval of a second person",
                                        "esd-north 为 P1 告警，旁路须经第二人批准")),
    "a signal that has a P1, without a second person": (
        ("GD-01", "Li", "why", 60.0, ""),
        Text("GD-01/HH is P1: a bypass needs the approval of a second person",
             "GD-01/HH 为 P1 告警，旁路须经第二人批准")),
    "a P1 for longer than allowed": (("GD-01/HH", "Li", "why", HOUR + 1, "Wang"),
                                     Text("a bypass lasts 1 s to 1 h", "旁路时长应为 1 秒至 1 小时")),
    "a blind gas zone": (("tank_farm/blind", "Li", "why", 60.0, "Wang"),
                         Text("a blind gas zone and the gateway's own alarms are never bypassed",
                              "气体检测失效告警和网关自身告警不允许旁路")),
    "the gateway itself": (("gateway", "Li", "why", 60.0, "Wang"),
                           Text("a blind gas zone and the gateway's own alarms are never bypassed",
                                "气体检测失效告警和网关自身告警不允许旁路")),
}


@pytest.mark.parametrize("case", [pytest.param(case, marks=survives(f"bypass asked for: {case}", then=REFUSED,
                                                                    says=said))
                                  for case, (_, said) in REFUSALS.items()])
def test_what_is_not_allowed_is_refused_and_changes_nothing(bypasses, clock, case, says):
    asked, _ = REFUSALS[case]
    with pytest.raises(CommandError) as caught:
        bypasses.begin(*asked, clock.now())
    assert says(caught.value.what)
    assert caught.value.fix.en and caught.value.fix.zh
    assert bypasses.standing() == ()


@survives("bypass asked for while one stands", then="the first one stays as it is; none is ever prolonged",
          says=Text("is bypassed already; a bypass is not prolonged", "已处于旁路状态；旁路不能延长"))
def test_a_bypass_is_not_prolonged(bypasses, clock, says):
    bypasses.begin("GD-01/H", "Li", "calibration", 60, "", clock.now())
    before = bypasses.standing()
    with pytest.raises(CommandError) as caught:
        bypasses.begin("GD-01/H", "Li", "calibration", HOUR, "", clock.advance(30))
    assert says(caught.value.what)
    assert bypasses.standing() == before


def test_a_site_can_refuse_all_bypasses_of_p1(clock):
    strict = Holds(SITE.alarms, replace(RULES, longest_p1_s=0))
    with pytest.raises(CommandError, match="no P1 alarm is bypassed"):
        strict.begin("GD-01/HH", "Li", "bump test", 60, "Wang", clock.now())
    strict.begin("GD-01/H", "Li", "bump test", 60, "", clock.now())


def test_ending_needs_a_name_and_something_to_end(bypasses, clock):
    bypasses.begin("GD-01/H", "Li", "calibration", 60, "", clock.now())
    with pytest.raises(CommandError, match="needs a name"):
        bypasses.end("GD-01/H", "", "", clock.now())
    assert bypasses.end("GD-01/H", "Wang", "done", clock.now()).who == "Wang"
    with pytest.raises(CommandError, match="is not bypassed"):
        bypasses.end("GD-01/H", "Wang", "", clock.now())


# -- over a restart

def restarted(bypasses: Holds, at: Instant) -> tuple[Holds, tuple]:
    after = Holds(SITE.alarms, RULES)
    return after, after.restore(bypasses.standing(), at)


def later(at: Instant, line_s: float, wall_s: float, trusted: bool = True) -> Instant:
    return replace(at, line_ns=at.line_ns + round(line_s * 1e9), wall_ns=at.wall_ns + round(wall_s * 1e9),
                   trusted=trusted)


def test_a_bypass_survives_a_restart_and_still_ends_in_time(bypasses, clock):
    bypasses.begin("GD-01/H", "Li", "calibration", HOUR, "", clock.now())
    after, over = restarted(bypasses, later(clock.now(), 1800, 1800.5))
    assert over == () and after.standing() == bypasses.standing()
    assert len(after.expire(later(clock.now(), HOUR, HOUR))) == 1


@pytest.mark.parametrize("line_s, wall_s, trusted", [
    (1800, HOUR + 1, True), (HOUR, 1800, True), (1800, -1, True), (1800, 600, True), (600, 1800, True),
    (1800, 1800, False), (-5, 10, True)],
    ids=["over by the wall clock", "over by the time line", "the clock is before the beginning",
         "the clock was set back meanwhile", "the time line has lost time", "nobody knows the time",
         "the time line was lost"])
def test_in_doubt_after_a_restart_it_is_over(bypasses, clock, line_s, wall_s, trusted):
    bypasses.begin("GD-01/H", "Li", "calibration", HOUR, "", clock.now())
    after, over = restarted(bypasses, later(clock.now(), line_s, wall_s, trusted))
    assert [step.act for step in over] == [Act.EXPIRE] and after.standing() == ()


def test_a_bypass_begun_by_a_clock_nobody_trusted_does_not_survive_a_restart(bypasses, clock):
    clock.trust(False)
    bypasses.begin("GD-01/H", "Li", "calibration", HOUR, "", clock.now())
    clock.trust(True)
    assert len(restarted(bypasses, clock.advance(10))[1]) == 1


def test_a_stored_bypass_that_is_longer_than_allowed_or_of_nothing_we_have_is_over(clock):
    made = Holds(SITE.alarms, replace(RULES, longest_s=100 * HOUR))
    long = made.begin("GD-01/H", "Li", "calibration", 99 * HOUR, "", clock.now()).hold
    stranger = replace(long, target="GD-77/H", until_line_ns=long.begun_line_ns + 10**10,
                       until_wall_ns=long.begun_wall_ns + 10**10)
    after = Holds(SITE.alarms, RULES)
    assert {step.hold.target for step in after.restore((long, stranger), clock.now())} == {"GD-01/H", "GD-77/H"}
    assert after.standing() == ()

"""Who is on duty, over weeks, nights, holidays, stand-ins and changes to summer time."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest

from alerting.oncall.roster import Layer, Override, Roster
from gateway.model.text import Text

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
MONDAY = date(2026, 11, 2)
EIGHT, TWENTY = time(8), time(20)


def layer(*people, **more) -> Layer:
    return Layer(Text.same(more.pop("name", "layer")), people, more.pop("start", MONDAY), **more)


def roster(*layers, zone=SHANGHAI, **more) -> Roster:
    return Roster("site", Text.same("site"), zone, layers, **more)


def local(text: str, zone=SHANGHAI) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def on_duty(of: Roster, text: str) -> str | None:
    return of.on_duty(local(text, of.zone)).person


def test_people_take_turns_by_the_week_at_the_hour_of_the_hand_over():
    weekly = roster(layer("li", "wang", "zhao", begins=EIGHT, ends=EIGHT))
    assert on_duty(weekly, "2026-11-02 08:00") == "li" and on_duty(weekly, "2026-11-09 07:59") == "li"
    assert on_duty(weekly, "2026-11-09 08:00") == "wang" and on_duty(weekly, "2026-11-16 08:00") == "zhao"
    assert on_duty(weekly, "2026-11-23 08:00") == "li", "and again from the first"
    assert on_duty(weekly, "2026-11-02 07:59") is None, "nobody before it begins"


def test_day_and_night_shifts_meet_without_a_gap():
    two = roster(layer("day1", "day2", turn_days=1, begins=EIGHT, ends=TWENTY),
                 layer("night1", "night2", turn_days=1, begins=TWENTY, ends=EIGHT))
    assert [on_duty(two, f"2026-11-03 {hour}:00") for hour in ("00", "07", "08", "19", "20", "23")] == [
        "night1", "night1", "day2", "day2", "night2", "night2"]
    assert on_duty(two, "2026-11-04 03:00") == "night2", "a night belongs to the day on which it began"
    assert two.gaps(local("2026-11-03 00:00"), local("2026-12-03 00:00")) == ()


def test_a_later_layer_goes_before_an_earlier_one_where_it_covers():
    of = roster(layer("anybody"), layer("weekend", days=frozenset({5, 6})), layer(
        "holiday", holidays=True), holidays=frozenset({date(2026, 11, 7), date(2026, 11, 11)}))
    assert [on_duty(of, f"2026-11-{day:02} 12:00") for day in (6, 7, 8, 11, 12)] == [
        "anybody", "holiday", "weekend", "holiday", "anybody"]
    workdays = roster(layer("anybody", holidays=False), holidays=frozenset({date(2026, 11, 11)}))
    assert on_duty(workdays, "2026-11-11 12:00") is None and on_duty(workdays, "2026-11-12 12:00") == "anybody"


def test_who_stands_in_is_before_all_layers_and_the_newest_word_counts():
    of = roster(layer("li"), overrides=(
        Override("wang", local("2026-11-03 10:00"), local("2026-11-03 18:00"), "dentist"),
        Override("zhao", local("2026-11-03 12:00"), local("2026-11-03 14:00"))))
    assert [on_duty(of, f"2026-11-03 {hour}:00") for hour in ("09", "10", "12", "14", "18")] == [
        "li", "wang", "zhao", "wang", "li"]
    duty = of.on_duty(local("2026-11-03 10:30"))
    assert duty.until == local("2026-11-03 12:00")
    assert "2026-11-03 18:00 (dentist)" in duty.reason.en and "替班至 2026-11-03 18:00" in duty.reason.zh


def test_gaps_are_told_with_their_ends_and_neighbours_are_one():
    office = roster(layer("li", begins=EIGHT, ends=TWENTY, days=frozenset(range(5))))
    shifts = office.shifts(local("2026-11-06 12:00"), local("2026-11-09 12:00"))
    assert [(shift.person, shift.begins) for shift in shifts] == [
        ("li", local("2026-11-06 12:00")), (None, local("2026-11-06 20:00")), ("li", local("2026-11-09 08:00"))]
    gap, = office.gaps(local("2026-11-06 12:00"), local("2026-11-09 12:00"))
    assert (gap.begins, gap.ends) == (local("2026-11-06 20:00"), local("2026-11-09 08:00"))
    assert office.next_duty("li", local("2026-11-06 21:00")) == local("2026-11-09 08:00")
    assert office.next_duty("wang", local("2026-11-06 21:00")) is None


@pytest.mark.parametrize("day, hours", [("2026-03-29", 11), ("2026-10-25", 13)])
def test_a_night_shift_is_an_hour_shorter_or_longer_when_the_clock_is_changed(day, hours):
    night = roster(layer("owl", start=date(2026, 1, 1), begins=TWENTY, ends=EIGHT),
                   zone=BERLIN)
    evening = datetime.fromisoformat(f"{day} 20:00").replace(tzinfo=BERLIN) - timedelta(days=1)
    at, covered = evening.astimezone(UTC), timedelta()
    while night.on_duty(at).person == "owl":
        at, covered = at + timedelta(minutes=10), covered + timedelta(minutes=10)
    assert covered == timedelta(hours=hours)


def test_a_hand_over_in_the_hour_that_is_skipped_counts_from_the_old_time():
    of = roster(layer("a", "b", start=date(2026, 3, 28), turn_days=1, begins=time(2, 30), ends=time(2, 30)),
                zone=BERLIN)
    change = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert of.on_duty(change - timedelta(minutes=1)).person == "a"
    assert of.on_duty(change).person == "b"
    assert of.on_duty(change - timedelta(minutes=1)).until == change


def test_a_hand_over_in_the_hour_that_comes_twice_is_at_its_first():
    of = roster(layer("a", "b", start=date(2026, 10, 24), turn_days=1, begins=time(2, 30), ends=time(2, 30)),
                zone=BERLIN)
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    seen = [of.on_duty(first + timedelta(minutes=minutes)).person for minutes in (-1, 0, 40, 90)]
    assert seen == ["a", "b", "b", "b"], "nobody goes back to bed when the clock does"


@pytest.mark.parametrize("zone", [SHANGHAI, BERLIN, ZoneInfo("America/St_Johns")])
def test_between_two_changes_nobody_comes_or_goes(zone):
    of = roster(layer("a", "b", start=date(2026, 1, 1), turn_days=2, begins=time(2, 30), ends=time(7)),
                layer("c", start=date(2026, 1, 1), begins=TWENTY, ends=time(1), days=frozenset({0, 3, 6})), zone=zone,
                overrides=(Override("d", local("2026-03-29 02:40", zone), local("2026-03-29 23:11", zone)),))
    start = datetime(2026, 3, 27, tzinfo=UTC)
    changes = list(islice(of.changes(start), 60))
    assert changes == sorted(set(changes)) and changes[0] > start
    for begins, ends in pairwise(changes):
        inside = [begins + (ends - begins) * part / 7 for part in range(7)]
        assert len({of.on_duty(at).person for at in inside}) == 1, (begins, ends)
        assert all(of.on_duty(at).until == ends for at in inside)

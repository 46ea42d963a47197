"""Work keeps hours: what begins at others is said once, in words, and never as danger."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from gateway.core.bands import Bands
from gateway.core.calendar import Calendar
from gateway.core.starts import Starts
from gateway.model.alarm import Priority, Risk
from gateway.model.clock import NS, Instant
from gateway.model.frame import Frame
from gateway.model.learnt import Profile
from gateway.model.quality import Quality
from tests.core.plant import Plant, signal, site
from tests.laws.plain_profile import PlainBands, PlainStarts

QUARTER = 900
MONDAY = datetime(2026, 3, 2, tzinfo=ZoneInfo("Asia/Shanghai"))
SHANGHAI = site(signal("P", profile=Profile()))


class Works:
    """A load that is read each quarter of an hour; days and hours are those of the wall in Shanghai."""

    def __init__(self, plant: Plant | None = None):
        self.plant = plant or Plant(SHANGHAI)
        self.skew = round(MONDAY.timestamp()) * NS
        self.told: list[tuple[str, str, str]] = []

    def run(self, first: int, days: int, load, quality: Quality = Quality.GOOD, trusted: bool = True) -> Works:
        """`load(day, hour)` for these days since the first Monday."""
        for quarter in range(first * 96, (first + days) * 96):
            line = quarter * QUARTER * NS + NS
            day, hour = quarter // 96, quarter % 96 / 4
            at = Instant(line, line + self.skew, trusted)
            for edge in self.plant.bank.step(Frame.of([0], [float(load(day, hour))], at, quality)):
                when = datetime.fromtimestamp((line + round(MONDAY.timestamp()) * NS) / NS, MONDAY.tzinfo)
                self.told.append((self.plant.site.alarms[edge.alarm].id, "begins" if edge.active else "ends",
                                  when.strftime("%a %H:%M")))
                self.evidence = edge.evidence or self.evidence
        return self

    evidence = ()


def usual(day: int, hour: float) -> float:
    """Monday to Friday 8-12 and 13-18, never quite the same; 3 kW for light and heating."""
    works = day % 7 < 5 and (8 <= hour < 12 or 13 <= hour < 18)
    return (60 + 20 * np.sin(7 * hour + day) if works else 3) + 0.3 * np.sin(hour * 40 + day)


def with_night(first: float, last: float, on: int):
    return lambda day, hour: 70.0 if day == on and first <= hour < last else usual(day, hour)


@pytest.fixture
def works() -> Works:
    return Works().run(0, 28, usual)


def test_what_keeps_its_hours_is_not_reported(works):
    assert works.told == []
    assert works.run(28, 28, usual).told == []


def test_a_night_of_work_is_reported_within_half_an_hour_and_ends_when_it_was_idle(works):
    works.run(28, 2, with_night(1.5, 4, 29))
    assert works.told == [("P/profile", "begins", "Tue 02:00"), ("P/profile", "ends", "Tue 06:00")]


def test_work_on_a_sunday_at_an_hour_of_any_weekday_is_reported_when_sundays_are_known():
    works = Works().run(0, 84, usual)
    works.run(84, 7, with_night(10, 15, 90))
    assert [edge for edge in works.told if edge[1] == "begins"] == [("P/profile", "begins", "Sun 10:30")]


def test_after_a_morning_without_work_an_afternoon_of_work_is_unusual(works):
    """A holiday on a Wednesday: nobody has told the gateway."""
    holiday = 30
    works.run(28, 7, lambda day, hour: (70.0 if 15.5 <= hour < 17.5 else 3.0) if day == holiday else usual(day, hour))
    assert works.told[0] == ("P/profile", "begins", "Wed 16:00")


def test_holidays_and_missing_weeks_do_not_make_the_usual_unusual(works):
    works.run(28, 7, lambda day, hour: 3.0)  # a week of holidays
    works.run(35, 7, usual)
    works.run(56, 7, usual)  # and two weeks of which nothing is known
    assert works.told == []


def test_the_evidence_has_the_numbers_in_both_languages(works):
    works.run(28, 2, with_night(1.5, 4, 29))
    (line,) = works.evidence
    assert line.signal == "P"
    assert line.note.en.startswith("began to run on Tuesday between 01:00 and 02:00; learnt: 0.0 starts in ")
    assert "of this hour of the week, 0.0 in 2" in line.note.en
    assert line.note.zh.startswith("周二 01:00-02:00 开始运行；已学习：每周此时段共空载 ")


def test_a_habit_against_the_rules_stays_unusual_for_weeks(works):
    """Each night at half past one."""
    works.run(28, 28, lambda day, hour: 70.0 if 1.5 <= hour < 4 else usual(day, hour))
    assert sum(edge == "begins" for _, edge, _ in works.told) >= 14


def test_nothing_is_said_while_learning():
    assert Works().run(0, 14, with_night(1.5, 4, 9)).told == []


@pytest.mark.parametrize("quality", [Quality.UNCERTAIN, Quality.UNCERTAIN_STALE, Quality.BAD_SENSOR])
def test_what_is_not_good_is_neither_judged_nor_learnt(works, quality):
    before = works.plant.bank.learning.pictures(0)
    assert works.run(28, 3, lambda day, hour: 70.0, quality).told == []
    assert works.plant.bank.learning.pictures(0) == before


def test_a_load_that_runs_after_a_gap_did_not_begin_then(works):
    night = with_night(0, 4, 31)
    assert works.run(31, 1, night).told == []


def test_a_restart_forgets_nothing(works):
    again = Works(works.plant.after_restart())
    assert again.run(28, 2, with_night(1.5, 4, 29)).told[0] == ("P/profile", "begins", "Tue 02:00")


def test_a_clock_that_was_never_right_is_not_believed_and_one_set_right_is(works):
    """The Pi starts in 1970 and is not synchronised; later it is set. Hours are those of the last trusted clock."""
    right, works.skew = works.skew, 0
    works.run(28, 7, usual, trusted=False)
    works.skew = right
    works.run(35, 7, usual)
    assert works.told == []


def test_forgetting_begins_anew(works):
    works.plant.bank.learning.reset(np.array([0]), 0)
    assert works.run(28, 2, with_night(1.5, 4, 29)).told == []
    assert works.plant.bank.learning.lessons().progress[0] == pytest.approx(2 / 14, abs=0.01)


def test_what_was_learnt_can_be_looked_at(works):
    (picture,) = works.plant.bank.learning.pictures(0)
    idle, full = (figure.value for figure in picture.figures)
    assert 2 < idle < 6 and 60 < full < 90
    chance = picture.profiles[0].value
    assert len(chance) == 168 and chance[8] > 40 and chance[2] < 10 and picture.progress == 1.0


def test_it_is_never_above_yellow_nor_urgent():
    definition = SHANGHAI.alarms[0]
    assert (definition.priority, definition.risk, definition.group) == (Priority.P4, Risk.BLUE, "")
    for wrong in ({"risk": Risk.ORANGE}, {"risk": Risk.RED}, {"priority": Priority.P2}):
        with pytest.raises(ValueError, match="never above yellow"):
            Profile(**wrong)


def test_summer_time_moves_the_hours_with_the_people():
    """Berlin, 29 March 2026: the clock goes from 02:00 to 03:00."""
    calendar, own = Calendar(ZoneInfo("Europe/Berlin"), 1), np.array([0])
    before = round(datetime(2026, 3, 29, 0, 59, tzinfo=UTC).timestamp()) * NS
    assert calendar.hour(own, np.array([before])) == [6 * 24 + 1]
    assert calendar.hour(own, np.array([before + 60 * NS])) == [6 * 24 + 3]


@pytest.mark.parametrize("seed", range(3))
def test_the_kernels_agree_with_their_twins_over_months(seed):
    random = np.random.default_rng(seed)
    every, count, quarter = QUARTER * NS, 3, 0
    bands, starts = Bands(np.full(count, every)), Starts(np.full(count, every), np.full(count, 8 * every),
                                                         np.full(count, 0.3))
    plain = [(PlainBands(every), PlainStarts(every, 8 * every, 0.3)) for _ in range(count)]
    own = np.arange(count)
    for _ in range(6000):
        quarter += 1 if random.random() < 0.99 else int(random.integers(1, 12))
        load = np.array([usual(quarter // 96 + n, quarter % 96 / 4) for n in own]) * random.uniform(0.8, 1.2, count)
        load += 50 * (random.random(count) < 0.003)
        held, hour = random.random(count) < 0.05, np.full(count, quarter // 4 % 168)
        share = bands.step(own, load, held)
        height = starts.step(own, share, np.full(count, quarter * every), hour, held)
        mine = [one.share(float(x), bool(stop)) for (one, _), x, stop in zip(plain, load, held, strict=True)]
        theirs = [one.mean(part, quarter * every, int(hour[0]), bool(stop))
                  for (_, one), part, stop in zip(plain, mine, held, strict=True)]
        np.testing.assert_allclose(share, mine, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(height, theirs, rtol=1e-5, atol=1e-6)
        assert [one.idle for _, one in plain] == starts.idle(own).tolist()

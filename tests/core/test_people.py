"""Head-counts by the kind of shift, and cards that do not move."""

from __future__ import annotations

import pytest

from gateway.model.quality import Quality
from gateway.model.rules import Test
from gateway.model.signal import HeadCount, Still
from gateway.model.text import Text
from tests.core.plant import Plant, instant, signal, site

PRODUCTION, MAINTENANCE = 1.0, 2.0
FACE = HeadCount(8, "SHIFT", {PRODUCTION: 25, MAINTENANCE: 8}, ("VISITORS",), "FACES", Test.parse("HANDOVER == 1"),
                 7200.0)
NOT_GOOD = [q for q in Quality if q >= Quality.UNCERTAIN]


def face():
    kinds = {1: Text("production", "生产班"), 2: Text("maintenance", "检修班")}
    plant = Plant(site(signal("CARDS", headcount=FACE), signal("SHIFT", labels=kinds), signal("VISITORS"),
                       signal("FACES"), signal("HANDOVER")))
    plant.at(0, {"SHIFT": PRODUCTION, "VISITORS": 0, "HANDOVER": 0})
    return plant


def test_more_than_the_shift_allows_for_a_minute():
    plant = face()
    plant.at(1, {"CARDS": 24})
    assert plant.at(10, {"CARDS": 25}) == [] and plant.at(15, {"CARDS": 26}) == []
    assert plant.wait(80) == [("CARDS/full", "begins", 70), ("CARDS/headcount", "begins", 75)]
    assert plant.trace()[:2] == ["CARDS: 26 people count here, 25 are allowed", "SHIFT: kind of shift: production"]
    assert [edge.value for edge in plant.verdicts] == [25, 26], "the number of people, not by how many it is too many"
    assert plant.at(90, {"CARDS": 25}) == [("CARDS/headcount", "ends", 90)]
    assert plant.at(91, {"CARDS": 24}) == [("CARDS/full", "ends", 91)]


def test_people_who_pass_each_other_are_no_alarm():
    plant = face()
    plant.at(1, {"CARDS": 27})
    assert plant.at(50, {"CARDS": 24}) == [] and plant.wait(200) == []


def test_the_trace_reads_in_chinese():
    plant = face()
    plant.at(1, {"CARDS": 26, "VISITORS": 0})
    plant.wait(61)
    assert [line.note.zh for line in list(plant.verdicts)[-1].evidence] == [
        "计入 26 人，限 25 人", "班次类型：生产班", "不计入"]


def test_a_maintenance_shift_has_a_limit_of_its_own():
    plant = face()
    plant.at(1, {"CARDS": 12})
    plant.at(2, {"SHIFT": MAINTENANCE})
    assert ("CARDS/headcount", "begins", 62) in plant.wait(62)


@pytest.mark.parametrize(("kind", "quality"), [*((PRODUCTION, q) for q in NOT_GOOD), (7.0, Quality.GOOD)])
def test_of_an_unknown_kind_of_shift_the_strictest_limit_applies_and_says_so(kind, quality):
    plant = face()
    plant.at(1, {"CARDS": 12})
    plant.at(2, {"SHIFT": kind}, quality)
    assert ("CARDS/headcount", "begins", 62) in plant.wait(62)
    assert plant.trace()[:2] == ["CARDS: 12 people count here, 8 are allowed",
                                 "SHIFT: kind of shift not known: the strictest limit applies"]


def test_visitors_are_not_counted():
    plant = face()
    plant.at(1, {"CARDS": 28, "VISITORS": 4})
    assert plant.wait(100) == []
    plant.at(101, {"VISITORS": 2})
    assert ("CARDS/headcount", "begins", 161) in plant.wait(170)
    assert plant.trace()[-1] == "VISITORS: not counted in"


@pytest.mark.parametrize("quality", NOT_GOOD)
def test_an_exemption_that_is_not_good_exempts_nobody(quality):
    plant = face()
    plant.at(1, {"CARDS": 28, "VISITORS": 4})
    plant.at(2, {"VISITORS": 4}, quality)
    assert ("CARDS/headcount", "begins", 62) in plant.wait(70)
    assert plant.trace()[-1] == "VISITORS: no good data: nobody is exempt"


@pytest.mark.parametrize("quality", NOT_GOOD)
def test_a_count_that_is_not_good_ends_nothing(quality):
    plant = face()
    plant.at(1, {"CARDS": 30})
    plant.wait(61)
    assert plant.at(70, {"CARDS": 0}, quality) == []
    assert plant.at(71, {"CARDS": 10}) == [("CARDS/headcount", "ends", 71), ("CARDS/full", "ends", 71)]


def test_a_hand_over_holds_it_back_for_two_hours_at_most():
    plant = face()
    plant.at(1, {"HANDOVER": 1, "CARDS": 40})
    assert plant.wait(5000) == []
    assert plant.at(7100, {"CARDS": 40}) == []
    plant.at(7202, {"CARDS": 40})
    assert ("CARDS/headcount", "begins", 7262) in plant.wait(7300)


def test_a_hand_over_whose_signal_flickers_is_not_longer():
    plant = face()
    plant.at(1, {"HANDOVER": 1, "CARDS": 40})
    plant.at(4000, {"HANDOVER": 1}, Quality.BAD_COMM_LOST)
    plant.at(4010, {"HANDOVER": 1})
    plant.at(7202, {"CARDS": 40})
    assert ("CARDS/headcount", "begins", 7262) in plant.wait(7300)


def test_a_standing_alarm_does_not_end_with_the_hand_over():
    plant = face()
    plant.at(1, {"CARDS": 40})
    plant.wait(61)
    assert plant.at(70, {"HANDOVER": 1}) == []


def test_cards_and_faces_that_differ():
    plant = face()
    plant.at(1, {"CARDS": 10, "FACES": 10})
    plant.at(2, {"FACES": 11})
    assert plant.wait(62) == [("CARDS/mismatch", "begins", 62)]
    assert plant.trace() == ["CARDS: 10 cards, 11 people seen", "FACES: compared with"]
    assert plant.at(63, {"FACES": 10}, Quality.UNCERTAIN) == []
    assert plant.at(64, {"FACES": 10}) == [("CARDS/mismatch", "ends", 64)]


def test_a_restart_keeps_the_hand_over_and_its_time():
    plant = face()
    plant.at(1, {"HANDOVER": 1, "CARDS": 40})
    plant = plant.after_restart()
    plant.bank.begin(instant(100))
    assert plant.at(7100, {"CARDS": 40}) == []
    plant.at(7202, {"CARDS": 40})
    assert ("CARDS/headcount", "begins", 7262) in plant.wait(7300)


CARD = Still(600.0, by=1.0, only_while=Test.parse("IN == 1"))


def card():
    return Plant(site(signal("CARD", still=CARD), signal("IN", deadman_s=4000.0)))


def walk(plant, seconds, places):
    return [edge for second, place in zip(seconds, places, strict=True) for edge in plant.at(second, {"CARD": place})]


def test_a_card_that_does_not_move_for_ten_minutes():
    plant = card()
    plant.at(0, {"IN": 1, "CARD": 50.0})
    assert walk(plant, range(100, 600, 100), [50.5, 49.5, 50.0, 50.9, 50.0]) == []
    assert plant.at(600, {"CARD": 50.2}) == [("CARD/still", "begins", 600)]
    assert plant.trace() == ["CARD: has not moved by more than 1 u for 10 min",
                             "IN: counts only while IN == 1, and so it is"]
    assert plant.at(700, {"CARD": 50.0}) == []
    assert plant.at(800, {"CARD": 52.0}) == [("CARD/still", "ends", 800)]


def test_each_move_starts_the_time_anew():
    plant = card()
    plant.at(0, {"IN": 1, "CARD": 50.0})
    assert walk(plant, (300, 600, 890), (60.0, 60.0, 60.0)) == []
    assert plant.at(900, {"CARD": 60.0}) == [("CARD/still", "begins", 900)]


def test_a_card_that_was_handed_in_lies_where_it_lies():
    plant = card()
    plant.at(0, {"IN": 1, "CARD": 50.0})
    plant.at(500, {"IN": 0})
    assert walk(plant, (600, 1000, 1400), (50.0, 50.0, 50.0)) == []


def test_handing_in_ends_it_and_the_time_starts_anew_with_the_next_shift():
    plant = card()
    plant.at(0, {"IN": 1, "CARD": 50.0})
    plant.at(300, {"IN": 1, "CARD": 50.0})
    plant.at(600, {"IN": 1, "CARD": 50.0})
    assert plant.standing() == {"CARD/still"}
    assert plant.at(650, {"IN": 0}) == [("CARD/still", "ends", 650)]
    plant.at(700, {"IN": 1, "CARD": 50.0})
    assert walk(plant, (1000, 1299), (50.0, 50.0)) == []
    assert plant.at(1300, {"CARD": 50.0}) == [("CARD/still", "begins", 1300)]


@pytest.mark.parametrize("quality", NOT_GOOD)
def test_while_it_is_not_known_whether_somebody_is_there_it_counts(quality):
    plant = card()
    plant.at(0, {"IN": 0}, quality)
    assert walk(plant, (0, 300), (50.0, 50.0)) == []
    assert plant.at(600, {"CARD": 50.0}) == [("CARD/still", "begins", 600)]


def test_a_silent_card_is_no_still_one():
    plant = card()
    plant.at(0, {"IN": 1, "CARD": 50.0})
    assert plant.at(3000, {"CARD": 50.0}) == [], "nobody knows where it was meanwhile"
    assert plant.at(3300, {"CARD": 50.0}) == []
    assert plant.at(3600, {"CARD": 50.0}) == [("CARD/still", "begins", 3600)]


@pytest.mark.parametrize("quality", NOT_GOOD)
def test_only_a_good_move_ends_it(quality):
    plant = Plant(site(signal("CARD", still=Still(600.0))))
    walk(plant, (0, 300, 600), (7.0, 7.0, 7.0))
    assert plant.standing() == {"CARD/still"}
    assert plant.at(700, {"CARD": 9.0}, quality) == []
    assert plant.at(800, {"CARD": 8.0}) == [("CARD/still", "ends", 800)]

"""An instrument that says how it is: fault, inhibit, calibration, over range, and a status that is lost."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.core import Zone
from gateway.core.instruments import Service
from gateway.model.alarm import Priority
from gateway.model.frame import Frame
from gateway.model.quality import Quality, code
from gateway.model.signal import StatusLink
from gateway.model.text import Text
from tests.core.plant import Plant, gas, instant, limit, signal, site

GD = StatusLink("GD.status", normal=(0, 1, 2), fault=(3,), out_of_service=(4, 5, 6), over_range=(7,))
LABELS = {4: Text("inhibited", "屏蔽"), 6: Text("calibration", "标定")}


def head(**settings):
    return gas("GD", limit("HH", 40.0), limit("H", 20.0, deadband=2.0), **{"status": GD} | settings)


def word(**settings):
    return signal("GD.status", labels=LABELS, **settings)


def working(*others, **settings) -> Plant:
    plant = Plant(site(head(**settings), word(), *others))
    assert plant.at(1, {"GD": 0, "GD.status": 0}) == []
    return plant


def quality(plant: Plant) -> Quality:
    return code(int(plant.bank.latest.quality[plant.site.signals.index("GD")]))


def alarms(told) -> list[str]:
    return [alarm if what == "begins" else f"{alarm} ends" for alarm, what, _ in told]


class TestFault:
    def test_a_channel_in_fault_that_reads_a_good_zero_does_not_read_as_normal(self):
        plant = working()
        assert plant.at(2, {"GD": 0, "GD.status": 3}) == [("GD/invalid", "begins", 2), ("tank_farm/blind", "begins", 2)]
        assert quality(plant) is Quality.BAD_SENSOR
        assert plant.bank.zones == (Zone("tank_farm/blind", 1, 0),)
        assert plant.at(3, {"GD": 0, "GD.status": 0}) == [("GD/invalid", "ends", 3), ("tank_farm/blind", "ends", 3)]
        assert quality(plant) is Quality.GOOD

    def test_a_fault_ends_no_limit_and_begins_none(self):
        plant = working()
        plant.at(2, {"GD": 30, "GD.status": 1})
        assert "GD/H" in plant.standing()
        plant.at(3, {"GD": 0, "GD.status": 3})
        assert "GD/H" in plant.standing()
        assert alarms(plant.at(4, {"GD": 3276.7, "GD.status": 3})) == [], "what a failed head reads is no evidence"
        assert "GD/H ends" in alarms(plant.at(5, {"GD": 0, "GD.status": 0}))

    @pytest.mark.parametrize("source", [Quality.BAD_COMM_LOST, Quality.UNCERTAIN_STALE])
    def test_the_instrument_s_word_counts_also_when_its_reading_is_not_good(self, source):
        plant = working()
        plant.at(2, {"GD.status": 3})
        plant.at(3, {"GD": 0}, source)
        assert quality(plant) is Quality.BAD_SENSOR

    def test_it_does_not_wait_for_a_reading(self):
        plant = working()
        assert plant.at(2, {"GD.status": 3}) == [("GD/invalid", "begins", 2), ("tank_farm/blind", "begins", 2)]
        assert quality(plant) is Quality.BAD_SENSOR
        assert plant.at(3, {"GD.status": 0}) == [], "the end needs a good reading"
        assert alarms(plant.at(4, {"GD": 0})) == ["GD/invalid ends", "tank_farm/blind ends"]

    def test_the_alarm_says_what_the_instrument_says(self):
        plant = working(area="pump_house")
        plant.at(2, {"GD.status": 3})
        edge = next(iter(plant.verdicts))
        (line,) = edge.evidence
        assert (line.signal, line.value, line.wall_ns) == ("GD.status", 3.0, instant(2).wall_ns)
        assert line.note == Text("status 3: the instrument calls itself failed", "状态 3：仪表自报故障")


class TestOutOfService:
    @pytest.mark.parametrize("status", [4, 5, 6])
    def test_it_is_announced_at_once_and_its_zone_counts_it_out(self, status):
        plant = working()
        assert plant.at(2, {"GD": 0, "GD.status": status}) == [("GD/inhibit", "begins", 2),
                                                               ("tank_farm/blind", "begins", 2)]
        assert quality(plant) is Quality.UNCERTAIN_SENSOR
        assert plant.at(3, {"GD": 0, "GD.status": 0}) == [("GD/inhibit", "ends", 3), ("tank_farm/blind", "ends", 3)]

    def test_a_zone_with_another_detector_is_not_blind(self):
        plant = working(gas("GD-02"))
        plant.at(1, {"GD-02": 0})
        assert alarms(plant.at(2, {"GD": 0, "GD.status": 4, "GD-02": 0})) == ["GD/inhibit"]
        assert plant.bank.zones == (Zone("tank_farm/blind", 2, 1),)

    def test_calibration_gas_raises_no_limit(self):
        plant = working()
        told = [edge for second, value in ((2, 0), (3, 25), (4, 50), (5, 50), (6, 10), (7, 0))
                for edge in plant.at(second, {"GD": value, "GD.status": 6})]
        assert alarms(told) == ["GD/inhibit", "tank_farm/blind"]
        (line,) = next(iter(plant.verdicts)).evidence
        assert line.note == Text("calibration: the instrument is out of service", "标定：仪表已退出工作")

    def test_also_beyond_the_range(self):
        plant = working()
        plant.at(2, {"GD": 50, "GD.status": 6})
        plant.at(3, {"GD": 120, "GD.status": 6})
        assert not {"GD/H", "GD/HH"} & plant.standing()

    def test_gas_that_is_still_there_afterwards_is_an_alarm_at_once(self):
        plant = working()
        plant.at(2, {"GD": 50, "GD.status": 6})
        assert {"GD/HH", "GD/H"} <= set(alarms(plant.at(3, {"GD": 50, "GD.status": 0})))

    def test_what_stood_before_stays(self):
        plant = working()
        plant.at(2, {"GD": 30, "GD.status": 1})
        plant.at(3, {"GD": 0, "GD.status": 4})
        assert {"GD/H", "GD/inhibit"} <= plant.standing()
        assert "GD/H ends" in alarms(plant.at(4, {"GD": 0, "GD.status": 0}))

    def test_an_on_delay_that_runs_goes_on(self):
        plant = Plant(site(gas("GD", limit("H", 20.0, on_delay_s=3.0), status=GD), word()))
        plant.at(1, {"GD": 30, "GD.status": 0})
        plant.at(2, {"GD": 0, "GD.status": 4})
        assert plant.wait(5) == [("GD/H", "begins", 4)], "before the inhibit it was gas"

    def test_the_deadman_does_not_call_it_dead_as_well(self):
        plant = working()
        for second in range(2, 20):
            plant.at(second, {"GD": 0, "GD.status": 6})
        assert "GD/deadman" not in plant.standing()
        assert ("GD/deadman", "begins", 24) in plant.wait(30), "but when it falls silent, it is"

    def test_it_does_not_end_a_silence_either(self):
        plant = working()
        plant.wait(10)
        plant.at(11, {"GD": 0, "GD.status": 6})
        assert {"GD/deadman", "GD/inhibit"} <= plant.standing()

    def test_a_lost_status_holds_nothing_back(self):
        plant = working()
        plant.at(2, {"GD": 0, "GD.status": 6})
        assert plant.at(6, {"GD": 50}) == [], "one lost status is nothing: it holds for the deadman"
        assert set(alarms(plant.at(7, {"GD": 50}))) == {"GD/HH", "GD/H"}
        assert "GD/inhibit" in plant.standing(), "nothing good has ended it"

    def test_a_stale_word_neither_holds_back_nor_frees(self):
        plant = working()
        plant.at(2, {"GD.status": 6}, Quality.UNCERTAIN_STALE)
        assert "GD/H" in alarms(plant.at(3, {"GD": 30})), "a retained calibration is no calibration"
        assert quality(plant) is Quality.UNCERTAIN
        plant.at(4, {"GD": 0, "GD.status": 0})
        plant.at(5, {"GD.status": 0}, Quality.UNCERTAIN_STALE)
        plant.at(5, {"GD": 0})
        assert quality(plant) is Quality.GOOD, "it says what is known already"

    def test_how_urgent_it_is_and_what_to_do(self):
        alarm = site(head(fault_priority=Priority.P2), word()).alarms.get("GD/inhibit")
        assert alarm.name == Text("GD tank_farm: GD out of service", "tank_farmGD：GD已退出工作")
        assert alarm.priority is Priority.P2
        assert "portable" in alarm.guidance.en and "便携式" in alarm.guidance.zh


class TestOverRange:
    @pytest.mark.parametrize("reading", [100.0, 0.0, float("nan")])
    def test_over_range_is_danger_whatever_the_number_says(self, reading):
        plant = working()
        given = Quality.BAD_SENSOR if reading != reading else Quality.GOOD
        plant.at(2, {"GD.status": 7})
        plant.at(2, {"GD": reading}, given)
        assert plant.standing() == {"GD/HH", "GD/H", "GD/over-range", "GD/invalid", "tank_farm/blind"}
        assert quality(plant) is Quality.BAD_RANGE
        assert plant.bank.latest.value[0] == 100.0, "at least the top of the range"

    def test_without_a_known_top_it_still_reaches_every_limit(self):
        plant = working(high=None)
        assert {"GD/HH", "GD/H"} <= set(alarms(plant.at(2, {"GD": 0, "GD.status": 7})))

    def test_of_anything_else_it_is_only_not_valid(self):
        pressure = signal("P", limit("H", 1.0), low=0.0, high=1.6, status=replace(GD, signal="P.status"))
        plant = Plant(site(pressure, signal("P.status")))
        assert alarms(plant.at(1, {"P": 0.5, "P.status": 7})) == ["P/invalid"]


class TestUnlisted:
    def test_a_number_nobody_explained_is_announced_and_holds_no_limit_back(self):
        """A site that forgot to list "level 2" must not lose its alarm when level 2 comes."""
        plant = working()
        told = alarms(plant.at(2, {"GD": 45, "GD.status": 12}))
        assert set(told) == {"GD/invalid", "tank_farm/blind", "GD/HH", "GD/H"}
        assert quality(plant) is Quality.UNCERTAIN
        plant.at(3, {"GD": 0, "GD.status": 12})
        assert "GD/H" in plant.standing(), "but it ends none"

    def test_a_number_between_two_others_is_none_of_them(self):
        plant = working()
        assert "GD/invalid" in alarms(plant.at(2, {"GD": 0, "GD.status": 4.5}))


class TestUnknown:
    def test_before_its_first_status_a_reading_is_uncertain(self):
        plant = Plant(site(head(), word()))
        assert alarms(plant.at(1, {"GD": 30})) == ["GD/H"], "it may raise"
        assert quality(plant) is Quality.UNCERTAIN
        told = plant.wait(5)
        assert ("GD/deadman", "begins", 5) in told, "but it is not heard"
        evidence = next(edge for edge in plant.verdicts if plant.site.alarms[edge.alarm].id == "GD/deadman").evidence
        assert [line.note.en for line in evidence] == ["no good status: the reading is uncertain"]
        assert "GD/H ends" in alarms(plant.at(6, {"GD": 0, "GD.status": 0}))

    def test_it_is_believed_as_long_as_its_own_deadman_says(self):
        plant = Plant(site(head(), word(deadman_s=60.0)))
        plant.at(1, {"GD": 0, "GD.status": 0})
        for second in range(2, 61):
            plant.at(second, {"GD": 0})
            assert quality(plant) is Quality.GOOD
        plant.at(61, {"GD": 0})
        assert quality(plant) is Quality.UNCERTAIN

    def test_a_status_that_can_not_be_read_is_believed_that_long_too(self):
        plant = working()
        for second in range(2, 6):
            plant.at(second, {"GD.status": float("nan")}, Quality.BAD_DEVICE)
            plant.at(second, {"GD": 0})
            assert quality(plant) is Quality.GOOD
        plant.at(6, {"GD.status": float("nan")}, Quality.BAD_DEVICE)
        plant.at(6, {"GD": 0})
        assert quality(plant) is Quality.UNCERTAIN


class TestOrder:
    """Status and reading come in any order and any frame; time decides."""

    def test_a_reading_is_judged_by_the_status_of_its_own_time(self):
        plant = working()
        rows = [("GD", 50, 2.0), ("GD.status", 6, 2.5), ("GD", 50, 3.0), ("GD.status", 0, 3.5), ("GD", 0, 4.0)]
        index = {name: plant.site.signals.index(name) for name in ("GD", "GD.status")}
        frame = Frame.concat([Frame.of(index[name], value, instant(second)) for name, value, second in rows])
        told = plant._told(plant.bank.step(frame))
        assert told == [("GD/HH", "begins", 2), ("GD/H", "begins", 2), ("GD/inhibit", "begins", 2.5),
                        ("tank_farm/blind", "begins", 2.5), ("GD/HH", "ends", 4), ("GD/H", "ends", 4),
                        ("GD/inhibit", "ends", 4), ("tank_farm/blind", "ends", 4)]

    def test_within_one_instant_the_status_comes_first(self):
        for names in (("GD", "GD.status"), ("GD.status", "GD")):
            plant = working()
            assert "GD/HH" not in alarms(plant.at(2, {name: {"GD": 50, "GD.status": 6}[name] for name in names}))

    def test_a_status_that_comes_late_is_not_taken(self):
        plant = working()
        plant.at(3, {"GD": 0, "GD.status": 0})
        assert plant.at(2, {"GD.status": 3}) == []

    def test_one_status_may_speak_for_several_readings(self):
        second = gas("H2S", status=replace(GD, fault=(), out_of_service=(3,)))
        plant = Plant(site(head(), word(), second))
        plant.at(1, {"GD": 0, "GD.status": 0, "H2S": 0})
        assert set(alarms(plant.at(2, {"GD.status": 3}))) == {"GD/invalid", "H2S/inhibit", "tank_farm/blind"}

    def test_nothing_is_forgotten_over_a_restart(self):
        plant = working()
        plant.at(2, {"GD": 0, "GD.status": 6})
        plant = plant.after_restart()
        assert plant.at(3, {"GD": 50}) == []
        assert plant.bank._instruments._service[0] == Service.OUT_OF_SERVICE
        changed = plant.after_restart(site(head(status=replace(GD, out_of_service=(4, 5), fault=(3, 6))), word()))
        assert alarms(changed.at(4, {"GD": 0})) == ["GD/invalid"], "the number is kept, what it means is the site's"


    def test_an_alarm_that_stood_in_lost_state_ends_on_the_first_good_reading(self):
        plant = Plant(site(head(), word()))
        plant.bank.adopt(["GD/inhibit"])
        plant.at(1, {"GD": 0})
        assert plant.standing() == {"GD/inhibit"}, "its status is not known yet"
        assert alarms(plant.at(2, {"GD": 0, "GD.status": 0})) == ["GD/inhibit ends"]


def take(*_):
    raise ZeroDivisionError("division by zero")


def test_when_it_fails_the_readings_are_judged_all_the_same(monkeypatch):
    plant = working()
    for name in ("cut", "take"):
        monkeypatch.setattr(plant.bank._instruments, name, take)
    assert {"GD/H", "GD/HH"} == set(alarms(plant.at(2, {"GD": 50, "GD.status": 2})))
    assert [failure.detector for failure in plant.bank.failures] == ["status"]

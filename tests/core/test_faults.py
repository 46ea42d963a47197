"""Sensor faults: silence, a frozen reading, a reading that can not be, a zone without eyes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gateway.core import Zone
from gateway.model.frame import Frame
from gateway.model.quality import Quality
from gateway.model.rules import ResponseTest, Test
from gateway.model.text import Text
from tests.core.plant import Plant, gas, instant, limit, signal, site


class TestDeadman:
    def test_it_runs_from_the_start_and_from_each_good_sample(self):
        plant = Plant(site(signal("A", deadman_s=5.0), signal("B", deadman_s=5.0)))
        plant.at(3, {"A": 1})
        assert plant.bank.next_deadline_ns == 5_000_000_000
        assert plant.wait(5) == [("B/deadman", "begins", 5)]
        assert plant.wait(30) == [("A/deadman", "begins", 8)]
        assert plant.at(31, {"A": 1}) == [("A/deadman", "ends", 31)]

    @pytest.mark.parametrize("quality", [q for q in Quality if q is not Quality.GOOD])
    def test_traffic_is_not_success(self, quality):
        plant = Plant(site(signal("A", deadman_s=5.0)))
        edges = [edge for n in range(10) for edge in plant.at(n, {"A": 1}, quality)]
        assert edges == [("A/deadman", "begins", 5)]

    def test_a_silence_between_two_samples_is_told_with_both_its_ends(self):
        plant = Plant(site(signal("A", deadman_s=5.0)))
        plant.at(1, {"A": 1})
        assert plant.at(100, {"A": 1}) == [("A/deadman", "begins", 6), ("A/deadman", "ends", 100)]

    def test_a_sample_from_before_the_restart_does_not_shorten_it(self):
        plant = Plant(site(signal("A", deadman_s=5.0)))
        plant.bank.begin(instant(3))
        plant.at(1, {"A": 1})  # was in the queue
        assert plant.wait(7.9) == []
        assert plant.wait(8) == [("A/deadman", "begins", 8)]

    def test_a_signal_without_deadman_waits_for_ever(self):
        plant = Plant(site(signal("A", limit("H", 1.0))))
        assert plant.wait(1e6) == []
        assert plant.bank.next_deadline_ns is None

    def test_a_restart_of_the_gateway_is_not_the_sensor_s_fault(self):
        plant = Plant(site(signal("A", deadman_s=5.0)))
        plant.at(1, {"A": 1})
        plant = plant.after_restart()
        assert plant.bank.next_deadline_ns == 6_000_000_000, "known right after restore"
        plant.bank.begin(instant(3600))
        assert plant.wait(3604) == []
        assert plant.wait(3605) == [("A/deadman", "begins", 3605)]


class TestStuck:
    def test_frozen_after_motion(self):
        plant = Plant(site(signal("A", stuck_reads=4)))
        values = [1.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.5]
        edges = [edge for n, value in enumerate(values) for edge in plant.at(n, {"A": value})]
        assert edges == [("A/stuck", "begins", 4), ("A/stuck", "ends", 6)]

    def test_never_moved_is_not_stuck(self):
        plant = Plant(site(signal("A", stuck_reads=4)))
        assert [edge for n in range(50) for edge in plant.at(n, {"A": 7.0})] == []

    def test_never_moved_is_stuck_where_its_peers_move(self):
        plant = Plant(site(*(signal(name, stuck_reads=4) for name in "ABC")))
        edges = [edge for n in range(6) for edge in plant.at(n, {"A": 7.0, "B": 7.0, "C": n})]
        assert edges == [], "one peer is no proof"
        assert plant.at(6, {"A": 7.0, "B": 7.5, "C": 6}) == [], "what peers do now is known at its next read"
        assert plant.at(7, {"A": 7.0, "B": 7.5, "C": 7}) == [("A/stuck", "begins", 7)]
        assert plant.after_restart().at(8, {"A": 7.1}) == [("A/stuck", "ends", 8)]

    def test_a_peer_of_another_kind_or_place_says_nothing(self):
        others = (signal("B", kind="flow", stuck_reads=4), signal("C", area="pump_house", stuck_reads=4))
        plant = Plant(site(signal("A", stuck_reads=4), *others))
        assert [edge for n in range(20) for edge in plant.at(n, {"A": 7.0, "B": n, "C": n})] == []

    def test_a_gas_head_clamped_at_zero_is_not_stuck_whatever_its_peers_do(self):
        heads = (gas(name, stuck_reads=3, deadman_s=None) for name in ("G1", "G2", "G3"))
        plant = Plant(site(*heads))
        assert [edge for n in range(20) for edge in plant.at(n, {"G1": 0.0, "G2": n % 2, "G3": n % 3})] == []

    def test_only_good_reads_count_and_others_do_not_reset(self):
        plant = Plant(site(signal("A", stuck_reads=3)))
        for n, value in enumerate([1.0, 2.0, 2.0]):
            plant.at(n, {"A": value})
        for n in range(3, 20):
            assert plant.at(n, {"A": 2.0}, Quality.UNCERTAIN_STALE) == []
            assert plant.at(n + 0.5, {"A": 9.0}, Quality.BAD_COMM_LOST) == []
        assert plant.at(30, {"A": 2.0}) == [("A/stuck", "begins", 30)]

    def test_a_gas_head_clamped_at_zero_is_not_stuck(self):
        plant = Plant(site(gas("GD", stuck_reads=3, deadman_s=None)))
        values = [1.0, 2.0] + [0.0] * 50
        assert [edge for n, value in enumerate(values) for edge in plant.at(n, {"GD": value})] == []


class TestValidity:
    def test_a_reading_outside_its_range_is_not_used(self):
        plant = Plant(site(signal("L", limit("H", 10.0), low=0.0, high=12.0)))
        assert plant.at(1, {"L": 13.0}) == [("L/invalid", "begins", 1)]
        assert plant.bank.latest.quality[0] == Quality.BAD_RANGE
        assert plant.at(2, {"L": 5.0}) == [("L/invalid", "ends", 2)]

    def test_a_reading_that_hugs_the_end_of_its_range_is_no_fault(self):
        plant = Plant(site(signal("L", low=0.0, high=12.0)))
        assert plant.at(1, {"L": -0.1}) == []
        assert plant.at(2, {"L": -0.2}) == [("L/invalid", "begins", 2)]
        assert plant.at(3, {"L": -0.1}) == [], "valid again only inside the range"
        assert plant.at(4, {"L": 0.0}) == [("L/invalid", "ends", 4)]

    @pytest.mark.parametrize(("current", "fault"), [(0.0, True), (3.5, True), (3.7, False), (4.0, False), (20.4, False),
                                                    (20.9, False), (21.1, True), (22.0, True)])
    def test_namur_ne_43(self, current, fault):
        plant = Plant(site(signal("L", low=0.0, high=12.0, loop_ma=True)))
        edges = plant.at(1, {"L": (current - 4) / 16 * 12})
        assert edges == ([("L/invalid", "begins", 1)] if fault else [])
        assert plant.bank.latest.quality[0] == (Quality.BAD_SENSOR if fault else Quality.GOOD)

    @pytest.mark.parametrize("current", [3.7, 20.9])
    def test_between_valid_and_fault_a_loop_stays_what_it_was(self, current):
        plant = Plant(site(signal("L", low=0.0, high=12.0, loop_ma=True)))
        value = (current - 4) / 16 * 12
        plant.at(1, {"L": -3.0})
        assert plant.at(2, {"L": value}) == []
        assert plant.at(3, {"L": 5.0}) == [("L/invalid", "ends", 3)]
        assert plant.at(4, {"L": value}) == []

    def test_negative_drift_of_a_gas_head(self):
        plant = Plant(site(gas("GD"), gas("GD-02")))
        assert plant.at(1, {"GD": -4.9, "GD-02": 0}) == []
        assert plant.at(2, {"GD": -5.1, "GD-02": 0}) == [("GD/invalid", "begins", 2)]

    @pytest.mark.parametrize("quality", [Quality.BAD_SENSOR, Quality.BAD_RANGE, Quality.BAD_DEVICE])
    def test_what_the_source_calls_a_fault_is_one(self, quality):
        plant = Plant(site(signal("L", low=0.0, high=12.0)))
        assert plant.at(1, {"L": float("nan")}, quality) == [("L/invalid", "begins", 1)]
        assert plant.at(2, {"L": 5.0}, Quality.UNCERTAIN) == []
        assert plant.at(3, {"L": 5.0}) == [("L/invalid", "ends", 3)]

    def test_lost_communication_is_the_deadman_s_matter(self):
        plant = Plant(site(signal("L", low=0.0, high=12.0)))
        assert plant.at(1, {"L": float("nan")}, Quality.BAD_COMM_LOST) == []

    def test_a_good_value_that_is_no_number_is_not_believed(self):
        plant = Plant(site(signal("L", limit("H", 1.0))))
        for n, value in enumerate([np.nan, np.inf, -np.inf]):
            frame = Frame.from_columns(np.zeros(1, np.int32), np.array([value]), np.zeros(1, np.uint16),
                                       np.array([n]), np.array([n]))
            assert not len(plant.bank.step(frame))
            assert plant.bank.latest.quality[0] == Quality.BAD_PAYLOAD


class TestBlind:
    def zone(self):
        return Plant(site(gas("GD-01"), gas("GD-02"), gas("GD-03", area="pump_house", deadman_s=None)))

    def test_a_zone_is_blind_when_its_last_detector_is_gone(self):
        plant = self.zone()
        plant.at(1, {"GD-01": 0, "GD-02": 0, "GD-03": 0})
        assert plant.bank.zones == (Zone("tank_farm/blind", 2, 2), Zone("pump_house/blind", 1, 1))
        assert plant.at(4, {"GD-01": -20}) == [("GD-01/invalid", "begins", 4)]
        assert plant.wait(6) == [("GD-01/deadman", "begins", 6), ("GD-02/deadman", "begins", 6),
                                 ("tank_farm/blind", "begins", 6)]
        assert plant.bank.zones[0] == Zone("tank_farm/blind", 2, 0)
        assert plant.at(9, {"GD-02": 0}) == [("GD-02/deadman", "ends", 9), ("tank_farm/blind", "ends", 9)]

    def test_a_detector_without_deadman_keeps_its_zone_alive_for_a_minute_at_most(self):
        plant = self.zone()
        plant.at(1, {"GD-03": 0})
        assert ("pump_house/blind", "begins", 61) in plant.wait(100)

    def test_a_detector_of_another_gas_is_no_substitute(self):
        plant = Plant(site(gas("GD-01", kind="combustible_gas"), gas("O2-01", kind="oxygen")))
        plant.at(1, {"GD-01": 0, "O2-01": 20.9})
        plant.at(5, {"O2-01": 20.9})
        assert plant.at(6, {"O2-01": 20.9}) == [("GD-01/deadman", "begins", 6),
                                                ("tank_farm/blind-combustible_gas", "begins", 6)]
        assert plant.bank.zones == (Zone("tank_farm/blind-combustible_gas", 1, 0), Zone("tank_farm/blind-oxygen", 1, 1))
        assert plant.at(7, {"GD-01": 0}) == [("GD-01/deadman", "ends", 7),
                                             ("tank_farm/blind-combustible_gas", "ends", 7)]

    def test_one_kind_of_gas_needs_no_name_in_the_id_of_the_alarm_but_in_its_title(self):
        depot = replace(site(gas("GD-01", kind="oxygen")), kinds={"oxygen": Text("oxygen", "氧气")})
        alarm = depot.alarms.get("tank_farm/blind")
        assert alarm is not None and "no detector of oxygen" in alarm.name.en and "氧气检测失效" in alarm.name.zh

    def test_a_zone_whose_last_detector_is_taken_out_of_the_site_file_is_blind_after_the_restart(self):
        plant = self.zone()
        plant.at(1, {"GD-02": 0})
        plant.at(6, {"GD-02": 0})
        assert "GD-01/deadman" in plant.standing() and "tank_farm/blind" not in plant.standing()
        again = plant.after_restart(site(gas("GD-01"), gas("GD-03", area="pump_house", deadman_s=None)))
        assert ("tank_farm/blind", "begins", 7) in again.wait(7)

    def test_an_oxygen_head_that_is_added_does_not_hide_that_the_area_was_blind(self):
        plant = Plant(site(gas("GD-01")))
        assert ("tank_farm/blind", "begins", 5) in plant.wait(5)
        again = plant.after_restart(site(gas("GD-01"), gas("O2-01", kind="oxygen")))
        assert ("tank_farm/blind-any", "begins", 6) in again.wait(6)

    def test_nothing_heard_since_the_start(self):
        plant = self.zone()
        assert plant.bank.zones[0].working == 0
        assert plant.wait(4.9) == [], "not blind before its detectors had time to speak"
        assert ("tank_farm/blind", "begins", 5) in plant.wait(5)

    def test_a_detector_that_did_not_see_its_test_gas_does_not_count_until_it_does(self):
        bump = ResponseTest("bump", Text("bump test", "通气测试"), "tank_farm", "GD-01", Test.parse("GAS > 0"), by=20.0,
                            within_s=30.0)
        heads = gas("GD-01", deadman_s=600.0), gas("GD-02", deadman_s=600.0)
        plant = Plant(site(*heads, signal("GAS"), rules=[bump]))
        plant.at(0, {"GD-01": 0, "GD-02": 0, "GAS": 0})
        plant.at(10, {"GAS": 1})
        assert plant.wait(41) == [("bump", "begins", 40)]
        assert plant.bank.zones == (Zone("tank_farm/blind", 2, 1),), "it answers, and that proves nothing"
        plant = plant.after_restart()
        assert plant.bank.zones == (Zone("tank_farm/blind", 2, 1),)
        assert plant.at(50, {"GD-02": -20, "GD-01": 0}) == [("GD-02/invalid", "begins", 50),
                                                            ("tank_farm/blind", "begins", 50)]
        without = plant.after_restart(site(*heads))
        assert without.bank.zones[0].working == 1, "without its test it counts like any other"
        plant.at(60, {"GAS": 0})
        assert plant.at(70, {"GAS": 1, "GD-01": 0}) == [], "a good reading is not enough"
        told = plant.at(80, {"GD-01": 35})
        assert told == [("tank_farm/blind", "ends", 80), ("bump", "ends", 80)]
        again = Plant(plant.site)
        again.bank.adopt(["bump"])
        assert again.bank.zones == (Zone("tank_farm/blind", 2, 0),)
        again.at(1, {"GD-01": 0, "GD-02": 0, "GAS": 0})
        assert again.bank.zones == (Zone("tank_farm/blind", 2, 1),), "known to have failed, though all else is lost"

    def test_one_lost_request_does_not_make_a_zone_blind(self):
        plant = self.zone()
        plant.at(1, {"GD-01": 0, "GD-02": 0})
        edges = plant.at(2, {"GD-01": float("nan"), "GD-02": float("nan")}, Quality.BAD_COMM_LOST)
        assert edges == []

    def test_swapping_at_one_instant_is_not_blindness(self):
        plant = self.zone()
        plant.at(1, {"GD-01": 0, "GD-02": -20, "GD-03": 0})
        assert [edge for edge in plant.at(2, {"GD-01": -20, "GD-02": 0}) if "blind" in edge[0]] == []

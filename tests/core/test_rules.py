"""Relations: a shut-down that is (not) seen to happen, and work that goes on unseen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.model.clock import NS
from gateway.model.quality import Quality
from gateway.model.rules import ShutdownVerification, Test, WorkWithoutVideo
from gateway.model.stroke import Outcome
from gateway.model.text import Text
from tests.core.plant import WALL, Plant, instant, signal, site

ESD = ShutdownVerification("esd-north", Text("ESD", "ESD"), "tank_farm", Test.parse("ESD.cmd == 1"),
                           (Test.parse("XV-101.closed == 1"), Test.parse("XV-102.closed == 1")), stroke_time_s=8.0)
VIDEO = WorkWithoutVideo("no-video", Text("work without video", "无视频作业"), "tank_farm",
                         (Test.parse("P-101.P > 2.0"), Test.parse("PUMP.persons > 0")), (Test.parse("CAM.fps >= 1"),),
                         on_delay_s=10.0, off_delay_s=5.0)
BEGINS, ENDS = "begins", "ends"


def valves(**second):
    return Plant(site(signal("ESD.cmd"), signal("XV-101.closed"), signal("XV-102.closed", **second), rules=[ESD]))


class TestShutdown:
    def story(self, plant=None):
        plant = plant or valves()
        assert plant.at(0, {"ESD.cmd": 0, "XV-101.closed": 0, "XV-102.closed": 0}) == []
        assert plant.at(10, {"ESD.cmd": 1}) == []
        return plant

    def test_a_valve_that_is_too_slow(self):
        plant = self.story()
        assert plant.bank.next_deadline_ns == 18_000_000_000
        assert plant.at(15.1, {"XV-101.closed": 1}) == []
        assert plant.wait(19) == [("esd-north", BEGINS, 18)]
        assert plant.trace() == ["ESD.cmd: shut-down commanded (ESD.cmd == 1)",
                                 "XV-101.closed: XV-101.closed == 1: confirmed after 5.1 s",
                                 "XV-102.closed: XV-102.closed == 1: not confirmed within 8 s, reads 0"]
        assert plant.at(32, {"XV-102.closed": 1}) == [("esd-north", ENDS, 32)]
        assert plant.trace()[2] == "XV-102.closed: XV-102.closed == 1: confirmed after 22.0 s"

    def test_the_trace_reads_in_chinese(self):
        plant = self.story()
        plant.at(15.1, {"XV-101.closed": 1})
        plant.wait(19)
        assert [line.note["zh"] for line in next(iter(plant.verdicts)).evidence] == [
            "切断指令已发出（ESD.cmd == 1）", "XV-101.closed == 1：5.1 秒后确认",
            "XV-102.closed == 1：8 秒内未确认，读数 0"]

    def test_both_in_time(self):
        plant = self.story()
        assert plant.at(15, {"XV-101.closed": 1, "XV-102.closed": 1}) == []
        assert plant.wait(100) == []

    def test_shut_before_the_command(self):
        plant = valves()
        plant.at(0, {"ESD.cmd": 0, "XV-101.closed": 1, "XV-102.closed": 1})
        assert plant.at(10, {"ESD.cmd": 1}) == []
        assert plant.wait(100) == []

    def test_already_commanded_at_the_start_is_verified_from_first_sight(self):
        plant = valves()
        plant.at(3, {"ESD.cmd": 1, "XV-101.closed": 1, "XV-102.closed": 0})
        assert plant.wait(100) == [("esd-north", BEGINS, 11)]
        assert "already so before the command" in plant.trace()[1]

    def test_a_retained_command_is_taken_seriously(self):
        plant = valves()
        plant.at(3, {"ESD.cmd": 1}, Quality.UNCERTAIN_STALE)
        assert plant.wait(100) == [("esd-north", BEGINS, 11)]
        assert "no data yet" in plant.trace()[2]

    @pytest.mark.parametrize("quality", [Quality.UNCERTAIN_STALE, Quality.BAD_COMM_LOST, Quality.UNCERTAIN])
    def test_feedback_that_is_not_good_is_missing(self, quality):
        plant = self.story()
        plant.at(15, {"XV-101.closed": 1})
        plant.at(16, {"XV-102.closed": 1}, quality)
        assert plant.wait(100) == [("esd-north", BEGINS, 18)]

    def test_feedback_that_falls_silent_is_missing(self):
        plant = valves(deadman_s=4.0)
        plant.at(2, {"ESD.cmd": 0, "XV-101.closed": 0, "XV-102.closed": 0})
        plant.at(5, {"XV-102.closed": 0})
        plant.at(5.5, {"ESD.cmd": 1})
        plant.at(6, {"XV-101.closed": 1, "XV-102.closed": 1}, Quality.UNCERTAIN)
        assert plant.wait(100) == [("XV-102.closed/deadman", BEGINS, 9), ("esd-north", BEGINS, 13.5)]
        assert "no good data" in plant.trace()[2]

    @pytest.mark.parametrize("quality", [Quality.UNCERTAIN_STALE, Quality.BAD_COMM_LOST])
    def test_a_command_that_is_lost_is_not_withdrawn(self, quality):
        plant = self.story()
        plant.at(12, {"ESD.cmd": 0}, quality)
        assert plant.wait(100) == [("esd-north", BEGINS, 18)]
        assert plant.at(101, {"ESD.cmd": 0}, quality) == []

    def test_withdrawn_and_commanded_again(self):
        plant = self.story()
        plant.wait(18)
        assert plant.at(20, {"ESD.cmd": 0}) == [("esd-north", ENDS, 20)]
        assert plant.trace()[-1] == "ESD.cmd: command withdrawn"
        plant.at(30, {"ESD.cmd": 1})
        assert plant.wait(100) == [("esd-north", BEGINS, 38)]

    @pytest.mark.parametrize("restarts", [False, True])
    def test_a_command_whose_contact_bounces_does_not_hide_a_valve_that_does_not_move(self, restarts):
        """Two seconds on, two seconds off: the time under the command counts together."""
        plant = self.story()
        for start in range(12, 24, 4):
            plant.at(start, {"ESD.cmd": 0})
            plant = plant.after_restart() if restarts else plant
            plant.at(start + 2, {"ESD.cmd": 1})
        assert plant.wait(25) == [("esd-north", BEGINS, 24)]

    def test_a_command_given_again_after_a_stroke_time_gets_a_whole_one(self):
        plant = self.story()
        plant.at(16, {"ESD.cmd": 0})
        plant.at(24, {"ESD.cmd": 1})
        assert plant.wait(40) == [("esd-north", BEGINS, 32)]

    def test_a_valve_that_opens_again_under_the_command(self):
        plant = self.story()
        plant.at(15, {"XV-101.closed": 1, "XV-102.closed": 1})
        plant.at(50, {"XV-102.closed": 0})
        assert plant.at(52, {"XV-102.closed": 1}) == [], "a limit switch that flickers"
        plant.at(60, {"XV-102.closed": 0})
        assert plant.wait(100) == [("esd-north", BEGINS, 68)]
        assert plant.trace()[0] == "ESD.cmd: no longer confirmed under the command (ESD.cmd == 1)"

    def test_a_restart_within_the_stroke_changes_nothing(self):
        plant = self.story().after_restart()
        plant.bank.begin(instant(14))
        assert plant.at(15.1, {"XV-101.closed": 1}) == []
        assert plant.wait(100) == [("esd-north", BEGINS, 18)]
        assert plant.trace()[1] == "XV-101.closed: XV-101.closed == 1: confirmed after 5.1 s"

    def test_a_stroke_that_ran_out_while_nobody_looked_gets_a_whole_one(self):
        plant = self.story().after_restart()
        plant.bank.begin(instant(60))
        assert plant.wait(67) == []
        assert plant.wait(100) == [("esd-north", BEGINS, 68)]

    def test_a_changed_rule_starts_anew(self):
        plant = self.story()
        plant.wait(18)
        changed = replace(ESD, feedback=ESD.feedback[:1])
        plant = plant.after_restart(site(*plant.site.signals, rules=[changed]))
        assert plant.standing() == {"esd-north"}
        assert plant.at(20, {"ESD.cmd": 1, "XV-101.closed": 1}) == [("esd-north", ENDS, 20)]


EFFECT = replace(ESD, effect=(Test.parse("FT-101 < 1"),), effect_time_s=30.0, test=Test.parse("ESD.test == 1"))


class TestEffect:
    """Valves that are seen to be shut, and a flow that must be seen to stop."""

    def story(self, *, test=0):
        plant = Plant(site(*map(signal, ("ESD.cmd", "ESD.test", "XV-101.closed", "XV-102.closed", "FT-101")),
                           rules=[EFFECT]))
        plant.at(0, {"ESD.cmd": 0, "ESD.test": test, "XV-101.closed": 0, "XV-102.closed": 0, "FT-101": 40})
        plant.at(10, {"ESD.cmd": 1})
        return plant

    def shut(self, **settings):
        plant = self.story(**settings)
        assert plant.at(15, {"XV-101.closed": 1, "XV-102.closed": 1}) == []
        return plant

    def test_the_flow_stops_in_time(self):
        plant = self.shut()
        assert plant.at(30, {"FT-101": 0.5}) == []
        assert plant.wait(200) == []

    def test_a_limit_switch_that_lies_is_found_out(self):
        plant = self.shut()
        plant.at(40, {"FT-101": 38})
        assert plant.wait(100) == [("esd-north", BEGINS, 45)]
        assert plant.trace() == [
            "ESD.cmd: shut-down commanded (ESD.cmd == 1)",
            "XV-101.closed: XV-101.closed == 1: confirmed after 5.0 s",
            "XV-102.closed: XV-102.closed == 1: confirmed after 5.0 s",
            "FT-101: effect FT-101 < 1: not seen within 30 s of the valves being shut, reads 38"]
        assert [line.note["zh"] for line in list(plant.verdicts)[-1].evidence][-1] == (
            "效果 FT-101 < 1：阀门关到位后 30 秒内未出现，读数 38")
        assert plant.at(120, {"FT-101": 0}) == [("esd-north", ENDS, 120)]
        assert plant.trace()[-1] == "FT-101: effect FT-101 < 1: confirmed after 110.0 s"

    @pytest.mark.parametrize("quality", [Quality.UNCERTAIN_STALE, Quality.BAD_COMM_LOST])
    def test_an_effect_that_is_not_good_is_missing(self, quality):
        plant = self.shut()
        plant.at(40, {"FT-101": 0}, quality)
        assert plant.wait(100) == [("esd-north", BEGINS, 45)]

    def test_a_valve_that_fails_is_not_excused_by_the_effect(self):
        plant = self.story()
        plant.at(12, {"XV-101.closed": 1, "FT-101": 0})
        assert plant.wait(100) == [("esd-north", BEGINS, 18)]
        assert plant.trace()[2:] == ["XV-102.closed: XV-102.closed == 1: not confirmed within 8 s, reads 0",
                                     "FT-101: effect FT-101 < 1: confirmed after 2.0 s"]

    def test_before_the_valves_are_shut_an_effect_is_not_late(self):
        plant = self.story()
        plant.wait(18)
        assert plant.trace()[-1] == "FT-101: effect FT-101 < 1: not seen, reads 40"

    def test_a_limit_switch_that_flickers_gives_no_new_time(self):
        plant = self.shut()
        for second in (20, 30, 40):
            plant.at(second, {"XV-102.closed": 0})
            plant.at(second + 1, {"XV-102.closed": 1})
        assert plant.wait(100) == [("esd-north", BEGINS, 45)]

    def test_a_command_that_bounces_gives_no_new_time(self):
        plant = self.shut()
        for second in (20, 30, 40):
            plant.at(second, {"ESD.cmd": 0})
            plant = plant.after_restart()
            plant.at(second + 1, {"ESD.cmd": 1})
        assert plant.wait(100) == [("esd-north", BEGINS, 48)], "30 s while it was commanded"

    def test_it_flows_again_under_the_command(self):
        plant = self.shut()
        plant.at(20, {"FT-101": 0})
        plant.at(100, {"FT-101": 5})
        assert plant.at(120, {"FT-101": 0}) == []
        plant.at(200, {"FT-101": 5})
        assert plant.wait(300) == [("esd-north", BEGINS, 230)]
        assert plant.trace()[0] == "ESD.cmd: no longer confirmed under the command (ESD.cmd == 1)"

    def test_an_effect_time_that_ran_out_while_nobody_looked_gets_a_whole_one(self):
        plant = self.shut().after_restart()
        plant.bank.begin(instant(60))
        assert plant.wait(200) == [("esd-north", BEGINS, 90)]

    def strokes(self, plant):
        return [(stroke.outcome, stroke.test, *((seen.after_s, seen.moved) for seen in stroke.valves),
                 *(seen.after_s for seen in stroke.effects)) for stroke in plant.strokes]

    def test_the_log_of_a_good_one(self):
        plant = self.story()
        plant.at(14, {"XV-101.closed": 1})
        plant.at(15.5, {"XV-102.closed": 1})
        plant.at(20, {"FT-101": 0})
        assert self.strokes(plant) == [(Outcome.VERIFIED, False, (4, True), (5.5, True), 10)]
        stroke = plant.strokes[0]
        assert (stroke.rule, stroke.line_ns, stroke.concluded_line_ns) == ("esd-north", 10 * NS, 20 * NS)
        assert (stroke.wall_ns, stroke.concluded_wall_ns) == (WALL + 10 * NS, WALL + 20 * NS)

    def test_the_log_of_one_that_comes_late_and_of_a_test(self):
        plant = self.story(test=1)
        plant.at(14, {"XV-101.closed": 1})
        plant.wait(19)
        plant.at(21, {"XV-102.closed": 1})
        plant.at(25, {"FT-101": 0})
        assert self.strokes(plant) == [(Outcome.FAILED, True, (4, True), (None, True), None),
                                       (Outcome.LATE, True, (4, True), (11, True), 15)]
        assert plant.strokes[0].key == plant.strokes[1].key

    def test_a_valve_that_was_shut_before_has_proved_nothing(self):
        plant = self.story()
        plant.at(12, {"ESD.cmd": 0})
        plant.at(13, {"XV-101.closed": 1})
        plant.at(30, {"ESD.cmd": 1})
        plant.at(33, {"XV-102.closed": 1, "FT-101": 0})
        assert self.strokes(plant) == [(Outcome.VERIFIED, False, (0, False), (3, True), 3)]

    def test_a_valve_that_is_shut_at_the_next_poll_has_moved(self):
        plant = self.story()
        plant.at(12, {"ESD.cmd": 0})
        plant.at(60, {"ESD.cmd": 1, "XV-101.closed": 1, "XV-102.closed": 1, "FT-101": 0})
        assert self.strokes(plant) == [(Outcome.VERIFIED, False, (0, True), (0, True), 0)]

    def test_one_that_is_withdrawn_is_told_where_a_valve_has_moved(self):
        plant = self.story()
        plant.at(12, {"ESD.cmd": 0})
        plant.at(30, {"ESD.cmd": 1})
        plant.at(33, {"XV-102.closed": 1})
        plant.at(35, {"ESD.cmd": 0})
        assert self.strokes(plant) == [(Outcome.BROKEN_OFF, False, (None, True), (3, True), None)]

    def test_what_happens_later_under_the_command_is_no_stroke(self):
        plant = self.shut()
        plant.at(20, {"FT-101": 0})
        plant.at(50, {"XV-102.closed": 0})
        plant.wait(70)
        assert [stroke.outcome for stroke in plant.strokes] == [Outcome.VERIFIED]


def pump_house():
    return Plant(site(signal("P-101.P"), signal("PUMP.persons"), signal("CAM.fps", deadman_s=6.0), rules=[VIDEO]))


class TestWorkWithoutVideo:
    def working(self):
        plant = pump_house()
        plant.at(0, {"P-101.P": 7.5, "PUMP.persons": 0, "CAM.fps": 5})
        return plant

    def test_the_camera_goes_away_while_the_pump_runs(self):
        plant = self.working()
        plant.at(5, {"CAM.fps": 0})
        plant.at(10, {"CAM.fps": 0})
        assert plant.wait(15.5) == [("no-video", BEGINS, 15)]
        assert plant.trace() == ["P-101.P: work goes on: reads 7.5 (P-101.P > 2)",
                                 "PUMP.persons: work does not go on: reads 0 (PUMP.persons > 0)",
                                 "CAM.fps: video missing: reads 0 (CAM.fps >= 1)"]
        plant.at(15.6, {"CAM.fps": 5})
        assert plant.at(20, {"CAM.fps": 5}) == []
        assert plant.wait(21) == [], "time alone ends nothing"
        assert plant.at(22, {"CAM.fps": 5}) == [("no-video", ENDS, 22)]

    def test_a_stale_word_from_elsewhere_does_not_complete_the_off_delay(self):
        plant = self.working()
        plant.at(5, {"CAM.fps": 0})
        plant.at(10, {"CAM.fps": 0})
        plant.wait(15.5)
        plant.at(15.6, {"CAM.fps": 5})
        assert plant.at(21, {"PUMP.persons": 0}, Quality.UNCERTAIN_STALE) == []
        assert plant.at(21.1, {"PUMP.persons": 0}) == [("no-video", ENDS, 21.1)]

    def test_a_camera_that_falls_silent_is_no_video(self):
        plant = self.working()
        assert plant.wait(20) == [("CAM.fps/deadman", BEGINS, 6), ("no-video", BEGINS, 16)]
        assert plant.trace()[2] == "CAM.fps: video missing: no good data (CAM.fps >= 1)"

    @pytest.mark.parametrize("quality", [Quality.UNCERTAIN_STALE, Quality.BAD_COMM_LOST])
    def test_a_camera_that_is_not_good_is_no_video(self, quality):
        plant = self.working()
        plant.at(1, {"CAM.fps": 5}, quality)
        assert ("no-video", BEGINS, 11) in plant.wait(11)

    def test_any_sign_of_work_will_do(self):
        plant = pump_house()
        plant.at(0, {"P-101.P": 0, "PUMP.persons": 1, "CAM.fps": 0})
        assert ("no-video", BEGINS, 10) in plant.wait(10)

    def test_no_work_no_alarm(self):
        plant = pump_house()
        plant.at(0, {"P-101.P": 0, "PUMP.persons": 0, "CAM.fps": 0})
        assert [edge for edge in plant.wait(100) if edge[0] == "no-video"] == []

    def test_a_short_interruption_of_video_is_not_announced(self):
        plant = self.working()
        plant.at(3, {"CAM.fps": 0})
        plant.at(8, {"CAM.fps": 5})
        assert [edge for edge in plant.wait(13) if edge[0] == "no-video"] == []

    @pytest.mark.parametrize("quality", [Quality.UNCERTAIN_STALE, Quality.BAD_COMM_LOST])
    def test_a_load_that_is_not_good_ends_nothing(self, quality):
        plant = self.working()
        plant.at(5, {"CAM.fps": 0})
        plant.wait(20)
        plant.at(21, {"P-101.P": 0}, quality)
        plant.at(60, {"P-101.P": 0}, quality)
        assert "no-video" in plant.standing()
        plant.at(61, {"P-101.P": 0})
        assert plant.at(66, {"P-101.P": 0}) == [("no-video", ENDS, 66)]

    def test_a_camera_never_heard_of_gets_time_to_speak(self):
        plant = Plant(site(signal("P-101.P"), signal("PUMP.persons"), signal("CAM.fps"), rules=[VIDEO]))
        plant.at(0, {"P-101.P": 7.5, "PUMP.persons": 0})
        assert plant.wait(29) == []
        assert plant.wait(40) == [("no-video", BEGINS, 30)]

    def test_a_camera_that_does_come_and_shows_nothing_is_not_given_that_time(self):
        plant = Plant(site(signal("P-101.P"), signal("PUMP.persons"), signal("CAM.fps"), rules=[VIDEO]))
        plant.at(0, {"P-101.P": 7.5, "PUMP.persons": 0})
        plant.at(3, {"CAM.fps": 0})
        assert plant.wait(40) == [("no-video", BEGINS, 13)]

    def test_a_rule_that_is_new_after_a_restart_looks_at_what_is_already_there(self):
        plant = Plant(site(signal("P-101.P"), signal("PUMP.persons"), signal("CAM.fps")))
        plant.at(0, {"P-101.P": 7.5, "PUMP.persons": 0, "CAM.fps": 0})
        plant = plant.after_restart(site(*plant.site.signals, rules=[VIDEO]))
        plant.at(1, {"P-101.P": 7.5})
        assert plant.wait(20) == [("no-video", BEGINS, 11)]

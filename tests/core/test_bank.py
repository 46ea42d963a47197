"""The bank as a whole: memory over restarts, changed sites, lost state, and a detector that fails."""

from __future__ import annotations

import numpy as np
import pytest

from gateway.core import Bank, SnapshotError
from gateway.core.snapshot import pack, unpack
from gateway.model.frame import Frame
from gateway.model.quality import Quality
from gateway.model.rules import ShutdownVerification, Test
from gateway.model.text import Text
from tests.core.plant import WALL, Plant, gas, instant, limit, signal, site


class TestReadModel:
    def test_latest_is_a_read_only_view_of_what_was_accepted(self):
        plant = Plant(site(signal("A"), signal("B")))
        latest = plant.bank.latest
        assert latest.quality.tolist() == [Quality.BAD_WAITING] * 2
        plant.at(3, {"B": 4.5})
        assert latest.value[1] == 4.5
        assert latest.line_ns[1] == 3_000_000_000
        assert latest.wall_ns[1] == WALL + 3_000_000_000
        with pytest.raises(ValueError, match="read-only"):
            latest.value[0] = 1.0

    def test_an_empty_frame_is_nothing(self):
        assert not Plant(site(signal("A"))).bank.step(Frame.empty())

    def test_a_deadline_edge_has_the_wall_time_of_the_gateway_s_clock(self):
        plant = Plant(site(signal("A", deadman_s=5.0)))
        plant.wait(7)
        assert next(iter(plant.verdicts)).wall_ns == WALL + 5_000_000_000


class TestOrderInAFrame:
    """Frames come in every shape; the result is the same."""

    @pytest.mark.parametrize("rows", [[0, 1, 2, 3], [3, 1, 0, 2], [2, 1], [0, 3], [1], [3, 0, 3, 0, 1]])
    def test_each_signal_gets_its_own_sample(self, rows):
        plant = Plant(site(*(signal(f"S{n}", limit("H", 10.0 * (n + 1))) for n in range(4))))
        edges = plant.bank.step(Frame.of(rows, [10.0 * (row + 1) for row in rows], instant(1)))
        assert sorted(edge.alarm for edge in edges) == sorted(set(rows))


class TestSnapshot:
    def test_a_changed_site_keeps_what_it_still_has(self):
        old = Plant(site(signal("A", limit("H", 10.0)), signal("B", limit("H", 10.0), limit("HH", 20.0)), signal("C")))
        old.at(1, {"A": 50, "B": 50, "C": 1})
        new = old.after_restart(site(signal("N", deadman_s=9.0), signal("B", limit("HH", 30.0)), signal("A")))
        assert new.standing() == {"B/HH"}
        assert new.bank.latest.value.tolist()[1:] == [50, 50]
        assert new.wait(10) == [("N/deadman", "begins", 10)], "a new signal is watched from the restore on"
        assert new.at(11, {"B": 29.0}) == [("B/HH", "ends", 11)], "against the new set point"

    def test_alarms_stay_alternating_over_a_restart(self):
        plant = Plant(site(signal("A", limit("H", 10.0))))
        plant.at(1, {"A": 50})
        plant = plant.after_restart()
        assert plant.at(2, {"A": 50}) == []
        assert plant.at(3, {"A": 5}) == [("A/H", "ends", 3)]

    @pytest.mark.parametrize("damage", [lambda data: b"", lambda data: b"nonsense", lambda data: data[:len(data) // 2],
                                        lambda data: data[:200] + bytes([data[200] ^ 255]) + data[201:],
                                        lambda data: data[:-30], lambda data: pack({}, {})])
    def test_damage_is_found_and_leaves_the_bank_fresh(self, damage):
        plant = Plant(site(signal("A", limit("H", 10.0))))
        plant.at(1, {"A": 50})
        bank = Bank(plant.site)
        with pytest.raises(SnapshotError):
            bank.restore(damage(plant.bank.snapshot()))
        assert np.isnan(bank.latest.value).all()

    def test_a_head_that_makes_no_sense_is_refused_too(self):
        plant = Plant(TestLostState().site())
        plant.at(1, {"GD": 50})
        head, arrays = unpack(plant.bank.snapshot())
        head["rules"]["esd"]["state"] = {"phase": "nonsense"}
        bank = Bank(plant.site)
        with pytest.raises(SnapshotError, match="nonsense"):
            bank.restore(pack(head, arrays))
        assert np.isnan(bank.latest.value).all()

    def test_another_version_is_refused(self, monkeypatch):
        plant = Plant(site(signal("A")))
        data = plant.bank.snapshot()
        monkeypatch.setattr("gateway.core.snapshot.VERSION", 2)
        with pytest.raises(SnapshotError, match="version 1"):
            unpack(data)


class TestLostState:
    """The alarm engine remembers more than the bank, or less."""

    RULE = ShutdownVerification("esd", Text.same("esd"), "tank_farm", Test.parse("CMD == 1"), (Test.parse("XV == 1"),),
                                stroke_time_s=8.0)

    def site(self):
        head = gas("GD", limit("H", 20.0), limit("ROC+", 1.0, window_s=4.0), stuck_reads=5)
        return site(head, signal("CMD"), signal("XV"), rules=[self.RULE])

    def test_adopted_alarms_end_on_the_first_good_evidence(self):
        plant = Plant(self.site())
        every = {"GD/H", "GD/ROC+", "GD/deadman", "GD/stuck", "GD/invalid", "tank_farm/blind", "esd"}
        plant.bank.adopt([*every, "gone/H"])
        assert plant.standing() == every
        assert plant.wait(100) == []
        assert plant.at(101, {"GD": 5.0, "CMD": 1.0}, Quality.UNCERTAIN_STALE) == []
        ended = {alarm for alarm, what, _ in plant.at(102, {"GD": 5.0, "CMD": 0.0}) if what == "ends"}
        assert ended == every - {"GD/ROC+"}, "there is no rate yet"
        for second in (104, 105, 106):
            assert plant.at(second, {"GD": 5.0 + second % 2}) == []
        assert plant.at(107, {"GD": 5.0}) == [("GD/ROC+", "ends", 107)]

    def test_adopting_what_is_known_changes_nothing(self):
        plant = Plant(self.site())
        plant.at(1, {"GD": 25.0})
        plant.bank.adopt(["GD/H"])
        assert plant.at(2, {"GD": 25.0}) == []
        assert plant.at(3, {"GD": 5.0}) == [("GD/H", "ends", 3)]

    def test_standing_tells_everything_with_its_beginning(self):
        plant = Plant(self.site())
        plant.at(1, {"GD": 25.0})
        plant.wait(30)
        edges = [(plant.site.alarms[edge.alarm].id, edge.line_ns / 1e9, edge.active) for edge in plant.bank.standing()]
        assert edges == [("GD/H", 1, True), ("GD/deadman", 6, True), ("tank_farm/blind", 6, True)]


def step(*_):
    """A detector's step, broken."""
    raise ZeroDivisionError("division by zero")


class TestIsolation:
    def test_a_detector_that_raises_does_not_stop_the_others(self, monkeypatch, caplog):
        plant = Plant(site(gas("GD", limit("H", 20.0), limit("ROC+", 1.0, window_s=4.0))))
        broken = next(detector for detector in plant.bank._detectors if detector.name.startswith("rate"))
        sound = broken.step
        monkeypatch.setattr(broken, "step", step)
        assert plant.at(1, {"GD": 25.0}) == [("GD/H", "begins", 1)]
        plant.at(2, {"GD": 25.0})
        failure, = plant.bank.failures
        assert (failure.detector, failure.count, failure.standing) == ("rate ROC+", 2, True)
        assert "ZeroDivisionError" in failure.text
        assert len(caplog.records) == 1, "said once, counted always"
        monkeypatch.setattr(broken, "step", sound)
        plant.at(3, {"GD": 25.0})
        assert [failure.standing for failure in plant.bank.failures] == [False]

    def test_without_validity_the_source_s_quality_still_counts(self, monkeypatch):
        plant = Plant(site(gas("GD", limit("H", 20.0))))
        monkeypatch.setattr(plant.bank._validity, "step", step)
        assert plant.at(1, {"GD": 25.0}, Quality.BAD_SENSOR) == []
        lie = Frame.from_columns(np.zeros(1, np.int32), np.array([np.inf]), np.zeros(1, np.uint16), np.ones(1, int),
                                 np.full(1, 1_500_000_000))
        assert not plant.bank.step(lie)
        assert plant.wait(7) == [("GD/deadman", "begins", 5), ("tank_farm/blind", "begins", 5)], "neither was a success"
        assert ("GD/H", "begins", 8) in plant.at(8, {"GD": 25.0})

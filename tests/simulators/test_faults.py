"""Every fault of the table does what it says, and ends without a trace."""

from __future__ import annotations

import numpy as np
import pytest

from simulators import faults, layout
from simulators.faults import FAULTS
from simulators.modbus_device import SOUND
from simulators.plant import CALIBRATION, FAULT, INHIBIT, NORMAL, WARM_UP
from simulators.world import World
from tests.simulators.conftest import DOCS, hit, let_pass


def readings(world: World, name: str, seconds: float) -> np.ndarray:
    values = []
    for _ in range(round(seconds / world.step)):
        world.advance()
        values.append(world.plant[name])
    return np.array(values)


def test_the_table_in_the_handbook_is_the_table_of_the_code():
    begin, end = "<!-- python -m simulators --list-faults -->\n", "<!-- end -->"
    assert DOCS.read_text(encoding="utf-8").split(begin)[1].split(end)[0] == faults.markdown()


def some_step(name: str, world: World) -> dict:
    """A step that calls this fault on the first target there is, with a value for all that must be given."""
    fault = FAULTS[name]
    step = {"do": name} | ({fault.key: world.targets(fault.on)[0]} if fault.on else {})
    return step | {key: 1.0 for key, argument in fault.arguments.items() if argument.default is None}


@pytest.mark.parametrize("name", [name for name, fault in FAULTS.items() if fault.lasts])
def test_a_fault_ends_after_its_time_and_leaves_nothing_behind(name, world):
    def state() -> tuple:
        plant, instruments = world.plant, world.plant.instruments
        arrays = (plant.stroke, plant.jammed, plant.wrapped, plant.test_gas, plant.service, plant.camera_lost,
                  instruments.noise, instruments.drift, instruments.drift_rate, instruments.held, instruments.lost_from)
        return (tuple(array.tobytes() for array in arrays), len(plant.leaks),
                [device.wire == SOUND for device in world.devices.values()],
                [(p.lost, p.silent, p.garbled, p.clock_offset) for p in world.publishers.values()])

    before = state()
    hit(world, **some_step(name, world), **{"for": 1.0})
    hit(world, **some_step(name, world), **{"for": 2.0})  # again: the second replaces the first
    assert state() != before
    kinds = [event.kind for event in let_pass(world, 3)]
    assert kinds == ["fault", "fault", "over"]
    assert state() == before


def test_test_gas_is_seen_by_a_head_that_is_not_covered(world):
    hit(world, do="wrapped", target="GD-02")
    for head in ("GD-01", "GD-02"):
        hit(world, do="test_gas", target=head, **{"for": 40})
    bare = readings(world, "GD-01", 39)
    assert bare.max() > 45 and world.plant["GD-02"] < 15
    assert world.plant["GD-01.status"] == CALIBRATION and not world.plant.esd, "no trip by a test"
    let_pass(world, 90)
    assert world.plant["GD-01.status"] == NORMAL and not world.plant.esd, "first the gas goes, then the cup"


def test_restore_ends_everything_on_its_target_and_nothing_else(world):
    for step in ({"do": "stuck", "target": "GD-01"}, {"do": "wrapped", "target": "GD-01"},
                 {"do": "wrapped", "target": "GD-02"}):
        hit(world, **step)
    hit(world, do="restore", target="GD-01")
    over = [(event.fault, event.target) for event in let_pass(world, 0.2) if event.kind == "over"]
    assert over == [("stuck", "GD-01"), ("wrapped", "GD-01")]
    assert world.plant.wrapped.tolist() == [False, True, False, False, False, False]


def test_a_stuck_instrument_shows_one_value_while_the_plant_moves_on(world):
    hit(world, do="stuck", target="GD-03")
    hit(world, do="leak", near="GD-03")
    assert len(set(readings(world, "GD-03", 20))) == 1
    hit(world, do="restore", target="GD-03")
    assert readings(world, "GD-03", 5)[-1] > 10


def test_a_drifting_instrument_drifts_at_its_rate(world):
    hit(world, do="drift", target="T-101.level", rate=0.01)
    before = world.plant["T-101.level"]
    assert readings(world, "T-101.level", 100)[-1] - before == pytest.approx(1.0, abs=0.15)


def test_a_wrapped_probe_feels_a_fraction_of_the_gas_and_late():
    free, wrapped = World(layout.load()), World(layout.load())
    hit(wrapped, do="wrapped", target="GD-03")
    for world in (free, wrapped):
        hit(world, do="leak", near="GD-03")
        let_pass(world, 40)
    assert free.plant["GD-03"] > 50
    assert 1 < wrapped.plant["GD-03"] < 12


def test_noise_is_as_strong_as_asked(world):
    hit(world, do="noise", target="GD-01", sigma=3.0)
    assert readings(world, "GD-01", 100).std() == pytest.approx(3.0, rel=0.15)


def test_an_intermittent_instrument_loses_its_value_for_its_share_of_the_time(world):
    hit(world, do="dropout", target="GD-01", out=1.0, every=4.0)
    values = readings(world, "GD-01", 40)
    assert np.isnan(values).mean() == pytest.approx(0.25, abs=0.03)
    assert np.isnan(values).any() and np.isfinite(values).any()
    hit(world, do="dropout", target="GD-01")
    assert np.isnan(readings(world, "GD-01", 5)).all()
    assert world.plant["GD-01.status"] == FAULT


def test_a_detector_out_of_service_does_not_trip_the_certified_system(world):
    hit(world, do="service", target="GD-03", state="inhibit")
    hit(world, do="leak", near="GD-03")
    let_pass(world, 40)
    assert world.plant["GD-03"] > 40 and world.plant["GD-03.status"] == INHIBIT
    assert not world.plant.esd


def test_gas_beyond_the_range_reads_the_end_of_the_range_and_says_so(world):
    hit(world, do="leak", near="GD-03", rate=2000)
    let_pass(world, 40)
    assert world.plant["GD-03"] == 100 and world.plant["GD-03.status"] == 7


def test_indoors_the_fan_clears_the_air():
    blown, still = World(layout.load()), World(layout.load())
    hit(still, do="stop", target="FAN-01")
    for world in (blown, still):
        hit(world, do="leak", near="GD-04", rate=10.0)
        let_pass(world, 200)
    assert still.plant["GD-04"] > 1.5 * blown.plant["GD-04"] > 5
    assert still.plant["GD-05"] == pytest.approx(still.plant["GD-04"], abs=3)  # well mixed


def test_a_jammed_valve_stays_where_it_is(world):
    hit(world, do="jammed_valve", target="XV-101")
    world.plant.esd = True
    let_pass(world, 30)
    assert world.plant["XV-101.open"] == 1 and world.plant["XV-102.closed"] == 1
    hit(world, do="reset_esd")
    let_pass(world, 10)
    assert world.plant["XV-102.open"] == 1


def test_a_pump_draws_its_inrush_then_its_load_and_nothing_when_stopped(world):
    hit(world, do="stop", target="P-101")
    assert readings(world, "P-101.P", 5)[-1] == 0
    energy = world.plant["P-101.E"]
    hit(world, do="start", target="P-101")
    load = readings(world, "P-101.P", 10)
    assert load.max() > 40_000 and load[-1] == pytest.approx(15_000, rel=0.05)
    assert world.plant["P-101.E"] > energy
    assert world.plant["P-101.run"] == 1


def test_the_tank_empties_while_the_pump_runs_and_the_valves_are_open(world):
    level = world.plant["T-101.level"]
    let_pass(world, 200)
    assert world.plant["T-101.level"] == pytest.approx(level - 200 * 0.05 / 60, abs=0.02)
    world.plant.esd = True
    let_pass(world, 30)
    level, pressure = world.plant["T-101.level"], world.plant["LINE.p"]
    let_pass(world, 60)
    assert world.plant["T-101.level"] == pytest.approx(level, abs=0.02)
    assert pressure > 0.75  # against a closed line


def test_a_reboot_unplugs_the_device_and_then_its_detectors_warm_up(world):
    hit(world, do="reboot", target="gas-controller", **{"for": 5})
    let_pass(world, 1)
    assert world.devices["gas-controller"].wire.gone
    let_pass(world, 5)
    assert not world.devices["gas-controller"].wire.gone
    assert world.plant["GD-01"] == 0 and world.plant["GD-01.status"] == WARM_UP
    assert world.plant["GD-06.status"] == NORMAL  # on another device
    let_pass(world, 10)
    assert world.plant["GD-01.status"] == NORMAL


def test_a_lost_camera_gives_no_pictures_and_counts_stand_still(world):
    hit(world, do="camera_loss", target="CAM-pump")
    hit(world, do="persons", target="PUMP.persons", count=0)
    let_pass(world, 1)
    assert world.plant["CAM-pump.fps"] == 0 and world.plant["PUMP.persons"] == 2
    hit(world, do="restore", target="CAM-pump")
    let_pass(world, 1)
    assert world.plant["CAM-pump.fps"] > 4 and world.plant["PUMP.persons"] == 0


def test_the_wind_decides_who_smells_it(world):
    hit(world, do="leak", near="GD-03")
    hit(world, do="wind", speed=3.0, towards=180)
    let_pass(world, 40)
    assert world.plant["GD-03"] < 5

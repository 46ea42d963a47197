"""The stories that come with the simulators, played headless: what happens, and in which order."""

from __future__ import annotations

import numpy as np
import pytest

from simulators import layout, scenario
from simulators.world import World


def play(name: str, seconds: float, seed: int = 1) -> tuple[World, dict[str, np.ndarray], list]:
    """The world after the story, every quantity over time (one row a step), and the events."""
    world = World(layout.load(), seed)
    world.play(scenario.load(scenario.SCENARIOS / f"{name}.toml", world.known))
    events, rows, times = [], [], []
    for _ in range(round(seconds / world.step)):
        events += world.advance()
        times.append(world.elapsed)
        rows.append(world.plant.reading.copy())
    table = np.array(rows)
    return world, {"t": np.array(times), **{name: table[:, k] for name, k in world.plant.index.items()}}, events


def first(track: dict, name: str, least: float, after: float = 0.0) -> float:
    """The time at which a quantity first reaches `least`."""
    return float(track["t"][(track[name] >= least) & (track["t"] >= after)][0])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_leak_unfolds_in_the_order_and_windows_the_demo_promises(seed):
    _, track, events = play("depot_leak", 160, seed)
    gas, t = track["GD-03"], track["t"]
    assert gas[t < 20].max() < 3  # a normal shift
    ten_seconds = round(10 / 0.2)
    rate = (gas[ten_seconds:] - gas[:-ten_seconds]) / 10
    rising = float(t[ten_seconds:][rate >= 0.5][0])
    level_1, level_2 = first(track, "GD-03", 20), first(track, "GD-03", 40)
    esd = first(track, "ESD.cmd", 1)
    closed_1, closed_2 = first(track, "XV-101.closed", 1), first(track, "XV-102.closed", 1)
    assert 22 <= rising <= 28
    assert 27 <= level_1 <= 33
    assert 35 <= level_2 <= 41
    assert level_2 + 2.8 <= esd <= 45
    assert closed_1 - esd <= 6  # in time
    assert 8 + 5 < closed_2 - esd < 30  # far later than its stroke time of 8 s
    assert rising < level_1 < level_2 < esd < closed_1 < closed_2

    assert first(track, "GD-02", 3, after=20) > level_1  # downwind: later and less
    assert track["GD-02"].max() < 20
    assert max(track[name].max() for name in ("GD-01", "GD-04", "GD-05", "GD-06")) < 5

    blind = (t > 60.5) & (t < 94.5)
    assert np.all(track["CAM-pump.fps"][blind] == 0)
    assert track["P-101.P"][blind].min() > 2000  # work goes on
    assert np.all(track["CAM-tank.fps"] > 4)

    assert gas[t > 125].max() < 5  # recovered
    assert track["P-101.P"][(t > 98) & (t < 139)].max() < 200
    assert track["ESD.cmd"][-1] == 0 and track["XV-101.open"][-1] == track["XV-102.open"][-1] == 1
    assert track["P-101.P"][-1] > 10_000 and track["CAM-pump.fps"][-1] > 4
    said = [event.elapsed for event in events if event.kind == "say"]
    assert len(said) == 12 and said == sorted(said)
    assert [event.elapsed for event in events if event.kind == "end"] == [150.0]


def test_the_device_of_gd06_is_dead_for_twenty_seconds(world):
    world.play(scenario.load(scenario.SCENARIOS / "depot_leak.toml", world.known))
    dead = []
    for _ in range(round(120 / world.step)):
        world.advance()
        if world.devices["probe-gd06"].wire.dead:
            dead.append(world.elapsed)
    assert (round(dead[0]), round(dead[-1])) == (75, 95)


def test_a_normal_shift_stays_far_from_every_limit():
    world, track, events = play("quiet", 700)
    for detector in world.targets("detector"):
        assert track[detector].max() < 5
        assert not track[f"{detector}.status"].any()
    assert not track["ESD.cmd"].any()
    assert track["XV-101.open"].all() and track["XV-102.open"].all()
    assert (track["CAM-pump.fps"] > 4).all()
    assert track["T-101.level"].min() > 1 and track["T-101.level"].max() < 11
    assert not any(event.kind == "over" for event in events)


def test_the_same_seed_tells_the_same_story_and_another_seed_another():
    one, again, other = (play("depot_leak", 60, seed)[0].plant.reading for seed in (5, 5, 6))
    assert one.tobytes() == again.tobytes()
    assert one.tobytes() != other.tobytes()


def test_every_sentence_exists_in_both_languages():
    for path in scenario.SCENARIOS.glob("*.toml"):
        own = layout.SITES / f"{path.stem.partition('_')[0]}.toml"
        told = scenario.load(path, World(layout.load(own) if own.is_file() else layout.load()).known)
        sentences = [told.title, *(step.say for step in told.steps if step.say)]
        assert all(any("\u4e00" <= character <= "\u9fff" for character in text.zh) for text in sentences)
        assert all(text.en.isascii() for text in sentences)

"""Blocks of time: a long frame gives what its moments give one by one, to the last bit of what is known afterwards."""

from __future__ import annotations

import numpy as np
import pytest

from gateway.core.snapshot import unpack
from gateway.model.frame import Frame
from gateway.model.quality import Quality
from tests.laws.streams import SITES, Moment, frame, fresh, last, stream

every_detector = pytest.mark.parametrize("name", SITES)


def steady(site, seed) -> list[Moment]:
    """As recorded from devices that answer every time: calm for long, here and there a value that is not good, a signal
    that is not there for a while, and a wild hour in the middle."""
    random = np.random.default_rng(seed)
    wild = stream(site, seed)
    count, moments = len(site.signals), []
    value = np.full(count, 50.0)
    for moment in wild:
        value[list(moment.signal)] = np.where(np.isfinite(moment.value), moment.value, 50.0)
    for turn in range(3):
        now = moments[-1].line_ns if moments else 0
        for n in range(150):
            value = np.where(random.random(count) < 0.02, random.uniform(0, 100, count).round(), value)
            quality = np.where(random.random(count) < 0.01, Quality.BAD_SENSOR, Quality.GOOD)
            absent = random.integers(count) if turn == 1 and 50 < n < 120 else count
            there = [number for number in range(count) if number != absent]
            moments.append(Moment(now + (n + 1) * 10**9, tuple(there), tuple((value + random.choice(
                [0, 0, 0.1], count))[there].tolist()), tuple(quality[there].tolist())))
        now = moments[-1].line_ns
        if turn < 2:
            moments += [Moment(now + moment.line_ns, moment.signal, moment.value, moment.quality) for moment in wild]
    return moments


def devices(moments: list[Moment]) -> list[Moment]:
    """The signals in two groups, the second a little later."""
    parts = [(moment, [place for place, number in enumerate(moment.signal) if number % 2 == half], half)
             for moment in moments for half in (0, 1)]
    return [Moment(moment.line_ns + half * 10**8, *(tuple(column[place] for place in places) for column in (
        moment.signal, moment.value, moment.quality))) for moment, places, half in parts if places]


STREAMS = {"wild": stream, "steady": steady, "two devices": lambda site, seed: devices(steady(site, seed))}


@every_detector
@pytest.mark.parametrize("kind", STREAMS)
@pytest.mark.parametrize("seed", range(2))
def test_a_block_gives_the_same_as_its_moments(name, kind, seed):
    site = SITES[name]
    random, moments = np.random.default_rng(seed), STREAMS[kind](site, seed)
    single, block = fresh(site), fresh(site)
    one_by_one = [single.step(frame([moment])) for moment in moments]
    at_once, start = [], 0
    while start < len(moments):
        stop = start + int(random.choice([1, 3, 20, 200]))
        at_once.append(block.step(frame(moments[start:stop])))
        start = stop
    for bank, verdicts in ((single, one_by_one), (block, at_once)):
        verdicts.append(bank.tick(last(moments)))
        assert not bank.failures
    assert _told(at_once) == _told(one_by_one)
    assert _told(at_once)
    _assert_same_state(block, single)


def test_late_samples_are_left_out_of_a_block():
    site = SITES["limits"]
    turned = frame(steady(site, 0))
    again = np.sort(np.random.default_rng(1).integers(200, len(turned), 40))  # what came long ago comes once more
    order = np.insert(np.arange(len(turned)), again, again - 150)
    turned = turned.take(order)
    single, block = fresh(site), fresh(site)
    one_by_one = [single.step(turned.take([row])) for row in range(len(turned))]
    at_once = [block.step(turned)]
    assert block.late_samples == single.late_samples == 40
    assert _told(at_once) == _told(one_by_one)
    _assert_same_state(block, single)


def test_samples_of_the_same_instant_are_not_late():
    site = SITES["limits"]
    rows = np.array([0] * 6), np.array([50.0, 90.0, 50.0, 90.0, 50.0, 90.0]), np.zeros(6, np.uint16)
    bank = fresh(site)
    bank.step(Frame.from_columns(rows[0].astype(np.int32), rows[1], rows[2], np.full(6, 5), np.full(6, 5)))
    assert bank.late_samples == 0 and bank.latest.value[0] == 90.0


def _told(verdicts) -> list[tuple]:
    return sorted((edge.line_ns, edge.alarm, edge.active, edge.wall_ns, repr(edge.value), repr(edge.evidence))
                  for one in verdicts for edge in one)


def _assert_same_state(one, other) -> None:
    (head, arrays), (other_head, other_arrays) = unpack(one.snapshot()), unpack(other.snapshot())
    assert head == other_head
    assert arrays.keys() == other_arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, other_arrays[name], err_msg=name)

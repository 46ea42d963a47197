"""Blocks: every bit comes back, little is spent, and nothing that is torn is taken for whole."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from gateway.model.clock import Instant
from gateway.model.frame import Frame
from gateway.store.block import Block, Damaged, check, decode, encode
from tests.store.makers import WALL, same

AT = Instant(7, WALL, False)


def column(dtype, count):
    return arrays.arrays(dtype, count)


def decimals(count):
    return st.tuples(arrays.arrays(np.int32, count, elements=st.integers(-(2**31) + 1, 2**31 - 1)),
                     st.sampled_from((1.0, 0.1, 0.01, 0.001)), st.booleans()).map(
        lambda drawn: drawn[0] * drawn[1] if drawn[2] else drawn[0] / round(1 / drawn[1]))


@st.composite
def frames(draw):
    count = draw(st.integers(1, 60))
    value = draw(st.one_of(column(np.float64, count), decimals(count),
                           column(np.float32, count).map(lambda drawn: drawn.astype(np.float64)),
                           st.floats(allow_nan=False).map(lambda one: np.full(count, one))))
    if draw(st.booleans()):
        value[draw(st.integers(0, count - 1))] = np.nan
    ranges = st.integers(0, 1000).map(lambda first: np.arange(first, first + count))
    signal = draw(st.one_of(column(np.int32, count), ranges))
    times = st.one_of(column(np.int64, count), st.integers(-(2**63), 2**63 - 1).map(lambda one: np.full(count, one)))
    return Frame.from_columns(signal.astype(np.int32), value, draw(column(np.uint16, count)), draw(times), draw(times))


@given(st.lists(frames(), min_size=1, max_size=5))
def test_every_bit_comes_back_in_the_same_frames(parts):
    read = decode(memoryview(encode(Block.of(5, parts, AT))))
    assert (read.position, read.end, read.at) == (5, 5 + sum(map(len, parts)), AT)
    for (_, after), before in zip(read.frames(), parts, strict=True):
        assert same(after, before)


@given(frames(), st.data())
def test_no_single_damage_goes_unnoticed(part, data):
    whole = encode(Block.of(0, [part], AT))
    torn = whole[:data.draw(st.integers(0, len(whole) - 1))]
    with pytest.raises(Damaged):
        check(memoryview(torn), 0)
    flipped = bytearray(whole)
    flipped[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(Damaged):
        decode(memoryview(flipped))


def polled(value: np.ndarray, devices: int = 10) -> Block:
    """One second of a site: every device answers at its own moment with its contiguous signals."""
    size = len(value) // devices
    at = [Instant(device * 4_000_000, WALL + device * 4_000_321) for device in range(devices)]
    return Block.of(0, [Frame.of(np.arange(size) + size * device, value[size * device:size * (device + 1)], at[device])
                        for device in range(devices)], AT)


@pytest.mark.parametrize(("what", "value", "most"), [
    ("16-bit registers in tenths", np.random.default_rng(1).integers(-999, 9999, 1000) * 0.1, 2.8),
    ("32-bit floats of a power meter", np.random.default_rng(2).normal(230, 3, 1000).astype("f4").astype(float), 4.8),
    ("64-bit noise, the worst case", np.random.default_rng(3).normal(size=1000), 8.8),
    ("switches", np.random.default_rng(4).integers(0, 2, 1000).astype(float), 1.2),
    ("a tenth of it without value", np.where(np.arange(1000) % 10, np.arange(1000) * 0.01, np.nan), 2.8),
])
def test_a_thousand_signals_cost_few_bytes_per_sample(what, value, most):
    assert len(encode(polled(value))) / 1000 <= most


def test_columns_of_different_length_are_refused():
    good = Frame.of([1, 2, 3], 0.0, AT)
    with pytest.raises(ValueError, match="differ in length"):
        encode(Block.of(0, [Frame(good.signal, good.value[:2], good.quality, good.wall_ns, good.line_ns)], AT))


def test_frames_after_a_position_begin_inside_a_frame_if_need_be():
    parts = [Frame.of(np.arange(3), 1.0, AT), Frame.of(np.arange(4), 2.0, AT)]
    rest = list(Block.of(10, parts, AT).frames(after=14))
    assert [(position, frame.signal.tolist()) for position, frame in rest] == [(17, [1, 2, 3])]

"""The plan against a slow, plain twin, and what must hold for every plan."""

from __future__ import annotations

from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.modbus.plan import Block, Span, halves, plan

spans = st.lists(st.builds(Span, st.integers(0, 60), st.sampled_from([1, 1, 2, 4])), max_size=12)
zones = st.lists(st.integers(0, 64).flatmap(lambda first: st.builds(range, st.just(first), st.integers(first + 1, 66))),
                 max_size=2)


def allowed(spans: list[Span], members: tuple[int, ...], max_size: int, hole_limit: int, avoid: list[range]) -> bool:
    """Register by register: may these spans travel in one request?"""
    used = {address for number in members for address in range(spans[number].first, spans[number].end)}
    block = range(min(used), max(used) + 1)
    hole = longest = 0
    for address in block:
        hole = 0 if address in used else hole + 1
        longest = max(longest, hole)
    return len(block) <= max_size and longest <= hole_limit and not any(address in zone for address in block
                                                                        for zone in avoid)


def fewest(spans: list[Span], max_size: int, hole_limit: int, avoid: list[range]) -> int:
    """Every way to cut the sorted spans into requests, tried out."""
    order = sorted(range(len(spans)), key=lambda number: (spans[number].first, spans[number].end))

    @cache
    def from_(start: int) -> int:
        if start == len(order):
            return 0
        return min(1 + from_(end) for end in range(start + 1, len(order) + 1)
                   if end == start + 1 or allowed(spans, tuple(order[start:end]), max_size, hole_limit, avoid))

    return from_(0)


@given(spans, st.integers(4, 20), st.integers(0, 6), zones)
@settings(max_examples=400, deadline=None)
def test_every_plan_is_legal_complete_and_as_short_as_the_twins(spans, max_size, hole_limit, avoid):
    spans = [span for span in spans
             if not any(address in zone for zone in avoid for address in range(span.first, span.end))]
    blocks = plan(spans, max_size=max_size, hole_limit=hole_limit, avoid=avoid)
    assert sorted(member for block in blocks for member in block.members) == list(range(len(spans)))
    for block in blocks:
        assert allowed(spans, block.members, max_size, hole_limit, avoid)
        for member in block.members:  # never split
            assert block.first <= spans[member].first and spans[member].end <= block.first + block.size
    assert len(blocks) == fewest(spans, max_size, hole_limit, avoid)


@given(spans.filter(lambda spans: len(spans) > 1))
def test_halves_share_out_the_members_and_ask_for_no_more(spans):
    block, = plan(spans, max_size=1000, hole_limit=1000)
    left, right = halves(block, spans)
    assert left.members + right.members == block.members and left.members and right.members
    for half in (left, right):
        assert half.first == min(spans[number].first for number in half.members)
        assert half.first + half.size == max(spans[number].end for number in half.members)


def test_a_hole_is_read_along_only_up_to_its_limit():
    assert plan([Span(0, 1), Span(9, 1)], max_size=125, hole_limit=8) == (Block(0, 10, (0, 1)),)
    assert len(plan([Span(0, 1), Span(10, 1)], max_size=125, hole_limit=8)) == 2


def test_a_forbidden_register_is_never_read_along():
    assert [(block.first, block.size) for block in plan([Span(0, 1), Span(2, 1)], max_size=125, hole_limit=8,
                                                        avoid=[range(1, 2)])] == [(0, 1), (2, 1)]


def test_a_float_that_would_not_fit_whole_starts_the_next_request():
    assert [(block.first, block.size) for block in plan([Span(n, 2) for n in range(0, 10, 2)], max_size=5,
                                                        hole_limit=0)] == [(0, 4), (4, 4), (8, 2)]

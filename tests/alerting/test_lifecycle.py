"""The table: total, sound, and the one that the documentation shows."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from alerting.lifecycle import STATE_NAMES, TABLE, Effect, Event, State, diagram, grid

ROOT = Path(__file__).parent.parent.parent


def run(story: str, *, latch: bool = False) -> State:
    """`run("raise clear ack")`: the state after a story."""
    words = {"raise": Event.RAISE, "clear": Event.CLEAR_LATCHING if latch else Event.CLEAR, "ack": Event.ACKNOWLEDGE}
    state = State.NORMAL
    for word in story.split():
        state = TABLE[state, words[word]].state
    return state


@pytest.mark.parametrize(("story", "state"), [
    ("", State.NORMAL),
    ("raise", State.UNACKNOWLEDGED),
    ("raise ack", State.ACKNOWLEDGED),
    ("raise ack clear", State.NORMAL),
    ("raise clear", State.RETURNED),
    ("raise clear ack", State.NORMAL),
    ("raise clear raise", State.UNACKNOWLEDGED),
    ("raise clear raise ack", State.ACKNOWLEDGED),
    ("raise raise", State.UNACKNOWLEDGED),
    ("clear ack", State.NORMAL),
])
def test_plain_alarm(story, state):
    assert run(story) is state


@pytest.mark.parametrize(("story", "state"), [
    ("raise clear", State.LATCHED),
    ("raise clear clear", State.LATCHED),
    ("raise clear ack", State.NORMAL),
    ("raise ack clear", State.NORMAL),
    ("raise clear raise", State.UNACKNOWLEDGED),
])
def test_latching_alarm(story, state):
    assert run(story, latch=True) is state


def test_every_pair_is_answered():
    assert set(TABLE) == set(product(State, Event))


def test_every_state_has_a_name_in_both_languages():
    assert all(STATE_NAMES[state].en and STATE_NAMES[state].zh for state in State)


@pytest.mark.parametrize(("pair", "answer"), TABLE.items(), ids=[f"{state}+{event}" for state, event in TABLE])
def test_every_row_is_sound(pair, answer):
    before, event = pair
    moved = answer.state is not before
    again = Effect.RE_ALARM in answer.effects
    assert (Effect.JOURNAL in answer.effects) == (moved or again), "every step is journalled, and only steps are"
    assert again == (event is Event.REMIND and before.active), "a late timer does no harm"
    assert (Effect.ANNUNCIATE in answer.effects) == (moved and answer.state is State.UNACKNOWLEDGED)
    assert (Effect.SILENCE in answer.effects) == (moved and event is Event.ACKNOWLEDGE)
    assert (Effect.REFUSE in answer.effects) == (event is Event.ACKNOWLEDGE and not before.waits)
    if event is Event.ACKNOWLEDGE:
        assert answer.state.condition == before.condition, "acknowledging says nothing about the process"
    if event in (Event.CLEAR, Event.CLEAR_LATCHING):
        assert answer.state.waits == before.waits, "an end does not do a person's work"
        assert not answer.state.condition


def test_documentation_shows_this_table():
    page = (ROOT / "docs/explanation/alarms.md").read_text(encoding="utf-8")
    for part in (f"```mermaid\n{diagram()}\n```", grid()):
        assert part in page, "refresh docs/explanation/alarms.md with the output of: python -m alerting.lifecycle"

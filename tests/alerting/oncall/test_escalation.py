"""Laws of the ladders, over stories of everything that can happen to an alarm and its people."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from alerting.engine import AlarmEngine
from alerting.lifecycle import State
from alerting.oncall.escalation import Escalations
from gateway.model.clock import NS, ManualClock
from gateway.model.errors import CommandError
from tests.alerting.oncall.people import ROUTING
from tests.alerting.oncall.test_routing import routings
from tests.alerting.sites import START_NS, depot, edge, verdicts

SITE = depot()
ALARMS = ("esd-north", "GD-01/HH", "GD-03/H", "GD-01/ROC+")  # P1, P1 that latches, P2, P3

ACTS = st.one_of(
    st.tuples(st.just("raise"), st.sampled_from(ALARMS)), st.tuples(st.just("clear"), st.sampled_from(ALARMS)),
    st.tuples(st.just("acknowledge"), st.sampled_from(ALARMS)), st.tuples(st.just("later"), st.integers(1, 5000)),
    st.tuples(st.just("set clock"), st.integers(-700_000, 700_000)), st.tuples(st.just("restart"), st.just("")))


class Story:
    """Engine and ladders on one clock. told: (alarm, occurrence) -> line times at which people were called for it."""

    def __init__(self, routing):
        self.clock = ManualClock(wall_ns=START_NS)
        self.engine, self.routing = AlarmEngine(SITE.alarms), routing
        self.ladders = Escalations(routing, SITE.alarms, self.engine.state)
        self.called: dict[str, int] = {}

    def act(self, name: str, what) -> None:
        self.clock.advance(0.001)
        match name:
            case "raise" | "clear":
                now = self.clock.now()
                changes = self.engine.apply(verdicts(edge(SITE, what, name == "raise", now.line_ns / NS)))
                self.take(changes.transitions)
            case "acknowledge":
                with suppress(CommandError):  # nothing to acknowledge
                    self.take(self.engine.acknowledge(what, "li", "", self.clock.now()).transitions)
            case "later":
                for _ in range(what // 50 + 1):
                    self.clock.advance(50)
                    self.climb()
            case "set clock":
                self.clock.step_wall(what)
            case "restart":
                kept = self.ladders.standing()
                self.ladders = Escalations(self.routing, SITE.alarms, self.engine.state)
                assert self.ladders.restore(kept, self.clock.now()) == ()
                assert self.ladders.standing() == kept, "a restart goes on where it was"
        self.climb()

    def take(self, transitions) -> None:
        for transition in transitions:
            taken = self.ladders.take(transition, self.clock.now())
            if transition.event == "raise" and taken is not None:
                self.note(taken)

    def climb(self) -> None:
        for taken in tuple(self.ladders.due(self.clock.now())):
            assert self.engine.state(taken.alarm).state.waits, "an acknowledged alarm calls nobody"
            self.note(taken)

    def note(self, taken) -> None:
        if any(one.sent for one in taken.decisions):
            self.called[taken.alarm] = self.clock.now().line_ns


@settings(max_examples=100, deadline=None)
@given(routings(), st.lists(ACTS, max_size=25))
def test_law_nobody_waits_longer_for_the_next_call_of_a_p1_than_the_policy_says(routing, acts):
    """Whatever rosters, mute windows and clocks say: a P1 that waits for a person has called somebody, and calls again
    after the longest wait of its policies (here 60 s, or 300 s without one) and one look."""
    story = Story(routing)
    for act in acts:
        story.act(*act)
        for alarm in ALARMS[:2]:
            if story.engine.state(alarm).state.waits:
                assert story.clock.now().line_ns - story.called[alarm] < 351 * NS


@settings(max_examples=100, deadline=None)
@given(routings(), st.lists(ACTS, max_size=25))
def test_law_there_are_ladders_only_for_what_stands_and_none_calls_for_what_is_taken(routing, acts):
    story = Story(routing)
    for act in acts:
        story.act(*act)
        for ladder in story.ladders.standing():
            known = story.engine.state(ladder.alarm)
            assert known.state is not State.NORMAL and ladder.occurrence == known.occurrence
            assert known.state.waits or ladder.due_line_ns is None
        waiting = {alarm for alarm in ALARMS if story.engine.state(alarm).state.waits}
        assert waiting <= {ladder.alarm for ladder in story.ladders.standing()}


def test_what_is_due_on_a_time_line_that_was_lost_is_due_after_one_wait():
    story = Story(ROUTING)
    story.act("later", 10_000)
    story.act("raise", "GD-01/HH")
    ladder = story.ladders.ladder("GD-01/HH")
    fresh = Escalations(ROUTING, SITE.alarms, story.engine.state)
    now = ManualClock(line_ns=5 * NS).now()
    fresh.restore((replace(ladder),), now)
    assert fresh.ladder("GD-01/HH").due_line_ns == now.line_ns + 300 * NS


def test_a_ladder_of_an_occurrence_that_is_over_is_forgotten():
    story = Story(ROUTING)
    story.act("raise", "GD-03/H")
    old = story.ladders.ladder("GD-03/H")
    story.act("acknowledge", "GD-03/H")
    story.act("clear", "GD-03/H")
    fresh = Escalations(ROUTING, SITE.alarms, story.engine.state)
    assert fresh.restore((old, replace(old, alarm="gone")), story.clock.now()) == ("GD-03/H", "gone")
    assert fresh.standing() == ()

"""The engine: stories, and every short sequence of events held against what must always be true."""

from __future__ import annotations

import math
import random
from itertools import product

import pytest

from alerting.engine import NEVER, AlarmEngine, AlarmState, Changes
from alerting.lifecycle import Event, State
from gateway.model.clock import NS, Instant
from gateway.model.errors import CommandError
from gateway.model.verdict import Verdicts
from tests.alerting.sites import START_NS, depot, edge, verdicts

SITE = depot()
PLAIN, LATCHING, OTHER, ELSEWHERE = "GD-01/H", "GD-01/HH", "GD-02/H", "GD-03/H"


class Story:
    """Plays words against an engine, one second apart: "raise", "clear", "ack", "replay" (all edges so far again)."""

    def __init__(self):
        self.engine = AlarmEngine(SITE.alarms)
        self.second = 0
        self.edges = []
        self.transitions = []

    def play(self, words: str, alarm: str = PLAIN) -> Story:
        for word in words.split():
            self.step(word, alarm)
        return self

    def step(self, word: str, alarm: str) -> Changes:
        self.second += 1
        if word == "replay":
            changes = self.engine.apply(verdicts(*self.edges))
        elif word == "ack":
            at = Instant(self.second * NS, START_NS + self.second * NS)
            try:
                changes = self.engine.acknowledge(alarm, "Wang", "", at)
            except CommandError:
                changes = Changes()
        else:
            self.edges.append(edge(SITE, alarm, word == "raise", self.second, 42.0))
            changes = self.engine.apply(verdicts(self.edges[-1]))
        self.transitions += changes.transitions
        return changes

    def state(self, alarm: str = PLAIN) -> AlarmState:
        return self.engine.state(alarm)


def run(words: str, alarm: str = PLAIN) -> Story:
    return Story().play(words, alarm)


def test_raise_clear_acknowledge():
    story = run("raise clear ack")
    assert [(step.event, step.old, step.new) for step in story.transitions] == [
        (Event.RAISE, State.NORMAL, State.UNACKNOWLEDGED), (Event.CLEAR, State.UNACKNOWLEDGED, State.RETURNED),
        (Event.ACKNOWLEDGE, State.RETURNED, State.NORMAL)]
    assert [step.occurrence for step in story.transitions] == [1, 1, 1]
    assert story.transitions[-1].who == "Wang"
    assert list(story.engine.standing()) == []


def test_value_and_time_are_those_of_the_raise():
    state = run("raise clear").state()
    assert (state.value, state.raised_wall_ns, state.since_wall_ns) == (42.0, START_NS + NS, START_NS + 2 * NS)


def test_each_activation_is_a_new_occurrence_that_nobody_has_acknowledged():
    story = run("raise ack clear raise clear raise")
    assert [step.occurrence for step in story.transitions if step.event is Event.RAISE] == [1, 2, 3]
    assert (story.state().state, story.state().who) == (State.UNACKNOWLEDGED, "")


def test_replay_changes_nothing():
    story = run("raise ack clear raise clear")
    before = story.state()
    assert story.step("replay", PLAIN) == Changes()
    assert story.state() == before


def test_a_repeated_edge_is_remembered_as_the_last_one_but_is_no_transition():
    story = run("raise")
    changes = story.step("raise", PLAIN)
    assert changes.transitions == ()
    assert [state.edge_line_ns for state in changes.states] == [2 * NS]


def test_edges_of_one_instant_all_count():
    """An array of samples that arrived together: low, then high. The alarm must stand."""
    story = run("raise ack")
    story.engine.apply(verdicts(edge(SITE, PLAIN, False, 5), edge(SITE, PLAIN, True, 5, 50.0)))
    assert (story.state().state, story.state().occurrence) == (State.UNACKNOWLEDGED, 2)
    again = story.engine.apply(verdicts(edge(SITE, PLAIN, False, 5), edge(SITE, PLAIN, True, 5, 50.0)))
    assert again == Changes()


def test_who_is_told():
    """P1 and P2: begin, acknowledgement, end. P3: only the begin. P4: the page and the journal only."""
    for alarm, told in ((LATCHING, [True, True, True]), (PLAIN, [True, True, True]),
                        ("GD-01/ROC+", [True, False, False]), ("gateway/clock", [False, False, False])):
        assert [step.notify for step in run("raise ack clear", alarm).transitions] == told


@pytest.mark.parametrize(("alarm", "who", "chinese"), [
    ("GD-99/H", "Wang", "没有此编号"), ("gd-1/hh", "Wang", "是否应为 `GD-01/HH`？"),
    (PLAIN, "Wang", "无需确认"), (PLAIN, " \n", "必须填写姓名")])
def test_a_senseless_acknowledgement_says_why_in_both_languages(alarm, who, chinese):
    with pytest.raises(CommandError) as caught:
        AlarmEngine(SITE.alarms).acknowledge(alarm, who, "", Instant(1, 1))
    assert chinese in caught.value.message("zh")
    assert caught.value.message("en").startswith(f"{alarm}: ") and "Fix: " in caught.value.message("en")


def test_names_and_comments_are_one_clean_line_of_bounded_length():
    story = run("raise")
    changes = story.engine.acknowledge(PLAIN, "  Li\x1b[31m\n Wei ", "x" * 10_000, Instant(9 * NS, 9 * NS))
    assert changes.transitions[0].who == "Li [31m Wei"
    assert len(changes.transitions[0].comment) == 500


# -- first-out

def test_the_first_alarm_of_a_quiet_group_is_first_out():
    story = Story().play("raise", PLAIN).play("raise", OTHER).play("raise", ELSEWHERE)
    assert [story.state(alarm).first_out for alarm in (PLAIN, OTHER, ELSEWHERE)] == [True, False, True]


def test_of_edges_of_one_instant_the_first_in_order_is_first_out():
    story = Story()
    story.engine.apply(verdicts(edge(SITE, OTHER, True, 1), edge(SITE, PLAIN, True, 1)))
    assert [story.state(alarm).first_out for alarm in (PLAIN, OTHER)] == [False, True]


def test_a_group_is_not_quiet_while_an_alarm_waits_for_a_person():
    story = Story().play("raise clear", PLAIN).play("raise", OTHER)
    assert not story.state(OTHER).first_out


def test_an_acknowledged_alarm_that_stands_does_not_spoil_the_next_first_out():
    story = Story().play("raise ack", PLAIN).play("raise", OTHER)
    assert story.state(OTHER).first_out


def test_a_chattering_first_out_keeps_its_mark():
    story = Story().play("raise", PLAIN).play("raise", OTHER).play("clear raise", PLAIN)
    assert [story.state(alarm).first_out for alarm in (PLAIN, OTHER)] == [True, False]


# -- restoring

def test_restored_states_go_on_where_they_were():
    story = Story().play("raise clear", PLAIN).play("raise ack", OTHER).play("raise", LATCHING)
    restored = AlarmEngine(SITE.alarms)
    assert restored.restore(story.engine.states(), story.second * NS) == ()
    assert set(restored.states()) == set(story.engine.states())
    assert restored.apply(verdicts(*story.edges)) == Changes()
    restored.apply(verdicts(edge(SITE, "GD-02/HH", True, 99)))
    assert not restored.state("GD-02/HH").first_out, "the group still has alarms that wait"


def test_an_alarm_that_moved_since_the_start_is_not_overwritten():
    engine = AlarmEngine(SITE.alarms)
    engine.apply(verdicts(edge(SITE, PLAIN, True, 5, 50.0)))
    engine.restore([AlarmState(PLAIN), AlarmState(OTHER, State.RETURNED, 3)], 9 * NS)
    assert [engine.state(alarm).state for alarm in (PLAIN, OTHER)] == [State.UNACKNOWLEDGED, State.RETURNED]


def test_a_lost_time_line_does_not_swallow_live_edges():
    """The telemetry folder was replaced: the time line starts anew, far before the edges in the ledger."""
    engine = AlarmEngine(SITE.alarms)
    engine.restore([AlarmState(PLAIN, State.NORMAL, 7, edge_line_ns=10**18)], 100 * NS)
    assert engine.state(PLAIN).edge_line_ns == NEVER
    engine.apply(verdicts(edge(SITE, PLAIN, True, 101, 50.0)))
    assert (engine.state(PLAIN).state, engine.state(PLAIN).occurrence) == (State.UNACKNOWLEDGED, 8)


def test_a_standing_alarm_that_the_site_no_longer_has_is_named():
    orphans = AlarmEngine(SITE.alarms).restore(
        [AlarmState("GD-77/H", State.ACKNOWLEDGED, 1), AlarmState("GD-78/H", State.NORMAL, 1)], 0)
    assert orphans == ("GD-77/H",)


# -- every short story

WORDS = ("raise", "clear", "ack", "replay")


@pytest.mark.parametrize("alarm", [PLAIN, LATCHING])
def test_all_short_stories(alarm):
    """All 5460 stories of up to 6 words. `on`: the condition stands. `owed`: raised, and nobody has acted."""
    count = 0

    def tell(words: tuple[str, ...], depth: int) -> None:
        nonlocal count
        for word in WORDS:
            story = run(" ".join(words), alarm)
            before = story.state(alarm)
            on, _ = expectation(words)
            changes = story.step(word, alarm)
            after, count = story.state(alarm), count + 1
            now_on, now_owed = expectation((*words, word))
            assert after.state.condition == now_on, "never silently cleared, and no ghost"
            assert after.state.waits == now_owed, "waits for a person exactly while one is owed"
            assert (after.state is not State.NORMAL) == (now_on or now_owed)
            assert (alarm in {state.alarm for state in story.engine.standing()}) == (now_on or now_owed), "visible"
            if word == "replay":
                assert after == before and changes == Changes()
            if word == "raise" and not on:
                assert after.occurrence == before.occurrence + 1
                assert [step.notify for step in changes.transitions] == [True], "a new activation always calls"
            else:
                assert after.occurrence == before.occurrence
            if before.state is State.LATCHED and after.state is State.NORMAL:
                assert word == "ack", "latched ends by a person only"
            assert (after.state is State.LATCHED) == (alarm == LATCHING and owed_after_end(now_on, now_owed))
            assert [step.new for step in changes.transitions][-1:] in ([], [after.state])
            if depth > 1:
                tell((*words, word), depth - 1)

    tell((), 6)
    assert count == sum(len(WORDS) ** length for length in range(1, 7))


def expectation(words: tuple[str, ...]) -> tuple[bool, bool]:
    """The independent witness: two booleans instead of five states."""
    on = owed = False
    for word in words:
        if word == "raise":
            on, owed = True, owed or not on
        elif word == "clear":
            on = False
        elif word == "ack":
            owed = False
    return on, owed


def owed_after_end(on: bool, owed: bool) -> bool:
    return owed and not on


def test_folding_the_transitions_gives_the_states():
    """A thousand random steps over all alarms of one area: the journal alone tells the state."""
    chance = random.Random(20)
    story = Story()
    alarms = [PLAIN, LATCHING, OTHER, "GD-02/HH", "tank_farm/blind"]
    for _ in range(1000):
        story.step(chance.choice(WORDS[:3]), chance.choice(alarms))
    told = {}
    for step in story.transitions:
        assert step.old is told.get(step.alarm, (State.NORMAL, 0))[0]
        told[step.alarm] = (step.new, step.occurrence)
    assert told == {state.alarm: (state.state, state.occurrence) for state in story.engine.states() if state.occurrence}


def test_order_of_two_calls_or_one_does_not_matter():
    edges = [edge(SITE, alarm, active, second, math.nan if not active else 30.0)
             for second, (alarm, active) in enumerate(product((PLAIN, OTHER, LATCHING), (True, False, True)), 1)]
    at_once, one_by_one = AlarmEngine(SITE.alarms), AlarmEngine(SITE.alarms)
    whole = at_once.apply(verdicts(*edges))
    parts = [one_by_one.apply(verdicts(each)) for each in edges]
    assert repr(whole.transitions) == repr(tuple(step for part in parts for step in part.transitions))
    assert repr(at_once.states()) == repr(one_by_one.states())
    assert at_once.apply(Verdicts.none()) == Changes()

"""Every state that life cycle and overlays can reach together, breadth first over states (not over sequences).

The real engine and the real overlays of one alarm, moved by every event there is, with the steps of alerting.service
between them. A state is what can matter for the future: that of the alarm, what stands over it and for how long still,
the plant state of its suppression, and how long ago people were called. Each state is expanded once, and every
expansion begins with a restart: what was stored is all that is known.

Times are coarse, so that the number of states is finite: a tick of the clock is a minute, and everything lasts one or
two.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

import pytest

from alerting.engine import NEVER, AlarmEngine, AlarmState
from alerting.lifecycle import State
from alerting.overlays.hold import Hold, Kind, Step
from alerting.overlays.overlays import Ask, Overlays
from alerting.overlays.tables import Act
from alerting.realarm import ReAlarm
from gateway.model.alarm import Priority
from gateway.model.clock import NS, Instant
from gateway.model.errors import CommandError
from gateway.model.rules import Test
from gateway.model.suppression import Suppression
from gateway.model.text import Text
from tests.alerting.sites import depot, edge, verdicts

TICK_NS = 60 * NS
LASTS = {Kind.BYPASS: 1, Kind.SHELF: 2, Kind.OUT_OF_SERVICE: 1, Kind.SUPPRESSION: 1}  # ticks
LINE = 10**6 * NS  # every state is looked at at this instant; what it holds is shifted to it
REMINDED = ReAlarm({Priority.P2: 60.0}, {Priority.P2: 120.0})
OLDEST = 2  # ticks since the last call: older makes no difference
PATIENCE = 6  # ticks, more than everything lasts


@dataclass(frozen=True)
class Node:
    alarm: AlarmState
    holds: tuple[Hold, ...]
    stopped: bool  # the plant state of the suppression

    @property
    def over(self) -> frozenset[Kind]:
        """What withholds. A suppression whose time is over is remembered, and withholds nothing."""
        return frozenset(hold.kind for hold in self.holds if hold.until_line_ns > LINE)

    @property
    def was_told(self) -> bool:
        return self.alarm.called_line_ns != NEVER


@dataclass(frozen=True)
class Move:
    before: Node
    event: str
    after: Node
    called: bool  # people, for the active alarm
    steps: tuple[Step, ...]


class Plant:
    def __init__(self, is_stopped: bool):
        self.is_stopped = is_stopped

    def true(self, test, now):
        return self.is_stopped


class World:
    """One alarm of the site, which latches or not."""

    def __init__(self, latch: bool):
        here, stopped = depot(), Suppression("stopped", Text.same("stopped"), ("GD-01/H",), Test.parse("P.run == 0"),
                                             after_s=60.0, longest_s=60.0 * LASTS[Kind.SUPPRESSION])
        limits = tuple(replace(limit, latch=latch) for limit in here.signals[0].limits)
        signal = replace(here.signals[0], limits=limits, gas=False)  # those of a gas detector are never suppressed
        self.site = replace(here, signals=type(here.signals)((signal, *here.signals[1:])), suppressions=(stopped,))
        self.alarm = self.site.alarms.get("GD-01/H")
        commanded = [kind for kind in Kind if kind is not Kind.SUPPRESSION]
        self.events = ("raise", "clear", "acknowledge", "tick", "plant stops", "plant runs", "doubtful restart",
                       f"once {Kind.SHELF}", *(f"{act} {kind}" for kind in commanded for act in ("begin", "end")))

    def explore(self) -> tuple[dict[Node, int], list[Move]]:
        """All states, with their number of moves from the beginning, and all moves between them."""
        start = Node(AlarmState(self.alarm.id), (), False)
        found, moves, todo = {start: 0}, [], deque([start])
        while todo:
            node = todo.popleft()
            for event in self.events:
                move = self.move(node, event)
                if move is not None:
                    moves.append(move)
                    if move.after not in found:
                        found[move.after] = found[node] + 1
                        todo.append(move.after)
        return found, moves

    def move(self, node: Node, event: str) -> Move | None:
        """None: refused."""
        engine, plant = AlarmEngine(self.site.alarms), Plant(node.stopped)
        overlays = Overlays(self.site, engine.state)
        overlays.connect(plant)
        act, _, what = event.partition(" ")
        now = Instant(LINE, LINE, trusted=event != "doubtful restart")
        engine.restore([node.alarm], LINE)
        called, seen = [], []

        def take(steps: tuple[Step, ...]) -> None:
            for step in steps:
                seen.append(step)
                if not step.begins and self.alarm in step.alarms and overlays.calls_again(self.alarm):
                    engine.called(self.alarm.id, now.line_ns)
                    called.append(step)

        restored = overlays.restore(node.holds, now)
        take(restored if event == "doubtful restart" else ())
        if act == "tick":
            now = Instant(LINE + TICK_NS, LINE + TICK_NS)
        elif act == "plant":
            plant.is_stopped = what == "stops"
        try:
            if act in ("begin", "once"):
                take((overlays.begin(Kind(what), Ask(self.alarm.id, "Li", "why", 60.0 * LASTS[Kind(what)], "Wang",
                                                     act == "once"), now),))
            elif act == "end":
                take((overlays.end(Kind(what), self.alarm.id, "Li", "", now),))
            take(overlays.judge(now))
            changes = ()
            if act in ("raise", "clear"):
                changes = engine.apply(verdicts(edge(self.site, self.alarm.id, act == "raise", LINE / NS))).transitions
            elif act == "acknowledge":
                changes = engine.acknowledge(self.alarm.id, "Li", "", now).transitions
            elif (REMINDED.is_due(self.alarm, engine.state(self.alarm.id), now.line_ns)
                  and not overlays.over(self.alarm)):
                changes = engine.remind(self.alarm.id, now).transitions
        except CommandError:
            return None
        for transition in changes:
            if transition.event == "remind" or (transition.event == "raise" and not overlays.over(self.alarm)):
                engine.called(self.alarm.id, now.line_ns)
                called.append(transition)
        take(overlays.normal(now))
        after = self._node(engine.state(self.alarm.id), overlays.everything(), plant.is_stopped, now.line_ns - LINE)
        return Move(node, event, after, bool(called), tuple(seen))

    def _node(self, known: AlarmState, holds: tuple[Hold, ...], stopped: bool, shift: int) -> Node:
        """Shifted to LINE, without what can not matter for the future."""
        said = known.called_line_ns
        if known.state is State.NORMAL:
            said = NEVER
        elif said != NEVER:
            said = max(said - shift, LINE - OLDEST * TICK_NS)
        alarm = AlarmState(known.alarm, known.state, raised_line_ns=LINE - OLDEST * TICK_NS, called_line_ns=said)
        moved = []
        for hold in holds:
            until = max(hold.until_line_ns - shift, LINE)
            begun = until - LASTS[hold.kind] * TICK_NS
            moved.append(replace(hold, begun_line_ns=begun, begun_wall_ns=begun, until_line_ns=until,
                                 until_wall_ns=until))
        return Node(alarm, tuple(sorted(moved, key=lambda hold: hold.kind)), stopped)


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "latching"])
def explored(request):
    return *World(request.param).explore(), request.param


def test_every_state_of_the_alarm_is_met_under_every_set_of_overlays(explored):
    found, _, latch = explored
    states = set(State) - {State.RETURNED if latch else State.LATCHED}
    assert len({(node.alarm.state, node.over) for node in found}) == len(states) * 2 ** len(Kind)


def test_never_lost(explored):
    """What is active and was told to nobody stands under something that withholds it; and the end of that calls."""
    for node in explored[0]:
        if node.alarm.state.active and not node.was_told:
            assert node.over, node


def test_never_silently_cleared(explored):
    for move in explored[1]:
        before, after = move.before.alarm.state, move.after.alarm.state
        if before.waits and not after.waits:
            assert move.event == "acknowledge", move
        if before.active and not after.active:
            assert move.event == ("acknowledge" if before is State.LATCHED else "clear"), move
        if before.active and after.active and not after.waits:
            assert move.before.was_told or not move.after.was_told or move.called, move


def test_acknowledged_stays_acknowledged_until_a_new_excursion(explored):
    for move in explored[1]:
        if move.before.alarm.state is State.ACKNOWLEDGED:
            assert move.after.alarm.state is (State.NORMAL if move.event == "clear" else State.ACKNOWLEDGED), move


def test_late_timers_are_harmless_and_overlays_leave_the_state_alone(explored):
    for move in explored[1]:
        if move.event not in ("raise", "clear", "acknowledge"):
            assert move.after.alarm.state is move.before.alarm.state, move
        if move.event == "tick":
            assert not any(step.begins and step.hold.kind is not Kind.SUPPRESSION for step in move.steps), move


def test_nobody_is_called_under_an_overlay(explored):
    for move in explored[1]:
        assert not (move.called and move.before.over & move.after.over), move


def test_nothing_is_withheld_for_ever_and_what_waits_is_never_silent_for_ever(explored):
    found, moves, _ = explored
    tick = {move.before: move for move in moves if move.event == "tick"}
    for node in found:
        here, called = node, False
        for _ in range(PATIENCE):
            called |= tick[here].called
            here = tick[here].after
        assert not here.over, node
        assert called or not (node.alarm.state.active and node.alarm.state.waits), node


def test_every_end_of_withholding_calls_for_what_waits(explored):
    for move in explored[1]:
        known = move.after.alarm.state
        if move.before.over and not move.after.over and known.active and known.waits:
            assert move.called, move


def test_doubt_ends_everything(explored):
    for move in explored[1]:
        if move.event == "doubtful restart":
            assert not move.after.over and all(step.act in (Act.EXPIRE, Act.END) for step in move.steps), move

"""Who of the other gateways is alive: only a sign of life ends the alarm, over restarts, too."""

from __future__ import annotations

import pytest

from gateway.model.alarm import AlarmTable
from gateway.model.clock import ManualClock
from gateway.model.peer import Peer
from gateway.model.text import Text
from gateway.vigil.heartbeat import hear
from gateway.vigil.peers import Peers

survives = pytest.mark.survives

DEPOT, MINE = Peer("depot", Text("North depot", "北油库"), 60.0), Peer("mine", Text.same("Mine"), 600.0)
ALARMS = AlarmTable((DEPOT.alarm, MINE.alarm))


class Story:
    def __init__(self):
        self.clock = ManualClock()
        self.peers = Peers((DEPOT, MINE), ALARMS, self.clock.now())

    def after(self, seconds: float) -> list[str]:
        return [f"{ALARMS[edge.alarm].id}{'+' if edge.active else '-'}"
                for edge in self.peers.judge(self.clock.advance(seconds))]

    def hear(self, payload: bytes) -> None:
        hear(self.peers, "depot", payload, self.clock)

    @property
    def depot(self):
        return self.peers.status(self.clock.now())[0]


def test_a_silent_gateway_is_told_once_and_its_return_once():
    story = Story()
    assert story.after(60) == []
    assert story.after(1) == ["gateway/peer/depot+"]
    assert story.after(600) == ["gateway/peer/mine+"]
    story.peers.heard("depot", "MQTT", story.clock.now())
    assert story.after(1) == ["gateway/peer/depot-"]
    assert story.after(59) == []
    assert story.after(1) == ["gateway/peer/depot+"]


def test_the_alarm_of_before_a_restart_ends_with_a_sign_of_life_and_not_before():
    story = Story()
    story.peers.adopt({"gateway/peer/depot", "GD-01/H"})
    assert story.after(10) == [] and story.depot.silent
    story.peers.heard("depot", "HTTP", story.clock.now())
    assert story.after(1) == ["gateway/peer/depot-"]


def test_a_wall_clock_that_is_set_silences_nobody():
    story = Story()
    story.clock.step_wall(86_400 * 365)
    assert story.after(1) == []
    story.clock.step_wall(-86_400 * 730)
    assert story.after(58) == [] and story.after(2) == ["gateway/peer/depot+"]


@pytest.mark.parametrize("payload, word", [
    (b'{"state": "hung", "reason": {"en": "no progress: gas", "zh": "x"}}', "it does not work: no progress: gas"),
    (b'{"state": "gone"}', "its broker connection is gone"),
    (b'{"state": "hung", "reason": 7}', "it does not work: "),
])
def test_a_gateway_that_says_that_it_does_not_work_shows_no_sign_of_life(payload, word):
    story = Story()
    story.hear(payload)
    assert story.depot.word.en == word
    assert story.after(61) == ["gateway/peer/depot+"]
    story.hear(b'{"state": "working"}')
    assert story.after(1) == ["gateway/peer/depot-"] and not story.depot.word.en


@survives("a heartbeat that is not one: no JSON, no object, no state, nested a thousand times",
          then="no sign of life; the alarm comes as if nothing had come",
          says=Text("what it sends is not understood", "收到的内容无法识别"))
def test_a_broken_heartbeat_is_no_sign_of_life(says):
    story = Story()
    story.after(50)
    for payload in (b"", b"\xff", b"7", b"[]", b"{}", b"null", b"[" * 2000, b'{"state": 1'):
        story.hear(payload)
        assert says(story.depot.word), payload
    story.hear(b'{"state": ["working"]}')
    assert story.after(11) == ["gateway/peer/depot+"]

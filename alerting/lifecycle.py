"""The life of one alarm, after ISA-18.2 / IEC 62682, as a total table: every (state, event) pair is answered.

An alarm is *normal* until its condition begins. Then it is *unacknowledged*: it calls people until one of them takes
it, which makes it *acknowledged*. When the condition ends first, the alarm does not vanish: it stays as *returned*
until somebody has seen it; one that latches stays as *latched*, which counts as active. Only an acknowledged alarm
goes back to normal by itself when its condition ends.

Here acknowledging a latched alarm also resets it: one act of one person, after the condition has ended. The standard's
"latched acknowledged" would need a second act and therefore does not exist.

A condition that begins again before anybody acknowledged is a new occurrence and calls again. A condition that begins
although it is known to stand, or ends although none is known, changes nothing: edges may be repeated.

`REMIND` is a timer of re-alarm (alerting.realarm): people are called once more for an alarm that stands. It moves no
state, so that one which comes late does no harm, and an acknowledged alarm stays acknowledged.

`CLEAR_LATCHING` is the end of the condition of an alarm that latches. It is an event of its own so that one table
answers for both sorts, also when the site file changes the sort while an alarm stands.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gateway.model.text import Text


class State(StrEnum):
    NORMAL = "normal"
    UNACKNOWLEDGED = "unacknowledged"
    ACKNOWLEDGED = "acknowledged"
    RETURNED = "returned"
    LATCHED = "latched"

    @property
    def active(self) -> bool:
        """The condition stands, or the alarm holds it."""
        return self in (State.UNACKNOWLEDGED, State.ACKNOWLEDGED, State.LATCHED)

    @property
    def condition(self) -> bool:
        """The condition itself stands, as far as is known."""
        return self in (State.UNACKNOWLEDGED, State.ACKNOWLEDGED)

    @property
    def waits(self) -> bool:
        """A person has to acknowledge."""
        return self in (State.UNACKNOWLEDGED, State.RETURNED, State.LATCHED)


class Event(StrEnum):
    RAISE = "raise"
    CLEAR = "clear"
    CLEAR_LATCHING = "clear_latching"
    ACKNOWLEDGE = "acknowledge"
    REMIND = "remind"


class Effect(StrEnum):
    ANNUNCIATE = "annunciate"  # a new occurrence: call people, judge first-out
    SILENCE = "silence"  # somebody has taken it: stop calling, tell the others
    RE_ALARM = "re_alarm"  # the same occurrence: call people again
    ANNOUNCE_END = "announce_end"  # the condition is over: tell those who were called
    JOURNAL = "journal"
    REFUSE = "refuse"  # a person asked for what makes no sense in this state: say so


@dataclass(frozen=True, slots=True)
class Answer:
    state: State
    effects: frozenset[Effect] = frozenset()


_AGAIN = frozenset({Effect.RE_ALARM, Effect.JOURNAL})


def _to(state: State, *effects: Effect) -> Answer:
    return Answer(state, frozenset((*effects, Effect.JOURNAL)))


TABLE: dict[tuple[State, Event], Answer] = {
    (State.NORMAL, Event.RAISE): _to(State.UNACKNOWLEDGED, Effect.ANNUNCIATE),
    (State.NORMAL, Event.CLEAR): Answer(State.NORMAL),
    (State.NORMAL, Event.CLEAR_LATCHING): Answer(State.NORMAL),
    (State.NORMAL, Event.ACKNOWLEDGE): Answer(State.NORMAL, frozenset({Effect.REFUSE})),
    (State.NORMAL, Event.REMIND): Answer(State.NORMAL),

    (State.UNACKNOWLEDGED, Event.RAISE): Answer(State.UNACKNOWLEDGED),
    (State.UNACKNOWLEDGED, Event.CLEAR): _to(State.RETURNED, Effect.ANNOUNCE_END),
    (State.UNACKNOWLEDGED, Event.CLEAR_LATCHING): _to(State.LATCHED, Effect.ANNOUNCE_END),
    (State.UNACKNOWLEDGED, Event.ACKNOWLEDGE): _to(State.ACKNOWLEDGED, Effect.SILENCE),
    (State.UNACKNOWLEDGED, Event.REMIND): Answer(State.UNACKNOWLEDGED, _AGAIN),

    (State.ACKNOWLEDGED, Event.RAISE): Answer(State.ACKNOWLEDGED),
    (State.ACKNOWLEDGED, Event.CLEAR): _to(State.NORMAL, Effect.ANNOUNCE_END),
    (State.ACKNOWLEDGED, Event.CLEAR_LATCHING): _to(State.NORMAL, Effect.ANNOUNCE_END),
    (State.ACKNOWLEDGED, Event.ACKNOWLEDGE): Answer(State.ACKNOWLEDGED, frozenset({Effect.REFUSE})),
    (State.ACKNOWLEDGED, Event.REMIND): Answer(State.ACKNOWLEDGED, _AGAIN),

    (State.RETURNED, Event.RAISE): _to(State.UNACKNOWLEDGED, Effect.ANNUNCIATE),
    (State.RETURNED, Event.CLEAR): Answer(State.RETURNED),
    (State.RETURNED, Event.CLEAR_LATCHING): Answer(State.RETURNED),
    (State.RETURNED, Event.ACKNOWLEDGE): _to(State.NORMAL, Effect.SILENCE),
    (State.RETURNED, Event.REMIND): Answer(State.RETURNED),

    (State.LATCHED, Event.RAISE): _to(State.UNACKNOWLEDGED, Effect.ANNUNCIATE),
    (State.LATCHED, Event.CLEAR): Answer(State.LATCHED),
    (State.LATCHED, Event.CLEAR_LATCHING): Answer(State.LATCHED),
    (State.LATCHED, Event.ACKNOWLEDGE): _to(State.NORMAL, Effect.SILENCE),
    (State.LATCHED, Event.REMIND): Answer(State.LATCHED, _AGAIN),
}

STATE_NAMES: dict[State, Text] = {
    State.NORMAL: Text("normal", "正常"),
    State.UNACKNOWLEDGED: Text("active, not acknowledged", "报警中，未确认"),
    State.ACKNOWLEDGED: Text("active, acknowledged", "报警中，已确认"),
    State.RETURNED: Text("ended, not acknowledged", "已恢复，未确认"),
    State.LATCHED: Text("latched: ended, not acknowledged", "锁存：已恢复，未确认"),
}


def diagram() -> str:
    """The table as a Mermaid state diagram: pairs that change nothing are left out."""
    lines = ["stateDiagram-v2", "    [*] --> normal"]
    for (state, event), answer in TABLE.items():
        if answer.state is not state:
            shown = ", ".join(effect for effect in Effect if effect in answer.effects and effect is not Effect.JOURNAL)
            lines.append(f"    {state} --> {answer.state}: {event} / {shown}")
    return "\n".join(lines)


def grid() -> str:
    """The table as Markdown, one row per state, one column per event; "-": nothing changes."""
    lines = ["| state | " + " | ".join(Event) + " |", "|---" * (len(Event) + 1) + "|"]
    for state in State:
        cells = []
        for event in Event:
            answer = TABLE[state, event]
            cells.append("refused" if Effect.REFUSE in answer.effects else
                         "re-alarm" if Effect.RE_ALARM in answer.effects else
                         "-" if answer.state is state else str(answer.state))
        lines.append(f"| {state} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":  # what docs/explanation/alarms.md shows; a test compares the two
    print(f"```mermaid\n{diagram()}\n```\n\n{grid()}")

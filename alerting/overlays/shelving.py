"""Shelving: an operator puts an alarm that stands in the way aside, once or for a time (ISA-18.2 / IEC 62682).

*One-shot*: until the alarm has returned to normal, or the time is over. Only an alarm that is active can be shelved so.
*Timed*: until the time is over, however often the alarm comes and goes. P1 is not shelved unless the site allows it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from alerting.overlays.hold import Kind, Rules
from alerting.overlays.tables import Act, Answer, Table, recall, refuse, withhold
from gateway.model.text import Text


class State(StrEnum):
    UNSHELVED = "unshelved"
    ONE_SHOT = "one_shot"
    TIMED = "timed"


TABLE: Final[Table] = {
    (State.UNSHELVED, Act.BEGIN): withhold(State.TIMED),
    (State.UNSHELVED, Act.BEGIN_ONCE): withhold(State.ONE_SHOT),
    (State.UNSHELVED, Act.END): refuse(State.UNSHELVED),
    (State.UNSHELVED, Act.NORMAL): Answer(State.UNSHELVED),
    (State.UNSHELVED, Act.EXPIRE): Answer(State.UNSHELVED),

    (State.ONE_SHOT, Act.BEGIN): refuse(State.ONE_SHOT),
    (State.ONE_SHOT, Act.BEGIN_ONCE): refuse(State.ONE_SHOT),
    (State.ONE_SHOT, Act.END): recall(State.UNSHELVED),
    (State.ONE_SHOT, Act.NORMAL): recall(State.UNSHELVED),
    (State.ONE_SHOT, Act.EXPIRE): recall(State.UNSHELVED),

    (State.TIMED, Act.BEGIN): refuse(State.TIMED),
    (State.TIMED, Act.BEGIN_ONCE): refuse(State.TIMED),
    (State.TIMED, Act.END): recall(State.UNSHELVED),
    (State.TIMED, Act.NORMAL): Answer(State.TIMED),
    (State.TIMED, Act.EXPIRE): recall(State.UNSHELVED),
}
RULES: Final = Rules(Kind.SHELF, TABLE, longest_s=8 * 3600.0, longest_p1_s=0.0, name=Text("shelving", "搁置"),
                     a=Text("shelving", "搁置"), state=Text("shelved", "搁置"))

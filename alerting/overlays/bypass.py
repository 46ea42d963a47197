"""Bypass: a person says that nobody shall be called for an alarm for a while, as for a calibration. Limits and approval
of P1: see alerting.overlays.hold."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from alerting.overlays.hold import Kind, Rules
from alerting.overlays.tables import Act, Answer, Table, recall, refuse, withhold
from gateway.model.text import Text


class State(StrEnum):
    OPEN = "open"  # effects reach people
    BYPASSED = "bypassed"


TABLE: Final[Table] = {
    (State.OPEN, Act.BEGIN): withhold(State.BYPASSED),
    (State.OPEN, Act.END): refuse(State.OPEN),
    (State.OPEN, Act.EXPIRE): Answer(State.OPEN),
    (State.BYPASSED, Act.BEGIN): refuse(State.BYPASSED),
    (State.BYPASSED, Act.END): recall(State.OPEN),
    (State.BYPASSED, Act.EXPIRE): recall(State.OPEN),
}
RULES: Final = Rules(Kind.BYPASS, TABLE, longest_s=8 * 3600.0, longest_p1_s=3600.0, name=Text("bypass", "旁路"),
                     a=Text("a bypass", "旁路"), state=Text("bypassed", "旁路"))

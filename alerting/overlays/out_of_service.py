"""Out of service: an alarm is taken out of service for maintenance, with the approval of a second person whatever its
priority, and a person returns it to service (ISA-18.2 / IEC 62682). If nobody does, time does, and people are called.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from alerting.overlays.hold import Kind, Rules
from alerting.overlays.tables import Act, Answer, Table, recall, refuse, withhold
from gateway.model.text import Text


class State(StrEnum):
    IN_SERVICE = "in_service"
    OUT_OF_SERVICE = "out_of_service"


TABLE: Final[Table] = {
    (State.IN_SERVICE, Act.BEGIN): withhold(State.OUT_OF_SERVICE),
    (State.IN_SERVICE, Act.END): refuse(State.IN_SERVICE),
    (State.IN_SERVICE, Act.EXPIRE): Answer(State.IN_SERVICE),
    (State.OUT_OF_SERVICE, Act.BEGIN): refuse(State.OUT_OF_SERVICE),
    (State.OUT_OF_SERVICE, Act.END): recall(State.IN_SERVICE),
    (State.OUT_OF_SERVICE, Act.EXPIRE): recall(State.IN_SERVICE),
}
RULES: Final = Rules(Kind.OUT_OF_SERVICE, TABLE, longest_s=30 * 86400.0, longest_p1_s=8 * 3600.0, always_approved=True,
                     name=Text("removal from service", "停用"), a=Text("removal from service", "停用"),
                     state=Text("out of service", "停用"))

"""Alarm definitions, numbered in one table. Detectors say *when*, definitions say *what and how urgent*."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from gateway.model.text import Text


class Priority(IntEnum):
    """How soon a person must act. P1 is never delayed, bundled, muted or rate-limited."""

    P1 = 1
    P2 = 2
    P3 = 3
    P4 = 4


class Risk(StrEnum):
    """The four-colour risk level of the authorities: an axis of its own, apart from priority."""

    RED = "red"
    ORANGE = "orange"
    YELLOW = "yellow"
    BLUE = "blue"


RISK_NAMES = {Risk.RED: Text("red", "红色"), Risk.ORANGE: Text("orange", "橙色"),
              Risk.YELLOW: Text("yellow", "黄色"), Risk.BLUE: Text("blue", "蓝色")}


DRILL, DRILL_PREFIX, TEST = "drill", "drill/", "test"
EXERCISES = {DRILL: "DRILL / 演练", TEST: "TEST / 测试"}  # the first characters of what people read, in every language


@dataclass(frozen=True, slots=True)
class AlarmDefinition:
    """One possible alarm.

    id         stable over restarts and configuration changes, e.g. "GD-03/HH", "esd-north", "gateway/ledger"
    condition  a gateway.model.condition.Condition value ("HH", "deadman", "shutdown" ...)
    origin     what it is about: id of a signal, rule or area, or "gateway"
    name       short, says what and where: "GD-03 tank farm: gas high-high"
    limit      set point in `unit`, where there is one
    latch      the alarm stays active until it is acknowledged *and* the condition has ended
    group      alarms of one group form one first-out sequence (usually the area)
    guidance   what to do, shown with the alarm; a gateway.model.guidance.Guidance where more than that is known
    exercise   "": real. DRILL: of a twin (gateway.vigil.twins); TEST: of the
               self-test; marked wherever it is seen, counts for nothing real
    lost       of a vote: its name where no member has voted, see gateway.model.lost
    """

    id: str
    condition: str
    origin: str
    area: str
    name: Text
    priority: Priority
    risk: Risk
    unit: str = ""
    limit: float | None = None
    decimals: int = 1
    latch: bool = False
    group: str = ""
    guidance: Text = Text("", "")
    exercise: str = ""
    lost: Text = Text("", "")

    @property
    def subject(self) -> str:
        """Its origin; of a drill, that of the real alarm."""
        return self.origin.removeprefix(DRILL_PREFIX)


class AlarmTable(Sequence[AlarmDefinition]):
    """The alarms of a site, numbered. The number is what travels in Verdicts; the id is what is stored."""

    def __init__(self, definitions: Sequence[AlarmDefinition]):
        self._definitions = tuple(definitions)
        self._index = {definition.id: number for number, definition in enumerate(self._definitions)}
        if len(self._index) != len(self._definitions):
            raise ValueError("duplicate alarm id")

    def __len__(self) -> int:
        return len(self._definitions)

    def __getitem__(self, number):  # int -> AlarmDefinition, slice -> tuple
        return self._definitions[number]

    def __iter__(self) -> Iterator[AlarmDefinition]:
        return iter(self._definitions)

    def __contains__(self, key: object) -> bool:
        return key in self._index if isinstance(key, str) else key in self._definitions

    def index(self, alarm: str, *_: int) -> int:  # type: ignore[override]
        """The number of an alarm id. KeyError when unknown."""
        return self._index[alarm]

    def get(self, alarm: str) -> AlarmDefinition | None:
        number = self._index.get(alarm)
        return None if number is None else self._definitions[number]

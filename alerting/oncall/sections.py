"""The tables inside `[oncall]` of the site file, and what they become."""

from __future__ import annotations

from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from alerting.oncall.roster import MIDNIGHT, Layer, Override, Roster
from alerting.oncall.routing import Address, Filter, Hours, Mute, Person, Policy, Step
from alerting.oncall.values import EVERY_DAY, Day, Duration, Hour, Moment, Name, Urgency, Weekday, weekdays
from gateway.model.condition import Condition
from gateway.model.text import Text

DAY_S = 86400.0


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, arbitrary_types_allowed=True)


class PersonSection(Section):
    id: str = Field(min_length=1)
    """Short id that rosters and policies refer to."""
    name: Name
    """Shown in notices and records."""
    duty: Name = Text("", "")
    """What this person is responsible for: safety officer, head of the firm, grid worker of the village."""
    language: Literal["en", "zh"] | None = None
    """Of the notices. Default: that of the site."""
    contacts: dict[str, str] = {}
    """Id of a notifier -> address there, such as `{ mail = "li@example.org" }`; `""`: its own default."""

    def person(self) -> Person:
        return Person(self.id, self.name, tuple(Address(channel, to) for channel, to in self.contacts.items()),
                      self.duty, self.language)


class LayerSection(Section):
    name: Name
    """Shown as the reason why somebody is called, such as "night shift"."""
    people: Annotated[list[str], Field(min_length=1)]
    """Who takes turns, in this order."""
    start: Day
    """First day of the first of them."""
    turn: Duration = 7 * DAY_S
    """Length of one turn, in whole days: the next one takes over at `from`."""
    from_: Annotated[Hour, Field(alias="from")] = MIDNIGHT
    """Beginning of a shift, local time."""
    until: Hour = MIDNIGHT
    """Its end; not after `from`: on the next day. Both the same: the whole day."""
    days: list[Weekday] = EVERY_DAY
    """Weekdays on which a shift begins."""
    on: Literal["all", "holidays", "workdays"] = "all"
    """`holidays`: only on those of the roster; `workdays`: never on those."""

    def layer(self) -> Layer:
        return Layer(self.name, tuple(self.people), self.start, max(round(self.turn / DAY_S), 1), self.from_,
                     self.until, weekdays(self.days), {"all": None, "holidays": True, "workdays": False}[self.on])


class OverrideSection(Section):
    person: str
    """Who stands in."""
    from_: Annotated[Moment, Field(alias="from")]
    """Local time of the site, such as `"2026-10-01 08:00"`."""
    until: Moment
    """Local time of the site."""
    reason: str = ""
    """Shown beside the name."""


class RosterSection(Section):
    id: str = Field(min_length=1)
    """Id that policies refer to; not that of a person."""
    name: Name
    """What people call it."""
    holidays: list[Day] = []
    """Days that count as holidays."""
    layers: Annotated[list[LayerSection], Field(min_length=1)]
    """A later layer goes before an earlier one wherever it covers the time."""
    overrides: list[OverrideSection] = []
    """Stand-ins, before all layers; of two that overlap the later one counts."""

    def roster(self, zone: ZoneInfo) -> Roster:
        return Roster(self.id, self.name, zone, tuple(layer.layer() for layer in self.layers),
                      tuple(Override(one.person, one.from_.replace(tzinfo=zone), one.until.replace(tzinfo=zone),
                                     one.reason) for one in self.overrides), frozenset(self.holidays))


class HoursSection(Section):
    from_: Annotated[Hour, Field(alias="from")]
    """Local time."""
    until: Hour
    """Not after `from`: on the next day."""
    days: list[Weekday] = EVERY_DAY
    """Weekdays on which these hours begin."""


class FilterSection(Section):
    priorities: list[Urgency] = []
    """Only alarms of these priorities. Default: all."""
    areas: list[str] = []
    """Only alarms of these areas. Default: all."""
    conditions: list[Condition] = []
    """Only alarms of these conditions, such as `"HH"`, `"deadman"`. Default: all."""
    hours: HoursSection | None = None
    """Only at these hours, such as `{ from = "20:00", until = "08:00" }`. Default: always."""

    def filter(self) -> Filter:
        hours = self.hours and Hours(self.hours.from_, self.hours.until, weekdays(self.hours.days))
        return Filter(frozenset(self.priorities), frozenset(self.areas), frozenset(self.conditions), hours)


class StepSection(Section):
    notify: Annotated[list[str], Field(min_length=1)]
    """Ids of people and rosters."""
    wait: Duration = 300.0
    """How long an acknowledgement is waited for before the next step."""


class PolicySection(FilterSection):
    id: str = Field(min_length=1)
    """Shown with each decision."""
    steps: Annotated[list[StepSection], Field(min_length=1)]
    """One after the other until somebody acknowledges."""
    repeat: Annotated[int, Field(ge=1, le=1000)] = 1
    """How often all steps are gone through. P1 is called until somebody acknowledges."""

    def policy(self) -> Policy:
        return Policy(self.id, self.filter(), tuple(Step(tuple(step.notify), step.wait) for step in self.steps),
                      self.repeat)


class MuteSection(FilterSection):
    name: Name
    """Shown as the reason why nobody was called."""
    hours: HoursSection
    """Nothing is withheld for ever: what is still active and not acknowledged calls when they are over."""

    def mute(self) -> Mute:
        return Mute(self.name, self.filter())

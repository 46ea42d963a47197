"""The table `[oncall]` of the site file: people, rosters, policies, mute windows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from alerting.oncall.findings import Finding, ids_twice, of_mutes, of_people, of_policies, of_rosters
from alerting.oncall.routing import Routing
from alerting.oncall.sections import MuteSection, PersonSection, PolicySection, RosterSection, Section


class Reference(NamedTuple):
    """A name that must be known. kind: "people", "areas", "notifiers", or "targets": a person or a roster."""

    location: tuple[str | int, ...]
    kind: str
    name: str


class OnCallSection(Section):
    people: tuple[PersonSection, ...] = ()
    """Who can be called."""
    rosters: tuple[RosterSection, ...] = ()
    """Who is on duty when."""
    policies: tuple[PolicySection, ...] = ()
    """Who is called for which alarm. The first that fits counts; an alarm that none fits calls every notifier."""
    mutes: tuple[MuteSection, ...] = ()
    """When which alarms call nobody. Never a P1, whatever stands here."""

    def routing(self, zone: ZoneInfo, channels: Sequence[str]) -> Routing:
        return Routing(
            zone, tuple(channels), {one.id: one.person() for one in self.people},
            {one.id: one.roster(zone) for one in self.rosters},
            tuple(one.policy() for one in self.policies), tuple(one.mute() for one in self.mutes))

    def references(self) -> Iterator[Reference]:
        """Every name that stands for something else."""
        for place, person in enumerate(self.people):
            yield from (Reference(("people", place, "contacts", channel), "notifiers", channel)
                        for channel in person.contacts)
        for place, roster in enumerate(self.rosters):
            for number, layer in enumerate(roster.layers):
                yield from (Reference(("rosters", place, "layers", number, "people", turn), "people", name)
                            for turn, name in enumerate(layer.people))
            yield from (Reference(("rosters", place, "overrides", number, "person"), "people", one.person)
                        for number, one in enumerate(roster.overrides))
        for place, policy in enumerate(self.policies):
            for number, step in enumerate(policy.steps):
                yield from (Reference(("policies", place, "steps", number, "notify", turn), "targets", name)
                            for turn, name in enumerate(step.notify))
        for table, filters in (("policies", self.policies), ("mutes", self.mutes)):
            for place, one in enumerate(filters):
                yield from (Reference((table, place, "areas", turn), "areas", name)
                            for turn, name in enumerate(one.areas))

    def findings(self, zone: ZoneInfo, now: datetime) -> Iterator[Finding]:
        """What is wrong or strange in itself. now: aware; gaps are looked for from here on."""
        yield from ids_twice("people", [one.id for one in self.people])
        yield from ids_twice("rosters", [one.id for one in self.rosters], {one.id for one in self.people})
        yield from ids_twice("policies", [one.id for one in self.policies])
        yield from of_people(self.people)
        yield from of_rosters(self.rosters, zone, now)
        yield from of_policies(self.policies)
        yield from of_mutes(self.mutes)

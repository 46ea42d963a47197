"""Who is told of an alarm, how and when: people, escalation policies, and decisions with their reasons. Pure.

    alarm --first policy that fits--> steps --at its time--> targets --roster--> people --> their channels

A step that is due notifies its targets and then waits; when nobody has acknowledged meanwhile, the next one follows.
After the last step the ladder begins again, as often as the policy says; for P1 without end. What is decided depends on
the instant of the step, not on that of the alarm: whoever is on duty *now* is called.

**Nothing may withhold a P1.** Mute windows do not apply to it. A step that would reach nobody (a gap in the roster, a
person without channel) tells everybody of its rosters, and every channel; an alarm without a policy, every channel.
That a notifier fails is told through all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from alerting.oncall.roster import EVERY_DAY, Duty, Roster, shown
from gateway.model.alarm import AlarmDefinition, Priority
from gateway.model.gateway_fault import GatewayFault
from gateway.model.text import Text

NO_POLICY_WAIT_S = 300.0  # a P1 that no policy fits calls everybody again and again


@dataclass(frozen=True, slots=True)
class Address:
    """to: what the channel understands (a mail address, a number, a topic); empty: the channel's own default."""

    channel: str
    to: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """duty: what this person is responsible for, as shown: "safety officer", "village grid worker"."""

    id: str
    name: Text
    addresses: tuple[Address, ...]
    duty: Text = Text("", "")
    language: str | None = None  # None: that of the site


@dataclass(frozen=True, slots=True)
class Hours:
    """Local hours of the day on some weekdays; ends <= begins: into the next day."""

    begins: time
    ends: time
    days: frozenset[int] = EVERY_DAY

    @property
    def always(self) -> bool:
        return self.begins == self.ends and self.days == EVERY_DAY

    def end(self, at: datetime, zone: ZoneInfo) -> datetime:
        """The next time at which these hours are over, after this instant."""
        day = at.astimezone(zone).date()
        today = datetime.combine(day, self.ends, zone).astimezone(UTC)
        return today if today > at else datetime.combine(day + timedelta(days=1), self.ends, zone).astimezone(UTC)

    def cover(self, at: datetime, zone: ZoneInfo) -> bool:
        local = at.astimezone(zone)
        now, day = local.time(), local.weekday()
        if self.begins < self.ends:
            return day in self.days and self.begins <= now < self.ends
        return (day in self.days and now >= self.begins) or ((day - 1) % 7 in self.days and now < self.ends)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which alarms; an empty set: all of them."""

    priorities: frozenset[Priority] = frozenset()
    areas: frozenset[str] = frozenset()
    conditions: frozenset[str] = frozenset()
    hours: Hours | None = None

    def fits(self, alarm: AlarmDefinition, at: datetime, zone: ZoneInfo) -> bool:
        return ((not self.priorities or alarm.priority in self.priorities)
                and (not self.areas or alarm.area in self.areas)
                and (not self.conditions or alarm.condition in self.conditions)
                and (self.hours is None or self.hours.cover(at, zone)))


@dataclass(frozen=True, slots=True)
class Step:
    """Notify these people and rosters, then wait for an acknowledgement."""

    targets: tuple[str, ...]
    wait_s: float


@dataclass(frozen=True, slots=True)
class Policy:
    """repeat: how often the whole ladder is climbed; P1 is called until somebody acknowledges, whatever stands here."""

    id: str
    applies: Filter
    steps: tuple[Step, ...]
    repeat: int = 1


@dataclass(frozen=True, slots=True)
class Mute:
    """A time at which alarms of this kind call nobody; they are shown and recorded as ever. Never a P1."""

    name: Text
    applies: Filter


@dataclass(frozen=True, slots=True)
class Decision:
    """One line of who was told and who was not. person: None for a channel that was told as a whole."""

    person: str | None
    channel: str
    to: str
    sent: bool
    reason: Text


@dataclass(frozen=True)
class Routing:
    """channels: ids of all notifiers of the site. escalates: false for a site without `[oncall]`, where every channel
    is told once."""

    zone: ZoneInfo
    channels: tuple[str, ...]
    people: Mapping[str, Person] = field(default_factory=dict)
    rosters: Mapping[str, Roster] = field(default_factory=dict)
    policies: tuple[Policy, ...] = ()
    mutes: tuple[Mute, ...] = ()
    escalates: bool = True
    _known: dict[str, _Known] = field(default_factory=dict, compare=False, repr=False)  # per roster: a storm asks often

    def policy(self, alarm: AlarmDefinition, at: datetime) -> Policy | None:
        """The first one that fits, at the time at which the alarm was raised."""
        return next((policy for policy in self.policies if policy.applies.fits(alarm, at, self.zone)), None)

    def wait_s(self, alarm: AlarmDefinition, policy: Policy | None, done: int) -> float | None:
        """How long an acknowledgement is waited for after `done` steps; None: there are no more."""
        endless = alarm.priority is Priority.P1 and self.escalates
        if policy is None or not policy.steps:
            return NO_POLICY_WAIT_S if endless else None
        if done >= len(policy.steps) * max(policy.repeat, 1) and not endless:
            return None
        return policy.steps[(done - 1) % len(policy.steps)].wait_s

    def decide(self, alarm: AlarmDefinition, policy: Policy | None, step: int, at: datetime) -> tuple[Decision, ...]:
        """Who is told with this step, and who is not and why."""
        if alarm.id == GatewayFault.NOTIFY:
            return self.everybody(_NOTIFIER)
        if policy is None or not policy.steps:
            return self.everybody(_NO_POLICY if self.escalates else _WITHOUT)
        if alarm.priority is not Priority.P1 and (mute := self._muted(alarm, at)) is not None:
            reason = Text("muted: {mute}", "静默时段：{mute}").format(mute=mute.name)
            return tuple(Decision(None, channel, "", False, reason) for channel in self.channels)
        targets = policy.steps[step % len(policy.steps)].targets
        decisions = [decision for target in targets for decision in self._target(target, at)]
        if not any(decision.sent for decision in decisions):
            decisions += [decision for target in targets for decision in self._whole(target)]
            decisions += self.everybody(_NOBODY)
        return once(decisions)

    def address(self, person: str, channel: str, before: str) -> str | None:
        """Where a person who was told at `before` is told now on this channel; None: not on this one any more."""
        known = self.people.get(person)
        here = [one.to for one in known.addresses if one.channel == channel] if known is not None else []
        return before if before in here else next(iter(here), None)

    def everybody(self, reason: Text) -> tuple[Decision, ...]:
        return tuple(Decision(None, channel, "", True, reason) for channel in self.channels)

    def muted_until(self, alarm: AlarmDefinition, at: datetime) -> datetime | None:
        """The end of the mute windows that stand now, one after the other; None: there is none, or no end."""
        begun = at
        for _ in range(100):
            mute = self._muted(alarm, at)
            if mute is None:
                return at if at > begun else None
            if mute.applies.hours is None:
                return None
            at = mute.applies.hours.end(at, self.zone)
        return None

    def _muted(self, alarm: AlarmDefinition, at: datetime) -> Mute | None:
        return next((mute for mute in self.mutes if mute.applies.fits(alarm, at, self.zone)), None)

    def _target(self, target: str, at: datetime) -> Sequence[Decision]:
        roster = self.rosters.get(target)
        if roster is None:
            return self._person(target, Text("named in the policy", "策略指定"))
        known = self._known.get(target)
        if known is None or not known.since <= at < known.until:
            duty = roster.on_duty(at)
            known = self._known[target] = _Known(at, duty.until, self._on_duty(roster, duty, at))
        return known.decisions

    def _on_duty(self, roster: Roster, duty: Duty, at: datetime) -> Sequence[Decision]:
        called = [] if duty.person is None else self._person(duty.person, Text(
            "on duty, {roster}: {why}", "值班（{roster}）：{why}").format(roster=roster.name, why=duty.reason))
        off = [person for person in roster.members if person != duty.person]
        return [*called, *(self._off_duty(person, roster, at) for person in off)]

    def _whole(self, target: str) -> Sequence[Decision]:
        """Everybody of a roster in which nobody can be called."""
        roster = self.rosters.get(target)
        members = () if roster is None else roster.members
        return [decision for person in members for decision in self._person(person, _GAP) if decision.sent]

    def _person(self, id: str, reason: Text) -> list[Decision]:
        person = self.people[id]
        if not person.addresses:
            return [Decision(id, "", "", False, Text("has no channel", "没有通知渠道"))]
        return [Decision(id, address.channel, address.to, True, reason) for address in person.addresses]

    def _off_duty(self, id: str, roster: Roster, at: datetime) -> Decision:
        comes = roster.next_duty(id, at)
        if comes is None:
            return Decision(id, "", "", False, Text("off duty", "不值班"))
        return Decision(id, "", "", False, Text("off duty until {at}", "不值班，至 {at}").format(
            at=shown(comes, self.zone)))


@dataclass(frozen=True, slots=True)
class _Known:
    """What a roster says between two instants."""

    since: datetime
    until: datetime
    decisions: Sequence[Decision]


_NOTIFIER = Text("a notifier fails: every channel", "有通知渠道故障：通知全部渠道")
_GAP = Text("nobody can be called who is on duty", "无可通知的值班人员")
_WITHOUT = Text("this site has no [oncall]: every channel", "本站点未配置 [oncall]：通知全部渠道")
_NO_POLICY = Text("no policy is for this alarm: every channel", "没有适用的通知策略：通知全部渠道")
_NOBODY = Text("nobody else could be told: every channel", "无人可通知：通知全部渠道")


def once(decisions: Sequence[Decision]) -> tuple[Decision, ...]:
    """Nobody is told twice by one step, nor said to be off duty who is told."""
    told = {decision.person for decision in decisions if decision.sent}
    kept: dict[tuple, Decision] = {}
    for decision in decisions:
        if decision.sent or decision.person not in told or decision.person is None:
            kept.setdefault((decision.person, decision.channel, decision.to, decision.sent), decision)
    return tuple(kept.values())

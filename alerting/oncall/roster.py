"""Who is on duty: rotations, days and hours, holidays, overrides, in the time zone of the site.

A roster is a stack of layers and a list of overrides. At any instant the newest override that covers it decides; else
the topmost layer (the last one in the site file) that covers it. Nobody covers it: a gap, which `check` reports with
its dates.

A layer speaks in local times of a day: a shift that begins at 08:00 does so before and after a change to summer time,
and is an hour shorter or longer in that night. A time that the change skips counts from the old time (02:30 is then
03:30); one that comes twice is its first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from gateway.model.text import Text

MIDNIGHT = time(0)
EVERY_DAY = frozenset(range(7))
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class Layer:
    """People who take turns.

    people    person ids, in turn
    start     the first day of the first of them
    turn_days days of one turn; the next person takes over at `begins`
    begins, ends   hours of the day that are covered; ends <= begins: into the next day; the same: the whole day
    days      weekdays on which a shift begins, 0 Monday
    holidays  None: on all days; True: only on holidays of the roster; False: never on those
    """

    name: Text
    people: tuple[str, ...]
    start: date
    turn_days: int = 7
    begins: time = MIDNIGHT
    ends: time = MIDNIGHT
    days: frozenset[int] = EVERY_DAY
    holidays: bool | None = None

    def shift(self, at: datetime, zone: ZoneInfo) -> date | None:
        """The day on which the shift that covers this instant began."""
        today = at.astimezone(zone).date()
        for day in (today, today - timedelta(days=1)):
            last = day if self.begins < self.ends else day + timedelta(days=1)
            if _instant(day, self.begins, zone) <= at < _instant(last, self.ends, zone):
                return day
        return None

    def person(self, shift: date) -> str:
        return self.people[(shift - self.start).days // self.turn_days % len(self.people)]


@dataclass(frozen=True, slots=True)
class Override:
    """Somebody stands in between two instants (aware), whatever the layers say."""

    person: str
    begins: datetime
    ends: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Duty:
    """person: None where nobody is on duty. until: when this may change. reason: which part of the roster says so."""

    person: str | None
    until: datetime
    reason: Text


@dataclass(frozen=True, slots=True)
class Shift:
    """One person, or nobody, without a break."""

    person: str | None
    begins: datetime
    ends: datetime
    reason: Text


@dataclass(frozen=True)
class Roster:
    """overrides: in the order in which they were made, the newest last."""

    id: str
    name: Text
    zone: ZoneInfo
    layers: tuple[Layer, ...]
    overrides: tuple[Override, ...] = ()
    holidays: frozenset[date] = field(default_factory=frozenset)

    @property
    def members(self) -> tuple[str, ...]:
        """Everybody who takes turns or stands in."""
        return tuple(dict.fromkeys((*(person for layer in self.layers for person in layer.people),
                                    *(override.person for override in self.overrides))))

    def on_duty(self, at: datetime) -> Duty:
        """At this instant (aware)."""
        until = next(self.changes(at))
        for override in reversed(self.overrides):
            if override.begins <= at < override.ends:
                why = Text(f" ({override.reason})", f"（{override.reason}）") if override.reason else Text("", "")
                return Duty(override.person, until, Text("stands in until {until}{why}", "替班至 {until}{why}").format(
                    until=shown(override.ends, self.zone), why=why))
        for layer in reversed(self.layers):
            shift = layer.shift(at, self.zone)
            if shift is not None and self._covers(layer, shift):
                return Duty(layer.person(shift), until, Text("{layer}, shift of {day}", "{layer}，{day} 班次").format(
                    layer=layer.name, day=shift.isoformat()))
        return Duty(None, until, Text("nobody is on duty", "无人值班"))

    def next_duty(self, person: str, at: datetime, days: int = 60) -> datetime | None:
        """When this person is on duty next; None: not within so many days."""
        end = at + timedelta(days=days)
        while at < end:
            duty = self.on_duty(at)
            if duty.person == person:
                return at
            at = duty.until
        return None

    def shifts(self, begins: datetime, ends: datetime) -> tuple[Shift, ...]:
        """Who is on duty between two instants, in order and without a hole."""
        found: list[Shift] = []
        at = begins
        while at < ends:
            duty = self.on_duty(at)
            until = min(duty.until, ends)
            if found and found[-1].person == duty.person:
                found[-1] = replace(found[-1], ends=until)
            else:
                found.append(Shift(duty.person, at, until, duty.reason))
            at = until
        return tuple(found)

    def gaps(self, begins: datetime, ends: datetime) -> tuple[Shift, ...]:
        """When nobody is on duty."""
        return tuple(shift for shift in self.shifts(begins, ends) if shift.person is None)

    def changes(self, after: datetime) -> Iterator[datetime]:
        """Instants after this one at which somebody else may come on duty, in order, without end."""
        edges = {edge.astimezone(UTC) for override in self.overrides for edge in (override.begins, override.ends)}
        fixed = sorted(edge for edge in edges if edge > after)
        hours = sorted({MIDNIGHT, *(hour for layer in self.layers for hour in (layer.begins, layer.ends))})
        day = after.astimezone(self.zone).date()
        while True:
            ahead = sorted({instant for hour in hours if (instant := _instant(day, hour, self.zone)) > after})
            for instant in ahead:
                while fixed and fixed[0] <= instant:
                    if (edge := fixed.pop(0)) < instant:
                        yield edge
                yield instant
            day += timedelta(days=1)

    def _covers(self, layer: Layer, shift: date) -> bool:
        if shift < layer.start or shift.weekday() not in layer.days:
            return False
        return layer.holidays is None or (shift in self.holidays) is layer.holidays


def _instant(day: date, hour: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, hour, zone).astimezone(UTC)


def shown(at: datetime, zone: ZoneInfo) -> str:
    """Local time, to the minute."""
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}"

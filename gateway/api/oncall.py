"""Who is on call and who would be called, as JSON-ready documents. Pure, no I/O. Addresses of people stay out of them.
Also what `davylamp route` shows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from alerting.oncall.escalation import Ladder, wall
from alerting.oncall.forecast import Planned, forecast
from alerting.oncall.roster import Roster, Shift
from alerting.oncall.routing import Decision, Routing
from gateway.api.present import local_time
from gateway.model.alarm import AlarmDefinition
from gateway.model.clock import Instant

_HANDOVER_WITHIN: Final = timedelta(days=60)


def document(routing: Routing, ladders: Sequence[Ladder], now: Instant, days: int) -> dict[str, Any]:
    """Who is on call now, the shifts of the next days, and how far each alarm has been told."""
    at = wall(now)
    return {
        "time": _time(at, routing), "configured": routing.escalates,
        "people": [{"id": person.id, "name": person.name, "duty": person.duty,
                    "channels": [address.channel for address in person.addresses]}
                   for person in routing.people.values()],
        "rosters": [_roster(routing, roster, at, days) for roster in routing.rosters.values()],
        "mutes": [{"name": mute.name, "standing": mute.applies.hours is None
                   or mute.applies.hours.cover(at, routing.zone)} for mute in routing.mutes],
        "ladders": [_ladder(routing, ladder, now) for ladder in ladders],
    }


def route(routing: Routing, alarm: AlarmDefinition, at: datetime) -> dict[str, Any]:
    """Who would be told of this alarm, how and when, if it were raised then and nobody acknowledged."""
    found = forecast(routing, alarm, at)
    return {"alarm": alarm.id, "name": alarm.name, "priority": alarm.priority, "time": _time(at, routing),
            "policy": found.policy or None, "repeats": found.repeats,
            "steps": [_step(routing, planned, at) for planned in found.steps]}


def _roster(routing: Routing, roster: Roster, at: datetime, days: int) -> dict[str, Any]:
    ahead = roster.shifts(at, at + max(_HANDOVER_WITHIN, timedelta(days=days)))
    end = at + timedelta(days=days)
    following = ahead[1] if len(ahead) > 1 else None
    return {"id": roster.id, "name": roster.name, "now": _shift(routing, ahead[0]),
            "next": following and _shift(routing, following),
            "shifts": [_shift(routing, shift) for shift in ahead if shift.begins < end]}


def _shift(routing: Routing, shift: Shift) -> dict[str, Any]:
    return {"person": shift.person, "name": _name(routing, shift.person), "begins": _time(shift.begins, routing),
            "ends": _time(shift.ends, routing), "reason": shift.reason}


def _ladder(routing: Routing, ladder: Ladder, now: Instant) -> dict[str, Any]:
    due = ladder.due_line_ns
    return {"alarm": ladder.alarm, "occurrence": ladder.occurrence, "policy": ladder.policy or None,
            "steps": ladder.done, "muted": ladder.muted,
            "next": None if due is None else local_time(now.wall_ns + max(due - now.line_ns, 0), routing.zone),
            "told": [{"person": told.person or None, "name": _name(routing, told.person), "channel": told.channel}
                     for told in ladder.told]}


def _step(routing: Routing, planned: Planned, begun: datetime) -> dict[str, Any]:
    return {"step": planned.step, "time": _time(planned.at, routing),
            "after_s": (planned.at - begun).total_seconds(),
            "told": _decisions(routing, (one for one in planned.decisions if one.sent)),
            "not_told": _decisions(routing, (one for one in planned.decisions if not one.sent))}


def _decisions(routing: Routing, decisions: Iterable[Decision]) -> list[dict[str, Any]]:
    return [{"person": one.person, "name": _name(routing, one.person), "channel": one.channel, "reason": one.reason}
            for one in decisions]


def _name(routing: Routing, person: str | None):
    known = routing.people.get(person or "")
    return None if known is None else known.name


def _time(at: datetime, routing: Routing) -> str:
    return at.astimezone(UTC).astimezone(routing.zone).isoformat(timespec="seconds")

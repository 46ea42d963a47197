"""Who would be told of an alarm, step by step, if it were raised at a given time and nobody acknowledged.

Nothing is sent. What a person withholds at the moment (a bypass) is not looked at: it says what the site file says.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from alerting.engine import TOLD
from alerting.lifecycle import Effect
from alerting.oncall.routing import Decision, Routing
from gateway.model.alarm import AlarmDefinition


@dataclass(frozen=True, slots=True)
class Planned:
    """step: from 0. One that a mute window holds is there twice: when it is due, telling nobody, and when it ends."""

    step: int
    at: datetime
    decisions: tuple[Decision, ...]


@dataclass(frozen=True, slots=True)
class Forecast:
    """policy: its id, "" for none. steps: one round of the ladder; none for an alarm that calls nobody. repeats: how
    often that round is gone through; None: until somebody acknowledges."""

    policy: str
    steps: tuple[Planned, ...]
    repeats: int | None


def forecast(routing: Routing, alarm: AlarmDefinition, at: datetime) -> Forecast:
    """at: aware."""
    if alarm.priority > TOLD[Effect.ANNUNCIATE]:
        return Forecast("", (), 0)
    policy = routing.policy(alarm, at)
    length = len(policy.steps) if policy is not None and policy.steps else 1
    planned: list[Planned] = []
    now, done = at, 0
    while done < length:
        decisions = routing.decide(alarm, policy, done, now)
        planned.append(Planned(done, now, decisions))
        if not any(decision.sent for decision in decisions):
            until = routing.muted_until(alarm, now)
            if until is None:
                break  # there is no channel at all
            now = until
            continue
        done += 1
        now += timedelta(seconds=routing.wait_s(alarm, policy, done) or 0.0)
    endless = routing.wait_s(alarm, policy, 1_000_000) is not None
    return Forecast(policy.id if policy is not None else "", tuple(planned),
                    None if endless else policy.repeat if policy is not None else 1)

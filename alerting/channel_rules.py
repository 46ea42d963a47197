"""How one way out is used: times, bounds, wording, and which other one is asked when it fails."""

from __future__ import annotations

from dataclasses import dataclass, field

from alerting.wording import Wording


@dataclass(frozen=True, slots=True)
class DeliverySettings:
    """capacity: pending notices per notifier; full: the least urgent, then oldest one gives way, never a P1. beside_s:
    so long a P1 waits for a message that is in hand. p1_fallback_s: a P1 that is this old does not wait for
    `fallback_after` failures. Times in seconds."""

    capacity: int = 2_000
    first_retry_s: float = 1.0
    longest_retry_s: float = 30.0
    rest_s: float = 0.5
    send_timeout_s: float = 30.0
    beside_s: float = 1.0
    p1_fallback_s: float = 15.0
    give_up_s: float = 86_400.0
    failures_before_alarm: int = 3


@dataclass(frozen=True, slots=True)
class ChannelRules:
    """rate: most messages in a minute; None: no limit. group_s: so long the first of several waits for company.
    bundles: what is due together goes as one message. fallback: the channel that is asked too after `fallback_after`
    failures. None of these is for P1, but the fall-back."""

    wording: Wording = field(default_factory=Wording)
    rate: int | None = None
    group_s: float = 0.0
    bundles: bool = False
    fallback: str | None = None
    fallback_after: int = 3

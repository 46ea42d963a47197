"""What became of a message, for the alarm file: delivered, given up, asked of another way out, acknowledged.

Rows of the journal of kind "delivery" prove who was reached when: body.act is "delivered", "fell back", "forwarded"
(by what the site file says now), "acknowledged" or "test". Addresses stay out of it: some hold a secret.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from alerting.fence import fenced
from alerting.forwarding import Forwarded, Forwarding
from alerting.ledger import Pending, Record, Work
from alerting.outbox import Delivery, Outbox
from gateway.model.alarm import Priority
from gateway.model.ports import Notice
from gateway.model.text import Text


class Despatch:
    """alerting.outbox.Sender. note(work, soon): to the alarm file. stands: see there. judge: `failing` may have
    changed."""

    def __init__(self, note: Callable[[Work, bool], None], stands: Callable[[str, int], bool],
                 judge: Callable[[], None]):
        self._note, self.stands, self.trouble = note, stands, judge

    def delivered(self, delivery: Delivery) -> None:
        notice = delivery.notice
        self._note(Work(records=[record(notice.alarm, "delivered", {
            "key": notice.key, "notifier": delivery.notifier, "person": person(notice), "attempts": delivery.attempts,
            "seconds": round(delivery.seconds, 3)})], outbox={(notice.key, delivery.notifier): None}), False)
        self.trouble()

    def given_up(self, notice: Notice, notifier: str, reason: Text) -> None:
        self._note(Work(
            records=[Record("given up", notice.alarm, time.time_ns(),
                            {"key": notice.key, "notifier": notifier, "reason": {"en": reason.en, "zh": reason.zh}})],
            outbox={(notice.key, notifier): None}), True)

    def fell_back(self, notice: Notice, priority: Priority, line_ns: int, notifier: str, other: str) -> None:
        self._note(Work(
            records=[record(notice.alarm, "fell back", {"key": notice.key, "notifier": notifier, "other": other,
                                                        "person": person(notice)})],
            outbox={(notice.key, other): Pending.of(notice, other, priority, line_ns)}), True)


def resend(outbox: Outbox, pending: Sequence[Pending], forwarding: Forwarding, at: datetime) -> Work:
    """Release what was not handed over before the last stop, each where it goes now. Returns the rows that this changes
    and why; an address that was corrected changes none: it is looked up again at each start."""
    work, before = Work(), {(row.key, row.notifier) for row in pending}
    for row in pending:
        found = fenced(partial(forwarding.of, row, at), lambda row=row: Forwarded((row,)), "where a notice goes now")
        for each in found.rows:
            outbox.release(each.notice, Priority(each.priority), line_ns=each.line_ns, through=(each.notifier,))
        rows = {(each.key, each.notifier): each for each in found.rows}
        if (row.key, row.notifier) not in rows:
            work.outbox[row.key, row.notifier] = None
        work.outbox |= {place: each for place, each in rows.items() if place not in before}
        if found.reason is not None:
            reason = {"en": found.reason.en, "zh": found.reason.zh}
            told = {"key": row.key, "notifier": row.notifier, "person": person(row.notice), "reason": reason}
            work.records.append(record(row.alarm, "forwarded", told | {"to": [
                {"notifier": each.notifier, "person": person(each.notice)} for each in found.rows]})
                if found.rows else Record("given up", row.alarm, time.time_ns(), told))
    return work


def record(alarm: str, act: str, body: dict) -> Record:
    return Record("delivery", alarm, time.time_ns(), {"act": act} | body)


def person(notice: Notice) -> str:
    """Id of the one person it is for, "" where it is for a channel as a whole."""
    return notice.payload.get("person", {}).get("id", "")

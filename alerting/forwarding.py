"""Where a notice goes that waited over a restart, for the site file may have been corrected meanwhile. Pure.

A notice is addressed once, by the roster of that moment, and kept until it is taken. A wrong number that is kept with
it would be called for ever; so at each start every address is looked up again:

- the person is still there: at the address that the site file has now for this channel, else at all others of theirs;
- the person is gone: to whoever is on call now, else to every channel;
- the channel is gone: what is P1, or still stands, goes to the others. The rest is over, and told of by them before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from alerting.calls import for_person
from alerting.fence import fenced
from alerting.ledger import Pending
from alerting.oncall.routing import Decision, Person, Routing
from gateway.model.alarm import AlarmTable, Priority
from gateway.model.ports import Notice
from gateway.model.text import Text

CHANNEL_GONE = Text("the site no longer has this channel", "站点已取消该通知渠道")
PERSON_GONE = Text("the site no longer has this person", "站点已无此人员")
NO_ADDRESS = Text("has no address on this channel any more", "此人在该渠道已无地址")
CORRECTED = Text("the address in the site file has changed", "站点文件中的地址已更改")


@dataclass(frozen=True, slots=True)
class Forwarded:
    """rows: what waits now in place of the notice; none: nothing does. reason: None where all is as it was."""

    rows: tuple[Pending, ...]
    reason: Text | None = None


class Forwarding:
    """routing: None where the site has no `[oncall]`. stands(alarm, occurrence): is it active or unacknowledged?"""

    def __init__(self, routing: Routing | None, channels: Sequence[str], alarms: AlarmTable,
                 stands: Callable[[str, int], bool]):
        self._routing, self._channels, self._alarms, self._stands = routing, channels, alarms, stands
        self._people: Mapping[str, Person] = routing.people if routing is not None else {}

    def of(self, row: Pending, at: datetime) -> Forwarded:
        there, id = row.notifier in self._channels, row.payload.get("person", {}).get("id", "")
        if there and id and (to := self._address(row, id)) is not None:
            if to == row.to:
                return Forwarded((row,))
            return Forwarded((replace(row, to=to, language=self._language(id, row.language)),), CORRECTED)
        if there and not row.to:  # for a channel as a whole, or asked of another way out
            return Forwarded((row,))
        if not there and not self._matters(row):
            return Forwarded((), CHANNEL_GONE)
        person, base = self._people.get(id), _unaddressed(row, id)
        decisions = [] if person is None else [
            Decision(id, one.channel, one.to, True, NO_ADDRESS) for one in person.addresses
            if one.channel in self._channels]
        reason = CHANNEL_GONE if not there else NO_ADDRESS if decisions else PERSON_GONE
        decisions = decisions or (self._on_call(row.alarm, at) if id else self._everybody())
        notices = [(decision.channel, for_person(base, decision, self._people.get(decision.person or "")))
                   for decision in decisions]
        return Forwarded(tuple(Pending.of(notice, channel, row.priority, row.line_ns) for channel, notice in notices),
                         reason)

    def _address(self, row: Pending, person: str) -> str | None:
        return None if self._routing is None else self._routing.address(person, row.notifier, row.to)

    def _language(self, person: str, before: str | None) -> str | None:
        known = self._people.get(person)
        return before if known is None else known.language

    def _matters(self, row: Pending) -> bool:
        return row.priority == Priority.P1 or self._stands(row.alarm, row.payload.get("occurrence", 0))

    def _on_call(self, alarm: str, at: datetime) -> Sequence[Decision]:
        definition, routing = self._alarms.get(alarm), self._routing
        if definition is None or routing is None:
            return self._everybody()
        found = fenced(lambda: routing.decide(definition, routing.policy(definition, at), 0, at), tuple,
                       "who is on call")
        return [one for one in found if one.sent and one.channel in self._channels] or self._everybody()

    def _everybody(self) -> Sequence[Decision]:
        return [Decision(None, channel, "", True, PERSON_GONE) for channel in self._channels]


def _unaddressed(row: Pending, person: str) -> Notice:
    """The notice as it is for a channel as a whole."""
    key = row.key.removesuffix(f"/{person}") if person else row.key
    payload = {name: value for name, value in row.payload.items() if name != "person"} | {"key": key}
    return replace(row.notice, key=key, payload=payload, to="", language=None)

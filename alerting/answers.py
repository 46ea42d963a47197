"""Acknowledging with what stands in a message: a link's token or a code. See alerting.slips for what these are."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from alerting.service import AlarmService
from alerting.slips import Claim, Seal, Tries, used
from alerting.views import AlarmView
from gateway.model import person
from gateway.model.clock import NS, Clock
from gateway.model.errors import CommandError
from gateway.model.text import Text


class Answers:
    """people: ids of those who get messages of their own. vouched: the name under which a slip of this person acts; "":
    the one that is typed. All errors are CommandErrors that say what to do."""

    def __init__(self, seal: Seal, alarms: AlarmService, people: Sequence[str], zone: ZoneInfo, clock: Clock,
                 vouched: Callable[[str], str] = lambda person: ""):
        self._seal, self._alarms, self._people, self._zone, self._clock = seal, alarms, ("", *people), zone, clock
        self._vouched = vouched
        self._tries = Tries()

    def look(self, token: str) -> tuple[Claim, AlarmView]:
        """What a link is for, without doing anything: chat services open every link by themselves."""
        claim = self._seal.read(token, self._clock.now().wall_ns)
        return claim, self._alarms.view(claim.alarm)

    async def acknowledge(self, who: str, comment: str = "", *, token: str = "", code: str = "",
                          via: str = "") -> AlarmView:
        """With one of both. who: as typed; a note only, where somebody vouches for the person of the slip."""
        claim = self._seal.read(token, self._clock.now().wall_ns) if token else await self._find(code)
        view = self._alarms.view(claim.alarm)
        if (view.occurrence, view.raised_wall_ns) != (claim.occurrence, claim.raised_wall_ns):
            raise used(claim, "", None)
        if not view.state.waits:
            raise used(claim, view.who, datetime.fromtimestamp(view.since_wall_ns / NS, self._zone))
        who = person.typed(who)
        if claim.person and (known := self._vouched(claim.person)):
            who, comment = known, f"{comment} ({who})".strip() if who else comment
        return await self._alarms.acknowledge(claim.alarm, who, comment, person=claim.person,
                                              via=via or ("link" if token else "code"))

    async def command(self, asked: dict) -> dict:
        """From MQTT: {"code" or "token", "name", "comment"}."""
        if set(asked) - {"code", "token", "name", "comment"} or ("code" in asked) == ("token" in asked):
            raise CommandError(Text('expected "code" or "token", "name" and perhaps "comment"',
                                    "应包含 code 或 token、name，可选 comment"),
                               fix=Text('send {"code": "1234-5678", "name": "Wang"}',
                                        '发送 {"code": "1234-5678", "name": "王工"}'))
        view = await self.acknowledge(asked.get("name", ""), asked.get("comment", ""), token=asked.get("token", ""),
                                      code=asked.get("code", ""), via="mqtt")
        return {"done": True, "alarm": view.definition.id, "name": view.who, "recorded": view.recorded}

    async def _find(self, code: str) -> Claim:
        """Among all alarms that were ever raised, so that a used code is told from a wrong one; not on the loop."""
        now_s, now = time.monotonic(), self._clock.now()
        self._tries.check(now_s)
        claims = [Claim(view.definition.id, view.occurrence, view.raised_wall_ns, person)
                  for view in self._alarms.known() for person in self._people]
        self._tries.wrong(now_s)  # counted before it is looked at: of many at once only a few are
        claim = await asyncio.to_thread(self._seal.find, code, claims, now.wall_ns)
        self._tries.right(now_s)
        return claim

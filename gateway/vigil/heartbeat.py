"""The gateway says that it lives: only while its own tasks make progress, so that its silence means something.

    HTTP   POST to an address (a dead-man's-switch service, another gateway, `davylamp watch`); while a task hangs
           nothing is sent
    MQTT   a retained JSON object, and a last will in the same form:
             gateway     id of the site
             state       "working"; "hung": a task makes no progress, see reason; "gone": the will, or an orderly stop
             reason      {"en", "zh"}
             time        ISO 8601, UTC
             interval_s  when to expect the next
           Only "working" is a sign of life.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime

from alerting.engine import clean
from alerting.notifiers.post import host_of
from gateway.config.vigil import HeartbeatSection
from gateway.model.clock import NS, Clock
from gateway.model.errors import DavylampError
from gateway.model.secret import read_secret
from gateway.model.text import LANGUAGES, Text
from gateway.vigil import http
from gateway.vigil.broker import HeartbeatBroker
from gateway.vigil.peers import Peers

log = logging.getLogger(__name__)

WORKING, HUNG, GONE = "working", "hung", "gone"
_NO_REASON = Text("", "")


class Heartbeat:
    """Out and in. hung: which tasks of ours make no progress, empty when all do. peers: whom we listen for."""

    def __init__(self, settings: HeartbeatSection, site: str, clock: Clock, hung: Callable[[], Text], peers: Peers):
        self._settings, self._site, self._clock, self._hung, self._peers = settings, site, clock, hung, peers
        self._topics = {peer.topic: peer.id for peer in settings.peers if peer.topic is not None}
        self._unreached: Text | None = None
        self.broker = None if settings.broker is None else HeartbeatBroker(
            settings.broker, site, settings.topic or f"davylamp/{site}/heartbeat", self._word(GONE), self._topics,
            self._came)

    @property
    def trouble(self) -> Text:
        """Why nobody may hear us; empty while all is well."""
        return self._unreached or (self.broker.trouble if self.broker is not None else Text("", ""))

    async def run(self) -> None:
        """Until cancelled; then the broker is told that we are gone."""
        async with asyncio.TaskGroup() as tasks:
            if self._settings.url or self._settings.url_file or self._settings.url_env:
                tasks.create_task(self._every_interval(self._ping))
            if self.broker is not None:
                tasks.create_task(self.broker.run())
                tasks.create_task(self._every_interval(self._publish))
            await asyncio.Event().wait()

    async def _every_interval(self, beat: Callable) -> None:
        while True:
            await beat()
            await asyncio.sleep(self._settings.interval)

    async def _ping(self) -> None:
        if self._hung().en:
            return
        try:
            url = self._settings.url or read_secret(file=self._settings.url_file, env=self._settings.url_env,
                                                    where="heartbeat")
            answer = await http.ask("POST", (url or "").strip(), self._word(WORKING))
            if not 200 <= answer.status < 300:
                raise DavylampError(Text(f"answered {answer.status}", f"返回 {answer.status}"),
                                    where=host_of(url))
        except DavylampError as error:
            if self._unreached is None:
                log.warning("the heartbeat does not arrive: %s", error)
            self._unreached = Text(error.message("en"), error.message("zh"))
        else:
            self._unreached = None

    async def _publish(self) -> None:
        reason = self._hung()
        await self.broker.say(self._word(HUNG if reason.en else WORKING, reason))

    def _word(self, state: str, reason: Text = _NO_REASON) -> bytes:
        time = datetime.fromtimestamp(self._clock.now().wall_ns // NS, UTC).isoformat()
        return json.dumps({"gateway": self._site, "state": state, "reason": {"en": reason.en, "zh": reason.zh},
                           "time": time, "interval_s": self._settings.interval}, ensure_ascii=False).encode()

    def _came(self, topic: str, payload: bytes) -> None:
        hear(self._peers, self._topics[topic], payload, self._clock)


def hear(peers: Peers, peer: str, payload: bytes, clock: Clock) -> None:
    """What came on the topic of a peer."""
    try:
        word = json.loads(payload)
        state = word["state"]
    except (ValueError, KeyError, TypeError, RecursionError):
        peers.complains(peer, Text("what it sends is not understood", "收到的内容无法识别"))
        return
    if state == WORKING:
        peers.heard(peer, "MQTT", clock.now())
    elif state == GONE:
        peers.complains(peer, Text("its broker connection is gone", "其与消息服务器的连接已断开"))
    else:
        peers.complains(peer, complaint(word))


def complaint(word: object) -> Text:
    """Why a gateway says that it does not work: `reason` of its heartbeat or of its /healthz."""
    reason = word.get("reason") if isinstance(word, dict) else None
    en, zh = (clean(str(reason.get(language, "")), 200) if isinstance(reason, dict) else "" for language in LANGUAGES)
    return Text(f"it does not work: {en}", f"其自报异常：{zh}")

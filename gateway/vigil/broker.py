"""The connection for heartbeats: says ours, hears those of others. Never ends by itself; dials again at growing pauses.

Ours is retained, so that who comes later sees how we are, and its will says that we are gone. A retained message of
somebody else is what was, not what is: it is no sign of life.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Collection

import aiomqtt

from drivers.mqtt.connection import explain, tls_context
from gateway.config.vigil import BrokerSection
from gateway.model.errors import DavylampError
from gateway.model.secret import read_secret
from gateway.model.text import Text

log = logging.getLogger(__name__)

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 15.0
ANSWER_S = 5.0
KEEPALIVE_S = 15
LARGEST = 4096  # bytes of a heartbeat


class HeartbeatBroker:
    """topic, gone: where our heartbeat goes and what the will says; topic None: we only listen. hears: topics of
    others; `heard(topic, payload)` gets what comes on them, as it comes. farewell: what to say at an orderly end, as
    the will if it is None. retained: what the broker has kept is heard too, when we come."""

    def __init__(self, settings: BrokerSection, name: str, topic: str | None = None, gone: bytes = b"",
                 hears: Collection[str] = (), heard: Callable[[str, bytes], None] = lambda topic, payload: None, *,
                 farewell: Callable[[], bytes] | None = None, retained: bool = False):
        self._settings, self._name, self._topic, self._gone = settings, name, topic, gone
        self._hears, self._heard = tuple(hears), heard
        self._farewell, self._retained = farewell, retained
        self._where = settings.where
        self._client: aiomqtt.Client | None = None
        self.trouble = Text("not connected yet", "尚未连接")  # empty while the connection stands
        self.connections = 0

    async def run(self) -> None:
        pause = FIRST_PAUSE_S
        while True:
            try:
                async with await self._made() as client:
                    for topic in self._hears:
                        await client.subscribe(topic, qos=1)
                    self._client, self.trouble, pause = client, Text("", ""), FIRST_PAUSE_S
                    self.connections += 1
                    log.info("heartbeats go through %s", self._where)
                    await self._listen(client)
            except (aiomqtt.MqttError, OSError, UnicodeError, DavylampError) as error:
                if asyncio.current_task().cancelling():  # a failing farewell would hide that this is our end
                    raise asyncio.CancelledError from error
                trouble = explain(error, self._where)
                if trouble != self.trouble:
                    log.warning("heartbeats: %s", trouble.en)
                self.trouble = trouble
            finally:
                self._client = None
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(2 * pause, LONGEST_PAUSE_S)

    async def _listen(self, client: aiomqtt.Client) -> None:
        try:
            async for message in client.messages:
                old = message.retain and not self._retained
                if not old and isinstance(message.payload, bytes) and len(message.payload) <= LARGEST:
                    self._heard(str(message.topic), message.payload)
        except asyncio.CancelledError:  # an orderly end sends no will
            await self.say(self._gone if self._farewell is None else self._farewell())
            raise

    async def say(self, payload: bytes, topic: str | None = None) -> None:
        """On our topic, or another one. Nothing while there is no connection: a heartbeat that comes late is worse than
        none."""
        if self._client is None or (topic := topic or self._topic) is None:
            return
        try:
            await self._client.publish(topic, payload, qos=1, retain=True, timeout=ANSWER_S)
        except aiomqtt.MqttError as error:
            log.info("a heartbeat was not taken: %s", error)  # `run` notices a connection that is lost

    async def _made(self) -> aiomqtt.Client:
        settings = self._settings
        password = read_secret(file=settings.password_file, env=settings.password_env, where="broker")
        context = None if settings.tls is None else await asyncio.to_thread(
            tls_context, settings.tls.ca, settings.tls.cert, settings.tls.key, "broker")
        host, port = settings.address
        will = None if self._topic is None else aiomqtt.Will(self._topic, self._gone, qos=1, retain=True)
        return aiomqtt.Client(host, port, username=settings.username, password=password, will=will,
                              identifier=f"davylamp-heartbeat-{self._name}", keepalive=KEEPALIVE_S, timeout=ANSWER_S,
                              tls_context=context)

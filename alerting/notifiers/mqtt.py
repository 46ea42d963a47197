"""Notices to an MQTT broker, and acknowledgements from it.

    PREFIX/SITE/alarms/ALARM    the notice as JSON, QoS 1, not retained: a retained alarm would ring again years later;
                                + and # can not stand in a topic: GD-01/ROC+ is GD-01/ROC%2B
    PREFIX/SITE/acknowledge     to us: {"code": "1234-5678", "name": "Wang", "comment": ""} or with "token" (the last
                                part of the link); a retained one is not taken
    PREFIX/SITE/acknowledged    our answer: {"done": true, "alarm", "name"} or {"done": false, "what", "fix"}

A personal address is a topic below PREFIX: the gateway publishes nowhere else, so no person's address can become a
command to a field device.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable

import aiomqtt

from alerting.notifiers.config import MqttNotifierSettings
from alerting.notifiers.secrets import notifier_secret, say_at_start
from alerting.notifiers.webhook import reader
from gateway.model.errors import DavylampError, NotifyError
from gateway.model.ports import Notice
from gateway.model.text import Text

log = logging.getLogger(__name__)

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.25, 5.0
COMMAND_BYTES = 4096

Command = Callable[[dict], Awaitable[dict]]  # what was asked (code or token, name, comment) -> our answer


class MqttNotifier:
    """`run` keeps the connection; `send` waits for it, but not longer than the time-out."""

    def __init__(self, settings: MqttNotifierSettings):
        self.id = settings.id
        self._settings = settings
        self._where = f"notifier {settings.id}, {settings.host}:{settings.broker_port}"
        self._client: aiomqtt.Client | None = None
        self._up = asyncio.Event()
        self._trouble = Text("not connected yet", "尚未连接")
        self._inlet: tuple[str, Command] | None = None
        say_at_start(self._password)

    def listen(self, site: str, acknowledge: Command) -> None:
        """Before `run`: what comes to PREFIX/SITE/acknowledge is for `acknowledge`; a DavylampError is answered."""
        self._inlet = f"{self._settings.prefix}/{site}/acknowledge", acknowledge

    async def run(self) -> None:
        pause = _FIRST_PAUSE_S
        while True:
            try:
                async with self._connection() as client:
                    if self._inlet is not None:
                        await client.subscribe(self._inlet[0], qos=1)
                    self._client = client
                    self._up.set()
                    pause = _FIRST_PAUSE_S
                    async for message in client.messages:
                        await self._take(client, message)
            except (aiomqtt.MqttError, OSError, ValueError, NotifyError) as error:
                self._trouble = Text(f"no connection to the broker: {error}", f"与代理无连接：{error}")
            finally:
                self._client = None
                self._up.clear()
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_S)

    async def send(self, notice: Notice) -> None:
        """NotifyError, retryable or not."""
        alarm = notice.alarm.replace("+", "%2B").replace("#", "%23")
        topic = notice.to or f"{self._settings.prefix}/{notice.payload['site']['id']}/alarms/{alarm}"
        wrong = self._settings.wrong_address(notice.to) if notice.to else None
        if wrong is not None:
            raise NotifyError(wrong, where=self._where, retryable=False,
                              fix=Text("correct the person's address", "修正该人员的地址"))
        body = json.dumps(notice.payload | reader(notice), ensure_ascii=False, allow_nan=False)
        try:
            async with asyncio.timeout(self._settings.timeout):
                await self._up.wait()
                await self._client.publish(topic, body, qos=1, timeout=self._settings.timeout)
        except TimeoutError:
            raise self._unreachable(self._trouble) from None
        except (aiomqtt.MqttError, OSError, AttributeError) as error:  # AttributeError: the connection has just ended
            raise self._unreachable(Text(f"not published: {error}", f"发布失败：{error}")) from error

    async def _take(self, client: aiomqtt.Client, message: aiomqtt.Message) -> None:
        if message.retain:
            return  # what somebody said at some time
        topic, acknowledge = self._inlet
        try:
            answer = await acknowledge(command(message.payload))
        except DavylampError as error:
            answer = {"done": False, "what": {"en": error.what.en, "zh": error.what.zh},
                      "fix": {"en": error.fix.en, "zh": error.fix.zh}}
            log.warning("%s: acknowledgement refused: %s", self._where, error)
        await client.publish(f"{topic}d", json.dumps(answer, ensure_ascii=False), qos=1)

    def _connection(self) -> aiomqtt.Client:
        settings = self._settings
        return aiomqtt.Client(
            settings.host, settings.broker_port, identifier=settings.client_id, username=settings.username,
            password=self._password(), timeout=settings.timeout, keepalive=15,
            tls_params=aiomqtt.TLSParameters(ca_certs=settings.ca) if settings.tls else None)

    def _password(self) -> str | None:
        return notifier_secret(self.id, self._settings.password_file, self._settings.password_env)

    def _unreachable(self, reason: Text) -> NotifyError:
        return NotifyError(reason, where=self._where, fix=Text("check the broker, its address and the login",
                                                               "检查代理、地址和登录信息"))


def command(payload: object) -> dict:
    """NotifyError: not an object of texts."""
    try:
        asked = json.loads(payload) if isinstance(payload, bytes) and len(payload) <= COMMAND_BYTES else None
    except ValueError:
        asked = None
    if not isinstance(asked, dict) or not all(isinstance(value, str) for value in asked.values()):
        raise NotifyError(Text("not a JSON object with texts", "不是由文本组成的 JSON 对象"), retryable=False,
                          fix=Text('send {"code": "1234-5678", "name": "Wang"}',
                                   '发送 {"code": "1234-5678", "name": "王工"}'))
    return asked

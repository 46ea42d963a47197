"""Asks the broker of the centre what the gateways have reported."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import aiomqtt

from drivers.mqtt.connection import explain, tls_context
from gateway.config.centre import CentreSection
from gateway.fleet.received import KINDS, Message
from gateway.fleet.report import LARGEST
from gateway.model.errors import DavylampError
from gateway.model.secret import read_secret
from gateway.model.text import Text

QUIET_S, LONGEST_S = 0.7, 10.0  # what is retained comes at once
_REFUSED = 0x80  # reason codes of a subscription from here on


async def call(settings: CentreSection, listen_s: float = 0.0) -> list[Message]:
    """What the broker has retained, and what comes in listen_s. DavylampError: it does not answer or refuses."""
    found: list[Message] = []
    try:
        password = read_secret(file=settings.password_file, env=settings.password_env, where="broker")
        context = None if settings.tls is None else await asyncio.to_thread(
            tls_context, settings.tls.ca, settings.tls.cert, settings.tls.key, "broker")
        host, port = settings.address
        async with aiomqtt.Client(host, port, username=settings.username, password=password, timeout=LONGEST_S,
                                  tls_context=context) as client:
            granted = await client.subscribe([(f"{settings.prefix}/+/{kind}", 1) for kind in KINDS])
            if any(int(getattr(code, "value", code)) >= _REFUSED for code in granted):
                raise DavylampError(Text("this name may not read what the gateways report", "该账户无权读取网关上报"),
                                    where=settings.where, fix=Text(f"allow it to read {settings.prefix}/#",
                                                                   f"请允许其读取 {settings.prefix}/#"))
            async with asyncio.timeout(LONGEST_S + listen_s):
                await _take(client, found, listen_s)
    except TimeoutError:
        pass  # a busy broker: what has come is shown
    except (aiomqtt.MqttError, OSError, UnicodeError) as error:
        raise DavylampError(explain(error, settings.where), where=settings.where) from error
    return found


async def _take(client: aiomqtt.Client, found: list[Message], listen_s: float) -> None:
    """Until it has been quiet for a moment and the time is over."""
    loop, messages = asyncio.get_running_loop(), aiter(client.messages)
    end = loop.time() + listen_s
    while True:
        try:
            async with asyncio.timeout(max(QUIET_S, end - loop.time())):
                message = await anext(messages)
        except TimeoutError:
            return
        if isinstance(message.payload, bytes):  # one byte too many is enough to see that it is too large
            found.append(Message(str(message.topic), message.payload[:LARGEST + 1], datetime.now(UTC),
                                 not message.retain))

"""One connection to the broker, and the acknowledgements owed on it. The only file that reaches behind aiomqtt.

aiomqtt acknowledges a message when it enters its queue and offers no way to do it later. paho, on which it stands, does
(`manual_ack_set`, `ack`), so `Session` takes hold of aiomqtt's own paho client: one private name, `_client`, and from
there on only paho's documented interface. See docs/decisions/mqtt-acknowledge-after-commit.md.

Nothing here can publish.
"""

from __future__ import annotations

import asyncio
import logging
import math
import struct
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Self, TypeVar

import aiomqtt
from paho.mqtt import MQTTException
from paho.mqtt import client as paho

from gateway.model.errors import SourceError
from gateway.model.text import Text

log = logging.getLogger(__name__)
T = TypeVar("T")

_SUBSCRIBE_AT_ONCE = 100
_READ_AT_ONCE = 50  # packets
_NOWHERE = "davylamp/round-trip"  # unsubscribed from, though never subscribed to: the broker's answer is a milestone


class Session:
    """Use as an async context manager: inside, the connection stands. `on_message` gets every message, on the event
    loop, in order; it must not raise. Everything here raises aiomqtt.MqttError when the broker is lost."""

    def __init__(self, client: aiomqtt.Client, on_message: Callable[[paho.MQTTMessage], None]):
        self._aiomqtt = client
        self._paho = _behind(client)
        self._paho.manual_ack_set(True)
        self._paho.on_message = lambda _client, _userdata, message: self._receive(message)
        self._connected, self._paho.on_connect = self._paho.on_connect, self._on_connect
        self._unsubscribed, self._paho.on_unsubscribe = self._paho.on_unsubscribe, self._on_unsubscribe
        self._disconnected, self._paho.on_disconnect = self._paho.on_disconnect, self._on_disconnect
        self._answered, self._turned_away = False, asyncio.Event()
        self._on_message = on_message
        self._received = self._acknowledged = self._received_at_answer = 0
        self._over = False
        self._paused = False
        self._gone: asyncio.Task[None] | None = None
        self.resumed = False  # the broker kept our session: what waited there comes first

    async def __aenter__(self) -> Self:
        entering = asyncio.ensure_future(self._aiomqtt.__aenter__())
        turned_away = asyncio.ensure_future(self._turned_away.wait())
        try:
            await asyncio.wait({entering, turned_away}, return_when=asyncio.FIRST_COMPLETED)
            if not entering.done():
                raise aiomqtt.MqttError("the broker closed the connection without an answer")
            entering.result()
        except BaseException:
            self._over = True
            entering.cancel()
            self._close_socket()
            raise
        finally:
            turned_away.cancel()
        self._gone = asyncio.create_task(self._watch())
        if not self._paused:
            self._listen()
        return self

    async def __aexit__(self, *exception: object) -> None:
        self._over = True
        self._gone.cancel()
        await asyncio.wait({self._gone})
        try:
            await self._aiomqtt.__aexit__(None, None, None)
        except aiomqtt.MqttError:
            pass  # it was lost, and whoever waited for it knows why
        finally:
            self._close_socket()

    async def subscribe(self, filters: Iterable[tuple[str, int]]) -> list[str]:
        """Returns the filters that the broker refused."""
        wanted, refused = list(filters), []
        for start in range(0, len(wanted), _SUBSCRIBE_AT_ONCE):
            chunk = wanted[start:start + _SUBSCRIBE_AT_ONCE]
            codes = await self._answer(self._aiomqtt.subscribe(chunk, timeout=math.inf))
            refused += [topic for (topic, _), code in zip(chunk, codes, strict=True) if code.is_failure]
        return refused

    async def held_by_broker(self) -> int:
        """How many messages the broker had sent and not yet seen acknowledged at one moment, known exactly: everything
        it sent before that moment has arrived when its answer arrives."""
        acknowledged = self._acknowledged
        await self._answer(self._aiomqtt.unsubscribe(_NOWHERE, timeout=math.inf))
        return self._received_at_answer - acknowledged

    async def rest(self, seconds: float, ended: asyncio.Event) -> None:
        """Let time pass on a standing connection, until `ended` at most."""
        with suppress(TimeoutError):
            await self._answer(asyncio.wait_for(ended.wait(), seconds))

    def acknowledge(self, mids: Sequence[int]) -> int:
        """PUBACK; returns how many. None once the connection is over: the broker will send those messages again. What
        waited for a resumed session arrives, and may be acknowledged, before `__aenter__` has returned."""
        if self._over:
            return 0
        for mid in mids:
            self._paho.ack(mid, 1)
        self._acknowledged += len(mids)
        return len(mids)

    def pause(self) -> None:
        """Read no more: the network's own flow control makes the broker wait."""
        sock = self._paho.socket()
        if sock is not None and not self._paused:
            self._paused = True
            asyncio.get_running_loop().remove_reader(sock)

    def resume(self) -> None:
        if self._paused:
            self._paused = False
            self._listen()
            asyncio.get_running_loop().call_soon(self._read)  # TLS may hold data that the socket no longer announces

    def _listen(self) -> None:
        """From now on we read: aiomqtt takes one packet for each turn of the event loop."""
        if (sock := self._paho.socket()) is not None:
            asyncio.get_running_loop().add_reader(sock, self._read)

    def _read(self) -> None:
        """Some of what is there, so that others get their turn too."""
        try:
            for _ in range(_READ_AT_ONCE):
                sock, received = self._paho.socket(), self._received
                if sock is None or self._paused:
                    break
                self._paho.loop_read()  # one packet, or none
                if self._received == received and not getattr(sock, "pending", int)():
                    break
            else:
                asyncio.get_running_loop().call_soon(self._read)  # what TLS has decrypted the socket does not announce
        except (OSError, ValueError, struct.error, MQTTException):
            log.exception("what the broker sent can not be read")
            self._paho.disconnect()

    async def _answer(self, call: Coroutine[object, object, T]) -> T:
        """Waits as long as it takes, or until the connection is gone. A broker that first sends an hour of messages
        answers late; one that sends nothing at all is found out by the keepalive."""
        task = asyncio.ensure_future(call)
        try:
            await asyncio.wait({task, self._gone}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                self._gone.result()  # raises
            return task.result()
        finally:
            task.cancel()

    async def _watch(self) -> None:
        async for _ in self._aiomqtt.messages:
            pass  # never: `_receive` takes them before they get here; but this raises when the connection is gone

    def _receive(self, message: paho.MQTTMessage) -> None:
        self._received += message.qos == 1
        self._on_message(message)

    def _on_connect(self, client, userdata, flags, reason, properties=None) -> None:
        self._answered = True
        self.resumed = bool(flags.session_present)
        self._connected(client, userdata, flags, reason, properties)

    def _on_disconnect(self, client, userdata, flags, reason, properties=None) -> None:
        if self._answered:
            self._disconnected(client, userdata, flags, reason, properties)
        else:
            self._turned_away.set()  # aiomqtt would go on waiting

    def _on_unsubscribe(self, client, userdata, mid, reasons, properties=None) -> None:
        self._received_at_answer = self._received
        self._unsubscribed(client, userdata, mid, reasons, properties)

    def _close_socket(self) -> None:
        """aiomqtt leaves the socket open when connecting fails or is cancelled, or when reading failed."""
        if self._paho.socket() is not None:
            self._paho.on_disconnect = None  # aiomqtt's own trips over its cancelled future
            self._paho.disconnect()
            self._paho.loop_write()


def _behind(client: aiomqtt.Client) -> paho.Client:
    """aiomqtt's paho client."""
    behind = getattr(client, "_client", None)
    if not isinstance(behind, paho.Client):
        raise SourceError(Text("this aiomqtt does not stand on paho-mqtt as expected",
                               "此版本 aiomqtt 与预期的 paho-mqtt 结构不符"), where="aiomqtt",
                          retryable=False, fix=Text("install aiomqtt >= 2.5, < 3", "请安装 aiomqtt >= 2.5, < 3"))
    return behind


@dataclass(slots=True)
class Receipt:
    """The acknowledgements of one frame. handed_ns: line time at which the pipeline had taken it."""

    mids: Sequence[int]
    handed_ns: int | None = None
    settled: bool = False


class Receipts:
    """Acknowledgements owed on one connection. They go out in the order in which the messages came, as the standard
    demands, each when its frame is on disk."""

    def __init__(self, acknowledge: Callable[[Sequence[int]], None]):
        self._acknowledge = acknowledge
        self._owed: deque[Receipt] = deque()

    def owe(self, mids: Sequence[int]) -> Receipt:
        receipt = Receipt(mids)
        self._owed.append(receipt)
        return receipt

    def settle(self, receipt: Receipt) -> None:
        receipt.settled = True
        self._send()

    def release(self, before_ns: int) -> int:
        """Give up waiting for the disk where the frame was handed over before `before_ns`; returns how many messages
        that were."""
        released = 0
        for receipt in self._owed:
            if not receipt.settled and receipt.handed_ns is not None and receipt.handed_ns < before_ns:
                receipt.settled = True
                released += len(receipt.mids)
        self._send()
        return released

    def _send(self) -> None:
        while self._owed and self._owed[0].settled:
            self._acknowledge(self._owed.popleft().mids)


class Backlog:
    """After a resumed session the broker first sends what waited there: of unknown age, so not evidence of now.

    A broker whose queue is not empty holds as many unacknowledged messages on the way as it ever does (its limit, which
    3.1.1 does not tell us). So the queue has run empty as soon as one look finds none on the way, or fewer than an
    earlier look.
    """

    def __init__(self, resumed: bool):
        self.open = resumed
        self._most = 0

    def looked(self, held: int) -> None:
        if held == 0 or held < self._most:
            self.open = False
        self._most = max(self._most, held)

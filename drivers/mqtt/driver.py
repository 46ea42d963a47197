"""The MQTT driver: stays connected to one broker, hands on what arrives, acknowledges what is on disk. Only reads."""

from __future__ import annotations

import asyncio
import logging
import random
import socket
from collections.abc import Sequence
from functools import partial

import aiomqtt
from paho.mqtt import client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from drivers.mqtt.config import MqttSource
from drivers.mqtt.connection import explain, tls_context
from drivers.mqtt.decode import Arrival
from drivers.mqtt.inbox import Inbox, Lost, Opened
from drivers.mqtt.reception import Reception
from drivers.mqtt.session import Backlog, Receipt, Receipts, Session
from drivers.mqtt.window import Window
from gateway.model.clock import NS, Clock
from gateway.model.errors import DavylampError
from gateway.model.ports import DeviceStatus, Intake
from gateway.model.pulse import Pulse
from gateway.model.secret import read_secret
from gateway.model.signal import SignalTable
from gateway.model.text import Text

log = logging.getLogger(__name__)

INBOX_MESSAGES, INBOX_BYTES = 20_000, 32 * 2**20
FRAME_MESSAGES, FRAME_BYTES = 2_000, 2**20
_LINGER_S = 0.005  # messages that come within this time share a frame; the first after a quiet time never waits
_LOOK_S = 0.2
_TICK_S = 0.02  # between two looks whether the disk has to hurry
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.25, 5.0
_ANSWER_S = 5.0  # a broker that takes longer to answer is taken for lost
DURABLE_WITHIN_S = 2.0  # patience with a disk that was asked to hurry. Shorter than the deadman of a gas head

_NO_REASON = Text("", "")


class MqttDriver:
    """One broker. See docs/decisions/mqtt-acknowledge-after-commit.md for who keeps a message when."""

    def __init__(self, config: MqttSource, signals: SignalTable, intake: Intake, clock: Clock):
        self.id = config.id
        self._config, self._intake, self._clock = config, intake, clock
        self._reception = Reception(config, signals)
        self._inbox = Inbox(INBOX_MESSAGES, INBOX_BYTES)
        self._where = f"{config.host}:{config.broker_port}"
        self._delivers, self._connection = Pulse(f"{config.id} messages", clock), Pulse(config.id, clock)
        self._online = False
        self._down_marked = False
        self._session: Session | None = None
        self._receipts = Receipts(lambda _mids: None)  # of the connection that stands
        self._disk_lags = False
        self._window = Window()  # of the connection that stands
        self._came_ns = 0  # line time of the last message that is to be acknowledged
        self._hurried_ns: int | None = None  # line time since when the disk is asked to hurry
        self._filled, self._worth_a_look = 0, asyncio.Event()  # see Window.acknowledged
        self._reason = Text("not connected yet", "尚未连接")
        self._last_contact_wall_ns = 0
        self._received = self._acknowledged = self._redelivered = self._undurable = 0
        self._connects = self._dropped = self._pauses = 0

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._deliver())
            tasks.create_task(self._stay_connected())
            tasks.create_task(self._watch_disk())

    def pulses(self) -> Sequence[Pulse]:
        return self._connection, self._delivers

    def devices(self) -> Sequence[DeviceStatus]:
        """The broker first, then each device of the section."""
        reception = self._reception
        counters = {"received": self._received, "messages": reception.messages, "acknowledged": self._acknowledged,
                    "samples": reception.samples, "rejected": reception.rejected,
                    "unmapped": reception.unmapped, "dropped": self._dropped, "pauses": self._pauses,
                    "redelivered": self._redelivered, "acknowledged_undurable": self._undurable,
                    "connects": self._connects}
        counters |= {f"rejected_{reason}": count for reason, count in reception.others.refusals.items()}
        degraded = reception.others.reason if reception.others.refusals else _NO_REASON
        broker = DeviceStatus(self.id, self._where, self._online, self._reason if self._reason.en else degraded,
                              self._last_contact_wall_ns, counters)
        return (broker, *(DeviceStatus(
            self.id, device, tally.online, tally.reason, tally.last_contact_wall_ns,
            {"messages": tally.messages, "rejected": tally.rejected,
             **{f"rejected_{reason}": count for reason, count in tally.refusals.items()}})
            for device, tally in reception.devices.items()))

    # from the inbox to the pipeline

    async def _deliver(self) -> None:
        receipts = Receipts(lambda _mids: None)
        while True:
            self._delivers.rest()
            taken = await self._inbox.take(FRAME_MESSAGES, FRAME_BYTES)
            self._delivers.beat()
            if isinstance(taken, Opened):
                receipts = taken.receipts
            elif isinstance(taken, Lost):
                await self._intake.put(self._reception.lost(taken.at))
            else:
                await self._hand_on(taken, receipts)
                if self._session is not None and not self._inbox.half_full:
                    self._session.resume()
                await asyncio.sleep(_LINGER_S)

    async def _hand_on(self, arrivals: Sequence[Arrival], receipts: Receipts) -> None:
        frame = self._reception.frame(arrivals)
        receipt = receipts.owe([arrival.mid for arrival in arrivals if arrival.qos])
        if not len(frame):
            receipts.settle(receipt)  # nothing to keep
            return
        await self._intake.put(frame, partial(self._durable, receipts, receipt))
        receipt.handed_ns = self._clock.now().line_ns
        if self._disk_lags and not receipt.settled:
            receipts.settle(receipt)
            self._undurable += len(receipt.mids)
        elif (due_ns := self._window.hurry_ns()) is not None and due_ns <= receipt.handed_ns:
            self._intake.hasten()  # the disk may have been asked before it had this

    # the disk behind the pipeline

    def _durable(self, receipts: Receipts, receipt: Receipt) -> None:
        """The frame is on disk. When that took no longer than it may, the disk is waited for again."""
        late_ns = self._clock.now().line_ns - round(DURABLE_WITHIN_S * NS)
        if self._disk_lags and (receipt.handed_ns is None or receipt.handed_ns >= late_ns):
            self._disk_lags = False
            log.warning("%s: the disk keeps up again; %d messages were acknowledged without it so far", self.id,
                        self._undurable)
        receipts.settle(receipt)

    async def _watch_disk(self) -> None:
        """Detection must not wait for the store: a broker stops sending while too much is unacknowledged, Debian's
        mosquitto after 20 messages. So the disk is asked to hurry where that may be (`Window`). When it has not done so
        in time and nothing more comes, what waits is acknowledged without it, and so is at once all that follows, until
        the disk keeps up again (the store raises its own alarm). While messages keep coming the broker has not stopped,
        and nothing is lost by waiting."""
        while True:
            await asyncio.sleep(_TICK_S)
            now_ns = self._clock.now().line_ns
            due_ns = self._window.hurry_ns()
            if due_ns is None or now_ns < due_ns:
                self._hurried_ns = None
                continue
            if self._hurried_ns is None:
                self._hurried_ns = now_ns
                self._intake.hasten()
            late_ns = now_ns - round(DURABLE_WITHIN_S * NS)
            if max(self._came_ns, self._hurried_ns) < late_ns and (released := self._receipts.release(late_ns)):
                self._undurable += released
                if not self._disk_lags:
                    self._disk_lags = True
                    log.error("%s: the disk does not keep up: messages are acknowledged although they are not stored",
                              self.id)

    # the connection

    async def _stay_connected(self) -> None:
        pause = _FIRST_PAUSE_S
        while True:
            self._connection.beat()
            began = self._clock.now().line_ns
            try:
                await self._connected()
            except (aiomqtt.MqttError, OSError, UnicodeError, DavylampError) as error:
                self._went_down(error)
            except asyncio.CancelledError as error:
                if asyncio.current_task().cancelling():
                    raise
                self._went_down(error)  # of something inside aiomqtt; a task group would take it for our own end
            except Exception as error:  # last line of defence: whatever the client does, we dial again
                log.exception("%s: the MQTT client failed", self.id)
                self._went_down(error)
            if self._clock.now().line_ns - began > _LONGEST_PAUSE_S * NS:
                pause = _FIRST_PAUSE_S
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(2 * pause, _LONGEST_PAUSE_S)

    async def _connected(self) -> None:
        """One connection, from beginning to end. Ends by raising."""
        backlog = Backlog(True)  # what a resumed session sends may come together with the answer to our connect
        session = Session(await self._client(), lambda message: self._arrived(message, session, backlog))
        self._receipts = receipts = Receipts(partial(self._acknowledge, session))
        self._window = Window()
        self._worth_a_look.clear()
        self._inbox.mark(Opened(receipts))
        async with session:
            self._session = session
            backlog.open = session.resumed
            if session.resumed:
                self._went_up()
            refused = await session.subscribe(self._filters())
            self._went_up(refused)
            while True:
                self._connection.beat()
                if backlog.open:
                    backlog.looked(await session.held_by_broker())
                await session.rest(_LOOK_S, self._worth_a_look)
                if self._worth_a_look.is_set():
                    self._worth_a_look.clear()
                    self._window.looked(self._filled, await session.held_by_broker())

    def _acknowledge(self, session: Session, mids: Sequence[int]) -> None:
        count = session.acknowledge(mids)
        self._acknowledged += count
        self._hurried_ns = None
        if count and (filled := self._window.acknowledged(count, self._clock.now().line_ns)):
            self._filled = filled
            self._worth_a_look.set()

    def _arrived(self, message: paho.MQTTMessage, session: Session, backlog: Backlog) -> None:
        at = self._clock.now()
        self._last_contact_wall_ns = at.wall_ns
        self._received += 1
        self._redelivered += message.dup
        if message.qos:
            self._came_ns = at.line_ns
            self._window.arrived(at.line_ns, backlog.open)
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = "(not UTF-8)"
        payload = message.payload
        if len(payload) > self._config.max_payload:
            payload = payload[:self._config.max_payload + 1]  # enough to see that it is too large
        if not self._inbox.offer(
                Arrival(topic, payload, message.qos, message.mid, message.retain, backlog.open, at)):
            self._dropped += 1
        if self._inbox.full:
            self._pauses += 1
            session.pause()

    def _filters(self) -> list[tuple[str, int]]:
        """What to subscribe to: each filter once, with the highest qos anyone asks for."""
        wanted: dict[str, int] = {presence.topic: self._config.qos for presence in self._config.presences}
        for feed in self._config.feeds:
            wanted[feed.subscription] = max(feed.qos, wanted.get(feed.subscription, 0))
        return list(wanted.items())

    async def _client(self) -> aiomqtt.Client:
        config = self._config
        where = f"sources.{config.id}"
        password = read_secret(file=config.password_file, env=config.password_env, where=where)
        five = config.protocol == "5"
        properties = None
        if five:
            properties = Properties(PacketTypes.CONNECT)
            properties.SessionExpiryInterval = round(config.session_expiry)
            properties.ReceiveMaximum = config.receive_maximum
        return aiomqtt.Client(
            config.host, config.broker_port, username=config.username, password=password,
            identifier=config.client_id or f"davylamp-{socket.gethostname()}-{config.id}",
            protocol=aiomqtt.ProtocolVersion.V5 if five else aiomqtt.ProtocolVersion.V311,
            clean_session=None if five else False, **({"clean_start": False, "properties": properties} if five else {}),
            keepalive=round(config.keepalive), timeout=_ANSWER_S,
            tls_context=None if config.tls is None else await asyncio.to_thread(
                tls_context, config.tls.ca, config.tls.cert, config.tls.key, where))

    def _went_up(self, refused: Sequence[str] = ()) -> None:
        if not self._online:
            self._connects += 1
            log.info("%s: connected to %s", self.id, self._where)
        self._online, self._down_marked, self._reason = True, False, _NO_REASON
        self._last_contact_wall_ns = self._clock.now().wall_ns
        if refused:
            topics = ", ".join(refused[:5])
            self._reason = Text(f"the broker refused to subscribe to {topics}; check its access list",
                                f"消息服务器拒绝订阅 {topics}，请检查其访问控制列表")
            log.error("%s: %s", self.id, self._reason.en)

    def _went_down(self, error: BaseException) -> None:
        self._online, self._session = False, None
        self._reason = explain(error, self._where)
        if not self._down_marked:
            self._down_marked = True
            log.warning("%s: %s", self.id, self._reason.en)
            self._inbox.mark(Lost(self._clock.now()))

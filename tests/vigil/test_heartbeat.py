"""A real gateway, a real broker and a real HTTP receiver: heartbeats go out only while tasks make progress."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from dataclasses import replace

import aiomqtt
import pytest

from gateway.config.vigil import BrokerSection, HeartbeatSection
from gateway.model.clock import ManualClock
from gateway.model.errors import DavylampError
from gateway.model.peer import Peer
from gateway.model.text import Text
from gateway.vigil import http
from gateway.vigil.heartbeat import Heartbeat
from gateway.vigil.peers import Peers
from tests.alerting.receiver import receiver, until
from tests.config.plugins import HEAD, said, site, write
from tests.servers import free_port
from tests.sites import gas
from tests.sites import site as small_site
from tests.test_app import Yard, running

survives = pytest.mark.survives


class Listener:
    """What a broker hands to somebody who subscribes now, retained or not."""

    def __init__(self, port: int):
        self.port, self.heard = port, []

    async def run(self) -> None:
        async with aiomqtt.Client("127.0.0.1", self.port) as client:
            await client.subscribe("davylamp/#", qos=1)
            async for message in client.messages:
                self.heard.append((json.loads(message.payload)["state"], message.retain))


async def retained(port: int) -> dict:
    async with aiomqtt.Client("127.0.0.1", port) as client, asyncio.timeout(10):
        await client.subscribe("davylamp/#", qos=1)
        async for message in client.messages:
            return json.loads(message.payload)


async def test_a_gateway_tells_its_life_by_http_and_mqtt_and_stops_when_a_task_hangs(tmp_path, broker):
    listener = Listener(broker.port)
    listening = asyncio.create_task(listener.run())
    with receiver() as post:
        yard = Yard(tmp_path)
        settings = HeartbeatSection(interval=1, url=f"{post.url}&key=secret", broker=BrokerSection(
            host="127.0.0.1", port=broker.port))
        yard.gateway.site_file = replace(yard.site_file, heartbeat=settings)
        post.status = 200
        async with running(yard):
            await until(lambda: post.calls and listener.heard)
            assert post.calls[0].payload["state"] == "working" and post.calls[0].payload["gateway"] == "yard"
            assert listener.heard[0] == ("working", False)
            yard.parts.vigil.heartbeat._hung = lambda: Text("no progress: gas", "没有进展：gas")
            await until(lambda: ("hung", False) in listener.heard)
            posted = len(post.calls)
            count = len(listener.heard)
            await until(lambda: len(listener.heard) >= count + 2)
            assert len(post.calls) <= posted + 1  # one may have been under way
            assert (await retained(broker.port))["reason"]["en"] == "no progress: gas"
        await until(lambda: listener.heard[-1] == ("gone", False))
    listening.cancel()


async def test_a_gateway_hears_the_other_and_a_message_that_the_broker_kept_is_no_sign_of_life(broker):
    """Two heartbeats on one broker, one listens for the other, which dies without a word and comes back."""
    clock, here = ManualClock(), small_site(gas("GD-01"))
    peer = Peer("b", Text.same("B"), 60.0)
    here = replace(here, peers=(peer,))
    peers = Peers(here.peers, here.alarms, clock.now())

    def settings(**more) -> HeartbeatSection:
        return HeartbeatSection(interval=1, broker=BrokerSection(host="127.0.0.1", port=broker.port), **more)

    nobody = Peers((), here.alarms, clock.now())
    other = Heartbeat(settings(), "b", clock, lambda: Text("", ""), nobody)
    others_life = asyncio.create_task(other.run())
    await until(lambda: not other.trouble.en)
    assert (await retained(broker.port))["gateway"] == "b"
    other.broker._client._client.socket().shutdown(socket.SHUT_RDWR)  # it dies
    others_life.cancel()
    await asyncio.gather(others_life, return_exceptions=True)

    ours = Heartbeat(settings(peers=[{"id": "b", "topic": "davylamp/b/heartbeat"}]), "a", clock, lambda: Text("", ""),
                     peers)
    life = asyncio.create_task(ours.run())
    await until(lambda: not ours.trouble.en)
    await asyncio.sleep(0.3)
    assert peers.status(clock.now())[0].heard_wall_ns == 0, "what was kept is no sign of life"
    other = Heartbeat(settings(), "b", clock, lambda: Text("", ""), nobody)
    others_life = asyncio.create_task(other.run())
    await until(lambda: peers.status(clock.now())[0].way == "MQTT")
    for task in (life, others_life):
        task.cancel()
    await asyncio.gather(life, others_life, return_exceptions=True)


@survives("nobody answers at the heartbeat's address", then="logged once with the host only; the gateway goes on",
          says=Text("no answer: …", "无应答：…"))
async def test_what_follows_the_host_of_an_address_is_never_logged(caplog, says):
    caplog.set_level(logging.DEBUG)
    url = f"http://127.0.0.1:{free_port()}/ping/very-secret?token=secret"
    heartbeat = Heartbeat(HeartbeatSection(url=url), "a", ManualClock(), lambda: Text("", ""),
                          Peers((), small_site(gas("GD-01")).alarms, ManualClock().now()))
    for _ in range(3):
        await heartbeat._ping()
    assert says(heartbeat.trouble)
    assert "secret" not in caplog.text + heartbeat.trouble.en and caplog.text.count("does not arrive") == 1
    heartbeat = Heartbeat(HeartbeatSection(url_env="NOT_SET"), "a", ManualClock(), lambda: Text("", ""),
                          Peers((), small_site(gas("GD-01")).alarms, ManualClock().now()))
    await heartbeat._ping()
    assert "NOT_SET is not set" in heartbeat.trouble.en


@survives("a receiver of heartbeats that answers byte by byte, for ever", then="given up when the time is over",
          says=Text("no answer: timed out", "无应答：超时"))
async def test_a_receiver_that_never_ends_its_answer_is_left(says):
    async def drip(reader, writer):
        writer.write(b"HTTP/1.0 200 OK\r\n")
        while not writer.is_closing():
            writer.write(b"x")
            await asyncio.sleep(0.01)

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(DavylampError) as caught:
        await http.ask("POST", f"http://127.0.0.1:{port}/", timeout_s=0.3)
    assert says(caught.value.what)
    server.close()


@survives("a server that does not speak HTTP where a health API should be", then="no sign of life",
          says=Text("no answer: this is no HTTP answer", "无应答：this is no HTTP answer"))
async def test_an_answer_that_is_not_http_is_none(says):
    async def greet(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"220 mail.example.org ESMTP\r\n")
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    with pytest.raises(DavylampError) as caught:
        await http.ask("GET", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/healthz")
    assert says(caught.value.what)
    server.close()


PEER = '[[heartbeat.peers]]\nid = "office"\n'


@pytest.mark.parametrize("text, what", [
    (PEER + PEER, '"office" is there twice'),
    (PEER + 'topic = "davylamp/office/heartbeat"', '"office" is to be heard on a topic, and there is no broker'),
    ('[heartbeat]\nurl = "http://a/b"\nurl_env = "URL"', "url, url_file and url_env say the same thing"),
    ('[heartbeat]\nintervall = "10s"', "unknown key; did you mean `interval`?"),
    ('[heartbeat]\nurl = "hc-ping.com/1"', '"hc-ping.com/1" does not have the expected form'),
    (PEER + 'silent_after = "1s"', '"1s" is too small'),
])
def test_what_can_not_be_right_is_told_by_check(tmp_path, text, what):
    assert any(what in line for line in said(site(tmp_path, text)))


def test_a_peer_is_an_alarm_of_the_site(tmp_path):
    loaded = site(tmp_path, PEER)
    definition = loaded.site_file.site.alarms.get("gateway/peer/office")
    assert definition.priority == 1 and "office" in definition.name.zh
    assert write(tmp_path, HEAD).exists()

"""What the session builds on: aiomqtt's paho client, late acknowledgements in order, and when the backlog is over."""

from __future__ import annotations

import ast
import asyncio
import inspect
from pathlib import Path

import aiomqtt
import pytest
from paho.mqtt import client as paho

import drivers.mqtt
from drivers.mqtt.session import Backlog, Receipts, Session
from gateway.model.errors import SourceError
from tests.drivers.mqtt.stage import publish, until


async def test_aiomqtt_still_stands_on_a_paho_client_with_manual_acknowledge():
    """If this fails, aiomqtt has changed inside: read drivers/mqtt/session.py before you pin another version."""
    client = aiomqtt.Client("127.0.0.1", 1883, identifier="x")
    assert isinstance(client._client, paho.Client)
    assert list(inspect.signature(paho.Client.ack).parameters) == ["self", "mid", "qos"]
    assert list(inspect.signature(paho.Client.manual_ack_set).parameters) == ["self", "on"]
    for callback in ("on_connect", "on_disconnect", "on_unsubscribe", "on_message"):
        assert callable(getattr(client._client, callback)), f"aiomqtt no longer sets {callback}"


async def test_a_changed_aiomqtt_is_refused_with_words():
    class Other(aiomqtt.Client):
        def __init__(self):
            pass

    with pytest.raises(SourceError, match="install aiomqtt"):
        Session(Other(), print)


@pytest.mark.parametrize("protocol", [aiomqtt.ProtocolVersion.V311, aiomqtt.ProtocolVersion.V5])
async def test_the_broker_sees_an_acknowledgement_only_when_we_send_one(broker, protocol):
    five = protocol == aiomqtt.ProtocolVersion.V5
    client = aiomqtt.Client("127.0.0.1", broker.port, identifier="acks", protocol=protocol,
                            clean_session=None if five else True)
    arrived: list[int] = []
    async with Session(client, lambda message: arrived.append(message.mid)) as session:
        assert await session.subscribe([("a/#", 1)]) == []
        await publish(broker.port, [("a/b", b"%d" % n) for n in range(10)])
        await until(lambda: len(arrived) == 10)
        assert await session.held_by_broker() == 10
        session.acknowledge(arrived[:4])
        assert await session.held_by_broker() == 6
        session.acknowledge(arrived[4:])
        assert await session.held_by_broker() == 0


async def test_a_paused_session_reads_nothing_and_loses_nothing(broker):
    client = aiomqtt.Client("127.0.0.1", broker.port, identifier="paused", clean_session=True)
    arrived: list[bytes] = []
    async with Session(client, lambda message: arrived.append(message.payload)) as session:
        await session.subscribe([("a/#", 0)])
        session.pause()
        await publish(broker.port, [("a/b", b"%d" % n) for n in range(100)])
        await asyncio.sleep(0.2)
        assert arrived == []
        session.resume()
        await until(lambda: len(arrived) == 100)
        assert arrived == [b"%d" % n for n in range(100)]


async def test_cancelling_while_the_broker_does_not_answer_leaves_no_connection(tmp_path):
    """A server that takes the connection and never speaks."""
    gone = asyncio.Event()

    async def mute(reader, writer):
        while await reader.read(100):
            pass
        writer.close()
        gone.set()

    server = await asyncio.start_server(mute, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client = aiomqtt.Client("127.0.0.1", port, identifier="mute", timeout=60)
    entering = asyncio.create_task(Session(client, print).__aenter__())
    await asyncio.sleep(0.2)
    entering.cancel()
    await asyncio.wait({entering})
    assert entering.cancelled()
    async with asyncio.timeout(10):
        await gone.wait()
    server.close()


def test_nothing_here_can_publish():
    """Read-only: `cmnd/`, `set` and every other topic of the field stay untouched."""
    for path in Path(drivers.mqtt.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
            assert name not in ("publish", "will_set", "Will"), f"{path.name}:{node.lineno}"
            if isinstance(node, ast.keyword):
                assert node.arg != "will", f"{path.name}:{node.lineno}"


def acknowledged(story: str) -> list[int]:
    """A story in words: "a b" two frames of two messages each are owed; "+b" frame b is on disk."""
    sent: list[int] = []
    receipts = Receipts(sent.extend)
    frames = {}
    for word in story.split():
        if word.startswith("+"):
            receipts.settle(frames[word[1:]])
        else:
            number = ord(word) - ord("a")
            frames[word] = receipts.owe([2 * number, 2 * number + 1])
    return sent


@pytest.mark.parametrize(("story", "sent"), [
    ("a", []), ("a +a", [0, 1]), ("a b +b", []), ("a b +b +a", [0, 1, 2, 3]), ("a b +a", [0, 1]),
    ("a b c +c +a", [0, 1]), ("a b c +c +a +b", [0, 1, 2, 3, 4, 5]), ("a +a +a", [0, 1])])
def test_acknowledgements_go_out_in_the_order_of_the_messages(story, sent):
    assert acknowledged(story) == sent


def test_what_can_not_be_stored_is_released_in_time_and_counted():
    sent: list[int] = []
    receipts = Receipts(sent.extend)
    older, newer, waiting = (receipts.owe(mids) for mids in ([1, 2], [3], [4]))
    older.handed_ns, newer.handed_ns = 100, 200
    assert receipts.release(before_ns=150) == 2
    assert sent == [1, 2]
    receipts.settle(newer)
    assert sent == [1, 2, 3]
    assert receipts.release(before_ns=999) == 0  # the pipeline has not even taken the last one
    assert not waiting.settled


@pytest.mark.parametrize(("looks", "still_open"), [
    ([0], False),  # nothing waited
    ([20], True),  # twenty are on the way: perhaps more wait behind them
    ([20, 20, 20], True),  # at its limit: more wait
    ([20, 20, 7], False),  # below its limit: nothing waits behind
    ([78_000, 0], False)])
def test_the_backlog_is_over_when_the_broker_is_below_its_limit(looks, still_open):
    backlog = Backlog(resumed=True)
    for held in looks:
        backlog.looked(held)
    assert backlog.open is still_open


def test_a_new_session_has_no_backlog():
    assert not Backlog(resumed=False).open

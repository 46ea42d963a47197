"""Notices to a real broker, and acknowledgements from it."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import aiomqtt
import pytest
from pydantic import ValidationError

from alerting.notifiers.config import MqttNotifierSettings
from alerting.notifiers.mqtt import MqttNotifier
from gateway.model.errors import CommandError, NotifyError
from gateway.model.text import Text
from tests.alerting.notifiers.notices import RAISED
from tests.alerting.receiver import until
from tests.servers import free_port, mosquitto


def notifier(port: int, **settings) -> MqttNotifier:
    section = {"type": "mqtt", "id": "broker", "host": "127.0.0.1", "port": port, "timeout": 5}
    return MqttNotifier(MqttNotifierSettings(**section | settings))


@asynccontextmanager
async def running(out: MqttNotifier):
    task = asyncio.create_task(out.run())
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


@asynccontextmanager
async def listening(port: int, *topics: str):
    """What comes in: (topic, document)."""
    heard: list[tuple[str, dict]] = []
    async with aiomqtt.Client("127.0.0.1", port) as client:
        for topic in topics:
            await client.subscribe(topic, qos=1)

        async def listen():
            async for message in client.messages:
                topic, document = str(message.topic), json.loads(message.payload)
                heard.append((topic, document))

        task = asyncio.create_task(listen())
        yield client, heard
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_a_notice_stands_under_its_alarm_and_waits_for_the_connection(broker):
    out = notifier(broker.port)
    async with listening(broker.port, "davylamp/#") as (_, heard), running(out):
        await out.send(RAISED)
        await out.send(replace(RAISED, to="davylamp/wang", language="zh"))
        await until(lambda: len(heard) == 2)
    assert [topic for topic, _ in heard] == ["davylamp/depot/alarms/GD-01/HH", "davylamp/wang"]
    assert heard[0][1] == RAISED.payload | {"words": {"title": RAISED.title, "text": RAISED.text}}
    assert heard[1][1]["language"] == "zh"


async def test_a_rate_alarm_has_a_topic_too(broker):
    out = notifier(broker.port)
    async with listening(broker.port, "davylamp/#") as (_, heard), running(out):
        await out.send(replace(RAISED, alarm="GD-01/ROC+"))
        await out.send(replace(RAISED, alarm="GD-01/ROC#"))
        await until(lambda: len(heard) == 2)
    assert [topic for topic, _ in heard] == ["davylamp/depot/alarms/GD-01/ROC%2B", "davylamp/depot/alarms/GD-01/ROC%23"]


@pytest.mark.survives("a person's address is a topic of a field device", then="refused, nothing is published",
                      says=Text("is not a topic below davylamp/", "不是 davylamp/ 下的主题"))
@pytest.mark.parametrize("topic", ["cmnd/pump/power", "davylamp/#", "davylamp"])
async def test_nothing_is_published_elsewhere(broker, says, topic):
    out = notifier(broker.port)
    async with running(out):
        with pytest.raises(NotifyError) as caught:
            await out.send(replace(RAISED, to=topic))
    assert says(caught.value.what) and not caught.value.retryable


@pytest.mark.survives("broker stops and starts", then="not published, said why; goes out when it is back")
async def test_a_broker_that_is_away(tmp_path):
    port = free_port()
    out = notifier(port, timeout="200ms")
    async with running(out):
        with pytest.raises(NotifyError, match=r"no connection to the broker|not connected") as caught:
            await out.send(RAISED)
        assert caught.value.retryable
        with mosquitto(tmp_path, port=port):
            async with listening(port, "davylamp/#") as (_, heard):
                async with asyncio.timeout(20):
                    while not heard:
                        with suppress(NotifyError):
                            await out.send(RAISED)


async def test_an_alarm_is_acknowledged_by_a_message(broker):
    asked = []

    async def acknowledge(command: dict) -> dict:
        if command["code"] != "1234-5678":
            raise CommandError(Text("unknown code", "代码无效"), fix=Text("look", "请查看"))
        asked.append(command)
        return {"done": True, "alarm": "GD-01/HH", "name": command["name"]}

    out = notifier(broker.port)
    out.listen("depot", acknowledge)
    topic = "davylamp/depot/acknowledge"
    async with listening(broker.port, "davylamp/depot/acknowledged") as (client, heard):
        await client.publish(topic, json.dumps({"code": "1234-5678", "name": "old"}), qos=1, retain=True)
        async with running(out):
            await out.send(RAISED)  # connected
            for payload in ('{"code":"9999","name":"x"}', "\xff", '{"code":5}', '{"code":"1234-5678","name":"Wang"}'):
                await client.publish(topic, payload, qos=1)
            await until(lambda: len(heard) >= 4)
    answers = [document for _, document in heard]
    assert [answer["done"] for answer in answers] == [False, False, False, True]
    assert answers[0]["what"] == {"en": "unknown code", "zh": "代码无效"}
    assert "JSON object" in answers[1]["what"]["en"] and answers[1]["fix"]["zh"].startswith("发送")
    assert [command["name"] for command in asked] == ["Wang"], "what the broker had kept was not taken"


@pytest.mark.parametrize("prefix", ["", "a/#", "/a", "a/", "$SYS"])
def test_a_wrong_prefix_is_refused(prefix):
    with pytest.raises(ValidationError, match="expected a topic"):
        notifier(1883, prefix=prefix)

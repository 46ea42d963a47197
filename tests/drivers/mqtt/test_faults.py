"""Faults of the field, of the broker and of our own store, on a real mosquitto."""

from __future__ import annotations

import asyncio
import socket
import subprocess
from pathlib import Path

import pytest
from paho.mqtt import client as paho

from drivers.mqtt import driver as driver_module
from gateway.model.clock import ManualClock
from gateway.model.quality import Quality
from gateway.model.text import Text
from tests import servers
from tests.drivers.mqtt.cases import CASES, JSON
from tests.drivers.mqtt.stage import OWN_FILES, PATIENCE_S, Pipe, driving, patience_ends, publish, section, table, until
from tests.drivers.mqtt.test_driver import COUNT, LEVEL, numbers

survives = pytest.mark.survives
CONF = Path(__file__).parents[3] / "deploy" / "mosquitto.conf"
GAUGE = """
[[devices]]
id = "gauge"
availability = { topic = "gauge/status" }
topics = [{ topic = "gauge/level", signal = "T-1.level" }]
[[topics]]
topic = "other"
signal = "OTHER"
"""


@survives("all of the payloads below, one after the other, through a real broker",
          then="the subscription goes on, the next good message is good")
async def test_no_malformed_payload_stops_the_subscription(broker):
    config = section(f"[[topics]]\n{JSON}", port=broker.port)
    pipe = Pipe(table(config))
    async with driving(config, pipe) as run:
        await run.online()
        for case in CASES:
            await publish(broker.port, [("t", case.payload)])
        await publish(broker.port, [("t", b'{"a": 42, "b": {"c": 43}}')])
        await until(lambda: 42.0 in pipe.good("A") and 43.0 in pipe.good("B"))
        assert run.count("messages") == len(CASES) + 1 and run.count("connects") == 1
        assert run.count("rejected") > len(CASES) // 2 and run.count("rejected_too_large") == 1


@survives("device dies without a word (last will)", then="its own signals are bad: communication lost; no others",
          says=Text("the device is offline (last will or own message)", "设备离线（遗嘱或自身上报）"))
async def test_the_last_will_of_a_device_takes_its_signals_and_no_others(broker, says):
    config = section(GAUGE, port=broker.port)
    pipe = Pipe(table(config))
    gauge = paho.Client(paho.CallbackAPIVersion.VERSION2, "gauge")
    gauge.will_set("gauge/status", b"offline", qos=1, retain=True)
    gauge.connect("127.0.0.1", broker.port)
    gauge.loop_start()
    async with driving(config, pipe) as run:
        await run.online()
        gauge.publish("gauge/status", b"online", qos=1, retain=True)
        gauge.publish("gauge/level", b"3", qos=1)
        await publish(broker.port, [("other", b"1")])
        await until(lambda: pipe.good("T-1.level") and pipe.good("OTHER"))
        assert run.status("gauge").online
        gauge.socket().shutdown(socket.SHUT_RDWR)  # dies without a word
        gauge.loop_stop()
        await until(lambda: pipe.qualities("T-1.level")[-1] == Quality.BAD_COMM_LOST)
        assert not run.status("gauge").online and says(run.status("gauge").reason)
        assert run.status().online and pipe.qualities("OTHER") == [Quality.GOOD]


@survives("own disk fails while a broker waits for its acknowledgements",
          then="detection sees every message; what could not be stored is counted")
async def test_a_store_that_fails_does_not_stop_detection(tmp_path):
    """The broker holds back after 20 unacknowledged messages, nothing ever becomes durable, and still all must come."""
    with servers.mosquitto(tmp_path, extra="max_inflight_messages 20") as broker:
        config = section(COUNT, port=broker.port, protocol="3.1.1")
        pipe = Pipe(table(config), durable=False)
        clock = ManualClock()
        async with driving(config, pipe, clock) as run:
            await run.online()
            await publish(broker.port, numbers(100))
            await until(lambda: len(pipe.rows("N")) == 20)
            while len(pipe.rows("N")) < 100:
                seen = len(pipe.rows("N"))
                if not run.count("acknowledged_undurable"):
                    await patience_ends(pipe, clock)
                await until(lambda seen=seen: len(pipe.rows("N")) > seen)
            assert [value for value, _ in pipe.rows("N")] == [float(n) for n in range(100)]
            assert run.count("acknowledged_undurable") >= 20


@survives("more messages than can be worked off, QoS 1", then="the broker is made to wait; nothing is lost or doubled")
async def test_a_pipeline_that_stands_still_makes_the_broker_wait_and_loses_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(driver_module, "INBOX_MESSAGES", 500)
    monkeypatch.setattr(driver_module, "FRAME_MESSAGES", 50)
    with servers.mosquitto(tmp_path, extra="max_inflight_messages 0") as broker:  # no limit of its own
        config = section(COUNT, port=broker.port, protocol="3.1.1")
        pipe = Pipe(table(config))
        async with driving(config, pipe) as run:
            await run.online()
            pipe.open.clear()
            await publish(broker.port, numbers(5000))
            await until(lambda: run.count("pauses") == 1)
            assert run.count("received") - run.count("messages") <= 500
            pipe.open.set()
            await until(lambda: len(pipe.rows("N")) >= 5000)
            assert pipe.good("N") == [float(n) for n in range(5000)]
            assert run.count("redelivered") == 0 and run.count("dropped") == 0 and run.count("connects") == 1


@survives("more messages than can be worked off, QoS 0", then="what is dropped is counted")
async def test_what_is_dropped_at_qos_0_is_counted(broker, monkeypatch):
    monkeypatch.setattr(driver_module, "INBOX_MESSAGES", 100)
    config = section(COUNT, port=broker.port, qos=0)
    pipe = Pipe(table(config))
    async with driving(config, pipe) as run:
        await run.online()
        pipe.open.clear()
        await publish(broker.port, numbers(500), qos=0)
        await until(lambda: run.count("received") == 500)
        dropped = run.count("dropped")
        assert dropped >= 400
        pipe.open.set()
        await until(lambda: len(pipe.rows("N")) == 500 - dropped)


async def test_unused_and_refused_messages_are_acknowledged_too(tmp_path):
    """Twenty messages that make no sample would otherwise block the twenty-first for ever."""
    with servers.mosquitto(tmp_path, extra="max_inflight_messages 20") as broker:
        config = section('[[topics]]\ntopic = "plant/{tank}/level"\nsignal = "{tank}.level"\nnames.tank = ["T-1"]',
                         port=broker.port, protocol="3.1.1")
        pipe = Pipe(table(config))
        async with driving(config, pipe) as run:
            await run.online()
            await publish(broker.port, [*(("plant/unknown/level", b"1") for _ in range(50)), ("plant/T-1/level", b"7")])
            await until(lambda: pipe.good("T-1.level") == [7.0])
            assert run.count("unmapped") == 50


@survives("no broker at the start", then="its signals are bad: communication lost, until it comes",
          says=Text("broker 127.0.0.1:…: …. Is the broker running, and is the port right?",
                    "消息服务器 127.0.0.1:…：…。请确认消息服务器已运行且端口正确"))
async def test_no_broker_is_said_at_once_and_found_when_it_comes(tmp_path, says):
    port = servers.free_port()
    config = section(LEVEL, port=port)
    pipe = Pipe(table(config))
    async with driving(config, pipe) as run:
        await until(lambda: pipe.qualities("T-1.level") == [Quality.BAD_COMM_LOST])
        assert not run.status().online and says(run.status().reason) and str(port) in run.status().reason.en
        with servers.mosquitto(tmp_path, port=port):
            await run.online()
            await publish(port, [("plant/T-1/level", b"4")])
            await until(lambda: pipe.good("T-1.level") == [4.0])
            assert pipe.qualities("T-2.level") == [Quality.BAD_COMM_LOST]  # said once, not with every attempt


@survives("wrong password of the broker", then="tried again; works as soon as the password is right",
          says=Text("broker 127.0.0.1:…: …. Check user", "消息服务器 127.0.0.1:…：…。请检查用户名"))
async def test_wrong_password_and_missing_secret_are_reasons_not_crashes(tmp_path, monkeypatch, says):
    passwords = tmp_path / "passwd"
    subprocess.run([servers.program("mosquitto_passwd"), "-b", "-c", passwords, "davylamp", "right"], check=True)
    port = servers.free_port()
    conf = f"{OWN_FILES}allow_anonymous false\npassword_file {passwords}\n"
    with servers.mosquitto(tmp_path, port=port, extra=conf):
        config = section(LEVEL, port=port, username="davylamp", password_env="DAVYLAMP_TEST_PASSWORD")
        pipe = Pipe(table(config))
        monkeypatch.delenv("DAVYLAMP_TEST_PASSWORD", raising=False)
        async with driving(config, pipe) as run:
            await until(lambda: "DAVYLAMP_TEST_PASSWORD is not set" in run.status().reason.en)
            monkeypatch.setenv("DAVYLAMP_TEST_PASSWORD", "wrong")
            await until(lambda: says(run.status().reason))
            monkeypatch.setenv("DAVYLAMP_TEST_PASSWORD", "right")
            await run.online()


def certificates(folder: Path) -> None:
    """A small authority, the broker's certificate for 127.0.0.1, ours, and a stranger's authority."""
    def openssl(*arguments: object) -> None:
        subprocess.run([servers.program("openssl"), *map(str, arguments)], check=True, capture_output=True, cwd=folder)

    for authority in ("ca", "stranger"):
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{authority}.key",
                "-out", f"{authority}.pem",
                "-days", 2, "-subj", f"/CN={authority}", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    for name in ("broker", "gateway"):
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr",
                "-subj", f"/CN={name}")
        (folder / "san").write_text("subjectAltName=IP:127.0.0.1\n")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                "-days", 2, "-out", f"{name}.pem", "-extfile", "san")


@pytest.mark.parametrize("protocol", ["3.1.1", "5"])
async def test_tls_with_certificates_on_both_sides(tmp_path, protocol):
    certificates(tmp_path)
    port, secure = servers.free_port(), servers.free_port()
    tls = (f"{OWN_FILES}listener {secure} 127.0.0.1\ncafile {tmp_path}/ca.pem\ncertfile {tmp_path}/broker.pem\n"
           f"keyfile {tmp_path}/broker.key\nrequire_certificate true\n")
    own = {"ca": f"{tmp_path}/ca.pem", "cert": f"{tmp_path}/gateway.pem", "key": f"{tmp_path}/gateway.key"}
    with servers.mosquitto(tmp_path, port=port, extra=tls):
        config = section(COUNT, port=secure, tls=own, protocol=protocol)
        pipe = Pipe(table(config))
        async with driving(config, pipe) as run:
            await run.online()
            await publish(port, numbers(1000))
            await until(lambda: len(pipe.rows("N")) >= 1000)
            assert pipe.good("N") == [float(n) for n in range(1000)]
        for wrong, word in (({**own, "ca": f"{tmp_path}/stranger.pem"}, "verify failed"),
                            ({"ca": own["ca"]}, "without an answer"),
                            ({**own, "key": f"{tmp_path}/none"}, "can not be read")):
            config = section(COUNT, port=secure, tls=wrong, protocol=protocol, client_id="other")
            async with driving(config, Pipe(table(config))) as run:
                await until(lambda run=run, word=word: word in run.status().reason.en)
                assert not run.status().online


async def test_our_broker_configuration_keeps_a_burst_for_a_gateway_that_is_away(tmp_path):
    port = servers.free_port()
    conf = tmp_path / "mosquitto.conf"
    conf.write_text(OWN_FILES + CONF.read_text(encoding="utf-8").replace("listener 1883", f"listener {port}")
                    .replace("/var/lib/mosquitto/", f"{tmp_path}/"), encoding="utf-8")
    with servers.running([servers.program("mosquitto"), "-c", str(conf)], port, tmp_path):
        config = section(COUNT, port=port)
        first, second = Pipe(table(config)), Pipe(table(config))
        async with driving(config, first) as run:
            await run.online()
        await publish(port, numbers(20_000))
        async with driving(config, second):
            async with asyncio.timeout(2 * PATIENCE_S):
                while sum(map(len, second.frames)) < 20_000:
                    await asyncio.sleep(0.05)
            assert [value for value, _ in second.rows("N")] == [float(n) for n in range(20_000)]

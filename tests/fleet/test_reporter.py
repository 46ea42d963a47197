"""What a gateway tells the centre, and what it says when nobody hears it: with real brokers that refuse."""

from __future__ import annotations

import asyncio
import getpass
import json
import subprocess
from contextlib import asynccontextmanager
from dataclasses import replace

import aiomqtt
import pytest

from gateway.config.centre import CentreSection
from gateway.config.vigil import TlsSection
from gateway.fleet.report import Speaker
from gateway.fleet.reporter import LEAST_S, RARER, Pace, Reporter
from gateway.model.clock import TimeLine
from gateway.model.text import Text
from tests.fleet.test_bridge import last, listening, until
from tests.fleet.test_roll import report
from tests.servers import free_port, mosquitto, program

survives = pytest.mark.survives


def test_a_report_is_due_regularly_and_soon_after_a_change_but_not_too_often():
    pace, sent = Pace(60), []
    for second in range(200):
        news = (second if 70 <= second < 90 else 0,)  # a contact that chatters for 20 s
        if pace.due(news, float(second), line_up=True):
            pace.sent(news, float(second))
            sent.append(second)
    assert sent == [0, 60, 70, 75, 80, 85, 90, 150]
    assert LEAST_S == 5


def test_while_the_line_is_down_only_news_and_a_rare_report_wait_on_the_card():
    pace, sent = Pace(60), []
    for second in range(3600):
        news = (second > 1000,)
        if pace.due(news, float(second), line_up=False):
            pace.sent(news, float(second))
            sent.append(second)
    assert sent == [0, 900, 1001, 1901, 2801] and RARER == 15


class Told:
    """How the gateway is; changed by the test."""

    def __init__(self):
        self.now = report()

    async def __call__(self):
        return self.now


@asynccontextmanager
async def reporter(told: Told | None = None, **settings):
    found = Reporter(CentreSection(**{"host": "127.0.0.1", "every": 3600} | settings), "north", TimeLine.resume(None))
    task = asyncio.create_task(found.run(told or Told()))
    try:
        yield found
    finally:
        task.cancel()
        await asyncio.wait({task})


async def until_troubled(found: Reporter, says) -> None:
    await until(lambda: says(found.trouble), [found.trouble])


async def test_a_change_is_told_at_once_and_the_newest_is_what_is_retained(broker, monkeypatch):
    monkeypatch.setattr("gateway.fleet.reporter.LEAST_S", 0.5)
    told = Told()
    async with listening(broker.port) as heard, reporter(told, port=broker.port) as found:
        await until(lambda: last(heard, "report").get("sequence") == 1, heard)
        told.now = replace(told.now, risk="red", colours=dict(told.now.colours) | {"red": 1})
        await until(lambda: last(heard, "report").get("risk") == "red", heard)
        told.now = replace(told.now, clock_trusted=False, signals_good=3)
        await until(lambda: last(heard, "report").get("clock_trusted") is False, heard)
        assert [said["sequence"] for kind, said in heard if kind == "report"] == [1, 2, 3]
        lines = [said["line_ms"] for kind, said in heard if kind == "report"]
        assert lines == sorted(lines)
        assert not found.trouble.en


async def test_a_word_that_takes_us_off_line_is_put_right(broker):
    """The will of an earlier connection that comes late; or somebody clears the topic."""
    async with listening(broker.port) as heard, reporter(port=broker.port):
        await until(lambda: last(heard, "report"), heard)
        async with aiomqtt.Client("127.0.0.1", broker.port) as other:
            for wrong in (Speaker("north", "before").state("offline", TimeLine.resume(None).now()), b""):
                await other.publish("davylamp/north/state", wrong, qos=1, retain=True)
                await until(lambda: (last(heard, "state") or {}).get("state") != "online", heard)
                await until(lambda: (last(heard, "state") or {}).get("state") == "online", heard)


@survives("another gateway reports under our site id at the same broker", then="both go on; health says so",
          says=Text('another gateway reports as "north" too', '另有网关也以 "north" 上报'))
async def test_a_twin_is_noticed(broker, says):
    async with reporter(port=broker.port) as found:
        await until(lambda: not found.trouble.en, [])
        await asyncio.sleep(1.5)
        async with aiomqtt.Client("127.0.0.1", broker.port) as other:
            word = json.dumps({"run": "twin", "state": "online"})
            await other.publish("davylamp/north/state", word, qos=1, retain=True)
            await until_troubled(found, says)


@survives("the line from the gateway's broker to the centre is down",
          then="news and a rare report wait; health says so",
          says=Text("the line to the centre is down", "到中心的链路中断"))
async def test_the_bridge_says_that_the_line_is_down(broker, says):
    async with aiomqtt.Client("127.0.0.1", broker.port) as bridge:
        await bridge.publish("davylamp/north/bridge", "0", qos=1, retain=True)
        async with listening(broker.port) as heard, reporter(port=broker.port) as found:
            await until_troubled(found, says)
            await until(lambda: last(heard, "report"), heard)
            await bridge.publish("davylamp/north/bridge", "1", qos=1, retain=True)
            await until(lambda: last(heard, "report")["sequence"] == 2, heard)
            assert not found.trouble.en


def passwords(folder, *, acl: str) -> str:
    """Lines for a broker that wants to know who is there."""
    (folder / "passwd").write_text("gateway:right\n")
    subprocess.run([program("mosquitto_passwd"), "-U", folder / "passwd"], check=True)
    (folder / "acl").write_text(acl)
    (folder / "secret").write_text("right\n")
    return (f"user {getpass.getuser()}\nallow_anonymous false\npassword_file {folder}/passwd\n"
            f"acl_file {folder}/acl\n")


@survives("wrong password at the broker for the centre", then="tried again at growing pauses; health says so",
          says=Text("broker 127.0.0.1:…: …Not authorized. Check username, password",
                    "消息服务器 127.0.0.1:…：…请检查用户名"))
async def test_a_wrong_password_is_told(tmp_path, says):
    with mosquitto(tmp_path, extra=passwords(tmp_path, acl="user gateway\ntopic readwrite #\n")) as broker:
        (tmp_path / "secret").write_text("wrong\n")
        async with reporter(port=broker.port, username="gateway", password_file=str(tmp_path / "secret")) as found:
            await until_troubled(found, says)
            (tmp_path / "secret").write_text("right\n")  # it is read anew
            await until(lambda: not found.trouble.en, [found.trouble])


@survives("the broker's access list lets the gateway write nothing for the centre",
          then="acknowledged by the broker all the same; noticed because it does not come back; health says so",
          says=Text("the broker does not pass on davylamp/north/state; its access list must let us write and read it",
                    "消息服务器没有转发 davylamp/north/state，请在其访问控制列表中允许读写该主题"))
async def test_an_access_list_that_refuses_is_noticed(tmp_path, says, monkeypatch):
    monkeypatch.setattr("gateway.fleet.reporter.ECHO_S", 0.5)
    acl = "user gateway\ntopic read #\ntopic write other/#\n"
    with mosquitto(tmp_path, extra=passwords(tmp_path, acl=acl)) as broker:
        async with reporter(port=broker.port, username="gateway", password_file=str(tmp_path / "secret")) as found:
            await until_troubled(found, says)


@survives("the password file for the centre is missing", then="tried again; taken up when it is there; health says so",
          says=Text("secret file …/absent can not be read", "密钥文件 …/absent 无法读取"))
async def test_a_secret_that_is_missing_is_told(tmp_path, says, broker):
    absent = tmp_path / "absent"
    async with reporter(port=broker.port, username="gateway", password_file=str(absent)) as found:
        await until_troubled(found, says)
        absent.write_text("any")
        await until(lambda: not found.trouble.en, [found.trouble])


@survives("the centre's broker shows a certificate of another authority", then="nothing is sent to it; health says so",
          says=Text("…certificate verify failed…Check tls.ca, the host name and the clock",
                    "…请检查 tls.ca、主机名和系统时钟"))
async def test_a_strange_certificate_is_refused(tmp_path, says):
    for name in ("broker", "other"):
        subprocess.run([program("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                        "-nodes", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout",
                        tmp_path / f"{name}.key", "-out", tmp_path / f"{name}.pem"], check=True, capture_output=True)
    tls = free_port()
    extra = (f"user {getpass.getuser()}\nlistener {tls} 127.0.0.1\ncertfile {tmp_path}/broker.pem\n"
             f"keyfile {tmp_path}/broker.key\n")
    with mosquitto(tmp_path, extra=extra):
        async with reporter(port=tls, tls=TlsSection(ca=str(tmp_path / "other.pem"))) as found:
            await until_troubled(found, says)
        async with reporter(port=tls, tls=TlsSection(ca=str(tmp_path / "broker.pem"))) as found:
            await until(lambda: not found.trouble.en, [found.trouble])

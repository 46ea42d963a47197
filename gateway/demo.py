"""`davylamp demo`: the whole product on one machine, with nothing installed and nothing connected.

A broker on loopback, the simulated depot as a process of its own, a pager (a small HTTP server that takes the webhook
notices), and a real gateway between them over real Modbus and MQTT sockets. What it prints is what happened.
"""

from __future__ import annotations

import asyncio
import ctypes
import importlib.util
import json
import os
import shutil
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from alerting.notifiers.config import WebhookSettings
from gateway.app import Gateway, load
from gateway.console import AlarmLines, Console
from gateway.data_folder import ALARM_FILE, TELEMETRY
from gateway.model.errors import ConfigError, DavylampError
from gateway.model.text import Text

ROOT = Path(__file__).parent.parent
SITE = ROOT / "deploy" / "sites" / "depot.toml"
SCENARIO = ROOT / "simulators" / "scenarios" / "depot_leak.toml"
MODBUS_SOURCES = ("gas", "meter", "esd", "bay")  # in the order of the simulator's ports
MQTT_SOURCE = "broker"
MOSQUITTO = ROOT / "deploy" / "mosquitto.conf"
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
AMQTT = """listeners:
  default: {{type: tcp, bind: "127.0.0.1:{port}"}}
plugins:
  amqtt.plugins.authentication.AnonymousAuthPlugin: {{allow_anonymous: true}}
"""


@dataclass(frozen=True, slots=True)
class DemoOptions:
    site: Path | None
    scenario: Path | None
    data: Path
    port: int
    modbus_port: int
    mqtt_port: int
    speed: float
    language: str
    duration_s: float | None
    broker: str  # "mosquitto", "amqtt" or "auto"


async def run(options: DemoOptions) -> int:
    """Until Ctrl-C, SIGTERM or the end of `duration_s`; stops what it started. DavylampError when it can not start."""
    for name, port in (("--port", options.port), ("--mqtt-port", options.mqtt_port),
                       *(("--modbus-port", options.modbus_port + n) for n in range(len(MODBUS_SOURCES)))):
        _refuse_taken(port, name)
    loop = asyncio.get_running_loop()
    started = loop.time()
    tell = Console(options.language, lambda: f"{loop.time() - started:6.1f} s")
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    _empty(options.data)
    async with AsyncExitStack() as parts:
        broker = _find_broker(options)
        gateway = _gateway(options, await parts.enter_async_context(_pager(tell)), tell)
        await parts.enter_async_context(_running(broker, options))
        tell("gateway", Text("MQTT broker on 127.0.0.1:{port}: {broker}",
                             "MQTT 代理 127.0.0.1:{port}：{broker}").format(broker=broker.name, port=options.mqtt_port))
        await parts.enter_async_context(_field(options, tell))
        running = asyncio.create_task(gateway.run())
        try:
            await asyncio.wait({running, asyncio.create_task(stop.wait())}, timeout=options.duration_s,
                               return_when=asyncio.FIRST_COMPLETED)
        finally:
            stop.set()
            if not running.done():
                running.cancel()
            with suppress(asyncio.CancelledError):
                await running
    tell("gateway", Text("Stopped. Everything the gateway stored is in {data}; `make demo` runs again.",
                         "已停止。网关保存的数据在 {data}；可再次运行 `make demo`。").format(data=options.data))
    return 0


def _gateway(options: DemoOptions, pager_url: str, tell: Console) -> Gateway:
    overrides: dict[str, object] = {"api.port": options.port, "store.folder": str(options.data.resolve()),
                                    "site.language": options.language}
    if options.site is None:
        overrides["alarms.base_url"] = f"http://127.0.0.1:{options.port}"
        overrides |= {f"sources.{source}.port": options.modbus_port + n for n, source in enumerate(MODBUS_SOURCES)}
        overrides[f"sources.{MQTT_SOURCE}.port"] = options.mqtt_port
    loaded = load(options.site or SITE, overrides)
    if loaded.site_file is None:
        raise ConfigError(loaded.problems)
    pager = WebhookSettings(id="pager", url=pager_url)
    site_file = replace(loaded.site_file, notifiers=(*loaded.site_file.notifiers, pager))

    def ready(url: str) -> None:
        tell("gateway", Text("Open the page: {url}    (Ctrl-C stops everything)",
                             "打开页面：{url}    （按 Ctrl-C 全部停止）").format(url=url))

    return Gateway(site_file, ready=ready, watch=AlarmLines(tell))


@dataclass(frozen=True, slots=True)
class Broker:
    """An MQTT broker that can be started here, listening on loopback only."""

    name: str
    command: tuple[str, ...]
    configuration: str


def _find_broker(options: DemoOptions) -> Broker:
    """mosquitto with the configuration we ship when it is installed, else amqtt: for a demo only, MQTT 3.1.1 only."""
    wanted, port = options.broker, options.mqtt_port
    mosquitto = shutil.which("mosquitto", path=os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin")))
    if mosquitto is not None and wanted != "amqtt":
        shipped = MOSQUITTO.read_text(encoding="utf-8")
        here = shipped.replace("listener 1883 ", f"listener {port} ").replace("persistence true", "persistence false")
        here += "user root\n"  # only root could change it, and a process that does loses its tie to the parent
        return Broker("mosquitto", (mosquitto,), here)
    if importlib.util.find_spec("amqtt") is not None and wanted != "mosquitto":
        return Broker("amqtt (demo only, MQTT 3.1.1; install mosquitto for real use)",
                      (sys.executable, "-m", "amqtt.scripts.broker_script"), AMQTT.format(port=port))
    raise DavylampError(Text("no MQTT broker is installed", "未安装 MQTT 代理"), where="demo",
                        fix=Text("sudo apt-get install mosquitto, or use `make demo`: it installs a small one",
                                 "执行 sudo apt-get install mosquitto，或用 `make demo` 自动安装简易代理"))


def _ends_with_us() -> Callable[[], None] | None:
    """Also when we are killed, where the kernel can do it: else the next demo would find its port taken."""
    if sys.platform != "linux":
        return None
    kernel = ctypes.CDLL(None)  # here: between fork and exec as little as possible may happen
    return lambda: kernel.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


@asynccontextmanager
async def _running(broker: Broker, options: DemoOptions) -> AsyncIterator[None]:
    configuration = options.data / "broker.conf"
    configuration.write_text(broker.configuration, encoding="utf-8")
    process = await asyncio.create_subprocess_exec(*broker.command, "-c", str(configuration), stdout=DEVNULL,
                                                   stderr=DEVNULL, start_new_session=True, preexec_fn=_ends_with_us())
    async with _stopped_at_the_end(process):
        await _listening(options.mqtt_port, process)
        yield


@asynccontextmanager
async def _field(options: DemoOptions, tell: Console) -> AsyncIterator[None]:
    """The simulated site, in a process of its own; its story goes to `tell`."""
    command = [sys.executable, "-m", "simulators", "--story-json", "--until-stdin-closes",
               "--scenario", str(options.scenario or SCENARIO), "--modbus-port", str(options.modbus_port),
               "--mqtt", f"127.0.0.1:{options.mqtt_port}", "--speed", f"{options.speed:g}", "--lang", options.language]
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, cwd=ROOT,
                                                   start_new_session=True)
    async with _stopped_at_the_end(process):
        await _ready(process)
        tell("gateway", Text("Simulated depot: Modbus TCP on 127.0.0.1:{first}-{last}",
                             "仿真油库：Modbus TCP 127.0.0.1:{first}-{last}").format(
            first=options.modbus_port, last=options.modbus_port + len(MODBUS_SOURCES) - 1))
        story = asyncio.create_task(_retell(process, tell))
        try:
            yield
        finally:
            story.cancel()


async def _ready(process: Process) -> None:
    assert process.stdout is not None
    async for line in process.stdout:
        event = json.loads(line)
        if event["event"] == "ready":
            return
        if event["event"] == "error":
            raise DavylampError(Text(**event["what"]), where=event["where"], fix=Text(**event["fix"]))
    raise DavylampError(Text("the simulated site did not start", "仿真站点未能启动"), where="simulators")


async def _retell(process: Process, tell: Console) -> None:
    assert process.stdout is not None
    async for line in process.stdout:
        event = json.loads(line)
        if event["event"] == "say" and event.get("en"):
            tell("field", Text(event["en"], event["zh"]))


@asynccontextmanager
async def _pager(tell: Console) -> AsyncIterator[str]:
    """The on-call person's end of the webhook: takes the POST and prints the first line of the message."""
    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = next(int(line.partition(":")[2]) for line in head.splitlines() if line.startswith("content-length"))
        notice = json.loads(await reader.readexactly(length))
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()
        tell("page", Text(notice["title"]["en"], notice["title"]["zh"]))

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()


@asynccontextmanager
async def _stopped_at_the_end(process: Process) -> AsyncIterator[None]:
    try:
        yield
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                async with asyncio.timeout(10):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()


async def _listening(port: int, process: Process) -> None:
    for _ in range(200):
        if process.returncode is not None:
            break
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        await asyncio.sleep(0.05)
    raise DavylampError(Text("the MQTT broker did not start", "MQTT 代理未能启动"), where=f"127.0.0.1:{port}",
                        fix=Text("run `mosquitto -v` by hand to see why", "手动运行 `mosquitto -v` 查看原因"))


def _empty(folder: Path) -> None:
    """Remove what an earlier demo stored, and only that: the folder may be anything the user named."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(folder / TELEMETRY, ignore_errors=True)
    for file in folder.glob(f"{ALARM_FILE}*"):
        file.unlink()


def _refuse_taken(port: int, option: str) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise DavylampError(
                Text(f"port {port} is taken by another program", f"端口 {port} 已被其他程序占用"),
                where=f"127.0.0.1:{port}",
                fix=Text(f'choose another with {option}, e.g. make demo ARGS="{option} {port + 1000}"',
                         f'用 {option} 另选端口，例如 make demo ARGS="{option} {port + 1000}"')) from None

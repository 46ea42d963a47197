"""`python -m simulators`: the simulated site alone, for any Modbus and MQTT client to talk to."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import orjson

from simulators import faults, layout, scenario
from simulators.flat import WORDS, FlatWorld
from simulators.scenario import ScenarioError
from simulators.station import Settings, Station, Told
from simulators.text import SimulatorError, Text, unknown
from simulators.world import Event, World

_DESCRIPTION = Text("A simulated site: Modbus devices, MQTT publishers and a script of faults, on loopback.",
                    "仿真站点：Modbus 设备、MQTT 发布端和故障脚本，仅监听本机回环地址。")
_BROKER = ("127.0.0.1", 1883)


def _parser(language: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m simulators", description=_DESCRIPTION[language])

    def option(name: str, en: str, zh: str, **settings) -> None:
        parser.add_argument(name, help=Text(en, zh)[language], **settings)

    option("--scenario", "script to play, a TOML file or one of the names that come with it (default: quiet)",
           "要播放的脚本：TOML 文件或自带脚本名（默认 quiet）", metavar="FILE", default="quiet")
    option("--site", "layout of the site, a TOML file (default: the depot)", "站点布局 TOML 文件（默认：油库）",
           type=Path, metavar="FILE", default=layout.SITES / "depot.toml")
    option("--modbus-port", "port of the first Modbus TCP device, the others follow; 0: free ones (default 5020)",
           "第一个 Modbus TCP 设备的端口，其余依次递增；0 表示自动选择（默认 5020）", type=_port,
           metavar="PORT", default=5020)
    option("--mqtt", "broker to publish to (default 127.0.0.1:1883)", "MQTT 代理地址（默认 127.0.0.1:1883）",
           metavar="HOST:PORT", type=_address, default=_BROKER)
    option("--no-mqtt", "publish nothing", "不发布 MQTT", dest="mqtt", action="store_const", const=None)
    option("--serial", "also on a serial bus (RTU): a pseudo-terminal, reached by this link",
           "同时提供串行总线（RTU）：伪终端，通过该链接打开", type=Path,
           metavar="LINK")
    option("--rtu-tcp", "the same bus as RTU over TCP on this port; 0: a free one",
           "同一总线的 RTU over TCP 端口；0 表示自动选择", metavar="PORT", type=_port)
    option("--control", "take commands on this port (set, free, do, counts); 0: a free one",
           "在该端口接收命令（set、free、do、counts）；0 表示自动选择", metavar="PORT", type=_port)
    option("--speed", "seconds of the plant per second", "仿真速度：每秒推进的装置秒数", type=_speed)
    option("--seed", "of all that is random (default 1)", "随机种子（默认 1）", type=_count, default=1)
    option("--lang", "language of the story (default: from LANG)", "旁白语言（默认取自 LANG）",
           choices=("en", "zh"), default=language)
    option("--story-json", "one JSON object per line, for programs", "每行输出一个 JSON 对象，供程序读取",
           action="store_true")
    option("--signals", "instead of the site: so many numbers in holding registers, changing once a second",
           "不运行站点，改为提供这么多个每秒变化的保持寄存器数值", metavar="N", type=_count)
    option("--devices", "with --signals: spread over so many devices (default 1)", "配合 --signals：设备数（默认 1）",
           metavar="D", type=_count, default=1)
    option("--type", "with --signals: type of the numbers (default float32)",
           "配合 --signals：数值类型（默认 float32）", choices=tuple(WORDS), default="float32")
    option("--until-stdin-closes", "end when standard input is closed: never outlive the program that started this one",
           "标准输入关闭时退出：不会比启动它的程序存活更久", action="store_true")
    option("--list-faults", "print the table of faults (Markdown) and end", "打印故障表（Markdown）后退出",
           action="store_true")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """0: stopped as asked. 2: could not start; the reason is on stderr (and on stdout with --story-json)."""
    given = sys.argv[1:] if arguments is None else arguments
    asked = _parser(_language(given)).parse_args(given)
    if asked.list_faults:
        print(faults.markdown(), end="")
        return 0
    tell = _json_teller() if asked.story_json else _teller(asked.lang)
    try:
        world, speed = (_flat(asked), 1.0) if asked.signals else _site(asked)
        settings = Settings(asked.modbus_port, asked.serial, asked.rtu_tcp, asked.mqtt if not asked.signals else None,
                            asked.control, asked.speed or speed, asked.seed)
        _check_ports(settings, len(world.devices))
        asyncio.run(_until_stopped(Station(world, settings, tell), asked.until_stdin_closes))
    except ScenarioError as error:
        return _refuse(error.problems, asked)
    except SimulatorError as error:
        return _refuse((error,), asked)
    return 0


def _site(asked: argparse.Namespace) -> tuple[World, float]:
    world = World(layout.load(asked.site), asked.seed)
    played = scenario.load(_scenario_path(asked.scenario), world.known)
    world.play(played)
    return world, played.speed


def _flat(asked: argparse.Namespace) -> FlatWorld:
    if asked.devices > asked.signals or -(-asked.signals // asked.devices) * WORDS[asked.type] > 65536:
        raise SimulatorError(
            Text(f"{asked.signals} signals do not spread over {asked.devices} devices.",
                 f"{asked.signals} 个信号无法分布到 {asked.devices} 个设备。"), "--devices",
            Text("a device has at least one signal and at most 65536 registers",
                 "每个设备至少 1 个信号，最多 65536 个寄存器"))
    return FlatWorld(asked.signals, asked.devices, asked.type, asked.seed)


def _scenario_path(name: str) -> Path:
    path = Path(name)
    if path.suffix or path.exists():
        return path
    shipped = {known.stem: known for known in scenario.SCENARIOS.glob("*.toml")}
    if name not in shipped:
        raise unknown(Text("scenario", "脚本"), name, shipped, "--scenario")
    return shipped[name]


async def _until_stopped(station: Station, watch_stdin: bool) -> None:
    """Ctrl-C, SIGTERM and, if watched, the end of standard input end the station in good order."""
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(station.run())
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    if watch_stdin:
        loop.add_reader(sys.stdin.fileno(), lambda: os.read(sys.stdin.fileno(), 4096) or task.cancel())
    with contextlib.suppress(asyncio.CancelledError):
        await task


def _check_ports(settings: Settings, devices: int) -> None:
    if settings.modbus_port + devices - 1 > 65535:
        raise SimulatorError(Text(f"{devices} devices do not fit above port {settings.modbus_port}.",
                                  f"端口 {settings.modbus_port} 以上不够 {devices} 个设备使用。"), "--modbus-port",
                             Text("choose a lower one", "请选择更小的端口号"))


def _json_teller() -> Callable[[Told], None]:
    def tell(told: Told) -> None:
        line = {"event": told.kind, "elapsed": told.elapsed, **told.detail}
        if (event := told.event) is not None:
            line |= {"en": event.text.en, "zh": event.text.zh}
            if event.fault:
                line |= {"fault": event.fault, "target": event.target, "arguments": dict(event.arguments)}
        _print(orjson.dumps(line, option=orjson.OPT_NON_STR_KEYS).decode())
    return tell


def _teller(language: str) -> Callable[[Told], None]:
    def tell(told: Told) -> None:
        if told.kind == "ready":
            lines = _places(told, language)
        elif told.kind == "mqtt":
            state = Text("connected", "已连接") if told.detail["connected"] else Text("not connected", "未连接")
            reason = f" ({told.detail['reason']})" if told.detail["reason"] else ""
            lines = [f"[{told.elapsed:6.1f} s]   · mqtt {told.detail['publisher']}: {state[language]}{reason}"]
        elif told.kind == "summary":
            counted = ", ".join(f"{name}={count}" for name, count in told.detail.items())
            lines = [Text("Stopped. ", "已停止。")[language] + counted]
        else:
            lines = [f"[{told.elapsed:6.1f} s] {_about(told.event)}{told.event.text[language]}"]
        for line in lines:
            _print(line)
    return tell


def _about(event: Event) -> str:
    if not event.fault:
        return ""
    given = ", ".join(f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}"
                      for name, value in event.arguments.items())
    return "  · " + " ".join(part for part in (event.fault, event.target, f"({given})" if given else "") if part) + ": "


def _places(told: Told, language: str) -> list[str]:
    places = told.detail
    lines = [f"  Modbus TCP   {row['host']}:{row['port']}  unit {row['unit']}  {row['device']}"
             for row in places["modbus_tcp"]]
    for key, name in (("serial", "Modbus RTU"), ("rtu_tcp", "RTU over TCP")):
        if place := places[key]:
            where = place["link"] if key == "serial" else f"{place['host']}:{place['port']}"
            units = ", ".join(f"{unit} {device}" for unit, device in place["units"].items())
            lines.append(f"  {name:<12} {where}  unit {units}")
    if place := places["mqtt"]:
        lines.append(f"  MQTT         {place['host']}:{place['port']}  {', '.join(place['publishers'])}")
    if place := places["control"]:
        lines.append(f"  control      {place['host']}:{place['port']}")
    title = Text("The simulated site is up (Ctrl-C stops it):", "仿真站点已启动（按 Ctrl-C 停止）：")[language]
    return [title, *lines]


def _refuse(problems: tuple[SimulatorError, ...], asked: argparse.Namespace) -> int:
    for problem in problems:
        print(problem.message(asked.lang), file=sys.stderr)
        if asked.story_json:
            _print(orjson.dumps({"event": "error", "where": problem.where,
                                 "what": {"en": problem.what.en, "zh": problem.what.zh},
                                 "fix": {"en": problem.fix.en, "zh": problem.fix.zh}}).decode())
    return 2


def _print(line: str) -> None:
    """Whoever listened may be gone: then there is nobody to tell, and the plant goes on."""
    with contextlib.suppress(BrokenPipeError):
        print(line, flush=True)


def _language(arguments: list[str]) -> str:
    """Of the help text: --lang, or what the system says."""
    for place, argument in enumerate(arguments):
        if argument == "--lang" and place + 1 < len(arguments):
            return arguments[place + 1]
        if argument.startswith("--lang="):
            return argument.partition("=")[2]
    spoken = os.environ.get("LC_ALL") or os.environ.get("LANG") or "en"
    return "zh" if spoken.startswith("zh") else "en"


def _port(value: str) -> int:
    return _whole(value, 0, 65535)


def _count(value: str) -> int:
    return _whole(value, 1, 10**7)


def _whole(value: str, low: int, high: int) -> int:
    try:
        number = int(value)
    except ValueError:
        number = low - 1
    if not low <= number <= high:
        _complain(f"{value!r}: needs a whole number from {low} to {high} / 需要 {low} 到 {high} 的整数")
    return number


def _speed(value: str) -> float:
    try:
        speed = float(value)
    except ValueError:
        speed = 0.0
    if not 0.01 <= speed <= 1000:
        _complain(f"{value!r}: needs a number from 0.01 to 1000 / 需要 0.01 到 1000 的数字")
    return speed


def _address(value: str) -> tuple[str, int]:
    host, _, port = value.rpartition(":")
    if not host:
        _complain(f"{value!r}: write HOST:PORT, e.g. 127.0.0.1:1883 / 请写成 主机:端口，例如 127.0.0.1:1883")
    return host, _port(port)


def _complain(message: str) -> NoReturn:
    raise argparse.ArgumentTypeError(message)


if __name__ == "__main__":
    sys.exit(main())

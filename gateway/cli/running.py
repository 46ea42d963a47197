"""`davylamp check`, `run`, `watch` and `demo`."""

from __future__ import annotations

import argparse
from datetime import datetime
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from gateway.cli.commands import Commands, show_problems
from gateway.model.text import Text


def register(commands: Commands) -> None:
    commands.add("check", check, "find every mistake in a site file", "检查站点配置文件中的全部错误").site()

    command = commands.add("run", run, "run the gateway of a site", "运行站点网关")
    command.site()
    command.data()
    command.option("--port", type=int, default=None, en="port of the page", zh="页面端口")

    command = commands.add("watch", watch, "watch whether gateways live, and page people when one is silent",
                           "监视网关是否在线，网关失联时通知人员")
    command.option("file", type=Path, metavar="WATCH.toml")
    command.option("--check", action="store_true", default=False, en="only find every mistake in the file",
                   zh="仅检查文件中的全部错误")

    command = commands.add("demo", demo, "watch a simulated gas leak become an alarm", "演示：模拟泄漏如何变成告警")
    command.option("--scenario", type=Path, default=None, en="scenario file", zh="剧本文件")
    command.option("--site", type=Path, default=None, en="site file (default: the small oil depot)",
                   zh="站点文件（默认：小型油库）")
    command.option("--data", type=Path, default=Path(".davylamp/demo"), en="data folder, emptied at start",
                   zh="数据目录，启动时清空")
    command.option("--port", type=int, default=8080, en="port of the page (8080)", zh="页面端口 (8080)")
    command.option("--modbus-port", type=int, default=5020, en="first of four ports of the simulated devices (5020)",
                   zh="模拟设备的四个端口中的第一个 (5020)")
    command.option("--mqtt-port", type=int, default=18830, en="port of the broker (18830)", zh="MQTT 代理端口 (18830)")
    command.option("--speed", type=float, default=1.0, en="story speed (1.0)", zh="剧情速度 (1.0)")
    command.option("--broker", default="auto", choices=("auto", "mosquitto", "amqtt"),
                   en="broker to start; auto: mosquitto if installed", zh="要启动的 MQTT 代理；auto：优先 mosquitto")
    command.option("--duration", type=float, default=None, en="stop after so many seconds", zh="运行若干秒后停止")


def check(options: argparse.Namespace, language: str) -> int:
    from gateway.app import load
    from gateway.config.secret_checks import secret_problems

    loaded = load(options.site)
    show_problems((*loaded.problems, *(secret_problems(loaded.site_file) if loaded.site_file is not None else ())),
                  language)
    if loaded.site_file is None:
        return 1
    site = loaded.site_file.site
    print(Text("{file}: good. {signals} signals, {alarms} alarms, {rules} rules.",
               "{file}：配置正确。信号 {signals} 个，告警 {alarms} 个，规则 {rules} 条。").format(
        file=options.site, signals=len(site.signals), alarms=len(site.alarms), rules=len(site.rules))[language])
    return 0


def run(options: argparse.Namespace, language: str) -> int:
    import asyncio

    from gateway.app import Gateway, load
    from gateway.changeover import Changeover
    from gateway.cli.address import tell_address
    from gateway.console import AlarmLines, Console
    from gateway.supervision import run_until_signalled

    overrides = {} if options.port is None else {"api.port": options.port}

    def build(site_file, served, desk, news) -> Gateway:
        site = site_file.site
        console = Console(language, lambda: f"{datetime.now(site.zone):%Y-%m-%d %H:%M:%S}")

        def ready(url: str) -> None:
            console("gateway", Text("{site} is watched. Page: {url}", "正在监测 {site}。页面：{url}").format(
                site=site.name, url=url))
            tell_address(url)
            served(url)

        return Gateway(site_file, options.data, watch=AlarmLines(console), ready=ready, desk=desk, news=news)

    asyncio.run(run_until_signalled(Changeover(options.site, options.data, partial(load, overrides=overrides), build)))
    return 0


def watch(options: argparse.Namespace, language: str) -> int:
    import asyncio

    from gateway.config.watch_file import load_watch
    from gateway.console import AlarmLines, Console
    from gateway.plugins import PLUGINS
    from gateway.supervision import run_until_signalled
    from gateway.watcher import Watcher

    loaded = load_watch(options.file, PLUGINS.notifiers)
    show_problems(loaded.problems, language)
    if loaded.file is None:
        return 1
    if options.check:
        print(Text("{file}: good. Gateways watched: {count}.", "{file}：配置正确。监视网关 {count} 个。").format(
            file=options.file, count=len(loaded.file.gateways))[language])
        return 0
    zone = ZoneInfo(loaded.file.watch.timezone)
    console = Console(language, lambda: f"{datetime.now(zone):%Y-%m-%d %H:%M:%S}")
    names = ", ".join(gateway.id for gateway in loaded.file.gateways)
    asyncio.run(run_until_signalled(Watcher(
        loaded.file, watch=AlarmLines(console), ready=lambda url: console("watch", Text(
            "{names}: their life is watched. Address: {url}", "正在监视 {names} 是否在线。地址：{url}").format(
            names=names, url=url)))))
    return 0


def demo(options: argparse.Namespace, language: str) -> int:
    import asyncio

    from gateway.demo import DemoOptions
    from gateway.demo import run as run_demo

    return asyncio.run(run_demo(DemoOptions(
        site=options.site, scenario=options.scenario, data=options.data, port=options.port,
        modbus_port=options.modbus_port, mqtt_port=options.mqtt_port, speed=options.speed, language=language,
        duration_s=options.duration, broker=options.broker)))

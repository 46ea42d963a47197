"""The `davylamp` command: check a site file, run the gateway, acknowledge and bypass alarms, look back, watch the demo.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from gateway import __version__
from gateway.model.errors import ConfigError, DavylampError
from gateway.model.text import LANGUAGES, Text

DEFAULT_URL = "http://127.0.0.1:8080"


def main(arguments: list[str]) -> int:
    """Runs one command. Returns the exit status: 0 done, 1 refused or failed (the reason is on stderr), 2 usage."""
    language = _language(arguments)
    options = _parser(language).parse_args(arguments)
    logging.basicConfig(level=options.log_level.upper(), stream=sys.stderr,
                        format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        return options.command(options, language)
    except ConfigError as error:
        _show_problems(error.problems, language)
        return 1
    except DavylampError as error:
        print(error.message(language), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0


def check(options: argparse.Namespace, language: str) -> int:
    from gateway.app import load

    loaded = load(options.site)
    _show_problems(loaded.problems, language)
    if loaded.site_file is None:
        return 1
    site = loaded.site_file.site
    print(Text("{file}: good. {signals} signals, {alarms} alarms, {rules} rules.",
               "{file}：配置正确。信号 {signals} 个，告警 {alarms} 个，规则 {rules} 条。").format(
        file=options.site, signals=len(site.signals), alarms=len(site.alarms), rules=len(site.rules))[language])
    return 0


def run(options: argparse.Namespace, language: str) -> int:
    from gateway.app import Gateway, load, run_until_signalled
    from gateway.console import AlarmLines, Console

    overrides = {} if options.port is None else {"api.port": options.port}
    loaded = load(options.site, overrides)
    _show_problems([problem for problem in loaded.problems if problem.severity == "error"], language)
    if loaded.site_file is None:
        return 1
    site = loaded.site_file.site
    console = Console(language, lambda: f"{datetime.now(site.zone):%Y-%m-%d %H:%M:%S}")
    gateway = Gateway(
        loaded.site_file, options.data, watch=AlarmLines(console), ready=lambda url: console("gateway", Text(
            "{site} is watched. Page: {url}", "正在监测 {site}。页面：{url}").format(site=site.name, url=url)))
    asyncio.run(run_until_signalled(gateway))
    return 0


def acknowledge(options: argparse.Namespace, language: str) -> int:
    from gateway import remote

    return remote.acknowledge(options, language)


def hold(options: argparse.Namespace, language: str) -> int:
    from gateway import remote

    return remote.hold(options, language)


def baseline(options: argparse.Namespace, language: str) -> int:
    from gateway import remote

    return remote.baseline(options, language)


def annunciator(options: argparse.Namespace, language: str) -> int:
    from gateway import remote

    return remote.annunciator(options, language)


def demo(options: argparse.Namespace, language: str) -> int:
    from gateway.demo import DemoOptions
    from gateway.demo import run as run_demo

    return asyncio.run(run_demo(DemoOptions(
        site=options.site, scenario=options.scenario, data=options.data, port=options.port,
        modbus_port=options.modbus_port, mqtt_port=options.mqtt_port, speed=options.speed, language=language,
        duration_s=options.duration, broker=options.broker)))


def self_test(options: argparse.Namespace, language: str) -> int:
    from gateway import remote

    return remote.self_test(options, language)


def drill(options: argparse.Namespace, language: str) -> int:
    from gateway import remote

    return remote.drill(options, language)


def watch(options: argparse.Namespace, language: str) -> int:
    from gateway.app import PLUGINS, run_until_signalled
    from gateway.config.watch_file import load_watch
    from gateway.console import AlarmLines, Console
    from gateway.watcher import Watcher

    loaded = load_watch(options.file, PLUGINS.notifiers)
    _show_problems(loaded.problems, language)
    if loaded.file is None:
        return 1
    if options.check:
        print(Text("{file}: good. {count} gateways are watched.", "{file}：配置正确。监视网关 {count} 个。").format(
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


def replay(options: argparse.Namespace, language: str) -> int:
    from gateway.replay import commands

    return commands.replay(options, language)


def backtest(options: argparse.Namespace, language: str) -> int:
    from gateway.replay import commands

    return commands.backtest(options, language)


def explain(options: argparse.Namespace, language: str) -> int:
    from gateway.replay import commands

    return commands.explain(options, language)


def proof_tests(options: argparse.Namespace, language: str) -> int:
    from gateway.replay.proof_tests import proof_tests as shown

    return shown(options, language)


def kpi(options: argparse.Namespace, language: str) -> int:
    from gateway import remote

    return remote.kpi(options, language)


def route(options: argparse.Namespace, language: str) -> int:
    from gateway import remote

    return remote.route(options, language)


def journal_verify(options: argparse.Namespace, language: str) -> int:
    from gateway.replay import journal

    return journal.verify(options, language)


def journal_export(options: argparse.Namespace, language: str) -> int:
    from gateway.replay import journal

    return journal.export_rows(options, language)


def journal_verify_export(options: argparse.Namespace, language: str) -> int:
    from gateway.replay import journal

    return journal.verify_export(options, language)


def _show_problems(problems, language: str) -> None:
    from gateway.config.report import render

    if problems:
        print(render(tuple(problems), language), file=sys.stderr)


def _language(arguments: list[str]) -> str:
    """--lang, else the environment: the help texts themselves depend on it."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--lang", choices=LANGUAGES)
    known, _ = parser.parse_known_args(arguments)
    environment = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "")
    return known.lang or ("zh" if environment.lower().startswith("zh") else "en")


def _parser(language: str) -> argparse.ArgumentParser:
    def text(en: str, zh: str) -> str:
        return Text(en, zh)[language]

    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--lang", choices=LANGUAGES, help=text("language of messages", "消息语言"))
    shared.add_argument("--log-level", default="warning", choices=("debug", "info", "warning", "error"),
                        help=text("how much to log on stderr", "日志级别"))
    parser = argparse.ArgumentParser("davylamp", parents=[shared], description=text(
        "Safety-monitoring and early-warning gateway. A read-only overlay: it never replaces a certified system.",
        "安全监测预警网关。只读叠加系统，不能替代经认证的安全系统。"))
    parser.add_argument("--version", action="version", version=f"davylamp {__version__}")
    commands = parser.add_subparsers(required=True, metavar=text("COMMAND", "命令"))

    def command(name: str, function, help_text: str, among=commands) -> argparse.ArgumentParser:
        sub = among.add_parser(name, help=help_text, description=help_text, parents=[shared],
                                  argument_default=argparse.SUPPRESS)
        sub.set_defaults(command=function)
        return sub

    def running(sub: argparse.ArgumentParser) -> None:
        sub.add_argument("--url", default=DEFAULT_URL,
                         help=text("address of the gateway", "网关地址") + f" ({DEFAULT_URL})")

    sub = command("check", check, text("find every mistake in a site file", "检查站点配置文件中的全部错误"))
    sub.add_argument("site", type=Path, metavar="SITE.toml")

    sub = command("run", run, text("run the gateway of a site", "运行站点网关"))
    sub.add_argument("site", type=Path, metavar="SITE.toml")
    sub.add_argument("--data", type=Path, default=None, help=text("data folder (default: [store] folder of the site "
                                                                  "file)", "数据目录（默认取配置文件 [store] folder）"))
    sub.add_argument("--port", type=int, default=None, help=text("port of the page", "页面端口"))

    sub = command("ack", acknowledge, text("acknowledge an alarm of the running gateway", "确认运行中网关的告警"))
    sub.add_argument("alarm", metavar="ALARM",
                     help=text('id as on the page, e.g. "GD-03/HH"', '告警编号，如 "GD-03/HH"'))
    sub.add_argument("--name", required=True, help=text("who acknowledges", "确认人姓名"))
    sub.add_argument("--comment", default="", help=text("what was seen or done", "现场情况或处置说明"))
    running(sub)

    for name, what in (
            ("bypass", text("call nobody for an alarm for a while; list and end bypasses",
                            "在一段时间内不为某告警通知人员；查看和解除旁路")),
            ("shelve", text("put an alarm that stands in the way aside, for a time or once; list and end",
                            "搁置妨碍处置的告警（限时或单次）；查看和解除搁置")),
            ("out-of-service", text("take an alarm out of service for maintenance, and return it",
                                    "检修期间停用告警，并恢复投用"))):
        sub = command(name, hold, what)
        sub.set_defaults(hold=name)
        sub.add_argument("target", nargs="?", default=None, metavar="ALARM|SIGNAL|RULE", help=text(
            "an alarm, or a signal or rule with all its alarms", "告警，或信号、联锁规则（含其全部告警）"))
        sub.add_argument("--for", dest="duration", default=None, metavar=text("DURATION", "时长"), help=text(
            'how long, e.g. "2h"; it always ends', '时长，如 "2h"；到期必定结束'))
        if name == "shelve":
            sub.add_argument("--once", action="store_true", default=False, help=text(
                "only until the alarm is back to normal", "仅至该告警恢复正常为止"))
        sub.add_argument("--why", default=None, help=text("the reason", "原因"))
        sub.add_argument("--name", default=None, help=text("who answers for it", "责任人姓名"))
        sub.add_argument("--approved-by", default=None, help=text(
            "second person, always needed", "批准人，必填") if name == "out-of-service" else text(
            "second person, needed for P1", "批准人，P1 告警必填"))
        sub.add_argument("--list", action="store_true", default=False,
                         help=text("show those that stand", "查看当前清单"))
        sub.add_argument("--end", "--return", action="store_true", default=False, help=text("end it now", "立即解除"))
        running(sub)

    sub = command("annunciator", annunciator, text("sirens and beacons on relays: show, arm, disarm, test",
                                                   "继电器上的声光报警器：查看、启用、停用、测试"))
    sub.add_argument("annunciator", nargs="?", default=None, metavar="ID",
                     help=text("id in the site file", "配置文件中的编号"))
    acts = sub.add_mutually_exclusive_group()
    for act, help_text in (("arm", text("alarms drive it from now on", "从现在起由告警驱动")),
                           ("disarm", text("release it, and write nothing to it any more", "释放并停止写入")),
                           ("test", text("drive it for 3 s", "驱动 3 秒"))):
        acts.add_argument(f"--{act}", dest="act", action="store_const", const=act, default=None, help=help_text)
    sub.add_argument("--name", default=None, help=text("who does it", "操作人姓名"))
    sub.add_argument("--why", default=None, help=text("the reason, for the journal", "原因（记入日志）"))
    running(sub)

    sub = command("baseline", baseline, text("what was learnt of a signal; freeze, thaw or reset it",
                                             "查看信号已学习的内容；冻结、恢复或重置"))
    sub.add_argument("signal", metavar="SIGNAL", help=text("id of the signal", "信号编号"))
    sub.add_argument("site", type=Path, nargs="?", default=None, metavar="SITE.toml", help=text(
        "read the data folder of this site instead of asking the running gateway",
        "不询问运行中的网关，而是读取该站点的数据目录"))
    sub.add_argument("--data", type=Path, default=None, help=text(
        "data folder (default: [store] folder of the site file)", "数据目录（默认取配置文件 [store] folder）"))
    group = sub.add_mutually_exclusive_group()
    group.add_argument("--freeze", action="store_true", default=False, help=text(
        "judge by what was learnt until now, learn no more", "按目前所学判断，不再学习"))
    group.add_argument("--thaw", action="store_true", default=False, help=text("learn again", "恢复学习"))
    group.add_argument("--reset", action="store_true", default=False, help=text(
        "forget it all and learn anew", "清除所学内容，重新学习"))
    sub.add_argument("--name", default=None, help=text("who does it", "操作人姓名"))
    sub.add_argument("--why", default=None, help=text("the reason, for the journal", "原因（记入日志）"))
    sub.add_argument("--json", action="store_true", default=False, help=text("print JSON", "以 JSON 输出"))
    running(sub)

    def recorded(name: str, function, help_text: str) -> argparse.ArgumentParser:
        """A command over recorded data."""
        sub = command(name, function, help_text)
        sub.add_argument("--skip-unknown", action="store_true", default=False, help=text(
            "leave out what a file holds of signals that the site does not have", "忽略文件中不属于本站点的信号"))
        sub.add_argument("--from", dest="start", default=None, metavar=text("TIME", "时间"), help=text(
            "begin here; without a zone it is the site's own time", "开始时间；不写时区时按站点当地时间"))
        sub.add_argument("--json", action="store_true", default=False, help=text("print JSON", "以 JSON 输出"))
        return sub

    def whole(sub: argparse.ArgumentParser) -> None:
        """Options of a run over a stretch of time."""
        sub.add_argument("--to", default=None, metavar=text("TIME", "时间"), help=text("end here", "结束时间"))
        sub.add_argument("--events", type=Path, default=None, metavar="FILE", help=text(
            "CSV of what really happened (time, name, within, alarm): what was caught, missed, false",
            "实际事件 CSV（time、name、within、alarm）：统计发现、漏报和误报"))
        sub.add_argument("--ack-after", default="5min", metavar=text("DURATION", "时长"), help=text(
            "every alarm is taken as acknowledged after this time; matters for first-out only (5min)",
            "假定每个告警在此时长后被确认；只影响首发判断（5min）"))

    data = text("data folder of a gateway, also of a running one, or a file: CSV (time and signal ids as titles) or "
                "InfluxDB line protocol (default: [store] folder of the site file)",
                "网关的数据目录（网关运行时也可读取），或文件：CSV（首行为 time 和信号编号）、InfluxDB 行协议"
                "（默认取配置文件 [store] folder）")

    sub = recorded("replay", replay, text("the alarms of recorded data, as they would have come",
                                  "用已记录的数据重放：告警会如何产生"))
    sub.add_argument("data", type=Path, nargs="?", default=None, metavar="DATA", help=data)
    sub.add_argument("--site", type=Path, required=True, metavar="SITE.toml", help=text("site file", "站点文件"))
    sub.add_argument("--summary", action="store_true", default=False,
                     help=text("only the counts, not every alarm", "只显示统计，不逐条列出告警"))
    whole(sub)

    sub = recorded("backtest", backtest, text(
        "recorded data through one site file: how often each rule alarms; through two: what would change",
        "用已记录的数据检验站点文件：一份则统计各告警次数，两份则比较差异"))
    sub.add_argument("site", type=Path, metavar="SITE.toml", help=text("the site file as it is now", "现用的站点文件"))
    sub.add_argument("candidate", type=Path, nargs="?", default=None, metavar="CANDIDATE.toml",
                     help=text("as it might become", "拟改用的站点文件"))
    sub.add_argument("--data", type=Path, default=None, help=data)
    sub.add_argument("--sweep", action="append", default=[], metavar="SIGNAL.LIMIT=FROM:TO:STEP", help=text(
        "what each of these settings would have done, e.g. GD-03.H=18:26:0.5 (may be given again)",
        "逐一检验这些设置的效果，如 GD-03.H=18:26:0.5（可重复使用）"))
    whole(sub)

    sub = recorded("explain", explain, text("why an alarm stood, or not, at one time", "某一时刻告警为何成立或不成立"))
    sub.add_argument("alarm", metavar="ALARM",
                     help=text('id as on the page, e.g. "GD-03/HH"', '告警编号，如 "GD-03/HH"'))
    sub.add_argument("--site", type=Path, required=True, metavar="SITE.toml", help=text("site file", "站点文件"))
    sub.add_argument("--data", type=Path, default=None, help=data)
    sub.add_argument("--at", default=None, metavar=text("TIME", "时间"), help=text(
        "when (default: the end of the recording)", "时刻（默认：记录末尾）"))

    sub = command("proof-tests", proof_tests, text(
        "when each valve and instrument last passed its test, and all that was tested",
        "各阀门、仪表最近一次通过测试的时间，以及全部记录"))
    sub.add_argument("site", type=Path, metavar="SITE.toml")
    sub.add_argument("--data", type=Path, default=None, help=text("data folder (default: [store] folder of the site "
                                                                  "file)", "数据目录（默认取配置文件 [store] folder）"))
    sub.add_argument("--json", action="store_true", default=False, help=text("print JSON", "以 JSON 输出"))

    sub = command("kpi", kpi, text("alarm figures after EEMUA 191: load, floods, chattering, time to acknowledge",
                                   "告警统计（EEMUA 191）：负荷、洪泛、抖动、确认用时"))
    sub.add_argument("site", type=Path, nargs="?", default=None, metavar="SITE.toml", help=text(
        "read the journal of this site instead of asking the running gateway",
        "不询问运行中的网关，而是读取该站点的告警日志"))
    sub.add_argument("--data", type=Path, default=None, help=text(
        "data folder (default: [store] folder of the site file)", "数据目录（默认取配置文件 [store] folder）"))
    sub.add_argument("--from", dest="start", default=None, metavar=text("TIME", "时间"), help=text(
        "begin here; without a zone it is the site's own time", "开始时间；不写时区时按站点当地时间"))
    sub.add_argument("--to", default=None, metavar=text("TIME", "时间"), help=text("end here", "结束时间"))
    sub.add_argument("--json", action="store_true", default=False, help=text("print JSON", "以 JSON 输出"))
    running(sub)

    sub = command("route", route, text("who would be told of an alarm, how and when; nothing is sent",
                                       "某告警会通知谁、以何种方式、何时通知；不发送任何通知"))
    sub.add_argument("alarm", metavar="ALARM", help=text('id as on the page, e.g. "GD-03/HH"',
                                                         '告警编号，如 "GD-03/HH"'))
    sub.add_argument("--dry-run", action="store_true", default=False, help=text(
        "say it, send nothing; the only way there is", "仅演练，不发送；目前只有这种方式"))
    sub.add_argument("--at", default=None, metavar=text("TIME", "时间"), help=text(
        "if it is raised then; without a zone it is the site's own time (default: now)",
        "假定报警时刻；不写时区时按站点当地时间（默认：现在）"))
    sub.add_argument("--site", type=Path, default=None, metavar="SITE.toml", help=text(
        "read this site file instead of asking the running gateway", "不询问运行中的网关，而是读取该站点文件"))
    sub.add_argument("--json", action="store_true", default=False, help=text("print JSON", "以 JSON 输出"))
    running(sub)

    _journal(commands, command, text)

    sub = command("self-test", self_test, text(
        "send a marked test sample through the whole chain, from the driver to the acknowledgement",
        "全链路自检：注入带标记的测试样本，跟踪至告警确认"))
    sub.add_argument("--name", required=True, help=text("who asks for it", "操作人姓名"))
    running(sub)

    sub = command("drill", drill, text("a drill: let chosen signals seem in alarm, and see who is told and who answers",
                                       "演练：模拟所选信号报警，查看通知与确认情况"))
    sub.add_argument("act", choices=("begin", "inject", "end", "sheet"))
    sub.add_argument("signals", nargs="*", default=[], metavar="SIGNAL")
    sub.add_argument("--for", dest="duration", default=None, metavar=text("DURATION", "时长"), help=text(
        'of the drill, or of what is injected, e.g. "30min"; every drill ends',
        '演练或模拟报警的时长，如 "30min"；演练必定到期'))
    sub.add_argument("--value", type=float, default=None, help=text(
        "what the signal seems to read (default: just beyond its most urgent limit)",
        "模拟读数（默认：刚超过最紧急的限值）"))
    sub.add_argument("--target", default="5min",
                     help=text("people should acknowledge within (5min)", "确认时限（5min）"))
    sub.add_argument("--name", default=None, help=text("who answers for it", "责任人姓名"))
    sub.add_argument("--why", default=None, help=text("the reason", "原因"))
    sub.add_argument("--json", action="store_true", default=False, help=text("print JSON", "以 JSON 输出"))
    running(sub)

    sub = command("watch", watch, text("watch whether gateways live, and page people when one is silent",
                                       "监视网关是否在线，网关失联时通知人员"))
    sub.add_argument("file", type=Path, metavar="WATCH.toml")
    sub.add_argument("--check", action="store_true", default=False,
                     help=text("only find every mistake in the file", "仅检查文件中的全部错误"))

    sub = command("demo", demo, text("watch a simulated gas leak become an alarm", "演示：模拟泄漏如何变成告警"))
    sub.add_argument("--scenario", type=Path, default=None, help=text("scenario file", "剧本文件"))
    sub.add_argument("--site", type=Path, default=None, help=text("site file (default: the small oil depot)",
                                                                  "站点文件（默认：小型油库）"))
    sub.add_argument("--data", type=Path, default=Path(".davylamp/demo"), help=text("data folder, emptied at start",
                                                                                    "数据目录，启动时清空"))
    sub.add_argument("--port", type=int, default=8080, help=text("port of the page", "页面端口") + " (8080)")
    sub.add_argument("--modbus-port", type=int, default=5020, help=text(
        "first of four ports of the simulated devices", "模拟设备的四个端口中的第一个") + " (5020)")
    sub.add_argument("--mqtt-port", type=int, default=18830,
                     help=text("port of the broker", "MQTT 代理端口") + " (18830)")
    sub.add_argument("--speed", type=float, default=1.0, help=text("story speed", "剧情速度") + " (1.0)")
    sub.add_argument("--broker", default="auto", choices=("auto", "mosquitto", "amqtt"), help=text(
        "broker to start; auto: mosquitto if installed", "要启动的 MQTT 代理；auto：优先 mosquitto"))
    sub.add_argument("--duration", type=float, default=None,
                     help=text("stop after so many seconds", "运行若干秒后停止"))
    return parser


def _journal(commands, command, text) -> None:
    """`journal` has commands of its own."""
    title = text("the journal as evidence: verify, export", "日志取证：校验、导出")
    acts = commands.add_parser("journal", help=title, description=title).add_subparsers(
        required=True, metavar=text("ACT", "操作"))

    sub = command("verify", journal_verify, text("is every row as it was written? Names each one that is not",
                                                 "逐行校验日志是否被改动，并指出改动的行"), acts)
    sub.add_argument("file", type=Path, nargs="?", default=None, metavar="FILE", help=text(
        "alarm file, data folder or site file; the gateway may run meanwhile (data)",
        "告警文件、数据目录或站点文件；网关运行时也可校验（默认 data）"))
    sub.add_argument("--against", type=Path, default=None, metavar="DIR", help=text(
        "an older export: shows whether the end was cut off since", "较早的导出目录：用于发现末尾被截断"))

    sub = command("export", journal_export, text(
        "rows of the journal, with raw samples around alarms, as a signed folder",
        "导出日志及告警前后的原始数据，并签名"), acts)
    sub.add_argument("site", type=Path, metavar="SITE.toml")
    sub.add_argument("--data", type=Path, default=None, help=text(
        "data folder (default: [store] folder of the site file)", "数据目录（默认取配置文件 [store] folder）"))
    sub.add_argument("--from", dest="start", default=None, metavar=text("TIME", "时间"), help=text(
        "begin here; without a zone it is the site's own time", "开始时间；不写时区时按站点当地时间"))
    sub.add_argument("--to", default=None, metavar=text("TIME", "时间"), help=text("end here", "结束时间"))
    sub.add_argument("--alarm", default=None, metavar="ALARM", help=text(
        "only this alarm, and what was done to its signal", "仅此告警及对其信号的操作"))
    sub.add_argument("--samples", default=None, metavar=text("DURATION", "时长"), help=text(
        'raw samples this long before and after each alarm, "0s": none (30min with --alarm, else none)',
        '每次告警前后各取多长的原始数据，"0s" 为不取（有 --alarm 时默认 30min，否则不取）'))
    sub.add_argument("--format", default="csv", choices=("csv", "json"), help=text("form of the files (csv)",
                                                                                   "文件格式（csv）"))
    sub.add_argument("--out", type=Path, default=None, metavar="DIR", help=text(
        "new folder for it (default: named after site and time)", "导出到此新目录（默认按站点和时间命名）"))

    sub = command("verify-export", journal_verify_export, text(
        "is an export as the gateway wrote it?", "校验导出目录是否与网关导出时一致"), acts)
    sub.add_argument("folder", type=Path, metavar="DIR")
    sub.add_argument("--key", type=Path, default=None, metavar="PUBLIC.pem", help=text(
        "public key of the gateway, known by another way", "通过其他途径取得的网关公钥"))

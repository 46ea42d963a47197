"""`davylamp doctor` and `log-level`: the machine that the gateway runs on, and what is written there of its work."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from gateway import logs
from gateway.cli.commands import Commands, Later
from gateway.model import installed

INSTALLED = installed.SITE


def register(commands: Commands) -> None:
    command = commands.add("doctor", doctor, "is this machine fit to keep watch? Says how to put right what is not "
                           "(exit status: 0 good, 3 warnings, 4 errors)",
                           "检查本机是否适合运行网关，并说明如何处理（退出码：0 正常，3 有警告，4 有错误）")
    command.site(optional=(f"site file ({INSTALLED})", f"站点配置文件（{INSTALLED}）"))
    command.data()
    command.json()
    command.option("--root", type=Path, default=Path("/"), metavar="DIR",
                   en="look at the machine below this folder; none of its programs are run",
                   zh="检查此目录下的系统，不运行其中的程序")

    command = commands.add("log-level", Later("gateway.remote:log_level"),
                           "how much the running gateway logs; change it for a while, without a restart",
                           "查看运行中网关的日志级别；可临时调整，无需重启")
    command.option("level", nargs="?", default=None, choices=logs.LEVELS)
    command.option("--for", dest="duration", default="1h", metavar=commands.text("DURATION", "时长"),
                   en="then it is as before again (1h, at most 1d)", zh="到期自动恢复（默认 1h，最长 1d）")
    command.person("who does it", "操作人姓名")
    command.running()


def doctor(options: argparse.Namespace, language: str) -> int:
    from gateway.doctor.machine import Machine
    from gateway.doctor.round import as_json, examine, lines, status

    machine = Machine(options.root, None if options.root == Path("/") else {})
    path = options.site or machine.path(str(INSTALLED))
    findings = examine(machine, _needs(path, options.data, options.site is None), str(path))
    print(as_json(findings) if options.json else "\n".join(lines(findings, language, colour=sys.stdout.isatty())))
    return status(findings)


def _needs(path: Path, data: Path | None, default: bool):
    """What the site file asks of the machine; None where it is not there or refused."""
    from drivers.modbus.config import ModbusSource
    from drivers.mqtt.config import MqttSource
    from gateway.app import load
    from gateway.doctor.round import SiteNeeds

    site_file = load(path).site_file
    if site_file is None:
        return None
    brokers = [source for source in site_file.sources if isinstance(source, MqttSource)]
    serial = [source.serial_port for source in site_file.sources
              if isinstance(source, ModbusSource) and source.transport == "rtu" and source.serial_port]
    folder = data or (installed.DATA if default else Path(site_file.store.folder).absolute())
    return SiteNeeds(str(site_file.site.zone), str(folder), (site_file.api.host, site_file.api.port), tuple(serial),
                     tuple(source.tls.cert for source in brokers if source.tls and source.tls.cert),
                     any(source.host in ("127.0.0.1", "localhost", "::1") for source in brokers))

"""One round through everything, and how it is told."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.doctor import board, clock, disk, serial_lines, services
from gateway.doctor.finding import Finding, Severity, error
from gateway.doctor.machine import Machine
from gateway.model.text import Text

STATUS = {Severity.GOOD: 0, Severity.NOTE: 0, Severity.WARNING: 3, Severity.ERROR: 4}  # exit status of the command
_WORDS = {Severity.GOOD: Text("good", "正常"), Severity.NOTE: Text("note", "提示"),
          Severity.WARNING: Text("warning", "警告"), Severity.ERROR: Text("error", "错误")}
# In Chinese; in English a topic is the word itself, as in JSON.
TOPICS = {
    "broker": "消息代理", "certificate": "证书", "clock": "时钟", "data": "数据目录", "disk": "磁盘", "heat": "温度",
    "memory": "内存", "network": "网络", "power": "供电", "rtc": "时钟芯片", "secrets": "密码文件", "serial": "串口",
    "site": "站点文件", "swap": "交换空间", "system": "系统", "units": "系统服务",
    "watchdog": "看门狗", "wear": "存储寿命", "zone": "时区"}
_COLOURS = {Severity.GOOD: "32", Severity.NOTE: "0", Severity.WARNING: "33", Severity.ERROR: "1;31"}


@dataclass(frozen=True, slots=True)
class SiteNeeds:
    """What the site file asks of the machine. folder: of the data. page: address and port."""

    zone: str
    folder: str
    page: tuple[str, int]
    serial_ports: Sequence[str] = ()
    certificates: Sequence[str] = ()
    own_broker: bool = False


def examine(machine: Machine, needs: SiteNeeds | None, site: str) -> list[Finding]:
    """Every finding, topic by topic. needs: None where the site file `site` is missing or refused."""
    findings = [
        *board.judge(board.facts(machine)),
        *clock.judge(clock.facts(machine), needs and needs.zone),
        *disk.judge(disk.facts(machine, needs.folder if needs else services.DATA)),
        *serial_lines.judge(serial_lines.facts(machine, needs.serial_ports if needs else ())),
        *services.judge(services.facts(machine, needs.certificates if needs else ()), needs and needs.page,
                        needs is not None and needs.own_broker)]
    if needs is None:
        findings.append(error("site", (f"{site} is missing or has errors", f"{site} 不存在或有错误"),
                              (f"davylamp check {site}", f"davylamp check {site}")))
    return findings


def lines(findings: Sequence[Finding], language: str, *, colour: bool) -> list[str]:
    """For a terminal: one line per finding, its fix below; the count at the end."""
    said = []
    for finding in findings:
        word = f"{_WORDS[finding.severity][language]:<{8 if language == 'en' else 3}}"
        if colour:
            word = f"\033[{_COLOURS[finding.severity]}m{word}\033[0m"
        about = f"{finding.about:<12}" if language == "en" else f"{TOPICS[finding.about]:\u3000<5}"
        said.append(f"{word} {about} {finding.what[language]}")
        if finding.fix[language]:
            said.append(f"{'':<{9 if language == 'en' else 6}}-> {finding.fix[language]}")
    severities = [finding.severity for finding in findings]
    errors, warnings = severities.count(Severity.ERROR), severities.count(Severity.WARNING)
    said.append(Text(f"{errors} errors, {warnings} warnings", f"{errors} 个错误，{warnings} 个警告")[language])
    return said


def as_json(findings: Sequence[Finding]) -> str:
    return json.dumps([{"about": finding.about, "severity": finding.severity.name.lower(),
                        "what": {"en": finding.what.en, "zh": finding.what.zh},
                        "fix": {"en": finding.fix.en, "zh": finding.fix.zh}} for finding in findings],
                      ensure_ascii=False, indent=1)


def status(findings: Sequence[Finding]) -> int:
    return STATUS[max((finding.severity for finding in findings), default=Severity.GOOD)]

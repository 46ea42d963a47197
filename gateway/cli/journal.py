"""`davylamp journal`: the journal as evidence."""

from __future__ import annotations

from pathlib import Path

from gateway.cli.commands import Commands, Later


def register(commands: Commands) -> None:
    acts = commands.group("journal", "the journal as evidence: verify, export", "日志取证：校验、导出")

    command = acts.add("verify", Later("gateway.replay.journal:verify"),
                       "is every row as it was written? Names each one that is not",
                       "逐行校验日志是否被改动，并指出改动的行")
    command.option("file", type=Path, nargs="?", default=None, metavar="FILE",
                   en="alarm file, data folder or site file; the gateway may run meanwhile "
                      "(default: of the installed gateway, else data)",
                   zh="告警文件、数据目录或站点文件；网关运行时也可校验（默认取已安装的网关，否则 data）")
    command.option("--against", type=Path, default=None, metavar="DIR",
                   en="an older export: shows whether the end was cut off since",
                   zh="较早的导出目录：用于发现末尾被截断")

    command = acts.add("export", Later("gateway.replay.journal:export_rows"),
                       "rows of the journal, with raw samples around alarms, as a signed folder",
                       "导出日志及告警前后的原始数据，并签名")
    command.site()
    command.data()
    command.since()
    command.until()
    command.option("--alarm", default=None, metavar="ALARM", en="only this alarm, and what was done to its signal",
                   zh="仅此告警及对其信号的操作")
    command.option("--samples", default=None, metavar=acts.text("DURATION", "时长"),
                   en='raw samples this long before and after each alarm, "0s": none (30min with --alarm, else none)',
                   zh='每次告警前后各取多长的原始数据，"0s" 为不取（有 --alarm 时默认 30min，否则不取）')
    command.option("--format", default="csv", choices=("csv", "json"), en="form of the files (csv)",
                   zh="文件格式（csv）")
    command.option("--out", type=Path, default=None, metavar="DIR",
                   en="new folder for it (default: named after site and time)",
                   zh="导出到此新目录（默认按站点和时间命名）")

    command = acts.add("verify-export", Later("gateway.replay.journal:verify_export"),
                       "is an export as the gateway wrote it?", "校验导出目录是否与网关导出时一致")
    command.option("folder", type=Path, metavar="DIR")
    command.option("--key", type=Path, default=None, metavar="PUBLIC.pem",
                   en="public key of the gateway, known by another way", zh="通过其他途径取得的网关公钥")

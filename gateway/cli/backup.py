"""`davylamp backup` and `restore`."""

from __future__ import annotations

import argparse
from pathlib import Path

from gateway.cli.commands import Command, Commands, Later
from gateway.model import installed


def register(commands: Commands) -> None:
    command = commands.add("backup", Later("gateway.cli.backing_up:backup"),
                           "configuration and state of this gateway in one encrypted file, also while it runs",
                           "将本网关的配置和状态备份为一个加密文件（可在运行中执行）")
    command.option("file", type=Path, metavar="FILE", en="new file for it", zh="要写出的备份文件")
    _of_a_gateway(command)
    command.option("--secrets", action=argparse.BooleanOptionalAction, default=True,
                   en="passwords, certificates, the names of devices at the broker: part of it, unless --no-secrets",
                   zh="口令、证书和设备在消息代理上的账号：默认备份，--no-secrets 则不备份")
    command.option("--telemetry", action="store_true", default=False,
                   en="also what was measured: every sample, minutes and hours; may be large (gigabytes)",
                   zh="同时备份测量数据：全部样本、分钟值和小时值，可能很大（数 GB）")

    command = commands.add("restore", Later("gateway.cli.backing_up:restore"),
                           "make this box the gateway of a backup; what was here is moved aside",
                           "用备份恢复本机网关；原有数据移至一旁保存")
    command.option("file", type=Path, metavar="FILE", en="the backup", zh="备份文件")
    _of_a_gateway(command)
    command.option("--check", action="store_true", default=False, en="only see whether it opens and is whole",
                   zh="仅检查备份能否打开、是否完整")
    command.person("who does it", "操作人姓名")


def _of_a_gateway(command: Command) -> None:
    command.option("--site", type=Path, default=installed.SITE, metavar="SITE.toml",
                   en="site file (/etc/davylamp/site.toml)", zh="站点文件（/etc/davylamp/site.toml）")
    command.option("--data", type=Path, default=None,
                   en="data folder (of an installed gateway /var/lib/davylamp, else [store] folder of the site file)",
                   zh="数据目录（已安装的网关为 /var/lib/davylamp，否则取配置文件 [store] folder）")
    command.option("--passphrase-file", type=Path, default=None, metavar="FILE",
                   en="file that holds the passphrase (default: DAVYLAMP_PASSPHRASE, or asked)",
                   zh="保存口令的文件（默认取环境变量 DAVYLAMP_PASSPHRASE，或在终端询问）")

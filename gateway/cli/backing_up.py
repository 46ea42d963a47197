"""What `davylamp backup` and `restore` do."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
import tempfile
from datetime import datetime
from pathlib import Path

from gateway.app import load
from gateway.backup.pack import Asked, left_out, write
from gateway.backup.unpack import restore as restored
from gateway.change import files
from gateway.cli.applying import data_folder, user
from gateway.model import installed
from gateway.model.errors import CommandError, ConfigError, DavylampError
from gateway.model.secret import read_secret
from gateway.model.text import Text

VARIABLE = "DAVYLAMP_PASSPHRASE"
SHORTEST = 12


def backup(options: argparse.Namespace, language: str) -> int:
    loaded = load(options.site)
    if loaded.site_file is None:
        raise ConfigError(loaded.problems)
    passphrase, data = _passphrase(options, language, new=True), options.data or data_folder(options.site)
    try:
        configuration = files.read(options.site, loaded.points_files)
        file, name = tempfile.mkstemp(prefix=f".{options.file.name}.", dir=options.file.parent)
        try:
            with open(file, "wb") as target:  # 0600: mkstemp
                count = write(target, passphrase, options.site, loaded.site_file.site.id, configuration, data,
                              Asked(options.secrets, options.telemetry), _elsewhere(options.site, there=True))
                target.flush()
                os.fsync(target.fileno())
            os.replace(name, options.file)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        files.sync_folder(options.file.parent)
        measured = 0 if options.telemetry else left_out(data)
    except OSError as error:
        raise _disk(error, options.file) from error
    print(Text("{file}: {count} files, {size:.1f} MB. Without the passphrase nobody can open it, you neither.",
               "{file}：共 {count} 个文件，{size:.1f} MB。没有口令任何人都无法打开。").format(
        file=options.file, count=count["files"], size=options.file.stat().st_size / 1e6)[language])
    if measured:
        print(Text("What was measured is not in it ({size:.1f} MB: samples, minutes, hours): add --telemetry to keep "
                   "that, too.",
                   "未包含测量数据（样本、分钟值、小时值，共 {size:.1f} MB）：如需一并备份，请加 --telemetry。").format(
            size=measured / 1e6)[language])
    return 0


def restore(options: argparse.Namespace, language: str) -> int:
    passphrase = _passphrase(options, language, new=False)
    data = options.data or (data_folder(options.site) if options.site.exists() else installed.DATA)
    try:
        with options.file.open("rb") as source:
            done = restored(source, passphrase, options.site, data, load, options.name or user(),
                            elsewhere=_elsewhere(options.site), check=options.check)
    except OSError as error:
        raise _disk(error, options.file) from error
    print(Text("{site}, backup of {time}: {rows} journal rows, unbroken; {standing} alarms stand, "
               "{pending} messages wait.",
               "{site}，备份时间 {time}：日志 {rows} 行，链条完整；未恢复告警 {standing} 个，"
               "待发消息 {pending} 条。").format(
        site=done.site, time=f"{datetime.fromtimestamp(done.wall_ns / 1e9):%Y-%m-%d %H:%M:%S}", rows=done.rows,
        standing=done.standing, pending=done.pending)[language])
    if options.check:
        return 0
    if done.aside is not None:
        print(Text(f"What was here is in {done.aside}.", f"原有数据已移至 {done.aside}。")[language])
    if done.parts >= {"broker"} and options.site != installed.SITE:
        print(Text("The broker's names and passwords stay in the backup: this is not an installed gateway.",
                   "消息代理的账号仍在备份中：此处不是已安装的网关。")[language])
    print(Text("Now: davylamp check {site}, then {start}", "下一步：davylamp check {site}，然后 {start}").format(
        site=options.site, start="systemctl restart mosquitto davylamp")[language])
    return 0


def _elsewhere(site: Path, *, there: bool = False) -> dict[str, Path]:
    """Of an installed gateway. there: only what there is."""
    found = installed.BESIDE if site == installed.SITE else {}
    return {name: folder for name, folder in found.items() if not there or folder.is_dir()}


def _passphrase(options: argparse.Namespace, language: str, *, new: bool) -> str:
    """From the file, the environment, or the terminal."""
    file = None if options.passphrase_file is None else str(options.passphrase_file)
    given = read_secret(file=file, env=VARIABLE if file is None and VARIABLE in os.environ else None, where="backup")
    if given is None:
        if not sys.stdin.isatty():
            raise CommandError(Text("there is no passphrase", "未提供口令"), where="--passphrase-file", fix=Text(
                f"give --passphrase-file, or set {VARIABLE}", f"请使用 --passphrase-file 或设置 {VARIABLE}"))
        given = getpass.getpass(Text("Passphrase: ", "口令：")[language])
        if new and getpass.getpass(Text("Once more: ", "再次输入：")[language]) != given:
            raise CommandError(Text("the two are not the same", "两次输入不一致"), where="backup")
    if new and len(given) < SHORTEST:
        raise CommandError(Text(f"the passphrase is too short: at least {SHORTEST} characters",
                                f"口令过短：至少 {SHORTEST} 个字符"), where="backup",
                           fix=Text("take several words", "请使用由多个词组成的口令"))
    return given


def _disk(error: OSError, file: Path) -> DavylampError:
    return DavylampError(Text(f"{error.strerror}", f"{error.strerror}"), where=str(error.filename or file), fix=Text(
        "check the path, the permissions (sudo?) and the space on the disk",
        "检查路径、权限（是否需要 sudo）和磁盘空间"))

"""A gateway made of a backup: all of it is unpacked beside the data folder and examined before anything is replaced.

What was in the data folder is moved aside (before-restore-...), never deleted; what the backup replaces beside the site
file or elsewhere is copied there, too. The journal gets a row that says where
the gap comes from; every row before it is checked. What waits to be sent keeps its keys: a receiver that had it knows
it.
"""

from __future__ import annotations

import json
import os
import shutil
import tarfile
import tempfile
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any, BinaryIO, Final

from alerting.journal.reader import examine
from alerting.ledger import AlarmLedger, Record, Work
from gateway import __version__
from gateway.backup.pack import MANIFEST, SITE
from gateway.backup.sealed import BackupError, Opening
from gateway.change import files
from gateway.config import Loaded, render
from gateway.data_folder import ALARM_FILE, TELEMETRY
from gateway.model.errors import CommandError, LedgerError
from gateway.model.text import Text
from gateway.store import in_use

KIND: Final = "restore"
ASIDE: Final = "before-restore-"
_STAGING: Final = ".restore-"


@dataclass(frozen=True, slots=True)
class Restored:
    """rows: of the journal, all sound; pending: notices that wait to be sent; parts: the folders of the backup, such
    as site, data, broker; aside: where the old data is."""

    site: str
    wall_ns: int
    rows: int
    standing: int
    pending: int
    parts: frozenset[str]
    aside: Path | None = None


def restore(source: BinaryIO, passphrase: str, site: Path, data: Path, load: Callable[[Path], Loaded], who: str, *,
            elsewhere: Mapping[str, Path] = MappingProxyType({}), check: bool = False) -> Restored:
    """elsewhere: as `pack.write` has it; other parts of a backup than these are left out. check: only examine it.
    BackupError, CommandError: nothing was changed. OSError."""
    if in_use(data / TELEMETRY):
        raise CommandError(Text("a gateway runs with this data folder", "网关正在使用该数据目录"), where=str(data),
                           fix=Text("stop it: systemctl stop davylamp", "请先停止：systemctl stop davylamp"))
    opening = Opening(source, passphrase)
    _not_newer(opening.head)
    data.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=_STAGING, dir=data))
    try:
        _unpack(opening, staging)
        found = _examined(opening.head, staging, load)
        if check:
            return found
        others = {staging / name: folder for name, folder in elsewhere.items() if name in found.parts}
        for folder in others.values():
            _ready(folder)
        _note_in_journal(staging / "data" / ALARM_FILE, opening.head, who)
        aside = data / f"{ASIDE}{time.strftime('%Y%m%d-%H%M%S')}"
        (staging / "site" / SITE).rename(staging / "site" / site.name)
        parts = {staging / "site": site.parent, **others}
        for part, folder in parts.items():
            _follow_no_links(part, folder)
        for part, folder in parts.items():
            _keep(part, folder, aside / part.name)
        _exchange(staging / "data", data, aside)
        for part, folder in {**others, staging / "site": site.parent}.items():
            _put(part, folder, last=site)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    _as_owner(data, {aside / part.name for part in parts})
    return replace(found, aside=aside if aside.exists() else None)


def _ready(folder: Path) -> None:
    if not folder.is_dir():
        raise CommandError(Text("the backup is of an installed gateway, and this machine is none yet",
                                "该备份来自已安装的网关，而本机尚未安装"), where=str(folder),
                           fix=Text("install it first: sudo deploy/install.sh --site SITE.toml",
                                    "请先安装：sudo deploy/install.sh --site SITE.toml"))
    if not os.access(folder, os.W_OK):
        raise CommandError(Text("you may not write here", "没有写入权限"), where=str(folder),
                           fix=Text("run it with sudo", "请使用 sudo 运行"))


def _not_newer(head: dict[str, Any]) -> None:
    theirs = str(head.get("version", ""))
    if _numbers(theirs) > _numbers(__version__):
        raise BackupError(Text(f"the backup is from version {theirs}, this is {__version__}",
                               f"备份来自版本 {theirs}，当前版本为 {__version__}"),
                          fix=Text(f"install version {theirs} or a newer one, then restore",
                                   f"请安装 {theirs} 或更新版本后再恢复"))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdecimal())


def _unpack(opening: Opening, folder: Path) -> None:
    try:
        with tarfile.open(fileobj=opening, mode="r|") as tar:
            for member in tar:
                name = PurePosixPath(member.name)
                if not member.isfile() or name.is_absolute() or ".." in name.parts:
                    raise BackupError(Text(f"the backup holds {member.name}", f"备份中含有 {member.name}"),
                                      fix=Text("it was not written by a gateway", "该文件不是由网关写出"))
                target = folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                content = tar.extractfile(member)
                assert content is not None
                with target.open("wb") as file:
                    shutil.copyfileobj(content, file)
                    os.fchmod(file.fileno(), member.mode & 0o777)  # the folder is ours alone
                    file.flush()
                    os.fsync(file.fileno())
        opening.finish()
    except tarfile.TarError as error:
        raise BackupError(Text(f"the backup can not be unpacked: {error}", f"备份无法解包：{error}"), fix=Text(
            "take another copy of it, or an older backup", "请使用另一份副本或更早的备份")) from error


def _examined(head: dict[str, Any], staging: Path, load: Callable[[Path], Loaded]) -> Restored:
    json.loads((staging / MANIFEST).read_text(encoding="utf-8"))
    loaded = load(staging / "site" / SITE)
    if loaded.site_file is None:
        raise BackupError(Text("this version refuses the site file of the backup:\n{problems}",
                               "本版本拒绝备份中的站点文件：\n{problems}").format(
            problems=Text(render(loaded.problems, "en"), render(loaded.problems, "zh"))))
    alarms = staging / "data" / ALARM_FILE
    rows = standing = pending = 0
    if alarms.exists():
        examination = examine(alarms)
        if examination.faults:
            raise BackupError(Text("the journal in the backup is not as it was written: row {rows}",
                                   "备份中的日志与原始记录不符：第 {rows} 行").format(
                rows=", ".join(str(fault.position) for fault in examination.faults[:5])), fix=Text(
                "take an older backup; keep this one as evidence", "请使用更早的备份，并保留该文件作为证据"))
        rows = examination.rows
        standing, pending = _contents(alarms)
    return Restored(loaded.site_file.site.id, int(head.get("wall_ns", 0)), rows, standing, pending,
                    frozenset(path.name for path in staging.iterdir() if path.is_dir()))


def _contents(alarms: Path) -> tuple[int, int]:
    ledger = AlarmLedger(alarms)
    contents = ledger.open()
    ledger.close()
    if contents.set_aside is not None:
        raise LedgerError(Text("the alarm file in the backup is damaged", "备份中的告警文件已损坏"), where=ALARM_FILE)
    return sum(state.state.active or state.state.waits for state in contents.states), len(contents.outbox)


def _note_in_journal(alarms: Path, head: dict[str, Any], who: str) -> None:
    if not alarms.exists():
        return
    ledger = AlarmLedger(alarms)
    ledger.open()
    try:
        ledger.commit(Work(records=[Record(KIND, "", time.time_ns(), {
            "who": who, "verified": False, "of_wall_ns": head.get("wall_ns"), "version": head.get("version")})]))
    finally:
        ledger.close()


def _follow_no_links(new: Path, folder: Path) -> None:
    """Who may write there, such as the gateway's user, must not choose what root reads and writes."""
    for path in sorted(new.rglob("*")):
        if (mine := folder / path.relative_to(new)).is_symlink():
            raise CommandError(Text("this is a link, and nothing is restored through links",
                                    "这是一个链接，恢复时不经过链接写入"), where=str(mine),
                               fix=Text("put the file or folder itself in its place, then try again",
                                        "请将其换成实际的文件或目录，然后重试"))


def _keep(new: Path, folder: Path, kept: Path) -> None:
    """Copies of what is about to be replaced: until then the files stay where they are."""
    for path in sorted(new.rglob("*")):
        mine = folder / path.relative_to(new)
        if path.is_file() and mine.is_file():
            copy = kept / mine.relative_to(folder)
            _made(copy.parent, kept.parent.parent)
            shutil.copy2(mine, copy)


def _exchange(new: Path, data: Path, aside: Path) -> None:
    """The alarm file comes last: a gateway that is started in between does not go on with half."""
    old = [path for path in sorted(data.iterdir()) if not path.name.startswith((_STAGING, ASIDE))]
    if old:
        aside.mkdir(exist_ok=True)
        for path in old:
            path.rename(aside / path.name)
    for path in sorted(new.iterdir(), key=lambda path: path.name == ALARM_FILE):
        path.rename(data / path.name)
    files.sync_folder(data)


def _put(new: Path, folder: Path, last: Path) -> None:
    """The site file last: before, the old configuration is whole."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(new.rglob("*"), key=lambda path: folder / path.relative_to(new) == last):
        if path.is_file():
            target = folder / path.relative_to(new)
            _made(target.parent, folder)
            files.replace(target, path.read_bytes())
            if target != last:
                target.chmod(path.stat().st_mode & 0o777)


def _made(folder: Path, model: Path) -> None:
    """A folder that whoever reads the model can read, and nobody else."""
    for path in (*reversed(folder.parents), folder):
        if not path.exists():
            path.mkdir(mode=0o750)
            if os.geteuid() == 0:
                stat = model.stat()
                os.chown(path, stat.st_uid, stat.st_gid)


def _as_owner(data: Path, kept: Collection[Path]) -> None:
    """Restored by root for the gateway's user. kept: what was not in the data folder, such as the key of the
    authority, is none of that user's business."""
    if os.geteuid() == 0:
        stat = data.stat()
        for path in data.rglob("*"):
            if not any(path.is_relative_to(one) for one in kept):
                os.chown(path, stat.st_uid, stat.st_gid, follow_symlinks=False)

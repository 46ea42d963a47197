"""The register on disk: `accounts.json` in the data folder, for its owner alone, replaced as a whole.

Written beside, synced, renamed: a cut leaves the old register or the new one. It is a file of its own, so that a lost
alarm file locks nobody out, and a command of the system's administrator changes it without the gateway; a running
gateway notices (see `Access`).
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from gateway.access.register import Register, read
from gateway.model.errors import DavylampError
from gateway.model.text import Text

ACCOUNTS: Final = "accounts.json"

Stamp = tuple[int, int, int]  # of a file: inode, time of change, size


class RegisterFile:
    """All methods touch the disk; DavylampError names the file."""

    def __init__(self, folder: Path):
        self.path = folder / ACCOUNTS

    def stamp(self) -> Stamp | None:
        """Changes whenever the file does; None: there is none."""
        with self._errors():
            try:
                stat = self.path.stat()
            except FileNotFoundError:
                return None
        return stat.st_ino, stat.st_mtime_ns, stat.st_size

    def read(self) -> Register:
        """An empty register where there is no file. A damaged one is an error, never an empty register."""
        with self._errors():
            try:
                document = self.path.read_bytes()
            except FileNotFoundError:
                return Register()
        try:
            return read(document)
        except ValueError as error:
            raise DavylampError(
                Text("the accounts can not be read: the file is damaged, or was written by a newer version",
                     "账户文件无法读取：文件已损坏，或由更新的版本写入"), where=str(self.path),
                fix=Text("restore it from a backup; or move it away and add the accounts anew with `davylamp account "
                         "add`. Until then nobody can log in; alarms go on",
                         "请从备份恢复；或移走该文件并用 `davylamp account add` 重新添加账户。"
                         "在此之前任何人都无法登录，告警照常运行")) from error

    def change(self, change: Callable[[Register], Register]) -> Register:
        """Read, change and write, one at a time."""
        with self._errors(), self._alone():
            changed = change(self.read())
            write_private(self.path, changed.document())
        return changed

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _hand_over(lock, self.path.parent)
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise DavylampError(
                Text(f"the accounts can not be used: {error.strerror}", f"账户文件无法使用：{error.strerror}"),
                where=str(self.path), fix=Text(
                    "run this as the gateway's user or as root; check the disk or SD card",
                    "请以网关用户或 root 身份运行；检查磁盘或存储卡")) from error


def write_private(path: Path, document: bytes) -> None:
    """Whole or not at all, on the medium on return, readable by the owner of its folder alone. OSError."""
    new = path.with_suffix(".new")
    with suppress(FileNotFoundError):
        new.unlink()
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        _hand_over(handle, path.parent)
        file.write(document)
        file.flush()
        os.fsync(handle)
    os.replace(new, path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """What was renamed or removed in it is so on the medium, too. OSError."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _hand_over(handle: int, folder: Path) -> None:
    """What root writes here belongs to the gateway's user."""
    if os.geteuid() == 0:
        owner = folder.stat()
        os.fchown(handle, owner.st_uid, owner.st_gid)

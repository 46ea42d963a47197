"""The few calls by which the store changes the file system, and what their errors mean to a person.

Everything that must survive a power cut goes through a `Disk`, so that a test can stand in its place and drop, tear
and reorder what was not yet synced, or fail like a worn card.
"""

from __future__ import annotations

import ctypes
import errno
import os
from contextlib import suppress
from pathlib import Path

from gateway.model.text import Text

NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
_KEEP_SIZE = 1  # FALLOC_FL_KEEP_SIZE


class Disk:
    """The real thing. Every method may raise OSError. Files are only ever appended to, cut, renamed and removed."""

    def make_folder(self, path: Path) -> None:
        """With its parents, each durable."""
        if not path.is_dir():
            self.make_folder(path.parent)
            path.mkdir(exist_ok=True)
            self.sync_folder(path.parent)

    def create(self, path: Path) -> int:
        """A new empty file for appending; its name is not durable before `sync_folder`."""
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o640)

    def reopen(self, path: Path) -> int:
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)

    def reserve(self, file: int, size: int) -> None:
        """Ask for the place of so many bytes at once: a file that finds its blocks one sync at a time costs the medium
        a third more (measured on ext4). A wish only: where it can not be had, nothing is lost."""
        with suppress(AttributeError):  # a C library without it
            ctypes.CDLL(None).fallocate64(file, _KEEP_SIZE, ctypes.c_int64(0), ctypes.c_int64(size))

    def write(self, file: int, data: bytes) -> None:
        """All of it, or OSError with an unknown part of it written."""
        view = memoryview(data)
        while view:
            view = view[os.write(file, view):]

    def truncate(self, file: int, size: int) -> None:
        os.ftruncate(file, size)

    def sync(self, file: int) -> None:
        os.fdatasync(file)

    def close(self, file: int) -> None:
        os.close(file)

    def sync_folder(self, path: Path) -> None:
        folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def replace(self, source: Path, target: Path) -> None:
        source.replace(target)

    def remove(self, path: Path) -> None:
        path.unlink(missing_ok=True)

    def free(self, path: Path) -> int:
        """Bytes that an ordinary user may still write on the file system of `path`."""
        figures = os.statvfs(path)
        return figures.f_bavail * figures.f_frsize


_FULL = Text("the disk is full: measured data in {folder} can not be stored. Fix: free space on this disk, or lower "
             "the store's max_size",
             "磁盘已满：{folder} 无法存储测量数据。处理：清理该磁盘空间，或调小本地存储上限 max_size")
_READ_ONLY = Text("the disk of {folder} is read-only: measured data can not be stored. Fix: an SD card that has become "
                  "read-only is worn out, replace it; else remount the disk writable",
                  "{folder} 所在磁盘为只读：测量数据无法存储。"
                  "处理：SD 卡变为只读通常表示已损坏，请更换；否则请以可写方式重新挂载")
_BROKEN = Text("the disk of {folder} reports a fault ({error}): measured data can not be stored. Fix: check the kernel "
               "log (dmesg) and replace the SD card or disk",
               "{folder} 所在磁盘报错（{error}）：测量数据无法存储。处理：查看内核日志（dmesg），更换 SD 卡或磁盘")
_REFUSED = Text("no permission to write to {folder}: measured data can not be stored. Fix: give the folder to the user "
                "that runs the gateway (chown)",
                "没有写入 {folder} 的权限：测量数据无法存储。处理：将该文件夹的所有者改为运行网关的用户（chown）")
_OTHER = Text("measured data can not be stored in {folder} ({error}). Fix: check that the folder exists and can be "
              "written",
              "测量数据无法存储到 {folder}（{error}）。处理：检查该文件夹是否存在且可写")
SILENT = Text("the disk of {folder} has not answered for {seconds} s: measured data is kept in memory only. Fix: "
              "check the SD card or disk and its connection",
              "{folder} 所在磁盘已 {seconds} 秒无响应：测量数据暂存于内存。处理：检查 SD 卡或磁盘及其连接")
_CAUSES = {errno.ENOSPC: _FULL, errno.EDQUOT: _FULL, errno.EROFS: _READ_ONLY, errno.EIO: _BROKEN,
           errno.EACCES: _REFUSED, errno.EPERM: _REFUSED}


def explain(error: OSError, folder: Path) -> Text:
    """What the error means and what to do, for the page and the alarm."""
    return _CAUSES.get(error.errno or 0, _OTHER).format(folder=folder, error=error.strerror or error)

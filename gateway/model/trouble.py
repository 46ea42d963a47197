"""Why the machine or the network refuses, in both languages, by the number that it gives."""

from __future__ import annotations

import errno
import socket
from typing import Final

from gateway.model.text import Text

_ZH: Final = {
    errno.ENOENT: "文件或目录不存在", errno.ENOTDIR: "路径中有一级不是目录", errno.EISDIR: "这是目录",
    errno.EEXIST: "已存在", errno.EACCES: "权限不足", errno.EPERM: "不允许此操作", errno.ENOSPC: "磁盘空间已满",
    errno.EROFS: "文件系统只读", errno.EIO: "磁盘读写错误", errno.ECONNREFUSED: "连接被拒绝",
    errno.ECONNRESET: "连接被对方断开", errno.EPIPE: "连接被对方断开", errno.ETIMEDOUT: "连接超时",
    errno.EHOSTUNREACH: "主机不可达", errno.ENETUNREACH: "网络不可达", errno.EADDRNOTAVAIL: "本机没有该地址",
    errno.EADDRINUSE: "端口已被占用"}


def reason(error: Exception) -> Text:
    """Short, without a place. What has no number of its own is said as the machine says it."""
    if isinstance(error, socket.gaierror):
        return Text("the name can not be resolved", "域名解析失败")
    if isinstance(error, TimeoutError):
        return Text("timed out", "超时")
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return Text(said, _ZH.get(getattr(error, "errno", None), said))

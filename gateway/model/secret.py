"""Secrets come from a file, the environment or systemd (LoadCredential), never from the site file itself."""

from __future__ import annotations

import os
from pathlib import Path

from gateway.model import discreet
from gateway.model.errors import DavylampError
from gateway.model.text import Text
from gateway.model.trouble import reason


def read_secret(*, file: str | None, env: str | None, where: str) -> str | None:
    """The secret, or None when neither is configured. Trailing newlines of a file are dropped. A bare file name is
    first looked for among the credentials that systemd has given to this service."""
    if file is not None:
        try:
            return _remembered(_found(file).read_text(encoding="utf-8").rstrip("\r\n"))
        except (OSError, UnicodeDecodeError) as error:
            why = reason(error) if isinstance(error, OSError) else Text("it is no text in UTF-8", "不是 UTF-8 文本")
            raise DavylampError(Text("secret file {file} can not be read: {why}",
                                     "密钥文件 {file} 无法读取：{why}").format(file=file, why=why), where=where,
                                fix=Text("create the file and let the gateway's user read it",
                                         "创建该文件并允许网关用户读取")) from error
    if env is not None:
        try:
            return _remembered(os.environ[env])
        except KeyError:
            raise DavylampError(Text(f"environment variable {env} is not set", f"环境变量 {env} 未设置"), where=where,
                                fix=Text(f"set {env} before the gateway starts", f"启动网关前设置 {env}")) from None
    return None


def _remembered(secret: str) -> str:
    discreet.remember(secret)
    return secret


def _found(file: str) -> Path:
    given = Path(os.environ.get("CREDENTIALS_DIRECTORY", "/nowhere"), file)
    return given if Path(file).name == file and given.is_file() else Path(file)

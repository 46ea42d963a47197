"""A notifier's secret, read for each notice: a gateway must not refuse to watch because a file is missing, and a new
secret counts at once."""

from __future__ import annotations

import logging
from collections.abc import Callable

from gateway.model.errors import DavylampError, NotifyError
from gateway.model.secret import read_secret
from gateway.model.text import Text

log = logging.getLogger(__name__)


def notifier_secret(notifier: str, file: str | None, env: str | None) -> str | None:
    """None where none is configured. NotifyError when there should be one and is not."""
    where = f"notifier {notifier}"
    try:
        secret = read_secret(file=file, env=env, where=where)
    except DavylampError as error:
        raise NotifyError(error.what, where=where, fix=error.fix) from error
    if secret == "":
        raise NotifyError(Text("the secret is empty", "密钥为空"), where=where,
                          fix=Text("write the secret into the file or variable", "在文件或环境变量中写入密钥"))
    return secret


def say_at_start(read: Callable[[], object]) -> None:
    """Log what is wrong with a secret when the gateway starts; `send` raises it."""
    try:
        read()
    except NotifyError as error:
        log.error("%s", error)

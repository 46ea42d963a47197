"""POSTs a notice as JSON: its payload, and `to` and `language` where it is for one person. Headers:

    Idempotency-Key       the notice's key, percent-encoded where it is not plain ASCII; the same on every repeat
    Davylamp-Signature    "sha256=" + hex of HMAC-SHA256(secret, body), where a secret is configured

Any 2xx answer means taken. 400, 413, 415 and 422 refuse the notice itself; everything else (also redirects, which are
not followed: a redirected POST loses its body) may be cured by somebody and is worth a retry.

http.client in a thread of its own per notifier: a name server or a peer that hangs holds up this channel only. A peer
that answers byte by byte is hung up on when the time is over, or it would hold the channel for ever.

The secret is read for each notice: a gateway must not refuse to watch because a file is missing, and a new secret
counts at once.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import http.client
import json
import logging
import socket
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from urllib.parse import quote, urlsplit

from alerting.notifiers.config import WebhookSettings
from gateway.model.errors import DavylampError, NotifyError
from gateway.model.ports import Notice
from gateway.model.secret import read_secret
from gateway.model.text import Text

log = logging.getLogger(__name__)

REFUSED = frozenset((400, 413, 415, 422))


class WebhookNotifier:
    """What is wrong with the secret at the start is logged; `send` raises it."""

    def __init__(self, settings: WebhookSettings):
        self.id = settings.id
        self._settings = settings
        self._url = settings.url
        self._timeout = settings.timeout
        try:
            self._secret()
        except NotifyError as error:
            log.error("%s", error)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"webhook-{settings.id}")

    async def send(self, notice: Notice) -> None:
        """NotifyError, retryable or not."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._post, notice)

    def _post(self, notice: Notice) -> None:
        reader = {"to": notice.to} if notice.to else {}
        reader |= {"language": notice.language} if notice.language else {}
        body = json.dumps(notice.payload | reader, ensure_ascii=False, allow_nan=False).encode()
        headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "davylamp",
                   "Idempotency-Key": quote(notice.key, safe="/#:@.+-_")}
        if (secret := self._secret()) is not None:
            headers["Davylamp-Signature"] = "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()
        try:
            status, answer = self._exchange(body, headers)
        except (OSError, http.client.HTTPException) as error:
            raise NotifyError(Text(f"the receiver can not be reached: {error!r}", f"无法连接接收方：{error!r}"),
                              where=f"notifier {self.id}, {self._url}",
                              fix=Text("check address, network and certificate", "检查地址、网络和证书")) from error
        if not 200 <= status < 300:
            raise NotifyError(Text(f"the receiver answered {status}: {answer}", f"接收方返回 {status}：{answer}"),
                              where=f"notifier {self.id}, {self._url}", retryable=status not in REFUSED,
                              fix=Text("check address and secret with the receiver's operator",
                                       "请与接收方核对地址和密钥"))

    def _secret(self) -> bytes | None:
        """NotifyError when there should be one and is not."""
        where = f"notifier {self.id}"
        try:
            secret = read_secret(file=self._settings.secret_file, env=self._settings.secret_env, where=where)
        except DavylampError as error:
            raise NotifyError(error.what, where=where, fix=error.fix) from error
        if secret == "":
            raise NotifyError(Text("the secret is empty", "密钥为空"), where=where,
                              fix=Text("write the shared secret into the file or variable",
                                       "在文件或环境变量中写入共享密钥"))
        return None if secret is None else secret.encode()

    def _exchange(self, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
        parts = urlsplit(self._url)
        if parts.scheme == "https":
            connection = http.client.HTTPSConnection(parts.hostname, parts.port, timeout=self._timeout,
                                                     context=ssl.create_default_context())
        else:
            connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=self._timeout)
        hurry = threading.Timer(self._timeout, _hang_up, (connection,))
        hurry.daemon = True
        began = time.monotonic()
        try:
            connection.connect()
            hurry.start()
            connection.request("POST", (parts.path or "/") + (f"?{parts.query}" if parts.query else ""), body, headers)
            response = connection.getresponse()
            return response.status, response.read(300).decode("utf-8", "replace").strip()
        except (OSError, http.client.HTTPException):
            if time.monotonic() - began >= self._timeout:
                raise TimeoutError("timed out") from None
            raise
        finally:
            hurry.cancel()
            connection.close()


def _hang_up(connection: http.client.HTTPConnection) -> None:
    """Wakes the thread that reads: its own time-out begins anew with every byte."""
    with suppress(OSError, AttributeError):  # it has just ended by itself
        connection.sock.shutdown(socket.SHUT_RDWR)

"""One POST over HTTP with a bound on its whole time: connect, send, answer.

http.client in threads of its own per notifier: a name server or a peer that hangs holds up this channel only, and there
some of `THREADS` at most. A peer
that answers byte by byte is hung up on when the time is over, or it would hold the channel for ever. Redirects are not
followed: a redirected POST loses its body.
"""

from __future__ import annotations

import asyncio
import http.client
import socket
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from urllib.parse import urlsplit

from gateway.model.errors import NotifyError
from gateway.model.text import Text
from gateway.model.trouble import reason

THREADS = 8  # twice what a channel has in hand at once: a name server may outlive the time-out
REFUSED = frozenset((400, 413, 415, 422))  # these refuse the notice itself; all others may be cured by somebody


def host_of(url: str) -> str:
    """What may be logged of an address: path, query and user can hold a secret."""
    parts = urlsplit(url)
    try:
        port = f":{parts.port}" if parts.port else ""
    except ValueError:  # "http://host:99999"
        port = ":?"
    return f"{parts.scheme}://{parts.hostname}{port}"


class Post:
    """Any 2xx answer means taken."""

    def __init__(self, notifier: str, url: str, timeout_s: float):
        self._where = f"notifier {notifier}, {host_of(url)}"
        self._url, self._timeout = url, timeout_s
        self._thread = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix=f"notifier-{notifier}")

    async def __call__(self, body: bytes, headers: dict[str, str]) -> None:
        """NotifyError, retryable or not."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._post, body, headers)

    def _post(self, body: bytes, headers: dict[str, str]) -> None:
        try:
            status, answer = self._exchange(body, headers)
        except (OSError, http.client.HTTPException) as error:
            raise NotifyError(Text("the receiver can not be reached: {why}", "无法连接接收方：{why}").format(
                why=reason(error)), where=self._where,
                              fix=Text("check address, network and certificate", "检查地址、网络和证书")) from error
        if not 200 <= status < 300:
            raise NotifyError(Text(f"the receiver answered {status}: {answer}", f"接收方返回 {status}：{answer}"),
                              where=self._where, retryable=status not in REFUSED,
                              fix=Text("check address and secret with the receiver's operator",
                                       "请与接收方核对地址和密钥"))

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
        headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "davylamp"} | headers
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

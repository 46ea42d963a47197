"""POSTs a notice as JSON. Headers:

    Idempotency-Key       the notice's key, percent-encoded where it is not plain ASCII; the same on every repeat
    Davylamp-Signature    "sha256=" + hex of HMAC-SHA256(secret, body), where a secret is configured

Any 2xx answer means taken. 400, 413, 415 and 422 refuse the notice itself; everything else (also redirects, which are
not followed: a redirected POST loses its body) may be cured by somebody and is worth a retry.

http.client in a thread of its own per notifier: a name server or a peer that hangs holds up this channel only.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import http.client
import json
import ssl
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote, urlsplit

from alerting.notifiers.config import WebhookSettings
from gateway.model.errors import DavylampError, NotifyError
from gateway.model.ports import Notice
from gateway.model.secret import read_secret
from gateway.model.text import Text

REFUSED = frozenset((400, 413, 415, 422))


class WebhookNotifier:
    """DavylampError when the secret can not be read or is empty."""

    def __init__(self, settings: WebhookSettings):
        self.id = settings.id
        self._url = settings.url
        self._timeout = settings.timeout
        secret = read_secret(file=settings.secret_file, env=settings.secret_env, where=f"notifier {settings.id}")
        if secret == "":
            raise DavylampError(Text("the secret is empty", "密钥为空"), where=f"notifier {settings.id}",
                                fix=Text("write the shared secret into the file or variable",
                                         "在文件或环境变量中写入共享密钥"))
        self._secret = secret.encode() if secret is not None else None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"webhook-{settings.id}")

    async def send(self, notice: Notice) -> None:
        """NotifyError, retryable or not."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._post, notice)

    def _post(self, notice: Notice) -> None:
        body = json.dumps(notice.payload, ensure_ascii=False, allow_nan=False).encode()
        headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "davylamp",
                   "Idempotency-Key": quote(notice.key, safe="/#:@.+-_")}
        if self._secret is not None:
            headers["Davylamp-Signature"] = "sha256=" + hmac.new(self._secret, body, hashlib.sha256).hexdigest()
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

    def _exchange(self, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
        parts = urlsplit(self._url)
        if parts.scheme == "https":
            connection = http.client.HTTPSConnection(parts.hostname, parts.port, timeout=self._timeout,
                                                     context=ssl.create_default_context())
        else:
            connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=self._timeout)
        try:
            connection.request("POST", (parts.path or "/") + (f"?{parts.query}" if parts.query else ""), body, headers)
            response = connection.getresponse()
            return response.status, response.read(300).decode("utf-8", "replace").strip()
        finally:
            connection.close()

"""One HTTP request with a bound on its whole time, on the event loop: no thread that a slow peer could hold.

HTTP/1.0, so that an answer ends where the connection ends. Redirects are not followed.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

from alerting.notifiers.post import host_of
from gateway.model.errors import DavylampError
from gateway.model.text import Text
from gateway.model.trouble import reason

ANSWER_LIMIT = 65_536
TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes


async def ask(method: str, url: str, body: bytes = b"", timeout_s: float = TIMEOUT_S) -> Answer:
    """DavylampError, which names the host only, when there is no answer in time."""
    try:
        async with asyncio.timeout(timeout_s):
            return await _exchange(method, url, body)
    except (OSError, ValueError, ssl.SSLError) as error:  # TimeoutError is an OSError; of a broken answer: ValueError
        raise DavylampError(Text("no answer: {why}", "无应答：{why}").format(why=reason(error)), where=host_of(url),
                            fix=Text("check address, network and certificate", "检查地址、网络和证书"),
                            retryable=True) from error


async def _exchange(method: str, url: str, body: bytes) -> Answer:
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port or (443 if secure else 80),
                                                   ssl=ssl.create_default_context() if secure else None,
                                                   limit=ANSWER_LIMIT)
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        head = (f"{method} {path} HTTP/1.0\r\nHost: {parts.netloc.rpartition('@')[2]}\r\nUser-Agent: davylamp\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n")
        writer.write(head.encode() + body)
        await writer.drain()
        said = await _until_end(reader)
    finally:
        writer.close()
    first, _, rest = said.partition(b"\r\n")
    words = first.split()
    if len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit():
        raise ValueError("this is no HTTP answer")
    return Answer(int(words[1]), rest.partition(b"\r\n\r\n")[2])


async def _until_end(reader: asyncio.StreamReader) -> bytes:
    said = b""
    while len(said) < ANSWER_LIMIT and (more := await reader.read(ANSWER_LIMIT)):
        said += more
    return said

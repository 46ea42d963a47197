"""Who may talk to the page and its API: this machine only, and pages of our own only. Pure ASGI, costs no buffering.

There are no accounts yet, so the server listens on loopback. That alone does not keep other web sites out: a browser
on this machine can be led here by a page from anywhere (DNS rebinding, cross-site requests). So the Host must be a
loopback name, a request that changes something must come from our own page (or from no page at all, such as curl),
and it must be JSON, which no foreign form can send.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.api.answer import refusal
from gateway.model.text import Text

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_READING = frozenset({"GET", "HEAD"})

SECURITY_HEADERS = {
    "content-security-policy": "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
                               "form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}


class Guard:
    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("cache-control", "no-store")
            await send(message)

        answer = objection(scope["method"], Headers(scope=scope))
        await (answer or self._app)(scope, receive, send_guarded)


def objection(method: str, headers: Headers):
    """The response that refuses this request, or None when it may pass."""
    host = headers.get("host", "")
    if hostname(host) not in LOOPBACK:
        return refusal(421, Text(f"host {host!r} is not served here", f"此处不提供主机 {host!r} 的服务"), where="Host",
                       fix=Text("open http://127.0.0.1 or http://localhost with the gateway's port",
                                "请使用 http://127.0.0.1 或 http://localhost 加网关端口访问"))
    if method in _READING:
        return None
    origin = headers.get("origin")
    foreign = origin is not None and urlsplit(origin).netloc != host
    if foreign or headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return refusal(403, Text("this request comes from another web page", "该请求来自其他网页"), where="Origin",
                       fix=Text("use the gateway's own page", "请使用网关自带页面操作"))
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return refusal(415, Text("only JSON is accepted", "只接受 JSON"), where="Content-Type",
                       fix=Text("send content-type: application/json", "请设置 content-type: application/json"))
    return None


def hostname(host: str) -> str:
    """The name in a Host header, lower case, without port and brackets; "" when it can not be read."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""

"""From where the page and its API may be used: under our own names, by pages of our own. Pure ASGI, costs no buffering.

Who may do what is for gateway.api.admission. This keeps other web sites out: a browser that can reach us may be led
here by a page from anywhere (DNS rebinding, cross-site requests). So the Host must be a loopback name or one of the
site file, a request that changes something must come from our own page (or from no page at all, such as curl), and it
must be JSON, which no foreign form can send. The log-in is a form, and is asked where it comes from.

The page behind the link of a message is opened on phones, through a proxy: under /ack the host may also be the public
one, and a form is taken. There the link itself is the right to act: docs/decisions/acknowledge-by-link.md.
"""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.api.answer import refusal
from gateway.model.text import Text

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
SLIPS, LOGIN = "/ack", "/login"
READING = frozenset({"GET", "HEAD"})

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
    """public_host: name under which readers of messages reach /ack; "": none. names: others under which the whole page
    is served."""

    def __init__(self, app: ASGIApp, public_host: str = "", names: Collection[str] = ()):
        self._app, self._names = app, LOOPBACK.union(name.lower() for name in names)
        self._public = self._names | {public_host} if public_host else self._names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
                if scope["scheme"] == "https":
                    headers.setdefault("strict-transport-security", "max-age=31536000")
                headers.setdefault("cache-control", "no-store")
            await send(message)

        headers = Headers(scope=scope)
        if scope["path"] == SLIPS or scope["path"].startswith(f"{SLIPS}/"):
            answer = form_objection(scope["method"], headers, self._public)
        elif scope["path"] == LOGIN:
            answer = form_objection(scope["method"], headers, self._names)
        else:
            answer = objection(scope["method"], headers, self._names)
        await (answer or self._app)(scope, receive, send_guarded)


def objection(method: str, headers: Headers, names: Collection[str]):
    """The response that refuses this request, or None when it may pass."""
    host = headers.get("host", "")
    if hostname(host) not in names:
        return _wrong_host(host)
    if method in READING:
        return None
    origin = headers.get("origin")
    if (origin is not None and urlsplit(origin).netloc != host) or _from_another_page(headers):
        return _foreign()
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return refusal(415, Text("only JSON is accepted", "只接受 JSON"), where="Content-Type",
                       fix=Text("send content-type: application/json", "请设置 content-type: application/json"))
    return None


def form_objection(method: str, headers: Headers, names: Collection[str]):
    """The same where a form is taken: Origin is not looked at (it is "null" on a form of ours, and a proxy may change
    Host)."""
    host = headers.get("host", "")
    if hostname(host) not in names:
        return _wrong_host(host)
    return _foreign() if method not in READING and _from_another_page(headers) else None


def _from_another_page(headers: Headers) -> bool:
    return headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none")


def _wrong_host(host: str):
    return refusal(421, Text(f"host {host!r} is not served here", f"此处不提供主机 {host!r} 的服务"), where="Host",
                   fix=Text("open it under 127.0.0.1 or localhost, or add the name to `names` in section [api]",
                            "请使用 127.0.0.1 或 localhost 访问，或将该名称加入 [api] 一节的 names"))


def _foreign():
    return refusal(403, Text("this request comes from another web page", "该请求来自其他网页"), where="Origin",
                   fix=Text("use the gateway's own page", "请使用网关自带页面操作"))


def hostname(host: str) -> str:
    """The name in a Host header, lower case, without port and brackets; "" when it can not be read."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""

"""Who may go through a door: what a request shows of itself, against the role that the door asks for.

Anything of these lets in: a token (`Authorization: Bearer ...`), the cookie of a session; nothing at all where there
are no accounts (the page is then served to this machine only). A command with a cookie must also say which page it
comes from (Origin): every browser does, and other web sites can not say ours. See docs/how-to/accounts-and-tls.md.
"""

from __future__ import annotations

import ipaddress

from starlette.requests import Request
from starlette.responses import Response

from gateway.access.access import Access
from gateway.access.role import OPEN, ROLE_NAMES, Identity, Role, Scope
from gateway.api.asked import Refused
from gateway.api.guard import LOOPBACK, READING, hostname
from gateway.model.text import Text

_LOG_IN = Text("log in on the page, or send a token: Authorization: Bearer ...",
               "请在页面登录，或发送令牌：Authorization: Bearer ……")


def admit(access: Access | None, request: Request, role: Role, scope: Scope | None) -> Identity:
    """scope: a token that is for nothing else opens this door, too. Refused: 401, 403, 503."""
    if access is None:
        return OPEN
    if access.closed:
        raise Refused(503, access.trouble.what, access.trouble.where, access.trouble.fix)
    identity = _identity(access, request, scope)
    if identity is None:
        raise Refused(401, Text("this needs a log-in", "需要登录"), "Authorization", _LOG_IN)
    if identity.scope is not Scope.ALL:
        if identity.scope is not scope:
            raise Refused(403, Text(f"this token is for {identity.scope} only", f"该令牌仅用于 {identity.scope}"),
                          "Authorization", Text("use a token of scope `all`", "请使用 scope 为 all 的令牌"))
    elif identity.role < role <= identity.full:
        raise Refused(403, Text("you have not done anything for long: log in again to act",
                                "长时间未操作，请重新登录后再执行"), "session", _LOG_IN)
    elif identity.role < role:
        raise Refused(403, Text("this needs the role {needed}, and you are {role}",
                                "此操作需要“{needed}”角色，您当前的角色是“{role}”").format(
            needed=ROLE_NAMES[role], role=ROLE_NAMES[identity.role]), "role",
            Text("ask somebody who has it", "请联系具有该角色的人员"))
    return identity


def _identity(access: Access, request: Request, scope: Scope | None) -> Identity | None:
    if (secret := _bearer(request, scope)) is not None:
        return access.by_token(secret, address(request))
    if (secret := request.cookies.get(cookie_name(request))) is not None:
        acts = request.method not in READING
        if acts and "origin" not in request.headers:
            raise Refused(403, Text("this request does not say which page it comes from", "该请求未说明来源页面"),
                          "Origin", Text("programs use a token", "程序请使用令牌"))
        if (found := access.by_session(secret, use=acts)) is not None:
            return found
    if scope is Scope.METRICS and _here(request):
        return OPEN
    return access.nobody()


def _bearer(request: Request, scope: Scope | None) -> str | None:
    kind, _, secret = request.headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return secret.strip()
    if scope is Scope.HEARTBEAT:  # who beats may only know an address
        return request.query_params.get("token")
    return None


def _here(request: Request) -> bool:
    """Is it this machine that asks, and not a proxy on it for somebody else?"""
    try:
        near = ipaddress.ip_address(address(request)).is_loopback
    except ValueError:
        near = False
    return near and hostname(request.headers.get("host", "")) in LOOPBACK and "x-forwarded-for" not in request.headers


def address(request: Request) -> str:
    return request.client.host if request.client is not None else ""


# cookies: browsers tell those of several gateways on one host apart by their names only

def cookie_name(request: Request, kind: str = "session") -> str:
    site, secure = request.app.state.site, _secure(request)
    return f"{'__Host-' if secure else ''}davylamp-{kind}-{site}"


def set_cookie(response: Response, request: Request, kind: str, value: str, longest_s: float) -> None:
    """longest_s 0: take it away."""
    response.set_cookie(cookie_name(request, kind), value, max_age=round(longest_s), path="/", httponly=True,
                        samesite="strict", secure=_secure(request))


def _secure(request: Request) -> bool:
    """Everywhere but on this machine without TLS, where some browsers would not take a secure cookie."""
    return request.url.scheme == "https" or hostname(request.headers.get("host", "")) not in LOOPBACK

"""The HTTP surface, put together: the rooms' doors, the page behind links, and the page's own files."""

from __future__ import annotations

import hashlib
import logging
import mimetypes
from collections.abc import Awaitable, Callable, Collection, Iterable
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from gateway.access.access import Access
from gateway.access.role import Role
from gateway.api import openapi
from gateway.api.answer import refusal
from gateway.api.asked import Refused
from gateway.api.guard import Guard
from gateway.api.room import Door, House
from gateway.api.stream import Broadcast
from gateway.api.view import GatewayView
from gateway.model.errors import DavylampError
from gateway.model.text import Text

log = logging.getLogger(__name__)

STATIC = Path(__file__).parent / "static"


def create_app(view: GatewayView, access: Access | None = None, names: Collection[str] = ()) -> Starlette:
    """The page and its API over one running gateway. `app.state.broadcast` is the event stream, to be closed at the
    end; `gateway.api.server.serve` does. access: who is let in; None: everybody on this machine. names: see Guard."""
    broadcast = Broadcast(view, names=lambda: () if access is None else access.names)
    house = House(view, broadcast, access)
    app = application([door.route(house) for door in (*openapi.DOORS, *PAGES)], view.site.id, view.public_host, names)
    app.state.broadcast = broadcast
    return app


def application(routes: Iterable[Route], site: str, public_host: str = "", names: Collection[str] = ()) -> Starlette:
    """These routes, guarded, with our errors as answers. site: its id, for the names of cookies. Others: see Guard."""
    guard = Middleware(Guard, public_host=public_host, names=names)
    app = Starlette(routes=[*routes], middleware=[guard], exception_handlers={
        HTTPException: _http_error, DavylampError: _our_error, Refused: _refused, Exception: _bug})
    app.state.site = site
    return app


# the page's own files

def _file(path: Path) -> Callable[[House, Request], Awaitable[Response]]:
    body = path.read_bytes()
    kind = mimetypes.types_map.get(path.suffix, "application/octet-stream")
    kind = "text/javascript" if path.suffix == ".js" else kind
    tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
    headers = {"etag": tag, "cache-control": "no-cache"}

    async def answer(_: House, request: Request) -> Response:
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(body, media_type=kind, headers=headers)

    return answer


# one door per file; "/" is index.html. The files are small and are kept in memory
PAGES = tuple(Door("GET", "/" if path.name == "index.html" else f"/{path.name}", _file(path), Role.VIEWER, {})
              for path in sorted(STATIC.iterdir()))


# errors as answers

async def _refused(request: Request, error: Refused) -> Response:
    if error.answer.status_code == 401:
        if request.url.path == "/":
            return RedirectResponse("/login", 303)
        error.answer.headers["www-authenticate"] = "Bearer"
    return error.answer


async def _our_error(request: Request, error: DavylampError) -> Response:
    return refusal(503 if error.retryable else 409, error.what, where=error.where or request.url.path, fix=error.fix,
                   retryable=error.retryable)


_HTTP_ERRORS = {404: Text("there is nothing at this address", "该地址不存在"),
                405: Text("this address does not take that method", "该地址不支持此请求方法")}


async def _http_error(request: Request, error: HTTPException) -> Response:
    answer = refusal(error.status_code, _HTTP_ERRORS.get(error.status_code, Text.same(error.detail)),
                     where=request.url.path, fix=Text("see /api/v1/openapi.json", "见 /api/v1/openapi.json"))
    answer.headers.update(error.headers or {})
    return answer


async def _bug(request: Request, error: Exception) -> Response:
    """Last line of defence: one broken answer must not take the gateway with it."""
    log.error("no answer to %s %s", request.method, request.url.path, exc_info=error)
    return refusal(500, Text("the gateway could not answer: an error of its own", "网关内部错误，无法应答"),
                   where=request.url.path, fix=Text("report the gateway's log", "请上报网关日志"))

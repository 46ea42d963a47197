"""The HTTP surface, put together: the rooms' doors, the page behind links, and the page's own files."""

from __future__ import annotations

import hashlib
import logging
import mimetypes
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.api import openapi
from gateway.api.answer import refusal
from gateway.api.asked import Refused
from gateway.api.guard import Guard
from gateway.api.room import House
from gateway.api.stream import Broadcast
from gateway.api.view import GatewayView
from gateway.model.errors import DavylampError
from gateway.model.text import Text

log = logging.getLogger(__name__)

STATIC = Path(__file__).parent / "static"


def create_app(view: GatewayView) -> Starlette:
    """The page and its API over one running gateway. `app.state.broadcast` is the event stream, to be closed at the
    end; `gateway.api.server.serve` does."""
    house = House(view, Broadcast(view))
    app = application([*(door.route(house) for door in openapi.DOORS), *pages()], view.public_host)
    app.state.broadcast = house.broadcast
    return app


def application(routes: Iterable[Route], public_host: str = "") -> Starlette:
    """These routes, guarded, with our errors as answers. public_host: see Guard."""
    return Starlette(routes=[*routes], middleware=[Middleware(Guard, public_host=public_host)], exception_handlers={
        HTTPException: _http_error, DavylampError: _our_error, Refused: _refused, Exception: _bug})


# the page's own files

def pages() -> list[Route]:
    """One route per file of the page; "/" is index.html. The files are small and are kept in memory."""
    return [Route("/" if path.name == "index.html" else f"/{path.name}", _file(path))
            for path in sorted(STATIC.iterdir())]


def _file(path: Path) -> Callable[[Request], Awaitable[Response]]:
    body = path.read_bytes()
    kind = mimetypes.types_map.get(path.suffix, "application/octet-stream")
    kind = "text/javascript" if path.suffix == ".js" else kind
    tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
    headers = {"etag": tag, "cache-control": "no-cache"}

    async def answer(request: Request) -> Response:
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(body, media_type=kind, headers=headers)

    return answer


# errors as answers

async def _refused(_: Request, error: Refused) -> Response:
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

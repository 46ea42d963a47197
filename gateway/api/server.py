"""Serves the page inside the running event loop. Loopback only, until accounts exist."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Callable, Iterator

import uvicorn
from starlette.applications import Starlette

from gateway.api.door import Door
from gateway.api.guard import LOOPBACK
from gateway.api.routes import create_app
from gateway.api.view import GatewayView
from gateway.model.errors import DavylampError
from gateway.model.text import Text
from gateway.model.trouble import reason

STUCK_CONNECTION_MS = 15_000  # the kernel drops a peer that takes nothing for so long
GRACE_S = 2


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]):
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # signals belong to the gateway


async def serve(view: GatewayView, host: str = "127.0.0.1", port: int = 8080, *,
                ready: Callable[[str], None] = lambda url: None) -> None:
    """Serve until cancelled, then end every open stream and close. `ready` is called with the page's address.

    DavylampError when the host is not loopback or the port is taken. Port 0 takes any free one.
    """
    app = create_app(view)
    await serve_app(app, host, port, ready=ready, closing=app.state.broadcast.close)


async def serve_app(app: Starlette, host: str, port: int, *, ready: Callable[[str], None] = lambda url: None,
                    closing: Callable[[], None] = lambda: None) -> None:
    """The same for any application. closing: called when the end has begun."""
    listener = listen(host, port)
    url = f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"
    # Our own handlers log errors; what uvicorn would add is noise about viewers that were let go.
    server = _Server(uvicorn.Config(app, http=Door, ws="none", lifespan="off", access_log=False, log_config=None,
                                    log_level="critical", server_header=False, date_header=False,
                                    timeout_graceful_shutdown=GRACE_S, limit_concurrency=128, backlog=64),
                     lambda: ready(url))
    running = asyncio.create_task(server.serve(sockets=[listener]), name="page server")
    try:
        await asyncio.shield(running)
    finally:
        closing()
        server.should_exit = True
        await running


def listen(host: str, port: int) -> socket.socket:
    """The bound socket. Errors name the option to change."""
    if host not in LOOPBACK:
        raise DavylampError(
            Text(f"the page would be open to the network on {host}, but there are no accounts yet",
                 f"页面将在 {host} 上对网络开放，但目前尚无账户管理"), where="[api] host",
            fix=Text('use host = "127.0.0.1" and reach it through an SSH tunnel: ssh -L 8080:127.0.0.1:8080 GATEWAY',
                     '使用 host = "127.0.0.1"，远程访问请用 SSH 隧道：ssh -L 8080:127.0.0.1:8080 网关地址'))
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, STUCK_CONNECTION_MS)  # accepted ones inherit
        listener.bind((host, port))
    except (OSError, OverflowError) as error:
        listener.close()
        raise _port_error(host, port, error) from error
    return listener


def _port_error(host: str, port: int, error: OSError | OverflowError) -> DavylampError:
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        what = Text(f"port {port} on {host} is taken by another program", f"{host} 的端口 {port} 已被其他程序占用")
    else:
        what = Text("can not listen on {host} port {port}: {why}", "无法监听 {host} 端口 {port}：{why}").format(
            host=host, port=port, why=reason(error))
    return DavylampError(what, where=f"{host}:{port}",
                         fix=Text("stop that program or choose another port with --port or `port` in section [api]",
                                  "停止占用端口的程序，或用 --port 或 [api] 一节的 port 另选端口"))

"""Serves the page inside the running event loop: over HTTP to this machine, over HTTPS to the network."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import ssl
from collections.abc import Callable, Collection, Iterator

import uvicorn
from starlette.applications import Starlette

from gateway.access.access import Access
from gateway.access.certificates import PageCertificate
from gateway.api.gate import Asking, Gate
from gateway.api.routes import create_app
from gateway.api.view import GatewayView
from gateway.config.page import is_loopback
from gateway.model.errors import DavylampError
from gateway.model.text import Text
from gateway.model.trouble import reason

STUCK_CONNECTION_MS = 15_000  # the kernel drops a peer that takes nothing for so long
GRACE_S = 2


class _Config(uvicorn.Config):
    gate: Gate  # for Asking


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
                ready: Callable[[str], None] = lambda url: None, access: Access | None = None,
                certificate: PageCertificate | None = None, names: Collection[str] = ()) -> None:
    """Serve until cancelled, then end every open stream and close. `ready` is called with the page's address.
    names: under which the page is served beside the loopback ones; host itself is one of them.

    DavylampError when the port is taken, the certificate can not be used, or the host is not loopback and there is no
    certificate or no account. Port 0 takes any free one.
    """
    if not is_loopback(host):
        _may_be_open(host, access, certificate)
    context = certificate.context() if certificate is not None else None
    app = create_app(view, access, {host, *names})
    await serve_app(app, host, port, ready=ready, closing=app.state.broadcast.close, context=context)


async def serve_app(app: Starlette, host: str, port: int, *, ready: Callable[[str], None] = lambda url: None,
                    closing: Callable[[], None] = lambda: None, context: ssl.SSLContext | None = None) -> None:
    """The same for any application. closing: called when the end has begun. context: for HTTPS."""
    gate = listen(host, port)
    url = (f"{'http' if context is None else 'https'}://{f'[{host}]' if ':' in host else host}:"
           f"{gate.getsockname()[1]}")
    # Our own handlers log errors; what uvicorn would add is noise about viewers that were let go.
    config = _Config(app, http=Asking, ws="none", lifespan="off", access_log=False, log_config=None,
                     log_level="critical", server_header=False, date_header=False, timeout_graceful_shutdown=GRACE_S,
                     backlog=64, ssl_context_factory=None if context is None else lambda *_: context)
    config.gate = gate
    server = _Server(config, lambda: ready(url))
    running = asyncio.create_task(server.serve(sockets=[gate]), name="page server")
    watching = asyncio.create_task(gate.watch(), name="page gate")
    try:
        await asyncio.shield(running)
    finally:
        closing()
        server.should_exit = True
        await running
        watching.cancel()


def _may_be_open(host: str, access: Access | None, certificate: PageCertificate | None) -> None:
    """To the network."""
    if certificate is None:
        raise DavylampError(
            Text(f"the page would be open to the network on {host} without TLS", f"页面将在 {host} 上以明文对网络开放"),
            where="[api] host",
            fix=Text("give tls_cert and tls_key (davylamp ca makes them), or keep 127.0.0.1 and use an SSH tunnel: "
                     "ssh -L 8080:127.0.0.1:8080 GATEWAY",
                     "请设置 tls_cert 和 tls_key（可用 davylamp ca 生成），或保留 127.0.0.1，远程访问使用 SSH 隧道："
                     "ssh -L 8080:127.0.0.1:8080 网关地址"))
    if access is None or not (access.peopled or access.closed):
        raise DavylampError(
            Text(f"the page would be open to the network on {host}, but there is no account yet",
                 f"页面将在 {host} 上对网络开放，但尚无任何账户"), where="[api] host", retryable=True,
            fix=Text("davylamp account add NAME --role administrator",
                     "davylamp account add 账户名 --role administrator"))


def listen(host: str, port: int) -> Gate:
    """The bound socket. Errors name the option to change."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = Gate(family)
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

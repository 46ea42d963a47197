"""A real HTTP server that takes notices, or does with them what a test tells it to."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Call:
    path: str
    headers: dict[str, str]
    body: bytes
    status: int  # what was answered

    @property
    def payload(self) -> dict:
        return json.loads(self.body)

    @property
    def key(self) -> str:
        return self.headers["Idempotency-Key"]


class Receiver:
    """calls: every request in order. Answers 400 to keys in `refuses`, else the next of `answers`, else `status`."""

    def __init__(self, port: int):
        self.url = f"http://127.0.0.1:{port}/alarms?room=1"
        self.calls: list[Call] = []
        self.answers: list[int] = []
        self.refuses: set[str] = set()
        self.status = 204
        self.body = b""  # of an answer that is not an error, or of every answer when it is set
        self.hold = threading.Event()  # cleared: do not answer
        self.hold.set()
        self.hangs: set[str] = set()  # keys that are not answered
        self.over = threading.Event()
        self.asked = 0  # requests that have come, answered or not

    @property
    def taken(self) -> list[Call]:
        return [call for call in self.calls if call.status < 300]

    @property
    def events(self) -> list[tuple[str, str]]:
        """(alarm, event) of what was taken, in order."""
        return [(call.payload["alarm"], call.payload["event"]) for call in self.taken]

    async def until(self, condition) -> None:
        await until(lambda: condition(self), lambda: f"receiver got {[(c.key, c.status) for c in self.calls]}")


async def until(condition, what=lambda: "") -> None:
    """Wait for a condition; the time-out only ever fails a test."""
    try:
        async with asyncio.timeout(20):
            while not condition():
                await asyncio.sleep(0.005)
    except TimeoutError:
        raise AssertionError(f"never came: {what()}") from None


@contextmanager
def receiver(port: int = 0) -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            here.asked += 1
            here.hold.wait(20)
            if self.headers.get("Idempotency-Key") in here.hangs:
                here.over.wait(20)
            refused = self.headers.get("Idempotency-Key") in here.refuses
            status = 400 if refused else here.answers.pop(0) if here.answers else here.status
            here.calls.append(Call(self.path, dict(self.headers), body, status))
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", "/elsewhere")
            self.end_headers()
            if status != 204:
                self.wfile.write(here.body or (b"not today" if status >= 300 else b""))

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    here = Receiver(server.server_port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield here
    finally:
        here.hold.set()
        here.over.set()
        server.shutdown()
        server.server_close()
        thread.join()

"""What the sink tests share: a sink at work, readers, a database to ask, and a server that answers as it is told."""

from __future__ import annotations

import asyncio
import gzip
import json
import math
import urllib.parse
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from gateway.model.clock import NS, Instant
from gateway.model.frame import Frame
from gateway.model.ports import Batch, Reader
from gateway.sinks.config import InfluxSettings
from gateway.sinks.erasure import Erasure
from gateway.sinks.influx import InfluxSink
from gateway.sinks.stream import Samples, Stream
from tests.sites import gas, site

SITE = site(*(gas(f"GD-{n:02}") for n in range(1, 11)))
START = Instant(0, 1_790_000_000 * NS)


class Script:
    """A reader over frames given beforehand; remembers how far the sink has come."""

    def __init__(self, *frames: Frame):
        self.frames, self.taken, self.finished = list(frames), 0, 0

    async def take(self, max_samples: int) -> Batch:
        while self.taken == len(self.frames):
            await asyncio.sleep(0.01)
        self.taken += 1
        return Batch(self.frames[self.taken - 1], self.taken, historic=False)

    def done(self, position: int) -> None:
        self.finished = position

    @property
    def lag_samples(self) -> int:
        return sum(len(frame) for frame in self.frames[self.finished:])

    backlog_due_s = math.inf


def polls(count: int) -> list[Frame]:
    return [Frame.of(range(10), [step + n / 10 for n in range(10)], START.later(step)) for step in range(count)]


@asynccontextmanager
async def sending(reader: Reader, tmp_path, others: Sequence[Stream] = (), erasure: Erasure | None = None, **settings):
    settings = {"type": "influx", "api": "v1", "database": "davylamp", "flush_interval": "0s", "max_backoff": "200ms",
                "timeout": "2s"} | settings
    asked = InfluxSettings(**settings)
    sink = InfluxSink(asked, Samples(asked, SITE, reader), others, tmp_path, erasure)
    task = asyncio.create_task(sink.run())
    try:
        yield sink
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition, seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


def query(url: str, text: str, **more: str) -> list:
    """The series that the database answers. `more`: further parameters, such as u and p."""
    parameters = urllib.parse.urlencode({"db": "davylamp", "q": text, "epoch": "ns"} | more)
    with urllib.request.urlopen(f"{url}/query?{parameters}", b"") as reply:
        return json.load(reply)["results"][0].get("series", [])


@contextmanager
def scripted(answer: Callable[[bytes], tuple[int, dict[str, str], bytes]]):
    """An HTTP server that answers the lines it is sent as told: (status, headers, body). Gives its URL and all lines
    that it took."""
    taken: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one packet, or Nagle's algorithm costs 40 ms for each answer

        def do_POST(self):
            lines = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                lines = gzip.decompress(lines)
            status, headers, body = answer(lines)
            if status < 300:
                taken.append(lines)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", taken
    finally:
        server.shutdown()
        server.server_close()

"""The sink against a real InfluxDB 1.x, VictoriaMetrics as a v2 endpoint, and a scripted server for the answers that a
healthy database can't be made to give."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
import urllib.parse
import urllib.request
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from gateway.model.clock import NS, Instant
from gateway.model.frame import Frame
from gateway.model.ports import Batch
from gateway.model.quality import Quality
from gateway.sinks.config import InfluxSettings
from gateway.sinks.influx import PATIENCE, InfluxSink
from tests import servers
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


def polls(count: int) -> list[Frame]:
    return [Frame.of(range(10), [step + n / 10 for n in range(10)], START.later(step)) for step in range(count)]


@asynccontextmanager
async def sending(reader: Script, tmp_path, **settings):
    settings = {"type": "influx", "api": "v1", "database": "davylamp", "flush_interval": "0s", "max_backoff": "200ms",
                "timeout": "2s"} | settings
    sink = InfluxSink(InfluxSettings(**settings), SITE, reader, tmp_path)
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


def query(url: str, text: str, database: str = "davylamp") -> list:
    form = urllib.parse.urlencode({"db": database, "q": text, "epoch": "ns"}).encode()
    with urllib.request.urlopen(f"{url}/query", form) as reply:
        return json.load(reply)["results"][0].get("series", [])


async def test_a_real_influxdb_holds_what_was_measured(influxdb, tmp_path):
    query(influxdb.url, "CREATE DATABASE davylamp")
    bad = Frame.of([3], [float("nan")], START.later(5), Quality.BAD_COMM_LOST)
    reader = Script(*polls(5), bad)
    async with sending(reader, tmp_path, url=influxdb.url) as sink:
        await until(lambda: reader.finished == 6)
        assert sink.status().online
        assert sink.status().counters["written"] == 51
    (series,) = query(influxdb.url, "SELECT value, quality FROM telemetry WHERE signal = 'GD-04'")
    assert [row[1:] for row in series["values"]] == [[0.3, 0], [1.3, 0], [2.3, 0], [3.3, 0], [4.3, 0], [None, 129]]
    assert series["values"][0][0] == START.wall_ns
    (tags,) = query(influxdb.url, "SHOW TAG VALUES WITH KEY = area")
    assert tags["values"] == [["area", "tank_farm"]]


async def test_a_missing_database_holds_the_data_until_it_is_created(influxdb, tmp_path):
    reader = Script(*polls(3))
    async with sending(reader, tmp_path, url=influxdb.url) as sink:
        await until(lambda: sink.status().counters["retries"] >= 2)
        assert not sink.status().online
        assert "404" in sink.status().reason.en and "404" in sink.status().reason.zh
        assert reader.finished == 0
        query(influxdb.url, "CREATE DATABASE davylamp")
        await until(lambda: reader.finished == 3)
    (series,) = query(influxdb.url, "SELECT count(value) FROM telemetry")
    assert series["values"][0][1] == 30


async def test_an_outage_loses_nothing(tmp_path):
    port = servers.free_port()
    reader = Script(*polls(4))
    async with sending(reader, tmp_path, url=f"http://127.0.0.1:{port}") as sink:
        await until(lambda: sink.status().counters["retries"] >= 3)
        assert not sink.status().online
        with servers.influxdb1(tmp_path, port=port) as server:
            query(server.url, "CREATE DATABASE davylamp")
            await until(lambda: reader.finished == 4)
            (series,) = query(server.url, "SELECT count(value) FROM telemetry")
            assert series["values"][0][1] == 40


async def test_refused_lines_are_set_aside_and_the_rest_goes_on(influxdb, tmp_path):
    """Two samples are older than the database keeps: it refuses the batch with 400 and stores the rest of it."""
    query(influxdb.url, "CREATE DATABASE davylamp WITH DURATION 24h")
    now = Instant(0, time.time_ns())
    stamps = [now.wall_ns - (3 * 86_400 * NS if n in (4, 7) else n) for n in range(10)]
    reader = Script(Frame.of(range(10), range(10), now, wall_ns=stamps))
    async with sending(reader, tmp_path, url=influxdb.url) as sink:
        await until(lambda: reader.finished == 1)
        assert sink.status().counters["refused"] == 2
        assert sink.status().online
    kept = (tmp_path / "influx-refused.lp").read_text().splitlines()
    reasons, lines = kept[0::2], kept[1::2]
    assert lines == [f"telemetry,area=tank_farm,kind=combustible_gas,signal=GD-{n + 1:02},site=depot-01 "
                     f"value={n}.0,quality=0i {stamps[n]}" for n in (4, 7)]
    assert all("points beyond retention policy" in reason for reason in reasons)
    (series,) = query(influxdb.url, "SELECT count(value) FROM telemetry")
    assert series["values"][0][1] == 8


async def test_a_v2_endpoint_takes_the_same_lines(victoria, tmp_path, monkeypatch):
    monkeypatch.setenv("TOKEN", "secret")
    reader = Script(*polls(3))
    async with sending(reader, tmp_path, url=victoria.url, api="v2", org="o", bucket="b", token_env="TOKEN") as sink:
        await until(lambda: reader.finished == 3)
        assert sink.status().counters["written"] == 30


@contextmanager
def scripted(*answers):
    """An HTTP server that gives `answers` in turn, then 204: (status, headers, body) or a function of the lines."""
    seen: list[bytes] = []
    queue = list(answers)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            answer = queue[0](body) if queue and callable(queue[0]) else queue.pop(0) if queue else (204, {}, b"")
            status, headers, text = answer
            if status < 300:
                seen.append(body)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("api", ["v1", "v2"])
@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 503])
async def test_a_server_in_trouble_gets_the_same_batch_again(status, api, tmp_path, monkeypatch):
    monkeypatch.setenv("TOKEN", "secret")
    v2 = {"api": "v2", "org": "o", "bucket": "b", "token_env": "TOKEN"} if api == "v2" else {}
    headers = {"Retry-After": "0"} if status == 429 else {}
    with scripted((status, headers, b"no"), (status, headers, b"no")) as (url, seen):
        reader = Script(*polls(1))
        async with sending(reader, tmp_path, url=url, **v2) as sink:
            await until(lambda: reader.finished == 1)
            assert sink.status().counters["retries"] == 2
            assert sink.status().counters["refused"] == 0
    assert sum(body.count(b"\n") for body in seen) == 10


@pytest.mark.parametrize("api", ["v1", "v2"])
async def test_too_large_is_halved_in_order(api, tmp_path, monkeypatch):
    monkeypatch.setenv("TOKEN", "secret")
    v2 = {"api": "v2", "org": "o", "bucket": "b", "token_env": "TOKEN"} if api == "v2" else {}
    with scripted(lambda body: (413, {}, b"") if body.count(b"\n") > 3 else (204, {}, b"")) as (url, seen):
        reader = Script(*polls(2))
        async with sending(reader, tmp_path, url=url, **v2):
            await until(lambda: reader.finished == 2)
    lines = b"".join(seen).splitlines()
    assert [line.split(b"signal=")[1][:5] for line in lines] == [b"GD-%02d" % n for n in range(1, 11)] * 2


async def test_a_batch_refused_whole_costs_a_bounded_number_of_requests(tmp_path):
    """Back-fill beyond the retention policy: every line is refused."""
    frame = Frame.of([0] * 2000, range(2000), START)
    with scripted(lambda _: (400, {}, b'{"error":"points beyond retention policy dropped=1"}')) as (url, _):
        reader = Script(frame)
        async with sending(reader, tmp_path, url=url) as sink:
            await until(lambda: reader.finished == 1)
            assert sink.status().counters["refused"] == 2000
            assert sink.status().counters["requests"] < 4 * PATIENCE
    kept = (tmp_path / "influx-refused.lp").read_bytes().splitlines()
    assert sum(not line.startswith(b"#") for line in kept) == 2000


async def test_silence_is_a_failure_with_a_reason(tmp_path):
    """A port where nobody listens."""
    reader = Script(*polls(1))
    async with sending(reader, tmp_path, url=f"http://127.0.0.1:{servers.free_port()}") as sink:
        await until(lambda: sink.status().counters["retries"] >= 1)
        assert "does not answer" in sink.status().reason.en
        assert "无应答" in sink.status().reason.zh
        assert reader.finished == 0


def test_settings_say_what_is_missing():
    with pytest.raises(ValueError, match="needs `database`"):
        InfluxSettings(type="influx", url="http://127.0.0.1:8086")
    with pytest.raises(ValueError, match="token_file"):
        InfluxSettings(type="influx", url="http://127.0.0.1:8086", api="v2", org="o", bucket="b")

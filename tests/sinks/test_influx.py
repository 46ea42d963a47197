"""The sink against a real InfluxDB 1.x, VictoriaMetrics as a v2 endpoint, and a scripted server for the answers that a
healthy database can't be made to give."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
import urllib.request

import pytest

from gateway.model.clock import NS, Instant
from gateway.model.frame import Frame
from gateway.model.quality import Quality
from gateway.model.text import Text
from gateway.sinks.config import InfluxSettings
from gateway.sinks.outlet import PATIENCE
from gateway.sinks.schema import LONG
from gateway.sinks.stream import Parcel
from tests import servers
from tests.sinks.stage import START, Script, polls, query, scripted, sending, until

survives = pytest.mark.survives
NOT_NOW = Text("http://127.0.0.1:… is not taking data ({status} …): kept on disk and sent later",
               "http://127.0.0.1:… 暂不接收数据（{status} …）：数据保留在本地磁盘，稍后补发")
NO_ENTRY = Text("http://127.0.0.1:… refuses the credentials ({status}): check token or user of sink influx",
                "http://127.0.0.1:… 拒绝访问（{status}）：请检查 influx 的令牌或用户名密码")
NO_PLACE = Text("http://127.0.0.1:… does not know … (404): create it (davylamp influx setup), or correct the sink's "
                "settings",
                "http://127.0.0.1:… 中不存在 …（404）：请创建（davylamp influx setup），或更正该输出的配置")
CONFLICT = Text(
    "http://127.0.0.1:…: field value of measurement telemetry is string there, but float by the data contract: its "
    "rows are refused. Find out who writes it; give them another database, or drop the measurement",
    "http://127.0.0.1:…：测量 telemetry 的字段 value 在库中为 string，按数据约定应为 float，相关数据被拒收。"
    "请查明写入者并改用其他数据库，或删除该测量")
TROUBLES = {401: NO_ENTRY, 403: NO_ENTRY, 404: NO_PLACE, 429: NOT_NOW, 500: NOT_NOW, 503: NOT_NOW}
KEPT = "kept on disk and sent again until it is taken; nothing is refused, lost or doubled"


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


@survives("InfluxDB answers 404: the database does not exist (real 1.x)", then=KEPT, says=NO_PLACE)
async def test_a_missing_database_holds_the_data_until_it_is_created(influxdb, tmp_path, says):
    reader = Script(*polls(3))
    async with sending(reader, tmp_path, url=influxdb.url) as sink:
        await until(lambda: sink.status().counters["retries"] >= 2)
        assert says(sink.status().reason) and not sink.status().online and reader.finished == 0
        query(influxdb.url, "CREATE DATABASE davylamp")
        await until(lambda: reader.finished == 3)
    (series,) = query(influxdb.url, "SELECT count(value) FROM telemetry")
    assert series["values"][0][1] == 30


@survives("InfluxDB answers 401: wrong password (real 1.x)", then=KEPT, says=NO_ENTRY.format(status=401))
async def test_a_wrong_password_holds_the_data_until_it_is_right(tmp_path, says):
    (tmp_path / "password").write_text("right")
    with servers.influxdb1(tmp_path, extra="auth-enabled = true") as server:
        query(server.url, "CREATE USER admin WITH PASSWORD 'admin' WITH ALL PRIVILEGES")
        admin = {"u": "admin", "p": "admin"}
        for sentence in ("CREATE DATABASE davylamp", "CREATE USER gateway WITH PASSWORD 'wrong'",
                         "GRANT ALL ON davylamp TO gateway"):
            query(server.url, sentence, **admin)
        reader = Script(*polls(3))
        async with sending(reader, tmp_path, url=server.url, username="gateway",
                           password_file=str(tmp_path / "password")) as sink:
            await until(lambda: sink.status().counters["retries"] >= 2)
            assert says(sink.status().reason) and reader.finished == 0
            query(server.url, "SET PASSWORD FOR gateway = 'right'", **admin)
            await until(lambda: reader.finished == 3)
        (series,) = query(server.url, "SELECT count(value) FROM telemetry", **admin)
        assert series["values"][0][1] == 30


@survives("InfluxDB answers 413: the batch is too large (real 1.x)",
          then="halved until it is taken; nothing is refused or lost")
async def test_a_batch_that_is_too_large_arrives_in_pieces(tmp_path):
    with servers.influxdb1(tmp_path, extra="max-body-size = 1000") as server:  # about nine lines
        query(server.url, "CREATE DATABASE davylamp")
        reader = Script(Frame.concat(polls(10)))
        async with sending(reader, tmp_path, url=server.url, gzip=False) as sink:
            await until(lambda: reader.finished == 1)
            assert sink.status().counters["written"] == 100 and sink.status().counters["requests"] > 10
        (series,) = query(server.url, "SELECT count(value) FROM telemetry")
        assert series["values"][0][1] == 100


@survives("InfluxDB answers 400: somebody has stored text under the same name (real 1.x)",
          then="the lines are set aside in influx-refused.lp with the reason; the page names the field",
          says=CONFLICT)
async def test_what_the_database_can_never_take_is_set_aside(influxdb, tmp_path, says):
    query(influxdb.url, "CREATE DATABASE davylamp")
    text = f'telemetry,signal=GD-01 value="high" {START.wall_ns}'.encode()
    urllib.request.urlopen(f"{influxdb.url}/write?db=davylamp", text).close()
    reader = Script(*polls(2))
    async with sending(reader, tmp_path, url=influxdb.url) as sink:
        await until(lambda: reader.finished == 2)
        assert sink.status().online and sink.status().counters["refused"] == 20
        assert says(sink.status().reason)
    kept = (tmp_path / "influx-refused.lp").read_text().splitlines()
    assert all("field type conflict" in line for line in kept if line.startswith("#"))
    assert sum(not line.startswith("#") for line in kept) == 20


@survives("partial write: some lines are older than the database keeps (real 1.x)",
          then="those lines are set aside in influx-refused.lp with the reason, the rest is stored; the sink goes on",
          says=Text.same("# 400 …points beyond retention policy"))
async def test_refused_lines_are_set_aside_and_the_rest_goes_on(influxdb, tmp_path, says):
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
    assert all(says(Text.same(reason)) for reason in reasons)
    (series,) = query(influxdb.url, "SELECT count(value) FROM telemetry")
    assert series["values"][0][1] == 8


async def test_a_v2_endpoint_takes_the_same_lines(victoria, tmp_path, monkeypatch):
    monkeypatch.setenv("TOKEN", "secret")
    reader = Script(*polls(3))
    async with sending(reader, tmp_path, url=victoria.url, api="v2", org="o", bucket="b", token_env="TOKEN") as sink:
        await until(lambda: reader.finished == 3)
        assert sink.status().counters["written"] == 30



@pytest.mark.parametrize("api", ["v1", "v2"])
@pytest.mark.parametrize("status", [
    pytest.param(status, marks=survives(
        f"InfluxDB answers {status} (scripted server, v1 and v2 API)", then=KEPT, says=text.format(status=status)))
    for status, text in TROUBLES.items()])
async def test_a_server_in_trouble_gets_the_same_batch_again(status, api, tmp_path, monkeypatch, says):
    monkeypatch.setenv("TOKEN", "secret")
    v2 = {"api": "v2", "org": "o", "bucket": "b", "token_env": "TOKEN"} if api == "v2" else {}
    headers = {"Retry-After": "0.05"} if status == 429 else {}
    trouble = threading.Event()
    trouble.set()
    with scripted(lambda _: (status, headers, b"no") if trouble.is_set() else (204, {}, b"")) as (url, taken):
        reader = Script(*polls(1))
        async with sending(reader, tmp_path, url=url, **v2) as sink:
            await until(lambda: sink.status().counters["retries"] >= 2)
            assert says(sink.status().reason) and not sink.status().online and reader.finished == 0
            trouble.clear()
            await until(lambda: reader.finished == 1)
            assert sink.status().online and sink.status().counters["refused"] == 0
    assert sum(body.count(b"\n") for body in taken) == 10


@survives("InfluxDB answers 413 (scripted server, v1 and v2 API)",
          then="halved until it is taken, in order; nothing is lost")
@pytest.mark.parametrize("api", ["v1", "v2"])
async def test_too_large_is_halved_in_order(api, tmp_path, monkeypatch):
    monkeypatch.setenv("TOKEN", "secret")
    v2 = {"api": "v2", "org": "o", "bucket": "b", "token_env": "TOKEN"} if api == "v2" else {}
    with scripted(lambda body: (413, {}, b"") if body.count(b"\n") > 3 else (204, {}, b"")) as (url, taken):
        reader = Script(*polls(2))
        async with sending(reader, tmp_path, url=url, **v2):
            await until(lambda: reader.finished == 2)
    lines = b"".join(taken).splitlines()
    assert [line.split(b"signal=")[1][:5] for line in lines] == [b"GD-%02d" % n for n in range(1, 11)] * 2


@survives("InfluxDB answers 400 to every line of a large batch (scripted server)",
          then="all lines are set aside with the reason, at the cost of a bounded number of requests")
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


async def test_a_disk_that_does_not_take_refused_lines_does_not_keep_the_rest_from_being_sent(tmp_path):
    with scripted(lambda lines: (400, {}, b"no") if b"value=0.0" in lines else (204, {}, b"")) as (url, _):
        reader = Script(Frame.of([0, 1], [0, 1], START), Frame.of([0], 2, START.later(1)))
        async with sending(reader, tmp_path / "is-not-there", url=url) as sink:
            await until(lambda: reader.finished == 2)
            assert (sink.status().counters["refused"], sink.status().counters["written"]) == (1, 2)


@survives("InfluxDB accepts and never answers", then="kept on disk, tried again", says=Text(
    "http://127.0.0.1:… does not answer (…timed out…): data is kept on disk and sent later",
    "http://127.0.0.1:… 无应答（…timed out…）：数据保留在本地磁盘，稍后补发"))
async def test_silence_is_a_failure_with_a_reason(tmp_path, says):
    with socket.create_server(("127.0.0.1", 0)) as mute:
        reader = Script(*polls(1))
        async with sending(reader, tmp_path, url=f"http://127.0.0.1:{mute.getsockname()[1]}", timeout="100ms") as sink:
            await until(lambda: sink.status().counters["retries"] >= 2)
            assert says(sink.status().reason) and not sink.status().online and reader.finished == 0


def test_settings_say_what_is_missing():
    with pytest.raises(ValueError, match="needs `database`"):
        InfluxSettings(type="influx", url="http://127.0.0.1:8086")
    with pytest.raises(ValueError, match="token_file"):
        InfluxSettings(type="influx", url="http://127.0.0.1:8086", api="v2", org="o", bucket="b")


class Alarms:
    """A stream of one row, offered as soon as the database has failed once."""

    retention = LONG

    def __init__(self, line: bytes):
        self.line, self.offered, self.finished = line, asyncio.Event(), False

    async def take(self) -> Parcel:
        await self.offered.wait()
        if self.finished:
            await asyncio.Event().wait()
        return Parcel(self.line, self._done)

    def _done(self) -> None:
        self.finished = True


async def test_an_alarm_does_not_wait_behind_samples_that_came_first(tmp_path):
    """The database is away; samples wait for it; the alarm that comes then is the first to be taken."""
    down, alarms = threading.Event(), Alarms(b"alarm,site=a active=true 1\n")
    loop = asyncio.get_running_loop()

    def answer(lines: bytes) -> tuple[int, dict[str, str], bytes]:
        if lines.startswith(b"alarm"):
            down.set()
        if not down.is_set():
            loop.call_soon_threadsafe(alarms.offered.set)
        return (204 if down.is_set() else 503), {}, b""

    with scripted(answer) as (url, taken):
        reader = Script(*polls(3))
        async with sending(reader, tmp_path, [alarms], url=url):
            await until(lambda: reader.finished == 3)
    assert [lines.split(b",")[0] for lines in taken] == [b"alarm", b"telemetry", b"telemetry", b"telemetry"]


async def test_raw_samples_and_all_else_have_databases_of_their_own(influxdb, tmp_path):
    """One of the two is missing: the other is written all the same."""
    query(influxdb.url, "CREATE DATABASE davylamp")
    alarms, reader = Alarms(b"alarm,site=a active=true 1\n"), Script(*polls(2))
    alarms.offered.set()
    async with sending(reader, tmp_path, [alarms], url=influxdb.url, raw_database="davylamp_raw") as sink:
        await until(lambda: alarms.finished and sink.status().counters["retries"])
        assert not sink.status().online and "davylamp_raw" in sink.status().reason.en
        query(influxdb.url, "CREATE DATABASE davylamp_raw")
        await until(lambda: reader.finished == 2)
    ((name, *_),) = query(influxdb.url, "SHOW MEASUREMENTS")[0]["values"]
    assert name == "alarm"
    (series,) = query(influxdb.url, "SELECT count(value) FROM davylamp_raw..telemetry")
    assert series["values"][0][1] == 20

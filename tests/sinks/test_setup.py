"""`davylamp influx setup`: against a real InfluxDB 1.x, and a stand-in for 2.x."""

from __future__ import annotations

import pytest

from gateway.cli import main
from gateway.model.text import Text
from tests import servers
from tests.grafana.story import put
from tests.sinks.influx2 import influx2
from tests.sinks.stage import query

survives = pytest.mark.survives


@pytest.fixture
def stub():
    with influx2() as server:
        yield server


@pytest.fixture
def told(capsys, tmp_path):
    """Runs the command in both languages' worth of output; gives exit status and what it said."""
    (tmp_path / "token").write_text("right-token\n")
    (tmp_path / "wrong").write_text("wrong-token\n")

    def tell(*arguments: str, language: str = "en") -> tuple[int, str]:
        status = main(["influx", "setup", "--lang", language, *arguments])
        captured = capsys.readouterr()
        return status, captured.out + captured.err
    return tell


def refused(told, says, *arguments: str) -> bool:
    """Exit status 1 with this sentence, in both languages."""
    (status, en), (_, zh) = told(*arguments), told(*arguments, language="zh")
    return status == 1 and says(Text(en.strip(), zh.strip()))


def durations(url: str, database: str) -> list:
    return [row[:2] for row in query(url, f'SHOW RETENTION POLICIES ON "{database}"')[0]["values"]]


def test_a_real_1x_server_is_set_up_once_and_left_alone_afterwards(influxdb, told):
    status, text = told("--url", influxdb.url, "--dry-run")
    assert status == 0 and text.count("\n+ create database") == 2 and "nothing was changed" in text
    assert "values" not in query(influxdb.url, "SHOW DATABASES")[0], "there is none"
    assert told("--url", influxdb.url)[0] == 0
    assert durations(influxdb.url, "davylamp") == [["autogen", "17520h0m0s"]]
    assert durations(influxdb.url, "davylamp_raw") == [["autogen", "720h0m0s"]]
    status, text = told("--url", influxdb.url)
    assert status == 0 and text.startswith("= InfluxDB 1.") and text.splitlines()[1:] == [
        "= database davylamp_raw is there and keeps rows for 30 days",
        "= database davylamp is there and keeps rows for 730 days", "nothing to do"]


@survives("a database that already holds a field with another type than the contract's (real 1.x)",
          then="influx setup names each, what it is and must be, and the ways out, in a dry run, too; exit status 1",
          says=Text("davylamp_raw: telemetry.quality is float there, and must be integer: rows with it are refused. …",
                    "davylamp_raw：字段 telemetry.quality 在库中为 float，应为 integer，含该字段的数据会被拒收。…"))
def test_a_field_of_another_type_is_named(influxdb, told, says):
    assert told("--url", influxdb.url)[0] == 0
    for database, line in (("davylamp_raw", "telemetry,site=a,signal=x quality=0"),
                           ("davylamp", 'site,site=a risk="high",red=1i,mine=1'), ("davylamp", "theirs value=1i")):
        put(influxdb.url, [line], database)
    for more in ((), ("--dry-run",)):
        (status, en), (_, zh) = (told("--url", influxdb.url, *more, language=language) for language in ("en", "zh"))
        wrong, falsch = ([line[2:] for line in text.splitlines() if line.startswith("! ")] for text in (en, zh))
        assert status == 1 and len(wrong) == 2 and "nothing to do" not in en
        assert says(Text(wrong[0], falsch[0]))
        assert wrong[1].startswith("davylamp: site.risk is string there, and must be integer")
        assert wrong[1].endswith('DROP MEASUREMENT "site" there')
    query(influxdb.url, 'DROP MEASUREMENT "site"', db="davylamp")
    query(influxdb.url, 'DROP MEASUREMENT "telemetry"', db="davylamp_raw")
    assert told("--url", influxdb.url)[0] == 0


def test_a_field_of_another_type_is_named_on_2x_too(stub, told, tmp_path):
    asked = ("--url", stub.url, "--org", "county", "--token-file", str(tmp_path / "token"))
    assert told(*asked)[0] == 0
    stub.fields = {"kpi": [["alarms", "integer"], ["average", "integer"]]}
    status, text = told(*asked, "--dry-run")
    assert status == 1 and text.count("\n! ") == 1 and "kpi.average is integer there, and must be float" in text


def test_a_retention_is_lengthened_and_never_shortened(influxdb, told):
    query(influxdb.url, 'CREATE DATABASE "davylamp" WITH DURATION 10d')
    query(influxdb.url, 'CREATE DATABASE "davylamp_raw" WITH DURATION 400d')
    _, text = told("--url", influxdb.url, language="zh")
    assert "+ 数据库 davylamp 的数据保存 10 天：延长到 730 天" in text
    assert "davylamp_raw 已存在，数据保存 400 天（30 天即可；缩短会删除数据，保持不变）" in text
    assert durations(influxdb.url, "davylamp") == [["autogen", "17520h0m0s"]]
    assert durations(influxdb.url, "davylamp_raw") == [["autogen", "9600h0m0s"]]


def test_a_name_with_everything_in_it_is_one_name(influxdb, told):
    name = 'a"b c,=库😀'
    assert told("--url", influxdb.url, "--name", name)[0] == 0
    assert {name, f"{name}_raw"} <= {row for (row,) in query(influxdb.url, "SHOW DATABASES")[0]["values"]}


@survives("influx setup: wrong password of the administrator (real 1.x)", then="nothing is changed; exit status 1",
          says=Text("http://127.0.0.1:…: the credentials are refused, or may not do this (401: …). Fix: …",
                    "http://127.0.0.1:…: 凭据被拒绝或权限不足（401：…）。处理：…"))
def test_a_wrong_password_is_told(tmp_path, told, says):
    with servers.influxdb1(tmp_path, extra="auth-enabled = true") as server:
        query(server.url, "CREATE USER admin WITH PASSWORD 'admin' WITH ALL PRIVILEGES")
        asked = ("--url", server.url, "--username", "admin", "--password-file")
        assert refused(told, says, *asked, str(tmp_path / "wrong"))
        (tmp_path / "right").write_text("admin")
        assert told(*asked, str(tmp_path / "right"))[0] == 0


def test_a_2x_server_gets_buckets_and_mappings_once(stub, told, tmp_path):
    asked = ("--url", stub.url, "--org", "county", "--token-file", str(tmp_path / "token"))
    status, text = told(*asked, "--dry-run")
    assert status == 0 and text.count("\n+ ") == 4 and stub.changes == 0
    assert told(*asked)[0] == 0
    assert [(one["name"], one["retentionRules"][0]["everySeconds"] // 86_400) for one in stub.buckets] == [
        ("davylamp_raw", 30), ("davylamp", 730)]
    assert [(one["database"], one["bucketID"]) for one in stub.mappings] == [("davylamp_raw", "b0"), ("davylamp", "b1")]
    changes = stub.changes
    status, text = told(*asked)
    assert status == 0 and "nothing to do" in text and "InfluxDB 2.7.11" in text and stub.changes == changes
    told(*asked, "--raw-days", "92")
    assert stub.buckets[0]["retentionRules"][0]["everySeconds"] == 92 * 86_400 and stub.changes == changes + 1


@survives("influx setup breaks off half-way (2.x stand-in)",
          then="it says where; run again, it does what is left and nothing twice",
          says=Text("http://127.0.0.1:…: POST /api/v2/dbrps is answered with 500: …",
                    "http://127.0.0.1:…: POST /api/v2/dbrps 返回 500：…"))
def test_a_set_up_that_broke_off_is_taken_up_again(stub, told, tmp_path, says):
    asked = ("--url", stub.url, "--org", "county", "--token-file", str(tmp_path / "token"))
    stub.fails_at = "POST /api/v2/dbrps"
    assert refused(told, says, *asked)
    assert len(stub.buckets) == 1 and not stub.mappings
    stub.fails_at = ""
    assert told(*asked)[0] == 0
    assert len(stub.buckets) == 2 == len(stub.mappings)


@survives("influx setup: wrong token (2.x stand-in)", then="nothing is changed; exit status 1",
          says=Text("http://127.0.0.1:…: the credentials are refused, or may not do this (401: …",
                    "http://127.0.0.1:…: 凭据被拒绝或权限不足（401：…"))
def test_a_wrong_token_is_told(stub, told, tmp_path, says):
    assert refused(told, says, "--url", stub.url, "--org", "county", "--token-file", str(tmp_path / "wrong"))


@survives("influx setup: unknown organisation (2.x stand-in)", then="nothing is changed; exit status 1",
          says=Text("http://127.0.0.1:…: there is no organisation elsewhere, or the token does not see it. Fix: …",
                    "http://127.0.0.1:…: 没有组织 elsewhere，或该令牌无权查看。处理：…"))
def test_an_unknown_organisation_is_told(stub, told, tmp_path, says):
    assert refused(told, says, "--url", stub.url, "--org", "elsewhere", "--token-file", str(tmp_path / "token"))


@survives("influx setup: the database name is mapped (DBRP) to another bucket", then="refused; nothing is changed",
          says=Text("http://127.0.0.1:…: database davylamp_raw is mapped (DBRP) to another bucket, b9. Fix: …",
                    "http://127.0.0.1:…: 数据库 davylamp_raw 已映射（DBRP）到其他存储桶 b9。处理：…"))
def test_a_mapping_to_another_bucket_is_told(stub, told, tmp_path, says):
    stub.buckets.append({"id": "b0", "name": "davylamp_raw", "retentionRules": []})
    stub.mappings.append({"database": "davylamp_raw", "bucketID": "b9", "default": True})
    assert refused(told, says, "--url", stub.url, "--org", "county", "--token-file", str(tmp_path / "token"))
    assert stub.changes == 0


@survives("influx setup: the server is of another version than the sink speaks", then="the right setting is named",
          says=Text('http://127.0.0.1:…: this is InfluxDB 2.7.11, and the sink speaks api = "v1". Fix: …api = "v2"',
                    'http://127.0.0.1:…: 该服务器为 InfluxDB 2.7.11，而输出配置为 api = "v1"。处理：…api = "v2"'))
def test_another_version_is_told(stub, told, says):
    assert refused(told, says, "--url", stub.url)


@survives("influx setup: nobody answers, or no address is given", then="told; exit status 1",
          says=Text("http://127.0.0.1:…: no answer (…", "http://127.0.0.1:…: 无应答（…"))
def test_a_server_that_is_not_there_is_told(told, says):
    assert refused(told, says, "--url", f"http://127.0.0.1:{servers.free_port()}")
    assert told()[0] == 1 and "no database is named" in told()[1]
    assert told("--url", "ftp://here")[0] == 1


def test_the_databases_of_a_site_file_are_set_up_for_its_kinds_of_gas(influxdb, told, tmp_path):
    """Raw methane is kept for three months."""
    (tmp_path / "site.toml").write_text(
        '[site]\nid = "mine"\nname = "Mine"\ntimezone = "Asia/Shanghai"\n[[signals]]\nid = "CH4"\nkind = "methane"\n'
        'low = 0\nhigh = 4\n[[areas]]\nid = "face"\nname = "Face"\n'
        '[[sinks]]\ntype = "influx"\nid = "county"\n'
        f'url = "{influxdb.url}"\ndatabase = "all"\nraw_database = "raw"\n')
    assert told(str(tmp_path / "site.toml"))[0] == 0
    assert durations(influxdb.url, "raw") == [["autogen", "2208h0m0s"]]
    assert durations(influxdb.url, "all") == [["autogen", "17520h0m0s"]]

"""The central stack: what `deploy/central.sh init` makes is used by a real broker; compose.yml has no default secret.
No container runs here."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests import servers
from tests.sinks.influx2 import TOKEN, influx2
from tests.sinks.stage import query

yaml = pytest.importorskip("yaml")
DEPLOY = Path(__file__).parents[2] / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yml").read_text(encoding="utf-8"))


def init(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    for name in ("openssl", "mosquitto_passwd"):
        servers.program(name)
    return subprocess.run(
        [DEPLOY / "central.sh", "init", *arguments],
        env={**os.environ, "DAVYLAMP_CENTRAL": str(folder)},
        capture_output=True,
        text=True,
    )


def test_every_service_is_pinned_healthy_durable_and_speaks_tls_only():
    assert set(COMPOSE["services"]) == {"mosquitto", "influxdb", "grafana"}
    for name, service in COMPOSE["services"].items():
        assert re.fullmatch(r"\S+:\d+\.\d+\.\d+", service["image"]), service["image"]
        assert service["healthcheck"]["test"] and service["restart"] == "unless-stopped"
        assert any(volume.split(":")[0] == name for volume in service["volumes"]) and name in COMPOSE["volumes"]
    assert [service["ports"][0] for service in COMPOSE["services"].values()] == ["8883:8883", "8086:8086", "3000:3000"]
    assert {"INFLUXD_TLS_CERT", "INFLUXD_TLS_KEY"} <= COMPOSE["services"]["influxdb"]["environment"].keys()
    assert COMPOSE["services"]["grafana"]["environment"]["GF_SERVER_PROTOCOL"] == "https"


def test_what_init_makes_is_kept_and_every_secret_is_another(tmp_path):
    assert init(tmp_path, "10.0.0.5", "duty@example.org", "depot", "works").returncode == 0
    made = ["influxdb/password", "influxdb/token", "grafana/password", "site-depot.password", "site-works.password"]
    secrets = {name: (tmp_path / name).read_text() for name in made}
    assert len(set(secrets.values())) == 5 and all(re.fullmatch(r"[0-9a-f]{48}", secret) for secret in secrets.values())
    env = (tmp_path / ".env").read_text()
    assert f"INFLUX_TOKEN={secrets['influxdb/token']}" in env and "ALERT_EMAIL=duty@example.org" in env
    assert not any(path.stat().st_mode & 0o077 for path in tmp_path.rglob("*") if path.is_file())
    assert init(tmp_path, "10.0.0.5", "duty@example.org", "depot", "third").returncode == 0
    assert (tmp_path / ".env").read_text() == env and {name: (tmp_path / name).read_text() for name in made} == secrets
    assert re.findall("user (.*)", (tmp_path / "mosquitto/acl").read_text()) == ["fleet", "depot", "works", "third"]


@pytest.mark.parametrize(("host", "named"), [
    ("10.0.0.5", "IP Address:10.0.0.5"), ("centre.example", "DNS:centre.example"),
    ("2001:db8::5", "IP Address:2001:DB8:0:0:0:0:0:5")])
def test_the_certificate_names_the_host_as_gateways_reach_it(tmp_path, host, named):
    assert init(tmp_path, host, "duty@example.org", "depot").returncode == 0
    shown = subprocess.run(["openssl", "x509", "-in", tmp_path / "tls/server.pem", "-noout", "-ext", "subjectAltName"],
                           capture_output=True, text=True)
    assert named in shown.stdout


def test_a_run_that_was_broken_off_leaves_no_site_without_a_password(tmp_path):
    (tmp_path / "site-depot.password").mkdir()
    assert init(tmp_path, "10.0.0.5", "duty@example.org", "depot").returncode != 0
    (tmp_path / "site-depot.password").rmdir()
    assert init(tmp_path, "10.0.0.5", "duty@example.org", "depot").returncode == 0
    assert re.fullmatch(r"[0-9a-f]{48}", (tmp_path / "site-depot.password").read_text())


def test_everything_that_the_containers_read_is_made_and_no_secret_has_a_default(tmp_path):
    """Every folder that is mounted, every file that is named, every variable that must be set."""
    assert init(tmp_path, "10.0.0.5", "duty@example.org", "depot").returncode == 0
    env = dict(line.split("=", 1) for line in (tmp_path / ".env").read_text().splitlines())
    text = (DEPLOY / "compose.yml").read_text()
    assert set(re.findall(r"\$\{(\w+):\?", text)) == env.keys() - {"COMPOSE_PROJECT_NAME"}
    named = 0
    for service in COMPOSE["services"].values():
        mounts = {}
        for volume in service["volumes"]:
            source, target, *mode = volume.split(":")
            if source.startswith("."):
                mounts[target] = tmp_path / Path(source).name if "central" in source else DEPLOY / source
                assert mounts[target].is_dir() and mode == ["ro"], volume
        for key, value in service.get("environment", {}).items():
            folder = next((folder for folder in mounts if str(value).startswith(folder + "/")), None)
            if folder is not None:
                assert (mounts[folder] / value[len(folder) + 1:]).is_file(), value
                named += 1
            elif re.search("PASSWORD|TOKEN", key):
                assert value == "" or re.search(r"\$\{\w+:\?", value), f"{key} has a default"
    assert named == 8
    conf = (tmp_path / "mosquitto/mosquitto.conf").read_text()
    for path in re.findall(r"/mosquitto/config/(\S+)", conf):
        assert (tmp_path / "mosquitto" / path).is_file(), path


def test_compose_itself_takes_the_file(tmp_path):
    """Debian's docker-compose holds it against the schema of the compose specification and fills it in; no daemon."""
    program = servers.program("docker-compose")
    assert init(tmp_path, "10.0.0.5", "duty@example.org", "depot").returncode == 0
    done = subprocess.run([program, "--env-file", tmp_path / ".env", "-f", DEPLOY / "compose.yml", "config"],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    services = yaml.safe_load(done.stdout)["services"]
    assert services.keys() == COMPOSE["services"].keys()
    token = (tmp_path / "influxdb/token").read_text()
    assert services["grafana"]["environment"]["DAVYLAMP_INFLUX_TOKEN"] == f"Token {token}"


@pytest.mark.parametrize("arguments", [
    (), ("host",), ("host", "nobody", "depot"), ("host", "a@b.c", "de pot"), ("host", "a@b.c", "#"),
    ("host", "a@b.c", "admin")])
def test_init_refuses_what_it_can_not_use(tmp_path, arguments):
    done = init(tmp_path, *arguments)
    assert done.returncode in (1, 2) and done.stderr and not (tmp_path / ".env").exists()


def test_a_site_writes_and_reads_its_own_topics_and_no_others_by_tls(tmp_path):
    assert init(tmp_path, "127.0.0.1", "duty@example.org", "depot", "works").returncode == 0
    port, conf = servers.free_port(), tmp_path / "broker.conf"
    text = (tmp_path / "mosquitto/mosquitto.conf").read_text()
    text = text.replace("8883", f"{port} 127.0.0.1").replace("/mosquitto/config", str(tmp_path / "mosquitto"))
    conf.write_text(text.replace("persistence true", "persistence false") + "\nuser root\n")

    def client(program: str, site: str, *more: str, by_tls: bool = True) -> subprocess.Popen:
        ca = ["--cafile", tmp_path / "tls/ca.pem"] if by_tls else []
        command = [servers.program(program), "-h", "127.0.0.1", "-p", str(port), *ca, "-q", "1", "-u", site, *more]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def told(site: str, topic: str, what: str, **more) -> int:
        password = (tmp_path / f"site-{site}.password").read_text()
        return client("mosquitto_pub", site, "-P", password, "-t", topic, "-m", what, "-r", **more).wait(20)

    with servers.running([servers.program("mosquitto"), "-c", str(conf)], port, tmp_path):
        assert told("works", "davylamp/works/x", "of another") == told("works", "davylamp/depot/x", "forged") == 0
        password = (tmp_path / "site-depot.password").read_text()
        listens = client("mosquitto_sub", "depot", "-P", password, "-t", "#", "-t", "davylamp/works/#", "-C", "1",
                         "-W", "30")
        assert told("depot", "davylamp/depot/x", "own") == 0
        assert listens.communicate(timeout=40)[0].strip() == "own"
        assert client("mosquitto_pub", "depot", "-P", "wrong", "-t", "davylamp/depot/x", "-m", "no").wait(20)
        assert told("depot", "davylamp/depot/x", "in clear", by_tls=False)


def disk(*arguments: object) -> subprocess.CompletedProcess:
    servers.program("curl")
    return subprocess.run([DEPLOY / "central-disk.sh", *map(str, arguments)], capture_output=True, text=True)


def test_the_central_machine_says_how_full_its_disk_is(influxdb, tmp_path):
    """To a real 1.x, and, by the same API, to a stand-in of 2.x; what refuses it is told."""
    (tmp_path / "secret").write_text(TOKEN)
    query(influxdb.url, "CREATE DATABASE davylamp")
    done = disk(influxdb.url, "davylamp", tmp_path, "centre", tmp_path / "secret")
    assert done.returncode == 0, done.stderr
    (series,) = query(influxdb.url, "SELECT centre, disk_free_bytes, disk_bytes FROM centre")
    ((_, centre, free, size),) = series["values"]
    there = os.statvfs(tmp_path)
    assert centre == os.uname().nodename and size == there.f_frsize * there.f_blocks and 0 < free < size
    with influx2() as stub:
        assert disk(stub.url, "davylamp", tmp_path, "-", tmp_path / "secret").returncode == 0
        ((database, line),) = stub.written
        assert database == "davylamp" and re.fullmatch(
            rf"centre,centre={centre} disk_free_bytes=\d+i,disk_bytes={size}i", line)
        (tmp_path / "secret").write_text("wrong")
        done = disk(stub.url, "davylamp", tmp_path, "-", tmp_path / "secret")
        assert done.returncode != 0 and "401" in done.stderr
    assert disk(influxdb.url, "nowhere", tmp_path, "centre", tmp_path / "secret").returncode != 0

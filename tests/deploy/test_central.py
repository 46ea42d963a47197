"""The central stack: what `deploy/central.sh init` makes is used by a real broker; compose.yml has no default secret.
No container runs here."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests import servers

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


def test_every_service_is_pinned_healthy_durable_and_has_no_default_secret():
    assert set(COMPOSE["services"]) == {"mosquitto", "influxdb", "grafana"}
    for name, service in COMPOSE["services"].items():
        assert re.fullmatch(r"\S+:\d+\.\d+\.\d+", service["image"]), service["image"]
        assert service["healthcheck"]["test"] and service["restart"] == "unless-stopped"
        assert any(volume.split(":")[0] == name for volume in service["volumes"]) and name in COMPOSE["volumes"]
        for key, value in service.get("environment", {}).items():
            secret = "PASSWORD" in key or "TOKEN" in key
            assert not secret or value == "" or re.search(r"\$\{\w+:\?", value), f"{key} has a default"


def test_what_init_makes_is_kept_and_every_secret_is_another(tmp_path):
    assert init(tmp_path, "10.0.0.5", "duty@example.org", "depot", "works").returncode == 0
    env = (tmp_path / ".env").read_text()
    secrets = re.findall(r"(?:PASSWORD|TOKEN)=(\w{48})", env)
    secrets += [(tmp_path / f"site-{name}.password").read_text() for name in ("depot", "works")]
    assert len(set(secrets)) == 5 and "ALERT_EMAIL=duty@example.org" in env
    assert not any(path.stat().st_mode & 0o077 for path in (tmp_path / ".env", tmp_path / "grafana/server.key"))
    asked = {found for path in (DEPLOY / "compose.yml",) for found in re.findall(r"\$\{(\w+):\?", path.read_text())}
    assert asked == set(re.findall(r"^(\w+)=", env, re.M))
    assert init(tmp_path, "10.0.0.5", "duty@example.org", "depot", "third").returncode == 0
    assert (tmp_path / ".env").read_text() == env
    assert re.findall("user (.*)", (tmp_path / "mosquitto/acl").read_text()) == ["depot", "works", "third"]


@pytest.mark.parametrize(
    "arguments", [(), ("host",), ("host", "nobody", "depot"), ("host", "a@b.c", "de pot"), ("host", "a@b.c", "#")]
)
def test_init_refuses_what_it_can_not_use(tmp_path, arguments):
    done = init(tmp_path, *arguments)
    assert done.returncode in (1, 2) and done.stderr and not (tmp_path / ".env").exists()


def test_a_site_writes_its_own_topics_and_no_others(tmp_path):
    assert init(tmp_path, "127.0.0.1", "duty@example.org", "depot", "works").returncode == 0
    port, conf = servers.free_port(), tmp_path / "broker.conf"
    text = (tmp_path / "mosquitto/mosquitto.conf").read_text()
    text = text.replace("8883", f"{port} 127.0.0.1").replace("/mosquitto/config", str(tmp_path / "mosquitto"))
    conf.write_text(text.replace("persistence true", "persistence false") + "\nuser root\n")

    def client(program: str, site: str, password: str, *more: str) -> subprocess.Popen:
        return subprocess.Popen(
            [
                servers.program(program),
                "-h",
                "127.0.0.1",
                "-p",
                str(port),
                "--cafile",
                tmp_path / "tls/ca.pem",
                "-q",
                "1",
                "-u",
                site,
                "-P",
                password,
                *more,
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def password(site: str) -> str:
        return (tmp_path / f"site-{site}.password").read_text()

    with servers.running([servers.program("mosquitto"), "-c", str(conf)], port, tmp_path):
        listens = client(
            "mosquitto_sub", "depot", password("depot"), "-t", "#", "-t", "davylamp/works/#", "-C", "1", "-W", "30"
        )
        own = ("-t", "davylamp/depot/x", "-m", "own", "-r")
        assert (
            client("mosquitto_pub", "works", password("works"), "-t", "davylamp/depot/x", "-m", "stolen", "-r").wait(20)
            == 0
        )
        assert client("mosquitto_pub", "depot", password("depot"), *own).wait(20) == 0
        assert listens.communicate(timeout=40)[0].strip() == "own"
        assert client("mosquitto_pub", "depot", "wrong", *own).wait(20) != 0

"""The installed broker lets nobody in without a name, and a device writes its own topics only: a real mosquitto."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.servers import free_port, mosquitto, program, running

MOSQUITTO = Path(__file__).parent.parent.parent / "deploy" / "mosquitto"


@pytest.fixture
def broker(tmp_path):
    """As the installer configures it, but for port, folder and TLS."""
    if os.geteuid():
        pytest.skip("the names and passwords of the broker are root's")
    program("mosquitto_passwd")
    folder = tmp_path / "broker"
    folder.mkdir()
    tmp_path.chmod(0o755)
    shutil.copy(MOSQUITTO / "acl", folder)
    port = free_port()
    conf = (MOSQUITTO / "listeners.conf").read_text(encoding="utf-8").replace("1883", str(port))
    (folder / "mosquitto.conf").write_text(f"user root\n{conf.replace('/etc/mosquitto/davylamp', str(folder))}")
    client(folder, "--gateway", secret="the gateway's own")
    with running([program("mosquitto"), "-c", str(folder / "mosquitto.conf")], port, tmp_path) as server:
        yield folder, server


def client(folder: Path, *arguments: str, secret: str = "") -> str:
    done = subprocess.run(["sh", str(MOSQUITTO / "davylamp-broker-client"), *arguments], capture_output=True, text=True,
                          input=secret + "\n", env={**os.environ, "DAVYLAMP_BROKER": str(folder), "LANG": "C"})
    assert done.returncode == 0, done.stderr
    return done.stdout


def publish(port: int, topic: str, *login: str) -> int:
    """Exit status of mosquitto_pub; with protocol 5 the broker says that a topic is refused."""
    return subprocess.run([program("mosquitto_pub"), "-V", "5", "-p", str(port), "-q", "1", "-t", topic, "-m", "1",
                           *login], capture_output=True).returncode


def heard(port: int, topics: list[str], *login: str) -> subprocess.Popen:
    return subprocess.Popen([program("mosquitto_sub"), "-p", str(port), "-v", *login,
                             *(part for topic in topics for part in ("-t", topic))], stdout=subprocess.PIPE, text=True)


def test_nobody_without_a_name_and_a_device_writes_its_own_topics_only(broker):
    folder, server = broker
    said = client(folder, "gw-7", "depot/gas", "depot/level/+")
    password = re.search(r"shown this once\): (\S+)", said)[1]
    server.process.send_signal(1)
    device, gateway = ("-u", "gw-7", "-P", password), ("-u", "davylamp", "-P", "the gateway's own")
    assert publish(server.port, "depot/gas") != 0
    assert publish(server.port, "depot/gas", "-u", "gw-7", "-P", "guessed") != 0
    listener = heard(server.port, ["#"], *gateway)
    try:
        while publish(server.port, "davylamp/x/heartbeat", "-r", *gateway):
            pass
        assert listener.stdout.readline()  # retained: it comes, however late the listener subscribed
        for topic in ("depot/gas", "depot/level/T-101", "depot/other", "davylamp/x/heartbeat"):
            publish(server.port, topic, *device)
        publish(server.port, "depot/gas", *gateway)
        publish(server.port, "davylamp/end", *gateway)
        lines = []
        while not lines or not lines[-1].startswith("davylamp/end"):
            lines.append(listener.stdout.readline())
    finally:
        listener.terminate()
        listener.wait()
    assert [line.split()[0] for line in lines if "heartbeat" not in line] == [
        "depot/gas", "depot/level/T-101", "davylamp/end"]
    assert "password" not in (folder / "passwd").read_text() and password not in (folder / "passwd").read_text()


def test_a_removed_device_is_gone_and_the_others_stay(broker):
    folder, _ = broker
    client(folder, "gw-7", "depot/gas")
    client(folder, "gw-8", "depot/level")
    client(folder, "gw-7", "depot/flow")
    assert "depot/gas" not in (folder / "acl").read_text() and "depot/flow" in (folder / "acl").read_text()
    client(folder, "--remove", "gw-7")
    names = [line.split(":")[0] for line in (folder / "passwd").read_text().split()]
    assert names == ["davylamp", "gw-8"]
    assert "gw-7" not in (folder / "acl").read_text() and "user davylamp" in (folder / "acl").read_text()


def test_the_line_to_a_centre_needs_no_name_at_this_broker(broker, tmp_path):
    """The bridge is a file in conf.d, and what the gateway reports goes out through it."""
    folder, server = broker
    server.stop()
    steps = (MOSQUITTO.parent / "install" / "steps.sh").read_text(encoding="utf-8")
    assert 'include_dir $broker/conf.d"' in steps and '"$broker/conf.d"' in steps
    (folder / "conf.d").mkdir()
    with mosquitto(tmp_path) as centre:
        bridge = (MOSQUITTO.parent / "mosquitto-bridge.conf").read_text(encoding="utf-8")
        bridge = bridge.replace("CENTRE:8883", f"127.0.0.1:{centre.port}").replace("SITE", "x")
        (folder / "conf.d" / "bridge.conf").write_text(re.sub(r"(?m)^bridge_(ca|cert|key)file.*$", "", bridge))
        conf = folder / "mosquitto.conf"
        conf.write_text(f"{conf.read_text()}\ninclude_dir {folder}/conf.d\n")
        listener = heard(centre.port, ["davylamp/x/report"])
        try:
            with running([program("mosquitto"), "-c", str(conf)], server.port, tmp_path):
                assert publish(server.port, "davylamp/x/report", "-u", "davylamp", "-P", "the gateway's own") == 0
                assert listener.stdout.readline().split() == ["davylamp/x/report", "1"]
        finally:
            listener.terminate()
            listener.wait()


@pytest.mark.parametrize("arguments", [("davylamp", "x"), ("gw-7",), ("gw-7", "#"), ("gw-7", "davylamp/site"),
                                       ("gw:7", "x"), ("--remove", "davylamp")])
def test_what_would_open_the_broker_is_refused(broker, arguments):
    folder, _ = broker
    before = (folder / "acl").read_text(), (folder / "passwd").read_text()
    done = subprocess.run(["sh", str(MOSQUITTO / "davylamp-broker-client"), *arguments], capture_output=True, text=True,
                          env={**os.environ, "DAVYLAMP_BROKER": str(folder)})
    assert done.returncode == 1 and done.stderr
    assert ((folder / "acl").read_text(), (folder / "passwd").read_text()) == before

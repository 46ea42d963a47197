"""`davylamp demo`: the story as a newcomer watches it, in real time, over real sockets."""

from __future__ import annotations

import json
import socket
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gateway.app import load
from gateway.demo import SCENARIO
from gateway.replay.run import run
from gateway.store import Recording
from tests import servers
from tests.acceptance.processes import DAVYLAMP, ROOT, davylamp, eventually, free_ports, get, program
from tests.servers import free_port

# The story of `make demo` in half of its time: the same steps, less waiting between them and a larger leak.
SOONER = {"at = 20": "at = 4", "rate = 340": "rate = 500", "for = 75": "for = 22", "at = 60": "at = 29",
          "for = 35": "for = 18", "at = 75": "at = 33", "for = 20": "for = 12", "at = 95": "at = 47",
          "at = 115": "at = 50", "at = 140": "at = 58", "at = 145": "at = 59"}


def shorter(scenario: Path, into: Path) -> Path:
    lines = scenario.read_text(encoding="utf-8").splitlines()
    assert set(SOONER) <= set(lines), "the story has changed"
    into.write_text("\n".join(SOONER.get(line, line) for line in lines), encoding="utf-8")
    return into


@pytest.mark.timeout(300)
def test_the_story_of_a_leak(tmp_path):
    page, modbus, mqtt = free_port(), free_ports(4), free_port()
    with program(*DAVYLAMP, "demo", "--port", str(page), "--modbus-port", str(modbus), "--mqtt-port", str(mqtt),
                 "--data", str(tmp_path), "--scenario", str(shorter(SCENARIO, tmp_path / "leak.toml"))) as demo:
        demo.wait_for(f"http://127.0.0.1:{page}")
        eventually(lambda: all(device["online"] for device in get(page, "/api/v1/health")["devices"]), "devices online")
        assert get(page, "/api/v1/alarms")["alarms"] == [], "normal operation is quiet"

        assert "rising fast" in demo.wait_for("ALARM   P3 GD-03")
        assert " high " in demo.wait_for("ALARM   P2 GD-03")
        assert "high-high" in demo.wait_for("ALARM   P1 GD-03")
        assert "high-high" in demo.wait_for("PAGE    P1 GD-03")
        demo.wait_for("FIELD   The simulated certified system commands shut-down")
        demo.wait_for("ALARM   P1 North shut-down")
        assert "confirmed after" in demo.wait_for("XV-101.closed == 1")
        assert "not confirmed within 8 s" in demo.wait_for("XV-102.closed == 1")
        demo.wait_for("ALARM   P2 Pump house: work goes on without video")
        demo.wait_for("ALARM   P1 Loading bay: gas zone is blind")
        gd06 = next(row for row in get(page, "/api/v1/signals")["signals"] if row["id"] == "GD-06")
        assert (gd06["quality"]["severity"], gd06["value"]) == ("bad", None)
        assert get(page, "/api/v1/alarms")["risk"] == "red"

        done = davylamp("ack", "GD-03/HH", "--name", "Li Wei", "--comment", "on site",
                        "--url", f"http://127.0.0.1:{page}")
        assert done.returncode == 0, done.stderr
        assert "acknowledged by Li Wei (name not verified)" in done.stdout

        demo.wait_for("ended   Loading bay: gas zone is blind")
        demo.wait_for("ended   Pump house: work goes on without video")
        demo.wait_for("ended   GD-03 Tank farm: Detector bund drain high-high")
        demo.wait_for("ended   GD-03 Tank farm: Detector bund drain high")
        states = {alarm["id"]: alarm["state"] for alarm in get(page, "/api/v1/alarms")["alarms"]}
        assert "GD-03/HH" not in states, "acknowledged and over: normal"
        assert states["GD-03/H"] == states["esd-north"] == states["loading_bay/blind"] == "returned"

        assert demo.stop() == 0
        assert "runs again" in demo.lines[-1]
        assert demo.errors == [line for line in demo.errors if "WARNING" in line], "no traceback on the way"
    for port in (page, mqtt, *range(modbus, modbus + 4)):
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0, "everything it started is stopped"
    replayed = run(load(ROOT / "deploy" / "sites" / "depot.toml").site_file.site, Recording(tmp_path / "telemetry"))
    assert journal(tmp_path / "alarms.db") == sorted(
        (one.line_ns, one.alarm, str(one.event)) for one in replayed.transitions), "one engine, live and replayed"


def journal(alarms: Path) -> list[tuple[int, str, str]]:
    """What the detectors said, as it was recorded live: (line time, alarm, event)."""
    with closing(sqlite3.connect(alarms)) as base:
        rows = [(alarm, json.loads(body)) for alarm, body in base.execute(
            "SELECT alarm, body FROM journal WHERE kind = 'transition'")]
    return sorted((row["line_ns"], alarm, row["event"]) for alarm, row in rows
                  if row["event"] != "acknowledge" and not alarm.startswith("gateway/"))


@pytest.mark.parametrize("broker", ["mosquitto", "amqtt"])
def test_either_broker_carries_the_field(broker, tmp_path):
    """amqtt stands in where mosquitto is not installed."""
    if broker == "mosquitto":
        servers.program("mosquitto")
    page = free_port()
    with program(*DAVYLAMP, "demo", "--broker", broker, "--port", str(page), "--modbus-port", str(free_ports(4)),
                 "--mqtt-port", str(free_port()), "--data", str(tmp_path)) as demo:
        demo.wait_for(broker)
        demo.wait_for(f"http://127.0.0.1:{page}")
        eventually(lambda: all(device["online"] for device in get(page, "/api/v1/health")["devices"]), "devices online")
        good = eventually(lambda: [row["id"] for row in get(page, "/api/v1/signals")["signals"]
                                   if row["quality"]["severity"] == "good" and row["id"] == "P-102.P"], "a value")
        assert good == ["P-102.P"]
        assert demo.stop() == 0


@pytest.mark.parametrize("option", ["--port", "--mqtt-port", "--modbus-port"])
def test_a_taken_port_is_named_with_its_option(option, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        free = {"--port": free_port(), "--mqtt-port": free_port(), "--modbus-port": free_ports(4)} | {option: port}
        done = davylamp("demo", *(str(part) for pair in free.items() for part in pair), "--data", str(tmp_path))
    assert done.returncode == 1
    assert f"port {port} is taken" in done.stderr and option in done.stderr

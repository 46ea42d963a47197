"""`python -m simulators` as a person or a program starts it."""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time

import pytest

from simulators.__main__ import main
from tests import servers
from tests.simulators.conftest import ROOT

ALONE = ("--modbus-port", "0", "--no-mqtt")


class Hand:
    """A connection to the control port."""

    def __init__(self, port: int):
        self._socket = socket.create_connection(("127.0.0.1", port), 30)
        self._lines = self._socket.makefile("r")

    def __call__(self, line: str) -> dict:
        self._socket.sendall(line.encode() + b"\n")
        return json.loads(self._lines.readline())

    def __enter__(self):
        return self

    def __exit__(self, *_) -> None:
        self._lines.close()
        self._socket.close()


class Reader:
    """A Modbus TCP client for holding registers."""

    def __init__(self, port: int):
        self._socket = socket.create_connection(("127.0.0.1", port), 30)

    def __call__(self, address: int, count: int) -> bytes:
        self._socket.sendall(struct.pack(">HHHBBHH", 1, 0, 6, 1, 3, address, count))
        answer = b""
        while len(answer) < 9 + 2 * count:
            answer += self._socket.recv(4096)
        return answer[9:]

    def __enter__(self):
        return self

    def __exit__(self, *_) -> None:
        self._socket.close()


def test_it_says_where_everything_is_once_everything_is_open(simulators, tmp_path):
    command = simulators(*ALONE, "--serial", str(tmp_path / "tty"), "--rtu-tcp", "0", "--control", "0")
    ready = command.wait_for("ready")
    assert [row["device"] for row in ready["modbus_tcp"]] == ["gas-controller", "meter-p101", "plc", "probe-gd06"]
    for port in [row["port"] for row in ready["modbus_tcp"]] + [ready["rtu_tcp"]["port"], ready["control"]["port"]]:
        socket.create_connection(("127.0.0.1", port), 30).close()
    assert (tmp_path / "tty").is_char_device()
    assert ready["serial"]["units"] == {"1": "gas-controller", "2": "meter-p101", "3": "plc", "4": "probe-gd06"}
    assert ready["mqtt"] is None
    assert command.stop() == 0
    assert not (tmp_path / "tty").is_symlink()


def test_the_story_is_told_in_both_languages_as_json(simulators):
    command = simulators(*ALONE, "--scenario", "depot_leak", "--speed", "100")
    said = [command.wait_for("say") for _ in range(12)]
    assert [line["elapsed"] for line in said] == sorted(line["elapsed"] for line in said)
    assert "leak" in said[1]["en"] and "泄漏" in said[1]["zh"]
    assert command.wait_for("end")["elapsed"] == 150.0
    command.process.terminate()
    assert command.wait_for("summary")["writes_refused"] == 0


@pytest.mark.parametrize(("language", "words"), [("en", ("is up", "A normal shift", "Stopped.")),
                                                 ("zh", ("已启动", "正常班次", "已停止"))])
def test_a_person_reads_it_in_their_language_and_stops_it_with_ctrl_c(language, words):
    process = subprocess.Popen([sys.executable, "-m", "simulators", *ALONE, "--lang", language], cwd=ROOT, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "PYTHONUTF8": "1"})
    lines = []
    while not any(words[1] in line for line in lines):
        lines.append(process.stdout.readline())
        assert lines[-1], process.stderr.read()
    process.send_signal(signal.SIGINT)
    rest, complaints = process.communicate(timeout=30)
    told = "".join(lines) + rest
    assert all(word in told for word in words)
    assert (process.returncode, complaints) == (0, "")


def test_a_taken_port_is_named_with_its_option_and_its_cure(simulators):
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        port = squatter.getsockname()[1]
        command = simulators("--no-mqtt", "--modbus-port", str(port - 1))
        error = command.wait_for("error")
        assert command.process.wait(30) == 2
        assert error["where"] == f"--modbus-port {port - 1} (meter-p101)"
        assert f"port {port} is taken" in error["what"]["en"] and f"端口 {port} 已被" in error["what"]["zh"]
        assert "choose another port" in error["fix"]["en"] and "换一个端口" in error["fix"]["zh"]
        assert f"port {port} is taken" in command.process.stderr.read()

        error = simulators(*ALONE, "--control", str(port)).wait_for("error")
        assert error["where"] == "--control"


@pytest.mark.parametrize(("arguments", "message"), [
    (["--scenario", "depot_laek"], 'unknown scenario "depot_laek". Fix: did you mean "depot_leak"?'),
    (["--scenario", "nowhere/story.toml"], "can not be read"),
    (["--signals", "10", "--devices", "11"], "--devices: 10 signals do not spread over 11 devices"),
    (["--signals", "40000"], "at most 65536 registers"),
    (["--modbus-port", "65534"], "--modbus-port: 4 devices do not fit above port 65534"),
])
def test_what_can_not_be_done_is_refused_before_anything_is_opened(arguments, message, capsys):
    assert main([*arguments, "--no-mqtt", "--lang", "en"]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--modbus-port", "x"], ["--modbus-port", "70000"], ["--mqtt", "localhost"],
                                       ["--mqtt", "localhost:mqtt"], ["--speed", "0"], ["--signals", "-3"]])
def test_a_value_that_makes_no_sense_is_refused_by_its_option(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert f"argument {arguments[0]}" in capsys.readouterr().err


def test_it_ends_with_the_program_that_started_it(simulators):
    command = simulators(*ALONE, "--until-stdin-closes", stdin=subprocess.PIPE)
    command.wait_for("ready")
    command.process.stdin.close()
    command.wait_for("summary")
    assert command.process.wait(30) == 0


def test_a_missing_broker_is_told_once_and_does_not_hold_up_the_rest(simulators):
    command = simulators("--modbus-port", "0", "--mqtt", f"127.0.0.1:{servers.free_port()}")
    for publisher in ("frigate", "fan-01", "shelly-p102"):
        told = command.wait_for("mqtt", publisher=publisher)
        assert told["connected"] is False and told["reason"]
    assert command.wait_for("ready")["mqtt"]["publishers"] == ["frigate", "fan-01", "shelly-p102"]


def test_a_thousand_signals_on_four_devices_change_once_a_second(simulators):
    command = simulators(*ALONE, "--signals", "1000", "--devices", "4")
    ports = [row["port"] for row in command.wait_for("ready")["modbus_tcp"]]
    assert len(ports) == 4
    with Reader(ports[3]) as read:
        before = struct.unpack(">50f", read(400, 100))
        assert all(0 <= value <= 1000 for value in before) and len(set(before)) == 50
        deadline = time.monotonic() + 30
        while (after := struct.unpack(">50f", read(400, 100))) == before:
            assert time.monotonic() < deadline, "nothing changed"
            time.sleep(0.05)
        assert all(a != b for a, b in zip(after, before, strict=True))


@pytest.mark.parametrize(("kind", "format", "address"), [("float32", ">f", 12), ("uint16", ">H", 6)])
def test_a_register_is_written_at_a_known_instant(simulators, kind, format, address):
    command = simulators(*ALONE, "--signals", "100", "--type", kind, "--control", "0")
    ready = command.wait_for("ready")
    with Hand(ready["control"]["port"]) as hand, Reader(ready["modbus_tcp"][0]["port"]) as read:
        asked = time.monotonic_ns()
        answer = hand(f"set dev-0 holding {address} 777")
        assert answer["ok"] and asked <= answer["monotonic_ns"] <= time.monotonic_ns()
        assert struct.unpack(format, read(address, struct.calcsize(format) // 2)) == (777,)
        assert hand(f"free dev-0 holding {address}")["ok"]
        assert struct.unpack(format, read(address, struct.calcsize(format) // 2)) != (777,)
        counted = hand("counts")["devices"]["dev-0"]
        assert (counted["requests"], counted["writes_refused"]) == (2, 0)


def test_a_fault_can_be_called_while_it_runs(simulators):
    command = simulators(*ALONE, "--control", "0")
    with Hand(command.wait_for("ready")["control"]["port"]) as hand:
        assert hand('do {"do": "dead_slave", "target": "plc", "for": 0.4}')["ok"]
        assert command.wait_for("fault", fault="dead_slave")["target"] == "plc"
        assert command.wait_for("over")["fault"] == "dead_slave"


@pytest.mark.parametrize(("line", "message"), [
    ("set nobody holding 0 1", 'unknown device "nobody"'),
    ("set plc input 99 1", 'unknown point of this device "input:99"'),
    ("set plc input two 1", "is not a command"),
    ("sing", "is not a command"),
    ("", "is not a command"),
    ("do {", "is not a command"),
    ("do 5", "is not a command"),
    ("do {}", "does nothing"),
    ('do {"do": "laek"}', 'did you mean "leak"'),
])
def test_a_command_with_a_mistake_is_answered_and_the_next_one_works(simulators, line, message):
    command = simulators(*ALONE, "--control", "0")
    with Hand(command.wait_for("ready")["control"]["port"]) as hand:
        answer = hand(line)
        assert not answer["ok"] and message in answer["error"]["en"] and answer["error"]["zh"]
        assert hand("set plc input 2 6.0")["ok"]


def test_the_table_of_faults_can_be_printed(capsys):
    assert main(["--list-faults"]) == 0
    assert "| `leak` | detector (`near`)" in capsys.readouterr().out

"""A gas channel that says of itself that it does not work: simulator, socket, gateway, page."""

from __future__ import annotations

import json
import socket

from tests.acceptance.processes import DAVYLAMP, davylamp, eventually, free_ports, get, program
from tests.servers import free_port

SITE = """
[site]
id = "yard"
name = "Yard"
timezone = "Asia/Shanghai"

[kinds.combustible_gas.status_values]
normal = [0, 1, 2]
fault = [3]
out_of_service = [4, 5, 6, 9]
over_range = [7]

[[signals]]
id = "GD-01"
kind = "combustible_gas"
low = 0
high = 100
limits = {{ H = {{ value = 20, off_delay = "0s" }}, HH = {{ value = 40, off_delay = "0s", latch = false }} }}
status_signal = "GD-01.status"

[[signals]]
id = "GD-01.status"
kind = "status"
labels = {{ 6 = {{ en = "calibration", zh = "标定" }} }}

[[sources]]
id = "gas"
type = "modbus"
host = "127.0.0.1"
port = {modbus}

[[sources.devices]]
id = "head"
period = "200ms"
timeout = "200ms"
points = [
    {{ signal = "GD-01", table = "holding", address = 0, type = "int16", scale = 0.1, fault_values = [0x8000] }},
    {{ signal = "GD-01.status", table = "holding", address = 1 }},
]

[store]
folder = "data"

[api]
port = {page}
"""


def test_calibration_fault_and_over_range_of_a_gas_channel(tmp_path):
    modbus, control, page = free_ports(4), free_port(), free_port()
    (tmp_path / "yard.toml").write_text(SITE.format(modbus=modbus, page=page), encoding="utf-8")

    def tell(command: str) -> None:
        with socket.create_connection(("127.0.0.1", control), 10) as line:
            line.sendall(f"{command}\n".encode())
            assert b'"ok":true' in line.recv(1000)

    def do(**step: str) -> None:
        tell(f"do {json.dumps(step)}")

    def active() -> set[str]:
        found = get(page, "/api/v1/alarms")["alarms"]
        return {alarm["id"] for alarm in found if alarm["active"] and alarm["origin"] != "gateway"}

    def reading() -> dict:
        return next(signal for signal in get(page, "/api/v1/signals")["signals"] if signal["id"] == "GD-01")

    with (program(DAVYLAMP[0], "-m", "simulators", "--no-mqtt", "--modbus-port", str(modbus), "--control", str(control),
                  "--story-json", "--until-stdin-closes") as simulator,
          program(*DAVYLAMP, "run", str(tmp_path / "yard.toml"))):
        simulator.wait_for('"ready"')
        eventually(lambda: reading()["quality"]["severity"] == "good", "a good reading")

        do(do="service", target="GD-01", state="calibration")
        eventually(lambda: active() == {"GD-01/inhibit", "site/blind"}, "out of service, and announced")
        tell("set gas-controller holding 0 50")
        eventually(lambda: reading()["value"] == 50, "calibration gas")
        assert reading()["quality"]["label"]["en"] == "sensor not in normal service"
        assert active() == {"GD-01/inhibit", "site/blind"}, "it raises no limit"
        alarm = next(alarm for alarm in get(page, "/api/v1/alarms")["alarms"] if alarm["id"] == "GD-01/inhibit")
        assert alarm["evidence"][0]["note"]["en"] == "calibration: the instrument is out of service"

        do(do="restore", target="GD-01")
        eventually(lambda: active() == {"GD-01/H", "GD-01/HH"}, "gas that is still there when it is back in service")
        tell("free gas-controller holding 0")
        eventually(lambda: active() == set(), "the end of all")

        tell("set gas-controller holding 1 3")
        eventually(lambda: active() == {"GD-01/invalid", "site/blind"}, "a fault whose number is a harmless one")
        assert reading()["quality"]["severity"] == "bad"
        tell("set gas-controller holding 1 7")
        eventually(lambda: {"GD-01/H", "GD-01/HH"} <= active(), "over range is danger, whatever the number")
        tell("free gas-controller holding 1")
        eventually(lambda: active() == {"GD-01/over-range"}, "what was beyond the range waits for a person")
        done = davylamp("ack", "GD-01/over-range", "--name", "Li", "--url", f"http://127.0.0.1:{page}")
        assert done.returncode == 0, done.stderr
        eventually(lambda: active() == set(), "the end of all")
